"""Containers can come to every location and leave it again, and devices know it by number."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.site.checks.walks import movers
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Conveyor, Location, LocationKind, PutWall, Site
from gateway.site.wiring import PlcDevice, plc_locations

BOTH_WAYS: Final[frozenset[LocationKind]] = frozenset({"storage", "buffer", "conveyor"})
"""Kinds of locations in which a container must not get stuck; the others may be where containers enter or leave."""


def _known_by_number(site: Site) -> Iterator[tuple[PlcDevice, tuple[Location, ...]]]:
    for device in site.devices:
        if not isinstance(device, PutWall):
            yield device, plc_locations(site, device)


def missing_places(site: Site) -> Iterator[Flaw]:
    """A location that a PLC serves but has no number for."""
    unnumbered = {
        location.id: device.id
        for device, locations in _known_by_number(site)
        for location in locations
        if location.place is None
    }
    for index, location in enumerate(site.locations):
        if location.id in unnumbered:
            message = f"`{unnumbered[location.id]}` serves `{location.id}`, which has no place number"
            yield Flaw(("locations", index), message, "add `place: …`, the PLC's number for it")


def duplicate_places(site: Site) -> Iterator[Flaw]:
    """Two locations that one PLC device knows by the same number."""
    keys = dict(_location_keys(site))
    told: set[str] = set()
    for device, locations in _known_by_number(site):
        first: dict[int, Location] = {}
        for location in locations:
            if location.place is None:
                continue
            earlier = first.setdefault(location.place, location)
            if earlier is not location and location.id not in told:
                told.add(location.id)
                message = (
                    f"`{device.id}` knows `{earlier.id}` and `{location.id}` both as place {location.place}"
                )
                mend = "give one of the two another number"
                yield Flaw(keys[location.id], message, mend, other=keys[earlier.id])


def _location_keys(site: Site) -> Iterator[tuple[str, Keys]]:
    for index, location in enumerate(site.locations):
        yield location.id, ("locations", index, "place")
    for index, rack in enumerate(site.racks):
        yield from ((slot.id, ("racks", index, "places")) for slot in rack.slots)


def idle_channels(site: Site) -> Iterator[Flaw]:
    """A conveyor channel from a segment to itself, a conveyor without channels, a mover that cannot move, no vehicle to move."""
    for index, device in enumerate(site.devices):
        if isinstance(device, Conveyor):
            if not device.channels:
                yield Flaw(
                    ("devices", index, "channels"), "the conveyor has no channel", "add its pairs of segments"
                )
            for n, channel in enumerate(device.channels):
                if channel.source == channel.target:
                    message = f"the channel leads from `{channel.source}` to itself"
                    yield Flaw(("devices", index, "channels", n, "target"), message, "name the next segment")
    for index, fleet in enumerate(site.fleets):
        if not fleet.vehicles:
            message = f"nothing moves for `{fleet.id}`: it has no vehicle"
            yield Flaw(("fleets", index, "vehicles"), message, "add its vehicles")
    for keys, mover in movers(site):
        for way in ("picks", "drops"):
            if not getattr(mover, way):
                yield Flaw((*keys, way), f"`{mover.id}` {way} nowhere", f"name locations in `{way}`")


def stations_without_slots(site: Site) -> Iterator[Flaw]:
    """A station to which no container can come."""
    for index, station in enumerate(site.stations):
        if not station.slots:
            message = f"no container can come to `{station.id}`: it has no slot"
            yield Flaw(("stations", index, "slots"), message, "name the locations where its containers stand")


def stations_in_storage(site: Site) -> Iterator[Flaw]:
    """A station's slot that is storage: containers would be put away into it, before the person who works there."""
    for index, station in enumerate(site.stations):
        for n, slot in enumerate(station.slots):
            location = site.all_locations.get(slot)
            if location is not None and location.kind == "storage":
                message = f"`{slot}` is storage: containers would be put away into the station"
                mend = "name a location of kind `station`"
                yield Flaw(("stations", index, "slots", n), message, mend)


def unreachable_locations(site: Site) -> Iterator[Flaw]:
    """A location that nothing serves, and one in which containers would get stuck."""
    entered, left = _traffic(site)
    racks = {slot.id: ("racks", index) for index, rack in enumerate(site.racks) for slot in rack.slots}
    keys: dict[str, Keys] = racks | {
        location.id: ("locations", index) for index, location in enumerate(site.locations)
    }
    told: dict[tuple[Keys, str], list[str]] = {}
    for location in site.all_locations.values():
        reason = _unreachable(location, location.id in entered, location.id in left)
        if reason is not None:
            told.setdefault((keys[location.id], reason), []).append(location.id)
    for (place, reason), locations in told.items():
        mend = "name it in a device's `picks` and `drops`, or take it out"
        yield Flaw(place, f"{_some(locations)} {reason}", mend)


def _unreachable(location: Location, enters: bool, leaves: bool) -> str | None:
    match enters, leaves:
        case False, False if location.kind == "shelf":
            return None
        case False, False:
            return "cannot be reached: no device picks or drops there"
        case False, True if location.kind in BOTH_WAYS:
            return "cannot be entered: no device drops there"
        case True, False if location.kind in BOTH_WAYS:
            return "cannot be left: no device picks there"
        case _:
            return None


def _traffic(site: Site) -> tuple[set[str], set[str]]:
    """Return the locations that something drops at, from elsewhere, and those that something picks from."""
    entered: set[str] = set()
    left: set[str] = set()
    for _, mover in movers(site):
        picks = {location.id for location in site.matching(mover.picks)}
        drops = {location.id for location in site.matching(mover.drops)}
        entered |= _with_another_end(drops, picks)
        left |= _with_another_end(picks, drops)
    for device in site.devices:
        if isinstance(device, Conveyor):
            left |= {channel.source for channel in device.channels}
            entered |= {channel.target for channel in device.channels}
    return entered, left


def _with_another_end(places: set[str], ends: set[str]) -> set[str]:
    """Return the places from which a way leads to another place than itself."""
    return {place for place in places if len(ends) > (place in ends)}


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
