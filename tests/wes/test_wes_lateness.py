"""Orders that are not processed in time, on both databases: told once, listed until they go on, urged by a person (S4-38)."""

import asyncio
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

import pytest

from gateway.contract.attention import Decision, SettleRequest
from gateway.delivery.wes import upstream_works
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Row, Store
from gateway.wes.attention import list_exceptions, settle
from gateway.wes.core import WesCore
from gateway.wes.orders.lateness import watch
from gateway.wes.upstream.monitors import Monitor, look
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import command

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


@pytest.fixture
async def line(store: Store) -> Station:
    opened = await station_on(store, lateness={"begin_s": 3600, "margin_s": 600})
    await fill(opened, "T-1", "A1-1-L-05", A=20)
    return opened


async def after(line: Station, us: int) -> None:
    """Let time pass, and somebody look at the clock."""
    line.core.clock.at_us += us
    await watch(line.store, line.core.context)


async def late(line: Station) -> Sequence[Row]:
    return await line.core.rows(
        "SELECT o.oms_order_no, e.text FROM order_exceptions e JOIN orders o ON o.order_id = e.order_id"
        " WHERE e.kind = 'late' AND e.settled_at IS NULL ORDER BY e.exception_id"
    )


def in_minutes(line: Station, minutes: int) -> str:
    return to_rfc3339(line.core.clock.at_us + minutes * MINUTE_US)


async def test_an_order_that_nobody_begins_is_late_and_upstream_hears_it_once(line: Station) -> None:
    await order(line, "C-1", ("A", 2))
    await after(line, HOUR_US - MINUTE_US)
    assert await late(line) == []
    await after(line, 2 * MINUTE_US)
    await after(line, HOUR_US)
    assert [row[0] for row in await late(line)] == ["ORD-C-1"]
    told = await line.core.told()
    assert [(each["status"], each.get("errorCode")) for each in told] == [
        ("RECEIVED", None),
        ("EXCEPTION", "ORDER_LATE"),
    ]
    assert "not begun" in told[1]["errorMessage"]


async def test_an_order_that_is_begun_is_late_no_longer(line: Station) -> None:
    await order(line, "C-1", ("A", 2))
    await after(line, HOUR_US + MINUTE_US)
    await line.scan(await line.bring())
    await after(line, MINUTE_US)
    assert await late(line) == []
    await after(line, 10 * HOUR_US)
    assert await late(line) == [], "it has no deadline"


async def test_an_order_that_has_not_left_shortly_before_its_deadline_is_late_until_it_leaves(
    line: Station,
) -> None:
    await order(line, "C-1", ("A", 2), deadline=in_minutes(line, 50))
    await line.scan(await line.bring())
    await after(line, 39 * MINUTE_US)
    assert await late(line) == []
    await after(line, 2 * MINUTE_US)
    ((_, text),) = await late(line)
    assert text.startswith("it has not left, and should by ")
    await line.finish()
    assert await late(line) == []
    assert await line.told() == ["RECEIVED", "PICKING", "EXCEPTION", "SHIPPED"]


async def test_one_that_is_cancelled_is_not_the_matter_any_more(line: Station) -> None:
    await order(line, "C-1", ("A", 2))
    await after(line, 2 * HOUR_US)
    await line.cancel("C-1")
    await after(line, HOUR_US)
    assert await late(line) == []
    assert await line.told() == ["RECEIVED", "EXCEPTION", "CANCELLED"]


async def test_one_that_waits_for_goods_is_late_as_well(line: Station) -> None:
    await order(line, "C-1", ("B", 2))
    await after(line, 2 * HOUR_US)
    assert [row[0] for row in await late(line)] == ["ORD-C-1"]


async def test_a_late_order_is_listed_and_a_person_may_urge_it(line: Station) -> None:
    core = parts(line)
    for name in ("C-1", "C-2"):
        await order(line, name, ("A", 2), priority=5)
    await after(line, 2 * HOUR_US)
    listed = await line.store.read(lambda tx: list_exceptions(tx, 0, 10))
    assert [(each.order_no, each.decisions) for each in listed] == [
        ("ORD-C-1", (Decision.URGE, Decision.CANCEL)),
        ("ORD-C-2", (Decision.URGE, Decision.CANCEL)),
    ]
    request = SettleRequest(operator="Han", reason="the customer called", decision=Decision.URGE)
    await line.store.write(partial(settle, core=core, exception_id=listed[1].exception_id, request=request))
    assert await line.core.rows("SELECT priority FROM orders ORDER BY order_id") == [(5,), (9,)]
    assert await line.core.rows("SELECT priority FROM work_orders ORDER BY work_id") == [(5,), (9,)]
    assert len(await late(line)) == 2, "urged is not begun"
    assert await line.core.rows("SELECT decision, operator FROM decisions") == [("urge", "Han")]


async def test_the_alarm_says_how_many_are_late(line: Station) -> None:
    core = parts(line)
    standing = core.alarms.standing
    await look(core)
    assert Monitor.LATE_ORDERS not in standing
    await order(line, "C-1", ("A", 2))
    await after(line, 2 * HOUR_US)
    await look(core)
    assert core.tally.readings[Monitor.LATE_ORDERS].value == 1
    assert standing[Monitor.LATE_ORDERS].text == "Orders that are late: 1"
    await line.finish()
    await look(core)
    assert Monitor.LATE_ORDERS not in standing


async def test_it_is_looked_at_in_rounds_also_where_nobody_listens_upstream(store: Store) -> None:
    line = await station_on(store, upstream={}, monitors={"period_s": 0.01}, lateness={"begin_s": 1})
    await line.core.submit(command("C-1", ("A", 2)))
    line.core.clock.at_us += MINUTE_US
    core = parts(line)
    works: Any = upstream_works(core, None, Random(1))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        rounds = [tasks.create_task(works[name].run()) for name in ("late orders", "monitors")]
        while Monitor.LATE_ORDERS not in core.alarms.standing:
            await asyncio.sleep(0.01)
        for each in rounds:
            each.cancel()


def parts(line: Station) -> WesCore:
    core = line.core
    return WesCore(store=core.store, context=core.context, numbers=core.numbers)
