"""Where devices are now: the newest position of each, for any number of watchers at their own pace.

A watcher remembers only how far it has seen; what has changed more than once in between it sees once.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final

from gateway.contract.reports import Position

PERIOD_S: Final = 0.1
"""A watcher gets at most one batch in this time."""


class Positions:
    """The newest position of each device, in the order in which they came."""

    def __init__(self) -> None:
        self._latest: dict[str, tuple[int, Position]] = {}
        self._count = 0
        self._changed = asyncio.Event()

    def observe(self, position: Position) -> None:
        """Take a position; the sink of the drivers."""
        self._count += 1
        self._latest.pop(position.device_id, None)
        self._latest[position.device_id] = (self._count, position)
        self._changed.set()
        self._changed = asyncio.Event()

    def latest(self, device_id: str) -> Position | None:
        """Return the newest position of a device."""
        known = self._latest.get(device_id)
        return None if known is None else known[1]

    async def follow(self) -> AsyncGenerator[Sequence[Position]]:
        """Yield the positions of all devices, then those that have changed, for ever."""
        seen = 0
        while True:
            changed = self._changed
            news = list(self._since(seen))
            seen = self._count
            if news:
                yield news
                await asyncio.sleep(PERIOD_S)
            else:
                await changed.wait()

    def _since(self, seen: int) -> Iterator[Position]:
        for count, position in reversed(self._latest.values()):
            if count <= seen:
                return
            yield position
