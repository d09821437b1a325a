"""Documents and stock of the WES core as lists show them: orders, work, packages, waves (contract v1, /v1/wes)."""

from datetime import datetime
from enum import StrEnum

from gateway.contract.model import WireModel
from gateway.contract.stations import TaskView


class PackageKind(StrEnum):
    """What a package is made of (S1-81)."""

    MIXED = "mixed"
    CASE = "case"


class WorkView(WireModel):
    """A work order: the part of one order that goes into one box.

    Attributes:
        replenishments: so many have to end before it can be picked.
    """

    work_id: int
    order_no: str
    mode: str
    station_id: str | None
    slot_id: str | None
    claimant: str | None
    held: str | None
    priority: int
    status_code: int
    quantity: int
    picked: int
    replenishments: int
    tasks: tuple[TaskView, ...] = ()


class OrderSummary(WireModel):
    """An order in a list."""

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
    status_code: int
    place: str | None
    weight_kg: float | None
    tracking_no: str | None
    reviewer: str | None
    lines: tuple[PackageLineView, ...]


class PutBackView(WireModel):
    """Goods that somebody has to bring back."""

    put_back_id: int
    order_no: str
    sku_id: str
    lot_no: str
    quantity: int
    upns: tuple[str, ...]
    box_id: str | None
    from_holder: str | None
    done_at: datetime | None


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
