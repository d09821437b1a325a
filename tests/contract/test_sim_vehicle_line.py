"""A simulated vehicle on its broker, in memory: what it says when, and what its connection does to that."""

import asyncio
from typing import Any

import pytest

from sim_devices.faults.kinds import (
    After,
    BlackHole,
    LinkDrop,
    Point,
    Reboot,
    SlowAnswers,
    StateDuplicated,
    StateLost,
    StateReordered,
)
from sim_devices.vehicles.line import Pace
from tests.memory_broker import MemoryBroker
from tests.vehicles import HEADER, Bench, Json, instant, on_line, order

pytestmark = pytest.mark.contract

TOPIC = "uagv/v2/simco/agv-1"
QUICK = Pace(state_s=0.05, driving_state_s=0.02, visualization_s=0.01)


def ask(broker: MemoryBroker, *kinds: str) -> None:
    """Send one stateRequest a name; each makes one state."""
    for kind in kinds:
        broker.send(f"{TOPIC}/instantActions", HEADER | {"actions": [instant("stateRequest", kind)]})


def asked(state: Json) -> list[str]:
    return [each["actionId"] for each in state["actionStates"]]


def standing_at(node: str) -> Any:
    return lambda state: state["lastNodeId"] == node and not state["driving"]


async def online(broker: MemoryBroker) -> None:
    await broker.until("connection", lambda c: c["connectionState"] == "ONLINE")
    await broker.until("state", lambda _: True)


async def test_it_comes_online_with_its_factsheet_and_its_state_and_says_goodbye() -> None:
    broker = MemoryBroker()
    async with on_line(broker):
        await online(broker)
        assert [each.topic.rpartition("/")[2] for each in broker.log] == ["connection", "factsheet", "state"]
        assert [(each.qos, each.retain) for each in broker.log] == [(1, True), (0, True), (0, False)]
    assert broker.bodies("connection")[-1]["connectionState"] == "OFFLINE"


async def test_it_tells_its_state_without_an_event_and_its_position_while_it_drives() -> None:
    broker = MemoryBroker()
    async with on_line(broker, speed=50.0, pace=QUICK):
        await online(broker)
        assert not broker.bodies("visualization")
        await asyncio.sleep(0.2)
        assert len(broker.bodies("state")) >= 3
        broker.send(f"{TOPIC}/order", order("abcd"))
        await broker.until("state", standing_at("d"))
    positions = [each["agvPosition"]["x"] for each in broker.bodies("visualization")]
    assert len(positions) >= 10
    assert positions == sorted(positions)


async def test_an_offline_vehicle_drives_its_base_and_tells_when_it_is_back() -> None:
    """6.2: it keeps the order and fulfils it up to the last released node."""
    broker = MemoryBroker()
    async with on_line(broker) as bench:
        await online(broker)
        bench.faults.add(LinkDrop(device="agv-1", duration_s=0.3, after=After(point=Point.TAKEN)))
        broker.send(f"{TOPIC}/order", order("abcd", released=3))
        await broker.until("connection", lambda c: c["connectionState"] == "CONNECTIONBROKEN")
        states = len(broker.bodies("state"))
        await broker.until("connection", lambda c: c["connectionState"] == "ONLINE")
        await broker.until("state", standing_at("c"))
        assert len(broker.bodies("state")) == states + 1


async def test_a_power_cycle_breaks_the_connection_and_begins_the_numbers_again() -> None:
    broker = MemoryBroker()
    async with on_line(broker) as bench:
        await online(broker)
        ask(broker, "1", "2")
        bench.faults.add(Reboot(device="agv-1", duration_s=0.05))
        await broker.until("connection", lambda c: c["connectionState"] == "CONNECTIONBROKEN")
        await online(broker)
        await broker.until("state", lambda s: s["headerId"] == 0)


async def test_it_waits_for_a_broker_that_is_not_there() -> None:
    broker = MemoryBroker()
    broker.reachable = False
    async with on_line(broker):
        await asyncio.sleep(0.05)
        broker.reachable = True
        await online(broker)


async def numbers(broker: MemoryBroker, bench: Bench, fault: Any) -> list[int]:
    """Return the headerIds of the states that come after this fault, for three events."""
    await online(broker)
    before = len(broker.bodies("state"))
    bench.faults.add(fault)
    for name in ("1", "2", "3"):
        ask(broker, name)
        await asyncio.sleep(0.02)
    return [state["headerId"] - before for state in broker.bodies("state")[before:]]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (StateLost(device="agv-1"), [1, 2]),
        (StateDuplicated(device="agv-1", count=2), [0, 0, 1, 1, 2]),
        (StateReordered(device="agv-1"), [1, 0, 2]),
    ],
    ids=["lost", "duplicated", "reordered"],
)
async def test_states_are_lost_doubled_and_overtaken(fault: Any, expected: list[int]) -> None:
    broker = MemoryBroker()
    async with on_line(broker) as bench:
        assert await numbers(broker, bench, fault) == expected


async def test_slow_states_come_late_and_in_sequence() -> None:
    broker = MemoryBroker()
    async with on_line(broker) as bench:
        await online(broker)
        bench.faults.add(SlowAnswers(device="agv-1", answer_s=0.1))
        began = asyncio.get_running_loop().time()
        ask(broker, "late")
        await broker.until("state", lambda s: asked(s) == ["late"])
        assert asyncio.get_running_loop().time() - began >= 0.1


async def test_a_black_hole_swallows_both_ways() -> None:
    broker = MemoryBroker()
    async with on_line(broker, pace=QUICK) as bench:
        await online(broker)
        hole = bench.faults.add(BlackHole(device="agv-1"))
        ask(broker, "lost")
        told = len(broker.bodies("state"))
        await asyncio.sleep(0.15)
        assert len(broker.bodies("state")) == told
        bench.faults.remove(hole.fault_id)
        ask(broker, "heard")
        await broker.until("state", lambda s: asked(s) == ["heard"])
