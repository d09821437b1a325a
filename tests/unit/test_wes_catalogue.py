"""Products from upstream: an older version never overwrites a newer one, and nothing is known twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract.wms import ProductSync, ProductSyncView
from gateway.store.inline import open_inline
from gateway.wes.orders.catalogue import find_products, sync_products
from gateway.wes.schema import MIGRATIONS
from tests.unit.wes_rig import Core, core, core_on

pytestmark = pytest.mark.unit


def product(sku: str, version: int, **changes: Any) -> dict[str, Any]:
    return {"skuId": sku, "skuName": f"{sku} v{version}", "version": version} | changes


async def sync(opened: Core, *items: dict[str, Any]) -> ProductSyncView:
    request = ProductSync.model_validate({"items": list(items)})
    return await opened.store.write(lambda tx: sync_products(tx, opened.context, request))


async def test_products_are_stored_with_all_that_orders_and_stations_need() -> None:
    async with core() as opened:
        told = await sync(
            opened, product("X", 1, barcodes=["690"], unitsPerCase=12, attributes={"zone": "cold"})
        )
        assert told == ProductSyncView(stored=1, outdated=())
        found = await opened.store.read(lambda tx: find_products(tx, "me", ["X", "Y"]))
        assert list(found) == ["X"]
        assert (found["X"].units_per_case, found["X"].attributes) == (12, {"zone": "cold"})
        assert await opened.rows("SELECT barcodes FROM products WHERE sku = 'X'") == [('["690"]',)]


async def test_products_of_another_owner_are_others() -> None:
    async with core() as opened:
        await sync(opened, product("X", 1), product("X", 5, ownerId="you"))
        assert await opened.rows("SELECT owner_id, name FROM products WHERE sku = 'X' ORDER BY owner_id") == [
            ("me", "X v1"),
            ("you", "X v5"),
        ]


async def test_an_older_version_stays_out_and_is_named() -> None:
    async with core() as opened:
        await sync(opened, product("X", 2))
        assert await sync(opened, product("X", 1), product("Y", 1)) == ProductSyncView(
            stored=1, outdated=("X",)
        )
        assert await sync(opened, product("X", 2)) == ProductSyncView(stored=1, outdated=())


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("XY"), st.integers(0, 5)), min_size=1, max_size=4), max_size=5
    )
)
async def test_in_whatever_order_they_come_the_newest_version_stays(
    batches: list[list[tuple[str, int]]],
) -> None:
    async with open_inline(None, MIGRATIONS) as store:
        opened = await core_on(store)
        for batch in batches:
            await sync(opened, *(product(sku, version) for sku, version in batch))
        newest = {
            sku: max(v for batch in batches for s, v in batch if s == sku)
            for batch in batches
            for sku, _ in batch
        }
        stored = await opened.rows("SELECT sku, version, name FROM products")
        assert {sku: version for sku, version, _ in stored} == newest
        assert all(name == f"{sku} v{version}" for sku, version, name in stored)


@pytest.mark.parametrize("items", [[], [product("X", 1)] * 1001], ids=["none", "too many"])
def test_batches_are_bounded(items: list[Any]) -> None:
    with pytest.raises(ValidationError):
        ProductSync.model_validate({"items": items})
