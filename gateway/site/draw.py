"""A site seen from above, as SVG: rack, conveyors, road map, stations. For `gateway check --svg` and documents."""

from collections.abc import Iterator
from html import escape
from itertools import chain
from typing import Final

from gateway.site.model import Conveyor, Location, Rack, RoadMap, Site

SCALE: Final = 40.0
"""Pixels a metre."""
MARGIN: Final = 1.5
"""Metres around everything."""
CELL: Final = 0.5
"""Side of a location's square in metres."""

STYLE: Final = """
  text { font: 9px sans-serif; fill: #445; text-anchor: middle }
  .title { font-size: 15px; font-weight: bold; text-anchor: start }
  .storage { fill: #dce6f2; stroke: #9ab } .buffer, .transfer { fill: #ffe3b3; stroke: #c93 }
  .conveyor { fill: #e3d7f4; stroke: #86b } .station { fill: #cdebd0; stroke: #495 } .node { fill: #eee; stroke: #999 }
  .lane { stroke: #8899a6; stroke-width: 2; marker-end: url(#arrow) }
  .flow { stroke: #86b; stroke-width: 2; marker-end: url(#arrow) }
  .serves { stroke: #495; stroke-dasharray: 3 3 }
  .point { fill: #fff; stroke: #567; stroke-width: 1.5 } .parking { fill: #bcd4ff } .charger { fill: #ffef9e }
"""

Point = tuple[float, float]


def draw(site: Site) -> str:
    """Return the site as an SVG document."""
    frame = _Frame(site)
    parts = chain(
        (_road_map(frame, road_map) for road_map in site.road_maps),
        (_served(frame, site, road_map) for road_map in site.road_maps),
        (_rack(frame, rack) for rack in site.racks),
        (_flow(frame, site, device) for device in site.devices if isinstance(device, Conveyor)),
        (_location(frame, location) for location in site.locations),
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{frame.width:.0f}" height="{frame.height:.0f}">',
            f"<title>{escape(site.id)}</title><style>{STYLE}</style>",
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" '
            'orient="auto"><path d="M0 0 8 4 0 8z" fill="#8899a6"/></marker></defs>',
            '<rect width="100%" height="100%" fill="#fcfcfd"/>',
            f'<text class="title" x="16" y="26">{escape(site.id)}</text>',
            *chain.from_iterable(parts),
            "</svg>\n",
        ]
    )


class _Frame:
    """Turns metres (y upwards) into pixels (y downwards)."""

    def __init__(self, site: Site) -> None:
        nodes = [(node.x, node.y) for road_map in site.road_maps for node in road_map.nodes]
        points = [*nodes, *((location.x, location.y) for location in site.all_locations.values())] or [
            (0.0, 0.0)
        ]
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
        kind = (
            "parking" if node in road_map.parking else "charger" if node in road_map.chargers else "lane-node"
        )
        yield f'<circle class="point {kind}" cx="{x:.1f}" cy="{y:.1f}" r="6"><title>{node}</title></circle>'
        yield _text(x, y - 10, node)


def _served(frame: _Frame, site: Site, road_map: RoadMap) -> Iterator[str]:
    """Return the short ways between nodes and the locations that vehicles serve from them."""
    at = {node.id: frame.at(node.x, node.y) for node in road_map.nodes}
    for location in site.locations:
        if location.node in at:
            yield _line("serves", at[location.node], frame.at(location.x, location.y))


def _rack(frame: _Frame, rack: Rack) -> Iterator[str]:
    """Return the lowest level: the others lie above it."""
    lowest = [slot for slot in rack.slots() if slot.z == rack.origin[2]]
    for slot in lowest:
        yield _square(frame, slot)
    x, y = frame.at(lowest[0].x, lowest[0].y)
    yield _text(x, y + 28, f"{rack.id} × {rack.levels}")


def _flow(frame: _Frame, site: Site, conveyor: Conveyor) -> Iterator[str]:
    for channel in conveyor.channels:
        ends = (site.all_locations[channel.source], site.all_locations[channel.target])
        start, end = (frame.at(location.x, location.y - 0.35) for location in ends)
        yield _line("flow", start, end)


def _location(frame: _Frame, location: Location) -> Iterator[str]:
    yield _square(frame, location)
    x, y = frame.at(location.x, location.y)
    yield _text(x, y + 3, location.id)


def _square(frame: _Frame, location: Location) -> str:
    x, y = frame.at(location.x - CELL / 2, location.y + CELL / 2)
    size = CELL * SCALE
    return (
        f'<rect class="{location.kind}" x="{x:.1f}" y="{y:.1f}" width="{size:.0f}" height="{size:.0f}">'
        f"<title>{location.id}</title></rect>"
    )


def _line(kind: str, start: Point, end: Point) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
