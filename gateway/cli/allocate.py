"""`gateway wes allocate`: one wave problem from a file, its best wave into another."""

import json
import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli import STARTED_S
from gateway.cli.appearance import stderr, stdout
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.files import write_file
from gateway.wes.allocation.wave.incumbent import Deadline, Incumbent
from gateway.wes.allocation.wave.problem import WaveInvalid, WaveProblem, read
from gateway.wes.allocation.wave.solve import NoWave, Solution, rounded_up, solve

MARGIN_S: Final = 2.0
MARGIN: Final = 0.05
"""Kept back, so many seconds and such a part of the time: the program's start, the last step, the check, the file."""


def allocate(
    problem: Annotated[
        Path, typer.Argument(metavar="PROBLEM.json", help="Orders, totes, minUnits, maxUnits.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the wave is written.")],
    seconds: Annotated[
        float, typer.Option("--time", min=0.1, max=86_400, metavar="S", help="Seconds for all of it.")
    ] = 60.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, metavar="N", help="Decides everything that is random.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the result as JSON.")] = False,
) -> None:
    """Choose orders and totes with the most units per tote. Ends with 1 if the problem is none or has no wave."""
    # What works beside shares the cores already: NumPy's own threads would only stand in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    clock = time.monotonic  # noqa: TID251 - this program's own time, which nothing simulates
    deadline = Deadline(clock, max(STARTED_S + seconds * (1 - MARGIN) - MARGIN_S, clock() + seconds / 2))
    asked = _read(problem)
    if not out.parent.is_dir():  # told now, and not when the time is spent
        raise Failure(REFUSED, f"{out} cannot be written: there is no folder {out.parent}")
    if out.is_dir():
        raise Failure(REFUSED, f"{out} cannot be written: it is a folder")
    try:
        solution = _solved(asked, deadline, seed)
    except NoWave as none:
        title = "there is no wave" if none.proven else "no wave was found in time"
        raise Failure(REFUSED, f"{title}: {none}") from none
    answer = {
        "orders": list(solution.orders),
        "totes": list(solution.totes),
        "units": solution.units,
        "unitsPerTote": float(solution.units_per_tote),
        "bound": rounded_up(solution.bound),
    }
    write_file(out, json.dumps(answer) + "\n")
    if as_json:
        told = answer | {"orders": len(solution.orders), "totes": len(solution.totes), "gap": solution.gap}
        typer.echo(json.dumps(told))
    else:
        stdout().print(
            f"{len(solution.orders)} orders, {solution.units} units from {len(solution.totes)} totes:"
            f" [bold]{float(solution.units_per_tote):.3f}[/] units per tote,"
            f" no wave exceeds {rounded_up(solution.bound):.3f} ({solution.gap:.1%})"
        )


def _read(file: Path) -> WaveProblem:
    try:
        return read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failure(REFUSED, f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Failure(REFUSED, f"{file} is no UTF-8 text: {error.reason} at byte {error.start}") from error
    except WaveInvalid as invalid:
        raise Failure(REFUSED, f"{file} is no wave problem", (invalid.path, invalid.reason)) from invalid


def _solved(problem: WaveProblem, deadline: Deadline, seed: int) -> Solution:
    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, console=stderr(), transient=True) as progress:
        whole = deadline.left()
        task = progress.add_task("", total=whole, state="growing a first wave")

        def told(incumbent: Incumbent) -> None:
            state = f"{float(incumbent.ratio):.3f} units per tote, at most {float(incumbent.proven()):.3f}"
            progress.update(task, completed=whole - deadline.left(), state=state)

        return solve(problem, deadline, seed, told)
