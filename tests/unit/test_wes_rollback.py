"""Which steps a rollback has, and in which order, is the site's to say, as long as nothing is left to nobody (S0-36)."""

import pytest
from pydantic import ValidationError

from gateway.contract.attention import Decision
from gateway.site.wes import OBLIGATORY, RollbackStep
from gateway.wes.attention import list_exceptions
from gateway.wes.floor.wall import DARK_US
from gateway.wes.planning.rollback import TRIES_MAX, begin_rollback, let_go_on
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import chain, contradictions, fill, order
from tests.unit.station_rig import Station, station
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


async def held_after_too_many(line: Station) -> int:
    """Have a page refuse a container until its work is held; returns the order's number."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 2))
    for _ in range(TRIES_MAX):
        operation = await line.bring()
        await line.act("reject", operation_id=operation, reason="the page does not answer")
        for _ in range(4):
            await line.turn()
    assert await line.operations() == []
    for _ in range(5):
        await line.turn()
    assert await line.operations() == [], "nothing more is brought for it"
    ((order_id,),) = await line.core.rows("SELECT order_id FROM orders")
    return order_id


async def test_work_that_is_rolled_back_again_and_again_waits_for_a_person_who_lets_it_go_on() -> None:
    async with station() as line:
        order_id = await held_after_too_many(line)
        (matter,) = await line.store.read(lambda tx: list_exceptions(tx, 0, 10))
        assert (matter.kind, matter.decisions) == ("rolledBack", (Decision.RETRY, Decision.CANCEL))
        assert "3 times, the last time because: Ann: the page does not answer" in matter.text
        await line.store.write(lambda tx: let_go_on(tx, line.core.context, order_id, "Ann"))
        assert not await line.store.read(lambda tx: list_exceptions(tx, 0, 10))
        await line.finish()
        assert await line.order_codes() == [190]
        await line.check()


async def test_who_resumes_such_work_at_the_station_has_looked_at_it() -> None:
    async with station() as line:
        await held_after_too_many(line)
        ((work_id,),) = await line.core.rows("SELECT work_id FROM work_orders WHERE held IS NOT NULL")
        await line.act("resume", work_id=work_id)
        assert not await line.store.read(lambda tx: list_exceptions(tx, 0, 10))
        await line.finish()
        assert await line.order_codes() == [190]


async def test_such_an_order_may_be_cancelled() -> None:
    async with station() as line:
        await held_after_too_many(line)
        await line.cancel("C-1")
        assert await line.order_codes() == [199]
        await line.check()


async def lit_and_closed(line: Station) -> str:
    """Have a slot lit at a station that is then closed; returns the put's name at the gateway."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 2))
    operation = await line.bring()
    ((allocation_id, _),) = await line.scan(operation)
    await line.act("pick", allocation_id=allocation_id, quantity=2)
    await line.light()
    (name,) = line.walls.lit()
    await line.store.write(lambda tx: close_station(tx, "station-1", "no light", "Ann"))
    await line.rollbacks.work()
    return name


async def lit_questions(line: Station) -> list[tuple[str, str]]:
    sql = "SELECT kind, text FROM questions WHERE settled_at IS NULL ORDER BY question_id"
    return [(row[0], row[1]) for row in await line.core.rows(sql)]


async def test_a_rollback_darkens_what_is_lit_for_its_work() -> None:
    async with station() as line:
        name = await lit_and_closed(line)
        await line.floor.work()
        assert line.walls.recalled == [name]
        line.walls.darken()
        await line.hear()
        line.core.clock.at_us += DARK_US
        await line.floor.work()
        assert await lit_questions(line) == []
        await line.check()


async def test_a_slot_that_cannot_be_darkened_is_told_until_it_is_dark() -> None:
    async with station() as line:
        name = await lit_and_closed(line)
        line.walls.deaf = True
        await line.floor.work()
        assert await lit_questions(line) == []
        line.core.clock.at_us += DARK_US
        for _ in range(3):
            await line.floor.work()
        slot = line.walls.puts[name].slot
        text = f"{slot} should be dark, and its wall does not answer: put nothing there."
        assert await lit_questions(line) == [("stillLit", text)]
        line.walls.deaf = False
        await line.floor.work()
        line.walls.darken()
        await line.hear()
        assert await lit_questions(line) == []
