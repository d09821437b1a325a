"""Orders and updates on a small road: base, horizon, stitch; what a restart, a refusal or a forgotten order lead to."""

from itertools import pairwise
from typing import Any

import pytest

from gateway.contract.commands import Op
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    Load,
)
from gateway.contract.vehicles import (
    UNDER_WAY_S,
    ActionStatus,
    NodeState,
    VehicleAction,
    VehicleActionKind,
    VehicleError,
    VehicleOffline,
    action_id_of,
    cancel_id_of,
)
from gateway.fleet.effects import CancelOrder, ResetVehicle, SendOrder
from gateway.fleet.phases import PHASES, Phase, Sign
from gateway.fleet.rows import MISSIONS
from gateway.fleet.shown import FAULTS
from tests.fleet_model import grid_site
from tests.unit.fleet_desk import Desk, at_goal, pick_id, released, small_site

pytestmark = pytest.mark.unit


@pytest.fixture
def desk() -> Desk:
    return Desk(small_site())


# Orders


def test_an_order_has_a_base_and_a_horizon_and_its_action_at_the_end(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    order = desk.order()
    assert (order.order_id, order.update_id, order.map_id) == ("site-5", 0, "hall")
    assert released(order) == "p10 a2 b4 c6 d8? e10? f12?"
    assert [(edge.edge_id, edge.sequence_id, edge.released) for edge in order.edges] == [
        ("p1-a", 1, True),
        ("a-b", 3, True),
        ("b-c", 5, True),
        ("c-d", 7, False),
        ("d-e", 9, False),
        ("e-f", 11, False),
    ]
    pick = VehicleAction(action_id=pick_id(), kind=VehicleActionKind.PICK, station="F", load_id="TOTE-1")
    assert [node.actions for node in order.nodes] == [()] * 6 + [(pick,)]


def test_an_update_begins_with_the_last_released_node_as_it_was(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    first = desk.order()
    desk.take(first, driving=True)
    desk.reach("a", 2)
    update = desk.order()
    assert (update.order_id, update.update_id) == ("site-5", 1)
    assert released(update) == "c6 d8 e10? f12?"
    assert update.nodes[0] == next(node for node in first.nodes if node.node_id == "c")


def test_the_next_update_waits_for_the_echo_of_the_last(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    update = desk.order()
    desk.reach("b", 4)
    assert desk.sent() == []
    desk.take(update)
    assert released(desk.order()) == "d8 e10 f12?"


def test_a_base_is_given_back_only_as_the_vehicle_shows_it_passed(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    assert desk.row().base == ("p1", "a", "b", "c")
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    assert desk.row().base == ("p1", "a", "b", "c")
    desk.reach("b", 4)
    assert desk.row().base[:2] == ("b", "c")


def test_a_vehicle_that_stands_at_the_goal_gets_an_order_of_one_node(desk: Desk) -> None:
    at_goal(desk)
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    desk.command(Op.DROP, "A", job_id=6)
    order = desk.order()
    assert (released(order), order.edges) == ("a0", ())


def test_a_command_that_is_told_again_changes_nothing(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.sent()
    desk.command(Op.PICK, "F")
    assert desk.sent() == []


def test_a_withdrawn_command_that_is_told_again_stays_withdrawn(desk: Desk) -> None:
    """As after a restart, when the engine hands over all that has not ended."""
    desk.command(Op.PICK, "F")
    desk.fleet.withdraw(5)
    desk.settle()
    desk.sent()
    desk.command(Op.PICK, "F")
    assert desk.row().withdrawn
    assert desk.sent() == []


def test_two_vehicles_do_not_meet_on_the_lane(desk: Desk) -> None:
    desk.command(Op.PICK, "G", job_id=5, name="agv-1")
    desk.command(Op.PICK, "A", job_id=6, name="agv-2")
    orders = [effect.order for effect in desk.sent() if isinstance(effect, SendOrder)]
    assert [released(order) for order in orders] == [
        "p10 a2 b4 c6 d8? e10? f12? g14?",
        "p20 g2? f4? e6? d8? c10? b12? a14?",
    ]


def test_a_vehicle_with_nothing_to_do_goes_home_after_a_moment_without_a_horizon(desk: Desk) -> None:
    at_goal(desk)
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),))
    assert desk.sent() == []
    desk.pass_time(2.5)
    order = desk.order()
    assert order.order_id == "site-900"
    assert released(order) == "a0 p12"


def test_a_vehicle_on_its_way_home_is_chosen_and_turns_where_its_base_ends(desk: Desk) -> None:
    desk.show(last_node_id="g")
    desk.show("agv-2", last_node_id="p2")
    desk.pass_time(3)
    home = desk.order()
    assert released(home) == "g0 f2 e4 d6"
    desk.take(home, driving=True)
    assert desk.fleet.choose("F") == "agv-2"
    desk.command(Op.PICK, "F")
    desk.reach("e", 4)
    assert desk.sent() == []
    desk.reach("d", 6, driving=False)
    assert released(desk.order()) == "d0 e2 f4"


# Outcomes


def about_pick(error_type: str) -> VehicleError:
    return VehicleError(error_type=error_type, fatal=False, references=(("actionId", pick_id()),))


def test_a_pick_from_order_to_done(desk: Desk) -> None:
    desk.command(Op.PICK, "A")
    desk.take(desk.order())
    assert desk.news() == [CommandAccepted(job_id=5)]
    desk.reach("a", 2, actions=((pick_id(), ActionStatus.RUNNING, ""),))
    assert desk.news() == []
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    assert desk.news() == [CommandDone(job_id=5)]
    assert desk.row().base == ("a",)


@pytest.mark.parametrize(
    ("result", "errors", "fault"),
    [
        *(("", (about_pick(fault.value),), fault) for fault in FAULTS.values()),
        ("it is empty", (about_pick("forkError"), about_pick("sourceEmpty")), Fault.SOURCE_EMPTY),
        ("the source is empty", (about_pick("forkError"),), Fault.DEVICE_FAULT),
        ("", (VehicleError(error_type="sourceEmpty", fatal=False),), Fault.DEVICE_FAULT),
        ("", (), Fault.DEVICE_FAULT),
    ],
    ids=[
        *FAULTS,
        "one of several",
        "words that could be guessed from",
        "about something else",
        "nothing told",
    ],
)
def test_a_failed_pick_tells_why(
    desk: Desk, result: str, errors: tuple[VehicleError, ...], fault: Fault
) -> None:
    at_goal(desk)
    desk.news()
    desk.show(actions=((pick_id(), ActionStatus.FAILED, result),), errors=errors)
    (failed,) = desk.news()
    assert isinstance(failed, CommandFailed)
    assert (failed.fault, failed.sensors.load, failed.sensors.place) == (fault, Load.EMPTY, 7)


@pytest.mark.parametrize(
    ("kind", "retry"),
    [("validationError", False), ("noRouteError", False), ("orderError", True), ("orderUpdateError", True)],
)
def test_a_refused_order_is_rejected_and_nothing_stays_held(desk: Desk, kind: str, retry: bool) -> None:
    desk.command(Op.PICK, "F")
    desk.sent()
    refuse(desk, kind)
    if retry:
        desk.pass_time(UNDER_WAY_S)
    (rejected,) = desk.news()
    assert isinstance(rejected, CommandRejected)
    assert (rejected.job_id, rejected.retry) == (5, retry)
    assert desk.row().base == ("p1",)
    assert ResetVehicle("agv-1") in desk.sent()


def refuse(desk: Desk, kind: str = "orderError") -> None:
    """The vehicle refuses the first message of order site-5."""
    references = (("orderId", "site-5"), ("orderUpdateId", "0"))
    desk.show(errors=(VehicleError(error_type=kind, fatal=False, references=references),))


def test_an_order_that_is_refused_and_taken_from_its_second_copy_is_carried_out(desk: Desk) -> None:
    """Found by simulation (narrow site, seeds 503 and 504): the way was given to others, and nobody counted on the load."""
    desk.command(Op.PICK, "F")
    order = desk.order()
    refuse(desk)
    desk.show(errors=())
    desk.pass_time(UNDER_WAY_S / 2)
    held = desk.row().base
    assert held == ("p1", "a", "b", "c")
    assert desk.news() == []
    desk.take(order, driving=True)
    assert [type(report) for report in desk.news()] == [CommandAccepted]
    desk.pass_time(UNDER_WAY_S)
    assert desk.news() == []
    assert desk.row().base == held


def test_after_a_restart_an_order_that_is_sent_again_may_be_taken_though_it_was_refused_before(
    desk: Desk,
) -> None:
    """Found by simulation (narrow site): the refusal of the run before counted, and the way was given to others."""
    desk.command(Op.PICK, "F")
    order = desk.order()
    refuse(desk)
    desk.fleet.resume()
    desk.pass_time(UNDER_WAY_S)
    refuse(desk)
    assert desk.row().base == ("p1", "a", "b", "c")
    desk.take(order, driving=True, errors=())
    assert CommandAccepted in [type(report) for report in desk.news()]
    assert SendOrder(order) in desk.sent()


def test_a_refusal_that_is_not_shown_any_more_counts_all_the_same(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    refuse(desk)
    desk.show(errors=())
    desk.pass_time(UNDER_WAY_S)
    assert [type(report) for report in desk.news()] == [CommandRejected]


def test_an_old_refusal_does_not_count_against_a_new_order(desk: Desk) -> None:
    old = (("orderId", "site-4"), ("orderUpdateId", "0"))
    desk.show(errors=(VehicleError(error_type="orderError", fatal=False, references=old),))
    desk.command(Op.PICK, "F")
    desk.pass_time(1)
    assert desk.news() == []


@pytest.mark.parametrize(
    ("kind", "order_id", "update"),
    [("orderError", "site-4", "0"), ("orderError", "site-5", "1"), ("pathBlocked", "site-5", "0")],
    ids=["another order", "another update", "no refusal"],
)
def test_an_error_is_a_no_only_if_it_refuses_this_very_message(
    desk: Desk, kind: str, order_id: str, update: str
) -> None:
    desk.command(Op.PICK, "F")
    order = desk.order()
    references = (("orderId", order_id), ("orderUpdateId", update))
    desk.show(errors=(VehicleError(error_type=kind, fatal=False, references=references),))
    desk.pass_time(UNDER_WAY_S)
    assert desk.news() == []
    desk.take(order, driving=True)
    assert [type(report) for report in desk.news()] == [CommandAccepted]


def test_a_refused_order_that_is_taken_long_after_is_cancelled(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    order = desk.order()
    refuse(desk)
    desk.pass_time(UNDER_WAY_S)
    desk.sent()
    desk.news()
    desk.take(order, driving=True, errors=())
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]
    desk.command(Op.PICK, "F", job_id=6)
    finished = (action_id_of("site-5", "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(driving=False, node_states=(), actions=((pick_id(), ActionStatus.FAILED, ""), finished))
    assert desk.order().order_id == "site-6"


def test_a_refused_update_cancels_the_order_and_asks_for_another(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    desk.sent()
    references = (("orderId", "site-5"), ("orderUpdateId", "1"))
    desk.show(errors=(VehicleError(error_type="orderUpdateError", fatal=False, references=references),))
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]
    desk.news()
    finished = (action_id_of("site-5", "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(driving=False, node_states=(), actions=((pick_id(), ActionStatus.FAILED, ""), finished))
    (rejected,) = desk.news()
    assert isinstance(rejected, CommandRejected)
    assert rejected.retry


def test_a_withdrawn_command_whose_order_was_taken_is_cancelled(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.fleet.withdraw(5)
    desk.settle()
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]
    desk.news()
    desk.reach("a", 2)
    assert desk.news() == []
    finished = (action_id_of("site-5", "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(driving=False, node_states=(), actions=((pick_id(), ActionStatus.FAILED, ""), finished))
    (failed,) = desk.news()
    assert (failed.job_id, failed.fault) == (5, Fault.CANCELLED)


def test_a_vehicle_that_was_stopped_between_nodes_keeps_both_and_goes_on_the_same_way(desk: Desk) -> None:
    test_a_withdrawn_command_whose_order_was_taken_is_cancelled(desk)
    assert desk.row().base == ("a", "b")
    desk.command(Op.PICK, "A", job_id=6)
    order = desk.order()
    assert released(order) == "a0 b2 a4"
    assert order.nodes[0].deviation == pytest.approx(2.5)


def test_a_vehicle_that_was_stopped_at_a_node_keeps_that_one_alone(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    desk.fleet.withdraw(5)
    finished = (action_id_of("site-5", "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(driving=False, node_states=(), actions=(finished,), position=(0.1, 0.0))
    assert desk.row().base == ("a",)


def test_a_withdrawn_command_that_was_never_sent_ends_with_the_next_tick(desk: Desk) -> None:
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    desk.news()
    desk.command(Op.PICK, "F")
    desk.fleet.withdraw(5)
    desk.pass_time(1)
    assert desk.sent() == []
    assert [report.fault for report in desk.news()] == [Fault.CANCELLED]


def test_a_pick_that_was_done_before_the_cancel_came_is_done(desk: Desk) -> None:
    at_goal(desk)
    desk.fleet.withdraw(5)
    desk.news()
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    assert desk.news() == [CommandDone(job_id=5)]


@pytest.mark.parametrize("give_up", ["withdraw", "abandon"])
def test_who_gives_up_one_command_gives_up_no_other(desk: Desk, give_up: str) -> None:
    desk.command(Op.PICK, "A")
    desk.command(Op.PICK, "G", job_id=6, name="agv-2")
    first = desk.sent()[0]
    getattr(desk.fleet, give_up)(6)
    desk.settle()
    assert desk.sent() == [CancelOrder("agv-2", "site-6")]
    assert isinstance(first, SendOrder)
    desk.take(first.order)
    desk.reach("a", 2, actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    assert CommandDone(job_id=5) in desk.news()


def test_nothing_is_reported_about_an_abandoned_command(desk: Desk) -> None:
    at_goal(desk)
    desk.fleet.abandon(5)
    desk.settle()
    assert CancelOrder("agv-1", "site-5") in desk.sent()
    desk.news()
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    assert desk.news() == []


# Vehicles that forget


def forget(desk: Desk, node: str, **changes: Any) -> list[Any]:
    desk.news()
    desk.sent()
    forgotten: dict[str, Any] = {"order_id": "", "update_id": 0, "last_node_sequence_id": 0, "actions": ()}
    desk.show(last_node_id=node, node_states=(), driving=False, **forgotten | changes)
    return desk.news()


def test_an_order_that_was_forgotten_on_the_way_is_made_anew_from_where_the_vehicle_stands(
    desk: Desk,
) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("b", 4)
    assert forget(desk, "b", loads=None) == []
    order = desk.order()
    assert (order.order_id, order.update_id, released(order)) == ("site-5.1", 0, "b0 c2 d4 e6 f8?")


def test_a_vehicle_that_has_forgotten_its_order_nobody_knows_where_keeps_all_that_it_may_stand_on(
    desk: Desk,
) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    base = desk.row().base
    forget(desk, "")
    desk.pass_time(2 * UNDER_WAY_S)
    assert desk.row().base == base


@pytest.mark.parametrize(
    ("loads", "load"), [(None, Load.UNKNOWN), (("TOTE-1",), Load.LOADED)], ids=["blind", "loaded"]
)
def test_an_order_that_was_forgotten_at_the_goal_is_for_the_load_to_tell(
    desk: Desk, loads: tuple[str, ...] | None, load: Load
) -> None:
    at_goal(desk)
    unknown, online = forget(desk, "a", loads=loads)
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.sensors.load, unknown.sensors.place) == (load, 7)
    assert isinstance(online, ChannelOnline)


def test_what_was_forgotten_at_the_goal_is_no_less_in_doubt_where_somebody_has_driven_the_vehicle(
    desk: Desk,
) -> None:
    at_goal(desk)
    unknown, _ = forget(desk, "p1", loads=None)
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.sensors.load, unknown.sensors.place) == (Load.UNKNOWN, None)


def test_an_empty_vehicle_that_has_forgotten_a_drop_tells_whether_it_stands_where_it_was_to_put_it(
    desk: Desk,
) -> None:
    at_goal(desk)
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    desk.command(Op.DROP, "A", job_id=6)
    desk.take(desk.order())
    unknown, _ = forget(desk, "b", loads=())
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.sensors.load, unknown.sensors.place) == (Load.EMPTY, None)


def test_an_order_that_was_forgotten_at_the_goal_without_a_load_is_made_anew(desk: Desk) -> None:
    at_goal(desk)
    assert forget(desk, "a", loads=()) == []
    assert desk.order().order_id == "site-5.1"


def test_an_order_that_was_forgotten_unseen_is_for_the_load_to_tell(desk: Desk) -> None:
    at_goal(desk)
    desk.show(actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    desk.command(Op.DROP, "A", job_id=6)
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    (well, unknown, online) = forget(desk, "a", loads=())
    assert isinstance(well, DeviceRecovered)
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.job_id, unknown.sensors.load, unknown.sensors.place) == (6, Load.EMPTY, 7)
    assert isinstance(online, ChannelOnline)


def test_a_load_that_is_gone_while_nobody_has_seen_the_order_to_put_it_down_is_in_doubt(desk: Desk) -> None:
    desk.disabled.add("agv-1")
    desk.show(last_node_id="a", loads=("TOTE-1",))
    desk.command(Op.DROP, "A")
    desk.pass_time(60)
    assert desk.news() == []
    desk.show(loads=())
    unknown, _ = desk.news()
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.sensors.load, unknown.sensors.place) == (Load.EMPTY, 7)


@pytest.mark.parametrize("status", [ActionStatus.INITIALIZING, ActionStatus.RUNNING, ActionStatus.PAUSED])
def test_a_vehicle_gets_no_order_before_its_last_action_has_ended(desk: Desk, status: ActionStatus) -> None:
    desk.show(order_id="theirs", actions=(("lower-fork", status, ""),))
    desk.command(Op.PICK, "A")
    desk.pass_time(60)
    assert desk.sent() == []
    desk.show(actions=(("lower-fork", ActionStatus.FINISHED, ""),))
    assert desk.order().after == "theirs"


def test_an_order_that_was_forgotten_unseen_on_the_spot_is_not_sent_again(desk: Desk) -> None:
    desk.disabled.add("agv-1")
    desk.show(last_node_id="a")
    desk.command(Op.PICK, "A")
    assert released(desk.order()) == "a0"
    (unknown, online) = forget(desk, "a", loads=("TOTE-1",))
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.sensors.load, unknown.sensors.place) == (Load.LOADED, 7)
    assert isinstance(online, ChannelOnline)
    assert ResetVehicle("agv-1") in desk.sent()


def test_an_order_that_was_withdrawn_unseen_and_forgotten_is_for_the_load_to_tell(desk: Desk) -> None:
    desk.show(order_id="before")
    desk.command(Op.PICK, "A")
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    desk.fleet.withdraw(5)
    desk.settle()
    nothing_to_cancel = (action_id_of("site-5", "cancelOrder"), ActionStatus.FAILED, "")
    (well, unknown, online) = forget(desk, "a", loads=("TOTE-1",), actions=(nothing_to_cancel,))
    assert isinstance(well, DeviceRecovered)
    assert isinstance(unknown, CommandUnknown)
    assert isinstance(online, ChannelOnline)


def test_a_finished_action_counts_whatever_order_the_vehicle_shows(desk: Desk) -> None:
    at_goal(desk)
    assert forget(desk, "a", actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=None) == [
        CommandDone(job_id=5)
    ]


def test_an_order_that_was_cleared_by_hand_is_made_anew_once_the_vehicle_is_automatic(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    desk.sent()
    desk.show(automatic=False, driving=False, node_states=())
    assert desk.sent() == []
    desk.show(automatic=True, update_id=1)
    assert desk.order().order_id == "site-5.1"


# Vehicles as devices


def test_a_vehicle_tells_when_it_can_be_used_and_when_not(desk: Desk) -> None:
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    assert desk.news() == [DeviceOffline(device_id="agv-1", reason="silent")]
    assert desk.fleet.choose("A") == "agv-2"
    desk.show()
    (well, online) = desk.news()
    assert well == DeviceRecovered(device_id="agv-1")
    assert (online.device_id, online.boot_id, online.ack_seq, online.sensors.load) == (
        "agv-1",
        1,
        0,
        Load.EMPTY,
    )
    assert desk.fleet.choose("A") == "agv-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"automatic": False},
        {"emergency_stop": True},
        {"errors": (VehicleError(error_type="laser", fatal=True, description="dirty"),)},
        {"last_node_id": ""},
    ],
    ids=["manual", "emergency stop", "fatal error", "unplaced"],
)
def test_a_vehicle_in_trouble_is_not_chosen_until_it_has_recovered(
    desk: Desk, changes: dict[str, Any]
) -> None:
    before = desk.states["agv-1"]
    desk.show(**changes)
    (fault,) = desk.news()
    assert isinstance(fault, DeviceFault)
    assert desk.fleet.choose("A") == "agv-2"
    desk.ask(before)
    assert desk.news() == [DeviceRecovered(device_id="agv-1")]


def test_a_vehicle_that_does_not_know_its_node_is_placed_by_its_position(desk: Desk) -> None:
    desk.show(last_node_id="", position=(0.2, 0.1))
    assert desk.row().base[0] == "a"
    assert desk.news() == []


@pytest.mark.parametrize(
    "prepare",
    [
        lambda desk: desk.disabled.add("agv-1"),
        lambda desk: desk.show(loads=("something",)),
        lambda desk: desk.show(battery=0.1),
        lambda desk: desk.command(Op.PICK, "F"),
    ],
    ids=["disabled", "laden", "low", "busy"],
)
def test_the_nearest_vehicle_is_chosen_if_it_is_free(desk: Desk, prepare: Any) -> None:
    assert desk.fleet.choose("A") == "agv-1"
    prepare(desk)
    assert desk.fleet.choose("A") == "agv-2"


def test_a_low_vehicle_charges_until_it_is_full_and_stops_charging_before_it_leaves(desk: Desk) -> None:
    desk.show(battery=0.1)
    desk.pass_time(3)
    assert desk.drive() == "charger"
    desk.show(charging=True, battery=0.5)
    desk.pass_time(10)
    assert desk.sent() == []
    assert desk.fleet.choose("A") == "agv-2"
    desk.show(battery=0.95)
    desk.pass_time(3)
    leaving = desk.order()
    assert [action.kind for action in leaving.nodes[0].actions] == [VehicleActionKind.STOP_CHARGING]


def test_a_charger_that_does_not_charge_is_tried_ever_more_seldom(desk: Desk) -> None:
    desk.show(battery=0.1)
    desk.pass_time(3)
    assert desk.drive() == "charger"
    tried: list[int] = []
    for second in range(120):
        if (order := desk.row().order) is not None:
            tried.append(second)
            failed = (action_id_of(order.order_id, "startCharging"), ActionStatus.FAILED, "no contact")
            desk.show(order_id=order.order_id, node_states=(), actions=(failed,))
        desk.pass_time(1)
    assert [later - earlier for earlier, later in pairwise(tried)] == [4, 8, 16, 32, 32]


# Orders of others


THEIRS: dict[str, Any] = {"order_id": "theirs", "driving": True}


def ahead(*nodes: str, released: int) -> tuple[NodeState, ...]:
    return tuple(
        NodeState(node_id=node, sequence_id=2 * index, released=index <= released)
        for index, node in enumerate(nodes, start=1)
    )


def test_a_vehicle_that_another_gateway_has_sent_on_its_way_holds_all_that_it_may_drive(desk: Desk) -> None:
    desk.show(**THEIRS, node_states=ahead("a", "b", "c", "d", released=2))
    assert desk.row().base == ("p1", "a", "b")
    desk.show(last_node_id="a", node_states=ahead("b", "c", "d", released=1))
    assert desk.row().base == ("a", "b")
    # and no other vehicle gets in its way
    desk.command(Op.PICK, "A", name="agv-2")
    desk.drive("agv-2")
    assert desk.row("agv-2").base == ("c",)


def test_nodes_that_the_road_map_does_not_know_are_not_held(desk: Desk) -> None:
    desk.show(**THEIRS, node_states=ahead("a", "x", "y", released=3))
    assert desk.row().base == ("p1", "a")


def test_an_order_of_another_gateway_is_let_run_out_and_cancelled_when_it_waits_for_the_rest(
    desk: Desk,
) -> None:
    desk.show(**THEIRS, node_states=ahead("a", "b", "c", released=1))
    desk.command(Op.PICK, "A")
    assert desk.sent() == []
    desk.show(last_node_id="a", driving=False, node_states=ahead("b", "c", released=0))
    assert CancelOrder("agv-1", "theirs") in desk.sent()
    desk.show(node_states=(), actions=((action_id_of("theirs", "cancelOrder"), ActionStatus.FINISHED, ""),))
    order = desk.order()
    assert (order.after, released(order)) == ("theirs", "a0")
    assert desk.row().base == ("a",)


def test_a_vehicle_that_another_gateway_commands_gets_nothing_until_this_one_commands_again(
    desk: Desk,
) -> None:
    barred = "another, newer gateway commands this vehicle"
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), barred=barred)
    (fault,) = [report for report in desk.news() if isinstance(report, DeviceFault)]
    assert (fault.text, fault.code) == (barred, 0)
    assert "Nothing is wrong with the vehicle" in fault.advice
    for sequence_id, node in ((2, "a"), (4, "b"), (6, "c")):
        desk.reach(node, sequence_id)
    desk.pass_time(60)
    assert desk.sent() == []
    assert desk.fleet.choose("A") == "agv-2"
    desk.show(barred="")
    assert DeviceRecovered(device_id="agv-1") in desk.news()
    assert desk.order().update_id == 1


def test_a_reset_asks_for_a_state_and_is_done_when_it_shows_no_fault(desk: Desk) -> None:
    desk.command(Op.RESET, "A", job_id=9)
    assert desk.sent() == [ResetVehicle("agv-1")]
    desk.show()
    assert desk.news() == [CommandDone(job_id=9)]


def test_after_a_reset_a_vehicle_is_sent_again_what_it_has_not_taken_yet(desk: Desk) -> None:
    """A driver that resets a vehicle forgets all that it was to send."""
    desk.command(Op.PICK, "F")
    order = desk.order()
    desk.command(Op.RESET, "A", job_id=9)
    assert desk.sent() == [ResetVehicle("agv-1"), SendOrder(order)]
    desk.take(order)
    desk.command(Op.RESET, "A", job_id=10)
    assert desk.sent() == [ResetVehicle("agv-1")]


# Vehicles that will not move


def test_a_vehicle_that_will_not_move_is_waited_for_where_there_is_no_way_around(desk: Desk) -> None:
    desk.disabled.add("agv-2")
    desk.show("agv-2", last_node_id="e")
    desk.command(Op.PICK, "F")
    assert desk.drive() == "d"
    desk.disabled.clear()
    desk.pass_time(3)
    assert desk.drive("agv-2") == "p2"
    desk.show()
    assert desk.drive() == "f"


def test_a_vehicle_that_will_not_move_is_driven_around_where_there_is_a_way() -> None:
    desk = Desk(grid_site(6, 2, 2))
    desk.disabled.add("agv-1")
    desk.command(Op.PICK, "L-n5_0", name="agv-0")
    ahead = next(node.node_id for node in desk.order().nodes if not node.released)
    desk.show("agv-1", last_node_id=ahead)
    row = desk.row("agv-0")
    assert row.order is not None
    desk.effects.append(SendOrder(row.order.message))
    assert desk.drive("agv-0") == "n5_0"


# Restart


def test_after_a_restart_what_is_outstanding_is_sent_again_unchanged(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    order = desk.order()
    desk.fleet.resume()
    desk.settle()
    assert desk.sent() == [SendOrder(order)]
    desk.take(order)
    assert [type(report) for report in desk.news()] == [
        DeviceRecovered,
        CommandAccepted,
        ChannelOnline,
    ]


def test_after_a_restart_a_fault_that_has_gone_in_between_is_told_as_gone(desk: Desk) -> None:
    """Found by simulation: the run before had told it, nobody took it back, and the vehicle was never used again."""
    desk.show(localised=False)
    desk.news()
    desk.fleet.resume()
    desk.show(localised=True)
    assert DeviceRecovered(device_id="agv-1") in desk.news()


def test_after_a_restart_a_cancel_is_asked_for_again(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order())
    desk.fleet.withdraw(5)
    desk.settle()
    desk.sent()
    desk.fleet.resume()
    desk.settle()
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]


def test_the_books_keep_a_mission_exactly(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order())
    stored = MISSIONS.to_row(desk.row())
    assert MISSIONS.row.validate_json(str(stored["doc"])) == desk.row()


def test_every_phase_comes_to_an_end_and_none_comes_back() -> None:
    order = list(Phase)
    for phase in Phase:
        following = [PHASES[phase, sign] for sign in Sign if (phase, sign) in PHASES]
        assert None in following
        assert all(after is None or order.index(after) > order.index(phase) for after in following)


def failed_cancel(desk: Desk, **changes: Any) -> None:
    """The vehicle answers the first cancel by a no."""
    answer = (action_id_of("site-5", "cancelOrder"), ActionStatus.FAILED, "")
    desk.show(actions=(*desk.states["agv-1"].actions, answer), **changes)


def test_a_cancel_that_the_vehicle_refuses_is_asked_for_again_while_it_goes_on(desk: Desk) -> None:
    # given a vehicle that cannot cancel just now
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.fleet.withdraw(5)
    desk.settle()
    desk.sent()
    failed_cancel(desk)
    # when it waits at the end of its base, with nothing that leads it any further
    for sequence_id, node in ((2, "a"), (4, "b"), (6, "c")):
        desk.reach(node, sequence_id, driving=node != "c")
    desk.pass_time(5)
    # then it is asked again, not the same question twice
    assert desk.sent() == [CancelOrder("agv-1", "site-5", times=1)]
    desk.pass_time(1)
    assert desk.sent() == []
    desk.news()
    finished = (cancel_id_of("site-5", 1), ActionStatus.FINISHED, "")
    desk.show(node_states=(), actions=((pick_id(), ActionStatus.FAILED, ""), finished))
    assert [report.fault for report in desk.news()] == [Fault.CANCELLED]


def test_a_refused_cancel_is_not_asked_for_again_of_a_vehicle_that_carries_out_another_order(
    desk: Desk,
) -> None:
    """A cancel names no order: it would end that one."""
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.fleet.withdraw(5)
    desk.settle()
    desk.sent()
    refused = tuple((cancel_id_of("site-5", times), ActionStatus.FAILED, "") for times in (0, 1))
    desk.show(order_id="theirs", driving=True, actions=refused)
    desk.pass_time(60)
    assert desk.sent() == []


def test_a_command_to_which_no_way_leads_is_refused_for_good() -> None:
    site = small_site()
    (road_map,) = site.road_maps
    edges = tuple(edge for edge in road_map.edges if edge.id not in ("c-d", "d-c"))
    cut = road_map.model_copy(update={"edges": edges})
    desk = Desk(site.model_copy(update={"road_maps": (cut,)}))
    desk.command(Op.PICK, "F")
    desk.pass_time(1)
    assert desk.news() == [CommandRejected(job_id=5, text="no way leads from p1 to f", retry=False)]


def test_an_order_that_comes_after_its_cancel_is_cancelled_too(desk: Desk) -> None:
    # given a vehicle that is asked to cancel an order which has not come yet
    desk.command(Op.PICK, "F")
    order = desk.order()
    base = desk.row().base
    desk.fleet.withdraw(5)
    desk.settle()
    desk.news()
    failed_cancel(desk)
    # then that is no end of it as long as a copy of the order may be under way
    desk.pass_time(UNDER_WAY_S - 1)
    assert desk.news() == []
    assert desk.row().base == base
    # when it takes one, then it is asked again
    desk.sent()
    desk.take(order, driving=True, actions=desk.states["agv-1"].actions)
    assert desk.sent() == [CancelOrder("agv-1", "site-5", times=1)]


def test_an_order_that_has_not_come_when_none_can_be_under_way_is_called_off(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.fleet.withdraw(5)
    desk.settle()
    desk.news()
    failed_cancel(desk)
    desk.pass_time(UNDER_WAY_S)
    assert [report.fault for report in desk.news()] == [Fault.CANCELLED]


def revived(desk: Desk) -> None:
    """The vehicle has forgotten its order; a copy of an update comes after that, and is a new order to it."""
    desk.disabled.add("agv-1")  # no moves of its own
    desk.show(last_node_id="b")
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("c", 2)
    update = desk.order()
    desk.reach("e", 6, driving=False)
    forget(desk, "e", loads=())
    assert desk.order().order_id == "site-5.1"
    refusal = (("orderId", "site-5.1"), ("orderUpdateId", "0"))
    errors = (VehicleError(error_type="orderError", fatal=False, references=refusal),)
    desk.take(update, driving=True, errors=errors)
    desk.pass_time(UNDER_WAY_S)


def test_a_command_is_not_refused_while_a_forgotten_order_for_it_is_carried_out_after_all(desk: Desk) -> None:
    revived(desk)
    assert desk.news() == []
    desk.reach("f", 8, driving=False, actions=((pick_id(), ActionStatus.FINISHED, ""),), loads=("TOTE-1",))
    assert desk.news() == [CommandAccepted(job_id=5), CommandDone(job_id=5)]


def test_a_command_whose_forgotten_order_has_failed_after_all_is_for_the_load_to_tell(desk: Desk) -> None:
    revived(desk)
    desk.reach("f", 8, driving=False, actions=((pick_id(), ActionStatus.FAILED, ""),), loads=None)
    assert [type(report) for report in desk.news()] == [CommandUnknown, ChannelOnline]


def test_a_withdrawn_command_that_was_carried_out_unseen_after_all_is_for_the_load_to_tell(
    desk: Desk,
) -> None:
    """Found by random fleets: it counted as withdrawn in time, with the load on board."""
    revived(desk)
    desk.fleet.withdraw(5)
    outcomes = [type(report) for report in forget(desk, "f", loads=("TOTE-1",), errors=())]
    assert outcomes == [CommandUnknown, ChannelOnline]


def test_a_withdrawn_order_that_was_forgotten_is_cancelled_if_a_copy_of_it_is_carried_out_after_all(
    desk: Desk,
) -> None:
    # given a vehicle that forgets its order while that is cancelled, with a copy of an update under way
    desk.disabled.add("agv-1")  # no moves of its own
    desk.show(last_node_id="b")
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("c", 2)
    update = desk.order()
    desk.fleet.withdraw(5)
    desk.news()
    forget(desk, "c", loads=())
    desk.sent()
    # when it takes that for a new order
    desk.take(update, driving=True)
    # then it is told that nobody wants it
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]


def test_what_a_vehicle_has_forgotten_stays_its_own_as_long_as_a_copy_may_come(desk: Desk) -> None:
    desk.show(last_node_id="c")
    desk.pass_time(3)
    desk.take(desk.order(), driving=True)
    base = desk.row().base
    assert len(base) > 1
    desk.disabled.add("agv-1")
    forget(desk, "c", position=(4.0, 0.0))
    desk.pass_time(UNDER_WAY_S - 1)
    assert desk.row().base == base
    desk.pass_time(1)
    assert desk.row().base == ("c",)


def test_a_late_copy_of_what_a_vehicle_has_forgotten_changes_nothing_that_others_rely_on(desk: Desk) -> None:
    """Found by random fleets: its way on was dropped, and others could not get home any more."""
    desk.show(last_node_id="a", battery=0.1)
    order = desk.order()
    assert released(order) == "a0 b2 c4 d6 charger8?"
    desk.take(order)
    desk.disabled.add("agv-1")
    forget(desk, "a")
    assert (desk.row().base, desk.row().rest) == (("a", "b", "c", "d"), ("charger",))
    desk.take(order, driving=True)
    assert (desk.row().base, desk.row().rest) == (("a", "b", "c", "d"), ("charger",))
    desk.reach("b", 2)
    assert (desk.row().base, desk.row().rest) == (("b", "c", "d"), ("charger",))


def test_a_vehicle_that_waits_for_the_rest_of_an_order_of_others_is_led_on(desk: Desk) -> None:
    # given a vehicle that another gateway has sent away before it showed our order
    desk.command(Op.PICK, "F")
    desk.sent()
    desk.show(order_id="theirs", driving=True, node_states=ahead("a", "b", released=1))
    assert desk.sent() == []
    # when it waits, and nobody leads it on
    desk.show(last_node_id="a", driving=False, node_states=ahead("b", released=0))
    assert CancelOrder("agv-1", "theirs") in desk.sent()
    finished = (action_id_of("theirs", "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(node_states=(), actions=(finished,))
    assert desk.order().order_id == "site-5.1"


def test_an_order_gets_no_id_that_the_vehicle_shows_already(desk: Desk) -> None:
    """Books that are restored from a copy of yesterday give out numbers once more."""
    desk.show(order_id="site-5", actions=((pick_id(), ActionStatus.FINISHED, ""),))
    desk.command(Op.PICK, "F")
    assert desk.news() == []
    order = desk.order()
    assert (order.order_id, order.after) == ("site-5.again", "site-5")
    desk.take(order)
    assert desk.news() == [CommandAccepted(job_id=5)]
