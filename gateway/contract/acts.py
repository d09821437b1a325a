"""What people do at stations, on foot and at the packing table (contract v1, POST /v1/wes/acts).

Whatever a person does is an *act* with an id of its client: sent again it happens once and is answered as before.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Identifier, Operator

Number = Annotated[int, Field(strict=True, ge=1, le=2**53 - 1)]
"""The id of a document."""
Pieces = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
ScannedCode = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
"""What stands on goods, as a scanner sends it or a person types it: a product's barcode or SKU, a lot's label, a unit's number, or
GS1 element strings: with the symbology before them (`]C1`), with the group separator where FNC1 is, or with brackets."""
Kilograms = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


def _once(units: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(units)) < len(units):
        raise ValueError("names a unit twice")
    return units


Units = Annotated[tuple[Words, ...], Field(max_length=1000), AfterValidator(_once)]


class ActBase(WireModel):
    """What all acts have.

    Attributes:
        act_id: of the client; the same id and body again changes nothing.
        operator: who does it.
    """

    act_id: Identifier
    operator: Operator


class Taken(ActBase):
    """What acts have with which somebody takes goods.

    Attributes:
        quantity: None: as many as `upns` names, or as the code stands for: what is in a case, or one piece.
        upns: every one of them where units are known; one whose number stands in the code need not be named.
        scan: what stands on the goods; others are refused (`wrongProduct`, `wrongLot`, `wrongDate`, `expired`).
    """

    quantity: Pieces | None = None
    upns: Units = ()
    scan: ScannedCode | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.quantity is None and self.scan is None and not self.upns:
            raise ValueError("must say how many: `quantity`, `upns` or `scan`")
        return self


class Scan(ActBase):
    """The container that stands at the station was scanned: its work begins. Another container is refused (`wrongContainer`)."""

    act: Literal["scan"]
    operation_id: Number
    container_id: Words


class Pick(Taken):
    """So many pieces were taken out of the container or place. At a put wall their slot lights; elsewhere they are in the box."""

    act: Literal["pick"]
    allocation_id: Number


class Put(ActBase):
    """Pieces were put into a slot, said by hand: the wall's button was not pressed or does not work.

    Attributes:
        slot_id: as scanned; another one than is lit is refused (`wrongSlot`).
        quantity: what was put; less than was picked: the rest is still to be picked.
    """

    act: Literal["put"]
    put_id: Number
    slot_id: Words
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Withdraw(ActBase):
    """A lit slot is to go dark: nothing was put."""

    act: Literal["withdraw"]
    put_id: Number


class Adjust(ActBase):
    """What was told of a put was wrong: only so much lies in the slot (a wrong button, another slot).

    The rest is to be picked again.
    """

    act: Literal["adjust"]
    put_id: Number
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class Short(ActBase):
    """Pieces that should be there are not."""

    act: Literal["short"]
    allocation_id: Number
    quantity: Pieces


class Damaged(ActBase):
    """Pieces are there and may not be sold; they stay where they are, held."""

    act: Literal["damaged"]
    allocation_id: Number
    quantity: Pieces


class Seal(ActBase):
    """What was picked for a work order since its last box is in a box now, and the box is closed.

    Attributes:
        box_id: the box's own label, if it has one.
    """

    act: Literal["seal"]
    work_id: Number
    box_id: Words | None = None
    weight_kg: Kilograms | None = None


class Done(ActBase):
    """Nothing is left to do with the container: it may leave (the operation's feedback, S0-39)."""

    act: Literal["done"]
    operation_id: Number


class Reject(ActBase):
    """The container cannot be worked on here: it leaves, and its work is rolled back."""

    act: Literal["reject"]
    operation_id: Number
    reason: Words


class Answer(ActBase):
    """A question of the station was answered: whatever it asks has been looked at and put right."""

    act: Literal["answer"]
    question_id: Number


class Hold(ActBase):
    """A work order waits: nothing more is lit, picked or planned for it until it is resumed."""

    act: Literal["hold"]
    work_id: Number
    reason: Words


class Resume(ActBase):
    """A held work order goes on."""

    act: Literal["resume"]
    work_id: Number


class Claim(ActBase):
    """Somebody on foot takes the next work: the most pressing, and of those the largest that is small enough (S1-76).

    Attributes:
        cases: whole cases, one place at a time (S1-77), rather than pieces.
        units: pieces that the person can take at most.
    """

    act: Literal["claim"]
    cases: Annotated[bool, Field(strict=True)] = False
    zone: Words | None = None
    units: Pieces | None = None


class BeginReview(ActBase):
    """Somebody looks into a package (S1-79)."""

    act: Literal["beginReview"]
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

    act: Literal["review"]
    package_id: Number
    items: Annotated[tuple[Counted, ...], Field(max_length=1000)]


class Accept(ActBase):
    """What was counted is what the package has: pieces that are not in it are missing, and are picked again or come short."""

    act: Literal["accept"]
    package_id: Number


class Gather(ActBase):
    """A package was brought to where its order is gathered (S1-82)."""

    act: Literal["gather"]
    package_id: Number
    place: Words


class Weighed(WireModel):
    """What one package weighs."""

    package_id: Number
    weight_kg: Kilograms


class Ship(ActBase):
    """Packages were handed over to the carrier (S1-83).

    Attributes:
        weights: of those that were weighed now; what was told when a box was sealed stays for the others.
    """

    act: Literal["ship"]
    package_ids: Annotated[tuple[Number, ...], Field(min_length=1, max_length=1000)]
    tracking_no: Words | None = None
    weights: Annotated[tuple[Weighed, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _of_these(self) -> Self:
        weighed = [each.package_id for each in self.weights]
        if len(set(weighed)) < len(weighed) or not set(weighed) <= set(self.package_ids):
            raise ValueError("Weigh each of the packages that are shipped once at most, and no others")
        return self


class PutBack(ActBase):
    """Goods that are no longer wanted were brought back into a container or to a place."""

    act: Literal["putBack"]
    put_back_id: Number
    holder_id: Words


class AcceptShort(ActBase):
    """What is missing of an order will not come: the rest goes out without it."""

    act: Literal["acceptShort"]
    order_id: Number


class BeginReplenishment(ActBase):
    """Somebody takes a replenishment on: nobody else does it then."""

    act: Literal["beginReplenishment"]
    replenishment_id: Number


class Replenish(Taken):
    """Pieces were taken from the reserve, and put where they are picked; the last ones end the replenishment.

    Attributes:
        holder_id: container or place that they were put into, as scanned; one where they are not picked is refused (`wrongPlace`).
    """

    act: Literal["replenish"]
    replenishment_id: Number
    holder_id: Words


class EndReplenishment(ActBase):
    """What a replenishment has not brought yet it does not bring any more: there is no room, or not as much.

    Attributes:
        missing: pieces that should be where it takes from and are not; they are held until somebody counts.
    """

    act: Literal["endReplenishment"]
    replenishment_id: Number
    reason: Words
    missing: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0


AnyAct = (
    Scan | Pick | Put | Withdraw | Adjust | Short | Damaged | Seal | Done | Reject | Answer | Hold | Resume | Claim
    | BeginReview | Review | Accept | Gather | Ship | PutBack | AcceptShort
    | BeginReplenishment | Replenish | EndReplenishment
)  # fmt: skip
StationAct = Annotated[AnyAct, Field(discriminator="act")]


class RecalledLot(WireModel):
    """How much there was of a lot when it was recalled, in pieces.

    Attributes:
        quantity: in the house.
        promised: of that, promised to orders, picked ones included.
        picked: of that, picked and not shipped: to be taken out of their boxes.
        shipped: have left before, whatever has come back since.
    """

    lot_no: str
    quantity: int
    promised: int
    picked: int
    shipped: int


class ActView(WireModel):
    """What an act led to.

    Attributes:
        again: it had been done before; nothing was changed now.
        put_id: the slot that lights for a pick.
        package_id: the package that a seal made.
        work_ids: what was claimed.
        differs: whether a review found another count.
        destination: the storage location that a container goes to.
        why: it goes just there, in words; absent: it was the nearest that was free for it.
        expired: products of which pieces came whose day has passed: they are in stock, and are never promised.
        notice_state: how far the announced goods have come that were received.
        transfer_state: where the transfer stands that the act was about.
        return_no: the return that goods belong to which have come back.
        codes: numbers that were issued.
        receipt_no: the receipt of goods that nobody has announced, where the site numbers them.
        recalled: the lots that a recall has barred.
        to_inspect: products of which good pieces wait for an inspection all the same, as nobody knows when they expire.
        line_ids: lines of a count that were claimed or counted.
        line_states: what became of those that were counted, in that order.
    """

    act_id: str
    again: bool = False
    put_id: int | None = Omitted
    package_id: int | None = Omitted
    work_ids: tuple[int, ...] | None = Omitted
    differs: bool | None = Omitted
    destination: str | None = Omitted
    why: str | None = Omitted
    notice_state: str | None = Omitted
    transfer_state: str | None = Omitted
    return_no: str | None = Omitted
    codes: tuple[str, ...] | None = Omitted
    receipt_no: str | None = Omitted
    recalled: tuple[RecalledLot, ...] | None = Omitted
    expired: tuple[str, ...] | None = Omitted
    to_inspect: tuple[str, ...] | None = Omitted
    line_ids: tuple[int, ...] | None = Omitted
    line_states: tuple[str, ...] | None = Omitted
