"""Jobs of the store: what shares a commit, what is taken back, and what a full or broken disk does."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.kernel.ports import Store, StoreBroken, StoreFull, Tx
from gateway.store.database import open_writer
from gateway.store.inline import open_inline
from gateway.store.sqlite import QUEUE_MAX, SqliteStore, ThreadConnection, open_sqlite

pytestmark = pytest.mark.unit

T = TypeVar("T")

PUT = "INSERT INTO counters (key, doc) VALUES (:key, :doc)"


@pytest.fixture(params=["threads", "inline", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = {
        "threads": lambda: open_sqlite(tmp_path / "gateway.db"),
        "inline": lambda: open_inline(tmp_path / "gateway.db"),
        "memory": open_inline,
    }
    async with opened[request.param]() as store:
        yield store


def put(*keys: str, fail: Exception | None = None) -> Callable[[Tx], Awaitable[str]]:
    async def job(tx: Tx) -> str:
        for key in keys:
            await tx.execute(PUT, {"key": key, "doc": "{}"})
        if fail is not None:
            raise fail
        return keys[-1]

    return job


async def keys(store: Store) -> list[str]:
    async def job(tx: Tx) -> list[str]:
        return [row[0] for row in await tx.fetch("SELECT key FROM counters ORDER BY key")]

    return await store.read(job)


async def test_a_job_returns_its_result_once_its_rows_can_be_read(store: Store) -> None:
    assert await store.write(put("a", "b")) == "b"
    assert await keys(store) == ["a", "b"]


async def test_a_job_that_raises_takes_back_its_own_rows_and_no_others(store: Store) -> None:
    answers = await asyncio.gather(
        store.write(put("a")),
        store.write(put("b", fail=ValueError("no"))),
        store.write(put("c")),
        return_exceptions=True,
    )
    assert answers[0] == "a"
    assert isinstance(answers[1], ValueError)
    assert answers[2] == "c"
    assert await keys(store) == ["a", "c"]


async def test_a_job_that_raises_before_its_first_statement_disturbs_nobody(store: Store) -> None:
    async def raises(_: Tx) -> None:
        raise ValueError("at once")

    answers = await asyncio.gather(store.write(raises), store.write(put("a")), return_exceptions=True)
    assert isinstance(answers[0], ValueError)
    assert await keys(store) == ["a"]


async def test_the_error_of_one_of_many_rows_belongs_to_its_own_job(store: Store) -> None:
    async def twice(tx: Tx) -> None:
        await tx.execute_many(PUT, [{"key": "x", "doc": "{}"}, {"key": "x", "doc": "{}"}])

    answers = await asyncio.gather(
        store.write(put("a")), store.write(twice), store.write(put("c")), return_exceptions=True
    )
    assert isinstance(answers[1], sqlite3.IntegrityError)
    assert await keys(store) == ["a", "c"]


async def test_rows_that_were_written_are_seen_by_the_jobs_own_query(store: Store) -> None:
    async def job(tx: Tx) -> int:
        await tx.execute_many(PUT, [{"key": str(n), "doc": "{}"} for n in range(10)])
        return (await tx.fetch("SELECT COUNT(*) FROM counters"))[0][0]

    assert await store.write(job) == 10


async def test_execute_tells_how_many_rows_it_changed(store: Store) -> None:
    await store.write(put("a", "b"))

    async def job(tx: Tx) -> int:
        return await tx.execute("DELETE FROM counters")

    assert await store.write(job) == 2


async def test_rows_that_statements_return_come_in_the_order_of_their_parameters(store: Store) -> None:
    await store.write(put("a", "b", "c"))

    async def job(tx: Tx) -> list[str]:
        rows = [{"key": key} for key in ("c", "missing", "a")]
        return [
            row[0] for row in await tx.fetch_many("DELETE FROM counters WHERE key = :key RETURNING key", rows)
        ]

    assert await store.write(job) == ["c", "a"]
    assert await keys(store) == ["b"]


@pytest.mark.parametrize("first", [(), ("first",)], ids=["at once", "after others"])
async def test_a_part_that_raises_takes_back_its_own_rows_and_the_job_goes_on(
    store: Store, first: tuple[str, ...]
) -> None:
    async def within(tx: Tx) -> None:
        await put("b")(tx)
        with pytest.raises(ValueError, match="inner"):
            await tx.attempt(put("c", fail=ValueError("inner")))
        await tx.attempt(put("d"))

    async def job(tx: Tx) -> None:
        await tx.execute_many(PUT, [{"key": key, "doc": "{}"} for key in first])
        await tx.attempt(within)
        with pytest.raises(ValueError, match="outer"):
            await tx.attempt(put("e", fail=ValueError("outer")))
        await put("f")(tx)

    await store.write(job)
    assert await keys(store) == ["b", "d", "f", *first]


async def test_the_error_of_one_of_many_rows_belongs_to_its_own_part(store: Store) -> None:
    async def twice(tx: Tx) -> None:
        await tx.execute_many(PUT, [{"key": "x", "doc": "{}"}, {"key": "x", "doc": "{}"}])

    async def job(tx: Tx) -> None:
        await tx.attempt(put("a"))
        with pytest.raises(sqlite3.IntegrityError):
            await tx.attempt(twice)
        await tx.attempt(put("b"))

    await store.write(job)
    assert await keys(store) == ["a", "b"]


async def limit_pages(store: Store, extra: int) -> None:
    """Let the database grow by no more than `extra` pages: SQLite then says what it says on a full disk."""

    async def job(tx: Tx) -> None:
        pages = (await tx.fetch("PRAGMA page_count"))[0][0]
        await tx.execute(f"PRAGMA max_page_count = {pages + extra}")

    await store.write(job)


async def test_a_full_disk_refuses_and_the_store_goes_on_once_there_is_room(store: Store) -> None:
    async def large(tx: Tx) -> None:
        await tx.execute(PUT, {"key": "large", "doc": "x" * 1_000_000})

    await store.write(put("before"))
    await limit_pages(store, 1)
    with pytest.raises(StoreFull, match="full"):
        await store.write(large)
    assert await keys(store) == ["before"]

    await limit_pages(store, 1_000_000)
    await store.write(large)
    assert await keys(store) == ["before", "large"]


class BreakingConnection(ThreadConnection):
    """A disk whose next sync fails, as SQLite would tell it."""

    failing = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await super().run(self._fail if self.failing else work)

    @staticmethod
    def _fail(_: sqlite3.Connection) -> Any:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise error


async def test_a_failed_sync_stops_the_store_for_good(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with BreakingConnection(partial(open_writer, path), path) as writer:
        assert isinstance(writer, BreakingConnection)
        store = SqliteStore(writer, [writer])
        stopped = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(store.run())
                await store.write(put("a"))
                writer.failing = True
                with pytest.raises(StoreBroken):
                    await store.write(put("b"))
                writer.failing = False
                with pytest.raises(StoreBroken):
                    await store.write(put("c"))
        except* StoreBroken as group:
            stopped = group
        assert stopped is not None
    async with open_sqlite(path) as again:
        assert await keys(again) == ["a"]


async def test_whoever_waits_while_the_storage_breaks_is_told_so_too(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    callers = [str(number) for number in range(2 * QUEUE_MAX)]
    async with BreakingConnection(partial(open_writer, path), path) as writer:
        assert isinstance(writer, BreakingConnection)
        store = SqliteStore(writer, [writer])
        writer.failing = True
        asking = [asyncio.ensure_future(store.write(put(caller))) for caller in callers]
        with pytest.raises(StoreBroken):
            await store.run()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreBroken}


async def test_whoever_waits_while_the_store_is_stopped_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with ThreadConnection(partial(open_writer, path), path) as writer:
        assert isinstance(writer, ThreadConnection)
        inside, leave = threading.Event(), threading.Event()

        async def slow(_: Tx) -> None:
            inside.set()
            leave.wait()

        store = SqliteStore(writer, [writer])
        running = asyncio.ensure_future(store.run())
        asking: list[asyncio.Future[Any]] = [asyncio.ensure_future(store.write(slow))]
        await asyncio.to_thread(inside.wait)
        asking.append(asyncio.ensure_future(store.write(put("a"))))
        await asyncio.sleep(0)
        running.cancel()
        leave.set()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(running, *asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {asyncio.CancelledError}


async def test_many_callers_share_few_commits(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "gateway.db") as store:
        commits = 0

        def count(statement: str) -> None:
            nonlocal commits
            commits += statement == "COMMIT"

        await store._writer.run(lambda connection: connection.set_trace_callback(count))
        await asyncio.gather(*(store.write(put(f"k{n}")) for n in range(500)))
        assert len(await keys(store)) == 500
        assert commits <= 10


async def test_a_caller_that_goes_away_disturbs_nobody(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "gateway.db") as store, asyncio.TaskGroup() as tasks:
        leaver = tasks.create_task(store.write(put("a")))
        stayer = tasks.create_task(store.write(put("b")))
        await asyncio.sleep(0)
        leaver.cancel()
        assert await stayer == "b"


async def test_readers_go_on_while_a_write_is_under_way(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "gateway.db") as store, asyncio.TaskGroup() as tasks:
        inside, leave = threading.Event(), threading.Event()

        async def slow(tx: Tx) -> None:
            await tx.execute(PUT, {"key": "slow", "doc": "{}"})
            inside.set()
            leave.wait()

        writing = tasks.create_task(store.write(slow))
        await asyncio.to_thread(inside.wait)
        assert await keys(store) == []
        leave.set()
        await writing
        assert await keys(store) == ["slow"]


async def test_a_job_that_awaits_anything_but_its_transaction_is_refused_and_changes_nothing(
    store: Store,
) -> None:
    async def waits(tx: Tx) -> None:
        await put("waiting")(tx)
        await asyncio.sleep(0)

    answers = await asyncio.gather(
        store.write(put("a")), store.write(waits), store.write(put("c")), return_exceptions=True
    )
    assert isinstance(answers[1], RuntimeError)
    with pytest.raises(RuntimeError, match="awaits nothing but its transaction"):
        await store.read(lambda _: asyncio.sleep(0))
    assert await keys(store) == ["a", "c"]


async def test_no_job_has_an_event_loop_wherever_it_runs(store: Store) -> None:
    """A clock that asks the loop for its time stopped all messages to upstream, and no test on the inline store saw it."""

    async def asks(_: Tx) -> float:
        return asyncio.get_running_loop().time()

    for act in (store.read, store.write):
        with pytest.raises(RuntimeError, match="no running event loop"):
            await act(asks)
    assert asyncio.get_running_loop().time() > 0


async def test_a_reading_job_cannot_write(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "gateway.db") as store:
        with pytest.raises((sqlite3.OperationalError, StoreBroken)):
            await store.read(put("a"))
        assert await keys(store) == []
