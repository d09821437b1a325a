"""Count orders and their lines: ordered for a scope, expanded in one commit, ended with their last line.

A line goes from open to agreed when the count is as the books are. If it is not, somebody else counts it again; what differs then
waits for a person who approves it or has it counted once more. No two open lines are about the same goods.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from hashlib import sha256
from math import ceil
from typing import Final, assert_never

from pydantic_core import from_json

from gateway.contract.counts import (
    LINES_MAX,
    AtLocations,
    Everything,
    InHolders,
    InZone,
    NotCounted,
    OfProducts,
    OrderCount,
    Sample,
)
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.counting.books import Difference
from gateway.wes.planning.tasks import conflict, missing

DAY_US: Final = 86_400_000_000


class LineState(StrEnum):
    """What becomes of a line."""

    OPEN = "open"
    """Nobody has counted it."""
    AGAIN = "again"
    """Somebody else than the last one counts it again."""
    DIFFERS = "differs"
    """Somebody approves the difference, or has it counted once more."""
    AGREED = "agreed"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


TO_COUNT: Final = (LineState.OPEN, LineState.AGAIN)
MOVES: Final[Mapping[LineState, frozenset[LineState]]] = {
    LineState.OPEN: frozenset({LineState.AGAIN, LineState.AGREED, LineState.WITHDRAWN}),
    LineState.AGAIN: frozenset({LineState.AGREED, LineState.DIFFERS, LineState.WITHDRAWN}),
    LineState.DIFFERS: frozenset({LineState.AGAIN, LineState.APPROVED, LineState.WITHDRAWN}),
    LineState.AGREED: frozenset(),
    LineState.APPROVED: frozenset(),
    LineState.WITHDRAWN: frozenset(),
}
"""Where a line may go from where; what may go nowhere has ended."""


@dataclass(frozen=True, slots=True)
class Round:
    """The last count of a line.

    Attributes:
        held: pieces that the books held there at that moment.
    """

    operator: str
    quantity: int
    damaged: int
    books: int
    held: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class Line:
    """One lot in one container or at one place.

    Attributes:
        number: how often it was counted.
        last: None: nobody has counted it.
    """

    line_id: int
    count_id: int
    count_no: str
    holder_id: str
    lot_id: int
    state: LineState
    claimant: str | None
    number: int
    last: Round | None


_ORDER: Final = (
    "INSERT INTO counts (count_id, count_no, request, digest, blind, dynamic, due_at, state, created_at)"
    " VALUES (:count_id, :count_no, :request, :digest, :blind, :dynamic, :due_at, 'open', :at_us) ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT count_id, digest FROM counts WHERE count_no = :count_no"
# Has the order to itself until the transaction ends: who ends its last line ends it.
_TAKE: Final = "UPDATE counts SET state = state WHERE count_id = :count_id RETURNING state, request"
_NUMBER: Final = "SELECT count_id FROM counts WHERE count_no = :count_no"
_ADD: Final = (
    "INSERT INTO count_lines (line_id, count_id, holder_id, lot_id, state, round, unexpected)"
    " VALUES (:line_id, :count_id, :holder_id, :lot_id, 'open', 0, :unexpected)"
    " ON CONFLICT (holder_id, lot_id) WHERE ended_at IS NULL DO NOTHING RETURNING line_id"
)
_IN_STOCK: Final = (
    "p.quantity > 0 AND h.warehouse_id = :warehouse_id AND h.kind IN ('container', 'location') AND NOT EXISTS"
    " (SELECT 1 FROM count_lines c WHERE c.holder_id = p.holder_id AND c.lot_id = p.lot_id AND c.ended_at IS NULL)"
)
_STANDING: Final = (
    "SELECT h.holder_id, p.lot_id, COALESCE(h.location_id, '') FROM holders h"
    f" JOIN positions p ON p.holder_id = h.holder_id WHERE {_IN_STOCK}"
)
_IN_ZONE: Final = f"{_STANDING} AND h.zone = :zone"
_IN_HOLDER: Final = f"{_STANDING} AND h.holder_id = :holder_id"
_NOT_COUNTED: Final = f"{_STANDING} AND (p.counted_at IS NULL OR p.counted_at < :before)"
_OF_PRODUCT: Final = (
    "SELECT h.holder_id, p.lot_id, COALESCE(h.location_id, '') FROM pools o JOIN lots l ON l.pool_id = o.pool_id"
    " JOIN positions p ON p.lot_id = l.lot_id JOIN holders h ON h.holder_id = p.holder_id"
    " WHERE o.warehouse_id = :warehouse_id AND o.owner_id = :owner_id AND o.sku = :sku AND l.quantity > 0"
    f" AND {_IN_STOCK}"
)
_LINE: Final = (
    "SELECT l.line_id, l.count_id, c.count_no, l.holder_id, l.lot_id, l.state, l.claimant, l.round, r.operator,"
    " r.quantity, r.damaged, r.books, r.held, r.more, r.less, r.found, r.missing FROM count_lines l"
    " JOIN counts c ON c.count_id = l.count_id LEFT JOIN count_rounds r ON r.line_id = l.line_id AND r.round = l.round"
)
_BY_ID: Final = f"{_LINE} WHERE l.line_id = :line_id"
_AT: Final = (
    f"{_LINE} WHERE l.count_id = :count_id AND l.holder_id = :holder_id AND l.state IN ('open', 'again')"
    " ORDER BY l.lot_id"
)
_MOVE: Final = (
    "UPDATE count_lines SET state = :state, claimant = NULL, ended_at = :ended_at WHERE line_id = :line_id"
    " AND state = :before"
)


async def order_count(tx: Tx, context: WesContext, order: OrderCount) -> int:
    """Order a count, and say in the same commit what is counted; the same again changes nothing. Returns its number.

    Raises:
        Refusal: another count has this id, there is nothing in the scope, or far too much.
    """
    count_id, text = context.ids.next(), order.model_dump_json()
    row: dict[str, SqlValue] = {
        "count_id": count_id,
        "count_no": order.count_id,
        "request": text,
        "digest": sha256(text.encode()).hexdigest()[:32],
        "blind": int(order.blind),
        "dynamic": int(order.dynamic),
        "due_at": None if order.due_at is None else to_micros(order.due_at),
        "at_us": context.clock.now_us(),
    }
    if not await tx.execute(_ORDER, row):
        ((known, digest),) = await tx.fetch(_KNOWN, {"count_no": order.count_id})
        if digest != row["digest"]:
            raise conflict(
                "countId", "idReused", f"count {order.count_id} was ordered before with another body"
            )
        return known
    found = _sample(await _in_scope(tx, context, order), order.sample)
    if len(found) > LINES_MAX:
        text = f"{len(found)} lines are too many for one count: {LINES_MAX} at most. Narrow the scope, or take a sample"
        raise conflict("scope", "tooMany", text)
    lines: list[dict[str, SqlValue]] = [
        {
            "line_id": context.ids.next(),
            "count_id": count_id,
            "holder_id": holder_id,
            "lot_id": lot_id,
            "unexpected": 0,
        }
        for holder_id, lot_id in found
    ]
    if not await tx.fetch_many(_ADD, lines):
        text = "there is nothing in this scope, or all of it is being counted already"
        raise conflict("scope", "nothingToCount", text)
    return count_id


async def add_unexpected(tx: Tx, context: WesContext, count_id: int, holder_id: str, lot_id: int) -> Line:
    """Add a line for goods that were found where a count had none.

    Raises:
        Refusal: they are being counted already.
    """
    line_id = context.ids.next()
    row: dict[str, SqlValue] = {
        "line_id": line_id,
        "count_id": count_id,
        "holder_id": holder_id,
        "lot_id": lot_id,
        "unexpected": 1,
    }
    if not await tx.fetch_many(_ADD, [row]):
        text = f"there is a line for them in {holder_id}: count that"
        raise conflict("holderId", "hasLine", text)
    (line,) = await find_lines(tx, [line_id])
    return line


async def number_of(tx: Tx, count_no: str) -> int:
    """Return the number of a count order.

    Raises:
        Refusal: there is none of this id.
    """
    rows = await tx.fetch(_NUMBER, {"count_no": count_no})
    if not rows:
        raise missing("countId", f"no count {count_no}")
    return rows[0][0]


async def lock_count(tx: Tx, count_id: int) -> OrderCount:
    """Return an open count order, nobody else changing it or its lines until the transaction ends.

    Raises:
        Refusal: it has ended.
    """
    ((state, request),) = await tx.fetch(_TAKE, {"count_id": count_id})
    order = OrderCount.model_validate_json(request)
    if state != "open":
        raise conflict("countId", "hasEnded", f"count {order.count_id} has ended")
    return order


async def find_lines(tx: Tx, line_ids: Sequence[int]) -> list[Line]:
    """Return lines by their numbers.

    Raises:
        Refusal: there is no such line.
    """
    rows = await tx.fetch_many(_BY_ID, [{"line_id": line_id} for line_id in line_ids])
    if unknown := sorted(set(line_ids) - {row[0] for row in rows}):
        raise missing("lineId", f"no line {unknown[0]} of a count")
    return [_line(row) for row in rows]


async def lines_to_count(tx: Tx, count_id: int, holder_id: str) -> list[Line]:
    """Return the lines of a container or place that somebody has to count, its order locked."""
    rows = await tx.fetch(_AT, {"count_id": count_id, "holder_id": holder_id})
    return [_line(row) for row in rows]


async def move_line(tx: Tx, context: WesContext, line: Line, state: LineState) -> None:
    """Give a line its next state; its order is locked.

    Raises:
        Refusal: the books have just been put right otherwise, so that what was counted is void.
    """
    assert state in MOVES[line.state], f"{line.state} to {state}"
    row: dict[str, SqlValue] = {
        "line_id": line.line_id,
        "before": line.state,
        "state": state,
        "ended_at": None if MOVES[state] else context.clock.now_us(),
    }
    if not await tx.execute(_MOVE, row):
        text = f"somebody has just counted what line {line.line_id} is about: look again"
        raise conflict("lineIds", "overtaken", text)


def is_same(operator: str, other: str) -> bool:
    """Tell whether two names are of one person: large and small letters make no difference."""
    return operator.casefold() == other.casefold()


async def _in_scope(tx: Tx, context: WesContext, order: OrderCount) -> list[tuple[str, int]]:
    """Return (holder, lot) of all goods in the scope that nobody is counting."""
    here: dict[str, SqlValue] = {"warehouse_id": context.wes.warehouse_id}
    match order.scope:
        case Everything():
            found = await tx.fetch(_STANDING, here)
        case InZone(zone=zone):
            found = await tx.fetch(_IN_ZONE, {**here, "zone": zone})
        case AtLocations(pattern=pattern):
            found = [row for row in await tx.fetch(_STANDING, here) if fnmatchcase(row[2], pattern)]
        case OfProducts(sku_ids=skus, owner_id=owner_id):
            owned = {**here, "owner_id": owner_id or context.wes.owner}
            found = await tx.fetch_many(_OF_PRODUCT, [{**owned, "sku": sku} for sku in skus])
        case InHolders(holder_ids=holders):
            found = await tx.fetch_many(_IN_HOLDER, [{**here, "holder_id": name} for name in holders])
        case NotCounted(days=days):
            before = context.clock.now_us() - days * DAY_US
            found = await tx.fetch(_NOT_COUNTED, {**here, "before": before})
        case _:
            assert_never(order.scope)
    return sorted((row[0], row[1]) for row in found)


def _sample(found: Sequence[tuple[str, int]], sample: Sample | None) -> Sequence[tuple[str, int]]:
    """Return what lies in a share of the holders, drawn by a seed: each has its place in an order that the seed makes."""
    if sample is None:
        return found
    drawn = _drawn({holder_id for holder_id, _ in found}, sample)
    return [each for each in found if each[0] in drawn]


def _drawn(holders: Iterable[str], sample: Sample) -> set[str]:
    mixed = sorted(holders, key=lambda holder_id: sha256(f"{sample.seed}/{holder_id}".encode()).digest())
    return set(mixed[: ceil(sample.share * len(mixed))])


def _line(row: Row) -> Line:
    line_id, count_id, count_no, holder_id, lot_id, state, claimant, number = row[:8]
    operator, quantity, damaged, books, held, more, less, found, lost = row[8:]
    last = None
    if operator is not None:
        difference = Difference(more, less, tuple(from_json(found)), tuple(from_json(lost)))
        last = Round(operator, quantity, damaged, books, held, difference)
    return Line(line_id, count_id, count_no, holder_id, lot_id, LineState(state), claimant, number, last)
