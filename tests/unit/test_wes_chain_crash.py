"""The WES dies before any of its commits, comes back, and everything still happens once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.wes.context import WesContext
from gateway.wes.ids import take_ids
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import Chain, Crash, MortalStore, chain, contradictions, fill, order
from tests.unit.wes_rig import Core

pytestmark = pytest.mark.unit

COMMITS_MAX = 400


async def site_with_trouble(line: Chain) -> None:
    """Three orders; one tote is unknown to the gateway, another one's transport fails."""
    await fill(line, "T-1", "A1-1-L-01", A=2)
    await fill(line, "T-2", "A1-2-L-02", A=5, B=5)
    await fill(line, "T-3", "A1-3-L-03", A=5, B=5)
    await fill(line, "T-4", "A1-4-L-04", A=5, B=5)
    await order(line, "C-1", ("A", 2))
    await order(line, "C-2", ("A", 1), ("B", 2))
    await order(line, "C-3", ("B", 6), priority=9)
    await line.hear()
    del line.gateway.places["T-1"]
    line.gateway.fails.append("T-2")


async def reborn(line: Chain, commits: int) -> Chain:
    """The process starts again on the same database, beside the same gateway."""
    core = line.core
    old = core.context
    context = WesContext(
        wes=old.wes, rules=old.rules, ids=await take_ids(core.store), clock=core.clock, layout=old.layout
    )
    again = Core(core.store, context, core.numbers, core.clock)
    return Chain(again, line.gateway, MortalStore(core.store, commits))


async def people_decide(line: Chain) -> None:
    for transport_id in sorted(line.gateway.halted):
        line.gateway.retry(transport_id)


async def live(line: Chain) -> None:
    for _ in range(60):
        await line.round()
        await people_decide(line)
        if await line.is_quiet():
            return
    raise AssertionError(
        await line.core.rows("SELECT * FROM presentations WHERE state NOT IN ('done', 'cancelled')")
    )


async def check(line: Chain) -> None:
    assert await contradictions(line.core) == []
    assert await line.codes("orders") == [90, 90, 90]
    lines = await line.core.rows("SELECT quantity, picked, reserved, short FROM order_lines")
    assert all(
        picked == quantity and not reserved and not short for quantity, picked, reserved, short in lines
    )
    picks = await line.core.rows(
        "SELECT COALESCE(SUM(quantity), 0) FROM positions WHERE holder_id LIKE '%PICK_TO'"
    )
    assert picks == [(11,)]
    done = await line.core.rows(
        "SELECT presentation_id, attempt, state FROM presentations WHERE state IN ('done', 'cancelled')"
    )
    at_gateway = set(line.gateway.asked)
    known = {f"P{number}-{attempt}" for number, last, _ in done for attempt in range(1, last + 1)}
    assert at_gateway <= known
    assert set(line.gateway.ended) == at_gateway
    moves = [name for name, how in line.gateway.ended.items() if how == "completed"]
    assert len(moves) == len({name.split("-")[0] for name in moves})


@asynccontextmanager
async def troubled(**changes: Any) -> AsyncGenerator[Chain]:
    async with chain(**changes) as line:
        await site_with_trouble(line)
        yield line


async def commits_of_a_whole_life(close: bool) -> int:
    async with troubled() as line:
        mortal = await reborn(line, 1_000_000)
        if close:
            await close_in_the_middle(mortal)
        await live(mortal)
        await check(mortal)
        assert isinstance(mortal.store, MortalStore)
        return 1_000_000 - mortal.store.commits_left


async def close_in_the_middle(line: Chain) -> None:
    await line.round()
    await line.store.write(lambda tx: close_station(tx, "station-1", "no light", "Ann"))


@pytest.mark.parametrize("close", [False, True], ids=["open", "closed"])
async def test_it_may_die_before_any_commit(close: bool) -> None:
    commits = await commits_of_a_whole_life(close)
    assert 30 < commits < COMMITS_MAX
    for number in range(commits):
        async with troubled() as line:
            mortal = await reborn(line, number)
            with pytest.raises(Crash):
                if close:
                    await close_in_the_middle(mortal)
                await live(mortal)
            after = await reborn(line, 1_000_000)
            if close:
                await close_in_the_middle(after)
            await live(after)
            await check(after)


WAYS = [
    pytest.param({"sequence": sequence, "grouping": grouping}, id=f"{sequence}-{grouping}")
    for sequence in ("waveFirst", "allocateFirst")
    for grouping in ("static", "dynamic")
]


@pytest.mark.parametrize("way", WAYS)
async def test_it_may_die_again_and_again(way: dict[str, str]) -> None:
    for step in (1, 2, 3, 5, 8, 13):
        async with troubled(**way) as line:
            for _ in range(200):
                mortal = await reborn(line, step)
                try:
                    await live(mortal)
                except Crash:
                    continue
                break
            await live(await reborn(line, 1_000_000))
            await check(line)
