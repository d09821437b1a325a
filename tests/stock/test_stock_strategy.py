"""Which lots are promised, by every turnover; and what is never chosen."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.kernel.ports import Tx
from gateway.site.rules import Turnover
from gateway.wes.stock.model import Lot, Quality
from gateway.wes.stock.promise import Promised, promise_all, promise_each
from gateway.wes.stock.quality import change_quality
from gateway.wes.stock.strategy import Choice, Demand, choose_lots
from gateway.wes.stock.verbs import allocate_free, hold, move, reserve
from tests.stock.rig import DAY, NOON, PICK_TO, RCV, WH, Warehouse, at, figures, of

pytestmark = pytest.mark.unit

OLD, MIDDLE, NEW = "OLD", "MIDDLE", "NEW"


def demand(
    quantity: int, turnover: Turnover = Turnover.FIFO, *, sku: str = "SKU-1", lot_no: str | None = None
) -> Demand:
    return Demand(
        warehouse_id=WH,
        owner_id="OWNER",
        sku=sku,
        quantity=quantity,
        lasting=NOON,
        turnover=turnover,
        lot_no=lot_no,
    )


async def three_lots(warehouse: Warehouse) -> dict[str, Lot]:
    """Ten of each: the oldest lasts longest and is farthest away."""
    return {
        lot_no: await warehouse.stocked(
            10, tote, lot_no=lot_no, received_at=NOON + day * DAY, expiry_at=NOON + expiry * DAY
        )
        for lot_no, tote, day, expiry in (
            (OLD, "TOTE-3", 0, 30),
            (MIDDLE, "TOTE-2", 1, 10),
            (NEW, "TOTE-1", 2, 20),
        )
    }


async def chosen(warehouse: Warehouse, *demands: Demand) -> list[Choice]:
    return await warehouse.job(lambda tx: choose_lots(tx, demands))


ORDERS = {
    Turnover.FIFO: (OLD, MIDDLE, NEW),
    Turnover.FEFO: (MIDDLE, NEW, OLD),
    Turnover.LIFO: (NEW, MIDDLE, OLD),
    Turnover.NEAREST: (NEW, MIDDLE, OLD),
}


@pytest.mark.parametrize("turnover", ORDERS)
async def test_a_turnover_orders_lots(warehouse: Warehouse, turnover: Turnover) -> None:
    lots = await three_lots(warehouse)
    first, second, third = (lots[lot_no] for lot_no in ORDERS[turnover])
    assert await chosen(warehouse, demand(25, turnover)) == [
        Choice((of(first, 10), of(second, 10), of(third, 5)), 0)
    ]


@pytest.mark.parametrize(
    ("wanted", "lots"),
    [
        (20, ((OLD, 10), (NEW, 10))),
        (23, ((OLD, 13), (NEW, 10))),
        (25, ((OLD, 15), (NEW, 10))),
        (40, ((OLD, 15), (MIDDLE, 5), (NEW, 20))),
    ],
)
async def test_what_is_wanted_in_cases_comes_in_whole_ones_of_one_lot_as_far_as_there_are(
    warehouse: Warehouse, wanted: int, lots: tuple[tuple[str, int], ...]
) -> None:
    there = {
        lot_no: await warehouse.stocked(quantity, f"TOTE-{day}", lot_no=lot_no, received_at=NOON + day * DAY)
        for day, (lot_no, quantity) in enumerate(((OLD, 15), (MIDDLE, 5), (NEW, 20)), start=1)
    }
    (choice,) = await chosen(warehouse, replace(demand(wanted), case=10))
    assert choice == Choice(tuple(of(there[lot_no], quantity) for lot_no, quantity in lots), 0)


async def test_cases_are_found_where_others_have_opened_one(warehouse: Warehouse) -> None:
    lots = await three_lots(warehouse)
    pieces, cases = await chosen(warehouse, demand(5), replace(demand(20), case=10))
    assert pieces.parts == (of(lots[OLD], 5),)
    assert cases.parts == (of(lots[MIDDLE], 10), of(lots[NEW], 10))


async def test_a_given_lot_is_the_only_one(warehouse: Warehouse) -> None:
    lots = await three_lots(warehouse)
    given = demand(12, Turnover.GIVEN, lot_no=MIDDLE)
    assert await chosen(warehouse, given) == [Choice((of(lots[MIDDLE], 10),), 2)]
    with pytest.raises(ValueError, match="none is named"):
        demand(1, Turnover.GIVEN)


async def test_no_more_is_chosen_than_is_wanted_and_what_is_missing_is_told(warehouse: Warehouse) -> None:
    lots = await three_lots(warehouse)
    assert await chosen(warehouse, demand(10)) == [Choice((of(lots[OLD], 10),), 0)]
    assert (await chosen(warehouse, demand(31)))[0].missing == 1
    assert await chosen(warehouse, demand(1, sku="UNKNOWN")) == [Choice((), 1)]


async def test_demands_for_the_same_goods_share_them(warehouse: Warehouse) -> None:
    lots = await three_lots(warehouse)
    wanted = (demand(8), demand(8, Turnover.GIVEN, lot_no=OLD), demand(20, Turnover.LIFO))
    assert await chosen(warehouse, *wanted) == [
        Choice((of(lots[OLD], 8),), 0),
        Choice((of(lots[OLD], 2),), 6),
        Choice((of(lots[NEW], 10), of(lots[MIDDLE], 10)), 0),
    ]


@pytest.mark.parametrize("quality", [Quality.PENDING, Quality.REJECTED, Quality.EXPIRED])
async def test_a_lot_that_may_not_be_used_is_never_chosen(warehouse: Warehouse, quality: Quality) -> None:
    lots = await three_lots(warehouse)
    for lot_no in (OLD, NEW):
        lot = lots[lot_no]
        await warehouse.job(lambda tx, lot=lot: change_quality(tx, warehouse.act(), lot.lot_id, quality))
    for turnover in ORDERS:
        assert await chosen(warehouse, demand(30, turnover)) == [Choice((of(lots[MIDDLE], 10),), 20)]


async def test_a_lot_that_expires_too_soon_is_not_chosen_although_nobody_marked_it(
    warehouse: Warehouse,
) -> None:
    lots = await three_lots(warehouse)
    lasting = Demand(
        warehouse_id=WH,
        owner_id="OWNER",
        sku="SKU-1",
        quantity=30,
        lasting=NOON + 10 * DAY,
        turnover=Turnover.FEFO,
    )
    assert await chosen(warehouse, lasting) == [Choice((of(lots[NEW], 10), of(lots[OLD], 10)), 10)]


async def test_reserved_and_held_goods_are_not_chosen(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 5)], "TOTE-2"))
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-2", lot, 2)))
    assert await chosen(warehouse, demand(10)) == [Choice((of(lot, 4),), 6)]


async def test_goods_that_cannot_be_fetched_yet_are_promised(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10, RCV)
    assert await chosen(warehouse, demand(10)) == [Choice((of(lot, 10),), 0)]


async def test_free_goods_are_reserved_and_allocated_in_one_event(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(allocate_free(warehouse.act(), [at("TOTE-1", lot, 6)]))
    assert await warehouse.at("TOTE-1", lot) == figures(10, allocated=6)
    assert await warehouse.at_pool(lot) == figures(10, reserved=6, allocated=6)
    assert await warehouse.at(PICK_TO, lot) == figures()


# ── promises ─────────────────────────────────────────────────────────────────────────────────────────


async def promised(warehouse: Warehouse, demands: Sequence[Demand], *, whole: bool) -> Promised:
    async def job(tx: Tx) -> Promised:
        return await (promise_all if whole else promise_each)(tx, warehouse.act(), demands)

    return await warehouse.job(job)


async def test_an_order_is_promised_whole_or_not_at_all(warehouse: Warehouse) -> None:
    plenty, scarce = await warehouse.stocked(10, sku="PLENTY"), await warehouse.stocked(1, sku="SCARCE")
    short = await promised(warehouse, [demand(4, sku="PLENTY"), demand(2, sku="SCARCE")], whole=True)
    assert short == Promised(((), ()), (0, 1), None)
    assert await warehouse.at_pool(plenty) == figures(10)
    met = await promised(warehouse, [demand(4, sku="PLENTY"), demand(1, sku="SCARCE")], whole=True)
    assert met.shares == ((of(plenty, 4),), (of(scarce, 1),))
    assert await warehouse.at_pool(scarce) == figures(1, reserved=1)


async def test_lines_that_can_be_met_do_not_wait_for_those_that_cannot(warehouse: Warehouse) -> None:
    plenty, scarce = await warehouse.stocked(10, sku="PLENTY"), await warehouse.stocked(1, sku="SCARCE")
    result = await promised(warehouse, [demand(2, sku="SCARCE"), demand(4, sku="PLENTY")], whole=False)
    assert (result.shares, result.missing) == (((), (of(plenty, 4),)), (1, 0))
    assert await warehouse.at_pool(scarce) == figures(1)
    assert await warehouse.at_pool(plenty) == figures(10, reserved=4)
