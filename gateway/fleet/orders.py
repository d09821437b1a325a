"""Orders as messages (VDA 5050 §6.6): what is released never changes, and an update begins where the last base ended."""

from dataclasses import dataclass, replace
from itertools import pairwise

from gateway.contract.vehicles import OrderEdge, OrderNode, VehicleAction, VehicleOrder
from gateway.fleet.roads import Roads
from gateway.fleet.rows import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What an order tells only once, with its first node.

    Attributes:
        after: the order that the vehicle shows before.
        deviation: m from the first node within which the vehicle may stand.
        leave: what is to be done before it leaves, if anything.
    """

    vehicle_id: str
    order_id: str
    after: str
    deviation: float
    leave: VehicleAction | None = None


def first_message(
    departure: Departure,
    roads: Roads,
    nodes: tuple[str, ...],
    released: int,
    action: VehicleAction | None,
) -> VehicleOrder:
    """Return the first message of an order over these nodes, of which so many are released."""
    first, *following = _nodes(roads, nodes, released, action, 0)
    actions = first.actions if departure.leave is None else (departure.leave, *first.actions)
    first = replace(first, deviation=departure.deviation, actions=actions)
    nodes_sent = (first, *following)
    return VehicleOrder(
        vehicle_id=departure.vehicle_id,
        order_id=departure.order_id,
        update_id=0,
        after=departure.after,
        map_id=roads.map_id,
        nodes=nodes_sent,
        edges=_edges(roads, nodes_sent),
    )


def update_of(order: Order, roads: Roads, nodes: tuple[str, ...], released: int) -> VehicleOrder:
    """Return the message that extends the base of an order, over nodes that may differ beyond the present base.

    It begins with the last released node, exactly as that was sent before (§6.6.2).
    """
    stitch = order.released - 1
    unchanged = next(node for node in order.message.nodes if node.sequence_id == 2 * stitch)
    following = _nodes(roads, nodes, released, order.action, stitch + 1)
    nodes_sent = (unchanged, *following)
    return replace(
        order.message,
        update_id=order.message.update_id + 1,
        after=order.order_id,
        nodes=nodes_sent,
        edges=_edges(roads, nodes_sent),
    )


def _nodes(
    roads: Roads, nodes: tuple[str, ...], released: int, action: VehicleAction | None, first: int
) -> tuple[OrderNode, ...]:
    """Return the nodes from index `first` on. A way without an action at its end needs no horizon (see Order)."""
    shown = nodes if action is not None else nodes[:released]
    return tuple(
        OrderNode(
            node_id=nodes[index],
            sequence_id=2 * index,
            released=index < released,
            x=roads.nodes[nodes[index]].x,
            y=roads.nodes[nodes[index]].y,
            actions=(action,) if action is not None and index == len(nodes) - 1 else (),
        )
        for index in range(first, len(shown))
    )


def _edges(roads: Roads, nodes: tuple[OrderNode, ...]) -> tuple[OrderEdge, ...]:
    return tuple(_edge(roads, start, end) for start, end in pairwise(nodes))


def _edge(roads: Roads, start: OrderNode, end: OrderNode) -> OrderEdge:
    edge = roads.edge(start.node_id, end.node_id)
    return OrderEdge(
        edge_id=edge.id,
        sequence_id=start.sequence_id + 1,
        released=end.released,
        start_node_id=start.node_id,
        end_node_id=end.node_id,
        max_speed=edge.max_speed,
    )
