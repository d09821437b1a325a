"""A warehouse on virtual time with a seed: whatever fails, goods and orders are what the OMS, the stock and the documents say."""

import pytest

from tests.sim.warehouse import Day, work_through

pytestmark = [pytest.mark.sim, pytest.mark.timeout(180)]

SEEDS = range(1, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_order_leaves_or_is_cancelled_or_waits_for_somebody_and_all_accounts_agree(seed: int) -> None:
    outcome = work_through(Day(seed))

    assert not outcome.wrong
    assert sum(outcome.statuses.values()) == Day(seed).orders
    assert outcome.statuses["SHIPPED"] > 0
    assert outcome.faults
    assert outcome.runs > 1
