"""A shuttle behind OPC UA, on sockets: commands are carried out once, whatever the wire does."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from drivers.links.opcua import connect_opcua
from drivers.opcua.link import OpcUaLinkRunner
from gateway.contract.commands import Op
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandUnknown,
    DeviceOffline,
    Load,
    Sensors,
)
from tests.wire.opcua_bench import Kernel, command, link_to, running, shuttle, until, wire_to
from tests.wire.opcua_plc import PlcServer, plc_server

pytestmark = pytest.mark.wire

NOTICED_S = 3.0
"""How soon a dead peer is to be noticed."""


@pytest.fixture
async def server() -> AsyncGenerator[PlcServer]:
    """An OPC UA server with one shuttle, whose program runs."""
    async with plc_server() as server:
        await server.add("Shuttle1.")
        async with running(server.run()):
            yield server


@pytest.mark.parametrize("handshake", ["mailbox", "method"])
async def test_a_command_is_carried_out_once_and_told(handshake: str) -> None:
    # given a shuttle that waits at no place
    async with plc_server() as server:
        plc = await server.add("Shuttle1.", method=handshake == "method")
        kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
        driver = shuttle(link, kernel, handshake=handshake)
        async with running(server.run(), link.run(), driver.run()):
            online = await kernel.heard(ChannelOnline)
            # when it is told to pick, and then to drop
            driver.assign(command(1, Op.PICK, 1101))
            await kernel.heard(CommandDone, 1)
            driver.assign(command(2, Op.DROP, 1102))
            await kernel.heard(CommandDone, 2)
    # then it was online before, idle and empty
    assert (online.boot_id, online.ack_seq, online.sensors) == (1, 0, Sensors(load=Load.EMPTY))
    # and did each command once, and both were accepted and done
    assert plc.effects == {1001: 1, 1002: 1}
    accepted = [CommandAccepted(job_id=job_id) for job_id in (1001, 1002)]
    assert kernel.of(CommandAccepted) == accepted
    assert kernel.of(CommandDone) == [CommandDone(job_id=1001), CommandDone(job_id=1002)]
    # and showed where it is, and with what
    shown = [(position.location_id, position.load) for position in kernel.positions]
    assert shown == [(None, Load.EMPTY), ("A1-1-L-01", Load.LOADED), ("A1-1-L-02", Load.EMPTY)]
    # and its telegrams tell the story
    notes = [telegram.note for telegram in driver.telegrams("shuttle1") if telegram.outgoing]
    assert notes == ["command 1 main", "command 2 main"]


async def test_neither_a_command_nor_its_end_waits_for_a_poll(server: PlcServer) -> None:
    # given an idle shuttle that works in no time
    plc = server.plcs["Shuttle1."]
    plc.work_s = 0.0
    kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        loop = asyncio.get_running_loop()
        took: list[float] = []
        # when it gets ten commands, one after the other
        for seq in range(1, 11):
            started = loop.time()
            driver.assign(command(seq, Op.MOVE, 1101))
            await kernel.heard(CommandDone, seq)
            took.append(loop.time() - started)
    # then each, there and back, took far less than the period of the polling
    assert sorted(took)[5] < link.settings.poll_ms / 1000 / 2


async def test_a_server_that_dies_during_a_command_finds_it_done_once(server: PlcServer) -> None:
    # given a shuttle that executes a command
    plc = server.plcs["Shuttle1."]
    plc.work_s = 0.5
    kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        driver.assign(command(1, Op.PICK, 1101))
        await kernel.heard(CommandAccepted)
        # when its server dies and comes back with another boot id, its memory kept
        await server.kill()
        await kernel.heard(DeviceOffline, within_s=NOTICED_S)
        await server.power_cycle("Shuttle1.", keeping_memory=True)
        await server.restart()
        # then the command is told as done, and was done once
        await kernel.heard(CommandDone)
        # and the channel is online with the new boot id
        assert (await kernel.heard(ChannelOnline, 2)).boot_id == 2
    assert plc.effects == {1001: 1}


async def test_a_device_that_lost_its_memory_is_not_told_again(server: PlcServer) -> None:
    # given a shuttle that executes a command
    plc = server.plcs["Shuttle1."]
    plc.work_s = 60.0
    kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        driver.assign(command(1, Op.PICK, 1101))
        await kernel.heard(CommandAccepted)
        # when it loses its memory
        await server.power_cycle("Shuttle1.", keeping_memory=False)
        # then nobody knows what became of the command, and it is not sent again
        assert (await kernel.heard(CommandUnknown)).job_id == 1001
        online = await kernel.heard(ChannelOnline, 2)
        assert (online.boot_id, online.ack_seq) == (2, 0)
    assert plc.memory["ackSeq"] == 0


async def test_a_black_hole_is_noticed_and_survived(server: PlcServer) -> None:
    # given a shuttle that is online
    kernel = Kernel()
    async with wire_to(server.url) as wire:
        link = OpcUaLinkRunner(link_to(wire.url), connect_opcua)
        driver = shuttle(link, kernel)
        async with running(link.run(), driver.run()):
            await kernel.heard(ChannelOnline)
            # when the wire swallows everything, though its connections stand
            wire.gate.clear()
            # then that is noticed in time
            offline = await kernel.heard(DeviceOffline, within_s=NOTICED_S)
            assert "no answer in" in offline.reason
            assert not driver.health("shuttle1").connected
            # and a command waits for the wire to be mended, and is carried out once
            driver.assign(command(1, Op.PICK, 1101))
            wire.gate.set()
            await kernel.heard(CommandDone, within_s=10.0)
    assert server.plcs["Shuttle1."].effects == {1001: 1}


async def test_a_write_that_failed_and_arrives_late_is_done_once(server: PlcServer) -> None:
    # given a shuttle that is online, over a wire that keeps what it is sent
    plc, kernel = server.plcs["Shuttle1."], Kernel()
    async with wire_to(server.url) as wire:
        link = OpcUaLinkRunner(link_to(wire.url, timeout_ms=500), connect_opcua)
        driver = shuttle(link, kernel)
        async with running(link.run(), driver.run()):
            await kernel.heard(ChannelOnline)
            stuck, wire.gate = wire.gate, asyncio.Event()
            wire.gate.set()
            stuck.clear()
            # when a command's write fails there, and a new connection carries it and the next one out
            driver.assign(command(1, Op.PICK, 1101))
            await kernel.heard(DeviceOffline)
            await kernel.heard(CommandDone, 1)
            driver.assign(command(2, Op.DROP, 1102))
            await kernel.heard(CommandDone, 2)
            # and the first write arrives after all
            stuck.set()
            await until(lambda: plc.memory["refusedSeq"] == 1)
            # then nothing moves
            assert plc.memory["refusedCode"] == 3
            # and the next command is carried out as if nothing had been
            driver.assign(command(3, Op.PICK, 1102))
            await kernel.heard(CommandDone, 3)
    assert plc.effects == {1001: 1, 1002: 1, 1003: 1}


async def test_a_program_that_stands_still_is_noticed_behind_a_healthy_server(server: PlcServer) -> None:
    # given a shuttle that is online
    kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
    driver = shuttle(link, kernel)
    async with running(link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        # when its program stops
        server.plcs["Shuttle1."].frozen = True
        # then that is noticed in time
        offline = await kernel.heard(DeviceOffline, within_s=NOTICED_S)
        assert "life" in offline.reason
        # and when it runs again, that too
        server.plcs["Shuttle1."].frozen = False
        await kernel.heard(ChannelOnline, 2)


async def test_devices_share_a_session_and_suffer_alone(server: PlcServer) -> None:
    # given two shuttles behind one server, one of them wired to nodes that are not there
    kernel, link = Kernel(), OpcUaLinkRunner(link_to(server.url), connect_opcua)
    there, missing = shuttle(link, kernel, "Shuttle1."), shuttle(link, kernel, "Shuttle9.")
    async with running(link.run(), there.run(), missing.run()):
        # when the gateway comes up
        online = await kernel.heard(ChannelOnline)
        offline = await kernel.heard(DeviceOffline)
        # then one is online, and the other is not and tells the node
        assert online.device_id == "shuttle1"
        assert (offline.device_id, offline.reason) == (
            "shuttle9",
            "Shuttle9.Status.doneSeq: BadNodeIdUnknown",
        )
        # and the one is not disturbed, and there is one session
        await asyncio.sleep(2 * link.settings.poll_ms / 1000)
        assert there.health("shuttle1").connected
        assert server.sessions == 1
    assert len(kernel.of(DeviceOffline)) == 1
