"""What a driver of a put wall promises the engine, whatever the wire."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest

from drivers.links.modbus_port import MemoryModbus
from drivers.modbus.link import ModbusLinkRunner
from drivers.modbus.putwall import ModbusPutWallDriver
from gateway.contract.driver import PutWallDriver
from gateway.contract.puts import Colour, SlotOrder
from gateway.contract.reports import (
    ChannelOnline,
    CurtainBroken,
    DeviceFault,
    DeviceOffline,
    PutDarkened,
    PutEnded,
    PutShown,
)
from gateway.contract.wiring import ModbusLink
from tests.contract.promises import promised
from tests.contract.rigs import RegisterMemory
from tests.contract.wallrigs import BASE, STATUS_AT, WALL_RIGS, WallRegisters, WallRig, wiring
from tests.wall import LIT, WITHDRAWN, Wall, WallSlot
from tests.wire.opcua_bench import EPOCH, Kernel, running, until

pytestmark = pytest.mark.contract

PUT = SlotOrder(
    put_id="put-1",
    job_id=2**40 + 1,
    wall="wall-1",
    slot="W1-03",
    quantity=3,
    colour=Colour.BLUE,
    blink=True,
)


def put(n: int) -> SlotOrder:
    """The n-th slot's put, of quantity n."""
    return PUT.model_copy(update={"put_id": f"put-{n}", "job_id": n, "slot": f"W1-{n:02}", "quantity": n})


@pytest.fixture(params=[*WALL_RIGS])
async def rig(request: pytest.FixtureRequest) -> AsyncGenerator[WallRig]:
    async with WALL_RIGS[request.param]() as rig:
        yield rig


def third(rig: WallRig) -> WallSlot:
    return rig.wall.slots[2]


async def test_a_driver_has_the_shape_that_the_gateway_knows(rig: WallRig) -> None:
    async with rig.gateway(Kernel().context) as driver:
        assert isinstance(driver, PutWallDriver)
        assert driver.device_ids == ("wall-1",)


async def test_a_put_is_lit_as_it_was_asked_and_confirmed(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.show(PUT)
        assert await kernel.heard(PutShown) == PutShown(put_id="put-1")
        third(rig).press_confirm()
        assert await kernel.heard(PutEnded) == PutEnded(put_id="put-1", quantity=3, short=False)
    order = third(rig).order
    assert (order["epoch"], order["colour"], order["blink"], order["quantity"]) == (EPOCH, 3, 1, 3)
    assert third(rig).lit_for == [PUT.job_id]


async def test_slots_are_lit_beside_each_other(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        for n in range(1, 13):
            driver.show(put(n))
        await kernel.heard(PutShown, 12)
        for slot in rig.wall.slots:
            slot.press_short()
            slot.press_confirm()
        await kernel.heard(PutEnded, 12)
    ended = {report.put_id: (report.quantity, report.short) for report in kernel.of(PutEnded)}
    assert ended == {f"put-{n}": (n - 1, True) for n in range(1, 13)}


async def test_a_put_that_ended_while_the_connection_was_broken_is_told_once(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        await kernel.heard(PutShown)
        await rig.break_connection()
        third(rig).press_confirm()
        await kernel.heard(DeviceOffline)
        await kernel.heard(PutEnded)
        await kernel.heard(ChannelOnline, 2)
    assert len(kernel.of(PutEnded)) == len(kernel.of(PutShown)) == 1


async def test_a_gateway_that_starts_again_finds_what_the_buttons_said(rig: WallRig) -> None:
    async with rig.gateway(Kernel().context) as driver:
        driver.show(PUT)
        await until(lambda: third(rig).state == LIT)
    third(rig).press_confirm()
    kernel = Kernel()
    async with rig.gateway(replace(kernel.context, epoch=EPOCH + 1)) as driver:
        driver.show(PUT)
        assert await kernel.heard(PutEnded) == PutEnded(put_id="put-1", quantity=3, short=False)
    assert third(rig).lit_for == [PUT.job_id]


async def test_a_wall_that_lost_its_memory_is_lit_again(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        await kernel.heard(PutShown)
        rig.power_cycle(False)
        await until(lambda: third(rig).state == LIT)
        third(rig).press_confirm()
        await kernel.heard(PutEnded)
    assert third(rig).lit_for == [PUT.job_id, PUT.job_id]
    assert len(kernel.of(PutShown)) == 1


async def test_a_withdrawn_put_goes_dark(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        await kernel.heard(PutShown)
        driver.darken("put-1")
        assert await kernel.heard(PutDarkened) == PutDarkened(put_id="put-1")
    assert third(rig).state == WITHDRAWN


async def test_whether_the_button_or_the_withdrawal_was_first_is_the_wall_s_to_say(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        await kernel.heard(PutShown)
        third(rig).press_confirm()
        driver.darken("put-1")
        await kernel.heard(PutEnded)
    assert kernel.of(PutDarkened) == []


async def test_hands_in_the_light_curtain_are_counted(rig: WallRig) -> None:
    kernel = Kernel()
    rig.wall.slots[0].curtain = 65535
    life = rig.wall.life
    await until(lambda: rig.wall.life >= life + 2)
    async with rig.gateway(kernel.context):
        await kernel.heard(ChannelOnline)
        rig.wall.slots[0].reach_in(2)
        broken = await kernel.heard(CurtainBroken)
    assert broken == CurtainBroken(device_id="wall-1", slot="W1-01", count=2)


async def test_a_newer_gateway_is_left_the_wall(rig: WallRig) -> None:
    third(rig).epoch = EPOCH + 1
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        fault = await kernel.heard(DeviceFault)
    assert "newer gateway" in fault.text
    assert fault.advice.startswith("Nothing is wrong with the device"), "a reset would not help"
    assert third(rig).lit_for == []


async def test_a_wall_of_another_size_is_a_fault(rig: WallRig) -> None:
    rig.wall.size = 6
    kernel = Kernel()
    async with rig.gateway(kernel.context):
        fault = await kernel.heard(DeviceFault)
    assert "6 slots" in fault.text
    assert "12" in fault.text


async def test_a_program_that_stands_still_is_noticed_in_3_s(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        rig.wall.frozen = True
        offline = await kernel.heard(DeviceOffline, within_s=3.5)
        assert "life" in offline.reason
        assert not driver.health("wall-1").connected
        rig.wall.frozen = False
        await kernel.heard(ChannelOnline, 2)


async def test_the_wire_can_be_diagnosed(rig: WallRig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        driver.show(PUT)
        await kernel.heard(PutShown)
        health, telegrams = driver.health("wall-1"), driver.telegrams("wall-1")
    assert health.connected
    assert health.latency_ms is not None
    sent = [telegram.note for telegram in telegrams if telegram.outgoing]
    assert sent == [f"put {PUT.job_id} W1-03"]


class Silent(RegisterMemory):
    """Registers that are not answered for any more once they are silent."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = False
        self.unanswered = 0

    @promised
    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        await self._answer()
        return await super().read_holding(address, count)

    @promised
    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        await self._answer()
        await super().write_registers(address, values)

    async def _answer(self) -> None:
        if self.silent:
            self.unanswered += 1
            await asyncio.Event().wait()


async def test_a_wall_that_falls_silent_counts_each_request_once_and_not_each_slot() -> None:
    memory, kernel = Silent(), Kernel()
    registers = WallRegisters(Wall(), memory.peek, memory.poke)
    link = ModbusLinkRunner(ModbusLink(kind="modbus", id="plc", poll_ms=10), MemoryModbus(memory, 0.1))
    driver = ModbusPutWallDriver(link, wiring(), kernel.context)
    async with running(registers.run(), link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        memory.silent = True
        for n in range(1, 13):
            driver.show(put(n))
        await kernel.heard(DeviceOffline)
        errors, unanswered = driver.health("wall-1").errors, memory.unanswered
        unsent = [telegram for telegram in driver.telegrams("wall-1") if "not sent" in telegram.text]
        memory.silent = False
        await kernel.heard(PutShown, 12)
    assert errors == {"timeout": unanswered}
    assert len(unsent) == 12 - unanswered


class HeaderOnly(RegisterMemory):
    """A wall's registers of which all but the header are refused."""

    @promised
    async def read_holding(self, address: int, count: int) -> Sequence[int]:
        if address + count > BASE + STATUS_AT:
            raise IndexError
        return await super().read_holding(address, count)


async def test_a_wall_whose_slots_cannot_be_read_is_not_there() -> None:
    """Found by reading: it came and went with every poll, and each time was an event, an alarm and a line in the log."""
    memory, kernel = HeaderOnly(), Kernel()
    registers = WallRegisters(Wall(), memory.peek, memory.poke)
    settings = ModbusLink(kind="modbus", id="plc", poll_ms=10, max_gap=0)
    link = ModbusLinkRunner(settings, MemoryModbus(memory, 0.1))
    driver = ModbusPutWallDriver(link, wiring(), kernel.context)
    async with running(registers.run(), link.run(), driver.run()):
        offline = await kernel.heard(DeviceOffline)
        await asyncio.sleep(0.2)
        assert not driver.health("wall-1").connected
    assert "illegal data address" in offline.reason
    assert kernel.reports == [offline]
