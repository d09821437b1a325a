"""What are two things for the traffic control are two places on the floor.

It knows nodes alone: a vehicle holds those that it drives over, and with both ends of a lane the lane. So where two nodes lie in
one place, where a lane leads over a node of others, or where lanes cross without a node, vehicles meet that nobody keeps apart.
Lanes are straight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Final

from gateway.site.findings import Flaw, Keys
from gateway.site.model import AT_NODE_M, Node, RoadMap, Site

NEAR: Final = f"{AT_NODE_M:g} m"


@dataclass(frozen=True, slots=True)
class _Lane:
    """A node, or the straight line between two; `keys` lead to it in its road map."""

    keys: Keys
    start: Node
    end: Node

    @property
    def is_node(self) -> bool:
        return self.start is self.end

    def ends_at(self, node: Node) -> bool:
        return node.id in (self.start.id, self.end.id)


def nodes_in_one_place(site: Site) -> Iterator[Flaw]:
    """Nodes that are so near to each other that a vehicle at one stands at the other too."""
    for index, road_map in enumerate(site.road_maps):
        told: set[Keys] = set()
        for one, other in _neighbours(_nodes(road_map)):
            one, other = sorted((one, other), key=lambda each: each.keys[1])
            metres = _metres(other.start, one)
            if metres <= AT_NODE_M and other.keys not in told:
                told.add(other.keys)
                message = (
                    f"`{other.start.id}` is {metres:.2g} m from `{one.start.id}`: vehicles at both would meet"
                )
                mend = f"put them further apart than {NEAR}"
                yield Flaw(
                    ("road_maps", index, *other.keys), message, mend, other=("road_maps", index, *one.keys)
                )


def nodes_on_lanes(site: Site) -> Iterator[Flaw]:
    """A node that vehicles drive over or past on a lane between two others."""
    for index, road_map in enumerate(site.road_maps):
        told: set[Keys] = set()
        for one, other in _neighbours([*_nodes(road_map), *_lanes(road_map)]):
            if one.is_node == other.is_node:
                continue
            node, lane = (one, other) if one.is_node else (other, one)
            if lane.ends_at(node.start) or node.keys in told or _metres(node.start, lane) > AT_NODE_M:
                continue
            if min(_metres(node.start, _Lane((), end, end)) for end in (lane.start, lane.end)) <= AT_NODE_M:
                continue  # told as nodes in one place
            told.add(node.keys)
            message = f"the lane from `{lane.start.id}` to `{lane.end.id}` leads over `{node.start.id}`"
            mend = f"let it end and begin there, or put the node further off than {NEAR}"
            yield Flaw(
                ("road_maps", index, *node.keys), message, mend, other=("road_maps", index, *lane.keys)
            )


def crossing_lanes(site: Site) -> Iterator[Flaw]:
    """Lanes that cross where there is no node; a lane and its way back are one."""
    for index, road_map in enumerate(site.road_maps):
        for one, other in _neighbours(_lanes(road_map)):
            one, other = sorted((one, other), key=lambda each: each.keys[1])
            if _cross(one, other):
                message = (
                    f"the lane from `{other.start.id}` to `{other.end.id}` crosses the one from `{one.start.id}`"
                    f" to `{one.end.id}`: vehicles on them would meet"
                )
                mend = "put a node where they cross, and let both lead over it"
                yield Flaw(
                    ("road_maps", index, *other.keys), message, mend, other=("road_maps", index, *one.keys)
                )


def _nodes(road_map: RoadMap) -> list[_Lane]:
    nodes = {node.id: _Lane(("nodes", n), node, node) for n, node in enumerate(road_map.nodes)}
    return list(nodes.values())


def _lanes(road_map: RoadMap) -> list[_Lane]:
    nodes = {node.id: node for node in road_map.nodes}
    lanes: dict[frozenset[str], _Lane] = {}
    for n, edge in enumerate(road_map.edges):
        if edge.start != edge.end and edge.start in nodes and edge.end in nodes:
            lane = _Lane(("edges", n), nodes[edge.start], nodes[edge.end])
            lanes.setdefault(frozenset((edge.start, edge.end)), lane)
    return list(lanes.values())


def _neighbours(lanes: Sequence[_Lane]) -> Iterator[tuple[_Lane, _Lane]]:
    """Return the pairs whose surrounding rectangles meet: a sweep from left to right, for large road maps."""
    boxes = sorted((_box(lane), n) for n, lane in enumerate(lanes))
    passed: list[tuple[tuple[float, float, float, float], int]] = []
    for box, n in boxes:
        left, _, bottom, top = box
        passed = [each for each in passed if each[0][1] >= left]
        for (_, _, low, high), m in passed:
            if low <= top and bottom <= high:
                yield lanes[m], lanes[n]
        passed.append((box, n))


def _box(lane: _Lane) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of what a lane takes up."""
    xs, ys = (lane.start.x, lane.end.x), (lane.start.y, lane.end.y)
    margin = AT_NODE_M / 2
    return min(xs) - margin, max(xs) + margin, min(ys) - margin, max(ys) + margin


def _metres(point: Node, lane: _Lane) -> float:
    """Return the distance of a point from a lane, or from a node."""
    a, b = lane.start, lane.end
    dx, dy = b.x - a.x, b.y - a.y
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else ((point.x - a.x) * dx + (point.y - a.y) * dy) / length
    along = min(max(along, 0.0), 1.0)
    return hypot(a.x + along * dx - point.x, a.y + along * dy - point.y)


def _cross(one: _Lane, other: _Lane) -> bool:
    """Tell whether two lanes cross between their ends."""
    return _parts(one, other.start, other.end) and _parts(other, one.start, one.end)


def _parts(lane: _Lane, one: Node, other: Node) -> bool:
    """Tell whether two points lie on either side of a lane, or of what it would be if it led on."""
    return _side(lane, one) * _side(lane, other) < 0


def _side(lane: _Lane, point: Node) -> float:
    a, b = lane.start, lane.end
    return (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
