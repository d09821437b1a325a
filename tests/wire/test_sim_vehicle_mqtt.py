"""The MQTT face of simulated vehicles where the broker behaves badly, and a whole fleet at once."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from drivers.links.nats_server import EmbeddedBroker
from gateway.contract.wiring import MqttLink
from sim_devices.faces.mqtt import BrokerAccess, MqttBroker
from tests.vehicles import on_line
from tests.wire.test_embedded_broker import free_port, retained, server_processes, serving
from tests.wire.test_sim_vehicle_master import TOPIC, access_of

pytestmark = pytest.mark.wire


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server in /proc")
async def test_a_vehicle_is_back_after_the_broker_was_killed(tmp_path: Path) -> None:
    async with (
        serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker,
        on_line(MqttBroker(access_of(broker))),
    ):
        first = await connection(broker)
        (pid,) = server_processes()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(8):
            while await connection(broker) in {first, None}:
                await asyncio.sleep(0.05)


async def connection(broker: EmbeddedBroker) -> bytes | None:
    """Return the vehicle's last connection message, if the broker is there."""
    with suppress(aiomqtt.MqttError):
        return await retained(broker, f"{TOPIC}/connection")
    return None


async def test_a_broker_that_never_answers_leaves_nothing_behind() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with on_line(MqttBroker(BrokerAccess(host="127.0.0.1", port=port))):
            await asyncio.sleep(0.2)


def test_access_is_read_from_a_link_of_the_site_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open sesame\n")
    link = MqttLink(
        kind="mqtt", id="broker", url="mqtt://plant:1884", username="sim", password_file=Path("secret")
    )
    access = BrokerAccess.of_link(link, tmp_path)
    assert (access.host, access.port, access.username, access.password) == (
        "plant",
        1884,
        "sim",
        "open sesame",
    )
    assert access.tls is None
    assert "sesame" not in repr(access)
