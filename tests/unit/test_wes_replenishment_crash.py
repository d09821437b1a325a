"""The WES dies before any commit of a life with replenishments, comes back, and everything still happens once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.wes.context import WesContext
from gateway.wes.ids import take_ids
from gateway.wes.planning.replenishment import Replenishments
from tests.unit.chain_rig import Crash, MortalStore, fill, order
from tests.unit.station_rig import Station, WallGateway, station
from tests.unit.wes_rig import Core

pytestmark = pytest.mark.unit

ROUNDS_MAX = 60
RULES: list[dict[str, Any]] = [
    {"at": "picking", "then": "flat"},
    {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "PALLET-*", "amount": "needed"}},
]


@asynccontextmanager
async def line_with_orders() -> AsyncGenerator[Station]:
    """Three orders for what is only on pallets; one of them is cancelled as soon as its pallet is called."""
    async with station(rules=RULES) as line:
        await fill(line, "PALLET-1", "A1-1-L-05", A=5)
        await fill(line, "PALLET-2", "A1-2-L-05", A=5, B=5)
        await order(line, "C-1", ("A", 4))
        await order(line, "C-2", ("A", 3), ("B", 1))
        await order(line, "C-3", ("B", 2))
        yield line


async def reborn(line: Station, commits: int, life: int) -> Station:
    """The process starts again on the same database, beside the same gateway and the same people."""
    core, old = line.core, line.core.context
    context = WesContext(
        wes=old.wes, rules=old.rules, ids=await take_ids(core.store), clock=core.clock, layout=old.layout
    )
    again = Core(core.store, context, core.numbers, core.clock)
    assert isinstance(line.gateway, WallGateway)
    return Station(again, line.gateway, MortalStore(core.store, commits), acts=10_000 * life)


async def people_work(line: Station) -> None:
    """Fill up what can be filled up, then claim, pick and seal."""
    for number, place, rest in await line.core.rows(
        "SELECT r.replenishment_id, r.target_id, r.quantity - r.moved FROM replenishments r JOIN presentations p"
        " ON p.presentation_id = r.presentation_id WHERE r.state IN ('open', 'begun') AND p.state = 'arrived'"
        " ORDER BY r.replenishment_id"
    ):
        await line.act("beginReplenishment", replenishment_id=number)
        await line.act("replenish", replenishment_id=number, holder_id=place, quantity=rest)
    await line.act("claim")
    for number, rest in await line.core.rows(
        "SELECT a.allocation_id, a.quantity - a.picked - a.short FROM allocations a JOIN work_orders w"
        " ON w.work_id = a.work_id WHERE a.code IN (70, 80) AND w.claimant IS NOT NULL ORDER BY a.allocation_id"
    ):
        await line.act("pick", allocation_id=number, quantity=rest)
    await line.seal_all()


async def live(line: Station) -> None:
    for number in range(ROUNDS_MAX):
        await line.turn()
        if number == 0:
            await line.cancel("C-3")
        await people_work(line)
        await Replenishments(line.store, line.core.context).work()
        if await is_quiet(line):
            return
    raise AssertionError(await line.core.rows("SELECT * FROM replenishments WHERE ended_at IS NULL"))


async def is_quiet(line: Station) -> bool:
    counts = [
        (await line.core.rows(sql))[0][0]
        for sql in (
            "SELECT COUNT(*) FROM orders WHERE code < 150",
            "SELECT COUNT(*) FROM orders WHERE code = 195",
            "SELECT COUNT(*) FROM replenishments WHERE ended_at IS NULL",
            "SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')",
        )
    ]
    return not any(counts)


async def check(line: Station) -> None:
    await line.check()
    assert await line.order_codes() == [150, 150, 199]
    assert await line.core.rows("SELECT p.sku, p.quantity, p.reserved FROM pools p ORDER BY p.sku") == [
        ("A", 10, 7),
        ("B", 5, 1),
    ]
    moved = await line.core.rows(
        "SELECT SUM(moved) FROM replenishments UNION ALL SELECT SUM(l.d_quantity) FROM ledger l"
        " JOIN stock_events e ON e.event_id = l.event_id WHERE e.document_kind = 'replenishment' AND l.d_quantity > 0"
    )
    assert moved[0] == moved[1], "what documents say was moved, was"
    assert set(line.gateway.ended) == set(line.gateway.asked)
    assert all(place.startswith("A1-") for place in line.gateway.places.values())


async def test_it_may_die_before_any_commit() -> None:
    async with line_with_orders() as line:
        mortal = await reborn(line, 1_000_000, 1)
        await live(mortal)
        await check(mortal)
        assert isinstance(mortal.store, MortalStore)
        commits = 1_000_000 - mortal.store.commits_left
    assert 40 < commits < 400
    for number in range(commits):
        async with line_with_orders() as line:
            mortal = await reborn(line, number, 1)
            with pytest.raises(Crash):
                await live(mortal)
            after = await reborn(line, 1_000_000, 2)
            await live(after)
            await check(after)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8, 13])
async def test_it_may_die_again_and_again(step: int) -> None:
    async with line_with_orders() as line:
        for number in range(1, 300):
            mortal = await reborn(line, step, number)
            try:
                await live(mortal)
            except Crash:
                continue
            break
        after = await reborn(line, 1_000_000, 1000)
        await live(after)
        await check(after)
