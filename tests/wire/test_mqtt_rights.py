"""Brokers that do not let the gateway read everything: told with the topic, asked for again, nobody else's matter."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from drivers.links.errors import LinkError
from drivers.links.mqtt import BrokerAccess, connect_mqtt
from drivers.links.nats_server import server_binary
from drivers.vda5050.driver import Vda5050Driver
from gateway.contract.driver import DriverContext
from gateway.contract.reports import Report
from gateway.contract.vehicles import VehicleOffline, VehicleState
from gateway.contract.wiring import FleetWiring, VehicleWiring
from tests.wire.processes import free_ports

pytestmark = pytest.mark.wire

NAMES = ("agv-1", "agv-2")
WANTED = [("state", 0), ("connection", 1)]
CONNECT, UNSUBSCRIBE, PINGREQ = 0x10, 0xA0, 0xC0
"""Kinds of packets, as their first byte has them (MQTT 3.1.1, 2.2.1)."""
USER, PASSWORD = "gateway", "of this test alone"


class GuardedBroker:
    """A nats-server that lets one user write everything, and read what it was told."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(1)
        self._folder = folder
        self._server: asyncio.subprocess.Process | None = None

    def access(self, client_id: str) -> BrokerAccess:
        return BrokerAccess(
            host="127.0.0.1", port=self.port, client_id=client_id, username=USER, password=PASSWORD
        )

    async def start(self, *readable: str) -> None:
        self._write(readable)
        self._server = await asyncio.create_subprocess_exec(server_binary(), "-c", self._configuration)
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    def let_read(self, *readable: str) -> None:
        """Give the user other rights while the server runs."""
        self._write(readable)
        assert self._server is not None
        self._server.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            await self._server.wait()

    @property
    def _configuration(self) -> Path:
        return self._folder / "nats.conf"

    def _write(self, readable: tuple[str, ...]) -> None:
        subjects = [topic.replace("/", ".") for topic in readable]
        rights = {"publish": ">", "subscribe": {"allow": ["$MQTT.>", "_INBOX.>", *subjects]}}
        user = {"user": USER, "password": PASSWORD, "permissions": rights}
        configuration = {
            "server_name": "guarded",
            "host": "127.0.0.1",
            "port": -1,
            "mqtt": {"host": "127.0.0.1", "port": self.port},
            "authorization": {"users": [user]},
            "jetstream": {"store_dir": str(self._folder)},
            "log_file": str(self._folder / "nats.log"),
        }
        self._configuration.write_text(json.dumps(configuration))


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncGenerator[GuardedBroker]:
    guarded = GuardedBroker(tmp_path)
    try:
        yield guarded
    finally:
        await guarded.stop()


class Clock:
    def now_us(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e6)


class Gateway:
    """The driver of two vehicles, and what it has told."""

    def __init__(self, broker: GuardedBroker) -> None:
        self.reports: list[Report] = []
        vehicles = tuple(VehicleWiring(device_id=name, manufacturer="simco", serial=name) for name in NAMES)
        context = DriverContext(
            clock=Clock(), epoch=1, run="run-1", report=self._report, observe=lambda _: None
        )
        connect = partial(connect_mqtt, broker.access("gateway-run-1"))
        self.driver = Vda5050Driver(connect, FleetWiring(fleet_id="agvs", vehicles=vehicles), context)

    async def _report(self, report: Report) -> None:
        await asyncio.sleep(0)
        self.reports.append(report)

    def has_heard(self, name: str) -> bool:
        return any(isinstance(each, VehicleState) and each.vehicle_id == name for each in self.reports)

    def missed(self, name: str) -> list[str]:
        """Return why it has told that a vehicle is out of reach."""
        gone = [each for each in self.reports if isinstance(each, VehicleOffline)]
        return [each.reason for each in gone if each.vehicle_id == name]


@asynccontextmanager
async def driving(broker: GuardedBroker) -> AsyncGenerator[Gateway]:
    """Run a gateway, and two vehicles that tell their states."""
    gateway = Gateway(broker)

    async def tell() -> None:
        async with connect_mqtt(broker.access("vehicles")) as port:
            for number in range(1_000_000):
                body = {"headerId": number, "timestamp": "", "version": "2.1.0", "lastNodeId": "a"}
                for name in NAMES:
                    await port.publish(f"uagv/v2/simco/{name}/state", json.dumps(body).encode())
                await asyncio.sleep(0.1)

    async def vehicles() -> None:
        while True:
            try:
                await tell()
            except LinkError:  # a broker may throw everybody off when rights change
                await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(gateway.driver.run()), tasks.create_task(vehicles())]
        yield gateway
        for task in running:
            task.cancel()


async def until(wanted: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not wanted():
            await asyncio.sleep(0.05)


async def test_a_topic_that_the_broker_refuses_is_told_to_whoever_wants_to_hear_it(
    broker: GuardedBroker,
) -> None:
    await broker.start("uagv/v2/simco/agv-1/>")
    async with connect_mqtt(broker.access("reader")) as port:
        topics = [(f"uagv/v2/simco/{name}/{topic}", qos) for name in NAMES for topic, qos in WANTED]
        assert await port.hear(topics) == ["uagv/v2/simco/agv-2/state", "uagv/v2/simco/agv-2/connection"]


async def test_a_vehicle_whose_state_nobody_may_read_is_out_of_reach_alone_until_the_right_is_given(
    broker: GuardedBroker,
) -> None:
    # given a broker whose rules forget one vehicle
    await broker.start("uagv/v2/simco/agv-1/>")
    async with driving(broker) as gateway:
        # then the other one works
        await until(lambda: gateway.has_heard("agv-1"))
        # and this one shows which topic, and what to do
        await until(lambda: gateway.missed("agv-2"))
        (reason,) = gateway.missed("agv-2")
        assert "the broker refuses" in reason
        assert "uagv/v2/simco/agv-2/state" in reason
        assert "give the gateway's user the right to read it" in reason
        health = gateway.driver.health("agv-2")
        assert not health.connected
        assert health.errors["refused"] == 1
        assert not gateway.has_heard("agv-2")
        # when somebody adds the vehicle to the rules, it works without a restart
        broker.let_read("uagv/v2/simco/>")
        await until(lambda: gateway.has_heard("agv-2"))
        assert gateway.driver.health("agv-2").connected


async def test_a_broker_that_shuts_out_whoever_publishes_what_its_rules_forbid_is_asked_whether_it_lives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Found by reading: the sign of life was a message of the gateway's own, one second after the last of the vehicles."""
    asked: list[int] = []

    async def strict_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = {CONNECT: b"\x20\x02\x00\x00", UNSUBSCRIBE: b"\xb0\x02", PINGREQ: b"\xd0\x00"}
        try:
            while (kind := (await reader.readexactly(1))[0] & 0xF0) in answers:
                packet = await reader.readexactly((await reader.readexactly(1))[0])
                asked.append(kind)
                writer.write(answers[kind] + (packet[:2] if kind == UNSUBSCRIBE else b""))
        except asyncio.IncompleteReadError:
            pass
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(strict_broker, "127.0.0.1", 0) as server:
        access = BrokerAccess(
            host="127.0.0.1", port=server.sockets[0].getsockname()[1], client_id="gateway-test"
        )
        async with connect_mqtt(access) as mqtt:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2.5):
                    await mqtt.receive()
    assert asked.count(UNSUBSCRIBE) == 2
    assert caplog.records == []


async def test_a_broker_that_does_not_answer_for_each_topic_is_an_error_of_the_wire() -> None:
    guests: list[asyncio.StreamWriter] = []

    async def careless_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.append(writer)
        await reader.read(1000)
        writer.write(b"\x20\x02\x00\x00")
        subscribe = await reader.read(1000)
        writer.write(b"\x90\x03" + subscribe[2:4] + b"\x00")

    async with await asyncio.start_server(careless_broker, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkError, match="1 answers of the broker to 2 subscriptions"):
            async with connect_mqtt(BrokerAccess(host="127.0.0.1", port=port, client_id="reader")) as mqtt:
                await mqtt.hear([("a/state", 0), ("b/state", 0)])
        for writer in guests:
            writer.close()
            await writer.wait_closed()
