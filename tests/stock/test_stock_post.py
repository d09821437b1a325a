"""What happens to stock: every verb on all three levels, what is refused, and what a repeat does."""

from dataclasses import replace
from functools import partial

import pytest

from gateway.kernel.ports import Tx
from gateway.wes.stock.model import (
    ADJUST,
    SHIPPED,
    SUPPLIER,
    Balance,
    Event,
    EventKind,
    Holder,
    HolderKind,
    Line,
    Quality,
    Virtual,
    event,
)
from gateway.wes.stock.opening import open_holder, open_warehouse, set_safety, stand
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import change_quality, due_to_expire
from gateway.wes.stock.refusal import (
    Barred,
    Differs,
    Elsewhere,
    Figure,
    Level,
    NotEnough,
    Nowhere,
    Outdated,
    Reused,
    StockRefused,
    Uncounted,
)
from gateway.wes.stock.verbs import (
    allocate,
    allocate_lots,
    deallocate,
    deallocate_lots,
    gain,
    hold,
    lose,
    lose_held,
    merge,
    move,
    pick,
    put_away,
    put_back,
    receive,
    release,
    reserve,
    ship,
    short_pick,
    unhold,
)
from tests.stock.rig import DAY, NOON, PICK_TO, RCV, WH, Warehouse, at, figures, of

pytestmark = pytest.mark.unit


# ── the main way through a warehouse ─────────────────────────────────────────────────────────────────


async def test_received_goods_are_in_the_receiving_area_and_available_at_once(warehouse: Warehouse) -> None:
    lot = await warehouse.lot()
    posted = await warehouse.do(receive(warehouse.act(), lot, at(RCV, lot, 10)))
    assert await warehouse.at(RCV, lot) == figures(10)
    assert (await warehouse.now(lot)).balance == figures(10)
    assert [(pool.sku, pool.balance.available) for pool in posted.pools] == [("SKU-1", 10)]


async def test_putting_away_leaves_a_zero_row_and_the_upper_levels_as_they_were(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10, RCV)
    posted = await warehouse.do(put_away(warehouse.act(), [at(RCV, lot, 10)], "TOTE-1"))
    assert await warehouse.rows("SELECT holder_id, quantity FROM positions ORDER BY holder_id") == [
        ("TOTE-1", 10),
        (RCV, 0),
    ]
    assert await warehouse.at_pool(lot) == figures(10)
    assert posted.pools == ()


async def test_an_order_reserves_allocates_picks_and_ships(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    assert await warehouse.at_pool(lot) == figures(10, reserved=4)
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 4)]))
    assert await warehouse.at_pool(lot) == figures(10, reserved=4, allocated=4)
    assert await warehouse.at("TOTE-1", lot) == figures(10, allocated=4)
    await warehouse.do(pick(warehouse.act(), [at("TOTE-1", lot, 4)], PICK_TO))
    assert await warehouse.at("TOTE-1", lot) == figures(6)
    assert await warehouse.at(PICK_TO, lot) == figures(4, allocated=4)
    assert await warehouse.at_pool(lot) == figures(10, reserved=4, allocated=4)
    await warehouse.do(ship(warehouse.act(), [at(PICK_TO, lot, 4)]))
    assert await warehouse.at(PICK_TO, lot) == figures()
    assert await warehouse.at_pool(lot) == (await warehouse.now(lot)).balance == figures(6)


async def test_the_ledger_tells_who_did_what_and_what_it_left(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 4)]))
    await warehouse.do(pick(warehouse.act("pick-1"), [at("TOTE-1", lot, 3)], PICK_TO))
    assert await warehouse.rows(
        "SELECT kind, holder_id, d_quantity, d_allocated, quantity_after, reserved_after, allocated_after"
        " FROM ledger JOIN stock_events ON stock_events.event_id = ledger.event_id"
        " WHERE stock_events.event_id = 'pick-1' ORDER BY line"
    ) == [("pick", "TOTE-1", -3, -3, 7, None, 1), ("pick", PICK_TO, 3, 3, 3, None, 3)]


async def test_goods_outside_stand_in_the_ledger_without_a_balance(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    assert await warehouse.rows("SELECT holder_id, d_quantity, quantity_after FROM ledger ORDER BY line") == [
        (SUPPLIER, -10, None),
        ("TOTE-1", 10, 10),
    ]
    assert await warehouse.at(SUPPLIER, lot) == figures()


# ── other ways ───────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_released_can_be_promised_again(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 10)]))
    await warehouse.do(release(warehouse.act(), [of(lot, 10)]))
    assert await warehouse.at_pool(lot) == figures(10)


async def test_what_is_deallocated_stays_reserved(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 4)]))
    await warehouse.do(deallocate(warehouse.act(), [at("TOTE-1", lot, 4)]))
    assert await warehouse.at("TOTE-1", lot) == figures(10)
    assert await warehouse.at_pool(lot) == figures(10, reserved=4)


async def test_black_box_allocates_lots_until_somebody_says_where_they_are(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 6)]))
    await warehouse.do(allocate_lots(warehouse.act(), [of(lot, 6)]))
    assert await warehouse.at("TOTE-1", lot) == figures(10)
    await warehouse.do(deallocate_lots(warehouse.act(), [of(lot, 2)]))
    refused = await warehouse.refused(deallocate_lots(warehouse.act(), [of(lot, 5)]))
    assert refused == NotEnough(Level.LOT, (lot.lot_id,), Figure.ALLOCATED, 5, 4)
    await warehouse.do(deallocate_lots(warehouse.act(), [of(lot, 3)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 3)]))
    refused = await warehouse.refused(deallocate_lots(warehouse.act(), [of(lot, 2)]))
    assert refused == NotEnough(Level.LOT, (lot.lot_id,), Figure.UNPLACED, 2, 1)
    await warehouse.do(pick(warehouse.act(), [at("TOTE-1", lot, 3)], PICK_TO))
    assert await warehouse.at("TOTE-1", lot) == figures(7)
    assert await warehouse.at(PICK_TO, lot) == figures(3, allocated=3)
    assert await warehouse.at_pool(lot) == figures(10, reserved=6, allocated=4)


async def test_only_free_goods_move(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 3)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 3)]))
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-1", lot, 2)))
    refused = await warehouse.refused(move(warehouse.act(), [at("TOTE-1", lot, 6)], "TOTE-2"))
    assert refused == NotEnough(Level.POSITION, ("TOTE-1", lot.lot_id), Figure.AVAILABLE, 6, 5)
    await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 5)], "TOTE-2"))
    assert await warehouse.at("TOTE-1", lot) == figures(5, allocated=3, held=2)
    assert await warehouse.at("TOTE-2", lot) == figures(5)


async def test_what_a_short_pick_misses_is_held_and_no_longer_promised(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 10)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 10)]))
    await warehouse.do(short_pick(warehouse.act(), at("TOTE-1", lot, 10), 7, PICK_TO))
    assert await warehouse.at("TOTE-1", lot) == figures(3, held=3)
    assert await warehouse.at(PICK_TO, lot) == figures(7, allocated=7)
    assert await warehouse.at_pool(lot) == figures(10, reserved=7, allocated=7, held=3)
    await warehouse.do(lose_held(warehouse.act(), lot, at("TOTE-1", lot, 3)))
    assert await warehouse.at_pool(lot) == figures(7, reserved=7, allocated=7)


async def test_a_short_pick_may_find_nothing_but_not_everything(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(2)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 2)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 2)]))
    with pytest.raises(ValueError, match="short pick"):
        short_pick(warehouse.act(), at("TOTE-1", lot, 2), 2, PICK_TO)
    await warehouse.do(short_pick(warehouse.act(), at("TOTE-1", lot, 2), 0, PICK_TO))
    assert await warehouse.at("TOTE-1", lot) == figures(2, held=2)


async def test_picked_goods_that_nobody_wants_go_back_into_stock(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 4)]))
    await warehouse.do(pick(warehouse.act(), [at("TOTE-1", lot, 4)], PICK_TO))
    await warehouse.do(put_back(warehouse.act(), [at(PICK_TO, lot, 4)], "TOTE-2"))
    assert await warehouse.at("TOTE-2", lot) == figures(4)
    assert await warehouse.at_pool(lot) == figures(10)


async def test_a_count_finds_more_or_less(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(gain(warehouse.act(), lot, at("TOTE-1", lot, 2)))
    await warehouse.do(lose(warehouse.act(), lot, at("TOTE-1", lot, 5)))
    assert await warehouse.at("TOTE-1", lot) == await warehouse.at_pool(lot) == figures(7)
    assert await warehouse.rows(f"SELECT SUM(d_quantity) FROM ledger WHERE holder_id = '{ADJUST}'") == [(3,)]


async def test_shipped_goods_may_come_back(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(1)
    await warehouse.do(receive(warehouse.act(), lot, at(RCV, lot, 2), source=SHIPPED))
    assert await warehouse.at(RCV, lot) == figures(2)


async def test_held_goods_are_not_available_until_they_are_freed(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-1", lot, 8)))
    assert (await warehouse.at_pool(lot)).available == 2
    assert await warehouse.refused(reserve(warehouse.act(), [of(lot, 3)])) == NotEnough(
        Level.LOT, (lot.lot_id,), Figure.AVAILABLE, asked=3, there=2
    )
    await warehouse.do(unhold(warehouse.act(), lot, at("TOTE-1", lot, 8)))
    assert (await warehouse.at_pool(lot)).available == 10


async def test_a_batch_is_merged_into_another_and_the_ledger_knows_both(warehouse: Warehouse) -> None:
    small, large = await warehouse.stocked(3, lot_no="SMALL"), await warehouse.stocked(10, lot_no="LARGE")
    await warehouse.do(merge(warehouse.act("merge"), small, large, at("TOTE-1", small, 3)))
    assert (await warehouse.now(small)).balance == figures()
    assert (await warehouse.now(large)).balance == await warehouse.at_pool(large) == figures(13)
    rows = await warehouse.rows(
        "SELECT lot_id, holder_id, d_quantity FROM ledger WHERE event_id = 'merge' ORDER BY line"
    )
    assert rows == [
        (small.lot_id, ADJUST, 3),
        (small.lot_id, "TOTE-1", -3),
        (large.lot_id, ADJUST, -3),
        (large.lot_id, "TOTE-1", 3),
    ]
    other = await warehouse.stocked(1, sku="OTHER")
    with pytest.raises(ValueError, match="another SKU"):
        merge(warehouse.act(), other, large, at("TOTE-1", other, 1))


async def test_lines_of_one_balance_are_added_up(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    asked = reserve(warehouse.act(), [of(lot, 2), of(lot, 3)])
    assert asked.lines == (Line(lot.lot_id, None, Balance(reserved=5)),)
    await warehouse.do(asked)
    assert await warehouse.at_pool(lot) == figures(10, reserved=5)


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_refusal_names_what_is_asked_and_what_is_there(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 6)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 2)]))
    number = lot.lot_id
    lacks = partial(NotEnough, Level.LOT, (number,))
    lacks_there = partial(NotEnough, Level.POSITION, ("TOTE-1", number))
    cases = [
        (reserve(warehouse.act(), [of(lot, 5)]), lacks(Figure.AVAILABLE, 5, 4)),
        (release(warehouse.act(), [of(lot, 5)]), lacks(Figure.UNALLOCATED, 5, 4)),
        (allocate(warehouse.act(), [at("TOTE-1", lot, 5)]), lacks(Figure.UNALLOCATED, 5, 4)),
        (lose(warehouse.act(), lot, at("TOTE-1", lot, 5)), lacks(Figure.AVAILABLE, 5, 4)),
        (unhold(warehouse.act(), lot, at("TOTE-1", lot, 1)), lacks(Figure.HELD, 1, 0)),
        (pick(warehouse.act(), [at("TOTE-1", lot, 3)], PICK_TO), lacks_there(Figure.ALLOCATED, 3, 2)),
        (move(warehouse.act(), [at("TOTE-1", lot, 9)], "TOTE-2"), lacks_there(Figure.AVAILABLE, 9, 8)),
    ]
    for asked, reason in cases:
        assert await warehouse.refused(asked) == reason
    assert await warehouse.at_pool(lot) == figures(10, reserved=6, allocated=2)


async def test_one_line_that_is_refused_takes_back_all_of_its_event_and_nothing_else(
    warehouse: Warehouse,
) -> None:
    plenty, scarce = await warehouse.stocked(10, sku="PLENTY"), await warehouse.stocked(1, sku="SCARCE")
    both = reserve(warehouse.act("both"), [of(plenty, 2), of(scarce, 2)])

    async def job(tx: Tx) -> None:
        await post(tx, reserve(warehouse.act(), [of(plenty, 3)]))
        with pytest.raises(StockRefused):
            await post(tx, both)
        await post(tx, reserve(warehouse.act(), [of(scarce, 1)]))

    await warehouse.job(job)
    assert await warehouse.at_pool(plenty) == figures(10, reserved=3)
    assert await warehouse.at_pool(scarce) == figures(1, reserved=1)
    assert await warehouse.rows("SELECT * FROM stock_events WHERE event_id = 'both'") == []


async def test_an_event_that_was_refused_may_be_asked_again(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(1)
    asked = reserve(warehouse.act(), [of(lot, 2)])
    await warehouse.refused(asked)
    await warehouse.do(receive(warehouse.act(), lot, at("TOTE-1", lot, 1)))
    assert not (await warehouse.do(asked)).repeat


async def test_goods_cannot_be_where_nothing_is_or_in_another_warehouse(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(1)
    await warehouse.job(lambda tx: open_warehouse(tx, "WH2"))
    for target in ("NOWHERE", Virtual.RCV_AREA.of("WH2")):
        refused = await warehouse.refused(move(warehouse.act(), [at("TOTE-1", lot, 1)], target))
        assert refused == Nowhere(Level.POSITION, (target, lot.lot_id))
    refused = await warehouse.refused(
        event(warehouse.act(), EventKind.RESERVE, [Line(404, None, Balance(reserved=1))])
    )
    assert refused == Nowhere(Level.LOT, (404,))


async def test_every_refusal_is_a_sentence(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(1)
    with pytest.raises(StockRefused, match=r"position TOTE-1 of lot \d+ has 1 available, 2 are asked for"):
        await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 2)], "TOTE-2"))
    with pytest.raises(StockRefused, match="no such holder, or it is of another warehouse"):
        await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 1)], "NOWHERE"))


# ── repeats and laws ─────────────────────────────────────────────────────────────────────────────────


async def test_the_same_event_again_changes_nothing_and_says_so(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    asked = reserve(warehouse.act("order-1"), [of(lot, 4)])
    assert not (await warehouse.do(asked)).repeat
    assert (await warehouse.do(asked)).repeat
    assert await warehouse.at_pool(lot) == figures(10, reserved=4)


async def test_an_event_id_cannot_be_used_for_something_else(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act("order-1"), [of(lot, 4)]))
    assert await warehouse.refused(reserve(warehouse.act("order-1"), [of(lot, 5)])) == Reused("order-1")


async def test_an_event_that_breaks_the_laws_cannot_be_made(warehouse: Warehouse) -> None:
    act = warehouse.act()
    unlawful = [
        (),
        (Line(1, "TOTE-1", Balance(quantity=1)),),
        (Line(1, "TOTE-1", Balance(quantity=1)), Line(2, "TOTE-1", Balance(quantity=-1))),
        (Line(1, None, Balance(quantity=1)), Line(1, SUPPLIER, Balance(quantity=-1))),
        (Line(1, "TOTE-1", Balance(reserved=1)),),
        (Line(1, SHIPPED, Balance(held=1)),),
        (Line(1, SHIPPED, Balance(quantity=1)), Line(1, SUPPLIER, Balance(quantity=-1))),
        (Line(1, None, Balance(reserved=10**15)),),
    ]
    for lines in unlawful:
        with pytest.raises(ValueError, match=r"\w"):
            Event(act, EventKind.MOVE, lines)


async def test_quantities_are_positive(warehouse: Warehouse) -> None:
    lot = await warehouse.lot()
    for quantity in (0, -1):
        with pytest.raises(ValueError, match="not a quantity"):
            reserve(warehouse.act(), [of(lot, quantity)])


# ── quality ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pending_lot_counts_and_cannot_be_promised(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10, quality=Quality.PENDING)
    assert await warehouse.at_pool(lot) == figures(10, held=10)
    assert await warehouse.refused(reserve(warehouse.act(), [of(lot, 1)])) == Barred(
        lot.lot_id, Quality.PENDING
    )
    await warehouse.do(move(warehouse.act(), [at("TOTE-1", lot, 10)], "TOTE-2"))
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-2", lot, 2)))
    await warehouse.do(lose(warehouse.act(), lot, at("TOTE-2", lot, 3)))
    await warehouse.do(gain(warehouse.act(), lot, at("TOTE-2", lot, 1)))
    assert await warehouse.at_pool(lot) == figures(8, held=8)
    await warehouse.job(lambda tx: change_quality(tx, warehouse.act(), lot.lot_id, Quality.QUALIFIED))
    assert await warehouse.at_pool(lot) == figures(8, held=2)


async def test_a_lot_is_rejected_and_comes_back(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-1", lot, 1)))
    for quality, held in ((Quality.REJECTED, 10), (Quality.EXPIRED, 10), (Quality.QUALIFIED, 1)):
        act = warehouse.act(reason="laboratory")
        await warehouse.job(lambda tx, act=act, quality=quality: change_quality(tx, act, lot.lot_id, quality))
        assert await warehouse.at_pool(lot) == figures(10, held=held)
    assert [
        row[0]
        for row in await warehouse.rows(
            "SELECT reason FROM stock_events WHERE kind = 'quality' ORDER BY event_id"
        )
    ] == [
        "qualified → rejected: laboratory",
        "rejected → expired: laboratory",
        "expired → qualified: laboratory",
    ]


async def test_a_lot_of_which_something_is_promised_is_not_barred(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 4)]))
    with pytest.raises(StockRefused, match="has 6 available, 10 are asked for"):
        await warehouse.job(lambda tx: change_quality(tx, warehouse.act(), lot.lot_id, Quality.REJECTED))
    assert (await warehouse.now(lot)).quality is Quality.QUALIFIED


async def test_a_verb_with_an_outdated_lot_is_refused(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.job(lambda tx: change_quality(tx, warehouse.act(), lot.lot_id, Quality.PENDING))
    refused = await warehouse.refused(receive(warehouse.act(), lot, at("TOTE-1", lot, 1)))
    assert refused == Outdated(lot.lot_id, Quality.PENDING)
    pending = await warehouse.now(lot)
    await warehouse.job(lambda tx: change_quality(tx, warehouse.act(), lot.lot_id, Quality.QUALIFIED))
    refused = await warehouse.refused(receive(warehouse.act(), pending, at("TOTE-1", lot, 1)))
    assert refused == Outdated(lot.lot_id, Quality.QUALIFIED)


async def test_what_has_expired_by_the_clock_is_told(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10, expiry_at=NOON + DAY)
    await warehouse.stocked(10, lot_no="B", expiry_at=NOON + 2 * DAY)
    assert [due.lot_id for due in await warehouse.job(lambda tx: due_to_expire(tx, NOON + DAY, 10))] == [
        lot.lot_id
    ]


# ── units ────────────────────────────────────────────────────────────────────────────────────────────


async def test_units_move_with_the_pick(warehouse: Warehouse) -> None:
    lot = await warehouse.lot(serial=True)
    await warehouse.do(receive(warehouse.act(), lot, at("TOTE-1", lot, 3, "U1", "U2", "U3")))
    await warehouse.do(reserve(warehouse.act(), [of(lot, 2)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 2)]))
    await warehouse.do(pick(warehouse.act(), [at("TOTE-1", lot, 2, "U1", "U3")], PICK_TO))
    await warehouse.do(ship(warehouse.act(), [at(PICK_TO, lot, 1, "U3")]))
    assert await warehouse.rows("SELECT upn, holder_id FROM units ORDER BY upn") == [
        ("U1", PICK_TO),
        ("U2", "TOTE-1"),
        ("U3", SHIPPED),
    ]
    await warehouse.do(receive(warehouse.act(), lot, at(RCV, lot, 1, "U3"), source=SHIPPED))
    assert await warehouse.rows("SELECT holder_id FROM units WHERE upn = 'U3'") == [(RCV,)]


async def test_goods_known_by_unit_do_not_move_without_their_units(warehouse: Warehouse) -> None:
    lot = await warehouse.lot(serial=True)
    await warehouse.do(receive(warehouse.act(), lot, at("TOTE-1", lot, 2, "U1", "U2")))
    number = lot.lot_id
    assert await warehouse.refused(
        move(warehouse.act(), [at("TOTE-1", lot, 2, "U1")], "TOTE-2")
    ) == Uncounted(number, "TOTE-1", -2, -1)
    assert await warehouse.refused(
        move(warehouse.act(), [at("TOTE-1", lot, 1, "U9")], "TOTE-2")
    ) == Elsewhere(("U9",), "TOTE-1")
    assert await warehouse.refused(receive(warehouse.act(), lot, at(RCV, lot, 1, "U1"))) == Elsewhere(
        ("U1",), SUPPLIER
    )
    assert await warehouse.at("TOTE-1", lot) == figures(2)


async def test_units_of_two_products_may_have_the_same_number(warehouse: Warehouse) -> None:
    tea = await warehouse.lot("TEA", serial=True)
    cup = await warehouse.lot("CUP", serial=True)
    await warehouse.do(receive(warehouse.act(), tea, at("TOTE-1", tea, 1, "1")))
    await warehouse.do(receive(warehouse.act(), cup, at("TOTE-2", cup, 1, "1")))
    both = [at("TOTE-1", tea, 1, "1"), at("TOTE-2", cup, 1, "1")]
    await warehouse.do(move(warehouse.act(), both, "TOTE-3"))
    assert await warehouse.rows("SELECT lot_id, holder_id FROM units ORDER BY lot_id") == [
        (tea.lot_id, "TOTE-3"),
        (cup.lot_id, "TOTE-3"),
    ]
    again = receive(warehouse.act(), tea, at(RCV, tea, 1, "1"))
    assert await warehouse.refused(again) == Elsewhere(("1",), SUPPLIER)


async def test_another_lot_of_the_product_has_no_unit_of_that_number(warehouse: Warehouse) -> None:
    old = await warehouse.lot(serial=True)
    new = await warehouse.lot(lot_no="B", serial=True)
    await warehouse.do(receive(warehouse.act(), old, at("TOTE-1", old, 1, "1")))
    again = receive(warehouse.act(), new, at("TOTE-1", new, 1, "1"))
    assert await warehouse.refused(again) == Elsewhere(("1",), SUPPLIER)


async def test_where_a_unit_has_been_is_never_forgotten_and_never_changed(warehouse: Warehouse) -> None:
    lot = await warehouse.lot(serial=True)
    await warehouse.do(receive(warehouse.act("in"), lot, at("TOTE-1", lot, 1, "U1")))
    await warehouse.do(move(warehouse.act("over", at=NOON + 1), [at("TOTE-1", lot, 1, "U1")], "TOTE-2"))
    await warehouse.do(move(warehouse.act("over", at=NOON + 1), [at("TOTE-1", lot, 1, "U1")], "TOTE-2"))
    assert await warehouse.rows("SELECT event_id, source, target FROM unit_moves ORDER BY at") == [
        ("in", SUPPLIER, "TOTE-1"),
        ("over", "TOTE-1", "TOTE-2"),
    ]
    for change in ("UPDATE unit_moves SET target = 'SHIPPED'", "DELETE FROM unit_moves"):
        with pytest.raises(Exception, match="append-only"):
            await warehouse.write(change)


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────


async def test_opening_a_batch_again_returns_its_lot_unless_it_is_another_batch(warehouse: Warehouse) -> None:
    lot = await warehouse.lot(expiry_at=NOON + DAY)
    assert (await warehouse.lot(expiry_at=NOON + DAY, received_at=NOON + 1)).lot_id == lot.lot_id
    with pytest.raises(StockRefused) as refused:
        await warehouse.lot(expiry_at=NOON + 2 * DAY)
    assert refused.value.reason == Differs("lot", "A", "expiry_at", str(NOON + 2 * DAY), str(NOON + DAY))


async def test_opening_a_holder_again_leaves_it_where_it_stands(warehouse: Warehouse) -> None:
    await warehouse.job(lambda tx: stand(tx, "TOTE-1", "station-1", "S", 1.5))
    tote = Holder(holder_id="TOTE-1", kind=HolderKind.CONTAINER, warehouse_id=WH)
    await warehouse.job(lambda tx: open_holder(tx, tote))
    assert await warehouse.rows(
        "SELECT location_id, zone, distance FROM holders WHERE holder_id = 'TOTE-1'"
    ) == [("station-1", "S", 1.5)]
    with pytest.raises(StockRefused, match="holder TOTE-1 has warehouse_id WH1, not WH2"):
        await warehouse.job(lambda tx: open_holder(tx, replace(tote, warehouse_id="WH2")))


async def test_only_a_holder_that_is_there_can_stand_somewhere(warehouse: Warehouse) -> None:
    for holder_id in ("NOWHERE", SHIPPED):
        with pytest.raises(StockRefused, match="no such holder"):
            await warehouse.job(lambda tx, holder_id=holder_id: stand(tx, holder_id, "A1"))


async def test_upstream_may_sell_what_is_available_above_the_safety_stock(warehouse: Warehouse) -> None:
    lot = await warehouse.stocked(10)
    await warehouse.job(lambda tx: set_safety(tx, lot.pool_id, 8))
    sellable = [
        (await warehouse.do(reserve(warehouse.act(), [of(lot, 1)]))).pools[0].sellable for _ in range(3)
    ]
    assert sellable == [1, 0, 0]
