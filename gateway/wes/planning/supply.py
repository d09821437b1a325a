"""What there is for waiting work: where it is picked, on its way there, in the reserve, or nowhere (S1-55, S1-59…61).

What is there is dealt out in the order of the works, as if nobody else took anything. A container that cannot be had just now
counts as there; goods that stand nowhere and are not under way do not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from gateway.kernel.ports import Tx
from gateway.site.rules import PickPlaces
from gateway.wes.codes import Code, ReplenishmentState
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.planning.blocks import LOCKED
from gateway.wes.planning.demand import ANYWHERE, Part, Waiting
from gateway.wes.planning.presentations import TAKEN_FROM, Purpose


@dataclass(slots=True)
class Stock:
    """Free pieces of a lot in one container or at one flat place.

    Attributes:
        at_hand: it can be had now: it stands at its place, or is coming to be taken from.
        halted: it cannot be had before its transport has been decided about, or withdrawn, or a person opens its place again.
        left: pieces that are not dealt out.
    """

    holder_id: str
    kind: str
    at_hand: bool
    halted: bool
    left: int


@dataclass(slots=True)
class Coming:
    """What a replenishment brings beyond what work waits for.

    Attributes:
        places: pattern of ids that it may be put into.
    """

    replenishment_id: int
    kind: str
    places: str
    left: int


P = TypeVar("P", Stock, Coming)


@dataclass(frozen=True, slots=True)
class Join:
    """A work order waits for so much of a replenishment that there is already."""

    work: Waiting
    replenishment_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Need:
    """A work order needs a part brought out of the reserve to where pieces are picked.

    Attributes:
        kind: what pieces are picked from.
        source: has it; what of it is not dealt out may be brought along.
    """

    work: Waiting
    part: Part
    kind: str
    source: Stock


@dataclass(frozen=True, slots=True)
class Supply:
    """What there is for works.

    Attributes:
        missing: by work id, the parts that are nowhere.
    """

    missing: Mapping[int, tuple[Part, ...]]
    joins: tuple[Join, ...]
    needs: tuple[Need, ...]


# A lot that has expired by the clock is used for nothing, whether somebody has marked it or not.
_THERE: Final = f"""SELECT p.lot_id, p.holder_id, h.kind, p.quantity - p.allocated - p.held, h.location_id, {LOCKED},
a.purpose, a.state FROM positions p JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id
LEFT JOIN presentations a ON a.container_id = p.holder_id AND a.state NOT IN ('done', 'cancelled')
WHERE p.lot_id = :lot_id AND p.quantity > 0 AND p.quantity > p.allocated + p.held AND h.kind IN ('container', 'location')
AND l.quality = 'qualified' AND (l.expiry_at IS NULL OR l.expiry_at > :now)
AND (h.location_id IS NOT NULL OR a.presentation_id IS NOT NULL)
ORDER BY p.lot_id, CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END, h.distance, p.holder_id"""
# Wherever it is.
_OF_LOT: Final = """SELECT lot_id, quantity - allocated - held FROM lots
WHERE lot_id = :lot_id AND quality = 'qualified' AND (expiry_at IS NULL OR expiry_at > :now)"""
_COMING: Final = f"""SELECT r.lot_id, r.replenishment_id, r.kind, r.places, r.source_id, r.state, r.quantity, r.moved,
CAST(COALESCE((SELECT SUM(x.quantity) FROM work_waits x JOIN work_orders w ON w.work_id = x.work_id
    WHERE x.replenishment_id = r.replenishment_id AND w.code < {Code.CANCELLING:d}), 0) AS BIGINT)
FROM replenishments r WHERE r.lot_id = :lot_id AND r.state IN ('open', 'begun', 'filled') ORDER BY r.replenishment_id"""


@dataclass(slots=True)
class Shelf:
    """All that there is of one lot."""

    stocks: list[Stock] = field(default_factory=list[Stock])
    coming: list[Coming] = field(default_factory=list[Coming])

    def to_pick(self, places: PickPlaces, kind: str) -> Iterator[Stock]:
        """Yield where it is picked, as far as anybody asks: of what many orders want there may be thousands."""
        return (each for each in self.stocks if each.left and _is_picked(each, places, kind))

    def reserve(self, places: PickPlaces, kind: str) -> list[Stock]:
        """Return where the places to pick from are filled up from, what can be had now first."""
        pattern = places.reserve
        if pattern is None:
            return []
        found = [
            each
            for each in self.stocks
            if fnmatchcase(each.holder_id, pattern) and not _is_picked(each, places, kind)
        ]
        return sorted(found, key=lambda each: not each.at_hand)

    def on_its_way(self, places: PickPlaces, kind: str) -> list[Coming]:
        """Return what is brought to where it is picked."""
        return [each for each in self.coming if (each.kind, each.places) == (kind, places.pick)]


async def look_for(tx: Tx, context: WesContext, works: Sequence[Waiting], kind: str) -> Supply:
    """Return what there is for works.

    Args:
        tx: the transaction.
        context: the time and the site's places.
        works: the most pressing first.
        kind: of the holders that they are picked from.
    """
    load = _load_lots if kind == ANYWHERE else load_shelves
    shelves = await load(tx, context, {part.lot_id for work in works for part in work.parts})
    missing: dict[int, tuple[Part, ...]] = {}
    joins: list[Join] = []
    needs: list[Need] = []
    for work in works:
        lacks: list[Part] = []
        for part in work.parts:
            shelf, left = shelves[part.lot_id], part.quantity
            for _, taken in take_from(shelf.to_pick(part.places, kind), left):
                left -= taken
            for coming, taken in take_from(shelf.on_its_way(part.places, kind), left):
                joins.append(Join(work, coming.replenishment_id, taken))
                left -= taken
            for stock, taken in take_from(shelf.reserve(part.places, kind) if left else (), left):
                needs.append(Need(work, replace(part, quantity=taken), kind, stock))
                left -= taken
            if left:
                lacks.append(replace(part, quantity=left))
        if lacks:
            missing[work.work_id] = tuple(lacks)
    served = {work.work_id for work in works if work.code is Code.PREALLOCATED} - missing.keys()
    return Supply(
        missing,
        tuple(each for each in joins if each.work.work_id in served),
        tuple(each for each in needs if each.work.work_id in served and each.source.at_hand),
    )


async def load_shelves(tx: Tx, context: WesContext, lots: set[int]) -> Mapping[int, Shelf]:
    """Return all that there is of lots, the nearest first, less what replenishments are to take from there."""
    now = context.clock.now_us()
    shelves: defaultdict[int, Shelf] = defaultdict(Shelf)
    promised: defaultdict[tuple[int, str], int] = defaultdict(int)
    rows = await tx.fetch_many(_COMING, [{"lot_id": lot_id} for lot_id in sorted(lots)])
    for lot_id, number, kind, places, source_id, state, quantity, moved, waited_for in rows:
        filled = state == ReplenishmentState.FILLED
        rest = moved if filled else quantity - moved
        spare = rest - max(0, waited_for - (0 if filled else moved))
        shelves[lot_id].coming.append(Coming(number, kind, places, max(0, spare)))
        promised[lot_id, source_id] += 0 if filled else rest
    rows = await tx.fetch_many(_THERE, [{"lot_id": lot_id, "now": now} for lot_id in sorted(lots)])
    for lot_id, holder_id, kind, free, location_id, locked, purpose, state in rows:
        idle = state is None or (purpose == Purpose.REPLENISH and S(state) in TAKEN_FROM)
        at_hand = not locked and location_id in context.layout.places and (kind == "location" or idle)
        left = max(0, free - promised[lot_id, holder_id])
        halted = bool(locked) or state in (S.FAILED, S.RECALLED)
        shelves[lot_id].stocks.append(Stock(holder_id, kind, at_hand, halted, left))
    return shelves


async def _load_lots(tx: Tx, context: WesContext, lots: set[int]) -> Mapping[int, Shelf]:
    """Return all that there is of lots, each as one pile: where it lies is the gateway's side's matter."""
    now = context.clock.now_us()
    shelves: defaultdict[int, Shelf] = defaultdict(Shelf)
    for lot_id, left in await tx.fetch_many(
        _OF_LOT, [{"lot_id": lot_id, "now": now} for lot_id in sorted(lots)]
    ):
        shelves[lot_id].stocks.append(Stock(ANYWHERE, ANYWHERE, at_hand=True, halted=False, left=left))
    return shelves


def _is_picked(stock: Stock, places: PickPlaces, kind: str) -> bool:
    return stock.kind == kind and (kind == ANYWHERE or fnmatchcase(stock.holder_id, places.pick))


def take_from(piles: Iterable[P], wanted: int) -> Iterator[tuple[P, int]]:
    """Take from one pile after the other until there is enough; yield from which, and how much."""
    for pile in piles:
        if not wanted:
            return
        if taken := min(pile.left, wanted):
            pile.left -= taken
            wanted -= taken
            yield pile, taken
