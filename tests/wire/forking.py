"""`gateway run` again and again without waiting for its imports: each life is forked from a process that has made them.

Such a life ends by SIGKILL from outside, or kills itself at a boundary of its commits: at the n-th time that SQLite is about
to write, or has just synced.
"""

import asyncio
import gc
import importlib
import os
import signal
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.disk.vfs import Op, Sync, WatchedVfs
from tests.wire.processes import ROOT, Program

NEVER: Final = 0
_IMPORTS: Final = (
    "gateway.app",
    "gateway.cli.run",
    "gateway.cli.ending",
    "gateway.__main__",
    "uvicorn.protocols.http.h11_impl",
)


class ForkedProgram(Program):
    """A program that starts at once, and can be told when to die.

    Attributes:
        dies_at: the operation of SQLite at which the next life kills itself; NEVER: at none.
    """

    def __init__(self, name: str, *arguments: str, log: Path) -> None:
        super().__init__(name, sys.executable, "-m", "tests.wire.forking", *arguments, log=log)
        self.dies_at = NEVER
        self._pid = 0
        self._end: asyncio.Future[int] | None = None

    async def start(self) -> None:
        """Begin a life."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    cwd=ROOT,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                )
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % self.dies_at)
        self._pid = await self._told()
        self._end = asyncio.ensure_future(self._told())

    async def ended(self) -> int:
        """Wait for the end of this life; return the process's status."""
        assert self._end is not None
        return await asyncio.shield(self._end)

    async def kill(self) -> None:
        """End this life, if it has not ended."""
        if self._end is not None and not self._end.done():
            with suppress(ProcessLookupError):  # it has just ended, and nobody has read so yet
                os.kill(self._pid, signal.SIGKILL)
            await self.ended()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End this life and all that could follow."""
        await self.kill()
        return await super().stop(how)

    async def _told(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


def begin_lives() -> None:
    """Fork a life for every line that comes, after it tell its end."""
    for name in _IMPORTS:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(int(line))
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


def _live(dies_at: int) -> None:
    from gateway.__main__ import main

    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    if dies_at != NEVER:
        WatchedVfs(Killer(dies_at)).register()
    try:
        main()
    finally:
        os._exit(1)


class Killer:
    """Ends the process at the n-th operation on the database: before it, or after it if it is a sync."""

    def __init__(self, dies_at: int) -> None:
        self._left = dies_at

    def __call__(self, op: Op) -> int:
        self._left -= op.path.name.startswith("gateway.db")
        if self._left == 0:
            if isinstance(op, Sync):
                os.fsync(os.open(op.path, os.O_RDONLY))
            os.kill(os.getpid(), signal.SIGKILL)
        return sqlite3.SQLITE_OK


if __name__ == "__main__":
    begin_lives()
