"""The handshake model-checked: every reachable state of both sides' real machines; and a broken rule shows."""

import pytest

from tests.model.explorer import explore
from tests.model.mailbox.chart import chart
from tests.model.mailbox.model import Handshake
from tests.model.mailbox.mutants import FORGIVEN, MUTANTS, HandshakeMutant
from tests.model.mailbox.scopes import QUICK

ENOUGH_STATES = 5_000


@pytest.mark.parametrize("name", QUICK)
def test_in_every_reachable_state_the_handshake_holds(name: str) -> None:
    found = explore(Handshake(QUICK[name]))
    print(
        f"{name}: {found.states:,} states, {found.transitions:,} transitions, at most {found.depth} steps away"
    )
    assert found.counterexample is None, chart(found.counterexample).terminal()
    assert found.states > ENOUGH_STATES


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_shown_by_a_counterexample(mutant: HandshakeMutant) -> None:
    with mutant.applied():
        found = explore(Handshake(mutant.scope))
    assert found.counterexample is not None, f"{mutant.story}, and nothing comes of it"
    print(f"{mutant.story}, after {found.states:,} states:\n{chart(found.counterexample).terminal()}")
    assert mutant.caught in found.counterexample.story


def test_writing_before_reading_is_forgiven_by_the_boot_id_in_the_block() -> None:
    with FORGIVEN.applied():
        found = explore(Handshake(FORGIVEN.scope))
    assert found.counterexample is None


def test_a_counterexample_reads_as_a_chart() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "wire before journal")
    with mutant.applied():
        found = explore(Handshake(mutant.scope))
    assert found.counterexample
    shown = chart(found.counterexample)
    assert [line.text for line in shown.lines][-2:] == ["gateway dies; new epoch 3", "EXECUTES job 1, seq 1"]
    assert shown.terminal().splitlines()[-1] == f"✗ {found.counterexample.story}"
    assert "    kernel->>channel: job 1, seq 1, boot 1" in shown.mermaid().splitlines()
