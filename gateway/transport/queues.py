"""The queues: which loads wait for which channel, in the order in which they shall go.

Each load stands there with the way that it would take, so that one judgement serves all that would take the same.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from gateway.contract.transports import TransportStatus
from gateway.transport.plant import Plant
from gateway.transport.rows import Leg, Transport
from gateway.transport.tables import TransportTables

QueueKey = tuple[str, str]
"""(carrier, channel)."""
Way = tuple[str, ...]
"""The place that the load would free for others; then the next place; then by whom to which place from there on.

Empty where nobody needs the place and nobody counts on the load to leave it: it has not set out yet. One that has, and was sent
back, is the one that others would lock up, so it is never judged by their verdict.
"""


class Waiting(NamedTuple):
    """A load in a queue; earlier ones compare as less."""

    due_us: int
    number: int
    transport_id: str
    way: Way


class Queues:
    """The queues of all channels, kept true by every change of a transport."""

    def __init__(self, tables: TransportTables, plant: Plant) -> None:
        """Follow the tables from now on; to be made before they are loaded."""
        self._slots = {place.id for place in plant.locations.values() if place.kind == "storage"}
        self._queues: dict[QueueKey, list[Waiting]] = {}
        tables.transports.watch(self._follow)

    def of(self, carrier_id: str, channel: str) -> Sequence[Waiting]:
        """Return the loads whose next leg is that channel's."""
        return self._queues.get((carrier_id, channel), ())

    def channels(self) -> Iterator[QueueKey]:
        """Return the channels for which somebody waits."""
        return (key for key, queue in list(self._queues.items()) if queue)

    def _follow(self, old: Transport | None, new: Transport | None) -> None:
        if old is not None and (leg := _waits_for(old)) is not None:
            queue = self._queues[leg.carrier_id, leg.channel]
            del queue[bisect_left(queue, (old.due_us, old.number))]
        if new is not None and (leg := _waits_for(new)) is not None:
            waiting = Waiting(new.due_us, new.number, new.transport_id, self._way(new))
            insort(self._queues.setdefault((leg.carrier_id, leg.channel), []), waiting)

    def _way(self, transport: Transport) -> Way:
        legs = transport.legs[transport.leg :]
        uncounted = legs[0].source in self._slots and transport.status is TransportStatus.PLANNED
        freed = "" if uncounted else legs[0].source or ""
        onwards = ((leg.carrier_id, leg.target) for leg in legs[1:])
        return (freed, legs[0].target, *chain.from_iterable(onwards))


def _waits_for(transport: Transport) -> Leg | None:
    """Return the leg that a transport waits for: it is ahead, and nothing is under way."""
    leg = transport.current
    moving = transport.status in (TransportStatus.PLANNED, TransportStatus.EXECUTING)
    return leg if moving and leg is not None and transport.job_id is None and leg.source is not None else None
