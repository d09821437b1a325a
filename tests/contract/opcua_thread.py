"""An OPC UA server on a loop and a thread of its own, for all tests of a run: it takes seconds to come up."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from itertools import count
from typing import Any, TypeVar

from tests.wire.opcua_plc import Plc, PlcServer, plc_server

_T = TypeVar("_T")


class OpcUaThread:
    """Runs one PLC at a time, under a base that no PLC had before."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._loop = asyncio.new_event_loop()
        self._server: Future[PlcServer] = Future()
        self._stop = asyncio.Event()
        self._program: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()

    @property
    def url(self) -> str:
        return self._server.result().url

    async def install(self, *, method: bool) -> tuple[str, Plc]:
        """Replace the PLC by a new one; it ends its commands only when it is told to."""
        return await self._on_loop(self._install(f"Shuttle{next(self._numbers)}.", method))

    async def power_cycle(self, base: str, *, keeping_memory: bool) -> None:
        server = self._server.result()
        await self._on_loop(server.power_cycle(base, keeping_memory=keeping_memory))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _on_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        await asyncio.wrap_future(self._server)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _serve(self) -> None:
        async with plc_server() as server:
            self._server.set_result(server)
            await self._stop.wait()
            await self._halt()

    async def _install(self, base: str, method: bool) -> tuple[str, Plc]:
        server = self._server.result()
        await self._halt()
        server.plcs.clear()
        plc = await server.add(base, method=method)
        plc.work_s = float("inf")
        self._program = self._loop.create_task(server.run())
        return base, plc

    async def _halt(self) -> None:
        if self._program:
            self._program.cancel()
            await asyncio.gather(self._program, return_exceptions=True)
