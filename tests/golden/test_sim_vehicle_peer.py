"""The same messages to a simulated vehicle and to vda5050-sdk's: where the document leaves no choice, both end up alike.

Where they differ, the document was read again; these simulated vehicles follow it (`DIFFERENCES`).
"""

import asyncio
import json
from typing import Any

import pytest
from vda5050 import VehicleConfig
from vda5050.testing import FakeAgv, MemoryBroker, MemoryTransport

from tests.vehicles import HEADER, Bench, Json, action, drop, instant, order

pytestmark = pytest.mark.golden

Script = list[tuple[str, Json]]
TOPIC = "uagv/v2/simco/agv-1/"


def go(*contents: Json) -> Script:
    return [("order", content) for content in contents]


def do(*actions: Json) -> Script:
    return [("instantActions", HEADER | {"actions": list(actions)})]


CANCEL = instant("cancelOrder", "c")
ALIKE: dict[str, Script] = {
    "a way": go(order("abcd")),
    "one node": go(order("a")),
    "an action at the end": go(order("abe", actions={"e": [action("startCharging", "s")]})),
    "a horizon": go(order("abcd", released=2)),
    "an update after the base": go(order("ab"), order("bc", update=1, first=2)),
    "an update of the horizon": go(order("abcd", released=2), order("bcd", update=1, first=2)),
    "an update that removes the horizon": go(order("abcd", released=2), order("b", update=1, first=2)),
    "the same again": go(order("ab"), order("ab")),
    "an older update": go(order("ab", update=3), order("ab", update=2)),
    "an update from elsewhere": go(order("ab"), order("cd", update=1, first=4)),
    "a second order beside a horizon": go(order("ab", released=1), order("ab", order_id="o-8")),
    "too few edges": go(order("abc") | {"edges": []}),
    "the next order": go(order("ab"), order("bc", order_id="n-8")),
    "another major version": go(order("ab") | {"version": "3.0.0"}),
    "a warning until the next order": go(order("abc") | {"edges": []}, order("ab")),
    "nothing to cancel": do(CANCEL),
    "cancelled while it waits": go(order("abc", released=1)) + do(CANCEL),
    "a new order after that": go(order("abc", released=1)) + do(CANCEL) + go(order("ab", order_id="n-9")),
    "pause and resume": do(instant("startPause", "p")) + do(instant("stopPause", "r")),
    "requests": do(instant("stateRequest", "s"), instant("factsheetRequest", "f")),
}

DIFFERENCES: dict[str, tuple[Script, str]] = {
    "a way through a node twice": (
        go(order("abab")),
        "6.6.2 allows loops; the edge's id repeats, its sequenceId not",
    ),
    "a start far away": (go(order("bcd")), "noRouteError against orderError; 2.1 gives no name"),
    "an unknown action": (
        go(order("ab", actions={"b": [action("dance", "x")]})),
        "6.6.4.2, figure 16: rejected",
    ),
    "a trajectory": (go(order("ab", edge={"trajectory": {}})), "6.6.4.2: rejected by who cannot use it"),
    "sequence from 4": (go(order("ab", first=4)), "6.6.2: the first node of an order has 0"),
    "nothing released": (
        go(order("ab", released=0)),
        "6.6.1: the first node is reachable, so part of the base",
    ),
    "another vehicle's": (go(order("ab") | {"serialNumber": "agv-9"}), "6.4"),
    "malformed": (go({"orderId": "x"}), "6.6.4.1: reported, not ignored"),
    "cancelled after its end": (go(order("ab")) + do(CANCEL), "6.6.3.2: no order any more"),
    "an update after the cancellation": (
        go(order("abc", released=1)) + do(CANCEL) + go(order("ab", update=1)),
        "6.6.3: the order is deleted",
    ),
    "an action at the first node": (
        go(order("ab", actions={"a": [drop("x", "A")]})),
        "6.10.2: triggered as soon as the node is traversed",
    ),
}


def digest(state: Json) -> Json:
    """Return what both must agree about."""
    return {
        "order": (state["orderId"], state["orderUpdateId"]),
        "last": (state["lastNodeId"], state["lastNodeSequenceId"]),
        "nodes": [(n["nodeId"], n["sequenceId"], n["released"]) for n in state["nodeStates"]],
        "edges": [(e["edgeId"], e["sequenceId"], e["released"]) for e in state["edgeStates"]],
        "actions": sorted((a["actionId"], a["actionStatus"]) for a in state["actionStates"]),
        "errors": sorted((e["errorType"], e["errorLevel"]) for e in state["errors"]),
    }


def ours(script: Script) -> Json:
    bench = Bench()
    for topic, content in script:
        take = bench.vehicle.take_order if topic == "order" else bench.vehicle.take_instant_actions
        take(json.dumps(content).encode(), bench.now)
        bench.finish()
    return digest(bench.state)


async def theirs(script: Script) -> Json:
    broker = MemoryBroker()
    settings = VehicleConfig(manufacturer="simco", serial_number="agv-1")
    vehicle = await FakeAgv(settings, broker, initial_node_id="a", start_map_id="ground").start()
    master = MemoryTransport(broker)
    states: list[Json] = []

    async def hear(_: str, payload: bytes) -> None:
        states.append(json.loads(payload))

    await master.subscribe(f"{TOPIC}state", hear)
    for topic, content in script:
        await master.publish(TOPIC + topic, json.dumps(content).encode())
        await asyncio.sleep(0.01)
    await vehicle.client.publish_state()
    await vehicle.stop()
    return digest(states[-1])


@pytest.mark.parametrize("script", ALIKE.values(), ids=ALIKE.keys())
async def test_two_readings_of_the_document_agree(script: Any) -> None:
    assert ours(script) == await theirs(script)


@pytest.mark.parametrize(("script", "why"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
async def test_where_they_differ_the_reason_is_known(script: Any, why: str) -> None:
    assert ours(script) != await theirs(script), f"the peer has changed its mind: {why}"
