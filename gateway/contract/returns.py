"""Goods that have left come back (contract v1, /v1/wes/inbound): received piece by piece with what the dock makes of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.contract.acts import ActBase, Pieces, ScannedCode, Units, Words
from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku

LINES_MAX = 1000
ReturnedLot = Annotated[str, StringConstraints(max_length=64, strip_whitespace=True)]
"""A batch's number as it stands on the piece; the lot that it comes back into has a longer one."""


class ReturnedQuality(StrEnum):
    """What the dock makes of a piece that has come back."""

    SALEABLE = "saleable"
    """It can be promised again."""
    DAMAGED = "damaged"
    """It is for nobody."""
    INSPECT = "inspect"
    """Somebody has to look at it first; judging its lot decides."""


class ReturnedLine(WireModel):
    """Pieces that have come back.

    Attributes:
        lot_no: as it stands on them; None: the one that left with the order, if that is clear.
        upns: every unit, of products that are known by unit.
        scan: the code on them: a lot and a unit that it says need not be said; another product's is refused (`wrongProduct`), and
            so is one that says otherwise (`wrongLot`, `wrongUnit`).
    """

    sku_id: Sku
    quantity: Pieces
    quality: ReturnedQuality = ReturnedQuality.SALEABLE
    lot_no: ReturnedLot | None = None
    upns: Units = ()
    scan: ScannedCode | None = None


class ReceiveReturn(ActBase):
    """Goods have come back.

    Attributes:
        return_no: as upstream has announced it; None: nobody has.
        order_no: the order that they left with, if the goods say so and nobody has announced them.
        owner_id: of goods whose order is not known; None: the site's own.
        holder_id: the container that they are in, or the flat place where they lie; None: the receiving area.
        complete: nothing more of it comes.
    """

    return_no: Identifier | None = None
    order_no: Identifier | None = None
    owner_id: Identifier | None = None
    holder_id: Identifier | None = None
    reason: Words | None = None
    complete: Annotated[bool, Field(strict=True)] = False
    lines: Annotated[tuple[ReturnedLine, ...], Field(max_length=LINES_MAX)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.lines and not (self.complete and self.return_no is not None):
            raise ValueError("must name what has come, or an announced return of which nothing more comes")
        if self.return_no is not None and self.order_no is not None:
            raise ValueError("must not name an order as well: the announcement does")
        return self


class ReturnLineView(WireModel):
    """Pieces of one product, as they were announced and as they came."""

    sku_id: str
    announced: int
    saleable: int
    damaged: int
    inspect: int


class ReturnView(WireModel):
    """A return.

    Attributes:
        state: `announced` until all of it, or nothing more, has come; then `received`.
    """

    return_no: str
    order_no: str | None
    outbound_no: str | None
    owner_id: str
    reason: str | None
    state: str
    created_at: datetime
    lines: tuple[ReturnLineView, ...]
