"""What a Modbus driver needs of a wire: holding registers, read and written one request at a time.

No request is ever repeated here: one that failed may have been executed (law 3). `MemoryModbus` is the port
without sockets and threads, for tests and virtual time.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from drivers.links.errors import LinkError
from drivers.telegrams import ErrorKind
from drivers.timer import wait_within

READ_MAX: Final = 125
"""Registers in one answer (Modbus application protocol V1.1b3, 6.3)."""
WRITE_MAX: Final = 123
"""Registers in one write request (6.12)."""

_T = TypeVar("_T")


class ModbusPort(Protocol):
    """One connection with one outstanding request. All requests raise LinkError; a timeout leaves it open."""

    async def connect(self) -> None:
        """Make the connection anew."""
        ...

    def close(self) -> None:
        """Drop the connection; nothing that is still unsent leaves afterwards. Never raises."""
        ...

    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Read 1 … 125 registers (function 3)."""
        ...

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write 1 … 123 registers in one request (function 16). If it raises, they may have been written."""
        ...


def check_read(count: int) -> None:
    """Raise ValueError if so many registers cannot be read by one request."""
    if not 1 <= count <= READ_MAX:
        raise ValueError(f"{count} registers: one request reads 1 to {READ_MAX}")


def check_write(count: int) -> None:
    """Raise ValueError if so many registers cannot be written by one request."""
    if not 1 <= count <= WRITE_MAX:
        raise ValueError(f"{count} registers: one request writes 1 to {WRITE_MAX}")


class RegisterServer(Protocol):
    """A device without a socket, at the other end of `MemoryModbus`.

    It promises answers. ConnectionError means that the connection breaks, IndexError an illegal address; a device that does
    not answer leaves its promise open, and finds it done once nobody waits any more.
    """

    def connect(self) -> asyncio.Future[None]:
        """Accept a connection."""
        ...

    def read_holding(self, address: int, count: int) -> asyncio.Future[Sequence[int]]:
        """Return registers."""
        ...

    def write_registers(self, address: int, values: Sequence[int]) -> asyncio.Future[None]:
        """Take registers."""
        ...


class MemoryModbus:
    """The port without a wire; behaves towards its caller like the one on TCP."""

    def __init__(self, server: RegisterServer, timeout_s: float) -> None:
        self._server = server
        self._timeout_s = timeout_s

    async def connect(self) -> None:
        """Make the connection anew."""
        await self._answer(self._server.connect())

    def close(self) -> None:
        """Drop the connection, of which there is nothing to drop."""

    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Read 1 … 125 registers."""
        check_read(count)
        return await self._answer(self._server.read_holding(address, count))

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write 1 … 123 registers."""
        check_write(len(values))
        await self._answer(self._server.write_registers(address, values))

    async def _answer(self, promised: asyncio.Future[_T]) -> _T:
        try:
            return await wait_within(self._timeout_s, promised)
        except TimeoutError as error:
            raise LinkError(ErrorKind.TIMEOUT, f"no answer for {self._timeout_s:g} s") from error
        except ConnectionError as error:
            raise LinkError(ErrorKind.DISCONNECT, str(error) or "the connection broke") from error
        except IndexError as error:
            raise LinkError(ErrorKind.REFUSED, "exception code 2 (illegal data address)") from error
