"""Goods that wait for an inspection by rule, lots that we number, and what came of both, arrival by arrival (S2-23, S2-25, S2-29).

Given unless a test says otherwise: notice PO-1 of supplier 001 announces ten of A and five of B; whatever comes from 001, and
product C from anybody, waits for an inspection; lots without a number get one that says day and supplier.
"""

import re
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.arrivals import InboundNotice, InspectionView
from gateway.contract.corrections import JudgeLot
from gateway.contract.faults import Refusal
from gateway.contract.inbound import Receive
from gateway.kernel.ports import Store
from gateway.wes.arrivals.documents import announce_goods
from gateway.wes.arrivals.inspections import list_inspections
from gateway.wes.corrections import correct
from gateway.wes.inbound import take_in
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE

LOTS = {"kind": "lot", "day": "yymmdd", "text": {"length": 3}, "serial": 3, "check": "mod11"}
FIRST, SECOND, THIRD = "2609210010020", "2609210010031", "2609210010042"
"""The lots of supplier 001 on the day of the test; that with serial number 001 has no check digit."""
RULES = [
    {"at": "receipt", "when": {"supplier": "001"}, "then": {"inspect": True, "number_lots": True}},
    {"at": "receipt", "when": {"sku": "C"}, "then": {"inspect": True}},
]


@pytest.fixture
async def line(store: Store) -> Station:
    opened = await station_on(store, codes=[LOTS], rules=RULES)
    await opened.core.products("C")
    await announced(opened)
    return opened


async def announced(
    line: Station, notice_no: str = "PO-1", *items: dict[str, Any], supplier: str = "001"
) -> None:
    body = {"noticeNo": notice_no, "kind": "purchase", "warehouseId": WAREHOUSE, "supplier": supplier}
    said = list(items) or [some("A", 10), some("B", 5)]
    notice = InboundNotice.model_validate(body | {"items": said})
    await line.store.write(partial(announce_goods, context=line.core.context, notice=notice))


async def came(line: Station, act_id: str, *lines: dict[str, Any], notice_no: str | None = "PO-1") -> ActView:
    body = {"actId": act_id, "operator": "Dora", "noticeNo": notice_no, "lines": list(lines)}
    request = Receive.model_validate(body)
    return await line.store.write(partial(take_in, context=line.core.context, request=request))


async def judged(line: Station, sku: str, lot_no: str, quality: str, reason: str) -> None:
    body = {"actId": f"J-{sku}-{quality}", "operator": "Quinn", "reason": reason}
    request = JudgeLot.model_validate(body | {"skuId": sku, "lotNo": lot_no, "quality": quality})
    await line.store.write(partial(correct, context=line.core.context, request=request))


async def inspections(line: Station, notice_no: str = "PO-1") -> list[InspectionView]:
    return [view for _, view in await line.store.read(lambda tx: list_inspections(tx, notice_no, 0, 100))]


async def lots(line: Station) -> list[tuple[str, str, str, str, int]]:
    """Return (product, lot, supplier, quality, pieces) of all lots."""
    rows = await line.core.rows(
        "SELECT p.sku, l.lot_no, l.supplier, l.quality, l.quantity FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
        " ORDER BY p.sku, l.lot_no"
    )
    return [(*row,) for row in rows]


def some(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"skuId": sku, "quantity": quantity, **more}


async def test_what_comes_with_one_notice_waits_under_one_lots_number(line: Station) -> None:
    first = await came(line, "R-1", some("A", 6), some("B", 5))
    assert first.to_inspect == ("A", "B")
    await came(line, "R-2", some("A", 4))
    assert await lots(line) == [("A", FIRST, "001", "pending", 10), ("B", FIRST, "001", "pending", 5)]
    assert await line.core.rows("SELECT SUM(quantity - reserved - held) FROM pools") == [(0,)]
    await line.check()


async def test_each_notice_has_a_number_of_its_own_and_so_has_each_receipt_without_one(line: Station) -> None:
    await announced(line, "PO-2")
    await came(line, "R-1", some("A", 10))
    await came(line, "R-2", some("A", 10), notice_no="PO-2")
    await came(line, "R-3", some("A", 1, supplier="001"), some("B", 1, supplier="001"), notice_no=None)
    assert [(sku, lot_no) for sku, lot_no, *_ in await lots(line)] == [
        *(("A", FIRST), ("A", SECOND), ("A", THIRD)),
        ("B", THIRD),
    ]
    await line.check()


async def test_goods_of_one_product_with_different_days_are_different_lots(line: Station) -> None:
    january, june = "2027-01-31T00:00:00Z", "2027-06-30T00:00:00Z"
    await announced(line, "PO-2", some("A", 5, expiresAt=january), some("A", 5, expiresAt=june), some("B", 5))
    await came(line, "R-1", some("A", 5), some("A", 5), some("B", 5), notice_no="PO-2")
    found = await line.core.rows(
        "SELECT p.sku, l.lot_no, l.expiry_at IS NULL, l.quantity FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
        " ORDER BY p.sku, l.lot_no"
    )
    assert [(sku, lot_no, bool(undated), pieces) for sku, lot_no, undated, pieces in found] == [
        ("A", FIRST, False, 5),
        ("A", SECOND, False, 5),
        ("B", FIRST, True, 5),
    ]
    await announced(line, "PO-3", some("A", 6))
    await came(line, "R-2", some("A", 3, expiresAt=january), notice_no="PO-3")
    await came(line, "R-3", some("A", 3, expiresAt=june), notice_no="PO-3")
    assert len(await lots(line)) == 5, "what comes later with another day is another lot as well"
    await line.check()


async def test_the_number_of_a_lot_says_the_day_on_which_its_goods_were_made(line: Station) -> None:
    await came(line, "R-1", some("A", 1, producedAt="2026-08-19T00:00:00Z"), some("B", 1))
    assert [lot_no for _, lot_no, *_ in await lots(line)] == ["2608190010015", FIRST]


async def test_a_lot_that_has_a_number_keeps_it_and_no_number_is_given_twice(line: Station) -> None:
    await came(line, "R-0", some("A", 1, lotNo=FIRST, supplier="001"), notice_no=None)
    await came(line, "R-1", some("A", 2, lotNo="2609210010997"), some("A", 3))
    assert [(lot_no, pieces) for _, lot_no, _, _, pieces in await lots(line)] == [
        (FIRST, 1),
        (SECOND, 3),
        ("2609210010997", 2),
    ]


async def test_a_number_that_says_the_supplier_is_not_made_up(line: Station) -> None:
    rules = [{"at": "receipt", "then": {"number_lots": True}}]
    line = await station_on(line.store, codes=[LOTS], rules=rules)
    await announced(line, "PO-9", supplier="Acme")
    for notice_no, supplier in (("PO-9", "Acme"), (None, "nobody")):
        with pytest.raises(Refusal) as told:
            await came(line, "R-1", some("A", 1), notice_no=notice_no)
        ((field, code, text),) = [(each.field, each.code, each.message) for each in told.value.reasons]
        assert (field, code) == ("lines[0].supplier", "wrongSupplier")
        assert f"{supplier} is none" in text
    assert await line.core.count("ledger") == {"ledger": 0}


async def test_goods_of_whom_no_rule_says_anything_are_as_the_dock_says(line: Station) -> None:
    await announced(line, "PO-2", some("A", 3), some("C", 2), supplier="007")
    view = await came(line, "R-1", some("A", 3), some("C", 2), notice_no="PO-2")
    assert view.to_inspect == ("C",)
    assert await lots(line) == [("A", "", "", "qualified", 3), ("C", "", "", "pending", 2)]


async def test_an_arrivals_lots_are_listed_with_how_they_were_judged_by_whom_and_why(line: Station) -> None:
    assert await inspections(line) == []
    await came(line, "R-1", some("A", 6), some("B", 5))
    await came(line, "R-2", some("A", 4, quality="rejected", lotNo="2609210010997"))
    await judged(line, "A", FIRST, "qualified", "sample 17 is good")
    first, second, third = await inspections(line)
    assert (first.sku_id, first.lot_no, first.received, first.quality, first.held) == (
        "A",
        FIRST,
        6,
        "qualified",
        0,
    )
    assert (first.judged_by, (first.reason or "").partition(": ")[2]) == ("Quinn", "sample 17 is good")
    assert first.judged_at is not None
    assert (second.sku_id, second.quality, second.held, second.judged_by) == ("B", "pending", 5, None)
    assert (third.lot_no, third.received, third.quality, third.judged_at) == (
        "2609210010997",
        4,
        "rejected",
        None,
    )
    await judged(line, "A", FIRST, "rejected", "sample 18 is not")
    again = (await inspections(line))[0]
    assert (again.quality, (again.reason or "").partition(": ")[2]) == ("rejected", "sample 18 is not")


async def test_only_what_came_with_a_notice_is_listed_with_it(line: Station) -> None:
    await announced(line, "PO-2")
    await came(line, "R-1", some("A", 6))
    await came(line, "R-2", some("B", 5), notice_no="PO-2")
    assert [(each.sku_id, each.received) for each in await inspections(line, "PO-2")] == [("B", 5)]
    with pytest.raises(Refusal) as told:
        await inspections(line, "PO-7")
    assert re.search("no notice PO-7", told.value.reasons[0].message)
