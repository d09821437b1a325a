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
        self._depth = 0

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

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        """Run one statement for each row; return all the rows that they return."""
        if not rows:
            return []
        held, self._held = self._held, []
        return await self._connection.run(lambda connection: _play_each(connection, held, sql, rows))

    async def attempt(self, part: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a part of the transaction; one that raises takes back its own changes and no other's.

        Raises:
            StoreFull, StoreBroken: the whole transaction is lost.
        """
        if self._depth and self._held:
            await self.send()  # what is held back is not of this part, nor is its error
        # Parts nest: of savepoints with one name, a rollback would find the innermost.
        savepoint = f"part{self._depth}"
        before, opened = list(self._held), Statement(f"SAVEPOINT {savepoint}")
        release = Statement(f"RELEASE {savepoint}")
        self._held.append(opened)
        self._depth += 1
        try:
            result = await part(self)
            await self.send(release)
        except Exception:
            unsent = any(held is opened for held in self._held)
            self._held = before if unsent else [Statement(f"ROLLBACK TO {savepoint}"), release]
            raise
        finally:
            self._depth -= 1
        return result

    async def send(self, *more: Statement) -> tuple[list[Row], int]:
        """Run what is held back, and more; return what the last statement returns."""
        statements, self._held = [*self._held, *more], []
        return await self._connection.run(lambda connection: play(connection, statements))


class Transaction(Statements):
    """A transaction that several jobs share, each of them a part."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, BEGIN)

    async def commit(self) -> None:
        """Make everything durable."""
        await self.send(COMMIT)


def _play_each(
    connection: sqlite3.Connection,
    before: Sequence[Statement],
    sql: str,
    rows: Sequence[Mapping[str, SqlValue]],
) -> list[Row]:
    play(connection, before)
    return [row for params in rows for row in connection.execute(sql, params)]
