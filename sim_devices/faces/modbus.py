"""A Modbus TCP server for a register space: functions 3, 6 and 16, exceptions, one unit.

Every request is executed and answered in the moment it has arrived, in the order of arrival (Modbus Messaging
on TCP/IP 1.0b, §3.1.3; Application Protocol 1.1b3, §6.3, §6.6, §6.12, §7).
"""

import asyncio
import struct
from enum import IntEnum

from gateway.contract.wiring import ModbusLink
from sim_devices.faces.registers import IllegalAddress, RegisterSpace
from sim_devices.faces.wire import Wire

HEADER = struct.Struct(">HHHB")
READ_MAX = 125
WRITE_MAX = 123
FRAME_MAX = 254
"""Bytes after the length field: unit and PDU."""


class ExceptionCode(IntEnum):
    """Why a request is refused."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    TARGET_FAILED = 11


class ModbusServer:
    """Serves one link's devices on a socket."""

    def __init__(self, link: ModbusLink, space: RegisterSpace, wire: Wire) -> None:
        self._link = link
        self._space = space
        self._wire = wire

    async def run(self, listening: asyncio.Event) -> None:
        """Serve until cancelled; `listening` is set as soon as clients can connect.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, self._link.host, self._link.port)
        listening.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            self._wire.cut()

    def answer(self, unit: int, request: bytes) -> bytes:
        """Execute one request (a PDU) and return the answer to it."""
        if unit != self._link.unit:
            return _refusal(request, ExceptionCode.TARGET_FAILED)
        try:
            return self._execute(request)
        except struct.error:
            return _refusal(request, ExceptionCode.ILLEGAL_VALUE)
        except IllegalAddress:
            return _refusal(request, ExceptionCode.ILLEGAL_ADDRESS)

    def _connection(self) -> asyncio.Protocol:
        return self._wire.plug(_Connection(self))

    def _execute(self, request: bytes) -> bytes:
        match request[0]:
            case 3:
                return self._read(request)
            case 6:
                return self._write_one(request)
            case 16:
                return self._write_many(request)
            case _:
                return _refusal(request, ExceptionCode.ILLEGAL_FUNCTION)

    def _read(self, request: bytes) -> bytes:
        _, address, count = struct.unpack(">BHH", request)
        if not 1 <= count <= READ_MAX:
            raise struct.error(f"{count} registers in one request")
        return struct.pack(f">BB{count}H", 3, 2 * count, *self._space.read(address, count))

    def _write_one(self, request: bytes) -> bytes:
        _, address, value = struct.unpack(">BHH", request)
        self._write(address, [value])
        return request

    def _write_many(self, request: bytes) -> bytes:
        _, address, count, size = struct.unpack(">BHHB", request[:6])
        if not 1 <= count <= WRITE_MAX or size != 2 * count:
            raise struct.error(f"{count} registers in one request")
        self._write(address, list(struct.unpack(f">{count}H", request[6:])))
        return request[:5]

    def _write(self, address: int, values: list[int]) -> None:
        self._space.write(address, values)
        self._wire.executed()


def _refusal(request: bytes, code: ExceptionCode) -> bytes:
    return bytes((request[0] | 0x80, code))


class _Connection(asyncio.Protocol):
    """Cuts the stream of one client into requests."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._received += data
        while len(self._received) > HEADER.size:
            transaction, protocol, length, unit = HEADER.unpack_from(self._received)
            if protocol != 0 or not 2 <= length <= FRAME_MAX:
                self._transport.abort()
                return
            end = HEADER.size - 1 + length
            if len(self._received) < end:
                return
            request, self._received = self._received[HEADER.size : end], self._received[end:]
            answer = self._server.answer(unit, request)
            self._transport.write(HEADER.pack(transaction, 0, len(answer) + 1, unit) + answer)
