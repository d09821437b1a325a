"""One order with all that belongs to it, on either database: why it waits, how far it is, and the same once it is history."""

from functools import partial

import pytest

from gateway.contract.attention import Decision
from gateway.contract.documents import OrderDetails, OrderSummary
from gateway.contract.faults import Refusal, RefusalKind
from gateway.kernel.ports import Store
from gateway.wes.order_details import order_details, orders_numbered
from gateway.wes.orders.history import DAY_US, carry_over
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, begun, station_on
from tests.unit.wes_rig import command


@pytest.fixture
async def line(store: Store) -> Station:
    return await station_on(store, keep_days=30)


async def shown(line: Station, name: str) -> OrderDetails:
    """Show the order of a command, of the day or of history."""
    sql = (
        "SELECT order_id FROM orders WHERE command_id = :name"
        " UNION ALL SELECT order_id FROM order_history WHERE command_id = :name"
    )
    ((order_id,),) = await line.core.rows(sql, name=name)
    return await line.store.read(partial(order_details, context=line.core.context, order_id=order_id))


async def test_an_order_that_is_picked_tells_its_lines_its_work_and_its_containers(line: Station) -> None:
    await begun(line)
    view = await shown(line, "C-1")
    assert (view.order_no, view.status, view.status_code, view.claimant) == (
        "ORD-C-1",
        "PICKING",
        80,
        "Ann",
    )
    (asked,) = view.lines
    assert (asked.sku_id, asked.quantity, asked.reserved, asked.picked) == ("A", 4, 4, 0)
    (work,) = view.works
    assert (work.status, work.quantity, work.picked, work.held) == ("PICKING", 4, 0, None)
    (brought,) = view.presentations
    assert (brought.container_id, brought.state, brought.units) == ("T-1", "arrived", 4)
    assert (view.waiting, view.exceptions, view.questions, view.packages) == (None, (), (), ())


async def test_an_order_that_waits_tells_why_and_what_may_be_decided(line: Station) -> None:
    await order(line, "C-1", ("A", 2), ("B", 3))
    view = await shown(line, "C-1")
    assert (view.status, view.works) == ("PREALLOCATION_FAILED", ())
    assert {matter.sku_id for matter in view.exceptions} == {"A", "B"}
    assert all(Decision.SHORT in matter.decisions for matter in view.exceptions)
    assert view.waiting == view.exceptions[-1].text
    await line.cancel("C-1")
    view = await shown(line, "C-1")
    assert (view.status, view.cancel_reason, view.waiting) == ("CANCELLED", "not wanted", None)
    assert [matter.decisions for matter in view.exceptions] == [(), ()]


async def test_a_question_at_a_station_is_shown_with_the_order_that_waits_for_its_answer(
    line: Station,
) -> None:
    _, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=4)
    await line.light()
    (name,) = line.walls.lit()
    line.walls.press(name, 3)
    await line.hear()
    (asked,) = (await shown(line, "C-1")).questions
    assert (asked.kind, asked.station_id) == ("less", "station-1")
    await line.act("answer", question_id=asked.question_id)
    assert (await shown(line, "C-1")).questions == ()


async def test_a_cancelled_order_waits_for_goods_that_are_to_be_brought_back(line: Station) -> None:
    operation, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=4)
    await line.light()
    (name,) = line.walls.lit()
    line.walls.press(name)
    await line.hear()
    await line.act("done", operation_id=operation)
    await line.cancel("C-1")
    view = await shown(line, "C-1")
    (goods,) = view.put_backs
    assert view.status == "CANCELLING"
    assert (goods.sku_id, goods.lot_no, goods.quantity, goods.from_holder, goods.done_at) == (
        *("A", "A-1", 4, "T-1"),
        None,
    )


async def test_a_shipped_order_is_shown_whole_and_just_so_when_it_is_history(line: Station) -> None:
    await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
    await order(line, "C-1", ("A", 2), ("B", 3), carrierCode="SF")
    await line.finish()
    for _ in range(10):
        await line.turn()
    of_the_day = await shown(line, "C-1")
    assert (of_the_day.status, of_the_day.carrier_code, of_the_day.shipped) == ("SHIPPED", "SF", 5)
    assert [(each.sku_id, each.shipped) for each in of_the_day.lines] == [("A", 2), ("B", 3)]
    (package,) = of_the_day.packages
    assert [(each.sku_id, each.lot_no, each.quantity) for each in package.lines] == [
        ("A", "A-1", 2),
        ("B", "B-1", 3),
    ]
    assert [stage.status_code for stage in of_the_day.stages] == [10, 30, 70, 80, 90, 150, 190]
    assert [stage.operator for stage in of_the_day.stages] == ["wes"] * 3 + ["Ann"] * 4
    core = line.core
    await core.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
    core.clock.at_us += 31 * DAY_US
    await carry_over(core.store, core.context)
    assert await core.count("orders", "order_history") == {"orders": 0, "order_history": 1}
    assert await shown(line, "C-1") == of_the_day


async def test_orders_of_a_number_are_found_of_the_day_and_of_history(line: Station) -> None:
    core = line.core
    for command_id in ("C-1", "C-2"):
        await core.submit(command(command_id, ("A", 1), orderNo="ORD-1"))
        await core.cancel("ORD-1")
        await core.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
        core.clock.at_us += 31 * DAY_US
        await carry_over(core.store, core.context)
    await core.submit(command("C-3", ("A", 1), orderNo="ORD-1"))
    await core.submit(command("C-4", ("A", 1)))

    async def found(below: int, limit: int, code: int | None = None) -> list[OrderSummary]:
        return await line.store.read(lambda tx: orders_numbered(tx, "ORD-1", below, limit, code))

    newest, *elder = await found(2**53, 10)
    assert [each.status_code for each in (newest, *elder)] == [20, 199, 199]
    assert await found(2**53, 1) == [newest]
    assert await found(newest.order_id, 10) == await found(2**53, 10, 199) == elder


async def test_an_order_that_never_was_is_not_found(line: Station) -> None:
    with pytest.raises(Refusal) as told:
        await line.store.read(partial(order_details, context=line.core.context, order_id=4711))
    assert told.value.kind is RefusalKind.NOT_FOUND
    assert (told.value.reasons[0].field, told.value.reasons[0].code) == ("orderId", "unknown")
