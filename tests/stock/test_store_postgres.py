"""What only PostgreSQL can do to a store: jobs side by side, deadlocks, a lost server, a second process."""

import asyncio
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

import asyncpg
import pytest

from gateway.kernel.ports import Store, StoreBroken, StoreFull, Tx
from gateway.store.postgres import Translated, open_postgres, reading_postgres, translate
from gateway.store.schema import StoreRefused
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.verify import verify
from tests.postgres import wes_database
from tests.stock.rig import NOON, Warehouse, build

pytestmark = pytest.mark.unit


@pytest.fixture
async def url(postgres: Path) -> AsyncIterator[str]:
    async with wes_database(postgres) as url:
        yield url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_postgres(url, MIGRATIONS, connections=3) as store:
        yield store


async def add(tx: Tx, name: str) -> None:
    await tx.execute("INSERT INTO id_blocks (name, next) VALUES (:name, 1)", {"name": name})


async def names(store: Store) -> list[str]:
    async def job(tx: Tx) -> list[str]:
        return [row[0] for row in await tx.fetch("SELECT name FROM id_blocks ORDER BY name")]

    return await store.read(job)


def test_named_parameters_become_numbers() -> None:
    sql = "SELECT ':no', \":no\", x::text -- :no\nFROM t WHERE a = :a AND b = :b_2 AND c = :a"
    assert translate(sql) == Translated(
        "SELECT ':no', \":no\", x::text -- :no\nFROM t WHERE a = $1 AND b = $2 AND c = $1", ("a", "b_2")
    )
    assert translate(sql).arguments({"b_2": 2, "a": 1, "unused": 3}) == [1, 2]


async def test_a_job_that_raises_takes_everything_back(store: Store) -> None:
    async def job(tx: Tx) -> None:
        await add(tx, "a")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.write(job)
    assert await names(store) == []


async def test_a_part_that_raises_takes_back_its_own_rows_and_the_job_goes_on(store: Store) -> None:
    async def twice(tx: Tx) -> None:
        await add(tx, "b")
        await add(tx, "b")

    async def job(tx: Tx) -> None:
        await add(tx, "a")
        with pytest.raises(asyncpg.UniqueViolationError):
            await tx.attempt(twice)
        await tx.attempt(lambda tx: add(tx, "c"))

    await store.write(job)
    assert await names(store) == ["a", "c"]


async def test_a_job_that_goes_on_after_an_error_of_its_own_is_not_taken_for_done(store: Store) -> None:
    async def job(tx: Tx) -> None:
        await add(tx, "a")
        with pytest.raises(asyncpg.UniqueViolationError):
            await add(tx, "a")

    with pytest.raises(RuntimeError, match="as if it had not"):
        await store.write(job)
    assert await names(store) == []


async def test_jobs_that_lock_each_other_out_both_succeed(store: Store) -> None:
    await store.write(lambda tx: add(tx, "a"))
    await store.write(lambda tx: add(tx, "b"))
    met = asyncio.Barrier(2)
    tries = 0

    async def job(tx: Tx, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        await tx.execute("UPDATE id_blocks SET next = next + 1 WHERE name = :name", {"name": first})
        if tries <= 2:
            await met.wait()
        await tx.execute("UPDATE id_blocks SET next = next + 1 WHERE name = :name", {"name": second})

    await asyncio.gather(store.write(lambda tx: job(tx, "a", "b")), store.write(lambda tx: job(tx, "b", "a")))
    assert tries == 3

    async def numbers(tx: Tx) -> list[int]:
        return [row[0] for row in await tx.fetch("SELECT next FROM id_blocks")]

    assert await store.read(numbers) == [3, 3]


async def test_a_job_that_never_gets_through_is_told_that_others_were_in_the_way(store: Store) -> None:
    async def job(tx: Tx) -> None:
        await add(tx, "a")
        raise asyncpg.SerializationError("could not serialize access")

    with pytest.raises(StoreFull, match="8 times"):
        await store.write(job)


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await store.read(lambda tx: add(tx, "a"))


async def test_a_wrong_parameter_is_the_callers_mistake(store: Store) -> None:
    async def job(tx: Tx) -> None:
        await tx.execute("UPDATE id_blocks SET next = :next", {"next": "one"})

    with pytest.raises(asyncpg.DataError):
        await store.write(job)


async def test_a_second_process_is_refused(store: Store, url: str) -> None:
    assert await names(store) == []
    with pytest.raises(StoreRefused, match="another gateway process"):
        async with open_postgres(url, MIGRATIONS):
            pass


async def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="cannot be reached"):
        async with open_postgres(f"postgresql://wes@/wes?host={tmp_path}", MIGRATIONS):
            pass


async def test_a_schema_from_the_future_is_refused(url: str, tmp_path: Path) -> None:
    async with open_postgres(url, MIGRATIONS):
        pass
    first = resources.files("gateway.wes") / "migrations" / "0001_stock.sql"
    (tmp_path / "0001_stock.sql").write_text(first.read_text("utf-8"))
    with pytest.raises(StoreRefused, match="run the newer program"):
        async with open_postgres(url, tmp_path):
            pass


async def test_a_store_that_lost_the_database_to_others_commits_nothing_more(url: str) -> None:
    with pytest.RaisesGroup(StoreBroken):
        async with open_postgres(url, MIGRATIONS, connections=1) as store:
            await _end_all_connections(url)
            with pytest.raises(StoreBroken):
                await store.write(lambda tx: add(tx, "a"))
            raise StoreBroken("told")
    async with open_postgres(url, MIGRATIONS, connections=1) as store:
        assert await names(store) == []


async def test_the_verifier_reads_beside_a_running_gateway(store: Store, url: str) -> None:
    warehouse: Warehouse = await build(store)
    await warehouse.stocked(10)
    async with reading_postgres(url) as tx:
        assert await verify(tx, NOON) == []


async def _end_all_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
