"""What the driver sends to one vehicle, when it stops, and what it tells: without a wire and without a clock."""

import json
from typing import Any

import pytest
import structlog

from drivers.telegrams import Diagnosis
from drivers.vda5050.vehicle import VehicleFace
from gateway.contract.reports import Load
from gateway.contract.vehicles import (
    ActionStatus,
    OrderEdge,
    OrderNode,
    VehicleOffline,
    VehicleOrder,
    VehiclePose,
    VehicleState,
    action_id_of,
)
from gateway.contract.wiring import VehicleWiring

pytestmark = pytest.mark.unit

Json = dict[str, Any]
WIRING = VehicleWiring(device_id="agv-1", manufacturer="simco", serial="agv-1")
T0 = "2026-11-22T08:00:0"


class Clock:
    def now_us(self) -> int:
        return 1_700_000_000_000_000


def order(order_id: str = "o-1", update: int = 0, first: int = 0, after: str = "") -> VehicleOrder:
    nodes = (
        OrderNode(node_id="a", sequence_id=first, released=True, x=0, y=0),
        OrderNode(node_id="b", sequence_id=first + 2, released=True, x=2, y=0),
    )
    edge = OrderEdge(edge_id="a-b", sequence_id=first + 1, released=True, start_node_id="a", end_node_id="b")
    return VehicleOrder(
        vehicle_id="agv-1",
        order_id=order_id,
        update_id=update,
        after=order_id if update else after,
        map_id="hall",
        nodes=nodes,
        edges=(edge,),
    )


class Wire:
    """A vehicle's face, its messages as dictionaries, its reports as a list."""

    def __init__(self) -> None:
        self.face = VehicleFace(WIRING, Diagnosis(Clock()), resend_s=2.0, offline_s=35.0)
        self.now = 0.0
        self._header = 0

    def state(self, **changes: Any) -> None:
        body: Json = {
            "headerId": self._header,
            "timestamp": f"{T0}{self._header % 10}.00Z",
            "version": "2.1.0",
            "manufacturer": "simco",
            "serialNumber": "agv-1",
            "orderId": "",
            "orderUpdateId": 0,
            "lastNodeId": "a",
            "lastNodeSequenceId": 0,
            "nodeStates": [],
            "edgeStates": [],
            "driving": False,
            "actionStates": [],
            "batteryState": {"batteryCharge": 80.0, "charging": False},
            "operatingMode": "AUTOMATIC",
            "errors": [],
            "safetyState": {"eStop": "NONE", "fieldViolation": False},
        }
        self._header += 1
        self.take("state", body | changes)

    def take(self, topic: str, body: Json) -> Any:
        return self.face.take(topic, json.dumps(body).encode(), self.now)

    def connection(self, state: str) -> None:
        self.take(
            "connection",
            {"headerId": 0, "timestamp": T0 + "0Z", "version": "2.1.0", "connectionState": state},
        )

    def sent(self) -> list[tuple[str, Json]]:
        return [(topic, json.loads(payload)) for topic, payload in self.face.outgoing(self.now, 0)]

    def orders(self) -> list[tuple[str, int]]:
        return [(body["orderId"], body["orderUpdateId"]) for topic, body in self.sent() if topic == "order"]

    def actions(self) -> list[tuple[str, str]]:
        return [
            (action["actionType"], action["actionId"])
            for topic, body in self.sent()
            if topic == "instantActions"
            for action in body["actions"]
        ]

    def told(self) -> list[Any]:
        reports: list[Any] = []
        while (report := self.face.due()) is not None:
            self.face.told(report)
            reports.append(report)
        return reports


@pytest.fixture
def wire() -> Wire:
    wire = Wire()
    wire.face.connected(0.0)
    wire.sent()
    return wire


def test_a_new_connection_asks_for_factsheet_and_state_and_for_nothing_else(wire: Wire) -> None:
    wire.face.send(order())
    wire.face.connected(0.0)
    assert [kind for kind, _ in wire.actions()] == ["factsheetRequest", "stateRequest"]
    assert wire.orders() == []


def test_an_order_goes_out_again_until_a_state_echoes_it(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    assert wire.orders() == [("o-1", 0)]
    assert wire.orders() == []
    wire.now = 2.0
    assert wire.orders() == [("o-1", 0)]
    wire.state(orderId="o-1")
    wire.now = 10.0
    assert wire.orders() == []


def test_a_resent_order_is_the_same_but_for_its_header(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    ((_, first),) = wire.sent()
    wire.now = 2.0
    ((_, second),) = wire.sent()
    headers = {"headerId", "timestamp"}
    assert {k: v for k, v in first.items() if k not in headers} == {
        k: v for k, v in second.items() if k not in headers
    }
    assert second["headerId"] == first["headerId"] + 1


def test_an_order_that_the_vehicle_has_already_is_not_sent_after_a_restart(wire: Wire) -> None:
    wire.face.send(order())
    wire.state(orderId="o-1")
    assert wire.orders() == []


def test_a_lost_connection_sends_nothing_before_the_vehicle_has_been_read_again(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    wire.orders()
    wire.face.lost("gone")
    wire.face.connected(1.0)
    wire.now = 9.0
    assert wire.orders() == []
    wire.state()
    assert wire.orders() == [("o-1", 0)]


def test_an_update_waits_for_a_vehicle_that_knows_the_order(wire: Wire) -> None:
    wire.state(orderId="")
    wire.face.send(order(update=3, first=4))
    assert wire.orders() == []
    wire.state(orderId="o-1", orderUpdateId=2)
    assert wire.orders() == [("o-1", 3)]


def test_an_order_that_the_vehicle_may_have_done_and_forgotten_is_not_sent_again(wire: Wire) -> None:
    wire.state(orderId="o-0")
    wire.face.send(order(after="o-0"))
    assert wire.orders() == [("o-1", 0)]
    wire.state(orderId="")
    wire.now = 60.0
    assert wire.orders() == []


@pytest.mark.parametrize("mode", ["MANUAL", "SERVICE", "TEACHIN"])
def test_nothing_is_ordered_of_a_vehicle_in_other_hands(wire: Wire, mode: str) -> None:
    wire.state(operatingMode=mode)
    wire.face.send(order())
    assert wire.orders() == []
    wire.state()
    assert wire.orders() == [("o-1", 0)]


def refusal(kind: str, **references: str) -> Json:
    listed = [{"referenceKey": key, "referenceValue": value} for key, value in references.items()]
    return {"errorType": kind, "errorLevel": "WARNING", "errorReferences": listed}


def test_a_refused_order_is_not_sent_again(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    wire.orders()
    wire.state(errors=[refusal("orderError", orderId="o-1", orderUpdateId="0")])
    wire.now = 60.0
    assert wire.orders() == []


@pytest.mark.parametrize(
    "error",
    [
        refusal("orderError", orderId="o-0"),
        refusal("orderUpdateError", orderId="o-1", orderUpdateId="7"),
        refusal("lowBattery", orderId="o-1"),
        refusal("orderError"),
    ],
    ids=["another order", "another update", "no refusal", "no reference"],
)
def test_other_errors_do_not_keep_an_order_back(wire: Wire, error: Json) -> None:
    wire.state()
    wire.face.send(order())
    wire.orders()
    wire.state(errors=[error])
    wire.now = 2.0
    assert wire.orders() == [("o-1", 0)]


def test_the_order_interval_of_the_factsheet_is_kept(wire: Wire) -> None:
    wire.take("factsheet", {"headerId": 0, "protocolLimits": {"timing": {"minOrderInterval": 1.5}}})
    wire.state()
    wire.face.send(order())
    assert wire.orders() == [("o-1", 0)]
    wire.state(orderId="o-1")
    wire.face.send(order(update=1, first=2))
    assert wire.orders() == []
    assert wire.face.next_due() == 1.5
    wire.now = 1.5
    assert wire.orders() == [("o-1", 1)]


def test_an_empty_factsheet_is_taken(wire: Wire) -> None:
    wire.take("factsheet", {"headerId": 0})
    assert wire.face.diagnosis.health().errors == {}


def test_a_cancel_replaces_the_order_and_goes_out_until_its_action_shows(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    wire.face.cancel("o-1")
    cancel = ("cancelOrder", action_id_of("o-1", "cancelOrder"))
    assert wire.actions() == [cancel]
    assert wire.orders() == []
    wire.now = 2.0
    assert wire.actions() == [cancel]
    wire.state(actionStates=[{"actionId": cancel[1], "actionStatus": "RUNNING"}])
    wire.now = 9.0
    assert wire.actions() == []


def test_a_finished_action_that_vanishes_stays_finished(wire: Wire) -> None:
    wire.state(actionStates=[{"actionId": "x", "actionStatus": "FINISHED", "resultDescription": "well"}])
    wire.told()
    wire.state(driving=True)
    (report,) = wire.told()
    assert report.actions == (("x", ActionStatus.FINISHED, "well"),)


def test_an_error_alone_answers_a_cancel_without_an_order(wire: Wire) -> None:
    wire.state()
    wire.face.cancel("o-1")
    wire.actions()
    wire.state(errors=[refusal("noOrderToCancel")])
    report = wire.told()[-1]
    assert report.actions == ((action_id_of("o-1", "cancelOrder"), ActionStatus.FAILED, "noOrderToCancel"),)


def test_a_vehicle_of_2_0_gets_its_instant_actions_under_both_names(wire: Wire) -> None:
    wire.state(version="2.0.0")
    wire.face.cancel("o-1")
    ((_, body),) = wire.sent()
    assert body["instantActions"] == body["actions"] != []


def test_what_has_changed_is_told_and_what_has_not_is_told_every_ten_seconds(wire: Wire) -> None:
    wire.state()
    assert len(wire.told()) == 1
    wire.now = 5.0
    wire.state(agvPosition={"x": 1, "y": 2, "theta": 0, "mapId": "hall", "positionInitialized": True})
    assert wire.told() == []
    wire.state(driving=True)
    assert [report.driving for report in wire.told()] == [True]
    wire.now = 15.0
    wire.state(driving=True)
    assert len(wire.told()) == 1


def test_a_state_that_returns_while_another_is_being_told_is_told_too(wire: Wire) -> None:
    wire.state()
    wire.told()
    wire.state(driving=True)
    under_way = wire.face.due()
    wire.state(driving=False)
    assert under_way is not None
    wire.face.told(under_way)
    assert [report.driving for report in wire.told()] == [False]


def test_a_state_that_was_overtaken_is_left(wire: Wire) -> None:
    wire.state(headerId=10, lastNodeId="c")
    wire.state(headerId=9, timestamp=T0 + "0.00Z", lastNodeId="b")
    assert [report.last_node_id for report in wire.told()] == ["c"]


def test_a_vehicle_that_counts_anew_is_heard(wire: Wire) -> None:
    wire.state(headerId=500, lastNodeId="b", timestamp=T0 + "1Z")
    wire.state(headerId=0, lastNodeId="c", timestamp=T0 + "2Z")
    assert wire.told()[-1].last_node_id == "c"


def test_a_vehicle_whose_clock_has_lost_its_time_is_heard_after_three_states(wire: Wire) -> None:
    wire.state(headerId=500, lastNodeId="b")
    for header_id in range(3):
        wire.state(headerId=header_id, lastNodeId="c", timestamp="1970-01-01T00:00:00Z")
    assert wire.told()[-1].last_node_id == "c"


def test_the_last_will_is_heard_however_old_it_is(wire: Wire) -> None:
    wire.state()
    wire.told()
    with structlog.testing.capture_logs() as lines:
        wire.connection("CONNECTIONBROKEN")
        wire.connection("CONNECTIONBROKEN")
    assert [type(report) for report in wire.told()] == [VehicleOffline]
    assert [line["event"] for line in lines] == ["device offline"]
    wire.state()
    assert [type(report) for report in wire.told()] == [VehicleState]


def test_a_silent_vehicle_is_asked_and_then_offline(wire: Wire) -> None:
    wire.state()
    wire.told()
    wire.face.watch(22.0)
    assert [kind for kind, _ in wire.actions()] == ["stateRequest"]
    wire.face.watch(30.0)
    assert wire.actions() == []
    wire.face.watch(36.0)
    assert wire.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


def test_a_vehicle_that_has_never_been_heard_is_not_called_offline(wire: Wire) -> None:
    wire.connection("OFFLINE")
    wire.face.watch(100.0)
    wire.face.lost("gone")
    assert wire.told() == []


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[]", b'{"nodeStates": 3}', b"9" * 2_000_000])
def test_what_cannot_be_read_is_counted_and_left(wire: Wire, payload: bytes) -> None:
    assert wire.face.take("state", payload, 0.0) is None
    assert wire.told() == []
    assert wire.face.diagnosis.health().errors == {"badFrame": 1}


def test_a_position_carries_what_the_last_state_told_besides(wire: Wire) -> None:
    at = {"x": 1.5, "y": 2.5, "theta": 0.1, "mapId": "hall", "positionInitialized": True}
    wire.state(loads=[{"loadId": "TOTE-1"}])
    seen = wire.take("visualization", {"headerId": 1, "timestamp": T0 + "1Z", "agvPosition": at})
    assert (seen.x, seen.y, seen.load, seen.battery) == (1.5, 2.5, Load.LOADED, 0.8)


def test_a_reset_forgets_the_order_and_tells_the_next_state_news_or_not(wire: Wire) -> None:
    wire.state()
    wire.told()
    wire.face.send(order())
    wire.face.forget()
    assert [kind for kind, _ in wire.actions()] == ["stateRequest"]
    assert wire.orders() == []
    wire.state()
    assert len(wire.told()) == 1


def test_telegrams_keep_orders_and_news_but_not_every_position(wire: Wire) -> None:
    wire.state()
    before = len(wire.face.diagnosis.telegrams())
    for x in range(20):
        wire.state(agvPosition={"x": x, "y": 0, "theta": 0, "mapId": "hall", "positionInitialized": True})
    assert len(wire.face.diagnosis.telegrams()) == before


LOST: Json = {"agvPosition": {"x": 0, "y": 0, "theta": 0, "mapId": "hall", "positionInitialized": False}}
POSE = VehiclePose(
    vehicle_id="agv-1", action_id="pose-1", node_id="b", x=2.0, y=0.0, theta=1.5, map_id="hall"
)


def test_where_it_stands_is_sent_until_the_vehicle_shows_that_it_has_heard(wire: Wire) -> None:
    wire.face.localise(POSE)
    assert wire.actions() == []
    wire.state(**LOST)
    ((_, body),) = wire.sent()
    (action,) = body["actions"]
    assert (action["actionType"], action["actionId"], action["blockingType"]) == (
        "initPosition",
        "pose-1",
        "NONE",
    )
    values = {each["key"]: each["value"] for each in action["actionParameters"]}
    assert values == {"x": 2.0, "y": 0.0, "theta": 1.5, "mapId": "hall", "lastNodeId": "b"}
    wire.now += 2.0
    wire.face.localise(POSE)
    assert wire.actions() == [("initPosition", "pose-1")]
    wire.state(**LOST, actionStates=[{"actionId": "pose-1", "actionStatus": "FAILED", "actionType": "x"}])
    wire.now += 60.0
    assert wire.actions() == []
    (state,) = wire.told()
    assert (state.localised, state.actions) == (False, (("pose-1", ActionStatus.FAILED, ""),))


def test_a_vehicle_that_knows_where_it_is_is_told_nothing_about_it(wire: Wire) -> None:
    wire.state(**LOST)
    wire.face.localise(POSE)
    wire.state()
    assert wire.actions() == []
