"""Every message that the driver sends while a fleet works, against the official schemas and an independent reading.

The fleet lives through transports, ways home, charging, cancels, silence and vehicles that forget their orders. Schemas are
those that vda5050-sdk bundles, and the official files beside this checkout where they are present; the rules that a schema
cannot tell (6.6.1, 6.6.2) are read by vda5050-sdk.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from vda5050.domain.order.validation import order_structure_errors
from vda5050.model.instant_actions import InstantActions
from vda5050.model.order import Order

from drivers.telegrams import Diagnosis
from drivers.vda5050.mandate import Mandate
from drivers.vda5050.vehicle import VehicleFace
from gateway.contract.vehicles import VehicleOrder, VehiclePose
from gateway.contract.wiring import VehicleWiring
from gateway.fleet.effects import CancelOrder
from tests.fleet_model import Run, grid_site

pytestmark = pytest.mark.golden

Json = dict[str, Any]
BUNDLED = Path(str(files("vda5050.validation") / "schemas"))
OFFICIAL = Path(__file__).parents[3] / "shared" / "vda5050" / "2.1.0"
SOURCES = {"sdk": (BUNDLED, ".json"), "official": (OFFICIAL, ".schema")}
LOOPS = "edgeId values must be unique within an order"
"""Not a rule of the document: a way may use an edge twice (6.6.2), told apart by sequenceId."""


@cache
def validator(source: str, topic: str) -> Draft202012Validator:
    folder, suffix = SOURCES[source]
    return Draft202012Validator(json.loads((folder / f"{topic}{suffix}").read_text(encoding="utf-8")))


class Clock:
    def __init__(self) -> None:
        self.at_us = 1_790_000_000_000_000

    def now_us(self) -> int:
        self.at_us += 1000
        return self.at_us


class Recording(Run):
    """A run whose orders pass through the driver's side of each vehicle."""

    def __init__(self, random: Random, transports: int, version: str) -> None:
        super().__init__(grid_site(5, 3, 6, chargers=1), random, transports, troubles=True)
        self.sent: list[tuple[str, Json]] = []
        self._version = version
        self._clock = Clock()
        self._faces: dict[str, VehicleFace] = {}
        for vehicle_id, vehicle in self.vehicles.items():
            wiring = VehicleWiring(device_id=vehicle_id, manufacturer="simco", serial=vehicle_id)
            own = Mandate(epoch=1, run="run-1")
            face = VehicleFace(wiring, own, Diagnosis(self._clock), resend_s=1.0, offline_s=35.0)
            face.connected(0.0)
            face.take_mandate(own.model_dump_json().encode(), 0.0)
            self._faces[vehicle_id] = face
            vehicle.battery = random.uniform(0.25, 0.5)

    def lose_one(self) -> None:
        """A vehicle shows that it does not know where it is, and is told."""
        face = self._faces["agv-0"]
        lost: Json = {"headerId": self._clock.now_us(), "version": self._version}
        lost |= {"agvPosition": {"x": 0, "y": 0, "positionInitialized": False}}
        face.take("state", json.dumps(lost).encode(), self.now, at_us=0)
        node = self.site.road_maps[0].nodes[0]
        face.localise(
            VehiclePose(
                vehicle_id="agv-0",
                action_id=f"pose-{self._clock.now_us()}",
                node_id=node.id,
                x=node.x,
                y=node.y,
                theta=-1.5,
                map_id="hall",
            )
        )
        self.sent += [
            (topic, json.loads(payload)) for topic, payload in face.outgoing(self.now, self._clock.now_us())
        ]

    def withdraw_one(self) -> None:
        for job_id in list(self.jobs)[:1]:
            self.fleet.withdraw(job_id)

    def send(self, vehicle_id: str, wanted: VehicleOrder | CancelOrder) -> None:
        face, read = self._faces[vehicle_id], self._shown[vehicle_id]
        state = {"orderId": read.order_id, "orderUpdateId": read.update_id, "version": self._version}
        shown = json.dumps(state | {"headerId": self._clock.now_us()}).encode()
        face.take("state", shown, self.now, at_us=0)
        if isinstance(wanted, CancelOrder):
            face.cancel(wanted.order_id, wanted.times)
        else:
            face.send(wanted)
        self.sent += [
            (topic, json.loads(payload)) for topic, payload in face.outgoing(self.now, self._clock.now_us())
        ]
        super().send(vehicle_id, wanted)


@cache
def recorded(version: str) -> list[tuple[str, Json]]:
    run = Recording(Random(5), 25, version)
    for delay in range(20, 400, 40):
        run.at(delay, run.withdraw_one)
    run.at(50, run.lose_one)
    run.run(lambda: run.completed == 25, 20_000)
    return run.sent


@pytest.fixture(params=["2.1.0", "2.0.0"])
def sent(request: pytest.FixtureRequest) -> list[tuple[str, Json]]:
    return recorded(request.param)


def orders(sent: list[tuple[str, Json]]) -> list[Json]:
    return [body for topic, body in sent if topic == "order"]


def test_the_run_has_met_what_it_should(sent: list[tuple[str, Json]]) -> None:
    actions = {
        action["actionType"] for body in orders(sent) for node in body["nodes"] for action in node["actions"]
    }
    instant = {
        action["actionType"]
        for topic, body in sent
        if topic == "instantActions"
        for action in body["actions"]
    }
    assert actions == {"pick", "drop", "startCharging", "stopCharging"}
    assert instant == {"stateRequest", "factsheetRequest", "cancelOrder", "initPosition"}
    assert any(body["orderUpdateId"] > 2 for body in orders(sent))
    assert any(not node["released"] for body in orders(sent) for node in body["nodes"])


@pytest.mark.parametrize("source", SOURCES)
def test_messages_fit_the_schemas(source: str, sent: list[tuple[str, Json]]) -> None:
    if not SOURCES[source][0].is_dir():
        pytest.skip("the official schemas are not beside this checkout")
    for topic, body in sent:
        assert [error.message for error in validator(source, topic).iter_errors(body)] == [], (topic, body)


def test_another_reading_finds_the_orders_well_formed(sent: list[tuple[str, Json]]) -> None:
    for body in orders(sent):
        assert [flaw for flaw in order_structure_errors(Order.model_validate(body)) if flaw != LOOPS] == []
    for topic, body in sent:
        if topic == "instantActions":
            InstantActions.model_validate(body)


def test_header_ids_count_every_message_of_a_topic(sent: list[tuple[str, Json]]) -> None:
    counted: dict[tuple[str, str], list[int]] = {}
    for topic, body in sent:
        counted.setdefault((topic, body["serialNumber"]), []).append(body["headerId"])
    assert all(ids == list(range(len(ids))) for ids in counted.values())


def test_what_was_released_never_changes_and_updates_begin_where_it_ends(
    sent: list[tuple[str, Json]],
) -> None:
    bases: dict[str, list[Json]] = {}
    updates: dict[str, int] = {}
    for body in orders(sent):
        order_id, update = body["orderId"], body["orderUpdateId"]
        released = [node for node in body["nodes"] if node["released"]]
        base = bases.setdefault(order_id, [])
        if update == updates.get(order_id):
            assert base[-len(released) :] == released
            continue
        assert update == updates.get(order_id, -1) + 1
        updates[order_id] = update
        if update:
            assert base[-1] == released[0]
            released = released[1:]
        base += released
    numbers = [[node["sequenceId"] for node in base] for base in bases.values()]
    assert all(ids == list(range(0, 2 * len(ids), 2)) for ids in numbers)


def test_order_ids_and_action_ids_are_used_once(sent: list[tuple[str, Json]]) -> None:
    users: dict[str, set[str]] = {}
    for body in orders(sent):
        for node in body["nodes"]:
            for action in node["actions"]:
                users.setdefault(action["actionId"], set()).add(body["orderId"])
    assert all(len(of) == 1 for of in users.values())
    assert len({body["orderId"] for body in orders(sent)}) == len(
        {(body["orderId"], body["serialNumber"]) for body in orders(sent)}
    )
