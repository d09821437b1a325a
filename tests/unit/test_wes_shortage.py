"""What becomes of an order that lacks something: it waits as a whole, or goes on in part."""

import pytest

from gateway.wes.core import WesCore
from gateway.wes.timers import expire
from tests.unit.chain_rig import chain, contradictions, fill, goods_in_receiving, order, put_into, rule

pytestmark = pytest.mark.unit


async def test_mode_a_an_order_that_lacks_something_waits_as_a_whole_until_it_is_there() -> None:
    async with chain() as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        lot_id = await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.think()
        await line.think()
        assert await line.codes() == [40]
        assert await line.codes("orders") == [40]
        exceptions = (
            "SELECT text FROM order_exceptions WHERE kind = 'allocationShortage' AND settled_at IS NULL"
        )
        assert await line.core.rows(exceptions) == [
            ("B: 3 are promised and at no place where they can be fetched",)
        ]
        await put_into(line, "T-1", lot_id, 5)
        await line.until_quiet()
        assert await line.codes("orders") == [90]
        assert await line.core.rows(exceptions) == []
        assert not await contradictions(line.core)


async def test_mode_b_what_is_there_goes_on_and_the_rest_follows() -> None:
    async with chain(rules=[rule("shortage", "partial")]) as line:
        await fill(line, "T-1", "A1-1-L-01", A=10, B=1)
        lot_id = await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.until_quiet()
        assert await line.codes() == [90, 40]
        assert await line.core.rows(
            "SELECT work_id - work_id, quantity FROM work_lines ORDER BY work_id, line_id"
        ) == [
            (0, 2),
            (0, 1),
            (0, 2),
        ]
        assert not await contradictions(line.core)
        await put_into(line, "T-1", lot_id, 5)
        await line.until_quiet()
        assert await line.codes() == [90, 90]
        assert await line.codes("orders") == [90]
        assert not await contradictions(line.core)


async def test_a_rule_of_the_site_says_for_each_order_whether_it_waits_or_goes_on_in_part() -> None:
    async with chain(rules=[rule("shortage", "partial", carrier="SF")]) as line:
        await fill(line, "T-1", "A1-1-L-01", A=10)
        await goods_in_receiving(line, "B", 5)
        await order(line, "C-1", ("A", 2), ("B", 2), carrierCode="SF")
        await order(line, "C-2", ("A", 2), ("B", 2), carrierCode="YTO")
        await line.until_quiet()
        works = await line.core.rows(
            "SELECT o.carrier_code, w.code FROM work_orders w JOIN orders o ON o.order_id = w.order_id"
            " ORDER BY o.order_id, w.code"
        )
        assert works == [("SF", 40), ("SF", 90), ("YTO", 40)]
        assert not await contradictions(line.core)


async def test_what_expires_before_it_is_picked_is_taken_of_another_lot() -> None:
    async with chain() as line:
        core = line.core
        await fill(line, "T-1", "A1-1-L-01", A=5)
        ends = core.clock.at_us + 60_000_000
        await line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = :ends", {"ends": ends}))
        await core.stock("A", 5, lot_no="young", received_at=ends)
        ((young,),) = await core.rows("SELECT holder_id FROM holders WHERE holder_id LIKE 'TOTE-%'")
        line.gateway.places[young] = "A1-1-L-02"
        await order(line, "C-1", ("A", 2))
        core.clock.at_us += 61_000_000
        await line.think()
        assert await line.codes() == [40]
        wes = WesCore(store=line.store, context=core.context, numbers=core.numbers)
        await expire(wes)
        await line.until_quiet()
        assert await line.codes("orders") == [90]
        assert await core.rows("SELECT holder_id, quantity FROM allocations") == [(young, 2)]
        assert await core.rows("SELECT lot_no, quality FROM lots ORDER BY lot_no") == [
            ("A-1", "expired"),
            ("young", "qualified"),
        ]
        assert await core.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [(0,)]
        assert not await contradictions(core)


async def test_orders_that_wait_for_goods_in_the_place_of_expired_ones_hold_nobody_up() -> None:
    async with chain(timers={"planning": {"period_s": 1, "batch": 2}}) as line:
        core = line.core
        await fill(line, "T-1", "A1-1-L-01", A=5)
        ends = core.clock.at_us + 60_000_000
        await line.store.write(lambda tx: tx.execute("UPDATE lots SET expiry_at = :ends", {"ends": ends}))
        for name in ("C-1", "C-2"):
            await order(line, name, ("A", 2))
        core.clock.at_us += 61_000_000
        await expire(WesCore(store=line.store, context=core.context, numbers=core.numbers))
        await fill(line, "T-2", "A1-1-L-02", B=5)
        await order(line, "C-3", ("B", 2))
        for _ in range(10):
            await line.round()
        assert await line.codes("orders") == [30, 30, 90]
        assert not await contradictions(core)


async def test_black_box_work_gets_nothing_of_a_lot_whose_day_has_come_and_people_are_told() -> None:
    async with chain(rules=[rule("picking", "blackBox")]) as line:
        await line.core.stock("A", 5, expiry_at=line.core.clock.at_us + 60_000_000)
        await order(line, "C-1", ("A", 2))
        await line.hear()
        line.core.clock.at_us += 61_000_000
        await line.think()
        assert await line.codes() == [40]
        assert await line.core.rows("SELECT COUNT(*) FROM allocations") == [(0,)]
        assert await line.core.rows("SELECT kind FROM order_exceptions WHERE settled_at IS NULL") == [
            ("allocationShortage",)
        ]
