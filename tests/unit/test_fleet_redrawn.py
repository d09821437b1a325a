"""The road map is redrawn while the gateway is down: what is journalled names nodes and lanes that are gone."""

import pytest

from gateway.contract.commands import Op
from gateway.contract.reports import CommandRejected, DeviceFault
from gateway.contract.vehicles import ActionStatus, action_id_of
from gateway.fleet.effects import CancelOrder, SendOrder
from gateway.site.model import Site
from tests.unit.fleet_desk import Desk, released, small_site

pytestmark = pytest.mark.unit


@pytest.fixture
def desk() -> Desk:
    return Desk(small_site())


def without(*gone: str) -> Site:
    """The small site without some nodes, or lanes such as `b-c`, both directions."""
    site = small_site()
    (road_map,) = site.road_maps
    lanes = {lane for name in gone for lane in (name, "-".join(reversed(name.split("-"))))}
    edges = [edge for edge in road_map.edges if edge.id not in lanes and not {edge.start, edge.end} & lanes]
    redrawn = road_map.model_copy(
        update={
            "nodes": tuple(node for node in road_map.nodes if node.id not in lanes),
            "edges": tuple(edges),
            "parking": tuple(node for node in road_map.parking if node not in lanes),
            "chargers": tuple(node for node in road_map.chargers if node not in lanes),
        }
    )
    return site.model_copy(update={"road_maps": (redrawn,)})


def cancelled(desk: Desk, order_id: str = "site-5") -> None:
    finished = (action_id_of(order_id, "cancelOrder"), ActionStatus.FINISHED, "")
    desk.show(driving=False, node_states=(), actions=(finished,))


@pytest.mark.parametrize("gone", ["p1", "p2", "charger", *"abcdefg", "a-b", "b-c", "c-d", "e-f", "p1-a"])
@pytest.mark.parametrize("taken", [False, True])
def test_whatever_is_gone_from_the_map_the_gateway_starts_and_goes_on(
    desk: Desk, gone: str, taken: bool
) -> None:
    # given a vehicle on its way to f
    desk.command(Op.PICK, "F")
    if taken:
        desk.take(desk.order(), driving=True)
        desk.reach("a", 2)
    # when the gateway is started anew with another map
    desk.restart(without(gone))
    # then it hears its vehicles, whatever they show, and time passes
    for name in desk.states:
        desk.show(name)
    desk.pass_time(1)
    for sequence_id, node in ((2, "a"), (4, "b")) if taken else ():
        desk.reach(node, sequence_id)
    cancelled(desk)
    desk.pass_time(5)
    assert desk.fleet.choose("G") in (None, "agv-1", "agv-2")


def test_an_order_whose_way_is_gone_is_cancelled_and_asked_for_anew(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    base = desk.row().base
    desk.restart(without("e"))
    assert desk.sent() == [CancelOrder("agv-1", "site-5")]
    # it keeps what it may still drive out
    assert desk.row().base == base
    desk.show()
    desk.news()
    cancelled(desk)
    (rejected,) = [report for report in desk.news() if isinstance(report, CommandRejected)]
    assert rejected.retry


def test_an_order_whose_way_is_still_there_goes_on(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    desk.take(desk.order(), driving=True)
    desk.reach("a", 2)
    desk.restart(without("charger", "g"))
    desk.show()
    order = desk.order()
    assert order.order_id == "site-5"
    assert order.update_id == 1


def test_an_order_that_was_not_shown_is_not_sent_over_a_lane_that_is_gone(desk: Desk) -> None:
    desk.command(Op.PICK, "F")
    assert released(desk.order()) == "p10 a2 b4 c6 d8? e10? f12?"
    desk.restart(without("b-c"))
    assert not [effect for effect in desk.sent() if isinstance(effect, SendOrder)]


def test_a_vehicle_at_a_node_that_is_gone_is_a_fault_that_says_so(desk: Desk) -> None:
    desk.restart(without("p1"))
    desk.show()
    (fault,) = [report for report in desk.news() if isinstance(report, DeviceFault)]
    assert fault.text == "it does not tell at which node it stands"


def test_a_home_that_is_gone_is_replaced_when_there_is_another(desk: Desk) -> None:
    desk.show("agv-2", last_node_id="e")
    assert desk.row("agv-2").home == "p2"
    desk.restart(without("p2"))
    for name in desk.states:
        desk.show(name)
    assert desk.row("agv-2").home != "p2"


def test_a_vehicle_on_its_way_to_charge_goes_on_if_the_charger_is_still_there_and_else_to_another() -> None:
    chargers = {"near": "a", "far": "g"}
    desk = Desk(small_site(chargers))
    desk.show(battery=0.1)
    desk.pass_time(3)
    assert desk.row().charger == "near"
    desk.restart(small_site(chargers))
    assert desk.row().charger == "near"
    desk.restart(small_site({"far": "g"}))
    assert desk.row().charger is None
