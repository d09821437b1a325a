"""A simulated OMS: sells what a warehouse has, and believes nothing that it is told before it has checked it.

It knows of the WES what docs/oms-integration.md says, and speaks HTTP with it in both directions. Whatever does not fit what it has
ordered, or what it was told before, is an objection; it goes on, and the objections are its verdict.
"""

import asyncio
import base64
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import httpx
import structlog
from fastapi import APIRouter, Request, Response

from sim_devices.clock import Random

log = structlog.get_logger()

RETRY_S: Final = 0.5
PAGE: Final = 1000
LINES_MAX: Final = 3
PIECES_MAX: Final = 3
OBJECTIONS_MAX: Final = 100

SHIPPED: Final = "SHIPPED"
CANCELLED: Final = "CANCELLED"
EXCEPTION: Final = "EXCEPTION"
RETURNED: Final = "RETURNED"
ENDS: Final = frozenset({SHIPPED, CANCELLED, RETURNED})
_GOES_ON: Final = frozenset({"PICKING", EXCEPTION, CANCELLED})
_LEAVES: Final = frozenset({"PACKAGE_SHIPPED", SHIPPED})
FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"RECEIVED", EXCEPTION}),
    "RECEIVED": _GOES_ON,
    EXCEPTION: frozenset({"RECEIVED"}) | _GOES_ON | _LEAVES,
    "PICKING": frozenset({EXCEPTION, CANCELLED}) | _LEAVES,
    "PACKAGE_SHIPPED": frozenset({EXCEPTION}) | _LEAVES,
    SHIPPED: frozenset({RETURNED}),
    RETURNED: frozenset({RETURNED}),
    CANCELLED: frozenset(),
}
"""What may be told of an order after each status, the first one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What customers want.

    Attributes:
        orders: how many; None: until it is cancelled.
        pause_s: between two orders on average; they come as a Poisson process.
        cancelled: share of the orders (0 … 1) that is cancelled soon after.
        short: share of the orders (0 … 1) that asks for more than there is, and is cancelled when it is told so.
    """

    orders: int | None
    pause_s: float
    cancelled: float = 0.0
    short: float = 0.0


@dataclass(slots=True)
class Order:
    """One order, and what was told of it."""

    order_no: str
    lines: Mapping[str, int]
    statuses: list[str] = field(default_factory=list[str])
    shipped: Mapping[str, int] = field(default_factory=dict[str, int])
    cancel_asked: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """The last one that was told; '' before the first."""
        return self.statuses[-1] if self.statuses else ""


class OrderBook:
    """All orders, all that was told of them, and of the stock.

    Attributes:
        objections: what did not fit, the first ones.
        callbacks: how many were heard, repeats not counted.
    """

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.objections: list[str] = []
        self.callbacks = 0
        self.available: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._heard: dict[str, str] = {}

    def place(self, order_no: str, lines: Mapping[str, int]) -> Order:
        """Note an order that is about to be sent."""
        order = self.orders[order_no] = Order(order_no, lines)
        return order

    def count(self, status: str) -> int:
        """Return how many orders stand so."""
        return sum(1 for order in self.orders.values() if order.status == status)

    def sold(self) -> Counter[str]:
        """Return pieces that have left, by product."""
        total: Counter[str] = Counter()
        for order in self.orders.values():
            total.update(order.shipped)
        return total

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take in a callback about an order; one that was heard before counts once, if it says the same."""
        number, content = str(told["callbackId"]), json.dumps(told, sort_keys=True)
        if number in self._heard:
            if self._heard[number] != content:
                self.object(f"callback {number} came again and says something else")
            return
        self._heard[number] = content
        self.callbacks += 1
        order = self.orders.get(told["omsOrderNo"])
        if order is None:
            self.object(f"callback {number} is about {told['omsOrderNo']}, which was never ordered")
            return
        for objection in _objections(order, told):
            self.object(f"{order.order_no}: {objection}")
        order.statuses.append(told["status"])
        if told["status"] == SHIPPED:
            order.shipped = {item["skuId"]: item["shipped"] for item in told.get("items", ())}
        order.changed.set()

    def hear_stock(self, told: Mapping[str, Any]) -> None:
        """Take in what may be sold, of one product or of a batch; what is older than what is known stays out."""
        for item in told.get("items", [told]):
            sku, version = item["skuId"], item["version"]
            if item["availableQty"] < 0:
                self.object(f"less than nothing of {sku} may be sold")
            if version > self._versions.get(sku, 0):
                self._versions[sku] = version
                self.available[sku] = item["availableQty"]

    def object(self, text: str) -> None:
        """Note that something does not fit."""
        log.warning("the OMS objects", objection=text)
        if len(self.objections) < OBJECTIONS_MAX:
            self.objections.append(text)


def _objections(order: Order, told: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a callback, by the order's lines and what was told of it before."""
    status, sequence = told["status"], told["sequence"]
    found: list[str] = []
    if sequence != len(order.statuses) + 1:
        found.append(f"message {len(order.statuses) + 1} was expected, {sequence} came")
    if status not in FOLLOWS[order.status]:
        found.append(f"{status} was told after {order.status or 'nothing'}")
    if status == CANCELLED and not order.cancel_asked:
        found.append("it was cancelled, and nobody had asked for that")
    if status == SHIPPED:
        found += _shipping_objections(order, told)
    return found


def _shipping_objections(order: Order, told: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    items, packages = told.get("items", ()), told.get("packages", ())
    wanted = {item["skuId"]: item["quantity"] for item in items}
    if wanted != dict(order.lines):
        found.append(f"{dict(order.lines)} was ordered, its lines are told as {wanted}")
    short = [item["skuId"] for item in items if item["shipped"] != item["quantity"]]
    if short and EXCEPTION not in order.statuses:
        found.append(f"{', '.join(short)} left in another quantity than ordered, and no exception was told")
    if any(not 0 <= item["shipped"] <= item["quantity"] for item in items):
        found.append("more than was ordered has left, or less than nothing")
    if "PICKING" not in order.statuses:
        found.append("it left, and nobody picked it")
    numbers = {package["packageNo"] for package in packages}
    if not packages or told.get("packageCount") != len(packages) or len(numbers) != len(packages):
        found.append(f"it left in {told.get('packageCount')} packages: {sorted(numbers)}")
    return found


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
    ) -> None:
        """Prepare; `run` does the work, `routes` listen.

        Args:
            http: client with the WES's base URL (and token).
            rng: decides who orders what, and when.
            demand: what customers want.
            warehouse_id: what the WES calls itself.
            prefix: begins every id that it gives out, so that runs on the same data do not mix.
            secret: what it is told is signed with this.
        """
        self.book = OrderBook()
        self._http = http
        self._rng = rng
        self._demand = demand
        self._warehouse_id = warehouse_id
        self._prefix = prefix
        self._signature = Signature(secret)
        self._opening: dict[str, int] = {}
        self._open_to_sell: Counter[str] = Counter()

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
        """Send all orders; return when each has ended."""
        self._opening = await self.stock("quantity")
        self._open_to_sell = Counter(await self.stock("availableQty"))
        async with asyncio.TaskGroup() as customers:
            number = 0
            while (self.wanted is None or number < self.wanted) and +self._open_to_sell:
                number += 1
                customers.create_task(self._customer(f"{self._prefix}-{number}"))
                await asyncio.sleep(self._rng.expovariate(1 / self._demand.pause_s))
        if self.wanted is not None and len(self.book.orders) < self.wanted:
            self.book.object(f"everything is sold after {len(self.book.orders)} orders")

    async def verdict(self) -> list[str]:
        """Return all that is wrong: objections, and stock that does not agree with what was sold."""
        found = list(self.book.objections)
        now, sold = await self.stock("quantity"), self.book.sold()
        for sku, before in sorted(self._opening.items()):
            expected = before - sold[sku]
            if now.get(sku, 0) != expected:
                found.append(
                    f"{before} of {sku} less {sold[sku]} sold is {expected}, and {now.get(sku, 0)} are told"
                )
        return found

    async def stock(self, figure: str) -> dict[str, int]:
        """Return a figure of the whole stock by product, as the WES tells it."""
        found: dict[str, int] = {}
        params: dict[str, str | int] = {"warehouseId": self._warehouse_id, "limit": PAGE}
        while True:
            page = (
                (await self._http.get("/api/wms/inventory/all", params=params))
                .raise_for_status()
                .json()["data"]
            )
            found |= {item["skuId"]: item[figure] for item in page["items"]}
            if "nextCursor" not in page:
                return found
            params["cursor"] = page["nextCursor"]

    # What customers do

    async def _customer(self, order_no: str) -> None:
        chance = self._rng.random()
        is_short = chance < self._demand.short
        changes_mind = self._demand.short <= chance < self._demand.short + self._demand.cancelled
        order = self.book.place(order_no, self._too_much() if is_short else self._basket())
        await self._send(order)
        if changes_mind:
            await asyncio.sleep(self._rng.uniform(0, 5 * self._demand.pause_s))
            await self._cancel(order)
        while order.status not in ENDS:
            order.changed.clear()
            await order.changed.wait()
            if is_short and order.status == EXCEPTION:
                await self._cancel(order)

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
        sku = self._rng.choice(sorted(self._opening))
        return {sku: self._opening[sku] + 1}

    async def _send(self, order: Order) -> None:
        command = {
            "commandId": order.order_no,
            "orderNo": order.order_no,
            "warehouseId": self._warehouse_id,
            "consignee": "Li Lei",
            "phone": "13800000000",
            "province": "Zhejiang",
            "city": "Hangzhou",
            "district": "Xihu",
            "address": f"{self._rng.randint(1, 999)} Wensan Road",
            "priority": self._rng.randint(3, 7),
            "items": [{"skuId": sku, "quantity": quantity} for sku, quantity in order.lines.items()],
        }
        answer = await self._insist("/api/wms/outbound/command", command)
        if answer["code"] != "SUCCESS":
            self.book.object(f"{order.order_no} was not taken: {answer['message']}")
            order.statuses.append(CANCELLED)

    async def _cancel(self, order: Order) -> None:
        order.cancel_asked = True
        answer = await self._insist(
            "/api/wms/outbound/cancel", {"orderNo": order.order_no, "reason": "no longer wanted"}
        )
        if answer["code"] not in ("SUCCESS", "TOO_LATE"):
            self.book.object(f"{order.order_no} could not be cancelled: {answer['message']}")

    async def _insist(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask until there is an answer: the same command again happens once."""
        while True:
            try:
                answer = await self._http.post(path, json=body)
            except httpx.TransportError as error:
                log.warning("the WES does not answer; asking again", error=str(error))
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer.json()
            await asyncio.sleep(RETRY_S)

    # What it is told

    async def _hear_status(self, request: Request) -> Response:
        body = await request.body()
        if not self._is_signed(request, body):
            return Response(status_code=401)
        self.book.hear(json.loads(body))
        return Response(status_code=204)

    async def _hear_stock(self, request: Request) -> Response:
        body = await request.body()
        if not self._is_signed(request, body):
            return Response(status_code=401)
        self.book.hear_stock(json.loads(body))
        return Response(status_code=204)

    def _is_signed(self, request: Request, body: bytes) -> bool:
        if self._signature.is_right(request.headers, body):
            return True
        self.book.object(f"a message to {request.url.path} is not signed as agreed")
        return False


def zipf(count: int) -> Sequence[float]:
    """Return cumulative weights 1, 1/2, 1/3, … of so many things."""
    return tuple(accumulate(1 / rank for rank in range(1, count + 1)))
