"""One id, one thing."""

from collections.abc import Iterable, Iterator

from gateway.contract.commands import MAIN_CHANNEL
from gateway.site.checks.walks import channels, stocked
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Carrier, PutWall, Site


def duplicate_ids(site: Site) -> Iterator[Flaw]:
    """Two things of one kind with the same id; devices, fleets and vehicles are one kind."""
    return _duplicates(_named(site), "give one of the two another id")


def _named(site: Site) -> Iterator[tuple[str, str, Keys]]:
    for section in (
        *("links", "container_types", "locations", "racks", "devices", "fleets", "road_maps", "stations"),
        "profiles",
    ):
        names = {"fleets": "device", "road_maps": "road map", "container_types": "container type"}
        kind = names.get(section, section[:-1])
        for index, element in enumerate(getattr(site, section)):
            yield kind, element.id, (section, index, "id")
    for index, rack in enumerate(site.racks):
        for slot in rack.slots:
            yield "location", slot.id, ("racks", index, "slot")
    for index, fleet in enumerate(site.fleets):
        for n, vehicle in enumerate(fleet.vehicles):
            yield "device", vehicle.id, ("fleets", index, "vehicles", n, "id")
    for index, road_map in enumerate(site.road_maps):
        for n, node in enumerate(road_map.nodes):
            yield "node", node.id, ("road_maps", index, "nodes", n, "id")
        for n, edge in enumerate(road_map.edges):
            yield "edge", edge.id, ("road_maps", index, "edges", n, "id")
    for index, wall in enumerate(site.devices):
        if isinstance(wall, PutWall):
            for slot_id in wall.slot_ids():
                yield f"slot of {wall.id}", slot_id, ("devices", index, "slot")
    for keys, device, channel in channels(site):
        yield f"channel of {device.id}", channel.id, (*keys, "id")
    for keys, stock in stocked(site):
        yield "container", stock.container, (*keys, "container")


def misnamed_channels(site: Site) -> Iterator[Flaw]:
    """A shuttle or lift whose one channel does not have the name by which it is commanded."""
    for keys, device, channel in channels(site):
        if isinstance(device, Carrier) and channel.id != MAIN_CHANNEL:
            message = f"`{channel.id}` is no channel of a {device.kind}, which has only one"
            yield Flaw((*keys, "id"), message, f"write `id: {MAIN_CHANNEL}`")


def duplicate_vehicles(site: Site) -> Iterator[Flaw]:
    """Two vehicles that share their topics, or stand at one node in the beginning."""
    topics: list[tuple[str, str, Keys]] = []
    starts: list[tuple[str, str, Keys]] = []
    for index, fleet in enumerate(site.fleets):
        for n, vehicle in enumerate(fleet.vehicles):
            keys = ("fleets", index, "vehicles", n)
            topic = f"{fleet.interface}/{vehicle.manufacturer}/{vehicle.serial}"
            topics.append((f"vehicle on link {fleet.link} with the topic", topic, (*keys, "serial")))
            starts.append(
                (f"vehicle of road map {fleet.road_map} that starts at", vehicle.start, (*keys, "start"))
            )
    yield from _duplicates(topics, "give one of the two its own serial")
    yield from _duplicates(starts, "let one of the two start at another node")


def shared_station_parts(site: Site) -> Iterator[Flaw]:
    """A slot or a put wall that belongs to two stations."""
    parts: list[tuple[str, str, Keys]] = []
    for index, station in enumerate(site.stations):
        parts += [
            ("station slot", slot, ("stations", index, "slots", n)) for n, slot in enumerate(station.slots)
        ]
        if station.putwall is not None:
            parts.append(("put wall of a station", station.putwall, ("stations", index, "putwall")))
    yield from _duplicates(parts, "take it out of one of the two stations")


def _duplicates(named: Iterable[tuple[str, str, Keys]], mend: str) -> Iterator[Flaw]:
    """Return one flaw for each place that repeats anything of an earlier place."""
    first: dict[tuple[str, str], Keys] = {}
    told: set[Keys] = set()
    for kind, name, keys in named:
        earlier = first.setdefault((kind, name), keys)
        if earlier is not keys and keys not in told:
            told.add(keys)
            yield Flaw(keys, f"{kind} `{name}` exists twice", mend, other=earlier)
