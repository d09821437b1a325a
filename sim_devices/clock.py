"""Simulated motion time and seeded chance: the only sources of both for every simulated device.

Motion runs on the event loop's own time, scaled: at speed 50 a move of 10 s takes 0.2 s. What the gateway
measures on the wire (life counters, timeouts, how long a fault lasts) is not motion and stays on the loop's
time. Because nothing but the loop is asked, the same devices run on a virtual-time loop.
"""

import asyncio
from random import Random
from typing import Final

__all__ = ["BEAT_S", "Random", "SimClock", "beats", "seeded"]

BEAT_S: Final = 0.15
"""Life counters count up this often: at least 5 times a second, whatever the speed of motion."""


def beats() -> int:
    """Return how often everything that has power has counted up by now, as a u16."""
    return int(asyncio.get_running_loop().time() / BEAT_S) % 2**16


def seeded(seed: int, name: str) -> Random:
    """Return one part's source of chance: the same for a seed and name, whatever other parts draw."""
    return Random(f"{seed}:{name}")


class SimClock:
    """Loop time, `speed` times as fast. Needs a running loop whenever it is asked, not when it is made."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = _positive(speed)
        self._loop_origin = 0.0
        self._origin = 0.0
        self._timers: dict[_Timer, None] = {}

    @property
    def speed(self) -> float:
        """How many times as fast as the loop's time motion runs."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Go on at another speed from now; whoever sleeps wakes at the right moment of the new speed.

        Raises:
            ValueError: `speed` is not a positive number.
        """
        checked, now = _positive(speed), self.now()
        self._loop_origin, self._origin, self._speed = asyncio.get_running_loop().time(), now, checked
        for timer in self._timers:
            timer.set(self._loop_time(timer.until))

    def now(self) -> float:
        """Return seconds of simulated motion; only differences mean something."""
        return self._origin + (asyncio.get_running_loop().time() - self._loop_origin) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait for a time of simulated motion, in seconds."""
        await self.wait(asyncio.Event(), self.now() + seconds)

    async def wait(self, event: asyncio.Event, until: float | None) -> None:
        """Return as soon as the event is set; unless it is None, the simulated time `until` sets it."""
        if until is None:
            await event.wait()
            return
        timer = _Timer(event, until, self._loop_time(until))
        self._timers[timer] = None
        try:
            await event.wait()
        finally:
            del self._timers[timer]
            timer.cancel()

    def _loop_time(self, at: float) -> float:
        return self._loop_origin + (at - self._origin) / self._speed


class _Timer:
    """Sets an event at a time of the loop that stands for the simulated time `until`."""

    def __init__(self, event: asyncio.Event, until: float, when: float) -> None:
        self.until = until
        self._event = event
        self._timer = asyncio.get_running_loop().call_at(when, event.set)

    def set(self, when: float) -> None:
        """Let it be another time of the loop."""
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._event.set)

    def cancel(self) -> None:
        """Let nothing happen."""
        self._timer.cancel()


def _positive(speed: float) -> float:
    if not 0 < speed <= 10_000:
        raise ValueError(f"speed {speed} is not between 0 and 10000")
    return float(speed)
