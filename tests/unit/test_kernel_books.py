"""The books: whatever was taken back has never been, and what a run has committed the next one loads."""

import pytest

from gateway.contract.events import EventType
from gateway.kernel.books import Books
from gateway.store.inline import open_inline
from gateway.transport.rows import COUNTERS, Counter

pytestmark = pytest.mark.unit


def test_what_is_taken_back_has_never_been_changed_told_asked_for_or_forgotten() -> None:
    books = Books()
    table = books.table(COUNTERS)
    seen: list[tuple[Counter | None, Counter | None]] = []
    table.put(Counter(name="kept", value=1))
    table.put(Counter(name="removed", value=1))
    books.emit(EventType.CONTAINER_LOCATED, "before")
    books.effect("before")
    table.watch(lambda old, new: seen.append((old, new)))

    mark = books.mark()
    table.put(Counter(name="kept", value=2))
    table.put(Counter(name="kept", value=3))
    table.put(Counter(name="new", value=1))
    table.remove("removed")
    table.forget("kept")
    books.emit(EventType.CONTAINER_LOCATED, "after")
    books.effect("after")
    books.rollback(mark)

    events, effects = books.committed()
    assert [(event.seq, event.subject) for event in events] == [(1, "before")]
    assert effects == ["before"]
    assert {row.name: row.value for row in table.values()} == {"kept": 1, "removed": 1}
    assert books.last_seq == 1
    assert len(seen) == 8, "indexes follow every change, and every change that is taken back"


async def test_the_next_run_loads_what_this_one_has_committed() -> None:
    async with open_inline() as store:
        books = Books()
        table = books.table(COUNTERS)
        for name, value in (("kept", 1), ("forgotten", 2), ("removed", 3)):
            table.put(Counter(name=name, value=value))
        books.emit(EventType.CONTAINER_LOCATED, "T1")
        table.forget("forgotten")
        await store.write(books.persist)
        books.committed()
        assert "forgotten" not in table
        table.remove("removed")
        await store.write(books.persist)
        books.committed()

        following = Books()
        loaded = following.table(COUNTERS)
        await store.read(following.load)
        assert {row.name: row.value for row in loaded.values()} == {"kept": 1, "forgotten": 2}
        assert (following.last_seq, following.changed) == (1, False)
