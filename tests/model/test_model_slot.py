"""A put wall's slot model-checked: every reachable state of both sides' real machines; and a broken rule shows."""

import pytest

from tests.model.explorer import explore
from tests.model.slot.chart import chart
from tests.model.slot.model import PutSlot
from tests.model.slot.mutants import MUTANTS, SlotMutant
from tests.model.slot.scopes import QUICK

ENOUGH_STATES = 5_000


@pytest.mark.parametrize("name", QUICK)
def test_in_every_reachable_state_a_put_counts_once_and_is_not_guessed(name: str) -> None:
    found = explore(PutSlot(QUICK[name]))
    print(
        f"{name}: {found.states:,} states, {found.transitions:,} transitions, at most {found.depth} steps away"
    )
    assert found.counterexample is None, chart(found.counterexample).terminal()
    assert found.states > ENOUGH_STATES


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_shown_by_a_counterexample(mutant: SlotMutant) -> None:
    with mutant.applied():
        found = explore(PutSlot(mutant.scope))
    assert found.counterexample is not None, f"{mutant.story}, and nothing comes of it"
    print(f"{mutant.story}, after {found.states:,} states:\n{chart(found.counterexample).terminal()}")
    assert mutant.caught in found.counterexample.story


def test_a_counterexample_reads_as_a_chart() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "wall lights the same put again")
    with mutant.applied():
        found = explore(PutSlot(mutant.scope))
    assert found.counterexample
    shown = chart(found.counterexample)
    assert [line.text for line in shown.lines][-3:] == ["LIT, put 1, 2", "confirm", "CONFIRMED, put 1, 2"]
    assert "    kernel->>slot: put 1" in shown.mermaid().splitlines()
