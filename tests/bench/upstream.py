"""A WES core with a full warehouse, and an upstream's orders for it; as a process it serves /api/wms.

Run as `python -m tests.bench.upstream PORT DATABASE`.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from gateway.api.app import create_wes_api
from gateway.app.serving import http_port, serve_http
from gateway.cli.logs import LogFormat, configure_logs
from gateway.contract.wms import ProductSync
from gateway.kernel.clock import SystemClock
from gateway.kernel.ports import Tx
from gateway.site.wes import Wes
from gateway.store.sqlite import open_sqlite
from gateway.wes.core import WesCore, open_core
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Act, Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.bench.client import HOST

PRODUCTS: Final = 1_000
WAREHOUSE: Final = "WH-1"


@asynccontextmanager
async def open_warehouse(database: Path) -> AsyncGenerator[WesCore]:
    """Open a WES core of its own with a million units of every product."""
    async with open_sqlite(database, MIGRATIONS) as store:
        wes = Wes.model_validate({"warehouse_id": WAREHOUSE, "upstream": {"http": {"url": "http://oms"}}})
        core = await open_core(store, wes, SystemClock())
        await _fill(core)
        yield core


def commands() -> Iterator[dict[str, Any]]:
    """Return commands for orders of two lines, each of them new."""
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


async def main(port: int, database: Path) -> None:
    """Serve until the process is told to stop."""
    closing = asyncio.Event()
    with http_port(HOST, port) as bound:
        async with open_warehouse(database) as core:
            await serve_http(create_wes_api(core, None, closing), bound, closing)


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, sys.stderr)
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
