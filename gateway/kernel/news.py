"""A store that lets others know when something has been committed, so that whoever shows what it holds need not keep looking.

What counts is that rows may have changed: a round that finds nothing to do is no news, though it commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from gateway.kernel.ports import Row, SqlValue, Store, Tx

T = TypeVar("T")


class News:
    """How often something has been committed since the start.

    Attributes:
        seq: the number of the last commit that changed something.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._more = asyncio.Event()

    def tell(self) -> None:
        """Something has been committed."""
        self.seq += 1
        self._more.set()
        self._more = asyncio.Event()

    async def beyond(self, seen: int) -> None:
        """Wait until something was committed after the commit of that number."""
        while self.seq <= seen:
            await self._more.wait()


class TellingStore:
    """The port Store, over another one.

    Attributes:
        news: what was committed through this one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.news = News()

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the job and return once its changes are durable; see the port."""
        noting = _Changes()

        async def noted(tx: Tx) -> T:
            return await job(_NotingTx(tx, noting))

        result = await self._store.write(noted)
        if noting.any:
            self.news.tell()
        return result

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job that only reads; see the port."""
        return await self._store.read(job)


class _Changes:
    def __init__(self) -> None:
        self.any = False


class _NotingTx:
    """The port Tx; what may have changed a row is noted."""

    def __init__(self, tx: Tx, changes: _Changes) -> None:
        self._tx = tx
        self._changes = changes

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        changed = await self._tx.execute(sql, params)
        self._changes.any |= changed > 0
        return changed

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        self._changes.any |= len(rows) > 0
        await self._tx.execute_many(sql, rows)

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        return self._returned(sql, await self._tx.fetch(sql, params))

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        return self._returned(sql, await self._tx.fetch_many(sql, rows))

    async def attempt(self, part: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._tx.attempt(lambda tx: part(_NotingTx(tx, self._changes)))

    def _returned(self, sql: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Note rows that a change returned."""
        self._changes.any |= len(rows) > 0 and not sql.startswith(("SELECT", "WITH"))
        return rows
