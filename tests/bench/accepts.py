"""(a) Durable accepts over HTTP: how many a second with 64 clients, and how long one takes at 100 a second.

The gateway runs the warehouse while its shuttles work. At a fixed rate a request counts from the moment at which it was due, so
a stall is felt by every request that it delays.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.bench.client import Connection, connections, until_devices_are_online, until_it_answers
from tests.bench.figures import Figure, percentile, spread
from tests.bench.processes import running
from tests.bench.sites import warehouse, warehouse_requests, write_site
from tests.wire.processes import free_ports

CLIENTS: Final = 64
THROUGHPUT_S: Final = 12.0
RATE: Final = 100
RATE_S: Final = 15.0
PATH: Final = "/v1/transports"
MOTION: Final = {"speed": 2, "acceleration": 1, "handling": 2}

Requests = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Measured:
    per_second: float
    latencies_ms: Sequence[float]


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure accepts of the gateway, then of the floor."""
    say("accepts: the gateway")
    gateway = await _gateway(folder)
    say("accepts: the floor")
    floor = await _floor(folder)
    return [
        Figure(
            name="a1 accepts",
            what=f"durable accepts over HTTP, {CLIENTS} clients, each with its next request once it is answered",
            unit="1/s",
            value=gateway.per_second,
            wanted="at least",
            target=300,
            floor=floor.per_second,
            floor_is="FastAPI, pydantic, one INSERT and one commit a request by aiosqlite (WAL, synchronous=FULL)",
        ),
        Figure(
            name="a2 accept p99",
            what=f"99th percentile of an accept at {RATE}/s, counted from when it was due",
            unit="ms",
            value=percentile(gateway.latencies_ms, 99),
            wanted="at most",
            target=60,
            floor=percentile(floor.latencies_ms, 99),
            floor_is="as a1",
            details={"gateway": spread(gateway.latencies_ms), "floor": spread(floor.latencies_ms)},
        ),
    ]


async def _gateway(folder: Path) -> _Measured:
    site = write_site(warehouse(MOTION), folder / "warehouse")
    port = free_ports(8)
    meet = ("--site", str(site), "--ports-from", str(port + 2))
    simulated = running(folder / "sim.log", "gateway", "sim", *meet, "--port", str(port + 1))
    gateway = running(
        folder / "run.log", "gateway", "run", *meet, "--port", str(port), "--data", str(folder / "data")
    )
    async with simulated, gateway:
        await until_it_answers(port)
        await until_devices_are_online(port)
        return await _measure(port, warehouse_requests())


async def _floor(folder: Path) -> _Measured:
    port = free_ports(1)
    database = str(folder / "floor.db")
    async with running(folder / "floor.log", "tests.bench.bare.accept", str(port), database):
        await until_it_answers(port)
        return await _measure(port, _endless())


def _endless() -> Requests:
    for n in count():
        yield {"transportId": f"t-{n}", "containerId": f"T-{n}", "destination": "DOCK"}


async def _measure(port: int, requests: Requests) -> _Measured:
    async with connections(port, CLIENTS) as clients:
        latencies_ms = await _at_a_rate(clients, requests)
        return _Measured(await _as_fast_as_answered(clients, requests), latencies_ms)


async def _at_a_rate(clients: Sequence[Connection], requests: Requests) -> list[float]:
    latencies_ms: list[float] = []
    idle = asyncio.Queue[Connection]()
    for client in clients:
        idle.put_nowait(client)

    async def one(due: float) -> None:
        client = await idle.get()
        _accepted(await client.post(PATH, next(requests)))
        latencies_ms.append((time.monotonic() - due) * 1000)
        idle.put_nowait(client)

    start = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for index in range(round(RATE * RATE_S)):
            due = start + index / RATE
            await asyncio.sleep(due - time.monotonic())
            tasks.create_task(one(due))
    return latencies_ms


async def _as_fast_as_answered(clients: Sequence[Connection], requests: Requests) -> float:
    accepted = 0
    start = time.monotonic()

    async def one(client: Connection) -> None:
        nonlocal accepted
        while time.monotonic() < start + THROUGHPUT_S and (request := next(requests, None)) is not None:
            _accepted(await client.post(PATH, request))
            accepted += 1

    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(one(client))
    return accepted / (time.monotonic() - start)


def _accepted(status: int) -> None:
    if status != 202:
        raise AssertionError(f"a request was answered with {status}")
