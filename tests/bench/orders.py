"""(w) Orders of upstream taken into the WES core: each two lines, audited, reserved, made work, and told; without HTTP and with."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from gateway.kernel.ports import Store, Tx
from tests.bench.client import Connection, connections, until_it_answers
from tests.bench.figures import Figure
from tests.bench.processes import running
from tests.bench.upstream import commands, open_warehouse
from tests.wire.processes import free_ports

CALLERS: Final = 64
SECONDS: Final = 12.0


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure the intake of orders beside its floor, in this process and over HTTP."""
    return [await _inside(folder, say), await _through_http(folder, say)]


async def _inside(folder: Path, say: Callable[[str], None]) -> Figure:
    say("wes orders: filling the warehouse")
    async with open_warehouse(folder / "wes.db") as core:
        say("wes orders: intake")
        taken = await _per_second(core.submit, commands())
        say("wes orders: the floor")
        floor = await _per_second(partial(_insert, core.store), count())
    return Figure(
        name="w1 wes orders",
        what=f"two-line orders taken, reserved and made work, {CALLERS} callers (SQLite, synchronous=FULL)",
        unit="1/s",
        value=taken,
        wanted="at least",
        target=500,
        floor=floor,
        floor_is="a job of one INSERT on the same store and with the same callers",
    )


async def _through_http(folder: Path, say: Callable[[str], None]) -> Figure:
    port = free_ports(2)
    say("wes orders: intake over HTTP")
    database = str(folder / "served.db")
    async with running(folder / "wes.log", "tests.bench.upstream", str(port), database):
        await until_it_answers(port)
        taken = await _posted(port, "/api/wms/outbound/command", 200, commands())
    say("wes orders: the floor over HTTP")
    bare = str(folder / "bare.db")
    async with running(folder / "bare.log", "tests.bench.bare.accept", str(port + 1), bare):
        await until_it_answers(port + 1)
        floor = await _posted(port + 1, "/v1/transports", 202, _requests())
    return Figure(
        name="w2 http orders",
        what=f"the same through POST /api/wms/outbound/command of a process of its own, {CALLERS} clients",
        unit="1/s",
        value=taken,
        wanted="at least",
        target=150,
        floor=floor,
        floor_is="FastAPI, pydantic, one INSERT and one commit a request by aiosqlite (WAL, synchronous=FULL)",
    )


async def _posted(port: int, path: str, status: int, bodies: Iterator[dict[str, Any]]) -> float:
    async with connections(port, CALLERS) as clients:
        idle = list(clients)

        async def post(body: dict[str, Any]) -> None:
            client: Connection = idle.pop()
            answered = await client.post(path, body)
            if answered != status:
                raise AssertionError(f"a request was answered with {answered}")
            idle.append(client)

        return await _per_second(post, bodies)


async def _per_second(act: Callable[[Any], Awaitable[object]], inputs: Iterator[Any]) -> float:
    done = 0
    start = time.monotonic()

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < start + SECONDS:
            await act(next(inputs))
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CALLERS):
            tasks.create_task(caller())
    return done / (time.monotonic() - start)


def _requests() -> Iterator[dict[str, Any]]:
    for n in count():
        yield {"transportId": f"t-{n}", "containerId": f"T-{n}", "destination": "DOCK"}


async def _insert(store: Store, n: int) -> None:
    async def job(tx: Tx) -> None:
        await tx.execute("INSERT INTO cursors (name, seq) VALUES (:name, 0)", {"name": f"floor-{n}"})

    await store.write(job)
