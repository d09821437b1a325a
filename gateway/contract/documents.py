"""Documents and stock of the WES core as lists and pages show them: orders, work, packages, waves (contract v1, /v1/wes).

`statusCode` is a code of S1 (gateway/wes/codes.py), `status` its name; quantities are pieces.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from gateway.contract.attention import ExceptionView
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.stations import PresentationView, PutBackView, QuestionView, TaskView
from gateway.contract.throughput import StageView


class PackageKind(StrEnum):
    """What a package is made of (S1-81)."""

    MIXED = "mixed"
    CASE = "case"


class WorkView(WireModel):
    """A work order: the part of one order that goes into one box.

    Attributes:
        replenishments: so many have to end before it can be picked.
        waits_for: the container that it needs and cannot have, as somebody has to decide about its transport,
            or to open the place where it stands.
    """

    work_id: int
    order_no: str
    mode: str
    station_id: str | None
    slot_id: str | None
    claimant: str | None
    held: str | None
    priority: int
    status: str
    status_code: int
    quantity: int
    picked: int
    replenishments: int
    waits_for: str | None = None
    tasks: tuple[TaskView, ...] = ()


class OrderSummary(WireModel):
    """An order in a list.

    Attributes:
        waiting: what is the matter with it, the newest of what nobody has settled.
    """

    order_id: int
    order_no: str
    outbound_no: str
    status: str
    status_code: int
    priority: int
    quantity: int
    picked: int
    shipped: int
    short: int
    waiting: str | None
    created_at: datetime
    updated_at: datetime


class PackageLineView(WireModel):
    """Pieces of one line and lot in a package; `reviewed` is what was counted."""

    line_id: int
    sku_id: str
    lot_no: str
    quantity: int
    reviewed: int | None


class PackageView(WireModel):
    """A package."""

    package_id: int
    package_no: str
    order_id: int
    order_no: str
    work_id: int
    box_id: str | None
    kind: str
    status: str
    status_code: int
    place: str | None
    weight_kg: float | None
    tracking_no: str | None
    reviewer: str | None
    lines: tuple[PackageLineView, ...]


class OrderLineDetails(WireModel):
    """One line of an order: how much was asked for, and what has become of it.

    Attributes:
        lot_no: only this lot will do.
        reserved: promised and not yet picked.
        short: will not come.
    """

    line_id: int
    line_no: int
    sku_id: str
    lot_no: str | None
    quantity: int
    reserved: int
    picked: int
    shipped: int
    short: int
    status: str
    status_code: int


class OrderDetails(OrderSummary):
    """An order with all that belongs to it, the same whether it is of the day or has gone to history.

    Why it waits stands in `exceptions` (those without `settledAt`, with what may be decided), in `works` (`held`,
    `replenishments`), in `presentations` (`state`, `reason`), in `questions`, and in `putBacks` once it is cancelled.

    Attributes:
        claimant: who picked of it first.
        works: its work orders; what is to be picked for one, and from where: `/v1/wes/works/{workId}`.
        presentations: containers that are brought for it; `units` are its own.
        questions: what people at stations are asked about it.
        stages: when it came to each status, and by whose act.
    """

    command_id: str
    owner_id: str
    carrier_code: str | None
    service_type: str | None
    deadline: datetime | None
    cancel_reason: str | None
    wave_id: int | None
    claimant: str | None
    lines: tuple[OrderLineDetails, ...]
    works: tuple[WorkView, ...]
    packages: tuple[PackageView, ...]
    put_backs: tuple[PutBackView, ...]
    presentations: tuple[PresentationView, ...]
    exceptions: tuple[ExceptionView, ...]
    questions: tuple[QuestionView, ...]
    stages: tuple[StageView, ...]


class WaveView(WireModel):
    """A wave.

    Attributes:
        works_picked: how many of its work orders nobody needs to pick any more.
    """

    wave_id: int
    wave_no: str
    kind: str
    status_code: int
    orders: int
    works: int
    works_picked: int
    created_at: datetime
    released_at: datetime | None


class ProductView(WireModel):
    """A product as upstream has described it.

    Attributes:
        type: left out: upstream has said none.
        retired_at: since when it is out of use; left out: it is in use.
    """

    owner_id: str
    sku_id: str
    sku_name: str
    barcodes: tuple[str, ...]
    unit: str
    units_per_case: int | None
    case_barcodes: tuple[str, ...]
    weight_kg: float | None
    shelf_life_days: int | None
    serial_tracked: bool
    attributes: dict[str, JsonValue]
    type: str | None = Omitted
    retired_at: datetime | None = Omitted
    version: int
    updated_at: datetime


class StockPoolView(WireModel):
    """Stock of one product (level 1)."""

    owner_id: str
    sku_id: str
    quantity: int
    reserved: int
    allocated: int
    held: int
    available: int


class StockPositionView(WireModel):
    """Stock of one lot at one place (level 3)."""

    sku_id: str
    lot_no: str
    quality: str
    holder_id: str
    location_id: str | None
    quantity: int
    allocated: int
    held: int
    free: int
