"""What devices send is read, or noted as unreadable; it breaks nothing, and what it leaves in the books can be read again."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from drivers.blocks import LIFE, STATUS_TAGS, Status
from drivers.handshake import Channel
from drivers.links.errors import LinkError
from drivers.modbus.registers import RegisterMap
from drivers.opcua.mailbox import _ChannelTags
from drivers.slots import HEADER_TAGS, SLOT_TAGS, Slot, SlotStatus
from drivers.telegrams import TEXT_MAX, Diagnosis
from drivers.vda5050.mandate import Mandate
from drivers.vda5050.messages import PAYLOAD_MAX
from drivers.vda5050.vehicle import VehicleFace
from gateway.api.views import position_view
from gateway.contract.reports import Report
from gateway.contract.vehicles import VehicleState
from gateway.contract.wiring import MailboxChannel, Profile, VehicleWiring
from tests.fuzz.mutation import TEXTS, anything, bytes_like, inputs, json_like

pytestmark = [pytest.mark.unit, pytest.mark.timeout(0)]

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
WIRING = VehicleWiring(device_id="agv-1", manufacturer="simco", serial="agv-1")
OWN = Mandate(epoch=7, run="run-7")
STATES = TypeAdapter(VehicleState)


def profile(name: str) -> Profile:
    return Profile.model_validate(yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8")))


def registers(rng: Random, count: int) -> list[int]:
    """Return registers, many of which hold what a device could mean."""
    return [rng.choice((0, 1, 2, rng.randrange(300), rng.randrange(65536), 65535)) for _ in range(count)]


def test_any_registers_are_a_status_that_the_handshake_can_judge() -> None:
    mailbox = profile("modbus-mailbox")
    block = RegisterMap(mailbox.status, mailbox, STATUS_TAGS)
    channel = Channel("conveyor", "main", 1)
    for number, shown in enumerate(inputs(20_000, lambda rng: registers(rng, block.count))):
        channel.show(Status.of(block.decode(shown)), shown[block.place(LIFE)], number / 10)
        for report in (channel.online_report(), channel.job_report()):
            if report is not None:
                channel.told(report)


def test_any_registers_are_slots_of_a_put_wall() -> None:
    wall = profile("modbus-putwall")
    header = RegisterMap(wall.header, wall, HEADER_TAGS)
    block = RegisterMap(wall.status, wall, SLOT_TAGS)
    slot = Slot("wall", "W-01", 1)
    for number, shown in enumerate(inputs(10_000, lambda rng: registers(rng, block.count + header.count))):
        header.decode(shown[: header.count])
        slot.show(SlotStatus.of(block.decode(shown[header.count :])), shown[0], number / 10)
        report = slot.due()
        if report is not None:
            slot.told(report)


def test_any_values_of_opcua_variables_are_a_status_or_a_link_error() -> None:
    tags = _ChannelTags(profile("opcua-mailbox"), MailboxChannel(id="main", base="S1."))
    channel = Channel("shuttle", "main", 1)

    def values(rng: Random) -> list[Any]:
        return [
            anything(rng)
            if rng.random() < 0.02
            else rng.choice(("", *TEXTS))
            if "barcode" in node
            else rng.randrange(3)
            for node in tags.status
        ]

    read = 0
    for number, shown in enumerate(inputs(15_000, values)):
        try:
            status, life = Status.of(tags.decode(shown)), tags.life(shown)
        except LinkError:
            continue
        read += 1
        channel.show(status, life, number / 10)
    assert read > 1000


class Clock:
    def now_us(self) -> int:
        return 1_790_000_000_000_000


STATE = {
    "headerId": 1,
    "timestamp": "2026-11-22T08:00:00.00Z",
    "version": "2.1.0",
    "manufacturer": "simco",
    "serialNumber": "agv-1",
    "orderId": "o-1",
    "orderUpdateId": 0,
    "lastNodeId": "a",
    "lastNodeSequenceId": 0,
    "nodeStates": [{"nodeId": "b", "sequenceId": 2, "released": True}],
    "edgeStates": [{"edgeId": "a-b", "sequenceId": 1, "released": True}],
    "driving": True,
    "paused": False,
    "newBaseRequest": False,
    "actionStates": [{"actionId": "x", "actionStatus": "RUNNING", "resultDescription": "so"}],
    "batteryState": {"batteryCharge": 80.0, "charging": False},
    "operatingMode": "AUTOMATIC",
    "errors": [
        {
            "errorType": "orderError",
            "errorLevel": "WARNING",
            "errorReferences": [{"referenceKey": "orderId", "referenceValue": "o-1"}],
        }
    ],
    "loads": [{"loadId": "TOTE-1"}],
    "agvPosition": {"x": 1.0, "y": 2.0, "theta": 0.5, "mapId": "hall", "positionInitialized": True},
    "safetyState": {"eStop": "NONE", "fieldViolation": False},
}
HEADER = {key: STATE[key] for key in ("headerId", "timestamp", "version", "manufacturer", "serialNumber")}
SAMPLES: dict[str, dict[str, Any]] = {
    "state": STATE,
    "visualization": HEADER | {"agvPosition": STATE["agvPosition"]},
    "connection": HEADER | {"connectionState": "ONLINE"},
    "factsheet": HEADER | {"protocolLimits": {"timing": {"minOrderInterval": 1.0}}},
}


def vehicle() -> VehicleFace:
    """Return a vehicle that this gateway commands."""
    face = VehicleFace(WIRING, OWN, Diagnosis(Clock()), resend_s=2.0, offline_s=35.0)
    face.connected(0.0)
    face.take_mandate(OWN.model_dump_json().encode(), 0.0)
    return face


def message(rng: Random, topic: str) -> bytes:
    if rng.random() < 0.1:
        return bytes_like(rng, json.dumps(SAMPLES[topic]).encode())
    return json_like(rng, SAMPLES[topic] | {"headerId": rng.randrange(2**32)})


@pytest.mark.parametrize(
    ("topic", "count"),
    [
        ("state", 20_000),
        ("visualization", 5_000),
        ("connection", 5_000),
        ("factsheet", 5_000),
    ],
)
def test_any_message_of_a_vehicle_is_taken_or_noted(topic: str, count: int) -> None:
    face = vehicle()
    for number, payload in enumerate(inputs(count, lambda rng: message(rng, topic))):
        try:
            position = face.take(topic, payload, number / 10, at_us=0)
            if position is not None:
                read_again(json.loads(position_view(position).model_dump_json(by_alias=True)))
            list(face.outgoing(number / 10, 0))
            for report in due(face):
                keep(report)
        except Exception as error:
            raise AssertionError(f"{topic} {payload[:2000]!r}") from error


def test_any_mandate_is_taken_or_passed_over() -> None:
    face = vehicle()
    for number, payload in enumerate(inputs(5_000, lambda rng: json_like(rng, OWN.model_dump()))):
        face.take_mandate(payload, number / 10)
        list(face.outgoing(number / 10, 0))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999"])
def test_a_vehicle_that_is_nowhere_in_particular_is_noted(number: bytes) -> None:
    """NaN in a vehicle's state was written into the books as null, and the gateway could not be started again."""
    face = vehicle()
    nowhere = json.dumps(STATE).encode().replace(b'"x": 1.0', b'"x": ' + number)
    assert face.take("state", nowhere, 0.0, at_us=0) is None
    assert face.due() is None
    assert face.diagnosis.health().errors == {"badFrame": 1}


def test_a_message_without_measure_is_not_read() -> None:
    face = vehicle()
    face.take("state", json_of_length(PAYLOAD_MAX + 1), 0.0, at_us=0)
    assert face.due() is None
    assert all(len(telegram.text) <= TEXT_MAX for telegram in face.diagnosis.telegrams())


def json_of_length(length: int) -> bytes:
    return json.dumps(STATE | {"information": "x" * length}).encode()


def due(face: VehicleFace) -> Iterator[Report]:
    while (report := face.due()) is not None:
        yield report
        face.told(report)


def keep(report: Report) -> None:
    """The books write a vehicle's state as JSON and read it when the gateway starts again."""
    if isinstance(report, VehicleState):
        assert STATES.validate_json(STATES.dump_json(report)) == report


def read_again(view: dict[str, Any]) -> None:
    assert isinstance(view["x"], float)
