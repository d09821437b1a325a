"""One simulation: a plant, everybody in it, everything that goes wrong; then peace, and the judgement."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sim_devices.clock import seeded
from tests.garbage import little_garbage
from tests.sim import invariants
from tests.sim.faults import PROFILES, Mischief
from tests.sim.log import log_into
from tests.sim.person import Person
from tests.sim.plant import MOTION_SPEED, Plant
from tests.sim.sites import SETTINGS
from tests.sim.wes import Wes
from tests.virtual_loop import Stalled, VirtualLoop, loop_time, run

LOOK_S: Final = 1.0
PEACE_S: Final = 60.0
"""Within this time after the last fault every transport has ended, the travel of what was open then apart."""
SETTLE_S: Final = 20.0
WEBHOOKS_S: Final = 1800.0
"""Within this time the receiver has everything: retries pause the longer the more of them have failed."""


@dataclass(frozen=True)
class Order:
    """What to simulate.

    Attributes:
        seconds: of virtual time with faults; peace comes after that.
        fault_s, crash_s: mean time between two faults, two crashes.
        site: which (`tests.sim.sites`).
        speed: of motion; that of the site is 1.
        faults: what goes wrong (`tests.sim.faults.PROFILES`).
    """

    seed: int
    seconds: float
    fault_s: float = 6.0
    crash_s: float = 40.0
    site: str = "demo"
    faults: str = "everything"
    speed: float = MOTION_SPEED


@dataclass
class Result:
    """What came of it.

    Attributes:
        wrong: what did not hold, in words; empty if all is well.
        peace_s: how long after the last fault the last transport ended.
        digest: of the whole feed.
    """

    order: Order
    wrong: list[str] = field(default_factory=list[str])
    at_s: float = 0.0
    step: int = 0
    peace_s: float = 0.0
    transports: int = 0
    puts: int = 0
    moves: int = 0
    runs: int = 0
    faults: dict[str, int] = field(default_factory=dict[str, int])
    decisions: dict[str, int] = field(default_factory=dict[str, int])
    refused: dict[str, int] = field(default_factory=dict[str, int])
    digest: str = ""
    events: list[str] = field(default_factory=list[str])
    logs: list[str] = field(default_factory=list[str])

    def story(self) -> str:
        """Tell a failure so that it can be replayed."""
        seed, seconds = self.order.seed, self.order.seconds
        return "\n".join(
            [
                f"seed {seed} failed at {self.at_s:.3f} s, step {self.step}:",
                *(f"  - {text}" for text in self.wrong),
                "the last events:",
                *(f"  {event}" for event in self.events[-50:]),
                "the last lines of the log:",
                *(f"  {line}" for line in self.logs[-30:]),
                f"replay it: python -m tests.sim --seed {seed} --seconds {seconds!r}"
                f" --fault-s {self.order.fault_s!r} --crash-s {self.order.crash_s!r}"
                f" --site {self.order.site} --faults {self.order.faults} --speed {self.order.speed!r}",
            ]
        )


def simulate(order: Order, progress: Callable[[float], None] = lambda _: None) -> Result:
    """Run one simulation to its end, or to the first thing that does not hold."""
    result = Result(order)
    with log_into(result.wrong) as log, little_garbage():
        try:
            run(lambda: _scenario(order, result, progress))
        except (Wrong, Stalled) as wrong:
            result.wrong = result.wrong or [str(wrong) or type(wrong).__name__]
        except BaseExceptionGroup as group:
            matched, rest = group.split(Wrong)
            if rest is not None:
                result.wrong.append(f"the simulation broke: {rest!r}: {_leaves(rest)}")
            assert matched is not None or rest is not None
    result.logs = list(log)
    return result


class Wrong(Exception):  # noqa: N818 - a finding, not an error of the program
    """Something does not hold."""


async def _scenario(order: Order, result: Result, progress: Callable[[float], None]) -> None:
    setting = SETTINGS[order.site]
    plant = Plant(order.seed, setting.site, order.speed)
    wes = Wes(plant.site, plant.front, seeded(order.seed, "wes"), setting.totes)
    person = Person(plant, wes, seeded(order.seed, "person"))
    areas = PROFILES[order.faults]
    mischief = Mischief(plant, seeded(order.seed, "faults"), order.fault_s, order.crash_s, areas)

    def note() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        known = wes.known
        result.at_s, result.step = loop.time(), loop.steps
        result.events, result.refused = known.events, {**known.refused, "storageFull": wes.full}
        result.transports = sum(1 for subject in known.ended if subject.startswith("T"))
        result.puts = sum(1 for subject in known.ended if subject.startswith("P"))
        result.moves, result.runs = plant.world.moves_made, plant.tally.runs
        result.faults, result.decisions = dict(mischief.done), person.decisions
        result.digest = hashlib.sha256("\n".join(known.events).encode()).hexdigest()

    broken = asyncio.Event()

    def look() -> None:
        if not broken.is_set():
            result.wrong += invariants.always(plant, wes)
        if result.wrong and not broken.is_set():
            note()
            broken.set()

    async def keep_looking() -> None:
        while True:
            progress(loop_time())
            look()
            await asyncio.sleep(LOOK_S)

    async def stop_when_broken() -> None:
        await broken.wait()
        raise Wrong

    plant.watch(look)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in (plant, wes, person)]
        running += [tasks.create_task(keep_looking()), tasks.create_task(stop_when_broken())]
        await _subscribe(wes)
        troubling = tasks.create_task(mischief.run())
        await asyncio.sleep(order.seconds)
        troubling.cancel()
        await asyncio.wait([troubling])
        wes.stop_asking()
        peace = loop_time()
        patience_s = PEACE_S + setting.pace.travel_s(len(wes.known.open()), order.speed)
        while (left := wes.known.open()) and loop_time() < peace + patience_s:
            await asyncio.sleep(LOOK_S)
        result.peace_s = loop_time() - peace
        if left:
            result.wrong += [str(await _why_open(wes, subject)) for subject in left]
            result.wrong += [str(device) for device in await _not_idle(wes)]
        else:
            await asyncio.sleep(SETTLE_S)
            while not invariants.has_all(plant, wes) and loop_time() < peace + WEBHOOKS_S:
                await asyncio.sleep(SETTLE_S)
            result.wrong += await invariants.at_rest(plant, wes)
        note()
        for task in running:
            task.cancel()


async def _subscribe(wes: Wes) -> None:
    body = {"url": "http://receiver/events"}
    while (reply := await wes.send("POST", "/v1/subscriptions", body)) is None:
        await asyncio.sleep(LOOK_S)
    assert reply.status in (200, 201), reply.body


async def _why_open(wes: Wes, subject: str) -> Any:
    view = await wes.get(f"/v1/{'transports' if subject.startswith('T') else 'puts'}/{subject}")
    keys = ("status", "containerId", "source", "destination", "waiting", "problem", "cancelRequested", "slot")
    return f"{subject} has not ended", {key: view.get(key) for key in keys}, view.get("commands", [])[-2:]


async def _not_idle(wes: Wes) -> list[Any]:
    devices = (await wes.get("/v1/devices", limit=1000))["items"]
    keys = ("deviceId", "enabled", "online", "offlineReason", "fault", "containers", "position")
    return [
        ({key: device.get(key) for key in keys}, device["commands"])
        for device in devices
        if not device["online"] or device["fault"] or device["commands"]
    ]


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[str]:
    found: list[str] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [repr(each)]
    return found
