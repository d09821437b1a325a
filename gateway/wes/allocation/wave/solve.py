"""The two sides of a wave problem at once: better waves, and the proof of how much better any could be."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import wait
from typing import Final, final

import numpy as np

from gateway.wes.allocation.wave.beside import Beside, improve, prove
from gateway.wes.allocation.wave.check import faults, units_of
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent
from gateway.wes.allocation.wave.instance import Instance, reduced
from gateway.wes.allocation.wave.packing import Packing
from gateway.wes.allocation.wave.problem import WaveProblem
from gateway.wes.allocation.wave.proof import Proof
from gateway.wes.allocation.wave.search import Search

SMALL: Final = 5_000
SMALL_S: Final = 5.0
"""Entries up to which a problem is first tried alone for so long: most are proven then, and always the same way."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A wave that the independent checker has counted.

    Attributes:
        orders: indices, ascending.
        totes: indices, ascending.
        units: of the orders.
        bound: units per tote that no wave of the problem exceeds.
    """

    orders: Sequence[int]
    totes: Sequence[int]
    units: int
    bound: Fraction

    @property
    def units_per_tote(self) -> Fraction:
        """What is to be large."""
        return Fraction(self.units, len(self.totes))

    @property
    def gap(self) -> float:
        """How much larger the best wave could be, as a part of this one."""
        return float(self.bound / self.units_per_tote - 1)


@final
class NoWave(Exception):  # noqa: N818 - an answer, not an error of the program
    """There is no wave, or none was found in time.

    Attributes:
        proven: whether there is none.
    """

    def __init__(self, proven: bool, reason: str) -> None:
        super().__init__(reason)
        self.proven = proven


REST_MAX_S: Final = 1.0
"""Between two runs of local search that found nothing."""
Told = Callable[[Incumbent], None]


def solve(problem: WaveProblem, deadline: Deadline, seed: int, told: Told) -> Solution:
    """Return the best wave that is found until the deadline, or earlier if it is proven to be the best.

    Args:
        problem: what to solve.
        deadline: when to stop.
        seed: decides everything that is random; the answer is the same each time if the deadline is not what ends it.
        told: called at each better wave and each better bound.

    Raises:
        NoWave: there is none, or none was found in time.
    """
    instance = reduced(problem)
    incumbent = Incumbent(instance, lambda: told(incumbent))
    if len(instance.count) == 0:
        raise NoWave(
            True,
            "no order can be picked: each wants more of some SKU than all totes hold, or exceeds maxUnits",
        )
    packing = Packing(instance)
    search = Search(instance, packing, incumbent, np.random.default_rng(seed), deadline)
    search.grow()
    if len(instance.lines.row) + len(instance.stock.row) <= SMALL:
        alone = deadline.within(SMALL_S)
        search.settle()
        Proof(instance, incumbent, alone, _nobody).run()
    if _open(incumbent, deadline):
        search.take_up()
        with (
            Beside(improve, instance, incumbent, seed, deadline) as improvement,
            Beside(prove, instance, incumbent, seed, deadline) as proof,
        ):
            _search_beside(search, incumbent, (improvement, proof), deadline)
    return _solution(problem, instance, incumbent)


def _search_beside(
    search: Search, incumbent: Incumbent, others: Sequence[Beside], deadline: Deadline
) -> None:
    """Search while others work, less and less the longer it finds nothing: they need the cores too."""
    search.settle()
    rest = 0.0
    while _open(incumbent, deadline):
        best = incumbent.ratio
        search.walk()
        rest = 0.0 if incumbent.ratio > best else min(2 * rest + 0.01, REST_MAX_S, deadline.left())
        wait([other.link for other in others], max(rest, 0))
        for other in others:
            other.exchange()
        search.take_up()


def _open(incumbent: Incumbent, deadline: Deadline) -> bool:
    return deadline.left() > 0 and len(incumbent.open_sizes()) > 0


def _nobody() -> None:
    """Listen to nobody."""


def _solution(problem: WaveProblem, instance: Instance, incumbent: Incumbent) -> Solution:
    wave = incumbent.wave
    if wave is None:
        if len(incumbent.open_sizes()):
            raise NoWave(
                False, f"no wave of {problem.low}…{problem.high} units was found in time; there may be one"
            )
        raise NoWave(True, f"no choice of orders and totes makes {problem.low}…{problem.high} units")
    orders = sorted(
        member
        for members, count in zip(instance.members, wave.chosen.tolist(), strict=True)
        for member in members[:count]
    )
    totes: list[int] = wave.totes.tolist()
    wrong = faults(problem, orders, totes)
    assert not wrong, wrong
    return Solution(orders, totes, units_of(problem, orders), incumbent.proven())


def rounded_up(value: Fraction) -> float:
    """Return the smallest float that is not below a fraction."""
    near = float(value)
    return near if Fraction(near) >= value else math.nextafter(near, math.inf)
