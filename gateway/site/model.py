"""The typed site: what a site file means once it is read, and the few questions that everybody asks it.

Coordinates are metres in one frame for the whole site. A location's `place` is its number on the wire of PLC
devices.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase, translate
from functools import cached_property
from itertools import chain, islice, product, takewhile
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from gateway.contract.transports import Identifier
from gateway.contract.wiring import Link, MailboxChannel, Profile, Register, WiringModel
from gateway.site.people import PeopleRules
from gateway.site.wes import Wes

LocationKind = Literal["storage", "shelf", "buffer", "transfer", "conveyor", "station", "node"]
Place = Annotated[int, Field(ge=1, le=2**32 - 1)]
Metres = Annotated[float, Field(ge=-10_000, le=10_000)]
"""A coordinate. Whoever gets further than 10 km has written millimetres."""
ID_MAX: Final = 64
"""Characters of an identifier."""
AT_NODE_M: Final = 0.5
"""A vehicle this near to a node stands there."""


def _template(text: str, *numbers: str) -> StringConstraints:
    """An identifier with `{text}` and numbers such as `{n}` or `{n:02}` in it, and no more of format()."""
    fields = "|".join([*([text] if text else []), *(rf"{number}(:0[1-9])?" for number in numbers)])
    return StringConstraints(
        max_length=48, pattern=rf"^([A-Za-z0-9]|\{{({fields})\}})([A-Za-z0-9._:\-]|\{{({fields})\}})*$"
    )


def _check_length(template: str, last: int) -> None:
    """Whatever a template makes of a number is an identifier, unless it is too long."""
    longest = template.format(n=last)
    if len(longest) > ID_MAX:
        raise ValueError(f"`{longest}` is longer than {ID_MAX} characters")


SlotTemplate = Annotated[str, _template("side", "level", "column")]
NumberTemplate = Annotated[str, _template("", "n")]


class ContainerType(WiringModel):
    """Containers that fit the same places, such as totes, or pallets.

    Attributes:
        containers: ids or patterns (`TOTE-*`); the first type that names a container is its.
        cells: names of its compartments, row by row as they lie before whoever picks; left out: it has none.
    """

    id: Identifier
    containers: Annotated[tuple[str, ...], Field(min_length=1)]
    cells: Annotated[tuple[tuple[Identifier, ...], ...], Field(max_length=20)] = ()


Accepts = Annotated[tuple[Identifier, ...], Field(min_length=1)]


class Location(WiringModel):
    """A place that holds containers, or goods without one.

    Attributes:
        kind: `shelf`: a flat place that people walk to; goods lie there without a container, and no device need come.
        accepts: types of containers (`container_types`) that may be put here; left out: whatever comes.
        node: the road-map node at which vehicles serve it.
    """

    id: Identifier
    kind: LocationKind
    capacity: PositiveInt = 1
    zone: Identifier | None = None
    accepts: Accepts | None = None
    place: Place | None = None
    x: Metres = 0.0
    y: Metres = 0.0
    z: Metres = 0.0
    node: Identifier | None = None

    def takes(self, container_type: str | None) -> bool:
        """Tell whether containers of a type fit; None: of none that the site names."""
        return self.accepts is None or container_type in self.accepts


class RackPlaces(WiringModel):
    """How a rack's slots are numbered: start + level·(l−1) + side·(index of side) + column·(c−1)."""

    start: Place
    level: int
    side: int
    column: int

    def number(self, level: int, side: int, column: int) -> int:
        """Return the number of a slot; all three count from 0."""
        return self.start + self.level * level + self.side * side + self.column * column


class Rack(WiringModel):
    """A block of storage slots, written once instead of slot by slot.

    Attributes:
        kind: `shelf`: of flat places that people walk to.
        accepts: types of containers that fit its slots; left out: whatever comes.
        slot: template of a slot's id with {level}, {side}, {column}, e.g. `A1-{level}-{side}-{column:02}`.
        places: of storage; shelves need none.
        origin: x, y, z of level 1, first side, column 1.
        pitch: metres from one column (x), side (y) and level (z) to the next.
    """

    id: Identifier
    kind: Literal["storage", "shelf"] = "storage"
    zone: Identifier | None = None
    accepts: Accepts | None = None
    slot: SlotTemplate
    levels: Annotated[int, Field(ge=1, le=100)]
    sides: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=8)]
    columns: Annotated[int, Field(ge=1, le=1000)]
    places: RackPlaces | None = None
    origin: tuple[Metres, Metres, Metres]
    pitch: tuple[Metres, Metres, Metres]

    @model_validator(mode="after")
    def _storage_is_numbered(self) -> Self:
        if self.kind == "storage" and self.places is None:
            raise ValueError(
                "Add `places: {start, level, side, column}`: devices know slots by their numbers"
            )
        return self

    @model_validator(mode="after")
    def _corners_are_locations(self) -> Self:
        """Ids and place numbers grow evenly: if the corners are in range, every slot is."""
        corners = product({0, self.levels - 1}, range(len(self.sides)), {0, self.columns - 1})
        for corner in corners:
            try:
                self._slot(*corner)
            except ValidationError as error:
                level, side, column = corner
                slot = f"level {level + 1}, side {self.sides[side]}, column {column + 1}"
                reason = error.errors()[0]
                raise ValueError(f"{slot}: {reason['loc'][0]} {reason['input']}: {reason['msg']}") from None
        return self

    @cached_property
    def slots(self) -> tuple[Location, ...]:
        """Every slot, level by level, side by side, column by column."""
        return tuple(
            self._slot(level, side, column)
            for level in range(self.levels)
            for side in range(len(self.sides))
            for column in range(self.columns)
        )

    def _slot(self, level: int, side: int, column: int) -> Location:
        places = self.places
        x, y, z = self.origin
        dx, dy, dz = self.pitch
        return Location(
            id=self.slot.format(level=level + 1, side=self.sides[side], column=column + 1),
            kind=self.kind,
            zone=self.zone,
            accepts=self.accepts,
            place=None if places is None else places.number(level, side, column),
            x=x + dx * column,
            y=y + dy * side,
            z=z + dz * level,
        )


class Motion(WiringModel):
    """Kinematics of a device: plans use it for expected times, simulated devices move by it.

    Attributes:
        speed: m/s.
        acceleration: m/s², also the deceleration.
        handling: s to take or put down a load.
    """

    speed: PositiveFloat
    acceleration: PositiveFloat
    handling: Annotated[float, Field(ge=0)] = 0.0


class Carrier(WiringModel):
    """A shuttle or a lift: takes a load at one place and puts it down at another.

    Attributes:
        picks, drops: location ids or patterns (`A1-2-*`) of what it can reach for either.
    """

    kind: Literal["shuttle", "lift"]
    id: Identifier
    link: Identifier
    profile: Identifier
    channel: MailboxChannel
    picks: tuple[str, ...]
    drops: tuple[str, ...]
    motion: Motion


class ConveyorChannel(MailboxChannel):
    """One pair of segments of a conveyor."""

    source: Identifier
    target: Identifier


class Conveyor(WiringModel):
    """A line of segments, each a location with an occupancy sensor; each pair of neighbours is a channel."""

    kind: Literal["conveyor"]
    id: Identifier
    link: Identifier
    profile: Identifier
    channels: tuple[ConveyorChannel, ...]
    motion: Motion


class PutWall(WiringModel):
    """A rack of lit slots.

    Attributes:
        base: register number, from 0: 40001 of engineering tools is 0.
        slot: template of a slot's id with {n}, e.g. `W1-{n:02}`, for `slots` slots from 1.
        columns: slots in a row, as whoever stands before it sees them; pages draw it so.
    """

    kind: Literal["putwall"]
    id: Identifier
    link: Identifier
    profile: Identifier
    base: Register
    slot: NumberTemplate
    slots: Annotated[int, Field(ge=1, le=12)]
    columns: Annotated[int, Field(ge=1, le=12)] | None = None

    @model_validator(mode="after")
    def _slots_have_ids(self) -> Self:
        _check_length(self.slot, self.slots)
        return self

    def slot_ids(self) -> tuple[str, ...]:
        """Return the slots' ids in wire order."""
        return tuple(self.slot.format(n=n + 1) for n in range(self.slots))


Device = Annotated[Carrier | Conveyor | PutWall, Field(discriminator="kind")]


class Node(WiringModel):
    """A point of the road map where vehicles may stand."""

    id: Identifier
    x: Metres
    y: Metres


class Edge(WiringModel):
    """A lane from one node to another; two lanes make a two-way road, which vehicles share one at a time."""

    id: Identifier
    start: Identifier
    end: Identifier
    max_speed: PositiveFloat | None = None


class RoadMap(WiringModel):
    """Where vehicles drive.

    Attributes:
        parking: nodes off the lanes where idle vehicles wait.
        chargers: nodes where vehicles charge.
    """

    id: Identifier
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    parking: tuple[Identifier, ...] = ()
    chargers: tuple[Identifier, ...] = ()


class Vehicle(WiringModel):
    """One vehicle of a fleet. `start` is where its simulation begins."""

    id: Identifier
    manufacturer: str
    serial: str
    start: Identifier


class Charging(WiringModel):
    """When vehicles charge, as states of charge from 0 to 1.

    Attributes:
        below: a vehicle with less gets no new work and goes to charge; somebody is called if it does not come to that.
        until: it works again from here on.
        critical: where the road map has no charger, and people charge the vehicles, one with less gets no new work.
    """

    below: Annotated[float, Field(gt=0, lt=1)] = 0.3
    until: Annotated[float, Field(gt=0, le=1)] = 0.9
    critical: Annotated[float, Field(ge=0, lt=1)] = 0.1


class Fleet(WiringModel):
    """Vehicles that share a road map and a traffic control."""

    id: Identifier
    link: Identifier
    interface: str = "uagv"
    road_map: Identifier
    picks: tuple[str, ...]
    drops: tuple[str, ...]
    motion: Motion
    charging: Charging = Charging()
    vehicles: tuple[Vehicle, ...]


def _printable(name: str) -> str:
    if not name.isprintable() or not name.strip():
        raise ValueError("Write a name of one line, as it is to be read at the station")
    return name


StationName = Annotated[str, AfterValidator(_printable)]


class Station(WiringModel):
    """A goods-to-person workplace: slots for containers and, if it has one, its put wall."""

    id: Identifier
    name: StationName
    slots: tuple[Identifier, ...]
    putwall: Identifier | None = None


class Stock(WiringModel):
    """One container that is in the site from the beginning."""

    container: Identifier
    location: Identifier


class Fill(WiringModel):
    """Containers spread evenly over a rack: `count` of them, named by `container` with {n} from 1."""

    rack: Identifier
    count: Annotated[int, Field(ge=1, le=100_000)]
    container: NumberTemplate

    @model_validator(mode="after")
    def _containers_have_ids(self) -> Self:
        _check_length(self.container, self.count)
        return self

    def stock(self, rack: Rack) -> Iterator[Stock]:
        """Return the containers with their slots; more containers than slots share slots."""
        slots = rack.slots
        for n in range(self.count):
            slot = slots[n * len(slots) // self.count]
            yield Stock(container=self.container.format(n=n + 1), location=slot.id)


def type_of(types: Iterable[ContainerType], container_id: str) -> str | None:
    """Return the first of these types that names a container."""
    named = (
        each.id for each in types if any(fnmatchcase(container_id, pattern) for pattern in each.containers)
    )
    return next(named, None)


class Site(WiringModel):
    """A whole site."""

    id: Identifier
    links: tuple[Link, ...] = ()
    container_types: tuple[ContainerType, ...] = ()
    locations: tuple[Location, ...] = ()
    racks: tuple[Rack, ...] = ()
    devices: tuple[Device, ...] = ()
    road_maps: tuple[RoadMap, ...] = ()
    fleets: tuple[Fleet, ...] = ()
    stations: tuple[Station, ...] = ()
    stock: tuple[Stock, ...] = ()
    fill: tuple[Fill, ...] = ()
    profiles: tuple[Profile, ...] = ()
    people: PeopleRules = PeopleRules()
    """How people are let in."""
    wes: Wes | None = None
    """The bundled WES core; left out where the site has a WES of its own."""
    root: Path = Field(default=Path(), exclude=True)
    """The folder it was read from; relative paths in it were counted from this one."""

    @cached_property
    def all_locations(self) -> dict[str, Location]:
        """Every location by id, the racks' slots included, in the order of the file."""
        listed = {location.id: location for location in self.locations}
        return listed | {slot.id: slot for rack in self.racks for slot in rack.slots}

    @cached_property
    def by_id(self) -> dict[str, Device | Fleet]:
        """Devices and fleets by id."""
        return {device.id: device for device in self.devices} | {fleet.id: fleet for fleet in self.fleets}

    @cached_property
    def zones(self) -> frozenset[str]:
        """Every zone that a location is in."""
        return frozenset(each.zone for each in self.all_locations.values() if each.zone is not None)

    def type_of(self, container_id: str) -> str | None:
        """Return the type of a container; None: the site names none for it."""
        return type_of(self.container_types, container_id)

    def link(self, link_id: str) -> Link:
        """Return a link of a checked site."""
        return next(link for link in self.links if link.id == link_id)

    def profile(self, profile_id: str) -> Profile:
        """Return a profile of a checked site."""
        return next(profile for profile in self.profiles if profile.id == profile_id)

    def road_map(self, road_map_id: str) -> RoadMap:
        """Return a road map of a checked site."""
        return next(road_map for road_map in self.road_maps if road_map.id == road_map_id)

    def matching(self, patterns: tuple[str, ...]) -> tuple[Location, ...]:
        """Return the locations that any of the patterns (`*`, `?`) names, in the order of the file."""
        return tuple(self._listed[n] for n in sorted({n for each in patterns for n in self._named(each)}))

    @cached_property
    def _listed(self) -> tuple[Location, ...]:
        return tuple(self.all_locations.values())

    @cached_property
    def _numbers(self) -> dict[str, tuple[int, ...]]:
        """What each name or pattern stands for, as numbers in `_listed`; patterns as they are asked for."""
        return {location_id: (n,) for n, location_id in enumerate(self.all_locations)}

    def _named(self, pattern: str) -> tuple[int, ...]:
        if pattern not in self._numbers:
            fits = re.compile(translate(pattern)).match
            beginning = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
            begun = takewhile(lambda each: each[0].startswith(beginning), self._sorted_from(beginning))
            self._numbers[pattern] = tuple(sorted(n for name, n in begun if fits(name)))
        return self._numbers[pattern]

    @cached_property
    def _sorted(self) -> tuple[tuple[str, int], ...]:
        """The locations' ids in the order of the alphabet, with their numbers in `_listed`."""
        return tuple(sorted((place.id, n) for n, place in enumerate(self._listed)))

    def _sorted_from(self, beginning: str) -> Iterator[tuple[str, int]]:
        return islice(self._sorted, bisect_left(self._sorted, (beginning, 0)), None)

    @cached_property
    def filled(self) -> tuple[tuple[Stock, ...], ...]:
        """The containers of each fill with their slots; none where a rack is missing."""
        racks = {rack.id: rack for rack in self.racks}
        return tuple(tuple(fill.stock(racks[fill.rack])) if fill.rack in racks else () for fill in self.fill)

    def initial_stock(self) -> tuple[Stock, ...]:
        """Return every container that is in the site from the beginning; fills are spread over their rack."""
        return self.stock + tuple(chain.from_iterable(self.filled))
