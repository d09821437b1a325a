"""Vehicles that do not get on by themselves: chargers that do not charge, pauses, orders that they will not let go of."""

from itertools import pairwise
from typing import Any

import pytest

from gateway.contract.commands import Op
from gateway.contract.reports import HelpWanted, MatterSettled
from gateway.contract.vehicles import (
    ActionStatus,
    NodeState,
    VehicleError,
    VehicleOffline,
    VehicleOrder,
    action_id_of,
    cancel_id_of,
)
from gateway.fleet.effects import CancelOrder, SendOrder
from gateway.fleet.outcomes import HELP_AFTER, STALLED_S
from gateway.fleet.watch import LOW_S, PAUSED_S
from tests.fleet_model import grid_site
from tests.unit.fleet_desk import Desk, small_site

pytestmark = pytest.mark.unit


@pytest.fixture
def desk() -> Desk:
    return Desk(small_site())


def calls(desk: Desk) -> list[HelpWanted | MatterSettled]:
    return [report for report in desk.news() if isinstance(report, HelpWanted | MatterSettled)]


def at_the_charger(desk: Desk) -> VehicleOrder:
    """Bring agv-1, whose battery is low, to its charger; return its order."""
    desk.show(battery=0.1)
    desk.pass_time(3)
    assert desk.drive() == "charger"
    order = desk.row().order
    assert order is not None
    return order.message


def charging_id(order: VehicleOrder) -> str:
    return action_id_of(order.order_id, "startCharging")


def fail_to_charge(desk: Desk) -> None:
    """Let the order that is under way fail at the charger, and the pause after it pass."""
    order = desk.row().order
    assert order is not None
    failed = (charging_id(order.message), ActionStatus.FAILED, "no contact")
    desk.show(order_id=order.order_id, node_states=(), actions=(failed,))
    for _ in range(40):
        if desk.row().order is None:
            desk.pass_time(1)


# Chargers


def test_somebody_is_called_to_a_charger_that_does_not_charge_once_until_it_does(desk: Desk) -> None:
    # given a charger that has failed a few times
    at_the_charger(desk)
    for _ in range(HELP_AFTER - 1):
        fail_to_charge(desk)
    assert calls(desk) == []
    # when it fails again, then a person hears who, what and why, and what to do
    fail_to_charge(desk)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert (call.device_id, call.matter) == ("agv-1", "chargingFails")
    assert call.text == "does not charge at charger: no contact"
    assert "Look at the vehicle and at the charger" in call.advice
    # and hears it once, also after a restart
    fail_to_charge(desk)
    desk.fleet.resume()
    desk.show()
    fail_to_charge(desk)
    assert calls(desk) == []
    # when it charges
    desk.show(charging=True)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="chargingFails")]
    desk.show(battery=0.95)
    assert calls(desk) == []


def test_nobody_need_look_at_a_charger_any_more_once_the_battery_is_full_otherwise(desk: Desk) -> None:
    at_the_charger(desk)
    for _ in range(HELP_AFTER):
        fail_to_charge(desk)
    calls(desk)
    desk.show(battery=1.0)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="chargingFails")]


def test_a_charger_with_which_a_vehicle_talks_for_ever_is_given_up_and_somebody_called(desk: Desk) -> None:
    # given a vehicle that communicates with its charger, and goes on doing so
    order = at_the_charger(desk)
    desk.show(actions=((charging_id(order), ActionStatus.RUNNING, ""),))
    desk.pass_time(1)
    desk.pass_time(STALLED_S - 1)
    assert desk.sent() == []
    # when it has done so for too long
    desk.pass_time(1)
    assert desk.sent() == [CancelOrder("agv-1", order.order_id)]
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text == "does not charge at charger: it has not begun to for 120 s"
    # then it is tried anew
    ended = (action_id_of(order.order_id, "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(actions=((charging_id(order), ActionStatus.FAILED, ""), ended))
    desk.pass_time(5)
    again = desk.order()
    assert again.order_id != order.order_id
    # and a battery that is full enough by other means ends it
    desk.show(battery=0.95, order_id=again.order_id, actions=((charging_id(again), ActionStatus.FAILED, ""),))
    desk.pass_time(40)
    assert desk.row().charger is None
    assert desk.fleet.choose("A") == "agv-1"


@pytest.mark.parametrize(
    "changes", [{"emergency_stop": True}, {"paused": True}], ids=["emergency stop", "paused"]
)
def test_a_charger_is_not_to_blame_while_its_vehicle_is_stopped(desk: Desk, changes: dict[str, Any]) -> None:
    order = at_the_charger(desk)
    running = ((charging_id(order), ActionStatus.RUNNING, ""),)
    desk.show(actions=running)
    desk.pass_time(STALLED_S / 2)
    desk.show(**changes)
    desk.pass_time(STALLED_S)
    desk.show(emergency_stop=False, paused=False)
    desk.pass_time(STALLED_S / 2)
    desk.pass_time(1)
    assert desk.sent() == []
    assert [call for call in calls(desk) if call.matter == "chargingFails"] == []


def test_a_vehicle_that_ends_its_charging_only_when_told_is_told_once_it_has_charged_for_long_enough(
    desk: Desk,
) -> None:
    # given a vehicle whose startCharging runs for as long as it charges
    order = at_the_charger(desk)
    desk.show(charging=True, actions=((charging_id(order), ActionStatus.RUNNING, ""),))
    desk.show(battery=0.8)
    desk.pass_time(60)
    assert desk.sent() == []
    # when it is full enough
    desk.show(battery=0.95)
    assert desk.sent() == [CancelOrder("agv-1", order.order_id)]
    # then it works again
    ended = (action_id_of(order.order_id, "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(charging=False, actions=((charging_id(order), ActionStatus.FAILED, ""), ended))
    assert desk.fleet.choose("A") == "agv-1"
    assert desk.order().after == order.order_id


TWO_CHARGERS = {"charger": "d", "spare": "e"}


def test_a_vehicle_whose_charger_has_failed_tries_one_that_is_free_and_has_not_failed_it_first() -> None:
    # given a vehicle whose nearest charger does not charge it
    desk = Desk(small_site(TWO_CHARGERS))
    at_the_charger(desk)
    fail_to_charge(desk)
    # then it goes to the other one
    assert desk.drive() == "spare"
    # when that fails too, then it goes to and fro between them, and somebody is called
    fail_to_charge(desk)
    assert desk.drive() == "charger"
    assert calls(desk) == []
    fail_to_charge(desk)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text == "does not charge at charger: no contact"
    # when it charges at last
    assert desk.drive() == "spare"
    desk.show(charging=True, battery=0.95)
    desk.show(charging=False)
    desk.pass_time(3)
    desk.drive()
    # then it remembers of the next time only which one has failed it since
    desk.show(battery=0.1)
    desk.pass_time(3)
    assert desk.drive() == "spare"
    assert desk.row().failed_chargers == ("charger",)


def test_a_vehicle_whose_charger_has_failed_stays_there_as_long_as_no_other_is_free() -> None:
    desk = Desk(small_site(TWO_CHARGERS))
    # given one that charges at the other charger
    desk.show("agv-2", last_node_id="spare", position=(8.0, 1.0))
    at_the_charger(desk)
    fail_to_charge(desk)
    assert desk.order().nodes[-1].node_id == "charger"
    # when that becomes free
    desk.show("agv-2", last_node_id="g", position=(12.0, 0.0))
    fail_to_charge(desk)
    assert desk.order().nodes[-1].node_id == "spare"


def test_a_charger_is_not_to_blame_for_orders_that_its_vehicle_forgets() -> None:
    desk = Desk(small_site(TWO_CHARGERS))
    desk.show(battery=0.1)
    desk.pass_time(3)
    forget_next_order(desk)
    desk.pass_time(40)
    assert desk.order().nodes[-1].node_id == "charger"


# Low batteries


def test_somebody_is_called_to_a_vehicle_that_has_to_charge_and_gets_to_no_charger_until_it_charges(
    desk: Desk,
) -> None:
    # given a vehicle with a low battery, and another one at the only charger
    desk.show("agv-2", last_node_id="charger", position=(6.0, 1.0), automatic=False)
    desk.news()
    desk.show(battery=0.25)
    desk.pass_time(1)
    desk.pass_time(LOW_S - 1)
    assert calls(desk) == []
    # when it has waited for too long, then a person hears how low it is, why, and what to do
    desk.pass_time(1)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert (call.device_id, call.matter) == ("agv-1", "batteryLow")
    assert call.text == (
        "has had to charge for 15 minutes and does not: its battery is at 25 %,"
        " and the chargers are taken by agv-2"
    )
    assert "Charge it by hand" in call.advice
    # and hears it once, also after a restart
    desk.show(battery=0.2)
    desk.pass_time(LOW_S)
    desk.restart(small_site())
    desk.show()
    desk.pass_time(1)
    desk.pass_time(LOW_S)
    assert calls(desk) == []
    # when somebody charges it
    desk.show(charging=True)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="batteryLow")]


def test_nobody_need_look_any_more_at_a_vehicle_whose_battery_was_changed() -> None:
    desk = Desk(small_site({}))
    desk.show(battery=0.25)
    desk.pass_time(1)
    desk.pass_time(LOW_S)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text.endswith("its road map has no charger")
    desk.show(battery=1.0)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="batteryLow")]


def test_whoever_is_called_to_a_low_battery_reads_what_keeps_the_vehicle_from_charging() -> None:
    # given a charger that no way leads to from where the vehicle stands
    site = small_site()
    (road_map,) = site.road_maps
    edges = tuple(edge for edge in road_map.edges if edge.end != "charger")
    desk = Desk(site.model_copy(update={"road_maps": (road_map.model_copy(update={"edges": edges}),)}))
    desk.show(battery=0.25)
    desk.pass_time(1)
    desk.pass_time(LOW_S)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text.endswith("no way leads from p1 to a charger")


def test_whoever_is_called_to_a_low_battery_reads_that_its_charger_does_not_help(desk: Desk) -> None:
    order = at_the_charger(desk)
    ended = (charging_id(order), ActionStatus.FINISHED, "")
    desk.show(actions=(ended,))
    desk.pass_time(1)
    desk.pass_time(LOW_S)
    low = [call for call in calls(desk) if isinstance(call, HelpWanted) and call.matter == "batteryLow"]
    assert [call.text.rpartition(", ")[2] for call in low] == ["and it stands at charger"]


def test_whoever_is_called_to_a_low_battery_reads_that_the_vehicle_does_not_get_to_its_charger(
    desk: Desk,
) -> None:
    desk.show("agv-2", last_node_id="d", automatic=False)
    desk.news()
    desk.show(battery=0.25)
    desk.pass_time(3)
    assert desk.drive() == "c"
    desk.pass_time(LOW_S)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text.endswith("and it does not get to charger")


def test_whoever_is_called_to_a_low_battery_reads_that_something_else_keeps_the_vehicle(desk: Desk) -> None:
    desk.show(battery=0.25, order_id="theirs", driving=True)
    desk.pass_time(1)
    desk.pass_time(LOW_S)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text.endswith("and others, or an order that is not ours, keep it from charger")


@pytest.mark.parametrize(
    "trouble",
    [
        lambda desk: desk.disabled.add("agv-1"),
        lambda desk: desk.show(automatic=False),
        lambda desk: desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent")),
        lambda desk: desk.command(Op.PICK, "F"),
        lambda desk: desk.show(charging=True),
    ],
    ids=["disabled", "in trouble", "offline", "at work", "charging"],
)
def test_nobody_is_called_to_a_low_battery_that_nobody_could_charge_now_or_somebody_does(
    trouble: Any,
) -> None:
    desk = Desk(small_site({}))
    desk.show(battery=0.25)
    desk.pass_time(1)
    desk.pass_time(LOW_S - 1)
    trouble(desk)
    desk.pass_time(1)
    desk.pass_time(1)
    assert calls(desk) == []


def test_where_people_charge_the_vehicles_one_works_until_its_battery_is_critical() -> None:
    desk = Desk(small_site({}))
    desk.show(battery=0.11)
    assert desk.fleet.choose("A") == "agv-1"
    desk.show(battery=0.09)
    assert desk.fleet.choose("A") == "agv-2"


# Parking places


def refuse_to_park(desk: Desk) -> None:
    """Let the order that is under way be refused, and the pause after it pass."""
    order = desk.row().order
    assert order is not None
    references = (("orderId", order.order_id), ("orderUpdateId", "0"))
    error = VehicleError(
        error_type="noRouteError", fatal=False, description="no such node", references=references
    )
    desk.show(errors=(error,))
    for _ in range(40):
        if desk.row().order is None:
            desk.pass_time(1)


def test_somebody_is_called_to_a_vehicle_that_does_not_go_to_park_until_it_does(desk: Desk) -> None:
    desk.show(last_node_id="c")
    desk.pass_time(3)
    for _ in range(HELP_AFTER):
        refuse_to_park(desk)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert (call.device_id, call.matter) == ("agv-1", "parkingFails")
    assert call.text == "does not go to park at p1: noRouteError: no such node"
    desk.show(errors=())
    order = desk.row().order
    assert order is not None
    desk.effects.append(SendOrder(order.message))
    assert desk.drive() == "p1"
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="parkingFails")]


def test_nobody_need_look_at_a_vehicle_any_more_that_somebody_has_driven_to_its_parking_place(
    desk: Desk,
) -> None:
    desk.show(last_node_id="c")
    desk.pass_time(3)
    for _ in range(HELP_AFTER):
        refuse_to_park(desk)
    order = desk.row().order
    assert order is not None
    calls(desk)
    # when it is driven home by hand, and refuses the order that it is sent there
    references = (("orderId", order.order_id), ("orderUpdateId", "0"))
    error = VehicleError(error_type="noRouteError", fatal=False, references=references)
    desk.show(errors=(error,), automatic=False)
    desk.show(last_node_id="p1", position=(0.0, 1.0), automatic=True)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="parkingFails")]


def test_whoever_is_called_to_a_vehicle_that_refuses_the_way_home_half_way_reads_why(desk: Desk) -> None:
    desk.show(last_node_id="f")
    desk.show("agv-2", last_node_id="p2", automatic=False)
    for _ in range(HELP_AFTER):
        for _ in range(40):
            if desk.row().order is None:
                desk.pass_time(1)
        order = desk.order()
        desk.take(order)
        desk.reach(order.nodes[1].node_id, 2)
        references = (("orderId", order.order_id), ("orderUpdateId", "1"))
        error = VehicleError(
            error_type="orderUpdateError", fatal=False, description="no such edge", references=references
        )
        desk.show(errors=(error,))
        cancelled = (cancel_id_of(order.order_id), ActionStatus.FINISHED, "")
        desk.show(node_states=(), actions=(cancelled,))
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text.endswith(": orderUpdateError: no such edge")


def test_somebody_is_called_to_a_vehicle_that_forgets_each_order_to_park(desk: Desk) -> None:
    desk.show(last_node_id="c")
    desk.pass_time(3)
    for _ in range(HELP_AFTER):
        forget_next_order(desk)
        desk.pass_time(40)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text == "does not go to park at p1: it forgets its orders"


def test_somebody_is_called_to_a_vehicle_that_does_not_take_an_order_to_park(desk: Desk) -> None:
    # given a vehicle with an error of its maker's own, which says nothing to anybody
    desk.show(last_node_id="c")
    order = desk.order()
    desk.show(errors=(VehicleError(error_type="pathPlanner", fatal=False),))
    desk.pass_time(1)
    desk.pass_time(STALLED_S - 1)
    assert calls(desk) == []
    desk.pass_time(1)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert call.text == "does not go to park at p1: it has not taken its order for 120 s"
    # then nothing is cancelled, and it may still take it
    assert desk.sent() == []
    desk.take(order)
    assert desk.row().order is not None


# Orders that are forgotten


def forget_next_order(desk: Desk) -> None:
    """The vehicle shows the order that is under way, and that it has dropped it."""
    order = desk.row().order
    assert order is not None
    desk.take(order.message)
    desk.show(node_states=())


def test_a_command_whose_orders_are_forgotten_again_and_again_gets_new_ones_ever_more_seldom(
    desk: Desk,
) -> None:
    desk.command(Op.PICK, "F")
    made: list[int] = []
    for second in range(120):
        for order in (effect.order for effect in desk.sent() if isinstance(effect, SendOrder)):
            assert order.order_id.startswith("site-5")
            made.append(second)
        forget_next_order(desk)
        desk.pass_time(1)
    assert [later - earlier for earlier, later in pairwise(made)] == [1, 1, 1, 4, 8, 16, 32, 32]


def test_an_order_that_was_dropped_again_is_not_extended_while_another_one_has_to_wait(desk: Desk) -> None:
    """Found by reading: a vehicle refuses to extend what it has dropped, and that tells nobody what was done of it."""
    desk.command(Op.PICK, "F")
    forget_next_order(desk)
    forget_next_order(desk)
    order = desk.order()
    desk.take(order)
    # when it drops the third one too, after it has driven a part of it
    desk.show(last_node_id=order.nodes[2].node_id, last_node_sequence_id=4, node_states=())
    desk.pass_time(1)
    assert desk.sent() == []
    # then it gets another one in time
    desk.pass_time(1)
    assert desk.order().order_id == "site-5.3"


# Pauses


def test_a_paused_vehicle_gets_no_work_as_it_would_not_drive(desk: Desk) -> None:
    desk.show(paused=True)
    assert desk.fleet.choose("A") == "agv-2"
    desk.command(Op.PICK, "A")
    desk.pass_time(5)
    assert desk.sent() == []
    desk.show(paused=False)
    assert desk.order().order_id == "site-5"


def test_a_vehicle_that_is_paused_in_the_middle_of_an_order_keeps_it_and_its_way(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.news()
    held = desk.row().base
    desk.show(paused=True, driving=False)
    desk.pass_time(10)
    assert (desk.row().base, desk.news()) == (held, [])


def test_a_paused_vehicle_is_driven_around_where_there_is_a_way() -> None:
    desk = Desk(grid_site(6, 2, 2))
    desk.command(Op.PICK, "L-n5_0", name="agv-0")
    ahead = next(node.node_id for node in desk.order().nodes if not node.released)
    desk.show("agv-1", last_node_id=ahead, paused=True)
    row = desk.row("agv-0")
    assert row.order is not None
    desk.effects.append(SendOrder(row.order.message))
    assert desk.drive("agv-0") == "n5_0"


@pytest.mark.parametrize(
    "trouble",
    [
        lambda desk: desk.disabled.add("agv-1"),
        lambda desk: desk.show(automatic=False),
        lambda desk: desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent")),
    ],
    ids=["disabled", "in trouble", "offline"],
)
def test_nobody_is_called_to_a_paused_vehicle_that_could_not_work_anyway(desk: Desk, trouble: Any) -> None:
    desk.show(paused=True)
    trouble(desk)
    desk.pass_time(PAUSED_S)
    assert calls(desk) == []


def test_somebody_is_called_to_a_vehicle_that_stays_paused_until_it_goes_on(desk: Desk) -> None:
    desk.show(paused=True)
    desk.pass_time(PAUSED_S - 1)
    assert calls(desk) == []
    desk.pass_time(1)
    (call,) = calls(desk)
    assert isinstance(call, HelpWanted)
    assert (call.device_id, call.matter, call.text) == ("agv-1", "paused", "has been paused for 60 s")
    desk.pass_time(1)
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    assert calls(desk) == []
    desk.show(paused=False)
    assert calls(desk) == [MatterSettled(device_id="agv-1", matter="paused")]
    desk.pass_time(PAUSED_S)
    assert calls(desk) == []


@pytest.mark.parametrize("paused", [True, False])
def test_a_call_to_a_paused_vehicle_outlives_the_gateway_as_long_as_the_vehicle_stays_paused(
    desk: Desk, paused: bool
) -> None:
    """Found by reading: one that was let go on while no gateway ran had its alarm for ever."""
    # given a vehicle that somebody is called to
    desk.show(paused=True)
    desk.pass_time(PAUSED_S)
    calls(desk)
    # when the gateway is started again, then the call stands as long as there is a reason for it
    desk.restart(small_site())
    desk.show(paused=paused)
    assert calls(desk) == ([] if paused else [MatterSettled(device_id="agv-1", matter="paused")])
    desk.show(paused=False)
    assert desk.called == set()


# Orders that a vehicle shall not have


def test_a_vehicle_that_carries_out_an_order_of_others_gets_no_command_until_it_stands(desk: Desk) -> None:
    """A command would wait for the order of others, run out of time, and call somebody."""
    # given a vehicle that another master sends on
    ahead = (NodeState(node_id="b", sequence_id=2, released=True),)
    desk.show(order_id="theirs", last_node_id="a", node_states=ahead, driving=True)
    assert desk.fleet.choose("A") == "agv-2"
    assert desk.fleet.takes_work("agv-1").reason == (
        "agv-1 is busy with order theirs, which is not, or no longer, of this gateway:"
        " wait for its end, or end it at the vehicle"
    )
    # when it has come where it was sent
    desk.show(last_node_id="b", last_node_sequence_id=2, node_states=(), driving=False)
    assert desk.fleet.choose("A") == "agv-1"
    assert desk.fleet.takes_work("agv-1").ok
    # and gets another order of theirs while it goes home by one of ours
    desk.pass_time(3)
    desk.take(desk.order(), driving=True)
    assert desk.fleet.choose("A") == "agv-1"
    desk.show(order_id="theirs-2", last_node_sequence_id=0, node_states=ahead)
    assert desk.fleet.choose("A") == "agv-2"


def test_an_order_of_others_that_the_vehicle_will_not_let_go_of_is_cancelled_ever_more_seldom_until_it_does(
    desk: Desk,
) -> None:
    # given a vehicle that waits for the rest of an order of nobody, and cannot cancel just now
    waiting = (NodeState(node_id="b", sequence_id=2, released=False),)
    desk.show(order_id="theirs", last_node_id="a", node_states=waiting)
    assert desk.sent() == [CancelOrder("agv-1", "theirs")]
    times = 0
    asked: list[int] = []
    for second in range(65):
        failed = (cancel_id_of("theirs", times), ActionStatus.FAILED, "")
        desk.show(actions=(failed,))
        cancels = [effect for effect in desk.sent() if isinstance(effect, CancelOrder)]
        if cancels[-1].times > times:
            times = cancels[-1].times
            asked.append(second)
        desk.pass_time(1)
    # then it is asked again and again, not the same question twice
    assert [later - earlier for earlier, later in pairwise(asked)] == [4, 8, 16, 32]
    # when it shows another of them, then it is asked to let go of that one
    desk.sent()
    desk.show(order_id="others", actions=())
    assert desk.sent() == [CancelOrder("agv-1", "others")]
    desk.show(order_id="theirs")
    # when it does
    times = 0
    desk.command(Op.PICK, "A")
    finished = (cancel_id_of("theirs", times), ActionStatus.FINISHED, "")
    desk.show(node_states=(), actions=(finished,))
    assert (desk.order().after, desk.row().base) == ("theirs", ("a",))
