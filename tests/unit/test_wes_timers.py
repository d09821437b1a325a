"""Rounds of the core: nothing twice, everything in turn, and a day that was slept through is made up for."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.delivery.rounds import Bell, Rounds
from gateway.kernel.ports import StoreFull
from gateway.wes.core import WesCore
from gateway.wes.orders.replies import StoredReply, find_reply, keep_reply
from gateway.wes.timers import ShortOrders, calibrate, expire, forget
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

DAY_US = 86_400_000_000


def parts(opened: Core) -> WesCore:
    return WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


async def test_short_orders_are_tried_in_turn_so_that_none_waits_behind_one_that_never_comes() -> None:
    timers = {"reservation": {"period_s": 1, "batch": 2}}
    async with core(timers=timers) as opened:
        for n in range(3):
            await opened.submit(command(f"A-{n}", ("A", 1)))
        await opened.submit(command("B-0", ("B", 1)))
        await opened.stock("B", 1)
        short = ShortOrders(parts(opened))
        await short.work()
        assert ("B", 1, 30) not in await opened.lines()
        await short.work()
        assert ("B", 1, 30) in await opened.lines()
        await opened.stock("A", 3)
        for _ in range(3):
            await short.work()
        assert {code for _, _, code in await opened.lines()} == {30}


async def test_the_whole_stock_is_told_once_a_day_at_its_time() -> None:
    async with core(timezone="Asia/Shanghai") as opened:
        await opened.stock("A", 5)
        running = parts(opened)

        async def batches(moment: str) -> int:
            opened.clock.at_us = at(moment)
            await calibrate(running)
            return len([told for told in await opened.told() if "batchId" in told])

        assert await batches("2026-11-22T10:00:00") == 1, "the first start tells all"
        assert await batches("2026-11-22T17:59:00") == 1, "it is 1:59 of the next day in Shanghai"
        assert await batches("2026-11-22T18:00:01") == 2
        assert await batches("2026-11-23T17:00:00") == 2
        assert await batches("2026-11-26T03:00:00") == 3, "after three days of sleep, once"


async def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    async with core() as opened:
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 1)))
        await opened.submit(command("C-2", ("A", 1)))
        now = opened.clock.now_us()
        await opened.store.write(lambda tx: keep_reply(tx, "k", StoredReply("d", 200, "{}"), now, 3600))
        await opened.store.write(
            lambda tx: tx.execute(
                "UPDATE outbox SET state = 'delivered', ended_at = created_at WHERE oms_order_no = 'ORD-C-1'"
            )
        )
        opened.clock.at_us += 8 * DAY_US
        await forget(parts(opened))
        assert await opened.rows("SELECT oms_order_no FROM outbox") == [("ORD-C-2",)], "what waits stays"
        assert await opened.store.read(lambda tx: find_reply(tx, "k", now)) is None


async def test_a_lot_whose_day_has_come_is_offered_to_nobody_and_who_is_promised_it_is_told() -> None:
    async with core() as opened:
        now = opened.clock.now_us()
        await opened.stock("A", 5, lot_no="old", expiry_at=now + DAY_US)
        await opened.stock("B", 5, lot_no="promised", expiry_at=now + DAY_US)
        await opened.stock("A", 2, lot_no="young", expiry_at=now + 9 * DAY_US)
        await opened.submit(command("C-1", ("B", 1)))
        qualities = "SELECT lot_no, quality FROM lots ORDER BY lot_no"
        await expire(parts(opened))
        assert {quality for _, quality in await opened.rows(qualities)} == {"qualified"}
        opened.clock.at_us += 2 * DAY_US
        for _ in range(2):
            await expire(parts(opened))
        assert await opened.rows(qualities) == [
            ("old", "expired"),
            ("promised", "expired"),
            ("young", "qualified"),
        ]
        assert await opened.rows("SELECT quantity, held, reserved FROM pools ORDER BY sku") == [
            (7, 5, 0),
            (5, 5, 0),
        ]
        assert (
            await opened.rows("SELECT operator, reason FROM stock_events WHERE kind = 'quality'")
            == [("wes", "qualified → expired: its day has come")] * 2
        )
        (told,) = [each for each in await opened.told() if each["status"] == "EXCEPTION"]
        assert told["errorMessage"] == "lot promised has expired before it was picked"


async def test_a_round_goes_on_after_a_full_disk() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(len(done))
        if len(done) < 3:
            raise StoreFull("no room")
        if len(done) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Rounds("test", 0.0, work).run()
    assert len(done) == 5


async def test_a_round_that_takes_longer_than_its_period_never_meets_itself() -> None:
    bell, at_work, done = Bell(), 0, 0

    async def work() -> None:
        nonlocal at_work, done
        at_work += 1
        assert at_work == 1
        bell.ring()
        await asyncio.sleep(0.002)
        at_work -= 1
        done += 1
        if done == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Rounds("test", 0.001, work, bell).run()
    assert (at_work, done) == (0, 5)
