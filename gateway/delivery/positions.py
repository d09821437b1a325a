"""Where devices are now: the newest position of each, for any number of watchers at their own pace.

A watcher is a number, as with the feed. What has changed more than once since it looked last it sees once.
"""

import asyncio
from collections.abc import Iterator, Sequence

from gateway.contract.reports import Position


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

    def since(self, seen: int) -> tuple[Sequence[Position], int]:
        """Return the devices that have moved since a watcher looked, and the number to ask with the next time (first: 0)."""
        return list(self._news(seen))[::-1], self._count

    async def beyond(self, seen: int) -> None:
        """Wait until something has moved."""
        while self._count <= seen:
            await self._changed.wait()

    def _news(self, seen: int) -> Iterator[Position]:
        for count, position in reversed(self._latest.values()):
            if count <= seen:
                return
            yield position
