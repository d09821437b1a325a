"""Vehicles that are where their orders have not led them: driven by hand, or by another gateway. Nobody is sent there."""

from typing import Any

import pytest

from gateway.contract.commands import Op
from gateway.contract.vehicles import NodeState
from tests.unit.fleet_desk import Desk, small_site

pytestmark = pytest.mark.unit

BY_HAND: dict[str, Any] = {"automatic": False, "driving": False}


@pytest.fixture
def desk() -> Desk:
    """agv-1 is on its way from a to f."""
    desk = Desk(small_site())
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    desk.sent()
    return desk


def given(desk: Desk, name: str = "agv-2") -> set[str]:
    """Return the nodes that are released to a vehicle after it was sent to F."""
    desk.command(Op.PICK, "F", job_id=6, name=name)
    return set(desk.row(name).base)


def test_nobody_is_sent_where_a_vehicle_was_driven_by_hand_though_it_keeps_its_order(desk: Desk) -> None:
    base = desk.row().base
    desk.show(**BY_HAND, last_node_id="f", last_node_sequence_id=0)
    assert given(desk) == {"p2", "g"}
    assert desk.row().base == base


def test_nobody_is_sent_where_a_vehicle_was_driven_by_hand_after_it_had_cleared_its_order(desk: Desk) -> None:
    desk.show(**BY_HAND, order_id="", last_node_id="f", last_node_sequence_id=0, node_states=())
    assert given(desk) == {"p2", "g"}


def test_nobody_is_sent_where_a_vehicle_is_being_driven_by_hand() -> None:
    desk = Desk(small_site())
    desk.show(automatic=False, driving=True, last_node_id="f")
    assert given(desk) == {"p2", "g"}


def test_nobody_is_sent_where_another_gateway_sends_a_vehicle_that_has_our_order(desk: Desk) -> None:
    base = desk.row().base
    ahead = (
        NodeState(node_id="f", sequence_id=4, released=True),
        NodeState(node_id="g", sequence_id=6, released=False),
    )
    desk.show(
        order_id="theirs",
        barred="another gateway",
        last_node_id="e",
        last_node_sequence_id=2,
        node_states=ahead,
    )
    assert given(desk) == {"p2", "g"}
    assert desk.row().base == base, "it may come back to what it was sent by this one"


def test_the_place_is_free_again_when_the_vehicle_is_back_on_its_way(desk: Desk) -> None:
    desk.show(**BY_HAND, last_node_id="f", last_node_sequence_id=0)
    desk.reach("b", 4, automatic=True)
    assert "f" in given(desk)
