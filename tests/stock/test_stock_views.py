"""What there is, by SKU, lot, position and location; what happened; and what there was at a time."""

from dataclasses import replace

import pytest

from gateway.contract.corrections import LotOrder
from gateway.wes.stock.history import Wanted, lots_then, place, pool_then, positions_then, trace
from gateway.wes.stock.model import EventKind, Quality
from gateway.wes.stock.opening import set_safety, stand
from gateway.wes.stock.verbs import allocate, hold, move, pick, receive, reserve
from gateway.wes.stock.views import (
    FIRST,
    Lots,
    find_pool,
    positions_in_holder,
    positions_of_pool,
    stock_at_location,
    stock_by_location,
    stock_by_lot,
    stock_by_sku,
)
from tests.stock.rig import NOON, PICK_TO, RCV, WH, Warehouse, at, figures, of

pytestmark = pytest.mark.unit


async def test_stock_by_sku_comes_in_pages(warehouse: Warehouse) -> None:
    for sku in ("A", "B", "C"):
        await warehouse.stocked(10, sku=sku)
    first = await warehouse.job(lambda tx: stock_by_sku(tx, WH, "OWNER", limit=2))
    second = await warehouse.job(lambda tx: stock_by_sku(tx, WH, "OWNER", first[-1].sku, 2))
    assert [[pool.sku for pool in page] for page in (first, second)] == [["A", "B"], ["C"]]
    assert await warehouse.job(lambda tx: stock_by_sku(tx, WH, "ANOTHER")) == []


async def test_one_sku_tells_what_can_be_sold(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.job(lambda tx: set_safety(tx, lot.pool_id, 3))
    pool = await warehouse.job(lambda tx: find_pool(tx, WH, "OWNER", "SKU-1"))
    assert pool is not None
    assert (pool.balance, pool.sellable) == (figures(10), 7)
    assert await warehouse.job(lambda tx: find_pool(tx, WH, "OWNER", "UNKNOWN")) is None


async def test_picked_goods_stand_at_the_location_that_s1_names(warehouse: Warehouse) -> None:
    assert await warehouse.rows(f"SELECT location_id FROM holders WHERE holder_id = '{PICK_TO}'") == [
        ("LOC00000005",)
    ]


async def test_lots_without_stock_are_not_shown(warehouse: Warehouse) -> None:
    empty, full = await warehouse.lot(lot_no="EMPTY"), await warehouse.stocked(10, lot_no="FULL")
    assert empty.pool_id == full.pool_id
    wanted = Lots(WH, "OWNER", "SKU-1")
    assert [lot for _, _, lot in await warehouse.job(lambda tx: stock_by_lot(tx, wanted))] == [full]


@pytest.mark.parametrize(
    ("order", "names"), [(LotOrder.FIFO, "OMN"), (LotOrder.FEFO, "NOM"), (LotOrder.LIFO, "NMO")]
)
async def test_lots_come_in_the_order_that_is_asked_for_page_by_page(
    warehouse: Warehouse, order: LotOrder, names: str
) -> None:
    for name, received, expires in (("M", 2, None), ("N", 3, 10), ("O", 1, 20)):
        expiry_at = None if expires is None else NOON + expires
        await warehouse.stocked(1, lot_no=name, received_at=received, expiry_at=expiry_at)
    wanted, after, found = Lots(WH, "OWNER", "SKU-1"), FIRST, ""
    for _ in names:
        ((after, _, lot),) = await warehouse.job(
            lambda tx, after=after: stock_by_lot(tx, wanted, order, after, 1)
        )
        found += lot.lot_no
    assert found == names
    assert not await warehouse.job(lambda tx: stock_by_lot(tx, wanted, order, after, 1))


async def test_what_waits_for_a_judgement_is_listed_of_all_products_the_oldest_first(
    warehouse: Warehouse,
) -> None:
    for sku, received, quality in (
        ("A", 2, Quality.PENDING),
        ("B", 1, Quality.PENDING),
        ("C", 0, Quality.QUALIFIED),
    ):
        await warehouse.stocked(1, sku=sku, received_at=received, quality=quality)
    wanted = Lots(WH, "OWNER", quality=Quality.PENDING)
    assert [sku for _, sku, _ in await warehouse.job(lambda tx: stock_by_lot(tx, wanted))] == ["B", "A"]


async def test_a_lot_is_where_its_positions_are(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 4)], "TOTE-2"))
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-2", lot, 1)))
    shown = await warehouse.job(lambda tx: positions_of_pool(tx, lot.pool_id))
    assert [(each.holder.holder_id, each.holder.location_id, each.sku, each.free) for each in shown] == [
        ("TOTE-1", "A1-0", "SKU-1", 6),
        ("TOTE-2", "A1-1", "SKU-1", 3),
    ]
    assert [
        each.holder.holder_id
        for each in await warehouse.job(
            lambda tx: positions_of_pool(tx, lot.pool_id, after=(lot.lot_id, "TOTE-1"))
        )
    ] == ["TOTE-2"]


async def test_all_lots_and_places_of_a_sku_in_a_zone(warehouse: Warehouse) -> None:
    first, second = await warehouse.stocked(10, lot_no="A"), await warehouse.stocked(5, "TOTE-2", lot_no="B")
    await warehouse.job(lambda tx: stand(tx, "TOTE-2", "B7", "COLD"))

    async def places(zone: str | None, after: tuple[int, str] = (0, "")) -> list[tuple[str, str]]:
        shown = await warehouse.job(lambda tx: positions_of_pool(tx, first.pool_id, zone, after))
        return [(each.lot.lot_no, each.holder.holder_id) for each in shown]

    assert await places(None) == [("A", "TOTE-1"), ("B", "TOTE-2")]
    assert await places(None, (first.lot_id, "TOTE-1")) == [("B", "TOTE-2")]
    assert await places("COLD") == [("B", "TOTE-2")]
    assert second.pool_id == first.pool_id


async def test_nothing_of_a_lot_that_may_not_be_used_is_free(warehouse: Warehouse) -> None:
    await warehouse.stocked(10, quality=Quality.PENDING)
    (shown,) = await warehouse.job(lambda tx: positions_in_holder(tx, "TOTE-1"))
    assert (shown.balance, shown.free) == (figures(10), 0)


async def test_a_location_has_what_its_containers_have(warehouse: Warehouse) -> None:
    first = await warehouse.stocked(10, sku="A")
    await warehouse.do(move(warehouse.act(), [at("TOTE-1", first, 4)], "TOTE-2"))
    await warehouse.do(reserve(warehouse.act(), [of(first, 3)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", first, 2), at("TOTE-2", first, 1)]))
    await warehouse.stocked(5, "TOTE-2", sku="B")
    await warehouse.job(lambda tx: stand(tx, "TOTE-2", "A1-0"))
    shown = await warehouse.job(lambda tx: stock_at_location(tx, WH, "A1-0"))
    assert [(each.sku, each.balance) for each in shown] == [
        ("A", figures(10, allocated=3)),
        ("B", figures(5)),
    ]


async def test_stock_by_location_passes_empty_ones(warehouse: Warehouse) -> None:
    await warehouse.stocked(10, "TOTE-1")
    await warehouse.stocked(10, "TOTE-3")
    pages = [
        await warehouse.job(lambda tx, after=after: stock_by_location(tx, WH, after, 1))
        for after in ("", "A1-0", "A1-2")
    ]
    assert [[each.location_id for each in page] for page in pages] == [["A1-0"], ["A1-2"], []]


# ── history ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_ledger_is_traced_by_whatever_is_known(warehouse: Warehouse) -> None:
    lot = await warehouse.lot()
    await warehouse.do(receive(warehouse.act("1", at=NOON), lot, at(RCV, lot, 10)))
    await warehouse.do(move(warehouse.act("2", at=NOON + 1), [at(RCV, lot, 10)], "TOTE-1"))
    await warehouse.do(reserve(replace(warehouse.act("3", at=NOON + 2), document_id="O-1"), [of(lot, 4)]))
    other = await warehouse.stocked(1, sku="OTHER")

    async def events(**wanted: object) -> list[str]:
        entries = await warehouse.job(lambda tx: trace(tx, Wanted(**wanted)))  # pyright: ignore[reportArgumentType]
        return sorted({entry.act.event_id for entry in entries})

    mine = ["1", "2", "3"]
    assert await events(pool_id=lot.pool_id) == await events(lot_id=lot.lot_id) == mine
    assert await events(holder_id=RCV) == ["1", "2"]
    assert await events(location_id="A1-0", pool_id=lot.pool_id) == ["2"]
    assert await events(pool_id=lot.pool_id, since=NOON + 1, until=NOON + 2) == ["2"]
    assert await events(document_id="O-1") == ["3"]
    assert len(await events(document_id="T-1")) == 3
    assert len(await events(operator="tester")) == len(await events()) == 4
    assert await events(operator="nobody") == []
    assert other.lot_id != lot.lot_id


async def test_a_trace_tells_everything_and_comes_in_pages(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act("late", at=NOON + 9, reason="order"), [of(lot, 4)]))
    wanted = Wanted(lot_id=lot.lot_id)
    first = await warehouse.job(lambda tx: trace(tx, wanted, limit=2))
    (last,) = await warehouse.job(lambda tx: trace(tx, wanted, place(first[-1]), 2))
    assert [(entry.kind, entry.holder_id, entry.after) for entry in first] == [
        (EventKind.RECEIVE, "SUPPLIER", None),
        (EventKind.RECEIVE, "TOTE-1", figures(10)),
    ]
    assert last.act == warehouse.act("late", at=NOON + 9, reason="order")
    assert (last.sku, last.lot_no, last.change, last.after) == (
        "SKU-1",
        "A",
        figures(reserved=4),
        figures(10, reserved=4),
    )


async def test_the_ledger_tells_what_there_was_at_any_time(warehouse: Warehouse) -> None:
    lot = await warehouse.lot()
    await warehouse.do(receive(warehouse.act(at=NOON), lot, at("TOTE-1", lot, 10)))
    await warehouse.do(reserve(warehouse.act(at=NOON + 1), [of(lot, 4)]))
    await warehouse.do(allocate(warehouse.act(at=NOON + 2), [at("TOTE-1", lot, 4)]))
    await warehouse.do(pick(warehouse.act(at=NOON + 3), [at("TOTE-1", lot, 4)], PICK_TO))
    pools = [figures(), figures(10), figures(10, reserved=4), figures(10, reserved=4, allocated=4)]
    for moment, balance in enumerate(pools, NOON - 1):
        assert await warehouse.job(lambda tx, moment=moment: pool_then(tx, lot.pool_id, moment)) == balance
    assert await warehouse.job(lambda tx: lots_then(tx, lot.pool_id, NOON + 1)) == {lot.lot_id: pools[2]}
    assert await warehouse.job(lambda tx: positions_then(tx, lot.pool_id, NOON + 2)) == {
        (lot.lot_id, "TOTE-1"): figures(10, allocated=4)
    }
    assert await warehouse.job(lambda tx: positions_then(tx, lot.pool_id, NOON + 3)) == {
        (lot.lot_id, "TOTE-1"): figures(6),
        (lot.lot_id, PICK_TO): figures(4, allocated=4),
    }
