"""Codes of products on every database: those that were there before, and callers that send the same one side by side."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copy

import asyncpg
import pytest

from gateway.contract.wms import ProductSync
from gateway.kernel.ports import Store, Tx
from gateway.store.postgres import open_postgres
from gateway.store.sqlite import open_sqlite
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.orders.declined import Declined
from gateway.wes.schema import MIGRATIONS
from tests.postgres import DATABASE, USER
from tests.unit.wes_rig import core_on

pytestmark = pytest.mark.contract


async def test_of_products_that_are_sent_side_by_side_one_has_the_code(store: Store) -> None:
    opened = await core_on(store)

    async def sync(sku: str, *barcodes: str) -> bool:
        item = {"skuId": sku, "skuName": sku, "version": 1, "barcodes": barcodes}
        request = ProductSync.model_validate({"items": [item]})
        try:
            await store.write(lambda tx: sync_products(tx, opened.context, request))
        except Declined:
            return False
        return True

    answers = await asyncio.gather(*(sync(f"S-{n}", f"own-{n}", "6901234567892") for n in range(8)))
    assert sum(answers) == 1
    ((sku,),) = await opened.rows("SELECT sku FROM barcodes WHERE code = '06901234567892'")
    assert answers[int(sku.removeprefix("S-"))]
    assert await opened.rows("SELECT sku FROM products WHERE sku LIKE 'S-%'") == [(sku,)]


@asynccontextmanager
async def fresh_database(folder: Path) -> AsyncGenerator[str]:
    """Yield the URL of a database that has had no migration."""
    connection = await asyncpg.connect(f"postgresql://{USER}@/{DATABASE}?host={folder}")
    try:
        await connection.execute("CREATE DATABASE earlier")
        yield f"postgresql://{USER}@/earlier?host={folder}"
        await connection.execute("DROP DATABASE earlier")
    finally:
        await connection.close()


BEFORE = [
    ("me", "A", '["6901234567892", "0690123456789", "T-1"]'),
    ("me", "B", '["06901234567892", "036000291452"]'),
    ("you", "A", '["T-1", "12345678", "123456789"]'),
    ("you", "B", "[]"),
]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_codes_that_were_known_before_are_known_afterwards(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    earlier = tmp_path / "migrations"
    earlier.mkdir()
    for file in MIGRATIONS.iterdir():
        if int(file.name[:4]) < 15 and file.name.endswith(".sql"):
            copy(str(file), earlier)

    async def fill(tx: Tx) -> None:
        for owner_id, sku, barcodes in BEFORE:
            row = {"owner_id": owner_id, "sku": sku, "barcodes": barcodes}
            await tx.execute(
                "INSERT INTO products (owner_id, sku, name, barcodes, unit, serial_tracked, attributes, version, updated_at)"
                " VALUES (:owner_id, :sku, '', :barcodes, '', 0, '{}', 1, 0)",
                row,
            )

    async def see(tx: Tx) -> list[tuple[str, str, str]]:
        rows = await tx.fetch("SELECT owner_id, code, sku FROM barcodes ORDER BY owner_id, code")
        return [(row[0], row[1], row[2]) for row in rows]

    if kind == "sqlite":
        async with open_sqlite(tmp_path / "wes.db", earlier) as store:
            await store.write(fill)
        async with open_sqlite(tmp_path / "wes.db", MIGRATIONS) as store:
            found = await store.read(see)
    else:
        async with fresh_database(request.getfixturevalue("postgres")) as url:
            async with open_postgres(url, earlier) as store:
                await store.write(fill)
            async with open_postgres(url, MIGRATIONS) as store:
                found = await store.read(see)
    assert found == [
        ("me", "00036000291452", "B"),
        ("me", "00690123456789", "A"),
        ("me", "06901234567892", "A"),
        ("me", "T-1", "A"),
        ("you", "00000012345678", "A"),
        ("you", "123456789", "A"),
        ("you", "T-1", "A"),
    ]
