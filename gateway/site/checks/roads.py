"""Vehicles get everywhere, back again, and past those that stand."""

from collections import Counter, deque
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
    """Nodes with ways in and out that still cannot be reached from most others, or cannot reach them."""
    for index, road_map in enumerate(site.road_maps):
        ahead, back = _ways(road_map)
        connected = _largest_part(ahead, back)
        hub = next((node.id for node in road_map.nodes if node.id in connected), "")
        reached = _reach(ahead, hub)
        for n, node in enumerate(road_map.nodes):
            if node.id in connected or not ahead[node.id] or not back[node.id]:
                continue
            way = f"from `{node.id}` to `{hub}`" if node.id in reached else f"from `{hub}` to `{node.id}`"
            message = f"no way leads {way}: the road map is not strongly connected"
            yield Flaw(("road_maps", index, "nodes", n), message, "add the missing lanes")


def parking_on_lanes(site: Site) -> Iterator[Flaw]:
    """Parking and charging nodes that others must pass once the earlier ones are taken."""
    for index, road_map in enumerate(site.road_maps):
        ahead, back = _ways(road_map)
        if not _strongly_connected(ahead, back):
            continue
        taken: set[str] = set()
        for key, standing in (("parking", road_map.parking), ("chargers", road_map.chargers)):
            for n, node in enumerate(standing):
                if node in taken or node not in ahead:
                    continue
                taken.add(node)
                if _needed(node, ahead, back, taken):
                    taken.discard(node)
                    message = f"a vehicle that stands at `{node}` closes the road to others"
                    mend = "put it off the lane: a node of its own that leaves a lane and comes back to it"
                    yield Flaw(("road_maps", index, key, n), message, mend)


def parking_at_locations(site: Site) -> Iterator[Flaw]:
    """A location at whose node vehicles park: one that waits there for work waits for ever, and so does who must get there."""
    for index, road_map in enumerate(site.road_maps):
        served = {location.node: location.id for location in site.locations}
        for n, node in enumerate(road_map.parking):
            if node in served:
                message = f"a vehicle that parks at `{node}` keeps the others from `{served[node]}`"
                mend = "let it park at a node of its own"
                yield Flaw(("road_maps", index, "parking", n), message, mend)


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


def _ways(road_map: RoadMap) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return node → next nodes and node → previous nodes."""
    ahead: dict[str, list[str]] = {node.id: [] for node in road_map.nodes}
    back: dict[str, list[str]] = {node.id: [] for node in road_map.nodes}
    for edge in road_map.edges:
        if edge.start in ahead and edge.end in ahead and edge.start != edge.end:
            ahead[edge.start].append(edge.end)
            back[edge.end].append(edge.start)
    return ahead, back


def _largest_part(ahead: Mapping[str, list[str]], back: Mapping[str, list[str]]) -> set[str]:
    """Return the largest set of nodes of which each can reach each (Kosaraju): every lane is looked at twice."""
    found: set[str] = set()
    order: list[str] = []
    for start in ahead:
        order += _left_behind(ahead, start, found)
    parted: set[str] = set()
    parts = [set(_left_behind(back, start, parted)) for start in reversed(order)]
    return max(parts, key=len) if parts else found


def _left_behind(ways: Mapping[str, list[str]], start: str, found: set[str]) -> Iterator[str]:
    """Find all nodes that can be reached and were not found before; yield each as soon as all behind it are found."""
    if start in found:
        return
    found.add(start)
    walk = [(start, iter(ways[start]))]
    while walk:
        node, following = walk[-1]
        new = next((each for each in following if each not in found), None)
        if new is None:
            walk.pop()
            yield node
        else:
            found.add(new)
            walk.append((new, iter(ways[new])))


def _strongly_connected(ahead: Mapping[str, list[str]], back: Mapping[str, list[str]]) -> bool:
    start = next(iter(ahead), "")
    return len(_reach(ahead, start)) == len(_reach(back, start)) == len(ahead)


def _needed(
    node: str, ahead: Mapping[str, list[str]], back: Mapping[str, list[str]], taken: Collection[str]
) -> bool:
    """Tell whether some way through a node has no way around it, past all nodes that are taken."""
    after = {each for each in ahead[node] if each not in taken}
    return any(
        not after <= _reach(ahead, before, after, taken) for before in back[node] if before not in taken
    )


def _reach(
    ways: Mapping[str, list[str]], start: str, goals: Collection[str] = (), taken: Collection[str] = ()
) -> set[str]:
    """Return the nodes that can be reached past those that are taken; if there are goals, no more once they are reached."""
    reached, wanted = {start}, set(goals) - {start}
    frontier = deque([start])
    while frontier and (wanted or not goals):
        new = {node for node in ways.get(frontier.popleft(), ()) if node not in reached and node not in taken}
        reached |= new
        wanted -= new
        frontier += new
    return reached
