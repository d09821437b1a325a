"""A database of an earlier program keeps what it knows: units under the product of their lot, and the codes of products."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.resources.abc import Traversable
from pathlib import Path

import asyncpg
import pytest

from gateway.kernel.ports import Store, Tx
from gateway.store.inline import open_inline
from gateway.store.postgres import open_postgres
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.verbs import move
from gateway.wes.stock.verify import verify
from tests.postgres import DATABASE, USER
from tests.stock.rig import NOON, at, build

pytestmark = pytest.mark.unit

UNITS = ("0016", "0017")
"""The migrations by which units got their product, and their moves."""

OLD_PRODUCT = (
    "INSERT INTO products (owner_id, sku, name, barcodes, unit, serial_tracked, attributes, version, updated_at)"
    " VALUES ('me', :sku, :sku, :codes, 'piece', 0, '{}', 1, 1)"
)

Open = Callable[[Traversable], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["sqlite", "postgres"])
async def opener(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield partial(open_inline, tmp_path / "wes.db")
        else:
            url = await stack.enter_async_context(empty_database(request.getfixturevalue("postgres")))
            yield partial(open_postgres, url)


@asynccontextmanager
async def empty_database(folder: Path) -> AsyncGenerator[str]:
    """Yield the URL of a database of its own, in which there is no table yet."""
    connection = await asyncpg.connect(f"postgresql://{USER}@/{DATABASE}?host={folder}")
    try:
        await connection.execute("CREATE DATABASE migrated")
        yield f"postgresql://{USER}@/migrated?host={folder}"
        await connection.execute("DROP DATABASE migrated")
    finally:
        await connection.close()


async def test_units_keep_their_place_under_the_product_of_their_lot(opener: Open, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    for script in MIGRATIONS.iterdir():
        if script.name.endswith(".sql") and not script.name.startswith(UNITS):
            (before / script.name).write_text(script.read_text("utf-8"))
    async with opener(before) as store:
        warehouse = await build(store)
        lot = await warehouse.lot(serial=True)
        await warehouse.job(partial(old_receipt, lot_id=lot.lot_id, pool_id=lot.pool_id))
    async with opener(MIGRATIONS) as store:
        assert not await store.read(lambda tx: verify(tx, NOON))
        warehouse.store = store
        assert await warehouse.rows("SELECT upn, pool_id, lot_id, holder_id FROM units") == [
            ("U1", lot.pool_id, lot.lot_id, "TOTE-1")
        ]
        await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 1, "U1")], "TOTE-2"))
        assert await warehouse.rows("SELECT holder_id FROM units") == [("TOTE-2",)]


async def test_products_keep_their_codes_and_of_two_with_the_same_one_the_first_has_it(
    opener: Open, tmp_path: Path
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    for script in MIGRATIONS.iterdir():
        if script.name.endswith(".sql") and script.name[:4] < "0012":
            (before / script.name).write_text(script.read_text("utf-8"))
    known = {
        "A": '["614141000012", "0614141000012", "95012346", "house 1"]',
        "B": '["00614141000012", "123456789", "X\\u00e9\\"\'Y"]',
        "C": "[]",
    }
    async with opener(before) as store:
        await store.write(
            lambda tx: tx.execute_many(
                OLD_PRODUCT, [{"sku": sku, "codes": codes} for sku, codes in known.items()]
            )
        )
    async with opener(MIGRATIONS) as store:
        rows = await store.read(lambda tx: tx.fetch("SELECT code, sku FROM barcodes ORDER BY sku, code"))
        assert [tuple(row) for row in rows] == [
            ("00000095012346", "A"),
            ("00614141000012", "A"),
            ("house 1", "A"),
            ("123456789", "B"),
            ("Xé\"'Y", "B"),
        ]


async def old_receipt(tx: Tx, lot_id: int, pool_id: int) -> None:
    """Book a unit as the program before did."""
    named = {"lot_id": lot_id, "pool_id": pool_id}
    for sql in (
        "UPDATE lots SET quantity = 1 WHERE lot_id = :lot_id",
        "UPDATE pools SET quantity = 1 WHERE pool_id = :pool_id",
        "INSERT INTO positions (holder_id, lot_id, quantity) VALUES ('TOTE-1', :lot_id, 1)",
        "INSERT INTO units (upn, lot_id, holder_id) VALUES ('U1', :lot_id, 'TOTE-1')",
        "INSERT INTO stock_events (event_id, kind, document_kind, document_id, operator, reason, at)"
        " VALUES ('in', 'receive', 'receipt', 'R-1', 'Ann', '', 1)",
        "INSERT INTO ledger (event_id, line, at, pool_id, lot_id, holder_id, d_quantity, d_reserved, d_allocated, d_held)"
        " VALUES ('in', 0, 1, :pool_id, :lot_id, 'SUPPLIER', -1, 0, 0, 0)",
        "INSERT INTO ledger (event_id, line, at, pool_id, lot_id, holder_id, d_quantity, d_reserved, d_allocated, d_held,"
        " quantity_after, reserved_after, allocated_after, held_after)"
        " VALUES ('in', 1, 1, :pool_id, :lot_id, 'TOTE-1', 1, 0, 0, 0, 1, 0, 0, 0)",
    ):
        await tx.execute(sql, named)
