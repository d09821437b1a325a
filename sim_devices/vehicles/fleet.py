"""All vehicles of a site, with what they share: the road map's traffic, the world, the clock, the book of faults."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.clock import Clock
from gateway.site.model import Fleet, RoadMap, Site
from gateway.site.model import Vehicle as VehicleModel
from sim_devices.clock import SimClock
from sim_devices.faults.book import FaultBook, NotPossible
from sim_devices.sensors import Sensors
from sim_devices.vehicles import line, vehicle
from sim_devices.vehicles.battery import BATTERY, BatterySpec
from sim_devices.vehicles.cargo import Cargo
from sim_devices.vehicles.line import PACE, Broker, Pace, VehicleLine
from sim_devices.vehicles.orders import Terrain
from sim_devices.vehicles.spec import VehicleSpec
from sim_devices.vehicles.traffic import Collision, Traffic
from sim_devices.vehicles.vehicle import Vehicle
from sim_devices.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the site file does not say about its vehicles.

    Attributes:
        pace: how often they tell their states and positions.
        keeps_order: their orders survive a power cycle.
    """

    battery: BatterySpec = BATTERY
    pace: Pace = PACE
    keeps_order: bool = False


TRAITS = Traits()


class Vehicles:
    """The simulated vehicles of a site."""

    def __init__(
        self,
        site: Site,
        world: World,
        clock: SimClock,
        faults: FaultBook,
        wall: Clock,
        brokers: Mapping[str, Broker],
        traits: Traits = TRAITS,
    ) -> None:
        """Make all vehicles; they get power when they run.

        Args:
            site: a checked site.
            world: where loads are; every vehicle is a spot in it.
            clock: motion.
            faults: where the vehicles register.
            wall: timestamps.
            brokers: by the link's id, for the link of every fleet.
            traits: of all vehicles.
        """
        self._traffic = {road_map.id: Traffic() for road_map in site.road_maps}
        self._lines: dict[str, VehicleLine] = {}
        for fleet in site.fleets:
            road_map = site.road_map(fleet.road_map)
            terrain = _terrain(site, road_map)
            for model in fleet.vehicles:
                troubles = faults.register(model.id, vehicle.FAULTS | line.FAULTS)
                cargo = Cargo(Sensors(model.id, world, troubles))
                made = Vehicle(
                    _spec(fleet, model, traits),
                    terrain,
                    model.start,
                    cargo,
                    self._traffic[road_map.id],
                    troubles,
                )
                self._lines[model.id] = VehicleLine(
                    made, troubles, fleet.interface, clock, wall, brokers[fleet.link], traits.pace
                )

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """Every time two vehicles were at one place: what must never happen."""
        return tuple(each for traffic in self._traffic.values() for each in traffic.collisions)

    def localise(self, vehicle_id: str, node_id: str | None) -> None:
        """Somebody drives a vehicle by hand to a node, None: the nearest one, and tells it there where it stands.

        Raises:
            NotPossible: no such vehicle, or it cannot be brought there; the text says why.
        """
        if vehicle_id not in self._lines:
            raise NotPossible(
                f"there is no vehicle {vehicle_id}; there are {', '.join(self._lines) or 'none'}"
            )
        self._lines[vehicle_id].localise(node_id)

    async def run(self) -> None:
        """Let all of them live until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in self._lines.values():
                tasks.create_task(each.run())


def _terrain(site: Site, road_map: RoadMap) -> Terrain:
    stations = {location.id: location.node for location in site.all_locations.values() if location.node}
    return Terrain(
        map_id=road_map.id,
        nodes={node.id: (node.x, node.y) for node in road_map.nodes},
        stations=stations,
        chargers=frozenset(road_map.chargers),
    )


def _spec(fleet: Fleet, model: VehicleModel, traits: Traits) -> VehicleSpec:
    return VehicleSpec(
        vehicle_id=model.id,
        manufacturer=model.manufacturer,
        serial=model.serial,
        motion=fleet.motion,
        battery=traits.battery,
        keeps_order=traits.keeps_order,
    )
