"""One Modbus connection, shared by the drivers of all devices behind it.

One request is outstanding at a time. Blocks of all drivers are read in as few requests as possible, once a
poll period; a write goes out as soon as the request under way has been answered. A request without an answer
is lost, two in a row are a dead peer. After a loss nothing that was to be written is kept: drivers decide
anew once they have read.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.checks import crc16_modbus
from drivers.links.errors import LinkError, NotSentError
from drivers.links.modbus_port import ModbusPort, check_read, check_write
from drivers.modbus.spans import Span, coalesce
from drivers.telegrams import Diagnosis, ErrorKind
from drivers.timer import wait_until
from gateway.contract.wiring import ModbusLink

SILENCES_MAX: Final = 2
"""So many requests in a row without an answer mean a dead peer."""
RETRY_FIRST_S: Final = 0.1
RETRY_LONGEST_S: Final = 2.0
ATTEMPTS_COUNTED: Final = 8

WriteEnded = Callable[[LinkError | None], None]
"""Called once a write has ended, with what is known against it."""


class BlockUser(Protocol):
    """A driver that reads blocks of registers through a link. None of its methods may block or raise."""

    @property
    def blocks(self) -> Sequence[Span]:
        """What it reads; each block comes in one piece."""
        ...

    def read(self, blocks: Mapping[Span, Sequence[int]], latency_s: float) -> None:
        """Those of its blocks that one request holds were read, in its order; the request took `latency_s`."""
        ...

    def failed(self, error: LinkError) -> None:
        """A request for its blocks had no proper answer; the link may be up all the same."""
        ...

    def lost(self, error: LinkError) -> None:
        """The link is down, or the peer refuses its blocks."""
        ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """One request, and where the blocks are in its answer of all who want some."""

    request: Span
    wanted: tuple[tuple[BlockUser, Mapping[Span, slice]], ...]


@dataclass(frozen=True, slots=True)
class _Write:
    address: int
    values: Sequence[int]
    ended: WriteEnded


class ModbusLinkRunner:
    """Keeps one connection alive and shares it.

    Args:
        settings: periods and limits.
        port: the wire.
    """

    def __init__(self, settings: ModbusLink, port: ModbusPort) -> None:
        self._settings = settings
        self._port = port
        self._users: list[BlockUser] = []
        self._readings: list[_Reading] = []
        self._writes: deque[_Write] = deque()
        self._wanted = asyncio.Event()
        self._connected = False
        self._silences = 0
        self._attempts = 0

    def attach(self, user: BlockUser) -> None:
        """Read blocks for a driver from now on.

        Raises:
            ValueError: a block is longer than one request.
        """
        for block in user.blocks:
            check_read(block.length)
        self._users.append(user)
        self._readings = _plan(self._users, self._settings.max_gap)

    def write(self, address: int, values: Sequence[int], ended: WriteEnded) -> None:
        """Write registers by one request, at the first moment; while there is no connection, not at all.

        Callers have at most one write per block under way, which bounds the queue.

        Raises:
            ValueError: more registers than one request can write.
        """
        check_write(len(values))
        if not self._connected:
            ended(NotSentError("there is no connection"))
            return
        self._writes.append(_Write(address, values, ended))
        self._wanted.set()

    async def run(self) -> None:
        """Connect, poll and write until cancelled."""
        try:
            while True:
                try:
                    await self._work()
                except LinkError as error:
                    self._drop(error)
                await asyncio.sleep(self._pause_s())
        finally:
            self._port.close()

    async def _work(self) -> None:
        """Work on one connection until it is lost, which raises LinkError."""
        await self._port.connect()
        self._connected, self._silences = True, 0
        now = asyncio.get_running_loop().time
        due = now()
        while True:
            for reading in self._readings:
                if self._writes:
                    await self._write_all()
                await self._read(reading)
            due = max(due + self._settings.poll_ms / 1000, now())
            if not self._silences:
                await self._write_until(due)

    async def _read(self, reading: _Reading) -> None:
        now = asyncio.get_running_loop().time
        started = now()
        request = reading.request
        try:
            registers = await self._port.read_holding(request.start, request.length)
        except LinkError as error:
            for user, _ in reading.wanted:
                user.failed(error)
                if error.kind is ErrorKind.REFUSED:
                    user.lost(error)
            self._bear(error)
            return
        self._silences = self._attempts = 0
        latency_s = now() - started
        for user, parts in reading.wanted:
            user.read({block: registers[part] for block, part in parts.items()}, latency_s)

    async def _write_until(self, due: float) -> None:
        """Write what is asked for until the next poll is due."""
        now = asyncio.get_running_loop().time
        await self._write_all()
        while now() < due:
            self._wanted.clear()
            await wait_until(self._wanted, due)
            await self._write_all()

    async def _write_all(self) -> None:
        while self._writes:
            await self._write(self._writes.popleft())

    async def _write(self, write: _Write) -> None:
        try:
            await self._port.write_registers(write.address, write.values)
        except LinkError as error:
            write.ended(error)
            self._bear(error)
        else:
            self._silences = 0
            write.ended(None)

    def _bear(self, error: LinkError) -> None:
        """Go on after an error that leaves the connection usable; raise any other."""
        self._silences = self._silences + 1 if error.kind is ErrorKind.TIMEOUT else 0
        if error.kind not in (ErrorKind.TIMEOUT, ErrorKind.REFUSED) or self._silences >= SILENCES_MAX:
            raise error

    def _drop(self, error: LinkError) -> None:
        self._connected = False
        self._port.close()
        while self._writes:
            self._writes.popleft().ended(NotSentError(str(error)))
        for user in self._users:
            user.lost(error)

    def _pause_s(self) -> float:
        """Return how long to wait before the next attempt: longer each time, and not in step with other links."""
        longest = min(RETRY_FIRST_S * 2**self._attempts, RETRY_LONGEST_S)
        spread = crc16_modbus(f"{self._settings.id}/{self._attempts}".encode()) / 0xFFFF
        self._attempts = min(self._attempts + 1, ATTEMPTS_COUNTED)
        return longest * (1 + spread) / 2


def keep_end(diagnosis: Diagnosis, what: str, error: LinkError | None) -> None:
    """Keep how a write has ended; only what has left can have failed on the wire."""
    match error:
        case None:
            diagnosis.heard(f"{what} written")
        case NotSentError():
            diagnosis.heard(f"{what} {error}")
        case LinkError():
            diagnosis.failed(error.kind, str(error))


def _plan(users: Sequence[BlockUser], max_gap: int) -> list[_Reading]:
    requests = coalesce((block for user in users for block in user.blocks), max_gap)
    return [_Reading(request, tuple(_wanted(users, request))) for request in requests]


def _wanted(users: Sequence[BlockUser], request: Span) -> Iterator[tuple[BlockUser, Mapping[Span, slice]]]:
    for user in users:
        if parts := {block: request.part(block) for block in user.blocks if request.holds(block)}:
            yield user, parts
