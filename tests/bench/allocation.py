"""Measure allocation: `python -m tests.bench.allocation [--seconds 20] [--seed 1]`. A table on stderr, JSON on stdout.

Waves: units per tote of the baseline (the first wave, grown greedily) and of the solver, and the gap to the proven bound. Snapshots
of the live chain: pile-on (units a presentation), hit rate (lines a presentation), presentations an order, for the baseline and the
solver; their bound is that of a wave of the same orders, which knows no stations and so is never too low.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from gateway.wes.allocation.greedy import greedy_plan
from gateway.wes.allocation.plans import check, score
from gateway.wes.allocation.port import Plan, Problem
from gateway.wes.allocation.solver import BUDGET_S, solver_plan
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent
from gateway.wes.allocation.wave.problem import WaveProblem
from gateway.wes.allocation.wave.solve import solve
from tests.bench.instances import SNAPSHOTS, WAVES

Row = dict[str, Any]
HEADINGS: Final = {
    "unitsPerTote": "units a tote",
    "greedy": "greedy",
    "chosen": "totes chosen",
    "by": "allocator",
    "pileOn": "pile-on",
    "hitRate": "hit rate",
    "presentationsPerOrder": "presentations an order",
    "score": "worth",
    "seconds": "s",
}
"""Of columns that people read under another name than machines."""


def measure_wave(shape: str, problem: WaveProblem, seconds: float, seed: int) -> Row:
    """Solve one wave problem; the first wave that is told is the baseline's."""
    first: list[float] = []

    def told(incumbent: Incumbent) -> None:
        if incumbent.wave is not None and not first:
            first.append(float(incumbent.ratio))

    begun = time.monotonic()
    solution = solve(problem, Deadline(time.monotonic, begun + seconds), seed, told)
    return {
        "shape": shape,
        "orders": len(problem.orders),
        "totes": len(problem.totes),
        "greedy": round(first[0], 3),
        "unitsPerTote": round(float(solution.units_per_tote), 3),
        "chosen": len(solution.totes),
        "bound": round(float(solution.bound), 3),
        "gap": round(solution.gap, 4),
        "seconds": round(time.monotonic() - begun, 1),
    }


def measure_snapshot(shape: str, problem: Problem, seconds: float, seed: int) -> list[Row]:
    """Plan one snapshot by both built-in allocators."""
    begun = time.monotonic()
    baseline = greedy_plan(problem)
    greedy_s = time.monotonic() - begun
    better = solver_plan(problem, time.monotonic, BUDGET_S, seed)
    took = {"greedy": greedy_s, "solver": time.monotonic() - begun - greedy_s}
    rows: list[Row] = []
    for name, plan in (("greedy", baseline), ("solver", better)):
        assert not check(problem, plan)
        measured: Row = {
            "shape": shape,
            "by": name,
            **figures(problem, plan),
            "seconds": round(took[name], 2),
        }
        bound = pile_on_bound(problem, plan, seconds, seed)
        rows.append(
            measured | {"bound": round(bound, 3), "gap": round(bound / float(measured["pileOn"]) - 1, 4)}
        )
    return rows


def figures(problem: Problem, plan: Plan) -> Row:
    """Return the measures of a plan."""
    picks = [pick for presentation in plan.presentations for pick in presentation.picks]
    units = sum(pick.quantity for pick in picks)
    count = len(plan.presentations)
    return {
        "orders": len(plan.assignments),
        "presentations": count,
        "pileOn": round(units / count, 3),
        "hitRate": round(len(picks) / count, 3),
        "presentationsPerOrder": round(count / len(plan.assignments), 3),
        "score": round(score(problem, plan), 1),
    }


def pile_on_bound(problem: Problem, plan: Plan, seconds: float, seed: int) -> float:
    """Return units a presentation that no plan with the same orders exceeds."""
    chosen = {assignment.work_id for assignment in plan.assignments}
    works = [work for work in problem.works if work.work_id in chosen]
    orders = [summed((line.sku, line.quantity) for line in work.lines) for work in works]
    totes = [
        summed((position.sku, position.available) for position in tote.positions) for tote in problem.totes
    ]
    units = sum(sum(order.values()) for order in orders)
    wave = WaveProblem(orders, totes, units, units)
    return float(
        solve(wave, Deadline(time.monotonic, time.monotonic() + seconds), seed, lambda _: None).bound
    )


def summed(pairs: Any) -> dict[str, int]:
    """Return quantities by SKU."""
    total: Counter[str] = Counter()
    for sku, quantity in pairs:
        total[sku] += quantity
    return dict(total)


def table(title: str, rows: list[Row]) -> Table:
    """Return rows as a table."""
    shown = Table(title=title, title_justify="left")
    for key, value in rows[0].items():
        shown.add_column(HEADINGS.get(key, key), justify="left" if isinstance(value, str) else "right")
    for row in rows:
        shown.add_row(*(f"{value:.1%}" if key == "gap" else str(value) for key, value in row.items()))
    return shown


def main() -> None:
    """Measure every shape."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.allocation")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each wave and each bound")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as gateway wes allocate does
    console = Console(stderr=True, width=160)
    with console.status("waves") as status:
        waves: list[Row] = []
        for shape, draw in WAVES.items():
            status.update(f"wave: {shape}")
            waves.append(measure_wave(shape, draw(asked.seed), asked.seconds, asked.seed))
        console.print(table("waves: units a tote, and how much more any wave could have at most", waves))
        snapshots: list[Row] = []
        for shape, draw_snapshot in SNAPSHOTS.items():
            status.update(f"snapshot: {shape}")
            snapshots += measure_snapshot(shape, draw_snapshot(asked.seed), asked.seconds, asked.seed)
        console.print(
            table("snapshots of the live chain: pile-on is units, hit rate lines a presentation", snapshots)
        )
    sys.stdout.write(json.dumps({"waves": waves, "snapshots": snapshots}, indent=2) + "\n")


if __name__ == "__main__":
    main()
