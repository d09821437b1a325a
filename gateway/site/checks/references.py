"""Whoever is named exists."""

from collections.abc import Iterator

from gateway.site.checks.walks import Guesses, patterns, suggestion
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Conveyor, PutWall, RoadMap, Site


def unknown_links(site: Site) -> Iterator[Flaw]:
    """A device or fleet without a link."""
    known = [link.id for link in site.links]
    for section, elements in (("devices", site.devices), ("fleets", site.fleets)):
        for index, element in enumerate(elements):
            if element.link not in known:
                mend = suggestion(element.link, known, "add it to `links`")
                yield Flaw(
                    (section, index, "link"), f"there is no link `{element.link}`", mend, nobody=element.link
                )


def unknown_profiles(site: Site) -> Iterator[Flaw]:
    """A device whose tag map is missing."""
    known = [profile.id for profile in site.profiles]
    for index, device in enumerate(site.devices):
        if device.profile not in known:
            mend = suggestion(device.profile, known, f"add profiles/{device.profile}.yaml")
            message = f"there is no profile `{device.profile}`"
            yield Flaw(("devices", index, "profile"), message, mend, nobody=device.profile)


def unknown_container_types(site: Site) -> Iterator[Flaw]:
    """A place that accepts containers of a type that nobody defines."""
    known = [each.id for each in site.container_types]
    for section, places in (("locations", site.locations), ("racks", site.racks)):
        for index, place in enumerate(places):
            for n, name in enumerate(place.accepts or ()):
                if name not in known:
                    mend = suggestion(name, known, "add it to `container_types`")
                    message = f"there is no container type `{name}`"
                    yield Flaw((section, index, "accepts", n), message, mend, nobody=name)


def unknown_road_maps(site: Site) -> Iterator[Flaw]:
    """A fleet without a road map."""
    known = [road_map.id for road_map in site.road_maps]
    for index, fleet in enumerate(site.fleets):
        if fleet.road_map not in known:
            mend = suggestion(fleet.road_map, known, "add it to `road_maps`")
            message = f"there is no road map `{fleet.road_map}`"
            yield Flaw(("fleets", index, "road_map"), message, mend, nobody=fleet.road_map)


def unknown_locations(site: Site) -> Iterator[Flaw]:
    """A location that nobody defines, and a pattern that matches nothing."""
    known = site.all_locations
    guesses = Guesses(known)
    for keys, pattern in patterns(site):
        if not site.matching((pattern,)):
            if set(pattern) & set("*?["):
                message = f"the pattern `{pattern}` matches no location"
                yield Flaw(keys, message, "correct it, or add the locations", nobody=pattern)
            else:
                yield _unknown_location(keys, pattern, guesses)
    yield from (
        _unknown_location(keys, name, guesses) for keys, name in _named_locations(site) if name not in known
    )


def _named_locations(site: Site) -> Iterator[tuple[Keys, str]]:
    for index, device in enumerate(site.devices):
        if isinstance(device, Conveyor):
            for n, channel in enumerate(device.channels):
                yield ("devices", index, "channels", n, "source"), channel.source
                yield ("devices", index, "channels", n, "target"), channel.target
    for index, station in enumerate(site.stations):
        yield from ((("stations", index, "slots", n), slot) for n, slot in enumerate(station.slots))


def _unknown_location(keys: Keys, name: str, guesses: Guesses) -> Flaw:
    mend = guesses.mend(name, "add it to `locations`")
    return Flaw(keys, f"there is no location `{name}`", mend, nobody=name)


def unknown_putwalls(site: Site) -> Iterator[Flaw]:
    """A station whose put wall is none."""
    walls = [device.id for device in site.devices if isinstance(device, PutWall)]
    for index, station in enumerate(site.stations):
        if station.putwall is not None and station.putwall not in walls:
            mend = suggestion(station.putwall, walls, "add a device of kind `putwall`")
            message = f"there is no put wall `{station.putwall}`"
            yield Flaw(("stations", index, "putwall"), message, mend, nobody=station.putwall)


def unknown_nodes(site: Site) -> Iterator[Flaw]:
    """A node that no road map has."""
    everywhere = _all_nodes(site)
    guesses = Guesses(everywhere)
    for index, location in enumerate(site.locations):
        if location.node is not None and location.node not in everywhere:
            yield _unknown_node(("locations", index, "node"), location.node, guesses)
    for index, road_map in enumerate(site.road_maps):
        own = {node.id for node in road_map.nodes}
        guesses = Guesses(own)
        for keys, node in _named_nodes(road_map):
            if node not in own:
                yield _unknown_node(("road_maps", index, *keys), node, guesses)
    for index, fleet in enumerate(site.fleets):
        own = {
            node.id for road_map in site.road_maps if road_map.id == fleet.road_map for node in road_map.nodes
        }
        guesses = Guesses(own)
        for n, vehicle in enumerate(fleet.vehicles):
            if own and vehicle.start not in own:
                yield _unknown_node(("fleets", index, "vehicles", n, "start"), vehicle.start, guesses)


def _named_nodes(road_map: RoadMap) -> Iterator[tuple[Keys, str]]:
    for n, edge in enumerate(road_map.edges):
        yield ("edges", n, "start"), edge.start
        yield ("edges", n, "end"), edge.end
    yield from ((("parking", n), node) for n, node in enumerate(road_map.parking))
    yield from ((("chargers", n), node) for n, node in enumerate(road_map.chargers))


def _unknown_node(keys: Keys, name: str, guesses: Guesses) -> Flaw:
    mend = guesses.mend(name, "add it to the `nodes` of the road map")
    return Flaw(keys, f"there is no node `{name}`", mend)


def locations_without_node(site: Site) -> Iterator[Flaw]:
    """A location that vehicles serve, without a node or with one of another road map."""
    listed = {location.id: index for index, location in enumerate(site.locations)}
    everywhere = _all_nodes(site)
    for index, fleet in enumerate(site.fleets):
        own = {
            node.id for road_map in site.road_maps if road_map.id == fleet.road_map for node in road_map.nodes
        }
        served = site.matching((*fleet.picks, *fleet.drops))
        if slot := next((location for location in served if location.id not in listed), None):
            message = f"vehicles of `{fleet.id}` serve `{slot.id}`, and slots of racks have no node"
            yield Flaw(("fleets", index), message, "name listed locations alone in `picks` and `drops`")
        for location in served:
            if location.id not in listed:
                continue
            if location.node is None:
                message = f"vehicles of `{fleet.id}` serve `{location.id}`, which has no node"
                mend = f"add `node: …`, a node of road map `{fleet.road_map}`"
                yield Flaw(("locations", listed[location.id]), message, mend)
            elif own and location.node not in own and location.node in everywhere:
                message = f"`{fleet.id}` serves `{location.id}`, whose node is not on its road map"
                yield Flaw(
                    ("locations", listed[location.id], "node"), message, "name a node of that road map"
                )


def _all_nodes(site: Site) -> set[str]:
    return {node.id for road_map in site.road_maps for node in road_map.nodes}
