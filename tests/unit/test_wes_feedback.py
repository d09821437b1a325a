"""Goods leave: upstream hears it once for the order, or box by box, with what has left and what has not."""

from typing import Any

import pytest

from gateway.wes.codes import Code
from gateway.wes.orders.feedback import tell_shipped
from gateway.wes.orders.headers import move_lines
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

PACKAGE = (
    "INSERT INTO packages (package_id, package_no, order_id, work_id, kind, weight_kg, tracking_no, code, created_at)"
    " SELECT :package_id, :package_no, order_id, MIN(work_id), 'mixed', :weight, :tracking, 190, 0 FROM work_orders"
    " GROUP BY order_id"
)


async def leave(opened: Core, package_id: int, lines: dict[str, int], **facts: Any) -> None:
    """Let a package with so much of each SKU leave."""
    (order_id,) = (await opened.rows("SELECT order_id FROM orders"))[0]
    row = {"package_id": package_id, "package_no": f"P{package_id}", "weight": 1.5, "tracking": "SF1"} | facts

    async def job(tx: Any) -> None:
        await tx.execute(PACKAGE, row)
        for sku, quantity in lines.items():
            params = {"sku": sku, "quantity": quantity}
            await tx.execute(
                "UPDATE order_lines SET picked = :quantity, shipped = :quantity, reserved = 0 WHERE sku = :sku",
                params,
            )
        ids = await tx.fetch("SELECT line_id, sku FROM order_lines")
        moves = {line_id: Code.SHIPPED for line_id, sku in ids if sku in lines}
        await move_lines(tx, order_id, moves, opened.clock.now_us())
        await tell_shipped(tx, opened.context, order_id, [package_id])

    await opened.store.write(job)


async def shipping(opened: Core) -> list[dict[str, Any]]:
    return [each for each in await opened.told() if "SHIPPED" in each["status"]]


async def order(opened: Core) -> None:
    await opened.stock("A", 5)
    await opened.stock("B", 5)
    await opened.submit(command(carrierCode="SF"))


async def test_by_order_upstream_hears_once_with_all_packages() -> None:
    async with core() as opened:
        await order(opened)
        await leave(opened, 1, {"A": 2})
        assert await shipping(opened) == []
        await leave(opened, 2, {"B": 1}, weight=2.0, tracking=None)
        (told,) = await shipping(opened)
        assert (told["status"], told["sequence"]) == ("SHIPPED", 2)
        assert (told["carrierCode"], told["trackingNo"], told["packageCount"], told["weight"]) == (
            "SF",
            "SF1",
            2,
            3.5,
        )
        assert [package["packageNo"] for package in told["packages"]] == ["P1", "P2"]
        assert told["items"] == [
            {"skuId": "A", "quantity": 2, "shipped": 2},
            {"skuId": "B", "quantity": 3, "shipped": 1},
        ]


async def test_by_box_upstream_hears_of_each_and_of_the_order_with_the_last() -> None:
    async with core(rules=[{"at": "feedback", "when": {"carrier": "SF"}, "then": "box"}]) as opened:
        await order(opened)
        await leave(opened, 1, {"A": 2})
        await leave(opened, 2, {"B": 3}, weight=None)
        first, last = await shipping(opened)
        assert (first["status"], [each["packageNo"] for each in first["packages"]]) == (
            "PACKAGE_SHIPPED",
            ["P1"],
        )
        assert (last["status"], last["packageCount"]) == ("SHIPPED", 2)
        assert "weight" not in last, "one was not weighed"
        assert first["sequence"] < last["sequence"]


async def test_where_nobody_listens_nothing_is_written() -> None:
    async with core(upstream={}) as opened:
        await order(opened)
        await leave(opened, 1, {"A": 2, "B": 3})
        assert await opened.count("outbox") == {"outbox": 0}
