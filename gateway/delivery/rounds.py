"""Work that is done in rounds (S0-44): the next round begins a pause after the last one has ended, so none meets itself.

A round takes up what the database says is due. So a restart goes on where it was, and doing too much is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.kernel.ports import StoreFull

log = structlog.get_logger()


class Rounds:
    """One kind of work, again and again."""

    def __init__(self, name: str, period_s: float, work: Callable[[], Awaitable[None]]) -> None:
        self._name = name
        self._period_s = period_s
        self._work = work

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
            await asyncio.sleep(self._period_s)
