"""What a job sees of its transaction, over a connection that may live on another thread.

A hop to that thread costs more than most statements do. So statements whose answer nobody waits for are held back and
travel with the next one that is waited for.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.store.database import Statement, play

T = TypeVar("T")

BEGIN: Final = Statement("BEGIN IMMEDIATE")
SAVEPOINT: Final = Statement("SAVEPOINT job")
RELEASE: Final = Statement("RELEASE job")
ROLLBACK_TO: Final = Statement("ROLLBACK TO job")
COMMIT: Final = Statement("COMMIT")


class Connection(Protocol):
    """Runs work on a database connection, wherever that lives; errors are already given their meaning."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the work returns."""
        ...


class Statements:
    """The port `Tx` on a connection."""

    def __init__(self, connection: Connection, *held: Statement) -> None:
        self._connection = connection
        self._held = list(held)

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        self._held.append(Statement(sql, params or {}))
        return (await self.send())[1]

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        """Run one statement for each row; its error may come with the next statement, at the latest at the job's end."""
        if rows:
            self._held.append(Statement(sql, rows))

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        """Return all rows of a query."""
        self._held.append(Statement(sql, params or {}))
        return (await self.send())[0]

    async def send(self, *more: Statement) -> tuple[list[Row], int]:
        """Run what is held back, and more; return what the last statement returns."""
        statements, self._held = [*self._held, *more], []
        return await self._connection.run(lambda connection: play(connection, statements))


class Transaction(Statements):
    """A transaction that several jobs share, each in a savepoint of its own."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, BEGIN)

    async def attempt(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job; one that raises takes back its own changes and no other's.

        Raises:
            StoreFull, StoreBroken: the whole transaction is lost.
        """
        before = list(self._held)
        self._held.append(SAVEPOINT)
        try:
            result = await job(self)
            await self.send(RELEASE)
        except Exception:
            self._held = before if SAVEPOINT in self._held else [ROLLBACK_TO, RELEASE]
            raise
        return result

    async def commit(self) -> None:
        """Make everything durable."""
        await self.send(COMMIT)
