"""What goes wrong, by a seed: faults of devices, wires and vehicles, the broker, the receiver of webhooks, the gateway itself.

Sensors may fail to tell, but do not lie: against a sensor that lies beside a device that forgets there is no remedy, and none is
promised (docs/plc-handshake.md).
"""

import asyncio
from collections import Counter
from collections.abc import Callable
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

    def __init__(self, plant: Plant, chance: Random, mean_interval_s: float, crash_interval_s: float) -> None:
        self.done: Counter[str] = Counter()
        self._plant = plant
        self._chance = chance
        self._mean_interval_s = mean_interval_s
        self._crash_interval_s = crash_interval_s
        where = plant.faults._where
        self._menu = {
            device: sorted(kinds, key=lambda kind: kind.__name__) for device, kinds in where.items()
        }
        self._devices = sorted(self._menu)

    async def run(self) -> None:
        """Work until cancelled; then heal everything."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._trouble_devices())
                tasks.create_task(self._crash())
                tasks.create_task(self._replace())
                tasks.create_task(self._drag_commits())
                tasks.create_task(self._let_requests_linger())
                tasks.create_task(self._command_behind_our_back())
                tasks.create_task(self._stop_broker())
                tasks.create_task(self._trouble_receiver())
        finally:
            self._plant.faults.clear()
            self._plant.broker.start()
            self._plant.receiver.down = False
            self._plant.receiver.trouble = 0.0
            self._plant.buffers.lingers = 0
            self._plant.end_older()
            if self._plant.life is not None:
                self._plant.life.cut_at = None
                self._plant.life.drag_s = 0.0

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

    async def _let_requests_linger(self) -> None:
        """Requests to PLC devices arrive, and once more later."""
        buffers = self._plant.buffers
        while True:
            await self._pause(2 * self._mean_interval_s)
            if not await buffers.let_one_out():
                buffers.lingers = self._chance.randint(1, 3)
                self.done["request lingers"] += 1

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
