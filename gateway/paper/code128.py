"""Code 128 (ISO/IEC 15417): a text becomes bars and spaces, in as few symbol characters as it can.

Printable ASCII is written in code set B, pairs of digits in set C. A GS1-128 symbol (GS1 General Specifications, chapter 5.4)
begins with FNC1, which also ends each element string without a predefined length.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

FNC1: Final = "\x1d"
"""In a text: the function character, which scanners send as the group separator."""
QUIET: Final = 10
"""Modules without ink that a scanner needs before and after the bars."""

_FNC1_VALUE: Final = 102
_START: Final[dict[str, int]] = {"B": 104, "C": 105}
_SWITCH: Final[dict[str, int]] = {"B": 100, "C": 99}
_STOP: Final = 106
_WIDTHS: Final = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122"
    " 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323"
    " 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131"
    " 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122"
    " 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112"
    " 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141"
    " 411131 211412 211214 211232 2331112"
).split()
"""Of each symbol character: bars and spaces in turn, in modules."""

CodeSet = Literal["B", "C"]
_SETS: Final[tuple[CodeSet, ...]] = ("B", "C")
Sign = tuple[CodeSet, str]
"""What one symbol character of the text says, and in which set: a character, two digits, or FNC1."""


def fits(text: str) -> bool:
    """Tell whether Code 128 can say a text: printable ASCII, and FNC1."""
    return bool(text) and all(sign == FNC1 or " " <= sign <= "~" for sign in text)


def signs(text: str) -> tuple[Sign, ...]:
    """Return the fewest symbol characters that say a text which fits; between two of different sets comes a switch."""
    rest: dict[tuple[int, CodeSet], tuple[int, tuple[Sign, ...]]] = {
        (len(text), "B"): (0, ()),
        (len(text), "C"): (0, ()),
    }
    for at in reversed(range(len(text))):
        for code_set in _SETS:
            ways = (_way(rest, at, code_set, sign) for sign in _next(text, at))
            rest[at, code_set] = min(ways, key=_length)
    return min((rest[0, code_set] for code_set in _SETS), key=_length)[1]


def modules(text: str) -> tuple[bool, ...]:
    """Return the modules of a symbol, True where there is ink, quiet zones left out.

    Raises:
        ValueError: Code 128 cannot say the text.
    """
    if not fits(text):
        raise ValueError("Code 128 says printable ASCII alone")
    values = _values(signs(text))
    check = (values[0] + sum(place * value for place, value in enumerate(values))) % 103
    widths = "".join(_WIDTHS[value] for value in (*values, check, _STOP))
    return tuple(ink % 2 == 0 for ink, width in enumerate(widths) for _ in range(int(width)))


def _way(
    rest: Mapping[tuple[int, CodeSet], tuple[int, tuple[Sign, ...]]], at: int, code_set: CodeSet, sign: Sign
) -> tuple[int, tuple[Sign, ...]]:
    """Return how many symbol characters a text takes from here on if this one comes first, and which."""
    used, said = sign
    length, others = rest[at + len(said), used]
    return 1 + (used != code_set) + length, (sign, *others)


def _length(way: tuple[int, tuple[Sign, ...]]) -> int:
    return way[0]


def _next(text: str, at: int) -> list[Sign]:
    """Return what the next symbol character may say."""
    if text[at] == FNC1:
        return [("B", FNC1), ("C", FNC1)]
    pair = text[at : at + 2]
    both: list[Sign] = [("B", text[at])]
    return [*both, ("C", pair)] if len(pair) == 2 and pair.isdigit() else both


def _values(said: Sequence[Sign]) -> list[int]:
    code_set = said[0][0]
    values = [_START[code_set]]
    for used, sign in said:
        if used != code_set:
            values.append(_SWITCH[used])
            code_set = used
        values.append(_FNC1_VALUE if sign == FNC1 else int(sign) if used == "C" else ord(sign) - 32)
    return values
