"""A simulated OMS: sells what a warehouse has, and believes nothing that it is told before it has checked it.

It knows of the WES what docs/oms-integration.md says, and speaks HTTP with it in both directions. Whatever does not fit what it has
ordered, or what it was told before, is an objection; it goes on, and the objections are its verdict.
"""

import asyncio
import base64
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final
from zlib import crc32

import httpx
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from sim_devices.asking import Asker
from sim_devices.clock import Random
from sim_devices.order_book import ENDS, EXCEPTION, SHIPPED, Order, OrderBook, Purchase

PAGE: Final = 1000
LINES_MAX: Final = 3
PIECES_MAX: Final = 3
SYNC_S: Final = 30.0
"""What may be sold is told within this time, in the loop's own seconds: a message that was lost comes again."""
LOOK_S: Final = 0.5
WORDS_MAX: Final = 500
"""Characters of an objection to a message that is not what was agreed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What customers want.

    Attributes:
        orders: how many; None: until it is cancelled.
        pause_s: between two orders on average; they come as a Poisson process.
        cancelled: share of the orders (0 … 1) that is cancelled soon after.
        short: share of the orders (0 … 1) that asks for more than there is, and is cancelled when it is told so.
        returned: share of the orders (0 … 1) of which something comes back after they have left.
        bought: share of the orders (0 … 1) whose pieces are bought again when they have left.
    """

    orders: int | None
    pause_s: float
    cancelled: float = 0.0
    short: float = 0.0
    returned: float = 0.0
    bought: float = 0.0


class _Agreed(BaseModel):
    """What it has been agreed to be told; it may be told more, which it does not look at."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class _Box(_Agreed):
    package_no: str


class _Shipped(_Agreed):
    sku_id: str
    quantity: int
    shipped: int


class _Returned(_Agreed):
    sku_id: str
    quantity: int


class _NoticeLine(_Agreed):
    sku_id: str
    received: int


class _Callback(_Agreed):
    callback_id: str
    oms_order_no: str
    status: str
    sequence: int
    package_count: int | None = None
    packages: tuple[_Box, ...] = ()
    items: tuple[_Shipped, ...] = ()
    returned: tuple[_Returned, ...] = ()
    return_complete: bool = False
    notice_no: str | None = None
    arrived: tuple[_Returned, ...] = ()
    notice_lines: tuple[_NoticeLine, ...] = ()
    notice_complete: bool = False


class _Stock(_Agreed):
    sku_id: str
    available_qty: int
    version: int


class _StockBatch(_Agreed):
    items: tuple[_Stock, ...]


_CALLBACK: Final = TypeAdapter[_Callback](_Callback)
_STOCK: Final = TypeAdapter[_Stock | _StockBatch](_Stock | _StockBatch)


class Signature:
    """Proves that a message comes from who has the secret (Standard Webhooks, HMAC-SHA256)."""

    def __init__(self, secret: str) -> None:
        """Args: secret: `whsec_` and base64."""
        self._key = base64.b64decode(secret.removeprefix("whsec_"))

    def is_right(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Tell whether one of the signatures in the headers is of this message."""
        try:
            head = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
            given = headers["webhook-signature"].split()
        except KeyError:
            return False
        expected = "v1," + base64.b64encode(hmac.digest(self._key, head + body, "sha256")).decode()
        return any(hmac.compare_digest(each.encode(), expected.encode()) for each in given)


class SimulatedOms:
    """Sends orders and is told what becomes of them."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        rng: Random,
        demand: Demand,
        *,
        warehouse_id: str,
        prefix: str,
        secret: str,
        book: OrderBook | None = None,
    ) -> None:
        """Prepare; `run` does the work, `routes` listen.

        Args:
            http: client with the WES's base URL (and token).
            rng: decides who orders what, and when.
            demand: what customers want.
            warehouse_id: what the WES calls itself.
            prefix: begins every id that it gives out, so that runs on the same data do not mix.
            secret: what it is told is signed with this.
            book: what it remembers of earlier runs; None: there was none.
        """
        self.book = book or OrderBook()
        self._asker = Asker(http, "OMS")
        self._rng = rng
        self._demand = demand
        self._warehouse_id = warehouse_id
        self._prefix = prefix
        self._signature = Signature(secret)
        self._open_to_sell: Counter[str] = Counter()
        self._available: dict[str, int] = {}

    @property
    def wanted(self) -> int | None:
        """How many orders it sends; None: until it is cancelled."""
        return self._demand.orders

    def routes(self) -> APIRouter:
        """Return where it is told what becomes of orders and stock."""
        router = APIRouter(prefix="/api/wms", include_in_schema=False)
        router.add_api_route("/callback/status", self._hear_status, methods=["POST"])
        router.add_api_route("/inventory/sync", self._hear_stock, methods=["POST"])
        return router

    async def run(self) -> None:
        """Send all orders; return when each has ended, those of earlier runs too."""
        self.book.open_with(await self.stock("quantity"))
        self._available = await self.stock("availableQty")
        self._open_to_sell = Counter(self._available)
        async with asyncio.TaskGroup() as customers:
            for order_no in self.book.earlier:
                customers.create_task(self._take_up(self.book.orders[order_no]))
            for purchase in self.book.purchases.values():
                customers.create_task(self._announce(purchase))
            number = 0
            while (self.wanted is None or number < self.wanted) and +self._open_to_sell:
                number += 1
                customers.create_task(self._customer(f"{self._prefix}-{number}"))
                await asyncio.sleep(self._rng.expovariate(1 / self._demand.pause_s))
        placed = len(self.book.orders) - len(self.book.earlier)
        if self.wanted is not None and placed < self.wanted:
            self.book.object(f"everything is sold after {placed} orders")

    async def verdict(self) -> list[str]:
        """Return all that is wrong: objections, and stock that does not agree with what was sold and bought."""
        found = list(self.book.objections)
        now, sold, bought = await self.stock("quantity"), self.book.sold(), self.book.bought()
        for sku, before in sorted(self.book.opening.items()):
            expected = before - sold[sku] + bought[sku]
            if now.get(sku, 0) != expected:
                found.append(
                    f"{before} of {sku} less {sold[sku]} sold and {bought[sku]} bought is {expected},"
                    f" and {now.get(sku, 0)} are told"
                )
        return found + await self._stock_objections()

    async def _stock_objections(self) -> list[str]:
        """Compare what it was told may be sold with what it is told when it asks; news may still be under way."""
        until = asyncio.get_running_loop().time() + SYNC_S
        while True:
            now, told = await self.stock("availableQty"), self._available | self.book.available
            wrong = [
                f"{number} of {sku} may be sold, it was told, and {now.get(sku, 0)} when it asked"
                for sku, number in sorted(told.items())
                if number != now.get(sku, 0)
            ]
            if not wrong or asyncio.get_running_loop().time() > until:
                return wrong
            await asyncio.sleep(LOOK_S)

    async def stock(self, figure: str) -> dict[str, int]:
        """Return a figure of the whole stock by product, as the WES tells it."""
        found: dict[str, int] = {}
        params: dict[str, str | int] = {"warehouseId": self._warehouse_id, "limit": PAGE}
        while True:
            answer = await self._asker.ask("GET", "/api/wms/inventory/all", params=params)
            page = answer.raise_for_status().json()["data"]
            found |= {item["skuId"]: item[figure] for item in page["items"]}
            if "nextCursor" not in page:
                return found
            params["cursor"] = page["nextCursor"]

    # What customers do

    async def _customer(self, order_no: str) -> None:
        chance, comes_back = self._rng.random(), self._rng.random() < self._demand.returned
        is_short = chance < self._demand.short
        changes_mind = self._demand.short <= chance < self._demand.short + self._demand.cancelled
        order = self.book.place(order_no, self._too_much() if is_short else self._basket(), short=is_short)
        await self._send(order)
        if changes_mind:
            await asyncio.sleep(self._rng.uniform(0, 5 * self._demand.pause_s))
            await self._cancel(order)
        await self._see_through(order)
        shipped = +Counter(order.shipped)
        if shipped and crc32(order_no.encode()) % 100 < 100 * self._demand.bought:
            await self._announce(self.book.buy(f"{order_no}-P", shipped))
        if comes_back and order.status == SHIPPED and +Counter(order.shipped):
            await asyncio.sleep(self._rng.uniform(0, self._demand.pause_s))
            sku = self._rng.choice(sorted(+Counter(order.shipped)))
            self.book.announce_return(order_no, {sku: self._rng.randint(1, order.shipped[sku])})
            await self._send_back(order)

    async def _take_up(self, order: Order) -> None:
        """Go on with an order of an earlier run; one that nothing was heard of may never have been sent."""
        if not order.statuses:
            await self._send(order)
        await self._see_through(order)
        if not order.has_ended:
            await self._send_back(order)

    async def _see_through(self, order: Order) -> None:
        """Wait until an order has ended."""
        while True:
            order.changed.clear()
            if order.status in ENDS:
                return
            if order.short and order.status == EXCEPTION:
                await self._cancel(order)
            await order.changed.wait()

    async def _send_back(self, order: Order) -> None:
        """Announce what a customer sends back, and wait until it is there."""
        notice = {
            "returnNo": f"{order.order_no}-R",
            "orderNo": order.order_no,
            "warehouseId": self._warehouse_id,
            "reason": "it does not fit",
            "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in order.returning.items()],
        }
        answer = await self._command("/api/wms/inbound/return", notice)
        if answer["code"] != "SUCCESS":
            self.book.object(f"{order.order_no} could not be sent back: {answer['message']}")
            return
        while not order.has_ended:
            order.changed.clear()
            await order.changed.wait()

    async def _announce(self, purchase: Purchase) -> None:
        """Announce what was bought, and wait until it is there; the same notice again is the same."""
        notice = {
            "noticeNo": purchase.notice_no,
            "kind": "purchase",
            "warehouseId": self._warehouse_id,
            "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in purchase.lines.items()],
        }
        answer = await self._command("/api/wms/inbound/notice", notice)
        if answer["code"] != "SUCCESS":
            self.book.object(f"{purchase.notice_no} could not be announced: {answer['message']}")
            return
        while not purchase.has_ended:
            purchase.changed.clear()
            await purchase.changed.wait()

    def _basket(self) -> dict[str, int]:
        """Choose what there is, the first products most often, as customers do (Zipf)."""
        lines: dict[str, int] = {}
        for _ in range(self._rng.randint(1, LINES_MAX)):
            there = sorted((+self._open_to_sell).keys() - lines.keys())
            if not there:
                break
            (sku,) = self._rng.choices(there, cum_weights=zipf(len(there)))
            lines[sku] = min(self._open_to_sell[sku], self._rng.randint(1, PIECES_MAX))
            self._open_to_sell[sku] -= lines[sku]
        return lines

    def _too_much(self) -> dict[str, int]:
        sku = self._rng.choice(sorted(self.book.opening))
        return {sku: self.book.opening[sku] + 1}

    async def _send(self, order: Order) -> None:
        """Send an order; the same again is the same to the last letter."""
        chance = crc32(order.order_no.encode())
        command = {
            "commandId": order.order_no,
            "orderNo": order.order_no,
            "warehouseId": self._warehouse_id,
            "consignee": "Li Lei",
            "phone": "13800000000",
            "province": "Zhejiang",
            "city": "Hangzhou",
            "district": "Xihu",
            "address": f"{1 + chance % 999} Wensan Road",
            "priority": 3 + chance % 5,
            "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in order.lines.items()],
        }
        answer = await self._command("/api/wms/outbound/command", command)
        if answer["code"] != "SUCCESS":
            self.book.object(f"{order.order_no} was not taken: {answer['message']}")
            self.book.decline(order.order_no)

    async def _cancel(self, order: Order) -> None:
        self.book.ask_to_cancel(order.order_no)
        answer = await self._command(
            "/api/wms/outbound/cancel", {"orderNo": order.order_no, "reason": "no longer wanted"}
        )
        if answer["code"] not in ("SUCCESS", "TOO_LATE"):
            self.book.object(f"{order.order_no} could not be cancelled: {answer['message']}")

    async def _command(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Command something; the same again happens once."""
        return (await self._asker.ask("POST", path, json=body)).json()

    # What it is told

    async def _hear_status(self, request: Request) -> Response:
        return await self._hear(request, _CALLBACK, self.book.hear)

    async def _hear_stock(self, request: Request) -> Response:
        return await self._hear(request, _STOCK, self.book.hear_stock)

    async def _hear(
        self, request: Request, agreed: TypeAdapter[Any], take: Callable[[Mapping[str, Any]], None]
    ) -> Response:
        body = await request.body()
        if not self._is_signed(request, body):
            return Response(status_code=401)
        try:
            agreed.validate_json(body)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            self.book.object(f"a message to {request.url.path} is not what was agreed: {wrong[:WORDS_MAX]}")
            return Response(status_code=400)
        take(json.loads(body))
        return Response(status_code=204)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        if self._signature.is_right(request.headers, body):
            return True
        self.book.object(f"a message to {request.url.path} is not signed as agreed")
        return False


def zipf(count: int) -> Sequence[float]:
    """Return cumulative weights 1, 1/2, 1/3, … of so many things."""
    return tuple(accumulate(1 / rank for rank in range(1, count + 1)))
