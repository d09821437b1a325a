"""What stands on labels (contract v1, /v1/wes/labels): of containers, locations, lots and packages.

The same data whether somebody else prints them (JSON) or the WES draws them. Days are those of the site.
"""

from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.contract.model import WireModel

T = TypeVar("T")


class LabelFormat(StrEnum):
    """How labels are wanted."""

    JSON = "json"
    SVG = "svg"
    PDF = "pdf"
    ZPL = "zpl"


class ElementView(WireModel):
    """One GS1 element string: its application identifier, e.g. `10` for a lot, and its value."""

    identifier: str
    value: str


class CodeView(WireModel):
    """What the bar code of a label says.

    Attributes:
        text: as people read it below the bars; element strings with brackets.
        elements: empty: a plain code, which says `text`.
    """

    text: str
    elements: tuple[ElementView, ...] = ()


class LabelLotView(WireModel):
    """Pieces of one lot, as a label names them.

    Attributes:
        lot_no: empty for goods without batches.
        expires_on: the last day on which they may be used.
    """

    sku_id: str
    sku_name: str
    lot_no: str
    quantity: int
    unit: str
    expires_on: date | None


class ContainerLabelView(WireModel):
    """A container or pallet.

    Attributes:
        location_id: where it stands; None: nobody knows, or the WES has never seen it.
        lots: the first ones of what is in it.
        lot_count: of all of them.
    """

    container_id: str
    code: CodeView
    location_id: str | None
    lots: tuple[LabelLotView, ...]
    lot_count: int


class LocationLabelView(WireModel):
    """A location with the batches that lie there now, in whatever containers (S2-107).

    Attributes:
        lots: the first ones.
        lot_count: of all of them.
    """

    location_id: str
    code: CodeView
    zone: str
    lots: tuple[LabelLotView, ...]
    lot_count: int


class LotLabelView(WireModel):
    """A lot of a product, for its pieces or cases.

    Attributes:
        code: element strings (01), (17), (10) where the product has a GTIN and they can say the lot; else the product's code.
        expires_on: the last day on which it may be used.
    """

    owner_id: str
    sku_id: str
    sku_name: str
    unit: str
    lot_no: str
    code: CodeView
    supplier: str
    produced_on: date | None
    expires_on: date | None


class LabelView(WireModel):
    """Who gets a package, and by whom: what a shipping label shows (S4-7, S4-8, S4-15).

    Attributes:
        code: its number; one that is an SSCC as element string (00).
        weight_kg: kg; None: nobody has weighed it.
        lots: the first ones of what is in it (S2-107).
        lot_count: of all of them.
    """

    package_id: int
    package_no: str
    code: CodeView
    order_no: str
    outbound_no: str
    consignee: str
    phone: str
    province: str
    city: str
    district: str
    address: str
    carrier_code: str | None
    service_type: str | None
    tracking_no: str | None
    weight_kg: float | None
    lots: tuple[LabelLotView, ...]
    lot_count: int


AnyLabel = ContainerLabelView | LocationLabelView | LotLabelView | LabelView


class LabelsView(WireModel, Generic[T]):
    """Several labels, in the order in which they were asked for."""

    items: tuple[T, ...]
