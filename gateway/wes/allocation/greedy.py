"""The baseline, and what everything falls back to: pod matching.

Stations take turns. Each takes the work order of which the totes that are there or coming serve most units, a pressing one before
others that they serve better, and then brings for its other lines the tote that has most of what it lacks.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Final

from gateway.wes.allocation.draft import Draft, Snapshot, snapshot
from gateway.wes.allocation.plans import urgency
from gateway.wes.allocation.port import Line, Plan, Problem, Station, Work

HOLDERS_MAX: Final = 64
"""Totes with something for a line that are compared, the nearest ones."""
PRESSES: Final = 10.0
"""Units at hand that weigh as much as 1 of urgency."""


def greedy_plan(problem: Problem) -> Plan:
    """Return the baseline's plan."""
    return greedy_draft(snapshot(problem)).plan()


def greedy_draft(shot: Snapshot) -> Draft:
    """Return the baseline's plan in the making."""
    draft = Draft(shot)
    for _ in fill(draft):
        pass
    return draft


def fill(draft: Draft) -> Iterator[None]:
    """Let stations take work orders in turn; yield between two of them."""
    problem = draft.snapshot.problem
    haste = {work.work_id: PRESSES * urgency(work) for work in problem.works}
    stations = list(problem.stations)
    while stations:
        taking: list[Station] = []
        for station in stations:
            if _take_one(draft, station, haste):
                taking.append(station)
            yield
        stations = taking


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
    chosen: dict[str, None] = {}
    while lacking:
        has: dict[str, int] = {}
        for line_id, short in lacking.items():
            for tote_id, left in islice(_holders(draft, lines[line_id], station, chosen), HOLDERS_MAX):
                has[tote_id] = has.get(tote_id, 0) + min(short, left)
        if not has:
            return [*chosen] if draft.snapshot.problem.partial else None
        best = max(has, key=lambda tote_id: has[tote_id] + bonus(tote_id))
        chosen[best] = None
        still = {line_id: short - draft.left(best, lines[line_id]) for line_id, short in lacking.items()}
        lacking = {line_id: short for line_id, short in still.items() if short > 0}
    return [*chosen]


def _holders(
    draft: Draft, line: Line, station: Station, chosen: Collection[str]
) -> Iterator[tuple[str, int]]:
    """Yield totes that may be sent to a station and have something for a line, with how much, the nearest first."""
    for tote_id in draft.snapshot.holders.get(line.sku, ()):
        if tote_id not in chosen and draft.may_send(tote_id, station.station_id):
            left = draft.left(tote_id, line)
            if left > 0:
                yield tote_id, left


def _take_one(draft: Draft, station: Station, haste: Mapping[int, float]) -> bool:
    may = [work for work in draft.snapshot.problem.works if draft.may_have(work, station)]
    stock = draft.stock_at(station.station_id)

    def weight(work: Work) -> float:
        return haste[work.work_id] + sum(min(line.quantity, stock.get(line.sku, 0)) for line in work.lines)

    def nearest(tote_id: str) -> float:
        return -draft.snapshot.prices[tote_id] / 2

    for work in sorted(may, key=weight, reverse=True):
        totes_too = further_totes(draft, work, station, nearest)
        if totes_too is not None and draft.place(work, station, totes_too):
            return True
    return False
