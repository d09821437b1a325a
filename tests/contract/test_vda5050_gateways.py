"""Two gateways at the same vehicles, each with data of its own: one commands, the others stand back and say so.

The same specifications on a broker in memory and on the embedded one. The vehicle tells its state a few times a second and
does nothing else; what each gateway hands to the broker is written down.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from drivers.links.mqtt import BrokerAccess, connect_mqtt
from drivers.links.mqtt_memory import MemoryBroker
from drivers.links.mqtt_port import Connect, MqttPort
from drivers.links.nats_server import EmbeddedBroker
from drivers.vda5050.driver import Vda5050Driver
from drivers.vda5050.mandate import OUTRANKED, UNHEARD, Mandate
from gateway.contract.driver import DriverContext
from gateway.contract.reports import Report
from gateway.contract.vehicles import OrderNode, VehicleOrder, VehicleState
from gateway.contract.wiring import FleetWiring, VehicleWiring
from tests.virtual_loop import run
from tests.wire.test_embedded_broker import free_port, serving

pytestmark = pytest.mark.contract

Json = dict[str, Any]
Connecting = Callable[[str], Connect]
"""Client id → how to connect."""

ADDRESS = "uagv/v2/simco/agv-1"
MANDATE = f"{ADDRESS}/gateway/epoch"
WIRING = FleetWiring(
    fleet_id="agvs",
    vehicles=(VehicleWiring(device_id="agv-1", manufacturer="simco", serial="agv-1"),),
    resend_after_s=0.3,
)
QUIET_S = 0.7
"""Long enough for anything that is due to go out twice."""


@asynccontextmanager
async def memory(_: Path) -> AsyncGenerator[Connecting]:
    broker = MemoryBroker()
    yield lambda _: broker.connect


@asynccontextmanager
async def embedded(folder: Path) -> AsyncGenerator[Connecting]:
    port = free_port()
    async with serving(EmbeddedBroker(folder / "broker", port, folder / "access")) as broker:

        def connecting(client_id: str) -> Connect:
            access = BrokerAccess(
                host="127.0.0.1",
                port=port,
                client_id=client_id,
                username=broker.username,
                password=broker.password,
            )
            return partial(connect_mqtt, access)

        yield connecting


@pytest.fixture(params=[memory, embedded], ids=["memory", "embedded"])
async def connecting(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Connecting]:
    async with request.param(tmp_path) as connecting:
        yield connecting


class Clock:
    def now_us(self) -> int:
        return round(asyncio.get_running_loop().time() * 1e6)


class WrittenDown:
    """A connection that remembers what was handed to it."""

    def __init__(self, port: MqttPort, sent: list[str]) -> None:
        self._port = port
        self._sent = sent

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        return await self._port.hear(topics)

    async def publish(self, topic: str, payload: bytes) -> None:
        self._sent.append(topic.removeprefix(f"{ADDRESS}/"))
        await self._port.publish(topic, payload)

    async def keep(self, topic: str, payload: bytes) -> None:
        self._sent.append(topic.removeprefix(f"{ADDRESS}/"))
        await self._port.keep(topic, payload)

    async def receive(self) -> tuple[str, bytes]:
        return await self._port.receive()


class Gateway:
    """One run of a gateway, as far as it matters to vehicles."""

    def __init__(self, connecting: Connecting, epoch: int, run: str) -> None:
        self.sent: list[str] = []
        self.states: list[VehicleState] = []
        self._connect = connecting(f"gateway-{run}")
        context = DriverContext(
            clock=Clock(), epoch=epoch, run=run, report=self._report, observe=lambda _: None
        )
        self.driver = Vda5050Driver(self._written_down, WIRING, context)

    @asynccontextmanager
    async def _written_down(self) -> AsyncGenerator[MqttPort]:
        async with self._connect() as port:
            yield WrittenDown(port, self.sent)

    async def _report(self, report: Report) -> None:
        await asyncio.sleep(0)
        if isinstance(report, VehicleState):
            self.states.append(report)

    @property
    def barred(self) -> str | None:
        """Why it sends nothing; empty: it commands; None: it has not heard the vehicle."""
        return self.states[-1].barred if self.states else None

    async def quiet(self) -> bool:
        """Tell whether it sends nothing, whatever it is asked for."""
        self.sent.clear()
        for number in range(3):
            self.driver.send(order(f"quiet-{number}"))
            self.driver.cancel("agv-1", f"quiet-{number}")
            self.driver.reset("agv-1")
            await asyncio.sleep(QUIET_S / 3)
        return self.sent == []


@asynccontextmanager
async def running(connecting: Connecting, epoch: int, run: str = "") -> AsyncGenerator[Gateway]:
    gateway = Gateway(connecting, epoch, run or f"run-{epoch}")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(gateway.driver.run())
        yield gateway
        task.cancel()


@asynccontextmanager
async def vehicle(connecting: Connecting) -> AsyncGenerator[list[Json]]:
    """Let a vehicle stand at node a; yield the orders that have come."""
    orders: list[Json] = []
    async with connecting("vehicle")() as port, asyncio.TaskGroup() as tasks:
        await port.hear([(f"{ADDRESS}/order", 0)])

        async def hear() -> None:
            while True:
                orders.append(json.loads((await port.receive())[1]))

        async def tell() -> None:
            for number in count():
                body = {"headerId": number, "timestamp": "", "version": "2.1.0", "lastNodeId": "a"}
                await port.publish(f"{ADDRESS}/state", json.dumps(body).encode())
                await asyncio.sleep(0.1)

        running = [tasks.create_task(hear()), tasks.create_task(tell())]
        yield orders
        for task in running:
            task.cancel()


def order(order_id: str) -> VehicleOrder:
    node = OrderNode(node_id="a", sequence_id=0, released=True, x=0, y=0)
    return VehicleOrder(
        vehicle_id="agv-1", order_id=order_id, update_id=0, after="", map_id="hall", nodes=(node,), edges=()
    )


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not wanted():
            await asyncio.sleep(0.02)


async def kept(connecting: Connecting) -> Mandate:
    """Return what the broker has retained."""
    async with connecting("reader")() as port, asyncio.timeout(10):
        await port.hear([(MANDATE, 0)])
        return Mandate.model_validate_json((await port.receive())[1])


async def say(connecting: Connecting, payload: bytes) -> None:
    async with connecting("speaker")() as port:
        await port.keep(MANDATE, payload)


async def test_a_gateway_says_that_it_commands_before_it_sends_anything(connecting: Connecting) -> None:
    async with vehicle(connecting) as orders, running(connecting, 1) as gateway:
        gateway.driver.send(order("first"))
        await until(lambda: orders != [])
        assert gateway.sent[:3] == ["gateway/epoch", "instantActions", "order"]
        assert await kept(connecting) == Mandate(epoch=1, run="run-1")
        assert gateway.barred == ""


async def test_the_newer_gateway_takes_over_and_the_older_sends_nothing_more(connecting: Connecting) -> None:
    async with vehicle(connecting) as orders, running(connecting, 1) as older:
        await until(lambda: older.barred == "")
        async with running(connecting, 2) as newer:
            await until(lambda: older.barred == OUTRANKED)
            assert await older.quiet()
            newer.driver.send(order("newer"))
            await until(lambda: "newer" in [each["orderId"] for each in orders])
            assert newer.barred == ""
        # the newer one is gone: the older one does not know why, and stays where it is
        assert await older.quiet()
        assert not [each for each in orders if each["orderId"].startswith("quiet")]


async def test_an_older_gateway_that_comes_later_is_told_at_once(connecting: Connecting) -> None:
    async with vehicle(connecting), running(connecting, 2) as newer:
        await until(lambda: newer.barred == "")
        async with running(connecting, 1) as older:
            await until(lambda: older.barred is not None)
            assert older.barred == OUTRANKED
            assert await older.quiet()
        assert newer.barred == ""
        assert await kept(connecting) == Mandate(epoch=2, run="run-2")


async def test_an_older_gateway_that_is_started_again_has_a_higher_epoch_and_takes_over(
    connecting: Connecting,
) -> None:
    async with vehicle(connecting), running(connecting, 2) as newer:
        await until(lambda: newer.barred == "")
        async with running(connecting, 3) as again:
            await until(lambda: newer.barred == OUTRANKED)
            await until(lambda: again.barred == "")


async def test_of_two_gateways_with_the_same_epoch_exactly_one_commands(connecting: Connecting) -> None:
    async with (
        vehicle(connecting),
        running(connecting, 5, "run-a") as one,
        running(connecting, 5, "run-b") as other,
    ):
        await until(lambda: (one.barred, other.barred) == (OUTRANKED, ""))
        assert await one.quiet()


async def test_a_lower_word_that_is_left_at_the_broker_is_answered(connecting: Connecting) -> None:
    async with vehicle(connecting), running(connecting, 2) as gateway:
        await until(lambda: gateway.barred == "")
        await say(connecting, Mandate(epoch=1, run="run-1").model_dump_json().encode())
        async with asyncio.timeout(10):
            while await kept(connecting) != Mandate(epoch=2, run="run-2"):
                await asyncio.sleep(0.05)
        assert gateway.barred == ""


async def test_a_person_can_end_the_reign_of_a_gateway_with_a_wrong_clock(connecting: Connecting) -> None:
    await say(connecting, Mandate(epoch=2**32 - 1, run="future").model_dump_json().encode())
    async with vehicle(connecting) as orders, running(connecting, 2) as gateway:
        await until(lambda: gateway.barred == OUTRANKED)
        gateway.driver.send(order("late"))
        await say(connecting, b"")
        await until(lambda: gateway.barred == "")
        await until(lambda: orders != [])


def test_a_broker_that_has_forgotten_is_told_again_even_by_an_older_gateway() -> None:
    async def scenario() -> None:
        broker = MemoryBroker()

        def connecting(_: str) -> Connect:
            return broker.connect

        async with running(connecting, 1) as older:
            async with vehicle(connecting):
                await until(lambda: older.barred == "")
                await say(connecting, Mandate(epoch=9, run="away").model_dump_json().encode())
                await until(lambda: older.barred == OUTRANKED)
            broker.stop()
            broker.forget()
            broker.start()
            await until(lambda: broker.kept(MANDATE) != [])
            assert await kept(connecting) == Mandate(epoch=9, run="away")
            heard = len(older.states)
            async with vehicle(connecting):
                await until(lambda: len(older.states) > heard)
                assert older.barred == OUTRANKED
                assert await older.quiet()

    run(scenario)


def test_a_broker_that_passes_nothing_on_is_told_as_the_reason() -> None:
    async def scenario() -> None:
        broker = MemoryBroker()

        def connecting(_: str) -> Connect:
            return partial(without_mandates, broker)

        async with vehicle(connecting), running(connecting, 1) as gateway:
            await until(lambda: gateway.barred == UNHEARD)
            gateway.driver.send(order("never"))
            await asyncio.sleep(QUIET_S)
            assert set(gateway.sent) == {"gateway/epoch"}

    run(scenario)


class WithoutMandates(WrittenDown):
    """A connection to a broker whose access rules know the topics of VDA 5050 alone, and which says nothing about it."""

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        return await super().hear([each for each in topics if each[0] != MANDATE])


@asynccontextmanager
async def without_mandates(broker: MemoryBroker) -> AsyncGenerator[MqttPort]:
    async with broker.connect() as port:
        yield WithoutMandates(port, [])
