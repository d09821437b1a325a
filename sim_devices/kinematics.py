"""Motion along a line: accelerate, cruise, brake to a stand (trapezoid); a short way is a triangle.

From a stand over s metres with speed v and acceleration a (also the deceleration) it takes s/v + v/a seconds
if the cruising speed is reached (s ≥ v²/a), else 2·sqrt(s/a).
"""

from dataclasses import dataclass
from math import copysign, dist, sqrt

from gateway.site.model import Location, Motion


@dataclass(frozen=True, slots=True)
class Travel:
    """A way of `distance` metres from a stand to a stand; highest `speed` in m/s, `acceleration` in m/s²."""

    distance: float
    speed: float
    acceleration: float

    @property
    def peak(self) -> float:
        """Highest speed that is reached, m/s."""
        return min(self.speed, sqrt(self.acceleration * self.distance))

    @property
    def duration(self) -> float:
        """Seconds from stand to stand."""
        ramp, cruise = self._phases()
        return ramp + cruise + ramp

    def travelled(self, elapsed: float) -> float:
        """Return metres covered `elapsed` seconds after the start."""
        ramp, cruise = self._phases()
        rising = min(max(elapsed, 0.0), ramp)
        cruising = min(max(elapsed - ramp, 0.0), cruise)
        braking = min(max(elapsed - ramp - cruise, 0.0), ramp)
        covered = (
            self.acceleration * rising**2 / 2
            + self.peak * (cruising + braking)
            - self.acceleration * braking**2 / 2
        )
        return self.distance if elapsed >= self.duration else min(covered, self.distance)

    def _phases(self) -> tuple[float, float]:
        """Return seconds of speeding up (braking takes the same) and of cruising."""
        peak = self.peak
        return peak / self.acceleration, max(
            0.0, self.distance / peak - peak / self.acceleration
        ) if peak else 0.0


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
