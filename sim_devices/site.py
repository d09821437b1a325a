"""A whole simulated site: the world, every PLC device of the site file, their links, and whatever else is added to run.

All devices share one world, one clock and one book of faults. Each draws from its own seeded source of chance.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from gateway.contract.wiring import ModbusLink, MqttLink, OpcUaLink
from gateway.site.model import Carrier, Conveyor, Device, PutWall, Site
from sim_devices.carrier import CarrierMachine
from sim_devices.clock import SimClock, seeded
from sim_devices.conveyor import ConveyorMachine
from sim_devices.faces.modbus import ModbusServer
from sim_devices.faces.nodes import NodeSpace
from sim_devices.faces.opcua import OpcUaServer
from sim_devices.faces.registers import RegisterSpace
from sim_devices.faces.wire import WIRE_FAULTS, Wire
from sim_devices.faults.book import FaultBook, NotPossible
from sim_devices.faults.file import FaultFile, play
from sim_devices.faults.kinds import DuplicateReply
from sim_devices.picker import Habits, Picker
from sim_devices.plc import Plc
from sim_devices.putwall import Button, PutWallDevice
from sim_devices.runner import Runner, Stepped
from sim_devices.sensors import SCANNER_FAULTS, SENSOR_FAULTS, Sensors
from sim_devices.surface import Surface, plc_surface, wall_surface
from sim_devices.world import World


class Part(Protocol):
    """Something that runs as long as the site does."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class PlcLink:
    """One link of PLC devices: what they offer, in memory, and the cable."""

    link: OpcUaLink | ModbusLink
    space: NodeSpace | RegisterSpace
    wire: Wire

    def server(self, root: Path) -> OpcUaServer | ModbusServer:
        """Make what puts it on a socket; relative paths start from `root`."""
        match self.link, self.space:
            case OpcUaLink() as link, NodeSpace() as space:
                return OpcUaServer(link, root, space, self.wire)
            case ModbusLink() as link, RegisterSpace() as space:
                return ModbusServer(link, space, self.wire)
            case _:
                raise TypeError(f"{self.link.id}: a {self.link.kind} link over a {type(self.space).__name__}")


class SimulatedSite:
    """A site whose PLC devices are simulated.

    Attributes:
        world, clock, faults: shared by everything that is simulated; vehicles are made with these.
        links: the PLC links by id; a driver's link in memory uses their spaces and wires.
        listening: set once clients can connect to all of them.
    """

    def __init__(
        self,
        site: Site,
        clock: SimClock,
        seed: int,
        habits: Habits | None = None,
        fault_file: FaultFile | None = None,
        birth: int = 0,
        stock: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        """Make a site whose devices are off; they are switched on when it runs.

        Args:
            site: a checked site.
            clock: simulated time.
            seed: of all chance, but that of the fault file, which has its own.
            habits: of the automatic pickers at the put walls; None: nobody is there.
            fault_file: faults that happen by themselves.
            birth: another number for every process, so that devices which have lost their memory with the process before
                show another `bootId`; where a seed shall repeat a whole run, always the same.
            stock: (container, spot) of the beginning; None: what the site file says.
        """
        self.site = site
        self.world = World.of_site(site, stock)
        self.clock = clock
        self.faults = FaultBook()
        self.links: dict[str, PlcLink] = {}
        self.listening = asyncio.Event()
        self._seed = seed
        self._birth = birth
        self._habits = habits
        self._fault_file = fault_file or FaultFile()
        self._devices: dict[str, Plc | PutWallDevice] = {}
        self._runners: dict[str, Runner] = {}
        self._parts: list[Part] = [self.faults]
        for link in site.links:
            if not isinstance(link, MqttLink):
                self._add_link(link, [device for device in site.devices if device.link == link.id])

    def add(self, part: Part) -> None:
        """Let something else run along, such as vehicles."""
        self._parts.append(part)

    async def run(self) -> None:
        """Run everything, PLC devices on their sockets, until cancelled.

        Raises:
            ExceptionGroup: of OSError if a port is taken or a certificate cannot be read; of NotPossible if the fault file
                asks for what cannot happen.
        """
        async with asyncio.TaskGroup() as tasks:
            self._run_devices(tasks)
            for link in self.links.values():
                listening = asyncio.Event()
                tasks.create_task(link.server(self.site.root).run(listening))
                await listening.wait()
            # Vehicles go to a broker, which takes whoever comes: where another program has the ports, they are its vehicles.
            self._run_parts(tasks)
            self.listening.set()

    async def run_in_memory(self) -> None:
        """Run everything but the sockets of PLC devices, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._run_devices(tasks)
            self._run_parts(tasks)

    def press(self, wall_id: str, slot_id: str, button: Button) -> None:
        """Touch a slot of a put wall.

        Raises:
            NotPossible: no such put wall, or no such slot.
        """
        model, wall = self.site.by_id.get(wall_id), self._devices.get(wall_id)
        if not isinstance(model, PutWall) or not isinstance(wall, PutWallDevice):
            raise NotPossible(f"there is no put wall {wall_id}")
        if slot_id not in model.slot_ids():
            raise NotPossible(f"{wall_id} has no slot {slot_id}; it has {', '.join(model.slot_ids())}")
        self._runners[wall_id].act(partial(wall.press, model.slot_ids().index(slot_id), button))

    def _run_devices(self, tasks: asyncio.TaskGroup) -> None:
        for runner in self._runners.values():
            tasks.create_task(runner.run())

    def _run_parts(self, tasks: asyncio.TaskGroup) -> None:
        for part in self._parts:
            tasks.create_task(part.run())
        tasks.create_task(play(self._fault_file, self.faults, seeded(self._fault_file.seed, "faults")))

    def _add_link(self, link: OpcUaLink | ModbusLink, models: Sequence[Device]) -> None:
        devices = [self._make(model) for model in models]
        kinds = WIRE_FAULTS | {DuplicateReply} if isinstance(link, ModbusLink) else WIRE_FAULTS
        troubles = self.faults.register_link(link.id, [model.id for model in models], kinds)
        wire = Wire(troubles, partial(_any_powered, devices))
        space = NodeSpace() if isinstance(link, OpcUaLink) else RegisterSpace()
        self.links[link.id] = PlcLink(link, space, wire)
        for model, device in zip(models, devices, strict=True):
            self._mount(model, device, space, wire)

    def _mount(
        self, model: Device, device: Plc | PutWallDevice, space: NodeSpace | RegisterSpace, wire: Wire
    ) -> None:
        def show() -> None:
            if device.powered:
                space.show(surface)
            wire.check()

        runner = Runner(self._attended(model, device), self.clock, show)
        surface = self._surface(model, device, runner)
        space.mount(surface)
        device.troubles.watch(runner.nudge)
        for spot in _spots(model):
            self.world.watch(spot, runner.nudge)
        self._devices[model.id], self._runners[model.id] = device, runner

    def _make(self, model: Device) -> Plc | PutWallDevice:
        chance = seeded(self._seed, f"{model.id} {self._birth}")
        match model:
            case PutWall():
                kinds = PutWallDevice.FAULTS | Picker.FAULTS if self._habits else PutWallDevice.FAULTS
                return PutWallDevice(self.faults.register(model.id, kinds), chance, model.slots)
            case Carrier():
                troubles = self.faults.register(model.id, Plc.FAULTS | SENSOR_FAULTS)
                sensors = Sensors(model.id, self.world, troubles)
                return Plc(troubles, chance, {model.channel.id: CarrierMachine(self.site, model, sensors)})
            case Conveyor():
                scanned = any(channel.scanner for channel in model.channels)
                kinds = SENSOR_FAULTS | SCANNER_FAULTS if scanned else SENSOR_FAULTS
                troubles = self.faults.register(model.id, Plc.FAULTS | kinds)
                sensors = Sensors(model.id, self.world, troubles)
                machines = {c.id: ConveyorMachine(self.site, model, c, sensors) for c in model.channels}
                return Plc(troubles, chance, machines)

    def _attended(self, model: Device, device: Plc | PutWallDevice) -> Stepped:
        if isinstance(device, PutWallDevice) and self._habits:
            return Picker(device, self._habits, seeded(self._seed, f"picker {model.id}"))
        return device

    def _surface(self, model: Device, device: Plc | PutWallDevice, runner: Runner) -> Surface:
        profile = self.site.profile(model.profile)
        match model, device:
            case PutWall(), PutWallDevice():
                return wall_surface(device, model, profile, runner)
            case Carrier(), Plc():
                return plc_surface(device, (model.channel,), profile, runner, self.clock)
            case Conveyor(), Plc():
                return plc_surface(device, model.channels, profile, runner, self.clock)
            case _:
                raise TypeError(f"{model.id} is a {model.kind}, not a {type(device).__name__}")


def _any_powered(devices: Sequence[Plc | PutWallDevice]) -> bool:
    for device in devices:  # asked at every request: `any` would make a generator each time
        if device.powered:
            return True
    return False


def _spots(model: Device) -> set[str]:
    """Return what a device's sensors look at all the time."""
    match model:
        case Carrier():
            return {model.id}
        case Conveyor():
            return {end for channel in model.channels for end in (channel.source, channel.target)}
        case PutWall():
            return set()
