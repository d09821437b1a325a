"""The other side of the search: programs that re-decide a part of the best wave, and rule out numbers of totes for good."""

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Ints
from gateway.wes.allocation.wave.bound import Bounds, Prices
from gateway.wes.allocation.wave.incumbent import NOTHING, Deadline, Incumbent
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.packing import Packing
from gateway.wes.allocation.wave.program import Ended, Program, relaxed, solved, whole

RELAXED_MAX: Final = 150_000
"""Entries of an instance up to which a linear program prices it; above, subgradient steps are faster."""
PRICING: Final = 0.2
"""Part of the time that prices may take."""
PATIENCE_S: Final = 4.0
"""A part that takes longer to re-decide is too large, one that takes a quarter too small."""
CLOSING_S: Final = 3.0
"""The first attempt to rule out a number of totes; each further round takes half as long again."""


class Proof:
    """Improves and proves one instance until nothing is open."""

    def __init__(
        self,
        instance: Instance,
        packing: Packing,
        incumbent: Incumbent,
        random: np.random.Generator,
        deadline: Deadline,
        listen: Callable[[], None],
    ) -> None:
        self._instance = instance
        self._packing = packing
        self._incumbent = incumbent
        self._random = random
        self._deadline = deadline
        self._listen = listen
        self._bounds = Bounds(instance)
        self._prices: dict[int, Prices] = {}
        self._freed = 6
        """Totes of the best wave that are decided anew."""

    def run(self) -> None:
        """Work until nothing is open or time is up."""
        self._price()
        patience = CLOSING_S
        while self._open():
            self._close(patience)
            until = self._deadline.within(2 * patience)
            while self._open() and until.left() > 0 and self._redecide(until):
                pass
            patience *= 1.5

    def _open(self) -> bool:
        self._listen()
        return self._deadline.left() > 0 and len(self._incumbent.open_sizes()) > 0

    def _worst(self) -> int:
        sizes = self._incumbent.open_sizes()
        return int(sizes[np.argmax(self._incumbent.most[sizes] / sizes)])

    def _price(self) -> None:
        """Find prices, each time for the number of totes with the worst bound."""
        until = self._deadline.within(PRICING * self._deadline.left())
        instance, bounds = self._instance, self._bounds
        if len(instance.lines.row) + len(instance.stock.row) + bounds.pairs > RELAXED_MAX:
            prices = bounds.walk(bounds.start, self._incumbent, until)
            self._prices = dict.fromkeys(range(instance.totes + 1), prices)
            return
        # One relaxation over every number of totes bounds them all about the best ratio; then those that stay worst.
        self._relax((1, instance.totes), self._incumbent.ratio, until)
        while self._open() and until.left() > 0 and self._worst() not in self._prices:
            size = self._worst()
            if not self._relax((size, size), NOTHING, until):
                return

    def _relax(self, sizes: tuple[int, int], ratio: Fraction, until: Deadline) -> bool:
        """Price by a linear program; returns whether it was solved in time."""
        every = np.arange(self._instance.totes)
        program = Program(
            allowed=every, fixed=every[:0], own=self._bounds.lines, sizes=sizes, least=0, ratio=ratio
        )
        duals = relaxed(self._instance, program, until.left())
        if duals is None:
            return False
        prices = Prices(*(np.abs(dual) for dual in duals))
        self._prices[sizes[0] if sizes[0] == sizes[1] else 0] = prices
        self._incumbent.bound(self._bounds.proven(prices))
        return True

    def _nearest(self, size: int) -> Prices:
        if not self._prices:
            return self._bounds.start
        return self._prices[min(self._prices, key=lambda priced: abs(priced - size))]

    def _close(self, seconds: float) -> None:
        """Try each open number of totes, the worst first: find a better wave there, or a lower bound."""
        tried: set[int] = set()
        until = self._deadline.within(4 * seconds)
        while self._open() and until.left() > 0 and self._worst() not in tried:
            size = self._worst()
            tried.add(size)
            ratio = self._incumbent.ratio
            least = max(self._instance.low, ratio.numerator * size // ratio.denominator + 1)
            may, must = self._bounds.useful(self._nearest(size), size, least)
            program = Program(
                allowed=may,
                fixed=must,
                own=self._bounds.lines,
                sizes=(size, size),
                least=least,
                ratio=NOTHING,
            )
            answer = solved(self._instance, program, None, min(seconds, self._deadline.left()))
            if answer.totes is not None and answer.chosen is not None:
                self._incumbent.offer(answer.totes, answer.chosen)
            most = self._incumbent.most.copy()
            if answer.ended is Ended.IMPOSSIBLE:
                most[size] = least - 1
            elif np.isfinite(answer.bound):
                most[size] = max(whole(answer.bound), least - 1)
            self._incumbent.bound(np.minimum(most, self._incumbent.most))

    def _redecide(self, until: Deadline) -> bool:
        """Decide some totes of the best wave anew, with others that promise something; returns whether there is a wave."""
        wave = self._incumbent.wave
        if wave is None:
            return False
        clock = self._deadline.clock
        begun = clock()
        freed = self._random.choice(wave.totes, min(self._freed, len(wave.totes)), replace=False)
        fixed: Ints = np.setdiff1d(wave.totes, freed)
        program = Program(
            allowed=np.union1d(np.union1d(wave.totes, self._promising(fixed)), freed),
            fixed=fixed,
            own=self._bounds.lines,
            sizes=(1, self._instance.totes),
            least=max(self._instance.low, 1),
            ratio=wave.ratio,
        )
        answer = solved(self._instance, program, wave.totes, min(2 * PATIENCE_S, max(until.left(), 0.1)))
        if answer.totes is not None and answer.chosen is not None:
            self._incumbent.offer(answer.totes, answer.chosen)
        took = clock() - begun
        if took < PATIENCE_S / 4:
            self._freed += max(1, self._freed // 4)
        elif took > PATIENCE_S:
            self._freed = max(3, self._freed - max(1, self._freed // 4))
        return True

    def _promising(self, fixed: Ints) -> Ints:
        """Return totes to choose from: those that add most to the fixed ones, and some others."""
        gains = self._packing.gains(self._packing.packed(self._instance.held(fixed)))
        gains[fixed] = -1
        count = min(3 * self._freed, len(gains))
        best = np.argsort(-gains, kind="stable")[:count]
        others = self._random.choice(len(gains), min(self._freed, len(gains)), replace=False)
        return np.union1d(best, others)
