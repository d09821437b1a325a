"""Goods that are on their way, on both databases (S2-22…24, S2-35…37, S2-65): announced, received line by line, told in order.

Given in every test unless it says otherwise: notice PO-1 announces ten of A and five of B, from supplier Acme.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.arrivals import (
    CancelNotice,
    CompleteArrival,
    ExpectedArrivalView,
    InboundNotice,
    InboundNoticeView,
)
from gateway.contract.faults import Refusal
from gateway.contract.inbound import Receive
from gateway.contract.wms import ResultCode
from gateway.kernel.ports import Row, Store
from gateway.wes.arrivals.documents import announce_goods, cancel_notice, complete_arrival
from gateway.wes.arrivals.views import list_arrivals, show_arrival
from gateway.wes.inbound import take_in
from gateway.wes.orders.declined import Declined
from gateway.wes.tracing import trace_lot
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE

AREA = f"{WAREHOUSE}/RCV_AREA"


@pytest.fixture
async def line(store: Store) -> Station:
    opened = await station_on(store)
    await notice(opened, ("A", 10), ("B", 5))
    return opened


async def notice(line: Station, *items: tuple[str, int] | dict[str, Any], **more: Any) -> InboundNoticeView:
    body = {
        "noticeNo": "PO-1",
        "kind": "purchase",
        "warehouseId": WAREHOUSE,
        "supplier": "Acme",
        "items": [each if isinstance(each, dict) else some(*each) for each in items],
    }
    said = InboundNotice.model_validate(body | more)
    return await line.store.write(partial(announce_goods, context=line.core.context, notice=said))


async def declined(
    line: Station, *items: tuple[str, int], **more: Any
) -> tuple[ResultCode, list[tuple[str, str]]]:
    with pytest.raises(Declined) as told:
        await notice(line, *items, **more)
    return told.value.code, [(each.field, each.code) for each in told.value.reasons]


async def came(line: Station, act_id: str, *lines: dict[str, Any], **more: Any) -> ActView:
    """Have goods received that were announced."""
    body = {"actId": act_id, "operator": "Dora", "noticeNo": "PO-1", "lines": list(lines)} | more
    request = Receive.model_validate(body)
    return await line.store.write(partial(take_in, context=line.core.context, request=request))


async def refused(line: Station, *lines: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refusal) as told:
        await came(line, "refused", *lines, **more)
    return [(each.field, each.code) for each in told.value.reasons]


async def completed(line: Station, act_id: str = "E-1", notice_no: str = "PO-1") -> ActView:
    request = CompleteArrival(act_id=act_id, operator="Dora", notice_no=notice_no, reason="lost on the way")
    return await line.store.write(partial(complete_arrival, context=line.core.context, request=request))


async def cancelled(line: Station, notice_no: str = "PO-1") -> str:
    request = CancelNotice(notice_no=notice_no, reason="ordered twice")
    view = await line.store.write(partial(cancel_notice, context=line.core.context, request=request))
    return view.status


async def shown(line: Station, notice_no: str = "PO-1") -> ExpectedArrivalView:
    return await line.store.read(lambda tx: show_arrival(tx, notice_no))


async def to_come(line: Station) -> list[str]:
    found = await line.store.read(lambda tx: list_arrivals(tx, only_open=True, below=2**53, limit=10))
    return [view.notice_no for _, view in found]


async def told(line: Station) -> list[dict[str, Any]]:
    return [each for each in await line.core.told() if each["status"] == "ARRIVED"]


async def figures(line: Station) -> list[tuple[int, str, int, int]]:
    """Return (line, product, announced, received)."""
    return [(each.line_no, each.sku_id, each.announced, each.received) for each in (await shown(line)).lines]


async def ledger(line: Station) -> Sequence[Row]:
    return await line.core.rows(
        "SELECT l.holder_id, l.d_quantity, e.document_kind, e.document_id FROM ledger l"
        " JOIN stock_events e ON e.event_id = l.event_id WHERE l.holder_id IS NOT NULL ORDER BY l.at, l.holder_id"
    )


def some(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"skuId": sku, "quantity": quantity, **more}


async def test_announced_goods_are_received_line_by_line_and_upstream_hears_of_each_receipt_in_order(
    line: Station,
) -> None:
    assert (await shown(line)).state == "announced"
    assert (await came(line, "R-1", some("A", 4, lotNo="A-1"))).notice_state == "partly"
    assert (
        await came(line, "R-2", some("A", 6), some("B", 5, quality="rejected"))
    ).notice_state == "received"
    first, second = await told(line)
    assert (first["noticeNo"], first["omsOrderNo"], first["noticeComplete"]) == ("PO-1", "", False)
    assert first["arrived"] == [
        {"lineNo": 1, "skuId": "A", "lotNo": "A-1", "quantity": 4, "quality": "qualified"}
    ]
    assert [(each["lineNo"], each["received"]) for each in first["noticeLines"]] == [(1, 4), (2, 0)]
    assert second["noticeComplete"] is True
    assert [(each["skuId"], each["quantity"], each["quality"]) for each in second["arrived"]] == [
        ("A", 6, "qualified"),
        ("B", 5, "rejected"),
    ]
    assert [(each["announced"], each["received"]) for each in second["noticeLines"]] == [(10, 10), (5, 5)]
    assert first["sequence"] < second["sequence"]
    assert await line.core.rows("SELECT DISTINCT lane FROM outbox WHERE lane LIKE 'notice:%'") == [
        ("notice:PO-1",)
    ]
    assert await to_come(line) == []
    await line.check()


async def test_the_dock_reads_in_words_what_is_to_come_and_what_still_lacks(line: Station) -> None:
    await line.core.products("TEA", skuName="Green tea", version=2)
    await notice(line, ("TEA", 10), ("A", 1), noticeNo="PO-2", expectedAt="2027-03-01T08:00:00Z")
    view = await shown(line, "PO-2")
    assert (view.goods, view.lacks) == ("Green tea ×10 EA; A ×1 EA",) * 2
    await came(line, "R-1", some("TEA", 4), some("A", 1), noticeNo="PO-2")
    view = await shown(line, "PO-2")
    assert (view.goods, view.lacks) == ("Green tea ×10 EA; A ×1 EA", "Green tea ×6 EA")
    assert [each.lacks for each in view.lines] == [6, 0]
    assert await to_come(line) == ["PO-2", "PO-1"]


async def test_of_a_long_notice_the_first_lines_are_told_in_words(line: Station) -> None:
    await notice(line, *[("A", 1)] * 13, noticeNo="PO-2")
    assert (await shown(line, "PO-2")).goods == "; ".join(["A ×1 EA"] * 10) + "; and 3 more lines"


async def test_no_more_is_received_than_was_announced(line: Station) -> None:
    too_many = [("lines[0].quantity", "tooMany")]
    assert await refused(line, some("A", 11)) == too_many
    assert await refused(line, some("A", 6), some("A", 5)) == [("lines[1].quantity", "tooMany")]
    await came(line, "R-1", some("A", 10))
    assert await refused(line, some("A", 1)) == too_many
    await came(line, "R-2", some("B", 5))
    assert await refused(line, some("A", 1)) == too_many, "all has come, and the reason is still the same"
    assert await figures(line) == [(1, "A", 10, 10), (2, "B", 5, 5)]
    assert await line.core.rows("SELECT quantity FROM pools ORDER BY sku") == [(10,), (5,)]
    await line.check()


async def test_what_was_not_announced_is_refused_with_everything_else_that_is_wrong(line: Station) -> None:
    await line.core.products("C")
    assert await refused(line, some("C", 1), some("A", 11), some("X", 1)) == [
        ("lines[0].skuId", "notAnnounced"),
        ("lines[1].quantity", "tooMany"),
        ("lines[2].skuId", "unknownSku"),
    ]
    assert await line.core.count("ledger") == {"ledger": 0}


async def test_a_rule_lets_a_share_more_and_other_products_in(store: Store) -> None:
    rules = [
        {"at": "arrival", "when": {"supplier": "Acme", "sku": "A"}, "then": {"over_percent": 25}},
        {"at": "arrival", "when": {"kind": "purchase"}, "then": {"unannounced": True}},
    ]
    line = await station_on(store, rules=rules)
    await notice(line, ("A", 10), ("B", 5))
    await line.core.products("C")
    assert await refused(line, some("A", 13)) == [("lines[0].quantity", "tooMany")]
    await came(line, "R-1", some("A", 12), some("C", 3))
    await came(line, "R-2", some("C", 2))
    assert await refused(line, some("B", 6)) == [("lines[0].quantity", "tooMany")]
    assert await figures(line) == [(1, "A", 10, 12), (2, "B", 5, 0), (3, "C", 0, 5)]
    assert (await shown(line)).lacks == "B ×5 EA"
    assert (await came(line, "R-3", some("B", 5))).notice_state == "received"
    assert (await told(line))[0]["noticeLines"][2] == {
        "lineNo": 3,
        "skuId": "C",
        "announced": 0,
        "received": 3,
    }
    await line.check()


async def test_a_line_that_names_a_lot_is_fulfilled_by_this_lot_and_before_others(line: Station) -> None:
    items = ({"lineNo": 20, **some("A", 5)}, {"lineNo": 10, **some("A", 2, lotNo="L-1")})
    await notice(line, *items, noticeNo="PO-2")
    await came(line, "R-1", some("A", 3, lotNo="L-1"), noticeNo="PO-2")
    lines = [(each.line_no, each.received) for each in (await shown(line, "PO-2")).lines]
    assert lines == [(10, 2), (20, 1)]
    assert await refused(line, some("A", 5, lotNo="L-2"), noticeNo="PO-2") == [
        ("lines[0].quantity", "tooMany")
    ]
    await notice(line, some("A", 2, lotNo="L-1"), noticeNo="PO-3")
    assert await refused(line, some("A", 1, lotNo="L-2"), noticeNo="PO-3") == [
        ("lines[0].skuId", "notAnnounced")
    ]


async def test_supplier_and_days_of_the_notice_stand_where_the_dock_says_none(line: Station) -> None:
    await line.core.products("A", shelfLifeDays=30, version=2)
    day = "2030-01-01T00:00:00Z"
    await notice(line, some("A", 9, expiresAt=day), noticeNo="PO-2")
    view = await came(line, "R-1", some("A", 2, lotNo="L-1"), noticeNo="PO-2")
    assert view.to_inspect is None
    other = "2031-01-01T00:00:00Z"
    await came(line, "R-2", some("A", 2, lotNo="L-2", expiresAt=other, supplier="Best"), noticeNo="PO-2")
    rows = await line.core.rows("SELECT lot_no, supplier, expiry_at / 1000000 FROM lots ORDER BY lot_no")
    assert rows == [("L-1", "Acme", 1893456000), ("L-2", "Best", 1924992000)]
    items = (some("B", 1, expiresAt=day), some("A", 1, expiresAt=day), some("A", 9, expiresAt=other))
    await notice(line, *items, noticeNo="PO-3", supplier="Best")
    await came(line, "R-3", some("A", 1, lotNo="L-1"), noticeNo="PO-3")
    assert rows == await line.core.rows(
        "SELECT lot_no, supplier, expiry_at / 1000000 FROM lots ORDER BY lot_no"
    ), "what is known of a lot stands"
    await came(line, "R-4", some("A", 1, lotNo="L-3"), noticeNo="PO-3")
    days = await line.core.rows("SELECT expiry_at / 1000000 FROM lots WHERE lot_no = 'L-3'")
    assert days == [(1924992000,)], "the pieces of the first line had come"


async def test_goods_without_batches_come_from_several_suppliers_and_without_a_notice(line: Station) -> None:
    await notice(line, ("A", 5), noticeNo="PO-2", supplier="Best")
    await came(line, "R-1", some("A", 1))
    await came(line, "R-2", some("A", 1), noticeNo="PO-2")
    await came(line, "R-3", some("A", 1), noticeNo=None)
    assert await line.core.rows("SELECT lot_no, supplier, quantity FROM lots") == [("", "", 3)]


async def test_a_lot_number_that_is_scanned_counts_for_the_line_that_names_it(line: Station) -> None:
    await line.core.products("A", barcodes=["04006381333931"], version=2)
    await notice(line, some("A", 5), some("A", 2, lotNo="L-1"), noticeNo="PO-2")
    await came(line, "R-1", some("A", 2, scan="(01)04006381333931(10)L-1"), noticeNo="PO-2")
    assert [each.received for each in (await shown(line, "PO-2")).lines] == [0, 2]
    assert (await told(line))[0]["arrived"][0]["lotNo"] == "L-1"


async def test_what_another_warehouse_sent_comes_from_an_account_of_its_own(line: Station) -> None:
    await notice(line, ("A", 3), noticeNo="TR-1", kind="transfer")
    await came(line, "R-1", some("A", 3), noticeNo="TR-1")
    await came(line, "R-2", some("A", 1))
    await came(line, "R-3", some("B", 1), noticeNo=None)
    assert await ledger(line) == [
        ("TRANSFER", -3, "arrival", "TR-1"),
        (AREA, 3, "arrival", "TR-1"),
        ("SUPPLIER", -1, "arrival", "PO-1"),
        (AREA, 1, "arrival", "PO-1"),
        ("SUPPLIER", -1, "receipt", "R-3"),
        (AREA, 1, "receipt", "R-3"),
    ]
    await line.check()


async def test_who_traces_a_lot_sees_that_it_came_from_another_warehouse_under_which_notice(
    line: Station,
) -> None:
    await notice(line, ("A", 3), noticeNo="TR-1", kind="transfer")
    await came(line, "R-1", some("A", 3, lotNo="L-1"), noticeNo="TR-1")
    trace = await line.store.read(lambda tx: trace_lot(tx, line.core.context, None, "A", "L-1"))
    (arrival,) = trace.arrivals
    assert (trace.received, arrival.source, arrival.document_id) == (3, "TRANSFER", "TR-1")


async def test_pieces_with_numbers_come_from_another_warehouse_each_once(line: Station) -> None:
    await line.core.products("A", serial_tracked=True, version=2)
    await notice(line, ("A", 2), noticeNo="TR-1", kind="transfer")
    await came(line, "R-1", some("A", 1, upns=["U-1"]), noticeNo="TR-1")
    assert await refused(line, some("A", 1, upns=["U-1"]), noticeNo="TR-1") == [("", "stock")]
    assert (await shown(line, "TR-1")).lines[0].received == 1
    await line.check()


async def test_many_hands_receive_no_more_than_was_announced(line: Station) -> None:
    async def receive(number: int) -> bool:
        try:
            await came(line, f"R-{number}", some("B", 1))
        except Refusal:
            return False
        return True

    assert sum(await asyncio.gather(*(receive(number) for number in range(12)))) == 5
    assert [each["noticeLines"][1]["received"] for each in await told(line)] == [1, 2, 3, 4, 5]
    await line.check()


async def test_an_act_that_is_sent_again_receives_nothing_twice(line: Station) -> None:
    first = await came(line, "R-1", some("A", 1))
    again = await came(line, "R-1", some("A", 1))
    assert again == first.model_copy(update={"again": True})
    assert len(await told(line)) == 1
    assert await figures(line) == [(1, "A", 10, 1), (2, "B", 5, 0)]


async def test_a_notice_is_taken_once_and_never_with_another_body(line: Station) -> None:
    assert await notice(line, ("A", 10), ("B", 5)) == await notice(line, ("A", 10), ("B", 5))
    assert await declined(line, ("A", 9), ("B", 5)) == (ResultCode.CONFLICT, [("noticeNo", "reused")])
    await came(line, "R-1", some("A", 1))
    assert (await notice(line, ("A", 10), ("B", 5))).status == "partly"
    assert await to_come(line) == ["PO-1"]


async def test_of_the_same_notice_twice_at_once_one_is_stored(line: Station) -> None:
    async def send() -> ResultCode:
        try:
            await notice(line, ("A", 1), noticeNo="PO-2")
        except Declined as declined:
            return declined.code
        return ResultCode.SUCCESS

    codes = set(await asyncio.gather(*(send() for _ in range(6))))
    assert ResultCode.SUCCESS in codes and codes <= {ResultCode.SUCCESS, ResultCode.BUSY}
    assert len((await shown(line, "PO-2")).lines) == 1


async def test_everything_that_is_wrong_with_a_notice_is_told(line: Station) -> None:
    assert await declined(line, ("X", 1), ("A", 4), warehouseId="WH-9", noticeNo="PO-2") == (
        ResultCode.INVALID,
        [("warehouseId", "unknownWarehouse"), ("items[0].skuId", "unknownSku")],
    )
    assert await to_come(line) == ["PO-1"]


async def test_what_never_comes_is_closed_by_a_person_with_a_reason(line: Station) -> None:
    await came(line, "R-1", some("A", 1))
    assert (await completed(line)).notice_state == "closed"
    assert (await completed(line)).again
    view = await shown(line)
    assert (view.state, view.reason, view.ended_by, view.lacks) == ("closed", "lost on the way", "Dora", "")
    assert [(each["noticeComplete"], len(each["arrived"])) for each in await told(line)] == [
        (False, 1),
        (True, 0),
    ]
    assert await refused(line, some("A", 1)) == [("noticeNo", "hasEnded")]
    with pytest.raises(Refusal) as closed:
        await completed(line, "E-2")
    assert closed.value.reasons[0].code == "hasEnded"
    assert await to_come(line) == []


async def test_upstream_cancels_what_has_not_come_and_closes_what_has_come_in_part(line: Station) -> None:
    assert [await cancelled(line), await cancelled(line)] == ["cancelled", "cancelled"]
    assert await refused(line, some("A", 1)) == [("noticeNo", "hasEnded")]
    await notice(line, ("A", 2), noticeNo="PO-2")
    await came(line, "R-1", some("A", 1), noticeNo="PO-2")
    assert [await cancelled(line, "PO-2"), await cancelled(line, "PO-2")] == ["closed", "closed"]
    assert [(each["noticeNo"], each["noticeComplete"]) for each in await told(line)] == [
        ("PO-1", True),
        ("PO-2", False),
        ("PO-2", True),
    ]
    view = await shown(line, "PO-2")
    assert (view.reason, view.ended_by) == ("ordered twice", None)


async def test_what_has_come_is_not_cancelled(line: Station) -> None:
    await came(line, "R-1", some("A", 10), some("B", 5))
    for notice_no, code in (("PO-1", ResultCode.TOO_LATE), ("PO-9", ResultCode.NOT_FOUND)):
        with pytest.raises(Declined) as late:
            await cancelled(line, notice_no)
        assert late.value.code == code
    assert len(await told(line)) == 1


async def test_a_cancellation_and_a_receipt_at_once_agree_on_who_was_first(line: Station) -> None:
    async def receive() -> bool:
        try:
            await came(line, "R-1", some("A", 1))
        except Refusal:
            return False
        return True

    received, status = await asyncio.gather(receive(), cancelled(line))
    assert (await shown(line)).state == status == ("closed" if received else "cancelled")
    assert (await told(line))[-1]["noticeComplete"] is True


async def test_a_notice_that_nobody_sent_and_goods_of_another_owner_are_refused(line: Station) -> None:
    assert await refused(line, some("A", 1), noticeNo="PO-9") == [("noticeNo", "unknown")]
    assert await refused(line, some("A", 1), ownerId="her") == [("ownerId", "otherOwner")]
    with pytest.raises(Refusal):
        await shown(line, "PO-9")


async def test_goods_come_without_a_notice_as_ever(line: Station) -> None:
    view = await came(line, "R-1", some("A", 99), noticeNo=None)
    assert view.notice_state is None
    assert await told(line) == []
    assert await figures(line) == [(1, "A", 10, 0), (2, "B", 5, 0)]
