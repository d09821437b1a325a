"""A put wall behind each of its wires."""

import asyncio
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import yaml
from pyModbusTCP.server import DataBank

from drivers.links.modbus import TcpModbus
from drivers.links.modbus_port import MemoryModbus, ModbusPort
from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.putwall import ModbusPutWallDriver
from gateway.contract.driver import DriverContext
from gateway.contract.wiring import ModbusLink, Profile, PutWallWiring
from tests.contract.rigs import CYCLE_S, RegisterMemory, modbus_server
from tests.wall import EMPTY_ORDER, Wall
from tests.wire.opcua_bench import running, wire_to

PROFILE = Path(__file__).parents[2] / "config" / "profiles" / "modbus-putwall.yaml"

# The register tables of the specification, read apart from the driver.
BASE = 300
STATUS_AT, ORDER_AT, ORDER_STRIDE = 4, 200, 11
HEADER = struct.Struct(">HHH")
STATUS = struct.Struct(">QHHHHHH")
ORDER = struct.Struct(">IQHHHHH")


class WallRig:
    """A wall without a gateway; `break_connection` breaks the connection once."""

    def __init__(
        self,
        wall: Wall,
        new_port: Callable[[], ModbusPort],
        break_connection: Callable[[], Awaitable[None]],
        power_cycle: Callable[[bool], None],
    ) -> None:
        self.wall = wall
        self.break_connection = break_connection
        self.power_cycle = power_cycle
        self._new_port = new_port

    @asynccontextmanager
    async def gateway(self, context: DriverContext) -> AsyncGenerator[ModbusPutWallDriver]:
        link = ModbusLinkRunner(ModbusLink(kind="modbus", id="plc-wall", poll_ms=10), self._new_port())
        driver = ModbusPutWallDriver(link, wiring(), context)
        async with running(link.run(), driver.run()):
            yield driver


def wiring() -> PutWallWiring:
    profile = Profile.model_validate(yaml.safe_load(PROFILE.read_text("utf-8")))
    slots = tuple(f"W1-{n:02}" for n in range(1, 13))
    return PutWallWiring(device_id="wall-1", profile=profile, base=BASE, slots=slots)


class WallRegisters:
    """The wall's registers, wherever they are, and its program, cycle by cycle."""

    def __init__(
        self,
        wall: Wall,
        peek: Callable[[int, int], Sequence[int]],
        poke: Callable[[int, Sequence[int]], object],
    ) -> None:
        self.wall = wall
        self._peek = peek
        self._poke = poke

    async def run(self) -> None:
        while True:
            self._look()
            self.wall.cycle()
            self._show()
            await asyncio.sleep(CYCLE_S)

    def power_cycle(self, keeping_memory: bool) -> None:
        self.wall.restart(keeping_memory=keeping_memory)
        self._poke(BASE + ORDER_AT, [0] * 12 * ORDER_STRIDE)

    def _look(self) -> None:
        for n, slot in enumerate(self.wall.slots):
            registers = self._peek(BASE + ORDER_AT + n * ORDER_STRIDE, ORDER_STRIDE)
            values = ORDER.unpack(struct.pack(f">{ORDER_STRIDE}H", *registers))
            slot.order = dict(zip(EMPTY_ORDER, values, strict=True))

    def _show(self) -> None:
        header = HEADER.pack(*self.wall.header().values())
        statuses = b"".join(STATUS.pack(*slot.status().values()) for slot in self.wall.slots)
        block = header.ljust(2 * STATUS_AT, b"\0") + statuses
        self._poke(BASE, struct.unpack(f">{len(block) // 2}H", block))


@asynccontextmanager
async def memory() -> AsyncGenerator[WallRig]:
    store = RegisterMemory()

    async def break_connection() -> None:
        store.breaks = True

    registers = WallRegisters(Wall(), store.peek, store.poke)
    async with running(registers.run()):
        yield WallRig(
            registers.wall, lambda: MemoryModbus(store, 1.0), break_connection, registers.power_cycle
        )


@asynccontextmanager
async def tcp() -> AsyncGenerator[WallRig]:
    bank = DataBank()
    registers = WallRegisters(Wall(), bank.get_holding_registers, bank.set_holding_registers)  # pyright: ignore
    async with (
        modbus_server(bank) as port,
        wire_to(f"tcp://127.0.0.1:{port}") as wire,
        running(registers.run()),
    ):
        settings = ModbusLink(kind="modbus", id="plc-wall", port=wire.port, poll_ms=10)
        yield WallRig(registers.wall, lambda: TcpModbus(settings), wire.cut, registers.power_cycle)


WALL_RIGS: dict[str, Callable[[], AbstractAsyncContextManager[WallRig]]] = {
    "modbus-memory": memory,
    "modbus-tcp": tcp,
}
