"""How a vehicle moves along its way: straight sections, each with a speed limit, ending at a stand.

The speed at the joint of two sections may not exceed either limit, nor what the acceleration allows to be
braked away before a slower joint, nor what it allows to be reached after one. Between two joints the vehicle
accelerates, cruises and brakes. Where all limits are the same this is the trapezoid of
`sim_devices.kinematics`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt

PHASES = 3
"""Of a section: accelerate, cruise, brake."""


@dataclass(frozen=True, slots=True)
class Section:
    """A straight piece of way of `length` metres; `limit`: highest speed on it, m/s."""

    length: float
    limit: float


@dataclass(frozen=True, slots=True)
class _Phase:
    """Constant acceleration (m/s²) from `speed` (m/s) for `duration` seconds."""

    duration: float
    speed: float
    acceleration: float

    def metres(self, elapsed: float) -> float:
        return self.speed * elapsed + self.acceleration * elapsed**2 / 2


class Drive:
    """Motion over sections, from an initial speed to a stand; times are seconds after its start."""

    def __init__(self, sections: Sequence[Section], acceleration: float, initial_speed: float = 0.0) -> None:
        """Plan the fastest motion that keeps all limits.

        Args:
            sections: at least one.
            acceleration: m/s²; also the deceleration.
            initial_speed: m/s; must leave room to brake: a way that is too short for it is left at more than
                a stand.
        """
        joints = _joint_speeds(sections, acceleration, initial_speed)
        self._phases = [
            phase
            for section, entry, leave in zip(sections, joints[:-1], joints[1:], strict=True)
            for phase in _phases(section, entry, leave, acceleration)
        ]
        self._starts = [0.0, *accumulate(phase.duration for phase in self._phases)]
        self.duration = self._starts[-1]
        """Seconds until it stands."""
        self.passages: Sequence[float] = self._starts[PHASES::PHASES]
        """When the end of each section is reached."""
        self._metres = [0.0, *accumulate(phase.metres(phase.duration) for phase in self._phases)]

    def travelled(self, elapsed: float) -> float:
        """Return metres covered so far."""
        phase, since = self._find(elapsed)
        return self._metres[phase] + self._phases[phase].metres(since)

    def speed(self, elapsed: float) -> float:
        """Return the speed in m/s; 0 once it stands."""
        if elapsed >= self.duration:
            return 0.0
        phase, since = self._find(elapsed)
        return self._phases[phase].speed + self._phases[phase].acceleration * since

    def _find(self, elapsed: float) -> tuple[int, float]:
        within = min(elapsed, self.duration)
        phase = bisect_left(self._starts, within, lo=1, hi=len(self._phases)) - 1
        return phase, within - self._starts[phase]


def _joint_speeds(sections: Sequence[Section], acceleration: float, initial_speed: float) -> list[float]:
    limits = [section.limit for section in sections]
    joints = [initial_speed, *map(min, limits, limits[1:]), 0.0]
    for index in range(len(sections) - 1, 0, -1):
        reachable = sqrt(joints[index + 1] ** 2 + 2 * acceleration * sections[index].length)
        joints[index] = min(joints[index], reachable)
    for index, section in enumerate(sections[:-1]):
        joints[index + 1] = min(
            joints[index + 1], sqrt(joints[index] ** 2 + 2 * acceleration * section.length)
        )
    return joints


def _phases(section: Section, entry: float, leave: float, acceleration: float) -> list[_Phase]:
    highest = sqrt(acceleration * section.length + (entry**2 + leave**2) / 2)
    peak = max(min(section.limit, highest), entry, leave)
    ramps = (2 * peak**2 - entry**2 - leave**2) / (2 * acceleration)
    cruise = max(section.length - ramps, 0.0) / peak if peak else 0.0
    return [
        _Phase((peak - entry) / acceleration, entry, acceleration),
        _Phase(cruise, peak, 0.0),
        _Phase((peak - leave) / acceleration, peak, -acceleration),
    ]
