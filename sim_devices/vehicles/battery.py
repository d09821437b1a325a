"""The battery: drained by driving and by time, charged at a charger; linear in both."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatterySpec:
    """States of charge go from 0 to 1; times are simulated seconds.

    Attributes:
        initial: at the start of the simulation.
        per_metre, per_second: drained by driving, and always.
        charged_per_second: gained while charging.
    """

    initial: float = 0.9
    per_metre: float = 0.000_05
    per_second: float = 0.000_02
    charged_per_second: float = 0.002


BATTERY = BatterySpec()


class Battery:
    """State of charge as a function of time and metres driven."""

    def __init__(self, spec: BatterySpec) -> None:
        self._spec = spec
        self._level, self._at, self._driven = spec.initial, 0.0, 0.0
        self.charging = False

    def level(self, now: float, driven: float) -> float:
        """Return the state of charge, 0 … 1."""
        spec, seconds = self._spec, now - self._at
        if self.charging:
            return min(self._level + seconds * spec.charged_per_second, 1.0)
        drained = seconds * spec.per_second + (driven - self._driven) * spec.per_metre
        return max(self._level - drained, 0.0)

    def switch(self, now: float, driven: float, *, charging: bool) -> None:
        """Begin or end charging."""
        self.set_level(self.level(now, driven), now, driven)
        self.charging = charging

    def set_level(self, level: float, now: float, driven: float) -> None:
        """Go on from another state of charge."""
        self._level, self._at, self._driven = level, now, driven
