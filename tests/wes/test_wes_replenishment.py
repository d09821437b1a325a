"""Goods go from the reserve to where they are picked, and picks wait for them, on both databases (S1-17, S1-55, S1-66).

Given in every test: product A comes in cases of six; what people walk to are the places A1-4-R-1?, what they fill up from the
places A1-4-R-0? and containers PALLET-*; stations pick from totes T-*.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from gateway.contract.faults import Refusal
from gateway.contract.stations import ReplenishmentView
from gateway.kernel.ports import Row, Store, Tx
from gateway.wes.alarms import Alarms
from gateway.wes.core import WesCore
from gateway.wes.floor.views import list_replenishments, list_works, station_view
from gateway.wes.floor.watch import UNATTENDED_US, Watch
from gateway.wes.orders.history import carry_over
from gateway.wes.planning.holders import open_place
from gateway.wes.planning.replenishment import Replenishments
from gateway.wes.planning.stations import close_station
from gateway.wes.stock.model import Portion
from gateway.wes.stock.opening import Batch, open_lot, stand
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from gateway.wes.timers import expire
from sim_devices.operators import Packer, Picker, Walker
from tests.unit.chain_rig import fill, order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, station_on
from tests.unit.test_wes_floor_api import pages, person
from tests.unit.wes_rig import WAREHOUSE, act

HOUR_US = 3_600_000_000
PICK, OTHER, RESERVE = "A1-4-R-10", "A1-4-R-11", "A1-4-R-01"
FLAT = {"at": "picking", "then": "flat"}
WALK: dict[str, Any] = {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?"}}


def to_walk(**more: Any) -> list[dict[str, Any]]:
    return [FLAT, {"at": "move", "then": WALK["then"] | more}]


async def line_on(store: Store, rules: Sequence[Any], **changes: Any) -> Station:
    line = await station_on(store, rules=rules, **changes)
    await line.core.products("A", units_per_case=6, version=2)
    return line


async def shelf(line: Station, place: str, **stock: int) -> None:
    """Put goods of one lot each on a shelf that people walk to."""
    for sku, quantity in stock.items():
        await lay(line, place, sku, quantity, lot_no=f"{sku}-1", received_at=START_US)


async def lay(line: Station, place: str, sku: str, quantity: int, **facts: Any) -> None:
    """Put goods of one lot on a shelf that people walk to."""
    context = line.core.context

    async def job(tx: Tx) -> None:
        await open_place(tx, context, place)
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="me", sku=sku, **facts)
        lot = await open_lot(tx, context.ids, batch)
        await post(tx, receive(act(context), lot, Portion(place, lot.lot_id, quantity)))

    await line.core.store.write(job)


async def turn(line: Station) -> None:
    """Everything that needs no person goes on."""
    for _ in range(4):
        await line.turn()
        await Replenishments(line.store, line.core.context).work()


async def open_ones(line: Station) -> list[ReplenishmentView]:
    return await line.store.read(lambda tx: list_replenishments(tx, line.core.context, 0, 100))


async def the_one(line: Station) -> ReplenishmentView:
    (found,) = await open_ones(line)
    return found


async def where(line: Station) -> dict[str, int]:
    """Return pieces by container or place, what is picked and empty ones left out."""
    rows = await line.core.rows(
        "SELECT p.holder_id, p.quantity FROM positions p JOIN holders h ON h.holder_id = p.holder_id"
        " WHERE p.quantity > 0 AND h.kind <> 'virtual' ORDER BY p.holder_id"
    )
    return {row[0]: row[1] for row in rows}


async def ended(line: Station) -> Sequence[Row]:
    return await line.core.rows(
        "SELECT state, moved, reason FROM replenishments WHERE ended_at IS NOT NULL ORDER BY replenishment_id"
    )


async def pick_on_foot(line: Station) -> None:
    """Claim, pick and seal all that can be claimed."""
    while (await line.act("claim")).work_ids:
        for number, rest in await line.core.rows(
            "SELECT allocation_id, quantity - picked - short FROM allocations WHERE code IN (70, 80)"
        ):
            await line.act("pick", allocation_id=number, quantity=rest)
    await line.seal_all()


# ── on foot ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_pick_waits_until_its_place_has_been_filled_up_by_whole_cases(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, PICK, A=3)
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 5))
    await turn(line)
    view = await the_one(line)
    assert (view.source_id, view.target_id, view.quantity, view.waiting, view.station_id) == (
        RESERVE,
        PICK,
        6,
        1,
        None,
    )
    assert await line.codes() == [30], "2 of 5 are not where they are picked"
    (work,) = await line.store.read(lambda tx: list_works(tx, 2**53, 10, None, None))
    assert work.replenishments == 1
    await line.act("beginReplenishment", replenishment_id=view.replenishment_id)
    await turn(line)
    assert await line.codes() == [30]
    await line.act("replenish", replenishment_id=view.replenishment_id, holder_id=PICK, quantity=6)
    assert await where(line) == {PICK: 9, RESERVE: 24}
    await turn(line)
    assert await line.codes() == [70]
    await pick_on_foot(line)
    assert await where(line) == {PICK: 4, RESERVE: 24}
    assert await ended(line) == [("done", 6, None)]
    await line.check()


async def test_without_move_rules_pieces_are_picked_wherever_they_are(store: Store) -> None:
    line = await line_on(store, [FLAT])
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 5))
    await turn(line)
    assert (await line.codes(), await open_ones(line)) == ([70], [])


@pytest.mark.parametrize(("amount", "quantity"), [("needed", 5), ("case", 6), ("all", 20)])
async def test_a_rule_says_how_much_is_brought(store: Store, amount: str, quantity: int) -> None:
    line = await line_on(store, to_walk(amount=amount))
    await shelf(line, RESERVE, A=20)
    await order(line, "C-1", ("A", 5))
    await turn(line)
    assert (await the_one(line)).quantity == quantity


async def test_work_for_the_same_goods_waits_for_the_same_replenishment(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=30)
    for name in ("C-1", "C-2", "C-3"):
        await order(line, name, ("A", 2))
    await turn(line)
    assert ((await the_one(line)).quantity, (await the_one(line)).waiting) == (6, 3)
    await order(line, "C-4", ("A", 1))
    await turn(line)
    assert [(each.quantity, each.waiting) for each in await open_ones(line)] == [(6, 3), (6, 1)]
    await order(line, "C-5", ("A", 4))
    await turn(line)
    assert [(each.quantity, each.waiting) for each in await open_ones(line)] == [(6, 3), (6, 2)], (
        "of the second, 5 are left"
    )


async def test_whole_cases_are_picked_from_the_reserve_and_pieces_from_where_it_is_brought(
    store: Store,
) -> None:
    rules = [
        {"at": "audit.packaging", "then": "case"},
        FLAT,
        {"at": "move", "when": {"mode": "fullCase"}, "then": {"pick": "A1-4-R-0?"}},
        WALK,
    ]
    line = await line_on(store, rules)
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 14))
    await turn(line)
    assert sorted(await line.codes()) == [30, 70]
    assert await line.core.rows("SELECT holder_id, quantity FROM allocations") == [(RESERVE, 12)]
    assert (await the_one(line)).quantity == 6


async def test_goods_go_where_some_of_them_lie_or_to_an_empty_place_each_product_to_its_own(
    store: Store,
) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, OTHER, B=1)
    await shelf(line, RESERVE, A=10, B=10)
    await order(line, "C-1", ("A", 5), ("B", 5))
    await turn(line)
    targets = {each.sku_id: each.target_id for each in await open_ones(line)}
    assert targets["B"] == OTHER
    assert targets["A"] not in (None, OTHER)


async def test_no_blocked_place_is_filled_up_or_filled_up_from(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, PICK, A=1)
    await shelf(line, RESERVE, A=30)
    await line.hear()
    line.gateway.block(PICK, "Ann")
    line.gateway.block(RESERVE, "Ann")
    await order(line, "C-1", ("A", 5))
    await turn(line)
    assert await open_ones(line) == []
    line.gateway.unblock(RESERVE)
    await turn(line)
    assert (await the_one(line)).target_id not in (None, PICK)


async def test_another_place_will_do_if_the_product_is_picked_there_and_no_other(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, PICK, A=1)
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 3))
    await turn(line)
    which = {"replenishment_id": (await the_one(line)).replenishment_id, "quantity": 6}
    assert await line.refused("replenish", holder_id="A1-4-R-02", **which) == "wrongPlace"
    assert await line.refused("replenish", holder_id="T-1", **which) == "wrongPlace"
    await line.act("replenish", holder_id=OTHER, **which)
    assert await where(line) == {RESERVE: 24, PICK: 1, OTHER: 6}


async def test_pieces_may_be_put_to_several_places(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    which = {"replenishment_id": (await the_one(line)).replenishment_id}
    await line.act("replenish", holder_id=PICK, quantity=4, **which)
    await turn(line)
    assert await line.codes() == [30], "it is not all there"
    assert await line.refused("replenish", holder_id=OTHER, quantity=3, **which) == "notOpen"
    await line.act("replenish", holder_id=OTHER, quantity=2, **which)
    await turn(line)
    assert await line.codes() == [70]
    await line.check()


async def test_both_hands_at_once_move_all_of_it_and_no_more(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    which = {"replenishment_id": (await the_one(line)).replenishment_id, "holder_id": PICK}

    async def put(number: int, quantity: int) -> bool:
        try:
            await line.again(f"hand-{number}", "replenish", quantity=quantity, **which)
        except Refusal:
            return False
        return True

    done = await asyncio.gather(*(put(number, 1 + number % 2) for number in range(10)))
    for number in range(10, 20):
        done.append(await put(number, 1))
    assert True in done
    assert await where(line) == {PICK: 6, RESERVE: 24}
    assert await ended(line) == [("done", 6, None)]
    await line.check()


async def test_a_replenishment_is_one_persons_and_an_act_that_is_sent_again_moves_nothing(
    store: Store,
) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    which = {"replenishment_id": (await the_one(line)).replenishment_id}
    await line.act("beginReplenishment", **which)
    assert await line.refused("beginReplenishment", operator="Bo", **which) == "claimed"
    assert await line.refused("replenish", operator="Bo", holder_id=PICK, quantity=6, **which) == "claimed"
    for again in (False, True):
        view = await line.again("mine", "replenish", holder_id=PICK, quantity=6, **which)
        assert view.again is again
    assert await where(line) == {RESERVE: 24, PICK: 6}
    assert await line.refused("beginReplenishment", **which) == "hasEnded"
    assert await line.refused("endReplenishment", reason="no room", **which) == "hasEnded"


async def test_what_is_not_brought_is_looked_for_anew(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=6)
    await shelf(line, "A1-4-R-02", A=6)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    first = await the_one(line)
    await line.act("replenish", replenishment_id=first.replenishment_id, holder_id=PICK, quantity=4)
    await line.act("endReplenishment", replenishment_id=first.replenishment_id, reason="no room")
    assert await ended(line) == [("done", 4, "no room")]
    await turn(line)
    assert ((await the_one(line)).rest, await line.codes()) == (2, [30])


async def test_pieces_that_are_missing_are_held_and_others_are_promised(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=6)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    first = await the_one(line)
    await line.act(
        "endReplenishment", replenishment_id=first.replenishment_id, reason="2 are gone", missing=2
    )
    assert await line.core.rows("SELECT quantity, reserved, held FROM pools WHERE quantity > 0") == [
        (6, 4, 2)
    ]
    assert (await line.told())[-1] == "EXCEPTION"
    await turn(line)
    assert await open_ones(line) == [], "the order waits until there are others"
    await shelf(line, "A1-4-R-02", A=6)
    await line.lacking.work()
    await turn(line)
    view = await the_one(line)
    assert (view.source_id, view.rest, view.waiting) == ("A1-4-R-02", 6, 1)
    await line.check()


async def test_what_nobody_needs_any_more_is_withdrawn_unless_somebody_has_begun(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    await line.cancel("C-1")
    await turn(line)
    assert await ended(line) == [("withdrawn", 0, "nobody waits for it any more")]
    await order(line, "C-2", ("A", 6))
    await turn(line)
    begun = {"replenishment_id": (await the_one(line)).replenishment_id}
    await line.act("beginReplenishment", **begun)
    await line.cancel("C-2")
    await turn(line)
    await line.act("replenish", holder_id=PICK, quantity=6, **begun)
    assert await line.order_codes() == [199, 199]
    assert (await where(line), len(await ended(line))) == ({PICK: 6, RESERVE: 24}, 2)
    await line.check()


async def test_goods_that_expire_under_way_are_not_brought_and_the_pick_waits_for_others(
    store: Store,
) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=6)
    soon = line.core.clock.at_us + HOUR_US
    await line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = :soon", {"soon": soon}))
    await order(line, "C-1", ("A", 6))
    await turn(line)
    carried = (await the_one(line)).replenishment_id
    await line.act("beginReplenishment", replenishment_id=carried)
    await lay(line, "A1-4-R-02", "A", 6, lot_no="A-2", received_at=START_US)
    line.core.clock.at_us += HOUR_US
    with pytest.raises(Refusal, match=f"lot A-1 is expired: bring what you have of it back to {RESERVE}"):
        await line.act("replenish", replenishment_id=carried, holder_id=PICK, quantity=6)
    await turn(line)
    assert await line.codes() == [30], "nobody calls it short before it is promised others"
    await expire(WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers))
    await turn(line)
    await line.act("endReplenishment", replenishment_id=carried, reason="expired")
    assert await ended(line) == [("withdrawn", 0, "expired")]
    view = await the_one(line)
    assert (view.lot_no, view.source_id, view.waiting) == ("A-2", "A1-4-R-02", 1)
    await line.act("replenish", replenishment_id=view.replenishment_id, holder_id=PICK, quantity=6)
    await turn(line)
    assert await line.codes() == [70]
    assert await line.core.rows("SELECT quality FROM lots WHERE lot_no = 'A-1'") == [("expired",)]
    assert await line.core.rows("SELECT 1 FROM order_exceptions") == []
    await line.check()


async def test_goods_that_expire_before_anybody_has_begun_are_left_where_they_are(store: Store) -> None:
    line = await line_on(store, [{"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await order(line, "C-1", ("A", 5))
    await line.think()
    number = (await the_one(line)).replenishment_id
    await line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = :now", {"now": START_US}))
    await expire(WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers))
    await turn(line)
    assert await ended(line) == [("withdrawn", 0, "its lot has expired, or may not be used")]
    assert line.gateway.places["PALLET-1"] != "S1-1"
    with pytest.raises(Refusal, match="has ended: its lot has expired"):
        await line.act("beginReplenishment", replenishment_id=number)
    assert await line.order_codes() == [30], "it waits for other goods"
    await line.check()


async def test_what_neither_place_nor_reserve_has_is_a_shortage_as_before(store: Store) -> None:
    line = await line_on(store, to_walk())
    await shelf(line, RESERVE, A=4)
    await fill(line, "T-1", "A1-1-L-05", A=4)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    assert (await line.codes(), await open_ones(line)) == ([40], [])
    text = (await line.core.rows("SELECT text FROM order_exceptions"))[0][0]
    assert text == "A: 2 are promised and at no place where they can be fetched"
    await shelf(line, "A1-4-R-02", A=2)
    await turn(line)
    assert (await line.codes(), sorted(each.rest for each in await open_ones(line))) == ([30], [2, 4])


# ── containers of the reserve ─────────────────────────────────────────────────────────────────────────


PALLETS: dict[str, Any] = {"pick": "A1-4-R-1?", "reserve": "PALLET-*", "amount": "case"}


async def test_a_pallet_comes_to_a_station_for_it_and_goes_back(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await order(line, "C-1", ("A", 5))
    await line.think()
    view = await the_one(line)
    which = {"replenishment_id": view.replenishment_id, "holder_id": PICK, "quantity": 6}
    assert await line.refused("replenish", **which) == "notHere"
    await turn(line)
    assert await line.states() == [("PALLET-1", "replenish", "arrived")]
    assert await line.operations() == []
    view = await the_one(line)
    shown = await line.store.read(
        partial(station_view, context=line.core.context, station_id=view.station_id or "")
    )
    assert [each.replenishment_id for each in shown.replenishments] == [view.replenishment_id]
    await line.act("replenish", **which)
    await turn(line)
    assert await line.states() == [("PALLET-1", "replenish", "done"), ("PALLET-1", "return", "done")]
    assert line.gateway.places["PALLET-1"].startswith("A1-")
    await pick_on_foot(line)
    assert await where(line) == {PICK: 1, "PALLET-1": 24}
    await line.check()


async def test_a_pallet_comes_to_no_station_whose_slots_are_all_locked(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await line.hear()
    for slot in ("S1-1", "S1-2"):
        line.gateway.block(slot, "Ann")
    await order(line, "C-1", ("A", 5))
    await turn(line)
    assert (await the_one(line)).station_id == "station-2"
    assert await line.states() == [("PALLET-1", "replenish", "arrived")]


async def test_a_pallet_that_stands_at_a_station_serves_for_more(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    await order(line, "C-2", ("A", 6))
    await turn(line)
    assert await line.states() == [("PALLET-1", "replenish", "arrived")]
    first, second = await open_ones(line)
    await line.act("replenish", replenishment_id=first.replenishment_id, holder_id=PICK, quantity=6)
    await turn(line)
    assert await line.states() == [("PALLET-1", "replenish", "arrived")]
    await line.act("replenish", replenishment_id=second.replenishment_id, holder_id=PICK, quantity=6)
    await turn(line)
    assert [state for _, _, state in await line.states()] == ["done", "done"]


async def test_a_pallet_on_its_way_turns_round_when_nobody_needs_it(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await order(line, "C-1", ("A", 5))
    await line.think()
    assert await line.states() == [("PALLET-1", "replenish", "sent")]
    await line.cancel("C-1")
    await Replenishments(line.store, line.core.context).work()
    await turn(line)
    assert await line.states() == [("PALLET-1", "replenish", "cancelled")]
    assert [row[0] for row in await ended(line)] == ["withdrawn"]


async def test_a_station_that_closes_lets_the_pallet_go_and_another_one_gets_it(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await order(line, "C-1", ("A", 5))
    await turn(line)
    first = await the_one(line)
    await line.store.write(lambda tx: close_station(tx, first.station_id or "", "no light", "Ann"))
    for _ in range(3):
        await turn(line)
    second = await the_one(line)
    assert second.station_id not in (None, first.station_id)
    assert [(row[0], row[1]) for row in await ended(line)] == [("withdrawn", 0)]
    await line.act("replenish", replenishment_id=second.replenishment_id, holder_id=PICK, quantity=6)
    await turn(line)
    assert await line.codes() == [70]


async def test_a_pallet_that_the_gateway_does_not_know_is_replaced_by_another(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "then": PALLETS}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=6)
    await fill(line, "PALLET-2", "A1-2-L-20", A=6)
    await line.hear()
    del line.gateway.places["PALLET-1"]
    await order(line, "C-1", ("A", 5))
    for _ in range(3):
        await turn(line)
    assert (await the_one(line)).source_id == "PALLET-2"
    assert [row[0] for row in await ended(line)] == ["withdrawn"]


async def test_totes_for_stations_are_filled_from_pallets_and_the_pick_waits_until_the_tote_stands_somewhere(
    store: Store,
) -> None:
    line = await line_on(store, [{"at": "move", "then": PALLETS | {"pick": "T-*"}}])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await fill(line, "T-1", "A1-1-L-06", B=1)
    await order(line, "C-1", ("A", 5))
    await turn(line)
    view = await the_one(line)
    assert (view.kind, view.target_id) == ("container", None)
    which = {"replenishment_id": view.replenishment_id, "quantity": 6}
    assert await line.refused("replenish", holder_id=PICK, **which) == "wrongPlace"
    assert await line.refused("replenish", holder_id="T-1", **which) == "notHere"
    await line.act("replenish", holder_id="T-9", **which)
    await turn(line)
    assert (await the_one(line)).state == "filled"
    assert await line.codes() == [30], "nobody knows where T-9 stands"
    line.gateway.places["T-9"] = "A1-1-L-07"
    await line.store.write(lambda tx: stand(tx, "T-9", "A1-1-L-07", "", 1.0))
    await turn(line)
    await line.finish()
    assert await line.order_codes() == [190]
    assert await where(line) == {"PALLET-1": 24, "T-1": 1, "T-9": 1}
    assert [row[:2] for row in await ended(line)] == [("done", 6)]
    await line.check()


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
async def test_a_station_picks_only_from_totes_though_a_pallet_has_the_same_goods(
    store: Store, sequence: str
) -> None:
    line = await line_on(store, [{"at": "move", "then": {"pick": "T-*"}}], sequence=sequence)
    await fill(line, "PALLET-1", "A1-1-L-01", A=30)
    await fill(line, "T-1", "A1-4-R-20", A=5)
    await order(line, "C-1", ("A", 5))
    await line.finish()
    assert await line.order_codes() == [190]
    assert await where(line) == {"PALLET-1": 30}


# ── before anybody asks ───────────────────────────────────────────────────────────────────────────────


async def test_a_place_that_holds_too_little_is_filled_up_before_any_order_asks(store: Store) -> None:
    line = await line_on(store, to_walk(min=5, max=20))
    await shelf(line, PICK, A=5)
    await shelf(line, RESERVE, A=100)
    await turn(line)
    assert await open_ones(line) == []
    await order(line, "C-1", ("A", 2))
    await turn(line)
    await pick_on_foot(line)
    await turn(line)
    view = await the_one(line)
    assert (view.quantity, view.waiting, view.priority) == (18, 0, 0), "17 in whole cases"
    await turn(line)
    assert len(await open_ones(line)) == 1, "it is on its way"
    await order(line, "C-2", ("A", 8))
    await turn(line)
    assert (await the_one(line)).waiting == 1, "an order that lacks some waits for the same"
    await line.cancel("C-2")
    await turn(line)
    assert (await the_one(line)).state == "open", "it was not made for the order"
    await line.act("replenish", replenishment_id=view.replenishment_id, holder_id=PICK, quantity=18)
    await turn(line)
    assert (await where(line), await open_ones(line)) == ({PICK: 21, RESERVE: 82}, [])
    await line.check()


async def test_the_lot_that_goes_first_is_brought_first(store: Store) -> None:
    line = await line_on(store, to_walk(min=5, max=20, amount="needed"))
    await shelf(line, RESERVE, A=100)
    await line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = NULL"))
    later = START_US + 10**15
    await lay(line, "A1-4-R-02", "A", 8, lot_no="A-2", received_at=later, expiry_at=later)
    await turn(line)
    assert [(each.lot_no, each.quantity) for each in await open_ones(line)] == [("A-2", 8), ("A-1", 12)]


async def test_goods_that_picks_wait_for_and_nobody_brings_are_an_alarm(store: Store) -> None:
    line = await line_on(store, [FLAT, {"at": "move", "when": {"sku": "A"}, "then": PALLETS}, WALK])
    await fill(line, "PALLET-1", "A1-1-L-05", A=30)
    await shelf(line, RESERVE, B=10)
    await order(line, "C-1", ("A", 5), ("B", 1))
    await turn(line)
    alarms = Alarms()
    watch = Watch(line.store, line.core.context, alarms)
    await watch.work()
    assert "notReplenished" not in alarms.standing
    line.core.clock.at_us += UNATTENDED_US
    await watch.work()
    text = alarms.standing["notReplenished"].text
    assert text == "Picks wait for goods that nobody brings out of the reserve: A1-4-R-01, PALLET-1"
    for each in await open_ones(line):
        await line.act("beginReplenishment", replenishment_id=each.replenishment_id)
    await watch.work()
    assert "notReplenished" not in alarms.standing


# ── how long it is known ──────────────────────────────────────────────────────────────────────────────


async def test_it_goes_to_history_with_its_order(store: Store) -> None:
    line = await line_on(store, to_walk(), keep_days=30)
    await shelf(line, RESERVE, A=30)
    await order(line, "C-1", ("A", 6))
    await turn(line)
    await line.cancel("C-1")
    await turn(line)
    await line.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
    line.core.clock.at_us += 31 * 86_400_000_000
    await carry_over(line.core.store, line.core.context)
    assert await line.core.count("orders", "work_waits", "replenishments") == {
        "orders": 0,
        "work_waits": 0,
        "replenishments": 0,
    }


# ── simulated people ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(2))
async def test_simulated_people_fill_up_what_orders_wait_for_and_ship_them(store: Store, seed: int) -> None:
    rules = [
        {"at": "shortage", "then": "partial"},
        FLAT,
        {"at": "move", "when": {"sku": "A"}, "then": PALLETS},
        WALK,
    ]
    line = await line_on(store, rules)
    await fill(line, "PALLET-1", "A1-1-L-05", A=20)
    await fill(line, "PALLET-2", "A1-2-L-05", A=20)
    await shelf(line, RESERVE, B=30)
    for number in range(5):
        await order(line, f"C-{number}", ("A", 2 + number), ("B", 2))
    async with pages(line) as http:
        people = [person(http, f"P{seed}-{name}", short=0.1) for name in ("Ann", "Bo", "Cy", "Di")]
        workers = [
            Picker(people[0], "station-1"),
            Picker(people[1], "station-2"),
            Walker(people[2]),
            Packer(people[3]),
        ]
        for _ in range(60):
            await turn(line)
            for worker in workers:
                await worker.step()
            if set(await line.order_codes()) == {190}:
                break
        page = (await http.get("/v1/wes/replenishments", params={"limit": 1})).json()
    assert await line.order_codes() == [190] * 5
    assert page["items"] == []
    assert people[0].done["replenish"] + people[1].done["replenish"] > 0
    assert people[2].done["replenish"] > 0
    await line.check()
