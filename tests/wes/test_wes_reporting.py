"""What is told of some days, on both databases (S2-153, S2-157): goods that left, and how suppliers deliver.

Given in every test: a station's line; notices are of supplier Acme unless it says otherwise.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from gateway.contract.arrivals import CancelNotice, CompleteArrival, InboundNotice
from gateway.contract.inbound import Receive
from gateway.contract.reporting import OutboundView, SupplierView
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Store
from gateway.wes.alarms import Alarms
from gateway.wes.arrivals.documents import announce_goods, cancel_notice, complete_arrival
from gateway.wes.floor.overtaken import Overtaken
from gateway.wes.inbound import take_in
from gateway.wes.orders.history import carry_over
from gateway.wes.reporting import DAY_US, FIRST, list_outbound, list_suppliers, report_on
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE

ALWAYS = 2**62


async def announced(line: Station, notice_no: str, *items: tuple[str, int], **more: Any) -> None:
    body = {
        "noticeNo": notice_no,
        "kind": "purchase",
        "warehouseId": WAREHOUSE,
        "supplier": "Acme",
        "items": [
            {"lineNo": number, "skuId": sku, "quantity": quantity}
            for number, (sku, quantity) in enumerate(items, 1)
        ],
    }
    notice = InboundNotice.model_validate(body | more)
    await line.store.write(partial(announce_goods, context=line.core.context, notice=notice))


async def came(line: Station, notice_no: str, *goods: tuple[str, int]) -> None:
    lines = [{"skuId": sku, "quantity": quantity} for sku, quantity in goods]
    body = {
        "actId": f"{notice_no}-{goods}".translate({ord(each): "_" for each in "()', "}),
        "operator": "Dora",
    }
    request = Receive.model_validate(body | {"noticeNo": notice_no, "lines": lines})
    await line.store.write(partial(take_in, context=line.core.context, request=request))


async def nothing_more(line: Station, notice_no: str) -> None:
    request = CompleteArrival(
        act_id=f"end-{notice_no}", operator="Dora", notice_no=notice_no, reason="it is all"
    )
    await line.store.write(partial(complete_arrival, context=line.core.context, request=request))


async def suppliers(
    line: Station, since: int = 0, after: str | None = None, limit: int = 10
) -> list[SupplierView]:
    return await line.store.read(lambda tx: list_suppliers(tx, since, ALWAYS, after, limit))


async def outbound(line: Station, since: int = 0, until: int = ALWAYS) -> list[OutboundView]:
    found = await line.store.read(lambda tx: list_outbound(tx, since, until, FIRST, 100))
    return [view for _, view in found]


async def test_a_suppliers_accuracy_is_what_came_as_it_was_announced(store: Store) -> None:
    line = await station_on(store, rules=[{"at": "arrival", "then": {"over_percent": 50}}])
    soon = to_datetime(line.core.clock.at_us) + timedelta(hours=1)
    for name in ("GOOD", "SHORT", "OVER", "OPEN", "CALLED-OFF"):
        await announced(line, name, ("A", 10), ("B", 4), expectedAt=soon.isoformat())
    await came(line, "GOOD", ("A", 10), ("B", 4))
    await came(line, "OVER", ("A", 12), ("B", 4))
    await came(line, "OPEN", ("A", 1))
    cancel = CancelNotice(notice_no="CALLED-OFF", reason="not wanted")
    await line.store.write(lambda tx: cancel_notice(tx, line.core.context, cancel))
    line.core.clock.at_us += 2 * 3_600_000_000
    await came(line, "SHORT", ("A", 7))
    await nothing_more(line, "SHORT")
    (acme,) = await suppliers(line)
    assert (acme.supplier, acme.notices, acme.exact, acme.due, acme.in_time) == ("Acme", 3, 1, 3, 2)
    assert (acme.announced, acme.received, acme.missing, acme.surplus) == (42, 37, 7, 2)
    assert (acme.accuracy, acme.punctuality) == (1 / 3, 2 / 3)


async def test_suppliers_come_by_name_and_page_by_page_with_nobody_first(store: Store) -> None:
    line = await station_on(store)
    for name in ("", "Acme", "Zeta"):
        notice_no = f"PO-{name or 'NOBODY'}"
        await announced(line, notice_no, ("A", 1), supplier=name)
        await came(line, notice_no, ("A", 1))
    assert [each.supplier for each in await suppliers(line, limit=2)] == ["", "Acme"]
    assert [each.supplier for each in await suppliers(line, after="")] == ["Acme", "Zeta"]
    assert [each.punctuality for each in await suppliers(line)] == [None, None, None]
    assert await suppliers(line, since=line.core.clock.at_us + 1) == []


async def test_what_has_left_is_told_with_its_package_from_the_day_and_from_history(store: Store) -> None:
    line = await station_on(store, keep_days=1)
    await fill(line, "T-1", "A1-1-L-05", A=10, B=5)
    await order(line, "C-1", ("A", 2), ("B", 1))
    await line.finish()
    told = await outbound(line)
    assert [(each.order_no, each.sku_id, each.lot_no, each.quantity) for each in told] == [
        ("ORD-C-1", "A", "A-1", 2),
        ("ORD-C-1", "B", "B-1", 1),
    ]
    assert {each.package_no for each in told} == {
        row[0] for row in await line.core.rows("SELECT package_no FROM packages")
    }
    line.core.clock.at_us += 3 * DAY_US
    await store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered', ended_at = created_at"))
    await carry_over(store, line.core.context)
    assert await line.core.rows("SELECT COUNT(*) FROM orders") == [(0,)]
    assert await outbound(line) == told
    left = round(told[0].at.timestamp() * 1e6)
    assert await outbound(line, since=left + 1) == await outbound(line, until=left) == []


async def test_a_report_has_all_of_it_in_figures(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 2))
    await line.finish()
    await announced(line, "PO-1", ("A", 1))
    await came(line, "PO-1", ("A", 1))
    now = line.core.clock.at_us + 1
    view = await line.store.read(lambda tx: report_on(tx, WAREHOUSE, now - 7 * DAY_US, now))
    assert (view.packages, view.pieces, view.performance.shipped, view.performance.hours) == (1, 2, 1, 168)
    assert [each.accuracy for each in view.suppliers] == [1.0]


@pytest.mark.parametrize(
    ("turnover", "noted"), [("fifo", True), ("fefo", True), ("lifo", False)], ids=["fifo", "fefo", "lifo"]
)
async def test_an_older_lot_that_stays_while_a_younger_one_is_picked_is_an_alarm_after_some_days(
    store: Store, turnover: str, noted: bool
) -> None:
    rules = [{"at": "audit.turnover", "then": turnover}]
    line = await station_on(store, stock={"overtaken_days": 2}, rules=rules)
    alarms, start = Alarms(), line.core.clock.at_us
    watch = Overtaken(store, line.core.context, alarms)
    await fill(line, "T-1", "A1-1-L-05", A=4)
    await order(line, "C-1", ("A", 1))
    # It came long ago, and is found, or comes free, once the younger one is promised.
    await line.core.stock("A", 3, lot_no="OLD", received_at=start - 9 * DAY_US, expiry_at=start + 30 * DAY_US)
    await line.finish()
    line.core.clock.at_us += DAY_US
    await watch.work()
    assert alarms.standing == {}, "somebody may take it tomorrow"
    line.core.clock.at_us += 2 * DAY_US
    await watch.work()
    assert list(alarms.standing) == (["overtaken"] if noted else [])
    if noted:
        assert "A lot OLD (3, of " in alarms.standing["overtaken"].text
    await order(line, "C-2", ("A", 3))
    if turnover == "fifo":
        await watch.work()
        assert alarms.standing == {}, "it is promised to somebody"


async def test_a_lot_that_would_not_keep_as_long_as_an_order_wants_is_not_overtaken(store: Store) -> None:
    line = await station_on(store, stock={"overtaken_days": 1})
    alarms, start = Alarms(), line.core.clock.at_us
    watch = Overtaken(store, line.core.context, alarms)
    await fill(line, "T-1", "A1-1-L-05", A=4)
    await order(line, "C-1", ("A", 1))
    await line.core.stock("A", 3, lot_no="OLD", received_at=start - 9 * DAY_US, expiry_at=start + 1)
    await line.finish()
    line.core.clock.at_us += 3 * DAY_US
    await watch.work()
    assert alarms.standing == {}
