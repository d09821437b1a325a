"""A TCP relay between a client and a server that can be given the faults of a wire. It knows nothing of what passes through it.

Bytes that a fault holds back are not lost: TCP repeats them, so they arrive, late, when the wire is whole again, just as on a
cable that was pulled and put back.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

CHUNK: Final = 4096
VANISHING: Final = 7
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


class Pair:
    """One connection: a client's side and a server's side."""

    def __init__(self, wire: "Wire", near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._wire = wire
        self.near = near
        self.far = far

    async def relay(self, near: asyncio.StreamReader, far: asyncio.StreamReader) -> None:
        """Pass bytes on in both directions until both sides have ended."""
        await asyncio.gather(self._pass_on(near, self.far), self._pass_on(far, self.near))

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await asyncio.sleep(self._wire.delay_s)
                await self._wire.whole.wait()
                target.write(self._wire.what_arrives(data))
                await target.drain()
        await self._wire.whole.wait()  # an end, too, has to travel
        with suppress(OSError):
            target.write_eof()


class Wire:
    """All connections through one relay.

    Attributes:
        port: where clients connect.
        delay_s: how long each piece takes in each direction.
        whole: cleared while nothing passes.
    """

    def __init__(self, port: int, server_port: int) -> None:
        self.port = port
        self.delay_s = 0.0
        self.whole = asyncio.Event()
        self.whole.set()
        self._server_port = server_port
        self._vanishing = 0
        self._listener: asyncio.Server | None = None
        self._pairs: set[Pair] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take connections."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    def close(self) -> None:
        """Take no more connections, and reset those that stand: what a server's end looks like."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.reset()

    def reset(self) -> None:
        """Break all connections; both sides are told at once."""
        for pair in self._pairs:
            _break(pair.near)
            _break(pair.far)

    def hold(self) -> None:
        """Pass nothing on, though all connections stand and new ones are taken: a black hole."""
        self.whole.clear()

    def heal(self) -> None:
        """Pass on again, and first what was held."""
        self.whole.set()

    def swallow(self) -> None:
        """Let the next few bytes vanish, out of the middle of whatever they belong to."""
        self._vanishing = VANISHING

    def forget(self) -> None:
        """Let the server lose all connections while its clients are told nothing: they are half open."""
        self.whole.clear()
        for pair in self._pairs:
            _break(pair.far)

    def what_arrives(self, data: bytes) -> bytes:
        """Return what is left of bytes on their way."""
        vanishing = min(self._vanishing, len(data))
        self._vanishing -= vanishing
        return data[vanishing:]

    async def end(self) -> None:
        """Close everything."""
        self.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self.whole.wait()
            await self._connect(near_reader, near)
        except OSError:
            _break(near)
        except asyncio.CancelledError:
            pass  # the relay ends; asyncio would log it
        finally:
            self._serving.discard(task)

    async def _connect(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        far_reader, far = await asyncio.open_connection("127.0.0.1", self._server_port)
        pair = Pair(self, near, far)
        self._pairs.add(pair)
        try:
            await pair.relay(near_reader, far_reader)
        finally:
            self._pairs.discard(pair)
            near.close()
            far.close()


def _break(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset instead of a goodbye."""
    with suppress(OSError):
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    writer.transport.abort()


@asynccontextmanager
async def wires(ports: dict[int, int]) -> AsyncGenerator[list[Wire]]:
    """Relay each port to its server's port for as long as the context lasts."""
    relays = [Wire(port, server_port) for port, server_port in ports.items()]
    for relay in relays:
        await relay.open()
    try:
        yield relays
    finally:
        for relay in relays:
            await relay.end()
