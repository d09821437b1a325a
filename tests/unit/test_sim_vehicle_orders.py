"""How a simulated vehicle judges orders and drives them: VDA 5050 2.1.0, 6.6, and laws over random streams."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.vehicles import HEADER, NODES, Bench, Json, action, drop, instant, order, pick

pytestmark = pytest.mark.unit


# -- base and horizon --


def test_it_drives_the_base_and_waits_at_the_decision_point() -> None:
    bench = Bench()
    bench.order(order("abcd", released=2))
    assert bench.remaining == [("b", 2, True), ("c", 4, False), ("d", 6, False)]
    assert bench.state["newBaseRequest"] is True
    bench.finish()
    assert bench.state["lastNodeId"] == "b"
    assert bench.state["driving"] is False
    assert bench.remaining == [("c", 4, False), ("d", 6, False)]


def test_an_update_extends_the_base_without_a_stop() -> None:
    bench = Bench()
    bench.order(order("abcd", released=2))
    bench.run(4.0)
    bench.order(order("bcd", update=1, first=2))
    assert bench.remaining == [("b", 2, True), ("c", 4, True), ("d", 6, True)]
    assert bench.finish() == pytest.approx(30 / 2 + 2 / 0.5)
    assert bench.state["orderUpdateId"] == 1


def test_an_update_after_the_base_is_done_goes_on_from_the_last_node() -> None:
    bench = Bench()
    bench.order(order("ab"))
    bench.finish()
    bench.order(order("bc", update=1, first=2))
    bench.finish()
    assert (bench.state["lastNodeId"], bench.state["lastNodeSequenceId"]) == ("c", 4)


def test_an_update_may_change_and_remove_the_horizon() -> None:
    bench = Bench()
    bench.order(order("abcd", released=2, actions={"d": [drop("old", "D")]}))
    bench.order(order("be", released=1, update=1, first=2))
    assert bench.remaining == [("b", 2, True), ("e", 4, False)]
    assert bench.state["actionStates"] == []
    bench.order(order("b", update=2, first=2))
    assert bench.remaining == [("b", 2, True)]


def test_a_node_may_be_visited_twice() -> None:
    bench = Bench()
    bench.order(order("abab"))
    bench.finish()
    assert (bench.state["lastNodeId"], bench.state["lastNodeSequenceId"]) == ("b", 6)


def test_the_same_order_again_changes_nothing() -> None:
    bench = Bench()
    bench.order(order("abc", actions={"a": [pick("p", "A")]}))
    bench.run(1.0)
    before = bench.state
    bench.order(order("abc", actions={"a": [pick("p", "A")]}))
    assert bench.state == before


def test_the_stitching_node_keeps_its_first_actions() -> None:
    bench = Bench(stock=[("TOTE-1", "agv-1")])
    bench.order(order("abcd", actions={"d": [drop("first", "D")]}))
    bench.order(order("d", update=1, first=6, actions={"d": [drop("second", "D")]}))
    assert [each["actionId"] for each in bench.state["actionStates"]] == ["first"]


# -- refusals --


def changed(content: Json, path: str, value: Any) -> Json:
    """Return the order with another value at e.g. `nodes.1.sequenceId`."""
    copy = deepcopy(content)
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    target: Any = copy
    for part in parents:
        target = target[part]
    target[last] = value
    return copy


GOOD = order("abc", order_id="next-8")
WRONG: dict[str, tuple[Json, str, tuple[str, str]]] = {
    "too few edges": (GOOD | {"edges": []}, "validationError", ("topic", "order")),
    "no node": (GOOD | {"nodes": [], "edges": []}, "validationError", ("nodes", "")),
    "sequence of nodes": (changed(GOOD, "nodes.1.sequenceId", 3), "validationError", ("nodeId", "b")),
    "sequence of edges": (changed(GOOD, "edges.1.sequenceId", 5), "validationError", ("edgeId", "bc")),
    "a new order that does not begin with 0": (order("abc", first=2), "validationError", ("nodeId", "a")),
    "an edge to elsewhere": (changed(GOOD, "edges.0.endNodeId", "c"), "validationError", ("edgeId", "ab")),
    "base behind horizon": (changed(GOOD, "edges.0.released", False), "validationError", ("nodeId", "b")),
    "edge without its node": (changed(GOOD, "nodes.2.released", False), "validationError", ("edgeId", "bc")),
    "first node not released": (order("abc", released=0), "validationError", ("nodeId", "a")),
    "wrong type": (changed(GOOD, "orderUpdateId", "0"), "validationError", ("orderUpdateId", "0")),
    "missing field": (changed(GOOD, "nodes.0", {"nodeId": "a"}), "validationError", ("nodes.0.actions", "")),
    "another vehicle": (GOOD | {"serialNumber": "agv-2"}, "validationError", ("orderId", "next-8")),
    "another major version": (GOOD | {"version": "3.0.0"}, "validationError", ("version", "")),
    "one action twice": (
        order("ab", actions={"a": [drop("x", "A")], "b": [drop("x", "D")]}),
        "validationError",
        ("actionId", "x"),
    ),
    "trajectory": (order("ab", edge={"trajectory": {}}), "orderError", ("trajectory", "edge")),
    "corridor": (order("ab", edge={"corridor": {}}), "orderError", ("edgeId", "ab")),
    "zones": (GOOD | {"zoneSetId": "z"}, "orderError", ("zoneSetId", "order")),
    "another map": (
        changed(GOOD, "nodes.1.nodePosition.mapId", "upstairs"),
        "orderError",
        ("mapId", "upstairs"),
    ),
    "unknown action": (order("ab", actions={"b": [action("dance", "x")]}), "orderError", ("actionId", "x")),
    "action on an edge": (
        changed(GOOD, "edges.0.actions", [drop("x", "D")]),
        "orderError",
        ("actionId", "x"),
    ),
    "station elsewhere": (order("ab", actions={"b": [drop("x", "D")]}), "orderError", ("actionId", "x")),
    "pick without a load type": (
        order("a", actions={"a": [action("pick", "x", stationType="conveyor", stationName="A")]}),
        "orderError",
        ("actionParameters", "loadType"),
    ),
    "first node far away": (order("bcd"), "noRouteError", ("nodeId", "b")),
    "a node where the map has another place": (
        changed(GOOD, "nodes.1.nodePosition.y", 3.0),
        "noRouteError",
        ("nodeId", "b"),
    ),
    "a node beyond every map": (
        changed(changed(GOOD, "nodes.2.nodeId", "x"), "nodes.2.nodePosition.x", 1e200),
        "validationError",
        ("nodes.2.nodePosition.x", ""),
    ),
    "a speed at which nothing moves": (
        order("ab", edge={"maxSpeed": 5e-324}),
        "validationError",
        ("edges.0.maxSpeed", ""),
    ),
    "null where nothing is meant": (
        order("ab", edge={"maxSpeed": None}),
        "validationError",
        ("edges.0.maxSpeed", ""),
    ),
    "unknown place": (
        changed(changed(GOOD, "nodes.1.nodeId", "x"), "edges.0.endNodeId", "x"),
        "validationError",
        ("edgeId", "bc"),
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_order_is_refused_with_its_reason(case: tuple[Json, str, tuple[str, str]]) -> None:
    content, error_type, (key, value) = case
    bench = Bench()
    before = bench.state
    bench.order(content)
    (error,) = bench.state["errors"]
    assert (error["errorType"], error["errorLevel"]) == (error_type, "WARNING")
    references = [(each["referenceKey"], each["referenceValue"]) for each in error["errorReferences"]]
    assert any(k == key and v.startswith(value) for k, v in references), references
    assert ("topic", "order") in references
    assert bench.state | {"errors": []} == before


def test_a_node_that_nobody_can_locate_is_no_route() -> None:
    bench = Bench()
    content = order("ab")
    content["nodes"][1] = content["nodes"][1] | {"nodeId": "nowhere"}
    content["edges"][0] = content["edges"][0] | {"endNodeId": "nowhere"}
    del content["nodes"][1]["nodePosition"]
    bench.order(content)
    assert bench.errors == ["noRouteError"]


def test_however_long_wrong_orders_are_a_state_stays_short_enough_for_a_broker() -> None:
    bench = Bench()
    content = order("ab" * 400)
    for number in range(30):
        for node in content["nodes"]:
            node.update(nodeId=f"{number}" + "n" * 250, sequenceId=7)
        bench.order(content)
        bench.order(HEADER | {"orderId": f"{number}" + "x" * 500_000})
    assert set(bench.errors) == {"validationError"}
    assert len(json.dumps(bench.state)) < 500_000


def test_a_message_that_is_no_json_is_a_validation_error() -> None:
    bench = Bench()
    for payload in (b"", b"{", b"\xff", b"[" * 100_000, b'"text"', b"[]", b'{"headerId": NaN}'):
        bench.vehicle.take_order(payload, 0.0)
        assert bench.errors == ["validationError"]


def test_a_second_order_is_refused_while_the_first_is_executed() -> None:
    bench = Bench()
    bench.order(order("abc"))
    bench.run(3.0)
    bench.order(order("ab", order_id="other-8"))
    assert bench.errors == ["orderError"]
    bench.finish()
    assert (bench.state["orderId"], bench.state["lastNodeId"]) == ("order-7", "c")


def test_a_horizon_keeps_the_vehicle_busy() -> None:
    bench = Bench()
    bench.order(order("ab", released=1))
    bench.order(order("ab", order_id="other-8"))
    assert bench.errors == ["orderError"]


def test_an_older_update_is_refused_and_the_order_goes_on() -> None:
    bench = Bench()
    bench.order(order("abc", update=3))
    bench.order(order("abc", update=2))
    assert bench.errors == ["orderUpdateError"]
    bench.finish()
    assert bench.state["lastNodeId"] == "c"


@pytest.mark.parametrize("late", [False, True], ids=["running", "completed"])
def test_an_update_that_does_not_continue_the_base_is_refused(*, late: bool) -> None:
    bench = Bench()
    bench.order(order("abc", released=2))
    if late:
        bench.finish()
    for wrong in (order("cd", update=1, first=4), order("bc", update=1, first=4), order("abc", update=1)):
        bench.order(wrong)
        assert bench.errors == ["orderUpdateError"]
    assert bench.state["orderUpdateId"] == 0


def test_a_warning_stays_until_a_new_order_is_taken_over() -> None:
    bench = Bench()
    bench.order(order("bcd"))
    bench.order(order("ab"))
    assert bench.errors == []
    bench.finish()
    bench.order(order("ab", order_id="far-8"))
    bench.order(order("bc", update=1, first=2))
    assert bench.errors == ["noRouteError"]
    bench.finish()
    bench.order(order("c", order_id="here-9"))
    assert bench.errors == []


# -- cancellation, 6.6.3 --


def test_a_cancelled_order_ends_at_the_next_node() -> None:
    bench = Bench(stock=[("TOTE-1", "agv-1")])
    bench.order(order("abcd", actions={"d": [drop("x", "D")]}))
    bench.run(2.0)
    bench.instant(instant("cancelOrder", "stop"))
    assert bench.remaining == [("b", 2, True)]
    assert (bench.action("x"), bench.action("stop")) == ("FAILED", "RUNNING")
    bench.finish()
    assert (bench.remaining, bench.state["lastNodeId"], bench.action("stop")) == ([], "b", "FINISHED")
    assert bench.state["orderId"] == "order-7"
    assert bench.world.spot_of("TOTE-1") == "agv-1"


def test_a_fast_vehicle_needs_the_node_after_the_next_to_stop() -> None:
    bench = Bench()
    bench.order(order("abcd"))
    bench.run(6.9)
    bench.instant(instant("cancelOrder", "stop"))
    assert bench.remaining == [("b", 2, True), ("c", 4, True)]
    bench.finish()
    assert (bench.state["lastNodeId"], bench.action("stop")) == ("c", "FINISHED")


def test_a_pick_that_runs_is_finished_before_the_cancellation() -> None:
    bench = Bench(stock=[("TOTE-1", "A")])
    bench.order(order("abcd", actions={"a": [pick("p", "A")]}))
    bench.run(2.0)
    bench.instant(instant("cancelOrder", "stop"))
    assert (bench.action("p"), bench.action("stop"), bench.remaining) == ("RUNNING", "RUNNING", [])
    bench.finish()
    assert (bench.action("p"), bench.action("stop")) == ("FINISHED", "FINISHED")
    assert bench.world.spot_of("TOTE-1") == "agv-1"


def test_a_paused_vehicle_ends_a_cancelled_order_once_it_may_drive() -> None:
    bench = Bench()
    bench.order(order("abc"))
    bench.run(2.0)
    bench.instant(instant("startPause", "hold"))
    bench.finish()
    bench.instant(instant("cancelOrder", "stop"))
    assert (bench.remaining, bench.action("stop")) == ([("b", 2, True)], "RUNNING")
    bench.instant(instant("stopPause", "on"))
    bench.finish()
    assert (bench.state["lastNodeId"], bench.action("stop")) == ("b", "FINISHED")


def test_a_vehicle_that_waits_at_its_decision_point_cancels_at_once() -> None:
    bench = Bench()
    bench.order(order("abc", released=1))
    bench.instant(instant("cancelOrder", "stop"))
    assert (bench.remaining, bench.action("stop")) == ([], "FINISHED")


@pytest.mark.parametrize("how", ["never", "completed", "cancelled"])
def test_without_an_order_there_is_nothing_to_cancel(how: str) -> None:
    bench = Bench()
    if how != "never":
        bench.order(order("ab"))
    if how == "cancelled":
        bench.instant(instant("cancelOrder", "first"))
    bench.finish()
    bench.instant(instant("cancelOrder", "stop"))
    (error,) = bench.state["errors"]
    assert (error["errorType"], error["errorLevel"]) == ("noOrderToCancel", "WARNING")
    assert {"referenceKey": "actionId", "referenceValue": "stop"} in error["errorReferences"]
    assert bench.action("stop") == "FAILED"


def test_a_cancelled_order_stays_cancelled_when_the_position_is_initialised() -> None:
    bench = Bench()
    bench.order(order("abcd", released=2))
    bench.finish()
    bench.instant(instant("cancelOrder", "c"))
    bench.instant(instant("initPosition", "i", x=10.0, y=0.0, theta=0.0, mapId="ground", lastNodeId="b"))
    assert bench.action("i") == "FINISHED"
    bench.order(order("bcd", update=1))
    assert bench.errors == ["orderUpdateError"]


def test_after_a_cancellation_updates_are_refused_and_new_orders_taken() -> None:
    bench = Bench()
    bench.order(order("abc"))
    bench.run(2.0)
    bench.instant(instant("cancelOrder", "stop"))
    bench.order(order("ab", order_id="early-8"))
    assert bench.errors == ["orderError"]
    bench.finish()
    bench.order(order("bc", update=1, first=2))
    assert bench.errors == ["orderError", "orderUpdateError"]
    bench.order(order("bc", order_id="next-8"))
    assert bench.errors == []
    bench.finish()
    assert bench.state["lastNodeId"] == "c"


# -- laws --

NEIGHBOURS = {
    node: [
        other
        for other in NODES
        if other != node and node + other in {"ab", "ba", "bc", "cb", "cd", "dc", "be", "eb"}
    ]
    for node in NODES
}


class RandomOrders(RuleBasedStateMachine):
    """A legal master control that sends orders, updates, repetitions and cancellations at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.path = "a"
        self.released = 1
        self.first = 0
        self.orders = self.update = 0
        self.sent: Json | None = None
        self.ended = True

    def extend(self, path: str, choices: list[int]) -> str:
        for choice in choices:
            options = NEIGHBOURS[path[-1]]
            path += options[choice % len(options)]
        return path

    def send(self, content: Json) -> None:
        self.sent = content
        self.bench.order(content)
        assert self.bench.errors == []

    @precondition(lambda self: not self.bench.vehicle.book.busy)
    @rule(choices=st.lists(st.integers(0, 9), max_size=5), share=st.floats(0, 1))
    def begin(self, choices: list[int], share: float) -> None:
        self.orders, self.update, self.first, self.ended = self.orders + 1, 0, 0, False
        self.path = self.extend(self.bench.state["lastNodeId"], choices)
        self.released = 1 + round(share * (len(self.path) - 1))
        self.send(order(self.path, released=self.released, order_id=f"order-{self.orders}"))

    @precondition(lambda self: not self.ended)
    @rule(choices=st.lists(st.integers(0, 9), max_size=5), share=st.floats(0, 1))
    def go_on(self, choices: list[int], share: float) -> None:
        self.update += 1
        self.first += 2 * (self.released - 1)
        self.path = self.extend(self.path[self.released - 1], choices)
        self.released = 1 + round(share * (len(self.path) - 1))
        name = f"order-{self.orders}"
        self.send(
            order(self.path, released=self.released, order_id=name, update=self.update, first=self.first)
        )

    @precondition(lambda self: self.sent is not None)
    @rule()
    def repeat(self) -> None:
        before = self.bench.state
        assert self.sent
        self.bench.order(self.sent)
        assert self.bench.state == before

    @precondition(lambda self: not self.ended)
    @rule()
    def cancel(self) -> None:
        if self.bench.vehicle.book.executing:
            self.ended = True
            self.bench.instant(instant("cancelOrder", f"cancel-{self.orders}-{self.bench.now}"))

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.bench.run(self.bench.now + seconds)

    @invariant()
    def the_states_are_what_remains(self) -> None:
        """Given what was sent, what remains is every node behind the last one that was traversed."""
        state = self.bench.state
        assert [n["sequenceId"] - 1 for n in state["nodeStates"]] == [
            e["sequenceId"] for e in state["edgeStates"]
        ]
        if self.ended:
            return
        nodes = [(node, self.first + 2 * i, i < self.released) for i, node in enumerate(self.path)]
        remaining = [node for node in nodes if node[1] > state["lastNodeSequenceId"]]
        known = [node for node in self.bench.remaining if node[1] >= self.first]
        assert known == remaining

    @invariant()
    def it_never_leaves_the_base(self) -> None:
        decision = self.first + 2 * (self.released - 1)
        assert self.bench.state["lastNodeSequenceId"] <= decision
        if self.bench.state["driving"]:
            assert self.bench.state["nodeStates"][0]["released"]

    def teardown(self) -> None:
        self.bench.finish()
        state = self.bench.state
        assert not state["driving"]
        assert not any(node["released"] for node in state["nodeStates"])
        x, y = NODES[state["lastNodeId"]]
        assert (state["agvPosition"]["x"], state["agvPosition"]["y"]) == (x, y)
        assert self.bench.traffic.zone_of("agv-1") == state["lastNodeId"]


TestRandomOrders = RandomOrders.TestCase


@given(st.binary(max_size=200))
def test_no_bytes_whatever_upset_the_vehicle(payload: bytes) -> None:
    bench = Bench()
    bench.vehicle.take_order(payload, 0.0)
    bench.vehicle.take_instant_actions(payload, 0.0)
    assert set(bench.errors) == {"validationError"}
