"""The OPC UA driver on a server in memory: faults that a wire cannot be asked for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from drivers.links.opcua_memory import MemoryOpcUa
from drivers.opcua.link import OpcUaLinkRunner
from drivers.opcua.mailbox import OpcUaMailboxDriver
from gateway.contract.commands import Op
from gateway.contract.reports import ChannelOnline, CommandAccepted, CommandDone, DeviceOffline
from gateway.contract.wiring import MailboxChannel, MailboxWiring
from tests.contract.opcua_memory import MemoryPlc
from tests.wire.opcua_bench import Kernel, command, link_to, profile_of, running, shuttle

pytestmark = pytest.mark.contract

HANDSHAKES = ["mailbox", "method"]


@dataclass(frozen=True)
class Bench:
    """A shuttle in memory, its driver, and a kernel that listens."""

    server: MemoryPlc
    driver: OpcUaMailboxDriver
    kernel: Kernel


@asynccontextmanager
async def bench(handshake: str, timeout_ms: int = 2000) -> AsyncGenerator[Bench]:
    """Let a shuttle and its driver run, and wait until it is online."""
    server, kernel = MemoryPlc("Shuttle1."), Kernel()
    link = OpcUaLinkRunner(link_to("opc.tcp://memory/", timeout_ms=timeout_ms), MemoryOpcUa(server).connect)
    driver = shuttle(link, kernel, handshake=handshake)
    async with running(server.run(), link.run(), driver.run()):
        await kernel.heard(ChannelOnline)
        yield Bench(server, driver, kernel)


@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_a_command_whose_answer_is_lost_is_done_once(handshake: str) -> None:
    async with bench(handshake) as shop:
        # given a wire that breaks after the next request was executed
        shop.server.answers_to_lose = 1
        # when a command is given
        shop.driver.assign(command(1, Op.PICK, 1101))
        # then the loss is told, and the command is done, once
        await shop.kernel.heard(DeviceOffline)
        await shop.kernel.heard(CommandDone)
        assert shop.server.plc.effects == {1001: 1}
        assert len(shop.server.plc.taken) == 1


@pytest.mark.parametrize("handshake", HANDSHAKES)
async def test_a_silent_server_is_noticed_and_the_command_given_later(handshake: str) -> None:
    async with bench(handshake, timeout_ms=200) as shop:
        # given a server that falls silent
        shop.server.silent = True
        # when a command is given
        shop.driver.assign(command(1, Op.PICK, 1101))
        # then the silence is told
        assert "no answer in 200 ms" in (await shop.kernel.heard(DeviceOffline)).reason
        assert shop.driver.health("shuttle1").errors["timeout"] == 1
        # and when it speaks again, the command is done, once
        shop.server.silent = False
        await shop.kernel.heard(CommandDone)
        assert shop.server.plc.effects == {1001: 1}


async def test_a_refused_write_is_repeated_while_the_session_stands() -> None:
    async with bench("mailbox") as shop:
        # given a server that refuses the next write
        shop.server.writes_to_refuse = 1
        # when a command is given
        shop.driver.assign(command(1, Op.PICK, 1101))
        await shop.kernel.heard(CommandDone)
        # then it is done, once, and the device was never offline
        assert shop.server.plc.effects == {1001: 1}
        assert shop.kernel.of(DeviceOffline) == []
        # and the refusal is on record
        notes = [telegram.note for telegram in shop.driver.telegrams("shuttle1")]
        assert notes.count("refused") == 1
        assert notes.count("command 1 main") == 2


async def test_an_unplugged_server_is_found_again_with_what_it_did_meanwhile() -> None:
    async with bench("mailbox") as shop:
        # given a shuttle that executes a command
        shop.server.plc.work_s = 0.6
        shop.driver.assign(command(1, Op.PICK, 1101))
        await shop.kernel.heard(CommandAccepted)
        # when its server is unplugged for a while
        shop.server.reachable = False
        await shop.kernel.heard(DeviceOffline)
        shop.server.reachable = True
        # then the end of the command is told, and then that the channel is online
        await shop.kernel.heard(CommandDone)
        assert (await shop.kernel.heard(ChannelOnline, 2)).ack_seq == 1
        assert shop.server.plc.effects == {1001: 1}


async def test_a_device_on_a_server_that_is_not_there_is_offline_with_the_reason() -> None:
    # given a server that is unplugged from the beginning
    server, kernel = MemoryPlc("Shuttle1."), Kernel()
    server.reachable = False
    link = OpcUaLinkRunner(link_to("opc.tcp://memory/"), MemoryOpcUa(server).connect)
    driver = shuttle(link, kernel)
    async with running(server.run(), link.run(), driver.run()):
        # when the gateway comes up
        offline = await kernel.heard(DeviceOffline)
        # then that is told once, with the reason
        assert offline.reason == "opc.tcp://memory/: unplugged"
        # and when it is plugged in, it is online
        server.reachable = True
        await kernel.heard(ChannelOnline)
        assert len(kernel.of(DeviceOffline)) == 1


@pytest.mark.parametrize(("block", "name"), [("command", "check"), ("status", "ackSeq")])
def test_a_profile_without_a_field_of_the_handshake_is_refused_at_once(block: str, name: str) -> None:
    # given a profile in which a tag is missing
    profile = profile_of("mailbox")
    tags = tuple(tag for tag in getattr(profile, block) if tag.name != name)
    wiring = MailboxWiring(
        device_id="shuttle1",
        profile=profile.model_copy(update={block: tags}),
        channels=(MailboxChannel(id="main", base="Shuttle1."),),
        places={},
    )
    link = OpcUaLinkRunner(link_to("opc.tcp://memory/"), MemoryOpcUa(MemoryPlc("Shuttle1.")).connect)
    # when a driver is made with it, then the tag is named
    with pytest.raises(ValueError, match=rf"opcua-mailbox: .* {block}: {name}"):
        OpcUaMailboxDriver(link, wiring, Kernel().context)
