"""A site seen from above, as SVG: rack, conveyors, road map, stations. For `gateway check --svg` and documents."""

from collections import defaultdict
from collections.abc import Iterator
from html import escape
from typing import Final

from gateway.site.model import Conveyor, Location, Rack, RoadMap, Site

SCALE: Final = 40.0
"""Pixels a metre."""
MARGIN: Final = 1.5
"""Metres around everything."""
CELL: Final = 0.5
"""Side of a location's square in metres."""

LOOKS: Final = {
    "storage": 'fill="#dce6f2" stroke="#99aabb"',
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
}

HEAD: Final = """<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" \
font-family="sans-serif" font-size="9" text-anchor="middle">
<title>{title}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="13" refY="4" markerWidth="5" markerHeight="5" orient="auto">\
<path d="M0 0 8 4 0 8z" fill="#667788"/></marker></defs>
<rect width="100%" height="100%" fill="#fcfcfd"/>
<text x="16" y="26" font-size="15" text-anchor="start">{title}</text>"""

Point = tuple[float, float]


def draw(site: Site) -> str:
    """Return a checked site as an SVG document."""
    frame = _Frame(site)
    lines = [HEAD.format(width=frame.width, height=frame.height, title=escape(site.id))]
    for road_map in site.road_maps:
        lines += _road_map(frame, road_map)
        lines += _served(frame, site, road_map)
    for rack in site.racks:
        lines += _rack(frame, rack)
    for device in site.devices:
        if isinstance(device, Conveyor):
            lines += _channels(frame, site, device)
    lines += _locations(frame, site)
    return "\n".join([*lines, "</svg>\n"])


class _Frame:
    """Turns metres (y upwards) into pixels (y downwards)."""

    def __init__(self, site: Site) -> None:
        nodes = [(node.x, node.y) for road_map in site.road_maps for node in road_map.nodes]
        points = [*nodes, *((place.x, place.y) for place in site.all_locations.values())] or [(0.0, 0.0)]
        self._left = min(x for x, _ in points) - MARGIN
        self._top = max(y for _, y in points) + MARGIN
        self.width = (max(x for x, _ in points) + MARGIN - self._left) * SCALE
        self.height = (self._top - min(y for _, y in points) + MARGIN) * SCALE

    def at(self, x: float, y: float) -> Point:
        return (x - self._left) * SCALE, (self._top - y) * SCALE


def _road_map(frame: _Frame, road_map: RoadMap) -> Iterator[str]:
    at = {node.id: frame.at(node.x, node.y) for node in road_map.nodes}
    for edge in road_map.edges:
        yield _line("lane", at[edge.start], at[edge.end])
    for node, (x, y) in at.items():
        look = (
            "parking" if node in road_map.parking else "charger" if node in road_map.chargers else "crossing"
        )
        yield f'<circle {LOOKS[look]} cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
        yield _text(x, y - 10, node)


def _served(frame: _Frame, site: Site, road_map: RoadMap) -> Iterator[str]:
    """Return the short ways between nodes and the locations that vehicles serve from them."""
    at = {node.id: frame.at(node.x, node.y) for node in road_map.nodes}
    for location in site.locations:
        if location.node in at:
            yield _line("serves", at[location.node], frame.at(location.x, location.y))


def _rack(frame: _Frame, rack: Rack) -> Iterator[str]:
    """Return the lowest level: the others lie above it."""
    lowest = [slot for slot in rack.slots if slot.z == rack.origin[2]]
    for slot in lowest:
        yield _square(frame, slot)
    middle = sum(slot.x for slot in lowest) / len(lowest), sum(slot.y for slot in lowest) / len(lowest)
    yield _text(*frame.at(*middle), f"{rack.id}: {len(lowest)} slots × {rack.levels} levels")


def _channels(frame: _Frame, site: Site, conveyor: Conveyor) -> Iterator[str]:
    for channel in conveyor.channels:
        source, target = site.all_locations[channel.source], site.all_locations[channel.target]
        yield _line("channel", frame.at(source.x, source.y), frame.at(target.x, target.y))


def _locations(frame: _Frame, site: Site) -> Iterator[str]:
    """Return the listed locations; those above each other as one."""
    stacks: defaultdict[Point, list[Location]] = defaultdict(list)
    for location in site.locations:
        stacks[location.x, location.y].append(location)
    for stack in stacks.values():
        x, y = frame.at(stack[0].x, stack[0].y)
        yield _square(frame, stack[0])
        yield _text(x, y + 20, stack[0].id if len(stack) == 1 else f"{stack[0].id} +{len(stack) - 1}")


def _square(frame: _Frame, location: Location) -> str:
    x, y = frame.at(location.x - CELL / 2, location.y + CELL / 2)
    size = CELL * SCALE
    return f'<rect {LOOKS[location.kind]} x="{x:.1f}" y="{y:.1f}" width="{size:.0f}" height="{size:.0f}"/>'


def _line(look: str, start: Point, end: Point) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line {LOOKS[look]} x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
