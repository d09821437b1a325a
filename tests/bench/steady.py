"""(d) What a gateway takes that has 100 PLC devices and 50 vehicles and nothing to do: share of a core, memory."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.client import until_devices_are_online, until_it_answers
from tests.bench.figures import Figure
from tests.bench.processes import cpu_s, line_of, running
from tests.bench.sites import factory, write_site
from tests.wire.processes import free_ports

WARM_UP_S: Final = 5.0
STEADY_S: Final = 20.0
FLOOR_IS: Final = (
    "asyncua, pymodbus and aiomqtt hold the same connections, subscriptions and polls, and parse JSON"
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """Share of one core in percent; resident memory in MB."""

    core: float
    memory: float


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure the gateway's process, then the floor's."""
    file = write_site(factory(), folder / "factory")
    base = free_ports(12)
    port, ports_from = base, base + 1
    words = ("--site", str(file), "--ports-from", str(ports_from))
    async with running(folder / "crowd.log", "tests.bench.crowd", str(file), str(ports_from)) as crowd:
        say("steady state: devices")
        await line_of(crowd)
        run = ("gateway", "run", *words, "--port", str(port), "--data", str(folder / "data"))
        async with running(folder / "run.log", *run) as gateway:
            await until_it_answers(port)
            await until_devices_are_online(port)
            say("steady state: the gateway")
            taken = await _take(gateway.pid)
        async with running(folder / "hold.log", "tests.bench.bare.hold", str(file), str(ports_from)) as bare:
            await line_of(bare)
            say("steady state: the floor")
            floor = await _take(bare.pid)
    return [
        Figure(
            name="d1 cpu",
            what="100 PLC devices at rest, 50 vehicles at 1 Hz state and 1 Hz visualization: the gateway's share of a core",
            unit="%",
            value=taken.core,
            wanted="at most",
            target=60,
            floor=floor.core,
            floor_is=FLOOR_IS,
        ),
        Figure(
            name="d2 memory",
            what="the same: resident memory of the gateway's process",
            unit="MB",
            value=taken.memory,
            wanted="at most",
            target=250,
            floor=floor.memory,
            floor_is=FLOOR_IS,
        ),
    ]


async def _take(pid: int) -> _Taken:
    """Look at a process for a while (proc(5))."""
    await asyncio.sleep(WARM_UP_S)
    started, used_before = time.monotonic(), cpu_s(pid)
    await asyncio.sleep(STEADY_S)
    core = 100 * (cpu_s(pid) - used_before) / (time.monotonic() - started)
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return _Taken(core, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
