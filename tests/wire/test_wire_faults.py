"""Wires that fail between the gateway and each of its protocols, while a WES keeps the site busy.

The faults are those of a TCP relay, which knows neither the gateway nor the simulated devices. In the end every transport has
completed, and no command has been carried out twice: the simulated world has counted.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.site.load import load_site
from sim_devices.wes import SimulatedWes
from tests.wire.demo import DEVICES, RunningDemo
from tests.wire.processes import DEMO, Broker, SiteProcesses, all_events, free_ports, running
from tests.wire.proxy import Wire, wires

pytestmark = [
    pytest.mark.wire,
    pytest.mark.fault,
    pytest.mark.timeout(0),
    pytest.mark.asyncio(loop_scope="module"),
]

SPEED = 20.0
NOTICED_S = 3.0
RESUMED_S = 5.0
LOST_S = 4.0
"""How long a wire is broken."""
END_S = 120.0
KILLS = int(os.environ.get("SERVER_KILLS", "3"))
KILL_PERIOD_S = 5.0
SEED = int(os.environ.get("SEED", "1"))


@dataclass
class Busy:
    """A site at work with a relay before each of its servers."""

    demo: RunningDemo
    http: httpx.AsyncClient
    wires: list[Wire]
    broker: Broker
    wes: SimulatedWes

    async def noticed_since(self, moment: datetime) -> dict[str, float]:
        """Return which devices have been told lost, and how many seconds after a moment."""
        noticed: dict[str, float] = {}
        for event in await self._since(moment):
            if event["type"] == "device.offline":
                noticed.setdefault(event["subject"], (time_of(event) - moment).total_seconds())
        return noticed

    async def resumes(self) -> None:
        """Within 5 s from now all devices can be used and loads move."""
        healed = datetime.now(UTC)
        async with asyncio.timeout(RESUMED_S):
            await self.demo.until_online(*DEVICES)
            while "transport.legCompleted" not in {event["type"] for event in await self._since(healed)}:
                await asyncio.sleep(0.1)
        print(f"resumed after {(datetime.now(UTC) - healed).total_seconds():.2f} s")

    async def _since(self, moment: datetime) -> list[dict[str, Any]]:
        return [event for event in await all_events(self.http) if time_of(event) >= moment]


def time_of(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["time"])


@asynccontextmanager
async def busy_site(folder: Path) -> AsyncGenerator[Busy]:
    """Run broker, relays, simulated devices, gateway and a WES; in the end nothing is lost, and nothing was done twice."""
    site = load_site(DEMO)
    server_ports = free_ports(32) + 16  # the first 16 are what SiteProcesses takes
    relayed_ports = server_ports + len(site.links)
    broker = Broker(folder, server_ports + len(site.links) - 1)
    words = {
        "sim": ("--ports-from", str(server_ports), "--broker", f"mqtt://127.0.0.1:{broker.port}"),
        "run": (
            "--ports-from",
            str(relayed_ports),
            "--broker",
            f"mqtt://127.0.0.1:{relayed_ports + len(site.links) - 1}",
        ),
    }
    processes = SiteProcesses(folder, speed=SPEED, sim_words=words["sim"], run_words=words["run"])
    ports = {relayed_ports + n: server_ports + n for n in range(len(site.links))}
    await broker.start()
    try:
        async with (
            wires(ports) as relays,
            running(processes),
            httpx.AsyncClient(base_url=processes.run_url, timeout=5) as http,
            httpx.AsyncClient(base_url=processes.sim_url, timeout=5) as sim,
        ):
            demo = RunningDemo(processes, http, sim)
            await demo.until_online(*DEVICES)
            wes = SimulatedWes(site, http, Random(SEED), prefix="busy", transports=None)
            working = asyncio.ensure_future(wes.run())
            try:
                yield Busy(demo, http, relays, broker, wes)
                wes.tally.wanted = wes.tally.accepted
                async with asyncio.timeout(END_S):
                    await working
            finally:
                working.cancel()
                with suppress(BaseException):
                    await working
            assert wes.tally.problems() == {}
            await demo.check_truth()
            print(f"{wes.tally.accepted} transports, {len((await demo.world())['moves'])} moves")
    finally:
        await broker.program.stop(signal.SIGKILL)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Busy]:
    async with busy_site(tmp_path_factory.mktemp("busy")) as busy:
        yield busy


@pytest.mark.parametrize("fault", [Wire.hold, Wire.forget], ids=["black hole", "half open"])
async def test_a_silent_peer_is_noticed_within_3_s_and_taken_up_again_within_5(
    site: Busy, fault: Callable[[Wire], None]
) -> None:
    began = datetime.now(UTC)
    for wire in site.wires:
        fault(wire)
    await asyncio.sleep(LOST_S)
    noticed = await site.noticed_since(began)
    for wire in site.wires:
        wire.heal()

    print({device: round(after_s, 2) for device, after_s in sorted(noticed.items())})
    assert noticed.keys() == DEVICES
    assert max(noticed.values()) <= NOTICED_S
    await site.resumes()


@pytest.mark.parametrize("fault", [Wire.reset, Wire.swallow], ids=["reset", "bytes lost"])
async def test_a_connection_that_breaks_is_made_again(site: Busy, fault: Callable[[Wire], None]) -> None:
    for wire in site.wires:
        fault(wire)
    await asyncio.sleep(NOTICED_S)
    await site.resumes()


async def test_a_slow_wire_costs_time_and_nothing_else(site: Busy) -> None:
    began = datetime.now(UTC)
    for wire in site.wires:
        wire.delay_s = 0.1
    await asyncio.sleep(LOST_S)
    for wire in site.wires:
        wire.delay_s = 0.0
    assert await site.noticed_since(began) == {}
    await site.resumes()


async def test_servers_that_die_again_and_again_hold_nothing_up(site: Busy) -> None:
    """The broker is killed. PLC servers end as their clients see it: connections reset, nobody listens; devices remember."""
    moments = Random(SEED)
    for kill in range(KILLS):
        print(f"kill {kill + 1} of {KILLS}", flush=True)
        for wire in site.wires:
            wire.close()
        await site.broker.program.kill()
        await asyncio.sleep(moments.uniform(0.1, 1.5))
        await site.broker.start()
        for wire in site.wires:
            await wire.open()
        await asyncio.sleep(moments.uniform(0.5, 1.5) * KILL_PERIOD_S - 1.0)
    await site.resumes()
