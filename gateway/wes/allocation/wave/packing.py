"""The orders of a given set of totes: a quick packing that is exact where orders have one line, and greedy elsewhere.

Orders of one SKU compete for that SKU alone: the most units that its stock can serve is a table of subset sums, looked up.
Orders of several SKUs are taken in rounds: whoever competes with nobody, and of the others those whose turn comes while stock
lasts, all of it at once on arrays. Both give units that can be had, never an estimate.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import (
    Bools,
    Floats,
    Ints,
    Rows,
    picked,
    spans,
    starts,
    summed,
    weighed,
)
from gateway.wes.allocation.wave.instance import Instance

TABLE_MAX: Final = 4096
"""Units of one SKU in one-line orders up to which a table is kept; above, they are taken in rounds like the others."""
PAIRS_MAX: Final = 200_000
"""Pairs of a line and a tote up to which totes get credit for lines of orders that lack several."""
CREDIT: Final = 0.02
"""Worth of bringing an order nearer, in parts of its units."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What some stock can serve.

    Attributes:
        taken: of the orders that are taken in rounds, whether each is served.
        left: stock that they leave, by SKU.
        units: of all orders that are served, those from tables too.
    """

    taken: Bools
    left: Ints
    units: int


class Packing:
    """Packs the orders of one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        lines = instance.lines
        sku = lines.column[lines.start[:-1]]
        one = lines.lengths() == 1
        by_table = summed(sku[one], (instance.units * instance.count)[one], instance.skus)
        self._tabled = one & (by_table <= TABLE_MAX)[sku]
        """Of classes: whether tables serve them."""
        self._most = np.where(by_table <= TABLE_MAX, by_table, 0)
        self._offset = starts(self._most + 1)[:-1]
        self._table = _tables(instance, np.flatnonzero(self._tabled), sku, self._most)
        apart = np.flatnonzero(~self._tabled)
        self._classes: Ints = np.repeat(apart, instance.count[apart])
        self._orders: Rows = picked(lines, self._classes)
        self._units: Ints = instance.units[self._classes]
        self._held_by: Ints = instance.holders.lengths()[self._orders.column]
        """Of lines: how many totes hold their SKU."""

    def packed(self, held: Ints) -> Packed:
        """Return what some stock can serve."""
        taken, left = self._in_rounds(held)
        units = int(self._units[taken].sum()) + int(self._tables_serve(left).sum())
        return Packed(taken, left, units)

    def gains(self, packed: Packed) -> Floats:
        """Return by tote about how many units it would add to what is packed; exact where only tables serve."""
        stock = self._instance.stock
        before = self._tables_serve(packed.left)[stock.column]
        after = self._table[
            self._offset[stock.column]
            + np.minimum(packed.left[stock.column] + stock.value, self._most[stock.column])
        ]
        gains = weighed(stock.row, after - before, stock.count)
        return gains + self._completed(packed) if len(self._units) else gains

    def chosen(self, held: Ints) -> Ints:
        """Return how many orders of each class are served from some stock: at most `high` units."""
        instance = self._instance
        packed = self.packed(held)
        chosen = np.bincount(self._classes[packed.taken], minlength=len(instance.count))
        self._serve_from_tables(packed.left, chosen)
        _trim(instance, chosen)
        return chosen

    def _tables_serve(self, left: Ints) -> Ints:
        return self._table[self._offset + np.minimum(left, self._most)]

    def _in_rounds(self, held: Ints) -> tuple[Bools, Ints]:
        orders, count = self._orders, len(self._units)
        taken, left = np.zeros(count, np.bool_), held.copy()
        if not count:
            return taken, left
        short = np.bincount(orders.row[orders.value > left[orders.column]], minlength=count)
        open_ = short == 0
        turn = self._turns(open_, held)
        while open_.any():
            at = np.flatnonzero(open_[orders.row])
            sku, units, row = orders.column[at], orders.value[at], orders.row[at]
            late = np.zeros(count, np.bool_)
            scarce = (summed(sku, units, len(left)) > left)[sku]
            late[_too_late(sku[scarce], units[scarce], row[scarce], turn, left)] = True
            taken |= open_ & ~late
            served = ~late[row]
            left -= summed(sku[served], units[served], len(left))
            open_ &= late
            waits = late[row] & (units > left[sku])
            open_[row[waits]] = False
        return taken, left

    def _turns(self, open_: Bools, held: Ints) -> Ints:
        """Return the turn of each order: first those that take most for each unit of what is scarce.

        What is scarce is used up anyway; an order that takes little of it brings out stock that nobody else would.
        """
        orders = self._orders
        at = np.flatnonzero(open_[orders.row])
        wanted = self._most + summed(orders.column[at], orders.value[at], len(held))
        price = np.maximum(0.0, 1 - held / np.maximum(wanted, 1))
        paid = weighed(orders.row[at], orders.value[at] * price[orders.column[at]], len(open_))
        turn = np.empty(len(open_), np.int64)
        turn[np.argsort(-self._units / (paid + 0.01), kind="stable")] = np.arange(len(open_))
        return turn

    def _completed(self, packed: Packed) -> Floats:
        """Return by tote the units of waiting orders that it would complete, and some credit for those it brings nearer."""
        orders, totes = self._orders, self._instance.totes
        missing = orders.value > packed.left[orders.column]
        lacks = np.bincount(orders.row[missing], minlength=len(self._units))
        lacks[packed.taken] = 0
        at = np.flatnonzero(missing & (lacks > 0)[orders.row])
        # Credit goes to the orders that lack fewest lines, as far as the pairs can be counted quickly.
        pairs = np.cumsum(np.bincount(lacks[orders.row[at]], self._held_by[at]))
        nearest = int(lacks[orders.row[at]].min(initial=len(pairs)))
        most = max(nearest, int(np.searchsorted(pairs, PAIRS_MAX, "right")) - 1)
        line, tote = self._mending(at[lacks[orders.row[at]] == 1], packed.left)
        gains = weighed(tote, self._units[orders.row[line]], totes)
        several = lacks[orders.row[at]]
        line, tote = self._mending(at[(several > 1) & (several <= most)], packed.left)
        pair, mended = np.unique(orders.row[line] * totes + tote, return_counts=True)
        order, tote = np.divmod(pair, totes)
        part = mended / lacks[order]
        return gains + weighed(tote, self._units[order] * np.where(part == 1, 1.0, CREDIT * part), totes)

    def _mending(self, at: Ints, left: Ints) -> tuple[Ints, Ints]:
        """Return which lines which totes would complete, as pairs."""
        orders, holders = self._orders, self._instance.holders
        sku = orders.column[at]
        lengths = holders.lengths()[sku]
        holding = spans(holders.start[sku], lengths)
        line = np.repeat(at, lengths)
        fits = holders.value[holding] + left[orders.column[line]] >= orders.value[line]
        return line[fits], holders.column[holding[fits]]

    def _serve_from_tables(self, left: Ints, chosen: Ints) -> None:
        instance = self._instance
        classes = np.flatnonzero(self._tabled)
        sku = instance.lines.column[instance.lines.start[classes]]
        order = np.lexsort((-instance.units[classes], sku))
        groups = np.split(classes[order], np.flatnonzero(np.diff(sku[order])) + 1) if len(classes) else []
        serve = self._tables_serve(left)
        for group in groups:
            wanted = int(serve[instance.lines.column[instance.lines.start[group[0]]]])
            _make_up(group, instance.units, instance.count, wanted, chosen)


def _too_late(sku: Ints, units: Ints, row: Ints, turn: Ints, left: Ints) -> Ints:
    """Return the orders that find too little when each takes its turn at each SKU, as if nobody before it went away."""
    order = np.lexsort((turn[row], sku))
    sku, units, row = sku[order], units[order], row[order]
    running = np.cumsum(units)
    first = np.ones(len(sku), np.bool_)
    first[1:] = sku[1:] != sku[:-1]
    before = np.maximum.accumulate(np.where(first, running - units, 0))
    return row[running - before > left[sku]]


def _tables(instance: Instance, classes: Ints, sku: Ints, most: Ints) -> Ints:
    """Return for each SKU and each stock up to all demand the most units of one-line orders that it can serve."""
    sums: list[int] = [1] * instance.skus
    number: int
    size: int
    count: int
    for number, size, count in zip(
        sku[classes].tolist(), instance.units[classes].tolist(), instance.count[classes].tolist(), strict=True
    ):
        sums[number] = _with_copies(sums[number], size, count)
    offset = starts(most + 1)
    table: Ints = np.arange(int(offset[-1])) - np.repeat(offset[:-1], most + 1)
    for number in np.flatnonzero(most).tolist():
        units = int(most[number])
        if sums[number] != (1 << (units + 1)) - 1:
            digits = np.frombuffer(bin(sums[number])[:1:-1].encode(), np.uint8) == ord("1")
            table[offset[number] : offset[number + 1]] = np.maximum.accumulate(
                np.where(digits, np.arange(units + 1), 0)
            )
    return table


def _with_copies(sums: int, size: int, count: int) -> int:
    """Return subset sums (bit n: n can be had) once up to `count` more of `size` may be taken."""
    step = 1
    while count > 0:
        copies = min(step, count)
        sums |= sums << (size * copies)
        count -= copies
        step *= 2
    return sums


def _make_up(group: Ints, units: Ints, count: Ints, wanted: int, chosen: Ints) -> None:
    """Choose orders of one SKU with exactly the wanted units, which its table says can be had."""
    reach = [1]
    for number in reversed(group.tolist()):
        reach.append(_with_copies(reach[-1], int(units[number]), int(count[number])))
    for number, rest in zip(group.tolist(), reversed(reach[:-1]), strict=True):
        size = int(units[number])
        take = min(int(count[number]), wanted // size)
        while not rest >> (wanted - take * size) & 1:
            take -= 1
        chosen[number] += take
        wanted -= take * size


def _trim(instance: Instance, chosen: Ints) -> None:
    """Leave orders out until a wave is not exceeded: large ones while they fit the excess, then one small one."""
    excess = int((chosen * instance.units).sum()) - instance.high
    if excess <= 0:
        return
    descending = np.argsort(-instance.units, kind="stable")
    for number in descending[chosen[descending] > 0].tolist():
        drop = min(int(chosen[number]), excess // int(instance.units[number]))
        chosen[number] -= drop
        excess -= drop * int(instance.units[number])
    if excess > 0:
        ascending = descending[::-1]
        enough = ascending[(chosen[ascending] > 0) & (instance.units[ascending] >= excess)]
        chosen[enough[0]] -= 1
