"""Cancelling an order: what it had is free again, upstream hears it once, and what has come too far says so."""

import pytest

from gateway.contract.wms import ResultCode
from gateway.wes.codes import Code
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.reservation import list_short
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit


async def state(opened: Core) -> tuple[int, list[tuple[str, int, int]], list[tuple[int, ...]]]:
    """Return the order's code, its lines, and what is reserved of each pool."""
    (code,) = (await opened.rows("SELECT code FROM orders"))[0]
    return code, await opened.lines(), [(*row,) for row in await opened.rows("SELECT reserved FROM pools")]


async def declined(opened: Core, order_no: str) -> ResultCode:
    with pytest.raises(Declined) as told:
        await opened.cancel(order_no)
    return told.value.code


async def test_a_reserved_order_is_cancelled_at_once_and_its_goods_are_free() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        await opened.submit(command())
        view = await opened.cancel("ORD-C-1", "the customer called")
        assert view.status == "CANCELLED"
        assert await state(opened) == (199, [("A", 0, 199), ("B", 0, 199)], [(0,), (0,)])
        assert await opened.rows("SELECT code FROM work_orders") == [(199,)]
        assert await opened.rows("SELECT cancel_reason FROM orders") == [("the customer called",)]
        assert await opened.rows("SELECT reason FROM stock_events WHERE kind = 'release'") == [
            ("the customer called",)
        ]


async def test_cancelling_again_changes_nothing_and_is_answered_as_before() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        await opened.submit(command())
        first = await opened.cancel("ORD-C-1")
        before = await opened.count("outbox", "ledger", "stages")
        assert await opened.cancel("ORD-C-1", "for another reason") == first
        assert await opened.count("outbox", "ledger", "stages") == before
        assert [told["status"] for told in await opened.told()] == ["RECEIVED", "CANCELLED"]


async def test_a_short_order_is_cancelled_and_not_tried_again() -> None:
    async with core(rules=[{"at": "reservation", "then": "perLine"}]) as opened:
        await opened.stock("A", 10)
        await opened.submit(command())
        await opened.cancel("ORD-C-1")
        assert await state(opened) == (199, [("A", 0, 199), ("B", 0, 199)], [(0,)])
        assert await opened.store.read(lambda tx: list_short(tx, 0, 10)) == []
        assert await opened.rows("SELECT COUNT(*) FROM order_exceptions WHERE settled_at IS NULL") == [(0,)]


async def test_an_order_held_by_a_rule_can_be_cancelled() -> None:
    async with core(rules=[{"at": "audit.order", "then": "hold"}]) as opened:
        await opened.submit(command())
        assert (await opened.cancel("ORD-C-1")).status == "CANCELLED"


async def test_an_unknown_order_cannot_be_cancelled() -> None:
    async with core() as opened:
        assert await declined(opened, "ORD-9") is ResultCode.NOT_FOUND


@pytest.mark.parametrize("table", ["order_lines", "work_orders"])
async def test_an_order_of_which_anything_has_left_says_so_and_stays(table: str) -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        await opened.submit(command())
        left = f"UPDATE {table} SET code = {Code.SHIPPED:d}"
        await opened.store.write(lambda tx: tx.execute(left))
        before = await state(opened)
        assert await declined(opened, "ORD-C-1") is ResultCode.TOO_LATE
        assert await state(opened) == before


async def test_an_order_that_came_back_is_the_one_that_is_cancelled() -> None:
    async with core() as opened:
        await opened.stock("A", 1)
        first = await opened.submit(command("C-1", ("A", 1), orderNo="ORD"))
        await opened.cancel("ORD")
        second = await opened.submit(command("C-2", ("A", 1), orderNo="ORD"))
        assert (await opened.cancel("ORD")).outbound_no == second.outbound_no != first.outbound_no
