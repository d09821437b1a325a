"""The system's wall clock: the only place that asks the operating system for the time. And time that never jumps."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from gateway.contract.clock import Clock, Micros

EPOCH_2025_S = 1_735_689_600
"""2025-01-01T00:00:00Z in Unix seconds: where epochs and job ids count from."""


class SystemClock:
    """Wall-clock time of this machine."""

    def now_us(self) -> int:
        """Return microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000


class SteadyClock:
    """Wall-clock time as it was at the start, and from then on the event loop's: it never jumps.

    For durations and for order. What people read comes from the wall clock, which NTP and people set forwards and back.
    """

    def __init__(self, wall: Clock) -> None:
        self._origin_us = wall.now_us() - _loop_us()

    def now_us(self) -> Micros:
        """Return microseconds; of another run they may be later than now."""
        return self._origin_us + _loop_us()


def to_datetime(at_us: int) -> datetime:
    """Return the UTC datetime of a time in microseconds."""
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def to_moment(at_us: Micros | None) -> datetime | None:
    """Return the UTC datetime of a time that may not have come."""
    return None if at_us is None else to_datetime(at_us)


def to_micros(moment: datetime) -> Micros:
    """Return the time in microseconds of a datetime that knows its zone."""
    return round(moment.timestamp() * 1_000_000)


def to_rfc3339(at_us: int) -> str:
    """Return e.g. `2026-11-22T08:30:00.123456Z`."""
    return to_datetime(at_us).isoformat(timespec="microseconds").replace("+00:00", "Z")


def last_due(now: Micros, at: time_of_day, zone: ZoneInfo) -> date:
    """Return the day of the last moment that had this time of day."""
    local = to_datetime(now).astimezone(zone)
    return local.date() if local.time() >= at else local.date() - timedelta(days=1)


def _loop_us() -> Micros:
    return round(asyncio.get_running_loop().time() * 1e6)
