"""What goes wrong, by a seed: faults of devices, wires and vehicles, the broker, the receiver of webhooks, the gateway itself.

Sensors may fail to tell, but do not lie: against a sensor that lies beside a device that forgets there is no remedy, and none is
promised (docs/plc-handshake.md).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from enum import StrEnum
from random import Random
from typing import Any, Final

from sim_devices.faults.book import NotPossible
from sim_devices.faults.kinds import (
    After,
    BatteryLow,
    BlackHole,
    DeviceFault,
    DuplicateReply,
    Fault,
    FaultBase,
    HandlingFails,
    Jam,
    LinkDrop,
    LocalisationLost,
    LostReply,
    ManualMode,
    NoRead,
    Point,
    Reboot,
    RefusedOrder,
    SensorStuck,
    ShortPick,
    SlowAnswers,
    StateDuplicated,
    StateLost,
    StateReordered,
    WrongBarcode,
    WrongButton,
)
from tests.sim.life import Boundary
from tests.sim.plant import Plant
from tests.sim.stranger import move_a_carrier


class Area(StrEnum):
    """Where things go wrong."""

    WIRES = "wires"
    """Requests, messages and connections: links, the broker, the receiver of webhooks."""
    PLANT = "plant"
    """Devices, vehicles, loads and people."""
    MACHINE = "machine"
    """The gateway's process, its disk and its clock."""


PROFILES: Final[dict[str, frozenset[Area]]] = {
    "calm": frozenset(),
    "wires": frozenset({Area.WIRES}),
    "plant": frozenset({Area.PLANT}),
    "crashes": frozenset({Area.MACHINE}),
    "everything": frozenset(Area),
}
"""What goes wrong, by a name for people."""

WIRE_FAULTS: Final = frozenset(
    {LinkDrop, BlackHole, SlowAnswers, LostReply, DuplicateReply, StateLost, StateDuplicated, StateReordered}
)
"""Faults of devices that are of the wire to them; all others are of the plant."""
HOUR_US: Final = 3_600_000_000
LOOK_S: Final = 0.3
WAIT_LOOKS: Final = 60
AT_A_POINT: Final = 0.5
"""Share of the device faults that strike at a step of the handshake instead of any time."""

LASTS: Final[dict[type[FaultBase], tuple[float, float]]] = {
    Reboot: (0.2, 8.0),
    LinkDrop: (0.0, 8.0),
    BlackHole: (0.3, 8.0),
    SlowAnswers: (1.0, 10.0),
    Jam: (0.5, 10.0),
    DeviceFault: (0.5, 10.0),
    ManualMode: (0.5, 10.0),
    SensorStuck: (1.0, 10.0),
    LocalisationLost: (1.0, 15.0),
}
COUNTED: Final = (
    LostReply,
    DuplicateReply,
    NoRead,
    WrongBarcode,
    RefusedOrder,
    HandlingFails,
    StateLost,
    StateDuplicated,
    StateReordered,
    WrongButton,
    ShortPick,
)
MORE: Final[dict[type[FaultBase], Callable[[Random], dict[str, Any]]]] = {
    Reboot: lambda chance: {"memory_lost": chance.random() < 0.3},
    SlowAnswers: lambda chance: {"answer_s": chance.uniform(0.05, 3.0)},
    BatteryLow: lambda chance: {"level": chance.uniform(0.05, 0.4)},
}


class Mischief:
    """Lets things go wrong until it is told to stop.

    Attributes:
        done: how often what has been asked for.
    """

    def __init__(
        self,
        plant: Plant,
        chance: Random,
        mean_interval_s: float,
        crash_interval_s: float,
        areas: Collection[Area] = tuple(Area),
    ) -> None:
        self.done: Counter[str] = Counter()
        self._plant = plant
        self._chance = chance
        self._mean_interval_s = mean_interval_s
        self._crash_interval_s = crash_interval_s
        self._areas = areas
        where = plant.faults._where
        self._menu = {
            device: sorted(
                (kind for kind in kinds if _area_of(kind) in areas), key=lambda kind: kind.__name__
            )
            for device, kinds in where.items()
        }
        self._devices = sorted(device for device, kinds in self._menu.items() if kinds)

    async def run(self) -> None:
        """Work until cancelled; then heal everything."""
        works: dict[Area, list[Callable[[], Coroutine[Any, Any, None]]]] = {
            Area.WIRES: [
                self._let_requests_linger,
                self._worsen_weather,
                self._stop_broker,
                self._trouble_receiver,
            ],
            Area.PLANT: [self._command_behind_our_back],
            Area.MACHINE: [self._crash, self._replace, self._drag_commits, self._fill_disk, self._set_clock],
        }
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._devices:
                    tasks.create_task(self._trouble_devices())
                for area in Area:
                    if area in self._areas:
                        for work in works[area]:
                            tasks.create_task(work())
                await asyncio.Event().wait()
        finally:
            self._heal()

    def _heal(self) -> None:
        plant = self._plant
        plant.faults.clear()
        plant.broker.start()
        plant.receiver.down, plant.receiver.trouble = False, 0.0
        plant.buffers.lingers = plant.buffers.overtaken = 0
        plant.weather.clear()
        plant.disk.full = 0.0
        plant.end_older()
        if plant.life is not None:
            plant.life.cut_at = None
            plant.life.drag_s = 0.0

    async def _pause(self, mean_s: float) -> None:
        await asyncio.sleep(self._chance.expovariate(1 / mean_s))

    async def _trouble_devices(self) -> None:
        while True:
            await self._pause(self._mean_interval_s)
            device = self._chance.choice(self._devices)
            fault = self._fault(device, self._chance.choice(self._menu[device]))
            try:
                self._plant.faults.add(fault)
            except NotPossible:
                continue
            self.done[fault.kind] += 1

    def _fault(self, device: str, kind: type[FaultBase]) -> Fault:
        chance = self._chance
        fields: dict[str, Any] = MORE[kind](chance) if kind in MORE else {}
        if kind in LASTS:
            fields["duration_s"] = chance.uniform(*LASTS[kind])
        if kind in COUNTED:
            fields["count"] = chance.randint(1, 3)
        if kind not in COUNTED and chance.random() < AT_A_POINT:
            fields["after"] = After(point=chance.choice(list(Point)), times=chance.randint(1, 2))
            fields["delay_s"] = chance.choice([0.0, 0.0, chance.uniform(0.0, 1.0)])
        return kind(device=device, **fields)  # pyright: ignore[reportReturnType]

    async def _crash(self) -> None:
        while True:
            await self._pause(self._crash_interval_s)
            life = self._plant.life
            if life is None or life.over.is_set():
                continue
            if self._plant.gateway is None or self._chance.random() < 0.3:
                self.done["crash"] += 1
                life.end()
            else:
                life.cut_at = self._chance.choice(list(Boundary))
                self.done[f"crash {life.cut_at.value} commit"] += 1

    async def _replace(self) -> None:
        """Somebody starts the gateway again that only seemed dead: the old one goes on until it is fenced, or somebody notices."""
        while True:
            await self._pause(3 * self._crash_interval_s)
            life = self._plant.life
            if life is not None and self._plant.gateway is not None:
                self.done["replaced"] += 1
                life.left.set()
                await asyncio.sleep(self._chance.uniform(1.0, 20.0))
                self._plant.end_older()

    async def _drag_commits(self) -> None:
        """The disk is slow for a while."""
        while True:
            await self._pause(4 * self._mean_interval_s)
            life = self._plant.life
            if life is not None:
                self.done["slow disk"] += 1
                life.drag_s = self._chance.uniform(0.05, 1.5)
                await asyncio.sleep(self._chance.uniform(0.5, 6.0))
                life.drag_s = 0.0

    async def _fill_disk(self) -> None:
        """There is no room for a while: none at all, or sometimes some."""
        disk = self._plant.disk
        while True:
            await self._pause(8 * self._mean_interval_s)
            self.done["disk full"] += 1
            disk.full = self._chance.choice([1.0, 1.0, 0.5])
            await asyncio.sleep(self._chance.uniform(0.5, 12.0))
            disk.full = 0.0

    async def _set_clock(self) -> None:
        """Somebody sets the wall clock of the gateway's machine, or of all vehicles, forwards or back by an hour."""
        while True:
            await self._pause(6 * self._mean_interval_s)
            if self._chance.random() < AT_A_POINT:
                await self._until_a_command_is_to_be_repeated()
            clock = self._chance.choice([self._plant.clock, self._plant.clock, self._plant.vehicles_clock])
            clock.offset_us += HOUR_US * self._chance.choice([-1, 1])
            self.done["clock jump"] += 1

    async def _until_a_command_is_to_be_repeated(self) -> None:
        """Wait for the pause after a rejection: the moment that ends it is durable, and meant by a clock."""
        for _ in range(WAIT_LOOKS):
            gateway = self._plant.gateway
            if gateway is not None and any(each.retries for each in gateway.tables.transports.values()):
                return
            await asyncio.sleep(LOOK_S)

    async def _let_requests_linger(self) -> None:
        """Requests to PLC devices arrive, and once more later; or only later, when others have come before them."""
        buffers = self._plant.buffers
        while True:
            await self._pause(2 * self._mean_interval_s)
            if await buffers.let_one_out():
                continue
            if self._chance.random() < 0.5:
                buffers.lingers = self._chance.randint(1, 3)
                self.done["request repeated"] += 1
            else:
                buffers.overtaken = self._chance.randint(1, 2)
                self.done["request overtaken"] += 1

    async def _worsen_weather(self) -> None:
        """Messages of MQTT and notifications of OPC UA are lost, doubled and late for a while."""
        while True:
            await self._pause(5 * self._mean_interval_s)
            self.done["bad weather"] += 1
            self._plant.weather.worsen()
            await asyncio.sleep(self._chance.uniform(1.0, 15.0))
            self._plant.weather.clear()

    async def _command_behind_our_back(self) -> None:
        """Somebody with a test tool moves a carrier, by the rules of the handshake."""
        while True:
            await self._pause(6 * self._mean_interval_s)
            if move_a_carrier(self._plant.devices, self._chance):
                self.done["stranger"] += 1

    async def _stop_broker(self) -> None:
        while True:
            await self._pause(8 * self._mean_interval_s)
            self.done["broker stop"] += 1
            self._plant.broker.stop()
            await asyncio.sleep(self._chance.uniform(0.1, 10.0))
            self._plant.broker.start()

    async def _trouble_receiver(self) -> None:
        receiver = self._plant.receiver
        while True:
            await self._pause(8 * self._mean_interval_s)
            self.done["receiver trouble"] += 1
            receiver.down, receiver.trouble = self._chance.random() < 0.5, self._chance.uniform(0.05, 0.5)
            await asyncio.sleep(self._chance.uniform(1.0, 30.0))
            receiver.down, receiver.trouble = False, 0.0
            self._plant.front.broken_answers += self._chance.randint(0, 2)


def _area_of(kind: type[FaultBase]) -> Area:
    return Area.WIRES if kind in WIRE_FAULTS else Area.PLANT
