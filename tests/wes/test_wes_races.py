"""Fifty clients at once on either database: nothing oversold, nobody refused wrongly, each command once (S4-59…67)."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.contract.wms import ResultCode
from gateway.kernel.ports import Store
from gateway.store.sqlite import open_sqlite
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.reservation import list_short, reserve_again
from gateway.wes.schema import MIGRATIONS
from tests.unit.wes_rig import Core, command, core_on, settings

CLIENTS = 50


@pytest.fixture
async def opened(store: Store) -> Core:
    core = await core_on(store, settings(rules=[{"at": "reservation", "then": "perLine"}]))
    await core.products("A", "B", "C")
    return core


async def answer(opened: Core, raw: dict[str, Any]) -> str:
    try:
        return (await opened.submit(raw)).outbound_no
    except Declined as declined:
        return declined.code.value


async def sums(opened: Core) -> list[tuple[str, int, int, int]]:
    """Return by SKU what is there, what is reserved by the pool, and by the order lines."""
    rows = await opened.rows(
        "SELECT p.sku, p.quantity, p.reserved, COALESCE((SELECT SUM(l.reserved) FROM order_lines l"
        " WHERE l.sku = p.sku), 0) FROM pools p ORDER BY p.sku"
    )
    return [(*row,) for row in rows]


async def test_the_same_command_from_everybody_makes_one_order(opened: Core) -> None:
    await opened.stock("A", 100)
    answers = await asyncio.gather(*(answer(opened, command("C-1", ("A", 1))) for _ in range(CLIENTS)))
    assert len(set(answers)) == 1
    assert await opened.count("orders", "work_orders", "outbox") == {
        "orders": 1,
        "work_orders": 1,
        "outbox": 1,
    }
    assert await sums(opened) == [("A", 100, 1, 1)]


async def test_one_order_number_under_different_commands_is_open_once(opened: Core) -> None:
    await opened.stock("A", 100)
    raws = [command(f"C-{n}", ("A", 1), orderNo="ORD") for n in range(CLIENTS)]
    answers = Counter(await asyncio.gather(*(answer(opened, raw) for raw in raws)))
    assert answers[ResultCode.CONFLICT.value] == CLIENTS - 1
    assert await sums(opened) == [("A", 100, 1, 1)]


async def test_scarce_goods_go_to_as_many_as_there_are_and_no_more(opened: Core) -> None:
    """Both products are scarce, so that lines of one order win and lose apart."""
    for _ in range(5):
        await opened.stock("A", 12)
        await opened.stock("B", 8)
    raws = [command(f"C-{n}", ("A", 1), ("B", 1)) for n in range(4 * CLIENTS)]
    Random(3).shuffle(raws)

    async def client(mine: list[dict[str, Any]]) -> list[str]:
        return [await answer(opened, raw) for raw in mine for _ in range(2)]

    clients = [client(raws[n::CLIENTS]) for n in range(CLIENTS)]
    numbers = [each for answers in await asyncio.gather(*clients) for each in answers]
    assert Counter(Counter(numbers).values()) == {2: 4 * CLIENTS}, (
        "sent twice, taken once, under its own number"
    )
    assert await sums(opened) == [("A", 60, 60, 60), ("B", 40, 40, 40)]
    codes = dict(await opened.rows("SELECT sku || code, COUNT(*) FROM order_lines GROUP BY sku, code"))
    assert codes == {"A30": 60, "A20": 140, "B30": 40, "B20": 160}


async def test_orders_cancellations_and_second_tries_leave_the_books_equal(opened: Core) -> None:
    await opened.stock("A", 30)
    await opened.stock("B", 30)
    rng = Random(5)

    async def client(n: int) -> None:
        for k in range(4):
            name = f"{n}-{k}"
            await answer(opened, command(name, ("A", rng.randint(1, 3)), ("B", rng.randint(1, 3))))
            if rng.random() < 0.6:
                await asyncio.gather(opened.cancel(f"ORD-{name}"), opened.cancel(f"ORD-{name}"))

    async def try_again() -> None:
        for _ in range(10):
            for order_id in await opened.store.read(lambda tx: list_short(tx, 0, 100)):
                await opened.store.write(lambda tx, which=order_id: reserve_again(tx, opened.context, which))

    await asyncio.gather(*(client(n) for n in range(CLIENTS // 2)), try_again(), try_again())
    for _, quantity, reserved, promised in await sums(opened):
        assert reserved == promised <= quantity
    (kept,) = (await opened.rows("SELECT COALESCE(SUM(quantity), 0) FROM lot_reservations"))[0]
    (reserved,) = (await opened.rows("SELECT SUM(reserved) FROM pools"))[0]
    assert kept == reserved
    assert await opened.rows("SELECT COUNT(*) FROM order_lines WHERE code = 199 AND reserved <> 0") == [(0,)]
    works = await opened.rows(
        "SELECT COUNT(*) FROM work_orders w JOIN orders o ON o.order_id = w.order_id"
        " WHERE (o.code = 199) <> (w.code = 199)"
    )
    assert works == [(0,)]
    sequences = await opened.rows(
        "SELECT oms_order_no FROM outbox GROUP BY oms_order_no HAVING COUNT(*) <> MAX(sequence) OR MIN(sequence) <> 1"
    )
    assert sequences == [], "messages about an order are numbered without a gap"


async def test_documents_are_numbered_once_however_many_ask(opened: Core) -> None:
    at_us = opened.clock.now_us()
    numbers = await asyncio.gather(*(opened.numbers.next(at_us) for _ in range(1_000)))
    assert len(set(numbers)) == 1_000


async def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    numbers: list[str] = []
    for _ in range(3):
        async with open_sqlite(tmp_path / "wes.db", MIGRATIONS) as store:
            core = await core_on(store)
            numbers += [await core.numbers.next(core.clock.now_us()) for _ in range(150)]
    assert len(set(numbers)) == 450
    assert numbers == sorted(numbers)
