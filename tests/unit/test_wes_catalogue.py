"""Products from upstream: an older version never overwrites a newer one, and nothing is known twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.contract.faults import FieldError
from gateway.contract.problems import Reason
from gateway.contract.wms import ProductSync, ProductSyncView, ResultCode
from gateway.store.inline import open_inline
from gateway.wes.orders.catalogue import (
    find_products,
    list_products,
    scanned_sku,
    show_product,
    sync_products,
)
from gateway.wes.orders.declined import Declined
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


GREEN, BLACK = "6901234567892", "6901234567908"


async def codes(opened: Core) -> list[tuple[str, str]]:
    return [
        (row[0], row[1]) for row in await opened.rows("SELECT code, sku FROM barcodes ORDER BY code, sku")
    ]


async def test_a_code_stands_for_one_product_in_whatever_form_it_is_sent() -> None:
    async with core() as opened:
        await sync(opened, product("X", 1, barcodes=["036000291452", "0036000291452", "TEA"]))
        assert await codes(opened) == [("00036000291452", "X"), ("TEA", "X")]
        with pytest.raises(Declined) as told:
            await sync(opened, product("Z", 1), product("Y", 1, barcodes=["Y", "00036000291452"]))
        assert (told.value.code, told.value.reasons) == (
            ResultCode.CONFLICT,
            (
                FieldError(
                    "items[1].barcodes[1]",
                    "barcodeTaken",
                    "00036000291452 is a barcode of X: a code stands for one product",
                ),
            ),
        )
        assert await opened.rows("SELECT sku FROM products WHERE sku IN ('X', 'Y', 'Z')") == [("X",)]
        assert await sync(opened, product("Y", 1, barcodes=["TEA"], ownerId="you")) == ProductSyncView(
            stored=1, outdated=()
        )


async def test_products_of_one_message_may_change_their_codes_with_each_other_and_not_share_one() -> None:
    async with core() as opened:
        await sync(opened, product("X", 1, barcodes=[GREEN]), product("Y", 1, barcodes=[BLACK]))
        await sync(opened, product("X", 2, barcodes=[BLACK]), product("Y", 2, barcodes=[GREEN]))
        assert await codes(opened) == [(f"0{GREEN}", "Y"), (f"0{BLACK}", "X")]
        with pytest.raises(Declined):
            await sync(opened, product("X", 3, barcodes=["NEW"]), product("Y", 3, barcodes=["NEW"]))
        await sync(opened, product("X", 3), product("Y", 1, barcodes=["OLD"]))
        assert await codes(opened) == [(f"0{GREEN}", "Y")]


async def test_of_several_versions_in_one_message_the_newest_has_its_codes() -> None:
    async with core() as opened:
        await sync(opened, product("X", 3, barcodes=["THREE"]), product("X", 2, barcodes=["TWO"]))
        assert await codes(opened) == [("THREE", "X")]


async def test_a_number_with_a_wrong_check_digit_is_stored_and_told() -> None:
    async with core() as opened:
        told = await sync(opened, product("X", 1, barcodes=[GREEN, "6901234567893", "690"]))
        assert told.doubtful == (
            Reason(
                field="items[0].barcodes[1]",
                code="checkDigit",
                message="6901234567893 would be a GTIN with 2 at its end",
            ),
        )
        assert ("06901234567893", "X") in await codes(opened)


async def test_a_case_has_codes_of_its_own_and_says_how_much_is_in_it() -> None:
    case = {"unitsPerCase": 12, "caseBarcodes": ["16901234567899"], "barcodes": [GREEN]}
    async with core() as opened:
        await sync(opened, product("X", 1, **case))
        assert await codes(opened) == [(f"0{GREEN}", "X"), ("16901234567899", "X")]
    for changes in ({"unitsPerCase": None}, {"barcodes": case["caseBarcodes"]}):
        with pytest.raises(ValidationError):
            ProductSync.model_validate({"items": [product("X", 1, **case | changes)]})


@pytest.mark.parametrize(
    "code",
    [GREEN, f"0{GREEN}", f"]E0{GREEN}", f"(01)0{GREEN}(10)L-1", f"]C1010{GREEN}10L-1\x1d17270101"],
    ids=["EAN-13", "GTIN-14", "with its symbology", "brackets", "GS1-128"],
)
async def test_a_product_is_found_by_whatever_is_scanned(code: str) -> None:
    async with core() as opened:
        await sync(opened, product("X", 1, barcodes=[GREEN]), product("Y", 1, barcodes=[BLACK]))
        found = await opened.store.read(lambda tx: scanned_sku(tx, opened.context, "me", code))
        assert found == "X"
        other = await opened.store.read(lambda tx: scanned_sku(tx, opened.context, "you", code))
        assert other != "X"


async def test_products_are_listed_as_they_were_sent() -> None:
    async with core() as opened:
        await sync(opened, *(product(sku, 2) for sku in "CAB"), product("A", 1, ownerId="you"))
        pages = [
            await opened.store.read(lambda tx, after=after: list_products(tx, "me", after, 2))
            for after in ("", "B")
        ]
        assert [[view.sku_id for view in page] for page in pages] == [["A", "B"], ["C"]]
        (shown,) = await opened.store.read(lambda tx: show_product(tx, "me", "A"))
        assert shown == pages[0][0]
        assert not await opened.store.read(lambda tx: show_product(tx, "me", "Q"))
