"""Work whose containers are kept at different stations, where others go on using them: its turn comes all the same.

A container at a station is picked there alone, and stays as long as there is more to be picked: so what needs two of them, at two
stations, could wait for ever. Once such work has waited for long, the containers that it lacks at one of the stations are kept for
that one: nobody else joins them where they are, so they are done there before long, and go on. Who waits longest is served first;
where no station has a slot for its box, others go on until one has.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.contract.clock import Micros
from gateway.wes.allocation.port import Line, Problem, Tote, Work

PATIENCE_US: Final[Micros] = 900_000_000
"""So long work waits for its containers before they are kept for it; less if it is due as soon as that."""


def keep_totes(problem: Problem, works: Sequence[int]) -> Problem:
    """Return a problem in which works that no station can do alone have the totes that they need at one of them.

    Args:
        problem: as things stand.
        works: ids of those that have waited for long, in the order in which they are served.
    """
    busy = {at.lot for tote in problem.totes if tote.station_id is not None for at in tote.positions}
    by_id = {work.work_id: work for work in problem.works}
    torn = [by_id[each] for each in works if not busy.isdisjoint(_wanted(by_id[each]))]
    lots = _lots(problem.totes, {lot for work in torn for lot in _wanted(work)})
    stations = [station.station_id for station in problem.stations if station.slots]
    kept: dict[str, str] = {}
    for work in torn:
        station_id = _where_torn(work, lots, stations if work.station_id is None else [work.station_id])
        if station_id is not None:
            needed = _needed(work, lots, station_id)
            if needed.isdisjoint(kept):
                kept |= dict.fromkeys(needed, station_id)
                by_id[work.work_id] = replace(work, station_id=station_id)
    totes = (
        replace(tote, station_id=kept[tote.tote_id]) if tote.tote_id in kept else tote
        for tote in problem.totes
    )
    return replace(problem, works=tuple(by_id.values()), totes=tuple(totes)) if kept else problem


@dataclass(slots=True)
class _Lot:
    """Where there is how much of a lot.

    Attributes:
        units: by station; None: in totes that any station may have.
        bound: (units, tote, station) of totes that one station has.
    """

    units: Counter[str | None] = field(default_factory=Counter[str | None])
    bound: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])


def _wanted(work: Work) -> set[str]:
    return {lot for line in work.lines for lot in line.lots}


def _lots(totes: Iterable[Tote], wanted: Set[str]) -> Mapping[str, _Lot]:
    lots: defaultdict[str, _Lot] = defaultdict(_Lot)
    for tote in totes:
        for position in tote.positions:
            if position.lot not in wanted:
                continue
            lot = lots[position.lot]
            lot.units[tote.station_id] += position.available
            if tote.station_id is not None:
                lot.bound.append((position.available, tote.tote_id, tote.station_id))
    return lots


def _where_torn(work: Work, lots: Mapping[str, _Lot], stations: Sequence[str]) -> str | None:
    """Return the station that has most of what a work order wants; None: one has all of it, or all together do not."""
    scarce = [line for line in work.lines if _units(line, lots, None) < line.quantity]
    if not scarce or not stations or any(_all_units(line, lots) < line.quantity for line in scarce):
        return None
    lacking = {each: sum(_lacks(line, lots, each) for line in scarce) for each in stations}
    best = min(lacking, key=lambda each: lacking[each])
    return best if lacking[best] else None


def _lacks(line: Line, lots: Mapping[str, _Lot], station_id: str) -> int:
    return max(0, line.quantity - _units(line, lots, None) - _units(line, lots, station_id))


def _units(line: Line, lots: Mapping[str, _Lot], station_id: str | None) -> int:
    return sum(lots[lot].units[station_id] for lot in line.lots if lot in lots)


def _all_units(line: Line, lots: Mapping[str, _Lot]) -> int:
    return sum(lots[lot].units.total() for lot in line.lots if lot in lots)


def _needed(work: Work, lots: Mapping[str, _Lot], station_id: str) -> set[str]:
    """Return totes of stations that a work order needs at one of them: those that are there, and the fewest of others."""
    totes: set[str] = set()
    for line in work.lines:
        found = [lots[lot] for lot in line.lots if lot in lots]
        lacking = line.quantity - _units(line, lots, None)
        bound = ((at != station_id, -units, tote_id) for lot in found for units, tote_id, at in lot.bound)
        for _, less, tote_id in sorted(bound):
            if lacking > 0:
                totes.add(tote_id)
                lacking += less
    return totes
