"""The port to the feed: what consumers of committed events go by. A consumer is a number: what it has seen last."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.contract.events import EventType

ALL_TYPES: Final = frozenset(EventType)


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A committed event; `json` is a gateway.contract.events.Event as text, encoded once for everybody."""

    seq: int
    type: EventType
    subject: str
    json: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, oldest first. Ask for what comes after `last` to go on: it may be beyond the last event that fits."""

    events: Sequence[FeedEvent]
    last: int


class Feed(Protocol):
    """All committed events."""

    @property
    def first_seq(self) -> int:
        """The oldest event that is still kept."""
        ...

    @property
    def last_seq(self) -> int:
        """The newest event."""
        ...

    @property
    def counts(self) -> dict[EventType, int]:
        """How many events of each type there were since the start of this run."""
        ...

    async def read(self, after: int, limit: int, types: Collection[EventType] = ALL_TYPES) -> Page:
        """Return at most `limit` events of these types that come after a number."""
        ...

    async def beyond(self, seq: int) -> None:
        """Wait until there is an event after this one."""
        ...

    def follow(
        self, after: int, types: Collection[EventType] = ALL_TYPES
    ) -> AsyncGenerator[Sequence[FeedEvent]]:
        """Yield everything that comes after a number, for ever, in batches as it becomes available."""
        ...
