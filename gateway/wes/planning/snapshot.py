"""What the allocator has to know (S0-26): the work that may get a station now, the free stock, the stations.

It is put together in one look, in numbers that mean something within the problem alone. With "wave first" work wants lots and any
container that has them will do; with "allocate first" it is bound already, and only stations are looked for.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, Tx
from gateway.site.wes import Grouping
from gateway.site.wes import Sequence as Order
from gateway.wes.allocation.port import Line, Position, Problem, Station, Tote, Work
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.layout import Workplace
from gateway.wes.planning.blocks import LEAVES_FROM, LOCKED
from gateway.wes.planning.boxes import Box, find_boxes, one_for_each_box
from gateway.wes.planning.demand import AT_STATIONS, PROMISED, READY, Part, Waiting, list_bound, list_waiting
from gateway.wes.planning.fairness import PATIENCE_US, keep_totes
from gateway.wes.planning.obstacles import HALTED
from gateway.wes.planning.presentations import COMING, Purpose
from gateway.wes.planning.stations import open_stations, reachable_stations

LOTS_AT_ONCE: Final = 100
AHEAD: Final = 2
"""Containers may be planned for a station so many times as its slots and queue hold, so that the next one is known in time."""

NOWHERE: Final = "nowhere"
"""The name of a lot that is at no place where it is picked: without a name any lot would do."""

_STOCK: Final = (
    f"SELECT p.holder_id, p.lot_id, p.quantity - p.allocated - p.held, {LEAVES_FROM}, a.purpose, a.state, a.station_id"
    " FROM positions p JOIN holders h ON h.holder_id = p.holder_id JOIN lots l ON l.lot_id = p.lot_id"
    " LEFT JOIN presentations a ON a.container_id = p.holder_id AND a.state NOT IN ('done', 'cancelled')"
    " WHERE p.lot_id = :lot_id AND p.quantity > 0 AND p.quantity > p.allocated + p.held AND h.kind = 'container'"
    " AND l.quality = 'qualified' AND (l.expiry_at IS NULL OR l.expiry_at > :now)"
)
_STANDS: Final = (
    f"SELECT h.holder_id, {LEAVES_FROM}, a.purpose, a.state, a.station_id FROM holders h"
    " LEFT JOIN presentations a ON a.container_id = h.holder_id AND a.state NOT IN ('done', 'cancelled')"
    " WHERE h.holder_id = :holder_id"
)
# Containers that work at a station waits for, the most pressing first: whatever they do now, they go there next.
_AWAITED: Final = (
    "SELECT a.holder_id, w.station_id FROM work_orders w JOIN allocations a ON a.work_id = w.work_id"
    f" WHERE w.station_id IS NOT NULL AND w.code < {Code.PICKED:d} AND a.presentation_id IS NULL"
    f" AND a.code = {Code.RELEASED:d} AND a.holder_id IS NOT NULL"
    " ORDER BY w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END, w.deadline_at, a.allocation_id"
)
_USED_SLOTS: Final = "SELECT slot_id FROM wall_slots WHERE station_id = :station_id AND work_id IS NOT NULL"
# Those that somebody has to decide about, or that stand where a person has locked, come later.
_AT_STATION: Final = (
    "SELECT COUNT(*) FROM presentations p JOIN holders h ON h.holder_id = p.container_id"
    " WHERE p.station_id = :station_id AND p.state IN ('planned', 'called', 'sent', 'recalled', 'arrived')"
    f" AND NOT {LOCKED}"
)
_LOAD: Final = (
    "SELECT CAST(COALESCE(SUM(a.quantity - a.picked - a.short), 0) AS BIGINT) FROM allocations a"
    f" JOIN work_orders w ON w.work_id = a.work_id WHERE w.station_id = :station_id AND w.code < {Code.PICKED:d}"
    f" AND a.code >= {Code.RELEASED:d} AND a.code < {Code.PICKED:d}"
)
# What waits for a container of a failed transport, or of a locked place, is not gone on with.
_WAVE_AT: Final = (
    "SELECT DISTINCT w.wave_id FROM work_orders w WHERE w.station_id = :station_id AND w.wave_id IS NOT NULL"
    f" AND w.code >= {Code.RELEASED:d} AND w.code < {Code.PICKED:d} AND EXISTS (SELECT 1 FROM allocations a"
    f" WHERE a.work_id = w.work_id AND a.code < {Code.PICKED:d} AND NOT EXISTS (SELECT 1 FROM presentations p"
    f" WHERE p.container_id = a.holder_id AND p.state IN {HALTED})"
    f" AND NOT EXISTS (SELECT 1 FROM holders h WHERE h.holder_id = a.holder_id AND {LOCKED}))"
)
_OLDEST_WAVE: Final = (
    "SELECT MIN(w.wave_id) FROM work_orders w WHERE w.wave_id IS NOT NULL AND w.station_id IS NULL"
    f" AND w.code = :code AND w.mode IN ('station', 'wall') AND w.waits_for IS NULL AND {READY} AND {PROMISED}"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A problem, and what its numbers stand for.

    Attributes:
        works: by work id.
        lines: by the problem's line numbers, what of which lot is wanted.
        holders: by the problem's position numbers.
        boxes: by work id, of the works that have one already.
    """

    problem: Problem
    works: Mapping[int, Waiting]
    lines: Mapping[int, Part]
    holders: Mapping[int, str]
    boxes: Mapping[int, Box]


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
    listed, may = await _who_may(tx, context, modes)
    boxes = await find_boxes(tx, listed, {each.station_id for each in await open_stations(tx, context)})
    works = one_for_each_box(listed, boxes)
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
                due_s=(_due_at(context, work) - at_us) / 1e6,
                station_id=box.station_id if box else None,
                slot=box.slot_id if box else None,
            )
            for work, box in ((each, boxes.get(each.work_id)) for each in works)
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
        keep_totes(problem, _patient(context, works, at_us)),
        {work.work_id: work for work in works},
        {number: part for number, (_, part, _) in lines.items()},
        holders,
        boxes,
    )


async def _who_may(
    tx: Tx, context: WesContext, modes: Sequence[str]
) -> tuple[list[Waiting], list[Workplace]]:
    """Return work that may get a station now, and the stations that may take it.

    Of static waves the oldest one that has work left goes first, and a station finishes its part of one wave before it takes
    another's, but for what waits for a container that cannot be had.
    """
    first = context.wes.sequence is Order.ALLOCATE_FIRST
    limit = context.wes.timers.planning.batch
    listed = (
        partial(list_bound, tx, limit=limit) if first else partial(list_waiting, tx, context, limit=limit)
    )
    stations = await reachable_stations(tx, context)
    if context.wes.grouping is Grouping.DYNAMIC:
        codes = (Code.ALLOCATED, Code.WAVE_BUILT) if first else (Code.PREALLOCATED,)
        return await listed(codes, modes), stations
    code = Code.WAVE_BUILT if first else Code.PREALLOCATED
    wave_id = (await tx.fetch(_OLDEST_WAVE, {"code": code}))[0][0]
    works = await listed((code,), modes, more=" AND w.wave_id = :wave_id", wave_id=wave_id)
    return works, [each for each in stations if await _waves_at(tx, each) <= {wave_id}]


def _patient(context: WesContext, works: Iterable[Waiting], at_us: Micros) -> list[int]:
    """Return work orders that have waited for long, or are due soon, those that came first before others."""
    return [
        work.work_id
        for work in sorted(works, key=lambda each: (each.came_at, each.work_id))
        if min(work.came_at + PATIENCE_US, _due_at(context, work) - PATIENCE_US) <= at_us
    ]


def _due_at(context: WesContext, work: Waiting) -> Micros:
    """Return when a work order is late: by its deadline, or because nobody has begun it (S4-38)."""
    begun_at = work.came_at + round(context.wes.lateness.begin_s * 1e6)
    return begun_at if work.deadline_at is None else min(work.deadline_at, begun_at)


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
    awaited = await _awaited(tx)
    async for holder_id, lot_id, free, location_id, *active in _stock_of(tx, context, sorted(skus)):
        way = _way(context, holder_id, awaited[holder_id], location_id, *active)
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
    awaited = await _awaited(tx)
    found = {holder_id: _way(context, holder_id, awaited[holder_id], *rest) for holder_id, *rest in rows}
    return lines, _totes(positions, {name: way for name, way in found.items() if way is not None}), holders


@dataclass(frozen=True, slots=True)
class _Way:
    """How a container can be had.

    Attributes:
        station_id: the only station that can have it; None: any.
    """

    cost: float
    station_id: str | None


async def _awaited(tx: Tx) -> defaultdict[str, list[str]]:
    """Return by container the stations where work waits for it that it has not been called for."""
    stations: defaultdict[str, list[str]] = defaultdict(list)
    for holder_id, station_id in await tx.fetch(_AWAITED):
        stations[holder_id].append(station_id)
    return stations


def _way(
    context: WesContext,
    holder_id: str,
    awaited: Sequence[str],
    location_id: str | None,
    purpose: str | None,
    state: str | None,
    station_id: str | None,
) -> _Way | None:
    """Tell how a container can be had; None: not now."""
    place = context.layout.places.get(location_id or "")
    if place is None or state in (S.FAILED, S.RECALLED):
        return None
    elsewhere = next((each for each in awaited if each != station_id), None)
    if elsewhere is not None:
        return _Way(0.0, elsewhere)
    if purpose == Purpose.PICK and (state == S.ARRIVED or state in COMING):
        return _Way(0.0, station_id)
    stations = context.layout.stations_for(holder_id)
    if not stations:
        return None
    only = stations[0] if len(stations) == 1 else None
    return _Way(min(1.0, (place.distance or 0.0) / context.layout.far), only)


def _totes(positions: Mapping[str, Sequence[Position]], ways: Mapping[str, _Way]) -> list[Tote]:
    return [
        Tote(tote_id=name, positions=tuple(positions[name]), cost=way.cost, station_id=way.station_id)
        for name, way in sorted(ways.items())
    ]
