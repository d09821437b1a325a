"""What a site may decide by rule in its WES (S0-8): the points of decision, their facts and outcomes, and a rule as data.

A rule names its point, conditions over the point's facts, and an outcome. The first rule of a point whose conditions all hold
decides; if none does, the point's default stands. So a rule without conditions is a site's own default. The evaluator is
gateway/wes/rules.py; docs/wes-rules.md is made from this module.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import Field, JsonValue, StringConstraints, TypeAdapter, model_validator

from gateway.contract.wiring import WiringModel

T = TypeVar("T")
Scalar = bool | int | float | str
"""A value that a fact may have."""
Facts = Mapping[str, type]
"""Facts by name, with their types; `name.*` stands for any fact of that beginning, of any type."""


class Bounds(WiringModel):
    """A number between two limits, either of which may be left out."""

    min: float | None = None
    max: float | None = None


class Like(WiringModel):
    """A text that fits a pattern with `*` and `?`, upper and lower case apart."""

    like: Annotated[str, Field(min_length=1, max_length=128)]


Condition = Scalar | Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=1000)] | Bounds | Like
"""A value (equal), a list (one of), `{min, max}` or `{like}`."""


class DecisionPoint(StrEnum):
    """Where rules are asked."""

    ARRIVAL = "arrival"
    RECEIPT = "receipt"
    ADMISSION = "admission"
    MIXING = "mixing"
    ORDER = "audit.order"
    LOT = "audit.lot"
    PACKAGING = "audit.packaging"
    TURNOVER = "audit.turnover"
    RESERVATION = "reservation"
    SHORTAGE = "shortage"
    DIVISION = "division"
    PICKING = "picking"
    MOVE = "move"
    SCAN = "scan"
    REVIEW = "review"
    RETURN = "return"
    SHIPPING = "shipping"
    FEEDBACK = "feedback"
    SYNC = "sync"


class Rule(WiringModel):
    """One rule of a site; docs/wes-rules.md lists facts and outcomes."""

    at: DecisionPoint
    when: Mapping[str, Condition] = Field(default_factory=dict[str, Condition])
    then: JsonValue


def holds(condition: Condition, value: Scalar | None) -> bool:
    """Tell whether a fact's value fulfils a condition; a fact that is not known fulfils none."""
    match condition, value:
        case _, None:
            return False
        case tuple(), _:
            return any(_equal(each, value) for each in condition)
        case Bounds(), bool() | str():
            return False
        case Bounds(), _:
            return (condition.min is None or condition.min <= value) and (
                condition.max is None or value <= condition.max
            )
        case Like(), str():
            return fnmatchcase(value, condition.like)
        case Like(), _:
            return False
        case _:
            return _equal(condition, value)


def _equal(one: Scalar, other: Scalar) -> bool:
    """Python takes True for 1; people do not."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


# ── outcomes ──────────────────────────────────────────────────────────────────────────────────────────


class Audit(StrEnum):
    """What becomes of an order that upstream sends (S1-49, S4-36)."""

    ACCEPT = "accept"
    HOLD = "hold"
    """Taken, but it waits until a person has looked at it."""
    REFUSE = "refuse"
    """Not taken; upstream has to mend it."""


class Packaging(StrEnum):
    """How a line is picked (S1-51)."""

    PIECE = "piece"
    CASE = "case"
    """Whole cases by themselves, the rest by the piece."""


class Turnover(StrEnum):
    """Which lots and positions go first (S1-52, S3-20)."""

    FIFO = "fifo"
    """The lot that came first."""
    FEFO = "fefo"
    """The one that expires first."""
    LIFO = "lifo"
    """The one that came last."""
    GIVEN = "given"
    """The one that the demand names."""
    NEAREST = "nearest"
    """The one with the shortest way to where it is wanted."""


class LotDemand(WiringModel):
    """What a lot must be like to be promised (S1-50), besides being qualified.

    Attributes:
        shelf_life_days: how long it must keep at least, from now.
    """

    shelf_life_days: Annotated[int, Field(ge=0, le=10_000)] = 0


class Reservation(StrEnum):
    """What a shortage of one line means for the others (S3-15 against S1-54)."""

    WHOLE_ORDER = "wholeOrder"
    """All lines or none."""
    PER_LINE = "perLine"
    """Lines that suffice go on."""
    PER_PIECE = "perPiece"
    """Whatever there is of each line goes on; what lacks of a line of which there is something never comes."""


class Shortage(StrEnum):
    """What becomes of an order that cannot be allocated in full (S1-59…61)."""

    BLOCK = "block"
    """Mode A: it waits until the shortage is mended."""
    PARTIAL = "partial"
    """Mode B: what is there goes out."""


class Division(StrEnum):
    """How an order becomes work orders (S1-64)."""

    ORDER = "order"
    """One order, one box, one work order."""
    ZONE = "zone"
    """One for each zone of its products."""


class Picking(StrEnum):
    """How a work order is picked (S1-69…76)."""

    STATION = "station"
    """From containers that come to a station, into the lit slots of its put wall if it has one."""
    WALL = "wall"
    """The same, and only where there is a put wall."""
    FLAT = "flat"
    """By a person who walks."""
    BLACK_BOX = "blackBox"
    """The gateway's side chooses containers."""


class Review(StrEnum):
    """Whether somebody looks at a box before it leaves (S1-78)."""

    REQUIRED = "required"
    SKIPPED = "skipped"


class Shipping(StrEnum):
    """How an order leaves that is packed and reviewed (S1-83)."""

    CONFIRMED = "confirmed"
    """Somebody confirms that the carrier has its boxes."""
    AUTOMATIC = "automatic"
    """It counts as shipped as soon as all of it is ready."""


class Feedback(StrEnum):
    """How upstream is told that goods have left (S0-43)."""

    ORDER = "order"
    """Once, when the whole order has."""
    BOX = "box"
    """For each box, and for the order with the last one."""


class Sync(StrEnum):
    """When upstream is told about a product's stock (S4-18)."""

    REAL_TIME = "realTime"
    """At every change, at once."""
    INCREMENTAL = "incremental"
    """If it has changed, with the next round."""
    SCHEDULED = "scheduled"
    """With every round of the schedule, changed or not."""
    OFF = "off"
    """Only with the daily full one."""


class Arriving(WiringModel):
    """What may come that was not announced just so (S2-65).

    Attributes:
        over_percent: how much more than was announced of a line, rounded down to pieces.
        unannounced: whether goods are taken in of which the notice has no line.
    """

    over_percent: Annotated[int, Field(ge=0, le=1_000)] = 0
    unannounced: bool = False


class Receiving(WiringModel):
    """What becomes of goods as they come in (S2-23).

    Attributes:
        inspect: good ones wait for an inspection, whatever the dock says.
        number_lots: those that come without a lot's number get one, by the site's rule for the codes of lots.
    """

    inspect: bool = False
    number_lots: bool = False


class Late(StrEnum):
    """What becomes of goods that come in too late."""

    REFUSE = "refuse"
    """They are not taken in; whoever brought them takes them back, or they come in as rejected."""
    INSPECT = "inspect"
    """They are taken in and wait until somebody judges them."""


class Admission(WiringModel):
    """How long goods must still keep when they come in (S2-64). Where both are said, both have to hold.

    Attributes:
        days: from now until they expire.
        percent: of the product's shelf life.
        late: what becomes of those that keep for less.
    """

    days: Annotated[int, Field(ge=0, le=10_000)] = 0
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    late: Late = Late.REFUSE


class Mixing(StrEnum):
    """What may lie together in one container or at one flat place (S2-103)."""

    ANY = "any"
    LOT_PER_PRODUCT = "lotPerProduct"
    """Several products, each of one lot."""
    ONE_LOT = "oneLot"
    """One lot and nothing else."""


LocationPattern = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Amount(StrEnum):
    """How much a replenishment brings, where that much is in the reserve."""

    NEEDED = "needed"
    """What waiting work lacks."""
    CASE = "case"
    """The same in whole cases."""
    ALL = "all"
    """All that the container or place of the reserve has of the lot."""


class PickPlaces(WiringModel):
    """Where pieces are picked, and how these places are filled up (S1-55, 库内移动规则); all are ids or patterns.

    Attributes:
        pick: the containers and flat places that pieces are picked from.
        reserve: the others, from which these are filled up; None: they are not.
        amount: how much is brought.
        station: where containers of the reserve are brought to be taken from.
        min, max: with less than `min` in the places to pick from they are filled up to `max` before any order asks; None: never.
    """

    pick: LocationPattern = "*"
    reserve: LocationPattern | None = None
    amount: Amount = Amount.CASE
    station: LocationPattern = "*"
    min: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.min is None) is not (self.max is None) or (self.min or 0) > (self.max or 0):
            raise ValueError("Give `min` and `max`, or neither, and `max` at least as large")
        if self.reserve is None and self.min is not None:
            raise ValueError("Name the `reserve` that they are filled up from")
        return self


class Scanning(StrEnum):
    """What must be scanned of goods that somebody takes (S2-58); what is scanned is judged in any case."""

    NONE = "none"
    PRODUCT = "product"
    """A code that tells which product it is, or numbers of its units."""
    LOT = "lot"
    """A code that tells its lot as well, where it has one."""


# ── points ────────────────────────────────────────────────────────────────────────────────────────────

ORDER_FACTS: Final[Facts] = {
    "owner": str,
    "carrier": str,
    "service": str,
    "priority": int,
    "province": str,
    "city": str,
    "lines": int,
    "units": int,
    "ext.*": object,
}
LINE_FACTS: Final[Facts] = {
    **ORDER_FACTS,
    "sku": str,
    "quantity": int,
    "cases": int,
    "lot": str,
    "product.*": object,
}
STOCK_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "available": int,
    "product.*": object,
}
ARRIVAL_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "supplier": str,
    "kind": str,
    "product.*": object,
}
MIXING_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "weight": int,
    "place": str,
    "zone": str,
    "product.*": object,
}
MOVE_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "mode": str,
    "product.*": object,
}
SCAN_FACTS: Final[Facts] = {
    "owner": str,
    "sku": str,
    "station": str,
    "product.*": object,
}
RETURN_FACTS: Final[Facts] = {
    "container": str,
    "station": str,
    "origin": str,
    "zone": str,
    "empty": bool,
    "demand": int,
    "heat": int,
    "load": int,
    "keeps": int,
}
FACT_MEANINGS: Final[Mapping[str, str]] = {
    "owner": "owner of the goods",
    "carrier": "`carrierCode` of the command",
    "service": "`serviceType` of the command",
    "priority": "0 … 9",
    "province": "of the consignee",
    "city": "of the consignee",
    "lines": "how many lines the order has",
    "units": "pieces of all its lines",
    "ext.*": "a text of the command's `extInfo`, e.g. `ext.channel`",
    "sku": "the line's product",
    "quantity": "pieces of the line",
    "cases": "whole cases in it; 0 where the product has no case",
    "lot": "lot that the line asks for",
    "product.*": "an attribute of the product, e.g. `product.zone`",
    "mode": "how it is picked: `station`, `wall`, `flat`, or `fullCase` for whole cases",
    "available": "what upstream may sell",
    "supplier": "who sends the goods, as the notice says it, or else the dock",
    "kind": "`purchase`, or `transfer` from another warehouse; goods that nobody has announced have none",
    "weight": "kg of a piece",
    "place": "the container or flat place that goods are put into",
    "container": "the container that is to go back",
    "station": "where it stands, or where goods are taken; on foot there is none",
    "origin": "the location that it came from",
    "zone": "the zone of that location, of the flat place, or of the work order's products",
    "empty": "nothing is left in it",
    "demand": "pieces in it that waiting orders want",
    "load": "kg of the goods in it, where all their weights are known",
    "keeps": "days until the first of it expires",
    "heat": "how often it was brought to a station in the last days (`relocation: days`, or 7)",
}


@dataclass(frozen=True, slots=True)
class Point(Generic[T]):
    """One point of decision.

    Attributes:
        decides: what, in words.
        facts: what conditions may ask for.
    """

    name: DecisionPoint
    decides: str
    facts: Facts
    outcome: TypeAdapter[T]
    default: T


ARRIVAL: Final = Point(
    DecisionPoint.ARRIVAL,
    "what is taken in of announced goods that is not as it was announced",
    ARRIVAL_FACTS,
    TypeAdapter(Arriving),
    Arriving(),
)
RECEIPT: Final = Point(
    DecisionPoint.RECEIPT,
    "whether goods that come in wait for an inspection, and whether their lots get a number",
    ARRIVAL_FACTS,
    TypeAdapter(Receiving),
    Receiving(),
)
ADMISSION: Final = Point(
    DecisionPoint.ADMISSION,
    "how long goods must still keep when they come in",
    ARRIVAL_FACTS,
    TypeAdapter(Admission),
    Admission(),
)
MIXING: Final = Point(
    DecisionPoint.MIXING,
    "what may lie together in one container or at one flat place",
    MIXING_FACTS,
    TypeAdapter(Mixing),
    Mixing.ANY,
)
ORDER: Final = Point(
    DecisionPoint.ORDER,
    "whether an order is taken, or waits for a person first",
    ORDER_FACTS,
    TypeAdapter(Audit),
    Audit.ACCEPT,
)
LOT: Final = Point(
    DecisionPoint.LOT,
    "what a line's lots must be like",
    LINE_FACTS,
    TypeAdapter(LotDemand),
    LotDemand(),
)
PACKAGING: Final = Point(
    DecisionPoint.PACKAGING,
    "whether whole cases of a line are picked apart",
    LINE_FACTS,
    TypeAdapter(Packaging),
    Packaging.PIECE,
)
TURNOVER: Final = Point(
    DecisionPoint.TURNOVER,
    "which lots a line takes first; a line that names a lot gets that one",
    LINE_FACTS,
    TypeAdapter(Turnover),
    Turnover.FEFO,
)
RESERVATION: Final = Point(
    DecisionPoint.RESERVATION,
    "whether one short line holds up the others",
    ORDER_FACTS,
    TypeAdapter(Reservation),
    Reservation.WHOLE_ORDER,
)
SHORTAGE: Final = Point(
    DecisionPoint.SHORTAGE,
    "whether an order that cannot be allocated in full waits",
    ORDER_FACTS,
    TypeAdapter(Shortage),
    Shortage.BLOCK,
)
DIVISION: Final = Point(
    DecisionPoint.DIVISION,
    "how an order becomes work orders",
    ORDER_FACTS,
    TypeAdapter(Division),
    Division.ORDER,
)
PICKING: Final = Point(
    DecisionPoint.PICKING,
    "how the pieces of a work order are picked",
    {**ORDER_FACTS, "zone": str},
    TypeAdapter(Picking),
    Picking.STATION,
)
MOVE: Final = Point(
    DecisionPoint.MOVE,
    "from which containers and flat places a product is picked, and from where these are filled up",
    MOVE_FACTS,
    TypeAdapter(PickPlaces),
    PickPlaces(),
)
SCAN: Final = Point(
    DecisionPoint.SCAN,
    "what must be scanned of goods that somebody takes",
    SCAN_FACTS,
    TypeAdapter(Scanning),
    Scanning.NONE,
)
REVIEW: Final = Point(
    DecisionPoint.REVIEW,
    "whether the boxes of an order are reviewed",
    ORDER_FACTS,
    TypeAdapter(Review),
    Review.SKIPPED,
)
RETURN: Final = Point(
    DecisionPoint.RETURN,
    "to which storage locations a container may return (id or pattern); it takes the nearest free one",
    RETURN_FACTS,
    TypeAdapter(LocationPattern),
    "*",
)
SHIPPING: Final = Point(
    DecisionPoint.SHIPPING,
    "whether somebody confirms that an order has left",
    ORDER_FACTS,
    TypeAdapter(Shipping),
    Shipping.CONFIRMED,
)
FEEDBACK: Final = Point(
    DecisionPoint.FEEDBACK,
    "whether upstream hears of each box that leaves",
    ORDER_FACTS,
    TypeAdapter(Feedback),
    Feedback.ORDER,
)
SYNC: Final = Point(
    DecisionPoint.SYNC,
    "when upstream is told about a product's stock",
    STOCK_FACTS,
    TypeAdapter(Sync),
    Sync.INCREMENTAL,
)

POINTS: Final[Mapping[DecisionPoint, Point[Any]]] = {
    point.name: point
    for point in (
        ARRIVAL,
        RECEIPT,
        ADMISSION,
        MIXING,
        ORDER,
        LOT,
        PACKAGING,
        TURNOVER,
        RESERVATION,
        SHORTAGE,
        DIVISION,
        PICKING,
        MOVE,
        SCAN,
        REVIEW,
        RETURN,
        SHIPPING,
        FEEDBACK,
        SYNC,
    )
}


def fact_type(facts: Facts, fact: str) -> type | None:
    """Return the type of a fact, `object` for any; None for one that is not among these facts."""
    family, dot, name = fact.partition(".")
    if not dot:
        return facts.get(fact)
    return facts.get(f"{family}.*") if name not in {"", "*"} else None
