"""Modbus TCP with pymodbus.

The library's own retries and reconnections are off: both would send a command again behind the handshake's
back. A broken connection ends the request that waits on it at once, which the library leaves to the timeout.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Sequence
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.links.cancellation import no_cancellation_lost
from drivers.links.errors import LinkError
from drivers.links.modbus_port import check_read, check_write
from drivers.telegrams import ErrorKind
from gateway.contract.wiring import ModbusLink

# A loss is one line of ours; the library would write one a request.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on, 0 s: bytes that have not left yet are thrown away instead of arriving after we have gone
on."""
EXCEPTIONS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
"""Exception codes (Modbus application protocol V1.1b3, 7)."""


class TcpModbus:
    """The port on TCP, for one unit behind one address."""

    def __init__(self, settings: ModbusLink) -> None:
        self._settings = settings
        self._timeout_s = settings.timeout_ms / 1000
        self._client: AsyncModbusTcpClient | None = None
        self._deadline: asyncio.Timeout | None = None

    async def connect(self) -> None:
        """Make the connection anew."""
        settings = self._settings
        self._client = client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            # Twice ours, so that it is always ours that ends a request.
            timeout=2 * self._timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._connection_changed,
        )
        try:
            with no_cancellation_lost():
                async with asyncio.timeout(self._timeout_s):
                    connected = await client.connect()
        except TimeoutError as error:
            text = f"{settings.host}:{settings.port} does not answer"
            raise LinkError(ErrorKind.TIMEOUT, text) from error
        # The library takes the dead transport of a connection that broke while it was made for a connection.
        if not connected or client.ctx.transport.is_closing():
            raise LinkError(ErrorKind.DISCONNECT, f"no connection to {settings.host}:{settings.port}")

    def close(self) -> None:
        """Drop the connection; nothing that is still unsent leaves afterwards."""
        client, self._client = self._client, None
        if client is None:
            return
        transport = client.ctx.transport
        if isinstance(transport, asyncio.Transport):
            connection: socket.socket = transport.get_extra_info("socket")
            # A connection that has broken may have lost its socket already.
            if connection.fileno() != -1:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            transport.abort()
        client.close()

    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        """Read 1 … 125 registers."""
        check_read(count)
        unit = self._settings.unit
        request = self._open().read_holding_registers(address, count=count, device_id=unit)
        answer = await self._answer(request, address, count)
        if len(answer.registers) != count:
            text = f"{len(answer.registers)} registers instead of {count}"
            raise LinkError(ErrorKind.BAD_FRAME, text)
        return answer.registers

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Write 1 … 123 registers."""
        check_write(len(values))
        request = self._open().write_registers(address, list(values), device_id=self._settings.unit)
        await self._answer(request, address, len(values))

    def _open(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise LinkError(ErrorKind.DISCONNECT, "the connection broke")
        return self._client

    async def _answer(self, request: Awaitable[ModbusPDU], address: int, count: int) -> ModbusPDU:
        try:
            with no_cancellation_lost():
                async with asyncio.timeout(self._timeout_s) as self._deadline:
                    answer = await request
        except TimeoutError as error:
            self._open()
            raise LinkError(ErrorKind.TIMEOUT, f"no answer for {self._timeout_s:g} s") from error
        except ModbusException as error:
            self._open()
            raise LinkError(ErrorKind.BAD_FRAME, str(error)) from error
        finally:
            self._deadline = None
        if answer.isError():
            code = answer.exception_code
            meaning = EXCEPTIONS.get(code, "unknown")
            text = f"registers {address} to {address + count - 1}: exception code {code} ({meaning})"
            raise LinkError(ErrorKind.REFUSED, text)
        return answer

    def _connection_changed(self, connected: bool) -> None:
        if not connected and self._deadline:
            self._deadline.reschedule(asyncio.get_running_loop().time())
