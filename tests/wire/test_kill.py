"""SIGKILL at any moment and at boundaries of commits: every transport completes once, every load moves once, no event is lost or
renumbered.

What moved is counted by the simulated devices, in a process that is not killed; what happened is compared event by event over all
lives of the gateway. `make kill-test ROUNDS=1000` kills more often.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from gateway.site.load import load_site
from sim_devices.wes import SimulatedWes
from tests.wire.demo import NO_TLS
from tests.wire.forking import NEVER, ForkedProgram
from tests.wire.processes import DEMO, SiteProcesses, all_events, body_of, running

pytestmark = [pytest.mark.wire, pytest.mark.kill, pytest.mark.timeout(0)]

ROUNDS = int(os.environ.get("ROUNDS", "50"))
SEED = int(os.environ.get("SEED", "1"))
AT_START, AT_WORK = (1, 60), (60, 2000)
"""Which of a life's operations on its disk is its last one."""
LIFE_S = (0.2, 2.5)
"""How long a life lasts that does not get there."""


async def test_killed_again_and_again_the_gateway_loses_nothing_and_does_nothing_twice(
    tmp_path: Path,
) -> None:
    rng = Random(SEED)
    site = SiteProcesses(tmp_path, speed=20)
    lives = site.run = ForkedProgram("run", *site.run_arguments, log=tmp_path / "run.log")
    async with running(site), httpx.AsyncClient(base_url=site.run_url, timeout=5, verify=NO_TLS) as http:
        wes = SimulatedWes(load_site(DEMO), http, rng, prefix="kill", transports=None)
        working = asyncio.ensure_future(wes.run())
        seen: dict[int, str] = {}
        watching = asyncio.ensure_future(watch(http, seen))
        began = asyncio.get_running_loop().time()
        at_commits = 0
        try:
            for number in range(ROUNDS):
                at_commits += await end(lives, rng)
                lives.dies_at = rng.choice((NEVER, rng.randint(*AT_START), *[rng.randint(*AT_WORK)] * 2))
                await lives.start()
                assert not working.done(), working
                took = asyncio.get_running_loop().time() - began
                print(f"kill {number + 1} of {ROUNDS}, {at_commits} at commits, {took:.0f} s", flush=True)
            await lives.kill()
            lives.dies_at = NEVER
            await lives.start()
            wes.tally.wanted = wes.tally.accepted
            async with asyncio.timeout(180):
                await working
        finally:
            for task in (watching, working):
                task.cancel()
                with suppress(BaseException):
                    await task
        await check(site, http, wes, seen)


async def end(life: ForkedProgram, rng: Random) -> bool:
    """Let a life end: by itself at a boundary of its commits, if it gets there, else at a random moment."""
    try:
        async with asyncio.timeout(rng.uniform(*LIFE_S)):
            await life.ended()
    except TimeoutError:
        await life.kill()
        return False
    return True


async def watch(http: httpx.AsyncClient, seen: dict[int, str]) -> None:
    while True:
        await remember(http, seen)
        await asyncio.sleep(0.1)


async def remember(http: httpx.AsyncClient, seen: dict[int, str]) -> None:
    """Note events as they were shown; what was shown once must never change."""
    with suppress(httpx.HTTPError):
        for event in await all_events(http, after=max(seen, default=0)):
            seen[event["seq"]] = body_of(event)


async def check(
    site: SiteProcesses, http: httpx.AsyncClient, wes: SimulatedWes, seen: dict[int, str]
) -> None:
    events = await all_events(http)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), "the feed has gaps"
    assert {seq: body_of(events[seq - 1]) for seq in seen} == seen, "an event has changed"

    ends = [event for event in events if event["type"] in ("transport.completed", "transport.failed")]
    assert wes.tally.accepted > 0
    assert sorted(event["subject"] for event in ends) == sorted(wes.tally.ended), "each transport ends once"
    assert {event["type"] for event in ends} == {"transport.completed"}
    assert wes.tally.count("completed") == wes.tally.accepted

    world = await site.world()
    assert {job: count for job, count in world["moves"].items() if count != 1} == {}, "a load was moved twice"
    assert await books(http) == world["containers"], "the books and the world disagree"
    print(f"{wes.tally.accepted} transports, {len(world['moves'])} moves, {len(events)} events")


async def books(http: httpx.AsyncClient) -> dict[str, Any]:
    """Return where the gateway says that every container is."""
    places: dict[str, Any] = {}
    params: dict[str, str] = {"limit": "500"}
    while True:
        page = (await http.get("/v1/containers", params=params)).raise_for_status().json()
        places |= {
            item["containerId"]: item.get("locationId") or item.get("deviceId") for item in page["items"]
        }
        if page.get("nextCursor") is None:
            return places
        params["cursor"] = page["nextCursor"]
