"""An order number that comes back under another command (S4-61): its messages stay in one order, and the newest order is meant."""

import pytest

from gateway.kernel.ports import Store
from gateway.wes.upstream.views import order_view
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import put, station_on
from tests.unit.wes_rig import command, core_on

HOUR_US = 3_600_000_000


async def test_messages_of_two_orders_of_one_number_are_numbered_in_one_row(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    ((allocation, _),) = await line.scan(await line.bring())
    await put(line, allocation, 2)
    assert (await line.cancel("C-1")).status == "CANCELLING"
    await order(line, "C-2", ("A", 1), orderNo="ORD-C-1")
    for (goods,) in await line.core.rows("SELECT put_back_id FROM put_backs WHERE done_at IS NULL"):
        await line.act("putBack", put_back_id=goods, holder_id="T-1")
    told = [(each["status"], each["sequence"]) for each in await line.core.told()]
    assert told == [("RECEIVED", 1), ("PICKING", 2), ("RECEIVED", 3), ("CANCELLED", 4)]
    await line.cancel("C-1")
    await order(line, "C-3", ("A", 1), orderNo="ORD-C-1")
    assert [each["sequence"] for each in await line.core.told()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("jump_us", [-HOUR_US, HOUR_US], ids=["back", "forth"])
async def test_the_newest_order_of_a_number_is_meant_though_the_clock_was_set(
    store: Store, jump_us: int
) -> None:
    opened = await core_on(store)
    await opened.products("A")
    await opened.stock("A", 10)
    first = await opened.submit(command("C-1", ("A", 1), orderNo="ORD"))
    await opened.cancel("ORD")
    opened.clock.at_us += jump_us
    second = await opened.submit(command("C-2", ("A", 1), orderNo="ORD"))
    assert first.outbound_no != second.outbound_no
    view = await store.read(lambda tx: order_view(tx, "ORD"))
    assert view is not None
    assert view.command_id == "C-2"
    assert (await opened.cancel("ORD")).outbound_no == second.outbound_no
    assert await opened.rows("SELECT code FROM orders ORDER BY order_id") == [(199,), (199,)]
