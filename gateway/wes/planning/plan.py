"""The timer "split level-3 stock and station slots" (S0-25…28): who picks what from which container at which station.

A round looks at what waits and at what there is, asks the allocator outside any transaction, and commits what of its answer still
holds: each work order with its station, its slot, its stock and its containers, or not at all. What does not hold any more waits
for the next round. With "allocate first" stock is bound in an earlier round of its own, and the allocator only finds stations.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import product
from typing import Any, Final

from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.site.wes import Grouping
from gateway.site.wes import Sequence as Order
from gateway.wes.allocation.port import (
    Allocator,
    Answer,
    Pick,
    Plan,
)
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.layout import Workplace
from gateway.wes.orders.headers import note_stages
from gateway.wes.orders.progress import move_works
from gateway.wes.orders.rows import lock_order
from gateway.wes.orders.work import FULL_CASE
from gateway.wes.planning.binding import Take, bind
from gateway.wes.planning.boxes import Box, join_box
from gateway.wes.planning.demand import (
    AT_STATIONS,
    BLACK_BOX,
    KINDS,
    ON_FOOT,
    STATION,
    WALL,
    Part,
    Waiting,
    list_waiting,
)
from gateway.wes.planning.hearing import last_heard
from gateway.wes.planning.obstacles import note_obstacles
from gateway.wes.planning.presentations import Overtaken, present
from gateway.wes.planning.replenishment import make_replenishments
from gateway.wes.planning.shortage import is_divisible, settle_no_shortage, settle_shortage
from gateway.wes.planning.snapshot import Snapshot, look
from gateway.wes.planning.supply import Join, Need, look_for
from gateway.wes.planning.waves import join_dynamic, release_waves
from gateway.wes.stock.refusal import StockRefused

NEAR: Final = 64
"""Positions of a lot that are looked at first; more of them only where these do not suffice."""

# Positions of a lot that are free, the shortest way first.
_NEAREST: Final = (
    "SELECT p.lot_id, p.holder_id, p.quantity - p.allocated - p.held FROM positions p"
    " JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id"
    " WHERE p.lot_id = :lot_id AND p.quantity > 0 AND p.quantity > p.allocated + p.held AND h.kind = :kind"
    " AND h.location_id IS NOT NULL AND l.quality = 'qualified' AND (l.expiry_at IS NULL OR l.expiry_at > :now)"
    " ORDER BY CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END, h.distance, p.holder_id LIMIT :limit"
)
_PLACE: Final = (
    "UPDATE work_orders SET station_id = :station_id, slot_id = :slot_id"
    " WHERE work_id = :work_id AND code = :code AND held IS NULL AND station_id IS NULL"
)
_TAKE_SLOT: Final = (
    "INSERT INTO wall_slots (slot_id, station_id, work_id, box_id, sealed)"
    " VALUES (:slot_id, :station_id, :work_id, NULL, 0) ON CONFLICT (slot_id) DO UPDATE SET work_id = excluded.work_id,"
    " station_id = excluded.station_id, box_id = NULL, sealed = 0 WHERE wall_slots.work_id IS NULL"
)
_STILL: Final = (
    "UPDATE work_orders SET held = held WHERE work_id = :work_id AND code = :code AND held IS NULL"
)
_CLOSED: Final = "SELECT 1 FROM stations WHERE station_id = :station_id AND open = 0"
_RELEASE: Final = (
    f"UPDATE allocations SET code = {Code.RELEASED:d} WHERE work_id = :work_id AND code = {Code.ALLOCATED:d}"
)
_WAVES: Final = "SELECT DISTINCT wave_id FROM work_orders WHERE work_id = :work_id AND wave_id IS NOT NULL"


class Planner:
    """Gives waiting work orders totes and slots."""

    def __init__(
        self, store: Store, context: WesContext, allocator: Allocator, note: Callable[[Answer], None]
    ) -> None:
        """Args: note: is told of every answer."""
        self._store = store
        self._context = context
        self._allocator = allocator
        self._note = note

    async def work(self) -> None:
        """Do one round; none before the gateway has told where containers are."""
        context, read, write = self._context, self._store.read, self._store.write
        if await read(last_heard) is None:
            return
        await note_obstacles(self._store, context)
        if orders := (await read(partial(survey, context=context))).orders:
            await write(partial(settle_lacks, context=context, orders=orders))
        await write(partial(bind_without_station, context=context))
        if context.wes.sequence is Order.ALLOCATE_FIRST:
            await write(partial(bind_first, context=context))
        for modes, stations in _workplaces(context.layout.stations.values()):
            shot = await read(partial(look, context=context, modes=modes, stations=stations))
            if not shot.problem.works or not shot.problem.stations:
                continue
            answer = await self._allocator.plan(shot.problem)
            self._note(answer)
            if answer.plan.assignments:
                await write(partial(commit, context=context, shot=shot, plan=answer.plan))


@dataclass(frozen=True, slots=True)
class Survey:
    """What waiting work lacks.

    Attributes:
        shortages: work orders of which parts are nowhere, with those parts, and those that lacked something which is there again.
        joins, needs: what others can have from replenishments, and from the reserve.
    """

    shortages: Sequence[tuple[Waiting, Sequence[Part]]]
    joins: Sequence[Join]
    needs: Sequence[Need]

    @property
    def orders(self) -> Set[int]:
        """Whose work lacks something."""
        return {
            *(work.order_id for work, _ in self.shortages),
            *(join.work.order_id for join in self.joins),
            *(need.work.order_id for need in self.needs),
        }


async def survey(tx: Tx, context: WesContext) -> Survey:
    """Look for work that cannot be bound to stock as things stand."""
    limit = context.wes.timers.planning.batch
    shortages: list[tuple[Waiting, Sequence[Part]]] = []
    joins: list[Join] = []
    needs: list[Need] = []
    for modes, kind in KINDS:
        works = await list_waiting(tx, context, (Code.PREALLOCATED, Code.ALLOCATION_FAILED), modes, limit)
        supply = await look_for(tx, context, works, kind)
        shortages += [
            (work, supply.missing.get(work.work_id, ()))
            for work in works
            if (work.work_id in supply.missing) != (work.code is Code.ALLOCATION_FAILED)
            or is_divisible(work, supply.missing.get(work.work_id, ()))
        ]
        joins += supply.joins
        needs += supply.needs
    return Survey(shortages, joins, needs)


async def settle_lacks(tx: Tx, context: WesContext, orders: Set[int]) -> None:
    """Decide what becomes of work whose stock is nowhere, or is there again (S1-59…61), or is in the reserve (S1-55, S1-66).

    Args:
        tx: the transaction.
        context: the surroundings.
        orders: whose work is looked at; what others lack waits for the next round.
    """
    for order_id in sorted(orders):
        await lock_order(tx, order_id)  # nobody cancels it from now on; what was seen before may be outdated
    found = await survey(tx, context)
    for work, missing in found.shortages:
        if work.order_id not in orders:
            continue
        if missing:
            await settle_shortage(tx, context, work, missing)
        else:
            await settle_no_shortage(tx, context, work)
    await make_replenishments(
        tx,
        context,
        [join for join in found.joins if join.work.order_id in orders],
        [need for need in found.needs if need.work.order_id in orders],
    )


async def bind_without_station(tx: Tx, context: WesContext) -> None:
    """Bind and release work that needs no station: people walk, or the gateway's side chooses (S1-57, S1-69, S1-76, S1-77)."""
    limit = context.wes.timers.planning.batch
    for work in await list_waiting(tx, context, (Code.PREALLOCATED,), (*ON_FOOT, BLACK_BOX), limit):
        takes = _anywhere(work) if work.mode == BLACK_BOX else await _nearest(tx, context, work, "location")
        if takes:
            await _attempt(tx, partial(_bind_only, context, work, Code.RELEASED, takes))


async def bind_first(tx: Tx, context: WesContext) -> None:
    """Bind stock to work before it has a wave or a station (S3-18)."""
    limit = context.wes.timers.planning.batch
    for work in await list_waiting(tx, context, (Code.PREALLOCATED,), AT_STATIONS, limit):
        takes = await _nearest(tx, context, work, "container")
        code = Code.ALLOCATED if work.wave_id is None else Code.WAVE_BUILT
        if takes:
            await _attempt(tx, partial(_bind_only, context, work, code, takes))


def _workplaces(stations: Iterable[Workplace]) -> list[tuple[Sequence[str], Collection[str] | None]]:
    """Return modes of picking and the stations for them: what is to go into a put wall goes where one is."""
    everywhere = {each.station_id: each.wall for each in stations}
    walls = [name for name, wall in everywhere.items() if wall is not None]
    if len(walls) == len(everywhere):
        return [(AT_STATIONS, None)]
    return [((WALL,), walls), ((STATION,), None)]


async def commit(tx: Tx, context: WesContext, shot: Snapshot, plan: Plan) -> None:
    """Write what still holds of an answer: each work order wholly or not at all (S0-28)."""
    picks: defaultdict[int, list[Pick]] = defaultdict(list)
    for presentation in plan.presentations:
        for pick in presentation.picks:
            picks[pick.work_id].append(pick)
    placed: list[Waiting] = []
    containers: set[str] = set()
    for assignment in plan.assignments:
        work, of_work = shot.works[assignment.work_id], picks[assignment.work_id]
        takes = [
            Take(
                line_id=shot.lines[pick.line_id].line_id,
                lot_id=shot.lines[pick.line_id].lot_id,
                holder_id=shot.holders[pick.position_id],
                quantity=pick.quantity,
            )
            for pick in of_work
        ]
        slot = {"station_id": assignment.station_id, "slot_id": assignment.slot}
        box = shot.boxes.get(work.work_id)
        part = (
            partial(_join, context, work, box, takes) if box else partial(_place, context, work, slot, takes)
        )
        if await _attempt(tx, part):
            placed.append(work)
            containers |= {take.holder_id for take in takes if take.holder_id is not None}
    if placed:
        if context.wes.grouping is Grouping.DYNAMIC:
            await join_dynamic(tx, context, [work.work_id for work in placed])
        else:
            waves = await tx.fetch_many(_WAVES, [{"work_id": work.work_id} for work in placed])
            await release_waves(tx, context, [row[0] for row in waves])
        await present(tx, context, containers)


async def _place(
    context: WesContext, work: Waiting, slot: Mapping[str, SqlValue], takes: Sequence[Take], tx: Tx
) -> None:
    """Give one work order its station, slot and stock.

    Raises:
        Overtaken, StockRefused: something of it is not to be had any more.
    """
    which = {"work_id": work.work_id, "code": work.code}
    if await tx.fetch(_CLOSED, {"station_id": slot["station_id"]}):
        raise Overtaken(f"station {slot['station_id']}")
    if not await tx.execute(_PLACE, {**which, **slot}):
        raise Overtaken(f"work order {work.work_id}")
    if not await tx.execute(_TAKE_SLOT, {**slot, "work_id": work.work_id}):
        raise Overtaken(f"slot {slot['slot_id']}")
    at_us = context.clock.now_us()
    if work.code is Code.PREALLOCATED:
        await bind(tx, context, work.work_id, Code.RELEASED, takes)
        await note_stages(tx, "work", [work.work_id], Code.ALLOCATED, at_us)
    else:
        await tx.execute_many(_RELEASE, [{"work_id": work.work_id}])
    await move_works(tx, {work.work_id: Code.RELEASED}, at_us)


async def _join(context: WesContext, work: Waiting, box: Box, takes: Sequence[Take], tx: Tx) -> None:
    """Give one work order its stock, and its order's box, which stands open.

    Raises:
        Overtaken, StockRefused: something of it is not to be had any more.
    """
    await lock_order(tx, work.order_id)  # nobody seals the box meanwhile
    if await tx.fetch(_CLOSED, {"station_id": box.station_id}):
        raise Overtaken(f"station {box.station_id}")
    if not await tx.execute(_STILL, {"work_id": work.work_id, "code": work.code}):
        raise Overtaken(f"work order {work.work_id}")
    if work.code is Code.PREALLOCATED:
        await bind(tx, context, work.work_id, Code.RELEASED, takes)
    else:
        await tx.execute_many(_RELEASE, [{"work_id": work.work_id}])
    await join_box(tx, context, work.work_id, box)


async def _bind_only(context: WesContext, work: Waiting, code: Code, takes: Sequence[Take], tx: Tx) -> None:
    if not await tx.execute(_STILL, {"work_id": work.work_id, "code": work.code}):
        raise Overtaken(f"work order {work.work_id}")
    at_us = context.clock.now_us()
    await bind(tx, context, work.work_id, code if code is Code.RELEASED else Code.ALLOCATED, takes)
    if code is not Code.ALLOCATED:
        await note_stages(tx, "work", [work.work_id], Code.ALLOCATED, at_us)
    await move_works(tx, {work.work_id: code}, at_us)


async def _attempt(tx: Tx, part: Callable[[Tx], Awaitable[None]]) -> bool:
    """Do a part of the job; False: it does not hold any more, and nothing of it has happened."""
    try:
        await tx.attempt(part)
    except (Overtaken, StockRefused):
        return False
    return True


def _anywhere(work: Waiting) -> list[Take]:
    return [
        Take(line_id=part.line_id, lot_id=part.lot_id, holder_id=None, quantity=part.quantity)
        for part in work.parts
    ]


async def _nearest(tx: Tx, context: WesContext, work: Waiting, kind: str) -> list[Take]:
    """Return where to take everything for a work order from, the shortest way first; [] if that is not to be had now."""
    now, limit = context.clock.now_us(), NEAR
    lots = sorted({part.lot_id for part in work.parts})
    while True:
        wanted = [{"lot_id": lot_id, "kind": kind, "now": now, "limit": limit} for lot_id in lots]
        rows = await tx.fetch_many(_NEAREST, wanted)
        takes = _takes(work, rows)
        is_all = all(count < limit for count in Counter(row[0] for row in rows).values())
        if takes or is_all:
            return takes
        limit *= 16


def _takes(work: Waiting, positions: Iterable[Row]) -> list[Take]:
    """Return what each part takes of these positions, the first of them first; [] if they do not suffice.

    Cases are taken whole wherever that is possible: one is opened only for what no whole case is left for.
    """
    left: defaultdict[int, list[list[Any]]] = defaultdict(list)
    for lot_id, holder_id, free in positions:
        left[lot_id].append([holder_id, free])
    takes: list[Take] = []
    for part in work.parts:
        wanted = part.quantity
        near = [position for position in left[part.lot_id] if fnmatchcase(position[0], part.places.pick)]
        sizes = (part.case, 1) if work.mode == FULL_CASE and part.case else (1,)
        for size, position in product(sizes, near):
            taken = min(wanted, position[1]) // size * size
            if taken:
                takes.append(
                    Take(line_id=part.line_id, lot_id=part.lot_id, holder_id=position[0], quantity=taken)
                )
                position[1] -= taken
                wanted -= taken
        if wanted:
            return []
    return takes
