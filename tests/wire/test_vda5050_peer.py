"""Fleet and driver against vehicles that know nothing of them: vda5050-sdk's, over the embedded broker.

What both sides agree about is the document. The vehicles check every order against the official schemas and their own reading
of acceptance (6.6.2), and drive in a few milliseconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from vda5050 import VehicleClient, VehicleConfig
from vda5050.client.agv.executor import OrderExecutor
from vda5050.model.common import Action
from vda5050.model.enums import OperatingMode
from vda5050.model.instant_actions import InstantActions
from vda5050.model.order import Order
from vda5050.model.state import Load, State

from drivers.links.mqtt import BrokerAccess, connect_mqtt
from drivers.links.nats_server import EmbeddedBroker
from drivers.vda5050.driver import Vda5050Driver
from gateway.contract.commands import Command, Op, Place
from gateway.contract.driver import DriverContext, VehicleDriver
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    DeviceOffline,
    DeviceRecovered,
    Position,
    Report,
)
from gateway.fleet.effects import CancelOrder, ResetVehicle, SendOrder
from gateway.fleet.fleet import Engine
from gateway.fleet.messages import FleetTick
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books
from gateway.kernel.clock import SystemClock
from gateway.site.wiring import fleet_wiring
from tests.fleet_model import grid_site
from tests.wire.test_embedded_broker import free_port, serving

pytestmark = pytest.mark.wire

UNTIL_S = 20.0
SITE = grid_site(6, 1, 2)
"""A lane n0_0 … n5_0 with parking nodes p0, at n0_0, and p1, at n3_0."""


class Peer(OrderExecutor):
    """A vehicle of vda5050-sdk with a place to stand, a load, and a pace."""

    def __init__(self, client: VehicleClient, start: str) -> None:
        super().__init__(client.publisher, node_delay=0.02, action_delay=0.05, enforce_map=False)
        self.client = client
        self.orders: asyncio.Queue[Order] = asyncio.Queue()
        self.executed: list[str] = []
        self.fails = False
        self.asked = 0
        self._publish = client.publisher.publish
        self.put_at(start)
        client.set_loads([])
        client.on_order(self.orders.put_nowait)
        client.on_instant_actions(self._count)

    def put_at(self, node_id: str) -> None:
        node = next(node for node in SITE.road_maps[0].nodes if node.id == node_id)
        self.client.publisher.last_node_id = node_id
        self.client.update_position(x=node.x, y=node.y, theta=0.0, map_id="hall")

    def _count(self, message: InstantActions) -> None:
        self.asked += [action.action_type for action in message.actions].count("stateRequest")

    def lose_states(self) -> None:
        """Let what it says get lost from now on."""
        self.client.publisher.publish = self._publish_nothing

    def stop_losing(self) -> None:
        self.client.publisher.publish = self._publish

    async def _publish_nothing(self) -> State:
        return self.client.publisher.build_state()

    def unlearn_questions(self) -> None:
        """Let it refuse `stateRequest`, as an action that it does not know."""
        handle = self.client._handle_default_instant_actions

        async def handle_others(message: InstantActions) -> set[str]:
            known = [action for action in message.actions if action.action_type != "stateRequest"]
            return await handle(message.model_copy(update={"actions": known}))

        self.client._handle_default_instant_actions = handle_others

    async def live(self) -> None:
        publisher = self.client.publisher
        while True:
            order = await self.orders.get()
            here = (publisher.last_node_id, publisher.last_node_sequence_id)
            # The executor trips over an order whose base leads nowhere yet.
            if any(node.released and (node.node_id, node.sequence_id) != here for node in order.nodes):
                await self.run(order)

    async def run_action(self, action: Action, **where: Any) -> None:
        if self.fails:
            raise RuntimeError("the fork is blocked")
        await super().run_action(action, **where)
        self.executed.append(action.action_id)
        if action.action_type in {"pick", "drop"}:
            load = {item.key: item.value for item in action.action_parameters or []}["loadId"]
            self.client.set_loads([Load(load_id=str(load))] if action.action_type == "pick" else [])


class Control:
    """The fleet room behind its driver; a commit is a matter of course here."""

    def __init__(self) -> None:
        self.books = Books()
        self.clock = SystemClock()
        self.numbers = count(1)
        self.reports: list[Any] = []
        self.positions: list[Position] = []
        engine = Engine(
            usable=lambda _: True,
            laden=lambda _: False,
            report=self.hear,
            next_job_id=lambda: next(self.numbers),
        )
        self.room = FleetRoom(self.books, SITE, engine)
        self.fleet = self.room.fleets["agvs"]
        self.driver: VehicleDriver | None = None
        self._news = asyncio.Event()

    def hear(self, report: object) -> None:
        self.reports.append(report)
        self._news.set()

    async def report(self, report: Report) -> None:
        await asyncio.sleep(0)
        self.ask(report)

    def ask(self, message: object) -> None:
        self.books.steady_us = self.clock.now_us()
        self.room.handlers[type(message)](message)
        self.settle()

    def settle(self) -> None:
        self.room.settle()
        _, effects = self.books.committed()
        assert self.driver is not None
        for effect in effects:
            match effect:
                case SendOrder(order=order):
                    self.driver.send(order)
                case CancelOrder(vehicle_id, order_id, times):
                    self.driver.cancel(vehicle_id, order_id, times)
                case ResetVehicle(vehicle_id=vehicle_id):
                    self.driver.reset(vehicle_id)
                case _:
                    raise AssertionError(effect)

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            self.ask(FleetTick())

    def command(self, op: Op, location_id: str, vehicle_id: str = "agv-0") -> int:
        place, job_id = Place(location_id, 7), next(self.numbers)
        self.fleet.assign(
            Command(
                job_id=job_id,
                device_id=vehicle_id,
                channel="main",
                seq=1,
                boot_id=1,
                op=op,
                source=place if op is Op.PICK else None,
                target=place if op is Op.DROP else None,
                container_id="TOTE-1",
            )
        )
        self.settle()
        return job_id

    async def heard(self, kind: type, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the first report of a kind that is wanted."""
        async with asyncio.timeout(UNTIL_S):
            while True:
                for report in self.reports:
                    if isinstance(report, kind) and wanted(report):
                        return report
                self._news.clear()
                await self._news.wait()

    async def all_online(self) -> None:
        for vehicle in SITE.fleets[0].vehicles:
            await self.heard(ChannelOnline, lambda report, v=vehicle: report.device_id == v.id)

    def base_of(self, vehicle_id: str) -> tuple[str, ...]:
        return next(row.base for row in self.fleet.rows() if row.vehicle_id == vehicle_id)

    async def done(self, job_id: int) -> None:
        await self.heard(CommandDone, lambda report: report.job_id == job_id)


@asynccontextmanager
async def peers(broker: EmbeddedBroker) -> AsyncGenerator[list[Peer]]:
    async with asyncio.TaskGroup() as tasks:
        made: list[Peer] = []
        for vehicle in SITE.fleets[0].vehicles:
            settings = VehicleConfig(
                manufacturer=vehicle.manufacturer,
                serial_number=vehicle.serial,
                broker_url=broker.url,
                username=broker.username,
                password=broker.password,
                validate_messages=True,
            )
            client = VehicleClient(settings)
            await client.connect()
            made.append(Peer(client, vehicle.start))
        running = [tasks.create_task(peer.live()) for peer in made]
        try:
            yield made
        finally:
            for task in running:
                task.cancel()
            for peer in made:
                await peer.client.disconnect()


@asynccontextmanager
async def driving(control: Control, broker: EmbeddedBroker) -> AsyncGenerator[None]:
    """Run the control with a driver of its own for as long as the context lasts."""
    port = int(broker.url.rpartition(":")[2])
    access = BrokerAccess(
        host="127.0.0.1", port=port, client_id="gateway", username=broker.username, password=broker.password
    )
    wiring = fleet_wiring(SITE.fleets[0]).model_copy(update={"resend_after_s": 0.3})
    context = DriverContext(
        clock=control.clock, epoch=1, run="run-1", report=control.report, observe=control.positions.append
    )
    driver = Vda5050Driver(partial(connect_mqtt, access), wiring, context)
    control.driver = driver
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(driver.run()), tasks.create_task(control.tick())]
        yield
        for task in running:
            task.cancel()


@asynccontextmanager
async def plant(tmp_path: Path) -> AsyncGenerator[tuple[Control, list[Peer]]]:
    async with (
        serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker,
        peers(broker) as vehicles,
    ):
        control = Control()
        async with driving(control, broker):
            await control.all_online()
            yield control, vehicles


async def test_transports_of_two_vehicles_on_one_lane(tmp_path: Path) -> None:
    async with plant(tmp_path) as (control, vehicles):
        first = control.command(Op.PICK, "L-n5_0", "agv-0")
        second = control.command(Op.PICK, "L-n0_0", "agv-1")
        await control.done(first)
        await control.done(second)
        assert [len(peer.executed) for peer in vehicles] == [1, 1]
        back = control.command(Op.DROP, "L-n1_0", "agv-0")
        await control.done(back)
        assert vehicles[0].client.publisher.loads == []
        assert not [
            report for report in control.reports if isinstance(report, CommandRejected | CommandFailed)
        ]
        health = control.driver.health("agv-0") if control.driver else None
        assert health is not None
        assert health.connected
        assert health.latency_ms is not None
        assert health.errors == {}


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(UNTIL_S):
        while not wanted():
            await asyncio.sleep(0.02)


async def test_a_vehicle_with_nothing_to_do_parks(tmp_path: Path) -> None:
    async with plant(tmp_path) as (control, vehicles):
        await control.done(control.command(Op.PICK, "L-n2_0", "agv-0"))
        await until(lambda: vehicles[0].client.publisher.last_node_id == "p0")


async def test_a_pick_that_fails(tmp_path: Path) -> None:
    async with plant(tmp_path) as (control, vehicles):
        vehicles[0].fails = True
        job_id = control.command(Op.PICK, "L-n2_0", "agv-0")
        failed = await control.heard(CommandFailed)
        assert (failed.job_id, failed.fault) == (job_id, Fault.DEVICE_FAULT)


async def test_a_command_that_is_withdrawn_while_the_vehicle_waits_for_its_base(tmp_path: Path) -> None:
    async with plant(tmp_path) as (control, vehicles):
        waiting, standing = vehicles
        standing.client.set_operating_mode(OperatingMode.MANUAL)
        standing.put_at("n3_0")
        await until(lambda: control.base_of("agv-1") == ("n3_0",))
        job_id = control.command(Op.PICK, "L-n5_0", "agv-0")
        await until(lambda: waiting.client.publisher.last_node_id == "n2_0")
        control.fleet.withdraw(job_id)
        control.settle()
        failed = await control.heard(CommandFailed)
        assert (failed.job_id, failed.fault) == (job_id, Fault.CANCELLED)
        standing.client.set_operating_mode(OperatingMode.AUTOMATIC)
        await control.heard(DeviceRecovered)
        await control.done(control.command(Op.PICK, "L-n5_0", "agv-0"))


async def test_a_gateway_that_is_started_again_goes_on_where_the_vehicle_is(tmp_path: Path) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker, peers(broker) as vehicles:
        control = Control()
        async with driving(control, broker):
            await control.all_online()
            job_id = control.command(Op.PICK, "L-n5_0", "agv-0")
            await control.heard(CommandAccepted)
        async with driving(control, broker):
            control.fleet.resume()
            control.settle()
            await control.done(job_id)
        assert len(vehicles[0].executed) == 1


async def test_a_vehicle_that_leaves_and_comes_back(tmp_path: Path) -> None:
    async with plant(tmp_path) as (control, vehicles):
        # a state on its way would make it online again
        await until(lambda: vehicles[1].asked == 1)
        await asyncio.sleep(0.2)
        await vehicles[1].client.disconnect()
        offline = await control.heard(DeviceOffline)
        assert (offline.device_id, offline.reason) == ("agv-1", "the vehicle's connection is OFFLINE")
        control.reports.clear()
        await vehicles[1].client.connect()
        await control.heard(ChannelOnline, lambda report: report.device_id == "agv-1")


async def test_lost_states_hold_a_vehicle_up_for_a_few_seconds_though_it_tells_them_every_30_s(
    tmp_path: Path,
) -> None:
    async with plant(tmp_path) as (control, vehicles):
        vehicles[0].lose_states()
        job_id = control.command(Op.PICK, "L-n5_0", "agv-0")
        await until(lambda: vehicles[0].client.publisher.last_node_id == "n2_0")
        await asyncio.sleep(0.5)
        vehicles[0].stop_losing()
        await control.done(job_id)
        assert vehicles[0].asked <= 3


async def test_a_vehicle_that_says_nothing_more_is_offline_soon_but_not_one_that_does_not_know_the_question(
    tmp_path: Path,
) -> None:
    async with serving(EmbeddedBroker(tmp_path, free_port(), tmp_path)) as broker, peers(broker) as vehicles:
        dead, ignorant = vehicles
        ignorant.unlearn_questions()
        control = Control()
        async with driving(control, broker):
            await control.all_online()
            await until(lambda: dead.asked == ignorant.asked == 1)
            await asyncio.sleep(0.3)
            since = asyncio.get_running_loop().time()
            for peer in vehicles:
                peer.lose_states()
            control.command(Op.PICK, "L-n1_0", "agv-0")
            control.command(Op.PICK, "L-n4_0", "agv-1")
            offline = await control.heard(DeviceOffline)
            assert (offline.device_id, offline.reason) == ("agv-0", "no answer, asked for its state 2 times")
            assert 7.5 < asyncio.get_running_loop().time() - since < 10
            await asyncio.sleep(1)
            assert [each.device_id for each in control.reports if isinstance(each, DeviceOffline)] == [
                "agv-0"
            ]
            assert (dead.asked, ignorant.asked) == (3, 1)
