"""Cancelling an order wherever its goods are: they go the shortest way back, and nothing stays promised to nobody."""

from typing import Any

import pytest

from gateway.contract.wms import ResultCode
from gateway.wes.orders.declined import Declined
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit


async def pools(line: Station) -> list[tuple[int, int, int]]:
    """Return (quantity, reserved, allocated) of each product."""
    rows = await line.core.rows("SELECT quantity, reserved, allocated FROM pools ORDER BY sku")
    return [(row[0], row[1], row[2]) for row in rows]


async def put_backs(line: Station) -> list[tuple[int, int]]:
    """Return (put-back, quantity) of all that is to be brought back."""
    sql = "SELECT put_back_id, quantity FROM put_backs WHERE done_at IS NULL ORDER BY put_back_id"
    return [(row[0], row[1]) for row in await line.core.rows(sql)]


async def released(line: Station) -> None:
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    await line.think()


async def begun(line: Station) -> tuple[int, int]:
    """Scan the tote of an order of four pieces; returns the operation and the allocation."""
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    return operation, allocation


async def pick(line: Station, allocation: int, quantity: int) -> None:
    await line.act("pick", allocation_id=allocation, quantity=quantity)
    await line.light()
    for name in line.walls.lit():
        line.walls.press(name)
    await line.hear()


async def ended(line: Station) -> None:
    """The order is cancelled, upstream heard it once, and all goods are free."""
    assert await line.order_codes() == [199]
    assert (await line.told()).count("CANCELLED") == 1
    assert await line.codes() == [199] * len(await line.codes())
    assert await pools(line) == [(10, 0, 0)]
    slots = await line.core.rows("SELECT COUNT(*) FROM wall_slots WHERE work_id IS NOT NULL")
    assert slots == [(0,)]
    await line.check()


async def test_a_planned_container_does_not_come() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        await line.hear()
        await line.planner.work()
        assert await line.states() == [("T-1", "pick", "planned")]
        assert (await line.cancel("C-1")).status == "CANCELLED"
        assert await line.states() == [("T-1", "pick", "cancelled")]
        await ended(line)


async def test_a_container_under_way_turns_round() -> None:
    async with station() as line:
        await released(line)
        assert (await line.cancel("C-1")).status == "CANCELLED"
        assert await line.states() == [("T-1", "pick", "recalled")]
        await line.until_quiet()
        assert line.walls.places["T-1"].startswith("A1-")
        await ended(line)


async def test_a_container_under_way_serves_the_others() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        await order(line, "C-2", ("A", 2))
        await line.think()
        await line.cancel("C-1")
        assert await line.states() == [("T-1", "pick", "sent")]
        await line.finish()
        assert await line.order_codes() == [199, 190]
        await line.check()


async def test_a_container_that_stands_untouched_leaves() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        await line.bring()
        await line.cancel("C-1")
        assert await line.operations() == []
        assert await line.states() == [("T-1", "pick", "leaving")]
        await ended(line)


async def test_a_container_that_is_worked_on_stays_until_the_person_is_done() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.cancel("C-1")
        assert await line.operations() == [operation]
        assert await line.refused("pick", allocation_id=allocation, quantity=1) == "notOpen"
        await line.act("done", operation_id=operation)
        await ended(line)


async def test_what_is_in_a_hand_before_a_slot_is_waited_for_and_the_slot_goes_dark() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        assert (await line.cancel("C-1")).status == "CANCELLING"
        assert await line.order_codes() == [195]
        await line.check()
        await line.turn()
        assert line.walls.lit() == []
        assert await put_backs(line) == []
        await line.act("done", operation_id=operation)
        await ended(line)


async def test_a_button_that_was_first_counts_and_its_pieces_are_put_back() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        await line.cancel("C-1")
        line.walls.press(name)
        await line.turn()
        ((number, quantity),) = await put_backs(line)
        assert quantity == 4
        await line.check()
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        await ended(line)


async def test_what_is_picked_is_put_back_by_a_person_and_the_rest_is_free_at_once() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await pick(line, allocation, 3)
        assert (
            await line.cancel(
                "C-1",
            )
        ).status == "CANCELLING"
        assert await pools(line) == [(10, 3, 3)]
        await line.check()
        await line.act("done", operation_id=operation)
        ((number, quantity),) = await put_backs(line)
        assert quantity == 3
        assert await line.refused("putBack", put_back_id=number, holder_id="NOWHERE") == "unknown"
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.refused("putBack", put_back_id=number, holder_id="T-1") == "unknown"
        await ended(line)


async def test_cancelling_again_is_answered_as_before_at_every_stage() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await pick(line, allocation, 3)
        first = await line.cancel("C-1")
        assert await line.cancel("C-1") == first
        assert len(await put_backs(line)) == 1


async def test_a_sealed_package_is_put_back_too() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await pick(line, allocation, 4)
        await line.act("done", operation_id=operation)
        (package,) = await line.seal_all()
        await line.cancel("C-1")
        assert await line.refused("ship", package_ids=[package]) == "notReady"
        ((number, _),) = await put_backs(line)
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.core.rows("SELECT code FROM packages") == [(199,)]
        await ended(line)


async def test_what_has_left_is_not_cancelled() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await pick(line, allocation, 2)
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        package = (await line.act("seal", work_id=work)).package_id
        await line.act("ship", package_ids=[package])
        with pytest.raises(Declined) as told:
            await line.cancel("C-1")
        assert told.value.code is ResultCode.TOO_LATE
        await pick(line, allocation, 2)
        await line.act("done", operation_id=operation)
        await line.finish()
        with pytest.raises(Declined) as told:
            await line.cancel("C-1")
        assert told.value.code is ResultCode.TOO_LATE
        await line.check()


async def test_a_rollback_that_goes_on_ends_before_the_order_is_withdrawn() -> None:
    async with station() as line:
        operation, _ = await begun(line)
        await line.act("reject", operation_id=operation, reason="the tote is broken")
        await line.cancel("C-1")
        await line.turn()
        await ended(line)


async def test_an_order_that_was_short_picked_is_cancelled_while_it_waits() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=4)
        await order(line, "C-1", ("A", 4))
        operation = await line.bring()
        ((allocation, _),) = await line.scan(operation)
        await pick(line, allocation, 3)
        await line.act("short", allocation_id=allocation, quantity=1)
        await line.act("done", operation_id=operation)
        await line.cancel("C-1")
        ((number, _),) = await put_backs(line)
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.order_codes() == [199]
        assert await pools(line) == [(4, 0, 0)]
        await line.check()


@pytest.mark.parametrize("rules", [[], [{"at": "division", "then": "zone"}]], ids=["order", "zone"])
async def test_an_order_in_several_works_is_withdrawn_with_all_of_them(rules: list[Any]) -> None:
    async with station(rules=rules) as line:
        await line.core.products("A", version=2, attributes={"zone": "a"})
        await line.core.products("B", version=2, attributes={"zone": "b"})
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await fill(line, "T-2", "A1-2-L-05", B=10)
        await order(line, "C-1", ("A", 2), ("B", 2))
        operation = await line.bring()
        for allocation, quantity in await line.scan(operation):
            await pick(line, allocation, quantity)
        await line.cancel("C-1")
        for number, _ in await put_backs(line):
            await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.order_codes() == [199]
        assert [reserved for _, reserved, _ in await pools(line)] == [0, 0]
        await line.check()


async def test_of_several_pieces_in_hands_those_that_were_put_come_back_and_the_others_are_free() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        for _ in range(4):
            await line.act("pick", allocation_id=allocation, quantity=1)
        await line.light()
        await line.cancel("C-1")
        lit = line.walls.lit()
        line.walls.press(lit[0])
        await line.hear()
        await line.floor.work()
        ((number, quantity),) = await put_backs(line)
        assert quantity == 1
        await line.act("putBack", put_back_id=number, holder_id="T-1")
        assert await line.order_codes() == [195]
        await line.check()
        await line.turn()
        await line.act("done", operation_id=operation)
        await ended(line)


async def test_nothing_more_is_taken_or_corrected_for_an_order_that_is_being_withdrawn() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        view = await line.act("pick", allocation_id=allocation, quantity=1)
        await line.light()
        line.walls.press(line.walls.lit()[0])
        await line.hear()
        await line.act("pick", allocation_id=allocation, quantity=1)
        await line.light()
        await line.cancel("C-1")
        assert await line.refused("pick", allocation_id=allocation, quantity=1) == "notOpen"
        assert await line.refused("short", allocation_id=allocation, quantity=1) == "notOpen"
        assert await line.refused("adjust", put_id=view.put_id, quantity=0) == "withdrawn"
        await line.check()
