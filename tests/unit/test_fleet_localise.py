"""A vehicle that has lost its place: it says so, and a person tells it where it stands."""

from typing import Any

import pytest

from gateway.contract.faults import Refusal
from gateway.contract.reports import (
    DeviceRecovered,
)
from gateway.contract.vehicles import (
    ActionStatus,
    NodeState,
    VehicleOffline,
    VehiclePose,
)
from gateway.fleet.effects import LocaliseVehicle
from tests.unit.fleet_desk import Desk, small_site

pytestmark = pytest.mark.unit


@pytest.fixture
def desk() -> Desk:
    return Desk(small_site())


LOST: dict[str, Any] = {"last_node_id": "", "position": None, "localised": False}


def lose_place(desk: Desk) -> VehiclePose:
    """A vehicle that stood at p1 forgets everything, and somebody says that it stands at b; return what it is sent."""
    desk.show(**LOST)
    desk.news()
    desk.fleet.localise("agv-1", "b", 1.5)
    desk.settle()
    (effect,) = desk.sent()
    assert isinstance(effect, LocaliseVehicle)
    return effect.pose


def test_a_vehicle_that_does_not_know_where_it_is_gets_no_work_and_the_advice_says_what_helps(
    desk: Desk,
) -> None:
    desk.show(**LOST)
    (fault,) = desk.news()
    assert fault.text == "it does not know where it is"
    assert "gateway device localise agv-1 --at NODE --reason TEXT" in fault.advice
    assert desk.fleet.choose("A") == "agv-2"


def test_a_vehicle_between_two_nodes_is_to_be_driven_to_one(desk: Desk) -> None:
    desk.show(last_node_id="", position=(1.0, 0.0))
    (fault,) = desk.news()
    assert fault.text == "it does not tell at which node it stands"
    assert fault.advice.startswith("Drive it by hand to a node")


def test_a_vehicle_is_told_where_somebody_says_that_it_stands_and_works_again_when_it_agrees(
    desk: Desk,
) -> None:
    pose = lose_place(desk)
    assert (pose.node_id, pose.x, pose.y, pose.theta, pose.map_id) == ("b", 2.0, 0.0, 1.5, "hall")
    desk.show(actions=((pose.action_id, ActionStatus.RUNNING, ""),))
    assert desk.news() == []
    desk.show(
        last_node_id="b",
        localised=True,
        actions=((pose.action_id, ActionStatus.FINISHED, ""),),
        position=(2, 0),
    )
    assert desk.news() == [DeviceRecovered(device_id="agv-1")]
    assert (desk.row().base[0], desk.row().pose) == ("b", None)
    assert desk.drive() == "p1"


def test_a_vehicle_that_does_not_agree_says_so_and_may_be_told_again(desk: Desk) -> None:
    pose = lose_place(desk)
    desk.show(actions=((pose.action_id, ActionStatus.FAILED, "that is elsewhere"),))
    (fault,) = desk.news()
    assert "it was told that it stands at b and does not confirm it: that is elsewhere" in fault.text
    assert "gateway device localise" in fault.advice
    desk.fleet.localise("agv-1", "c", 0.0)
    desk.settle()
    (again,) = desk.sent()
    assert isinstance(again, LocaliseVehicle)
    assert again.pose.action_id != pose.action_id
    desk.show(last_node_id="c", localised=True, actions=(), position=(4, 0))
    assert desk.news()[-1] == DeviceRecovered(device_id="agv-1")


def test_after_a_restart_the_vehicle_is_told_again_until_it_has_answered(desk: Desk) -> None:
    pose = lose_place(desk)
    desk.fleet.resume()
    desk.settle()
    assert desk.sent() == [LocaliseVehicle(pose)]
    desk.show(actions=((pose.action_id, ActionStatus.FAILED, "no"),))
    desk.fleet.resume()
    desk.settle()
    assert desk.sent() == []


REFUSED = {
    "unknown node": (LOST, "moon", "unknownNode"),
    "it knows": ({}, "b", "alreadyLocalised"),
    "in other hands": (LOST | {"automatic": False}, "b", "notAutomatic"),
    "of another gateway": (LOST | {"barred": "another, newer gateway commands this vehicle"}, "b", "barred"),
    "another stands there": (LOST, "p2", "nodeTaken"),
    "an order under way": (
        LOST | {"node_states": (NodeState(node_id="c", sequence_id=2, released=True),)},
        "b",
        "orderUnderWay",
    ),
}


@pytest.mark.parametrize(("shown", "node", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_vehicle_is_told_nothing_that_it_knows_or_that_cannot_be(
    desk: Desk, shown: dict[str, Any], node: str, code: str
) -> None:
    desk.show(**shown)
    before = desk.row()
    with pytest.raises(Refusal) as refused:
        desk.fleet.localise("agv-1", node, 0.0)
    assert [reason.code for reason in refused.value.reasons] == [code]
    assert (desk.row(), desk.sent()) == (before, [])


def test_a_vehicle_that_does_not_answer_can_be_told_nothing(desk: Desk) -> None:
    desk.show(**LOST)
    desk.ask(VehicleOffline(vehicle_id="agv-1", reason="silent"))
    with pytest.raises(Refusal, match="does not answer"):
        desk.fleet.localise("agv-1", "b", 0.0)
