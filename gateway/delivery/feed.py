"""The feed: committed events by number, encoded once, with the newest in memory.

A consumer is a number: it asks for what comes after the last event that it has seen. So it misses nothing and gets nothing
twice, whether the answer comes from memory or from the database, and a slow one costs nobody anything.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Final

from pydantic import TypeAdapter

from gateway.contract.events import EventType
from gateway.kernel.books import FeedRow
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.feed import ALL_TYPES, FeedEvent, Page
from gateway.kernel.ports import Row, Store, Tx

RING_MAX: Final = 20_000
"""Events kept in memory."""
CHUNK: Final = 500
"""Events read at once on behalf of a follower."""

_DATA: Final = TypeAdapter(dict[str, object])


class Feed:
    """The port Feed, on the table of events."""

    def __init__(self, store: Store, source: str, ring_max: int = RING_MAX) -> None:
        """Args: source: the site's id; ring_max: how many events memory keeps."""
        self._store = store
        self._source = json.dumps(source)
        self._ring: dict[int, FeedEvent] = {}
        self._ring_max = ring_max
        self._published = asyncio.Event()
        self.first_seq = 1
        self.last_seq = 0
        self.counts = dict.fromkeys(EventType, 0)

    async def open(self) -> None:
        """Learn which events the database holds; before the first `publish`."""

        async def job(tx: Tx) -> tuple[int, int]:
            kept = await tx.fetch("SELECT first_seq FROM feed")
            newest = await tx.fetch("SELECT COALESCE(MAX(seq), 0) FROM events")
            return kept[0][0], newest[0][0]

        self.first_seq, self.last_seq = await self._store.read(job)

    def publish(self, rows: Sequence[FeedRow]) -> None:
        """Take events that have been committed; called by the kernel, in order."""
        for row in rows:
            data = _DATA.dump_json(row.data).decode()
            self._ring[row.seq] = self._encode(row.seq, row.type, row.subject, row.at_us, data)
            self._ring.pop(row.seq - self._ring_max, None)
            self.last_seq = row.seq
            self.counts[row.type] += 1
        if rows:
            self._published.set()
            self._published = asyncio.Event()

    def forget_before(self, seq: int) -> None:
        """The database keeps no events before this number any more."""
        self.first_seq = max(self.first_seq, seq)

    async def read(self, after: int, limit: int, types: Collection[EventType] = ALL_TYPES) -> Page:
        """Return at most `limit` events of these types that come after a number."""
        if after >= self.last_seq:
            return Page((), after)
        if after + 1 in self._ring:
            return self._from_ring(after, limit, types)
        return await self._from_store(after, limit, types)

    async def follow(
        self, after: int, types: Collection[EventType] = ALL_TYPES
    ) -> AsyncGenerator[Sequence[FeedEvent]]:
        """Yield everything that comes after a number, for ever, in batches as it becomes available."""
        while True:
            page = await self.read(after, CHUNK, types)
            after = page.last
            if page.events:
                yield page.events
            await self.beyond(after)

    async def beyond(self, seq: int) -> None:
        """Wait until there is an event after this one."""
        while self.last_seq <= seq:
            await self._published.wait()

    def _from_ring(self, after: int, limit: int, types: Collection[EventType]) -> Page:
        found: list[FeedEvent] = []
        for seq in range(after + 1, self.last_seq + 1):
            if len(found) == limit:
                return Page(found, seq - 1)
            event = self._ring[seq]
            if event.type in types:
                found.append(event)
        return Page(found, self.last_seq)

    async def _from_store(self, after: int, limit: int, types: Collection[EventType]) -> Page:
        upto = self.last_seq
        names = [f":type{index}" for index in range(len(types))]
        wanted = "" if len(types) == len(ALL_TYPES) else f" AND type IN ({', '.join(names)})"
        sql = (
            "SELECT seq, type, subject, at_us, data FROM events"
            f" WHERE seq > :after AND seq <= :upto{wanted} ORDER BY seq LIMIT :limit"
        )
        params = {"after": after, "upto": upto, "limit": limit}
        params_of_types = {f"type{index}": kind for index, kind in enumerate(types)} if wanted else {}

        async def job(tx: Tx) -> Sequence[Row]:
            return await tx.fetch(sql, params | params_of_types)

        rows = await self._store.read(job)
        events = [
            self._encode(seq, EventType(kind), subject, at_us, data)
            for seq, kind, subject, at_us, data in rows
        ]
        return Page(events, events[-1].seq if len(events) == limit else upto)

    def _encode(self, seq: int, kind: EventType, subject: str, at_us: int, data: str) -> FeedEvent:
        text = (
            f'{{"specversion":"1.0","id":"{seq}","seq":{seq},"source":{self._source},"type":"{kind.value}",'
            f'"subject":{json.dumps(subject)},"time":"{to_rfc3339(at_us)}",'
            f'"datacontenttype":"application/json","data":{data}}}'
        )
        return FeedEvent(seq, kind, subject, text)
