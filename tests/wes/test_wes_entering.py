"""New codes are judged by the site's rules wherever they come in, on both databases; known ones stay usable (S2-134, S2-135).

Given unless a test says otherwise: products are S and eight digits with a check digit, containers C and eight, lots L and eight.
"""

from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.arrivals import InboundNotice
from gateway.contract.faults import FieldError, Refusal
from gateway.contract.inbound import PutAway, Receive
from gateway.contract.wms import ProductSync, ResultCode
from gateway.kernel.ports import Store
from gateway.wes.arrivals.documents import announce_goods
from gateway.wes.inbound import put_where_it_stays, take_in
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.orders.declined import Declined
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE

RULES = [
    {"kind": kind, "prefix": prefix, "serial": 8, "check": "luhn"}
    for kind, prefix in (("product", "S"), ("container", "C"), ("lot", "L"))
]
GOOD, WRONG = "000000018", "000000019"
"""What stands behind the prefix, its check digit right and wrong."""


async def ruled(store: Store, *more: dict[str, Any]) -> Station:
    """Return a site whose products were there before its rules: its program is started anew with them."""
    await station_on(store)
    return await station_on(store, codes=[*RULES, *more])


async def sync(line: Station, *skus: str) -> None:
    items = [{"skuId": sku, "skuName": sku, "version": 1} for sku in skus]
    request = ProductSync.model_validate({"items": items})
    await line.store.write(partial(sync_products, context=line.core.context, request=request))


async def received(line: Station, act_id: str = "R-1", sku: str = "A", **changes: Any) -> ActView:
    some = {"skuId": sku, "quantity": 5, "lotNo": changes.pop("lot_no", "")}
    body = {"actId": act_id, "operator": "Dora", "lines": [some]} | changes
    request = Receive.model_validate(body)
    return await line.store.write(partial(take_in, context=line.core.context, request=request))


async def put_away(line: Station, holder_id: str) -> None:
    body = {"actId": f"P-{holder_id}", "operator": "Dora", "holderId": holder_id}
    request = PutAway.model_validate(body | {"lines": [{"skuId": "A", "quantity": 1}]})
    await line.store.write(partial(put_where_it_stays, context=line.core.context, request=request))


async def announced(line: Station, lot_no: str) -> None:
    body = {"noticeNo": "PO-1", "kind": "purchase", "warehouseId": WAREHOUSE}
    notice = InboundNotice.model_validate(body | {"items": [{"skuId": "A", "quantity": 9, "lotNo": lot_no}]})
    await line.store.write(partial(announce_goods, context=line.core.context, notice=notice))


def reasons(told: pytest.ExceptionInfo[Refusal] | pytest.ExceptionInfo[Declined]) -> list[tuple[str, str]]:
    return [(each.field, each.code) for each in told.value.reasons]


async def test_a_new_product_has_a_number_of_the_sites_and_everything_wrong_is_told(store: Store) -> None:
    line = await ruled(store)
    await sync(line, f"S{GOOD}")
    with pytest.raises(Declined) as told:
        await sync(line, "S000000026", f"S{WRONG}", "TEA", "S00", "S0000O0018")
    assert told.value.code is ResultCode.INVALID
    assert reasons(told) == [
        ("items[1].skuId", "wrongCheckDigit"),
        ("items[2].skuId", "wrongPrefix"),
        ("items[3].skuId", "wrongLength"),
        ("items[4].skuId", "wrongCharacters"),
    ]
    assert told.value.reasons[0] == FieldError(
        "items[1].skuId",
        "wrongCheckDigit",
        f"S{WRONG} ends with 9, where its check digit would be 8:"
        " a new product is S + serial 8 + luhn here (rule product 1)",
    )
    known = await line.core.rows("SELECT sku FROM products ORDER BY sku")
    assert [row[0] for row in known] == ["A", "B", f"S{GOOD}"], (
        "nothing of a message with a mistake is stored"
    )


async def test_a_product_that_was_there_before_the_rules_stays_usable(store: Store) -> None:
    line = await ruled(store)
    await sync(line, "A", "B")
    await received(line)
    await order(line, "C-1", ("A", 2))
    assert (await line.core.lines()) == [("A", 2, 30)]


async def test_goods_go_into_a_new_container_only_if_its_code_is_one_of_the_sites(store: Store) -> None:
    line = await ruled(store)
    for act_id, holder_id, code in (
        ("R-1", "TOTE-1", "wrongPrefix"),
        ("R-2", f"C{WRONG}", "wrongCheckDigit"),
    ):
        with pytest.raises(Refusal) as told:
            await received(line, act_id, holderId=holder_id)
        assert reasons(told) == [("holderId", code)]
    assert await line.core.count("ledger", "acts") == {"ledger": 0, "acts": 0}
    await received(line, "R-3", holderId=f"C{GOOD}")
    await received(line, "R-4")
    with pytest.raises(Refusal):
        await put_away(line, "TOTE-1")
    await put_away(line, f"C{GOOD}")
    await received(line, "R-5", holderId="A1-1-L-05")
    await line.check()


async def test_a_container_that_the_books_know_stays_usable_whatever_it_is_called(store: Store) -> None:
    line = await ruled(store)
    await fill(line, "TOTE-1", "A1-1-L-05", A=10)
    await received(line, "R-1", holderId="TOTE-1")
    await received(line, "R-2")
    await put_away(line, "TOTE-1")
    assert await line.core.rows("SELECT SUM(quantity) FROM positions WHERE holder_id = 'TOTE-1'") == [(16,)]


async def test_codes_of_an_older_version_are_taken_and_those_of_a_later_one_not_yet(store: Store) -> None:
    second = {"kind": "container", "version": 2, "valid_from": "2026-09-01", "prefix": "K", "serial": 8}
    third = {"kind": "container", "version": 3, "valid_from": "2027-01-01", "prefix": "M", "serial": 8}
    line = await ruled(store, second, third)
    await received(line, "R-1", holderId=f"C{GOOD}")
    await received(line, "R-2", holderId="K00000001")
    with pytest.raises(Refusal) as told:
        await received(line, "R-3", holderId="M00000001")
    assert reasons(told) == [("holderId", "wrongPrefix")]


async def test_a_new_lot_has_a_number_of_the_sites_where_it_is_announced_and_where_it_comes(
    store: Store,
) -> None:
    line = await ruled(store)
    with pytest.raises(Declined) as told:
        await announced(line, f"L{WRONG}")
    assert reasons(told) == [("items[0].lotNo", "wrongCheckDigit")]
    with pytest.raises(Refusal) as refused:
        await received(line, lot_no="X-1")
    assert reasons(refused) == [("lines[0].lotNo", "wrongPrefix")]
    await received(line, "R-2", lot_no=f"L{GOOD}")
    await received(line, "R-3")
    lots = await line.core.rows("SELECT lot_no FROM lots ORDER BY lot_no")
    assert [row[0] for row in lots] == ["", f"L{GOOD}"], "goods without batches have no lot's number to judge"


async def test_a_lot_that_is_known_or_was_announced_before_the_rules_is_taken(store: Store) -> None:
    line = await station_on(store)
    await announced(line, "X-1")
    await received(line, lot_no="X-2")
    line = await ruled(store)
    await received(line, "R-2", lot_no="X-2")
    await received(line, "R-3", lot_no="X-1", noticeNo="PO-1")
    await line.check()


async def test_a_slip_in_a_code_of_the_sites_is_told_to_who_scans(store: Store) -> None:
    line = await ruled(store)
    await sync(line, f"S{GOOD}")
    await fill(line, "T-1", "A1-1-L-05", A=10)
    await order(line, "C-1", ("A", 4))
    ((allocation, _),) = await line.scan(await line.bring())
    with pytest.raises(Refusal) as told:
        await line.act("pick", allocation_id=allocation, quantity=1, scan=f"S{WRONG}")
    assert reasons(told) == [("scan", "wrongProduct")]
    assert told.value.reasons[0].message == (
        f"S{WRONG} is no code of A; as a product it ends with 9, where its check digit would be 8:"
        " scan it again, or if you have typed it, look again"
    )
    await line.act("pick", allocation_id=allocation, quantity=4, scan="A")
