"""People at stations, on foot and at the packing table, and what they are shown (contract v1, /v1/wes).

Whatever a person does is an *act* with an id of its client: sent again it happens once and is answered as before.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Identifier

Number = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
"""The id of a document."""
Pieces = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Operator = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Kilograms = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


def _once(units: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(units)) < len(units):
        raise ValueError("names a unit twice")
    return units


Units = Annotated[tuple[Words, ...], Field(max_length=1000), AfterValidator(_once)]

# ── acts ──────────────────────────────────────────────────────────────────────────────────────────────


class ActBase(WireModel):
    """What all acts have.

    Attributes:
        act_id: of the client; the same id and body again changes nothing.
        operator: who does it.
    """

    act_id: Identifier
    operator: Operator


class Scan(ActBase):
    """The container that stands at the station was scanned: its work begins. Another container is refused (`wrongContainer`)."""

    act: Literal["scan"] = "scan"
    operation_id: Number
    container_id: Words


class Pick(ActBase):
    """So many pieces were taken out of the container or place. At a put wall their slot lights; elsewhere they are in the box.

    Attributes:
        upns: every one of them where units are known.
    """

    act: Literal["pick"] = "pick"
    allocation_id: Number
    quantity: Pieces
    upns: Units = ()


class Put(ActBase):
    """Pieces were put into a slot, said by hand: the wall's button was not pressed or does not work.

    Attributes:
        slot_id: as scanned; another one than is lit is refused (`wrongSlot`).
        quantity: what was put; less than was picked: the rest is still to be picked.
    """

    act: Literal["put"] = "put"
    put_id: Number
    slot_id: Words
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Withdraw(ActBase):
    """A lit slot is to go dark: nothing was put."""

    act: Literal["withdraw"] = "withdraw"
    put_id: Number


class Adjust(ActBase):
    """What was told of a put was wrong: only so much lies in the slot (a wrong button, another slot).

    The rest is to be picked again.
    """

    act: Literal["adjust"] = "adjust"
    put_id: Number
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Short(ActBase):
    """Pieces that should be there are not."""

    act: Literal["short"] = "short"
    allocation_id: Number
    quantity: Pieces


class Damaged(ActBase):
    """Pieces are there and may not be sold; they stay where they are, held."""

    act: Literal["damaged"] = "damaged"
    allocation_id: Number
    quantity: Pieces


class Seal(ActBase):
    """What was picked for a work order since its last box is in a box now, and the box is closed.

    Attributes:
        box_id: the box's own label, if it has one.
    """

    act: Literal["seal"] = "seal"
    work_id: Number
    box_id: Words | None = None
    weight_kg: Kilograms | None = None


class Done(ActBase):
    """Nothing is left to do with the container: it may leave (the operation's feedback, S0-39)."""

    act: Literal["done"] = "done"
    operation_id: Number


class Reject(ActBase):
    """The container cannot be worked on here: it leaves, and its work is rolled back."""

    act: Literal["reject"] = "reject"
    operation_id: Number
    reason: Words


class Answer(ActBase):
    """A question of the station was answered: whatever it asks has been looked at and put right."""

    act: Literal["answer"] = "answer"
    question_id: Number


class Hold(ActBase):
    """A work order waits: nothing more is lit, picked or planned for it until it is resumed."""

    act: Literal["hold"] = "hold"
    work_id: Number
    reason: Words


class Resume(ActBase):
    """A held work order goes on."""

    act: Literal["resume"] = "resume"
    work_id: Number


class Claim(ActBase):
    """Somebody on foot takes the next work: the most pressing, and of those the largest that is small enough (S1-76).

    Attributes:
        cases: whole cases, one place at a time (S1-77), rather than pieces.
        units: pieces that the person can take at most.
    """

    act: Literal["claim"] = "claim"
    cases: Annotated[bool, Field(strict=True)] = False
    zone: Words | None = None
    units: Pieces | None = None


class BeginReview(ActBase):
    """Somebody looks into a package (S1-79)."""

    act: Literal["beginReview"] = "beginReview"
    package_id: Number


class Counted(WireModel):
    """So many pieces of one order line were found in a package."""

    line_id: Number
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Review(ActBase):
    """A package was counted. If it is as it should be it is reviewed (S1-80, S1-81); if not, the difference is told.

    Attributes:
        items: lines that are not named were not found.
    """

    act: Literal["review"] = "review"
    package_id: Number
    items: Annotated[tuple[Counted, ...], Field(max_length=1000)]


class Accept(ActBase):
    """What was counted is what the package has: pieces that are not in it are missing, and are picked again or come short."""

    act: Literal["accept"] = "accept"
    package_id: Number


class Gather(ActBase):
    """A package was brought to where its order is gathered (S1-82)."""

    act: Literal["gather"] = "gather"
    package_id: Number
    place: Words


class Ship(ActBase):
    """Packages were handed over to the carrier (S1-83)."""

    act: Literal["ship"] = "ship"
    package_ids: Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000)]
    tracking_no: Words | None = None
    weight_kg: Kilograms | None = None


class PutBack(ActBase):
    """Goods that are no longer wanted were brought back into a container or to a place."""

    act: Literal["putBack"] = "putBack"
    put_back_id: Number
    holder_id: Words


class AcceptShort(ActBase):
    """What is missing of an order will not come: the rest goes out without it."""

    act: Literal["acceptShort"] = "acceptShort"
    order_id: Number


AnyAct = (
    Scan | Pick | Put | Withdraw | Adjust | Short | Damaged | Seal | Done | Reject | Answer | Hold | Resume | Claim
    | BeginReview | Review | Accept | Gather | Ship | PutBack | AcceptShort
)  # fmt: skip
StationAct = Annotated[AnyAct, Field(discriminator="act")]


class ActView(WireModel):
    """What an act led to.

    Attributes:
        again: it had been done before; nothing was changed now.
        put_id: the slot that lights for a pick.
        package_id: the package that a seal made.
        work_ids: what was claimed.
        differs: whether a review found another count.
        destination: the storage location that a container goes to.
    """

    act_id: str
    again: bool = False
    put_id: int | None = Omitted
    package_id: int | None = Omitted
    work_ids: tuple[int, ...] | None = Omitted
    differs: bool | None = Omitted
    destination: str | None = Omitted


# ── stations ──────────────────────────────────────────────────────────────────────────────────────────


class OpenRequest(WireModel):
    """Who works at a station from now on."""

    operator: Operator


class CloseRequest(WireModel):
    """Why a station takes no more."""

    operator: Operator
    reason: Words


class PutTarget(WireModel):
    """A lit slot: what was picked for it and is not confirmed yet."""

    put_id: int
    slot_id: str
    quantity: int
    state: str


class TaskView(WireModel):
    """What is to be picked from one place for one work order (S0-18).

    Attributes:
        rest: pieces that are neither picked, nor in a hand before a lit slot, nor given up.
        slot_id: the slot or box place that they go to.
        serial: every piece has a number of its own, to be scanned.
        puts: lit slots.
    """

    allocation_id: int
    work_id: int
    order_no: str
    sku_id: str
    name: str
    barcodes: tuple[str, ...]
    unit: str
    lot_no: str
    expiry_at: datetime | None
    holder_id: str | None
    cell: str | None
    quantity: int
    picked: int
    short: int
    rest: int
    slot_id: str | None
    serial: bool
    held: str | None
    status_code: int
    puts: tuple[PutTarget, ...] = ()


class OperationView(WireModel):
    """What a station is asked to do with one container."""

    operation_id: int
    presentation_id: int
    station_id: str
    container_id: str
    location_id: str
    state: str
    scanned: bool
    operator: str | None
    opened_at: datetime
    tasks: tuple[TaskView, ...]


class QuestionView(WireModel):
    """Something that only somebody at the station can tell."""

    question_id: int
    slot_id: str
    kind: str
    put_id: int | None
    text: str
    at: datetime


class BoxView(WireModel):
    """What stands in a slot of a put wall, or at a box's place.

    Attributes:
        rest: pieces that are still to come, from whatever container.
        packed: whether something lies in it that is not sealed yet.
        complete: nothing more comes: it can be sealed.
    """

    slot_id: str
    work_id: int
    order_no: str
    rest: int
    packed: bool
    complete: bool


class StationView(WireModel):
    """A station and all that a page of it has to show."""

    station_id: str
    open: bool
    operator: str | None
    reason: str | None
    wall: str | None
    slots: tuple[str, ...]
    operations: tuple[OperationView, ...] = ()
    boxes: tuple[BoxView, ...] = ()
    questions: tuple[QuestionView, ...] = ()


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────────


class WorkView(WireModel):
    """A work order: the part of one order that goes into one box."""

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


class PresentationView(WireModel):
    """A container on its way to a place, or there."""

    presentation_id: int
    purpose: str
    container_id: str
    station_id: str | None
    destination: str
    state: str
    reason: str | None
    created_at: datetime
    arrived_at: datetime | None
    units: int


class WaveView(WireModel):
    """A wave."""

    wave_id: int
    wave_no: str
    kind: str
    status_code: int
    orders: int
    works: int
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


class AssignedPart(WireModel):
    """So much of a black-box allocation comes out of a container that the gateway's side chose (S1-69)."""

    allocation_id: Number
    quantity: Pieces
    cell: Words | None = None


class BlackBoxArrival(WireModel):
    """A container that the gateway's side chose stands at a station (S1-71)."""

    station_id: Identifier
    location_id: Identifier
    parts: Annotated[tuple[AssignedPart, ...], Field(min_length=1, max_length=1000)]


class PackageKind(StrEnum):
    """What a package is made of (S1-81)."""

    MIXED = "mixed"
    CASE = "case"
