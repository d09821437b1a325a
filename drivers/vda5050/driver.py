"""The driver of one fleet: one client at the broker for all its vehicles."""

import asyncio
from collections.abc import Sequence
from itertools import count
from math import inf
from typing import Final

import structlog

from drivers.links.errors import LinkError
from drivers.links.mqtt_port import Connect, MqttPort
from drivers.telegrams import Diagnosis
from drivers.teller import Teller
from drivers.timer import wait_until
from drivers.vda5050 import mandate
from drivers.vda5050.mandate import Mandate
from drivers.vda5050.messages import MAJOR
from drivers.vda5050.pauses import doubled
from drivers.vda5050.vehicle import VehicleFace
from gateway.contract.driver import DriverContext, Health, Telegram
from gateway.contract.vehicles import VehicleOrder, VehiclePose
from gateway.contract.wiring import FleetWiring, VehicleWiring

log = structlog.get_logger()

TOPICS: Final = (("connection", 1), ("state", 0), ("visualization", 0), ("factsheet", 0), (mandate.TOPIC, 0))
"""What vehicles publish, and at which QoS it is heard (6.2); and who commands them."""
RETRY_FIRST_S: Final = 0.25
RETRY_MAX_S: Final = 2.0
"""A connection is made again after pauses that double, up to this one, as long as none has lasted for as long."""
REFUSED_FIRST_S: Final = 1.0
REFUSED_MAX_S: Final = 30.0
"""What the broker does not let the gateway read is asked for again after pauses that double, up to this one."""
START_S: Final = 3.0
"""An embedded broker that starts beside the gateway has this long before its vehicles count as out of reach."""
WATCH_S: Final = 0.5


class Vda5050Driver:
    """VehicleDriver for one fleet.

    Args:
        connect: makes a connection to the fleet's broker.
        wiring: the vehicles' addresses.
        context: where reports and positions go.
    """

    def __init__(self, connect: Connect, wiring: FleetWiring, context: DriverContext) -> None:
        self._connect = connect
        self._prefix = f"{wiring.interface}/{MAJOR}"
        self._fleet_id = wiring.fleet_id
        self._context = context
        self._vehicles = {vehicle.device_id: self._face(vehicle, wiring) for vehicle in wiring.vehicles}
        self._addresses = {
            (face.wiring.manufacturer, face.wiring.serial): face for face in self._vehicles.values()
        }
        self._wake = asyncio.Event()
        self._dues = dict.fromkeys(self._vehicles, -inf)
        """When something is due to be sent to each vehicle, or sooner."""
        # One for each vehicle: their reports share commits instead of waiting for each other.
        self._tellers = {name: Teller(face, context) for name, face in self._vehicles.items()}
        self._lost = False
        self._missed_at = inf
        """When vehicles that have never been heard count as out of reach."""

    def _face(self, vehicle: VehicleWiring, wiring: FleetWiring) -> VehicleFace:
        own = Mandate(epoch=self._context.epoch, run=self._context.run)
        diagnosis = Diagnosis(self._context.clock)
        return VehicleFace(vehicle, own, diagnosis, wiring.resend_after_s, wiring.offline_after_s)

    def _address(self, vehicle: VehicleWiring) -> str:
        """Return what the vehicle's topics begin with (6.3)."""
        return f"{self._prefix}/{vehicle.manufacturer}/{vehicle.serial}"

    @property
    def device_ids(self) -> Sequence[str]:
        """The vehicles."""
        return tuple(self._vehicles)

    def send(self, order: VehicleOrder) -> None:
        """Make sure that the vehicle has this order or update."""
        self._vehicles[order.vehicle_id].send(order)
        self._reckon(order.vehicle_id)

    def cancel(self, vehicle_id: str, order_id: str, times: int = 0) -> None:
        """Ask the vehicle to cancel this order, until it shows that it has heard."""
        self._vehicles[vehicle_id].cancel(order_id, times)
        self._reckon(vehicle_id)

    def localise(self, pose: VehiclePose) -> None:
        """Tell the vehicle where it stands, until it shows that it has heard."""
        self._vehicles[pose.vehicle_id].localise(pose)
        self._reckon(pose.vehicle_id)

    def reset(self, device_id: str) -> None:
        """Forget what the vehicle was to be sent, and ask it for a fresh state."""
        self._vehicles[device_id].forget()
        self._reckon(device_id)

    def health(self, device_id: str) -> Health:
        """Tell how the wire to the vehicle is."""
        return self._vehicles[device_id].diagnosis.health()

    def telegrams(self, device_id: str) -> Sequence[Telegram]:
        """Return the last telegrams, oldest first."""
        return self._vehicles[device_id].diagnosis.telegrams()

    async def run(self) -> None:
        """Work until cancelled; survive whatever the broker does."""
        self._missed_at = asyncio.get_running_loop().time() + START_S
        async with asyncio.TaskGroup() as tasks:
            for teller in self._tellers.values():
                tasks.create_task(teller.run())
            tasks.create_task(self._watch())
            tasks.create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        now = asyncio.get_running_loop().time
        pause_s = RETRY_FIRST_S
        while True:
            since = inf
            try:
                async with self._connect() as port:
                    refused = await self._hear(port, self._subscriptions())
                    log.info("broker connected", fleet=self._fleet_id)
                    self._lost, since = False, now()
                    await self._work(port, refused)
            except* LinkError as errors:
                self._lose(f"the broker does not answer: {errors.exceptions[0]}")
            if now() - since >= RETRY_MAX_S:
                pause_s = RETRY_FIRST_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RETRY_MAX_S)

    def _subscriptions(self) -> list[tuple[str, int]]:
        return [
            (f"{self._address(face.wiring)}/{topic}", qos)
            for face in self._vehicles.values()
            for topic, qos in TOPICS
        ]

    async def _hear(self, port: MqttPort, topics: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Subscribe; return what the broker refuses, which is told as each vehicle's own trouble."""
        refused = await port.hear(topics)
        for name, face in self._vehicles.items():
            address = f"{self._address(face.wiring)}/"
            face.refused([topic for topic in refused if topic.startswith(address)])
            self._reckon(name)
            self._nudge(name)
        return [each for each in topics if each[0] in refused]

    async def _hear_again(self, port: MqttPort, refused: Sequence[tuple[str, int]]) -> None:
        """Subscribe to what the broker has refused until it does not: rights are given while it runs."""
        tries = count()
        while refused:
            await asyncio.sleep(doubled(REFUSED_FIRST_S, next(tries), REFUSED_MAX_S))
            refused = await self._hear(port, refused)

    async def _work(self, port: MqttPort, refused: Sequence[tuple[str, int]]) -> None:
        """Send and listen on one connection until it is lost, which raises LinkError."""
        for face in self._vehicles.values():
            face.connected(asyncio.get_running_loop().time())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_what_is_due(port))
            tasks.create_task(self._listen(port))
            tasks.create_task(self._hear_again(port, refused))

    async def _listen(self, port: MqttPort) -> None:
        now, now_us = asyncio.get_running_loop().time, self._context.clock.now_us
        while True:
            topic, payload = await port.receive()
            manufacturer, serial, name = topic.removeprefix(f"{self._prefix}/").split("/", 2)
            face = self._addresses.get((manufacturer, serial))
            if face is None:
                continue
            if name == mandate.TOPIC:
                face.take_mandate(payload, now())
            elif (position := face.take(name, payload, now(), now_us())) is not None:
                self._context.observe(position)
            self._reckon(face.wiring.device_id)
            self._nudge(face.wiring.device_id)

    async def _send_what_is_due(self, port: MqttPort) -> None:
        """Send to those whose time has come: a message concerns one of many."""
        now = asyncio.get_running_loop().time
        self._dues = dict.fromkeys(self._vehicles, -inf)
        while True:
            self._wake.clear()
            for name in [name for name, at in self._dues.items() if at <= now()]:
                await self._send(port, name)
                self._dues[name] = self._vehicles[name].next_due()
            next_due = min(self._dues.values(), default=inf)
            await wait_until(self._wake, None if next_due == inf else next_due)

    async def _send(self, port: MqttPort, name: str) -> None:
        face, now = self._vehicles[name], asyncio.get_running_loop().time()
        address = self._address(face.wiring)
        if (said := face.mandate(now)) is not None:
            await self._say(port, f"{address}/{mandate.TOPIC}", said)
            self._nudge(name)
        now = asyncio.get_running_loop().time()
        for topic, payload in face.outgoing(now, self._context.clock.now_us()):
            await port.publish(f"{address}/{topic}", payload)

    async def _say(self, port: MqttPort, topic: str, said: bytes) -> None:
        """Say who commands a vehicle; brokers may end the connection where their rules forbid it (MQTT 3.1.1, 3.3.5)."""
        try:
            await port.keep(topic, said)
        except LinkError as error:
            text = f"{error}, as the gateway wrote {topic}: if that comes again, let its user write there"
            raise LinkError(error.kind, text) from error

    def _reckon(self, name: str) -> None:
        """Have what is due sent; most messages change nothing about that, and waking somebody costs more than looking."""
        due = self._vehicles[name].next_due()
        if due < self._dues[name]:
            self._dues[name] = due
            self._wake.set()

    def _nudge(self, name: str) -> None:
        """Have told what is due; most messages bring no news, and waking somebody costs more than looking."""
        if self._vehicles[name].due():
            self._tellers[name].nudge()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            now = asyncio.get_running_loop().time()
            for name, face in self._vehicles.items():
                face.watch(now)
                self._reckon(name)
                self._nudge(name)

    def _lose(self, reason: str) -> None:
        if not self._lost:
            log.warning("broker lost", fleet=self._fleet_id, reason=reason)
        self._lost = True
        missed = asyncio.get_running_loop().time() >= self._missed_at
        for name, face in self._vehicles.items():
            face.lost(reason)
            if missed:
                face.missed(reason)
            self._tellers[name].nudge()
