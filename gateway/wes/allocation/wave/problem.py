"""A wave problem as it comes: orders, totes, and the limits of a wave; read from JSON with the place of every mistake."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast, final

QUANTITY_MAX: Final = 10**9
"""Units of one line, and of a wave's limits: sums stay exact in 64 bits."""

Lines = Mapping[str, int]
"""Units by SKU."""


@dataclass(frozen=True, slots=True)
class WaveProblem:
    """Choose orders, each whole, of together `low` to `high` units, and totes that hold them all.

    Attributes:
        orders: units wanted by SKU; each at least 1.
        totes: units held by SKU; each at least 0.
        low: the fewest units of a wave.
        high: the most units of a wave.
    """

    orders: Sequence[Lines]
    totes: Sequence[Lines]
    low: int
    high: int


@final
class WaveInvalid(ValueError):  # noqa: N818 - what is wrong, and where
    """The document is no wave problem.

    Attributes:
        path: where in the JSON, e.g. `orders[3].SKU-1`; empty: the document as a whole.
        reason: what is wrong there.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


def read(text: str) -> WaveProblem:
    """Read a problem from JSON text.

    Raises:
        WaveInvalid: with the place of the first mistake.
    """
    try:
        document: object = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise WaveInvalid(f"line {error.lineno} column {error.colno}", f"no JSON: {error.msg}") from error
    except RecursionError as error:
        raise WaveInvalid("", "no JSON that can be read: nested too deeply") from error
    except WaveInvalid:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise WaveInvalid("", "no JSON that can be read: a number is too long") from error
    return parse(document)


def parse(document: object) -> WaveProblem:
    """Return the problem that a JSON document is.

    Raises:
        WaveInvalid: with the place of the first mistake.
    """
    if not isinstance(document, dict):
        raise WaveInvalid("", "a problem is an object with orders, totes, minUnits and maxUnits")
    fields = cast("dict[str, object]", document)
    low = _whole("minUnits", _field(fields, "minUnits"), 0)
    high = _whole("maxUnits", _field(fields, "maxUnits"), 1)
    if low > high:
        raise WaveInvalid("minUnits", f"{low} is more than maxUnits {high}")
    orders = _rows("orders", _field(fields, "orders"), 1)
    for index, order in enumerate(orders):
        if not order:
            raise WaveInvalid(f"orders[{index}]", "an order needs at least one SKU")
    return WaveProblem(orders=orders, totes=_rows("totes", _field(fields, "totes"), 0), low=low, high=high)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise WaveInvalid("", f"the key {twice!r} stands twice in one object")
    return unique


def _field(fields: dict[str, object], name: str) -> object:
    if name not in fields:
        raise WaveInvalid(name, "is missing")
    return fields[name]


def _rows(name: str, value: object, least: int) -> list[Lines]:
    if not isinstance(value, list):
        raise WaveInvalid(name, "must be a list")
    if not value:
        raise WaveInvalid(name, "is empty")
    rows = cast("list[object]", value)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise WaveInvalid(f"{name}[{index}]", "must be an object of quantities by SKU")
        for sku, quantity in cast("dict[str, object]", row).items():
            if type(quantity) is not int or not least <= quantity <= QUANTITY_MAX:
                _whole(f"{name}[{index}].{sku}", quantity, least)
    return cast("list[Lines]", rows)


def _whole(path: str, value: object, least: int) -> int:
    if type(value) is not int:
        raise WaveInvalid(path, f"{json.dumps(value)[:80]} is not a whole number")
    if not least <= value <= QUANTITY_MAX:
        raise WaveInvalid(path, f"{value} is not within {least}…{QUANTITY_MAX}")
    return value
