"""Goods that expire soon, and products of which less is free than their safety stock, are alarms until they are put right."""

from functools import partial
from typing import Any

import pytest

from gateway.contract.corrections import CountGoods, JudgeLot, LotQuality, SetSafety
from gateway.kernel.clock import to_datetime
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.corrections import correct
from gateway.wes.stock.watch import DAY_US, NAMED_MAX, StockWatch
from tests.unit.chain_rig import fill, order
from tests.unit.feeding import START_US
from tests.unit.station_rig import station
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

BY: dict[str, Any] = {"operator": "Li Na", "reason": "I stood there and looked"}
IN_30_DAYS: dict[str, Any] = {"stock": {"near_expiry_days": 30}}


def day(after: int) -> str:
    return f"{to_datetime(START_US + after * DAY_US):%Y-%m-%d}"


class Watching:
    """A core's stock, and what stands after each look at it."""

    def __init__(self, line: Core) -> None:
        self._line = line
        self._alarms = Alarms()
        self._watch = StockWatch(line.store, line.context, self._alarms)

    async def look(self, after_days: int = 0) -> dict[str, str]:
        return {code: alarm.text for code, alarm in (await self.standing(after_days)).items()}

    async def standing(self, after_days: int = 0) -> dict[str, Alarm]:
        self._line.clock.at_us += after_days * DAY_US
        await self._watch.work()
        return self._alarms.standing

    async def judge(self, lot_no: str, quality: str) -> None:
        request = JudgeLot(act_id=lot_no, sku_id="A", lot_no=lot_no, quality=LotQuality(quality), **BY)
        await self._line.store.write(partial(correct, context=self._line.context, request=request))

    async def keep(self, quantity: int) -> None:
        request = SetSafety(act_id=f"keep-{quantity}", sku_id="A", quantity=quantity, **BY)
        await self._line.store.write(partial(correct, context=self._line.context, request=request))


async def test_goods_that_expire_soon_are_an_alarm_that_names_them_the_next_first() -> None:
    async with core(**IN_30_DAYS) as line:
        watching = Watching(line)
        await line.stock("A", 7, lot_no="LATE", expiry_at=START_US + 50 * DAY_US)
        await line.stock("A", 5, lot_no="SOON", expiry_at=START_US + 40 * DAY_US)
        await line.stock("B", 9)
        assert await watching.look() == {}
        soon = f"A lot SOON (5, {day(40)})"
        assert await watching.look(after_days=11) == {"nearExpiry": f"Goods expire within 30 days: {soon}"}
        both = f"{soon}, A lot LATE (7, {day(50)})"
        assert await watching.look(after_days=10) == {"nearExpiry": f"Goods expire within 30 days: {both}"}


async def test_it_has_stood_since_the_first_of_them_came_near_whenever_it_was_seen() -> None:
    async with core(**IN_30_DAYS) as line:
        await line.stock("A", 5, lot_no="SOON", expiry_at=START_US + 40 * DAY_US)
        standing = await Watching(line).standing(after_days=20)
        assert standing["nearExpiry"].raised_at == START_US + 10 * DAY_US


async def test_what_is_barred_is_not_near_its_end_any_more() -> None:
    async with core(**IN_30_DAYS) as line:
        watching = Watching(line)
        await line.stock("A", 5, lot_no="SOON", expiry_at=START_US + 10 * DAY_US)
        assert list(await watching.look()) == ["nearExpiry"]
        await watching.judge("SOON", "rejected")
        assert await watching.look() == {}


async def test_a_site_that_does_not_say_how_long_before_is_not_told() -> None:
    async with core() as line:
        await line.stock("A", 5, lot_no="SOON", expiry_at=START_US + DAY_US)
        assert await Watching(line).look() == {}


async def test_many_lots_are_one_alarm_of_bearable_length() -> None:
    async with core(**IN_30_DAYS) as line:
        for number in range(NAMED_MAX + 1):
            await line.stock("A", 1, lot_no=f"L{number:02}", expiry_at=START_US + (number + 1) * DAY_US)
        text = (await Watching(line).look())["nearExpiry"]
        assert f"L{NAMED_MAX - 1:02}" in text
        assert f"L{NAMED_MAX:02}" not in text


async def test_less_free_than_the_safety_stock_is_an_alarm_until_goods_have_come() -> None:
    async with core() as line:
        watching = Watching(line)
        await line.stock("A", 10)
        await watching.keep(8)
        assert await watching.look() == {}
        await line.submit(command("C-1", ("A", 3)))
        assert await watching.look() == {"belowSafety": "Less is free than the safety stock: A (7 of 8)"}
        await line.stock("A", 1)
        assert await watching.look() == {}


async def test_a_product_without_a_safety_stock_may_run_out() -> None:
    async with core() as line:
        await line.stock("A", 2)
        await line.submit(command("C-1", ("A", 2)))
        assert await Watching(line).look() == {}


async def test_goods_that_neither_come_nor_leave_for_long_are_an_alarm_until_they_do() -> None:
    async with station(stock={"slow_days": 30}) as line:
        watching = Watching(line.core)
        await fill(line, "T-1", "A1-1-L-05", A=10, B=5)
        assert await watching.look(after_days=29) == {}
        start = day(0)
        slow = f"Nothing has come or left for 30 days: A (10, {start}), B (5, {start})"
        assert await watching.look(after_days=2) == {"slowMoving": slow}
        await order(line, "C-1", ("A", 1))
        await line.finish()
        assert await watching.look() == {
            "slowMoving": f"Nothing has come or left for 30 days: B (5, {start})"
        }
        await line.core.stock("B", 1, lot_no="B-2")
        assert await watching.look() == {}


async def test_that_goods_are_counted_does_not_mean_that_they_move() -> None:
    async with core(stock={"slow_days": 30}) as line:
        await line.stock("A", 5)
        line.clock.at_us += 31 * DAY_US
        ((holder, lot_no),) = await line.rows(
            "SELECT p.holder_id, l.lot_no FROM positions p JOIN lots l ON l.lot_id = p.lot_id"
        )
        found = CountGoods(act_id="K-1", sku_id="A", lot_no=lot_no, holder_id=holder, quantity=6, **BY)
        await line.store.write(partial(correct, context=line.context, request=found))
        assert await Watching(line).look() == {
            "slowMoving": f"Nothing has come or left for 30 days: A (6, {day(0)})"
        }


async def test_what_is_not_there_any_more_is_not_slow() -> None:
    async with station(stock={"slow_days": 30}) as line:
        await fill(line, "T-1", "A1-1-L-05", A=2)
        await order(line, "C-1", ("A", 2))
        await line.finish()
        assert await Watching(line.core).look(after_days=40) == {}
