"""Simulated devices with a stopwatch: when the first byte of a command arrived, when a *done* was shown."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from sim_devices.faces.registers import RegisterSpace
from sim_devices.site import PlcLink, SimulatedSite
from sim_devices.surface import Surface


@asynccontextmanager
async def simulating(site: SimulatedSite) -> AsyncGenerator[None]:
    """Run simulated devices in this process for as long as the context lasts."""
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(site.run())
        await site.listening.wait()
        yield
        running.cancel()


class Face:
    """One link of PLC devices, watched from now on.

    Attributes:
        commands: when the bytes of each command came in.
        dones: when each *done* was there for everybody to read.
    """

    def __init__(self, link: PlcLink) -> None:
        """Watch a link whose devices do not run yet."""
        self.commands: list[float] = []
        self.dones: list[float] = []
        self._bytes_at = 0.0
        self._done: dict[object, object] = {}
        self._watch_bytes(link)
        self._watch_writes(link)
        self._watch_shown(link)

    def _watch_bytes(self, link: PlcLink) -> None:
        plug = link.wire.plug
        link.wire.plug = lambda server_side: _Timed(plug(server_side), self._arrived)

    def _arrived(self) -> None:
        self._bytes_at = time.monotonic()

    def _watch_writes(self, link: PlcLink) -> None:
        if isinstance(link.space, RegisterSpace):
            write_registers = link.space.write

            def registers_written(address: int, values: Sequence[int]) -> None:
                self.commands.append(self._bytes_at)
                write_registers(address, values)

            link.space.write = registers_written
        else:
            write_nodes = link.space.write

            def nodes_written(values: Mapping[str, int | str]) -> None:
                self.commands.append(self._bytes_at)
                write_nodes(values)

            link.space.write = nodes_written

    def _watch_shown(self, link: PlcLink) -> None:
        show = link.space.show

        def shown(surface: Surface) -> None:
            show(surface)
            for block in surface.shown:
                done = block.read()["doneSeq"]
                if done != self._done.setdefault(block, done):
                    self._done[block] = done
                    self.dones.append(time.monotonic())

        link.space.show = shown


class _Timed(asyncio.Protocol):
    """A server's end of a connection, which tells when something arrives."""

    def __init__(self, server_side: asyncio.Protocol, arrived: Callable[[], None]) -> None:
        self._server_side = server_side
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._server_side.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._arrived()
        self._server_side.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_side.connection_lost(exc)
