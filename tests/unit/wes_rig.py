"""A WES core without wires: products, stock, and what upstream would send and hear."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from gateway.contract.wms import AcceptedView, CancelCommand, CancelledView, ProductSync
from gateway.kernel.ports import Row, Store, Tx
from gateway.site.wes import Wes
from gateway.store.inline import open_inline
from gateway.wes.context import WesContext
from gateway.wes.floor.cancel import cancel
from gateway.wes.ids import take_ids
from gateway.wes.numbers import Numbers
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.orders.intake import submit
from gateway.wes.outbox import READ, message_of
from gateway.wes.rules import Rulebook
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Act, Holder, HolderKind, Portion
from gateway.wes.stock.opening import Batch, open_holder, open_lot, open_warehouse
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import receive
from tests.unit.feeding import START_US

WAREHOUSE = "WH-1"


@dataclass
class SteppingClock:
    """A wall clock that goes on by a millisecond each time it is looked at."""

    at_us: int = START_US

    def now_us(self) -> int:
        self.at_us += 1000
        return self.at_us


def settings(**changes: Any) -> Wes:
    """Return the section of a site whose upstream is a web server."""
    upstream = {"http": {"url": "http://oms"}}
    return Wes.model_validate({"warehouse_id": WAREHOUSE, "owner": "me", "upstream": upstream} | changes)


def command(command_id: str = "C-1", *items: tuple[str, int], **changes: Any) -> dict[str, Any]:
    """Return an outbound command."""
    return {
        "commandId": command_id,
        "orderNo": f"ORD-{command_id}",
        "warehouseId": WAREHOUSE,
        "consignee": "Li Lei",
        "phone": "13800000000",
        "province": "Zhejiang",
        "city": "Hangzhou",
        "district": "Xihu",
        "address": "1 Wensan Road",
        "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in items or [("A", 2), ("B", 3)]],
    } | changes


@dataclass
class Core:
    """The core and the ways to its acts."""

    store: Store
    context: WesContext
    numbers: Numbers
    clock: SteppingClock

    async def submit(self, raw: Any) -> AcceptedView:
        return await submit(self.store, self.context, self.numbers, raw)

    async def cancel(self, order_no: str, reason: str = "not wanted") -> CancelledView:
        request = CancelCommand(order_no=order_no, reason=reason)

        async def job(tx: Tx) -> CancelledView:
            return await cancel(tx, self.context, request)

        return await self.store.write(job)

    async def products(self, *skus: str, **attributes: Any) -> None:
        items = [{"skuId": sku, "skuName": sku, "version": 1} | attributes for sku in skus]
        request = ProductSync.model_validate({"items": items})
        await self.store.write(partial(sync_products, context=self.context, request=request))

    async def stock(self, sku: str, quantity: int, **batch: Any) -> None:
        """Let goods come in, in a container of their own."""

        async def job(tx: Tx) -> None:
            facts: dict[str, Any] = {"received_at": START_US} | batch
            lot = await open_lot(
                tx, self.context.ids, Batch(warehouse_id=WAREHOUSE, owner_id="me", sku=sku, **facts)
            )
            tote = f"TOTE-{self.context.ids.next()}"
            await open_holder(
                tx, Holder(holder_id=tote, kind=HolderKind.CONTAINER, warehouse_id=WAREHOUSE, zone="A")
            )
            await post(tx, receive(act(self.context), lot, Portion(tote, lot.lot_id, quantity)))

        await self.store.write(job)

    async def rows(self, sql: str, **params: Any) -> Sequence[Row]:
        async def job(tx: Tx) -> Sequence[Row]:
            return await tx.fetch(sql, params)

        return await self.store.read(job)

    async def lines(self) -> list[tuple[str, int, int]]:
        """Return (sku, reserved, code) of all lines."""
        return [
            (*row,) for row in await self.rows("SELECT sku, reserved, code FROM order_lines ORDER BY line_id")
        ]

    async def told(self) -> list[dict[str, Any]]:
        """Return what is to be told upstream, in order."""
        rows = await self.rows(f"{READ} ORDER BY message_id")
        return [json.loads(message_of(row).body) for row in rows]

    async def count(self, *tables: str) -> dict[str, int]:
        return {table: (await self.rows(f"SELECT COUNT(*) FROM {table}"))[0][0] for table in tables}


def act(context: WesContext) -> Act:
    """Return an act of nobody in particular."""
    number = context.ids.next()
    return Act(
        event_id=f"test-{number}",
        document_kind="test",
        document_id=str(number),
        operator="test",
        at=context.clock.now_us(),
    )


async def core_on(store: Store, wes: Wes | None = None) -> Core:
    """Return a core on a database of the WES."""
    wes = wes or settings()
    ids = await take_ids(store)
    clock = SteppingClock()
    context = WesContext(wes=wes, rules=Rulebook(wes.rules), ids=ids, clock=clock)
    await store.write(partial(open_warehouse, warehouse_id=WAREHOUSE))
    return Core(store, context, Numbers(store, wes.codes, ZoneInfo(wes.timezone)), clock)


@asynccontextmanager
async def core(**changes: Any) -> AsyncGenerator[Core]:
    """Run a core in memory that knows the products A and B."""
    async with open_inline(None, MIGRATIONS) as store:
        opened = await core_on(store, settings(**changes))
        await opened.products("A", "B")
        yield opened
