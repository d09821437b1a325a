"""(x) One planning round of the live chain: 1,000 waiting orders, 5,000 totes, 10 stations, by the solver in its process."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from gateway.app.allocation import open_allocator
from gateway.site.wes import Allocation, BuiltIn
from gateway.wes.allocation.greedy import greedy_plan
from gateway.wes.allocation.plans import score
from tests.bench.figures import Figure
from tests.bench.instances import SNAPSHOTS

SHAPE: Final = "six SKUs a tote"
SEED: Final = 1
ROUNDS: Final = 5


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure rounds as the chain asks for them, then the baseline on the same problem."""
    del folder
    problem = SNAPSHOTS[SHAPE](SEED)
    async with open_allocator(Allocation(by=BuiltIn.SOLVER)) as allocator:
        say("planning: the first round")
        taken: list[float] = []
        answers = []
        for _ in range(ROUNDS + 1):
            begun = time.monotonic()
            answers.append(await allocator.plan(problem))
            taken.append(time.monotonic() - begun)
            say(f"planning: {len(taken)} rounds")
    assert all(answer.by == "solver" for answer in answers), answers[0].remarks
    say("planning: the baseline")
    begun = time.monotonic()
    baseline = greedy_plan(problem)
    floor = time.monotonic() - begun
    return [
        Figure(
            name="x1 planning",
            what="one planning round, 1,000 waiting orders, 5,000 totes, 10 stations, in a process of its own, median",
            unit="s",
            value=median(taken[1:]),
            wanted="at most",
            target=2,
            floor=floor,
            floor_is="the baseline (greedy) plans the same in this process",
            details={
                "first, with the start of the process": round(taken[0], 2),
                "worth": round(score(problem, answers[-1].plan), 1),
                "worth of the baseline": round(score(problem, baseline), 1),
            },
        )
    ]
