"""Which load may move where: reservations, and the banker's rule over all loads that are under way.

A device is a place of its own as long as it carries a load that no place is reserved for, such as one that a person has let go
on before the device can: nobody else gets past before it is put down.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from gateway.contract.transports import TransportStatus
from gateway.kernel.banker import Mover, finishers
from gateway.kernel.verdict import YES, Verdict, no
from gateway.transport.plant import Plant
from gateway.transport.rows import Leg, Transport
from gateway.transport.tables import TransportTables


class Traffic:
    """Judges whether a leg may start, for the state of the books as they are."""

    def __init__(self, tables: TransportTables, plant: Plant) -> None:
        self._tables = tables
        self._plant = plant
        self._passages = [place.id for place in plant.locations.values() if place.kind != "storage"]

    def takes_loads(self, location_id: str) -> Verdict:
        """Tell whether a load for which the location is reserved may be put down there."""
        block = self._tables.blocks.get(location_id)
        return YES if block is None else no(block.text)

    def may_enter(self, location_id: str) -> Verdict:
        """Tell whether the location can be promised to one more load."""
        free = self.takes_loads(location_id)
        if not free.ok:
            return free
        if self._tables.room_at(location_id, self._plant.locations[location_id].capacity) > 0:
            return YES
        holders = [*self._tables.occupants.get(location_id, ())]
        return no(
            f"{location_id} is occupied by {', '.join(holders)}" if holders else f"{location_id} is reserved"
        )

    def may_leave(self, location_id: str) -> Verdict:
        """Tell whether a load may be fetched from the location: from one that a person has locked it may not."""
        block = self._tables.blocks.get(location_id)
        return YES if block is None or block.operator is None else no(block.text)

    def may_move(self, transport: Transport, legs: tuple[Leg, ...]) -> Verdict:
        """Tell whether the transport may go on by these legs, the first of which ends where it can, without locking anybody up."""
        laden = self._laden()
        target, path = legs[0].target, _path(legs[1:], laden)
        return self._judge(transport, Mover(target, path), (target, *path), laden)

    def may_turn(self, transport: Transport, legs: tuple[Leg, ...]) -> Verdict:
        """Tell whether the transport may have these legs ahead from where it is, without locking anybody up; none begins yet."""
        laden = self._laden()
        path = _path(legs, laden)
        return self._judge(transport, Mover(self._at(transport, laden), path), path, laden)

    def _judge(
        self, transport: Transport, mover: Mover, way: tuple[str, ...], laden: Mapping[str, str]
    ) -> Verdict:
        """Tell whether all who can get to their ends now can do so too once the transport is such a mover, and it as well.

        Args:
            transport: as it is.
            mover: as it would be.
            way: the places that it still needs, for people.
            laden: the loads on devices that no place is reserved for, by device.
        """
        movers = self._movers(laden)
        places = {place for each in movers.values() for place in each.path}.union(way)
        capacity = {place: self._capacity(place) for place in places}
        occupied = self._occupied(movers, capacity, laden)
        before = finishers(movers, occupied, capacity)
        at = self._at(transport, laden)
        if at is not None:
            occupied[at] -= 1
        if mover.at is not None:
            occupied[mover.at] += 1
        after = finishers(movers | {transport.transport_id: mover}, occupied, capacity)
        if transport.transport_id not in after:
            return no(f"the way to {way[-1]} is not free: {self._obstacle(transport, way)}")
        stuck = before - after
        if stuck:
            return no(f"it would lock up {', '.join(sorted(stuck))}")
        return YES

    def is_promised(self, location_id: str) -> bool:
        """Tell whether some transport already wants to end at the location, or a load stands there."""
        taken = len(self._tables.occupants.get(location_id, ())) + self._tables.goals[location_id]
        return taken >= self._capacity(location_id)

    def _capacity(self, location_id: str) -> int:
        location = self._plant.locations.get(location_id)
        return 1 if location is None else 0 if location_id in self._tables.blocks else location.capacity

    def _laden(self) -> dict[str, str]:
        """Return the loads on devices that no place is reserved for, by device."""
        return {
            device_id: container_id
            for device_id, container_id in self._tables.loads.items()
            if not self._has_place(container_id)
        }

    def _has_place(self, container_id: str) -> bool:
        transport_id = self._tables.containers[container_id].transport_id
        return transport_id is not None and self._tables.transports[transport_id].reserved is not None

    def _at(self, transport: Transport, laden: Mapping[str, str]) -> str | None:
        container = self._tables.containers[transport.container_id]
        return container.location_id or (container.device_id if container.device_id in laden else None)

    def _movers(self, laden: Mapping[str, str]) -> dict[str, Mover]:
        """Return all loads that are under way by themselves, and those that wait to leave a place which others need.

        A load that is being brought to a reserved place counts as being there: nothing can keep it from arriving.
        """
        movers: dict[str, Mover] = {}
        for transport_id in self._tables.executing:
            transport = self._tables.transports[transport_id]
            if transport.reserved is not None:
                movers[transport_id] = Mover(
                    transport.reserved, _path(transport.legs[transport.leg + 1 :], laden)
                )
            else:
                movers[transport_id] = Mover(
                    self._at(transport, laden), _path(transport.legs[transport.leg :], laden)
                )
        for location_id in self._passages:
            for container_id in self._tables.occupants.get(location_id, ()):
                transport_id = self._tables.containers[container_id].transport_id
                transport = None if transport_id is None else self._tables.transports[transport_id]
                if transport is not None and transport.status is TransportStatus.PLANNED:
                    movers[transport.transport_id] = Mover(location_id, _path(transport.legs, laden))
        return movers

    def _occupied(
        self, movers: Mapping[str, Mover], places: Iterable[str], laden: Mapping[str, str]
    ) -> Counter[str]:
        """Return how much of these places is taken, but for the loads that are leaving them."""
        occupied = Counter({place: self._taken(place) + (place in laden) for place in places})
        for transport_id in movers:
            transport = self._tables.transports[transport_id]
            at = self._tables.containers[transport.container_id].location_id
            if transport.reserved is not None and at is not None:
                occupied[at] -= 1
        return occupied

    def _taken(self, location_id: str) -> int:
        return len(self._tables.occupants.get(location_id, ())) + self._tables.reserved[location_id]

    def _obstacle(self, transport: Transport, path: tuple[str, ...]) -> str:
        own = transport.container_id
        for place in path:
            others = [name for name in self._tables.occupants.get(place, ()) if name != own]
            if place not in self._plant.locations:
                return f"{place} carries {self._tables.loads[place]}"
            if place in self._tables.blocks:
                return f"{place} is blocked"
            if len(others) + self._tables.reserved[place] >= self._plant.locations[place].capacity:
                return f"{place} is taken by {', '.join(others) or 'a load that is coming'}"
        return "loads that are under way need it first"


def _path(legs: tuple[Leg, ...], laden: Mapping[str, str]) -> tuple[str, ...]:
    """Return the places that the legs lead over."""
    if not laden:
        return tuple(leg.target for leg in legs)
    places = ((leg.carrier_id, leg.target) if leg.carrier_id in laden else (leg.target,) for leg in legs)
    return tuple(chain.from_iterable(places))
