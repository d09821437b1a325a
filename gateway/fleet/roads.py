"""The road map as a graph: fastest ways (Dijkstra) and how long they take."""

import heapq
from collections.abc import Collection
from functools import cached_property
from itertools import pairwise, takewhile
from math import dist, hypot
from typing import Final

from gateway.site.model import AT_NODE_M, Edge, Node, RoadMap

Route = tuple[str, ...]
"""Node ids from the start to the goal, both included."""

BERTH_S: Final = 1_000.0
"""What passing a parking or charging node costs extra: nobody does who has another way."""


class Roads:
    """Ways over one road map. Times assume the edges' top speeds, and `speed` m/s where they have none."""

    def __init__(self, road_map: RoadMap, speed: float) -> None:
        self.map_id = road_map.id
        self.parking = road_map.parking
        self.chargers = road_map.chargers
        self.nodes: dict[str, Node] = {node.id: node for node in road_map.nodes}
        self._speed = speed
        self._edges: dict[tuple[str, str], Edge] = {}
        for edge in road_map.edges:
            known = self._edges.get((edge.start, edge.end))
            if known is None or self._edge_s(edge) < self._edge_s(known):
                self._edges[edge.start, edge.end] = edge
        self._trees: dict[str, dict[str, str]] = {}
        self._routes: dict[tuple[str, str], Route | None] = {}

    @cached_property
    def _next(self) -> dict[str, list[tuple[str, float]]]:
        ahead: dict[str, list[tuple[str, float]]] = {node: [] for node in self.nodes}
        for edge in self._edges.values():
            ahead[edge.start].append((edge.end, self._edge_s(edge)))
        return ahead

    def _edge_s(self, edge: Edge) -> float:
        return self.metres(edge.start, edge.end) / min(self._speed, edge.max_speed or self._speed)

    def metres(self, start: str, end: str) -> float:
        """Return the straight distance of two nodes."""
        a, b = self.nodes[start], self.nodes[end]
        return dist((a.x, a.y), (b.x, b.y))

    def edge(self, start: str, end: str) -> Edge:
        """Return the fastest edge from one node to a neighbour."""
        return self._edges[start, end]

    def known(self, nodes: Route) -> Route:
        """Return as much of a way, from its start, as leads over edges of the map."""
        steps = takewhile(lambda step: step in self._edges, pairwise(nodes))
        return (nodes[0], *(end for _, end in steps))

    def lead_over(self, nodes: Route) -> bool:
        """Tell whether a way is on the map."""
        return nodes[0] in self.nodes and self.known(nodes) == nodes

    def nearest(self, x: float, y: float) -> str | None:
        """Return the node at which a vehicle at this point stands, if it stands at one."""
        found = min(self.nodes.values(), key=lambda node: hypot(node.x - x, node.y - y))
        return found.id if hypot(found.x - x, found.y - y) <= AT_NODE_M else None

    def route(self, start: str, goal: str) -> Route | None:
        """Return the fastest way, always the same for the same nodes; None if there is none, or no such node."""
        if start not in self.nodes:
            return None
        if (start, goal) not in self._routes:
            if start not in self._trees:
                self._trees[start] = self._tree(start, ())
            self._routes[start, goal] = _way(self._trees[start], start, goal)
        return self._routes[start, goal]

    def route_around(self, start: str, goal: str, avoid: Collection[str]) -> Route | None:
        """Return the fastest way that keeps off the nodes to avoid; None if there is none, or no such node."""
        return None if start not in self.nodes else _way(self._tree(start, avoid), start, goal)

    def seconds(self, route: Route) -> float:
        """Return the driving time of a way, without acceleration."""
        return sum(self._edge_s(self._edges[step]) for step in pairwise(route))

    def _tree(self, start: str, avoid: Collection[str]) -> dict[str, str]:
        """Return node → the node before it on the fastest way from the start."""
        standing = {*self.parking, *self.chargers}
        before: dict[str, str] = {}
        best = {start: 0.0}
        heap = [(0.0, start)]
        while heap:
            cost, node = heapq.heappop(heap)
            if cost > best[node]:
                continue
            passing = BERTH_S if node in standing and node != start else 0.0
            for following, seconds in self._next[node]:
                total = cost + passing + seconds
                if following not in avoid and total < best.get(following, float("inf")):
                    best[following] = total
                    before[following] = node
                    heapq.heappush(heap, (total, following))
        return before


def _way(before: dict[str, str], start: str, goal: str) -> Route | None:
    way = [goal]
    while way[-1] != start:
        if way[-1] not in before:
            return None
        way.append(before[way[-1]])
    return tuple(reversed(way))
