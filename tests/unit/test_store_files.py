"""Opening a database: one owner, migrations, damage, backup."""

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from gateway.kernel.clock import EPOCH_2025_S
from gateway.kernel.ports import CannotStart, StoreBroken, Tx
from gateway.store.backup import copy_database
from gateway.store.database import MIGRATIONS, open_reader, open_writer
from gateway.store.inline import open_inline
from gateway.store.ownership import Fenced, Ownership, claim
from gateway.store.schema import StoreRefused
from gateway.store.sqlite import open_sqlite
from gateway.wes import schema as wes_schema

pytestmark = pytest.mark.unit

HOLD = """
import asyncio, sys
from pathlib import Path
from gateway.store.sqlite import open_sqlite

async def main():
    async with open_sqlite(Path(sys.argv[1])):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreRefused, match="another gateway process uses"):
            async with open_sqlite(path):
                pass
        other.kill()
    async with open_sqlite(path):
        pass


async def test_the_same_process_cannot_open_it_twice(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "gateway.db"):
        with pytest.raises(StoreRefused):
            async with open_sqlite(tmp_path / "gateway.db"):
                pass


def migrations(folder: Path, **scripts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(script)
    return folder


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    first = migrations(tmp_path / "sql", m0001_one="CREATE TABLE one (key BIGINT)")
    open_writer(path, first).close()
    later = migrations(
        tmp_path / "sql", m0002_two="ALTER TABLE one ADD COLUMN more TEXT; INSERT INTO one VALUES (1, 'x')"
    )
    open_writer(path, later).close()
    with closing(open_writer(path, later)) as connection:
        assert connection.execute("SELECT key, more FROM one").fetchall() == [(1, "x")]


@pytest.mark.parametrize("folder", [MIGRATIONS, wes_schema.MIGRATIONS], ids=["gateway", "wes"])
def test_a_number_is_that_of_one_migration(folder: Traversable) -> None:
    files = [file.name for file in folder.iterdir() if file.name.endswith(".sql")]
    names = {file.partition(".")[0] for file in files}
    numbers = Counter(name.partition("_")[0] for name in names)
    assert max(numbers.values()) == 1, numbers.most_common(2)


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    broken = migrations(
        tmp_path / "sql",
        m0001_one="CREATE TABLE one (key BIGINT)",
        m0002_two="CREATE TABLE two (key BIGINT); NONSENSE",
    )
    with pytest.raises(sqlite3.OperationalError):
        open_writer(path, broken)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert tables == [("migrations",)]


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with closing(open_writer(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, '9999_future.sql')")
    with pytest.raises(StoreRefused, match=r"9999.*run the newer program"):
        open_writer(path)


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreBroken):
        open_writer(path)


async def test_a_copy_is_a_whole_database_as_of_one_moment(tmp_path: Path) -> None:
    source, target = tmp_path / "gateway.db", tmp_path / "copy.db"

    async def job(tx: Tx) -> None:
        await tx.execute("INSERT INTO counters (key, doc) VALUES ('a', '{}')")

    async with open_sqlite(source) as store:
        await store.write(job)
        copy_database(source, target)
        await store.write(lambda tx: tx.execute("DELETE FROM counters"))
    with closing(open_reader(target)) as copy:
        assert copy.execute("SELECT key FROM counters").fetchall() == [("a",)]
    assert target.stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("copy.db-*")), "one file is the whole copy"
    with pytest.raises(FileExistsError):
        copy_database(source, target)


def test_a_copy_has_its_name_only_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "gateway.db", tmp_path / "copy.db"
    open_writer(source).close()
    there: list[bool] = []
    monkeypatch.setattr("gateway.store.backup.examine", lambda *_: there.append(target.exists()))
    copy_database(source, target)
    assert there == [False], "whoever is killed meanwhile leaves nothing that looks like a copy"
    assert target.exists()


def test_of_a_damaged_database_there_is_no_copy(tmp_path: Path) -> None:
    source = tmp_path / "gateway.db"
    with closing(open_writer(source)) as connection:
        connection.execute("INSERT INTO counters (key, doc) VALUES ('a', :doc)", {"doc": "x" * 100_000})
    content = bytearray(source.read_bytes())
    content[8192:12288] = bytes(4096)
    source.write_bytes(content)
    with pytest.raises(StoreBroken):
        copy_database(source, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


async def test_a_clock_in_an_absurd_future_is_refused_before_devices_and_database_are_spoilt_by_it() -> None:
    """Found by reading: no device holds such an epoch, so nothing could be commanded, not even once the clock was right again."""
    last_us = (EPOCH_2025_S + 2**32 - 1) * 1_000_000
    async with open_inline() as store:
        with pytest.raises(CannotStart, match="clock"):
            await claim(store, "demo", last_us + 1_000_000)
        assert await claim(store, "demo", EPOCH_2025_S * 1_000_000) == 1
        assert await claim(store, "demo", last_us) == 2**32 - 1


async def test_every_run_gets_a_higher_epoch_even_if_the_clock_stands_still() -> None:
    async with open_inline() as store:
        now_us = (EPOCH_2025_S + 1000) * 1_000_000
        assert [await claim(store, "demo", now_us) for _ in range(3)] == [1000, 1001, 1002]
        assert await claim(store, "demo", now_us + 3_600_000_000) == 4600


async def test_data_of_another_site_are_not_taken_and_stay_as_they_are() -> None:
    async with open_inline() as store:
        assert await claim(store, "north", 0) == 1
        with pytest.raises(
            CannotStart, match="data are of the site north, and the site file describes south"
        ):
            await claim(store, "south", 0)
        assert await claim(store, "north", 0) == 2


async def test_data_from_before_sites_were_noted_are_those_of_the_first_that_takes_them() -> None:
    async with open_inline() as store:
        await store.write(lambda tx: tx.execute("INSERT INTO ownership (key, epoch) VALUES (1, 7)"))
        assert await claim(store, "north", 0) == 8
        with pytest.raises(CannotStart):
            await claim(store, "south", 0)


async def test_the_run_before_is_fenced() -> None:
    async with open_inline() as store:
        older = Ownership(await claim(store, "demo", 0))
        newer = Ownership(await claim(store, "demo", 0))
        await store.write(newer)
        with pytest.raises(Fenced, match="epoch"):
            await store.write(older)
