"""What became of deliveries, made durable in batches: many deliveries share one commit.

A gateway that dies in between delivers those events again, under the same id; it never loses one.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.delivery.rows import (
    Delivery,
    Subscription,
    delete_subscription,
    update_subscriptions,
    upsert_deliveries,
)
from gateway.kernel.kernel import Guard
from gateway.kernel.ports import Store, StoreFull, Tx

log = structlog.get_logger()

GATHER_S: Final = 0.1
"""What happens within this time shares a commit."""
CURSOR_PERIOD_S: Final = 5.0
"""Cursors that merely pass events which nobody wants are written this often."""
NOTES_MAX: Final = 2_000
PAUSE_WHILE_FULL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides about a subscription: the subscription, and some of its deliveries, as they are from then on."""

    subscription: Subscription
    deliveries: Sequence[Delivery] = ()


class Ledger:
    """Takes notes of deliveries and writes them, with the cursors that they allow."""

    def __init__(
        self, store: Store, guard: Guard, subscriptions: Callable[[], Iterable[Subscription]]
    ) -> None:
        """Args: subscriptions: returns all of them as they stand now."""
        self._store = store
        self._guard = guard
        self._subscriptions = subscriptions
        self._notes: dict[tuple[str, int], Delivery] = {}
        self._written: dict[str, Subscription] = {}
        self._writing = asyncio.Lock()
        self._noted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def note(self, *deliveries: Delivery) -> None:
        """Remember what became of deliveries until the next commit."""
        for delivery in deliveries:
            self._notes[delivery.subscription_id, delivery.seq] = delivery
        if len(self._notes) >= NOTES_MAX:
            self._room.clear()
        self._noted.set()

    def touch(self) -> None:
        """A subscription has changed: write it soon."""
        self._noted.set()

    async def room(self) -> None:
        """Wait while too much is not durable yet."""
        await self._room.wait()

    async def run(self) -> None:
        """Write notes until cancelled."""
        full = False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CURSOR_PERIOD_S):
                    await self._noted.wait()
            await asyncio.sleep(PAUSE_WHILE_FULL_S if full else GATHER_S)
            try:
                await self.flush()
            except StoreFull as error:
                if not full:
                    log.warning(
                        "deliveries cannot be noted; after a restart they are repeated", error=str(error)
                    )
                full = True
            else:
                if full:
                    log.info("deliveries are noted again")
                full = False

    async def flush(self) -> None:
        """Make everything noted so far durable.

        Raises:
            StoreFull: no room; the notes are kept and written later.
        """
        async with self._writing:
            await self._write()

    async def decide(self, decision: Decision) -> None:
        """Make a decision durable, with everything noted before it. Only then may anybody go by it.

        Raises:
            StoreFull: no room; nobody has decided anything, the notes are kept and written later.
        """
        async with self._writing:
            await self._write(decision)

    async def _write(self, *decisions: Decision) -> None:
        notes, self._notes = self._notes, {}
        self._noted.clear()
        changed = [row for row in self._subscriptions() if self._written.get(row.subscription_id) != row]
        subscriptions = [*changed, *(decision.subscription for decision in decisions)]
        deliveries = [*notes.values(), *(each for decision in decisions for each in decision.deliveries)]
        if not subscriptions and not deliveries:
            return

        async def job(tx: Tx) -> None:
            await self._guard(tx)
            await upsert_deliveries(tx, deliveries)
            await update_subscriptions(tx, subscriptions)

        try:
            await self._store.write(job)
        except BaseException:
            self._notes = notes | self._notes
            self._noted.set()
            raise
        self._written |= {row.subscription_id: row for row in subscriptions}
        self._room.set()

    async def drop(self, subscription_id: str) -> None:
        """Forget a subscription, here and in the database."""
        async with self._writing:

            async def job(tx: Tx) -> None:
                await self._guard(tx)
                await delete_subscription(tx, subscription_id)

            await self._store.write(job)
            self._notes = {key: note for key, note in self._notes.items() if key[0] != subscription_id}
            self._written.pop(subscription_id, None)
