"""A label as it will look, in millimetres from its upper left corner, whoever draws it: texts, bars, squares."""

import unicodedata
from dataclasses import dataclass
from typing import Final

from gateway.contract.labels import CodeView
from gateway.paper import code128, datamatrix

_PREDEFINED: Final = frozenset(
    {"00", "01", "02", "03", "04", *map(str, range(11, 21)), *map(str, range(31, 37)), "41"}
)
"""Application identifiers, by their first two digits, whose element strings end by themselves (GS1, chapter 7.8.5)."""
_HELVETICA: Final = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, *[556] * 10, 278, 278),
    *(584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500),
    *(556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722),
    *(500, 500, 500, 334, 260, 334, 584),
)
"""Widths of printable ASCII in thousandths of the size; Arial has the same."""
_WIDE: Final = 1000
_OTHER: Final = 667
_BOLD: Final = 1.09
"""No bold letter is wider than so many plain ones, on average over a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One line of letters.

    Attributes:
        x, y: where it begins, and the line that it stands on, in mm.
        size: of the font, in mm.
    """

    x: float
    y: float
    size: float
    text: str
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A Code 128 symbol; its quiet zones are outside.

    Attributes:
        x, y: upper left corner, in mm.
        height: of the bars, in mm.
        module: width of the narrowest bar, in mm.
        content: what it says, function characters included.
    """

    x: float
    y: float
    height: float
    module: float
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Squares:
    """A Data Matrix symbol; its quiet zone is outside.

    Attributes:
        x, y: upper left corner, in mm.
        module: side of one square, in mm.
        content: what it says, function characters included.
    """

    x: float
    y: float
    module: float
    content: str


Part = Text | Bars | Squares


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Ink: where it begins and how large it is, in mm."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """One label, in mm.

    Attributes:
        dot: side of what its printer can print; bars and squares are whole multiples.
    """

    width: float
    height: float
    dot: float
    parts: tuple[Part, ...]


def content_of(code: CodeView) -> str:
    """Return what a symbol has to say: FNC1 before element strings, and between two where the first has no predefined length."""
    if not code.elements:
        return code.text
    ends = ["" if each.identifier[:2] in _PREDEFINED else code128.FNC1 for each in code.elements]
    ends[-1] = ""
    said = (f"{each.identifier}{each.value}{end}" for each, end in zip(code.elements, ends, strict=True))
    return code128.FNC1 + "".join(said)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is at most in a font like Helvetica, in the unit of its size."""
    thousandths = sum(map(_letter_width, text))
    return thousandths / 1000 * size * (_BOLD if bold else 1)


def ink_of(symbol: Bars | Squares) -> tuple[Rectangle, ...]:
    """Return the ink of a symbol: every bar, or every run of squares in a row."""
    rows = (
        (code128.modules(symbol.content),) if isinstance(symbol, Bars) else datamatrix.modules(symbol.content)
    )
    height = symbol.height if isinstance(symbol, Bars) else symbol.module
    return tuple(
        Rectangle(
            symbol.x + start * symbol.module, symbol.y + number * symbol.module, run * symbol.module, height
        )
        for number, row in enumerate(rows)
        for start, run in _runs(row)
    )


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return where ink begins in a row, and for how many modules it goes on."""
    starts = [at for at, ink in enumerate(row) if ink and not (at and row[at - 1])]
    return [(at, next((end for end in range(at, len(row)) if not row[end]), len(row)) - at) for at in starts]


def _letter_width(letter: str) -> int:
    if " " <= letter <= "~":
        return _HELVETICA[ord(letter) - 32]
    return _WIDE if unicodedata.east_asian_width(letter) in "WFA" else _OTHER
