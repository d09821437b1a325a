"""What stock consists of, and the laws that an event of the ledger keeps by itself.

Double entry: in every event the physical quantities of each lot sum to zero over all holders. Goods that come in or go
out come from or go to an account outside, which stands in the ledger and has no balance.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.contract.clock import Micros

LINES_MAX: Final = 10_000
"""Balances that one event may change."""
QUANTITY_MAX: Final = 1_000_000_000_000
"""Units in one line."""

PICK_TO_LOCATION: Final = "LOC00000005"


class Quality(StrEnum):
    """Whether a lot may be used (S2-114)."""

    PENDING = "pending"
    QUALIFIED = "qualified"
    REJECTED = "rejected"
    EXPIRED = "expired"


class HolderKind(StrEnum):
    """What stock is booked to."""

    CONTAINER = "container"
    LOCATION = "location"
    """A flat place without containers."""
    VIRTUAL = "virtual"
    """One of a warehouse's own accounts."""
    OUTSIDE = "outside"
    """An account outside: it stands in the ledger and has no balance."""


class Virtual(StrEnum):
    """Accounts that every warehouse has: real goods at no place of their own."""

    RCV_AREA = "RCV_AREA"
    PICK_TO = "PICK_TO"
    MOVING = "MOVING"
    """Out of its place for a transfer, and not yet where it goes."""

    def of(self, warehouse_id: str) -> str:
        """Return the id of this account of a warehouse."""
        return f"{warehouse_id}/{self}"


SUPPLIER: Final = "SUPPLIER"
SHIPPED: Final = "SHIPPED"
ADJUST: Final = "ADJUST"
TRANSFER: Final = "TRANSFER"
"""Another warehouse: what comes from there was bought before (S2-37), and what goes there is not sold (S2-39)."""
PRODUCTION: Final = "PRODUCTION"
"""What the house itself uses up."""
OUTSIDE: Final = frozenset({SUPPLIER, SHIPPED, ADJUST, TRANSFER, PRODUCTION})


class EventKind(StrEnum):
    """What happened."""

    RECEIVE = "receive"
    PUTAWAY = "putaway"
    MOVE = "move"
    RESERVE = "reserve"
    RELEASE = "release"
    ALLOCATE = "allocate"
    DEALLOCATE = "deallocate"
    PICK = "pick"
    SHORT = "short"
    PUT_BACK = "putBack"
    SHIP = "ship"
    HAND_OVER = "handOver"
    GAIN = "gain"
    LOSS = "loss"
    SCRAP = "scrap"
    SUPPLIER_RETURN = "supplierReturn"
    HOLD = "hold"
    UNHOLD = "unhold"
    QUALITY = "quality"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The four figures, of a balance or of a change to it.

    Attributes:
        quantity: what is there.
        reserved: of that, promised to order lines; a position has none.
        allocated: of what is reserved, bound to positions.
        held: what must not be promised.
    """

    quantity: int = 0
    reserved: int = 0
    allocated: int = 0
    held: int = 0

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(
            quantity=self.quantity + other.quantity,
            reserved=self.reserved + other.reserved,
            allocated=self.allocated + other.allocated,
            held=self.held + other.held,
        )

    def __mul__(self, times: int) -> "Balance":
        return Balance(
            quantity=self.quantity * times,
            reserved=self.reserved * times,
            allocated=self.allocated * times,
            held=self.held * times,
        )

    @property
    def available(self) -> int:
        """What can still be promised, of a lot or a pool."""
        return self.quantity - self.reserved - self.held

    @property
    def free(self) -> int:
        """What can still be allocated or taken away, at a position."""
        return self.quantity - self.allocated - self.held


NOTHING: Final = Balance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The stock of one SKU of one owner in one warehouse: level 1."""

    pool_id: int
    warehouse_id: str
    owner_id: str
    sku: str
    safety: int
    balance: Balance

    @property
    def sellable(self) -> int:
        """What upstream may sell (S4-21)."""
        return max(0, self.balance.available - self.safety)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A batch of a pool: level 2.

    Attributes:
        serial: every unit of it is known by its UPN.
        unplaced: of what is allocated, bound to no position.
        barred: of what is held, held at no position, because of the quality.
        recalled: nothing more of it is promised, and nothing leaves.
    """

    lot_id: int
    pool_id: int
    lot_no: str
    supplier: str
    production_at: Micros | None
    expiry_at: Micros | None
    received_at: Micros
    quality: Quality
    serial: bool
    unplaced: int
    barred: int
    recalled: bool
    balance: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What stock is booked to.

    Attributes:
        location_id: where it stands; None: at no location.
        distance: m to where its goods are wanted; None: nobody has measured it, so it comes last.
    """

    holder_id: str
    kind: HolderKind
    warehouse_id: str
    location_id: str | None = None
    zone: str = ""
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """So much of one lot, wherever it is."""

    lot_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Portion:
    """So much of one lot at one holder.

    Attributes:
        units: the UPNs, all of them where the lot is known by unit and goods move.
    """

    holder_id: str
    lot_id: int
    quantity: int
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A change of one position and what it is part of; without a holder, of lot and pool only.

    Reservations are promised out of a lot, so only a line without holder changes them; goods are somewhere, so only
    one with a holder changes quantities.
    """

    lot_id: int
    holder_id: str | None
    change: Balance


@dataclass(frozen=True, slots=True)
class UnitMove:
    """One unit goes from one holder to another, either of which may be outside.

    Attributes:
        upn: its number, which no other unit of the same product has.
    """

    upn: str
    lot_id: int
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who does something to stock, when, for which document, and why.

    Attributes:
        event_id: the same id again is the same event again, and changes nothing.
        operator: a person or a part of the system.
        at: when; events are ordered by it.
    """

    event_id: str
    document_kind: str
    document_id: str
    operator: str
    at: Micros
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to stock: all of it or nothing.

    Attributes:
        lines: at most one for each balance, in the order in which the balances are taken.
        units: what moves of lots that are known by unit.
        quality: what the lot of these lines has from now on.
    """

    act: Act
    kind: EventKind
    lines: tuple[Line, ...]
    units: tuple[UnitMove, ...] = ()
    quality: Quality | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where the event breaks the laws; it is the caller's mistake."""
        if not 0 < len(self.lines) <= LINES_MAX:
            raise ValueError(f"{self.kind} has {len(self.lines)} lines; 1 to {LINES_MAX} can be posted")
        for line in self.lines:
            _check(line)
        for lot_id, quantity in _net(self.lines).items():
            if quantity:
                raise ValueError(f"{self.kind} makes {quantity} of lot {lot_id} out of nothing")
        if {line.lot_id for line in self.lines if line.holder_id in OUTSIDE} - {
            line.lot_id for line in self.lines if line.holder_id not in OUTSIDE
        }:
            raise ValueError(f"{self.kind} has goods that never come inside")
        if len({(unit.lot_id, unit.upn) for unit in self.units}) < len(self.units):
            raise ValueError(f"{self.kind} moves a unit twice")


def event(act: Act, kind: EventKind, lines: Iterable[Line], units: Iterable[UnitMove] = ()) -> Event:
    """Return an event of these lines; those of the same balance are added up."""
    changes: dict[tuple[int, str | None], Balance] = {}
    for line in lines:
        key = (line.lot_id, line.holder_id)
        changes[key] = changes.get(key, NOTHING) + line.change
    ordered = sorted(changes.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    kept = tuple(Line(*key, change) for key, change in ordered if change != NOTHING)
    return Event(act, kind, kept, tuple(sorted(units, key=lambda unit: (unit.upn, unit.lot_id))))


def _check(line: Line) -> None:
    change = line.change
    figures = (change.quantity, change.reserved, change.allocated, change.held)
    if max(map(abs, figures)) > QUANTITY_MAX:
        raise ValueError(f"a line of lot {line.lot_id} is larger than {QUANTITY_MAX}")
    if line.holder_id is None and change.quantity:
        raise ValueError(f"goods of lot {line.lot_id} change without a holder")
    if line.holder_id is not None and change.reserved:
        raise ValueError(
            f"lot {line.lot_id} is reserved at {line.holder_id}: reservations are a lot's, not a position's"
        )
    if line.holder_id in OUTSIDE and (change.allocated or change.held):
        raise ValueError(f"{line.holder_id} is outside: nothing can be allocated or held there")


def _net(lines: Iterable[Line]) -> Counter[int]:
    net: Counter[int] = Counter()
    for line in lines:
        net[line.lot_id] += line.change.quantity
    return net
