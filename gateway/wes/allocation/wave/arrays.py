"""Sparse rows of whole numbers, as arrays: what search, programs and bounds count on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of (column, value) entries, one behind the other.

    Attributes:
        start: where each row begins; one more than there are rows.
        row: of each entry.
        column: of each entry.
        value: of each entry.
    """

    start: Ints
    row: Ints
    column: Ints
    value: Ints

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.start) - 1

    def at(self, row: int) -> slice:
        """Return where a row's entries stand."""
        return slice(int(self.start[row]), int(self.start[row + 1]))

    def lengths(self) -> Ints:
        """Return the number of entries of each row."""
        return np.diff(self.start)


def rows_of(row: Ints, column: Ints, value: Ints, count: int) -> Rows:
    """Return entries sorted into so many rows."""
    order = np.lexsort((column, row))
    return Rows(starts(np.bincount(row, minlength=count)), row[order], column[order], value[order])


def transposed(rows: Rows, columns: int) -> Rows:
    """Return the same entries by column."""
    return rows_of(rows.column, rows.row, rows.value, columns)


def picked(rows: Rows, which: Ints) -> Rows:
    """Return some rows, in that order; a row may come more than once."""
    lengths = rows.lengths()[which]
    at = spans(rows.start[which], lengths)
    return Rows(starts(lengths), np.repeat(np.arange(len(which)), lengths), rows.column[at], rows.value[at])


def starts(lengths: Ints) -> Ints:
    """Return where rows of these lengths begin, and where the last one ends."""
    start = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=start[1:])
    return start


def spans(first: Ints, lengths: Ints) -> Ints:
    """Return first[0], first[0] + 1, … for each span, one span behind the other."""
    begin = starts(lengths)
    at: Ints = np.repeat(first - begin[:-1], lengths) + np.arange(int(begin[-1]))
    return at


def weighed(groups: Ints, weights: NDArray[Any], count: int) -> Floats:
    """Return the sum of weights by group."""
    return np.bincount(groups, weights.astype(np.float64, copy=False), count).astype(np.float64, copy=False)


def summed(groups: Ints, values: NDArray[Any], count: int) -> Ints:
    """Return the sum of whole values by group; exact below 2^53."""
    return np.bincount(groups, values, count).astype(np.int64)
