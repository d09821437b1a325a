"""What the driver sends to one vehicle, when it stops, and what it tells: without a wire and without a clock."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog

from drivers.telegrams import Diagnosis
from drivers.vda5050.mandate import Mandate
from drivers.vda5050.vehicle import DROPPED_MAX, PATIENCE, VehicleFace
from gateway.contract.reports import Load
from gateway.contract.vehicles import (
    UNDER_WAY_S,
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
OWN = Mandate(epoch=7, run="run-7")
T0 = "2026-11-22T08:00:0"
LOST: Json = {"agvPosition": {"x": 0, "y": 0, "theta": 0, "mapId": "hall", "positionInitialized": False}}
POSE = VehiclePose(
    vehicle_id="agv-1", action_id="pose-1", node_id="b", x=2.0, y=0.0, theta=1.5, map_id="hall"
)


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
        self.face = VehicleFace(WIRING, OWN, Diagnosis(Clock()), resend_s=2.0, offline_s=35.0)
        self.now = 0.0
        self._header = 0

    def connect(self, now: float = 0.0) -> None:
        """Connect to a broker that passes on who commands the vehicle."""
        self.now = now
        self.face.connected(now)
        self.mandate(OWN)

    def mandate(self, shown: Mandate) -> None:
        self.face.take_mandate(shown.model_dump_json().encode(), self.now)

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
        return self.face.take(topic, json.dumps(body).encode(), self.now, at_us=0)

    def wait(self, until: float) -> None:
        """Let the time come."""
        self.now = until
        self.face.watch(until)

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
    wire.connect()
    wire.sent()
    return wire


def test_a_new_connection_asks_for_factsheet_and_state_and_for_nothing_else(wire: Wire) -> None:
    wire.face.send(order())
    wire.connect()
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


def test_an_order_tells_where_its_nodes_lie_how_exactly_to_meet_them_and_how_fast_to_drive(
    wire: Wire,
) -> None:
    plain = order()
    first, second = plain.nodes
    exact = replace(second, theta=1.5, deviation=0.25)
    (edge,) = plain.edges
    wire.state()
    wire.face.send(replace(plain, nodes=(first, exact), edges=(replace(edge, max_speed=0.8),)))
    ((_, body),) = wire.sent()
    assert [node["nodePosition"] for node in body["nodes"]] == [
        {"x": 0, "y": 0, "mapId": "hall"},
        {"x": 2, "y": 0, "mapId": "hall", "theta": 1.5, "allowedDeviationXY": 0.25},
    ]
    assert [edge["maxSpeed"] for edge in body["edges"]] == [0.8]


@pytest.mark.parametrize(
    ("loads", "told"), [(None, None), ([], ()), ([{"loadId": "T1"}, {}], ("T1", ""))], ids=str
)
def test_what_a_vehicle_carries_is_told_and_a_blind_one_is_not_empty(
    wire: Wire, loads: list[Json] | None, told: tuple[str, ...] | None
) -> None:
    wire.state(**({} if loads is None else {"loads": loads}))
    assert [state.loads for state in wire.told()] == [told]


def test_an_order_that_the_vehicle_has_already_is_not_sent_after_a_restart(wire: Wire) -> None:
    wire.face.send(order())
    wire.state(orderId="o-1")
    assert wire.orders() == []


def test_a_lost_connection_sends_nothing_before_the_vehicle_has_been_read_again(wire: Wire) -> None:
    wire.state()
    wire.face.send(order())
    wire.orders()
    wire.face.lost("gone")
    wire.connect(1.0)
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
    assert wire.face.next_due() > wire.now, "nobody need look again before it shows something else"
    wire.state()
    assert wire.face.next_due() <= wire.now
    assert wire.orders() == [("o-1", 0)]


def test_a_vehicle_whose_speed_alone_somebody_sets_is_in_our_hands(wire: Wire) -> None:
    wire.state(operatingMode="SEMIAUTOMATIC")
    wire.face.send(order())
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
    ids=["another order", "another update", "no refusal", "nobody knows about what, yet"],
)
def test_other_errors_do_not_keep_an_order_back(wire: Wire, error: Json) -> None:
    wire.state()
    wire.face.send(order())
    wire.orders()
    wire.state(errors=[error])
    wire.now = 2.0
    assert wire.orders() == [("o-1", 0)]


def told_refusals(wire: Wire) -> list[dict[str, str]]:
    """Return what the errors in the newest state that is told are about."""
    (shown,) = wire.told()[-1:]
    assert isinstance(shown, VehicleState)
    return [dict(error.references) for error in shown.errors]


def send_in_vain(wire: Wire, seconds: int, **changes: Any) -> list[float]:
    """Let a vehicle show the same each second; return when it was sent its order."""
    sent: list[float] = []
    for _ in range(seconds):
        if wire.orders():
            sent.append(wire.now)
        wire.now += 1.0
        wire.state(**changes)
    return sent


@pytest.mark.parametrize(
    "error",
    [refusal("validationError"), refusal("orderError", nodeId="b"), {"errorType": "noRouteError"}],
    ids=["no reference", "another reference", "nothing but its type"],
)
def test_an_error_that_does_not_say_about_what_counts_as_a_no_to_an_order_that_is_sent_in_vain(
    wire: Wire, error: Json
) -> None:
    # given a vehicle of a maker who leaves references out, which showed the same about an order before
    wire.state(errors=[error])
    wire.face.send(order())
    # when it is sent the order again and again
    sent = send_in_vain(wire, 120, errors=[error])
    # then that ends, once nothing of it can be under way, and the kernel hears about what the error is
    assert PATIENCE <= len(sent) <= PATIENCE + 3
    assert {"orderId": "o-1", "orderUpdateId": "0"}.items() <= told_refusals(wire)[-1].items()


def test_such_an_error_counts_as_a_no_to_an_update_too(wire: Wire) -> None:
    error = refusal("orderUpdateError")
    wire.state(orderId="o-1")
    wire.face.send(order(update=1, first=2))
    assert len(send_in_vain(wire, 120, orderId="o-1", errors=[error])) <= PATIENCE + 3
    assert told_refusals(wire)[-1] == {"orderId": "o-1", "orderUpdateId": "1"}


def test_an_old_error_that_does_not_say_about_what_is_no_answer_to_an_order_that_is_taken(wire: Wire) -> None:
    error = refusal("validationError")
    wire.state(errors=[error])
    wire.face.send(order())
    send_in_vain(wire, 5, errors=[error])
    wire.state(orderId="o-1", errors=[error])
    assert told_refusals(wire) == [{}]
    assert send_in_vain(wire, 60, orderId="o-1", errors=[error]) == []
    assert told_refusals(wire) == [{}]


@pytest.mark.parametrize(
    "error",
    [refusal("validationError", actionId="of a question"), refusal("lowBattery")],
    ids=["about an action that is not the order's", "no refusal of orders"],
)
def test_what_is_about_something_else_never_counts_as_a_no(wire: Wire, error: Json) -> None:
    wire.state()
    wire.face.send(order())
    assert send_in_vain(wire, 200, errors=[error])[-1] > 150


def test_a_no_that_a_vehicle_shows_but_once_is_told_with_all_that_it_shows_after_it(wire: Wire) -> None:
    # given a kernel that is slow to hear
    wire.state()
    wire.face.send(order())
    wire.orders()
    busy = wire.face.due()
    wire.state(errors=[refusal("orderError", orderId="o-1", orderUpdateId="0")])
    wire.state()
    assert busy is not None
    wire.face.told(busy)
    # then it hears of the no all the same: the order is sent no more
    assert told_refusals(wire) == [{"orderId": "o-1", "orderUpdateId": "0"}]
    # until the vehicle takes it, or is sent another one
    wire.state(orderId="o-1")
    assert told_refusals(wire) == []
    wire.face.send(order("o-2", after="o-1"))
    assert wire.orders() == [("o-2", 0)]


def test_a_no_that_is_kept_is_no_fault_of_a_vehicle_that_shows_none_any_more(wire: Wire) -> None:
    """Found by reading: one that called an update it had refused fatal, and cleared that, never worked again."""
    error = refusal("orderUpdateError", orderId="o-1", orderUpdateId="1") | {"errorLevel": "FATAL"}
    wire.state(orderId="o-1")
    wire.face.send(order(update=1, first=2))
    wire.orders()
    for errors, fatal in (([error], True), ([], False)):
        wire.state(orderId="o-1", errors=errors)
        (shown,) = wire.told()[-1:]
        assert isinstance(shown, VehicleState)
        assert (shown.errors != (), any(each.fatal for each in shown.errors)) == (True, fatal)


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
    assert wire.sent() == [], "nor the order"


def test_a_new_order_is_not_cancelled_by_what_was_to_cancel_the_one_before(wire: Wire) -> None:
    """A vehicle cancels whatever it has: `cancelOrder` names no order (6.6.3)."""
    wire.state()
    wire.face.cancel("o-1")
    wire.face.send(order("o-2"))
    for wire.now in (0.0, 10.0):
        assert wire.actions() == []


@pytest.mark.parametrize("status", [ActionStatus.FINISHED, ActionStatus.FAILED])
def test_an_ended_action_that_vanishes_stays_ended(wire: Wire, status: ActionStatus) -> None:
    wire.state(actionStates=[{"actionId": "x", "actionStatus": status.name, "resultDescription": "why"}])
    wire.told()
    wire.state(driving=True)
    (report,) = wire.told()
    assert report.actions == (("x", status, "why"),)


def test_however_many_actions_have_vanished_the_newest_ones_stay_finished(wire: Wire) -> None:
    # given a vehicle that shows no actions but those of its order, and has carried out very many
    orders = [f"o-{number}" for number in range(100)]
    for each in orders:
        wire.state(orderId=each, actionStates=[{"actionId": f"of {each}", "actionStatus": "FINISHED"}])
    # when it shows none any more
    wire.told()
    wire.state()
    # then the last few are still told as finished
    (report,) = wire.told()
    last = [f"of {each}" for each in reversed(orders[-DROPPED_MAX:])]
    assert report.actions == tuple((each, ActionStatus.FINISHED, "") for each in last)


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


def test_a_vehicle_whose_clock_has_lost_its_time_is_heard_when_no_older_state_can_be_under_way(
    wire: Wire,
) -> None:
    wire.state(headerId=500, lastNodeId="b")
    wire.told()
    for header_id in range(3):
        assert wire.told() == []
        wire.now += UNDER_WAY_S / 3
        wire.state(headerId=header_id, lastNodeId="c", timestamp="1970-01-01T00:00:00Z")
    assert wire.told()[-1].last_node_id == "c"


def test_however_many_states_are_overtaken_they_are_left(wire: Wire) -> None:
    """Found by simulation (narrow site, seed 3005): the third was believed, and its order counted as forgotten."""
    wire.now = 100.0
    wire.state(headerId=10, lastNodeId="c")
    for header_id in range(5):
        wire.state(headerId=header_id, timestamp=T0 + "0.00Z", lastNodeId="b")
    assert [report.last_node_id for report in wire.told()] == ["c"]


def test_a_late_word_that_a_vehicle_is_online_makes_no_overtaken_state_a_new_one(wire: Wire) -> None:
    """Found by simulation (narrow site, seed 3024)."""
    wire.state(headerId=10, lastNodeId="c")
    wire.connection("ONLINE")
    wire.state(headerId=9, timestamp=T0 + "0.00Z", lastNodeId="b")
    assert [report.last_node_id for report in wire.told()] == ["c"]


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


def test_a_vehicle_that_is_gone_after_a_loss_of_the_broker_is_not_said_to_lack_a_broker(wire: Wire) -> None:
    """Found by reading: the alarm named the broker for as long as the vehicle was switched off."""
    wire.state()
    wire.told()
    wire.face.lost("the broker does not answer")
    wire.connect(10.0)
    for _ in range(2):
        wire.connection("OFFLINE")
    reasons = [report.reason for report in wire.told() if isinstance(report, VehicleOffline)]
    assert reasons[-1] == "the vehicle's connection is OFFLINE"
    wire.connection("OFFLINE")
    assert wire.told() == []


def test_a_vehicle_with_nothing_to_do_is_asked_when_its_state_is_overdue_and_then_offline(
    wire: Wire,
) -> None:
    wire.state()
    wire.told()
    wire.wait(30.5)
    assert wire.actions() == []
    wire.wait(31.0)
    assert [kind for kind, _ in wire.actions()] == ["stateRequest"]
    wire.wait(36.0)
    assert wire.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


DRIVES: Json = {
    "orderId": "o-1",
    "nodeStates": [{"nodeId": "b", "sequenceId": 2, "released": True}],
    "driving": True,
}
WAITS = DRIVES | {"driving": False}
SILENT = "no answer, asked for its state 2 times"


def questions(wire: Wire, until: float, step: float = 0.5) -> list[float]:
    """Let time pass and return the moments at which the vehicle is asked for its state."""
    moments: list[float] = []
    while wire.now < until:
        wire.wait(wire.now + step)
        if "stateRequest" in [kind for kind, _ in wire.actions()]:
            moments.append(wire.now)
    return moments


def answer(wire: Wire, status: str = "FINISHED", **shown: Any) -> None:
    """The vehicle is asked, and tells a state with what became of the question."""
    (asked,) = [action_id for kind, action_id in wire.actions() if kind == "stateRequest"]
    wire.state(**shown, actionStates=[{"actionId": asked, "actionStatus": status}])


@pytest.fixture
def answering() -> Wire:
    """A vehicle that has answered the question at the connect."""
    wire = Wire()
    wire.connect()
    answer(wire)
    wire.told()
    return wire


def test_a_vehicle_with_an_order_that_falls_silent_is_asked_twice_and_is_offline_after_8_s(
    answering: Wire,
) -> None:
    answering.state(**DRIVES)
    answering.told()
    assert questions(answering, 7.5) == [3.0, 5.5]
    assert answering.told() == []
    answering.wait(8.0)
    assert answering.told() == [VehicleOffline(vehicle_id="agv-1", reason=SILENT)]


def test_an_order_without_an_echo_makes_a_dead_vehicle_known_too(answering: Wire) -> None:
    answering.wait(20.0)
    answering.face.send(order())
    answering.sent()
    assert questions(answering, 27.5) == [23.0, 25.5]
    answering.wait(28.0)
    assert answering.told() == [VehicleOffline(vehicle_id="agv-1", reason=SILENT)]


def test_a_vehicle_that_is_gone_is_asked_ever_more_rarely_and_is_back_with_its_next_state(
    answering: Wire,
) -> None:
    answering.state(**DRIVES)
    assert questions(answering, 150.0) == [3.0, 5.5, 10.5, 20.5, 40.5, 70.5, 100.5, 130.5]
    answering.told()
    answering.state(**DRIVES)
    assert [type(report) for report in answering.told()] == [VehicleState]


def test_a_vehicle_that_is_gone_for_days_is_asked_and_sent_its_order_all_the_same(answering: Wire) -> None:
    answering.face.send(order())
    while answering.now < 100_000:
        answering.wait(answering.now + 30.0)
        (actions, sent) = answering.sent()
        assert (actions[0], sent[0]) == ("instantActions", "order")


def test_visualization_is_a_sign_of_life(answering: Wire) -> None:
    answering.state(**DRIVES)
    answering.told()
    questions(answering, 6.0)
    answering.take("visualization", {"headerId": 1, "timestamp": T0 + "1Z"})
    answering.wait(30.0)
    assert answering.told() == []
    answering.take("visualization", {"headerId": 2, "timestamp": T0 + "2Z"})
    answering.wait(35.5)
    assert answering.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


@pytest.mark.parametrize("shown", ["action failed", "error alone", "says nothing", "tells a state alone"])
def test_a_vehicle_that_does_not_know_the_question_is_offline_after_35_s_as_ever(shown: str) -> None:
    wire = Wire()
    wire.connect()
    match shown:
        case "action failed":
            answer(wire, "FAILED", **DRIVES)
        case "error alone":
            (asked,) = [action_id for kind, action_id in wire.actions() if kind == "stateRequest"]
            wire.state(**DRIVES, errors=[refusal("instantActionError", actionId=asked)])
        case _:
            wire.sent()
            wire.state(**DRIVES)
    wire.told()
    asked_at = questions(wire, 35.0)
    assert wire.told() == []
    if shown in ("action failed", "error alone"):
        assert asked_at == []
    wire.wait(35.5)
    assert wire.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


def test_a_vehicle_that_has_refused_the_question_is_asked_again_after_its_next_start() -> None:
    wire = Wire()
    wire.connect()
    answer(wire, "FAILED", **DRIVES)
    wire.connection("ONLINE")
    assert [kind for kind, _ in wire.actions()] == ["stateRequest"]


def test_a_vehicle_that_says_online_and_nothing_else_is_offline_after_35_s(wire: Wire) -> None:
    wire.state()
    wire.told()
    for now in range(5, 35, 5):
        wire.wait(float(now))
        wire.connection("ONLINE")
        wire.sent()
    wire.wait(35.5)
    assert wire.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


def test_a_vehicle_that_waits_is_asked_soon_and_then_ever_more_rarely(answering: Wire) -> None:
    # given a vehicle that tells its states only every 30 s, and keeps what it was asked until its next order
    answering.state(**WAITS)
    asked: list[float] = []
    kept: list[Json] = []
    while answering.now < 600:
        answering.wait(answering.now + 0.5)
        ids = [action_id for kind, action_id in answering.actions() if kind == "stateRequest"]
        kept += [{"actionId": action_id, "actionStatus": "FINISHED"} for action_id in ids]
        asked += [answering.now] * len(ids)
        if ids or answering.now % 30 == 0:
            measured = {"x": 2 + answering.now / 1e6, "y": 0}
            answering.state(**WAITS, actionStates=kept, agvPosition=measured)
    # then it is asked a few times only, and its questions are no news
    assert asked == [3.0, 9.0, 21.0, 54.0]
    states = [report for report in answering.told() if isinstance(report, VehicleState)]
    assert all(report.actions == () for report in states)


def test_news_and_orders_make_the_questions_soon_again(answering: Wire) -> None:
    answering.state(**WAITS)
    for _ in range(4):
        answering.wait(answering.now + 30.0)
        answering.sent()
        answering.state(**WAITS)
    start = answering.now
    answering.face.send(order(update=1, first=2))
    answering.sent()
    assert questions(answering, start + 4.0) == [start + 3.0]


def test_an_update_whose_echo_was_lost_is_echoed_when_the_vehicle_is_asked(answering: Wire) -> None:
    answering.state(**WAITS)
    answering.wait(1.0)
    answering.face.send(order(update=1, first=2))
    assert answering.orders() == [("o-1", 1)]
    # the vehicle has it and has told so, but that was lost; the same again is nothing to it
    answering.wait(3.0)
    assert answering.orders() == [("o-1", 1)]
    assert questions(answering, 4.0) == [4.0]
    answering.state(**DRIVES | {"orderUpdateId": 1})
    answering.wait(6.0)
    assert answering.orders() == []


def test_a_question_has_an_id_that_no_other_run_of_the_gateway_has_used() -> None:
    asked: set[str] = set()
    for run in ("run-a", "run-b"):
        own = Mandate(epoch=7, run=run)
        face = VehicleFace(WIRING, own, Diagnosis(Clock()), resend_s=2.0, offline_s=35.0)
        face.connected(0.0)
        face.take_mandate(own.model_dump_json().encode(), 0.0)
        ((_, payload),) = face.outgoing(0.0, 0)
        asked |= {action["actionId"] for action in json.loads(payload)["actions"]}
    assert len(asked) == 4


NEWER = Mandate(epoch=8, run="run-8")
BARRED = "another, newer gateway commands this vehicle"


def test_nothing_at_all_is_sent_while_another_gateway_commands(answering: Wire) -> None:
    answering.state(**DRIVES)
    answering.told()
    with structlog.testing.capture_logs() as lines:
        answering.mandate(NEWER)
        answering.mandate(NEWER)
    assert [line["event"] for line in lines] == ["device fenced"]
    # then the vehicle's last state is told anew, with the reason
    (report,) = answering.told()
    assert (report.barred, report.order_id) == (BARRED, "o-1")
    answering.face.send(order(update=1, first=2))
    answering.face.cancel("o-1")
    answering.face.forget()
    answering.face.localise(POSE)
    answering.connection("ONLINE")
    answering.wait(answering.now + 20.0)
    assert answering.sent() == []
    # and what it shows is told all the same
    answering.state(orderId="theirs")
    assert [(report.order_id, report.barred) for report in answering.told()] == [("theirs", BARRED)]


def test_a_vehicle_that_another_gateway_commands_is_offline_after_35_s_like_any_other(
    answering: Wire,
) -> None:
    answering.state(**DRIVES)
    answering.mandate(NEWER)
    answering.told()
    assert questions(answering, 35.0) == []
    assert answering.told() == []
    answering.wait(35.5)
    assert answering.told() == [VehicleOffline(vehicle_id="agv-1", reason="no state for 35 s")]


def test_nothing_is_sent_before_the_broker_shows_who_commands(wire: Wire) -> None:
    wire.face.connected(1.0)
    wire.state()
    wire.face.send(order())
    wire.now = 2.0
    assert wire.sent() == []
    wire.mandate(OWN)
    assert [topic for topic, _ in wire.sent()] == ["instantActions", "order"]


def test_a_vehicle_that_has_never_been_heard_is_offline_after_35_s_like_any_other(wire: Wire) -> None:
    """Found by reading: one that was switched off when the gateway started, or has another name, was nobody's matter."""
    wire.wait(35.0)
    assert wire.told() == []
    wire.wait(35.5)
    (missed,) = wire.told()
    assert missed == VehicleOffline(
        vehicle_id="agv-1",
        reason="no state in the 35 s since it could be heard (manufacturer simco, serial number agv-1)",
    )
    wire.wait(100.0)
    assert wire.told() == []
    # when it is heard at last
    wire.state()
    assert [type(report) for report in wire.told()] == [VehicleState]


def test_a_vehicle_that_has_never_been_heard_may_be_about_to_answer_or_has_said_why_it_will_not(
    wire: Wire,
) -> None:
    # given a word that the broker has kept from before
    wire.connection("OFFLINE")
    wire.wait(35.0)
    assert wire.told() == []
    wire.wait(35.5)
    assert wire.told() == [VehicleOffline(vehicle_id="agv-1", reason="the vehicle's connection is OFFLINE")]


def test_a_vehicle_that_cannot_be_heard_without_the_broker_is_given_its_time_once_it_can(wire: Wire) -> None:
    wire.wait(30.0)
    wire.face.lost("the broker does not answer")
    wire.face.missed("the broker does not answer")
    (missed,) = wire.told()
    assert missed.reason == "the broker does not answer"
    wire.wait(100.0)
    wire.connect(100.0)
    wire.wait(135.0)
    assert wire.told() == []
    # then nobody looks at the broker any more
    wire.wait(135.5)
    (missed,) = wire.told()
    assert missed.reason.startswith("no state in the 35 s since it could be heard")


def test_a_vehicle_whose_state_nobody_may_read_is_given_its_time_once_somebody_may(wire: Wire) -> None:
    wire.face.refused([STATE])
    (refused,) = wire.told()
    assert STATE in refused.reason
    wire.wait(100.0)
    wire.face.refused([])
    wire.wait(135.0)
    assert wire.told() == []
    wire.wait(135.5)
    (missed,) = wire.told()
    assert missed.reason.startswith("no state in the 35 s since it could be heard")


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"[]", b'{"nodeStates": 3}', b"9" * 2_000_000])
def test_what_cannot_be_read_is_counted_and_left(wire: Wire, payload: bytes) -> None:
    assert wire.face.take("state", payload, 0.0, at_us=0) is None
    assert wire.told() == []
    assert wire.face.diagnosis.health().errors == {"badFrame": 1}


def test_a_position_carries_what_the_last_state_told_besides(wire: Wire) -> None:
    at = {"x": 1.5, "y": 2.5, "theta": 0.1, "mapId": "hall", "positionInitialized": True}
    wire.state(loads=[{"loadId": "TOTE-1"}])
    seen = wire.take("visualization", {"headerId": 1, "timestamp": T0 + "1Z", "agvPosition": at})
    assert (seen.x, seen.y, seen.load, seen.battery) == (1.5, 2.5, Load.LOADED, 0.8)


@pytest.mark.parametrize(
    "want",
    [
        lambda face: face.send(order()),
        lambda face: face.cancel("o-0"),
        lambda face: face.localise(POSE),
    ],
    ids=["order", "cancel", "pose"],
)
def test_a_reset_forgets_what_was_to_be_sent_and_tells_the_next_state_news_or_not(
    wire: Wire, want: Callable[[VehicleFace], None]
) -> None:
    wire.state()
    wire.told()
    want(wire.face)
    wire.face.forget()
    ((topic, body),) = wire.sent()
    assert (topic, [action["actionType"] for action in body["actions"]]) == (
        "instantActions",
        ["stateRequest"],
    )
    wire.state()
    assert len(wire.told()) == 1


def test_telegrams_keep_orders_and_news_but_not_every_position(wire: Wire) -> None:
    wire.state()
    before = len(wire.face.diagnosis.telegrams())
    for x in range(20):
        wire.state(agvPosition={"x": x, "y": 0, "theta": 0, "mapId": "hall", "positionInitialized": True})
    assert len(wire.face.diagnosis.telegrams()) == before


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


def test_a_state_of_the_last_start_that_comes_after_the_first_of_this_one_is_left(wire: Wire) -> None:
    """The vehicle has begun to count anew; what was under way from before has the higher number, and is older."""
    wire.state(headerId=500, timestamp=T0 + "1Z", orderId="o-1")
    wire.state(headerId=0, timestamp=T0 + "5Z", orderId="")
    wire.state(headerId=501, timestamp=T0 + "2Z", orderId="o-1")
    assert [report.order_id for report in wire.told()][-1] == ""
    wire.state(headerId=1, timestamp=T0 + "6Z", orderId="", lastNodeId="c")
    assert wire.told()[-1].last_node_id == "c"


def test_a_clock_that_is_set_back_a_little_makes_no_state_late(wire: Wire) -> None:
    wire.state(headerId=500, timestamp=T0 + "5Z")
    wire.state(headerId=501, timestamp=T0 + "4Z", lastNodeId="c")
    assert wire.told()[-1].last_node_id == "c"


@pytest.mark.parametrize(
    "left_out",
    [
        "paused",
        "newBaseRequest",
        "orderId",
        "lastNodeId",
        "nodeStates",
        "actionStates",
        "errors",
        "loads",
        "agvPosition",
    ],
)
def test_a_vehicle_that_writes_null_for_what_it_has_not_is_heard(wire: Wire, left_out: str) -> None:
    wire.state(**{left_out: None})
    assert [type(report) for report in wire.told()] == [VehicleState]


STATE, PLACE = "uagv/v2/simco/agv-1/state", "uagv/v2/simco/agv-1/visualization"


def test_a_state_that_may_be_read_at_last_is_asked_for_though_another_topic_is_refused(wire: Wire) -> None:
    wire.face.refused([STATE, PLACE])
    wire.actions()
    wire.face.refused([PLACE])
    assert [kind for kind, _ in wire.actions()] == ["stateRequest"]
    wire.face.refused([PLACE])
    assert wire.actions() == []


def test_a_refused_state_is_the_reason_though_the_broker_was_lost_before(wire: Wire) -> None:
    wire.state()
    wire.face.lost("the broker does not answer")
    wire.told()
    wire.connect()
    wire.face.refused([STATE])
    (offline,) = wire.told()
    assert isinstance(offline, VehicleOffline)
    assert STATE in offline.reason
