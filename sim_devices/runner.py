"""Drives one sans-IO device on the event loop: it sleeps until the device's next event, or until something happens to it."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sim_devices.clock import SimClock

T = TypeVar("T")


class Stepped(Protocol):
    """Something that does what is due when it is asked."""

    def step(self, now: float) -> float | None:
        """Do all that is due at this simulated time; return when the next thing is due by itself, if ever."""
        ...


class Runner:
    """One device's place on the loop."""

    def __init__(self, device: Stepped, clock: SimClock, show: Callable[[], None]) -> None:
        """Make a runner.

        Args:
            device: what to drive.
            clock: simulated time.
            show: called after every step: something may look different now.
        """
        self._device = device
        self._clock = clock
        self._show = show
        self._stirred = asyncio.Event()
        self._next: float | None = None

    def nudge(self) -> None:
        """Something may have changed for the device: let it look soon."""
        self._stirred.set()

    def act(self, action: Callable[[], T]) -> T:
        """Do something to the device and let it look at once."""
        result = action()
        self.step()
        self._stirred.set()
        return result

    def step(self) -> None:
        """Let the device do what is due now."""
        self._next = self._device.step(self._clock.now())
        self._show()

    async def run(self) -> None:
        """Step whenever it is due or wanted, until cancelled."""
        while True:
            self._stirred.clear()
            self.step()
            await self._clock.wait(self._stirred, self._next)
