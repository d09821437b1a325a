"""Other ways: around a disabled device or a blocked place, and to a defined place for the load of a cancelled transport."""

from collections.abc import Iterator
from itertools import islice
from math import dist
from typing import Final

from gateway.contract.transports import TransportStatus
from gateway.transport.dispatch import Dispatcher
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.plant import Plant
from gateway.transport.rows import Leg, Transport
from gateway.transport.tables import TransportTables
from gateway.transport.traffic import Traffic

PLACES_TRIED: Final = 20
"""Storage places that are looked at for the load of a cancelled transport, nearest first."""


class Rerouting:
    """Gives transports other legs."""

    def __init__(
        self,
        tables: TransportTables,
        plant: Plant,
        traffic: Traffic,
        dispatcher: Dispatcher,
        lifecycle: Lifecycle,
    ) -> None:
        self._tables = tables
        self._plant = plant
        self._traffic = traffic
        self._dispatcher = dispatcher
        self._lifecycle = lifecycle

    def avoid(self, carrier_id: str) -> None:
        """Lead every transport around a carrier that has been disabled, where there is another way."""
        for transport in list(self._tables.transports.values()):
            if any(leg.carrier_id == carrier_id for leg in transport.legs[transport.leg :]):
                self._detour(transport)

    def lead_around(self, location_id: str) -> None:
        """Lead every transport that would pass a location around it, where there is another way; the others wait for it."""
        for transport in list(self._tables.transports.values()):
            passes = any(leg.target == location_id for leg in transport.legs[transport.leg :])
            if passes and transport.goal != location_id:
                self._detour(transport)

    def find_opened_ways(self) -> None:
        """Something has been opened: lead every transport over it that waits for something else on its way."""
        for transport in list(self._tables.transports.values()):
            if not self._dispatcher.is_open(transport.legs[transport.leg :], transport.goal):
                self._detour(transport)

    def find_missing_ways(self) -> None:
        """Lead transports around what is closed that could not be led when it was: a command, or no way, kept them."""
        for transport_id in list(self._tables.executing):
            transport = self._tables.transports[transport_id]
            ahead = transport.legs[transport.leg :]
            if not ahead or not self._dispatcher.is_open(ahead, transport.goal):
                self._detour(transport)

    def _detour(self, transport: Transport) -> None:
        if _is_bound(transport):
            return
        way = self._dispatcher.find_route(transport.container_id, transport.goal)
        if way is not None and _places(way) == _places(transport.legs[transport.leg :]):
            return
        if transport.status is TransportStatus.PLANNED:
            self._lifecycle.unplan(transport)  # the dispatcher plans it anew, now or once there is a way
        elif (
            transport.status is TransportStatus.EXECUTING
            and way
            and self._traffic.may_turn(transport, way).ok
        ):
            self.take_route(transport, way)

    def take_route(self, transport: Transport, route: tuple[Leg, ...]) -> Transport:
        """Replace the legs ahead."""
        return self._lifecycle.change(
            transport, legs=(*transport.legs[: transport.leg], *route), job_id=None, reserved=None
        )

    def go_on(self, transport: Transport) -> Transport:
        """Find the way from where the container is to the goal; without one, the transport waits for it."""
        return self.take_route(
            transport, self._dispatcher.find_route(transport.container_id, transport.goal) or ()
        )

    def bring_home(self, transport: Transport) -> Transport:
        """Turn a cancelled transport towards a storage place; if none can be reached safely, it goes on to its destination.

        A load in storage or at a station is already in a defined place: the transport ends there.
        """
        here = self._tables.containers[transport.container_id].location_id
        if here is not None and self._plant.locations[here].kind in ("storage", "station"):
            return self._lifecycle.give_up(transport)
        for goal in islice(self._homes(transport, here), PLACES_TRIED):
            route = self._dispatcher.find_route(transport.container_id, goal)
            if route and self._traffic.may_turn(transport, route).ok:
                return self.take_route(self._lifecycle.change(transport, goal=goal), route)
        return transport

    def find_other_homes(self) -> None:
        """Turn cancelled transports elsewhere whose home has been taken by another load in the meantime."""
        for transport_id in list(self._tables.executing):
            transport = self._tables.transports[transport_id]
            turned = transport.cancel_requested and transport.goal != transport.destination
            if turned and transport.job_id is None and not self._traffic.may_enter(transport.goal).ok:
                self.bring_home(self._lifecycle.change(transport, reserved=None))

    def _homes(self, transport: Transport, here: str | None) -> Iterator[str]:
        """Return free storage places that accept the load: the transport's own source first, then the nearest."""
        kind = self._plant.site.type_of(transport.container_id)
        origin = self._plant.locations[here or transport.source]
        free = [
            location
            for location in self._plant.locations.values()
            if location.kind == "storage"
            and location.takes(kind)
            and not self._traffic.is_promised(location.id)
            and self._traffic.may_enter(location.id).ok
        ]
        free.sort(
            key=lambda place: (
                place.id != transport.source,
                dist((place.x, place.y, place.z), (origin.x, origin.y, origin.z)),
                place.id,
            )
        )
        return iter([place.id for place in free])


def _is_bound(transport: Transport) -> bool:
    """Tell whether a load has nowhere else to go for now: it is on its way to a place, or waits on board to be put there."""
    return transport.job_id is not None or transport.reserved is not None


def _places(legs: tuple[Leg, ...]) -> list[tuple[str, str]]:
    return [(leg.carrier_id, leg.target) for leg in legs]
