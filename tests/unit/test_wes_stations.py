"""From a container that has arrived to an order that has left: acts at a station, goods that are short or damaged."""

import pytest

from gateway.contract.faults import Refusal
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import begun, picked, put, shelf, station

pytestmark = pytest.mark.unit


async def test_an_order_is_picked_into_the_wall_sealed_and_shipped() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        operation = await line.bring()
        tasks = await line.scan(operation)
        assert sorted(quantity for _, quantity in tasks) == [2, 3]
        assert await line.order_codes() == [80]
        for allocation_id, quantity in tasks:
            await line.act("pick", allocation_id=allocation_id, quantity=quantity)
        assert await line.refused("done", operation_id=operation) == "notDone"
        await line.light()
        assert sorted(line.walls.puts[name].quantity for name in line.walls.lit()) == [2, 3]
        for name in line.walls.lit():
            line.walls.press(name)
        await line.hear()
        assert await line.order_codes() == [90]
        await line.act("done", operation_id=operation)
        (package,) = await line.seal_all()
        assert await line.order_codes() == [150]
        await line.check()
        await line.act(
            "ship",
            package_ids=[package],
            tracking_no="SF-1",
            weights=[{"package_id": package, "weight_kg": 1.5}],
        )
        assert await line.order_codes() == [190]
        assert await line.told() == ["RECEIVED", "PICKING", "SHIPPED"]
        assert (await line.core.told())[-1]["trackingNo"] == "SF-1"
        assert await line.core.rows("SELECT quantity, reserved, allocated, held FROM pools ORDER BY sku") == [
            (8, 0, 0, 0),
            (7, 0, 0, 0),
        ]
        await line.check()


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_act_that_is_sent_again_is_answered_as_before_and_happens_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        first = await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        again = await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        assert again.again and again.put_id == first.put_id
        assert await line.core.rows("SELECT COUNT(*) FROM wall_puts") == [(1,)]


async def test_an_act_is_the_same_where_it_says_what_would_go_without_saying() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        again = await line.again("mine", "pick", quantity=2, upns=[], scan=None, allocation_id=allocation)
        assert again.again


async def test_an_act_id_with_another_body_is_refused() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        with pytest.raises(Refusal) as told:
            await line.again("mine", "pick", allocation_id=allocation, quantity=1)
        assert told.value.reasons[0].code == "idReused"


async def test_a_refused_act_leaves_nothing_and_may_be_done_later_under_its_id() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        with pytest.raises(Refusal):
            await line.again("mine", "done", operation_id=operation)
        await put(line, allocation, 4)
        assert not (await line.again("mine", "done", operation_id=operation)).again


async def test_another_container_than_expected_is_refused() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        operation = await line.bring()
        assert await line.refused("scan", operation_id=operation, container_id="T-2") == "wrongContainer"
        assert await line.order_codes() == [70]


async def test_nothing_is_picked_before_the_container_is_scanned() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        ((allocation, _),) = await line.tasks(await line.bring())
        assert await line.refused("pick", allocation_id=allocation, quantity=1) == "notScanned"


async def test_no_more_is_picked_than_is_asked_for() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        assert await line.refused("pick", allocation_id=allocation, quantity=5) == "tooMany"
        await line.act("pick", allocation_id=allocation, quantity=3)
        assert await line.refused("pick", allocation_id=allocation, quantity=2) == "tooMany"


async def test_a_station_without_a_wall_books_what_is_picked_at_once() -> None:
    async with station(rules=[{"at": "picking", "then": "flat"}]) as line:
        await shelf(line, A=10)
        await order(line, "C-1", ("A", 4))
        await line.turn()
        claimed = (await line.act("claim")).work_ids
        assert claimed is not None
        (work,) = claimed
        ((allocation,),) = await line.core.rows("SELECT allocation_id FROM allocations")
        assert await line.order_codes() == [80]
        await line.act("pick", allocation_id=allocation, quantity=4)
        assert await line.order_codes() == [90]
        await line.act("seal", work_id=work)
        assert await line.order_codes() == [150]
        await line.check()


# ── short and damaged ─────────────────────────────────────────────────────────────────────────────────


async def test_a_short_pick_is_made_up_for_from_another_container_into_the_same_box() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await fill(line, "T-2", "A1-2-L-05", A=10)
        line.walls.tell_place("T-2")
        await line.hear()
        await put(line, allocation, 3)
        await line.act("short", allocation_id=allocation, quantity=1)
        assert await picked(line) == [(1, 3, 0)]
        await line.act("done", operation_id=operation)
        await line.check()
        assert await line.seal_all() == [], "its box waits for the rest"
        await line.finish()
        assert await line.order_codes() == [190]
        assert await picked(line) == [(0, 4, 0)]
        assert await line.core.rows("SELECT held FROM positions WHERE holder_id = 'T-1'") == [(1,)]
        assert await line.core.rows("SELECT quantity FROM package_lines") == [(4,)]
        await line.check()


async def test_a_short_pick_comes_in_a_box_of_its_own_where_its_station_takes_no_more() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await fill(line, "T-2", "A1-2-L-05", A=10)
        line.walls.tell_place("T-2")
        await line.hear()
        await put(line, allocation, 3)
        await line.store.write(lambda tx: close_station(tx, "station-1", "no light", "Ann"))
        await line.act("short", allocation_id=allocation, quantity=1)
        await line.check()
        await line.finish()
        assert await line.order_codes() == [190]
        assert await line.core.rows("SELECT quantity FROM package_lines ORDER BY package_id") == [(3,), (1,)]
        await line.check()


async def test_a_short_pick_without_other_stock_goes_out_short_in_mode_b_and_upstream_is_told() -> None:
    async with station(rules=[{"at": "shortage", "then": "partial"}]) as line:
        operation, allocation = await begun(line, there=4)
        await put(line, allocation, 3)
        await line.act("short", allocation_id=allocation, quantity=1)
        await line.act("done", operation_id=operation)
        await line.finish()
        assert await line.order_codes() == [190]
        assert await picked(line) == [(0, 3, 1)]
        assert await line.told() == ["RECEIVED", "PICKING", "EXCEPTION", "SHIPPED"]
        await line.check()


async def test_a_short_pick_without_other_stock_waits_in_mode_a_until_there_is_some() -> None:
    async with station() as line:
        operation, allocation = await begun(line, there=4)
        await put(line, allocation, 3)
        await line.act("short", allocation_id=allocation, quantity=1)
        await line.act("done", operation_id=operation)
        await line.finish()
        assert await line.order_codes() == [30]
        await fill(line, "T-2", "A1-2-L-05", A=10)
        line.walls.tell_place("T-2")
        await line.lacking.work()
        assert await line.core.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [
            (0,)
        ]
        await line.finish()
        assert await line.order_codes() == [190]
        await line.check()


async def test_what_is_missing_may_be_given_up_by_a_person() -> None:
    async with station() as line:
        operation, allocation = await begun(line, there=4)
        await put(line, allocation, 3)
        await line.act("short", allocation_id=allocation, quantity=1)
        await line.act("done", operation_id=operation)
        ((order_id,),) = await line.core.rows("SELECT order_id FROM orders")
        assert await line.refused("acceptShort", order_id=order_id + 1) == "unknown"
        await line.act("acceptShort", order_id=order_id)
        await line.finish()
        assert await line.order_codes() == [190]
        assert await picked(line) == [(0, 3, 1)]
        await line.check()


async def test_an_order_of_which_nothing_is_found_ends_cancelled() -> None:
    async with station(rules=[{"at": "shortage", "then": "partial"}]) as line:
        operation, allocation = await begun(line, there=4)
        await line.act("short", allocation_id=allocation, quantity=4)
        assert await line.order_codes() == [199]
        assert (await line.told())[-1] == "CANCELLED"
        await line.act("done", operation_id=operation)
        await line.check()


async def test_damaged_pieces_stay_held_and_good_ones_of_the_same_container_take_their_place() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("damaged", allocation_id=allocation, quantity=1)
        tasks = await line.tasks(operation)
        assert [quantity for _, quantity in tasks] == [3, 1]
        for each, quantity in tasks:
            await put(line, each, quantity)
        await line.act("done", operation_id=operation)
        assert await line.order_codes() == [90]
        assert await line.core.rows("SELECT quantity, held FROM positions WHERE holder_id = 'T-1'") == [
            (6, 1)
        ]
        await line.check()
