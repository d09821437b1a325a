"""Simulated Modbus devices as an independent client meets them (pyModbusTCP, and bare sockets where it cannot)."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator

import pytest
from pyModbusTCP.client import ModbusClient

from sim_devices.clock import SimClock
from sim_devices.faults.kinds import BlackHole, DuplicateReply, LinkDrop, LostReply, Reboot, SlowAnswers
from sim_devices.mailbox import CommandBlock, Done
from sim_devices.putwall import Button, SlotState
from sim_devices.site import SimulatedSite
from tests.wire.sim_site import modbus_site, running, transfer, until

pytestmark = pytest.mark.wire

STATUS = 32
BOOT_ID, LIFE, ACK_SEQ, ACCEPT_CODE, DONE_SEQ, DONE_CODE = (STATUS + offset for offset in (0, 1, 4, 5, 6, 7))
BARCODE, REFUSED_CODE = STATUS + 19, STATUS + 28
WALL, WALL_ORDERS = 1000, 1200
READ_ACK = struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, ACK_SEQ, 1)


class Client:
    """A blocking client, used from threads so that the devices go on meanwhile."""

    def __init__(self, simulated: SimulatedSite) -> None:
        self.port = link_port(simulated)
        self._modbus = ModbusClient("127.0.0.1", self.port, unit_id=1, timeout=1.0)

    async def read(self, address: int, count: int = 1) -> list[int]:
        values = await asyncio.to_thread(self._modbus.read_holding_registers, address, count)
        if values is None:
            raise ConnectionError(self._modbus.last_error_as_txt or self._modbus.last_except_as_txt)
        return list(values)

    async def write(self, address: int, values: list[int]) -> bool:
        return bool(await asyncio.to_thread(self._modbus.write_multiple_registers, address, values))

    async def done(self, seq: int) -> int:
        """Wait until a command has ended; return its doneCode."""
        async with asyncio.timeout(10):
            while (await self.read(DONE_SEQ))[0] != seq:
                await asyncio.sleep(0.005)
        return (await self.read(DONE_CODE))[0]

    async def exception_of(self, request: str, *arguments: object) -> int:
        await asyncio.to_thread(getattr(self._modbus, request), *arguments)
        return self._modbus.last_except

    def close(self) -> None:
        self._modbus.close()


def link_port(simulated: SimulatedSite) -> int:
    return simulated.links["plc"].link.port  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.asynccontextmanager
async def raw(simulated: SimulatedSite) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link_port(simulated))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def narrow(
    simulated: SimulatedSite,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection whose end here keeps little for whoever does not read."""
    with socket.socket() as own:
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            own.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", link_port(simulated)))
        reader, writer = await asyncio.open_connection(sock=own)
        try:
            yield reader, writer
        finally:
            writer.close()


def registers(block: CommandBlock) -> list[int]:
    """Lay a block out by the table of the profile, big-endian."""
    data = struct.pack(
        ">IHHQII16sHH",
        block.epoch,
        block.seq,
        block.op,
        block.job_id,
        block.source,
        block.target,
        block.container.encode(),
        block.boot_id,
        block.check,
    )
    return list(struct.unpack(f">{len(data) // 2}H", data))


async def test_a_command_that_is_written_twice_moves_its_load_once() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        assert await client.write(0, registers(transfer(simulated, seq=1)))
        assert (await client.read(ACK_SEQ, 2)) == [1, 1]
        assert await client.write(0, registers(transfer(simulated, seq=1)))
        assert await client.done(1) == Done.DONE
        assert await client.write(0, registers(transfer(simulated, seq=1)))
        barcode = struct.pack(">8H", *await client.read(BARCODE, 8)).rstrip(b"\0")
        assert barcode == b"T1"
        assert simulated.world.snapshot() == {"containers": {"T1": "OUT"}, "moves": {"100": 1}}
        client.close()


async def test_a_torn_block_and_one_of_an_older_gateway_are_refused() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        torn = registers(transfer(simulated, seq=1))
        torn[9] += 1
        await client.write(0, torn)
        assert await client.read(REFUSED_CODE) == [1]
        assert await client.read(ACK_SEQ) == [0]
        client.close()


async def test_what_a_profile_does_not_have_is_answered_by_an_exception() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        assert await client.exception_of("read_holding_registers", 60_000, 1) == 2
        assert await client.exception_of("write_multiple_registers", STATUS, [1]) == 2
        assert await client.exception_of("write_single_register", 22, 1) == 2
        assert await client.exception_of("read_coils", 0, 1) == 1
        assert await client.exception_of("read_input_registers", 0, 1) == 1
        client.close()


async def test_the_life_counter_runs_though_nothing_happens() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        conveyor, wall = await client.read(LIFE), await client.read(WALL + 1)
        async with asyncio.timeout(10):
            while await client.read(LIFE) == conveyor or await client.read(WALL + 1) == wall:
                await asyncio.sleep(0.02)
        client.close()


async def test_a_lost_reply_is_not_a_lost_command() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        await client.read(ACK_SEQ)
        simulated.faults.add(LostReply(device="conveyor"))
        assert not await client.write(0, registers(transfer(simulated, seq=1)))
        assert await client.done(1) == Done.DONE
        await client.write(0, registers(transfer(simulated, seq=1)))
        assert simulated.world.moves("100") == 1
        client.close()


async def test_a_dropped_link_comes_back() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        await client.read(ACK_SEQ)
        fault = simulated.faults.add(LinkDrop(device="wall", duration_s=None))
        with pytest.raises(ConnectionError):
            await client.read(ACK_SEQ)
        simulated.faults.remove(fault.fault_id)
        assert await client.read(ACK_SEQ) == [0]
        client.close()


async def test_what_a_black_hole_has_swallowed_is_executed_when_it_is_over() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        await client.read(ACK_SEQ)
        fault = simulated.faults.add(BlackHole(device="conveyor"))
        assert not await client.write(0, registers(transfer(simulated, seq=1)))
        assert simulated.world.moves("100") == 0
        simulated.faults.remove(fault.fault_id)
        await until(lambda: simulated.world.moves("100") == 1)
        assert await client.done(1) == Done.DONE
        client.close()


async def test_slow_answers_keep_their_order() -> None:
    async with running(modbus_site()) as simulated, raw(simulated) as (reader, writer):
        simulated.faults.add(SlowAnswers(device="conveyor", answer_s=0.2))
        began = asyncio.get_running_loop().time()
        writer.write(READ_ACK + READ_ACK.replace(b"\0\7", b"\0\x08", 1))
        first, second = await reader.readexactly(11), await reader.readexactly(11)
        assert asyncio.get_running_loop().time() - began >= 0.2
        assert (first[:2], second[:2]) == (b"\0\7", b"\0\x08")


async def test_a_doubled_reply_comes_twice_and_executes_once() -> None:
    async with running(modbus_site()) as simulated, raw(simulated) as (reader, writer):
        simulated.faults.add(DuplicateReply(device="conveyor"))
        values = registers(transfer(simulated, seq=1))
        pdu = struct.pack(f">BHHB{len(values)}H", 16, 0, len(values), 2 * len(values), *values)
        writer.write(struct.pack(">HHHB", 9, 0, len(pdu) + 1, 1) + pdu + READ_ACK)
        assert await reader.readexactly(12) == await reader.readexactly(12)
        assert (await reader.readexactly(11))[-2:] == b"\0\1"
        await until(lambda: simulated.world.moves("100") == 1)


async def test_what_is_not_modbus_ends_the_connection() -> None:
    async with running(modbus_site()) as simulated, raw(simulated) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""


async def test_an_outage_of_one_device_leaves_the_link_and_shows_another_boot_id_after_it() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        await client.write(0, registers(transfer(simulated, seq=1)))
        await client.done(1)
        (boot_id,) = await client.read(BOOT_ID)
        fault = simulated.faults.add(Reboot(device="conveyor", duration_s=None))
        await asyncio.sleep(0.2)
        life = await client.read(LIFE)
        await client.write(0, registers(transfer(simulated, seq=2)))
        assert await client.read(ACK_SEQ) == [1]
        assert await client.read(LIFE) == life
        simulated.faults.remove(fault.fault_id)
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while await client.read(BOOT_ID) == [boot_id]:
                await asyncio.sleep(0.01)
        assert await client.read(ACK_SEQ) == [1]
        client.close()


async def test_a_put_wall_lights_a_slot_and_counts_its_buttons() -> None:
    async with running(modbus_site()) as simulated:
        client = Client(simulated)
        assert await client.read(WALL + 2) == [3]
        (boot_id,) = await client.read(WALL)
        order = struct.pack(">IQHHHH", 1, 77, 2, 0, 4, boot_id)
        crc = 0xFFFF
        for byte in order:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        await client.write(WALL_ORDERS + 11, list(struct.unpack(">11H", order + struct.pack(">H", crc))))
        status = WALL + 4 + 10
        assert await client.read(status, 10) == [0, 0, 0, 77, SlotState.LIT, 4, 0, 0, 0, 0]
        simulated.press("wall", "W-2", Button.SHORT)
        simulated.press("wall", "W-2", Button.CONFIRM)
        assert await client.read(status, 10) == [0, 0, 0, 77, SlotState.SHORT, 3, 1, 1, 0, 0]
        client.close()


async def test_where_another_program_has_the_port_nothing_else_of_the_site_begins() -> None:
    class Vehicle:
        has_begun = False

        async def run(self) -> None:
            self.has_begun = True

    async with running(modbus_site()) as first:
        vehicle, second = Vehicle(), SimulatedSite(first.site, SimClock(), seed=1)
        second.add(vehicle)
        with pytest.raises(ExceptionGroup) as refused:
            await second.run()
    assert refused.group_contains(OSError)
    assert not vehicle.has_begun


async def test_a_client_that_takes_no_answers_is_not_listened_to_until_it_does() -> None:
    """Else it fills the memory of the simulation: an answer is twenty times as long as its request."""
    many = struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 40) * 1000
    async with running(modbus_site()) as simulated, narrow(simulated) as (reader, writer):
        asked = 0
        with pytest.raises(TimeoutError):
            while asked < 300_000:
                writer.write(many)
                asked += 1000
                async with asyncio.timeout(1.0):
                    await writer.drain()
        async with asyncio.timeout(30):
            await reader.readexactly(asked * (9 + 2 * 40))
