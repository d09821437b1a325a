"""SQLite on threads of its own (aiosqlite): one connection that writes, a few that read.

Jobs that wait while a commit is under way share the next one, so one hop to the thread and one fsync serve many callers.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

import aiosqlite

from gateway.kernel.ports import StoreBroken, Tx
from gateway.kernel.supervise import to_its_end
from gateway.store.database import MIGRATIONS, Meaning, open_lock, open_reader, open_writer, roll_back
from gateway.store.transaction import Job, Outcome, Raised, Returned, carry_out, share_commit

T = TypeVar("T")

READERS: Final = 3
JOBS_MAX: Final = 128
"""Jobs that share one commit."""
QUEUE_MAX: Final = 10_000


@asynccontextmanager
async def open_sqlite(path: Path, migrations: Traversable = MIGRATIONS) -> AsyncGenerator["SqliteStore"]:
    """Open the database, creating it if need be, for as long as the context lasts.

    If storage breaks, whatever runs inside the context is cancelled and StoreBroken is raised (in a group).

    Args:
        path: the database file.
        migrations: folder of `NNNN_name.sql`.

    Raises:
        StoreRefused: another process uses it, or it is newer than this program.
        StoreBroken: it is damaged.
    """
    with closing(open_lock(path.with_suffix(".lock"))):
        async with AsyncExitStack() as stack:
            connections = [
                ThreadConnection(connector, path)
                for connector in (
                    partial(open_writer, path, migrations),
                    *[partial(open_reader, path)] * READERS,
                )
            ]
            for connection in connections:
                await stack.enter_async_context(connection)
            store = SqliteStore(connections[0], connections[1:])
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(store.run())
                yield store
                await store.close()


class ThreadConnection(aiosqlite.Connection):
    """A connection on its own thread, which can be handed work of several statements at once.

    Attributes:
        path: the database file.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], path: Path) -> None:
        super().__init__(connector, iter_chunk_size=1)
        self.path = path

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the work returns; errors are given their meaning."""
        result: T = await self._execute(self._work, work)  # pyright: ignore[reportUnknownMemberType]
        return result

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with Meaning(self.path):
            return work(self._conn)


@dataclass(frozen=True, slots=True)
class _Asked:
    job: Job[Any]
    reply: asyncio.Future[Any]


class SqliteStore:
    """The port Store."""

    def __init__(self, writer: ThreadConnection, readers: Sequence[ThreadConnection]) -> None:
        self._writer = writer
        self._readers: asyncio.LifoQueue[ThreadConnection] = asyncio.LifoQueue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._asked: asyncio.Queue[_Asked | None] = asyncio.Queue(QUEUE_MAX)
        self._broken: StoreBroken | None = None

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the job and return once its changes are durable; see the port."""
        if self._broken is not None:
            raise self._broken
        asked = _Asked(job, asyncio.get_running_loop().create_future())
        await self._asked.put(asked)
        if self._broken is not None:  # while there was no room in the queue
            raise self._broken
        return await to_its_end(asked.reply)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job that only reads. Each of its statements sees the newest commit."""
        reader = await self._readers.get()
        try:
            return await reader.run(lambda connection: carry_out(connection, reader.path, job))
        finally:
            self._readers.put_nowait(reader)

    async def run(self) -> None:
        """Commit what is asked for until closed.

        Raises:
            StoreBroken: storage cannot be trusted any more; nothing is written again.
        """
        batch: list[_Asked] = []
        try:
            while (first := await self._asked.get()) is not None:
                batch = [first, *self._also_waiting()]
                await self._commit(batch)
        finally:
            self._broken = self._broken or StoreBroken("the database is closed")
            for asked in (*batch, *self._all_waiting()):
                asked.reply.cancel()  # only if nothing has answered it

    async def close(self) -> None:
        """Let the writer end after what has been asked for."""
        await self._asked.put(None)

    def _also_waiting(self) -> Iterator[_Asked]:
        for _ in range(min(self._asked.qsize(), JOBS_MAX - 1)):
            asked = self._asked.get_nowait()
            if asked is None:
                self._asked.put_nowait(None)
                return
            yield asked

    async def _commit(self, batch: Sequence[_Asked]) -> None:
        path, jobs = self._writer.path, [asked.job for asked in batch]
        try:
            outcomes = await self._writer.run(lambda connection: share_commit(connection, path, jobs))
        except Exception as error:  # noqa: BLE001 - it belongs to the callers
            await self._abort(batch, error)
        else:
            for asked, outcome in zip(batch, outcomes, strict=True):
                _answer(asked.reply, outcome)

    async def _abort(self, batch: Sequence[_Asked], error: Exception) -> None:
        try:
            await self._writer.run(roll_back)
        except StoreBroken as worse:
            error = worse
        for asked in batch:
            _answer(asked.reply, Raised(error))
        if isinstance(error, StoreBroken):
            self._broken = error
            for asked in self._all_waiting():
                _answer(asked.reply, Raised(error))
            raise error

    def _all_waiting(self) -> Iterator[_Asked]:
        while not self._asked.empty():
            if (asked := self._asked.get_nowait()) is not None:
                yield asked


def _answer(reply: asyncio.Future[Any], outcome: Outcome) -> None:
    if reply.done():
        return
    match outcome:
        case Returned(result):
            reply.set_result(result)
        case Raised(error):
            reply.set_exception(error)
