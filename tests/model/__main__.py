"""`python -m tests.model`: explore all scopes (`make model-check`), or with `--mutant NAME` a broken handshake."""

import argparse
import sys
import time

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.model.chart import Chart
from tests.model.explorer import Explored, explore
from tests.model.mailbox.actions import Action
from tests.model.mailbox.chart import chart
from tests.model.mailbox.model import Handshake, Scope
from tests.model.mailbox.mutants import MUTANTS
from tests.model.mailbox.scopes import THOROUGH
from tests.model.mailbox.state import State


def main() -> int:
    """Explore; return 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument(
        "--mutant", choices=[mutant.name for mutant in MUTANTS], help="explore a broken handshake"
    )
    parser.add_argument("--mermaid", action="store_true", help="show the counterexample as a Mermaid diagram")
    asked = parser.parse_args()
    show = Chart.mermaid if asked.mermaid else Chart.terminal
    if asked.mutant:
        mutant = next(mutant for mutant in MUTANTS if mutant.name == asked.mutant)
        with mutant.applied():
            found = _explore(mutant.story, mutant.scope)
        print(show(chart(found.counterexample)) if found.counterexample else "it survives")
        return 0
    failed = 0
    for name, scope in THOROUGH.items():
        found = _explore(name, scope)
        if found.counterexample:
            failed += 1
            print(show(chart(found.counterexample)))
    return min(failed, 1)


def _explore(name: str, scope: Scope) -> Explored[State, Action]:
    begun = time.perf_counter()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True, refresh_per_second=2) as bar:
        task = bar.add_task(name)
        found = explore(
            Handshake(scope),
            lambda states, left: bar.update(
                task, description=f"{name}: {states:,} states, {left:,} to visit"
            ),
        )
    verdict = "does not hold" if found.counterexample else "holds"
    seconds = time.perf_counter() - begun
    print(
        f"{name}: {found.states:,} states, {found.transitions:,} transitions, {seconds:.0f} s: {verdict}",
        flush=True,
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
