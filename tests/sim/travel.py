"""How long the loads of a site may be under way: what "plus travel time" means, computed from the site's own figures.

Every device is taken at its slowest: it rides empty to the far end and laden back, and a vehicle stops at every node. Loads that go
the same way follow one another at the pace of the slowest devices that all of them need.
"""

from dataclasses import dataclass
from math import dist, inf

from gateway.site.model import Carrier, Conveyor, Fleet, Motion, RoadMap, Site
from sim_devices.kinematics import Ride, Stand, Travel, conveyance


@dataclass(frozen=True)
class Pace:
    """How fast a site brings loads anywhere.

    Attributes:
        first_s: within this time the first of them is there.
        next_s: so much later at most comes each further one.
    """

    first_s: float
    next_s: float

    def travel_s(self, loads: int, speed: float) -> float:
        """Return seconds within which so many loads can be brought anywhere, at `speed` times the site's motion."""
        return (self.first_s + max(loads - 1, 0) * self.next_s) / speed


def pace_of(site: Site) -> Pace:
    """Compute the pace of a site."""
    carriages = sorted(_carriage_s(site, device) for device in site.devices if isinstance(device, Carrier))
    conveyances = [_conveyance_s(site, device) for device in site.devices if isinstance(device, Conveyor)]
    drives = [_drive_s(site, fleet) for fleet in site.fleets]
    paces = [drive / _abreast(site, fleet) for drive, fleet in zip(drives, site.fleets, strict=True)]
    three = sum(carriages[-3:])  # a shuttle, the lift and another shuttle at most
    return Pace(three + max(conveyances) + max(drives), max(*carriages, *conveyances, *paces))


def _carriage_s(site: Site, carrier: Carrier) -> float:
    served = [*site.matching(carrier.picks), *site.matching(carrier.drops)]
    stands = [Stand.of(location) for location in served]
    low = Stand(min(each.x for each in stands), min(each.z for each in stands))
    high = Stand(max(each.x for each in stands), max(each.z for each in stands))
    return 2 * (Ride(low, high, carrier.motion).duration + carrier.motion.handling)


def _conveyance_s(site: Site, conveyor: Conveyor) -> float:
    at = site.all_locations
    ways = [
        conveyance(at[channel.source], at[channel.target], conveyor.motion) for channel in conveyor.channels
    ]
    return sum(way.duration for way in ways)


def _abreast(site: Site, fleet: Fleet) -> int:
    """Return how many vehicles drive at once at least: where lanes lead both ways, one lets the other by."""
    lanes = {(edge.start, edge.end) for edge in site.road_map(fleet.road_map).edges}
    return 1 if any((end, start) in lanes for start, end in lanes) else len(fleet.vehicles)


def _drive_s(site: Site, fleet: Fleet) -> float:
    way_s = _longest_way_s(site.road_map(fleet.road_map), fleet.motion)
    return 2 * (way_s + fleet.motion.handling)


def _longest_way_s(roads: RoadMap, motion: Motion) -> float:
    """Return the longest of the quickest ways, with a stop at every node (Floyd and Warshall)."""
    at = {node.id: (node.x, node.y) for node in roads.nodes}
    way = {(here, there): 0.0 if here == there else inf for here in at for there in at}
    for edge in roads.edges:
        speed = min(motion.speed, edge.max_speed or motion.speed)
        lane = Travel(dist(at[edge.start], at[edge.end]), speed, motion.acceleration)
        way[edge.start, edge.end] = min(way[edge.start, edge.end], lane.duration)
    for over in at:
        for here in at:
            for there in at:
                way[here, there] = min(way[here, there], way[here, over] + way[over, there])
    return max(seconds for seconds in way.values() if seconds < inf)
