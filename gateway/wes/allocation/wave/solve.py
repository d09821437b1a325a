"""A wave problem from all sides at once: better waves, and the proof of how much better any could be."""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import wait
from typing import Final, final

import numpy as np

from gateway.wes.allocation.wave.beside import Beside, improve, prove, walk
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
    search = Search(instance, Packing(instance), incumbent, np.random.default_rng(seed), deadline)
    search.grow()
    if len(instance.lines.row) + len(instance.stock.row) <= SMALL:
        search.settle()
        Proof(instance, incumbent, deadline.within(SMALL_S), _nobody).run()
    if _open(incumbent, deadline):
        with ExitStack() as stack:
            works = (walk, improve, prove)
            others = [Beside(work, instance, incumbent, seed, deadline) for work in works]
            for other in others:
                stack.enter_context(other)
            _supervise(others, incumbent, deadline)
    return _solution(problem, instance, incumbent)


def _supervise(others: Sequence[Beside], incumbent: Incumbent, deadline: Deadline) -> None:
    """Tell everybody what the others find, until nothing is open, time is up, or nobody works any more.

    What computes does so in other processes, which are ended on time whatever they are at.
    """
    while _open(incumbent, deadline):
        working = [other for other in others if not other.ended]
        if not working:
            return
        wait([other.link for other in working], deadline.left())
        for other in working:
            other.exchange()


def _open(incumbent: Incumbent, deadline: Deadline) -> bool:
    return deadline.left() > 0 and len(incumbent.open_sizes()) > 0


def _nobody(seconds: float) -> None:
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
