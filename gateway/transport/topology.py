"""Which device can bring a load from where to where, and the cheapest way through them by expected time.

Locations are the nodes of a graph, what a carrier can do between two of them is an edge. A way may pass through buffers, transfer
points and conveyors; storage slots and stations only begin or end one.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from math import dist, sqrt
from typing import Final, assert_never

from gateway.contract.commands import MAIN_CHANNEL, Op
from gateway.site.model import Carrier, Conveyor, Fleet, Location, Motion, PutWall, Site
from gateway.transport.rows import Leg

Passable = Callable[[Leg], bool]
"""Whether a way may lead over a leg."""

THROUGH: Final = frozenset({"buffer", "transfer", "conveyor", "node"})
ROUTES_MAX: Final = 10_000
HANDSHAKE_S: Final = 0.2
"""Expected cost of one command besides the motion."""


def travel_s(motion: Motion, metres: float) -> float:
    """Return the seconds of a trapezoid move from standstill to standstill."""
    if metres >= motion.speed**2 / motion.acceleration:
        return metres / motion.speed + motion.speed / motion.acceleration
    return 2 * sqrt(metres / motion.acceleration)


@dataclass(frozen=True, slots=True)
class _Service:
    """What one carrier can do from one location: `targets` are all places that it reaches, `through` those that lead on."""

    carrier: Carrier | Conveyor | Fleet
    channel: str
    op: Op
    targets: frozenset[str]
    through: tuple[str, ...]

    def ends(self, goal: str) -> Iterator[str]:
        """Return the places to which a way to the goal may lead."""
        yield from self.through
        if goal in self.targets and goal not in self.through:
            yield goal


class Topology:
    """The graph of one site. The newest routes of the undisturbed site are remembered."""

    def __init__(self, site: Site, drive_s: Mapping[str, Callable[[str, str], float]]) -> None:
        """Args: drive_s: for each fleet, the expected seconds of a drive from one location to another."""
        self._locations = site.all_locations
        self._drive_s = drive_s
        self._services: dict[str, list[_Service]] = {}
        self._drops: dict[str, _Service] = {}
        self._undisturbed = lru_cache(ROUTES_MAX)(self._search_undisturbed)
        for carrier in (*site.devices, *site.fleets):
            self._add(site, carrier)

    def _add(self, site: Site, carrier: Carrier | Conveyor | PutWall | Fleet) -> None:
        match carrier:
            case Carrier() | Fleet():
                drops = tuple(location.id for location in site.matching(carrier.drops))
                service = self._service(carrier, MAIN_CHANNEL, Op.PICK, drops)
                for location in site.matching(carrier.picks):
                    self._services.setdefault(location.id, []).append(service)
                for device_id in _device_ids(carrier):
                    self._drops[device_id] = service
            case Conveyor():
                for channel in carrier.channels:
                    service = self._service(carrier, channel.id, Op.TRANSFER, (channel.target,))
                    self._services.setdefault(channel.source, []).append(service)
            case PutWall():
                pass
            case _:
                assert_never(carrier)

    def _service(
        self, carrier: Carrier | Conveyor | Fleet, channel: str, op: Op, targets: tuple[str, ...]
    ) -> _Service:
        through = tuple(target for target in targets if self._locations[target].kind in THROUGH)
        return _Service(carrier, channel, op, frozenset(targets), through)

    def route(
        self, start: str, goal: str, passable: Passable | None = None, container_type: str | None = None
    ) -> tuple[Leg, ...] | None:
        """Return the cheapest way from one location to another, or None.

        Args:
            start: where it begins.
            goal: where it ends.
            passable: legs that it may have; left out: all.
            container_type: of the load, which gets only to places that accept it.
        """
        if passable is not None:
            return self._search(start, None, goal, passable, container_type)
        return self._undisturbed(start, goal, container_type)

    def route_from_device(
        self, device_id: str, goal: str, passable: Passable, container_type: str | None = None
    ) -> tuple[Leg, ...] | None:
        """Return the cheapest way for a load that is on board of a device: its first leg is a DROP there."""
        return self._search(None, device_id, goal, passable, container_type)

    def _search_undisturbed(
        self, start: str, goal: str, container_type: str | None
    ) -> tuple[Leg, ...] | None:
        return self._search(start, None, goal, lambda _: True, container_type)

    def _search(
        self,
        start: str | None,
        device_id: str | None,
        goal: str,
        passable: Passable,
        container_type: str | None,
    ) -> tuple[Leg, ...] | None:
        order = count()
        heap: list[tuple[float, int, str | None, tuple[Leg, ...]]] = [(0.0, next(order), start, ())]
        done: set[str | None] = set()
        while heap:
            cost, _, at, legs = heapq.heappop(heap)
            if at == goal:
                return legs
            if at in done:
                continue
            done.add(at)
            for leg in self._legs_from(at, device_id if at is None else None, goal):
                fits = self._locations[leg.target].takes(container_type)
                if fits and leg.target not in done and passable(leg):
                    heapq.heappush(heap, (cost + leg.expected_s, next(order), leg.target, (*legs, leg)))
        return None

    def _legs_from(self, at: str | None, device_id: str | None, goal: str) -> Iterator[Leg]:
        services = [self._drops[device_id]] if device_id is not None else self._services.get(at or "", [])
        for service in services:
            for target in service.ends(goal):
                if target != at:
                    yield Leg(
                        source=at,
                        target=target,
                        carrier_id=service.carrier.id,
                        channel=service.channel,
                        op=service.op,
                        expected_s=self._expected_s(service.carrier, at, target),
                        device_id=device_id,
                    )

    def _expected_s(self, carrier: Carrier | Conveyor | Fleet, source: str | None, target: str) -> float:
        if source is None:
            return HANDSHAKE_S + carrier.motion.handling
        match carrier:
            case Carrier():
                here, there = self._locations[source], self._locations[target]
                return 2 * (HANDSHAKE_S + carrier.motion.handling) + travel_s(
                    carrier.motion, _reach(carrier, here, there)
                )
            case Conveyor():
                here, there = self._locations[source], self._locations[target]
                metres = dist((here.x, here.y, here.z), (there.x, there.y, there.z))
                return HANDSHAKE_S + metres / carrier.motion.speed + carrier.motion.handling
            case Fleet():
                return 2 * (HANDSHAKE_S + carrier.motion.handling) + self._drive_s[carrier.id](source, target)
            case _:
                assert_never(carrier)


def _reach(carrier: Carrier, here: Location, there: Location) -> float:
    """Return the metres between two places along the carrier's axis: a shuttle runs in x, a lift in z."""
    return abs(there.x - here.x) if carrier.kind == "shuttle" else abs(there.z - here.z)


def _device_ids(carrier: Carrier | Fleet) -> tuple[str, ...]:
    return tuple(vehicle.id for vehicle in carrier.vehicles) if isinstance(carrier, Fleet) else (carrier.id,)
