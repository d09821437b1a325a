"""What every driver of a device with mailboxes promises the engine, whatever the wire."""

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace

import pytest

from gateway.contract.commands import Op
from gateway.contract.driver import CommandDriver
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    Load,
    Sensors,
)
from tests.contract.opcua_thread import OpcUaThread
from tests.contract.rigs import OPCUA_TCP_RIGS, RIGS, Rig, opcua_tcp
from tests.wire.opcua_bench import EPOCH, Kernel, command, until

pytestmark = pytest.mark.contract

PICK = command(1, Op.PICK, 1101)


@pytest.fixture(scope="session")
def opcua_server() -> Generator[OpcUaThread]:
    server = OpcUaThread()
    yield server
    server.close()


@pytest.fixture(params=[*RIGS, *OPCUA_TCP_RIGS])
async def rig(request: pytest.FixtureRequest) -> AsyncGenerator[Rig]:
    name: str = request.param
    if profile := OPCUA_TCP_RIGS.get(name):
        made = opcua_tcp(request.getfixturevalue("opcua_server"), profile)
    else:
        made = RIGS[name]()
    async with made as rig:
        yield rig


async def shown(rig: Rig) -> None:
    """Wait until the device shows what a test has set."""
    life = rig.plc.life
    await until(lambda: rig.plc.life >= life + 2)


async def taken(rig: Rig) -> None:
    await until(lambda: rig.plc.executing)


async def test_a_driver_has_the_shape_that_the_gateway_knows(rig: Rig) -> None:
    async with rig.gateway(Kernel().context) as driver:
        assert isinstance(driver, CommandDriver)
        assert driver.device_ids == ("shuttle1",)


async def test_a_command_is_accepted_and_done_once(rig: Rig) -> None:
    # given a shuttle at a place, with nothing on board
    kernel = Kernel()
    rig.plc.sensors |= {"position": 1101, "load": 0}
    await shown(rig)
    async with rig.gateway(kernel.context) as driver:
        online = await kernel.heard(ChannelOnline)
        # when it gets a command and carries it out
        driver.assign(PICK)
        await taken(rig)
        assert await kernel.heard(CommandAccepted) == CommandAccepted(job_id=PICK.job_id)
        rig.plc.finish()
        # then that is told once, and the device has done it once, with all that it was told
        assert await kernel.heard(CommandDone) == CommandDone(job_id=PICK.job_id)
    assert (online.boot_id, online.ack_seq) == (1, 0)
    assert online.sensors == Sensors(place=1101, load=Load.EMPTY)
    assert rig.plc.effects == {PICK.job_id: 1}
    (block,) = rig.plc.taken
    assert (block["epoch"], block["seq"], block["op"], block["jobId"]) == (EPOCH, 1, 1, PICK.job_id)
    assert (block["source"], block["target"], block["container"]) == (1101, 0, "TOTE-0001")


async def test_commands_follow_each_other(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        for seq in range(1, 6):
            driver.assign(command(seq, Op.MOVE, 1101))
            await taken(rig)
            rig.plc.finish()
            await kernel.heard(CommandDone, seq)
    assert [done.job_id for done in kernel.of(CommandDone)] == [1001, 1002, 1003, 1004, 1005]
    assert set(rig.plc.effects.values()) == {1}


async def test_what_ended_while_the_connection_was_broken_is_told_once(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await taken(rig)
        # when the connection breaks and the command ends
        await rig.break_connection()
        rig.plc.finish()
        # then the loss and the end are told, and the device is online again
        await kernel.heard(DeviceOffline)
        await kernel.heard(CommandDone)
        await kernel.heard(ChannelOnline, 2)
    assert rig.plc.effects == {PICK.job_id: 1}
    assert len(kernel.of(CommandDone)) == len(kernel.of(CommandAccepted)) == 1
    assert len(kernel.of(DeviceOffline)) == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_a_gateway_that_starts_again_finds_its_command_there(rig: Rig, ended: bool) -> None:
    # given a gateway that was killed after its command was taken
    async with rig.gateway(Kernel().context) as driver:
        driver.assign(PICK)
        await taken(rig)
    if ended:
        rig.plc.finish()
    # when it starts again and is told the same
    kernel = Kernel()
    async with rig.gateway(replace(kernel.context, epoch=EPOCH + 1)) as driver:
        driver.assign(PICK)
        await kernel.heard(CommandAccepted)
        if not ended:
            rig.plc.finish()
        await kernel.heard(CommandDone)
        await kernel.heard(ChannelOnline)
    # then nothing was done twice
    assert rig.plc.effects == {PICK.job_id: 1}


async def test_a_device_that_keeps_its_memory_goes_on_after_a_power_cycle(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await kernel.heard(CommandAccepted)
        await rig.power_cycle(keeping_memory=True)
        rig.plc.finish()
        await kernel.heard(CommandDone)
        online = await kernel.heard(ChannelOnline, 2)
    assert (online.boot_id, online.ack_seq) == (2, 1)
    assert rig.plc.effects == {PICK.job_id: 1}


async def test_a_device_that_loses_its_memory_leaves_the_outcome_unknown(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await kernel.heard(CommandAccepted)
        # when it forgets, with a load on board
        rig.plc.sensors |= {"position": 1101, "load": 1}
        await rig.power_cycle(keeping_memory=False)
        # then what the sensors show is told, and where to count on from
        unknown = await kernel.heard(CommandUnknown)
        assert unknown.sensors.load is Load.LOADED
        online = await kernel.heard(ChannelOnline, 2)
        assert (online.boot_id, online.ack_seq) == (2, 0)
        # and the next command is carried out under the new number
        driver.assign(replace(PICK, job_id=2000, seq=1, boot_id=2))
        await taken(rig)
        rig.plc.finish()
        await kernel.heard(CommandDone)
    assert rig.plc.effects == {PICK.job_id: 1, 2000: 1}


async def test_a_refused_command_may_be_asked_again_later(rig: Rig) -> None:
    kernel = Kernel()
    rig.plc.busy_with = 11
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        rejected = await kernel.heard(CommandRejected)
        assert (rejected.job_id, rejected.retry) == (PICK.job_id, True)
        rig.plc.busy_with = 0
        driver.assign(command(2, Op.PICK, 1101))
        await taken(rig)
    assert rig.plc.effects == {1002: 1}


async def test_a_failed_command_is_told_with_its_fault(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await taken(rig)
        rig.plc.finish(20)
        failed = await kernel.heard(CommandFailed)
    assert (failed.job_id, failed.fault) == (PICK.job_id, Fault.SOURCE_EMPTY)


async def test_an_abandoned_command_is_told_nothing_more_about(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await kernel.heard(CommandAccepted)
        driver.abandon(PICK.job_id)
        rig.plc.finish()
        online = await kernel.heard(ChannelOnline, 2)
    assert online.ack_seq == 1
    assert kernel.of(CommandDone) == []


async def test_a_fault_of_the_device_comes_and_goes(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context):
        await kernel.heard(DeviceRecovered)
        rig.plc.sensors["faultCode"] = 17
        assert (await kernel.heard(DeviceFault)).code == 17
        rig.plc.sensors["faultCode"] = 0
        await kernel.heard(DeviceRecovered, 2)


async def test_a_newer_gateway_is_left_the_device(rig: Rig) -> None:
    # given a device that a gateway of a higher epoch has commanded
    kernel = Kernel()
    rig.plc.memory["epoch"] = EPOCH + 1
    await shown(rig)
    async with rig.gateway(kernel.context) as driver:
        # when it is to be commanded
        driver.assign(PICK)
        fault = await kernel.heard(DeviceFault)
        # then that is told, and nothing is written
        assert "newer gateway" in fault.text
        assert fault.advice.startswith("Nothing is wrong with the device"), "a reset would not help"
    assert rig.plc.block["seq"] == 0
    assert rig.plc.memory["refusedSeq"] == 0


async def test_a_program_that_stands_still_is_noticed_in_3_s(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        rig.plc.frozen = True
        offline = await kernel.heard(DeviceOffline, within_s=3.5)
        assert "life" in offline.reason
        assert not driver.health("shuttle1").connected
        rig.plc.frozen = False
        await kernel.heard(ChannelOnline, 2)


async def test_positions_are_told_in_the_site_s_words_when_they_change(rig: Rig) -> None:
    kernel = Kernel()
    rig.plc.sensors |= {"position": 1101, "load": 0}
    await shown(rig)
    async with rig.gateway(kernel.context):
        await until(lambda: bool(kernel.positions))
        for number, change in enumerate(({"load": 1}, {"position": 0}, {"position": 1102}), start=2):
            rig.plc.sensors |= change
            await until(lambda: len(kernel.positions) == number)  # noqa: B023
    told = [(position.location_id, position.load) for position in kernel.positions]
    assert told == [
        ("A1-1-L-01", Load.EMPTY),
        ("A1-1-L-01", Load.LOADED),
        (None, Load.LOADED),
        ("A1-1-L-02", Load.LOADED),
    ]


async def test_the_wire_can_be_diagnosed(rig: Rig) -> None:
    kernel = Kernel()
    async with rig.gateway(kernel.context) as driver:
        await kernel.heard(ChannelOnline)
        driver.assign(PICK)
        await kernel.heard(CommandAccepted)
        rig.plc.finish()
        await kernel.heard(CommandDone)
        health = driver.health("shuttle1")
        telegrams = driver.telegrams("shuttle1")
    assert health.connected
    assert health.latency_ms is not None
    assert health.latency_ms < 1000
    assert health.last_heard_us
    sent = [telegram for telegram in telegrams if telegram.outgoing]
    assert [telegram.note for telegram in sent] == ["command 1 main"]
    heard = [telegram for telegram in telegrams if telegram.note.startswith("status")]
    assert 3 <= len(heard) <= 10, "a reading that says nothing new is not kept"
