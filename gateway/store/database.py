"""A SQLite database as the gateway wants it: settings, health check, migrations, and what its errors mean.

Everything here is synchronous and works on a plain sqlite3 connection, on whatever thread that lives.
"""

import errno
import sqlite3
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final

from gateway.kernel.ports import StoreBroken, StoreFull
from gateway.store.schema import APPLIED, BOOK, StoreRefused, missing

BUSY_TIMEOUT_S: Final = 5.0
ROOM_MIN_BYTES: Final = 1 << 20
"""Where no file can grow by so much, an error that may mean anything is taken for a full disk."""
WAL_KEPT_BYTES: Final = 64 << 20

MIGRATIONS: Final = resources.files("gateway.store") / "migrations"


class StoreBusy(StoreFull):
    """Somebody else holds the file (a backup tool, a shell): nothing was committed, and it may succeed later."""


def open_writer(path: Path | None, migrations: Traversable = MIGRATIONS) -> sqlite3.Connection:
    """Open the connection that writes, bring the schema up to date, and make sure that the file is sound.

    Args:
        path: the database file; None for a database in memory.
        migrations: folder of `NNNN_name.sql`.

    Raises:
        StoreRefused: the database is newer than this program.
        StoreBroken: the file is damaged.
        StoreFull: no room for what the schema needs.
    """
    connection = _connect(":memory:" if path is None else str(path))
    try:
        with Meaning(path):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
            examine(connection, path)
            migrate(connection, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write."""
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_lock(path: Path) -> sqlite3.Connection:
    """Take the database for this process until the connection is closed or the process ends, however it ends.

    A database of its own, locked exclusively: SQLite's file locks work wherever the gateway does.

    Raises:
        StoreRefused: another process has it.
    """
    connection = _connect(str(path), timeout=0)
    try:
        with Meaning(path):
            connection.execute("BEGIN EXCLUSIVE")
    except StoreBusy:
        connection.close()
        raise StoreRefused(
            f"another gateway process uses {path.parent}; stop it first, or choose another data directory"
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, migrations: Traversable) -> None:
    """Apply the migrations that the database lacks: all of them in one transaction, or none.

    Raises:
        StoreRefused: the database has a migration that this program does not know.
    """
    connection.execute(BOOK)
    scripts = missing(migrations, "sqlite", {row[0] for row in connection.execute(APPLIED)})
    if not scripts:
        return
    try:
        connection.executescript(
            "\n".join(("BEGIN IMMEDIATE;", *[script.whole for script in scripts], "COMMIT;"))
        )
    except sqlite3.Error:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """Take back the open transaction, unless SQLite has done so itself."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


class Meaning:
    """In it, an error of SQLite is raised as what it means for the gateway; as itself where it is the statement's own fault.

    Each statement is made within one: so it is no generator, and can be used again.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path | None) -> None:
        """Args: path: the database file; None for a database in memory."""
        self._path = path

    def __enter__(self) -> None:
        """Nothing is needed to begin with."""

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        """Raise what the error means."""
        if isinstance(error, sqlite3.Error) and (kind := _kind(error, self._path)):
            raise kind(f"{error} ({error.sqlite_errorname})") from error


def _kind(error: sqlite3.Error, path: Path | None) -> type[Exception] | None:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFull
        case sqlite3.SQLITE_BUSY:
            return StoreBusy
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR if _no_room(code, path):
            return StoreFull
        case (
            sqlite3.SQLITE_IOERR
            | sqlite3.SQLITE_CORRUPT
            | sqlite3.SQLITE_NOTADB
            | sqlite3.SQLITE_CANTOPEN
            | sqlite3.SQLITE_READONLY
        ):
            return StoreBroken
        case _:
            return None


def examine(connection: sqlite3.Connection, path: Path | None) -> None:
    """Raise StoreBroken if a database is damaged; `path` is what it is called."""
    complaint: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if complaint != "ok":
        raise StoreBroken(f"the database {path} is damaged ({complaint}); restore a backup")


def _no_room(code: int, path: Path | None) -> bool:
    """Tell whether a full disk explains an error. A failed fsync is never explained: what it dropped is gone."""
    if path is None or code in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC):
        return False
    return not _can_grow(path)


def _can_grow(path: Path) -> bool:
    """Try whether a file as long as the database's may be longer: quotas and limits say no where the disk has room."""
    files = (file for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())
    try:
        with TemporaryFile(dir=path.parent, buffering=0) as probe:
            probe.seek(max((file.stat().st_size for file in files), default=0))
            return probe.write(bytes(ROOM_MIN_BYTES)) == ROOM_MIN_BYTES
    except OSError as error:
        return error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _connect(database: str, *, timeout: float = BUSY_TIMEOUT_S, uri: bool = False) -> sqlite3.Connection:
    # The connection moves between threads but is never used by two at a time.
    return sqlite3.connect(database, timeout=timeout, isolation_level=None, check_same_thread=False, uri=uri)
