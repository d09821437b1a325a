"""Vehicles get everywhere, back again, and past those that stand."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from gateway.site.findings import Flaw
from gateway.site.model import RoadMap, Site


def dead_ends(site: Site) -> Iterator[Flaw]:
    """A node without a way out or in, and a lane that leads nowhere."""
    for index, road_map in enumerate(site.road_maps):
        lanes = [edge for edge in road_map.edges if edge.start != edge.end]
        starts, ends = {edge.start for edge in lanes}, {edge.end for edge in lanes}
        for n, node in enumerate(road_map.nodes):
            if node.id not in starts:
                message = f"node `{node.id}` has no way out: a vehicle would be caught there"
                yield Flaw(("road_maps", index, "nodes", n), message, f"add an edge with `start: {node.id}`")
            if node.id not in ends:
                message = f"node `{node.id}` has no way in"
                yield Flaw(("road_maps", index, "nodes", n), message, f"add an edge with `end: {node.id}`")
        for n, edge in enumerate(road_map.edges):
            if edge.start == edge.end:
                message = f"edge `{edge.id}` leads from `{edge.start}` to itself"
                yield Flaw(("road_maps", index, "edges", n, "end"), message, "name the next node")


def separate_parts(site: Site) -> Iterator[Flaw]:
    """Nodes with ways in and out that still cannot be reached from the others, or cannot reach them."""
    for index, road_map in enumerate(site.road_maps):
        nodes = [node.id for node in road_map.nodes]
        ahead, back = _ways(road_map, nodes)
        connected = [node for node in nodes if ahead[node] and back[node]]
        if not connected:
            continue
        hub = max(connected, key=lambda node: len(ahead[node]) + len(back[node]))
        reached, returning = _reach(ahead, hub), _reach(back, hub)
        for n, node in enumerate(nodes):
            if node not in connected or (node in reached and node in returning):
                continue
            way = f"from `{hub}` to `{node}`" if node not in reached else f"from `{node}` to `{hub}`"
            message = f"no way leads {way}: the road map is not strongly connected"
            yield Flaw(("road_maps", index, "nodes", n), message, "add the missing lanes")


def parking_on_lanes(site: Site) -> Iterator[Flaw]:
    """Parking and charging nodes that others must pass once the earlier ones are taken."""
    for index, road_map in enumerate(site.road_maps):
        free = {node.id for node in road_map.nodes}
        if not _strongly_connected(road_map, free):
            continue
        for key, standing in (("parking", road_map.parking), ("chargers", road_map.chargers)):
            for n, node in enumerate(standing):
                if _strongly_connected(road_map, free - {node}):
                    free.discard(node)
                else:
                    message = f"a vehicle that stands at `{node}` closes the road to others"
                    mend = "put it off the lane: a node of its own that leaves a lane and comes back to it"
                    yield Flaw(("road_maps", index, key, n), message, mend)


def too_few_parking_nodes(site: Site) -> Iterator[Flaw]:
    """Fewer parking nodes than vehicles: the last one would wait on a lane."""
    vehicles = Counter[str]()
    for fleet in site.fleets:
        vehicles[fleet.road_map] += len(fleet.vehicles)
    for index, road_map in enumerate(site.road_maps):
        spaces = len(set(road_map.parking))
        if spaces < vehicles[road_map.id]:
            message = f"{spaces} parking nodes for {vehicles[road_map.id]} vehicles"
            yield Flaw(("road_maps", index, "parking"), message, "add a parking node for each vehicle")


def charging_thresholds(site: Site) -> Iterator[Flaw]:
    """Vehicles that would charge until less than they had."""
    for index, fleet in enumerate(site.fleets):
        below, until = fleet.charging.below, fleet.charging.until
        if until <= below:
            message = f"vehicles charge below {below:g} until {until:g}"
            yield Flaw(("fleets", index, "charging"), message, "let `until` be higher than `below`")


def _ways(road_map: RoadMap, nodes: Collection[str]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return node → next nodes and node → previous nodes, among these nodes."""
    ahead: dict[str, list[str]] = {node: [] for node in nodes}
    back: dict[str, list[str]] = {node: [] for node in nodes}
    for edge in road_map.edges:
        if edge.start in ahead and edge.end in ahead and edge.start != edge.end:
            ahead[edge.start].append(edge.end)
            back[edge.end].append(edge.start)
    return ahead, back


def _reach(ways: Mapping[str, list[str]], start: str) -> set[str]:
    reached, frontier = {start}, [start]
    while frontier:
        new = [node for node in ways[frontier.pop()] if node not in reached]
        reached.update(new)
        frontier += new
    return reached


def _strongly_connected(road_map: RoadMap, nodes: Collection[str]) -> bool:
    ahead, back = _ways(road_map, nodes)
    start = next(iter(ahead), None)
    return start is None or len(_reach(ahead, start)) == len(ahead) == len(_reach(back, start))
