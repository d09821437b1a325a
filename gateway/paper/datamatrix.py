"""Data Matrix ECC 200 (ISO/IEC 16022): a text becomes a square of modules that a camera reads although a third of it is torn.

Square symbols from 10 to 48 modules, which say up to 174 codewords: pairs of digits in one, other ASCII in one each, the rest as
UTF-8 (ECI 26). A GS1 DataMatrix (GS1 General Specifications, chapter 5.6) begins with FNC1.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

FNC1: Final = "\x1d"
"""In a text: the function character; after the first, scanners send it as the group separator."""
QUIET: Final = 1
"""Modules without ink that a scanner needs on each side."""

_FNC1_CODEWORD: Final = 232
_UPPER_SHIFT: Final = 235
_UTF8: Final = (241, 27)
_PAD: Final = 129
_FIELD: Final = 0x12D
_SIGNS: Final = re.compile(rb"\d\d|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Size:
    """A square symbol.

    Attributes:
        side: modules.
        regions: data regions along each side, each in a frame of its own.
        data, checks: codewords.
    """

    side: int
    regions: int
    data: int
    checks: int

    @property
    def region(self) -> int:
        """Modules of a data region's side."""
        return self.side // self.regions - 2

    @property
    def inner(self) -> int:
        """Modules along a side without the frames."""
        return self.region * self.regions


_SIZES: Final = (
    *(
        _Size(10, 1, 3, 5),
        _Size(12, 1, 5, 7),
        _Size(14, 1, 8, 10),
        _Size(16, 1, 12, 12),
        _Size(18, 1, 18, 14),
    ),
    *(_Size(20, 1, 22, 18), _Size(22, 1, 30, 20), _Size(24, 1, 36, 24), _Size(26, 1, 44, 28)),
    *(
        _Size(32, 2, 62, 36),
        _Size(36, 2, 86, 42),
        _Size(40, 2, 114, 48),
        _Size(44, 2, 144, 56),
        _Size(48, 2, 174, 68),
    ),
)


def fits(text: str) -> bool:
    """Tell whether the largest symbol can say a text."""
    return bool(text) and len(_codewords(text)) <= _SIZES[-1].data


def side_of(text: str) -> int:
    """Return how many modules the side of a text's symbol has.

    Raises:
        ValueError: the text is empty, or longer than the largest symbol can say.
    """
    return _size(_codewords(text)).side


def modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the rows of a symbol from the top, True where there is ink, the quiet zone left out.

    Raises:
        ValueError: the text is empty, or longer than the largest symbol can say.
    """
    said = _codewords(text)
    size = _size(said)
    data = _padded(said, size.data)
    codewords = (*data, *_checks(data, size.checks))
    inked = {
        place: bool(codewords[number] >> (7 - bit) & 1)
        for place, (number, bit) in _places(size.inner).items()
    }
    return tuple(
        tuple(_ink(size, row, column, inked) for column in range(size.side)) for row in range(size.side)
    )


def _size(said: Sequence[int]) -> _Size:
    """Return the smallest symbol that says some codewords."""
    for size in _SIZES:
        if 0 < len(said) <= size.data:
            return size
    raise ValueError("a Data Matrix says 1 to 174 codewords")


def _codewords(text: str) -> list[int]:
    if text.isascii():
        return [word for sign in _SIGNS.findall(text.encode()) for word in _said(sign)]
    return [*_UTF8, *(word for sign in _SIGNS.findall(text.encode()) for word in _said(sign))]


def _said(sign: bytes) -> Sequence[int]:
    if len(sign) == 2:
        return (130 + int(sign),)
    if sign == FNC1.encode():
        return (_FNC1_CODEWORD,)
    return (sign[0] + 1,) if sign[0] < 128 else (_UPPER_SHIFT, sign[0] - 127)


def _padded(said: Sequence[int], length: int) -> list[int]:
    """Fill up the symbol: after the first padding codeword each is scrambled by its place (annex B.1)."""
    padded = list(said)
    while len(padded) < length:
        word = _PAD if len(padded) == len(said) else _PAD + 149 * (len(padded) + 1) % 253 + 1
        padded.append(word if word <= 254 else word - 254)
    return padded


def _checks(data: Sequence[int], count: int) -> list[int]:
    """Return the Reed–Solomon codewords of some data (annex E)."""
    generator = [1]
    for power in range(1, count + 1):
        root = _POWERS[power]
        generator = [
            higher ^ _times(lower, root)
            for higher, lower in zip([*generator, 0], [0, *generator], strict=True)
        ]
    rest = [0] * count
    for word in data:
        factor = word ^ rest[0]
        rest = [each ^ _times(factor, part) for each, part in zip([*rest[1:], 0], generator[1:], strict=True)]
    return rest


def _powers() -> list[int]:
    powers = [1]
    for _ in range(254):
        doubled = powers[-1] * 2
        powers.append(doubled ^ _FIELD if doubled > 255 else doubled)
    return powers


_POWERS: Final = _powers()
_LOGS: Final = {power: number for number, power in enumerate(_POWERS)}


def _times(left: int, right: int) -> int:
    return _POWERS[(_LOGS[left] + _LOGS[right]) % 255] if left and right else 0


def _ink(size: _Size, row: int, column: int, inked: dict[tuple[int, int], bool]) -> bool:
    """Tell whether a module has ink: of a region's frame, the left and the lower line are solid, the others dotted."""
    step = size.region + 2
    region_row, in_row = divmod(row, step)
    region_column, in_column = divmod(column, step)
    if in_column == 0 or in_row == step - 1:
        return True
    if in_row == 0:
        return in_column % 2 == 0
    if in_column == step - 1:
        return in_row % 2 == 1
    place = (region_row * size.region + in_row - 1, region_column * size.region + in_column - 1)
    # Two modules in the lower right corner of some sizes belong to no codeword: a fixed pattern.
    return inked.get(place, place[0] == place[1])


_UTAH: Final = ((-2, -2), (-2, -1), (-1, -2), (-1, -1), (-1, 0), (0, -2), (0, -1), (0, 0))
"""Where the bits of a codeword lie, from the place of its last one."""
_CORNERS: Final = (
    ((-1, 0), (-1, 1), (-1, 2), (0, -2), (0, -1), (1, -1), (2, -1), (3, -1)),
    ((-3, 0), (-2, 0), (-1, 0), (0, -4), (0, -3), (0, -2), (0, -1), (1, -1)),
    ((-3, 0), (-2, 0), (-1, 0), (0, -2), (0, -1), (1, -1), (2, -1), (3, -1)),
    ((-1, 0), (-1, -1), (0, -3), (0, -2), (0, -1), (1, -3), (1, -2), (1, -1)),
)
"""Where they lie of those that the corners cut; what is negative counts from the other side."""


@cache
def _places(side: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Return which bit of which codeword each module is: codewords lie in diagonals, up and down in turn (annex F)."""
    places: dict[tuple[int, int], tuple[int, int]] = {}
    shapes = _shapes(side, places)
    for number, shape in enumerate(shapes):
        places.update({place: (number, bit) for bit, place in enumerate(shape)})
    return places


def _shapes(
    side: int, taken: dict[tuple[int, int], tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], ...]]:
    row, column = 4, 0
    while row < side or column < side:
        if (corner := _corner(side, row, column)) is not None:
            yield tuple((y % side, x % side) for y, x in _CORNERS[corner])
        while row >= 0 and column < side:
            if row < side and column >= 0 and (row, column) not in taken:
                yield tuple(_wrapped(side, row + y, column + x) for y, x in _UTAH)
            row, column = row - 2, column + 2
        row, column = row + 1, column + 3
        while row < side and column >= 0:
            if row >= 0 and column < side and (row, column) not in taken:
                yield tuple(_wrapped(side, row + y, column + x) for y, x in _UTAH)
            row, column = row + 2, column - 2
        row, column = row + 3, column + 1


def _corner(side: int, row: int, column: int) -> int | None:
    match row - side, column:
        case 0, 0:
            return 0
        case -2, 0 if side % 4:
            return 1
        case -2, 0 if side % 8 == 4:
            return 2
        case 4, 2 if not side % 8:
            return 3
        case _:
            return None


def _wrapped(side: int, row: int, column: int) -> tuple[int, int]:
    """Return where a bit lies that would be beyond the left or the upper side."""
    shift = 4 - (side + 4) % 8
    if row < 0:
        row, column = row + side, column + shift
    if column < 0:
        row, column = row + shift, column + side
    return row, column
