"""What waits to be allocated: work orders, the lots promised to their lines, and what becomes of shortages.

S0-25, S1-55, S1-59…61.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.site import rules
from gateway.site.rules import Shortage
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_lines
from gateway.wes.orders.headers import SYSTEM, note_stages
from gateway.wes.orders.progress import move_works
from gateway.wes.orders.rows import load_order

AT_STATIONS: Final = ("station", "wall")
"""Modes of picking in which containers come to people."""
ON_FOOT: Final = ("flat", "fullCase")
"""Modes in which people walk."""
BLACK_BOX: Final = "blackBox"

WORKS_MAX: Final = 1_000
"""Work orders of one order that a person's decision takes up."""


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one lot for a line; from where, if that is decided already."""

    line_id: int
    sku: str
    lot_id: int
    quantity: int
    holder_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A work order that waits, with all that its lines are promised for it, or that it is bound to already."""

    work_id: int
    order_id: int
    mode: str
    priority: int
    deadline_at: Micros | None
    wave_id: int | None
    code: Code
    parts: tuple[Part, ...] = ()


# The urgent ones first; those that were short wait behind those that were not tried yet.
_WAITING: Final = """SELECT w.work_id, w.order_id, w.mode, w.priority, w.deadline_at, w.wave_id, w.code FROM work_orders w
WHERE w.code IN ({codes}) AND w.mode IN ({modes}) AND w.held IS NULL{more} AND NOT EXISTS (
    SELECT 1 FROM work_waits x JOIN presentations p ON p.presentation_id = x.presentation_id
    WHERE x.work_id = w.work_id AND p.state NOT IN ('done', 'cancelled'))
ORDER BY CASE WHEN w.code = 40 THEN 1 ELSE 0 END, w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END,
w.deadline_at, w.work_id LIMIT :limit"""
_LINES: Final = (
    "SELECT wl.work_id, wl.line_id, l.sku, wl.quantity - wl.picked - wl.short FROM work_lines wl"
    " JOIN order_lines l ON l.line_id = wl.line_id WHERE wl.work_id = :work_id"
    " AND wl.quantity > wl.picked + wl.short ORDER BY wl.line_id"
)
_BOUND: Final = (
    "SELECT a.work_id, a.line_id, l.sku, a.lot_id, a.quantity, a.holder_id FROM allocations a"
    f" JOIN order_lines l ON l.line_id = a.line_id WHERE a.work_id = :work_id AND a.code = {Code.ALLOCATED:d}"
    " ORDER BY a.allocation_id"
)
_PROMISED: Final = (
    "SELECT line_id, lot_id, quantity FROM lot_reservations"
    " WHERE line_id = :line_id AND quantity > 0 ORDER BY lot_id"
)
# A lot that has expired by the clock is used for nothing, whether somebody has marked it or not. A holder that stands nowhere and
# is not under way either is lost.
_THERE: Final = (
    "SELECT p.lot_id, CAST(SUM(p.quantity - p.allocated - p.held) AS BIGINT) FROM positions p"
    " JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id"
    " WHERE p.lot_id = :lot_id AND h.kind = :kind AND p.quantity > 0 AND l.quality = 'qualified'"
    " AND (l.expiry_at IS NULL OR l.expiry_at > :now) AND (h.location_id IS NOT NULL OR EXISTS"
    " (SELECT 1 FROM presentations a WHERE a.container_id = h.holder_id AND a.state NOT IN ('done', 'cancelled')))"
    " GROUP BY p.lot_id"
)
_SPLIT: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, wave_id, zone, priority, deadline_at, replaces, held, code,"
    " created_at, updated_at) SELECT :new_id, order_id, mode, wave_id, zone, priority, deadline_at, work_id, held,"
    f" {Code.PREALLOCATED:d}, :at_us, :at_us FROM work_orders WHERE work_id = :work_id"
)
_NEW_LINE: Final = "INSERT INTO work_lines (work_id, line_id, quantity, picked, short) VALUES (:work_id, :line_id, :quantity, 0, 0)"
_DROP_LINE: Final = (
    "DELETE FROM work_lines WHERE work_id = :work_id AND line_id = :line_id AND quantity = :quantity"
)
_CUT_LINE: Final = (
    "UPDATE work_lines SET quantity = quantity - :quantity"
    " WHERE work_id = :work_id AND line_id = :line_id AND quantity > :quantity"
)


async def list_waiting(
    tx: Tx,
    codes: Iterable[Code],
    modes: Iterable[str],
    limit: int,
    more: str = "",
    **params: SqlValue,
) -> list[Waiting]:
    """Return work orders that wait, the most pressing first; those not yet promised all that they want are left out.

    Args:
        tx: the transaction.
        codes: of the work orders.
        modes: of picking.
        limit: how many.
        more: another condition, beginning with AND.
        params: its values.
    """
    works = await _list(tx, codes, modes, limit, more, params)
    wanted: defaultdict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for work_id, line_id, sku, quantity in await tx.fetch_many(_LINES, _each(works)):
        wanted[work_id].append((line_id, sku, quantity))
    lines = sorted({line_id for of_work in wanted.values() for line_id, _, _ in of_work})
    promised: defaultdict[int, list[list[int]]] = defaultdict(list)
    for line_id, lot_id, quantity in await tx.fetch_many(_PROMISED, [{"line_id": each} for each in lines]):
        promised[line_id].append([lot_id, quantity])
    dealt = ((work, _deal(wanted[work.work_id], promised)) for work in works)
    return [replace(work, parts=parts) for work, parts in dealt if parts]


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


async def find_missing(
    tx: Tx, context: WesContext, works: Sequence[Waiting], kind: str
) -> dict[int, tuple[Part, ...]]:
    """Return by work order the parts that are at no holder of a kind, even if nobody else took anything.

    What is there is dealt out in the order of the works. A tote that cannot be had just now counts as there.
    """
    lots = sorted({part.lot_id for work in works for part in work.parts})
    now = context.clock.now_us()
    rows = await tx.fetch_many(_THERE, [{"lot_id": lot_id, "kind": kind, "now": now} for lot_id in lots])
    left: Counter[int] = Counter(dict(rows))
    missing: dict[int, tuple[Part, ...]] = {}
    for work in works:
        lacks: list[Part] = []
        for part in work.parts:
            taken = min(part.quantity, left[part.lot_id])
            left[part.lot_id] -= taken
            if taken < part.quantity:
                lacks.append(Part(part.line_id, part.sku, part.lot_id, part.quantity - taken))
        if lacks:
            missing[work.work_id] = tuple(lacks)
    return missing


def is_divisible(work: Waiting, missing: Sequence[Part]) -> bool:
    """Tell whether a work order that was short as a whole lacks only a part now."""
    lacking = sum(part.quantity for part in missing)
    return work.code is Code.ALLOCATION_FAILED and 0 < lacking < sum(part.quantity for part in work.parts)


async def settle_shortage(tx: Tx, context: WesContext, work: Waiting, missing: Sequence[Part]) -> None:
    """A work order cannot be allocated in full: it waits (mode A), or what is there goes on without the rest (mode B)."""
    order, _ = await load_order(tx, work.order_id)
    partial = context.rules.decide(rules.SHORTAGE, order.facts) is Shortage.PARTIAL
    if partial and await _go_without(tx, context, work, missing):
        return
    if work.code is not Code.ALLOCATION_FAILED:
        await _fail(tx, context, work, work.work_id, missing)


async def release_part(tx: Tx, context: WesContext, order_id: int) -> bool:
    """Let what is there of an order's work that waits for stock go on, whatever the rules say (S1-60); False: nothing is."""
    released = False
    for modes, kind in ((AT_STATIONS, "container"), (ON_FOOT, "location")):
        works = await list_waiting(
            tx, (Code.ALLOCATION_FAILED,), modes, WORKS_MAX, " AND w.order_id = :order_id", order_id=order_id
        )
        missing = await find_missing(tx, context, works, kind)
        for work in works:
            released |= await _go_without(tx, context, work, missing.get(work.work_id, ()))
    return released


async def settle_no_shortage(tx: Tx, context: WesContext, work: Waiting) -> None:
    """What a work order lacked is there: it waits like others again."""
    at_us = context.clock.now_us()
    lines = sorted({part.line_id for part in work.parts})
    await settle_lines(tx, work.order_id, ExceptionKind.ALLOCATION_SHORTAGE, lines, at_us, SYSTEM)
    await move_works(tx, {work.work_id: Code.PREALLOCATED}, at_us)


async def _go_without(tx: Tx, context: WesContext, work: Waiting, missing: Sequence[Part]) -> bool:
    """Let what is there of a work order go on; the rest waits in a work order of its own. False: nothing is there."""
    lacking = _by_line(missing)
    if not 0 < sum(lacking.values()) < sum(part.quantity for part in work.parts):
        return False
    await _fail(tx, context, work, await _split(tx, context, work, lacking), missing)
    return True


async def _fail(tx: Tx, context: WesContext, work: Waiting, short_id: int, missing: Sequence[Part]) -> None:
    """Have a work order, or what was split off from it, wait for stock."""
    await move_works(tx, {short_id: Code.ALLOCATION_FAILED}, context.clock.now_us())
    skus = {part.line_id: part.sku for part in work.parts}
    for line_id, quantity in _by_line(missing).items():
        text = f"{skus[line_id]}: {quantity} are promised and at no place where they can be fetched"
        await open_exception(tx, context, work.order_id, ExceptionKind.ALLOCATION_SHORTAGE, text, line_id)


def _by_line(parts: Iterable[Part]) -> Counter[int]:
    lacking: Counter[int] = Counter()
    for part in parts:
        lacking[part.line_id] += part.quantity
    return lacking


async def _split(tx: Tx, context: WesContext, work: Waiting, lacking: Mapping[int, int]) -> int:
    """Put what is missing into a work order of its own."""
    at_us, new_id = context.clock.now_us(), context.ids.next()
    await tx.execute_many(_SPLIT, [{"new_id": new_id, "work_id": work.work_id, "at_us": at_us}])
    await note_stages(tx, "work", [new_id], Code.PREALLOCATED, at_us)
    rows = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in sorted(lacking.items())]
    await tx.execute_many(_NEW_LINE, [{**row, "work_id": new_id} for row in rows])
    for sql in (_DROP_LINE, _CUT_LINE):
        await tx.execute_many(sql, [{**row, "work_id": work.work_id} for row in rows])
    if work.code is Code.ALLOCATION_FAILED:
        await settle_no_shortage(tx, context, work)
    return new_id


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
            wave_id=wave_id,
            code=Code(code),
        )
        for work_id, order_id, mode, priority, deadline_at, wave_id, code in await tx.fetch(
            sql, {"limit": limit, **params}
        )
    ]


def _each(works: Iterable[Waiting]) -> list[dict[str, SqlValue]]:
    return [{"work_id": work.work_id} for work in works]


def _deal(
    wanted: Sequence[tuple[int, str, int]], promised: Mapping[int, list[list[int]]]
) -> tuple[Part, ...]:
    """Take what a work order wants out of what its lines are promised; () if that is not all there yet."""
    parts: list[Part] = []
    for line_id, sku, quantity in wanted:
        if sum(left for _, left in promised[line_id]) < quantity:
            return ()
        for promise in promised[line_id]:
            taken = min(quantity, promise[1])
            if taken:
                parts.append(Part(line_id, sku, promise[0], taken))
                quantity -= taken
    for part in parts:
        for promise in promised[part.line_id]:
            if promise[0] == part.lot_id:
                promise[1] -= part.quantity
    return tuple(parts)
