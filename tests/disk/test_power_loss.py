"""The power goes at any moment: the database is sound, and is what it was after some commit, no older than what was acknowledged.

The disk of the production store is recorded while a gateway works; at each of thousands of moments the files are made anew as
a disk may have kept them, and opened as at a start. Three broken stores show that the harness would tell.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.kernel.ports import StoreBroken
from gateway.store.database import open_writer
from gateway.store.sqlite import SqliteStore, _answer
from gateway.store.transaction import attempt_each
from tests.disk.power import Disk, FailedSync
from tests.disk.recording import BadDisk, Recording, record
from tests.disk.vfs import Op, Write

pytestmark = [pytest.mark.fault, pytest.mark.timeout(0)]

CUTS = int(os.environ.get("CUTS", "2000"))
SEED = int(os.environ.get("SEED", "1"))
ROUNDS = 15
"""How often the recorded gateway sends each of three containers somewhere."""
FEW = 4


class HalfThere(Exception):  # noqa: N818 - names the condition
    """The database holds a part of a commit."""


@dataclass
class Verdict:
    """What came of many power cuts: databases that cannot be used, that hold half a commit, that lack what was acknowledged."""

    cuts: int = 0
    damaged: int = 0
    half: int = 0
    lost: int = 0


@dataclass
class States:
    """All states that the database has had, told apart by everything that is in them.

    Attributes:
        numbers: state → the how many-th it was.
        at: the number of the newest state once so many operations had happened.
    """

    numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])
    at: list[int] = field(default_factory=list[int])


def states_of(recording: Recording, folder: Path) -> States:
    """Look at the database after every commit."""
    disk, states, committing = Disk(), States(at=[0]), False
    for op in recording.ops:
        disk.do(op)
        if committing and isinstance(op, Write):
            state = look(disk.whole(), folder)[0]
            states.numbers.setdefault(state, len(states.numbers) + 1)
        committing = is_head_of_commit(op)
        states.at.append(len(states.numbers))
    return states


def is_head_of_commit(op: Op | FailedSync) -> bool:
    """Tell a frame's header in the log, whose second word is 0 unless the frame, which is written next, ends a commit."""
    return isinstance(op, Write) and op.path.suffix == ".db-wal" and len(op.data) == 24 and any(op.data[4:8])


def cut(recording: Recording, cuts: int, folder: Path) -> Verdict:
    """Cut the power at many moments and judge what is found after each."""
    states, verdict = states_of(recording, folder), Verdict()
    rng = Random(SEED)
    moments = sorted(rng.randint(1, len(recording.ops)) for _ in range(cuts))
    for moment, disk in disks_at(recording, moments):
        verdict.cuts += 1
        try:
            state, transports = look(disk.cut(rng), folder)
        except (StoreBroken, sqlite3.DatabaseError):
            verdict.damaged += 1
            continue
        except HalfThere:
            verdict.half += 1
            continue
        acknowledged = {each: at for each, at in recording.acknowledged.items() if at <= moment}
        oldest = max((states.at[at] for at in acknowledged.values()), default=0)
        if state not in states.numbers:
            verdict.half += 1
        elif states.numbers[state] < oldest or not acknowledged.keys() <= transports:
            verdict.lost += 1
    print(f"seed {SEED}: {len(recording.ops)} operations, {len(states.numbers)} states, {verdict}")
    return verdict


def disks_at(recording: Recording, moments: list[int]) -> Iterator[tuple[int, Disk]]:
    disk, done = Disk(), 0
    for moment in moments:
        for op in recording.ops[done:moment]:
            disk.do(op)
        done = moment
        yield moment, disk


def look(images: dict[Path, bytes], folder: Path) -> tuple[bytes, set[str]]:
    """Start on these files as the gateway does.

    Returns:
        All that is in the database as a digest, and the transports that it knows of, with their events.

    Raises:
        StoreBroken, sqlite3.DatabaseError: it is damaged.
        HalfThere: the feed has gaps, or rows and events do not agree.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path, image in images.items():
        (folder / path.name).write_bytes(image)
    with closing(open_writer(folder / "gateway.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # only closing writes now, and nobody looks after that
        if (complaint := connection.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
            raise StoreBroken(complaint)
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        digest = blake2b()
        for table in tables:
            digest.update(repr(connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()).encode())
        return digest.digest(), agreed(connection)


def agreed(connection: sqlite3.Connection) -> set[str]:
    """Make sure that no transport is there by half; return all of them."""
    seqs = [row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq")]
    if seqs != list(range(1, len(seqs) + 1)):
        raise HalfThere("the feed has gaps")
    told: dict[str, set[str]] = {}
    for transport_id, kind in connection.execute(
        "SELECT transport_id, type FROM events WHERE subject = transport_id"
    ):
        told.setdefault(transport_id, set()).add(kind)
    statuses: dict[str, str] = dict(connection.execute("SELECT key, status FROM transports").fetchall())
    for transport_id in statuses.keys() | told.keys():
        kinds = told.get(transport_id, set[str]())
        ended = statuses.get(transport_id) == "completed"
        if "transport.accepted" not in kinds or ("transport.completed" in kinds) != ended:
            raise HalfThere(f"{transport_id} is {statuses.get(transport_id)}, its events are {kinds}")
    return set(statuses)


def recorded(folder: Path, rounds: int, recording: Recording, *pragmas: str) -> Recording:
    folder.mkdir()
    return asyncio.run(record(folder / "gateway.db", rounds, recording, *pragmas))


def test_what_was_acknowledged_survives_every_power_cut(tmp_path: Path) -> None:
    verdict = cut(recorded(tmp_path / "recorded", ROUNDS, Recording()), CUTS, tmp_path / "found")
    assert verdict == Verdict(cuts=CUTS)


def test_a_failed_sync_of_the_database_file_loses_nothing(tmp_path: Path) -> None:
    """SQLite keeps the error of a checkpoint to itself; the log has all of it until a later one writes it again and is synced."""
    recording = recorded(tmp_path / "recorded", FEW, BadDisk())
    assert sum(isinstance(op, FailedSync) for op in recording.ops) > 3
    assert cut(recording, CUTS // 4, tmp_path / "found") == Verdict(cuts=CUTS // 4)


@pytest.mark.parametrize(
    ("pragma", "lost", "damaged"), [("synchronous = NORMAL", True, False), ("synchronous = OFF", True, True)]
)
def test_a_store_that_syncs_less_is_found_out(tmp_path: Path, pragma: str, lost: bool, damaged: bool) -> None:
    verdict = cut(recorded(tmp_path / "recorded", FEW, Recording(), pragma), CUTS // 10, tmp_path / "found")
    assert bool(verdict.lost) is lost
    assert bool(verdict.damaged) is damaged


class HastyStore(SqliteStore):
    """Answers its callers, and then commits."""

    async def _commit(self, batch: Sequence[Any]) -> None:
        path, jobs = self._writer.path, [asked.job for asked in batch]
        outcomes = await self._writer.run(lambda connection: attempt_each(connection, path, jobs))
        for asked, outcome in zip(batch, outcomes, strict=True):
            _answer(asked.reply, outcome)
        await asyncio.sleep(0.002)
        await self._writer.run(lambda connection: connection.execute("COMMIT"))


def test_a_store_that_acknowledges_before_the_commit_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.SqliteStore", HastyStore)
    verdict = cut(recorded(tmp_path / "recorded", FEW, Recording()), CUTS // 10, tmp_path / "found")
    assert verdict.lost > 0
    assert (verdict.damaged, verdict.half) == (0, 0)
