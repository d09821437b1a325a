"""Which class drives what: the one place where a name in a site file becomes a driver."""

from typing import Final, Literal

from drivers.modbus.mailbox import ModbusMailboxDriver
from drivers.modbus.putwall import ModbusPutWallDriver
from gateway.contract.wiring import Handshake

Protocol = Literal["modbus", "opcua"]

DRIVERS: Final[dict[tuple[Protocol, Handshake], type[ModbusMailboxDriver] | type[ModbusPutWallDriver]]] = {
    ("modbus", Handshake.MAILBOX): ModbusMailboxDriver,
    ("modbus", Handshake.PUTWALL): ModbusPutWallDriver,
}
"""By a profile's `protocol` and `handshake`."""
