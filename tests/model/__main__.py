"""`python -m tests.model`: explore all scopes (`make model-check`), or with `--mutant NAME` a broken rule."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tests.model.chart import Chart
from tests.model.explorer import Counterexample, Explored, Model, explore
from tests.model.mailbox.chart import chart as mailbox_chart
from tests.model.mailbox.model import Handshake
from tests.model.mailbox.mutants import MUTANTS as MAILBOX_MUTANTS
from tests.model.mailbox.scopes import THOROUGH as MAILBOX_SCOPES
from tests.model.slot.chart import chart as slot_chart
from tests.model.slot.model import PutSlot
from tests.model.slot.mutants import MUTANTS as SLOT_MUTANTS
from tests.model.slot.scopes import THOROUGH as SLOT_SCOPES


@dataclass(frozen=True)
class Exploration:
    """What can be explored.

    Attributes:
        broken: breaks the rule that is to be broken, if one is.
        chart: draws a counterexample.
    """

    name: str
    model: Model[Any, Any]
    broken: AbstractContextManager[object]
    chart: Callable[[Counterexample[Any, Any]], Chart]

    def run(self) -> Explored[Any, Any]:
        """Explore, and tell what was found."""
        begun = time.perf_counter()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with self.broken, Progress(*columns, transient=True, refresh_per_second=2) as bar:
            task = bar.add_task(self.name)
            found = explore(
                self.model,
                lambda states, left: bar.update(
                    task, description=f"{self.name}: {states:,} states, {left:,} to visit"
                ),
            )
        verdict = "does not hold" if found.counterexample else "holds"
        seconds = time.perf_counter() - begun
        print(
            f"{self.name}: {found.states:,} states, {found.transitions:,} transitions, {seconds:.0f} s: {verdict}",
            flush=True,
        )
        return found


def _sound() -> Iterator[Exploration]:
    for name, scope in MAILBOX_SCOPES.items():
        yield Exploration(f"mailbox: {name}", Handshake(scope), nullcontext(), mailbox_chart)
    for name, scope in SLOT_SCOPES.items():
        yield Exploration(f"put wall: {name}", PutSlot(scope), nullcontext(), slot_chart)


def _broken() -> dict[str, Exploration]:
    mailbox = (
        Exploration(f"mailbox: {mutant.name}", Handshake(mutant.scope), mutant.applied(), mailbox_chart)
        for mutant in MAILBOX_MUTANTS
    )
    slot = (
        Exploration(f"put wall: {mutant.name}", PutSlot(mutant.scope), mutant.applied(), slot_chart)
        for mutant in SLOT_MUTANTS
    )
    return {each.name: each for each in (*mailbox, *slot)}


def main() -> int:
    """Explore; return 1 if something does not hold."""
    broken = _broken()
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--mutant", choices=broken, help="break a rule, and show what comes of it")
    parser.add_argument("--mermaid", action="store_true", help="show counterexamples as Mermaid diagrams")
    asked = parser.parse_args()
    failed = 0
    for each in [broken[asked.mutant]] if asked.mutant else _sound():
        found = each.run()
        if found.counterexample:
            failed += 1
            chart = each.chart(found.counterexample)
            print(chart.mermaid() if asked.mermaid else chart.terminal())
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
