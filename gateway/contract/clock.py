"""Wall-clock time as it is injected everywhere. Durations come from the event loop's own time."""

from typing import Protocol

Micros = int
"""Microseconds since 1970-01-01 UTC."""


class Clock(Protocol):
    """A source of wall-clock time; the virtual clock of a simulation implements it too."""

    def now_us(self) -> Micros:
        """Return microseconds since 1970-01-01 UTC."""
        ...
