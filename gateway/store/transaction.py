"""Jobs carried out where their connection lives, and what they see of their transaction.

A hop to another thread costs more than most statements do. So it is the job that goes there and not its statements, which
it can, as a job awaits nothing but its transaction.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.kernel.ports import Row, SqlValue, StoreBroken, StoreFull, Tx
from gateway.store.database import Meaning, roll_back

T = TypeVar("T")

Job = Callable[[Tx], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a job returned; it holds once the transaction is committed."""

    result: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """A job raised this, and changed nothing."""

    error: Exception


Outcome = Returned | Raised


def share_commit(
    connection: sqlite3.Connection, path: Path | None, jobs: Sequence[Job[Any]]
) -> list[Outcome]:
    """Carry out jobs in one transaction and make it durable; one that raises takes back its own changes and no other's.

    Args:
        connection: of this thread.
        path: the database file; None for a database in memory.
        jobs: what to do, in this order.

    Raises:
        StoreFull, StoreBroken, sqlite3.Error: the whole transaction is lost, and to be rolled back.
    """
    outcomes = attempt_each(connection, path, jobs)
    connection.execute("COMMIT")
    return outcomes


def attempt_each(
    connection: sqlite3.Connection, path: Path | None, jobs: Sequence[Job[Any]]
) -> list[Outcome]:
    """Begin a transaction and carry out jobs in it; see `share_commit`."""
    connection.execute("BEGIN IMMEDIATE")
    statements = Statements(connection, path)
    if len(jobs) == 1:
        return [_attempt_alone(connection, statements, jobs[0])]
    return [_outcome(statements.attempt(job)) for job in jobs]


def carry_out(connection: sqlite3.Connection, path: Path | None, job: Job[T]) -> T:
    """Carry out a job here and now, outside of any transaction."""
    return _at_once(_begun(job, Statements(connection, path)))


class Statements:
    """The port `Tx` on a connection of this thread; nothing of it ever suspends."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self._meaning = Meaning(path)
        self._depth = 0

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        with self._meaning:
            cursor = self._connection.execute(sql, params or {})
            cursor.fetchall()  # what it returns is counted only once it has been read
            return cursor.rowcount

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        """Run one statement for each row."""
        with self._meaning:
            self._connection.executemany(sql, rows)

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        """Return all rows of a query."""
        with self._meaning:
            return self._connection.execute(sql, params or {}).fetchall()

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        """Run one statement for each row; return all the rows that they return."""
        with self._meaning:
            return [row for params in rows for row in self._connection.execute(sql, params)]

    async def attempt(self, part: Job[T]) -> T:
        """Run a part of the transaction; one that raises takes back its own changes and no other's.

        Raises:
            StoreFull, StoreBroken: the whole transaction is lost.
        """
        # Parts nest: of savepoints with one name, a rollback would find the innermost.
        savepoint = f"part{self._depth}"
        await self.execute(f"SAVEPOINT {savepoint}")
        self._depth += 1
        try:
            result = await part(self)
        except (StoreFull, StoreBroken):
            raise
        except BaseException:
            await self.execute(f"ROLLBACK TO {savepoint}")
            await self.execute(f"RELEASE {savepoint}")
            raise
        finally:
            self._depth -= 1
        await self.execute(f"RELEASE {savepoint}")
        return result


def _attempt_alone(connection: sqlite3.Connection, statements: Statements, job: Job[Any]) -> Outcome:
    """Carry out the one job of a transaction; it needs no savepoint, since all of the transaction is its own."""
    outcome = _outcome(_begun(job, statements))
    if isinstance(outcome, Raised):
        roll_back(connection)
        connection.execute("BEGIN IMMEDIATE")
    return outcome


def _outcome(running: Coroutine[Any, Any, Any]) -> Outcome:
    try:
        return Returned(_at_once(running))
    except (StoreFull, StoreBroken):
        raise
    except Exception as error:  # noqa: BLE001 - it belongs to the caller
        return Raised(error)


async def _begun(job: Job[T], tx: Tx) -> T:
    return await job(tx)


def _at_once(running: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends; no event loop takes part.

    Raises:
        RuntimeError: it did.
    """
    try:
        running.send(None)
    except StopIteration as ended:
        return ended.value
    running.close()
    raise RuntimeError("a job awaits nothing but its transaction")
