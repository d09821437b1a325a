"""The MQTT face of simulated vehicles where the broker behaves badly, and a whole fleet at once."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from drivers.links.nats_server import EmbeddedBroker
from gateway.app import embedded_broker
from gateway.cli.options import SimOptions, site_of
from gateway.cli.simulation import Simulation
from gateway.contract.wiring import MqttLink
from sim_devices.faces.mqtt import BrokerAccess, MqttBroker
from sim_devices.vehicles.line import Publication
from tests.vehicles import on_line
from tests.wire.processes import DEMO, free_ports
from tests.wire.test_embedded_broker import free_port, retained, server_processes, serving, until_silent
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


async def test_every_vehicle_says_goodbye_before_the_broker_of_the_simulation_ends(tmp_path: Path) -> None:
    port = free_ports(8)
    site = site_of(DEMO, port, None)
    simulation = Simulation(SimOptions(site=site, port=0, speed=1.0, seed=1, faults=None), tmp_path)
    (link,) = (link for link in site.links if isinstance(link, MqttLink))
    async with simulation.running(), asyncio.timeout(10):
        while await connections(embedded_broker(link, tmp_path)) != {"ONLINE": 6}:
            await asyncio.sleep(0.1)
    await until_silent(link.port)
    async with serving(embedded_broker(link, tmp_path)) as broker:
        assert await connections(broker) == {"OFFLINE": 6}


async def connections(broker: EmbeddedBroker) -> Counter[str]:
    """Return how many vehicles of the demo site have told what of their connection last."""
    topics = (f"uagv/v2/simco/agv-{number}/connection" for number in range(1, 7))
    return Counter([json.loads(await retained(broker, topic))["connectionState"] for topic in topics])


async def test_a_broker_that_never_answers_leaves_nothing_behind() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with on_line(MqttBroker(BrokerAccess(host="127.0.0.1", port=port))):
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("answer", [aiomqtt.MqttError("refused"), None], ids=["refused", "connected"])
async def test_a_vehicle_that_is_told_to_stop_in_the_moment_of_the_brokers_answer_stops(
    monkeypatch: pytest.MonkeyPatch, answer: aiomqtt.MqttError | None
) -> None:
    """What waits in the library then raises, or returns, as if nothing were; who tries again never ends."""
    answered = asyncio.get_running_loop().create_future()

    async def connect(_: aiomqtt.Client) -> None:
        await asyncio.wait_for(answered, 5)

    monkeypatch.setattr(aiomqtt.Client, "__aenter__", connect)
    will = Publication("connection", b"")

    async def live() -> None:
        async with MqttBroker(BrokerAccess(host="127.0.0.1", port=1)).connect("agv-1", will):
            raise AssertionError("it lives on")

    living = asyncio.ensure_future(live())
    await asyncio.sleep(0)
    if answer is None:
        answered.set_result(None)
    else:
        answered.set_exception(answer)
    living.cancel()
    with pytest.raises(asyncio.CancelledError):
        await living


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
