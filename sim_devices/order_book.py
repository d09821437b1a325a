"""What an OMS remembers: its orders, what it was told of each and of the stock, and what of that cannot be.

It is written down as it happens, a line each, where a file is given; an OMS that is started again reads that and goes on.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

log = structlog.get_logger()

OBJECTIONS_MAX: Final = 100

SHIPPED: Final = "SHIPPED"
CANCELLED: Final = "CANCELLED"
EXCEPTION: Final = "EXCEPTION"
RETURNED: Final = "RETURNED"
ARRIVED: Final = "ARRIVED"
LEFT: Final = frozenset({SHIPPED, RETURNED})
ENDS: Final = LEFT | {CANCELLED}
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


@dataclass(slots=True)
class Purchase:
    """What was bought, announced to the warehouse, and told of it."""

    notice_no: str
    lines: Mapping[str, int]
    arrived: Counter[str] = field(default_factory=Counter[str])
    sequence: int = 0
    """Of the last message about it."""
    has_ended: bool = False
    """Nothing more of it comes."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Order:
    """One order, and what was told of it."""

    order_no: str
    lines: Mapping[str, int]
    short: bool = False
    """It asks for more than there is."""
    statuses: list[str] = field(default_factory=list[str])
    shipped: Mapping[str, int] = field(default_factory=dict[str, int])
    returning: Mapping[str, int] = field(default_factory=dict[str, int])
    """What the customer sends back."""
    returned: Counter[str] = field(default_factory=Counter[str])
    is_back: bool = False
    """Nothing more comes back."""
    cancel_asked: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """The last one that was told; '' before the first."""
        return self.statuses[-1] if self.statuses else ""

    @property
    def has_ended(self) -> bool:
        """Nothing more is waited for: it has left or was cancelled, and what was to come back is back."""
        return self.status in ENDS and (self.is_back or not self.returning)

    @property
    def ended_well(self) -> bool:
        """It has left, or it was cancelled because somebody wanted that."""
        return self.status in LEFT or (self.status == CANCELLED and self.cancel_asked)


class OrderBook:
    """All orders, all that was told of them, and of the stock.

    Attributes:
        earlier: numbers of the orders that were read from the file.
        opening: pieces by product before the first order of all.
        objections: what did not fit, the first ones; those to what was read are not told again.
        callbacks: how many were heard, repeats not counted.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Read what is remembered, if there is anything.

        Args:
            file: where all of it is kept; None: nowhere.

        Raises:
            OSError: the file cannot be read.
        """
        self.orders: dict[str, Order] = {}
        self.purchases: dict[str, Purchase] = {}
        self.opening: dict[str, int] = {}
        self.objections: list[str] = []
        self.callbacks = 0
        self.available: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._heard: dict[str, str] = {}
        self._file: Path | None = None
        self._reading = True
        if file is not None and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                with suppress(json.JSONDecodeError):  # the last one, of an OMS that was killed
                    self._remember(*json.loads(line))
        self.objections.clear()
        self.earlier = frozenset(self.orders)
        self._file, self._reading = file, False

    def open_with(self, stock: Mapping[str, int]) -> None:
        """Note what there is; the first time counts, the later ones follow from what is told."""
        if not self.opening:
            self._write("open_with", stock)
            self.opening = dict(stock)

    def place(self, order_no: str, lines: Mapping[str, int], *, short: bool = False) -> Order:
        """Note an order that is about to be sent."""
        self._write("place", order_no, lines, short)
        order = self.orders[order_no] = Order(order_no, lines, short)
        return order

    def ask_to_cancel(self, order_no: str) -> None:
        """Note that an order is not wanted any more."""
        self._write("ask_to_cancel", order_no)
        self.orders[order_no].cancel_asked = True

    def decline(self, order_no: str) -> None:
        """Note that an order was not taken."""
        self._write("decline", order_no)
        self.orders[order_no].statuses.append(CANCELLED)

    def announce_return(self, order_no: str, lines: Mapping[str, int]) -> None:
        """Note what a customer sends back."""
        self._write("announce_return", order_no, lines)
        self.orders[order_no].returning = lines

    def buy(self, notice_no: str, lines: Mapping[str, int]) -> Purchase:
        """Note what is bought, and about to be announced."""
        self._write("buy", notice_no, lines)
        purchase = self.purchases[notice_no] = Purchase(notice_no, lines)
        return purchase

    def count(self, *statuses: str) -> int:
        """Return how many orders stand so, without those of earlier."""
        return sum(
            1 for name, order in self.orders.items() if order.status in statuses and name not in self.earlier
        )

    def sold(self) -> Counter[str]:
        """Return pieces that have left and did not come back, by product."""
        total: Counter[str] = Counter()
        for order in self.orders.values():
            total.update(order.shipped)
            total.subtract(order.returned)
        return total

    def bought(self) -> Counter[str]:
        """Return pieces that have arrived, by product."""
        return sum((purchase.arrived for purchase in self.purchases.values()), Counter[str]())

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take in a callback about an order or a purchase; one that was heard before counts once, if it says the same."""
        number, content = str(told["callbackId"]), json.dumps(told, sort_keys=True)
        if number in self._heard:
            if self._heard[number] != content:
                self.object(f"callback {number} came again and says something else")
            return
        self._write("hear", told)
        self._heard[number] = content
        self.callbacks += 1
        if told["status"] == ARRIVED:
            self._hear_arrived(number, told)
        else:
            self._hear_status(number, told)

    def _hear_arrived(self, number: str, told: Mapping[str, Any]) -> None:
        purchase = self.purchases.get(told.get("noticeNo", ""))
        if purchase is None:
            self.object(f"callback {number} is about {told.get('noticeNo')}, which was never bought")
            return
        for item in told.get("arrived", ()):
            purchase.arrived[item["skuId"]] += item["quantity"]
        for objection in _arrival_objections(purchase, told):
            self.object(f"{purchase.notice_no}: {objection}")
        purchase.sequence, purchase.has_ended = told["sequence"], told.get("noticeComplete", False)
        purchase.changed.set()

    def _hear_status(self, number: str, told: Mapping[str, Any]) -> None:
        order = self.orders.get(told["omsOrderNo"])
        if order is None:
            self.object(f"callback {number} is about {told['omsOrderNo']}, which was never ordered")
            return
        for objection in _objections(order, told):
            self.object(f"{order.order_no}: {objection}")
        order.statuses.append(told["status"])
        if told["status"] == SHIPPED:
            order.shipped = {item["skuId"]: item["shipped"] for item in told.get("items", ())}
        if told["status"] == RETURNED:
            order.returned = _back(order, told)
            order.is_back = told.get("returnComplete", False)
        order.changed.set()

    def hear_stock(self, told: Mapping[str, Any]) -> None:
        """Take in what may be sold, of one product or of a batch; what is older than what is known stays out."""
        self._write("hear_stock", told)
        for item in told.get("items", [told]):
            sku, version = item["skuId"], item["version"]
            if item["availableQty"] < 0:
                self.object(f"less than nothing of {sku} may be sold")
            if version == self._versions.get(sku) and item["availableQty"] != self.available[sku]:
                self.object(
                    f"version {version} of {sku} was told as {self.available[sku]} and {item['availableQty']}"
                )
            if version > self._versions.get(sku, 0):
                self._versions[sku] = version
                self.available[sku] = item["availableQty"]

    def object(self, text: str) -> None:
        """Note that something does not fit."""
        if not self._reading:
            log.warning("the OMS objects", objection=text)
        if len(self.objections) < OBJECTIONS_MAX:
            self.objections.append(text)

    def _write(self, kind: str, *content: Any) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"\n{json.dumps([kind, *content])}")

    def _remember(self, kind: str, *content: Any) -> None:
        match kind:
            case "open_with":
                self.open_with(*content)
            case "place":
                order_no, lines, short = content
                self.place(order_no, lines, short=short)
            case "ask_to_cancel":
                self.ask_to_cancel(*content)
            case "buy":
                self.buy(*content)
            case "announce_return":
                self.announce_return(*content)
            case "decline":
                self.decline(*content)
            case "hear":
                self.hear(*content)
            case "hear_stock":
                self.hear_stock(*content)
            case _:
                raise ValueError(f"the OMS's file holds a {kind}, which no OMS of this version writes")


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
    if status == RETURNED and (more := _back(order, told) - Counter(order.shipped)):
        found.append(f"more came back than had left: {dict(more)}")
    return found


def _arrival_objections(purchase: Purchase, told: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a callback, by what was bought and what has arrived with it."""
    found: list[str] = []
    if told["sequence"] <= purchase.sequence:
        found.append(f"message {told['sequence']} came after {purchase.sequence}")
    if purchase.has_ended:
        found.append("something was told of it after its end")
    so_far = {line["skuId"]: line["received"] for line in told.get("noticeLines", ())}
    if Counter(so_far) != purchase.arrived:
        found.append(f"{dict(purchase.arrived)} has arrived, and {so_far} is told")
    if more := purchase.arrived - Counter(purchase.lines):
        found.append(f"more has arrived than was bought: {dict(more)}")
    if told.get("noticeComplete", False) != (purchase.arrived == Counter(purchase.lines)):
        found.append("it is told to be complete and is not, or the other way round")
    return found


def _back(order: Order, told: Mapping[str, Any]) -> Counter[str]:
    """Return all that has come back of an order with this callback, by product."""
    back = Counter(order.returned)
    for item in told.get("returned", ()):
        back[item["skuId"]] += item["quantity"]
    return back


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
