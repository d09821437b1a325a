"""A lot is bad: wherever it is, it is told, taken off its orders, and nothing of it leaves any more (S2-143, S2-144)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import pytest

from gateway.contract.acts import ActView
from gateway.contract.corrections import JudgeLot, LotQuality, RecallLot
from gateway.contract.faults import Refusal
from gateway.contract.returns import ReceiveReturn
from gateway.kernel.ports import Store, Tx
from gateway.wes.alarms import Alarms
from gateway.wes.core import WesCore
from gateway.wes.corrections import correct
from gateway.wes.floor.watch import Watch
from gateway.wes.orders.declined import Declined
from gateway.wes.planning.replenishment import Replenishments
from gateway.wes.recall import go_on, recall
from gateway.wes.returns import take_back as take_back_goods
from gateway.wes.stock.model import Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from gateway.wes.upstream.sync import sync_changed
from tests.unit.chain_rig import Crash, MortalStore, order
from tests.unit.feeding import START_US
from tests.unit.station_rig import Station, picked, put, questions, station, station_on
from tests.unit.wes_rig import WAREHOUSE, act

pytestmark = pytest.mark.unit

QUARANTINE = "Q-1"
_QUARANTINE = Holder(
    holder_id=QUARANTINE, kind=HolderKind.LOCATION, warehouse_id=WAREHOUSE, location_id=QUARANTINE
)


async def fill(line: Station, tote: str, place: str, lot_no: str, quantity: int) -> None:
    """Put goods of a lot of A into a tote in the rack."""
    line.gateway.places[tote] = place
    await lay(line, tote, lot_no, quantity, HolderKind.CONTAINER)


async def lay(
    line: Station, holder_id: str, lot_no: str, quantity: int, kind: HolderKind = HolderKind.LOCATION
) -> None:
    """Put goods of a lot of A somewhere; lots are as old as they are named."""
    location_id = holder_id if kind is HolderKind.LOCATION else None
    there = Holder(holder_id=holder_id, kind=kind, warehouse_id=WAREHOUSE, location_id=location_id)

    async def job(tx: Tx) -> None:
        await open_holder(tx, there)
        batch = Batch(
            warehouse_id=WAREHOUSE,
            owner_id="me",
            sku="A",
            received_at=START_US + ord(lot_no),
            lot_no=lot_no,
            supplier="farm",
        )
        lot = await open_lot(tx, line.core.context.ids, batch)
        await post(tx, receive(act(line.core.context), lot, Portion(holder_id, lot.lot_id, quantity)))

    await line.core.store.write(job)


@pytest.fixture
async def line(store: Store) -> Station:
    """A station, lot L in T-1 and the younger lot M in T-2, and a place for what is bad."""
    line = await station_on(store)
    await fill(line, "T-1", "A1-1-L-05", "L", 20)
    await fill(line, "T-2", "A1-2-L-05", "M", 20)
    await store.write(partial(open_holder, holder=_QUARANTINE))
    return line


def core_of(line: Station) -> WesCore:
    return WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)


def asked(act_id: str = "R-1", **changes: Any) -> RecallLot:
    body = {"act_id": act_id, "operator": "Eve", "reason": "mould", "sku_id": "A", "lot_no": "L"}
    return RecallLot.model_validate(body | changes)


async def call_back(line: Station, act_id: str = "R-1", **changes: Any) -> ActView:
    job = partial(recall, context=line.core.context, request=asked(act_id, **changes))
    view = await line.store.write(job)
    await go_on(core_of(line))
    return view


async def lot(line: Station, lot_no: str = "L") -> tuple[str, int, int, int, int]:
    """Return quality, pieces, reserved, allocated, held of a lot."""
    sql = "SELECT quality, quantity, reserved, allocated, held FROM lots WHERE lot_no = :lot_no"
    ((quality, quantity, reserved, allocated, held),) = await line.core.rows(sql, lot_no=lot_no)
    return quality, quantity, reserved, allocated, held


async def to_take_out(line: Station) -> Sequence[tuple[int, int, str]]:
    """Return (number, pieces, box) of what is to be taken out."""
    sql = "SELECT put_back_id, quantity, box_id FROM put_backs WHERE done_at IS NULL ORDER BY put_back_id"
    return [(row[0], row[1], row[2]) for row in await line.core.rows(sql)]


async def shipped(line: Station) -> dict[str, int]:
    """Return the pieces that have left, by lot."""
    sql = (
        "SELECT l.lot_no, CAST(SUM(x.d_quantity) AS BIGINT) FROM ledger x JOIN lots l ON l.lot_id = x.lot_id"
        " WHERE x.holder_id = 'SHIPPED' GROUP BY l.lot_no ORDER BY l.lot_no"
    )
    return dict(await line.core.rows(sql))


async def is_sound(line: Station) -> None:
    """All of the lot is barred, and everything agrees."""
    quality, quantity, reserved, allocated, held = await lot(line)
    assert (quality, reserved, allocated, held) == ("rejected", 0, 0, quantity)
    await line.check()


async def finish(line: Station) -> None:
    await line.finish()
    await line.check()


async def test_a_lot_in_the_reserve_is_barred(line: Station) -> None:
    view = await call_back(line)
    assert view.recalled is not None
    assert [each.model_dump() for each in view.recalled] == [
        {"lot_no": "L", "quantity": 20, "promised": 0, "picked": 0, "shipped": 0}
    ]
    await is_sound(line)
    await order(line, "C-1", ("A", 4))
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_whom_it_is_promised_is_promised_another_lot(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    assert (await lot(line))[2] == 4
    await call_back(line)
    await is_sound(line)
    assert await lot(line, "M") == ("qualified", 20, 4, 0, 0)
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_a_tote_on_its_way_turns_round(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    for _ in range(2):
        await line.think()
    assert [state for state in await line.states() if state[0] == "T-1"]
    await call_back(line)
    assert [state for tote, _, state in await line.states() if tote == "T-1"] == ["recalled"]
    await is_sound(line)
    await finish(line)
    assert await shipped(line) == {"M": 4}
    assert not await line.operations()
    assert line.gateway.places["T-1"].startswith("A1-"), "it is stored again"


async def test_what_stands_at_a_station_is_not_picked_any_more(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    await call_back(line)
    await is_sound(line)
    assert await line.refused("pick", allocation_id=allocation, quantity=4) == "notOpen"
    await finish(line)
    assert await shipped(line) == {"M": 4}


@pytest.mark.parametrize("button", [True, False])
async def test_pieces_in_a_hand_before_a_lit_slot_are_not_wanted_any_more(
    line: Station, button: bool
) -> None:
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    await line.act("pick", allocation_id=allocation, quantity=4)
    await line.light()
    (name,) = line.walls.lit()
    if button:
        line.walls.press(name)
    await call_back(line)
    await is_sound(line)
    await line.hear()
    await line.turn()
    asked = [kind for kind, _ in await questions(line)]
    assert asked == (["unwanted"] if button else [])
    await is_sound(line)
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_what_lies_in_an_open_box_is_taken_out_before_the_box_is_sealed(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    await put(line, allocation, 4)
    await line.act("done", operation_id=operation)
    ((slot, work),) = await line.core.rows(
        "SELECT slot_id, work_id FROM wall_slots WHERE work_id IS NOT NULL"
    )
    view = await call_back(line)
    assert view.recalled is not None
    assert view.recalled[0].picked == 4
    await is_sound(line)
    ((number, pieces, box),) = await to_take_out(line)
    assert (pieces, box) == (4, slot)
    assert await line.core.rows("SELECT kind, text FROM order_exceptions WHERE settled_at IS NULL") == [
        ("recalled", f"4 pieces of lot L in {slot} are recalled (mould): take them out")
    ]
    assert await line.refused("seal", work_id=work) == "withdrawn"
    held = "SELECT work_id FROM wall_slots WHERE slot_id = :slot"
    for _ in range(5):
        await line.turn()
    assert await line.core.rows(held, slot=slot) == [(work,)], "nobody else gets the slot"
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    assert await line.core.rows("SELECT 1 FROM order_exceptions WHERE settled_at IS NULL") == []
    await is_sound(line)
    await finish(line)
    assert await shipped(line) == {"M": 4}
    assert await line.core.rows("SELECT quantity FROM positions WHERE holder_id = :q", q=QUARANTINE) == [(4,)]


async def test_an_open_box_with_good_pieces_too_is_not_sealed_before_the_bad_ones_are_out(
    line: Station,
) -> None:
    await fill(line, "T-1", "A1-1-L-05", "K", 2)
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    ((work,),) = await line.core.rows("SELECT work_id FROM wall_slots WHERE work_id IS NOT NULL")
    await call_back(line)
    await is_sound(line)
    assert await line.refused("seal", work_id=work) == "recalled"
    ((number, pieces, _),) = await to_take_out(line)
    assert pieces == 2
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await finish(line)
    assert await shipped(line) == {"K": 2, "M": 2}
    assert await line.core.count("packages") == {"packages": 1}, "one order, one box"


async def test_a_sealed_box_stays_until_the_goods_are_out_of_it(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    await call_back(line)
    await is_sound(line)
    ((number, pieces, _),) = await to_take_out(line)
    assert pieces == 4
    assert await line.refused("ship", package_ids=[package]) == "recalled"
    watched = Alarms()
    watch = Watch(line.store, line.core.context, watched)
    await watch.work()
    assert list(watched.standing) == ["recalledInBoxes"]
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await watch.work()
    assert not watched.standing
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_what_else_is_in_a_sealed_box_leaves_without_the_lot(line: Station) -> None:
    await fill(line, "T-1", "A1-1-L-05", "K", 2)  # older than L, and in the same tote
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    await call_back(line)
    await is_sound(line)
    assert await line.refused("ship", package_ids=[package]) == "recalled"
    ((number, pieces, _),) = await to_take_out(line)
    assert pieces == 2
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await finish(line)
    assert await shipped(line) == {"K": 2, "M": 2}


async def test_what_has_left_has_left(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    await finish(line)
    view = await call_back(line)
    assert view.recalled is not None
    assert view.recalled[0].shipped == 4
    await is_sound(line)
    assert await shipped(line) == {"L": 4}


async def test_goods_of_a_cancelled_order_are_brought_to_where_bad_ones_stay(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    await line.cancel("C-1")
    await call_back(line)
    await is_sound(line)
    ((number, _, _),) = await to_take_out(line)
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await is_sound(line)
    assert await line.order_codes() == [199]


async def came_back(line: Station, act_id: str) -> ActView:
    """Have a piece of order C-1 come back that looks as good as new."""
    body = {"actId": act_id, "operator": "Dora", "orderNo": "ORD-C-1"}
    goods = {"skuId": "A", "quantity": 1, "quality": "saleable"}
    request = ReceiveReturn.model_validate(body | {"lines": [goods]})
    return await line.store.write(partial(take_back_goods, context=line.core.context, request=request))


async def test_what_came_back_before_is_recalled_too_and_what_comes_back_later_is_not_sold(
    line: Station,
) -> None:
    await order(line, "C-1", ("A", 4))
    await finish(line)
    await came_back(line, "B-1")
    assert (await lot(line, "L-R"))[0] == "qualified"
    view = await call_back(line)
    assert view.recalled is not None
    assert [(each.lot_no, each.quantity, each.shipped) for each in view.recalled] == [
        ("L", 16, 4),
        ("L-R", 1, 0),
    ]
    assert (await lot(line, "L-R"))[0] == "rejected"
    assert (await came_back(line, "B-2")).to_inspect == ("A",)
    rows = await line.core.rows("SELECT quality FROM lots WHERE lot_no LIKE 'L-R%' ORDER BY lot_no")
    assert [row[0] for row in rows] == ["rejected", "pending"]
    await is_sound(line)


async def test_without_another_lot_the_order_waits(line: Station) -> None:
    await call_back(line, "R-0", lot_no="M")
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    await call_back(line)
    await is_sound(line)
    assert await picked(line) == [(0, 0, 0)]
    assert "EXCEPTION" in await line.told()


async def test_the_same_recall_again_is_answered_as_before(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    first = await call_back(line)
    again = await call_back(line)
    assert again == first.model_copy(update={"again": True})
    with pytest.raises(Refusal):
        await call_back(line, lot_no="M")
    with pytest.raises(Refusal):
        await call_back(line, "R-2", lot_no="N")
    await is_sound(line)


async def test_a_recall_that_was_interrupted_lets_nothing_leave_and_is_gone_on_with(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    await line.store.write(partial(recall, context=line.core.context, request=asked()))
    assert await line.refused("ship", package_ids=[package]) == "recalled"
    await order(line, "C-2", ("A", 4))
    assert (await lot(line))[2] == 4, "no more of it is promised"
    await go_on(core_of(line))
    await is_sound(line)


async def test_a_recall_that_dies_before_any_of_its_commits_is_gone_on_with(store: Store) -> None:
    line = await station_on(store)
    for number in range(3):
        await fill(line, f"T-{number}", f"A1-{number + 1}-L-05", "L", 2)
        await fill(line, f"U-{number}", f"A1-{number + 1}-L-06", "M", 2)
        await order(line, f"C-{number}", ("A", 2))
    await line.work_off(await line.bring())
    await line.store.write(partial(recall, context=line.core.context, request=asked()))
    for commits in range(6):
        mortal = MortalStore(line.store, commits)
        with suppress(Crash):
            await go_on(WesCore(store=mortal, context=line.core.context, numbers=line.core.numbers))
        await line.check()
    await go_on(core_of(line))
    await is_sound(line)
    assert await line.core.rows("SELECT 1 FROM recalls WHERE barred_at IS NULL") == []


async def test_a_package_that_is_handed_over_at_the_same_moment_has_left_or_stays(line: Station) -> None:
    for number in range(3):
        await order(line, f"C-{number}", ("A", 2))
    packages: list[int] = []
    while len(packages) < 3:
        await line.work_off(await line.bring())
        packages += await line.seal_all()

    async def hand_over(package: int) -> int:
        try:
            await line.again(f"ship-{package}", "ship", package_ids=[package])
        except Refusal as refused:
            assert refused.reasons[0].code in ("recalled", "notReady"), refused.reasons
            return 0
        return 2

    *left, view = await asyncio.gather(*(hand_over(each) for each in packages), call_back(line))
    assert isinstance(view, ActView)
    await is_sound(line)
    gone = sum(each for each in left if isinstance(each, int))
    assert await shipped(line) == ({"L": gone} if gone else {})
    assert sum(pieces for _, pieces, _ in await to_take_out(line)) == 6 - gone


async def test_upstream_is_told_what_it_may_still_sell(line: Station) -> None:
    await order(line, "C-1", ("A", 4))
    await sync_changed(line.store, line.core.context)
    await call_back(line)
    await sync_changed(line.store, line.core.context)
    told = [each["availableQty"] for each in await line.core.told() if "availableQty" in each]
    assert told[-1] == 16, "of the other lot, less what is promised of it now"
    await is_sound(line)


async def test_a_lot_that_was_recalled_by_mistake_is_judged_again(line: Station) -> None:
    await call_back(line)
    judged = JudgeLot(
        act_id="J-1",
        operator="Eve",
        reason="mistaken",
        sku_id="A",
        lot_no="L",
        quality=LotQuality.QUALIFIED,
    )
    await line.store.write(partial(correct, context=line.core.context, request=judged))
    await order(line, "C-1", ("A", 4))
    await finish(line)
    assert await shipped(line) == {"L": 4}


async def test_people_go_on_picking_while_a_lot_is_recalled(line: Station) -> None:
    for number in range(6):
        await order(line, f"C-{number}", ("A", 2))
    operation = await line.bring()
    tasks = await line.scan(operation)

    async def pick(allocation: int) -> None:
        with_luck = {"allocation_id": allocation, "quantity": 2}
        try:
            await line.again(f"race-{allocation}", "pick", **with_luck)
        except Refusal as refused:
            assert refused.reasons[0].code in ("notOpen", "tooMany"), refused.reasons

    await asyncio.gather(*(pick(allocation) for allocation, _ in tasks), call_back(line))
    await is_sound(line)
    for _ in range(20):
        await line.turn()
        for number, _, _ in await to_take_out(line):
            await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await finish(line)
    assert await shipped(line) == {"M": 12}
    await is_sound(line)


async def test_what_somebody_on_foot_has_picked_is_taken_out_too(store: Store) -> None:
    line = await station_on(store, rules=[{"at": "picking", "then": "flat"}])
    await lay(line, "FLAT-1", "L", 10)
    await lay(line, "FLAT-2", "M", 10)
    await lay(line, QUARANTINE, "Q", 1)
    await order(line, "C-1", ("A", 4))
    await line.turn()
    works = (await line.act("claim")).work_ids
    assert works is not None
    (work,) = works
    sql = "SELECT allocation_id FROM allocations WHERE code = 80 ORDER BY allocation_id"
    ((allocation,),) = await line.core.rows(sql)
    await line.act("pick", allocation_id=allocation, quantity=3)
    await call_back(line)
    await is_sound(line)
    assert await line.refused("pick", allocation_id=allocation, quantity=1) == "notOpen"
    ((number, pieces, box),) = await to_take_out(line)
    assert (pieces, box) == (3, f"work order {work}")
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    await line.turn()
    await line.act("claim")
    ((allocation,),) = await line.core.rows(sql)
    await line.act("pick", allocation_id=allocation, quantity=4)
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_nothing_is_brought_out_of_the_reserve_for_a_recalled_lot(store: Store) -> None:
    rules = [
        {"at": "picking", "then": "flat"},
        {"at": "move", "then": {"pick": "A1-4-R-1?", "reserve": "A1-4-R-0?"}},
    ]
    line = await station_on(store, rules=rules)
    await lay(line, "A1-4-R-01", "L", 10)
    await lay(line, "A1-4-R-10", "M", 10)
    await order(line, "C-1", ("A", 4))
    replenishments = Replenishments(line.store, line.core.context)
    for _ in range(4):
        await line.turn()
        await replenishments.work()
    ended = "SELECT state FROM replenishments ORDER BY replenishment_id"
    assert await line.core.rows(ended) == [("open",)]
    await call_back(line)
    await is_sound(line)
    for _ in range(4):
        await replenishments.work()
        await line.turn()
    assert await line.core.rows(ended) == [("withdrawn",)]
    await line.act("claim")
    ((allocation,),) = await line.core.rows("SELECT allocation_id FROM allocations WHERE code = 80")
    await line.act("pick", allocation_id=allocation, quantity=4)
    await finish(line)
    assert await shipped(line) == {"M": 4}


async def test_a_box_that_is_reviewed_is_counted_again_without_the_lot(store: Store) -> None:
    line = await station_on(store, rules=[{"at": "review", "then": "required"}])
    await fill(line, "T-1", "A1-1-L-05", "K", 2)
    await fill(line, "T-1", "A1-1-L-05", "L", 10)
    await lay(line, QUARANTINE, "Q", 1)
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    (package,) = await line.seal_all()
    ((line_id,),) = await line.core.rows("SELECT line_id FROM order_lines")
    await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 4}])
    assert await line.core.rows("SELECT code FROM packages") == [(150,)]
    await call_back(line)
    await is_sound(line)
    assert await line.refused("beginReview", package_id=package) == "recalled"
    ((number, _, _),) = await to_take_out(line)
    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
    assert await line.core.rows("SELECT code FROM packages") == [(135,)]
    await line.act("review", package_id=package, items=[{"line_id": line_id, "quantity": 2}])
    await line.act("ship", package_ids=[package])
    await line.check()
    assert await shipped(line) == {"K": 2}


# ── wherever the goods are ────────────────────────────────────────────────────────────────────────────


class Shift:
    """People and machines go on as chance has it; a lot is recalled in the middle of it."""

    def __init__(self, line: Station, chance: Random) -> None:
        self.line = line
        self.chance = chance
        self.orders = 0

    async def go_on(self) -> None:
        """Do something that can be done."""
        line, chance = self.line, self.chance
        step = chance.choice(
            ("order", "turn", "turn", "work", "work", "pick", "seal", "ship", "cancel", "bringBack")
        )
        match step:
            case "order":
                self.orders += 1
                await order(line, f"C-{self.orders}", ("A", chance.randint(1, 4)))
            case "turn":
                await line.turn()
            case "work":
                await self.press_all()
                for operation in await line.operations():
                    await line.work_off(operation)
            case "pick":
                await self.pick_one()
            case "seal":
                with suppress(Refusal):  # recalled goods may lie in a box
                    await line.seal_all()
            case "ship":
                ready = await line.core.rows(
                    "SELECT package_id FROM packages WHERE code = 150 ORDER BY package_id"
                )
                if ready:
                    await line.act("ship", package_ids=[ready[0][0]])
            case "cancel":
                if self.orders and chance.random() < 0.3:
                    with suppress(Declined):
                        await line.cancel(f"C-{chance.randint(1, self.orders)}")
            case _:
                for number, _, _ in (await to_take_out(line))[:1]:
                    await line.act("putBack", put_back_id=number, holder_id=QUARANTINE)

    async def pick_one(self) -> None:
        """Take a piece of something; perhaps its button is pressed later, or never."""
        for operation in await self.line.operations():
            for allocation, rest in await self.line.scan(operation):
                if rest:
                    with suppress(Refusal):
                        await self.line.act("pick", allocation_id=allocation, quantity=1)
                    await self.line.light()
                    for name in self.line.walls.lit():
                        if self.chance.random() < 0.6:
                            self.line.walls.press(name)
                    await self.line.hear()
                    return

    async def press_all(self) -> None:
        for name in self.line.walls.lit():
            self.line.walls.press(name)
        await self.line.hear()

    async def end(self) -> None:
        """Work everything off."""
        for _ in range(40):
            await self.press_all()
            for number, _, _ in await to_take_out(self.line):
                await self.line.act("putBack", put_back_id=number, holder_id=QUARANTINE)
            await self.line.finish()
            if {*await self.line.order_codes()} <= {190, 199}:
                return
        raise AssertionError(await self.line.order_codes())


@pytest.mark.parametrize("sequence", ["waveFirst", "allocateFirst"])
@pytest.mark.parametrize("seed", range(6))
async def test_wherever_the_goods_are_nothing_of_them_leaves(sequence: str, seed: int) -> None:
    async with station(sequence=sequence) as line:
        for number in range(4):
            await fill(line, f"T-{number}", f"A1-{number + 1}-L-05", "L", 10)
            await fill(line, f"U-{number}", f"A1-{number + 1}-L-06", "M", 100)
        await line.store.write(partial(open_holder, holder=_QUARANTINE))
        shift = Shift(line, Random(seed))
        for _ in range(25):
            await shift.go_on()
        gone = (await shipped(line)).get("L", 0)
        await call_back(line)
        await is_sound(line)
        for _ in range(15):
            await shift.go_on()
            await is_sound(line)
        await shift.end()
        await is_sound(line)
        assert (await shipped(line)).get("L", 0) == gone
