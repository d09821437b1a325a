"""Products are taken out of use by upstream, and deleted if nothing refers to them, on both databases (S2-10).

Given unless a test says otherwise: products A and B, ten of A in a tote; TEA, of type goods, has a barcode and was never named.
"""

import asyncio
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.arrivals import InboundNotice
from gateway.contract.corrections import DeleteProduct
from gateway.contract.faults import Refusal
from gateway.contract.inbound import Receive
from gateway.contract.returns import ReceiveReturn
from gateway.contract.wms import ProductSync
from gateway.kernel.ports import Store, Tx
from gateway.wes.arrivals.documents import announce_goods
from gateway.wes.floor.acts import once
from gateway.wes.inbound import take_in
from gateway.wes.orders.catalogue import (
    delete_product,
    list_products,
    scanned_sku,
    show_product,
    sync_products,
)
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.intake import prepare, take
from gateway.wes.returns import take_back
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE, command
from tests.wes.test_wes_transfers import ordered as transferred

CODE = "6901234567892"


@pytest.fixture
async def line(store: Store) -> Station:
    opened = await station_on(store)
    await fill(opened, "T-1", "A1-1-L-05", A=10)
    await sync(opened, "TEA", type="goods", barcodes=[CODE])
    return opened


async def sync(line: Station, sku: str, version: int = 1, **facts: Any) -> None:
    items = [{"skuId": sku, "skuName": sku, "version": version} | facts]
    request = ProductSync.model_validate({"items": items})
    await line.store.write(partial(sync_products, context=line.core.context, request=request))


async def announced(line: Station, sku: str = "A", notice_no: str = "PO-1") -> None:
    body = {"noticeNo": notice_no, "kind": "purchase", "warehouseId": WAREHOUSE}
    notice = InboundNotice.model_validate(body | {"items": [{"skuId": sku, "quantity": 9}]})
    await line.store.write(partial(announce_goods, context=line.core.context, notice=notice))


async def received(line: Station, act_id: str, sku: str, notice_no: str | None = None) -> None:
    body = {
        "actId": act_id,
        "operator": "Dora",
        "noticeNo": notice_no,
        "lines": [{"skuId": sku, "quantity": 2}],
    }
    request = Receive.model_validate(body)
    await line.store.write(partial(take_in, context=line.core.context, request=request))


async def came_back(line: Station, sku: str) -> None:
    lines = [{"skuId": sku, "quantity": 1, "quality": "saleable"}]
    request = ReceiveReturn.model_validate({"actId": f"back-{sku}", "operator": "Dora", "lines": lines})
    await line.store.write(partial(take_back, context=line.core.context, request=request))


async def deleted(line: Station, sku: str = "TEA", act_id: str = "D-1") -> ActView:
    request = DeleteProduct(act_id=act_id, operator="Olga", reason="mistyped", sku_id=sku)
    context = line.core.context

    async def job(tx: Tx) -> ActView:
        return await once(tx, context, request, lambda: delete_product(tx, context, request))

    return await line.store.write(job)


async def refusal(line: Station, sku: str) -> str:
    with pytest.raises(Refusal) as told:
        await deleted(line, sku, f"D-{sku}")
    return told.value.reasons[0].code


async def skus(line: Station, product_type: str | None = None) -> list[str]:
    return [
        each.sku_id for each in await line.store.read(lambda tx: list_products(tx, "me", "", 9, product_type))
    ]


async def test_of_a_product_out_of_use_no_new_orders_and_no_new_goods_are_taken(line: Station) -> None:
    await sync(line, "A", version=2, retired=True)
    with pytest.raises(Declined) as told:
        await order(line, "C-1", ("A", 1))
    assert [(each.field, each.code) for each in told.value.reasons] == [("items[0].skuId", "retiredSku")]
    with pytest.raises(Declined) as told:
        await announced(line)
    assert [(each.field, each.code) for each in told.value.reasons] == [("items[0].skuId", "retiredSku")]
    with pytest.raises(Refusal) as refused:
        await received(line, "R-1", "A")
    assert [(each.field, each.code) for each in refused.value.reasons] == [("lines[0].skuId", "retiredSku")]
    await sync(line, "A", version=3)
    await order(line, "C-1", ("A", 1))
    await received(line, "R-1", "A")


async def test_what_was_ordered_and_announced_before_goes_on_and_what_had_left_comes_back(
    line: Station,
) -> None:
    await order(line, "C-1", ("A", 4))
    await announced(line)
    await sync(line, "A", version=2, retired=True)
    await order(line, "C-1", ("A", 4))
    await received(line, "R-1", "A", "PO-1")
    await came_back(line, "A")
    await line.finish()
    assert await line.order_codes() == [190]
    assert await line.core.rows("SELECT quantity FROM pools") == [(9,)]
    await line.check()


async def test_since_when_a_product_is_out_of_use_is_told_and_an_older_message_changes_nothing(
    line: Station,
) -> None:
    await sync(line, "A", version=5, retired=True)
    ((since,),) = await line.core.rows("SELECT retired_at FROM products WHERE sku = 'A'")
    await sync(line, "A", version=6, retired=True)
    await sync(line, "A", version=4)
    ((view,),) = [await line.store.read(lambda tx: show_product(tx, "me", "A"))]
    assert view.retired_at is not None
    assert round(view.retired_at.timestamp() * 1e6) == since


async def test_products_are_listed_by_their_type(line: Station) -> None:
    assert await skus(line) == ["A", "B", "TEA"]
    assert await skus(line, "goods") == ["TEA"]
    assert await skus(line, "product") == []


async def test_a_product_that_nothing_names_is_deleted_with_its_codes_and_who_did_so_is_kept(
    line: Station,
) -> None:
    await deleted(line)
    assert (await deleted(line)).again is True
    assert await skus(line) == ["A", "B"]
    context = line.core.context
    assert await line.store.read(lambda tx: scanned_sku(tx, context, "me", CODE)) == CODE
    rows = await line.core.rows("SELECT document, decision, operator, reason FROM decisions")
    assert [tuple(row) for row in rows] == [("product", "deleted TEA of me", "Olga", "mistyped")]
    await sync(line, "TEA2", barcodes=[CODE])
    assert await refusal(line, "TEA") == "unknownSku"


async def test_whatever_a_document_or_stock_has_named_is_never_deleted(line: Station) -> None:
    for sku in ("ORDERED", "NOTICED", "BACK", "MOVED"):
        await sync(line, sku)
    await order(line, "C-1", ("ORDERED", 1))
    await line.cancel("C-1")
    await announced(line, "NOTICED")
    await came_back(line, "BACK")
    await transferred(line, {"skuId": "MOVED", "quantity": 1, "source": "A1-*", "target": "A1-4-*"})
    for sku in ("ORDERED", "NOTICED", "BACK", "MOVED", "A"):
        assert await refusal(line, sku) == "inUse", sku
    assert await refusal(line, "NOBODY") == "unknownSku"


async def test_an_order_that_was_read_before_its_product_was_deleted_is_declined(line: Station) -> None:
    core = line.core
    prepared = await prepare(line.store, core.context, core.numbers, command("C-1", ("TEA", 1)))
    await deleted(line)
    with pytest.raises(Declined) as told:
        await line.store.write(partial(take, core.context, prepared))
    assert told.value.reasons[0].code == "unknownSku"
    assert await core.count("orders") == {"orders": 0}


async def test_who_orders_and_who_deletes_at_the_same_moment_are_never_both_heard(line: Station) -> None:
    for number in range(8):
        sku = f"TEA-{number}"
        await sync(line, sku)
        asked = await asyncio.gather(
            order(line, f"C-{number}", (sku, 1)), deleted(line, sku, f"D-{number}"), return_exceptions=True
        )
        assert sum(isinstance(each, Refusal | Declined) for each in asked) == 1, asked
        known = await line.core.rows("SELECT COUNT(*) FROM products WHERE sku = :sku", sku=sku)
        named = await line.core.rows("SELECT COUNT(*) FROM order_lines WHERE sku = :sku", sku=sku)
        assert known == named
