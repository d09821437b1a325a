"""SQLite without threads: the same jobs run where they are asked for. For the virtual clock and for fast tests.

A job that needs the event loop works here and not on a thread of its own; so it is not given one here either.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import ParamSpec, TypeVar

from gateway.kernel.ports import Tx
from gateway.store.database import MIGRATIONS, Meaning, open_reader, open_writer, roll_back
from gateway.store.transaction import Raised, Returned, Statements, carry_out, share_commit

P = ParamSpec("P")
T = TypeVar("T")


@asynccontextmanager
async def open_inline(
    path: Path | None = None, migrations: Traversable = MIGRATIONS
) -> AsyncGenerator["InlineStore"]:
    """Open a database file, or one in memory, for as long as the context lasts."""
    with closing(open_writer(path, migrations)) as connection:
        yield InlineStore(connection, path)


@asynccontextmanager
async def reading_sqlite(path: Path) -> AsyncGenerator[Tx]:
    """Read a database file that another process may be writing to."""
    with closing(open_reader(path)) as connection:
        yield Statements(connection, path)


class InlineStore:
    """The port Store. No job ever suspends, so none meets another."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None = None) -> None:
        self._connection = connection
        self._path = path

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the job in a transaction of its own; see the port."""
        try:
            with Meaning(self._path):
                (outcome,) = _out_of_the_loop(share_commit, self._connection, self._path, [job])
        except BaseException:
            roll_back(self._connection)
            raise
        match outcome:
            case Returned(result):
                return result
            case Raised(error):
                raise error

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job that only reads."""
        return _out_of_the_loop(carry_out, self._connection, self._path, job)


def _out_of_the_loop(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Work without an event loop, as on a thread of its own."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # noqa: SLF001 - what event loops do to begin and end
    try:
        return work(*args, **kwargs)
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
