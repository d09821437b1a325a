"""A gateway at work on a recorded disk: what it wrote, and at which point of that it had acknowledged what."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from gateway.contract.reports import CommandAccepted, CommandDone
from gateway.kernel.ports import Store
from gateway.store.sqlite import open_sqlite
from gateway.transport.effects import Assign
from tests.disk.power import FailedSync
from tests.disk.vfs import Op, Sync, watched
from tests.unit.api_rig import Rig, gateway_in

CONTAINERS: Final = ("T1", "T2", "T3")
PLACES: Final = ("A-1-L-01", "A-1-L-02", "A-2-L-01", "A-1-R-01", "A-1-R-02", "A-2-R-03")
SOUND_SYNCS: Final = 2
CHECKPOINT_PAGES: Final = 60
"""SQLite moves the log into the database more often than it would: that is when most files are in motion."""


@dataclass
class Recording:
    """What happened.

    Attributes:
        ops: everything that was written to the database's files, in order.
        acknowledged: transport → how many operations had happened when its 202 came.
    """

    ops: list[Op | FailedSync] = field(default_factory=list[Op | FailedSync])
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])

    def watch(self, op: Op) -> int:
        """Write an operation down."""
        if not op.path.name.startswith("gateway.lock"):
            self.ops.append(op)
        return sqlite3.SQLITE_OK


class BadDisk(Recording):
    """Of the syncs of the database file itself, after those of its beginning, every other one fails."""

    _syncs = 0

    def watch(self, op: Op) -> int:
        """Write an operation down, or let it fail."""
        if isinstance(op, Sync) and op.path.suffix == ".db":
            self._syncs += 1
            if self._syncs > SOUND_SYNCS and self._syncs % 2:
                self.ops.append(FailedSync(op.path))
                return sqlite3.SQLITE_IOERR_FSYNC
        return super().watch(op)


async def record(path: Path, rounds: int, recording: Recording, *pragmas: str) -> Recording:
    """Let a gateway do its work on a new database of the production store, and write everything down.

    Args:
        path: the database.
        rounds: how often each container is sent somewhere.
        recording: where it is written down.
        pragmas: settings of SQLite that the store does not have.
    """
    with watched(recording.watch):
        async with open_sqlite(path) as store:
            for pragma in (f"wal_autocheckpoint = {CHECKPOINT_PAGES}", *pragmas):
                await store._writer.run(lambda connection, told=pragma: connection.execute(f"PRAGMA {told}"))
            await _work(store, rounds, recording)
    return recording


async def _work(store: Store, rounds: int, recording: Recording) -> None:
    """Send containers about and carry out what the gateway commands."""
    rng = Random(1)
    async with gateway_in(store) as rig:
        for number in range(rounds):
            taken = {row.location_id for row in rig.tables.containers.values()}
            free = [place for place in PLACES if place not in taken]
            rng.shuffle(free)
            for container, place in zip(CONTAINERS, free, strict=True):
                transport_id = f"{container}-{number}"
                answer = await rig.submit(transport_id, containerId=container, destination=place)
                assert answer.status_code == 202, answer.text
                recording.acknowledged[transport_id] = len(recording.ops)
            await _obey(rig)


async def _obey(rig: Rig) -> None:
    """Carry out every command until there is none left."""
    while rig.effects:
        effect = rig.effects.pop(0)
        if isinstance(effect, Assign):
            await rig.kernel.ask(CommandAccepted(job_id=effect.command.job_id))
            await rig.kernel.ask(CommandDone(job_id=effect.command.job_id))
