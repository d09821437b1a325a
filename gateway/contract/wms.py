"""The interface to an order management system (OMS), under /api/wms and, the same bodies, on a message broker (S4).

Every answer is `{code, message, data}`, refusals with all their `errors`; `code` is SUCCESS or why not. docs/oms-integration.md
tells the whole of it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator
from pydantic_core import PydanticCustomError, to_json

from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.problems import Reason
from gateway.contract.transports import DEFAULT_PRIORITY, Identifier, Moment

T = TypeVar("T")

EXT_MAX_BYTES: Final = 4_000
ITEMS_MAX: Final = 1_000
QUANTITY_MAX: Final = 1_000_000_000


def _text(most: int) -> Any:
    return StringConstraints(min_length=1, max_length=most, strip_whitespace=True)


Sku = Annotated[str, _text(64)]
"""A product's id of the caller: opaque."""
Words = Annotated[str, _text(200)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=QUANTITY_MAX)]


def _small(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(to_json(value)) > EXT_MAX_BYTES:
        raise PydanticCustomError("too_many_bytes", "takes more than {most} bytes", {"most": EXT_MAX_BYTES})
    return value


def not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse an empty list; a minimum length would count an item that does not fit as missing."""
    if not value:
        raise PydanticCustomError("no_items", "must have at least one item")
    return value


AT_LEAST_ONE: Final[dict[str, JsonValue]] = {"minItems": 1}
"""How the description says what `not_empty` asks for."""
Extension = Annotated[dict[str, JsonValue], AfterValidator(_small)]


class ResultCode(StrEnum):
    """What became of a request."""

    SUCCESS = "SUCCESS"
    INVALID = "INVALID"
    """The body is wrong; sending the same again cannot help."""
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    """It contradicts what was sent or done before."""
    REFUSED = "REFUSED"
    """The site's rules refuse the order."""
    TOO_LATE = "TOO_LATE"
    """The order has left, or has come so far that this is no longer possible."""
    BUSY = "BUSY"
    """Try again later."""


class Result(WireModel, Generic[T]):
    """Every answer of this interface."""

    code: ResultCode
    message: str
    data: T | None = Omitted
    errors: tuple[Reason, ...] = ()


# ── orders ────────────────────────────────────────────────────────────────────────────────────────────


class OutboundItem(WireModel):
    """One line of an order (S4-10).

    Attributes:
        sku_id: of a product that was sent by `product/sync`; another one is refused.
        sku_name, barcode: may be sent and are not kept: people see the product's own, the same with every order.
        quantity: pieces.
        lot_no: only this lot will do (S3-20).
    """

    sku_id: Sku
    sku_name: Words | None = None
    quantity: Quantity
    barcode: Words | None = None
    lot_no: Words | None = None


class OutboundCommand(WireModel):
    """Goods are to go out (S4-6…11). The same command may be sent again; it happens once.

    Attributes:
        priority: 0 (can wait) to 9 (first).
        owner_id: of the goods; None: the site's own.
        ext_info: the caller's own data, at most 4 kB as JSON; rules may ask for texts and numbers in it.
    """

    command_id: Identifier
    order_no: Identifier
    warehouse_id: Identifier
    owner_id: Identifier | None = None
    consignee: Words
    phone: Words
    province: Words
    city: Words
    district: Words
    address: Words
    carrier_code: Words | None = None
    service_type: Words | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=9)] = DEFAULT_PRIORITY
    deadline: Moment | None = None
    items: Annotated[
        tuple[OutboundItem, ...],
        Field(max_length=ITEMS_MAX, json_schema_extra=AT_LEAST_ONE),
        AfterValidator(not_empty),
    ]
    ext_info: Extension = Field(default_factory=dict)


class AcceptedView(WireModel):
    """The order is durable; callbacks tell what becomes of it."""

    command_id: str
    order_no: str
    outbound_no: str
    status: str = "CREATED"


class CancelCommand(WireModel):
    """An order is not wanted any more (S4-42)."""

    order_no: Identifier
    reason: Words


class CancelledView(WireModel):
    """What became of a cancellation.

    Attributes:
        status: CANCELLED, or CANCELLING while goods are still to be brought back; a callback tells when they are.
    """

    order_no: str
    outbound_no: str
    status: str


class ReturnItem(WireModel):
    """Pieces that are on their way back."""

    sku_id: Sku
    quantity: Quantity


class ReturnNotice(WireModel):
    """Goods will come back (S4-27). The same notice may be sent again; it happens once.

    Attributes:
        order_no: the order that they left with; None: not known.
        owner_id: of goods whose order is not known; None: the site's own.
    """

    return_no: Identifier
    order_no: Identifier | None = None
    warehouse_id: Identifier
    owner_id: Identifier | None = None
    reason: Words | None = None
    items: Annotated[tuple[ReturnItem, ...], Field(max_length=ITEMS_MAX), AfterValidator(not_empty)]


class ReturnNoticeView(WireModel):
    """The notice is durable; callbacks tell what comes.

    Attributes:
        status: announced, or received once it has come.
    """

    return_no: str
    status: str


class OrderLineView(WireModel):
    """One line of an order as the WES sees it; quantities in pieces, `statusCode` after S1."""

    line_no: int
    sku_id: str
    quantity: int
    reserved: int
    picked: int
    shipped: int
    short: int
    status_code: int


class OrderExceptionView(WireModel):
    """Something that somebody has to look at."""

    kind: str
    text: str
    at: datetime
    settled_at: datetime | None


class OrderView(WireModel):
    """An order as the WES sees it; `statusCode` after S1, `status` its name."""

    order_no: str
    command_id: str
    outbound_no: str
    warehouse_id: str
    status: str
    status_code: int
    priority: int
    deadline: datetime | None
    created_at: datetime
    updated_at: datetime
    cancel_reason: str | None
    items: tuple[OrderLineView, ...]
    exceptions: tuple[OrderExceptionView, ...]


# ── products ──────────────────────────────────────────────────────────────────────────────────────────


class ProductItem(WireModel):
    """One product (S0-3, S0-20).

    Attributes:
        version: grows with every change; an older one never overwrites a newer one.
        barcodes: of one piece; one that another product of the owner has is refused.
        units_per_case: pieces in a full case.
        case_barcodes: of a full case, such as its GTIN-14.
        attributes: what rules may ask for, e.g. `zone`.
        type: whatever products are told apart by, e.g. `product` and `goods`.
        retired: it is out of use: no new orders of it are taken and no new goods; what is there can be moved, counted, picked.
    """

    sku_id: Sku
    sku_name: Words
    owner_id: Identifier | None = None
    version: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
    barcodes: Annotated[tuple[Words, ...], Field(max_length=100)] = ()
    unit: Words = "EA"
    units_per_case: Annotated[int, Field(strict=True, ge=1, le=QUANTITY_MAX)] | None = None
    case_barcodes: Annotated[tuple[Words, ...], Field(max_length=100)] = ()
    weight_kg: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None
    shelf_life_days: Annotated[int, Field(strict=True, ge=1, le=36_500)] | None = None
    serial_tracked: bool = False
    attributes: Extension = Field(default_factory=dict)
    type: Words | None = None
    retired: bool = False

    @model_validator(mode="after")
    def _knows_its_case(self) -> Self:
        if self.case_barcodes and self.units_per_case is None:
            raise ValueError("says codes of a case: `unitsPerCase` must say how many pieces are in it")
        if both := set(self.barcodes) & set(self.case_barcodes):
            raise ValueError(f"says of {min(both)} that it is the code of a piece and of a case")
        return self


class ProductSync(WireModel):
    """Products that upstream wants the WES to know."""

    items: Annotated[
        tuple[ProductItem, ...],
        Field(max_length=ITEMS_MAX, json_schema_extra=AT_LEAST_ONE),
        AfterValidator(not_empty),
    ]


class ProductSyncView(WireModel):
    """What was new.

    Attributes:
        stored: products that are now as they were sent.
        outdated: skuIds of which a newer version is known; they stay as they are.
        doubtful: codes that are stored as they are, with what is strange about them.
    """

    stored: int
    outdated: tuple[str, ...]
    doubtful: tuple[Reason, ...] | None = Omitted


# ── stock ─────────────────────────────────────────────────────────────────────────────────────────────


class InventoryView(WireModel):
    """What upstream may sell of one product (S4-21), and what that follows from; pieces."""

    warehouse_id: str
    owner_id: str
    sku_id: str
    available_qty: int
    quantity: int
    reserved: int
    held: int
    safety: int


class InventoryPage(WireModel):
    """Part of the stock of a warehouse; there is more if `nextCursor` is there."""

    items: tuple[InventoryView, ...]
    next_cursor: str | None = Omitted


class SyncRequest(WireModel):
    """Tell the stock of these products again now; of all if none is named."""

    sku_ids: Annotated[tuple[Sku, ...], Field(max_length=ITEMS_MAX)] = ()


class ChangeType(StrEnum):
    """Why a stock message was sent (S4-20)."""

    INCREASE = "INCREASE"
    DECREASE = "DECREASE"
    SNAPSHOT = "SNAPSHOT"
    """Asked for, or by schedule, changed or not."""
    FULL_SYNC = "FULL_SYNC"


class InventoryMessage(WireModel):
    """What upstream may sell of one product (S4-20). A lower `version` never overwrites a higher one (S4-25).

    Attributes:
        change_qty: since the message before.
    """

    warehouse_id: str
    owner_id: str
    sku_id: str
    available_qty: int
    change_type: ChangeType
    change_qty: int
    version: int
    timestamp: datetime


class InventoryBatch(WireModel):
    """Part of a full calibration (S4-24)."""

    warehouse_id: str
    batch_id: str
    items: tuple[InventoryMessage, ...]


# ── callbacks ─────────────────────────────────────────────────────────────────────────────────────────


class CallbackStatus(StrEnum):
    """What upstream is told about an order (S4-27, S4-31)."""

    RECEIVED = "RECEIVED"
    """Taken, and its goods are reserved."""
    FAIL = "FAIL"
    """A command from the broker was not taken; nothing was stored."""
    PICKING = "PICKING"
    PACKAGE_SHIPPED = "PACKAGE_SHIPPED"
    """With feedback by box: boxes have left, and others are still to come."""
    SHIPPED = "SHIPPED"
    """All that will leave of the order has left."""
    EXCEPTION = "EXCEPTION"
    CANCELLED = "CANCELLED"
    """All its goods are free again."""
    RETURNED = "RETURNED"
    """Goods that had left have come back."""
    ARRIVED = "ARRIVED"
    """Announced goods have come, or nothing more of them does."""


class PackageView(WireModel):
    """A box that has left."""

    package_no: str
    tracking_no: str | None = None
    weight: float | None = None


class ShippedItem(WireModel):
    """How much of a line has left, of how much was asked for; pieces."""

    sku_id: str
    quantity: int
    shipped: int


class ReturnedItem(WireModel):
    """Pieces that have come back, and what the dock makes of them: saleable, damaged, or to be inspected."""

    sku_id: str
    quantity: int
    quality: str


class ArrivedItem(WireModel):
    """Pieces of an announced line that have just come.

    Attributes:
        quality: what they may be used for, as they came: qualified, pending, rejected, expired.
    """

    line_no: int
    sku_id: str
    lot_no: str
    quantity: int
    quality: str


class NoticeLine(WireModel):
    """A line of announced goods, and all that has come of it; `announced` 0: nobody had announced it."""

    line_no: int
    sku_id: str
    announced: int
    received: int


class CallbackDetails(WireModel):
    """What a callback tells besides its status (S4-29, S4-30).

    Attributes:
        weight: kg, all boxes of the message; left out if one was not weighed.
        packages: the boxes that the message is about.
        items: with SHIPPED, what has left of each line.
        returned: with RETURNED, what has just come back, and by which return; `return_complete`: nothing more of it comes.
        arrived: with ARRIVED, what has just come of a notice; `notice_lines`: all that has come of each line of it;
            `notice_complete`: nothing more is to come.
    """

    command_id: str | None = Omitted
    carrier_code: str | None = Omitted
    tracking_no: str | None = Omitted
    package_count: int | None = Omitted
    weight: float | None = Omitted
    packages: tuple[PackageView, ...] | None = Omitted
    items: tuple[ShippedItem, ...] | None = Omitted
    return_no: str | None = Omitted
    return_complete: bool | None = Omitted
    returned: tuple[ReturnedItem, ...] | None = Omitted
    notice_no: str | None = Omitted
    notice_complete: bool | None = Omitted
    arrived: tuple[ArrivedItem, ...] | None = Omitted
    notice_lines: tuple[NoticeLine, ...] | None = Omitted
    error_code: str | None = Omitted
    error_message: str | None = Omitted
    errors: tuple[Reason, ...] | None = Omitted


class StatusCallback(CallbackDetails):
    """One message about an order (S4-28).

    Attributes:
        callback_id: the same message again has the same id.
        sequence: grows from message to message about an order number; a receiver drops what is lower than it has seen (S4-63).
    """

    callback_id: str
    oms_order_no: str
    wms_outbound_no: str | None = Omitted
    status: CallbackStatus
    status_time: datetime
    sequence: int


class CallbackRequest(WireModel):
    """Tell the last status of an order again."""

    order_no: Identifier
