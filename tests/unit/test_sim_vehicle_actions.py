"""Actions of simulated vehicles: their life, their blocking, what they do to the world (VDA 5050 2.1.0, 6.8, 6.11, 6.12)."""

import pytest

from sim_devices.vehicles.battery import BatterySpec
from tests.vehicles import Bench, Json, action, drop, instant, order, pick

pytestmark = pytest.mark.unit

TOTE = [("TOTE-1", "A")]


# -- picks and drops --


def test_a_pick_goes_through_its_states_in_the_handling_time() -> None:
    bench = Bench(stock=TOTE)
    bench.order(order("ab", released=1, actions={"a": [pick("p", "A")], "b": [drop("x", "D")]} | {"b": []}))
    seen = [(0.0, bench.action("p"))]
    while (moment := bench.vehicle.next_moment()) is not None:
        bench.run(moment)
        seen.append((round(bench.now, 6), bench.action("p")))
    assert seen == [(0.0, "INITIALIZING"), (0.4, "RUNNING"), (4.0, "FINISHED")]
    assert bench.state["loads"] == [{"loadId": "TOTE-1", "loadType": "container"}]


def test_an_action_waits_for_its_node_and_the_vehicle_for_the_action() -> None:
    bench = Bench(stock=[("TOTE-1", "agv-1")])
    bench.order(order("abcdc", actions={"d": [drop("x", "D")]}))
    assert bench.action("x") == "WAITING"
    bench.run(19.0 + 2.0)
    assert (bench.action("x"), bench.state["lastNodeId"], bench.state["driving"]) == ("RUNNING", "d", False)
    assert bench.finish() == pytest.approx(19.0 + 4.0 + 10 / 2 + 2 / 0.5)
    assert bench.world.spot_of("TOTE-1") == "D"


@pytest.mark.parametrize(
    ("order_id", "job"), [("agv-1-42", "42"), ("17", "17"), ("move-x", "move-x"), ("7-", "7-")]
)
def test_moves_are_counted_under_the_number_of_the_order(order_id: str, job: str) -> None:
    bench = Bench(stock=TOTE)
    bench.order(order("a", order_id=order_id, actions={"a": [pick("p", "A")]}))
    bench.finish()
    assert bench.world.moves(job) == 1


FAILURES: dict[str, tuple[list[tuple[str, str]], Json, str]] = {
    "source empty": ([], pick("p", "A"), "sourceEmpty"),
    "another container": ([("TOTE-2", "A")], pick("p", "A"), "wrongContainer"),
    "load on board": ([("TOTE-1", "A"), ("TOTE-2", "agv-1")], pick("p", "A"), "loadOnBoard"),
    "nothing on board": ([], drop("p", "A"), "loadMissing"),
    "destination occupied": (
        [("TOTE-1", "agv-1"), ("TOTE-2", "A")],
        drop("p", "A"),
        "destinationOccupied",
    ),
}


@pytest.mark.parametrize("case", FAILURES.values(), ids=FAILURES.keys())
def test_what_is_impossible_fails_with_an_error_that_names_the_action(
    case: tuple[list[tuple[str, str]], Json, str],
) -> None:
    stock, wanted, error_type = case
    bench = Bench(stock=stock)
    bench.order(order("ab", actions={"a": [wanted]}))
    bench.finish()
    (error,) = bench.state["errors"]
    assert (bench.action("p"), error["errorType"]) == ("FAILED", error_type)
    assert error["errorReferences"] == [{"referenceKey": "actionId", "referenceValue": "p"}]
    assert bench.world.snapshot() == {"containers": dict(stock), "moves": {}}
    assert bench.state["lastNodeId"] == "b", "the order goes on"


def test_without_a_wanted_load_it_takes_what_is_there() -> None:
    bench = Bench(stock=[("TOTE-9", "A")])
    anything = action("pick", "p", stationType="conveyor", loadType="container", stationName="A")
    bench.order(order("a", actions={"a": [anything]}))
    bench.finish()
    assert bench.world.spot_of("TOTE-9") == "agv-1"


def test_a_vehicle_that_has_driven_on_reaches_no_load() -> None:
    """Given a pick that lets it drive, as no real one would ask for, then the load stays where it is."""
    bench = Bench(stock=TOTE)
    bench.order(order("abcd", actions={"a": [pick("1", "A") | {"blockingType": "NONE"}]}))
    bench.finish()
    assert (bench.action("1"), bench.errors) == ("FAILED", ["handlingError"])
    assert bench.world.spot_of("TOTE-1") == "A"


# -- blocking --


def statuses(bench: Bench) -> list[str]:
    return [each["actionStatus"] for each in bench.state["actionStates"]]


def charge(action_id: str, blocking: str) -> Json:
    return action("stopCharging", action_id, blocking)


def two(first: str, second: str) -> list[Json]:
    """A pick of 4 s, and a second one that must fail after it, with these blocking types."""
    return [pick("1", "A") | {"blockingType": first}, pick("2", "A") | {"blockingType": second}]


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("HARD", "HARD", False),
        ("HARD", "SOFT", False),
        ("HARD", "NONE", False),
        ("SOFT", "HARD", False),
        ("NONE", "HARD", False),
        ("SOFT", "SOFT", True),
        ("SOFT", "NONE", True),
        ("NONE", "SOFT", True),
        ("NONE", "NONE", True),
    ],
)
def test_hard_actions_run_alone_and_others_together(first: str, second: str, *, together: bool) -> None:
    bench = Bench(stock=TOTE)
    bench.order(order("ab", actions={"a": two(first, second)}))
    bench.run(1.0)
    assert statuses(bench) == ["RUNNING", "RUNNING" if together else "WAITING"]
    assert bench.state["driving"] is (first == second == "NONE")


def test_a_blocking_action_waits_for_one_that_runs_since_an_earlier_node() -> None:
    bench = Bench(stock=TOTE)
    long = pick("1", "A") | {"blockingType": "NONE"}
    bench.order(order("a", actions={"a": [long, pick("2", "A")]}))
    bench.run(3.9)
    assert statuses(bench) == ["RUNNING", "WAITING"]
    bench.run(4.1)
    assert statuses(bench) == ["FINISHED", "INITIALIZING"]


# -- battery --

THIRSTY = BatterySpec(initial=0.5, per_metre=0.01, per_second=0.001, charged_per_second=0.05)


def test_the_battery_is_drained_by_metres_and_seconds_and_charged_at_a_charger() -> None:
    bench = Bench(battery=THIRSTY)
    bench.order(order("abe", actions={"e": [action("startCharging", "c")]}))
    assert bench.finish() == pytest.approx(14.0)
    assert bench.state["batteryState"] == {
        "batteryCharge": pytest.approx(100 * (0.5 - 0.2 - 0.014)),
        "charging": True,
    }
    bench.run(18.0)
    assert bench.state["batteryState"]["batteryCharge"] == pytest.approx(48.6)
    bench.run(60.0)
    assert bench.state["batteryState"]["batteryCharge"] == 100.0
    bench.instant(instant("stopCharging", "s"))
    assert bench.state["batteryState"]["charging"] is False


def test_charging_needs_a_charger() -> None:
    bench = Bench()
    bench.instant(instant("startCharging", "c"))
    assert (bench.action("c"), bench.errors) == ("FAILED", ["chargingError"])


def test_a_charging_vehicle_leaves_the_charger_when_an_order_wants_it() -> None:
    bench = Bench(start="e")
    bench.instant(instant("startCharging", "c"))
    bench.order(order("eb"))
    assert bench.state["batteryState"]["charging"] is False
    assert bench.state["driving"] is True


def test_an_empty_battery_stops_the_vehicle() -> None:
    bench = Bench(battery=BatterySpec(initial=0.05, per_metre=0.01))
    bench.order(order("ab"))
    for second in range(1, 15):
        bench.run(float(second))
    assert bench.state["driving"] is False
    assert bench.state["errors"][0]["errorLevel"] == "FATAL"
    assert bench.state["lastNodeId"] == "a"


# -- instant actions --


def test_a_pause_brakes_at_once_and_the_order_goes_on_afterwards() -> None:
    """Given 2 m/s after 4 s of acceleration, the pause at 5 s ends 4 m and 4 s later, and costs 8 s in all."""
    bench = Bench()
    bench.order(order("abcd"))
    bench.run(5.0)
    bench.instant(instant("startPause", "hold"))
    assert (bench.action("hold"), bench.state["paused"]) == ("INITIALIZING", False)
    assert bench.finish() == pytest.approx(9.0)
    assert bench.state["agvPosition"]["x"] == pytest.approx(4.0 + 2.0 + 4.0)
    assert (bench.action("hold"), bench.state["paused"], bench.state["driving"]) == ("FINISHED", True, False)
    bench.run(20.0)
    bench.instant(instant("stopPause", "on"))
    assert (bench.action("on"), bench.state["paused"], bench.state["driving"]) == ("FINISHED", False, True)
    assert bench.finish() == pytest.approx(20.0 + 20 / 2 + 2 / 0.5)
    assert bench.state["lastNodeId"] == "d"


def test_actions_go_on_in_pause_mode() -> None:
    bench = Bench(stock=TOTE)
    bench.order(order("ab", actions={"a": [pick("p", "A")]}))
    bench.instant(instant("startPause", "hold"))
    bench.finish()
    assert (bench.action("p"), bench.state["driving"], bench.state["lastNodeId"]) == ("FINISHED", False, "a")


def test_a_pause_that_is_taken_back_while_braking_fails() -> None:
    bench = Bench()
    bench.order(order("abcd"))
    bench.run(5.0)
    bench.instant(instant("startPause", "hold"))
    bench.run(6.0)
    bench.instant(instant("stopPause", "on"))
    bench.finish()
    assert (bench.action("hold"), bench.action("on")) == ("FAILED", "FINISHED")
    assert bench.state["lastNodeId"] == "d"


def test_an_instant_action_is_done_once_however_often_it_arrives() -> None:
    bench = Bench()
    bench.order(order("ab"))
    bench.instant(instant("cancelOrder", "stop"))
    bench.finish()
    bench.order(order(bench.state["lastNodeId"] + "c", order_id="next-8"))
    bench.instant(instant("cancelOrder", "stop"))
    bench.finish()
    assert bench.state["lastNodeId"] == "c"


def test_requests_are_answered() -> None:
    bench = Bench()
    bench.vehicle.book.changed = False
    bench.instant(instant("stateRequest", "s"))
    assert bench.vehicle.book.changed is True
    bench.instant(instant("factsheetRequest", "f"))
    assert bench.vehicle.instant_actions.factsheet_wanted is True
    assert statuses(bench) == ["FINISHED", "FINISHED"]


def test_an_unknown_instant_action_fails() -> None:
    bench = Bench()
    bench.instant(instant("dance", "x"))
    assert (bench.action("x"), bench.errors) == ("FAILED", ["instantActionError"])


@pytest.mark.parametrize(
    ("x", "status", "last_node"),
    [(0.1, "FINISHED", "start-7"), (3.0, "FAILED", "a"), ("west", "FAILED", "a")],
)
def test_a_position_is_initialised_where_the_sensors_confirm_it(
    x: object, status: str, last_node: str
) -> None:
    bench = Bench()
    bench.instant(instant("initPosition", "i", x=x, y=0, theta=0.0, mapId="ground", lastNodeId="start-7"))
    assert (bench.action("i"), bench.state["lastNodeId"]) == (status, last_node)


def test_the_states_of_instant_actions_are_bounded_and_end_with_a_new_order() -> None:
    bench = Bench()
    for number in range(1200):
        bench.instant(instant("stateRequest", f"s-{number}"))
    assert len(bench.state["actionStates"]) == 100
    bench.order(order("ab"))
    assert bench.state["actionStates"] == []
