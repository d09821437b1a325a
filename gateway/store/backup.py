"""Consistent copies of databases, while whoever owns them goes on."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.store.database import Meaning, examine, open_reader


def copy_database(source: Path, target: Path) -> None:
    """Write a copy as of one moment; it has its name only once it is sound and on the disk.

    Args:
        source: a database that exists; it may be in use, and its owner is not held up.
        target: a file that does not exist. If the copy fails, there is none; if the process dies, `.part` is left.

    Raises:
        FileExistsError: there is such a file, or a part of one.
        StoreFull: no room for the copy.
        StoreBroken: the source is damaged.
    """
    if target.exists():
        raise FileExistsError(target)
    part = target.with_name(f"{target.name}.part")
    part.touch(mode=0o600, exist_ok=False)
    try:
        with Meaning(part), closing(open_reader(source)) as there, closing(sqlite3.connect(part)) as copy:
            there.backup(
                copy
            )  # all pages at once: one read transaction, so that no commit makes it begin again
            examine(copy, source)
            copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file until it is used
        _sync(part)
    except BaseException:
        part.unlink()
        raise
    part.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
