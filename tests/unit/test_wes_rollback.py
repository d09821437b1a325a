"""Which steps a rollback has, and in which order, is the site's to say, as long as nothing is left to nobody (S0-36)."""

import pytest
from pydantic import ValidationError

from gateway.site.wes import OBLIGATORY, RollbackStep
from gateway.wes.planning.rollback import begin_rollback
from tests.unit.chain_rig import chain, contradictions, fill, order
from tests.unit.wes_rig import settings

pytestmark = pytest.mark.unit

STEPS = [step.value for step in OBLIGATORY]


async def test_a_site_may_close_a_station_whose_rollback_it_was_and_release_the_stock_first() -> None:
    steps = [STEPS[1], STEPS[4], STEPS[0], STEPS[2], STEPS[3], RollbackStep.CLOSE_STATION.value]
    async with chain(rollback=steps) as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await order(line, "C-1", ("A", 2))
        await line.think()
        line.gateway.step()
        await line.hear()
        ((number, station_id),) = await line.core.rows(
            "SELECT presentation_id, station_id FROM presentations"
        )
        await line.store.write(
            lambda tx: begin_rollback(tx, line.core.context, number, "the page does not answer")
        )
        await line.until_quiet()
        assert await line.core.rows("SELECT station_id FROM stations WHERE open = 0") == [(station_id,)]
        assert await line.codes() == [199, 90]
        assert not await contradictions(line.core)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (STEPS[1:], "Add leaveStation"),
        ([*STEPS, STEPS[0]], "once"),
        ([STEPS[0], STEPS[2], STEPS[1], *STEPS[3:]], "Put rollBackTask before rollBackWorkOrder"),
    ],
    ids=["one is missing", "one comes twice", "in an order that cannot be"],
)
def test_steps_that_would_leave_something_to_nobody_are_told(steps: list[str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(rollback=steps)
