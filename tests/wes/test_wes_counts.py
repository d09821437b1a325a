"""Counts on both databases, with people who really act at the same time (S2-78…99)."""

import asyncio
from functools import partial
from typing import Any, TypeVar

import pytest

from gateway.contract.acts import ActView
from gateway.contract.corrections import CountGoods
from gateway.contract.counts import ApproveCount, ClaimCount, CountLine, OrderCount, Recount
from gateway.contract.faults import Refusal
from gateway.kernel.ports import Store
from gateway.wes.alarms import Alarms
from gateway.wes.corrections import correct
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.documents import DAY_US, order_count
from gateway.wes.counting.views import WhichLines, count_lines, count_view, list_counts, put_counts_away
from gateway.wes.counting.watch import CountWatch
from tests.unit.chain_rig import fill
from tests.unit.station_rig import Station, station_on

ALL: dict[str, Any] = {"kind": "everything"}
Counting = TypeVar("Counting", ApproveCount, ClaimCount, CountLine, Recount)


@pytest.fixture
async def line(store: Store) -> Station:
    """Given two totes with ten of A each, and five of B in the first, to which people go."""
    opened = await station_on(store, keep_days=30, counting={"containers": 0})
    await fill(opened, "T-1", "A1-1-L-05", A=10, B=5)
    await fill(opened, "T-2", "A1-2-L-05", A=10)
    for tote in ("T-1", "T-2"):
        opened.walls.tell_place(tote)
    await opened.hear()
    return opened


async def ordered(line: Station, count_id: str = "N-1", **more: Any) -> dict[tuple[str, str], int]:
    """Order a count; returns its lines by tote and product."""
    body = {"countId": count_id, "scope": ALL, "operator": "Olga", "reason": "year end"} | more
    job = partial(order_count, context=line.core.context, order=OrderCount.model_validate(body))
    await line.store.write(job)
    lines = await line.store.read(lambda tx: count_lines(tx, count_id, WhichLines(), 100))
    return {(each.holder_id, each.sku_id): each.line_id for each in lines}


async def did(line: Station, kind: type[Counting], operator: str, **fields: Any) -> ActView:
    line.acts += 1
    request = kind.model_validate({"act_id": f"count-{line.acts}", "operator": operator} | fields)
    return await line.store.write(partial(do_counting, context=line.core.context, request=request))


async def tried(line: Station, kind: type[Counting], operator: str, **fields: Any) -> str:
    """Return "" or the code of the refusal."""
    try:
        await did(line, kind, operator, **fields)
    except Refusal as refused:
        return refused.reasons[0].code
    return ""


async def count_twice(line: Station, line_id: int, quantity: int) -> None:
    for person in ("Ann", "Ben"):
        await did(line, CountLine, person, line_id=line_id, quantity=quantity)


async def corrected(line: Station, quantity: int) -> str:
    request = CountGoods(
        act_id="office",
        operator="Cid",
        reason="looked",
        sku_id="A",
        lot_no="A-1",
        holder_id="T-1",
        quantity=quantity,
    )
    await line.store.write(partial(correct, context=line.core.context, request=request))
    return ""


async def there(line: Station, tote: str, sku: str = "A") -> int:
    rows = await line.core.rows(
        "SELECT p.quantity FROM positions p JOIN lots l ON l.lot_id = p.lot_id JOIN pools o ON o.pool_id = l.pool_id"
        " WHERE p.holder_id = :tote AND o.sku = :sku",
        tote=tote,
        sku=sku,
    )
    return rows[0][0]


async def test_a_count_from_order_to_what_is_kept_of_it(line: Station) -> None:
    lines = await ordered(line, blind=True, dueAt="2020-01-01T00:00:00Z")
    assert sorted(lines) == [("T-1", "A"), ("T-1", "B"), ("T-2", "A")]
    claimed = await did(line, ClaimCount, "Ann", count_id="N-1", places=2)
    assert sorted(claimed.line_ids or ()) == sorted(lines.values())
    await did(line, CountLine, "Ann", line_id=lines["T-1", "B"], quantity=5)
    await count_twice(line, lines["T-1", "A"], 8)
    await count_twice(line, lines["T-2", "A"], 12)
    await did(line, Recount, "Olga", line_ids=[lines["T-2", "A"]], reason="look again")
    await did(line, CountLine, "Ann", line_id=lines["T-2", "A"], quantity=11)
    alarms = Alarms()
    await CountWatch(line.core.store, line.core.context, alarms).work()
    assert sorted(alarms.standing) == ["countDifference", "countLoss", "countOverdue"]
    await did(line, ApproveCount, "Olga", line_ids=[lines["T-1", "A"]], reason_code="breakage")
    await did(line, ApproveCount, "Olga", line_ids=[lines["T-2", "A"]], reason_code="misrouted")
    assert [await there(line, tote) for tote in ("T-1", "T-2")] == [8, 11]
    view = await line.store.read(lambda tx: count_view(tx, "N-1"))
    assert (view.state, view.report.gained, view.report.lost, view.report.books) == ("done", 1, 2, 25)
    shown = await line.store.read(lambda tx: count_lines(tx, "N-1", WhichLines(), 100))
    line.core.clock.at_us += 31 * DAY_US
    await put_counts_away(line.core.store, line.core.context)
    assert await line.core.count("count_lines") == {"count_lines": 0}
    assert await line.store.read(lambda tx: count_lines(tx, "N-1", WhichLines(), 100)) == shown
    listed = await line.store.read(lambda tx: list_counts(tx, 2**53, 10, "done"))
    assert [each for _, each in listed] == [view]
    await line.check()


@pytest.mark.parametrize(
    ("scope", "lines"),
    [
        (ALL, 3),
        ({"kind": "locations", "pattern": "A1-2-*"}, 1),
        ({"kind": "products", "skuIds": ["B", "X"]}, 1),
        ({"kind": "zone", "zone": "aisle-1"}, 3),
        ({"kind": "notCountedForDays", "days": 1}, 3),
    ],
    ids=["everything", "locations", "products", "zone", "not counted"],
)
async def test_every_scope_is_understood(line: Station, scope: dict[str, Any], lines: int) -> None:
    assert len(await ordered(line, scope=scope)) == lines


async def test_two_counts_ordered_at_once_share_no_line(line: Station) -> None:
    async def order(number: int) -> int:
        try:
            return len(await ordered(line, f"N-{number}"))
        except Refusal:
            return 0

    assert sum(await asyncio.gather(*(order(number) for number in range(5)))) == 3
    assert await line.core.count("count_lines") == {"count_lines": 3}


async def test_people_who_claim_at_once_get_different_places(line: Station) -> None:
    await ordered(line)
    people = ("Ann", "Ben", "Cid", "Dora")
    views = await asyncio.gather(*(did(line, ClaimCount, person, count_id="N-1") for person in people))
    claimed = [line_id for view in views for line_id in view.line_ids or ()]
    assert len(claimed) == len(set(claimed)) == 3


async def test_a_line_is_counted_once_a_round_whoever_counts_it_at_once(line: Station) -> None:
    lines = await ordered(line)
    people = ("Ann", "Ben", "Cid", "Dora")
    told = await asyncio.gather(
        *(tried(line, CountLine, person, line_id=lines["T-1", "A"], quantity=9) for person in people)
    )
    assert sorted(told) == ["", "", "isCounted", "isCounted"]
    assert await line.core.count("count_rounds") == {"count_rounds": 2}


async def test_a_difference_is_booked_once_whoever_approves_it_at_once(line: Station) -> None:
    lines = await ordered(line)
    await count_twice(line, lines["T-1", "A"], 9)
    told = await asyncio.gather(
        *(
            tried(line, ApproveCount, "Olga", line_ids=[lines["T-1", "A"]], reason_code="theft")
            for _ in range(4)
        )
    )
    assert sorted(told) == ["", "notDiffering", "notDiffering", "notDiffering"]
    assert await there(line, "T-1") == 9


async def test_who_approves_the_last_lines_at_once_ends_the_count(line: Station) -> None:
    lines = await ordered(line)
    for line_id in lines.values():
        await count_twice(line, line_id, 4)
    await asyncio.gather(
        *(
            did(line, ApproveCount, "Olga", line_ids=[line_id], reason_code="theft")
            for line_id in lines.values()
        )
    )
    assert await line.core.rows("SELECT state FROM counts") == [("done",)]
    await line.check()


async def test_a_correction_beside_an_approval_never_books_a_difference_twice(line: Station) -> None:
    lines = await ordered(line)
    await count_twice(line, lines["T-1", "A"], 9)
    approval = tried(line, ApproveCount, "Olga", line_ids=[lines["T-1", "A"]], reason_code="theft")
    told, _ = await asyncio.gather(approval, corrected(line, 9))
    assert told in ("", "notDiffering", "overtaken")
    assert await there(line, "T-1") == 9
    await line.check()
