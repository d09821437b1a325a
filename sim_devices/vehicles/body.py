"""The physical vehicle: where it is, how fast it goes, how far it has driven. It turns on the spot without taking time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import atan2, hypot

from gateway.site.model import Motion
from sim_devices.vehicles.drive import Drive, Section


@dataclass(frozen=True, slots=True)
class Pose:
    """Position in m, heading in rad, speed in m/s."""

    x: float
    y: float
    theta: float = 0.0
    speed: float = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A straight way to (x, y), m; `limit`: highest speed on it, m/s."""

    x: float
    y: float
    limit: float

    def length_from(self, x: float, y: float) -> float:
        """Return metres from a point to its end."""
        return hypot(self.x - x, self.y - y)


@dataclass(slots=True)
class _Journey:
    """A drive over legs. `complete`: it ends at the end of the last leg that was asked for, not before."""

    start: Pose
    began: float
    legs: tuple[Leg, ...]
    lengths: tuple[float, ...]
    drive: Drive
    complete: bool
    passed: int = 0

    def pose(self, now: float) -> Pose:
        elapsed = now - self.began
        metres, speed = self.drive.travelled(elapsed), self.drive.speed(elapsed)
        x, y, theta = self.start.x, self.start.y, self.start.theta
        for leg, length in zip(self.legs, self.lengths, strict=True):
            if length:
                theta = atan2(leg.y - y, leg.x - x)
            if metres < length:
                share = metres / length
                return Pose(x + share * (leg.x - x), y + share * (leg.y - y), theta, speed)
            x, y, metres = leg.x, leg.y, metres - length
        return Pose(x, y, theta, speed)


class Body:
    """A vehicle as physics sees it. All times are simulated seconds, and never run backwards."""

    def __init__(self, x: float, y: float, motion: Motion) -> None:
        self._motion = motion
        self._pose = Pose(x, y)
        self._journey: _Journey | None = None
        self._driven = 0.0

    @property
    def moving(self) -> bool:
        """It drives, or sets out at this very moment."""
        return self._journey is not None

    def pose(self, now: float) -> Pose:
        """Return where it is and how fast it goes."""
        return self._journey.pose(now) if self._journey else self._pose

    def driven(self, now: float) -> float:
        """Return the metres that it has ever driven."""
        journey = self._journey
        return self._driven + (journey.drive.travelled(now - journey.began) if journey else 0.0)

    def braking_distance(self, now: float) -> float:
        """Return metres to a stand if it brakes at once."""
        return self.pose(now).speed ** 2 / (2 * self._motion.acceleration)

    def go(self, legs: Sequence[Leg], now: float) -> None:
        """Drive over these legs, from where it is and as fast as it goes, to a stand at the end of the last."""
        self._set_out(legs, now, complete=True)

    def brake(self, now: float) -> None:
        """Come to a stand as soon as the deceleration allows, on the way that it is on."""
        journey, distance = self._journey, self.braking_distance(now)
        if journey is None or not distance:
            self.halt(now)
            return
        pose, legs = self.pose(now), list[Leg]()
        x, y = pose.x, pose.y
        for leg in journey.legs[journey.passed :]:
            length = leg.length_from(x, y)
            share = min(distance / length, 1.0) if length else 1.0
            legs.append(replace(leg, x=x + share * (leg.x - x), y=y + share * (leg.y - y)))
            x, y, distance = leg.x, leg.y, distance - length
            if distance <= 0:
                break
        self._set_out(legs, now, complete=False)

    def halt(self, now: float) -> None:
        """Stand still at this very moment."""
        self._driven, self._pose = self.driven(now), replace(self.pose(now), speed=0.0)
        self._journey = None

    def put(self, x: float, y: float) -> None:
        """Stand here, m, because somebody has moved it; only while it stands."""
        self._pose = replace(self._pose, x=x, y=y)

    def turn(self, theta: float) -> None:
        """Take a heading, rad; only while it stands."""
        self._pose = replace(self._pose, theta=theta)

    def next_event(self) -> float | None:
        """Return when the next end of a leg is reached, or when it comes to a stand between two."""
        journey = self._journey
        return journey.began + journey.drive.passages[journey.passed] if journey else None

    def happen(self, now: float) -> bool:
        """Let the next event happen; tell whether it is the end of a leg (and not a stand between two)."""
        journey = self._journey
        assert journey
        journey.passed += 1
        if journey.passed < len(journey.legs):
            return True
        self.halt(now)
        return journey.complete

    def _set_out(self, legs: Sequence[Leg], now: float, *, complete: bool) -> None:
        start, self._driven = self.pose(now), self.driven(now)
        x, y, lengths = start.x, start.y, list[float]()
        for leg in legs:
            lengths.append(leg.length_from(x, y))
            x, y = leg.x, leg.y
        sections = [
            Section(length, min(leg.limit, self._motion.speed))
            for leg, length in zip(legs, lengths, strict=True)
        ]
        drive = Drive(sections, self._motion.acceleration, start.speed)
        self._journey = _Journey(start, now, tuple(legs), tuple(lengths), drive, complete)
