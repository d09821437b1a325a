"""Waves: orders that are picked together, within limits (S1-62, S1-63, S0-47, S0-48).

A *static* wave is composed before picking, and the next one only once all of its work has a station; work that waits for a person,
for a replenishment, for stock or for a container whose transport has failed holds nobody up. A *dynamic* one is joined by each
order when a slot is free for it, until it is full. Either comes before allocation or after it (S3-17, S3-18).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.kernel.ports import Store, Tx
from gateway.site.codes import CodeKind
from gateway.site.wes import Grouping
from gateway.site.wes import Sequence as Order
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.numbers import next_number
from gateway.wes.orders.headers import note_stages
from gateway.wes.orders.progress import move_works
from gateway.wes.planning.demand import PROMISED, READY

_UNPLACED: Final = (
    "SELECT 1 FROM work_orders w WHERE w.wave_id IS NOT NULL AND w.station_id IS NULL"
    f" AND w.code IN ({Code.PREALLOCATED:d}, {Code.WAVE_BUILT:d}) AND w.waits_for IS NULL AND {READY} AND {PROMISED} LIMIT 1"
)
_CANDIDATES: Final = (
    "SELECT w.order_id, w.work_id, (SELECT COALESCE(SUM(quantity), 0) FROM work_lines l WHERE l.work_id = w.work_id)"
    " FROM work_orders w WHERE w.code = :code AND w.wave_id IS NULL AND w.held IS NULL"
    " ORDER BY w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END, w.deadline_at, w.order_id, w.work_id"
    " LIMIT :limit"
)
_OPEN: Final = (
    "INSERT INTO waves (wave_id, wave_no, warehouse_id, kind, code, created_at)"
    " VALUES (:wave_id, :wave_no, :warehouse_id, :kind, :code, :at_us)"
)
_JOIN: Final = "UPDATE work_orders SET wave_id = :wave_id WHERE work_id = :work_id AND wave_id IS NULL"
_JOIN_ORDER: Final = "UPDATE orders SET wave_id = :wave_id WHERE order_id = :order_id AND wave_id IS NULL"
_LATEST: Final = (
    "SELECT wave_id FROM waves WHERE warehouse_id = :warehouse_id AND kind = 'dynamic' AND released_at IS NULL"
    " ORDER BY wave_id DESC LIMIT 1"
)
_SIZE: Final = (
    "SELECT COUNT(DISTINCT w.order_id), COUNT(DISTINCT w.work_id), COALESCE(SUM(l.quantity), 0) FROM work_orders w"
    " JOIN work_lines l ON l.work_id = w.work_id WHERE w.wave_id = :wave_id"
)
_RELEASE: Final = (
    f"UPDATE waves SET code = {Code.RELEASED:d}, released_at = :at_us"
    " WHERE wave_id = :wave_id AND released_at IS NULL"
)
_OF_WORK: Final = (
    "SELECT order_id, work_id, (SELECT COALESCE(SUM(quantity), 0) FROM work_lines l WHERE l.work_id = w.work_id)"
    " FROM work_orders w WHERE work_id = :work_id AND wave_id IS NULL"
)


@dataclass(slots=True)
class _Size:
    orders: int = 0
    boxes: int = 0
    units: int = 0

    def fits(self, context: WesContext, boxes: int, units: int) -> bool:
        """Tell whether one more order fits; an empty wave takes any."""
        limits = context.wes.waves
        return not self.orders or (
            self.orders + 1 <= limits.orders
            and self.boxes + boxes <= limits.boxes
            and self.units + units <= limits.units
        )

    def add(self, boxes: int, units: int) -> None:
        self.orders += 1
        self.boxes += boxes
        self.units += units


class Waves:
    """Composes static waves."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context

    async def work(self) -> None:
        """Compose the next wave if the last one has all its stations."""
        if self._context.wes.grouping is Grouping.STATIC:
            await self._store.write(lambda tx: compose(tx, self._context))


async def compose(tx: Tx, context: WesContext) -> int | None:
    """Compose a static wave of orders that wait; None: nothing waits, or an earlier wave is not placed yet."""
    if await tx.fetch(_UNPLACED):
        return None
    allocated = context.wes.sequence is Order.ALLOCATE_FIRST
    waiting = await tx.fetch(
        _CANDIDATES,
        {
            "code": Code.ALLOCATED if allocated else Code.PREALLOCATED,
            "limit": context.wes.timers.waves.batch,
        },
    )
    works = _select(context, waiting, _Size())
    if not works:
        return None
    wave_id = await _open(tx, context, Grouping.STATIC)
    await _join(tx, context, wave_id, works)
    if allocated:
        moves = {work_id: Code.WAVE_BUILT for of_order in works.values() for work_id in of_order}
        await move_works(tx, moves, context.clock.now_us())
    return wave_id


async def join_dynamic(tx: Tx, context: WesContext, works: Iterable[int]) -> None:
    """Let work orders that have just got a station join the wave that is open; a full one is released, and the next one opened."""
    rows = await tx.fetch_many(_OF_WORK, [{"work_id": work_id} for work_id in sorted(works)])
    while rows:
        wave_id, size = await _open_wave(tx, context)
        joining = _select(context, rows, size)
        if not joining:
            await release_waves(tx, context, [wave_id])
            continue
        await _join(tx, context, wave_id, joining)
        rows = [row for row in rows if row[0] not in joining]


async def release_waves(tx: Tx, context: WesContext, waves: Iterable[int]) -> None:
    """Note that waves take no more, and that their work goes on."""
    at_us = context.clock.now_us()
    await tx.execute_many(_RELEASE, [{"wave_id": wave_id, "at_us": at_us} for wave_id in sorted(set(waves))])


def _select(context: WesContext, waiting: Iterable[Sequence[int]], size: _Size) -> dict[int, list[int]]:
    """Return work orders by order, as many whole orders as fit."""
    orders: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for order_id, work_id, units in waiting:
        orders[order_id].append((work_id, units))
    chosen: dict[int, list[int]] = {}
    for order_id, works in orders.items():
        units = sum(of_work for _, of_work in works)
        if size.fits(context, len(works), units):
            size.add(len(works), units)
            chosen[order_id] = [work_id for work_id, _ in works]
    return chosen


async def _open_wave(tx: Tx, context: WesContext) -> tuple[int, _Size]:
    rows = await tx.fetch(_LATEST, {"warehouse_id": context.wes.warehouse_id})
    if not rows:
        return await _open(tx, context, Grouping.DYNAMIC), _Size()
    ((orders, boxes, units),) = await tx.fetch(_SIZE, {"wave_id": rows[0][0]})
    return rows[0][0], _Size(orders, boxes, units)


async def _open(tx: Tx, context: WesContext, kind: Grouping) -> int:
    wave_id, at_us = context.ids.next(), context.clock.now_us()
    row = {
        "wave_id": wave_id,
        "wave_no": await next_number(tx, context, CodeKind.WAVE) or f"W{wave_id}",
        "warehouse_id": context.wes.warehouse_id,
        "kind": kind.value,
        "code": Code.WAVE_BUILT,
        "at_us": at_us,
    }
    await tx.execute_many(_OPEN, [row])
    return wave_id


async def _join(tx: Tx, context: WesContext, wave_id: int, works: Mapping[int, Sequence[int]]) -> None:
    joining = [work_id for of_order in works.values() for work_id in of_order]
    await tx.execute_many(_JOIN, [{"wave_id": wave_id, "work_id": work_id} for work_id in joining])
    await tx.execute_many(_JOIN_ORDER, [{"wave_id": wave_id, "order_id": order_id} for order_id in works])
    await note_stages(tx, "work", joining, Code.WAVE_BUILT, context.clock.now_us())
