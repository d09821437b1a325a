"""The fleet room: all fleets of a site, as the kernel and the engine see them."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

from gateway.contract.vehicles import VehicleOffline, VehicleState
from gateway.fleet.charging import Chargers
from gateway.fleet.driving import Driving
from gateway.fleet.fleet import Engine, Fleet
from gateway.fleet.messages import FleetTick
from gateway.fleet.roads import Roads
from gateway.fleet.rows import MISSIONS, Mission
from gateway.fleet.traffic import Traffic
from gateway.fleet.watch import Watch
from gateway.kernel.books import Books
from gateway.site.model import Site

PATIENCE_S: Final = 5.0
"""A new gateway waits this long for vehicles of which it knows nothing yet: one of them may stand in another's way."""


Seen = tuple[int, tuple[bool, ...]]
"""What vehicles are driven by, besides the time: how often anything has changed, and which of them may be used."""


class FleetRoom:
    """A room of the kernel; settles after the engine, so that orders follow commands in the same commit.

    Attributes:
        fleets: the control of each fleet, by its id.
    """

    def __init__(self, books: Books, site: Site, engine: Engine) -> None:
        self._books = books
        self._missions = books.table(MISSIONS)
        self._missions.watch(self._note)
        self._engine = engine
        self._changes = 0
        self._settled: Seen | None = None
        self._impatient_us: int | None = None
        self.fleets: dict[str, Fleet] = {}
        self._watches: dict[str, Watch] = {}
        self._drivings: dict[str, Driving] = {}
        for road_map in site.road_maps:
            members = [fleet for fleet in site.fleets if fleet.road_map == road_map.id]
            vehicle_ids = [vehicle.id for fleet in members for vehicle in fleet.vehicles]
            for model in members:
                roads = Roads(road_map, model.motion.speed)
                traffic = Traffic(self._missions, roads, vehicle_ids)
                chargers = Chargers(roads, traffic)
                fleet = Fleet(books, self._missions, site, model, roads, engine)
                watch = Watch(books, self._missions, fleet, roads, chargers, engine)
                driving = Driving(books, self._missions, site.id, fleet, roads, traffic, chargers, engine)
                self.fleets[model.id] = fleet
                self._watches |= dict.fromkeys((vehicle.id for vehicle in model.vehicles), watch)
                self._drivings |= dict.fromkeys((vehicle.id for vehicle in model.vehicles), driving)

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], object]]:
        """Message type → handler: the vehicles' reports come as they are."""
        return {VehicleState: self._state, VehicleOffline: self._offline, FleetTick: self._tick}

    def settle(self) -> None:
        """Give every vehicle what it needs next, the longest waiting command first; nothing if nothing has changed."""
        seen = (self._changes, tuple(map(self._engine.usable, self._watches)))
        if seen == self._settled or not self._knows_enough():
            return
        self._settled = seen
        for row in sorted(self._missions.values(), key=_age):
            if row.vehicle_id in self._drivings:
                self._drivings[row.vehicle_id].drive(self._missions[row.vehicle_id])

    def _note(self, _old: Mission | None, _new: Mission | None) -> None:
        self._changes += 1

    def _knows_enough(self) -> bool:
        if self._impatient_us is None:
            self._impatient_us = self._books.steady_us + round(PATIENCE_S * 1e6)
        return self._books.steady_us >= self._impatient_us or all(
            name in self._missions for name in self._watches
        )

    def _state(self, report: VehicleState) -> None:
        self._watches[report.vehicle_id].state(report)

    def _offline(self, report: VehicleOffline) -> None:
        self._watches[report.vehicle_id].offline(report)

    def _tick(self, _: FleetTick) -> None:
        for vehicle_id, watch in self._watches.items():
            if vehicle_id in self._missions:
                watch.tick(vehicle_id)
        self._settled = None  # a pause may be over, though nothing has changed
        self.settle()


def _age(row: Mission) -> tuple[float, str]:
    return (inf if row.command is None else row.command.job_id, row.vehicle_id)
