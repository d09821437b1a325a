"""The site as it is drawn, made once: it stays the same as long as the gateway runs."""

from collections import defaultdict
from collections.abc import Iterator
from gzip import compress
from hashlib import sha256
from itertools import product
from typing import assert_never

from fastapi import Response

from gateway.contract.layout import (
    LaidDeviceView,
    LaidEdgeView,
    LaidLocationView,
    LaidNodeView,
    LaidRackView,
    LaidRoadMapView,
    LaidStationView,
    LayoutView,
    NodeUse,
    RackLevelsView,
    SegmentsView,
)
from gateway.site.model import Carrier, Conveyor, Device, Location, PutWall, Rack, RoadMap, Site


class Layout:
    """The answer, plain and compressed: 20,000 slots are 3 MB and become 0.2 MB."""

    def __init__(self, site: Site) -> None:
        self._plain = layout(site).model_dump_json(by_alias=True).encode()
        self._packed = compress(self._plain, compresslevel=6, mtime=0)
        self._tag = sha256(self._plain).hexdigest()[:32]

    def answer(self, accepted: str, known: str) -> Response:
        """Return it, or that the caller knows it.

        Args:
            accepted: encodings (`Accept-Encoding`).
            known: tags of what the caller has (`If-None-Match`).
        """
        headers = {"ETag": f'"{self._tag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if f'"{self._tag}"' in known:
            return Response(status_code=304, headers=headers)
        packed = "gzip" in accepted
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(self._packed if packed else self._plain, 200, headers, "application/json")


def layout(site: Site) -> LayoutView:
    """Return a checked site as it is drawn."""
    return LayoutView(
        site_id=site.id,
        locations=tuple(_locations(site)),
        racks=tuple(_rack(rack) for rack in site.racks),
        road_maps=tuple(_road_map(road_map) for road_map in site.road_maps),
        devices=tuple(_devices(site)),
        stations=tuple(
            LaidStationView(station_id=each.id, name=each.name, slots=each.slots, putwall=each.putwall)
            for each in site.stations
        ),
    )


def _locations(site: Site) -> Iterator[LaidLocationView]:
    for place in site.locations:
        yield _location(place)
    for rack in site.racks:
        for (level, side, column), slot in zip(_numbers(rack), rack.slots, strict=True):
            yield _location(slot).model_copy(
                update={"rack_id": rack.id, "level": level, "side": side, "column": column}
            )


def _location(place: Location) -> LaidLocationView:
    return LaidLocationView(
        location_id=place.id,
        kind=place.kind,
        zone=place.zone,
        capacity=place.capacity,
        x=round(place.x, 4),
        y=round(place.y, 4),
        z=round(place.z, 4),
        node=place.node,
    )


def _numbers(rack: Rack) -> Iterator[tuple[int, int, int]]:
    """Yield level, side and column of each slot of a rack, from 1, in the order of its slots."""
    levels, sides, columns = rack.levels, len(rack.sides), rack.columns
    yield from product(range(1, levels + 1), range(1, sides + 1), range(1, columns + 1))


def _rack(rack: Rack) -> LaidRackView:
    return LaidRackView(
        rack_id=rack.id,
        kind=rack.kind,
        zone=rack.zone,
        levels=rack.levels,
        sides=rack.sides,
        columns=rack.columns,
    )


def _road_map(road_map: RoadMap) -> LaidRoadMapView:
    edges = (
        LaidEdgeView(edge_id=edge.id, start=edge.start, end=edge.end, max_speed=edge.max_speed)
        for edge in road_map.edges
    )
    nodes = (
        LaidNodeView(node_id=node.id, x=node.x, y=node.y, use=_use(road_map, node.id))
        for node in road_map.nodes
    )
    return LaidRoadMapView(road_map_id=road_map.id, nodes=tuple(nodes), edges=tuple(edges))


def _use(road_map: RoadMap, node: str) -> NodeUse:
    if node in road_map.parking:
        return "parking"
    return "charger" if node in road_map.chargers else "crossing"


def _devices(site: Site) -> Iterator[LaidDeviceView]:
    level_of = {
        slot.id: (rack.id, level)
        for rack in site.racks
        for (level, _, _), slot in zip(_numbers(rack), rack.slots, strict=True)
    }
    for device in site.devices:
        yield _device(site, device, level_of)
    for fleet in site.fleets:
        for vehicle in fleet.vehicles:
            yield LaidDeviceView(
                device_id=vehicle.id,
                kind="vehicle",
                link_id=fleet.link,
                fleet_id=fleet.id,
                road_map_id=fleet.road_map,
            )


def _device(site: Site, device: Device, level_of: dict[str, tuple[str, int]]) -> LaidDeviceView:
    view = LaidDeviceView(device_id=device.id, kind=device.kind, link_id=device.link)
    match device:
        case Carrier():
            served = [place.id for place in site.matching(device.picks + device.drops)]
            racks = defaultdict[str, set[int]](set)
            for place in served:
                if place in level_of:
                    rack, level = level_of[place]
                    racks[rack].add(level)
            levels = (
                RackLevelsView(rack_id=rack, levels=tuple(sorted(found))) for rack, found in racks.items()
            )
            others = tuple(place for place in served if place not in level_of)
            return view.model_copy(update={"racks": tuple(levels), "locations": others})
        case Conveyor():
            pairs = (SegmentsView(source=each.source, target=each.target) for each in device.channels)
            return view.model_copy(update={"segments": tuple(pairs)})
        case PutWall():
            return view.model_copy(update={"lights": device.slot_ids()})
        case _:
            assert_never(device)
