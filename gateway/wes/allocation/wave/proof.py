"""The other side of the search: prices and programs that rule out numbers of totes for good."""

from collections.abc import Callable
from typing import Final

import numpy as np

from gateway.wes.allocation.wave.arrays import Ints
from gateway.wes.allocation.wave.bound import STEP_FIRST, Bounds, Prices
from gateway.wes.allocation.wave.incumbent import NOTHING, Deadline, Incumbent
from gateway.wes.allocation.wave.instance import Instance
from gateway.wes.allocation.wave.program import Ended, Program, relaxed, solved, whole

FIRST: Final = 0.1
"""Part of the time to wait for a first wave, which tells where bounds matter."""
RELAXED_MAX: Final = 150_000
"""Entries of an instance up to which a linear program prices it; above, subgradient steps are faster."""
PRICING: Final = 0.3
PRICING_HEAVY: Final = 0.8
"""Part of the time that prices may take, and above RELAXED_MAX, where programs rule out little."""
LOWERED_S: Final = 2.0
"""For prices where a linear program took all its time."""
PAIRING: Final = 0.75
"""Part of the time after that for prices of pairs, where orders have several lines: programs rule out little there."""
STEP_AGAIN: Final = 0.1
"""The first step from prices that are good for another number of totes."""
LITTLE: Final = 0.002
"""Where the worst bound falls by no more than this part, prices are as good as they get."""
CLOSING_S: Final = 3.0
"""The first attempt to rule out a number of totes; each further round takes half as long again."""


class Proof:
    """Proves bounds for one instance until nothing is open."""

    def __init__(
        self, instance: Instance, incumbent: Incumbent, deadline: Deadline, listen: Callable[[float], None]
    ) -> None:
        self._instance = instance
        self._incumbent = incumbent
        self._deadline = deadline
        self._listen = listen
        self._bounds = Bounds(instance)
        self._known: list[tuple[Prices, Ints]] = []
        """Prices, and the bounds that they prove."""
        self._priced: set[int] = set()
        entries = len(instance.lines.row) + len(instance.stock.row) + self._bounds.entries
        self._light = entries <= RELAXED_MAX

    def run(self) -> None:
        """Work until nothing is open or time is up."""
        self._incumbent.bound(self._bounds.proven(self._bounds.level(1.0)))
        self._know(self._bounds.level(0.5))
        self._listen(FIRST * self._deadline.left())
        self._price()
        if self._light and len(self._bounds.pairs) and self._open():
            self._price_pairs()
        patience = CLOSING_S
        while self._open():
            self._close(patience)
            patience *= 1.5

    def _open(self) -> bool:
        self._listen(0)
        return self._deadline.left() > 0 and len(self._incumbent.open_sizes()) > 0

    def _worst(self) -> int:
        sizes = self._incumbent.open_sizes()
        return int(sizes[np.argmax(self._incumbent.most[sizes] / sizes)])

    def _price(self) -> None:
        """Find prices where the bound is worst: at the fewest totes that are not ruled out."""
        part = PRICING if self._light else PRICING_HEAVY
        until = self._deadline.within(part * self._deadline.left())
        if not self._light:
            self._search_fewest(until)
        while self._open() and until.left() > 0 and self._worst() not in self._priced:
            self._price_at(self._worst(), until)

    def _search_fewest(self, until: Deadline) -> None:
        """Halve the range of the fewest totes that are not ruled out, and the time: steps are slow."""
        below, above = 0, self._usual()
        while above - below > 1 and until.left() > 0:
            size = (below + above) // 2
            self._price_at(size, until.within(until.left() / 2))
            if size in self._incumbent.open_sizes():
                above = size
            else:
                below = size

    def _usual(self) -> int:
        """Return the number of totes of the best wave, or of all if there is none yet."""
        wave = self._incumbent.wave
        return self._instance.totes if wave is None else len(wave.totes)

    def _price_at(self, size: int, until: Deadline) -> None:
        prices = self._relaxed(size, until) if self._light else None
        if prices is None:
            prices = self._lowered(size, self._deadline.within(max(until.left(), LOWERED_S)))
        self._priced.add(size)
        self._know(prices)

    def _price_pairs(self) -> None:
        """Find prices of pairs, which linear programs leave out, where the bound is worst."""
        until = self._deadline.within(PAIRING * self._deadline.left())
        self._known = self._known[:1]
        # Between the worst size of single prices, which is small, and the best wave's: that is where pairs leave most.
        size = (self._worst() + self._usual()) // 2
        while until.left() > 0:
            before = self._incumbent.most[size]
            self._know(self._lowered(size, until))
            if not self._open():
                return
            worst = self._worst()
            if worst == size and self._incumbent.most[size] > before * (1 - LITTLE):
                return
            size = worst

    def _know(self, prices: Prices) -> None:
        most = self._bounds.proven(prices)
        self._known.append((prices, most))
        self._incumbent.bound(most)

    def _lowered(self, size: int, until: Deadline) -> Prices:
        """Price by steps, from the prices that are known to be best there."""
        length = STEP_FIRST if len(self._known) == 1 else STEP_AGAIN
        return self._bounds.lowered(self._best_at(size), size, self._needed(size) - 1, length, until)

    def _relaxed(self, size: int, until: Deadline) -> Prices | None:
        """Price by a linear program, if it is solved in time."""
        every = np.arange(self._instance.totes)
        program = Program(
            allowed=every,
            fixed=every[:0],
            own=self._bounds.lines,
            sizes=(size, size),
            least=0,
            most=int(self._instance.demand.sum()),
            ratio=NOTHING,
        )
        duals = relaxed(self._instance, program, until.left())
        return None if duals is None else self._bounds.simple(*(np.abs(dual) for dual in duals))

    def _needed(self, size: int) -> int:
        """Return the fewest units with which so many totes make a better wave."""
        ratio = self._incumbent.ratio
        return max(self._instance.low, ratio.numerator * size // ratio.denominator + 1)

    def _best_at(self, size: int) -> Prices:
        return min(self._known, key=lambda known: int(known[1][size]))[0]

    def _close(self, seconds: float) -> None:
        """Try each open number of totes, the worst first: find a better wave there, or a lower bound."""
        tried: set[int] = set()
        until = self._deadline.within(4 * seconds)
        while self._open() and until.left() > 0 and self._worst() not in tried:
            size = self._worst()
            tried.add(size)
            least = self._needed(size)
            may, must = self._bounds.useful(self._best_at(size), size, least)
            program = Program(
                allowed=may,
                fixed=must,
                own=self._bounds.lines,
                sizes=(size, size),
                least=least,
                most=self._instance.high,
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
