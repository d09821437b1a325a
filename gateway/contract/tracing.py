"""Where goods of a lot, or one unit, came from, lie, and went (contract v1, /v1/wes; S2-143, S2-144). Quantities are pieces."""

from datetime import datetime
from enum import StrEnum

from gateway.contract.corrections import LotView
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted


class ArrivalView(WireModel):
    """Pieces that came from outside.

    Attributes:
        kind: `receive`, `gain` (found by a count), `merge`.
        source: SUPPLIER, TRANSFER (another warehouse), SHIPPED (they came back), ADJUST.
        document_kind, document_id: what they came with.
    """

    at: datetime
    kind: str
    source: str
    document_kind: str
    document_id: str
    operator: str
    quantity: int


class JudgementView(WireModel):
    """Somebody, or the calendar, has said whether a lot may be used.

    Attributes:
        reason: the quality before and after, and why.
    """

    at: datetime
    document_kind: str
    document_id: str
    operator: str
    reason: str


class RecallView(WireModel):
    """A lot was called back.

    Attributes:
        barred_at: when nothing was promised any more; left out: promises are still being taken back.
    """

    recall_id: str
    operator: str
    reason: str
    at: datetime
    barred_at: datetime | None = Omitted


class MergeView(WireModel):
    """Pieces of one lot became pieces of another of the same product (S2-109).

    Attributes:
        from_lot, into_lot: their numbers; the traced lot is one of the two.
    """

    at: datetime
    operator: str
    reason: str
    from_lot: str
    into_lot: str
    quantity: int


class LotTraceView(WireModel):
    """All of a lot: what came, what is there, what went.

    Attributes:
        received: from suppliers and other warehouses.
        came_back: from orders, into this lot.
        shipped: to orders, whatever has come back since.
        adjusted: found by counts, less what was lost or scrapped.
        sent_back: to suppliers.
        handed_over: to other warehouses and to production.
        picked: of what is there, picked for orders and not shipped.
        to_take_out: recalled pieces that still lie in boxes.
        returned_lots: other lots of the same goods: what came back from orders.
        arrivals, judgements, recalls, merges: the oldest first, at most 100 of each.
    """

    owner_id: str
    lot: LotView
    received: int
    came_back: int
    shipped: int
    adjusted: int
    sent_back: int
    handed_over: int
    picked: int
    to_take_out: int
    returned_lots: tuple[str, ...]
    arrivals: tuple[ArrivalView, ...]
    judgements: tuple[JudgementView, ...]
    recalls: tuple[RecallView, ...]
    merges: tuple[MergeView, ...]


class LotStage(StrEnum):
    """How far pieces of a lot have come for an order."""

    PROMISED = "promised"
    """Of no place in particular."""
    BOUND = "bound"
    """Of one container or place."""
    COMING = "coming"
    """Their container is on its way to a station."""
    AT_STATION = "atStation"
    """Their container stands at a station."""
    PICKED = "picked"
    """They are in a box."""
    PACKED = "packed"
    """They are in a sealed box."""
    TO_TAKE_OUT = "toTakeOut"
    """They are recalled, and somebody has to take them out of their box."""
    TO_PUT_BACK = "toPutBack"
    """Their order is cancelled, and somebody has to bring them back."""


class LotOrderView(WireModel):
    """An order has pieces of a lot, or is promised some, and they have not left.

    Attributes:
        holder_id, location_id: the container or place that they are in, and where it stands.
        box: slot or box, for people.
        put_back_id: who takes them out or brings them back says so with it (act `putBack`).
    """

    order_id: int
    order_no: str
    outbound_no: str
    consignee: str
    stage: LotStage
    quantity: int
    holder_id: str | None = Omitted
    location_id: str | None = Omitted
    station_id: str | None = Omitted
    box: str | None = Omitted
    package_no: str | None = Omitted
    put_back_id: int | None = Omitted


class ShipmentView(WireModel):
    """A package that has left, and how much of a lot, or whether a unit, was in it.

    Attributes:
        operator: who handed it over.
    """

    at: datetime
    order_id: int
    order_no: str
    outbound_no: str
    package_id: int
    package_no: str
    tracking_no: str | None
    consignee: str
    phone: str
    address: str
    operator: str
    quantity: int


class UnitView(WireModel):
    """One unit, by the number that no other one of its product has, with what is known of its lot.

    Attributes:
        holder_id: where it is; SHIPPED, SUPPLIER, ADJUST: it is not in the house.
    """

    upn: str
    owner_id: str
    sku_id: str
    lot_no: str
    supplier: str
    produced_at: datetime | None
    expires_at: datetime | None
    quality: str
    recalled: bool
    holder_id: str
    location_id: str | None


class UnitMoveView(WireModel):
    """A unit was moved; it is recorded for ever.

    Attributes:
        shipment: the package that it left with.
    """

    at: datetime
    event_id: str
    kind: str
    document_kind: str
    document_id: str
    operator: str
    reason: str
    lot_no: str
    source: str
    target: str
    shipment: ShipmentView | None = Omitted
