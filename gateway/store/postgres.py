"""The port Store on PostgreSQL: each job is a transaction of a pooled connection, and jobs run side by side.

READ COMMITTED is enough for who changes balances by conditional updates; where jobs lock each other out all the same,
the server ends one of them, and it is run again here. One process owns a database: it holds an advisory lock on a
connection of its own, and stops when it loses that connection, as another process may have the lock then.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources.abc import Traversable
from typing import Any, Final, Protocol, TypeVar, cast

import asyncpg

from gateway.kernel.ports import Row, SqlValue, StoreBroken, StoreFull, Tx
from gateway.store.database import StoreBusy
from gateway.store.schema import APPLIED, BOOK, StoreRefused, missing

T = TypeVar("T")

CONNECTIONS: Final = 8
TRIES_MAX: Final = 8
"""Times that a job is run whose transaction the server ended because of others."""
PAUSE_S: Final = 0.005
"""Before the second try; doubles with each further one."""
HEARTBEAT_S: Final = 5.0
LOCK_KEY: Final = 7_235_419_880_314_264_417
LOST: Final = "the connection to the database is lost"
NO_ADDRESS: Final = (
    "what is given is no address of a database: write postgresql://user:password@host:port/name,"
    " and %2F for / in a password, %3F for ?, %40 for @"
)
SETTINGS: Final = {
    "application_name": "gateway",
    "synchronous_commit": "on",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}

_MEANINGS: Final[Mapping[str, type[Exception]]] = {
    "53100": StoreFull,  # disk_full
    "53": StoreBusy,  # other insufficient resources
    "55P03": StoreBusy,  # lock_not_available
    "08": StoreBroken,  # connection_exception
    "57": StoreBroken,  # operator_intervention: shut down, crashed
    "58": StoreBroken,  # system_error: I/O
    "XX": StoreBroken,  # internal_error: corrupted
}
"""What an error is for the gateway, by its code or its class; any other is the statement's own fault."""


class _Connection(Protocol):
    """What is used of asyncpg's connections; it does not publish their types."""

    def is_closed(self) -> bool: ...
    async def close(self) -> None: ...
    async def execute(self, query: str, *args: SqlValue) -> str: ...
    async def executemany(self, command: str, args: Sequence[Sequence[SqlValue]]) -> None: ...
    async def fetch(self, query: str, *args: SqlValue) -> Sequence[Sequence[Any]]: ...
    async def fetchmany(self, query: str, args: Sequence[Sequence[SqlValue]]) -> Sequence[Sequence[Any]]: ...


class _Pool(Protocol):
    def acquire(self) -> AbstractAsyncContextManager[_Connection]: ...


_connect: Final = cast("Callable[..., Awaitable[_Connection]]", asyncpg.connect)  # pyright: ignore[reportUnknownMemberType]
_create_pool: Final = cast("Callable[..., AbstractAsyncContextManager[_Pool]]", asyncpg.create_pool)  # pyright: ignore[reportUnknownMemberType]


@asynccontextmanager
async def open_postgres(
    url: str, migrations: Traversable, connections: int = CONNECTIONS
) -> AsyncGenerator["PostgresStore"]:
    """Open a database for as long as the context lasts; it must exist, its tables need not.

    If the database cannot be reached any more, whatever runs inside the context is cancelled and StoreBroken is raised
    (in a group).

    Args:
        url: `postgresql://user:password@host:port/database`.
        migrations: folder of `NNNN_name.sql`.
        connections: jobs that run at the same time.

    Raises:
        StoreRefused: the database cannot be reached, another process uses it, or it is newer than this program.
    """
    async with _owner(url) as owner:
        await _migrate(owner, migrations)
        async with _pool(url, connections) as pool, asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(owner))
            yield PostgresStore(owner, pool)
            watch.cancel()


@asynccontextmanager
async def reading_postgres(url: str) -> AsyncGenerator[Tx]:
    """Read a database that another process may be writing to: all of it as it is at one moment.

    Raises:
        StoreRefused: it cannot be reached.
    """
    connection = await _reached(url)
    try:
        with _meaning():
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield Statements(connection)
    finally:
        await connection.close()


class PostgresStore:
    """The port Store."""

    def __init__(self, owner: _Connection, pool: _Pool) -> None:
        """Args: owner: holds the lock of the database."""
        self._owner = owner
        self._pool = pool

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the job in a transaction of its own, again if others got in its way; see the port."""
        tries = 0
        while True:
            tries += 1
            try:
                return await self._commit(job)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                if tries == TRIES_MAX:
                    raise StoreBusy(f"others were in the way {tries} times: {error}") from error
            await asyncio.sleep(PAUSE_S * 2**tries)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job that only reads. Each of its statements sees the newest commit."""
        with _meaning():
            async with _transaction(self._pool, "BEGIN READ ONLY") as connection:
                result = await job(Statements(connection))
                await connection.execute("COMMIT")
                return result

    async def _commit(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        with _meaning():
            async with _transaction(self._pool, "BEGIN") as connection:
                result = await job(Statements(connection))
                if self._owner.is_closed():
                    raise StoreBroken(LOST)
                # A job that went on after an error outside of an attempt has nothing that could be committed.
                if await connection.execute("COMMIT") != "COMMIT":
                    raise RuntimeError("a statement of the job failed, and the job went on as if it had not")
                return result


class Statements:
    """The port `Tx` on a connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        statement = translate(sql)
        status = await self._connection.execute(statement.text, *statement.arguments(params or {}))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        """Run one statement for each row."""
        statement = translate(sql)
        await self._connection.executemany(statement.text, [statement.arguments(row) for row in rows])

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        """Return all rows of a query."""
        statement = translate(sql)
        rows = await self._connection.fetch(statement.text, *statement.arguments(params or {}))
        return [tuple(row) for row in rows]

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        """Run one statement for each row; return all the rows that they return."""
        if not rows:
            return []
        statement = translate(sql)
        returned = await self._connection.fetchmany(
            statement.text, [statement.arguments(row) for row in rows]
        )
        return [tuple(row) for row in returned]

    async def attempt(self, part: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a part of the transaction; one that raises takes back its own changes and no other's."""
        await self._connection.execute("SAVEPOINT part")
        try:
            result = await part(self)
        except Exception:
            await self._connection.execute("ROLLBACK TO part; RELEASE part")
            raise
        await self._connection.execute("RELEASE part")
        return result


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement as PostgreSQL wants it.

    Attributes:
        text: with $1, $2, …
        names: which parameter each of them is.
    """

    text: str
    names: tuple[str, ...]

    def arguments(self, params: Mapping[str, SqlValue]) -> list[SqlValue]:
        """Return the parameters in the order of the text."""
        return [params[name] for name in self.names]


_TOKENS: Final = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|::|:([a-z_][a-z0-9_]*)", re.IGNORECASE)


@lru_cache(maxsize=1024)
def translate(sql: str) -> Translated:
    """Return a statement with numbered parameters instead of named ones."""
    numbers: dict[str, int] = {}

    def numbered(token: re.Match[str]) -> str:
        name = token.group(1)
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else token.group()

    text = _TOKENS.sub(numbered, sql)
    return Translated(text, tuple(numbers))


async def _reached(url: str) -> _Connection:
    try:
        return await _connect(url, server_settings=SETTINGS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = str(error) or "it does not answer"
        raise StoreRefused(f"the database cannot be reached: {why}") from error
    except (ValueError, OverflowError):
        # They repeat what they take for a port, such as half a password.
        raise StoreRefused(NO_ADDRESS) from None


@asynccontextmanager
async def _owner(url: str) -> AsyncGenerator[_Connection]:
    """Connect and take the database for this process."""
    owner = await _reached(url)
    try:
        if not (await owner.fetch("SELECT pg_try_advisory_lock($1)", LOCK_KEY))[0][0]:
            raise StoreRefused(
                "another gateway process uses this database; stop it first, or choose another one"
            )
        yield owner
    finally:
        await owner.close()


@asynccontextmanager
async def _pool(url: str, connections: int) -> AsyncGenerator[_Pool]:
    opened = _create_pool(
        url, min_size=connections, max_size=connections, server_settings=SETTINGS, reset=_as_it_is
    )
    async with opened as pool:
        yield pool


async def _as_it_is(_: _Connection) -> None:
    """Leave a connection to the next job: a transaction leaves nothing behind in it."""


@asynccontextmanager
async def _transaction(pool: _Pool, begin: str) -> AsyncGenerator[_Connection]:
    """Begin a transaction, which the context ends by a commit; if it raises, everything is taken back."""
    async with pool.acquire() as connection:
        try:
            await connection.execute(begin)
            yield connection
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise


async def _migrate(owner: _Connection, migrations: Traversable) -> None:
    with _meaning():
        await owner.execute(BOOK)
        scripts = missing(migrations, "postgres", {row[0] for row in await owner.fetch(APPLIED)})
        await owner.execute("\n".join(("BEGIN;", *[script.whole for script in scripts], "COMMIT;")))


async def _watch(owner: _Connection) -> None:
    """Find out within seconds that the lock may be another's."""
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        with _meaning():
            await owner.execute("SELECT 1")


@contextmanager
def _meaning() -> Generator[None]:
    """Raise what an error of the server or of the way to it means; the error itself where it is the statement's own fault."""
    try:
        yield
    except asyncpg.PostgresError as error:
        code: str = getattr(error, "sqlstate", None) or ""
        kind = _MEANINGS.get(code) or _MEANINGS.get(code[:2])
        if kind is None:
            raise
        raise kind(f"{error} ({code})") from error
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, ValueError):  # a parameter of the wrong type
            raise
        raise StoreBroken(f"{LOST}: {error}") from error
