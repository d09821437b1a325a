"""Every message of a simulated vehicle against the official schemas of VDA 5050 2.1.0.

A vehicle lives through everything that changes its messages. The schemas are those that vda5050-sdk bundles, and the
official files beside this checkout where they are present.
"""

import asyncio
import json
import re
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sim_devices.faults.kinds import (
    DeviceFault,
    Jam,
    LinkDrop,
    LocalisationLost,
    ManualMode,
    Reboot,
    SensorStuck,
)
from tests.memory_broker import MemoryBroker
from tests.vehicles import HEADER, Json, action, drop, instant, on_line, order, pick

pytestmark = pytest.mark.golden

BUNDLED = Path(str(files("vda5050.validation") / "schemas"))
OFFICIAL = Path(__file__).parents[3] / "shared" / "vda5050" / "2.1.0"
SOURCES = {"sdk": (BUNDLED, ".json"), "official": (OFFICIAL, ".schema")}
TOPIC = "uagv/v2/simco/agv-1"


@cache
def validator(source: str, topic: str) -> Draft202012Validator:
    folder, suffix = SOURCES[source]
    return Draft202012Validator(json.loads((folder / f"{topic}{suffix}").read_text(encoding="utf-8")))


async def live(broker: MemoryBroker) -> None:
    """Let a vehicle meet everything that changes what it tells."""

    def command(*actions: Json) -> None:
        broker.send(f"{TOPIC}/instantActions", HEADER | {"actions": list(actions)})

    def go(content: Json) -> None:
        broker.send(f"{TOPIC}/order", content)

    def ended(action_id: str) -> Any:
        return lambda state: any(
            each["actionId"] == action_id and each["actionStatus"] in {"FINISHED", "FAILED"}
            for each in state["actionStates"]
        )

    async with on_line(broker, stock=[("TOTE-1", "A")]) as bench:
        await broker.until("connection", lambda c: c["connectionState"] == "ONLINE")
        command(instant("cancelOrder", "none"), instant("dance", "x"), instant("factsheetRequest", "f"))
        await broker.until("state", ended("f"))
        go(order("abcd", released=2, actions={"a": [pick("p", "A")], "d": [drop("x", "D")]}))
        await broker.until("state", lambda s: s["lastNodeId"] == "b")
        go(order("abc", order_id="other-8"))
        go(order("bcd", update=1, first=2, actions={"d": [drop("x", "D")]}))
        command(instant("startPause", "hold"))
        await broker.until("state", lambda s: s["paused"])
        command(instant("stopPause", "on"))
        for fault in (Jam, DeviceFault, LocalisationLost, SensorStuck):
            bench.faults.add(fault(device="agv-1", duration_s=0.02))
            await broker.until("state", lambda s: s["errors"] or "loads" not in s)
            await broker.until("state", lambda s: len(s["errors"]) <= 1)
        await broker.until("state", ended("x"))
        go(order("dcbe", order_id="charge-9", actions={"e": [action("startCharging", "c")]}))
        await broker.until("state", lambda s: s["batteryState"]["charging"])
        go(order("eb", order_id="back-10"))
        await broker.until("state", lambda s: s["driving"])
        command(instant("cancelOrder", "stop"))
        await broker.until("state", ended("stop"))
        bench.faults.add(ManualMode(device="agv-1", duration_s=0.02))
        await broker.until("state", lambda s: s["operatingMode"] == "MANUAL")
        for cut in (LinkDrop(device="agv-1"), Reboot(device="agv-1", duration_s=0.02, memory_lost=True)):
            bench.faults.add(cut)
            await broker.until("connection", lambda c: c["connectionState"] == "CONNECTIONBROKEN")
            await broker.until("connection", lambda c: c["connectionState"] == "ONLINE")
        command(instant("initPosition", "i", x=10, y=0, theta=0, mapId="ground", lastNodeId="b"))
        await broker.until("state", ended("i"))


@pytest.fixture(scope="module")
def messages() -> list[tuple[str, Json]]:
    broker = MemoryBroker()
    asyncio.run(live(broker))
    return [(each.topic.rpartition("/")[2], json.loads(each.payload)) for each in broker.log]


@pytest.mark.parametrize("source", SOURCES)
def test_all_messages_fit_the_official_schemas(source: str, messages: list[tuple[str, Json]]) -> None:
    if not SOURCES[source][0].is_dir():
        pytest.skip(f"no schemas at {SOURCES[source][0]}")
    assert {topic for topic, _ in messages} == {
        "connection",
        "factsheet",
        "instantActions",
        "order",
        "state",
        "visualization",
    }
    wrong = [
        (topic, error.json_path, error.message)
        for topic, message in messages
        for error in validator(source, topic).iter_errors(message)
    ]
    assert wrong == []


def test_headers_are_those_of_the_document(messages: list[tuple[str, Json]]) -> None:
    """6.4: hundredths of seconds in UTC, 2.1.0, the vehicle's own names."""
    for topic, message in messages:
        if topic not in {"order", "instantActions"}:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\dZ", message["timestamp"])
            assert (message["version"], message["manufacturer"], message["serialNumber"]) == (
                "2.1.0",
                "simco",
                "agv-1",
            )


def test_header_ids_count_up_in_every_topic(messages: list[tuple[str, Json]]) -> None:
    """Given a vehicle that has booted once again, then its numbers have begun once again."""
    ids = [message["headerId"] for topic, message in messages if topic == "state"]
    restarts = [n for n, (before, after) in enumerate(pairwise(ids)) if after != before + 1]
    assert len(restarts) == 1
    assert ids[0] == 0
