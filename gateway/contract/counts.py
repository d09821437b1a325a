"""Stock counts (盘点; contract v1, /v1/wes/counts and /v1/wes/counting): ordered, counted, counted again, approved.

A count order has lines: one lot in one container or at one place. People count them by acts, each done once; the books follow only
what somebody approves, with a reason of a closed list. Pieces are units of the product.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.contract.acts import ActBase, Number, Units, Words
from gateway.contract.corrections import Figure
from gateway.contract.inbound import LotNo
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.contract.transports import Identifier, Moment, Operator
from gateway.contract.wms import Sku

LINES_MAX: Final = 10_000
"""Lines of one count order."""
APPROVED_MAX: Final = 1_000
"""Lines that are decided in one act."""

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""An id, or several by `*`, `?` and `[…]`."""


def _each_once(values: tuple[str, ...] | tuple[int, ...]) -> tuple[str, ...] | tuple[int, ...]:
    if len(set(values)) < len(values):
        raise ValueError("must name each once")
    return values


class Everything(WireModel):
    """Whatever the books have in containers and at places (全盘)."""

    kind: Literal["everything"]


class InZone(WireModel):
    """What stands in one zone."""

    kind: Literal["zone"]
    zone: Words


class AtLocations(WireModel):
    """What stands at locations, by an id or a pattern: `A1-1-*` is level 1 of rack A1."""

    kind: Literal["locations"]
    pattern: Pattern


class OfProducts(WireModel):
    """Some products, wherever they are.

    Attributes:
        owner_id: None: the site's own.
    """

    kind: Literal["products"]
    sku_ids: Annotated[tuple[Sku, ...], Field(min_length=1, max_length=1000), AfterValidator(_each_once)]
    owner_id: Identifier | None = None


class InHolders(WireModel):
    """What is in some containers or at some places."""

    kind: Literal["holders"]
    holder_ids: Annotated[tuple[Words, ...], Field(min_length=1, max_length=1000), AfterValidator(_each_once)]


class NotCounted(WireModel):
    """What nobody has counted for so many days; what was never counted is meant as well."""

    kind: Literal["notCountedForDays"]
    days: Annotated[int, Field(strict=True, ge=1, le=36_500)]


Scope = Annotated[
    Everything | InZone | AtLocations | OfProducts | InHolders | NotCounted, Field(discriminator="kind")
]


class Sample(WireModel):
    """A share of the containers and places in the scope (抽盘); the same seed chooses the same ones of the same stock.

    Attributes:
        share: at least one is chosen.
    """

    share: Annotated[float, Field(gt=0, lt=1)]
    seed: Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]


class OrderCount(WireModel):
    """Have stock counted. The same order again is answered as before.

    Attributes:
        count_id: of the client.
        sample: None: all of the scope.
        blind: who counts sees no figure of the books (盲盘).
        dynamic: no container comes for it: what is left in one is counted when it has come to be picked from (动盘).
        people: who may count; empty: everybody.
        due_at: when it is to be done; after that an open count is an alarm.
        operator: who orders it.
    """

    count_id: Identifier
    scope: Scope
    sample: Sample | None = None
    blind: Annotated[bool, Field(strict=True)] = False
    dynamic: Annotated[bool, Field(strict=True)] = False
    people: Annotated[tuple[Operator, ...], Field(max_length=100), AfterValidator(_each_once)] = ()
    due_at: Moment | None = None
    operator: Operator
    reason: Words

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        if self.people and len({each.casefold() for each in self.people}) < max(2, len(self.people)):
            raise ValueError(
                "must name two people at least, each once: differences are counted again by another one"
            )
        return self


class ClaimCount(ActBase):
    """Somebody on foot takes on the next places of a count, in the order in which they are walked to (S2-94).

    Attributes:
        places: so many at most; containers are among them only where none are brought to stations.
    """

    count_id: Identifier
    places: Annotated[int, Field(strict=True, ge=1, le=100)] = 1


class UnclaimCount(ActBase):
    """What somebody has taken on and not counted is anybody's again.

    Attributes:
        claimant: who had it.
    """

    count_id: Identifier
    claimant: Operator


class CountedGoods(ActBase):
    """What was counted: single pieces, whole cases, or both (S2-88).

    Attributes:
        quantity: single pieces, damaged ones included.
        cases: of as many pieces as the product says.
        damaged: of all pieces: fit for nobody. They are held once the count is approved.
        upns: every unit that is there, of products that are known by unit.
    """

    quantity: Figure = 0
    cases: Figure = 0
    damaged: Figure = 0
    upns: Units = ()


class CountLine(CountedGoods):
    """A line was counted; nothing there: `quantity` 0.

    Attributes:
        lot_no: as it stands on the goods; another one than the line's is refused (`wrongLot`).
    """

    line_id: Number
    lot_no: LotNo | None = None


class FoundEmpty(ActBase):
    """A container or place that has lines to be counted is empty: all of them are counted with nothing."""

    count_id: Identifier
    holder_id: Identifier


class FoundGoods(CountedGoods):
    """Goods lie where the count has no line for them: in the wrong place, or nobody knows whose (S2-89).

    Attributes:
        owner_id: None: the site's own.
        lot_no: one that is known; empty for goods without batches.
    """

    count_id: Identifier
    holder_id: Identifier
    owner_id: Identifier | None = None
    sku_id: Sku
    lot_no: LotNo = ""


class CountReason(StrEnum):
    """Why books and goods differ (S2-96, S2-97)."""

    MIS_RECEIPT = "misReceipt"
    """More was booked than came, or something else."""
    MIS_PICK = "misPick"
    """More was picked than was told, or something else."""
    UNRECORDED_MOVE = "unrecordedMove"
    STORAGE_DAMAGE = "storageDamage"
    """Spoiled by how it was kept."""
    BREAKAGE = "breakage"
    THEFT = "theft"
    """Stolen, or used up in the house."""
    SYSTEM_FAULT = "systemFault"
    """Two systems disagree, or one was wrong."""
    UNDER_RECEIVED = "underReceived"
    """More came than was booked."""
    RETURN_NOT_BOOKED = "returnNotBooked"
    SHORT_SHIPMENT = "shortShipment"
    """Less was sent than was told."""
    DUPLICATE_SCAN = "duplicateScan"
    """It was taken out of the books twice."""
    EARLIER_DIFFERENCE = "earlierDifference"
    """An earlier difference was not cleared up, or wrongly."""
    OVER_DELIVERY = "overDelivery"
    """The supplier sent more than was ordered."""
    MISROUTED = "misrouted"
    """It belongs elsewhere."""
    OWNERLESS = "ownerless"
    """Nobody knows where it comes from (无主物资)."""
    OTHER = "other"
    """As `reason` says."""


LOSSES: Final = frozenset(
    {
        CountReason.MIS_RECEIPT,
        CountReason.MIS_PICK,
        CountReason.UNRECORDED_MOVE,
        CountReason.STORAGE_DAMAGE,
        CountReason.BREAKAGE,
        CountReason.THEFT,
        CountReason.SYSTEM_FAULT,
        CountReason.OTHER,
    }
)
"""Why there is less than the books have, or more of it damaged."""
GAINS: Final = frozenset(CountReason) - LOSSES | {
    CountReason.UNRECORDED_MOVE,
    CountReason.SYSTEM_FAULT,
    CountReason.OTHER,
}
"""Why there is more than the books have."""


class DecideLines(ActBase):
    """A decision about lines whose difference waits for one: about all of them, or none."""

    line_ids: Annotated[
        tuple[Number, ...], Field(min_length=1, max_length=APPROVED_MAX), AfterValidator(_each_once)
    ]


class ApproveCount(DecideLines):
    """What was counted is so: the books follow (S2-90).

    Attributes:
        reason_code: one for losses where something is missing or damaged, one for gains where something is too much.
        reason: in words; needed for `other`.
    """

    reason_code: CountReason
    reason: Words | None = None

    @model_validator(mode="after")
    def _in_words(self) -> Self:
        if self.reason_code is CountReason.OTHER and self.reason is None:
            raise ValueError("must say in `reason` what other reason there is")
        return self


class Recount(DecideLines):
    """What was counted is doubted: somebody else counts it once more."""

    reason: Words


class EndCount(ActBase):
    """A count ends: what is not counted or not approved of it stays in the books as it is."""

    count_id: Identifier
    reason: Words


AnyCounting = (
    ClaimCount | UnclaimCount | CountLine | FoundEmpty | FoundGoods | ApproveCount | Recount | EndCount
)


class RoundView(WireModel):
    """One count of a line.

    Attributes:
        books: what the books had at that moment.
        found, missing: units that the books have not there, or that were not there.
    """

    operator: str
    at: datetime
    quantity: int
    damaged: int
    books: int
    held: int
    found: tuple[str, ...]
    missing: tuple[str, ...]


class CountLineView(WireModel):
    """One lot in one container or at one place that is to be counted.

    Attributes:
        count_id: of its order.
        barcodes: of the product, to find the line by what is scanned; left out long after the count's end.
        state: open, again (by somebody else), differs (waits for a decision), agreed, approved, withdrawn.
        unexpected: goods that were found where the count had no line for them.
        books: what the books have there now; of a blind count left out as long as it is to be counted.
        rounds: how it was counted, the first one first; of a blind count none as long as it is to be counted again.
        difference: what was counted last less what the books had then; left out like the counts.
    """

    line_id: int
    count_id: str = ""
    holder_id: str
    location_id: str | None
    zone: str
    owner_id: str
    sku_id: str
    name: str
    barcodes: tuple[str, ...] = ()
    unit: str
    lot_no: str
    serial: bool
    units_per_case: int | None
    state: str
    claimant: str | None
    unexpected: bool
    books: int | None = Omitted
    rounds: tuple[RoundView, ...] = ()
    difference: int | None = Omitted
    reason_code: CountReason | None = Omitted
    reason: str | None = Omitted
    decided_by: str | None = Omitted
    ended_at: datetime | None = Omitted


class CountReport(WireModel):
    """How a count goes, and what it has found (S2-91).

    Attributes:
        lines: all of them; the next ones by state.
        done: share of the lines that nobody has to count any more, 0 … 1.
        books: pieces that the books had, of those lines.
        gained, lost: pieces that were too much and missing, of lines that differ.
        difference_rate: both of them by `books`; left out where the books had nothing.
        by_reason: pieces of approved differences.
    """

    lines: int
    open: int
    again: int
    differs: int
    agreed: int
    approved: int
    withdrawn: int
    done: float
    books: int
    gained: int
    lost: int
    difference_rate: float | None = Omitted
    by_reason: Mapping[str, int]


class CountView(WireModel):
    """A count order.

    Attributes:
        state: open, done, withdrawn.
        end_reason: why it was ended before its time.
    """

    count_id: str
    scope: Scope
    sample: Sample | None = Omitted
    blind: bool
    dynamic: bool
    people: tuple[str, ...]
    due_at: datetime | None = Omitted
    operator: str
    reason: str
    state: str
    created_at: datetime
    ended_at: datetime | None = Omitted
    end_reason: str | None = Omitted
    report: CountReport
