"""One order leaves in one box: what comes later for it goes into the box that stands open, on either database."""

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.contract.stations import BoxView
from gateway.kernel.ports import Store
from gateway.wes.floor.views import station_view
from gateway.wes.orders.reservation import reserve_again
from gateway.wes.planning.rollback import TRIES_MAX
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, put, station_on


async def half_picked(line: Station, pieces: int = 3, *, there: int = 10) -> tuple[int, int]:
    """Put some of four pieces of an order into its box; returns the operation and the allocation."""
    await fill(line, "T-1", "A1-1-L-05", A=there)
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    await put(line, allocation, pieces)
    return operation, allocation


async def more_comes(line: Station, container: str = "T-2") -> None:
    await fill(line, container, "A1-2-L-05", A=10)
    line.walls.tell_place(container)
    await line.hear()


async def boxes(line: Station) -> list[BoxView]:
    """Return what stands in the slots of all stations, as their pages show it."""
    views = [
        await line.store.read(partial(station_view, context=line.core.context, station_id=each))
        for each in line.core.context.layout.stations
    ]
    return [box for view in views for box in view.boxes]


async def packed(line: Station) -> list[int]:
    """Return the pieces in each package that has left."""
    sql = (
        "SELECT CAST(SUM(l.quantity) AS BIGINT) FROM package_lines l JOIN packages p ON p.package_id = l.package_id"
        " WHERE p.code = 190 GROUP BY p.package_id ORDER BY p.package_id"
    )
    return [row[0] for row in await line.core.rows(sql)]


async def shipped(line: Station) -> list[int]:
    """Finish everything; returns the pieces in each package."""
    await line.finish()
    assert await line.order_codes() == [190]
    assert await line.core.rows("SELECT reserved, picked, shipped FROM order_lines") == [(0, 4, 4)]
    assert await line.core.rows("SELECT COUNT(*) FROM wall_slots WHERE work_id IS NOT NULL") == [(0,)]
    await line.check()
    return await packed(line)


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
@pytest.mark.parametrize("grouping", ["static", "dynamic"])
async def test_a_container_that_is_given_up_in_the_middle_leaves_one_box(
    store: Store, sequence: str, grouping: str
) -> None:
    line = await station_on(store, sequence=sequence, grouping=grouping)
    operation, _ = await half_picked(line)
    ((slot,),) = await line.core.rows("SELECT slot_id FROM wall_slots WHERE work_id IS NOT NULL")
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    (box,) = await boxes(line)
    assert (box.slot_id, box.quantity, box.rest, box.packed, box.complete) == (slot, 4, 1, True, False)
    await line.check()
    assert await shipped(line) == [4]
    assert await line.core.rows("SELECT DISTINCT box_id FROM picks") == [(slot,)]


async def test_what_is_picked_before_and_after_a_rollback_is_what_the_work_order_wanted(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    assert await shipped(line) == [4]
    sql = "SELECT w.code, l.quantity, l.picked, l.short FROM work_orders w JOIN work_lines l ON l.work_id = w.work_id"
    assert await line.core.rows(f"{sql} ORDER BY w.work_id") == [(190, 4, 4, 0), (199, 1, 0, 1)]


async def test_a_box_at_a_station_that_closes_is_sealed_and_the_rest_gets_its_own(store: Store) -> None:
    line = await station_on(store)
    await half_picked(line)
    ((mine,),) = await line.core.rows("SELECT station_id FROM work_orders")
    await line.store.write(lambda tx: close_station(tx, mine, "no light", "Ann"))
    await line.rollbacks.work()
    (box,) = await boxes(line)
    assert (box.rest, box.complete) == (0, True)
    assert await shipped(line) == [3, 1]


async def test_a_missing_piece_that_another_container_has_is_waited_for(store: Store) -> None:
    line = await station_on(store)
    operation, allocation = await half_picked(line)
    await more_comes(line)
    await line.act("short", allocation_id=allocation, quantity=1)
    await line.act("done", operation_id=operation)
    assert [box.complete for box in await boxes(line)] == [False]
    assert await shipped(line) == [4]


async def nothing_there(line: Station) -> None:
    """A piece is missing, and nobody has another one (mode A)."""
    operation, allocation = await half_picked(line, there=4)
    await line.act("short", allocation_id=allocation, quantity=1)
    await line.act("done", operation_id=operation)


async def test_nobody_waits_with_a_full_wall_for_what_is_nowhere(store: Store) -> None:
    line = await station_on(store)
    await nothing_there(line)
    assert [box.complete for box in await boxes(line)] == [True]
    await line.seal_all()
    assert await boxes(line) == []
    await more_comes(line)
    await line.lacking.work()
    assert await shipped(line) == [3, 1]


async def test_what_was_nowhere_comes_into_the_box_that_nobody_has_sealed(store: Store) -> None:
    line = await station_on(store)
    await nothing_there(line)
    await more_comes(line)
    await line.lacking.work()
    assert [box.complete for box in await boxes(line)] == [False]
    assert await shipped(line) == [4]


async def test_who_needs_the_slot_seals_and_the_rest_gets_a_box_of_its_own(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    await line.act("seal", work_id=(await boxes(line))[0].work_id)
    assert await shipped(line) == [3, 1]


async def test_a_box_that_waits_for_a_person_gets_nothing_more_until_then(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    await line.core.store.write(
        lambda tx: tx.execute("UPDATE work_orders SET held = 'Ann: look' WHERE work_id = :id", {"id": work})
    )
    for _ in range(5):
        await line.turn()
    assert await line.operations() == []
    await line.core.store.write(
        lambda tx: tx.execute("UPDATE work_orders SET held = NULL WHERE work_id = :id", {"id": work})
    )
    assert await shipped(line) == [4]


async def test_a_line_that_could_be_promised_only_later_comes_into_the_box_too(store: Store) -> None:
    rules: list[dict[str, Any]] = [{"at": "reservation", "then": "perLine"}]
    line = await station_on(store, rules=rules)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4), ("B", 2))
    await fill(line, "T-2", "A1-2-L-05", B=10)
    ((order_id,),) = await line.core.rows("SELECT order_id FROM orders")
    await line.store.write(partial(reserve_again, context=line.core.context, order_id=order_id))
    await line.finish()
    assert await line.order_codes() == [190]
    assert await packed(line) == [6]
    await line.check()


async def test_several_missing_pieces_come_into_the_box_one_after_the_other(store: Store) -> None:
    line = await station_on(store)
    operation, allocation = await half_picked(line, 2)
    await more_comes(line)
    for _ in range(2):
        await line.act("short", allocation_id=allocation, quantity=1)
    await line.act("done", operation_id=operation)
    (box,) = await boxes(line)
    assert (box.quantity, box.rest, box.complete) == (4, 2, False)
    assert await shipped(line) == [4]


async def test_who_gets_on_a_little_each_time_is_not_held(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line, 1)
    for _ in range(2):
        await line.act("reject", operation_id=operation, reason="the page does not answer")
        operation = await line.bring()
        ((allocation, _),) = await line.scan(operation)
        await put(line, allocation, 1)
    await line.act("reject", operation_id=operation, reason="the page does not answer")
    assert await shipped(line) == [4]


async def test_a_box_whose_rest_waits_for_a_person_may_be_sealed(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    for _ in range(TRIES_MAX - 1):
        await line.act("reject", operation_id=operation, reason="the page does not answer")
        operation = await line.bring()
    await line.act("reject", operation_id=operation, reason="the page does not answer")
    for _ in range(4):
        await line.turn()
    assert await line.operations() == []
    (box,) = await boxes(line)
    assert (box.rest, box.complete) == (0, True)
    await line.check()


@pytest.mark.parametrize("turn", range(4))
async def test_a_box_that_is_sealed_while_its_rest_is_planned_leaves_alone_and_all_accounts_agree(
    store: Store, turn: int
) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    await line.hear()
    (box,) = await boxes(line)

    async def seal() -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        await line.act("seal", work_id=box.work_id)

    await asyncio.gather(seal(), line.planner.work())
    await line.check()
    assert await shipped(line) == [3, 1]


async def test_an_order_whose_rest_waits_for_its_box_is_cancelled_as_a_whole(store: Store) -> None:
    line = await station_on(store)
    operation, _ = await half_picked(line)
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    await asyncio.gather(line.cancel("C-1"), line.planner.work())
    for _ in range(3):
        await line.turn()
    for (goods,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
        await line.act("putBack", put_back_id=goods, holder_id="T-1")
    assert await line.order_codes() == [199]
    assert await line.core.rows("SELECT quantity, reserved, allocated FROM pools WHERE sku = 'A'") == [
        (10, 0, 0)
    ]
    await line.check()
