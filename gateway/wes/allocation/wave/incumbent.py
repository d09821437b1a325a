"""The best wave so far, and what is proven about all others: shared by everything that works on one problem."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Ints
from gateway.wes.allocation.wave.instance import Instance

NOTHING: Final = Fraction(0)


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave that can be picked.

    Attributes:
        totes: ascending.
        chosen: orders of each class.
        units: of all of them.
    """

    totes: Ints
    chosen: Ints
    units: int

    @property
    def ratio(self) -> Fraction:
        """Units per tote."""
        return Fraction(self.units, len(self.totes))


class Incumbent:
    """The best wave and the bounds of one instance.

    Attributes:
        wave: the best so far.
        most: for each number of totes, units that no wave with so many totes exceeds.
    """

    def __init__(self, instance: Instance, told: Callable[[], None]) -> None:
        self._instance = instance
        self._told = told
        self.wave: Wave | None = None
        whole = min(int((instance.units * instance.count).sum()), instance.high)
        self.most: Ints = np.full(instance.totes + 1, whole, np.int64)
        self.most[0] = 0

    @property
    def ratio(self) -> Fraction:
        """Units per tote of the best wave; 0: there is none yet."""
        return NOTHING if self.wave is None else self.wave.ratio

    def offer(self, totes: Ints, chosen: Ints) -> bool:
        """Take a wave if it is one and better than the best; the totes must hold what is chosen. Returns whether it was taken."""
        units = int((chosen * self._instance.units).sum())
        if not max(self._instance.low, 1) <= units <= self._instance.high:
            return False
        wave = Wave(np.sort(totes), chosen, units)
        if wave.ratio <= self.ratio:
            return False
        self.wave = wave
        self._told()
        return True

    def hear(self, wave: Wave, most: Ints) -> None:
        """Take a wave and bounds from another side, which knows them to be true; nobody is told."""
        if wave.ratio > self.ratio:
            self.wave = wave
        np.minimum(self.most, most, out=self.most)

    def bound(self, most: Ints) -> None:
        """Take bounds on the units for each number of totes."""
        if (most < self.most).any():
            np.minimum(self.most, most, out=self.most)
            self._told()

    def open_sizes(self) -> Ints:
        """Return the numbers of totes with which a better wave is not ruled out, ascending."""
        ratio = self.ratio
        size = np.arange(len(self.most))
        better = self.most * ratio.denominator > size * ratio.numerator
        return np.flatnonzero((self.most >= max(self._instance.low, 1)) & better & (size > 0))

    def proven(self) -> Fraction:
        """Return units per tote that no wave exceeds; 0: there is none."""
        bounds = [Fraction(int(self.most[size]), int(size)) for size in self.open_sizes()]
        return max([self.ratio, *bounds])


@dataclass(slots=True)
class Deadline:
    """A moment on a clock of seconds."""

    clock: Callable[[], float]
    at: float

    def left(self) -> float:
        """Return the seconds until then; negative once it has passed."""
        return self.at - self.clock()

    def within(self, seconds: float) -> "Deadline":
        """Return a deadline so many seconds from now, not after this one."""
        return Deadline(self.clock, min(self.at, self.clock() + seconds))
