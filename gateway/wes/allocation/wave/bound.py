"""Upper bounds on the units of every number of totes, from multipliers on the stock; proven in whole numbers.

Orders buy their goods at a price, totes sell theirs: for any prices that are not negative, what orders gain above their prices
plus what the best k totes take is at least the units of any wave with k totes (Lagrangian duality). A price is asked for each
unit of a SKU from all totes together, and for each line of an order from each tote up to what that line wants, which is the
stronger where several orders share a SKU. Prices come from wherever they like, a subgradient walk or a linear program; the bound
is added up again from prices rounded to whole parts, so that no error of floating point can make it too low.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Floats, Ints, spans, starts, summed
from gateway.wes.allocation.wave.incumbent import Deadline
from gateway.wes.allocation.wave.instance import Instance

PAIRS_MAX: Final = 1_500_000
"""Pairs of a line and a tote that holds it; beyond, only lines with few holders have prices of their own."""
PARTS_MAX: Final = 2**20
"""A price is a whole number of such parts."""
PATIENCE: Final = 8
"""Steps without a better bound before they become shorter."""
LENGTH_MIN: Final = 0.005
"""Steps shorter than this, of 1 to begin with, lower no bound any more."""
LITTLE: Final = 1e-6
"""A bound that is lower by no more than this part is no better."""
HOPE: Final = 0.7
"""Part of the lowest bound that a step hopes to reach."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one unit.

    Attributes:
        sku: by SKU, from all totes.
        line: by line that has a price of its own.
    """

    sku: Floats
    line: Floats


class Bounds:
    """Proves bounds for one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        lines, holders = instance.lines, instance.holders
        shared = np.bincount(lines.column, minlength=instance.skus)[lines.column] > 1
        alone = lines.lengths()[lines.row] == 1
        length = holders.lengths()[lines.column]
        with_price = np.flatnonzero(shared & ~(alone & (lines.value == 1)))
        with_price = with_price[np.argsort(length[with_price], kind="stable")]
        with_price = with_price[np.cumsum(length[with_price]) <= PAIRS_MAX]
        self.lines: Ints = np.sort(with_price)
        """Lines with a price of their own."""
        wanted = (lines.value * instance.count[lines.row])[self.lines]
        lengths = length[self.lines]
        at = spans(holders.start[lines.column[self.lines]], lengths)
        self._dear = float(instance.units.max())
        """No price needs to be above an order's worth: a line that is hard to find may cost all of it."""
        self._pair_line: Ints = np.repeat(np.arange(len(self.lines)), lengths)
        self._pair_tote: Ints = holders.column[at]
        self._pair_units: Ints = np.minimum(holders.value[at], wanted[self._pair_line])

    @property
    def pairs(self) -> int:
        """How many pairs of a line with a price of its own and a tote there are."""
        return len(self._pair_line)

    def level(self, price: float) -> Prices:
        """Return the same price for every SKU: at 1, totes sell no more than they hold; at a half, steps begin."""
        return Prices(np.full(self._instance.skus, price), np.zeros(len(self.lines)))

    def proven(self, prices: Prices) -> Ints:
        """Return for each number of totes from 0 units that no wave with so many totes exceeds."""
        gain, sold, parts = self._sums(prices)
        return np.minimum((gain + starts(np.sort(sold)[::-1])) // parts, self._instance.high)

    def _sums(self, prices: Prices) -> tuple[int, Ints, int]:
        """Return what orders gain, what each tote takes, and the parts of a unit that both are counted in."""
        instance = self._instance
        pairs = int(self._pair_units.sum()) + int(instance.stock.value.sum()) + int(instance.demand.sum())
        parts = min(PARTS_MAX, max(1, 2**60 // (2 * int(self._dear) * pairs)))
        sku = _whole(prices.sku, self._dear, parts)
        line = _whole(prices.line, self._dear, parts)
        per_unit = sku[instance.lines.column]
        per_unit[self.lines] += line
        cost = _added(instance.lines.row, per_unit * instance.lines.value, len(instance.count))
        gain = int((np.maximum(instance.units * parts - cost, 0) * instance.count).sum())
        sold = _added(instance.stock.row, sku[instance.stock.column] * instance.stock.value, instance.totes)
        sold += _added(self._pair_tote, line[self._pair_line] * self._pair_units, instance.totes)
        return gain, sold, parts

    def useful(self, prices: Prices, size: int, least: int) -> tuple[Ints, Ints]:
        """Return the totes that a wave of `size` totes and `least` units may have, and those of them that it must have."""
        gain, sold, parts = self._sums(prices)
        order = np.argsort(-sold, kind="stable")
        ranked = sold[order]
        need = least * parts
        best = gain + int(ranked[:size].sum())
        last = int(ranked[size - 1])
        behind = int(ranked[size]) if size < len(ranked) else -need
        rank = np.arange(len(order))
        may = np.where(rank < size, best, best - last + ranked) >= need
        must = (rank < size) & (best - ranked + behind < need)
        return np.sort(order[may]), np.sort(order[may & must])

    def lowered(self, prices: Prices, size: int, target: float, deadline: Deadline) -> Prices:
        """Lower the bound at so many totes by subgradient steps, until they are too short, time is up or `target` is reached."""
        best, lowest, length, idle = prices, np.inf, 1.0, 0
        direction = Prices(np.zeros_like(prices.sku), np.zeros_like(prices.line))
        while length > LENGTH_MIN and lowest > target and deadline.left() > 0:
            value, slope = self._at(prices, size)
            if value < lowest * (1 - LITTLE):
                lowest, best, idle = value, prices, 0
            else:
                idle += 1
            if idle > PATIENCE:
                length, idle, prices = length / 2, 0, best
                value, direction = self._at(best, size)
            direction = Prices((direction.sku + slope.sku) / 2, (direction.line + slope.line) / 2)
            square = float(direction.sku @ direction.sku + direction.line @ direction.line)
            if square == 0:
                return best
            # Polyak's step: as far as the bound would have to go if it were as low as hoped.
            step = length * (value - max(target, HOPE * lowest)) / square
            prices = Prices(
                np.clip(prices.sku + step * direction.sku, 0, self._dear),
                np.clip(prices.line + step * direction.line, 0, self._dear),
            )
        return best

    def _at(self, prices: Prices, size: int) -> tuple[float, Prices]:
        """Return the bound at so many totes, and the direction in which prices should change."""
        instance, lines, stock = self._instance, self._instance.lines, self._instance.stock
        per_unit = prices.sku[lines.column]
        per_unit[self.lines] += prices.line
        gain = instance.units - np.bincount(lines.row, per_unit * lines.value, len(instance.count))
        bought = np.where(gain > 0, instance.count, 0)[lines.row] * lines.value
        sold = np.bincount(stock.row, prices.sku[stock.column] * stock.value, instance.totes)
        if len(self._pair_line):
            sold = sold + np.bincount(
                self._pair_tote, prices.line[self._pair_line] * self._pair_units, instance.totes
            )
        chosen = np.argpartition(-sold, size - 1)[:size]
        taken = np.zeros(instance.totes, np.bool_)
        taken[chosen] = True
        value = float((np.maximum(gain, 0) * instance.count).sum() + sold[chosen].sum())
        sku = summed(lines.column, bought, instance.skus) - summed(
            stock.column, stock.value * taken[stock.row], instance.skus
        )
        line = bought[self.lines] - summed(
            self._pair_line, self._pair_units * taken[self._pair_tote], len(self.lines)
        )
        return value, Prices(sku.astype(np.float64), line.astype(np.float64))


def _whole(prices: Floats, most: float, parts: int) -> Ints:
    return np.rint(np.clip(np.nan_to_num(prices), 0, most) * parts).astype(np.int64)


def _added(groups: Ints, values: Ints, count: int) -> Ints:
    """Return the sum of whole numbers by group, in whole numbers throughout."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values)
    return sums
