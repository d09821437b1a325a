"""Thirty-two callers and ten hot SKUs: nothing is sold twice, and nobody is refused what there is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.kernel.ports import Row, Store, Tx
from gateway.store.postgres import open_postgres
from gateway.store.sqlite import open_sqlite
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock import post
from gateway.wes.stock.refusal import Figure, Level, NotEnough, StockRefused
from gateway.wes.stock.verify import verify
from tests.postgres import wes_database
from tests.stock.race import orders_of, race, stock
from tests.stock.rig import NOON

pytestmark = pytest.mark.unit

ORDERS = 800
UNITS = 1_000


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield await stack.enter_async_context(open_sqlite(tmp_path / "wes.db", MIGRATIONS))
        else:
            url = await stack.enter_async_context(wes_database(request.getfixturevalue("postgres")))
            yield await stack.enter_async_context(open_postgres(url, MIGRATIONS, connections=16))


async def test_nothing_is_sold_twice_and_nobody_is_refused_what_there_is(store: Store) -> None:
    await stock(store, UNITS)
    outcome = await race(store, orders_of(ORDERS, UNITS, Random(1)))
    assert outcome.accepted + outcome.refused == ORDERS
    assert outcome.accepted > 0 < outcome.refused
    assert (outcome.oversold, outcome.false_refusals) == (0, 0)
    assert await store.read(lambda tx: verify(tx, NOON)) == []


@pytest.mark.parametrize("store", ["postgres"], indirect=True)
async def test_a_balance_that_is_read_and_written_back_is_caught(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mutant of `post`: it looks first, and then writes what it has computed."""
    conditional = post._change

    async def read_and_write_back(tx: Tx, layer: Any, changes: post.Changes) -> Sequence[Row]:
        if layer.level is Level.POSITION:
            return await conditional(tx, layer, changes)
        keys = sorted(changes)
        rows = [(await tx.fetch(layer.select, key._asdict()))[0] for key in keys]
        table, column = ("lots", "lot_id") if layer.level is Level.LOT else ("pools", "pool_id")
        for key, row in zip(keys, rows, strict=True):
            reserved = row[1] + changes[key].balance.reserved
            if row[0] < reserved:
                raise StockRefused(
                    NotEnough(
                        layer.level, (key.number,), Figure.AVAILABLE, reserved - row[1], row[0] - row[1]
                    )
                )
            await tx.execute(
                f"UPDATE {table} SET reserved = :reserved WHERE {column} = :number",
                {"reserved": reserved, "number": key.number},
            )
        nothing = {key: post._Change(post.NOTHING) for key in keys}
        return await conditional(tx, layer, nothing)

    await stock(store, UNITS)
    monkeypatch.setattr(post, "_change", read_and_write_back)
    outcome = await race(store, orders_of(300, UNITS, Random(1)))
    assert outcome.oversold or await store.read(lambda tx: verify(tx, NOON))
