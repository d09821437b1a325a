"""Goods that come into the warehouse (contract v1, /v1/wes/inbound): acts like those at stations, each done once.

Goods are received into the receiving area, or straight into a container or to a flat place; from the area they are put into
containers (grouping) or to flat places; a container that holds goods is brought to storage.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from gateway.contract.acts import ActBase, Pieces, ScannedCode, Units
from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier, Moment
from gateway.contract.wms import AT_LEAST_ONE, Sku, not_empty

LINES_MAX: Final = 1000


def _plausible(moment: datetime) -> datetime:
    if not 1900 <= moment.year < 3000:
        raise ValueError("must be in one of the years 1900 to 2999")
    return moment


Day = Annotated[Moment, AfterValidator(_plausible)]
LotNo = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
"""A batch's number; empty for goods without batches."""
Supplier = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class ReceivedQuality(StrEnum):
    """Whether goods may be promised as they come."""

    QUALIFIED = "qualified"
    PENDING = "pending"
    """An inspection decides."""
    REJECTED = "rejected"


class ReceivedLine(WireModel):
    """Pieces of one lot.

    Attributes:
        expires_at: None: by the product's shelf life after `produced_at`, if both are known. Of a product with a shelf life one of
            the two is said, or `lot_no` names a lot whose day is known; else the pieces wait until somebody says it.
        quality: pieces that may not be promised are held where the others of their lot may. Good ones whose day has passed are
            taken in as expired.
        upns: every unit, of products that are known by unit.
        scan: what stands on the goods: lot, days and a unit that it says need not be said; another product's is refused
            (`wrongProduct`), and so is one that says otherwise (`wrongLot`, `wrongDate`, `wrongUnit`).
    """

    sku_id: Sku
    quantity: Pieces
    lot_no: LotNo = ""
    supplier: Supplier = ""
    produced_at: Day | None = None
    expires_at: Day | None = None
    quality: ReceivedQuality = ReceivedQuality.QUALIFIED
    upns: Units = ()
    scan: ScannedCode | None = None


class PutAwayLine(WireModel):
    """Pieces of one lot out of the receiving area.

    Attributes:
        scan: what stands on the goods, as of a received line.
    """

    sku_id: Sku
    quantity: Pieces
    lot_no: LotNo = ""
    upns: Units = ()
    scan: ScannedCode | None = None


ReceivedLines = Annotated[
    tuple[ReceivedLine, ...],
    Field(max_length=LINES_MAX, json_schema_extra=AT_LEAST_ONE),
    AfterValidator(not_empty),
]
PutAwayLines = Annotated[
    tuple[PutAwayLine, ...],
    Field(max_length=LINES_MAX, json_schema_extra=AT_LEAST_ONE),
    AfterValidator(not_empty),
]


class Receive(ActBase):
    """Goods have come (S3-12).

    Attributes:
        holder_id: the container that they are in, or the flat place where they lie; None: the receiving area.
        owner_id: of the goods; None: the site's own.
        received_at: decides first in, first out; None: now.
        notice_no: the announced goods that these are; None: nobody has announced them.
    """

    notice_no: Identifier | None = None
    holder_id: Identifier | None = None
    owner_id: Identifier | None = None
    received_at: Day | None = None
    lines: ReceivedLines


class PutAway(ActBase):
    """Goods of the receiving area were put into a container (S0-21, grouping), or to a flat place (S3-13).

    Attributes:
        holder_id: a container, or a location of the site.
    """

    holder_id: Identifier
    owner_id: Identifier | None = None
    lines: PutAwayLines


class Store(ActBase):
    """A container is to be brought to storage; a rule (point `return`) says where."""

    container_id: Identifier
