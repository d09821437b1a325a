"""One transaction between two statements of another: what PostgreSQL lets happen, at every place where it can."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from gateway.kernel.ports import Row, SqlValue, Store, Tx

T = TypeVar("T")
Job = Callable[[Tx], Awaitable[T]]

BLOCKED_S = 0.1
"""Who has not ended after so long waits for the other."""


class Halting:
    """A store whose next transaction halts before its n-th statement until it is told to go on."""

    def __init__(self, store: Store, before: int) -> None:
        self._store = store
        self._left = before
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, job: Job[T]) -> T:
        return await self._store.write(lambda tx: job(_HaltingTx(tx, self.halt)))

    async def read(self, job: Job[T]) -> T:
        return await self._store.read(job)

    async def halt(self) -> None:
        self._left -= 1
        if not self._left:
            self.reached.set()
            await self.go_on.wait()


class _HaltingTx:
    """The port Tx, halted."""

    def __init__(self, tx: Tx, halt: Callable[[], Awaitable[None]]) -> None:
        self._tx = tx
        self._halt = halt

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        await self._halt()
        return await self._tx.execute(sql, params)

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        await self._halt()
        await self._tx.execute_many(sql, rows)

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        await self._halt()
        return await self._tx.fetch(sql, params)

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        await self._halt()
        return await self._tx.fetch_many(sql, rows)

    async def attempt(self, part: Job[T]) -> T:
        return await self._tx.attempt(lambda tx: part(_HaltingTx(tx, self._halt)))


async def between(
    store: Store,
    before: int,
    outer: Callable[[Store], Awaitable[Any]],
    inner: Callable[[Store], Awaitable[Any]],
) -> tuple[bool, list[Any]]:
    """Let one act happen before the n-th statement of another.

    Args:
        store: both are done in it.
        before: the n-th statement.
        outer: the act that is halted.
        inner: the act that happens meanwhile, or waits for the other.

    Returns:
        Whether the outer one has so many statements, and what both returned or raised.
    """
    halting = Halting(store, before)
    first = asyncio.ensure_future(outer(halting))
    reached = asyncio.ensure_future(halting.reached.wait())
    await asyncio.wait([first, reached], return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    second = asyncio.ensure_future(inner(store))
    await asyncio.wait([second], timeout=BLOCKED_S)
    halting.go_on.set()
    outcomes = [*await asyncio.gather(first, second, return_exceptions=True)]
    return halting.reached.is_set(), outcomes
