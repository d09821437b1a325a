"""SQLite without threads: the same jobs run where they are asked for. For the virtual clock and for fast tests.

A job that needs the event loop works here and not on a thread of its own; so it is not given one here either.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from gateway.kernel.ports import Tx
from gateway.store.database import MIGRATIONS, meaning, open_reader, open_writer, roll_back
from gateway.store.transaction import Raised, Returned, Statements, carry_out, share_commit

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
            with meaning(self._path), _out_of_the_loop():
                (outcome,) = share_commit(self._connection, self._path, [job])
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
        with _out_of_the_loop():
            return carry_out(self._connection, self._path, job)


@contextmanager
def _out_of_the_loop() -> Generator[None]:
    """Have no event loop in here, as on a thread of its own."""
    loop = asyncio.get_running_loop()
    asyncio._set_running_loop(None)  # noqa: SLF001 - what event loops do to begin and end
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)  # noqa: SLF001
