"""A whole plant in one process: the production gateway, run after run, over simulated devices and vehicles that go on without it.

Everything that is chance comes from one seed, each part with a source of its own; everything that is time from the loop.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import Final

from drivers.links.modbus_port import MemoryModbus, ModbusPort
from drivers.links.mqtt_memory import MemoryBroker
from drivers.links.mqtt_port import Connect as MqttConnect
from drivers.links.opcua_memory import MemoryOpcUa
from drivers.links.opcua_port import OpcUaPort
from gateway.app import Gateway, Settings, Surroundings, open_gateway
from gateway.contract.faults import Refusal
from gateway.contract.wiring import ModbusLink, MqttLink, OpcUaLink
from gateway.kernel.ports import StoreFull
from gateway.site.load import load_site
from gateway.site.model import Carrier, Site
from gateway.store.database import open_writer
from gateway.store.inline import InlineStore
from gateway.store.ownership import Fenced
from gateway.transport.tables import TransportTables
from sim_devices.clock import SimClock, seeded
from sim_devices.faces.memory import NodeLine, RegisterLine
from sim_devices.faces.nodes import NodeSpace
from sim_devices.faces.registers import RegisterSpace
from sim_devices.faults.book import FaultBook, NotPossible
from sim_devices.picker import Habits
from sim_devices.plc import Plc
from sim_devices.site import SimulatedSite
from sim_devices.vehicles.fleet import Vehicles
from sim_devices.world import World
from tests.sim.front import Front
from tests.sim.life import Disk, Life, mortal
from tests.sim.receiver import Receiver
from tests.sim.wires import Buffers, Nodes, Registers, Trip, VehicleBroker, Weather, gateway_connect
from tests.sim.witness import Witness

DEMO: Final = Path(__file__).parents[2] / "config" / "demo"
START_US: Final = 1_790_000_000_000_000
RESTART_S: Final = (0.5, 6.0)
MOTION_SPEED: Final = 4.0
"""Motion is so many times as fast as in the plant; wires and gateway are not. So more happens between two polls."""


@lru_cache
def demo_site() -> Site:
    """Return the demo site."""
    return load_site(DEMO)


class WallClock:
    """Wall-clock time: virtual time and an offset that somebody may change."""

    def __init__(self) -> None:
        self.offset_us = 0
        self._time = asyncio.get_running_loop().time

    def now_us(self) -> int:
        return START_US + self.offset_us + round(self._time() * 1e6)


@dataclass
class Tally:
    """What has happened to the gateway's process."""

    runs: int = 0
    crashes: dict[str, int] = field(default_factory=dict[str, int])


class Plant:
    """The gateway and everything around it.

    Attributes:
        world, faults: of the simulated devices.
        front: the gateway's HTTP interface.
        gateway, life: the run that is under way, if there is one.
        clock, vehicles_clock: the wall clocks of the gateway's machine and of the vehicles.
        disk: on which the database of all runs is.
        buffers: on the wires to PLC devices.
        weather: of the network behind the broker and the OPC UA servers.
        witness: stands beside the PLC devices.
        seen: neither a load nor what the books say of loads and their commands has changed since somebody has looked.
    """

    def __init__(self, seed: int, site: Site | None = None, speed: float = MOTION_SPEED) -> None:
        self.site = site or demo_site()
        self.seed = seed
        self.clock = WallClock()
        self.vehicles_clock = WallClock()
        self.disk = Disk()
        self.tally = Tally()
        self.broker = MemoryBroker()
        self.front = Front(seeded(seed, "front"))
        self.receiver = Receiver(seeded(seed, "receiver"))
        self.devices = SimulatedSite(self.site, SimClock(speed), seed, habits=Habits())
        self.vehicles = self._vehicles()
        self.devices.add(self.vehicles)
        self.gateway: Gateway | None = None
        self.life: Life | None = None
        self.buffers = Buffers()
        self.weather = Weather(seeded(seed, "weather"))
        self._older: list[Life] = []
        self._books = open_writer(None)
        self._store = InlineStore(self._books)
        self.witness = Witness(self.devices, self.vehicles, self._store)
        self._lines = {link_id: self._line(link_id) for link_id in self.devices.links}
        self._chance = seeded(seed, "restarts")
        self._look: Callable[[], None] = lambda: None
        self.seen = False

    @property
    def world(self) -> World:
        return self.devices.world

    @property
    def faults(self) -> FaultBook:
        return self.devices.faults

    def watch(self, look: Callable[[], None]) -> None:
        """Have somebody look after every commit and every move of a load."""

        def look_again() -> None:
            self.seen = False
            look()

        self._look = look
        movers = {device.id for device in self.site.devices if isinstance(device, Carrier)}
        vehicles = {vehicle.id for fleet in self.site.fleets for vehicle in fleet.vehicles}
        for spot in movers | vehicles | self.site.all_locations.keys():
            self.world.watch(spot, look_again)

    def at_rest(self, device_id: str) -> bool:
        """Tell whether a device has power and does nothing, as anybody who stands before it sees."""
        device = self.devices._devices.get(device_id)
        if isinstance(device, Plc):
            return device.powered and all(channel.due is None for channel in device.channels.values())
        return True

    def localise(self, vehicle_id: str) -> None:
        """Drive a vehicle that does not know where it is to the nearest node and tell it there, as somebody must."""
        vehicle = self.vehicles._lines[vehicle_id]._vehicle
        if not vehicle.condition.localised:
            with suppress(NotPossible):  # without power, or while its sensors are blind: somebody comes again
                self.vehicles.localise(vehicle_id, None)

    async def run(self) -> None:
        """Run everything until cancelled; the gateway is started again after each crash."""
        with closing(self._books):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.devices.run_in_memory())
                tasks.create_task(self._keep_gateway())

    async def _keep_gateway(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                self.tally.runs += 1
                self.life = life = Life()
                running = tasks.create_task(self._run_gateway(life))
                await life.left.wait()
                if life.over.is_set():
                    await asyncio.wait([running])
                else:
                    self._older.append(life)
                self.gateway = None
                await asyncio.sleep(self._chance.uniform(*RESTART_S))

    def end_older(self) -> None:
        """End all runs that others have replaced."""
        for life in self._older:
            life.end()
        self._older.clear()

    async def _run_gateway(self, life: Life) -> None:
        """Run one gateway until it crashes, or is fenced by the one that has replaced it, or finds no room to start."""
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(self._live(life))
                await life.over.wait()
                running.cancel()
        except* Fenced:
            life.end()
        except* (StoreFull, Refusal):
            if life.open:
                raise
            life.end()

    async def _live(self, life: Life) -> None:
        settings = Settings(site=self.site, data=Path())
        async with open_gateway(settings, self._surroundings(life)) as gateway:
            self.gateway, life.open = gateway, True
            self._follow(gateway.tables)
            self.front.open(gateway, life)
            await life.hang()

    def _follow(self, tables: TransportTables) -> None:
        """Note whatever changes in the books by which loads are judged."""
        self.seen = False

        def note(_old: object, _new: object) -> None:
            self.seen = False

        tables.transports.watch(note)
        tables.containers.watch(note)
        tables.jobs.watch(note)

    def _surroundings(self, life: Life) -> Surroundings:
        chance = seeded(self.seed, f"run {self.tally.runs}")
        return Surroundings(
            clock=self.clock,
            rng=chance,
            store=partial(mortal, self._store, self.disk, life, chance, self._look),
            modbus=partial(self._modbus, Trip(life, chance, self.buffers)),
            opcua=partial(self._opcua, Trip(life, chance, self.buffers)),
            mqtt=partial(self._mqtt, Trip(life, chance, self.buffers)),
            sender=self.receiver.sender(life),
            runners={},
        )

    def _modbus(self, trip: Trip, link: ModbusLink) -> ModbusPort:
        line = self._lines[link.id]
        assert isinstance(line, RegisterLine)
        return MemoryModbus(Registers(line, trip), link.timeout_ms / 1000)

    def _opcua(self, trip: Trip, link: OpcUaLink) -> AbstractAsyncContextManager[OpcUaPort]:
        line = self._lines[link.id]
        assert isinstance(line, NodeLine)
        return MemoryOpcUa(Nodes(line, trip, self.weather)).connect(link)

    def _mqtt(self, trip: Trip, link: MqttLink, client_id: str) -> MqttConnect:
        return gateway_connect(self.broker, trip, self.weather)

    def _line(self, link_id: str) -> RegisterLine | NodeLine:
        link = self.devices.links[link_id]
        match link.space:
            case RegisterSpace() as space:
                return RegisterLine(space, link.wire)
            case NodeSpace() as space:
                return NodeLine(space, link.wire)

    def _vehicles(self) -> Vehicles:
        chance: Random = seeded(self.seed, "vehicles' wires")
        brokers = {
            link.id: VehicleBroker(self.broker, chance)
            for link in self.site.links
            if isinstance(link, MqttLink)
        }
        devices = self.devices
        return Vehicles(self.site, devices.world, devices.clock, devices.faults, self.vehicles_clock, brokers)
