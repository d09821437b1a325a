"""What waits to be allocated: work orders, and the lots promised to their lines (S0-25, S1-55)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic_core import from_json

from gateway.contract.clock import Micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.site import rules
from gateway.site.rules import PickPlaces
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.rows import family
from gateway.wes.orders.work import FULL_CASE

STATION: Final = "station"
WALL: Final = "wall"
AT_STATIONS: Final = (STATION, WALL)
"""Modes of picking in which containers come to people."""
ON_FOOT: Final = ("flat", "fullCase")
"""Modes in which people walk."""
BLACK_BOX: Final = "blackBox"
ANYWHERE: Final = "anywhere"
"""What black-box work is picked from: the gateway's side chooses."""
PLACED: Final = ((AT_STATIONS, "container"), (ON_FOOT, "location"))
"""What is picked from, by mode, where the books say where."""
KINDS: Final = (*PLACED, ((BLACK_BOX,), ANYWHERE))
"""What is picked from, by mode."""


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one lot for a line.

    Attributes:
        holder_id: from here; None: that is not decided yet.
        places: where it may be taken from.
        case: pieces in a whole case; None: there are no cases.
    """

    line_id: int
    sku: str
    lot_id: int
    quantity: int
    holder_id: str | None = None
    places: PickPlaces = field(default_factory=PickPlaces)
    case: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A work order that waits, with all that its lines are promised for it, or that it is bound to already.

    Attributes:
        came_at: when its order came.
    """

    work_id: int
    order_id: int
    mode: str
    priority: int
    deadline_at: Micros | None
    came_at: Micros
    wave_id: int | None
    zone: str | None
    code: Code
    parts: tuple[Part, ...] = ()


READY: Final = """w.held IS NULL AND NOT EXISTS (SELECT 1 FROM work_waits x
JOIN replenishments r ON r.replenishment_id = x.replenishment_id WHERE x.work_id = w.work_id AND r.ended_at IS NULL)"""
"""Of work orders `w`: neither a person nor a replenishment is waited for."""
PROMISED: Final = f"""(w.code >= {Code.ALLOCATED:d} OR NOT EXISTS (SELECT 1 FROM work_lines y WHERE y.work_id = w.work_id
AND y.quantity - y.picked - y.short
    > COALESCE((SELECT SUM(s.quantity) FROM lot_reservations s WHERE s.line_id = y.line_id), 0)))"""
"""Of work orders `w`: stock is promised for all of it, or it is bound already."""

# The urgent ones first; those that were short wait behind those that were not tried yet.
_WAITING: Final = f"""SELECT w.work_id, w.order_id, w.mode, w.priority, w.deadline_at, o.created_at, w.wave_id, w.zone, w.code
FROM work_orders w JOIN orders o ON o.order_id = w.order_id
WHERE w.code IN ({{codes}}) AND w.mode IN ({{modes}}){{more}} AND {READY} AND {PROMISED}
ORDER BY CASE WHEN w.code = 40 THEN 1 ELSE 0 END, w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END,
w.deadline_at, w.work_id LIMIT :limit"""
_LINES: Final = (
    "SELECT wl.work_id, wl.line_id, l.sku, wl.quantity - wl.picked - wl.short, o.owner_id, g.attributes, g.units_per_case"
    " FROM work_lines wl JOIN order_lines l ON l.line_id = wl.line_id JOIN orders o ON o.order_id = l.order_id"
    " JOIN products g ON g.owner_id = o.owner_id AND g.sku = l.sku WHERE wl.work_id = :work_id"
    " AND wl.quantity > wl.picked + wl.short ORDER BY wl.line_id"
)
_BOUND: Final = (
    "SELECT a.work_id, a.line_id, l.sku, a.lot_id, a.quantity, a.holder_id FROM allocations a"
    f" JOIN order_lines l ON l.line_id = a.line_id WHERE a.work_id = :work_id AND a.code = {Code.ALLOCATED:d}"
    " ORDER BY a.allocation_id"
)
_PROMISES: Final = (
    "SELECT line_id, lot_id, quantity FROM lot_reservations"
    " WHERE line_id = :line_id AND quantity > 0 ORDER BY lot_id"
)


async def list_waiting(
    tx: Tx,
    context: WesContext,
    codes: Iterable[Code],
    modes: Iterable[str],
    limit: int,
    more: str = "",
    **params: SqlValue,
) -> list[Waiting]:
    """Return work orders that wait, the most pressing first; those not yet promised all that they want are left out.

    Args:
        tx: the transaction.
        context: the rules that say where products are picked.
        codes: of the work orders.
        modes: of picking.
        limit: how many.
        more: another condition, beginning with AND.
        params: its values.
    """
    works = await _list(tx, codes, modes, limit, more, params)
    wanted: defaultdict[int, list[_Wanted]] = defaultdict(list)
    modes_of = {work.work_id: work.mode for work in works}
    for work_id, line_id, sku, quantity, owner_id, attributes, case in await tx.fetch_many(
        _LINES, _each(works)
    ):
        places = pick_places(context, owner_id, sku, modes_of[work_id], from_json(attributes))
        whole = modes_of[work_id] == FULL_CASE
        wanted[work_id].append(_Wanted(line_id, sku, quantity, places, case, whole))
    lines = sorted({each.line_id for of_work in wanted.values() for each in of_work})
    promised: defaultdict[int, list[list[int]]] = defaultdict(list)
    for line_id, lot_id, quantity in await tx.fetch_many(_PROMISES, [{"line_id": each} for each in lines]):
        promised[line_id].append([lot_id, quantity])
    dealt = ((work, _deal(wanted[work.work_id], promised)) for work in works)
    return [replace(work, parts=parts) for work, parts in dealt if parts]


def pick_places(
    context: WesContext, owner_id: str, sku: str, mode: str, attributes: Mapping[str, Any]
) -> PickPlaces:
    """Return where a product is picked in a mode, and what these places are filled up from (S1-55)."""
    facts = {"owner": owner_id, "sku": sku, "mode": mode, **family("product", attributes)}
    return context.rules.decide(rules.MOVE, facts)


async def list_bound(
    tx: Tx,
    codes: Iterable[Code],
    modes: Iterable[str],
    limit: int,
    more: str = "",
    **params: SqlValue,
) -> list[Waiting]:
    """Return work orders that are bound to stock and wait for a station, each part one allocation; see `list_waiting`."""
    works = await _list(tx, codes, modes, limit, more, params)
    parts: defaultdict[int, list[Part]] = defaultdict(list)
    for work_id, *part in await tx.fetch_many(_BOUND, _each(works)):
        parts[work_id].append(Part(*part))
    return [replace(work, parts=tuple(parts[work.work_id])) for work in works if parts[work.work_id]]


async def _list(
    tx: Tx,
    codes: Iterable[Code],
    modes: Iterable[str],
    limit: int,
    more: str,
    params: Mapping[str, SqlValue],
) -> list[Waiting]:
    sql = _WAITING.format(
        codes=", ".join(f"{code:d}" for code in codes),
        modes=", ".join(f"'{mode}'" for mode in modes),
        more=more,
    )
    return [
        Waiting(
            work_id=work_id,
            order_id=order_id,
            mode=mode,
            priority=priority,
            deadline_at=deadline_at,
            came_at=came_at,
            wave_id=wave_id,
            zone=zone,
            code=Code(code),
        )
        for work_id, order_id, mode, priority, deadline_at, came_at, wave_id, zone, code in await tx.fetch(
            sql, {"limit": limit, **params}
        )
    ]


def _each(works: Iterable[Waiting]) -> list[dict[str, SqlValue]]:
    return [{"work_id": work.work_id} for work in works]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a work order wants of one line.

    Attributes:
        whole: in whole cases.
    """

    line_id: int
    sku: str
    quantity: int
    places: PickPlaces
    case: int | None
    whole: bool


def _deal(wanted: Sequence[_Wanted], promised: Mapping[int, list[list[int]]]) -> tuple[Part, ...]:
    """Take what a work order wants out of what its lines are promised; () if that is not all there yet."""
    parts: list[Part] = []
    for each in wanted:
        if sum(left for _, left in promised[each.line_id]) < each.quantity:
            return ()
        parts += (
            Part(each.line_id, each.sku, lot_id, taken, places=each.places, case=each.case)
            for lot_id, taken in _of_lots(each, promised[each.line_id])
        )
    for part in parts:
        for promise in promised[part.line_id]:
            if promise[0] == part.lot_id:
                promise[1] -= part.quantity
    return tuple(parts)


def _of_lots(wanted: _Wanted, promised: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Return how much is taken of each lot: a case is of one lot, and what is no whole case goes to what wants pieces."""
    taken: Counter[int] = Counter()
    case, quantity = wanted.case or 1, wanted.quantity
    for first in (True, False):
        for lot_id, left in promised:
            there = left - taken[lot_id]
            if first:
                part = min(quantity, there) // case * case if wanted.whole else min(quantity, there % case)
            else:
                part = min(quantity, there)
            taken[lot_id] += part
            quantity -= part
    return [(lot_id, taken[lot_id]) for lot_id, _ in promised if taken[lot_id]]
