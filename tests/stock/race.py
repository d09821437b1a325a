"""Many callers order the same few SKUs at the same moment, and more than there is."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from gateway.kernel.ports import Store, Tx
from gateway.wes.stock.model import Act, Portion
from gateway.wes.stock.opening import Batch, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.promise import Promised, promise_all
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.stock.strategy import Demand
from gateway.wes.stock.verbs import receive
from tests.stock.rig import NOON, RCV, WH, build

CALLERS: Final = 32
SKUS: Final = 10
LOTS: Final = 4
"""Of each SKU, so that callers also meet where one lot ends and the next one begins."""


@dataclass(frozen=True, slots=True)
class Order:
    """Two lines: so much of one SKU, so much of another."""

    number: int
    wanted: tuple[tuple[str, int], tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a race ended.

    Attributes:
        oversold: units that were promised beyond what there is.
        false_refusals: orders that were refused although, even at the end, there was enough for them.
    """

    accepted: int
    refused: int
    oversold: int
    false_refusals: int


def orders_of(number: int, units: int, rng: Random) -> list[Order]:
    """Return orders that want more than there is, of all SKUs alike."""
    largest = max(1, round(1.5 * units / number) - 1)
    skus = [f"HOT-{n}" for n in range(SKUS)]

    def order(n: int) -> Order:
        first, second = rng.sample(skus, 2)
        return Order(n, ((first, rng.randint(1, largest)), (second, rng.randint(1, largest))))

    return [order(n) for n in range(number)]


async def stock(store: Store, units: int) -> None:
    """Bring in so many units, spread over SKUs and lots."""
    warehouse = await build(store)
    each = units // (SKUS * LOTS)
    for sku in range(SKUS):
        for number in range(LOTS):
            batch = Batch(
                warehouse_id=WH,
                owner_id="OWNER",
                sku=f"HOT-{sku}",
                lot_no=str(number),
                received_at=NOON + number,
            )

            async def job(tx: Tx, batch: Batch = batch) -> None:
                lot = await open_lot(tx, warehouse.ids, batch)
                await post(tx, receive(warehouse.act(), lot, Portion(RCV, lot.lot_id, each)))

            await store.write(job)


async def race(store: Store, orders: Sequence[Order], callers: int = CALLERS) -> Outcome:
    """Let all callers order at once; judge what they were told against what is left."""
    waiting = list(reversed(orders))
    accepted: list[Order] = []
    refused: list[Order] = []

    async def caller() -> None:
        while waiting:
            order = waiting.pop()
            try:
                promised = await store.write(partial(_promise, order))
            except StockRefused:
                refused.append(order)
            else:
                (accepted if promised.posted else refused).append(order)

    before = await _available(store)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(caller())
    left = await _available(store)
    sold = Counter[str]()
    for order in accepted:
        sold.update(dict(order.wanted))
    return Outcome(
        accepted=len(accepted),
        refused=len(refused),
        oversold=sum(max(0, sold[sku] - there) for sku, there in before.items()),
        false_refusals=sum(all(left[sku] >= wanted for sku, wanted in order.wanted) for order in refused),
    )


async def _promise(order: Order, tx: Tx) -> Promised:
    act = Act(
        event_id=f"order-{order.number}",
        document_kind="order",
        document_id=str(order.number),
        operator="upstream",
        at=NOON,
    )
    demands = [
        Demand(warehouse_id=WH, owner_id="OWNER", sku=sku, quantity=wanted, lasting=NOON)
        for sku, wanted in order.wanted
    ]
    return await promise_all(tx, act, demands)


async def _available(store: Store) -> dict[str, int]:
    async def job(tx: Tx) -> dict[str, int]:
        return {row[0]: row[1] for row in await tx.fetch("SELECT sku, quantity - reserved - held FROM pools")}

    return await store.read(job)
