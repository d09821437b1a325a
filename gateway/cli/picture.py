"""A picture of the floor in characters, drawn from the site file: levels, lifts, conveyors, stations, roads.

Signs: a full or an empty square is a location with or without a container; a full or an empty diamond is a carrier with
or without a load.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from gateway.cli.appearance import STATE_STYLES
from gateway.cli.snapshot import DeviceState, ShownDevice, Snapshot
from gateway.contract.reports import Position
from gateway.site.model import Carrier, Conveyor, Location, Node, Site

LEGEND: Final = "■ occupied  □ free  ◆ loaded  ◇ empty"
ROADS_LEGEND: Final = "□ loads  P parking  C charger"
LOAD_WIDTH: Final = 10


@dataclass(frozen=True, slots=True)
class _Level:
    """A shuttle on its rail, and the buffers through which loads come (`inbound`) and go (`outbound`)."""

    device_id: str
    inbound: tuple[str, ...]
    outbound: tuple[str, ...]
    reach: tuple[Location, ...]

    @property
    def height(self) -> float:
        return self.reach[0].z if self.reach else 0.0


class Picture:
    """Draws one site. What a site does not have is left out."""

    def __init__(self, site: Site) -> None:
        self._site = site
        carriers = [device for device in site.devices if isinstance(device, Carrier)]
        self._lifts = [device for device in carriers if device.kind == "lift"]
        levels = [_level(site, device) for device in carriers if device.kind == "shuttle"]
        self._levels = sorted(levels, key=lambda level: level.height, reverse=True)
        self._conveyors = [device for device in site.devices if isinstance(device, Conveyor)]
        self._vehicles = [vehicle.id for fleet in site.fleets for vehicle in fleet.vehicles]

    @property
    def vehicle_ids(self) -> Sequence[str]:
        """The vehicles of all fleets, in the order of the file."""
        return self._vehicles

    def floor(self, snapshot: Snapshot, width: int) -> list[Text]:
        """Return one line a level, from the top, then the ground with its conveyors, then the stations.

        Args:
            snapshot: what is where.
            width: columns; longer lines are cut.
        """
        devices = {device.device_id: device for device in snapshot.devices}
        floors = {lift.id: self._floor_of(devices.get(lift.id)) for lift in self._lifts}
        lines = [
            Text.assemble(self._shafts(row, floors, devices), self._level_line(level, snapshot, width))
            for row, level in enumerate(self._levels)
        ]
        if self._lifts or self._conveyors:
            shafts = self._shafts(len(self._levels), floors, devices)
            lines.append(Text.assemble(shafts, self._ground_line(snapshot, devices)))
        lines.extend(self._station_lines(snapshot, width))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return lines

    def _floor_of(self, lift: ShownDevice | None) -> int | None:
        """Return the row at which a lift stands: that of the nearest level, or the ground."""
        height = None if lift is None else _height(self._site, lift.position)
        if height is None:
            return None
        heights = [level.height for level in self._levels]
        ground = min((self._site.all_locations[c.channels[0].source].z for c in self._conveyors), default=0.0)
        rows = [*heights, ground]
        return min(range(len(rows)), key=lambda row: abs(rows[row] - height))

    def _shafts(self, row: int, floors: Mapping[str, int | None], devices: Mapping[str, ShownDevice]) -> Text:
        shafts = Text()
        for lift in self._lifts:
            here = floors[lift.id] == row
            shafts.append_text(_carrier(devices.get(lift.id)) if here else Text("┆", "dim"))
            shafts.append(" ")
        return shafts

    def _level_line(self, level: _Level, snapshot: Snapshot, width: int) -> Text:
        device = next((d for d in snapshot.devices if d.device_id == level.device_id), None)
        line = Text.assemble(
            *("→", _squares(level.inbound, snapshot), " ←", _squares(level.outbound, snapshot)),
            *(" ", (level.device_id, _style(device)), " "),
        )
        room = width - 2 * len(self._lifts) - line.cell_len - 2 - LOAD_WIDTH - 1
        load = (device.load or "") if device is not None else ""
        return Text.assemble(line, self._rail(level, device, max(room, 4)), f" {load:<{LOAD_WIDTH}}")

    def _rail(self, level: _Level, device: ShownDevice | None, length: int) -> Text:
        along = None if device is None else self._along(level, device.position)
        if along is None:
            return Text.assemble(("├" + "─" * length + "┤", "dim"))
        before = min(int(along * length), length - 1)
        return Text.assemble(
            ("├" + "─" * before, "dim"), _carrier(device), ("─" * (length - before - 1) + "┤", "dim")
        )

    def _along(self, level: _Level, position: Position | None) -> float | None:
        """Return where on its rail a shuttle stands, from 0 to 1; None while nobody knows."""
        spot = None if position is None else _spot(self._site, position)
        if spot is None or not level.reach:
            return None
        axis = max((0, 1), key=lambda n: _extent(_coordinates(level.reach, n)))
        ends = _coordinates(level.reach, axis)
        if _extent(ends) == 0:
            return 0.0
        return min(max((spot[axis] - min(ends)) / _extent(ends), 0.0), 1.0)

    def _ground_line(self, snapshot: Snapshot, devices: Mapping[str, ShownDevice]) -> Text:
        parts = [
            Text.assemble(
                (lift.id, _style(device := devices.get(lift.id))), f" {(device and device.load) or '':<9}"
            )
            for lift in self._lifts
        ]
        for conveyor in self._conveyors:
            segments = [conveyor.channels[0].source, *(channel.target for channel in conveyor.channels)]
            parts.append(
                Text.assemble(
                    (conveyor.id, _style(devices.get(conveyor.id))), " ", _squares(segments, snapshot)
                )
            )
        return Text("   ").join(parts)

    def _station_lines(self, snapshot: Snapshot, width: int) -> Iterator[Text]:
        parts = [
            Text.assemble(station.id, " ", _squares(station.slots, snapshot), _lit(station.putwall, snapshot))
            for station in self._site.stations
        ]
        return _flowing(parts, width)

    def roads(self, snapshot: Snapshot, width: int, height: int) -> list[Text]:
        """Return the road maps with their vehicles, each shown by the last character of its id.

        Args:
            snapshot: where the vehicles are.
            width: columns.
            height: lines.
        """
        nodes = [node for road_map in self._site.road_maps for node in road_map.nodes]
        if not nodes:
            return []
        grid = _Grid(nodes, width, height)
        by_id = {node.id: node for node in nodes}
        for road_map in self._site.road_maps:
            for edge in road_map.edges:
                grid.line(by_id[edge.start], by_id[edge.end])
            grid.mark((by_id[node] for node in road_map.parking), "P", "dim")
            grid.mark((by_id[node] for node in road_map.chargers), "C", "dim cyan")
        served = {location.node for location in self._site.all_locations.values() if location.node}
        grid.mark((by_id[node] for node in sorted(served)), "□", "")
        for device in snapshot.devices:
            if device.device_id in self._vehicles and device.position is not None:
                grid.vehicle(device, device.position)
        return grid.lines()


class _Grid:
    """Characters at the places of a frame in metres; y grows upwards."""

    def __init__(self, nodes: Sequence[Node], width: int, height: int) -> None:
        self._left = min(node.x for node in nodes)
        self._bottom = min(node.y for node in nodes)
        across = max(node.x for node in nodes) - self._left
        up = max(node.y for node in nodes) - self._bottom
        # A character is about twice as high as wide.
        self._scale = min((width - 1) / max(across, 1e-9), 2 * (height - 1) / max(up, 1e-9))
        self._rows = round(up * self._scale / 2) + 1
        self._columns = round(across * self._scale) + 1
        self._cells: dict[tuple[int, int], tuple[str, str]] = {}

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        row = self._rows - 1 - round((y - self._bottom) * self._scale / 2)
        return row, round((x - self._left) * self._scale)

    def line(self, start: Node, end: Node) -> None:
        """Draw a lane, dotted."""
        (row1, column1), (row2, column2) = self._cell(start.x, start.y), self._cell(end.x, end.y)
        steps = max(abs(row2 - row1), abs(column2 - column1), 1)
        for step in range(steps + 1):
            cell = (
                row1 + round((row2 - row1) * step / steps),
                column1 + round((column2 - column1) * step / steps),
            )
            self._cells[cell] = "·", "dim"

    def mark(self, nodes: Iterable[Node], sign: str, style: str) -> None:
        """Draw a sign at each of the nodes."""
        for node in nodes:
            self._cells[self._cell(node.x, node.y)] = sign, style

    def vehicle(self, device: ShownDevice, position: Position) -> None:
        """Draw a vehicle; reversed if it carries something."""
        if position.x is None or position.y is None:
            return
        style = f"bold {_style(device)}" + (" reverse" if device.load else "")
        self._cells[self._cell(position.x, position.y)] = device.device_id[-1], style

    def lines(self) -> list[Text]:
        """Return the drawing, from the top."""
        blank = (" ", "")
        return [
            Text.assemble(*(self._cells.get((row, column), blank) for column in range(self._columns)))
            for row in range(self._rows)
        ]


def _level(site: Site, shuttle: Carrier) -> _Level:
    picks, drops = site.matching(shuttle.picks), site.matching(shuttle.drops)
    reach = {location.id: location for location in (*picks, *drops)}
    return _Level(
        shuttle.id,
        tuple(location.id for location in picks if location.kind == "buffer"),
        tuple(location.id for location in drops if location.kind == "buffer"),
        tuple(reach.values()),
    )


def _style(device: ShownDevice | None) -> str:
    return STATE_STYLES[device.state if device is not None else DeviceState.OFFLINE]


def _carrier(device: ShownDevice | None) -> Text:
    loaded = device is not None and device.load is not None
    return Text("◆" if loaded else "◇", f"bold {_style(device)}")


def _squares(locations: Iterable[str], snapshot: Snapshot) -> Text:
    signs = (("■", "yellow") if location in snapshot.occupied else ("□", "dim") for location in locations)
    return Text.assemble(*signs)


def _lit(wall: str | None, snapshot: Snapshot) -> Text:
    if wall is None:
        return Text()
    lit = snapshot.lit.get(wall, 0)
    return Text.assemble(f" {wall} ", (f"{lit} lit", "bold yellow" if lit else "dim"))


def _flowing(parts: Sequence[Text], width: int) -> Iterator[Text]:
    """Put parts side by side, as many as fit into a line."""
    line = Text()
    for part in parts:
        if line and line.cell_len + 3 + part.cell_len > width:
            yield line
            line = Text()
        line = Text("   ").join([line, part]) if line else part
    if line:
        yield line


def _spot(site: Site, position: Position) -> tuple[float, float] | None:
    """Return x, y of a position, from its location where the device tells no coordinates."""
    if position.x is not None and position.y is not None:
        return position.x, position.y
    location = site.all_locations.get(position.location_id or "")
    return None if location is None else (location.x, location.y)


def _height(site: Site, position: Position | None) -> float | None:
    if position is None:
        return None
    location = site.all_locations.get(position.location_id or "")
    return position.z if location is None else location.z


def _coordinates(locations: Sequence[Location], axis: int) -> list[float]:
    return [(location.x, location.y)[axis] for location in locations]


def _extent(values: Sequence[float]) -> float:
    return max(values) - min(values)
