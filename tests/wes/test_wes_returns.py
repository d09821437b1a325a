"""Goods that have left come back, on both databases (S4-27): announced or not, received by quality, told in order, none twice.

Given in every test unless it says otherwise: order C-1 for three of A and two of B has been shipped.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.corrections import JudgeLot, LotQuality
from gateway.contract.faults import Refusal
from gateway.contract.inbound import PutAway, Receive
from gateway.contract.returns import ReceiveReturn, ReturnView
from gateway.contract.wms import ResultCode, ReturnNotice, ReturnNoticeView
from gateway.kernel.ports import Row, Store
from gateway.wes.corrections import correct
from gateway.wes.inbound import put_where_it_stays, take_in
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.history import DAY_US, carry_over
from gateway.wes.returns import announce, list_returns, take_back
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on
from tests.unit.wes_rig import WAREHOUSE

AREA = f"{WAREHOUSE}/RCV_AREA"


@pytest.fixture
async def line(store: Store) -> Station:
    opened = await station_on(store, keep_days=30)
    await fill(opened, "T-1", "A1-1-L-05", A=10, B=10)
    await order(opened, "C-1", ("A", 3), ("B", 2))
    await opened.finish()
    assert await opened.told() == ["RECEIVED", "PICKING", "SHIPPED"]
    return opened


async def came(line: Station, act_id: str, *lines: dict[str, Any], **more: Any) -> ActView:
    """Have goods received that came back."""
    body = {"actId": act_id, "operator": "Dora", "lines": list(lines)} | more
    request = ReceiveReturn.model_validate(body)
    return await line.store.write(partial(take_back, context=line.core.context, request=request))


async def refused(line: Station, *lines: dict[str, Any], **more: Any) -> tuple[str, str]:
    with pytest.raises(Refusal) as told:
        await came(line, "refused", *lines, **more)
    return told.value.reasons[0].field, told.value.reasons[0].code


async def notice(line: Station, *items: tuple[str, int], **more: Any) -> ReturnNoticeView:
    body = {
        "returnNo": "RET-1",
        "orderNo": "ORD-C-1",
        "warehouseId": WAREHOUSE,
        "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in items],
    }
    said = ReturnNotice.model_validate(body | more)
    return await line.store.write(partial(announce, context=line.core.context, notice=said))


async def declined(
    line: Station, *items: tuple[str, int], **more: Any
) -> tuple[ResultCode, list[tuple[str, str]]]:
    with pytest.raises(Declined) as told:
        await notice(line, *items, **more)
    return told.value.code, [(each.field, each.code) for each in told.value.reasons]


async def listed(line: Station) -> list[ReturnView]:
    return [view for _, view in await line.store.read(lambda tx: list_returns(tx, 2**53, 10))]


async def lots(line: Station) -> Sequence[Row]:
    """Return (lot, quality, pieces, of which held) of what has come back."""
    return await line.core.rows(
        "SELECT lot_no, quality, quantity, held FROM lots WHERE lot_no LIKE '%-R%' ORDER BY lot_no"
    )


async def told_returns(line: Station) -> list[dict[str, Any]]:
    return [each for each in await line.core.told() if each["status"] == "RETURNED"]


def some(sku: str, quantity: int, quality: str = "saleable", **more: Any) -> dict[str, Any]:
    return {"skuId": sku, "quantity": quantity, "quality": quality, **more}


async def test_an_announced_return_is_received_and_upstream_hears_of_it_behind_the_shipment(
    line: Station,
) -> None:
    assert (await notice(line, ("A", 2))).status == "announced"
    (view,) = await listed(line)
    assert (view.order_no, view.state, view.lines[0].announced) == ("ORD-C-1", "announced", 2)
    assert (await came(line, "R-1", some("A", 1), returnNo="RET-1")).return_no == "RET-1"
    await came(line, "R-2", some("A", 1, "damaged"), returnNo="RET-1")
    assert [each["sequence"] for each in await line.core.told()] == [1, 2, 3, 4, 5]
    first, second = await told_returns(line)
    assert (first["omsOrderNo"], first["returnNo"], first["returnComplete"], first["returned"]) == (
        "ORD-C-1",
        "RET-1",
        False,
        [{"skuId": "A", "quantity": 1, "quality": "saleable"}],
    )
    assert first["wmsOutboundNo"] == (await line.core.rows("SELECT outbound_no FROM orders"))[0][0]
    assert second["returnComplete"] is True
    (view,) = await listed(line)
    assert (view.state, view.lines[0].saleable, view.lines[0].damaged) == ("received", 1, 1)
    assert (await notice(line, ("A", 2))).status == "received"
    await line.check()


async def test_saleable_goods_can_be_promised_at_once_the_others_wait_for_a_judgement(line: Station) -> None:
    view = await came(
        line, "R-1", some("A", 1), some("A", 1, "damaged"), some("A", 1, "inspect"), orderNo="ORD-C-1"
    )
    assert view.return_no is not None
    number = view.return_no.removeprefix("RT")
    mine = [(f"A-1-R{number}", "pending", 1, 1), (f"A-1-R{number}D", "rejected", 1, 1)]
    assert await lots(line) == [("A-1-R", "qualified", 1, 0), *mine]
    assert (
        await line.core.rows("SELECT holder_id FROM positions WHERE holder_id = :area", area=AREA)
        == [(AREA,)] * 3
    )
    await order(line, "C-2", ("A", 8))
    assert (await line.order_codes())[-1] == 30, "7 were left and 1 has come back"
    judged = JudgeLot(
        act_id="J-1",
        operator="Ida",
        reason="as new",
        sku_id="A",
        lot_no=f"A-1-R{number}",
        quality=LotQuality.QUALIFIED,
    )
    await line.store.write(partial(correct, context=line.core.context, request=judged))
    assert (await lots(line))[1][1:] == ("qualified", 1, 0)
    await line.check()


async def test_in_the_ledger_they_come_from_where_they_went(line: Station) -> None:
    await came(line, "R-1", some("A", 2), orderNo="ORD-C-1")
    rows = await line.core.rows(
        "SELECT l.holder_id, l.d_quantity, e.document_kind FROM ledger l JOIN stock_events e ON e.event_id = l.event_id"
        " WHERE e.event_id LIKE 'return-%' ORDER BY l.holder_id"
    )
    assert rows == [("SHIPPED", -2, "return"), (AREA, 2, "return")]
    assert await line.core.rows("SELECT quantity FROM pools ORDER BY sku") == [(9,), (8,)]
    request = PutAway.model_validate(
        {
            "actId": "P-1",
            "operator": "Dora",
            "holderId": "T-1",
            "lines": [{"skuId": "A", "quantity": 2, "lotNo": "A-1-R"}],
        }
    )
    await line.store.write(partial(put_where_it_stays, context=line.core.context, request=request))
    assert (await line.core.rows("SELECT SUM(quantity) FROM positions WHERE holder_id = 'T-1'")) == [(17,)]
    await line.check()


async def dated(line: Station, *lot_nos: str) -> None:
    """Let goods with a day on which they expire lie there: in lots of A."""
    for lot_no in lot_nos:
        expiry = line.core.clock.at_us + 90 * DAY_US
        await line.core.stock("A", 1, lot_no=lot_no, expiry_at=expiry)


@pytest.mark.parametrize(
    "said", [{}, {"lotNo": "X-9"}], ids=("no lot is named", "a lot that was never here is named")
)
async def test_pieces_that_expire_nobody_knows_when_are_not_sold_before_somebody_has_looked(
    line: Station, said: dict[str, str]
) -> None:
    await dated(line, "A-2")
    view = await came(line, "R-1", some("A", 2, **said), some("B", 1, **said))
    assert view.to_inspect == ("A",)
    assert [row[1:] for row in await lots(line)] == [("qualified", 1, 0), ("pending", 2, 2)]
    (told,) = await told_returns(line)
    assert told["returned"] == [
        {"skuId": "A", "quantity": 2, "quality": "inspect"},
        {"skuId": "B", "quantity": 1, "quality": "saleable"},
    ]
    counted = {each.sku_id: (each.saleable, each.inspect) for each in (await listed(line))[0].lines}
    assert counted == {"A": (0, 2), "B": (1, 0)}
    assert await came(line, "R-1", some("A", 2, **said), some("B", 1, **said)) == view.model_copy(
        update={"again": True}
    )
    await line.check()


async def test_a_product_with_a_shelf_life_expires_though_no_lot_of_it_has_a_date(line: Station) -> None:
    await line.core.products("A", shelfLifeDays=30, version=2)
    assert (await came(line, "R-1", some("A", 1))).to_inspect == ("A",)


async def test_pieces_whose_lot_is_known_are_sold_with_its_date(line: Station) -> None:
    await dated(line, "A-2")
    view = await came(line, "R-1", some("A", 1, lotNo="A-2"), some("A", 1, "damaged"))
    assert view.to_inspect is None
    rows = await line.core.rows("SELECT quality, expiry_at IS NULL FROM lots WHERE lot_no = 'A-2-R'")
    assert [(row[0], bool(row[1])) for row in rows] == [("qualified", False)]


async def test_what_comes_back_keeps_the_dates_of_the_lot_that_it_left_with(line: Station) -> None:
    expiry = line.core.clock.at_us + 90 * DAY_US
    await line.store.write(
        lambda tx: tx.execute(
            "UPDATE lots SET expiry_at = :at, supplier = 'Acme' WHERE lot_no = 'A-1'", {"at": expiry}
        )
    )
    await came(line, "R-1", some("A", 1), orderNo="ORD-C-1")
    rows = await line.core.rows(
        "SELECT DISTINCT expiry_at, supplier, received_at FROM lots WHERE lot_no IN ('A-1', 'A-1-R')"
    )
    assert [row[:2] for row in rows] == [(expiry, "Acme")]


async def test_goods_that_nobody_announced_are_a_return_of_their_own(line: Station) -> None:
    view = await came(line, "R-1", some("B", 1, "inspect", lotNo="B-1"), reason="left at the gate")
    (told,) = await told_returns(line)
    assert (told["omsOrderNo"], told["returnNo"], told["returnComplete"]) == ("", view.return_no, True)
    (shown,) = await listed(line)
    assert (shown.order_no, shown.reason, shown.state) == (None, "left at the gate", "received")


async def test_no_more_comes_back_than_has_left(line: Station) -> None:
    await came(line, "R-1", some("A", 2), orderNo="ORD-C-1")
    too_many = ("lines[0].quantity", "tooMany")
    assert await refused(line, some("A", 2), orderNo="ORD-C-1") == too_many
    assert await refused(line, some("A", 1), some("A", 1), orderNo="ORD-C-1") == (
        "lines[1].quantity",
        "tooMany",
    )
    await notice(line, ("A", 3))
    assert await refused(line, some("A", 2), returnNo="RET-1") == too_many
    await came(line, "R-2", some("A", 1), returnNo="RET-1", complete=True)
    assert await refused(line, some("A", 1), returnNo="RET-1") == ("returnNo", "hasEnded")
    assert await refused(line, some("A", 1), orderNo="ORD-C-1") == too_many
    await line.check()


async def test_many_hands_receive_no_more_than_has_left(line: Station) -> None:
    async def receive(number: int) -> bool:
        try:
            await came(line, f"R-{number}", some("A", 1), orderNo="ORD-C-1")
        except Refusal:
            return False
        return True

    assert sum(await asyncio.gather(*(receive(number) for number in range(12)))) == 3
    assert len(await told_returns(line)) == 3
    await line.check()


async def test_an_act_that_is_sent_again_receives_nothing_twice(line: Station) -> None:
    first = await came(line, "R-1", some("A", 1), orderNo="ORD-C-1")
    again = await came(line, "R-1", some("A", 1), orderNo="ORD-C-1")
    assert (first.again, again.again, again.return_no) == (False, True, first.return_no)
    assert len(await told_returns(line)) == 1
    assert await lots(line) == [("A-1-R", "qualified", 1, 0)]


async def test_a_notice_is_taken_once_and_never_with_another_body(line: Station) -> None:
    assert await notice(line, ("A", 2)) == await notice(line, ("A", 2))
    assert await declined(line, ("A", 3)) == (ResultCode.CONFLICT, [("returnNo", "reused")])
    assert len(await listed(line)) == 1


async def test_everything_that_is_wrong_with_a_notice_is_told(line: Station) -> None:
    assert await declined(line, ("X", 1), ("A", 4), warehouseId="WH-9") == (
        ResultCode.INVALID,
        [
            ("warehouseId", "unknownWarehouse"),
            ("items[0].skuId", "unknownSku"),
            ("items[1].quantity", "tooMany"),
        ],
    )
    await order(line, "C-2", ("A", 1))
    assert await declined(line, ("A", 1), orderNo="ORD-C-2") == (
        ResultCode.INVALID,
        [("orderNo", "notShipped")],
    )
    assert await listed(line) == []


async def test_what_never_comes_of_a_notice_is_closed_by_a_person(line: Station) -> None:
    await notice(line, ("A", 3))
    await came(line, "R-1", some("A", 1), returnNo="RET-1")
    await came(line, "R-2", returnNo="RET-1", complete=True)
    (view,) = await listed(line)
    assert (view.state, view.lines[0].announced, view.lines[0].saleable) == ("received", 3, 1)
    assert [each["returnComplete"] for each in await told_returns(line)] == [False, True]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"returnNo": "RET-9"}, ("returnNo", "unknown")),
        ({"orderNo": "ORD-9"}, ("orderNo", "unknown")),
    ],
)
async def test_what_is_not_known_is_refused(
    line: Station, asked: dict[str, str], reason: tuple[str, str]
) -> None:
    assert await refused(line, some("A", 1), **asked) == reason
    assert await listed(line) == []


async def test_long_after_its_order_has_gone_to_history_a_return_still_finds_it(line: Station) -> None:
    await line.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
    line.core.clock.at_us += 31 * DAY_US
    await carry_over(line.core.store, line.core.context)
    assert await line.core.count("orders") == {"orders": 0}
    await came(line, "R-1", some("A", 3), orderNo="ORD-C-1")
    (told,) = await told_returns(line)
    assert told["sequence"] == 4
    assert await lots(line) == [("A-1-R", "qualified", 3, 0)]
    assert await refused(line, some("A", 1), orderNo="ORD-C-1") == ("lines[0].quantity", "tooMany")
    await order(line, "C-2", ("A", 1), orderNo="ORD-C-1")
    assert (await line.core.told())[-1]["sequence"] == 5, "the number goes on where the return has left it"


@pytest.mark.parametrize("history", [False, True])
async def test_an_announced_return_stays_with_its_order_though_the_number_has_come_back(
    line: Station, history: bool
) -> None:
    await notice(line, ("A", 3))
    await order(line, "C-2", ("A", 1), orderNo="ORD-C-1")
    await line.finish()
    if history:
        await line.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
        line.core.clock.at_us += 31 * DAY_US
        await carry_over(line.core.store, line.core.context)
    await came(line, "R-1", some("A", 3), returnNo="RET-1")
    assert await refused(line, some("A", 2), orderNo="ORD-C-1") == ("lines[0].quantity", "tooMany")
    await came(line, "R-2", some("A", 1), orderNo="ORD-C-1")
    first, second = await told_returns(line)
    assert first["wmsOutboundNo"] != second["wmsOutboundNo"]
    assert first["sequence"] < second["sequence"]
    await line.check()


async def test_pieces_with_numbers_come_back_into_their_lot_each_once(store: Store) -> None:
    line = await station_on(store)
    await line.core.products("A", serial_tracked=True, version=2)
    units = ["U-1", "U-2", "U-3"]
    receipt = Receive.model_validate(
        {
            "actId": "IN",
            "operator": "Dora",
            "holderId": "T-1",
            "lines": [{"skuId": "A", "quantity": 3, "lotNo": "A-1", "upns": units}],
        }
    )
    await line.store.write(partial(take_in, context=line.core.context, request=receipt))
    line.gateway.places["T-1"] = "A1-1-L-05"
    await order(line, "C-1", ("A", 2))
    operation = await line.bring()
    for allocation, _ in await line.scan(operation):
        for upn in units[:2]:
            await line.act("pick", allocation_id=allocation, quantity=1, upns=[upn])
            await line.light()
            for name in line.walls.lit():
                line.walls.press(name)
            await line.hear()
    await line.act("done", operation_id=operation)
    await line.act("ship", package_ids=await line.seal_all())
    assert await refused(line, some("B", 1, upns=["U-1"])) == ("lines[0].upns", "otherProduct")
    await came(line, "R-1", some("A", 1, upns=["U-1"]), orderNo="ORD-C-1")
    await came(line, "R-2", some("A", 1, "damaged", upns=["U-2"]), orderNo="ORD-C-1")
    assert await line.core.rows("SELECT lot_no, quantity, held FROM lots") == [("A-1", 3, 1)]
    assert await refused(line, some("A", 2, upns=["U-3"])) == ("lines[0].upns", "count")
    assert await refused(line, some("A", 1, upns=["U-3"])) == ("", "stock"), "it has never left"
    await line.check()
