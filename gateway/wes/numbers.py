"""Numbers that people read on documents: a letter, the day and a serial number of the day, e.g. O20261122000001.

The serial numbers of a day are taken from the database in small blocks, each durable before its first number is used; so
numbers are unique whoever runs beside or after this one, no row is written for each document, and a restart leaves a gap.
"""

from collections import deque
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.kernel.ports import Store, Tx

BLOCK: Final = 100
KEPT: Final = timedelta(days=2)
"""How long the rest of a day's blocks is remembered: who waits over midnight still gets a number of its day."""

_TAKE = (
    "INSERT INTO id_blocks (name, next) VALUES (:name, :size + 1)"
    " ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :size RETURNING next"
)


class Numbers:
    """Numbers of one kind of document."""

    def __init__(self, store: Store, prefix: str, timezone: ZoneInfo) -> None:
        self._store = store
        self._prefix = prefix
        self._timezone = timezone
        self._days: dict[date, deque[range]] = {}

    async def next(self, at_us: Micros) -> str:
        """Return a number that no other document has; never from inside a job, for it may have to write one."""
        day = datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(self._timezone).date()
        if day not in self._days:
            self._days = {known: blocks for known, blocks in self._days.items() if known > day - KEPT}
        blocks = self._days.setdefault(day, deque())
        if not blocks:
            blocks.append(await self._take(day))
        block = blocks.popleft()
        if len(block) > 1:
            blocks.appendleft(block[1:])
        return f"{self._prefix}{day:%Y%m%d}{block[0]:06}"

    async def _take(self, day: date) -> range:
        name = f"{self._prefix}{day:%Y%m%d}"

        async def job(tx: Tx) -> int:
            return (await tx.fetch(_TAKE, {"name": name, "size": BLOCK}))[0][0]

        end = await self._store.write(job)
        return range(end - BLOCK, end)
