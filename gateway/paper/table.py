"""Items of a list as a table: CSV (RFC 4180), in UTF-8, with the contract's names as its header.

What stands in an item becomes columns by its model alone, so that the header is the same however few items there are: a plain value
is one column; what an object holds is one each (`change.quantity`); a list of plain values stands in one cell, with spaces between
them. If an item has one list of objects, each of these is a row, beside what its item has (`lines.skuId`); of several such lists,
and of what may have many shapes, a cell has the JSON.

A text that a spreadsheet would take for a formula is written with an apostrophe before it, which spreadsheets hide (OWASP, CSV
injection); numbers stay numbers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

END: Final = "\r\n"
BOM: Final = "\ufeff"
"""Before a file that a person opens in Excel: without it Excel does not take the text for UTF-8."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTED: Final = frozenset('",\r\n')


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what stands above it, and the way to its value in an item."""

    head: str
    way: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """How items of one model become rows.

    Attributes:
        rows_of: the list of objects of which each is a row; None: an item is one.
    """

    columns: tuple[Column, ...]
    rows_of: str | None = None

    def header(self) -> str:
        """Return the first line."""
        return _line([column.head for column in self.columns])

    def lines(self, items: Sequence[Mapping[str, Any]]) -> str:
        """Return the lines of some items, as the contract's JSON has them."""
        return "".join(
            _line([_value(row, column.way) for column in self.columns]) for row in self._rows(items)
        )

    def _rows(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        if self.rows_of is None:
            yield from items
            return
        for item in items:
            rows: Sequence[Mapping[str, Any]] = item.get(self.rows_of) or ({},)
            yield from ({**item, self.rows_of: row} for row in rows)


def table_of(model: type[BaseModel]) -> Table:
    """Return how items of a model become rows."""
    lists = [name for name, each in _fields(model) if _listed(each) is not None]
    rows_of = lists[0] if len(lists) == 1 else None
    return Table(tuple(_columns(model, (), rows_of)), rows_of)


def _columns(model: type[BaseModel], way: tuple[str, ...], rows_of: str | None) -> Iterator[Column]:
    for name, annotation in _fields(model):
        here = (*way, name)
        inside = _listed(annotation) if here == (rows_of,) else _object(annotation)
        if inside is not None:
            yield from _columns(inside, here, None)
        else:
            yield Column(".".join(here), here)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield field.serialization_alias or name, field.annotation


def _object(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a value that is one object, or nothing."""
    (only, *others) = _shapes(annotation)
    return only if not others and isinstance(only, type) and issubclass(only, BaseModel) else None


def _listed(annotation: Any) -> type[BaseModel] | None:
    """Return the model of the members of a list of objects."""
    (only, *others) = _shapes(annotation)
    return _object(get_args(only)[0]) if not others and get_origin(only) in (tuple, list) else None


def _shapes(annotation: Any) -> list[Any]:
    """Return what a value may be besides nothing."""
    if get_origin(annotation) in (Union, UnionType):
        return [each for each in get_args(annotation) if each is not NoneType]
    return [annotation]


def _value(row: Mapping[str, Any], way: Sequence[str]) -> Any:
    first, *further = way
    value = row.get(first)
    return _value(value, further) if further and value is not None else value


def _line(values: Sequence[Any]) -> str:
    return ",".join(map(_cell, values)) + END


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _quoted(f"'{value}" if value.startswith(_FORMULA) else value)
        case [*members] if all(isinstance(each, str | int | float) for each in members):
            return _cell(" ".join(map(str, members)))
        case _:
            return _quoted(json.dumps(value, ensure_ascii=False))


def _quoted(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
