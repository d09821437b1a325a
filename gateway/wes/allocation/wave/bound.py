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
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent
from gateway.wes.allocation.wave.instance import Instance

PAIRS_MAX: Final = 1_500_000
"""Pairs of a line and a tote that holds it; beyond, only lines with few holders have prices of their own."""
PARTS_MAX: Final = 2**20
"""A price is a whole number of such parts."""
PRICE_MAX: Final = 4.0
"""No price needs to be above 1, an order's worth of a unit, by much; a cap keeps sums within 64 bits."""
PATIENCE: Final = 15
"""Steps without a better bound before they become shorter."""


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
        self._lines: Ints = np.sort(with_price)
        """Lines with a price of their own."""
        wanted = (lines.value * instance.count[lines.row])[self._lines]
        lengths = length[self._lines]
        at = spans(holders.start[lines.column[self._lines]], lengths)
        self._pair_start = starts(lengths)
        self._pair_line: Ints = np.repeat(np.arange(len(self._lines)), lengths)
        self._pair_tote: Ints = holders.column[at]
        self._pair_units: Ints = np.minimum(holders.value[at], wanted[self._pair_line])

    @property
    def start(self) -> Prices:
        """Prices to begin with."""
        return Prices(np.full(self._instance.skus, 0.5), np.zeros(len(self._lines)))

    def proven(self, prices: Prices) -> Ints:
        """Return for each number of totes from 0 units that no wave with so many totes exceeds."""
        instance = self._instance
        parts = min(
            PARTS_MAX, 2**60 // (8 * max(int(instance.demand.sum()), 1) * 4 * max(len(self._lines), 1))
        )
        if parts < 1:
            return np.full(instance.totes + 1, np.iinfo(np.int64).max)
        sku = _whole(prices.sku, parts)
        line = _whole(prices.line, parts)
        per_unit = sku[instance.lines.column]
        per_unit[self._lines] += line
        cost = _added(instance.lines.row, per_unit * instance.lines.value, len(instance.count))
        gain = int((np.maximum(instance.units * parts - cost, 0) * instance.count).sum())
        sold = _added(instance.stock.row, sku[instance.stock.column] * instance.stock.value, instance.totes)
        sold += _added(self._pair_tote, line[self._pair_line] * self._pair_units, instance.totes)
        best = starts(np.sort(sold)[::-1])
        return np.minimum((gain + best) // parts, instance.high)

    def walk(self, prices: Prices, incumbent: Incumbent, deadline: Deadline) -> Prices:
        """Lower the bound by subgradient steps where it is worst, until time is up or steps are too short."""
        best, length, idle = prices, 1.0, 0
        direction = Prices(np.zeros_like(prices.sku), np.zeros_like(prices.line))
        lowest: dict[int, float] = {}
        while length > 1e-3 and deadline.left() > 0:
            size = self._worst(incumbent)
            if size is None:
                return best
            value, slope = self._at(prices, size)
            if value < lowest.get(size, np.inf) - 1e-6 * value:
                lowest[size], best, idle = value, prices, 0
                incumbent.bound(self.proven(prices))
            else:
                idle += 1
                if idle > PATIENCE:
                    prices, length, idle = best, length / 2, 0
                    value, slope = self._at(prices, size)
                    direction = slope
            direction = Prices(0.3 * direction.sku + 0.7 * slope.sku, 0.3 * direction.line + 0.7 * slope.line)
            target = max(float(incumbent.ratio) * size, incumbent_low(self._instance))
            square = float(direction.sku @ direction.sku + direction.line @ direction.line)
            if square == 0:
                return best
            step = length * max(value - target, 0.01 * value) / square
            prices = Prices(
                np.clip(prices.sku + step * direction.sku, 0, PRICE_MAX),
                np.clip(prices.line + step * direction.line, 0, PRICE_MAX),
            )
        return best

    def _worst(self, incumbent: Incumbent) -> int | None:
        sizes = incumbent.open_sizes()
        return int(sizes[np.argmax(incumbent.most[sizes] / sizes)]) if len(sizes) else None

    def _at(self, prices: Prices, size: int) -> tuple[float, Prices]:
        """Return the bound at so many totes, and the direction in which prices should change."""
        instance, lines, stock = self._instance, self._instance.lines, self._instance.stock
        per_unit = prices.sku[lines.column]
        per_unit[self._lines] += prices.line
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
        line = bought[self._lines] - summed(
            self._pair_line, self._pair_units * taken[self._pair_tote], len(self._lines)
        )
        return value, Prices(sku.astype(np.float64), line.astype(np.float64))


def incumbent_low(instance: Instance) -> float:
    """Return a number of units below which a bound closes a number of totes whatever the best wave is."""
    return float(instance.low - 1)


def _whole(prices: Floats, parts: int) -> Ints:
    return np.rint(np.clip(np.nan_to_num(prices), 0, PRICE_MAX) * parts).astype(np.int64)


def _added(groups: Ints, values: Ints, count: int) -> Ints:
    """Return the sum of whole numbers by group, in whole numbers throughout."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values)
    return sums
