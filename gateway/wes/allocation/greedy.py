"""The baseline, and what everything falls back to: pod matching.

Stations take turns. Each takes the work order of which the totes that are there or coming serve most units, the more pressing
and older one first where they serve the same, and then brings for its other lines the tote that has most of what it lacks.
"""

from collections.abc import Callable
from typing import Final

from gateway.wes.allocation.draft import Draft, Snapshot, snapshot
from gateway.wes.allocation.plans import urgency
from gateway.wes.allocation.port import Answer, Plan, Problem, Station, Work

HOLDERS_MAX: Final = 64
"""Totes of one SKU that are looked at, nearest first."""


def greedy_plan(problem: Problem) -> Plan:
    """Return the baseline's plan."""
    return greedy_draft(snapshot(problem)).plan()


def greedy_draft(shot: Snapshot) -> Draft:
    """Return the baseline's plan in the making."""
    draft = Draft(shot)
    waiting = sorted(shot.problem.works, key=lambda work: -urgency(work))
    stations = list(shot.problem.stations)
    while stations:
        stations = [station for station in stations if _take_one(draft, station, waiting)]
    return draft


class Greedy:
    """The baseline as an allocator."""

    async def plan(self, problem: Problem) -> Answer:
        """Return the baseline's plan."""
        return Answer(plan=greedy_plan(problem), by="greedy")


def further_totes(
    draft: Draft, work: Work, station: Station, bonus: Callable[[str], float]
) -> list[str] | None:
    """Return totes that have what the open ones of a station lack for a work order.

    Args:
        draft: what is placed so far.
        work: what to serve.
        station: where.
        bonus: what is added to the units that a tote has for the work order, where totes are compared.

    Returns:
        None: not all of it can be had, and a part will not do.
    """
    lacking = draft.lacking(work, draft.open[station.station_id])
    lines = {line.line_id: line for line in work.lines if line.line_id in lacking}
    chosen: list[str] = []
    while lacking:
        has: dict[str, int] = {}
        for line_id, short in lacking.items():
            for tote_id in draft.snapshot.holders.get(lines[line_id].sku, ())[:HOLDERS_MAX]:
                if tote_id in chosen or not draft.may_send(tote_id, station.station_id):
                    continue
                units = min(short, draft.left(tote_id, lines[line_id]))
                if units > 0:
                    has[tote_id] = has.get(tote_id, 0) + units
        if not has:
            return chosen if draft.snapshot.problem.partial else None
        best = max(has, key=lambda tote_id: has[tote_id] + bonus(tote_id))
        chosen.append(best)
        lacking = draft.lacking(work, [*draft.open[station.station_id], *chosen])
    return chosen


def _take_one(draft: Draft, station: Station, waiting: list[Work]) -> bool:
    may = [work for work in waiting if draft.may_have(work, station)]
    stock = draft.stock_at(station.station_id)

    def served(work: Work) -> int:
        return sum(min(line.quantity, stock.get(line.sku, 0)) for line in work.lines)

    def nearest(tote_id: str) -> float:
        return -draft.snapshot.prices[tote_id] / 2

    for work in sorted(may, key=served, reverse=True):
        totes_too = further_totes(draft, work, station, nearest)
        if totes_too is not None and draft.place(work, station, totes_too):
            return True
    return False
