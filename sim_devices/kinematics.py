"""Motion along a line: accelerate, cruise, brake to a stand (trapezoid); a short way is a triangle.

From a stand over s metres with speed v and acceleration a (also the deceleration) it takes s/v + v/a seconds
if the cruising speed is reached (s ≥ v²/a), else 2·sqrt(s/a).
"""

from dataclasses import dataclass
from math import copysign, dist, sqrt

from gateway.site.model import Location, Motion


@dataclass(frozen=True, slots=True)
class Travel:
    """A way that ends at a stand.

    Attributes:
        distance: metres, at least `braking_distance`.
        speed: highest speed, m/s; acceleration: m/s².
        initial_speed: m/s at the start, at most `speed` (a vehicle whose way is extended while it drives).
    """

    distance: float
    speed: float
    acceleration: float
    initial_speed: float = 0.0

    @property
    def braking_distance(self) -> float:
        """Metres that stopping at once from the initial speed would take."""
        return self.initial_speed**2 / (2 * self.acceleration)

    @property
    def peak(self) -> float:
        """Highest speed that is reached, m/s."""
        triangle = sqrt(self.acceleration * self.distance + self.initial_speed**2 / 2)
        return max(min(self.speed, triangle), self.initial_speed)

    @property
    def duration(self) -> float:
        """Seconds from the start to the stand."""
        ramp_up, cruise, ramp_down = self._phases()
        return ramp_up + cruise + ramp_down

    def travelled(self, elapsed: float) -> float:
        """Return metres covered `elapsed` seconds after the start."""
        ramp_up, cruise, ramp_down = self._phases()
        if elapsed >= ramp_up + cruise + ramp_down:
            return self.distance
        rising = min(max(elapsed, 0.0), ramp_up)
        covered = self.initial_speed * rising + self.acceleration * rising**2 / 2
        cruising = min(max(elapsed - ramp_up, 0.0), cruise)
        braking = max(elapsed - ramp_up - cruise, 0.0)
        covered += self.peak * (cruising + braking) - self.acceleration * braking**2 / 2
        return min(covered, self.distance)

    def speed_at(self, elapsed: float) -> float:
        """Return the speed in m/s `elapsed` seconds after the start."""
        ramp_up, cruise, ramp_down = self._phases()
        if elapsed >= ramp_up + cruise + ramp_down:
            return 0.0
        if elapsed < ramp_up:
            return self.initial_speed + self.acceleration * max(elapsed, 0.0)
        return self.peak - self.acceleration * max(elapsed - ramp_up - cruise, 0.0)

    def _phases(self) -> tuple[float, float, float]:
        peak = self.peak
        ramps = (peak**2 - self.initial_speed**2 / 2) / self.acceleration
        return (
            (peak - self.initial_speed) / self.acceleration,
            max(0.0, self.distance - ramps) / peak if peak else 0.0,
            peak / self.acceleration,
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a carrier stands: metres along the aisle and up."""

    x: float
    z: float

    @classmethod
    def of(cls, location: Location) -> "Stand":
        """Return where a carrier stands to serve a location: the side of the aisle is reached by load handling."""
        return cls(location.x, location.z)


@dataclass(frozen=True, slots=True)
class Ride:
    """A carrier's way in an aisle: along it and up or down at once, each axis by itself; the longer one decides."""

    start: Stand
    end: Stand
    motion: Motion

    @property
    def duration(self) -> float:
        """Seconds until it stands on both axes."""
        return max(self._along.duration, self._upwards.duration)

    def position(self, elapsed: float) -> Stand:
        """Return where the carrier is `elapsed` seconds after the start."""
        return Stand(
            self.start.x + copysign(self._along.travelled(elapsed), self.end.x - self.start.x),
            self.start.z + copysign(self._upwards.travelled(elapsed), self.end.z - self.start.z),
        )

    @property
    def _along(self) -> Travel:
        return Travel(abs(self.end.x - self.start.x), self.motion.speed, self.motion.acceleration)

    @property
    def _upwards(self) -> Travel:
        return Travel(abs(self.end.z - self.start.z), self.motion.speed, self.motion.acceleration)


def conveyance(source: Location, target: Location, motion: Motion) -> Travel:
    """Return how a load passes from one segment to the next: straight from centre to centre, from a stand to a stand."""
    distance = dist((source.x, source.y, source.z), (target.x, target.y, target.z))
    return Travel(distance, motion.speed, motion.acceleration)
