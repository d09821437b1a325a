"""A site seen from above, as SVG: racks, carriers, conveyors, road map with vehicles, stations with their put walls.

For `gateway check --svg` and documents. What lies above each other is drawn once, and says how much there is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil
from typing import Final

from gateway.site.model import Carrier, Conveyor, Location, PutWall, RoadMap, Site

SCALE: Final = 40.0
"""Pixels a metre."""
MARGIN: Final = 2.2
"""Metres around everything."""
CELL: Final = 0.5
"""Side of a location's square in metres."""
LIGHT: Final = 13.0
"""Side of a put wall's slot in pixels."""
LIGHTS_A_ROW: Final = 6
LEGEND_STEP: Final = 120
"""Pixels from one entry of the legend to the next."""

LOOKS: Final = {
    "storage": 'fill="#dce6f2" stroke="#99aabb"',
    "shelf": 'fill="#f3ecd8" stroke="#b8a46a"',
    "buffer": 'fill="#ffe3b3" stroke="#cc9933"',
    "transfer": 'fill="#ffe3b3" stroke="#cc9933"',
    "conveyor": 'fill="#e3d7f4" stroke="#8866bb"',
    "station": 'fill="#cdebd0" stroke="#449955"',
    "node": 'fill="#eeeeee" stroke="#999999"',
    "crossing": 'fill="#ffffff" stroke="#556677" stroke-width="1.5"',
    "parking": 'fill="#bcd4ff" stroke="#556677" stroke-width="1.5"',
    "charger": 'fill="#ffe97a" stroke="#556677" stroke-width="1.5"',
    "lane": 'stroke="#8899a6" stroke-width="2" marker-end="url(#arrow)"',
    "channel": 'stroke="#8866bb" stroke-width="2" marker-end="url(#arrow)"',
    "serves": 'stroke="#449955" stroke-dasharray="3 3"',
    "carrier": 'stroke="#cc6633" stroke-dasharray="5 3"',
    "device": 'fill="#cc6633" stroke="#ffffff"',
    "vehicle": 'fill="#2f5fb3" stroke="#ffffff"',
    "light": 'fill="#f4fbf4" stroke="#449955"',
}
LEGEND: Final = {
    "storage": "storage",
    "buffer": "buffer",
    "conveyor": "conveyor segment",
    "station": "station slot",
    "light": "put wall slot",
    "parking": "parking",
    "charger": "charger",
    "device": "shuttle, lift",
    "vehicle": "vehicle",
}

HEAD: Final = """<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" \
font-family="sans-serif" font-size="9" text-anchor="middle">
<title>{title}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="13" refY="4" markerWidth="5" markerHeight="5" orient="auto">\
<path d="M0 0 8 4 0 8z" fill="#667788"/></marker></defs>
<style>text{{paint-order:stroke;stroke:#fcfcfd;stroke-width:3px;fill:#223}}</style>
<rect width="100%" height="100%" fill="#fcfcfd"/>
<text x="16" y="26" font-size="15" text-anchor="start">{title}</text>"""

Point = tuple[float, float]


def draw(site: Site) -> str:
    """Return a checked site as an SVG document."""
    frame = _Frame(site)
    shapes, labels = list[str](), list[str]()
    for part in (_road_maps, _racks, _channels, _carriers, _locations, _stations, _vehicles):
        for mark in part(frame, site):
            (labels if mark.startswith("<text") else shapes).append(mark)
    head = HEAD.format(width=frame.width, height=frame.height, title=escape(site.id))
    return "\n".join([head, *shapes, *labels, *_legend(), "</svg>\n"])


class _Frame:
    """Turns metres (y upwards) into pixels (y downwards)."""

    def __init__(self, site: Site) -> None:
        nodes = [(node.x, node.y) for road_map in site.road_maps for node in road_map.nodes]
        points = [*nodes, *((place.x, place.y) for place in site.all_locations.values())] or [(0.0, 0.0)]
        self._left = min(x for x, _ in points) - MARGIN
        self._top = max(y for _, y in points) + MARGIN
        width = (max(x for x, _ in points) + MARGIN - self._left) * SCALE
        self.width = max(width, LEGEND_STEP * (len(LEGEND) + 0.5))
        self.height = (self._top - min(y for _, y in points) + MARGIN) * SCALE

    def at(self, x: float, y: float) -> Point:
        return (x - self._left) * SCALE, (self._top - y) * SCALE


def _road_maps(frame: _Frame, site: Site) -> Iterator[str]:
    for road_map in site.road_maps:
        at = {node.id: frame.at(node.x, node.y) for node in road_map.nodes}
        for edge in road_map.edges:
            yield _line("lane", at[edge.start], at[edge.end])
        for location in site.locations:
            if location.node in at:
                yield _line("serves", at[location.node], frame.at(location.x, location.y))
        for node, (x, y) in at.items():
            yield f'<circle {LOOKS[_use(road_map, node)]} cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
            yield f'<text x="{x + 7:.1f}" y="{y - 8:.1f}" text-anchor="start">{escape(node)}</text>'


def _use(road_map: RoadMap, node: str) -> str:
    if node in road_map.parking:
        return "parking"
    return "charger" if node in road_map.chargers else "crossing"


def _vehicles(frame: _Frame, site: Site) -> Iterator[str]:
    """Return the vehicles where their simulation begins."""
    for fleet in site.fleets:
        at = {node.id: frame.at(node.x, node.y) for node in site.road_map(fleet.road_map).nodes}
        for vehicle in fleet.vehicles:
            x, y = at[vehicle.start]
            yield f'<rect {LOOKS["vehicle"]} x="{x - 9:.1f}" y="{y - 6:.1f}" width="18" height="12" rx="3"/>'
            yield _text(x, y + 17, vehicle.id)


def _racks(frame: _Frame, site: Site) -> Iterator[str]:
    """Return the first level of each rack: the others lie above it."""
    for rack in site.racks:
        first = rack.slots[: len(rack.sides) * rack.columns]
        for slot in first:
            yield _square(frame, slot)
        middle, _ = _middle(frame, first)
        top = min(frame.at(slot.x, slot.y)[1] for slot in first)
        yield _text(middle, top - 16, f"{rack.id}: {len(first)} slots × {rack.levels} levels")


def _middle(frame: _Frame, places: Sequence[Location]) -> Point:
    return frame.at(
        sum(place.x for place in places) / len(places), sum(place.y for place in places) / len(places)
    )


def _channels(frame: _Frame, site: Site) -> Iterator[str]:
    for device in site.devices:
        if isinstance(device, Conveyor):
            for channel in device.channels:
                ends = (site.all_locations[channel.source], site.all_locations[channel.target])
                yield _line("channel", *(frame.at(end.x, end.y) for end in ends))


def _carriers(frame: _Frame, site: Site) -> Iterator[str]:
    """Return each carrier amid all that it serves, with lines to the listed places; those above each other as one."""
    hubs = defaultdict[tuple[Point, ...], list[str]](list)
    listed = {frame.at(place.x, place.y) for place in site.locations}
    for device in site.devices:
        if isinstance(device, Carrier):
            served = site.matching(device.picks + device.drops)
            hubs[tuple(sorted({frame.at(place.x, place.y) for place in served}))].append(device.id)
    for points, carriers in hubs.items():
        x, y = sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
        yield from (_line("carrier", (x, y), point) for point in points if point in listed)
        yield f'<rect {LOOKS["device"]} x="{x - 8:.1f}" y="{y - 8:.1f}" width="16" height="16" rx="3"/>'
        yield _text(x, y + 19, _stacked(carriers))


def _locations(frame: _Frame, site: Site) -> Iterator[str]:
    """Return the listed locations; those above each other as one."""
    stacks = defaultdict[Point, list[Location]](list)
    for location in site.locations:
        stacks[location.x, location.y].append(location)
    for stack in stacks.values():
        x, y = frame.at(stack[0].x, stack[0].y)
        yield _square(frame, stack[0])
        yield _text(x, y + 20, _stacked([location.id for location in stack]))


def _stacked(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"


def _stations(frame: _Frame, site: Site) -> Iterator[str]:
    """Return each station's name, and its put wall, below the station's slots."""
    walls = {device.id: device for device in site.devices if isinstance(device, PutWall)}
    for station in site.stations:
        middle, top = _middle(frame, [site.all_locations[slot] for slot in station.slots])
        lights = walls[station.putwall].slots if station.putwall else 0
        for n in range(lights):
            row, column = divmod(n, LIGHTS_A_ROW)
            x, y = middle + (column - LIGHTS_A_ROW / 2) * LIGHT, top + 28 + row * LIGHT
            yield f'<rect {LOOKS["light"]} x="{x:.1f}" y="{y:.1f}" width="{LIGHT}" height="{LIGHT}"/>'
        yield _text(middle, top + 42 + ceil(lights / LIGHTS_A_ROW) * LIGHT, f"{station.name} ({station.id})")


def _legend() -> Iterator[str]:
    for n, (look, meaning) in enumerate(LEGEND.items()):
        x = LEGEND_STEP * (n + 0.2)
        yield f'<rect {LOOKS[look]} x="{x}" y="36" width="10" height="10"/>'
        yield f'<text x="{x + 16}" y="45" text-anchor="start">{meaning}</text>'


def _square(frame: _Frame, location: Location) -> str:
    x, y = frame.at(location.x - CELL / 2, location.y + CELL / 2)
    size = CELL * SCALE
    return f'<rect {LOOKS[location.kind]} x="{x:.1f}" y="{y:.1f}" width="{size:.0f}" height="{size:.0f}"/>'


def _line(look: str, start: Point, end: Point) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line {LOOKS[look]} x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
