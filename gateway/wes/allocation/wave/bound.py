"""Upper bounds on the units of every number of totes, from multipliers on the stock; proven in whole numbers.

Orders buy their goods at a price, totes sell theirs: for any prices that are not negative, what orders gain above their prices
plus what the best k totes take is at least the units of any wave with k totes (Lagrangian duality). A price is asked for each
unit of a SKU from all totes together, for each line of an order from each tote up to what that line wants, which is the stronger
where several orders share a SKU, and for each pair of lines of an order from every two totes (`pairs`). Prices come from wherever
they like, from steps or a linear program; the bound is added up again from prices rounded to whole parts, so that no error of
floating point can make it too low.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Floats, Ints, spans, starts, summed, weighed
from gateway.wes.allocation.wave.incumbent import Deadline
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.pairs import Pairs

ENTRIES_MAX: Final = 1_500_000
"""Pairs of a line and a tote that holds it; beyond, only lines with few holders have prices of their own."""
PARTS_MAX: Final = 2**20
"""A price is a whole number of such parts."""
SUM_MAX: Final = 2**58
"""Sums of whole numbers up to a few times this do not overflow."""
EXACT: Final = 2**52
"""Sums of whole numbers up to here are exact in floating point too."""
STEPS: Final = 500
"""From prices that know nothing to prices that hardly get better."""
STEP_FIRST: Final = 0.3
STEP_LAST: Final = 0.005
"""How much prices change in a step, in units."""
STEP_SHARED: Final = 0.2
"""How much less prices of pairs change, and how they are shared, in parts of an order."""
MEMORY: Final = 0.9
MEMORY_OF_SIZE: Final = 0.999
"""Part of the direction, and of its size, that is kept from step to step."""
TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Prices:
    """What orders pay and totes take.

    Attributes:
        sku: of one unit by SKU, from all totes.
        line: of one unit by line that has a price of its own.
        pair: by pair of lines, in parts of the order's units.
        shift: what a tote takes of the share of another one, by tote and tote, in parts of a usual order's units.
    """

    sku: Floats
    line: Floats
    pair: Floats
    shift: Floats


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
        with_price = with_price[np.cumsum(length[with_price]) <= ENTRIES_MAX]
        self.lines: Ints = np.sort(with_price)
        """Lines with a price of their own."""
        wanted = (lines.value * instance.count[lines.row])[self.lines]
        lengths = length[self.lines]
        at = spans(holders.start[lines.column[self.lines]], lengths)
        self._dear = float(instance.units.max())
        """No price needs to be above an order's worth: a line that is hard to find may cost all of it."""
        self._usual = float((instance.units * instance.count).sum() / instance.count.sum())
        self._entry_line: Ints = np.repeat(np.arange(len(self.lines)), lengths)
        self._entry_tote: Ints = holders.column[at]
        self._entry_units: Ints = np.minimum(holders.value[at], wanted[self._entry_line])
        self.pairs = Pairs(instance)
        self._worth: Ints = instance.units[self.pairs.order]
        self._count: Ints = instance.count[self.pairs.order]

    @property
    def entries(self) -> int:
        """How many pairs of a line with a price of its own and a tote there are."""
        return len(self._entry_line)

    def level(self, price: float) -> Prices:
        """Return the same price for every SKU: at 1, totes sell no more than they hold; at a half, steps begin."""
        return self.simple(np.full(self._instance.skus, price), np.zeros(len(self.lines)))

    def simple(self, sku: Floats, line: Floats) -> Prices:
        """Return prices of single units, none of pairs."""
        totes = self._instance.totes if len(self.pairs) else 0
        return Prices(sku, line, np.zeros(len(self.pairs)), np.zeros((totes, totes)))

    def proven(self, prices: Prices) -> Ints:
        """Return for each number of totes from 0 units that no wave with so many totes exceeds."""
        gain, sold, shared, parts = self._sums(prices)
        if not len(shared):
            most = starts(np.sort(sold)[::-1])
        else:
            with_others = np.cumsum(_ranked_others(shared), axis=1)
            taken = sold[:, None] + np.pad(with_others, ((0, 0), (1, 0)))
            best = np.cumsum(np.sort(taken, axis=0)[::-1], axis=0)
            most = np.concatenate([np.zeros(1, np.int64), np.diagonal(best)])
        return np.minimum((gain + most) // parts, self._instance.high)

    def useful(self, prices: Prices, size: int, least: int) -> tuple[Ints, Ints]:
        """Return the totes that a wave of `size` totes and `least` units may have, and those of them that it must have."""
        gain, sold, shared, parts = self._sums(prices)
        if len(shared):
            sold = sold + _ranked_others(shared)[:, : size - 1].sum(axis=1)
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

    def _sums(self, prices: Prices) -> tuple[int, Ints, Ints, int]:
        """Return what is added up in whole numbers.

        Returns:
            What orders gain; what each tote takes alone; what it takes with each other tote, no row where no pair has a price;
            the parts of a unit that all of this is counted in.
        """
        instance, pairs = self._instance, self.pairs
        single = int(self._entry_units.sum()) + int(instance.stock.value.sum()) + int(instance.demand.sum())
        double = int((self._worth * self._count * pairs.holdings).sum()) + int(self._dear) * instance.totes**2
        # Sums of pairs are made in floating point, and too large ones would not be exact: then pairs have no price.
        paired = 4 * double < EXACT
        whole = min(
            PARTS_MAX,
            SUM_MAX // (int(self._dear) * single),
            EXACT // (4 * double + 1) if paired else PARTS_MAX,
        )
        whole = max(whole, 1)
        dear = min(self._dear, SUM_MAX / (whole * single))
        sku = _whole(prices.sku, dear, whole)
        line = _whole(prices.line, dear, whole)
        pair = _whole(prices.pair * self._worth * paired, self._dear, whole)
        per_unit = sku[instance.lines.column]
        per_unit[self.lines] += line
        cost = _added(instance.lines.row, per_unit * instance.lines.value, len(instance.count))
        cost += _added(pairs.order, pair, len(instance.count))
        gain = int((np.maximum(instance.units * whole - cost, 0) * instance.count).sum())
        sold = _added(instance.stock.row, sku[instance.stock.column] * instance.stock.value, instance.totes)
        sold += _added(self._entry_tote, line[self._entry_line] * self._entry_units, instance.totes)
        if not pair.any():
            return gain, sold, np.zeros((0, 0), np.int64), whole
        # Two totes share what they take together, so everything is counted in halves.
        together = pairs.together((pair * self._count).astype(np.float64), exact=True).astype(np.int64)
        shift = np.rint(np.clip(prices.shift * self._usual, -self._dear, self._dear) * whole).astype(np.int64)
        return 2 * gain, 2 * sold + np.diagonal(together), together + shift - shift.T, 2 * whole

    def lowered(self, prices: Prices, size: int, target: float, length: float, deadline: Deadline) -> Prices:
        """Lower the bound at so many totes by subgradient steps, until they are done, time is up or `target` is reached.

        Each price goes as far as any other, whatever the size of its slope (Adam), and all steps become shorter.

        Args:
            prices: where to begin.
            size: the number of totes.
            target: a bound that is low enough.
            length: of the first step, in units: `STEP_FIRST` from prices that know nothing.
            deadline: when to stop.
        """
        whole = max(deadline.left(), TINY)
        at = best = _joined(prices)
        rate, least, most = self._rates()
        lowest, lean, spread = np.inf, np.zeros_like(at), np.zeros_like(at)
        for step in range(1, STEPS + 1):
            value, slope = self._at(self._split(at), size)
            if value < lowest:
                best, lowest = at, value
            left = deadline.left()
            if lowest <= target or left <= 0:
                break
            lean += (1 - MEMORY) * (slope - lean)
            spread += (1 - MEMORY_OF_SIZE) * (slope * slope - spread)
            usual = np.sqrt(spread / (1 - MEMORY_OF_SIZE**step)) + TINY
            now = length * (STEP_LAST / length) ** max(step / STEPS, 1 - left / whole)
            at = np.clip(at + now * rate * lean / (1 - MEMORY**step) / usual, least, most)
        return self._split(best)

    def _rates(self) -> tuple[Floats, Floats, Floats]:
        """Return by price how much it changes in a step, and its limits."""
        none = self.level(0.0)
        sku, line, pair, shift = none.sku, none.line, none.pair, none.shift
        rate = _joined(Prices(sku + 1, line + 1, pair + STEP_SHARED, shift + STEP_SHARED))
        most = _joined(Prices(sku + self._dear, line + self._dear, pair + 1, shift + self._dear))
        return rate, _joined(Prices(sku, line, pair, shift - self._dear)), most

    def _split(self, joined: Floats) -> Prices:
        none = self.level(0.0)
        ends = np.cumsum([len(none.sku), len(none.line), len(none.pair)])
        sku, line, pair, shift = np.split(joined, ends)
        return Prices(sku, line, pair, shift.reshape(none.shift.shape))

    def _at(self, prices: Prices, size: int) -> tuple[float, Floats]:
        """Return the bound at so many totes, and the direction in which prices should change, joined."""
        instance, lines, stock = self._instance, self._instance.lines, self._instance.stock
        gain, buying = self._buying(prices)
        sold = np.bincount(stock.row, prices.sku[stock.column] * stock.value, instance.totes)
        sold = sold + weighed(
            self._entry_tote, prices.line[self._entry_line] * self._entry_units, instance.totes
        )
        partners = np.zeros((instance.totes, 0), np.int64)
        if len(self.pairs):
            together = self.pairs.together(prices.pair * self._worth * self._count, exact=False)
            shared = together + self._usual * (prices.shift - prices.shift.T)
            partners = _best_others(shared, size - 1)
            sold += (np.diagonal(together) + np.take_along_axis(shared, partners, 1).sum(axis=1)) / 2
        chosen = np.argpartition(-sold, size - 1)[:size]
        taken = np.zeros(instance.totes, np.bool_)
        taken[chosen] = True
        bought = buying[lines.row] * lines.value
        sku = summed(lines.column, bought, instance.skus) - summed(
            stock.column, stock.value * taken[stock.row], instance.skus
        )
        line = bought[self.lines] - summed(
            self._entry_line, self._entry_units * taken[self._entry_tote], len(self.lines)
        )
        pair, shift = self._slope_of_pairs(buying, chosen, partners[chosen])
        slope = Prices(sku.astype(np.float64), line.astype(np.float64), pair, shift)
        return gain + float(sold[chosen].sum()), _joined(slope)

    def _buying(self, prices: Prices) -> tuple[float, Ints]:
        """Return what orders gain, and how many of each class buy."""
        instance, lines = self._instance, self._instance.lines
        per_unit = prices.sku[lines.column]
        per_unit[self.lines] += prices.line
        cost = np.bincount(lines.row, per_unit * lines.value, len(instance.count))
        cost = cost + weighed(self.pairs.order, prices.pair * self._worth, len(cost))
        gain = instance.units - cost
        return float((np.maximum(gain, 0) * instance.count).sum()), np.where(gain > 0, instance.count, 0)

    def _slope_of_pairs(self, buying: Ints, chosen: Ints, partners: Ints) -> tuple[Floats, Floats]:
        if not len(self.pairs):
            return np.zeros(0), np.zeros((0, 0))
        half = np.zeros((len(chosen), self._instance.totes))
        np.put_along_axis(half, partners, 0.5, axis=1)
        pair = self._worth * (buying[self.pairs.order] - self._count * self.pairs.served(chosen, half))
        shift = np.zeros((self._instance.totes, self._instance.totes))
        shift[chosen] -= half
        shift[:, chosen] += half.T
        return pair, shift


def _joined(prices: Prices) -> Floats:
    return np.concatenate([prices.sku, prices.line, prices.pair, prices.shift.ravel()])


def _best_others(shared: Floats, count: int) -> Ints:
    """Return for each tote the other ones that it shares most with."""
    if count == 0:
        return np.zeros((len(shared), 0), np.int64)
    others = shared.copy()
    np.fill_diagonal(others, -np.inf)
    return np.argpartition(-others, count - 1, axis=1)[:, :count]


def _whole(prices: Floats, most: float, parts: int) -> Ints:
    return np.rint(np.clip(np.nan_to_num(prices), 0, most) * parts).astype(np.int64)


def _added(groups: Ints, values: Ints, count: int) -> Ints:
    """Return the sum of whole numbers by group, in whole numbers throughout."""
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values)
    return sums


def _ranked_others(shared: Ints) -> Ints:
    """Return for each tote what it shares with the other ones, most first."""
    others = shared.copy()
    np.fill_diagonal(others, np.iinfo(np.int64).min)
    return np.sort(others, axis=1)[:, :0:-1]
