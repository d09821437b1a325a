"""Cycle counts on both databases: every day the places whose turn it is, by the class of their goods (S2-80, S2-100).

Given in every test: goods of class A are counted every 10 days, of class B every 30, all others every 100; the day's count is
ordered at midnight.
"""

from functools import partial
from typing import Any

import pytest

from gateway.contract.counts import CountLine
from gateway.kernel.ports import Store
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.cycle import order_cycle_count
from gateway.wes.counting.documents import DAY_US
from gateway.wes.counting.views import list_counts
from tests.unit.chain_rig import fill
from tests.unit.station_rig import Station, station_on

CYCLE: dict[str, Any] = {"at": "00:00", "days": {"A": 10, "B": 30}, "otherwise_days": 100}


async def line_on(store: Store, **changes: Any) -> Station:
    """Given A of class A and B of class B in totes of their own, and both in T-3."""
    line = await station_on(store, counting={"containers": 0, "cycle": CYCLE | changes})
    await line.core.products("A", version=2, attributes={"abc": "A"})
    await line.core.products("B", version=2, attributes={"abc": "B"})
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await fill(line, "T-2", "A1-1-L-06", B=10)
    await fill(line, "T-3", "A1-1-L-07", A=10, B=10)
    return line


@pytest.fixture
async def line(store: Store) -> Station:
    return await line_on(store)


async def after(line: Station, days: float) -> list[str]:
    """Let days pass, and the round look; returns the containers of the newest count."""
    line.core.clock.at_us += round(days * DAY_US)
    await order_cycle_count(line.core.store, line.core.context)
    rows = await line.core.rows(
        "SELECT DISTINCT holder_id FROM count_lines WHERE count_id = (SELECT MAX(count_id) FROM counts)"
        " ORDER BY holder_id"
    )
    return [row[0] for row in rows]


async def count_all(line: Station) -> None:
    """Count whatever is open, rightly."""
    for number, quantity in await line.core.rows(
        "SELECT l.line_id, p.quantity FROM count_lines l JOIN positions p ON p.holder_id = l.holder_id"
        " AND p.lot_id = l.lot_id WHERE l.ended_at IS NULL"
    ):
        line.acts += 1
        act = CountLine(act_id=f"c-{line.acts}", operator="Ann", line_id=number, quantity=quantity)
        await line.store.write(partial(do_counting, context=line.core.context, request=act))


async def test_what_is_due_by_its_class_is_counted_whole_place_by_whole_place(line: Station) -> None:
    assert await after(line, 5) == []
    assert await after(line, 6) == ["T-1", "T-3"], "the class A is due, and B beside it in T-3"
    assert await line.core.rows("SELECT COUNT(*) FROM count_lines") == [(3,)]
    ((_, ordered),) = await line.store.read(lambda tx: list_counts(tx, 2**53, 10, None))
    assert ordered.count_id.startswith("CYCLE-")
    assert (ordered.blind, ordered.operator) == (True, "wes")
    await count_all(line)
    assert await after(line, 9) == ["T-1", "T-3"], "no other count: nothing is due"
    assert await after(line, 2) == ["T-1", "T-3"]
    await count_all(line)
    assert await line.core.rows("SELECT COUNT(*) FROM counts") == [(2,)]
    assert await after(line, 9) == ["T-2"], "31 days after it came"


async def test_a_day_has_one_count_and_what_is_being_counted_is_in_no_second_one(line: Station) -> None:
    await after(line, 11)
    await after(line, 0)
    assert await line.core.rows("SELECT COUNT(*) FROM counts") == [(1,)]
    await after(line, 1)
    assert await line.core.rows("SELECT COUNT(*) FROM counts") == [(1,)], "all of it is being counted"


async def test_of_too_many_those_that_have_waited_longest_go_first(store: Store) -> None:
    line = await line_on(store, places=1)
    await after(line, 11)
    await count_all(line)
    assert await after(line, 1) == ["T-3"], "T-1 was counted yesterday"


async def test_without_a_plan_nothing_is_counted_that_nobody_has_ordered(store: Store) -> None:
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", A=10)
    assert await after(line, 1000) == []
