"""Transfers (调拨; contract v1, /v1/wes/transfers and /v1/wes/transferring): ordered, approved, taken out, put where they go.

A transfer order has lines: so much of a product, from somewhere, to somewhere else inside the site, or out of it: to another
warehouse, or to production. Its approval binds the goods; people then carry out its tasks, each one lot out of one container or
place, by acts that are done once. Pieces are units of the product.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from gateway.contract.acts import ActBase, Number, Pieces, Taken, Units, Words
from gateway.contract.corrections import Figure
from gateway.contract.inbound import LotNo
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Identifier, Moment, Operator
from gateway.contract.wms import Sku

LINES_MAX: Final = 100
"""Lines of one transfer order."""
TASKS_MAX: Final = 1_000
"""Tasks that one approval makes of them."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""An id of a container or of a place where pieces lie by themselves, or several by `*`, `?` and `[…]`."""


class TransferPurpose(StrEnum):
    """Why goods are moved (S2-47)."""

    REPLENISH = "replenish"
    """To where they are picked."""
    RELOCATE = "relocate"
    """To a better place."""
    CONSOLIDATE = "consolidate"
    """Together with others of their kind."""
    RETURN = "return"
    """Back to where they belong."""
    SUPPLY = "supply"
    """To whoever needs them: another warehouse, or production."""
    OTHER = "other"
    """As `reason` says."""


class Destination(StrEnum):
    """Where goods go that leave the stock of this warehouse (S2-39)."""

    WAREHOUSE = "warehouse"
    """Another warehouse (调拨出库): it says what has come."""
    PRODUCTION = "production"
    """Whoever uses them up in the house (生产领料)."""


class TransferState(StrEnum):
    """Where a transfer stands (S2-50)."""

    DRAFT = "draft"
    """Somebody approves it (待审核)."""
    APPROVED = "approved"
    """Its goods are bound, and nobody has taken any (已审核)."""
    EXECUTING = "executing"
    """Some are taken out, others are not (执行中)."""
    OUT_DONE = "outDone"
    """All are out of their places, and not yet where they go (出库完成，待入库)."""
    IN_TRANSIT = "inTransit"
    """They have left for another warehouse, which has not said what has come (在途)."""
    DONE = "done"
    """All that could be moved has been (已完成)."""
    ABORTING = "aborting"
    """It was aborted, and somebody still has goods of it to put down."""
    ABORTED = "aborted"
    """It was ended before its time, or nothing of it was there (已中止)."""
    DELETED = "deleted"
    """Nobody had approved it, and it is not shown any more (S2-54)."""


class TransferDifference(StrEnum):
    """Why fewer pieces go, or come, than should."""

    MISSING = "missing"
    """They are not where they should be."""
    DAMAGED = "damaged"
    EXPIRING = "expiring"
    """They do not keep long enough for where they go."""
    MISCOUNTED = "miscounted"
    """More or fewer were told than were moved."""
    OTHER = "other"
    """As `reason` says."""


class TransferLine(WireModel):
    """So many pieces of a product, from somewhere to somewhere else.

    Attributes:
        owner_id: None: the site's own.
        lot_no: None: whatever expires first; empty: goods without batches.
        source: where they are taken from; None: wherever they lie.
        source_zone: the same, by zone.
        target, target_zone: where they are put, likewise; neither, where they leave.
    """

    owner_id: Identifier | None = None
    sku_id: Sku
    lot_no: LotNo | None = None
    quantity: Pieces
    source: Pattern | None = None
    source_zone: Words | None = None
    target: Pattern | None = None
    target_zone: Words | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if None not in (self.source, self.source_zone) or None not in (self.target, self.target_zone):
            raise ValueError("names containers and places, or a zone, and not both")
        return self


class OrderTransfer(WireModel):
    """Have goods moved. The same order again is answered as before.

    Attributes:
        transfer_id: of the client.
        leaves_to: None: they stay inside; then each line says where it is put.
        destination: which warehouse, or whose production, where they leave.
        due_at: when it is to be done; after that an open transfer is an alarm.
        operator: who orders it.
    """

    transfer_id: Identifier
    purpose: TransferPurpose
    leaves_to: Destination | None = None
    destination: Words | None = None
    lines: Annotated[tuple[TransferLine, ...], Field(min_length=1, max_length=LINES_MAX)]
    due_at: Moment | None = None
    operator: Operator
    reason: Words

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if (self.leaves_to is None) != (self.destination is None):
            raise ValueError("`leavesTo` and `destination` say together where goods go that leave")
        for number, line in enumerate(self.lines):
            inside = line.target is not None or line.target_zone is not None
            if inside == (self.leaves_to is not None):
                needs = "leaves, and has no target" if inside else "needs a `target` or a `targetZone`"
                raise ValueError(f"line {number + 1} {needs}")
        return self


class OfTransfer(ActBase):
    """An act about a whole transfer."""

    transfer_id: Identifier


class ApproveTransfer(OfTransfer):
    """A transfer may be carried out (S2-52): its goods are bound, all of them or none, and its tasks are there."""

    act: Literal["approve"]


class DeleteTransfer(OfTransfer):
    """A transfer that nobody has approved is not shown any more (S2-54)."""

    act: Literal["delete"]
    reason: Words


class AbortTransfer(OfTransfer):
    """A transfer ends before its time (S2-75): what is bound is free; it has ended once what is out is put down somewhere."""

    act: Literal["abort"]
    reason: Words


class TakeTransfer(Taken):
    """Pieces of a task were taken out of their container or place (S2-58).

    Attributes:
        holder_id: container or place, as scanned; another one than the task's is refused (`wrongPlace`).
    """

    act: Literal["take"]
    task_id: Number
    holder_id: Identifier


class PutTransfer(Taken):
    """Pieces of a task that were taken lie where they go (S2-64).

    Attributes:
        holder_id: container or place, as scanned; one that its line does not name is refused (`wrongPlace`).
        damaged: they are: they may be put anywhere, and are held there (S2-73).
    """

    act: Literal["put"]
    task_id: Number
    holder_id: Identifier
    damaged: Annotated[bool, Field(strict=True)] = False


class TaskDifference(ActBase):
    """Fewer pieces of a task than there should be.

    Attributes:
        reason: in words; needed for `other`.
    """

    task_id: Number
    quantity: Pieces
    code: TransferDifference
    reason: Words | None = None

    @model_validator(mode="after")
    def _in_words(self) -> Self:
        if self.code is TransferDifference.OTHER and self.reason is None:
            raise ValueError("must say in `reason` what other reason there is")
        return self


class MissTransfer(TaskDifference):
    """They cannot be taken (S2-59): they stay where the books have them, held until somebody counts."""

    act: Literal["miss"]


class LoseTransfer(TaskDifference):
    """They have not come as they were taken (S2-69): they go off the books, with the code.

    Attributes:
        upns: every one of them where units are known.
    """

    act: Literal["lose"]
    upns: Units = ()


class HandOver(OfTransfer):
    """All that was taken out has left: to the carrier for another warehouse, or to production (S2-61).

    Attributes:
        waybill, carrier: of what goes to another warehouse.
    """

    act: Literal["handOver"]
    waybill: Words | None = None
    carrier: Words | None = None


class ReceivedOfLine(WireModel):
    """What another warehouse has received of a line.

    Attributes:
        code: why it is not what was handed over; needed where it is not.
    """

    line_no: Annotated[int, Field(strict=True, ge=1, le=LINES_MAX)]
    quantity: Figure
    code: TransferDifference | None = None


class ConfirmTransfer(OfTransfer):
    """The other warehouse says what has come (S2-65, S2-66); lines that are not named have come as they were handed over.

    Attributes:
        operator: who says so here.
    """

    act: Literal["confirm"]
    lines: Annotated[tuple[ReceivedOfLine, ...], Field(max_length=LINES_MAX)] = ()
    reason: Words | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({line.line_no for line in self.lines}) < len(self.lines):
            raise ValueError("must name each line once")
        return self


AnyTransferDecision = ApproveTransfer | DeleteTransfer | AbortTransfer | LoseTransfer
TransferDecision = Annotated[AnyTransferDecision, Field(discriminator="act")]
"""What somebody decides who answers for the stock."""
AnyTransferAct = TakeTransfer | PutTransfer | MissTransfer | HandOver | ConfirmTransfer
TransferAct = Annotated[AnyTransferAct, Field(discriminator="act")]
"""What is done on the floor."""


class TransferTaskView(WireModel):
    """One lot that is taken out of one container or place for a transfer, and put where it goes.

    Attributes:
        source_id: container or place that it is taken from.
        location_id: where that stands; None: nobody knows, or it is under way.
        station_id: where its container was brought; None: somebody walks, or it is not called yet.
        target_station_id: likewise where the container was brought that it is put into.
        target, target_zone: where it is put, as its line says; neither: it leaves.
        scan: what `take` must scan of the goods.
        rest: pieces that are still to be taken.
        moving: pieces that were taken, and are not yet where they go.
        put, aside: pieces that are where they go, or were handed over; and such as were put elsewhere.
        missed, lost: pieces that were not there or not fit, and such as were lost on the way.
        freed: pieces that are not taken any more.
    """

    task_id: int
    transfer_id: str
    line_no: int
    owner_id: str
    sku_id: str
    name: str
    barcodes: tuple[str, ...]
    unit: str
    units_per_case: int | None
    lot_no: str
    expiry_at: datetime | None
    serial: bool
    scan: str
    source_id: str
    location_id: str | None
    zone: str
    station_id: str | None
    target_station_id: str | None
    target: str | None
    target_zone: str | None
    quantity: int
    taken: int
    rest: int
    moving: int
    put: int
    aside: int
    missed: int
    lost: int
    freed: int
    upns: tuple[str, ...]


class TransferLineView(WireModel):
    """A line as it was ordered, and what has become of it.

    Attributes:
        taken, put: pieces that were taken out, and that are where they go, or were handed over.
        received: what the other warehouse says; left out: nothing yet.
        difference: why that is not what was handed over.
    """

    line_no: int
    owner_id: str
    sku_id: str
    name: str
    unit: str
    attributes: dict[str, object]
    lot_no: str | None
    source: str | None
    source_zone: str | None
    target: str | None
    target_zone: str | None
    quantity: int
    taken: int
    put: int
    received: int | None = Omitted
    difference: TransferDifference | None = Omitted


class TransferView(WireModel):
    """A transfer order.

    Attributes:
        quantity: pieces that were ordered.
        taken, put: pieces that were taken out, and that are where they go, or were handed over.
        end_reason: why it was ended before its time.
        lines: in the answer to one transfer.
        tasks: likewise, once it is approved.
    """

    transfer_id: str
    purpose: TransferPurpose
    leaves_to: Destination | None = Omitted
    destination: str | None = Omitted
    state: TransferState
    quantity: int
    taken: int
    put: int
    operator: str
    reason: str
    created_at: datetime
    due_at: datetime | None = Omitted
    approved_by: str | None = Omitted
    approved_at: datetime | None = Omitted
    waybill: str | None = Omitted
    carrier: str | None = Omitted
    ended_at: datetime | None = Omitted
    end_reason: str | None = Omitted
    lines: tuple[TransferLineView, ...] | None = Omitted
    tasks: tuple[TransferTaskView, ...] | None = Omitted


class TransferStep(StrEnum):
    """What was done to a transfer (S2-49)."""

    ORDERED = "ordered"
    APPROVED = "approved"
    OUT = "out"
    """Pieces were taken out of their place (下架)."""
    IN = "in"
    """Pieces were put where they go (上架)."""
    ASIDE = "aside"
    """Pieces were put elsewhere: damaged, of a lot that may not be used, or of a transfer that was aborted."""
    MISSED = "missed"
    LOST = "lost"
    FREED = "freed"
    """Pieces are not taken any more, as their lot may not be used."""
    HANDED_OVER = "handedOver"
    CONFIRMED = "confirmed"
    ABORTED = "aborted"
    DELETED = "deleted"


class TransferLogView(WireModel):
    """One step of a transfer: who, when, what, and why (S2-49, S2-68).

    Attributes:
        log_id: its number.
        holder_id: what pieces were taken from or put into.
        code: of a difference.
    """

    log_id: int
    step: TransferStep
    operator: str
    at: datetime
    task_id: int | None = Omitted
    line_no: int | None = Omitted
    sku_id: str | None = Omitted
    lot_no: str | None = Omitted
    holder_id: str | None = Omitted
    quantity: int | None = Omitted
    code: TransferDifference | None = Omitted
    reason: str | None = Omitted
