"""The timer "split level-3 stock and station slots" (S0-25…28): who picks what from which container at which station.

A round looks at what waits and at what there is, asks the allocator outside any transaction, and commits what of its answer still
holds: each work order with its station, its slot, its stock and its containers, or not at all. What does not hold any more waits
for the next round. With "allocate first" stock is bound in an earlier round of its own, and the allocator only finds stations.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final

from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.site.wes import Grouping
from gateway.site.wes import Sequence as Order
from gateway.wes.allocation.port import (
    Allocator,
    Answer,
    Line,
    Pick,
    Plan,
    Position,
    Problem,
    Station,
    Tote,
    Work,
)
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.layout import Workplace
from gateway.wes.orders.headers import note_stages
from gateway.wes.orders.progress import move_works
from gateway.wes.planning.binding import Take, bind
from gateway.wes.planning.demand import (
    AT_STATIONS,
    BLACK_BOX,
    KINDS,
    ON_FOOT,
    STATION,
    WALL,
    Part,
    Waiting,
    list_bound,
    list_waiting,
)
from gateway.wes.planning.hearing import last_heard
from gateway.wes.planning.presentations import COMING, Overtaken, Purpose, present
from gateway.wes.planning.replenishment import make_replenishments
from gateway.wes.planning.shortage import is_divisible, settle_no_shortage, settle_shortage
from gateway.wes.planning.stations import open_stations
from gateway.wes.planning.supply import Join, Need, look_for
from gateway.wes.planning.waves import join_dynamic, release_waves
from gateway.wes.stock.refusal import StockRefused

LOTS_AT_ONCE: Final = 100
AHEAD: Final = 2
"""Containers may be planned for a station so many times as its slots and queue hold, so that the next one is known in time."""

NOWHERE: Final = "nowhere"
"""The name of a lot that is at no place where it is picked: without a name any lot would do."""

_STOCK: Final = (
    "SELECT p.holder_id, p.lot_id, p.quantity - p.allocated - p.held, h.location_id, a.purpose, a.state, a.station_id"
    " FROM positions p JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id"
    " LEFT JOIN presentations a ON a.container_id = p.holder_id AND a.state NOT IN ('done', 'cancelled')"
    " WHERE p.lot_id = :lot_id AND p.quantity > p.allocated + p.held AND h.kind = 'container'"
    " AND l.quality = 'qualified' AND (l.expiry_at IS NULL OR l.expiry_at > :now)"
)
_STANDS: Final = (
    "SELECT h.holder_id, h.location_id, a.purpose, a.state, a.station_id FROM holders h"
    " LEFT JOIN presentations a ON a.container_id = h.holder_id AND a.state NOT IN ('done', 'cancelled')"
    " WHERE h.holder_id = :holder_id"
)
# Positions of a lot that are free, the shortest way first.
_NEAREST: Final = (
    "SELECT p.lot_id, p.holder_id, p.quantity - p.allocated - p.held FROM positions p"
    " JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id"
    " WHERE p.lot_id = :lot_id AND p.quantity > p.allocated + p.held AND h.kind = :kind AND h.location_id IS NOT NULL"
    " AND l.quality = 'qualified' AND (l.expiry_at IS NULL OR l.expiry_at > :now)"
    " ORDER BY p.lot_id, CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END, h.distance, p.holder_id"
)
_USED_SLOTS: Final = "SELECT slot_id FROM wall_slots WHERE station_id = :station_id AND work_id IS NOT NULL"
_AT_STATION: Final = (
    "SELECT COUNT(*) FROM presentations"
    " WHERE station_id = :station_id AND state NOT IN ('done', 'cancelled', 'leaving')"
)
_LOAD: Final = (
    "SELECT CAST(COALESCE(SUM(a.quantity - a.picked - a.short), 0) AS BIGINT) FROM allocations a"
    " JOIN work_orders w ON w.work_id = a.work_id WHERE w.station_id = :station_id"
    f" AND a.code >= {Code.RELEASED:d} AND a.code < {Code.PICKED:d}"
)
_WAVE_AT: Final = (
    "SELECT DISTINCT wave_id FROM work_orders WHERE station_id = :station_id AND wave_id IS NOT NULL"
    f" AND code >= {Code.RELEASED:d} AND code < {Code.PICKED:d}"
)
_OLDEST_WAVE: Final = (
    "SELECT MIN(wave_id) FROM work_orders WHERE wave_id IS NOT NULL AND station_id IS NULL AND held IS NULL"
    " AND code = :code AND mode IN ('station', 'wall') AND NOT EXISTS (SELECT 1 FROM work_waits x"
    " JOIN replenishments r ON r.replenishment_id = x.replenishment_id"
    " WHERE x.work_id = work_orders.work_id AND r.ended_at IS NULL)"
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A problem, and what its numbers stand for.

    Attributes:
        works: by work id.
        lines: by the problem's line numbers, what of which lot is wanted.
        holders: by the problem's position numbers.
    """

    problem: Problem
    works: Mapping[int, Waiting]
    lines: Mapping[int, Part]
    holders: Mapping[int, str]


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
        if (await read(partial(survey, context=context))).is_needed:
            await write(partial(settle_lacks, context=context))
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
    def is_needed(self) -> bool:
        """Tell whether there is anything to settle."""
        return bool(self.shortages or self.joins or self.needs)


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


async def settle_lacks(tx: Tx, context: WesContext) -> None:
    """Decide what becomes of work whose stock is nowhere, or is there again (S1-59…61), or is in the reserve (S1-55, S1-66)."""
    found = await survey(tx, context)
    for work, missing in found.shortages:
        if missing:
            await settle_shortage(tx, context, work, missing)
        else:
            await settle_no_shortage(tx, context, work)
    await make_replenishments(tx, context, found.joins, found.needs)


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


async def look(
    tx: Tx,
    context: WesContext,
    modes: Sequence[str] = AT_STATIONS,
    stations: Collection[str] | None = None,
) -> Snapshot:
    """Put together what the allocator has to know (S0-26).

    Args:
        tx: the transaction.
        context: the surroundings.
        modes: of picking.
        stations: that may do it; None: all.
    """
    works, may = await _who_may(tx, context, modes)
    at_us = context.clock.now_us()
    if context.wes.sequence is Order.ALLOCATE_FIRST:
        lines, totes, holders = await _bound(tx, context, works)
    else:
        lines, totes, holders = await _free(tx, context, works)
    by_work: defaultdict[int, list[Line]] = defaultdict(list)
    for number, (work_id, part, lots) in lines.items():
        by_work[work_id].append(Line(line_id=number, sku=part.sku, quantity=part.quantity, lots=lots))
    problem = Problem(
        works=tuple(
            Work(
                work_id=work.work_id,
                lines=tuple(by_work[work.work_id]),
                priority=work.priority,
                due_s=None if work.deadline_at is None else (work.deadline_at - at_us) / 1e6,
            )
            for work in works
        ),
        totes=tuple(totes),
        stations=tuple(
            [
                await _station(tx, context, each)
                for each in may
                if stations is None or each.station_id in stations
            ]
        ),
    )
    return Snapshot(
        problem,
        {work.work_id: work for work in works},
        {number: part for number, (_, part, _) in lines.items()},
        holders,
    )


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
        if await _attempt(tx, partial(_place, context, work, slot, takes)):
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


async def _who_may(
    tx: Tx, context: WesContext, modes: Sequence[str]
) -> tuple[list[Waiting], list[Workplace]]:
    """Return work that may get a station now, and the stations that may take it.

    Of static waves the oldest one that has work left goes first, and a station finishes its part of one wave before it takes
    another's.
    """
    first = context.wes.sequence is Order.ALLOCATE_FIRST
    limit = context.wes.timers.planning.batch
    listed = (
        partial(list_bound, tx, limit=limit) if first else partial(list_waiting, tx, context, limit=limit)
    )
    stations = await open_stations(tx, context)
    if context.wes.grouping is Grouping.DYNAMIC:
        codes = (Code.ALLOCATED, Code.WAVE_BUILT) if first else (Code.PREALLOCATED,)
        return await listed(codes, modes), stations
    code = Code.WAVE_BUILT if first else Code.PREALLOCATED
    wave_id = (await tx.fetch(_OLDEST_WAVE, {"code": code}))[0][0]
    works = await listed((code,), modes, more=" AND w.wave_id = :wave_id", wave_id=wave_id)
    return works, [each for each in stations if await _waves_at(tx, each) <= {wave_id}]


async def _waves_at(tx: Tx, station: Workplace) -> set[int]:
    return {row[0] for row in await tx.fetch(_WAVE_AT, {"station_id": station.station_id})}


async def _station(tx: Tx, context: WesContext, station: Workplace) -> Station:
    which = {"station_id": station.station_id}
    used = {row[0] for row in await tx.fetch(_USED_SLOTS, which)}
    coming = (await tx.fetch(_AT_STATION, which))[0][0]
    limits = context.wes.stations
    return Station(
        station_id=station.station_id,
        slots=tuple(box for box in station.boxes if box not in used),
        totes=max(0, AHEAD * (len(station.slots) + limits.queue) - coming),
        load=(await tx.fetch(_LOAD, which))[0][0],
        load_max=limits.units,
    )


_Lines = dict[int, tuple[int, Part, tuple[str, ...]]]
"""By the problem's line numbers: work id, what is wanted, and the names by which the problem knows what will do."""


async def _free(
    tx: Tx, context: WesContext, works: Iterable[Waiting]
) -> tuple[_Lines, list[Tote], dict[int, str]]:
    """Return what works want, and all free stock of those lots that containers can bring."""
    parts = [(work.work_id, part) for work in works for part in work.parts]
    skus = {part.lot_id: part.sku for _, part in parts}
    patterns: defaultdict[int, set[str]] = defaultdict(set)
    for _, part in parts:
        patterns[part.lot_id].add(part.places.pick)
    positions: defaultdict[str, list[Position]] = defaultdict(list)
    ways: dict[str, _Way] = {}
    holders: dict[int, str] = {}
    names: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    async for holder_id, lot_id, free, location_id, *active in _stock_of(tx, context, sorted(skus)):
        way = _way(context, location_id, *active)
        fitting = sorted(each for each in patterns[lot_id] if fnmatchcase(holder_id, each))
        if way is None or not fitting:
            continue
        ways[holder_id] = way
        number, name = len(holders) + 1, " ".join((str(lot_id), *fitting))
        holders[number] = holder_id
        positions[holder_id].append(Position(position_id=number, sku=skus[lot_id], available=free, lot=name))
        for pattern in fitting:
            names[lot_id, pattern].add(name)
    lines: _Lines = {
        number: (work_id, part, tuple(sorted(names[part.lot_id, part.places.pick])) or (NOWHERE,))
        for number, (work_id, part) in enumerate(parts, start=1)
    }
    return lines, _totes(positions, ways), holders


async def _stock_of(tx: Tx, context: WesContext, lots: Sequence[int]) -> AsyncGenerator[Row]:
    """Yield free stock, some lots at a time: between two of them others have their turn on the event loop."""
    now = context.clock.now_us()
    for start in range(0, len(lots), LOTS_AT_ONCE):
        chunk = lots[start : start + LOTS_AT_ONCE]
        for row in await tx.fetch_many(_STOCK, [{"lot_id": lot_id, "now": now} for lot_id in chunk]):
            yield row


async def _bound(
    tx: Tx, context: WesContext, works: Iterable[Waiting]
) -> tuple[_Lines, list[Tote], dict[int, str]]:
    """Return what works are bound to, each part as something that only this work wants and only this container has."""
    lines: _Lines = {}
    holders: dict[int, str] = {}
    positions: defaultdict[str, list[Position]] = defaultdict(list)
    for work in works:
        for part in work.parts:
            assert part.holder_id is not None
            number = len(lines) + 1
            lines[number] = (work.work_id, part, (f"bound-{number}",))
            holders[number] = part.holder_id
            positions[part.holder_id].append(
                Position(position_id=number, sku=part.sku, available=part.quantity, lot=f"bound-{number}")
            )
    rows = await tx.fetch_many(_STANDS, [{"holder_id": holder_id} for holder_id in sorted(positions)])
    found = {holder_id: _way(context, *rest) for holder_id, *rest in rows}
    return lines, _totes(positions, {name: way for name, way in found.items() if way is not None}), holders


@dataclass(frozen=True, slots=True)
class _Way:
    """How a container can be had.

    Attributes:
        station_id: the only station that can have it; None: any.
    """

    cost: float
    station_id: str | None


def _way(
    context: WesContext,
    location_id: str | None,
    purpose: str | None,
    state: str | None,
    station_id: str | None,
) -> _Way | None:
    """Tell how a container can be had; None: not now."""
    place = context.layout.places.get(location_id or "")
    if place is None or state in (S.FAILED, S.RECALLED):
        return None
    if purpose == Purpose.PICK and (state == S.ARRIVED or state in COMING):
        return _Way(0.0, station_id)
    return _Way(min(1.0, (place.distance or 0.0) / context.layout.far), None)


def _totes(positions: Mapping[str, Sequence[Position]], ways: Mapping[str, _Way]) -> list[Tote]:
    return [
        Tote(tote_id=name, positions=tuple(positions[name]), cost=way.cost, station_id=way.station_id)
        for name, way in sorted(ways.items())
    ]


async def _nearest(tx: Tx, context: WesContext, work: Waiting, kind: str) -> list[Take]:
    """Return where to take everything for a work order from, the shortest way first; [] if that is not to be had now."""
    now = context.clock.now_us()
    lots = sorted({part.lot_id for part in work.parts})
    rows = await tx.fetch_many(_NEAREST, [{"lot_id": lot_id, "kind": kind, "now": now} for lot_id in lots])
    left: defaultdict[int, list[list[Any]]] = defaultdict(list)
    for lot_id, holder_id, free in rows:
        left[lot_id].append([holder_id, free])
    takes: list[Take] = []
    for part in work.parts:
        wanted = part.quantity
        for position in left[part.lot_id]:
            taken = min(wanted, position[1]) if fnmatchcase(position[0], part.places.pick) else 0
            if taken:
                takes.append(
                    Take(line_id=part.line_id, lot_id=part.lot_id, holder_id=position[0], quantity=taken)
                )
                position[1] -= taken
                wanted -= taken
        if wanted:
            return []
    return takes
