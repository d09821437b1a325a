"""The single-writer loop on a real database: nothing is visible before it is durable, nothing half done after a failure."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.contract.events import EventType
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.kernel.books import Books, FeedRow
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import StoreBroken, StoreFull, T, Tx
from gateway.store.inline import InlineStore, open_inline
from gateway.store.sqlite import open_sqlite
from gateway.transport.rows import COUNTERS, Counter

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Count:
    name: str


@dataclass(frozen=True)
class CountThenRefuse:
    name: str


@dataclass(frozen=True)
class CountThenBreak:
    name: str


class Counting:
    """A room that counts what it is asked to count."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.table = books.table(COUNTERS)
        self.settled = 0
        self.unsettled = ""
        """What it counts before it fails to settle."""

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], object]]:
        return {Count: self.count, CountThenRefuse: self.refuse, CountThenBreak: self.fail}

    def settle(self) -> None:
        self.settled += 1
        if self.unsettled:
            self.count(Count(self.unsettled))
            raise ZeroDivisionError

    def count(self, message: Any) -> int:
        row = self.table.get(message.name)
        value = 1 if row is None else row.value + 1
        self.table.put(Counter(name=message.name, value=value))
        self._books.emit(EventType.CONTAINER_LOCATED, message.name, value=value)
        self._books.effect(("counted", message.name))
        return value

    def refuse(self, message: CountThenRefuse) -> None:
        self.count(message)
        raise Refusal(RefusalKind.INVALID, FieldError("name", "unwanted", "no"))

    def fail(self, message: CountThenBreak) -> None:
        self.count(message)
        raise ZeroDivisionError


class Fixed:
    def now_us(self) -> int:
        return 1_790_000_000_000_000


@dataclass
class Watched:
    """A store that can be made slow or full, and counts its commits."""

    store: InlineStore
    full: bool = False
    broken: bool = False
    commits: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        await self.gate.wait()
        if self.full:
            raise StoreFull("disk is full")
        if self.broken:
            raise StoreBroken("disk I/O error")
        self.commits += 1
        return await self.store.write(job)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.store.read(job)


@dataclass
class Rig:
    kernel: Kernel
    room: Counting
    store: Watched
    published: list[FeedRow]
    performed: list[object]


async def unguarded(tx: Tx) -> None:
    return


@asynccontextmanager
async def rig() -> AsyncGenerator[Rig]:
    async with open_inline() as inline:
        books = Books()
        room = Counting(books)
        store = Watched(inline)
        store.gate.set()
        published: list[FeedRow] = []
        performed: list[object] = []
        kernel = Kernel(
            store=store,
            books=books,
            rooms=[room],
            clock=Fixed(),
            guard=unguarded,
            publish=published.extend,
            perform=performed.append,
        )
        running = asyncio.ensure_future(kernel.run())
        try:
            yield Rig(kernel, room, store, published, performed)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_a_reply_events_and_effects_come_only_after_the_commit() -> None:
    async with rig() as r:
        r.store.gate.clear()
        asked = asyncio.ensure_future(r.kernel.ask(Count("a")))
        await asyncio.sleep(0.01)
        assert (asked.done(), r.published, r.performed) == (False, [], [])
        r.store.gate.set()
        assert await asked == 1
        assert [event.seq for event in r.published] == [1]
        assert r.performed == [("counted", "a")]


async def test_messages_that_arrive_during_a_commit_share_the_next_one() -> None:
    async with rig() as r:
        answers = await asyncio.gather(*(r.kernel.ask(Count("a")) for _ in range(100)))
        assert answers == list(range(1, 101))
        assert r.store.commits <= 2
        assert [event.seq for event in r.published] == list(range(1, 101))


async def test_a_refused_message_changes_nothing_and_its_neighbours_are_kept() -> None:
    async with rig() as r:
        answers = await asyncio.gather(
            r.kernel.ask(Count("a")),
            r.kernel.ask(CountThenRefuse("a")),
            r.kernel.ask(CountThenBreak("a")),
            r.kernel.ask(Count("a")),
            return_exceptions=True,
        )
        assert answers[0] == 1
        assert isinstance(answers[1], Refusal)
        assert isinstance(answers[2], ZeroDivisionError)
        assert answers[3] == 2
        assert [event.seq for event in r.published] == [1, 2]


async def test_a_room_that_fails_to_settle_changes_nothing_and_what_was_asked_is_done() -> None:
    async with rig() as r:
        r.room.unsettled = "b"
        assert await r.kernel.ask(Count("a")) == 1
        assert (r.room.settled, [event.subject for event in r.published]) == (1, ["a"])
        assert r.performed == [("counted", "a")]
        assert "b" not in r.room.table
        r.room.unsettled = ""
        assert await r.kernel.ask(Count("b")) == 1


async def test_a_full_disk_leaves_nothing_half_done_and_work_goes_on_once_there_is_room() -> None:
    async with rig() as r:
        await r.kernel.ask(Count("a"))
        r.store.full = True
        with pytest.raises(Refusal) as refused:
            await r.kernel.ask(Count("a"))
        assert refused.value.kind is RefusalKind.OUT_OF_SPACE
        assert await r.kernel.read(lambda: r.room.table["a"].value) == 1
        assert len(r.performed) == 1
        r.store.full = False
        assert await r.kernel.ask(Count("a")) == 2
        assert [event.seq for event in r.published] == [1, 2]


async def test_whoever_asks_a_loop_that_must_stop_is_told_so() -> None:
    """Found by reading: who was being answered got an error of the gateway's, and who waited got no answer at all."""
    async with rig() as r:
        r.store.broken = True
        r.store.gate.clear()
        asking = [asyncio.ensure_future(r.kernel.ask(Count("a")))]
        await asyncio.sleep(0.01)
        asking.append(asyncio.ensure_future(r.kernel.ask(Count("b"))))
        await asyncio.sleep(0.01)
        r.store.gate.set()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*asking, r.kernel.ask(Count("c")), return_exceptions=True)
            late = await asyncio.gather(r.kernel.ask(Count("d")), return_exceptions=True)
    for answer in (*answers, *late):
        assert isinstance(answer, Refusal)
        assert (answer.kind, "disk I/O error" in str(answer)) == (RefusalKind.UNAVAILABLE, True)


async def test_a_reader_never_sees_what_is_not_committed() -> None:
    async with rig() as r:
        await r.kernel.ask(Count("a"))
        r.store.gate.clear()
        asked = asyncio.ensure_future(r.kernel.ask(Count("a")))
        await asyncio.sleep(0.01)
        reading = asyncio.ensure_future(r.kernel.read(lambda: r.room.table["a"].value))
        await asyncio.sleep(0.01)
        assert not reading.done()
        r.store.gate.set()
        assert (await asked, await reading) == (2, 2)


async def test_a_loop_that_is_stopped_while_it_commits_commits_all_or_nothing(tmp_path: Path) -> None:
    """Found by reading: what was not written yet was taken back while another thread was writing it."""
    books, inside, leave = Books(), threading.Event(), threading.Event()

    def hold(statement: str) -> None:
        if statement.startswith("INSERT INTO counters"):
            inside.set()
            leave.wait()

    async with open_sqlite(tmp_path / "gateway.db") as store:
        await store._writer.run(lambda connection: connection.set_trace_callback(hold))
        kernel = Kernel(
            store=store,
            books=books,
            rooms=[Counting(books)],
            clock=Fixed(),
            guard=unguarded,
            publish=lambda _: None,
            perform=lambda _: None,
        )
        running = asyncio.ensure_future(kernel.run())
        asking = asyncio.ensure_future(kernel.ask(Count("a")))
        await asyncio.to_thread(inside.wait)
        for _ in range(2):  # whoever stops a group of tasks may do so more than once
            running.cancel()
            await asyncio.sleep(0.01)
        leave.set()
        await asyncio.gather(running, asking, return_exceptions=True)
        durable = await store.write(  # after whatever the writer still had to do
            lambda tx: tx.fetch("SELECT (SELECT COUNT(*) FROM counters), (SELECT COUNT(*) FROM events)")
        )
    assert durable in ([(0, 0)], [(1, 1)])
