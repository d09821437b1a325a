"""A wave problem reduced to arrays: what can never matter is gone, and orders alike are one class.

Gone are orders that all totes together do not hold or that exceed a wave, SKUs that nobody wants, and stock beyond all demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gateway.wes.allocation.wave.arrays import Ints, Rows, rows_of, summed, transposed
from gateway.wes.allocation.wave.problem import WaveProblem


@dataclass(frozen=True, slots=True)
class Instance:
    """A reduced problem.

    Attributes:
        members: original indices of the orders of each class, ascending.
        count: orders of each class.
        units: of one order of each class.
        lines: units by SKU of one order of each class.
        demand: of all orders, by SKU.
        stock: units by SKU of each tote, none above the SKU's demand.
        holders: the same by SKU: units by tote.
        low: the fewest units of a wave.
        high: the most units of a wave.
    """

    members: Sequence[Sequence[int]]
    count: Ints
    units: Ints
    lines: Rows
    demand: Ints
    stock: Rows
    holders: Rows
    low: int
    high: int

    @property
    def skus(self) -> int:
        """How many SKUs matter."""
        return len(self.demand)

    @property
    def totes(self) -> int:
        """How many totes there are, with those that hold nothing of use."""
        return self.stock.count

    def held(self, totes: Sequence[int] | Ints) -> Ints:
        """Return the stock of some totes together, by SKU."""
        held = np.zeros(self.skus, np.int64)
        for tote in totes:
            at = self.stock.at(tote)
            held[self.stock.column[at]] += self.stock.value[at]
        return held


def reduced(problem: WaveProblem) -> Instance:
    """Return the problem as arrays."""
    held: dict[str, int] = {}
    for tote in problem.totes:
        for sku, units in tote.items():
            held[sku] = held.get(sku, 0) + units
    classes: dict[tuple[tuple[str, int], ...], list[int]] = {}
    for index, order in enumerate(problem.orders):
        if sum(order.values()) <= problem.high and all(
            held.get(sku, 0) >= units for sku, units in order.items()
        ):
            lines = tuple(order.items())
            classes.setdefault(lines if len(lines) == 1 else tuple(sorted(lines)), []).append(index)
    numbers: dict[str, int] = {}
    lines = _entries([[(numbers.setdefault(s, len(numbers)), n) for s, n in key] for key in classes])
    count = np.array([len(members) for members in classes.values()], np.int64)
    demand = summed(lines.column, lines.value * count[lines.row], len(numbers))
    stock = _entries(
        [[(numbers[s], n) for s, n in tote.items() if n and s in numbers] for tote in problem.totes]
    )
    stock = Rows(stock.start, stock.row, stock.column, np.minimum(stock.value, demand[stock.column]))
    return Instance(
        members=list(classes.values()),
        count=count,
        units=summed(lines.row, lines.value, len(classes)),
        lines=lines,
        demand=demand,
        stock=stock,
        holders=transposed(stock, len(numbers)),
        low=problem.low,
        high=problem.high,
    )


def _entries(rows: Sequence[Sequence[tuple[int, int]]]) -> Rows:
    row = np.repeat(np.arange(len(rows)), [len(entries) for entries in rows])
    flat = np.array([entry for entries in rows for entry in entries], np.int64).reshape(-1, 2)
    return rows_of(row, flat[:, 0], flat[:, 1], len(rows))
