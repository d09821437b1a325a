"""Stock is told upstream: only differences, one message for many changes, and never an older one over a newer."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.corrections import SetSafety
from gateway.wes.corrections import correct
from gateway.wes.upstream.sync import sync_changed, sync_full, sync_just_now, sync_named, sync_scheduled
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

REAL_TIME = {"at": "sync", "when": {"product.scarce": True}, "then": "realTime"}
SCHEDULED = {"at": "sync", "when": {"sku": "B"}, "then": "scheduled"}


async def stock_told(opened: Core) -> list[tuple[str, int, int, str, int]]:
    return [
        (each["skuId"], each["availableQty"], each["changeQty"], each["changeType"], each["version"])
        for each in await opened.told()
        if "skuId" in each
    ]


async def test_a_difference_is_told_once() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        for _ in range(2):
            await sync_changed(opened.store, opened.context)
        assert await stock_told(opened) == [("A", 10, 10, "INCREASE", 1)]


async def test_many_changes_make_one_message_and_the_newest_replaces_what_was_not_sent_yet() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await sync_changed(opened.store, opened.context)
        for n in range(3):
            await opened.submit(command(f"C-{n}", ("A", 2)))
        await sync_changed(opened.store, opened.context)
        assert await stock_told(opened) == [("A", 4, -6, "DECREASE", 2)]


async def test_upstream_may_never_sell_the_safety_stock() -> None:
    async with core() as opened:
        await opened.stock("A", 10)
        await opened.store.write(lambda tx: tx.execute("UPDATE pools SET safety = 7"))
        await sync_changed(opened.store, opened.context)
        await opened.store.write(lambda tx: tx.execute("UPDATE pools SET safety = 70"))
        await sync_changed(opened.store, opened.context)
        assert await stock_told(opened) == [("A", 0, -3, "DECREASE", 2)]


async def test_scarce_products_are_told_at_once_and_the_others_with_the_next_round() -> None:
    async with core(rules=[REAL_TIME]) as opened:
        await opened.products("A", version=2, attributes={"scarce": True})
        started = opened.clock.now_us()
        await opened.stock("A", 1)
        await opened.stock("B", 1)
        await sync_just_now(opened.store, opened.context, started)
        assert [sku for sku, *_ in await stock_told(opened)] == ["A"]
        await sync_changed(opened.store, opened.context)
        assert [sku for sku, *_ in await stock_told(opened)] == ["A", "B"]


async def test_a_safety_stock_of_a_scarce_product_is_told_in_the_commit_that_changes_it() -> None:
    async with core(rules=[REAL_TIME]) as opened:
        await opened.products("A", version=2, attributes={"scarce": True})
        await opened.stock("A", 10)
        await opened.stock("B", 10)
        await sync_changed(opened.store, opened.context)
        for sku in ("A", "B", "A"):
            act = SetSafety(
                act_id=f"S-{opened.clock.now_us()}",
                operator="Ann",
                reason="Christmas",
                sku_id=sku,
                quantity=4,
            )
            await opened.store.write(partial(correct, context=opened.context, request=act))
        assert sorted(await stock_told(opened)) == [("A", 6, -4, "DECREASE", 2), ("B", 10, 10, "INCREASE", 1)]


async def test_by_schedule_a_product_is_told_whether_it_has_changed_or_not() -> None:
    async with core(rules=[SCHEDULED]) as opened:
        await opened.stock("A", 1)
        await opened.stock("B", 1)
        for _ in range(2):
            await sync_scheduled(opened.store, opened.context)
        assert await stock_told(opened) == [("B", 1, 0, "SNAPSHOT", 2)]


async def test_everything_is_told_in_batches() -> None:
    async with core(upstream={"http": {"url": "http://oms"}, "sync": {"batch": 2}}) as opened:
        await opened.products("C")
        for sku in "ABC":
            await opened.stock(sku, 5)
        await sync_full(opened.store, opened.context, "FULL-1")
        batches = [each for each in await opened.told() if "batchId" in each]
        assert [each["batchId"] for each in batches] == ["FULL-1-0", "FULL-1-1"]
        items = [
            (item["skuId"], item["availableQty"], item["changeType"])
            for each in batches
            for item in each["items"]
        ]
        assert items == [("A", 5, "FULL_SYNC"), ("B", 5, "FULL_SYNC"), ("C", 5, "FULL_SYNC")]


async def test_products_can_be_asked_for_by_name() -> None:
    async with core() as opened:
        await opened.stock("A", 5)
        await sync_changed(opened.store, opened.context)
        await sync_named(opened.store, opened.context, ["A", "B", "A"])
        assert await stock_told(opened) == [("A", 5, 0, "SNAPSHOT", 2)]


ACTS = st.lists(st.sampled_from(["stock", "order", "cancel", "changed", "just now", "full"]), max_size=12)


@given(ACTS)
async def test_a_receiver_that_drops_older_versions_ends_with_the_truth(acts: list[str]) -> None:
    async with core(rules=[{"at": "sync", "then": "realTime"}]) as opened:
        known: dict[str, tuple[int, int]] = {}
        orders = 0
        await opened.stock("A", 1)
        for act in [*acts, "changed"]:
            match act:
                case "stock":
                    await opened.stock("A", 2)
                case "order":
                    orders += 1
                    await opened.submit(command(f"C-{orders}", ("A", 1)))
                case "cancel" if orders:
                    await opened.cancel(f"ORD-C-{orders}")
                case "just now":
                    await sync_just_now(opened.store, opened.context, 0)
                case "full":
                    await sync_full(opened.store, opened.context, f"F{opened.context.ids.next()}")
                case _:
                    await sync_changed(opened.store, opened.context)
            for message in reversed(await opened.told()):
                receive(known, message)
        (row,) = await opened.rows("SELECT quantity - reserved - held FROM pools")
        assert known["A"][1] == row[0]


def receive(known: dict[str, tuple[int, int]], message: dict[str, Any]) -> None:
    for item in message.get("items", [message]):
        if "skuId" in item and item["version"] > known.get(item["skuId"], (0, 0))[0]:
            known[item["skuId"]] = (item["version"], item["availableQty"])
