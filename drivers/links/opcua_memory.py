"""OPC UA without a wire: sessions with a server in memory, without sockets and threads, on any event loop.

A simulated device or a test plays the server; it needs to know nothing of drivers.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from drivers.links.errors import LinkError
from drivers.links.opcua_port import OpcUaPort, Typed, Value, Wake
from drivers.telegrams import ErrorKind
from drivers.timer import wait_within
from gateway.contract.wiring import OpcUaLink

_T = TypeVar("_T")


class NodeServer(Protocol):
    """A server without a socket. Nodes and methods are named by their string identifiers.

    It promises answers. ConnectionError means that the connection breaks, LookupError a node that is not there; a server that
    does not answer leaves its promise open, and finds it done once nobody waits any more.
    """

    def connect(self) -> asyncio.Future[None]:
        """Accept a session."""
        ...

    def read(self, nodes: Sequence[str]) -> asyncio.Future[Sequence[Value]]:
        """Return what the nodes hold."""
        ...

    def write(self, values: Mapping[str, Value]) -> asyncio.Future[None]:
        """Take values for nodes."""
        ...

    def call(self, method: str, arguments: Sequence[Value]) -> asyncio.Future[Sequence[Value]]:
        """Execute a method and return what it returns."""
        ...

    def watch(self, nodes: Sequence[str], wake: Callable[[], None]) -> asyncio.Future[None]:
        """Call `wake` after any of the nodes has changed; replaces an earlier watch of the same nodes."""
        ...


class MemoryOpcUa:
    """Makes sessions with a server in memory; towards drivers they behave like those over TCP."""

    def __init__(self, server: NodeServer) -> None:
        self._server = server

    @asynccontextmanager
    async def connect(self, settings: OpcUaLink) -> AsyncGenerator[OpcUaPort]:
        """Make one session.

        Raises:
            LinkError: the server does not accept it.
        """
        port = _MemoryPort(self._server, settings)
        await port.connect()
        try:
            yield port
        finally:
            port.close()


class _MemoryPort:
    """OpcUaPort on a server in memory."""

    def __init__(self, server: NodeServer, settings: OpcUaLink) -> None:
        self.lost: asyncio.Future[LinkError] = asyncio.get_running_loop().create_future()
        self._server = server
        self._settings = settings
        self._timeout_s = settings.timeout_ms / 1000

    async def connect(self) -> None:
        """Be accepted."""
        await self._ask(self._server.connect)

    async def read(self, nodes: tuple[str, ...]) -> tuple[Value, ...]:
        return tuple(await self._ask(self._server.read, nodes))

    async def write(self, values: Mapping[str, Typed]) -> None:
        await self._ask(self._server.write, {node: typed.value for node, typed in values.items()})

    async def call(self, method: str, arguments: Sequence[Typed]) -> tuple[Value, ...]:
        values = [argument.value for argument in arguments]
        return tuple(await self._ask(self._server.call, method, values))

    async def watch(self, nodes: tuple[str, ...], wake: Wake) -> None:
        await self._ask(self._server.watch, nodes, wake)
        wake()

    def close(self) -> None:
        """End the session."""
        self._lose(ErrorKind.DISCONNECT, "the session was closed")

    async def _ask(self, request: Callable[..., asyncio.Future[_T]], *arguments: object) -> _T:
        if self.lost.done():
            raise self.lost.result()
        try:
            return await wait_within(self._timeout_s, request(*arguments))
        except TimeoutError as error:
            raise self._lose(ErrorKind.TIMEOUT, f"no answer in {self._settings.timeout_ms} ms") from error
        except ConnectionError as error:
            raise self._lose(ErrorKind.DISCONNECT, str(error) or "the connection broke") from error
        except LookupError as error:
            raise LinkError(ErrorKind.REFUSED, f"{error.args[0]}: unknown") from error

    def _lose(self, kind: ErrorKind, reason: str) -> LinkError:
        if not self.lost.done():
            self.lost.set_result(LinkError(kind, f"{self._settings.url}: {reason}"))
        return self.lost.result()
