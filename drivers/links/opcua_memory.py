"""OPC UA without a wire: an address space and its sessions in memory, without sockets and threads.

Whoever holds the address space plays the device: a test, or a simulated device on virtual time. The faults of
a wire can be played too: no session to be had, silence, and requests that are executed while their answer is
lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import replace

from drivers.links.errors import LinkError
from drivers.links.opcua_port import OpcUaPort, Typed, Value, Wake
from drivers.telegrams import ErrorKind
from gateway.contract.wiring import OpcUaLink

OnWrite = Callable[[Mapping[str, Value]], None]
"""The device's side of a write, after the values stand in the nodes."""

Method = Callable[..., Sequence[Value]]
"""The device's side of a method: input arguments to output arguments."""


class MemoryOpcUa:
    """A server in memory. `connect` is the `Connect` of its link.

    Attributes:
        reachable: sessions can be made.
        silent: requests get no answer and are not executed.
        answers_to_lose: so many of the next writes and calls are executed, but end the session instead of
            being answered.
    """

    def __init__(
        self, nodes: Mapping[str, Typed], on_write: OnWrite, methods: Mapping[str, Method] | None = None
    ) -> None:
        self.reachable = True
        self.silent = False
        self.answers_to_lose = 0
        self._nodes = dict(nodes)
        self._on_write = on_write
        self._methods = methods or {}
        self._sessions: set[_MemoryPort] = set()

    @asynccontextmanager
    async def connect(self, settings: OpcUaLink) -> AsyncGenerator[OpcUaPort]:
        """Make one session."""
        await asyncio.sleep(0)
        if not self.reachable:
            raise LinkError(ErrorKind.DISCONNECT, f"no session with {settings.url}: not reachable")
        port = _MemoryPort(self, settings)
        self._sessions.add(port)
        try:
            yield port
        finally:
            self._sessions.discard(port)
            port.lose(ErrorKind.DISCONNECT, "the session was closed")

    def drop(self) -> None:
        """Break every session off."""
        for port in tuple(self._sessions):
            port.lose(ErrorKind.DISCONNECT, "connection lost")

    def value(self, node: str) -> Value:
        """Return what a node holds."""
        return self._nodes[node].value

    def show(self, values: Mapping[str, Value]) -> None:
        """Set nodes from the device's side."""
        for node, value in values.items():
            self._nodes[node] = replace(self._nodes[node], value=value)
        for port in tuple(self._sessions):
            port.wake(values.keys())

    def take(self, values: Mapping[str, Typed]) -> None:
        """Set nodes from the other side."""
        for node, typed in values.items():
            if self.node(node).type is not typed.type:
                raise LinkError(ErrorKind.REFUSED, f"{node}: BadTypeMismatch")
        self._nodes |= values
        self._on_write({node: typed.value for node, typed in values.items()})

    def node(self, node: str) -> Typed:
        """Return a node as the other side sees it."""
        if node not in self._nodes:
            raise LinkError(ErrorKind.REFUSED, f"{node}: BadNodeIdUnknown")
        return self._nodes[node]

    def call(self, method: str, arguments: Sequence[Typed]) -> tuple[Value, ...]:
        """Run a method for the other side."""
        if method not in self._methods:
            raise LinkError(ErrorKind.REFUSED, f"{method}: BadNodeIdUnknown")
        return tuple(self._methods[method](*(argument.value for argument in arguments)))


class _MemoryPort:
    """OpcUaPort on a server in memory."""

    def __init__(self, server: MemoryOpcUa, settings: OpcUaLink) -> None:
        self.lost: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._server = server
        self._settings = settings
        self._wakes: dict[tuple[str, ...], Wake] = {}

    async def read(self, nodes: tuple[str, ...]) -> tuple[Value, ...]:
        await self._reach()
        return tuple(self._server.node(node).value for node in nodes)

    async def write(self, values: Mapping[str, Typed]) -> None:
        await self._reach()
        self._server.take(values)
        self._answer()

    async def call(self, method: str, arguments: Sequence[Typed]) -> tuple[Value, ...]:
        await self._reach()
        results = self._server.call(method, arguments)
        self._answer()
        return results

    async def watch(self, nodes: tuple[str, ...], wake: Wake) -> None:
        await self._reach()
        self._wakes[nodes] = wake
        wake()

    def wake(self, changed: Set[str]) -> None:
        """Wake everybody who watches one of these nodes, unless the wire is silent."""
        if not self._server.silent:
            for nodes, wake in self._wakes.items():
                if changed & set(nodes):
                    wake()

    def lose(self, kind: ErrorKind, reason: str) -> LinkError:
        """End the session; the first reason that is told stays."""
        if not self.lost.done():
            self.lost.set_result(LinkError(kind, f"{self._settings.url}: {reason}"))
        return self.lost.result()

    async def _reach(self) -> None:
        """Bring a request to the server."""
        await asyncio.sleep(0)
        if self._server.silent:
            await asyncio.sleep(self._settings.timeout_ms / 1000)
            raise self.lose(ErrorKind.TIMEOUT, f"no answer in {self._settings.timeout_ms} ms")
        if self.lost.done():
            raise self.lost.result()

    def _answer(self) -> None:
        if self._server.answers_to_lose:
            self._server.answers_to_lose -= 1
            raise self.lose(ErrorKind.DISCONNECT, "connection lost")
