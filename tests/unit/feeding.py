"""A feed with a database behind it, and events for it, without a kernel."""

from dataclasses import dataclass, field

from gateway.contract.events import EventType
from gateway.delivery.feed import Feed
from gateway.kernel.books import Books
from gateway.kernel.ports import Store, Tx

START_US = 1_790_000_000_000_000


class StandingClock:
    """A wall clock that stands still."""

    def now_us(self) -> int:
        return START_US


async def nobody_else(tx: Tx) -> None:
    """A guard for a database that has only ever had one owner."""


@dataclass
class Feeding:
    """Commits events and publishes them, as the kernel does."""

    store: Store
    feed: Feed
    books: Books = field(default_factory=Books)

    async def happen(self, *subjects: str, kind: EventType = EventType.CONTAINER_LOCATED) -> None:
        """Commit one event about each subject, all in one commit."""
        self.books.now_us = START_US
        for subject in subjects:
            self.books.emit(kind, subject, locationId="A-1", note='\u6599\u7bb1 "quoted"')
        await self.store.write(self.books.persist)
        events, _ = self.books.committed()
        self.feed.publish(events)


async def start_feeding(store: Store, ring_max: int = 20_000) -> Feeding:
    """Open the feed of a database."""
    feed = Feed(store, "test-site", ring_max)
    await feed.open()
    feeding = Feeding(store, feed)
    feeding.books.last_seq = feed.last_seq
    return feeding
