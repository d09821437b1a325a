"""Large neighbourhoods: a few totes of a wave are decided anew by an integer program, with others that promise something.

The wave is the best one, or one on an excursion from it: for some steps a tote is reckoned at a little less or more than the best
units per tote, which leads to larger or smaller sets with room for better ones.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Ints
from gateway.wes.allocation.wave.bound import Bounds
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent, Wave
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.packing import Packing
from gateway.wes.allocation.wave.program import Program, solved

PATIENCE_S: Final = 4.0
"""A neighbourhood that takes longer is too large, one that takes a quarter of it too small."""
FREED: Final = 6
FREED_MIN: Final = 2
"""Totes that are decided anew: to begin with, and at least."""
IDLE_MAX: Final = 5
"""Steps that change nothing before an excursion begins or ends."""
BEND_LOW: Final = 92
BEND_HIGH: Final = 104
"""What a tote is reckoned at on an excursion, in hundredths of the best units per tote."""
PER_FREED: Final = 3
"""Totes to choose from for each of them, by what they add."""


class Improvement:
    """Improves the best wave of one instance."""

    def __init__(
        self,
        instance: Instance,
        incumbent: Incumbent,
        random: np.random.Generator,
        deadline: Deadline,
        listen: Callable[[float], None],
    ) -> None:
        self._instance = instance
        self._incumbent = incumbent
        self._random = random
        self._deadline = deadline
        self._listen = listen
        self._packing = Packing(instance)
        self._own = Bounds(instance).lines
        self._freed = FREED

    def run(self) -> None:
        """Work until nothing is open or time is up, from the first wave on that somebody finds."""
        while self._open():
            if self._incumbent.wave is None:
                self._listen(self._deadline.left())
                continue
            # First about the best wave alone, then on excursions.
            self._descend(Fraction(1))
            bend = Fraction(int(self._random.integers(BEND_LOW, BEND_HIGH)), 100)
            self._descend(bend)

    def _open(self) -> bool:
        return self._deadline.left() > 0 and len(self._incumbent.open_sizes()) > 0

    def _descend(self, bend: Fraction) -> None:
        """Re-decide from the best wave on, totes reckoned at `bend` times its ratio, until steps change nothing."""
        wave, idle = self._incumbent.wave, 0
        while wave is not None and idle < IDLE_MAX and self._open():
            best = self._incumbent.ratio
            after = self._redecide(wave, best * bend)
            self._listen(0)
            if self._incumbent.ratio > best:
                after, bend = self._incumbent.wave or after, Fraction(1)
            idle = idle + 1 if np.array_equal(after.totes, wave.totes) else 0
            wave = after

    def _redecide(self, wave: Wave, ratio: Fraction) -> Wave:
        """Decide some totes of a wave anew; returns what came out."""
        clock = self._deadline.clock
        begun = clock()
        freed = self._random.choice(wave.totes, min(self._freed, len(wave.totes)), replace=False)
        fixed: Ints = np.setdiff1d(wave.totes, freed)
        program = Program(
            allowed=np.union1d(wave.totes, self._promising(fixed)),
            fixed=fixed,
            own=self._own,
            sizes=(1, self._instance.totes),
            least=max(self._instance.low, 1),
            most=self._instance.high,
            ratio=ratio,
        )
        seconds = min(2 * PATIENCE_S, max(self._deadline.left(), 0.1))
        answer = solved(self._instance, program, wave.totes, seconds)
        if answer.totes is not None and answer.chosen is not None:
            self._incumbent.offer(answer.totes, answer.chosen)
            wave = Wave(np.sort(answer.totes), answer.chosen, int(answer.chosen @ self._instance.units))
        took = clock() - begun
        if took < PATIENCE_S / 4:
            self._freed += max(1, self._freed // 4)
        elif took > PATIENCE_S:
            self._freed = max(FREED_MIN, self._freed - max(1, self._freed // 4))
        return wave

    def _promising(self, fixed: Ints) -> Ints:
        """Return totes to choose from: those that add most to the fixed ones, and some others."""
        gains = self._packing.gains(self._packing.packed(self._instance.held(fixed)))
        gains[fixed] = -1
        best = np.argsort(-gains, kind="stable")[: PER_FREED * self._freed]
        others = self._random.choice(len(gains), min(self._freed, len(gains)), replace=False)
        return np.union1d(best, others)
