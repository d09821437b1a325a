"""One rig for each mailbox driver and each of its wires: the same PLC channel behind all of them."""

import asyncio
import struct
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import yaml
from pyModbusTCP.server import DataBank, ModbusServer

from drivers.links.modbus import TcpModbus
from drivers.links.modbus_port import MemoryModbus, ModbusPort
from drivers.links.opcua import connect_opcua
from drivers.links.opcua_memory import MemoryOpcUa
from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.mailbox import ModbusMailboxDriver
from drivers.opcua.link import OpcUaLinkRunner
from drivers.opcua.mailbox import OpcUaMailboxDriver
from gateway.contract.driver import CommandDriver, DriverContext
from gateway.contract.wiring import MailboxChannel, MailboxWiring, ModbusLink, Profile
from tests.contract.opcua_memory import MemoryPlc
from tests.contract.opcua_thread import OpcUaThread
from tests.contract.promises import promised
from tests.plc import EMPTY_BLOCK, PlcChannel
from tests.wire.opcua_bench import PLACES, Wire, link_to, running, wire_to
from tests.wire.opcua_plc import Plc

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
CYCLE_S = 0.005

# The register tables of the specification, read apart from the driver.
BASE = 100
COMMAND = struct.Struct(">IHHQII16sHH")
STATUS = struct.Struct(">HHIHHHHQIHHHHH16sHH")
STATUS_AT = 32


class Rig(ABC):
    """A PLC channel behind a wire, without a gateway."""

    plc: PlcChannel

    @abstractmethod
    def gateway(self, context: DriverContext) -> AbstractAsyncContextManager[CommandDriver]:
        """Start a link and the driver of the channel `main` of the device `shuttle1`."""

    @abstractmethod
    async def power_cycle(self, *, keeping_memory: bool) -> None:
        """Let the PLC lose its power and come back."""

    @abstractmethod
    async def break_connection(self) -> None:
        """Break the connection once; a new one is taken."""


def wiring(profile: str, base: int | str) -> MailboxWiring:
    table = yaml.safe_load((PROFILES / f"{profile}.yaml").read_text("utf-8"))
    return MailboxWiring(
        device_id="shuttle1",
        profile=Profile.model_validate(table),
        channels=(MailboxChannel(id="main", base=base),),
        places=PLACES,
    )


class Registers:
    """The PLC's registers, wherever they are, and its program, cycle by cycle."""

    def __init__(
        self,
        plc: PlcChannel,
        peek: Callable[[int, int], Sequence[int]],
        poke: Callable[[int, Sequence[int]], object],
    ) -> None:
        self.plc = plc
        self._peek = peek
        self._poke = poke
        self._show()

    async def run(self) -> None:
        while True:
            self._look()
            self.plc.cycle()
            self._show()
            await asyncio.sleep(CYCLE_S)

    def power_cycle(self, *, keeping_memory: bool) -> None:
        self.plc.restart(keeping_memory=keeping_memory)
        self._poke(BASE, [0] * (COMMAND.size // 2))

    def _look(self) -> None:
        registers = self._peek(BASE, COMMAND.size // 2)
        values = COMMAND.unpack(struct.pack(f">{len(registers)}H", *registers))
        self.plc.block = {
            name: value.rstrip(b"\0").decode() if isinstance(value, bytes) else value
            for name, value in zip(EMPTY_BLOCK, values, strict=True)
        }

    def _show(self) -> None:
        status = self.plc.status()
        first = ("bootId", "life", "epoch", "ackSeq", "acceptCode", "doneSeq", "doneCode", "jobId")
        then = ("position", "load", "sourceLoad", "targetLoad", "mode", "faultCode")
        last = ("refusedSeq", "refusedCode")
        record = STATUS.pack(
            *(status[name] for name in first + then),
            str(status["barcode"]).encode(),
            *(status[name] for name in last),
        )
        self._poke(BASE + STATUS_AT, struct.unpack(f">{STATUS.size // 2}H", record))


class RegisterMemory:
    """Registers without a wire; the next request breaks off when it is told so."""

    def __init__(self) -> None:
        self.registers = [0] * 1000
        self.breaks = False

    @promised
    async def connect(self) -> None:
        self.breaks = False

    @promised
    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        self._pass()
        return self.peek(address, count)

    @promised
    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        self._pass()
        self.poke(address, values)

    def peek(self, address: int, count: int) -> Sequence[int]:
        return self.registers[address : address + count]

    def poke(self, address: int, values: Sequence[int]) -> None:
        self.registers[address : address + len(values)] = values

    def _pass(self) -> None:
        if self.breaks:
            raise ConnectionResetError("the connection was reset")


class ModbusRig(Rig):
    """Mailbox in holding registers."""

    def __init__(
        self, registers: Registers, port: Callable[[ModbusLink], ModbusPort], settings: ModbusLink
    ) -> None:
        self.plc = registers.plc
        self._registers = registers
        self._port = port
        self._settings = settings

    @asynccontextmanager
    async def gateway(self, context: DriverContext) -> AsyncGenerator[CommandDriver]:
        link = ModbusLinkRunner(self._settings, self._port(self._settings))
        driver = ModbusMailboxDriver(link, wiring("modbus-mailbox", BASE), context)
        async with running(link.run(), driver.run()):
            yield driver

    async def power_cycle(self, *, keeping_memory: bool) -> None:
        self._registers.power_cycle(keeping_memory=keeping_memory)


class ModbusMemoryRig(ModbusRig):
    """Without sockets."""

    def __init__(self, registers: Registers, memory: RegisterMemory) -> None:
        settings = ModbusLink(kind="modbus", id="plc", poll_ms=10)
        super().__init__(registers, lambda _: MemoryModbus(memory, 1.0), settings)
        self._memory = memory

    async def break_connection(self) -> None:
        self._memory.breaks = True


class ModbusTcpRig(ModbusRig):
    """On TCP, with an independent server at the other end."""

    def __init__(self, registers: Registers, wire: Wire) -> None:
        settings = ModbusLink(kind="modbus", id="plc", port=wire.port, poll_ms=10)
        super().__init__(registers, TcpModbus, settings)
        self._wire = wire

    async def break_connection(self) -> None:
        await self._wire.cut()


class OpcUaRig(Rig):
    """Mailbox in OPC UA variables, or behind a method."""

    def __init__(self, plc: PlcChannel, link: Callable[[], OpcUaLinkRunner], wired: MailboxWiring) -> None:
        self.plc = plc
        self._link = link
        self._wired = wired

    @asynccontextmanager
    async def gateway(self, context: DriverContext) -> AsyncGenerator[CommandDriver]:
        link = self._link()
        driver = OpcUaMailboxDriver(link, self._wired, context)
        async with running(link.run(), driver.run()):
            yield driver


class OpcUaMemoryRig(OpcUaRig):
    """Without sockets."""

    BASE = "Shuttle1."

    def __init__(self, server: MemoryPlc, profile: str) -> None:
        settings = link_to("opc.tcp://memory/")
        super().__init__(
            server.plc,
            lambda: OpcUaLinkRunner(settings, MemoryOpcUa(server).connect),
            wiring(profile, self.BASE),
        )
        self._server = server

    async def power_cycle(self, *, keeping_memory: bool) -> None:
        self._server.power_cycle(keeping_memory=keeping_memory)

    async def break_connection(self) -> None:
        self._server.break_sessions()


class OpcUaTcpRig(OpcUaRig):
    """On TCP, with a server on a thread of its own at the other end."""

    def __init__(self, server: OpcUaThread, base: str, plc: Plc, wire: Wire, profile: str) -> None:
        settings = link_to(wire.url)
        super().__init__(plc, lambda: OpcUaLinkRunner(settings, connect_opcua), wiring(profile, base))
        self._server = server
        self._base = base
        self._wire = wire

    async def power_cycle(self, *, keeping_memory: bool) -> None:
        await self._server.power_cycle(self._base, keeping_memory=keeping_memory)

    async def break_connection(self) -> None:
        await self._wire.cut()


@asynccontextmanager
async def modbus_memory() -> AsyncGenerator[Rig]:
    memory = RegisterMemory()
    registers = Registers(PlcChannel(), memory.peek, memory.poke)
    async with running(registers.run()):
        yield ModbusMemoryRig(registers, memory)


@asynccontextmanager
async def modbus_server(bank: DataBank) -> AsyncGenerator[int]:
    """Serve registers by pyModbusTCP on a free port; yields the port."""
    server = ModbusServer("127.0.0.1", port=0, no_block=True, data_bank=bank)
    server.start()
    while not server.is_run:
        await asyncio.sleep(0.001)
    try:
        yield server._service.server_address[1]  # pyright: ignore
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def modbus_tcp() -> AsyncGenerator[Rig]:
    bank = DataBank()
    registers = Registers(PlcChannel(), bank.get_holding_registers, bank.set_holding_registers)  # pyright: ignore
    async with (
        modbus_server(bank) as port,
        wire_to(f"tcp://127.0.0.1:{port}") as wire,
        running(registers.run()),
    ):
        yield ModbusTcpRig(registers, wire)


@asynccontextmanager
async def opcua_memory(profile: str) -> AsyncGenerator[Rig]:
    server = MemoryPlc(OpcUaMemoryRig.BASE)
    server.plc.work_s = float("inf")
    async with running(server.run()):
        yield OpcUaMemoryRig(server, profile)


@asynccontextmanager
async def opcua_tcp(server: OpcUaThread, profile: str) -> AsyncGenerator[Rig]:
    base, plc = await server.install(method=profile == "opcua-method")
    async with wire_to(server.url) as wire:
        yield OpcUaTcpRig(server, base, plc, wire, profile)


RIGS: dict[str, Callable[[], AbstractAsyncContextManager[Rig]]] = {
    "modbus-memory": modbus_memory,
    "modbus-tcp": modbus_tcp,
    "opcua-mailbox-memory": lambda: opcua_memory("opcua-mailbox"),
    "opcua-method-memory": lambda: opcua_memory("opcua-method"),
}
OPCUA_TCP_RIGS = {"opcua-mailbox-tcp": "opcua-mailbox", "opcua-method-tcp": "opcua-method"}
"""Profiles; these need a server that is there for the whole run."""
