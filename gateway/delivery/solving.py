"""`python -m gateway.delivery.solving`: what runs in the solver's process, problem by problem until its input ends."""

import sys
import time
from typing import BinaryIO

from gateway.wes.allocation.port import PLAN_JSON, PROBLEM_JSON
from gateway.wes.allocation.solver import BUDGET_S, solver_plan


def answer(problems: BinaryIO, plans: BinaryIO) -> None:
    """Answer each line, a problem, with a line, its plan."""
    for line in problems:
        problem = PROBLEM_JSON.validate_json(line)
        plan = solver_plan(problem, time.monotonic, BUDGET_S, seed=0)  # noqa: TID251 - of this process
        plans.write(PLAN_JSON.dump_json(plan, by_alias=True) + b"\n")
        plans.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
