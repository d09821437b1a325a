"""Work that is done in rounds (S0-44): the next round begins a pause after the last one has ended, so none meets itself.

A round takes up what the database says is due. So a restart goes on where it was, and doing too much is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from gateway.kernel.ports import StoreFull

log = structlog.get_logger()


class Bell:
    """Wakes those who wait for their next round."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is something to do: the next round begins at once, or once more after the one under way."""
        self._rung.set()

    async def wait(self, at_most_s: float) -> None:
        """Wait until the bell is rung, or has been since the last time; at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._rung.wait()
        self._rung.clear()


class Rounds:
    """One kind of work, again and again."""

    def __init__(
        self, name: str, period_s: float, work: Callable[[], Awaitable[None]], bell: Bell | None = None
    ) -> None:
        """Take the work.

        Args:
            name: for people.
            period_s: from the end of one round to the beginning of the next.
            work: one round.
            bell: begins the next one earlier; its own, for it wakes one at a time.
        """
        self._name = name
        self._period_s = period_s
        self._work = work
        self._bell = bell or Bell()

    async def run(self) -> None:
        """Work until cancelled."""
        full = False
        while True:
            try:
                await self._work()
            except StoreFull as error:
                if not full:
                    log.warning("a round could not be made durable", round=self._name, error=str(error))
                full = True
            else:
                if full:
                    log.info("rounds are durable again", round=self._name)
                full = False
            await self._bell.wait(self._period_s)
