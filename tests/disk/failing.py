"""The command line on a disk whose syncs fail: `python -m tests.disk.failing run …`.

A sync fails as long as the file that $FAILING_SYNCS names holds the end of the synced file's name.
"""

import os
import sqlite3
from pathlib import Path

from gateway.__main__ import main
from tests.disk.vfs import Op, Sync, WatchedVfs


def fail(op: Op) -> int:
    asked = Path(os.environ["FAILING_SYNCS"])
    if isinstance(op, Sync) and asked.exists() and op.path.name.endswith(asked.read_text()):
        return sqlite3.SQLITE_IOERR_FSYNC
    return sqlite3.SQLITE_OK


if __name__ == "__main__":
    vfs = WatchedVfs(fail)
    vfs.register()
    main()
