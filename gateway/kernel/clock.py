"""The system's wall clock: the only place that asks the operating system for the time."""

import time
from datetime import UTC, datetime

EPOCH_2025_S = 1_735_689_600
"""2025-01-01T00:00:00Z in Unix seconds: where epochs and job ids count from."""


class SystemClock:
    """Wall-clock time of this machine."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000


def to_datetime(at_us: int) -> datetime:
    """Return the UTC datetime of a time in microseconds."""
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def to_rfc3339(at_us: int) -> str:
    """Return e.g. `2026-11-22T08:30:00.123456Z`."""
    return to_datetime(at_us).isoformat(timespec="microseconds").replace("+00:00", "Z")
