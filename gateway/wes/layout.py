"""The site as the WES sees it: where containers may be stored, where people work, and how far it is between the two."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import dist
from typing import Final

from gateway.site.model import Location, PutWall, Site


@dataclass(frozen=True, slots=True)
class Place:
    """A location.

    Attributes:
        at: x, y, z in m.
        distance: m to the nearest station; None where the site has none.
    """

    location_id: str
    kind: str
    zone: str
    capacity: int
    at: tuple[float, float, float]
    distance: float | None


@dataclass(frozen=True, slots=True)
class Workplace:
    """A goods-to-person station.

    Attributes:
        slots: locations of its containers.
        wall: its put wall's device id.
        boxes: ids of the places of the boxes that are picked into: the wall's slots, or else numbered ones.
    """

    station_id: str
    slots: tuple[str, ...]
    wall: str | None
    boxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Places and stations by id."""

    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    stations: Mapping[str, Workplace] = field(default_factory=dict[str, Workplace])
    far: float = 1.0
    """m from the farthest place to its nearest station."""

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
            slots=station.slots,
            wall=station.putwall,
            boxes=tuple(f"{station.id}:{n + 1}" for n in range(boxes))
            if station.putwall is None
            else walls[station.putwall].slot_ids(),
        )
        for station in site.stations
    }
    goals = [_at(site.all_locations[slot]) for each in stations.values() for slot in each.slots]
    places = {each.id: _place(each, goals) for each in site.all_locations.values()}
    far = max((place.distance or 0.0 for place in places.values()), default=0.0)
    return Layout(places, stations, far or 1.0)


def _place(location: Location, goals: Collection[tuple[float, float, float]]) -> Place:
    at = _at(location)
    return Place(
        location_id=location.id,
        kind=location.kind,
        zone=location.zone or "",
        capacity=location.capacity,
        at=at,
        distance=min((dist(at, goal) for goal in goals), default=None),
    )


def _at(location: Location) -> tuple[float, float, float]:
    return location.x, location.y, location.z
