"""(e) Restart with 10,000 open transports: from starting the process to the first command at a device.

The gateway is killed with SIGKILL while shuttles work. They end what they were told and wait; the next gateway finds
out what became of it and goes on.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

from gateway.site.load import load_site
from gateway.site.ports import with_ports_from
from tests.bench.client import connections, until_devices_are_online, until_it_answers
from tests.bench.figures import Figure
from tests.bench.plant import Plant, Stopwatch
from tests.bench.processes import cpu_s, line_of, running
from tests.bench.sites import warehouse, warehouse_requests, write_site
from tests.wire.processes import free_ports

OPEN: Final = 10_000
SUBMITTED: Final = 12_000
"""More, because some complete between the restarts."""
BATCH: Final = 500
RESTARTS: Final = 5
WORK_S: Final = 1.0
END_S: Final = 1.0
"""Longer than any command takes."""
MOTION: Final = {"speed": 200, "acceleration": 1000, "handling": 0.1}


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure some restarts, each followed by its floor."""
    file = write_site(warehouse(MOTION), folder / "warehouse")
    base = free_ports(5)
    port, ports_from = base, base + 1
    plant = Plant(with_ports_from(load_site(file), ports_from), folder)
    watches = list(plant.watches.values())
    words = ("gateway", "run", "--site", str(file), "--ports-from", str(ports_from))
    words += ("--port", str(port), "--data", str(folder / "data"))
    log = folder / "run.log"
    taken_s: list[float] = []
    computed_s: list[float] = []
    floor_s: list[float] = []
    async with plant.running():
        async with running(log, *words):
            say(f"restart: {SUBMITTED} transports")
            await until_it_answers(port)
            await until_devices_are_online(port)
            await _submit(port)
            await asyncio.sleep(WORK_S)
        for _ in range(RESTARTS):
            say("restart: the gateway")
            await asyncio.sleep(END_S)
            started = time.monotonic()
            async with running(log, *words) as gateway:
                taken_s.append(await _next_command(watches) - started)
                computed_s.append(cpu_s(gateway.pid))
                await asyncio.sleep(WORK_S)
            say("restart: the floor")
            floor_s.append(await _floor(folder))
    return [
        Figure(
            name="e restart",
            what=f"starting the process to its first command at a device, {OPEN} open transports, median",
            unit="s",
            value=median(taken_s),
            wanted="at most",
            target=2,
            floor=median(floor_s),
            floor_is="python imports the same libraries and reads the same rows with sqlite3 and json",
            details={
                "gateway": _rounded(taken_s),
                "gatewayComputed": _rounded(computed_s),
                "floor": _rounded(floor_s),
            },
        )
    ]


async def _submit(port: int) -> None:
    requests = warehouse_requests()
    async with connections(port, 1) as (client,):
        for _ in range(SUBMITTED // BATCH):
            batch = {"mode": "all", "items": list(islice(requests, BATCH))}
            status = await client.post("/v1/transports:batch", batch)
            assert status == 202, status


async def _next_command(watches: Sequence[Stopwatch]) -> float:
    """Wait for the next command at any device; return when it arrived."""
    before = [len(watch.commands) for watch in watches]
    while True:
        new = [watch.commands[n] for watch, n in zip(watches, before, strict=True) if len(watch.commands) > n]
        if new:
            return min(new)
        await asyncio.sleep(0.005)


async def _floor(folder: Path) -> float:
    started = time.monotonic()
    database = str(folder / "data" / "gateway.db")
    async with running(folder / "floor.log", "tests.bench.bare.restart", database) as bare:
        rows = int(await line_of(bare))
        assert rows >= OPEN, f"only {rows} transports are open"
        return time.monotonic() - started


def _rounded(seconds: Sequence[float]) -> list[float]:
    return [round(each, 3) for each in seconds]
