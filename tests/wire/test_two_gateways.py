"""Two gateways with data of their own at one simulated site: the one started later commands, the other waits and says why."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.wire.demo import DEVICES, ENDED, HALTED, NO_TLS, RunningDemo
from tests.wire.processes import DEMO, GATEWAY, Program, SiteProcesses, running_site

pytestmark = pytest.mark.wire

FAST = 50.0
SLOW = 10.0
CRAWLING = 0.2
VEHICLES = sorted(device for device in DEVICES if device.startswith("agv-"))
THIS_VEHICLE = "another, newer gateway commands this vehicle"
THIS_DEVICE = "another, newer gateway commands this device"
"""A PLC learns of a newer gateway by its first command."""


@asynccontextmanager
async def talking_to(site: SiteProcesses, url: str) -> AsyncGenerator[RunningDemo]:
    async with (
        httpx.AsyncClient(base_url=url, timeout=5, verify=NO_TLS) as wes,
        httpx.AsyncClient(base_url=site.sim_url, timeout=5, verify=NO_TLS) as sim,
    ):
        yield RunningDemo(site, wes, sim)


@asynccontextmanager
async def second_gateway(site: SiteProcesses, folder: Path) -> AsyncGenerator[tuple[RunningDemo, Program]]:
    """Run another gateway at the same site, which knows nothing of the first."""
    port = site.ports_from + 13
    words = ("run", "--site", str(DEMO), "--no-wes", "--ports-from", str(site.ports_from))
    words += ("--port", str(port), "--data", str(folder / "other-data"))
    program = Program("other run", *GATEWAY, *words, log=folder / "other.log")
    url = f"http://127.0.0.1:{port}"
    await program.start()
    try:
        await site.ready(url, program)
        async with talking_to(site, url) as other:
            yield other, program
    finally:
        await program.stop()


def connections(program: Program) -> int:
    """Return how often a gateway has connected to the broker."""
    return program.tail(10_000).count("broker connected")


async def test_the_gateway_that_was_started_last_commands_and_the_other_waits(tmp_path: Path) -> None:
    async with running_site(tmp_path, speed=FAST) as site, talking_to(site, site.run_url) as first:
        await first.until_online(*DEVICES)
        # given a gateway whose vehicle is on its way with a tote
        await first.carry("TOTE-0002", "S2-1")
        await first.speed(SLOW)
        interrupted = await first.submit("TOTE-0002", "S1-2")
        while (await first.books())["TOTE-0002"] not in VEHICLES:
            await asyncio.sleep(0.02)
        await first.speed(CRAWLING)
        connected = connections(site.run)

        # when another one is started
        async with second_gateway(site, tmp_path) as (second, program):
            # then the first says so at every vehicle, and its work waits for that reason
            await first.until_faults(dict.fromkeys(VEHICLES, THIS_VEHICLE))
            await first.until_waiting(interrupted, THIS_VEHICLE)
            # and the second works with the same vehicles and devices
            await first.speed(FAST)
            await second.completed(await second.submit("TOTE-0032", "S2-2"))
            await first.until_faults({"conveyor-out": THIS_DEVICE})
            # and nobody was thrown off the broker
            assert [connections(each) for each in (site.run, program)] == [connected, 1]

        # when the first is started again
        await site.run.stop()
        await site.run.start()
        await site.ready(site.run_url, site.run)
        # then it commands again, and ends what it had begun; if the other one has cancelled it, once a person says so
        await first.until_online(*VEHICLES)
        while (await first.until(interrupted, HALTED | ENDED))["status"] != "completed":
            await first.resolve(interrupted, "retry")
        world = await first.world()
        assert (world["containers"]["TOTE-0002"], world["containers"]["TOTE-0032"]) == ("S1-2", "S2-2")
        assert set(world["moves"].values()) == {1}
