"""Goods that are on their way: announced by upstream (POST /api/wms/inbound/notice), and what is to come (/v1/wes/arrivals)."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.contract.acts import ActBase
from gateway.contract.inbound import Day, LotNo, Supplier
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Identifier
from gateway.contract.wms import AT_LEAST_ONE, ITEMS_MAX, Quantity, Sku, Words, not_empty


class NoticeKind(StrEnum):
    """Where goods come from (S2-37)."""

    PURCHASE = "purchase"
    """From a supplier."""
    TRANSFER = "transfer"
    """From another warehouse: in the ledger they come from an account of their own."""


class ArrivalState(StrEnum):
    """Where announced goods stand (S2-24)."""

    ANNOUNCED = "announced"
    PARTLY = "partly"
    RECEIVED = "received"
    """All of it has come."""
    CLOSED = "closed"
    """Something has come, or should have, and nothing more does."""
    CANCELLED = "cancelled"
    """Upstream has taken it back before anything came."""


class NoticeItem(WireModel):
    """Pieces that are on their way.

    Attributes:
        line_no: as callbacks name it; None: its place among the items, from 1.
        lot_no: only this lot fulfils the line; '': whatever lot comes.
        produced_at, expires_at: of pieces of a new lot of which the dock says neither.
    """

    line_no: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    sku_id: Sku
    quantity: Quantity
    lot_no: LotNo = ""
    produced_at: Day | None = None
    expires_at: Day | None = None


def numbered(items: Sequence[NoticeItem]) -> list[tuple[int, NoticeItem]]:
    """Return items with their line numbers."""
    return [(place if item.line_no is None else item.line_no, item) for place, item in enumerate(items, 1)]


def _each_once(items: tuple[NoticeItem, ...]) -> tuple[NoticeItem, ...]:
    if len({number for number, _ in numbered(items)}) < len(items):
        raise PydanticCustomError(
            "same_line", "has a `lineNo` twice; one that is left out is the item's place"
        )
    return items


class InboundNotice(WireModel):
    """Goods will come (S2-22, S2-23). The same notice may be sent again; it happens once.

    Attributes:
        owner_id: of the goods; None: the site's own.
        supplier: of new lots of which the dock says none.
    """

    notice_no: Identifier
    kind: NoticeKind
    warehouse_id: Identifier
    owner_id: Identifier | None = None
    supplier: Supplier = ""
    expected_at: Day | None = None
    items: Annotated[
        tuple[NoticeItem, ...],
        Field(max_length=ITEMS_MAX, json_schema_extra=AT_LEAST_ONE),
        AfterValidator(not_empty),
        AfterValidator(_each_once),
    ]


class InboundNoticeView(WireModel):
    """The notice is durable; callbacks tell what comes."""

    notice_no: str
    status: ArrivalState


class CancelNotice(WireModel):
    """Nothing more comes of announced goods, upstream says."""

    notice_no: Identifier
    reason: Words


class CompleteArrival(ActBase):
    """Nothing more comes of announced goods, somebody at the dock says."""

    notice_no: Identifier
    reason: Words


class ExpectedLineView(WireModel):
    """Pieces of one line, as they were announced and as they came.

    Attributes:
        announced: 0: it came, and nobody had announced it.
        lacks: how many are still to come.
        barcodes: of the product, to find the line by what is scanned.
        lot_no: '': whatever lot comes.
    """

    line_no: int
    sku_id: str
    sku_name: str
    unit: str
    barcodes: tuple[str, ...] = ()
    lot_no: str
    produced_at: datetime | None = Omitted
    expires_at: datetime | None = Omitted
    announced: int
    received: int
    lacks: int


class InspectionView(WireModel):
    """A lot that came with announced goods, and how it was judged (到货质检, S2-25).

    Attributes:
        lot_no: '': of goods without batches.
        received: pieces of it that came with this notice.
        quantity, held: pieces of it that are here, of which so many may not be promised.
        quality: of the lot, now.
        judged_at, judged_by, reason: its last judgement (`/v1/wes/corrections/qualities`); None: nobody has judged it.
    """

    owner_id: str
    sku_id: str
    sku_name: str
    lot_no: str
    received: int
    quantity: int
    held: int
    quality: str
    judged_at: datetime | None
    judged_by: str | None
    reason: str | None


class ExpectedArrivalView(WireModel):
    """Announced goods.

    Attributes:
        goods: what was announced, in words.
        lacks: what is still to come, in words; '': nothing.
        reason: why less came than was announced.
        ended_by: who said so; None: all has come, or upstream has taken it back.
    """

    notice_no: str
    kind: NoticeKind
    owner_id: str
    supplier: str
    expected_at: datetime | None
    state: ArrivalState
    goods: str
    lacks: str
    created_at: datetime
    ended_at: datetime | None
    reason: str | None
    ended_by: str | None
    lines: tuple[ExpectedLineView, ...]
