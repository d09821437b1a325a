"""The way of a vehicle's order: what has been traversed, what is released (the base), what is only planned (the horizon).

A step is an edge and the node at its end, so the steps that remain are the nodeStates and the edgeStates at
once. A route is a value; the functions here judge an order against it and return the next one. Section and
figure numbers are those of VDA 5050 2.1.0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import hypot
from typing import Final

from sim_devices.vehicles.messages import (
    UNUSABLE_IN_EDGE,
    UNUSABLE_IN_ORDER,
    Action,
    Edge,
    Node,
    Order,
)
from sim_devices.vehicles.refusal import ErrorType, References, Refused

TOLERANCE_M: Final = 0.1
"""How near to a node the vehicle counts as standing on it where no deviation is allowed (6.6.6)."""


@dataclass(frozen=True, slots=True)
class Step:
    """An edge and the node at its end.

    Attributes:
        x, y: where the node is, m; theta: heading to take there, rad.
    """

    edge: Edge
    node: Node
    x: float
    y: float
    theta: float | None

    @property
    def released(self) -> bool:
        """It belongs to the base."""
        return self.edge.released and self.node.released


@dataclass(frozen=True, slots=True)
class Route:
    """The vehicle's order; `order_id` is empty before the first one."""

    order_id: str = ""
    update_id: int = 0
    last_node_id: str = ""
    last_sequence_id: int = 0
    steps: tuple[Step, ...] = ()
    cancelled: bool = False

    @property
    def base(self) -> tuple[Step, ...]:
        """The released steps that remain."""
        return tuple(step for step in self.steps if step.released)

    @property
    def horizon(self) -> tuple[Step, ...]:
        """The steps that are not released."""
        return self.steps[len(self.base) :]

    @property
    def decision_point(self) -> tuple[str, int]:
        """The last node of the base (6.6.2); the last traversed one where nothing of the base remains."""
        base = self.base
        if base:
            return base[-1].node.node_id, base[-1].node.sequence_id
        return self.last_node_id, self.last_sequence_id

    @property
    def new_base_request(self) -> bool:
        """The base is running low (6.10.3): there is a horizon, and at most one released step."""
        return bool(self.horizon) and len(self.base) <= 1 and not self.cancelled

    def passed(self) -> "Route":
        """Traverse the next node (6.10.2)."""
        node = self.steps[0].node
        return replace(
            self, last_node_id=node.node_id, last_sequence_id=node.sequence_id, steps=self.steps[1:]
        )

    def cut(self, steps: int) -> "Route":
        """Keep only so many steps: the way to where a cancelled order ends (figure 9)."""
        return replace(self, steps=self.steps[:steps], cancelled=True)


@dataclass(frozen=True, slots=True)
class Terrain:
    """What a vehicle knows of the site.

    Attributes:
        nodes: node id → (x, y) in m.
        stations: location id → id of the node at which the vehicle serves it.
    """

    map_id: str
    nodes: Mapping[str, tuple[float, float]]
    stations: Mapping[str, str]
    chargers: frozenset[str]

    def locate(self, node: Node) -> tuple[float, float]:
        """Return where a node is.

        Raises:
            Refused: neither the order nor the map tells, or they do not agree.
        """
        known, told = self.nodes.get(node.node_id), node.node_position
        if told is None:
            if known is None:
                text = f"node {node.node_id} is unknown"
                raise Refused(ErrorType.NO_ROUTE, text, [("nodeId", node.node_id)])
            return known
        if known is None:
            return told.x, told.y
        if hypot(told.x - known[0], told.y - known[1]) > TOLERANCE_M:
            text = f"node {node.node_id} is at {known[0]:g}, {known[1]:g}, not at {told.x:g}, {told.y:g}"
            raise Refused(ErrorType.NO_ROUTE, text, [("nodeId", node.node_id)])
        return known


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the vehicle is and what it could do about an order.

    Attributes:
        busy: figure 8, question 3.
        unready: why it takes no order at all, e.g. its operating mode; empty: it does.
    """

    x: float
    y: float
    busy: bool
    localised: bool
    unready: str = ""


def next_route(order: Order, route: Route, standing: Standing, terrain: Terrain) -> Route | None:
    """Judge an order as figure 8 does, and return the route that it makes; None: it is known already.

    Raises:
        Refused: why the order is not taken over.
    """
    try:
        _check_structure(order)
        if order.order_id != route.order_id:
            return _begin(order, standing, terrain)
        return _go_on(order, route, standing, terrain)
    except Refused as refusal:
        error = refusal.error
        raise Refused(error.error_type, error.description, (*identity(order), *error.references)) from None


def identity(order: Order) -> References:
    """Return what tells the master control which order is meant (7.1)."""
    return (
        ("topic", "order"),
        ("headerId", str(order.header_id)),
        ("orderId", order.order_id),
        ("orderUpdateId", str(order.order_update_id)),
    )


def _begin(order: Order, standing: Standing, terrain: Terrain) -> Route:
    first = order.nodes[0]
    if standing.busy:
        raise Refused(ErrorType.ORDER, "another order is still being executed")
    if first.sequence_id != 0:
        raise Refused(ErrorType.VALIDATION, "a new order begins with sequenceId 0", _of(first))
    _check_use(order, terrain, standing)
    if not standing.localised:
        raise Refused(ErrorType.NO_ROUTE, "the position is not initialised")
    x, y = terrain.locate(first)
    deviation = first.node_position.allowed_deviation_xy if first.node_position else 0.0
    distance = hypot(standing.x - x, standing.y - y)
    if distance > max(deviation, TOLERANCE_M):
        raise Refused(
            ErrorType.NO_ROUTE, f"the first node is {distance:.2f} m away from the vehicle", _of(first)
        )
    return Route(
        order.order_id, order.order_update_id, first.node_id, first.sequence_id, _steps(order, terrain)
    )


def _go_on(order: Order, route: Route, standing: Standing, terrain: Terrain) -> Route | None:
    first = order.nodes[0]
    if order.order_update_id < route.update_id:
        raise Refused(ErrorType.ORDER_UPDATE, f"update {route.update_id} is here already")
    if order.order_update_id == route.update_id:
        return None
    if route.cancelled:
        raise Refused(ErrorType.ORDER_UPDATE, "the order has been cancelled")
    if (first.node_id, first.sequence_id) != route.decision_point:
        node_id, sequence_id = route.decision_point
        raise Refused(
            ErrorType.ORDER_UPDATE, f"the base ends at {node_id} with sequenceId {sequence_id}", _of(first)
        )
    _check_use(order, terrain, standing)
    return replace(route, update_id=order.order_update_id, steps=route.base + _steps(order, terrain))


def _steps(order: Order, terrain: Terrain) -> tuple[Step, ...]:
    def step(edge: Edge, node: Node) -> Step:
        x, y = terrain.locate(node)
        return Step(edge, node, x, y, node.node_position.theta if node.node_position else None)

    return tuple(map(step, order.edges, order.nodes[1:]))


# -- 6.6.1: what a valid order is
# --------------------------------------------------------------------------------------


def _check_structure(order: Order) -> None:
    problems = [*_misfits(order), *_release_gaps(order), *_repeated_actions(order)]
    if problems:
        text = "; ".join(problem for problem, _ in problems)
        raise Refused(ErrorType.VALIDATION, text, [item for _, references in problems for item in references])


def _misfits(order: Order) -> Iterator[tuple[str, References]]:
    if len(order.edges) != len(order.nodes) - 1:
        yield f"{len(order.nodes)} nodes and {len(order.edges)} edges", ()
        return
    start = order.nodes[0].sequence_id
    for index, node in enumerate(order.nodes):
        if node.sequence_id != start + 2 * index:
            yield f"node {node.node_id} has not sequenceId {start + 2 * index}", _of(node)
    for index, edge in enumerate(order.edges):
        if edge.sequence_id != start + 2 * index + 1:
            yield f"edge {edge.edge_id} has not sequenceId {start + 2 * index + 1}", _of_edge(edge)
        ends = (order.nodes[index].node_id, order.nodes[index + 1].node_id)
        if (edge.start_node_id, edge.end_node_id) != ends:
            yield f"edge {edge.edge_id} does not lead from {ends[0]} to {ends[1]}", _of_edge(edge)


def _release_gaps(order: Order) -> Iterator[tuple[str, References]]:
    released = True
    if not order.nodes[0].released:
        yield "the first node is not released", _of(order.nodes[0])
    for edge, node in zip(order.edges, order.nodes[1:], strict=False):
        if edge.released and not (released and node.released):
            yield f"edge {edge.edge_id} is released, but not both its nodes", _of_edge(edge)
        if node.released and not edge.released:
            yield f"node {node.node_id} is released behind an edge that is not", _of(node)
        released = released and edge.released


def _repeated_actions(order: Order) -> Iterator[tuple[str, References]]:
    seen: set[str] = set()
    for action in _actions(order):
        if action.action_id in seen:
            yield f"actionId {action.action_id} is used twice", (("actionId", action.action_id),)
        seen.add(action.action_id)


def _actions(order: Order) -> Iterator[Action]:
    for part in (*order.nodes, *order.edges):
        yield from part.actions


# -- 6.6.4.2: what this vehicle can use
# ---------------------------------------------------------------------------------

NEEDED_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "pick": ("stationType", "loadType", "stationName"),
    "drop": ("stationName",),
    "startCharging": (),
    "stopCharging": (),
}
"""Actions that a node may carry, with the parameters that they need (6.8.1 and the factsheet)."""


def _check_use(order: Order, terrain: Terrain, standing: Standing) -> None:
    if standing.unready:
        raise Refused(ErrorType.ORDER, standing.unready)
    for name in order.unusable(UNUSABLE_IN_ORDER):
        raise Refused(ErrorType.ORDER, f"{name} cannot be used", [(name, "order")])
    for edge in order.edges:
        for name in edge.unusable(UNUSABLE_IN_EDGE):
            raise Refused(ErrorType.ORDER, f"{name} cannot be used", [(name, "edge"), *_of_edge(edge)])
        for action in edge.actions:
            raise Refused(ErrorType.ORDER, "no action is possible on an edge", _of_action(action))
    for node in order.nodes:
        if node.node_position and node.node_position.map_id != terrain.map_id:
            reference = ("mapId", node.node_position.map_id)
            raise Refused(ErrorType.ORDER, "the map is not on the vehicle", [reference, *_of(node)])
        for action in node.actions:
            _check_action(action, node, terrain)


def _check_action(action: Action, node: Node, terrain: Terrain) -> None:
    if action.action_type not in NEEDED_PARAMETERS:
        raise Refused(ErrorType.ORDER, f"no {action.action_type} is possible on a node", _of_action(action))
    for key in NEEDED_PARAMETERS[action.action_type]:
        if not isinstance(action.parameter(key), str):
            reference = ("actionParameters", key)
            raise Refused(ErrorType.ORDER, f"{key} is missing or no string", [reference, *_of_action(action)])
    station = action.parameter("stationName")
    if isinstance(station, str) and terrain.stations.get(station) != node.node_id:
        raise Refused(
            ErrorType.ORDER,
            f"station {station} is not at node {node.node_id}",
            [("actionParameters", "stationName"), *_of_action(action)],
        )


def _of(node: Node) -> References:
    return (("nodeId", node.node_id), ("sequenceId", str(node.sequence_id)))


def _of_edge(edge: Edge) -> References:
    return (("edgeId", edge.edge_id), ("sequenceId", str(edge.sequence_id)))


def _of_action(action: Action) -> References:
    return (("actionId", action.action_id),)
