"""What the allocator is told (S0-26): who waits for what, where it can be had from, how far that is, and which slots are free."""

from datetime import timedelta

import pytest

from gateway.kernel.clock import to_datetime
from gateway.wes.planning.snapshot import look
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import chain, fill, order

pytestmark = pytest.mark.unit


async def test_the_allocator_is_told_of_work_of_totes_with_their_way_and_of_free_slots() -> None:
    async with chain() as line:
        await fill(line, "NEAR", "A1-1-L-01", A=10)
        await fill(line, "FAR", "A1-4-R-20", A=5, B=5)
        await fill(line, "OTHER", "A1-2-L-03", B=1)
        await order(line, "C-1", ("A", 2), priority=7)
        await line.hear()
        problem = (await line.store.read(lambda tx: look(tx, line.core.context))).problem
        (work,) = problem.works
        assert (work.priority, [(each.sku, each.quantity) for each in work.lines]) == (7, [("A", 2)])
        totes = {tote.tote_id: tote for tote in problem.totes}
        stock = {name: [(at.sku, at.available) for at in tote.positions] for name, tote in totes.items()}
        assert stock == {"NEAR": [("A", 10)], "FAR": [("A", 5)]}, "only what somebody wants"
        assert 0 < totes["NEAR"].cost < totes["FAR"].cost <= 1
        assert [(each.station_id, len(each.slots), each.load) for each in problem.stations] == [
            ("station-1", 12, 0),
            ("station-2", 12, 0),
        ]


async def test_a_tote_at_a_station_is_at_hand_for_that_station_alone_and_a_taken_slot_is_not_offered() -> (
    None
):
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10, B=10)
        await order(line, "C-1", ("A", 2))
        await line.think()
        ((station_id, slot_id),) = await line.core.rows("SELECT station_id, slot_id FROM work_orders")
        await order(line, "C-2", ("B", 1))
        problem = (await line.store.read(lambda tx: look(tx, line.core.context))).problem
        assert [(tote.tote_id, tote.cost, tote.station_id) for tote in problem.totes] == [
            ("T-1", 0.0, station_id)
        ]
        mine = next(each for each in problem.stations if each.station_id == station_id)
        assert (slot_id in mine.slots, len(mine.slots), mine.load) == (False, 11, 2)


async def test_a_closed_station_is_not_offered() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await order(line, "C-1", ("A", 2))
        await line.hear()
        await line.store.write(lambda tx: close_station(tx, "station-1", "no light", "Ann"))
        problem = (await line.store.read(lambda tx: look(tx, line.core.context))).problem
        assert [each.station_id for each in problem.stations] == ["station-2"]


async def test_an_order_is_due_by_its_deadline_or_when_picking_should_have_begun_whichever_is_first() -> None:
    async with chain(lateness={"begin_s": 3600}) as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        now = to_datetime(line.core.context.clock.now_us())
        await order(line, "C-1", ("A", 1), deadline=(now + timedelta(minutes=10)).isoformat())
        await order(line, "C-2", ("A", 1), deadline=(now + timedelta(hours=10)).isoformat())
        await order(line, "C-3", ("A", 1))
        await line.hear()
        problem = (await line.store.read(lambda tx: look(tx, line.core.context))).problem
        assert [work.due_s for work in problem.works] == [pytest.approx(s, abs=5) for s in (600, 3600, 3600)]
