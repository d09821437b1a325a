"""What goes wrong with simulated vehicles, and collisions that they note."""

from typing import Any

import pytest

from sim_devices.faults.book import NotPossible
from sim_devices.faults.kinds import (
    After,
    BatteryLow,
    DeviceFault,
    HandlingFails,
    Jam,
    LocalisationLost,
    ManualMode,
    NoRead,
    Point,
    Reboot,
    RefusedOrder,
    SensorStuck,
)
from sim_devices.vehicles.traffic import Traffic
from tests.vehicles import Bench, Json, instant, order, pick

pytestmark = pytest.mark.unit


def suffer(bench: Bench, fault: Any) -> str:
    """Let a fault without a duration begin now; return its id."""
    view = bench.faults.add(fault)
    bench.run(bench.now)
    return view.fault_id


def recover(bench: Bench, fault_id: str) -> None:
    assert bench.faults.remove(fault_id)
    bench.run(bench.now)


def under_way() -> Bench:
    bench = Bench()
    bench.order(order("abcd"))
    return bench.run(5.0)


LASTING = [
    (Jam(device="agv-1"), "obstacle", "WARNING"),
    (DeviceFault(device="agv-1"), "vehicleFault", "FATAL"),
    (LocalisationLost(device="agv-1"), "localizationError", "FATAL"),
]


@pytest.mark.parametrize(
    ("fault", "error_type", "level"), LASTING, ids=[fault.kind for fault, _, _ in LASTING]
)
def test_the_vehicle_stops_at_once_and_goes_on_when_the_fault_is_over(
    fault: Any, error_type: str, level: str
) -> None:
    bench = under_way()
    fault_id = suffer(bench, fault)
    assert bench.state["driving"] is False
    assert [(e["errorType"], e["errorLevel"]) for e in bench.state["errors"]] == [(error_type, level)]
    bench.run(50.0)
    recover(bench, fault_id)
    assert bench.errors == []
    bench.finish()
    assert bench.state["lastNodeId"] == "d"


def test_a_vehicle_that_is_lost_says_so_and_takes_no_order() -> None:
    bench = Bench()
    suffer(bench, LocalisationLost(device="agv-1"))
    assert bench.state["agvPosition"]["positionInitialized"] is False
    bench.order(order("ab"))
    assert "noRouteError" in bench.errors


def test_manual_mode_clears_the_order() -> None:
    bench = under_way()
    fault_id = suffer(bench, ManualMode(device="agv-1"))
    assert (bench.state["operatingMode"], bench.state["orderId"], bench.remaining) == ("MANUAL", "", [])
    bench.order(order("ab", order_id="next-8"))
    assert bench.errors == ["orderError"]
    recover(bench, fault_id)
    assert (bench.state["operatingMode"], bench.errors) == ("AUTOMATIC", [])


@pytest.mark.parametrize("keeps_order", [False, True], ids=["forgets", "keeps"])
def test_a_power_cycle_loses_the_order_unless_the_vehicle_keeps_it(*, keeps_order: bool) -> None:
    bench = Bench(keeps_order=keeps_order)
    bench.order(order("abcd"))
    bench.run(8.0)
    fault_id = suffer(bench, Reboot(device="agv-1", duration_s=None))
    assert (bench.vehicle.powered, bench.state["driving"]) == (False, False)
    bench.run(20.0)
    recover(bench, fault_id)
    assert (bench.vehicle.powered, bench.vehicle.boots) == (True, 2)
    bench.finish()
    expected = ("order-7", "d") if keeps_order else ("", "b")
    assert (bench.state["orderId"], bench.state["lastNodeId"]) == expected


def test_after_a_power_cycle_between_nodes_an_order_with_a_wide_deviation_is_taken() -> None:
    bench = under_way()
    recover(bench, suffer(bench, Reboot(device="agv-1", duration_s=None)))
    x = bench.state["agvPosition"]["x"]
    assert 0 < x < 10
    again = order("ab", order_id="again-8")
    bench.order(again)
    assert bench.errors == ["noRouteError"]
    again["nodes"][0]["nodePosition"]["allowedDeviationXY"] = 10.0
    bench.order(again)
    assert bench.errors == []
    bench.finish()
    assert (bench.state["lastNodeId"], bench.state["agvPosition"]["x"]) == ("b", 10.0)


def test_a_vehicle_that_only_counts_as_at_a_node_reaches_no_load_there() -> None:
    """6.6.3.1: the deviation of a first node may be as wide as it takes; arms are not."""
    bench = under_way()
    bench.world.place("TOTE-1", "A")
    recover(bench, suffer(bench, Reboot(device="agv-1", duration_s=None)))
    again = order("a", order_id="again-8", actions={"a": [pick("p", "A")]})
    again["nodes"][0]["nodePosition"]["allowedDeviationXY"] = 10.0
    bench.order(again)
    bench.finish()
    assert (bench.action("p"), bench.errors) == ("FAILED", ["handlingError"])
    assert bench.world.spot_of("TOTE-1") == "A"


def test_a_vehicle_that_lost_its_memory_needs_its_position() -> None:
    bench = Bench(keeps_order=True)
    recover(bench, suffer(bench, Reboot(device="agv-1", duration_s=None, memory_lost=True)))
    assert (bench.state["lastNodeId"], bench.errors) == ("", ["localizationError"])
    bench.order(order("ab"))
    assert bench.state["orderId"] == ""
    bench.instant(instant("initPosition", "i", x=0, y=0, theta=0, mapId="ground", lastNodeId="a"))
    bench.order(order("ab"))
    bench.finish()
    assert bench.state["lastNodeId"] == "b"


def test_somebody_drives_a_vehicle_that_lost_its_memory_to_the_nearest_node_and_tells_it_there() -> None:
    bench = under_way()
    recover(bench, suffer(bench, Reboot(device="agv-1", duration_s=None, memory_lost=True)))
    assert (bench.state["agvPosition"]["positionInitialized"], bench.state["lastNodeId"]) == (False, "")
    bench.vehicle.localise(None, bench.now)
    assert (bench.errors, bench.state["lastNodeId"], bench.state["agvPosition"]["x"]) == ([], "b", 10.0)
    bench.order(order("bc", order_id="again-8"))
    bench.finish()
    assert bench.state["lastNodeId"] == "c"


def test_a_vehicle_that_somebody_moves_by_hand_forgets_its_order() -> None:
    bench = Bench(stock=[("TOTE-1", "A")])
    bench.order(order("ab", released=1, actions={"a": [pick("p", "A")], "b": []}))
    bench.vehicle.localise("c", bench.now)
    bench.finish()
    assert (bench.state["orderId"], bench.state["lastNodeId"], bench.state["agvPosition"]["x"]) == (
        "",
        "c",
        20.0,
    )
    assert (bench.world.spot_of("TOTE-1"), bench.traffic.vehicles_in("c")) == ("A", ("agv-1",))


def test_what_nobody_can_do_by_hand_is_refused_and_changes_nothing() -> None:
    bench = Bench()
    bench.traffic.enter("agv-2", "b", 0.0)
    for node, reason in (("b", "agv-2 stands at b"), ("moon", "ground has no node moon")):
        with pytest.raises(NotPossible, match=reason):
            bench.vehicle.localise(node, bench.now)
    blind = suffer(bench, LocalisationLost(device="agv-1"))
    with pytest.raises(NotPossible, match="end that fault first"):
        bench.vehicle.localise("a", bench.now)
    recover(bench, blind)
    dark = suffer(bench, Reboot(device="agv-1", duration_s=None))
    with pytest.raises(NotPossible, match="no power"):
        bench.vehicle.localise("a", bench.now)
    recover(bench, dark)
    bench.order(order("ab"))
    bench.run(bench.now + 1)
    with pytest.raises(NotPossible, match="drives"):
        bench.vehicle.localise("a", bench.now)
    bench.finish()
    assert bench.state["lastNodeId"] == "b"


def test_a_vehicle_whose_sensors_are_blind_confirms_no_position() -> None:
    bench = Bench()
    suffer(bench, LocalisationLost(device="agv-1"))
    bench.instant(instant("initPosition", "i", x=0, y=0, theta=0, mapId="ground", lastNodeId="a"))
    assert bench.action("i") == "FAILED"


def test_power_that_goes_right_after_the_load_has_moved() -> None:
    """Given a pick that physically happened, when the vehicle forgets its order, then only the load tells."""
    bench = Bench(stock=[("TOTE-1", "A")])
    bench.faults.add(Reboot(device="agv-1", duration_s=None, after=After(point=Point.MOVED)))
    bench.order(order("a", actions={"a": [pick("p", "A")]}))
    bench.finish()
    bench.faults.clear()
    bench.run(bench.now)
    assert (bench.state["orderId"], bench.state["actionStates"]) == ("", [])
    assert bench.state["loads"] == [{"loadId": "TOTE-1", "loadType": "container"}]
    assert bench.world.moves("7") == 1


def test_a_refused_order_is_refused_as_often_as_wanted() -> None:
    bench = Bench()
    bench.faults.add(RefusedOrder(device="agv-1", count=2))
    for _ in range(2):
        bench.order(order("ab"))
        assert (bench.errors, bench.state["orderId"]) == (["orderError"], "")
    bench.order(order("ab"))
    assert (bench.errors, bench.state["orderId"]) == ([], "order-7")


def test_load_handling_fails_as_often_as_wanted() -> None:
    bench = Bench(stock=[("TOTE-1", "A")])
    bench.faults.add(HandlingFails(device="agv-1"))
    bench.order(order("a", actions={"a": [pick("first", "A"), pick("second", "A")]}))
    bench.finish()
    assert (bench.action("first"), bench.action("second")) == ("FAILED", "FINISHED")


def test_a_label_that_cannot_be_read_fails_the_pick() -> None:
    bench = Bench(stock=[("TOTE-1", "A")])
    bench.faults.add(NoRead(device="agv-1"))
    bench.order(order("a", actions={"a": [pick("p", "A")]}))
    bench.finish()
    assert (bench.action("p"), bench.errors) == ("FAILED", ["noRead"])


def test_a_low_battery_can_be_charged_again() -> None:
    bench = Bench(start="e")
    suffer(bench, BatteryLow(device="agv-1", level=0.1))
    assert bench.state["batteryState"]["batteryCharge"] == 10.0
    bench.instant(instant("startCharging", "c"))
    bench.run(100.0)
    assert bench.state["batteryState"]["batteryCharge"] > 25.0


@pytest.mark.parametrize(
    ("shows", "loads"),
    [("empty", []), ("loaded", [{"loadId": "", "loadType": "container"}]), ("unclear", None)],
)
def test_a_stuck_load_sensor_deceives(shows: Any, loads: list[Json] | None) -> None:
    bench = Bench()
    suffer(bench, SensorStuck(device="agv-1", shows=shows))
    assert bench.state.get("loads") == loads


def test_two_vehicles_at_one_place_are_a_collision() -> None:
    traffic = Traffic()
    traffic.enter("agv-1", "a", 0.0)
    traffic.enter("agv-2", "b", 0.0)
    traffic.enter("agv-2", frozenset({"b", "c"}), 1.0)
    assert traffic.collisions == ()
    traffic.enter("agv-1", frozenset({"c", "b"}), 2.0)
    traffic.enter("agv-2", "c", 3.0)
    traffic.enter("agv-1", "c", 4.0)
    assert [(c.place, c.vehicles, c.at) for c in traffic.collisions] == [
        ("b – c", ("agv-2", "agv-1"), 2.0),
        ("c", ("agv-2", "agv-1"), 4.0),
    ]


def test_a_vehicle_occupies_roads_while_it_drives_and_nodes_while_it_stands() -> None:
    bench = Bench()
    bench.traffic.enter("other", "b", 0.0)
    bench.order(order("abc"))
    assert bench.traffic.zone_of("agv-1") == frozenset({"a", "b"})
    bench.finish()
    assert bench.traffic.zone_of("agv-1") == "c"
    assert [(c.place, c.at) for c in bench.traffic.collisions] == [("b", pytest.approx(7.0))]
