"""An order comes in: taken once, refused with all reasons, promised or short, and told upstream."""

import json
from typing import Any

import pytest

from gateway.kernel.clock import to_rfc3339
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.reservation import list_short, release_held, reserve_again
from tests.unit.feeding import START_US
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

DOCUMENTS = (
    "orders",
    "order_lines",
    "work_orders",
    "lot_reservations",
    "outbox",
    "stages",
    "order_exceptions",
)
EMPTY = dict.fromkeys(DOCUMENTS, 0)


async def refused(opened: Core, raw: Any) -> set[tuple[str, str]]:
    """Submit what is not taken; return fields and codes, and make sure that nothing was stored."""
    before = await opened.count(*DOCUMENTS)
    with pytest.raises(Declined) as declined:
        await opened.submit(raw)
    assert await opened.count(*DOCUMENTS) == before
    return {(reason.field, reason.code) for reason in declined.value.reasons}


async def statuses(opened: Core) -> list[tuple[str, int]]:
    return [(each["status"], each["sequence"]) for each in await opened.told()]


# ── taken ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_order_is_reserved_and_waits_as_one_work_order_all_in_one_commit() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        view = await opened.submit(command())
        assert view.outbound_no.startswith("O20260921")
        assert view.outbound_no.endswith("000001")
        assert await opened.lines() == [("A", 2, 30), ("B", 3, 30)]
        assert await opened.rows("SELECT code FROM orders") == [(30,)]
        assert await opened.rows("SELECT mode, zone, code FROM work_orders") == [("station", None, 30)]
        assert await opened.rows("SELECT quantity FROM work_lines ORDER BY line_id") == [(2,), (3,)]
        assert await opened.rows("SELECT sku, quantity, reserved FROM pools ORDER BY sku") == [
            ("A", 10, 2),
            ("B", 10, 3),
        ]
        stages = await opened.rows("SELECT document, code FROM stages ORDER BY at_us, document")
        assert stages == [("order", "10"), ("order", "30"), ("work", "30")]
        (told,) = await opened.told()
        assert told == {
            "callbackId": told["callbackId"],
            "omsOrderNo": "ORD-C-1",
            "wmsOutboundNo": view.outbound_no,
            "status": "RECEIVED",
            "statusTime": told["statusTime"],
            "sequence": 1,
        }


async def test_the_same_command_again_is_answered_as_before_and_happens_once() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        deadline = to_rfc3339(START_US + 1_000_000)
        first = await opened.submit(command(deadline=deadline))
        before = await opened.count(*DOCUMENTS)
        opened.clock.at_us += 3_600_000_000
        assert await opened.submit(command(deadline=deadline)) == first, "although its deadline has passed"
        assert await opened.count(*DOCUMENTS) == before


async def test_who_gets_it_by_whom_how_urgently_and_the_callers_own_words_are_kept_with_the_order() -> None:
    said = {
        "carrierCode": "SF",
        "serviceType": "express",
        "priority": 8,
        "deadline": to_rfc3339(START_US + 3_600_000_000),
        "extInfo": {"channel": "web"},
    }
    async with core() as opened:
        raw = command("C-1", ("A", 2), **said)
        await opened.submit(raw)
        ((address, *rest, ext),) = await opened.rows(
            "SELECT consignee, warehouse_id, carrier_code, service_type, priority, deadline_at, ext FROM orders"
        )
        names = ("consignee", "phone", "province", "city", "district", "address")
        assert json.loads(address) == {name: raw[name] for name in names}
        assert rest == ["WH-1", "SF", "express", 8, START_US + 3_600_000_000]
        assert json.loads(ext) == {"channel": "web"}


async def test_a_command_id_with_another_body_is_a_conflict() -> None:
    async with core() as opened:
        await opened.submit(command())
        assert await refused(opened, command("C-1", ("A", 3))) == {("commandId", "reused")}


async def test_an_order_number_is_taken_again_once_its_order_has_ended() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.submit(command("C-1", ("A", 1), orderNo="ORD"))
        again = command("C-2", ("A", 1), orderNo="ORD")
        assert await refused(opened, again) == {("orderNo", "open")}
        await opened.cancel("ORD", "re-routed")
        await opened.submit(again)
        assert await statuses(opened) == [("RECEIVED", 1), ("CANCELLED", 2), ("RECEIVED", 3)]


async def test_what_is_wrong_with_a_command_counts_before_its_open_order() -> None:
    async with core() as opened:
        await opened.submit(command("C-1", ("A", 1), orderNo="ORD"))
        other = command("C-2", ("X", 1), orderNo="ORD", warehouseId="WH-9")
        assert await refused(opened, other) == {
            ("warehouseId", "unknownWarehouse"),
            ("items[0].skuId", "unknownSku"),
        }


async def test_a_command_that_was_not_taken_may_be_sent_again() -> None:
    async with core() as opened:
        assert await refused(opened, command("C-1", ("NEW", 1))) == {("items[0].skuId", "unknownSku")}
        await opened.products("NEW")
        await opened.stock("NEW", 1)
        await opened.submit(command("C-1", ("NEW", 1)))
        assert await opened.lines() == [("NEW", 1, 30)]


async def test_numbers_of_documents_begin_anew_every_day_of_the_site() -> None:
    async with core(timezone="Asia/Shanghai") as opened:
        first = await opened.numbers.next(1_790_006_399_000_000)
        second = await opened.numbers.next(1_790_006_400_000_000)
        third = await opened.numbers.next(1_790_006_399_500_000)
        assert (first, second, third) == ("O20260921000001", "O20260922000001", "O20260921000002")


# ── refused ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"warehouseId": "WH-9"}, {("warehouseId", "unknownWarehouse")}),
        ({"deadline": to_rfc3339(START_US - 1)}, {("deadline", "past")}),
        ({"deadline": "tomorrow"}, {("deadline", "badFormat")}),
        ({"phone": " ", "city": None}, {("phone", "tooShort"), ("city", "wrongType")}),
        ({"items": []}, {("items", "tooShort")}),
        ({"items": "A"}, {("items", "wrongType")}),
        ({"priority": "high"}, {("priority", "wrongType")}),
        ({"priority": 10}, {("priority", "outOfRange")}),
        ({"orderNumber": "1"}, {("orderNumber", "unknownField")}),
        ({"items": [{"skuId": "A", "quantity": 0}]}, {("items[0].quantity", "outOfRange")}),
        ({"items": [{"skuId": "A", "quantity": -1}]}, {("items[0].quantity", "outOfRange")}),
        ({"items": [{"skuId": "A", "quantity": 1.5}]}, {("items[0].quantity", "wrongType")}),
        ({"items": [{"skuId": "A", "quantity": "1"}]}, {("items[0].quantity", "wrongType")}),
        ({"items": [{"skuId": "A", "quantity": True}]}, {("items[0].quantity", "wrongType")}),
        ({"items": [{"skuId": "X", "quantity": 1}]}, {("items[0].skuId", "unknownSku")}),
        (
            {"items": [{"skuId": "A", "quantity": 1}, {"skuId": " A ", "quantity": 2}]},
            {("items[1].skuId", "duplicate")},
        ),
        ({"items": [{"skuId": "A", "quantity": 100_001}]}, {("items", "tooLarge")}),
        ({"extInfo": {"note": "x" * 5000}}, {("extInfo", "tooLong")}),
    ],
    ids=lambda value: "" if isinstance(value, set) else str(value)[:40],
)
async def test_a_wrong_command_is_refused_with_its_reasons(
    changes: dict[str, Any], reasons: set[Any]
) -> None:
    async with core() as opened:
        assert await refused(opened, command() | changes) == reasons
        assert await opened.count(*DOCUMENTS) == EMPTY


async def test_all_reasons_are_told_at_once() -> None:
    async with core() as opened:
        raw = command(
            "C-1", ("A", 1), ("X", 0), ("A", 2), warehouseId="WH-9", deadline="2020-01-01T00:00:00Z"
        )
        del raw["address"]
        assert await refused(opened, raw) == {
            ("warehouseId", "unknownWarehouse"),
            ("deadline", "past"),
            ("address", "missing"),
            ("items[1].skuId", "unknownSku"),
            ("items[1].quantity", "outOfRange"),
            ("items[2].skuId", "duplicate"),
        }


@pytest.mark.parametrize("raw", [None, [], "x", 3, {}, {"items": [None, {"skuId": 3}]}], ids=str)
async def test_nonsense_is_refused(raw: Any) -> None:
    async with core() as opened:
        assert await refused(opened, raw)


# ── short ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_order_that_is_short_is_reserved_as_a_whole_or_not_at_all() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 2)
        await opened.submit(command())
        assert await opened.lines() == [("A", 0, 20), ("B", 0, 20)]
        assert await opened.rows("SELECT code FROM orders") == [(20,)]
        assert await opened.count("work_orders", "lot_reservations") == {
            "work_orders": 0,
            "lot_reservations": 0,
        }
        assert await opened.rows("SELECT kind, text FROM order_exceptions") == [
            ("shortage", "B: 3 asked for, 2 can be promised")
        ]
        (told,) = await opened.told()
        assert (told["status"], told["errorCode"]) == ("EXCEPTION", "STOCK_SHORTAGE")


async def test_with_reservation_per_line_the_others_go_on() -> None:
    async with core(rules=[{"at": "reservation", "then": "perLine"}]) as opened:
        await opened.stock("A", 10)
        await opened.submit(command())
        assert await opened.lines() == [("A", 2, 30), ("B", 0, 20)]
        assert await opened.rows("SELECT code FROM orders") == [(30,)]
        assert await statuses(opened) == [("RECEIVED", 1), ("EXCEPTION", 2)]


async def test_with_reservation_per_piece_what_there_is_of_each_line_goes_on_and_upstream_is_told() -> None:
    async with core(rules=[{"at": "reservation", "then": "perPiece"}]) as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 1)
        await opened.submit(command("C-1", ("A", 2), ("B", 3)))
        assert await opened.lines() == [("A", 2, 30), ("B", 1, 30)]
        assert await opened.rows("SELECT short FROM order_lines ORDER BY line_id") == [(0,), (2,)]
        assert await opened.rows("SELECT SUM(quantity) FROM work_lines") == [(3,)]
        assert await opened.count("order_exceptions") == {"order_exceptions": 0}
        told = (await opened.told())[-1]
        assert (told["status"], told["errorMessage"]) == (
            "EXCEPTION",
            "B: 3 asked for, 1 can be promised",
        )


async def test_a_short_order_is_reserved_once_goods_have_come_and_upstream_hears_no_more_than_it_must() -> (
    None
):
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.submit(command())
        (order_id,) = await opened.store.read(lambda tx: list_short(tx, 0, 10))
        for _ in range(2):
            await opened.store.write(lambda tx: reserve_again(tx, opened.context, order_id))
        assert await statuses(opened) == [("EXCEPTION", 1)]
        await opened.stock("B", 3)
        for _ in range(2):
            await opened.store.write(lambda tx: reserve_again(tx, opened.context, order_id))
        assert await opened.lines() == [("A", 2, 30), ("B", 3, 30)]
        assert await opened.store.read(lambda tx: list_short(tx, 0, 10)) == []
        assert await statuses(opened) == [("EXCEPTION", 1), ("RECEIVED", 2)]
        assert await opened.count("work_orders") == {"work_orders": 1}


# ── rules ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_held_order_waits_for_a_person_and_then_goes_on() -> None:
    async with core(rules=[{"at": "audit.order", "when": {"city": "Hangzhou"}, "then": "hold"}]) as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        await opened.submit(command())
        assert await opened.lines() == [("A", 0, 10), ("B", 0, 10)]
        (order_id,) = (await opened.rows("SELECT order_id FROM orders"))[0]
        assert await opened.store.write(lambda tx: release_held(tx, opened.context, order_id, "Han"))
        assert not await opened.store.write(lambda tx: release_held(tx, opened.context, order_id, "Han"))
        assert await opened.lines() == [("A", 2, 30), ("B", 3, 30)]
        assert await opened.rows("SELECT settled_by FROM order_exceptions") == [("Han",)]
        assert await statuses(opened) == [("EXCEPTION", 1), ("RECEIVED", 2)]


async def test_a_rule_may_refuse_an_order() -> None:
    async with core(rules=[{"at": "audit.order", "when": {"ext.test": True}, "then": "refuse"}]) as opened:
        assert await refused(opened, command(extInfo={"test": True})) == {("", "refused")}


async def test_whole_cases_are_work_of_their_own_and_zones_divide_an_order() -> None:
    by_rule = [{"at": "division", "then": "zone"}, {"at": "audit.packaging", "then": "case"}]
    async with core(rules=by_rule) as opened:
        await opened.products("A", unitsPerCase=6, attributes={"zone": "cold"}, version=2)
        await opened.products("C", attributes={"zone": "dry"})
        await opened.stock("A", 100)
        await opened.stock("C", 100)
        await opened.submit(command("C-1", ("A", 20), ("C", 1)))
        work = await opened.rows(
            "SELECT mode, zone, quantity FROM work_orders JOIN work_lines USING (work_id) ORDER BY mode, zone"
        )
        assert work == [("fullCase", "cold", 18), ("station", "cold", 2), ("station", "dry", 1)]


async def test_lots_are_promised_by_turnover_shelf_life_and_name() -> None:
    day = 86_400_000_000
    by_rule = [
        {"at": "audit.lot", "when": {"carrier": "AIR"}, "then": {"shelf_life_days": 30}},
        {"at": "audit.turnover", "when": {"priority": 9}, "then": "lifo"},
    ]
    async with core(rules=by_rule) as opened:
        await opened.stock("A", 5, lot_no="soon", expiry_at=START_US + 10 * day)
        await opened.stock("A", 5, lot_no="late", expiry_at=START_US + 90 * day, received_at=START_US - 5)
        await opened.submit(command("C-1", ("A", 1)))
        await opened.submit(command("C-2", ("A", 1), carrierCode="AIR"))
        await opened.submit(command("C-3", ("A", 1), priority=9))
        await opened.submit(command("C-4") | {"items": [{"skuId": "A", "quantity": 1, "lotNo": "late"}]})
        lots = await opened.rows(
            "SELECT lots.lot_no FROM lot_reservations JOIN lots USING (lot_id) JOIN order_lines USING (line_id)"
            " ORDER BY line_id"
        )
        assert [row[0] for row in lots] == ["soon", "late", "soon", "late"]
