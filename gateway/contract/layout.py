"""The site as it is drawn: what stands where, which machine reaches it, where vehicles drive (contract v1). Metres, y upwards."""

from typing import Literal

from pydantic import Field

from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted

NodeUse = Literal["crossing", "parking", "charger"]


class LaidLocationView(WireModel):
    """A location and where it is.

    Attributes:
        kind: storage, shelf, buffer, transfer, conveyor, station or node.
        rack_id: the rack that it is a slot of, with its `level`, `side` and `column`, all counted from 1.
        node: the road-map node at which vehicles serve it.
    """

    location_id: str
    kind: str
    zone: str | None = Omitted
    capacity: int
    x: float
    y: float
    z: float
    rack_id: str | None = Omitted
    level: int | None = Omitted
    side: int | None = Omitted
    column: int | None = Omitted
    node: str | None = Omitted


class LaidRackView(WireModel):
    """A block of slots.

    Attributes:
        sides: their names, in the order of the slots' `side`.
    """

    rack_id: str
    kind: str
    zone: str | None = Omitted
    levels: int
    sides: tuple[str, ...]
    columns: int


class LaidNodeView(WireModel):
    """A point of a road map where vehicles may stand."""

    node_id: str
    x: float
    y: float
    use: NodeUse


class LaidEdgeView(WireModel):
    """A lane, in the direction in which it is driven. `max_speed` in m/s."""

    edge_id: str
    start: str
    end: str
    max_speed: float | None = Omitted


class LaidRoadMapView(WireModel):
    """Where vehicles drive."""

    road_map_id: str
    nodes: tuple[LaidNodeView, ...]
    edges: tuple[LaidEdgeView, ...]


class RackLevelsView(WireModel):
    """Levels of a rack, counted from 1."""

    rack_id: str
    levels: tuple[int, ...]


class SegmentsView(WireModel):
    """Two neighbouring segments of a conveyor, in the direction in which it runs."""

    source: str
    target: str


class LaidDeviceView(WireModel):
    """A machine and what it reaches.

    Attributes:
        kind: shuttle, lift, conveyor, putwall or vehicle.
        link_id: the wire to it.
        fleet_id, road_map_id: of a vehicle.
        racks: of a shuttle or a lift: the levels of which it reaches slots.
        locations: of a shuttle or a lift: what it reaches besides slots of racks.
        segments: of a conveyor.
        lights: of a put wall: its slots in wire order.
    """

    device_id: str
    kind: str
    link_id: str
    fleet_id: str | None = Omitted
    road_map_id: str | None = Omitted
    racks: tuple[RackLevelsView, ...] = Field(default=(), exclude_if=lambda value: not value)
    locations: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    segments: tuple[SegmentsView, ...] = Field(default=(), exclude_if=lambda value: not value)
    lights: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)


class LaidStationView(WireModel):
    """A workplace: its slots for containers, and its put wall (a device) if it has one."""

    station_id: str
    name: str
    slots: tuple[str, ...]
    putwall: str | None = Omitted


class LayoutView(WireModel):
    """A whole site as it is drawn; it stays the same as long as the gateway runs."""

    site_id: str
    locations: tuple[LaidLocationView, ...]
    racks: tuple[LaidRackView, ...]
    road_maps: tuple[LaidRoadMapView, ...]
    devices: tuple[LaidDeviceView, ...]
    stations: tuple[LaidStationView, ...]
