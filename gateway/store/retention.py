"""What is forgotten, and when: old events once every consumer has passed them, and what has ended long ago.

In small steps, so that a commit of the kernel never waits long. People's acts are kept for ever.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from gateway.contract.clock import Clock
from gateway.kernel.kernel import Guard
from gateway.kernel.ports import SqlValue, Store, StoreFull, Tx

DAY_S: Final = 86_400.0
STEP: Final = 500
"""Rows of a kind that one commit deletes at most."""
PERIOD_S: Final = 60.0
BREATH_S: Final = 0.05
"""Pause between two commits while there is more to delete."""

_ENDED: Final = {
    "transports": "status IN ('completed', 'cancelled') AND updated_us < :cutoff",
    "commands": "ended_us IS NOT NULL AND ended_us < :cutoff",
    "puts": "status IN ('confirmed', 'short', 'cancelled', 'unknown') AND updated_us < :cutoff",
}


class Retention:
    """Deletes what nobody needs any more.

    While a transport or a put is kept, its id stays taken: the same request again is answered as the first one was.
    """

    def __init__(
        self,
        *,
        store: Store,
        guard: Guard,
        clock: Clock,
        forgotten: Callable[[int], None],
        keep_events_s: float = 30 * DAY_S,
        keep_ended_s: float = 90 * DAY_S,
        keep_deliveries_s: float = 7 * DAY_S,
    ) -> None:
        """Args: forgotten: is told the oldest event that consumers can still ask for."""
        self._store = store
        self._guard = guard
        self._clock = clock
        self._forgotten = forgotten
        self._keep_events_s = keep_events_s
        self._keep_ended_s = keep_ended_s
        self._keep_deliveries_s = keep_deliveries_s

    async def run(self) -> None:
        """Delete until cancelled."""
        while True:
            more = False
            with suppress(StoreFull):  # the kernel tells that; here there will be another time
                more = await self.step()
            await asyncio.sleep(BREATH_S if more else PERIOD_S)

    async def step(self) -> bool:
        """Delete some; tell whether there is more."""
        first_seq, more = await self._store.write(self._job)
        self._forgotten(first_seq)
        return more

    async def _job(self, tx: Tx) -> tuple[int, bool]:
        await self._guard(tx)
        deleted = [await self._forget_ended(tx, table, which) for table, which in _ENDED.items()]
        deleted.append(await self._forget_deliveries(tx))
        first_seq, passed = await self._forget_events(tx)
        return first_seq, max(*deleted, passed) == STEP

    async def _forget_ended(self, tx: Tx, table: str, which: str) -> int:
        return await tx.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE {which} LIMIT :limit)",
            self._older_than(self._keep_ended_s),
        )

    async def _forget_deliveries(self, tx: Tx) -> int:
        """Forget deliveries that have ended; those ahead of the cursor still say that nothing is to be done."""
        return await tx.execute(
            "DELETE FROM deliveries WHERE (subscription_id, seq) IN ("
            "SELECT d.subscription_id, d.seq FROM deliveries d JOIN subscriptions s ON s.key = d.subscription_id"
            " WHERE d.updated_us < :cutoff AND d.status IN ('delivered', 'skipped') AND d.seq <= s.cursor"
            " LIMIT :limit)",
            self._older_than(self._keep_deliveries_s),
        )

    async def _forget_events(self, tx: Tx) -> tuple[int, int]:
        """Forget events that all consumers have passed, except the newest one: numbering goes on from it.

        Events of deliveries that have not ended stay too, although consumers can no longer ask for them.

        Returns:
            The oldest event that consumers can still ask for, and how many have been passed in this step.
        """
        older = self._older_than(self._keep_events_s)
        first = (await tx.fetch("SELECT first_seq FROM feed"))[0][0]
        rows = await tx.fetch(
            "SELECT seq, at_us FROM events WHERE seq >= :first AND seq < (SELECT MAX(seq) FROM events)"
            " AND seq <= COALESCE((SELECT MIN(cursor) FROM subscriptions WHERE disabled IS NULL), seq)"
            " AND seq < COALESCE((SELECT MIN(replay_next) FROM subscriptions), seq + 1)"
            " ORDER BY seq LIMIT :limit",
            {"first": first, "limit": STEP},
        )
        new_first: int = first
        for seq, at_us in rows:
            if at_us >= older["cutoff"]:
                break
            new_first = seq + 1
        await tx.execute(
            "DELETE FROM events WHERE seq < :first AND NOT EXISTS (SELECT 1 FROM deliveries"
            " WHERE deliveries.seq = events.seq AND deliveries.status IN ('waiting', 'dead'))",
            {"first": new_first},
        )
        await tx.execute("UPDATE feed SET first_seq = :first", {"first": new_first})
        return new_first, new_first - first

    def _older_than(self, age_s: float) -> dict[str, SqlValue]:
        return {"cutoff": self._clock.now_us() - round(age_s * 1e6), "limit": STEP}
