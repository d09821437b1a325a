"""One run of the gateway, from its start to its crash, and what a crash leaves of its storage.

A crash is not a shutdown: from that moment nothing that the old run still does, not even while it is cancelled, reaches the world.
Crashes happen at moments of time, and at commit boundaries: before the commit (nothing of it happened) or after it (it is
durable, and nobody has been told).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, Never, TypeVar

from gateway.kernel.ports import StoreFull, Tx
from gateway.store.inline import InlineStore

T = TypeVar("T")

FSYNC_S: Final = (0.0005, 0.008)
OVER: Final = "this run of the gateway is over"


@dataclass
class Disk:
    """What the database of all runs is on.

    Attributes:
        full: share of the commits for which there is no room (0 … 1).
        refused: how many there was no room for.
    """

    full: float = 0.0
    refused: int = 0


class Boundary(StrEnum):
    """Where a commit is cut off."""

    BEFORE = "before"
    AFTER = "after"


class Life:
    """One run of the gateway.

    Attributes:
        open: its gateway has started.
        over: set by the crash.
        left: set when another run is to take its place: because it is over, or only thought to be.
        cut_at: the boundary of the next commit at which it crashes, if it is to.
        drag_s: so much longer takes every commit.
        at_end: what else the crash breaks off, in this order.
    """

    def __init__(self) -> None:
        self.open = False
        self.over = asyncio.Event()
        self.left = asyncio.Event()
        self.cut_at: Boundary | None = None
        self.drag_s = 0.0
        self.at_end: dict[Callable[[], None], None] = {}

    def check(self) -> None:
        """Raise ConnectionError if this run is over."""
        if self.over.is_set():
            raise ConnectionResetError(OVER)

    def end(self) -> None:
        """Crash."""
        self.over.set()
        self.left.set()
        for break_off in self.at_end:
            break_off()

    async def reach(self, boundary: Boundary) -> None:
        """Crash here, if it is to be here."""
        if self.cut_at is boundary:
            self.end()
            await self.hang()

    async def hang(self) -> Never:
        """Wait to be cancelled: a process that is gone does nothing more."""
        await asyncio.Event().wait()
        raise AssertionError


class MortalStore:
    """The port Store: the inline one, with the time that fsync takes, crashes at commit boundaries, and a disk that fills up.

    Args:
        committed: called after every commit.
    """

    def __init__(
        self, store: InlineStore, disk: Disk, life: Life, chance: Random, committed: Callable[[], None]
    ) -> None:
        self._store = store
        self._disk = disk
        self._life = life
        self._chance = chance
        self._committed = committed

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        await asyncio.sleep(self._chance.uniform(*FSYNC_S) + self._life.drag_s)
        self._life.check()
        await self._life.reach(Boundary.BEFORE)
        result = await self._store.write(self._without_room(job) if self._is_full() else job)
        self._committed()
        await self._life.reach(Boundary.AFTER)
        return result

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        self._life.check()
        return await self._store.read(job)

    def _is_full(self) -> bool:
        return self._disk.full > 0 and self._chance.random() < self._disk.full

    def _without_room(self, job: Callable[[Tx], Awaitable[T]]) -> Callable[[Tx], Awaitable[T]]:
        """Return a job that does its work and finds no room at its end, as SQLite does."""

        async def runs_out(tx: Tx) -> T:
            await job(tx)
            self._disk.refused += 1
            raise StoreFull("database or disk is full")

        return runs_out


@asynccontextmanager
async def mortal(
    store: InlineStore, disk: Disk, life: Life, chance: Random, committed: Callable[[], None]
) -> AsyncGenerator[MortalStore]:
    """Open the database for one run; it outlives it."""
    yield MortalStore(store, disk, life, chance, committed)
