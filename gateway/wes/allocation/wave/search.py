"""Local search over sets of totes: grow one greedily, then exchange totes at a fixed size, and start anew from shaken ones.

Sizes are tried around the best wave's: one tote less is where the ratio leaps, if the fewest units can still be had.
"""

from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Floats, Ints
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.packing import Packed, Packing

TRIED: Final = 2
"""Totes that are tried in an exchange, best estimate first."""
SHAKEN_MAX: Final = 3
"""Totes that a shake exchanges at most."""
SHAKEN_FROM: Final = 10
"""A shake draws among so many of the best estimates."""


class Search:
    """The search on one instance; remembers the best set of every size."""

    def __init__(
        self,
        instance: Instance,
        packing: Packing,
        incumbent: Incumbent,
        random: np.random.Generator,
        deadline: Deadline,
    ) -> None:
        self._instance = instance
        self._packing = packing
        self._incumbent = incumbent
        self._random = random
        self._deadline = deadline
        self._sets: dict[int, tuple[int, list[int]]] = {}

    def grow(self) -> None:
        """Grow a set greedily until the most units are reached or every tote is in it."""
        totes: list[int] = []
        held = self._instance.held(totes)
        packed = self._packing.packed(held)
        while packed.units < self._instance.high and self._deadline.left() > 0:
            gains = self._gains(packed, totes)
            tote = int(np.argmax(gains))
            if len(totes) == self._instance.totes or gains[tote] <= 0:
                return
            totes.append(tote)
            self._put(held, tote, 1)
            packed = self._packing.packed(held)
            self._record(totes, packed.units)

    def walk(self) -> None:
        """Do one run of local search from a shaken set, if any number of totes is open."""
        size = self._size()
        if size is not None:
            self._exchange(self._shaken(self._start(size)))

    def settle(self) -> None:
        """Exchange totes in the grown sets around the best one until none gets better."""
        for size in self._around():
            if self._deadline.left() <= 0:
                return
            self._exchange(list(self._sets[size][1]))

    def take_up(self) -> None:
        """Go on from the incumbent if somebody else has found it."""
        wave = self._incumbent.wave
        if wave is not None:
            known = self._sets.get(len(wave.totes))
            if known is None or known[0] < wave.units:
                self._sets[len(wave.totes)] = (wave.units, wave.totes.tolist())

    def _around(self) -> list[int]:
        wave = self._incumbent.wave
        best = len(wave.totes) if wave is not None else max(self._sets, default=0)
        near = (best, best - 1, best + 1, best - 2)
        return [size for size in near if size in self._sets]

    def _size(self) -> int | None:
        """Draw the size of the next run: the best wave's, or one near it, where a better wave is not ruled out."""
        sizes = self._incumbent.open_sizes()
        sizes = sizes[sizes <= max(self._sets, default=0) + 1]
        if not len(sizes):
            return None
        wave = self._incumbent.wave
        best = len(wave.totes) if wave is not None else int(sizes[0])
        weight = 0.5 ** np.abs(sizes - best)
        return int(self._random.choice(sizes, p=weight / weight.sum()))

    def _start(self, size: int) -> list[int]:
        if size in self._sets:
            return list(self._sets[size][1])
        near = min(self._sets, key=lambda known: abs(known - size))
        return self._resized(list(self._sets[near][1]), size)

    def _resized(self, totes: list[int], size: int) -> list[int]:
        while len(totes) > size:
            totes.remove(int(self._random.choice(totes)))
        while len(totes) < size:
            gains = self._gains(self._packing.packed(self._instance.held(totes)), totes)
            totes.append(int(np.argmax(gains)))
        return totes

    def _shaken(self, totes: list[int]) -> list[int]:
        out = int(self._random.integers(1, min(SHAKEN_MAX, len(totes)) + 1))
        for tote in self._random.choice(totes, out, replace=False).tolist():
            totes.remove(tote)
            gains = self._gains(self._packing.packed(self._instance.held(totes)), [*totes, tote])
            best = np.argsort(-gains, kind="stable")[: min(SHAKEN_FROM, len(gains) - len(totes) - 1)]
            totes.append(int(self._random.choice(best)) if len(best) else tote)
        return totes

    def _exchange(self, totes: list[int]) -> None:
        """Exchange one tote at a time, while that serves more units."""
        held = self._instance.held(totes)
        units = self._packing.packed(held).units
        self._record(totes, units)
        unchanged = 0
        while unchanged < len(totes) and units < self._instance.high:
            for tote in self._random.permutation(totes).tolist():
                if self._deadline.left() <= 0:
                    return
                self._put(held, tote, -1)
                packed = self._packing.packed(held)
                better = self._better(held, packed, totes, units)
                if better is None:
                    self._put(held, tote, 1)
                    unchanged += 1
                    continue
                totes[totes.index(tote)], units = better
                self._put(held, better[0], 1)
                self._record(totes, units)
                unchanged = 0

    def _better(self, held: Ints, packed: Packed, totes: list[int], units: int) -> tuple[int, int] | None:
        """Return a tote with which the others serve more than so many units, and how many."""
        gains = self._gains(packed, totes)
        for tote in np.argsort(-gains, kind="stable")[:TRIED].tolist():
            if packed.units + gains[tote] <= units:
                return None
            self._put(held, tote, 1)
            served = self._packing.packed(held).units
            self._put(held, tote, -1)
            if served > units:
                return tote, served
        return None

    def _gains(self, packed: Packed, without: list[int]) -> Floats:
        gains = self._packing.gains(packed)
        gains[without] = -1
        return gains

    def _put(self, held: Ints, tote: int, sign: int) -> None:
        at = self._instance.stock.at(tote)
        held[self._instance.stock.column[at]] += sign * self._instance.stock.value[at]

    def _record(self, totes: list[int], units: int) -> None:
        size = len(totes)
        known = self._sets.get(size)
        if known is None or units > known[0]:
            self._sets[size] = (units, list(totes))
        ratio = self._incumbent.ratio
        if units >= self._instance.low and (
            min(units, self._instance.high) * ratio.denominator > ratio.numerator * size
        ):
            chosen = self._packing.chosen(self._instance.held(totes))
            self._incumbent.offer(np.array(totes), chosen)
