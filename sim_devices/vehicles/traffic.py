"""Who is where on the road map, and who has been where another one was: the collisions that traffic control must prevent.

A vehicle is on a node while it stands there or passes it, and on a road (an edge in whatever direction) from
one node to the next.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

COLLISIONS_KEPT: Final = 1000

Zone = str | frozenset[str]
"""A node's id, or the two ends of a road."""


@dataclass(frozen=True, slots=True)
class Collision:
    """Two vehicles at one place; `at`: simulated seconds."""

    at: float
    place: str
    vehicles: tuple[str, str]


class Traffic:
    """Where every vehicle is."""

    def __init__(self) -> None:
        self._zones: dict[str, Zone] = {}
        self._collisions: deque[Collision] = deque(maxlen=COLLISIONS_KEPT)

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """Return the last collisions, oldest first."""
        return tuple(self._collisions)

    def zone_of(self, vehicle_id: str) -> Zone | None:
        """Return where a vehicle is; None before it is put on the map."""
        return self._zones.get(vehicle_id)

    def vehicles_in(self, zone: Zone) -> tuple[str, ...]:
        """Return who is there."""
        return tuple(vehicle_id for vehicle_id, place in self._zones.items() if place == zone)

    def enter(self, vehicle_id: str, zone: Zone, now: float) -> None:
        """Say that a vehicle has left where it was and is here now."""
        if self._zones.get(vehicle_id) == zone:
            return
        for other in self.vehicles_in(zone):
            name = zone if isinstance(zone, str) else " – ".join(sorted(zone))
            self._collisions.append(Collision(now, name, (other, vehicle_id)))
        self._zones[vehicle_id] = zone
