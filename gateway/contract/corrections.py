"""What people put right in the stock, and what its ledger tells (contract v1, /v1/wes): acts like those at stations, done once.

Every correction says who, and why; both stand in the ledger for ever, those of a safety stock among the decisions. Pieces
are units of the product.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gateway.contract.acts import ActBase, Pieces, Units, Words
from gateway.contract.inbound import Day, LotNo
from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku

Figure = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
"""Pieces, perhaps none."""


class LotQuality(StrEnum):
    """Whether goods may be promised."""

    PENDING = "pending"
    """An inspection decides."""
    QUALIFIED = "qualified"
    REJECTED = "rejected"
    EXPIRED = "expired"


class LotOrder(StrEnum):
    """Which lots come first."""

    FIFO = "fifo"
    """What came first."""
    FEFO = "fefo"
    """What expires first."""
    LIFO = "lifo"
    """What came last."""


class Correction(ActBase):
    """What all corrections have.

    Attributes:
        owner_id: of the goods; None: the site's own.
    """

    reason: Words
    owner_id: Identifier | None = None
    sku_id: Sku


class DeleteProduct(Correction):
    """A product is forgotten that no document and no stock has ever named; any other is taken out of use by upstream (S2-10)."""


class LotCorrection(Correction):
    """A correction of one lot.

    Attributes:
        lot_no: empty for goods without batches.
    """

    lot_no: LotNo = ""


class CountGoods(LotCorrection):
    """Somebody has counted what lies in one container or place (S3-26): so much, whatever the books say.

    What is missing goes off what was held there first, then off what is free. Held pieces that are found stay held (`UnholdGoods`).

    Attributes:
        quantity: pieces that are there, held and allocated ones included.
        upns: every unit that is there, of products that are known by unit.
    """

    holder_id: Identifier
    quantity: Figure
    upns: Units = ()


class HoldGoods(LotCorrection):
    """Free pieces must not be promised until they are freed again."""

    holder_id: Identifier
    quantity: Pieces


class UnholdGoods(LotCorrection):
    """Held pieces are there, and good: they may be promised again."""

    holder_id: Identifier
    quantity: Pieces


class MovedGoods(LotCorrection):
    """Pieces were put from one container or place into another.

    Attributes:
        target_id: one that is known.
        upns: every one of them, of products that are known by unit.
    """

    holder_id: Identifier
    target_id: Identifier
    quantity: Pieces
    upns: Units = ()


class MoveGoods(MovedGoods):
    """They were free, and are (S3-28)."""


class MoveHeldGoods(MovedGoods):
    """They were held, such as damaged ones that are put aside (S2-73), and stay so."""


class MergeGoods(LotCorrection):
    """Free pieces of a lot become pieces of another lot of the product, in the container or place where they lie (S2-109).

    They keep no longer after it than before, and what may not be sold does not become what may. The ledger keeps both numbers.

    Attributes:
        target_lot_no: the lot that they are of from now on.
    """

    holder_id: Identifier
    quantity: Pieces
    target_lot_no: LotNo


class GoneGoods(LotCorrection):
    """Pieces are gone for good, and it is known where to. Held ones go first, then free ones.

    Attributes:
        upns: every one of them, of products that are known by unit.
    """

    holder_id: Identifier
    quantity: Pieces
    upns: Units = ()


class ScrapGoods(GoneGoods):
    """They were thrown away, being no use to anybody (S2-46); unlike those that a count misses, nobody looks for them."""


class ReturnGoods(GoneGoods):
    """They went back to their supplier."""


class JudgeLot(LotCorrection):
    """A lot may be used, or may not (S3-27); one of which something is promised cannot be barred.

    Attributes:
        expires_at: when it expires, if nobody has said so yet. A product with a shelf life needs it before its lot is qualified.
    """

    quality: LotQuality
    expires_at: Day | None = None


class RecallLot(LotCorrection):
    """A lot is bad: nothing more of it is promised, picked or shipped, and whom it is promised is promised others (S2-144).

    Its goods that came back from orders are recalled with it, under whatever number they lie here. What is picked and has not left
    is to be taken out of its box by a person.
    """


class SetSafety(Correction):
    """So much of a product is never offered to upstream (S4-21)."""

    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


AnyCorrection = (
    CountGoods
    | HoldGoods
    | UnholdGoods
    | MoveGoods
    | MoveHeldGoods
    | MergeGoods
    | ScrapGoods
    | ReturnGoods
    | JudgeLot
    | SetSafety
)


class LotView(WireModel):
    """Stock of one lot (level 2, S3-3).

    Attributes:
        recalled: nothing of it is promised any more, and nothing leaves, until it is judged to be good.
    """

    sku_id: str
    lot_no: str
    quality: str
    recalled: bool
    supplier: str
    received_at: datetime
    produced_at: datetime | None
    expires_at: datetime | None
    quantity: int
    reserved: int
    allocated: int
    held: int
    available: int


class LocationStockView(WireModel):
    """Stock of one product at one location, in whatever containers stand there (S3-2)."""

    location_id: str
    owner_id: str
    sku_id: str
    quantity: int
    allocated: int
    held: int


class FiguresView(WireModel):
    """The four figures, or a change of them."""

    quantity: int
    reserved: int
    allocated: int
    held: int


class LedgerEntryView(WireModel):
    """One row of the ledger (S3-29, S3-31).

    Attributes:
        event_id: what happened in one go has one.
        document_kind, document_id: what it was done for.
        holder_id: None: of the lot as a whole.
        after: what it left at the holder, without one of the lot; None for accounts outside.
    """

    event_id: str
    line: int
    at: datetime
    kind: str
    document_kind: str
    document_id: str
    operator: str
    reason: str
    owner_id: str
    sku_id: str
    lot_no: str
    holder_id: str | None
    change: FiguresView
    after: FiguresView | None
