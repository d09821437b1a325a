"""What the tests of the OPC UA driver stand on: a kernel that only listens, a wire with faults, running tasks."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import yaml

from drivers.opcua.link import OpcUaLinkRunner
from drivers.opcua.mailbox import OpcUaMailboxDriver
from gateway.contract.commands import Command, Op, Place
from gateway.contract.driver import DriverContext
from gateway.contract.reports import Position, Report
from gateway.contract.wiring import MailboxChannel, MailboxWiring, OpcUaLink, OpcUaSecurity, Profile

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
EPOCH = 7
PLACES = {1101: "A1-1-L-01", 1102: "A1-1-L-02"}

R = TypeVar("R", bound=Report)


class LoopClock:
    """Wall-clock time as the event loop counts it."""

    def now_us(self) -> int:
        """Return microseconds since some moment."""
        return int(asyncio.get_running_loop().time() * 1_000_000)


class Kernel:
    """Takes reports and positions, and remembers them with the loop's time at which they came."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.positions: list[Position] = []
        self.context = DriverContext(
            clock=LoopClock(), epoch=EPOCH, run="run-1", report=self._report, observe=self.positions.append
        )
        self._news = asyncio.Condition()

    async def _report(self, report: Report) -> None:
        async with self._news:
            self.reports.append(report)
            self._news.notify_all()

    def of(self, kind: type[R]) -> list[R]:
        """Return the reports of one kind, oldest first."""
        return [report for report in self.reports if isinstance(report, kind)]

    async def heard(self, kind: type[R], count: int = 1, within_s: float = 5.0) -> R:
        """Wait for the `count`-th report of a kind and return it."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


class Wire:
    """A TCP wire to a server. A closed gate keeps what comes, and lets it go when it opens.

    A connection keeps the gate that it was made with: with another gate in its place, new connections pass while
    old ones are stuck.
    """

    def __init__(self, port: int) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.port = 0
        self._to_port = port
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"opc.tcp://127.0.0.1:{self.port}/"

    @property
    def connections(self) -> int:
        """How many there are, each with a pipe there and a pipe back."""
        return len(self._pipes) // 2

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection and lead it to the server."""
        gate = self.gate
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.close()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            pipe = asyncio.get_running_loop().create_task(_pipe(source, sink, gate))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def cut(self) -> None:
        """End all pipes."""
        pipes = tuple(self._pipes)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    try:
        with suppress(OSError):
            while data := await reader.read(65536):
                await gate.wait()
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def wire_to(url: str) -> AsyncGenerator[Wire]:
    """Put a wire with faults before a server."""
    wire = Wire(int(url.rstrip("/").rpartition(":")[2]))
    server = await asyncio.start_server(wire.join, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        await wire.cut()
        await server.wait_closed()


@asynccontextmanager
async def running(*works: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Let these work until the end of the block; one that ends by itself fails the test."""
    tasks = [asyncio.get_running_loop().create_task(work) for work in works]
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.002)


def profile_of(handshake: str) -> Profile:
    """Return a profile that comes with the gateway."""
    return Profile.model_validate(yaml.safe_load((PROFILES / f"opcua-{handshake}.yaml").read_text("utf-8")))


def link_to(url: str, *, security: OpcUaSecurity | None = None, timeout_ms: int = 2000) -> OpcUaLink:
    """Return the settings of a link."""
    return OpcUaLink(kind="opcua", id="plc-aisle", url=url, security=security, timeout_ms=timeout_ms)


def shuttle(
    link: OpcUaLinkRunner, kernel: Kernel, base: str = "Shuttle1.", handshake: str = "mailbox"
) -> OpcUaMailboxDriver:
    """Return the driver of a shuttle whose nodes begin with `base`."""
    wiring = MailboxWiring(
        device_id=base.rstrip(".").lower(),
        profile=profile_of(handshake),
        channels=(MailboxChannel(id="main", base=base),),
        places=PLACES,
    )
    return OpcUaMailboxDriver(link, wiring, kernel.context)


def command(seq: int, op: Op, place: int, *, boot_id: int = 1) -> Command:
    """Return a command to the shuttle; its job id is its number in the thousands."""
    there = Place(PLACES[place], place)
    return Command(
        job_id=1000 + seq,
        device_id="shuttle1",
        channel="main",
        seq=seq,
        boot_id=boot_id,
        op=op,
        source=there if op is Op.PICK else None,
        target=there if op is not Op.PICK else None,
        container_id="TOTE-0001",
    )
