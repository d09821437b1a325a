"""(w) Orders of upstream taken into the WES core: each two lines, audited, reserved, made work, and told; HTTP left out."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from gateway.contract.wms import ProductSync
from gateway.kernel.clock import SystemClock
from gateway.kernel.ports import Store, Tx
from gateway.site.wes import Wes
from gateway.store.sqlite import open_sqlite
from gateway.wes.core import WesCore, open_core
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Act, Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.bench.figures import Figure

CALLERS: Final = 64
SECONDS: Final = 12.0
PRODUCTS: Final = 1_000
WAREHOUSE: Final = "WH-1"


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure the intake of orders, then its floor."""
    async with open_sqlite(folder / "wes.db", MIGRATIONS) as store:
        wes = Wes.model_validate({"warehouse_id": WAREHOUSE, "upstream": {"http": {"url": "http://oms"}}})
        core = await open_core(store, wes, SystemClock())
        say("wes orders: filling the warehouse")
        await _fill(core)
        say("wes orders: intake")
        taken = await _per_second(core.submit, _commands())
        say("wes orders: the floor")
        floor = await _per_second(partial(_insert, store), count())
    return [
        Figure(
            name="w1 wes orders",
            what=f"two-line orders taken, reserved and made work, {CALLERS} callers (SQLite, synchronous=FULL)",
            unit="1/s",
            value=taken,
            wanted="at least",
            target=500,
            floor=floor,
            floor_is="a job of one INSERT on the same store and with the same callers",
        )
    ]


async def _per_second(act: Callable[[Any], Any], inputs: Iterator[Any]) -> float:
    done = 0
    start = time.monotonic()

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < start + SECONDS:
            await act(next(inputs))
            done += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CALLERS):
            tasks.create_task(caller())
    return done / (time.monotonic() - start)


def _commands() -> Iterator[dict[str, Any]]:
    rng = Random(1)
    for n in count():
        first, second = rng.sample(range(PRODUCTS), 2)
        yield {
            "commandId": f"C-{n}",
            "orderNo": f"ORD-{n}",
            "warehouseId": WAREHOUSE,
            "consignee": "Li Lei",
            "phone": "13800000000",
            "province": "Zhejiang",
            "city": "Hangzhou",
            "district": "Xihu",
            "address": "1 Wensan Road",
            "items": [{"skuId": _sku(first), "quantity": 1}, {"skuId": _sku(second), "quantity": 2}],
        }


async def _insert(store: Store, n: int) -> None:
    async def job(tx: Tx) -> None:
        await tx.execute("INSERT INTO cursors (name, seq) VALUES (:name, 0)", {"name": f"floor-{n}"})

    await store.write(job)


async def _fill(core: WesCore) -> None:
    items = [{"skuId": _sku(n), "skuName": _sku(n), "version": 1} for n in range(PRODUCTS)]
    request = ProductSync.model_validate({"items": items})
    await core.store.write(partial(sync_products, context=core.context, request=request))
    for chunk in _chunks(range(PRODUCTS), 100):
        await core.store.write(partial(_stock, core, chunk))


async def _stock(core: WesCore, numbers: Sequence[int], tx: Tx) -> None:
    now = core.context.clock.now_us()
    for n in numbers:
        batch = Batch(warehouse_id=WAREHOUSE, owner_id="default", sku=_sku(n), received_at=now)
        lot = await open_lot(tx, core.context.ids, batch)
        tote = Holder(holder_id=f"TOTE-{n}", kind=HolderKind.CONTAINER, warehouse_id=WAREHOUSE)
        await open_holder(tx, tote)
        act = Act(event_id=f"fill-{n}", document_kind="bench", document_id=str(n), operator="bench", at=now)
        await post(tx, receive(act, lot, Portion(tote.holder_id, lot.lot_id, 1_000_000)))


def _sku(n: int) -> str:
    return f"SKU-{n:04}"


def _chunks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
