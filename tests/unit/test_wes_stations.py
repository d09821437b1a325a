"""From a container that has arrived to an order that has left, and what people do in between."""

from functools import partial

import pytest
from pydantic import ValidationError

from gateway.contract.faults import Refusal
from gateway.contract.puts import PutStatus
from gateway.contract.stations import AssignedPart
from gateway.kernel.ports import Tx
from gateway.wes.floor.claims import arrive
from gateway.wes.floor.wall import HAND_US
from gateway.wes.planning.stations import close_station
from gateway.wes.stock.model import Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.unit.chain_rig import fill, order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, station
from tests.unit.wes_rig import WAREHOUSE, act

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


async def begun(line: Station, **changes: int) -> tuple[int, int]:
    """Bring a tote with 10 pieces for an order of 4 and scan it; returns the operation and the allocation."""
    await fill(line, "T-1", "A1-1-L-05", A=changes.get("there", 10))
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    return operation, allocation


async def put(line: Station, allocation: int, quantity: int, confirmed: int | None = None) -> int:
    """Pick pieces, put them into their slot, and let the wall tell; returns the put."""
    view = await line.act("pick", allocation_id=allocation, quantity=quantity)
    await line.light()
    (name,) = line.walls.lit()
    line.walls.press(name, confirmed)
    await line.hear()
    assert view.put_id is not None
    return view.put_id


async def questions(line: Station) -> list[tuple[str, str]]:
    sql = "SELECT kind, slot_id FROM questions WHERE settled_at IS NULL ORDER BY question_id"
    return [(row[0], row[1]) for row in await line.core.rows(sql)]


async def picked(line: Station) -> list[tuple[int, int, int]]:
    """Return (reserved, picked, short) of all order lines."""
    rows = await line.core.rows("SELECT reserved, picked, short FROM order_lines ORDER BY line_id")
    return [(row[0], row[1], row[2]) for row in rows]


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_act_that_is_sent_again_is_answered_as_before_and_happens_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        first = await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        again = await line.again("mine", "pick", allocation_id=allocation, quantity=2)
        assert again.again and again.put_id == first.put_id
        assert await line.core.rows("SELECT COUNT(*) FROM wall_puts") == [(1,)]


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
        assert await line.core.rows("SELECT code FROM work_orders") == [(80,)], "its box waits for the rest"
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


# ── the wall ──────────────────────────────────────────────────────────────────────────────────────────


async def test_fewer_pieces_in_the_slot_than_were_picked_is_a_question_and_the_rest_stays_open() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 4, confirmed=3)
        ((kind, _),) = await questions(line)
        assert kind == "less"
        assert await line.tasks(operation) == [(allocation, 1)]
        await put(line, allocation, 1)
        ((number,),) = await line.core.rows("SELECT question_id FROM questions")
        await line.act("answer", question_id=number)
        assert await questions(line) == []
        await line.act("done", operation_id=operation)


async def test_a_hand_without_a_button_is_a_question_which_the_button_answers() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        slot = line.walls.puts[name].slot
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == [("noButton", slot)]
        line.walls.press(name)
        await line.hear()
        assert await questions(line) == []


async def test_what_the_button_does_not_tell_a_person_does_and_the_slot_goes_dark() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        view = await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        slot = line.walls.puts[name].slot
        assert await line.refused("put", put_id=view.put_id, slot_id="W1-12", quantity=4) == "wrongSlot"
        await line.act("put", put_id=view.put_id, slot_id=slot, quantity=4)
        assert await picked(line) == [(0, 4, 0)]
        await line.turn()
        assert line.walls.lit() == []
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_button_after_a_persons_word_is_not_booked_twice() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        view = await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        await line.act("put", put_id=view.put_id, slot_id=line.walls.puts[name].slot, quantity=4)
        line.walls.press(name)
        await line.hear()
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_hand_in_a_dark_slot_is_a_question() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        line.walls.hand("wall-1", "W1-11")
        line.walls.hand("wall-1", "W1-11")
        await line.hear()
        assert await questions(line) == [("darkSlot", "W1-11")]


async def test_the_hand_that_has_just_pressed_the_button_leaves_its_slot_without_a_question() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await put(line, allocation, 2)
        ((slot,),) = await line.core.rows("SELECT slot_id FROM wall_puts")
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == []
        line.core.clock.at_us += HAND_US
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == [("darkSlot", slot)]


async def test_a_put_that_was_told_wrong_is_corrected_and_picked_again() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        number = await put(line, allocation, 4)
        assert await line.order_codes() == [90]
        await line.act("adjust", put_id=number, quantity=1)
        assert await line.order_codes() == [80]
        assert await picked(line) == [(3, 1, 0)]
        await line.check()
        await put(line, allocation, 3)
        await line.act("done", operation_id=operation)
        assert await line.order_codes() == [90]
        await line.check()


async def test_a_put_may_be_corrected_upwards() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        number = await put(line, allocation, 4, confirmed=2)
        await line.act("adjust", put_id=number, quantity=4)
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_held_work_order_goes_dark_and_goes_on_once_it_is_resumed() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        await line.act("hold", work_id=work, reason="the box is torn")
        await line.turn()
        assert line.walls.lit() == []
        assert await line.refused("pick", allocation_id=allocation, quantity=4) == "held"
        assert await line.refused("done", operation_id=operation) == "notDone"
        await line.act("resume", work_id=work)
        await put(line, allocation, 4)
        await line.act("done", operation_id=operation)


async def test_a_wall_that_does_not_answer_is_asked_again_and_lights_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        line.walls.deaf = True
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        assert line.walls.lit() == []
        line.walls.deaf = False
        await line.light()
        await line.light()
        assert len(line.walls.puts) == 1


@pytest.mark.parametrize("jump_us", [120_000_000, -3_600_000_000], ids=["later", "the clock is set back"])
async def test_a_result_that_was_never_heard_is_looked_up(jump_us: int) -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        line.walls.put_ends[name] = (PutStatus.CONFIRMED, 4)
        line.core.clock.at_us += jump_us
        await line.light()
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_result_that_was_lost_in_a_gap_of_the_feed_is_looked_up_at_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        line.walls.put_ends[name] = (PutStatus.CONFIRMED, 4)
        await line.light()
        assert await picked(line) == [(4, 0, 0)], "the result was told in an event that is not kept any more"
        await line.store.write(lambda tx: line.hearing.catch_up(tx, [], {}))
        await line.light()
        assert await picked(line) == [(0, 4, 0)]
        assert await questions(line) == []
        await line.check()


async def test_a_put_that_its_wall_has_forgotten_is_not_booked_and_looked_for_in_the_slot() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        await line.act("reject", operation_id=operation, reason="the tote is broken")
        await line.rollbacks.work()
        line.walls.end_put(name, PutStatus.UNKNOWN, None)
        await line.hear()
        assert [kind for kind, _ in await questions(line)] == ["unwanted"]
        assert (await picked(line))[0][1] == 0
        await line.check()


async def test_a_container_that_is_rejected_is_rolled_back_and_its_work_comes_again() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 1)
        await line.act("pick", allocation_id=allocation, quantity=2)
        await line.light()
        await line.act("reject", operation_id=operation, reason="the tote is broken")
        for _ in range(3):
            await line.turn()
        assert line.walls.lit() == []
        await line.check()
        await line.finish()
        assert await line.order_codes() == [190]
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_pieces_put_for_work_that_was_taken_back_are_asked_to_be_taken_out() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        await line.act("reject", operation_id=operation, reason="the tote is broken")
        await line.rollbacks.work()
        line.walls.press(name)
        await line.hear()
        assert [kind for kind, _ in await questions(line)] == ["unwanted"]
        assert (await picked(line))[0][1] == 0
        await line.check()


async def test_a_closed_station_refuses_a_container_and_another_one_gets_it() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        await line.think()
        ((mine,),) = await line.core.rows("SELECT station_id FROM presentations")
        line.walls.step()
        await line.store.write(lambda tx: close_station(tx, mine, "no light", "Ann"))
        await line.hear()
        assert await line.operations() == []
        await line.finish()
        assert await line.order_codes() == [190]
        rows = await line.core.rows("SELECT DISTINCT station_id FROM operations")
        assert mine not in [row[0] for row in rows]
        await line.check()


# ── on foot, cases, black box ─────────────────────────────────────────────────────────────────────────


async def shelf(line: Station, place: str = "FLAT-1", **stock: int) -> None:
    """Put goods on a shelf that people walk to."""
    core = line.core

    async def job(tx: Tx) -> None:
        await open_holder(
            tx, Holder(holder_id=place, kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id=place)
        )
        for sku, quantity in stock.items():
            batch = Batch(
                warehouse_id=WAREHOUSE, owner_id="me", sku=sku, received_at=START_US, lot_no=f"{sku}-1"
            )
            lot = await open_lot(tx, core.context.ids, batch)
            await post(tx, receive(act(core.context), lot, Portion(place, lot.lot_id, quantity)))

    await core.store.write(job)


async def test_people_on_foot_get_the_most_pressing_work_that_they_can_carry() -> None:
    async with station(rules=[{"at": "picking", "then": "flat"}]) as line:
        await shelf(line, A=100)
        for name, quantity, priority in (("C-1", 3, 1), ("C-2", 9, 5), ("C-3", 2, 5), ("C-4", 4, 5)):
            await order(line, name, ("A", quantity), priority=priority)
        await line.turn()
        claimed: list[int] = []
        for units in (5, 5, 5, 5):
            for work in (await line.act("claim", units=units)).work_ids or ():
                sql = "SELECT quantity FROM work_lines WHERE work_id = :id"
                claimed.append((await line.core.rows(sql, id=work))[0][0])
        assert claimed == [4, 2, 3]
        assert (await line.act("claim")).work_ids is not None
        assert (await line.act("claim")).work_ids == ()
        await line.check()


async def test_whole_cases_are_claimed_place_by_place_and_become_work_then() -> None:
    rules = [{"at": "audit.packaging", "then": "case"}, {"at": "review", "then": "required"}]
    async with station(rules=rules) as line:
        await line.core.products("A", unitsPerCase=6, version=2)
        await shelf(line, "PALLET-1", A=6)
        await shelf(line, "PALLET-2", A=12)
        await order(line, "C-1", ("A", 18))
        await line.turn()
        works = [(await line.act("claim", cases=True)).work_ids for _ in range(3)]
        assert works[2] == ()
        assert len({work for each in works for work in each or ()}) == 2
        for allocation, quantity in await line.core.rows("SELECT allocation_id, quantity FROM allocations"):
            await line.act("pick", allocation_id=allocation, quantity=quantity)
        await line.seal_all()
        assert await line.core.rows("SELECT DISTINCT kind FROM packages") == [("case",)]
        assert await line.order_codes() == [150], "whole cases are never reviewed"
        await line.check()


async def test_a_black_box_tells_which_container_it_chose_and_may_split() -> None:
    async with station(rules=[{"at": "picking", "then": "blackBox"}]) as line:
        await fill(line, "T-1", "A1-1-L-05", A=3)
        await fill(line, "T-2", "A1-1-L-06", A=3)
        await order(line, "C-1", ("A", 4))
        await line.turn()
        ((allocation,),) = await line.core.rows("SELECT allocation_id FROM allocations")
        for tote, quantity in (("T-1", 3), ("T-2", 1)):
            parts = [AssignedPart(allocation_id=allocation, quantity=quantity, cell="1")]
            job = partial(
                arrive,
                context=line.core.context,
                container_id=tote,
                station_id="station-1",
                location_id="S1-1",
                parts=parts,
            )
            await line.store.write(job)
            await line.check()
            (operation,) = await line.operations()
            await line.work_off(operation)
            rows = await line.core.rows("SELECT allocation_id FROM allocations WHERE holder_id IS NULL")
            allocation = rows[0][0] if rows else 0
        assert await line.order_codes() == [90]
        await line.check()


# ── packing ───────────────────────────────────────────────────────────────────────────────────────────

REVIEWED = {"rules": [{"at": "review", "then": "required"}]}


async def sealed(line: Station, quantity: int = 4) -> tuple[int, int]:
    """Pick an order and seal it; returns the package and its line."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", quantity))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    ((line_id,),) = await line.core.rows("SELECT line_id FROM order_lines")
    return package, line_id


async def test_a_package_is_reviewed_where_the_rule_says_so() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        assert await line.order_codes() == [135]
        assert await line.refused("ship", package_ids=[package]) == "notReady"
        await line.act("beginReview", package_id=package)
        assert await line.order_codes() == [140]
        view = await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 4}])
        assert view.differs is False
        assert await line.order_codes() == [150]


async def test_mixed_boxes_of_distribution_are_reviewed_those_of_production_and_whole_cases_are_not() -> None:
    rules = [
        {"at": "audit.packaging", "then": "case"},
        {"at": "review", "when": {"ext.business": "distribution"}, "then": "required"},
        {"at": "review", "then": "skipped"},
        {"at": "picking", "then": "flat"},
    ]
    async with station(rules=rules) as line:
        await line.core.products("A", units_per_case=6, version=2)
        await shelf(line, "PALLET-1", A=60)
        await order(line, "C-1", ("A", 14), extInfo={"business": "distribution"})
        await order(line, "C-2", ("A", 2), extInfo={"business": "production"})
        await line.turn()
        for cases in (False, False, True):
            assert (await line.act("claim", cases=cases)).work_ids
        for allocation, quantity in await line.core.rows("SELECT allocation_id, quantity FROM allocations"):
            await line.act("pick", allocation_id=allocation, quantity=quantity)
        await line.seal_all()
        boxes = await line.core.rows(
            "SELECT o.oms_order_no, p.kind, p.code FROM packages p JOIN orders o ON o.order_id = p.order_id"
            " ORDER BY o.order_id, p.kind"
        )
        assert boxes == [("ORD-C-1", "case", 150), ("ORD-C-1", "mixed", 135), ("ORD-C-2", "mixed", 150)]
        assert await line.order_codes() == [135, 150]
        await line.check()


async def test_a_difference_is_told_and_a_second_count_settles_it() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        view = await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 5}])
        assert view.differs
        assert await line.order_codes() == [140]
        assert (await line.told())[-1] == "EXCEPTION"
        assert await line.refused("accept", package_id=package) == "surplus"
        await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 4}])
        assert await line.order_codes() == [150]
        assert await line.core.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [
            (0,)
        ]


async def test_what_a_review_misses_is_held_and_picked_again() -> None:
    async with station(**REVIEWED) as line:
        package, line_id = await sealed(line)
        await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 3}])
        await line.act("accept", package_id=package)
        await line.check()
        assert await picked(line) == [(1, 3, 0)]
        for _ in range(10):
            await line.turn()
            for operation in await line.operations():
                await line.work_off(operation)
        (second,) = await line.seal_all()
        await line.act("review", package_id=second, items=[{"line_id": line_id, "quantity": 1}])
        await line.act("ship", package_ids=[package, second])
        assert await line.order_codes() == [190]
        assert await line.core.rows("SELECT held FROM positions WHERE holder_id LIKE '%PICK_TO'") == [(1,)]
        await line.check()


async def test_a_review_that_finds_nothing_leaves_no_package() -> None:
    async with station(**REVIEWED) as line:
        package, _ = await sealed(line)
        await line.act("review", package_id=package, items=[])
        await line.act("accept", package_id=package)
        assert await line.core.rows("SELECT code FROM packages") == [(199,)]
        assert await picked(line) == [(4, 0, 0)]
        await line.check()


async def test_an_order_may_leave_by_itself() -> None:
    async with station(rules=[{"at": "shipping", "then": "automatic"}]) as line:
        await sealed(line)
        assert await line.order_codes() == [190]
        assert await line.told() == ["RECEIVED", "PICKING", "SHIPPED"]
        await line.check()


async def test_upstream_hears_of_each_box_and_of_the_order_with_the_last() -> None:
    rules = [{"at": "feedback", "then": "box"}]
    async with station(rules=rules) as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 3)
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        first = (await line.act("seal", work_id=work)).package_id
        await put(line, allocation, 1)
        await line.act("done", operation_id=operation)
        second = (await line.act("seal", work_id=work)).package_id
        await line.act("gather", package_id=second, place="LANE-1")
        await line.act("ship", package_ids=[first], tracking_no="SF-1")
        assert await line.order_codes() == [150]
        await line.check()
        await line.act("ship", package_ids=[second], tracking_no="SF-2")
        assert await line.order_codes() == [190]
        told = [(each["status"], each.get("packageCount")) for each in await line.core.told()]
        assert told[2:] == [("PACKAGE_SHIPPED", 1), ("SHIPPED", 2)]
        await line.check()


async def test_packages_that_are_shipped_together_are_weighed_one_by_one() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 1))
        await order(line, "C-2", ("A", 2))
        await line.work_off(await line.bring())
        packages = await line.seal_all()
        weights = [
            {"package_id": package, "weight_kg": weight}
            for package, weight in zip(packages, (1.5, 2.5), strict=True)
        ]
        with pytest.raises(ValidationError, match="and no others"):
            await line.act("ship", package_ids=packages[:1], weights=weights)
        await line.act("ship", package_ids=packages, weights=weights)
        told = [each["weight"] for each in await line.core.told() if each["status"] == "SHIPPED"]
        assert told == [1.5, 2.5]


async def test_a_sealed_slot_is_free_for_the_next_order() -> None:
    async with station() as line:
        await sealed(line)
        assert await line.core.rows("SELECT COUNT(*) FROM wall_slots WHERE work_id IS NOT NULL") == [(0,)]


async def test_an_empty_box_is_not_sealed() -> None:
    async with station() as line:
        await begun(line)
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        assert await line.refused("seal", work_id=work) == "empty"


# ── units with numbers ────────────────────────────────────────────────────────────────────────────────


async def serial_tote(line: Station, *upns: str) -> int:
    """Bring a tote of pieces that each have a number, for an order of two; returns the allocation."""
    core = line.core

    async def job(tx: Tx) -> None:
        await open_holder(tx, Holder(holder_id="T-1", kind=HolderKind.CONTAINER, warehouse_id=WAREHOUSE))
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="me", sku="A", received_at=START_US, serial=True)
        lot = await open_lot(tx, core.context.ids, batch)
        await post(tx, receive(act(core.context), lot, Portion("T-1", lot.lot_id, len(upns), upns)))

    line.walls.places["T-1"] = "A1-1-L-05"
    await core.store.write(job)
    await order(line, "C-1", ("A", 2))
    ((allocation, _),) = await line.scan(await line.bring())
    return allocation


async def test_pieces_with_numbers_go_into_the_wall_one_at_a_time_and_leave_with_their_numbers() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        pick = {"allocation_id": allocation, "quantity": 1}
        assert await line.refused("pick", **pick) == "unitsMissing"
        assert await line.refused("pick", **pick, upns=["U-9"]) == "unknownUnit"
        both = {"allocation_id": allocation, "quantity": 2, "upns": ["U-1", "U-2"]}
        assert await line.refused("pick", **both) == "oneAtATime"
        await line.act("pick", **pick, upns=["U-3"])
        assert await line.refused("pick", **pick, upns=["U-3"]) == "lit"
        await line.act("pick", **pick, upns=["U-1"])
        await line.light()
        for name in line.walls.lit():
            line.walls.press(name)
        await line.hear()
        (package,) = await line.seal_all()
        await line.act("ship", package_ids=[package])
        units = await line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert units == [("U-1", "SHIPPED"), ("U-2", "T-1"), ("U-3", "SHIPPED")]
        await line.check()


async def test_a_cancelled_orders_units_come_back_by_their_numbers() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-2"])
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        await line.cancel("C-1")
        ((number, upns),) = await line.core.rows("SELECT put_back_id, upns FROM put_backs")
        assert upns == '["U-2"]'
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.core.rows("SELECT DISTINCT holder_id FROM units") == [("T-1",)]
        assert await line.order_codes() == [199]
        await line.check()


async def test_a_unit_that_was_told_wrong_is_in_its_container_again() -> None:
    async with station() as line:
        allocation = await serial_tote(line, "U-1", "U-2", "U-3")
        view = await line.act("pick", allocation_id=allocation, quantity=1, upns=["U-2"])
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        await line.act("adjust", put_id=view.put_id, quantity=0)
        assert await line.core.rows("SELECT DISTINCT holder_id FROM units") == [("T-1",)]
        await line.check()
