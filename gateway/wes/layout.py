"""The site as the WES sees it: where containers may be stored, where people work, and how far it is between the two."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import dist
from typing import Final

from gateway.site.model import ContainerType, Location, PutWall, Site, type_of


@dataclass(frozen=True, slots=True)
class Place:
    """A location.

    Attributes:
        at: x, y, z in m.
        distance: m to the nearest station; None where the site has none.
        accepts: types of containers that fit; None: whatever comes.
    """

    location_id: str
    kind: str
    zone: str
    capacity: int
    at: tuple[float, float, float]
    distance: float | None
    accepts: tuple[str, ...] | None = None

    def takes(self, container_type: str | None) -> bool:
        """Tell whether containers of a type fit; None: of none that the site names."""
        return self.accepts is None or container_type in self.accepts


@dataclass(frozen=True, slots=True)
class Workplace:
    """A goods-to-person station.

    Attributes:
        slots: locations of its containers.
        name: for people.
        wall: its put wall's device id.
        boxes: ids of the places of the boxes that are picked into: the wall's slots, or else numbered ones.
        columns: of these stand in a row, as people see them; None: nobody has said.
    """

    station_id: str
    name: str
    slots: tuple[str, ...]
    wall: str | None
    boxes: tuple[str, ...]
    columns: int | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Places and stations by id."""

    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    stations: Mapping[str, Workplace] = field(default_factory=dict[str, Workplace])
    far: float = 1.0
    """m from the farthest place to its nearest station."""
    types: tuple[ContainerType, ...] = ()
    storage_zones: frozenset[str] = frozenset()
    """Zones that containers can be stored in."""
    serving: Mapping[str | None, tuple[str, ...]] = field(default_factory=dict[str | None, tuple[str, ...]])
    """By type of container, the stations that have a slot for it."""

    def type_of(self, container_id: str) -> str | None:
        """Return the type of a container; None: the site names none for it."""
        return type_of(self.types, container_id)

    def cells_of(self, container_id: str) -> tuple[tuple[str, ...], ...]:
        """Return the names of a container's compartments, row by row; empty: it has none that the site names."""
        kind = self.type_of(container_id)
        return next((each.cells for each in self.types if each.id == kind), ())

    def stations_for(self, container_id: str) -> tuple[str, ...]:
        """Return the stations that have a slot for a container."""
        return self.serving.get(self.type_of(container_id), ())

    def slots_for(self, container_id: str, station: Workplace) -> tuple[str, ...]:
        """Return the slots of a station that a container fits."""
        kind = self.type_of(container_id)
        return tuple(slot for slot in station.slots if self.places[slot].takes(kind))

    def storage(self, pattern: str, near: str | None) -> Iterator[Place]:
        """Yield the storage locations that a pattern names, the nearest to a location first."""
        origin = None if near is None else self.places.get(near)
        named = [
            place
            for place in self.places.values()
            if place.kind == STORAGE and fnmatchcase(place.location_id, pattern)
        ]
        if origin is not None:
            named.sort(key=lambda place: (dist(origin.at, place.at), place.location_id))
        yield from named


STORAGE: Final = "storage"
SHELF: Final = "shelf"


def lay_out(site: Site, boxes: int) -> Layout:
    """Return the layout of a site.

    Args:
        site: the site.
        boxes: how many boxes a station without a put wall picks into at a time.
    """
    walls = {device.id: device for device in site.devices if isinstance(device, PutWall)}
    stations = {
        station.id: Workplace(
            station_id=station.id,
            name=station.name,
            slots=station.slots,
            wall=station.putwall,
            boxes=tuple(f"{station.id}:{n + 1}" for n in range(boxes))
            if station.putwall is None
            else walls[station.putwall].slot_ids(),
            columns=None if station.putwall is None else walls[station.putwall].columns,
        )
        for station in site.stations
    }
    goals = [_at(site.all_locations[slot]) for each in stations.values() for slot in each.slots]
    places = {each.id: _place(each, goals) for each in site.all_locations.values()}
    far = max((place.distance or 0.0 for place in places.values()), default=0.0)
    serving = {
        kind: tuple(
            each.station_id
            for each in stations.values()
            if any(places[slot].takes(kind) for slot in each.slots)
        )
        for kind in (None, *(each.id for each in site.container_types))
    }
    storage_zones = frozenset(place.zone for place in places.values() if place.kind == STORAGE)
    return Layout(places, stations, far or 1.0, site.container_types, storage_zones, serving)


def _place(location: Location, goals: Collection[tuple[float, float, float]]) -> Place:
    at = _at(location)
    return Place(
        location_id=location.id,
        kind=location.kind,
        zone=location.zone or "",
        capacity=location.capacity,
        at=at,
        distance=min((dist(at, goal) for goal in goals), default=None),
        accepts=location.accepts,
    )


def _at(location: Location) -> tuple[float, float, float]:
    return location.x, location.y, location.z
