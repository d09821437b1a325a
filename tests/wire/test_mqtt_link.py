"""The MQTT link against a real broker behind a wire that goes dead."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.links.errors import LinkError
from drivers.links.mqtt import BrokerAccess, connect_mqtt
from drivers.links.nats_server import EmbeddedBroker
from tests.wire.processes import free_ports
from tests.wire.proxy import wires

pytestmark = pytest.mark.wire

NOTICED_S = 3.0
STATES = [("fleet/+/state", 0)]


@asynccontextmanager
async def broker(folder: Path) -> AsyncGenerator[BrokerAccess]:
    port = free_ports(1)
    embedded = EmbeddedBroker(folder / "broker", port, folder / "access")
    running = asyncio.ensure_future(embedded.run())
    try:
        await embedded.ready()
        yield BrokerAccess(
            host="127.0.0.1",
            port=port,
            client_id="gateway-test",
            username=embedded.username,
            password=embedded.password,
        )
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_broker_that_falls_silent_is_noticed_within_3_s(tmp_path: Path) -> None:
    async with broker(tmp_path) as access, wires({free_ports(1): access.port}) as [wire]:
        through = replace(access, port=wire.port)
        loop = asyncio.get_running_loop()
        with suppress(LinkError):
            async with connect_mqtt(through) as mqtt:
                await mqtt.hear(STATES)
                wire.hold()
                since = loop.time()
                with pytest.raises(LinkError):
                    await mqtt.receive()
                assert loop.time() - since < NOTICED_S


async def test_a_connection_that_breaks_under_several_tasks_is_an_error_and_no_cancellation(
    tmp_path: Path,
) -> None:
    async with broker(tmp_path) as access, wires({free_ports(1): access.port}) as [wire]:
        through = replace(access, port=wire.port)
        with pytest.raises((LinkError, ExceptionGroup)):
            async with connect_mqtt(through) as mqtt, asyncio.TaskGroup() as tasks:
                tasks.create_task(mqtt.receive())
                await asyncio.sleep(0)
                wire.reset()


async def test_silence_alone_loses_neither_the_connection_nor_a_message(tmp_path: Path) -> None:
    async with (
        broker(tmp_path) as access,
        connect_mqtt(access) as mqtt,
    ):
        await mqtt.hear(STATES)
        waiting = asyncio.ensure_future(mqtt.receive())
        await asyncio.sleep(2.3)
        await mqtt.publish("fleet/agv-1/state", b"here")
        async with asyncio.timeout(2):
            assert await waiting == ("fleet/agv-1/state", b"here")


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.2, 0.25])
async def test_who_gives_up_while_it_connects_leaves_nothing_in_the_log(
    after_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    guests: set[asyncio.StreamWriter] = set()

    async def slow_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.add(writer)
        with suppress(OSError):
            await reader.read(100)
            await asyncio.sleep(0.2)
            writer.write(b"\x20\x02\x00\x00")
            while await reader.read(100):
                pass
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()
        guests.remove(writer)

    async def connect(port: int) -> None:
        access = BrokerAccess(host="127.0.0.1", port=port, client_id="gateway-test")
        async with connect_mqtt(access):
            await asyncio.Event().wait()

    async with await asyncio.start_server(slow_broker, "127.0.0.1", 0) as server:
        connecting = asyncio.ensure_future(connect(server.sockets[0].getsockname()[1]))
        await asyncio.sleep(after_s)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()  # the library dials in a thread
        await asyncio.sleep(0.3)
        async with asyncio.timeout(20):
            while guests:
                await asyncio.sleep(0.01)
    assert caplog.records == []
