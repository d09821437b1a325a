"""What the bench reports: figures beside their floors and targets, as one JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Literal

Wanted = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Attributes:
        what: what was measured, in words; `floor_is` the same of the floor.
        unit: of value, floor and target.
        wanted: on which side of the target the value should be.
        details: whatever else helps to read it.
    """

    name: str
    what: str
    unit: str
    value: float
    wanted: Wanted
    target: float
    floor: float
    floor_is: str
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.wanted == "at least" else self.value <= self.target

    def shown(self) -> dict[str, Any]:
        """Return the figure as JSON."""
        return {
            "figure": self.name,
            "what": self.what,
            "unit": self.unit,
            "value": _rounded(self.value),
            "floor": _rounded(self.floor),
            "floorIs": self.floor_is,
            "ratio": _rounded(self.value / self.floor),
            "target": f"{self.wanted} {self.target:g}",
            "met": self.met,
            **({"details": dict(self.details)} if self.details else {}),
        }


def percentile(samples: Sequence[float], percent: int) -> float:
    """Return the value below which so many percent of the samples lie; at least two samples."""
    return quantiles(samples, n=100, method="inclusive")[percent - 1]


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Return how samples lie, for the details of a figure."""
    return {
        "samples": len(samples),
        **{f"p{percent}": _rounded(percentile(samples, percent)) for percent in (50, 90, 99)},
        "max": _rounded(max(samples)),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
