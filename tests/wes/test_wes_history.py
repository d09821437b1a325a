"""Ended orders go to history with all their documents, on both databases; nothing that is open goes, and nothing is forgotten."""

from typing import Any

import pytest

from gateway.contract.wms import ResultCode
from gateway.kernel.ports import Store
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.history import MOVED, carry_over, find_history
from gateway.wes.stock.verify import verify
from gateway.wes.upstream.views import order_view
from tests.unit.wes_rig import Core, command, core_on, settings

DAY_US = 86_400_000_000
TABLES = tuple(each.table for each in MOVED)


@pytest.fixture
async def opened(store: Store) -> Core:
    core = await core_on(store, settings(keep_days=30))
    await core.products("A", "B")
    await core.stock("A", 100)
    return core


async def ended(opened: Core, command_id: str = "C-1", **changes: Any) -> dict[str, Any]:
    """Have an order cancelled, and upstream hear of it."""
    raw = command(command_id, ("A", 2), **changes)
    await opened.submit(raw)
    await opened.cancel(raw["orderNo"])
    await opened.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
    return raw


async def carry(opened: Core, days: int) -> None:
    """Let days pass, then a round of the timer."""
    opened.clock.at_us += days * DAY_US
    await carry_over(opened.store, opened.context)


async def left(opened: Core) -> int:
    return sum((await opened.count(*TABLES)).values())


async def test_an_ended_order_goes_after_its_days_with_all_its_documents(opened: Core) -> None:
    await ended(opened)
    before = await opened.store.read(lambda tx: order_view(tx, "ORD-C-1"))
    await carry(opened, 29)
    assert await opened.count("orders", "order_history") == {"orders": 1, "order_history": 0}
    await carry(opened, 2)
    assert await left(opened) == 0
    assert await opened.store.read(lambda tx: order_view(tx, "ORD-C-1")) == before
    kept = await opened.store.read(lambda tx: find_history(tx, "ORD-C-1"))
    assert kept is not None
    assert kept.rows("work_orders", "code, mode") == [(199, "station")]
    assert sorted(kept.rows("stages", "document, code")) == [
        ("order", "10"),
        ("order", "195"),
        ("order", "199"),
        ("order", "30"),
        ("work", "195"),
        ("work", "199"),
        ("work", "30"),
    ]
    assert await opened.store.read(lambda tx: verify(tx, opened.clock.now_us())) == []


@pytest.mark.parametrize(
    "open_still",
    [
        "UPDATE order_lines SET reserved = 1",
        "UPDATE lot_reservations SET quantity = 1",
        "UPDATE work_orders SET code = 90",
        "UPDATE outbox SET state = 'dead' WHERE sequence = 2",
    ],
)
async def test_an_order_of_which_anything_is_open_stays(opened: Core, open_still: str) -> None:
    await ended(opened)
    await opened.store.write(lambda tx: tx.execute(open_still))
    await carry(opened, 31)
    assert await opened.count("orders", "order_history") == {"orders": 1, "order_history": 0}


async def test_an_open_order_stays_however_old_it_is(opened: Core) -> None:
    await opened.submit(command("C-1", ("A", 2)))
    await carry(opened, 1000)
    assert await opened.lines() == [("A", 2, 30)]


async def test_a_command_whose_order_is_history_is_answered_as_before(opened: Core) -> None:
    raw = await ended(opened)
    first = (await opened.rows("SELECT outbound_no FROM orders"))[0][0]
    await carry(opened, 31)
    assert (await opened.submit(raw)).outbound_no == first
    assert await opened.count("orders") == {"orders": 0}
    with pytest.raises(Declined) as declined:
        await opened.submit(raw | {"priority": 9})
    assert declined.value.code is ResultCode.CONFLICT


async def test_an_order_number_that_comes_back_goes_on_counting_its_messages(opened: Core) -> None:
    await ended(opened)
    await carry(opened, 31)
    await opened.submit(command("C-2", ("A", 1), orderNo="ORD-C-1"))
    assert await opened.rows("SELECT sequence FROM outbox ORDER BY sequence DESC LIMIT 1") == [(3,)]
    view = await opened.store.read(lambda tx: order_view(tx, "ORD-C-1"))
    assert view is not None
    assert view.command_id == "C-2"


async def test_cancelling_what_is_history_is_answered_by_what_became_of_it(opened: Core) -> None:
    await ended(opened)
    await carry(opened, 31)
    assert (await opened.cancel("ORD-C-1")).status == "CANCELLED"
    with pytest.raises(Declined) as declined:
        await opened.cancel("ORD-C-9")
    assert declined.value.code is ResultCode.NOT_FOUND


async def test_a_round_moves_a_bounded_part_and_the_next_ones_the_rest(
    opened: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.wes.orders.history.STEP", 2)
    for n in range(5):
        await ended(opened, f"C-{n}")
    for expected in (2, 4, 5, 5):
        await carry(opened, 31)
        assert await opened.count("order_history") == {"order_history": expected}
    assert await left(opened) == 0
