"""The built-in solver: takes parts of the baseline's plan apart and puts them together better, until its time is up.

It also ends when nothing has become better for long: of little that waits, the plan is there at once, and always the same.

A repair fills the free slots of the stations that lost work. For each station it counts by work order the lines that the open
totes do not cover; a work order without such lines costs nothing and goes in at once; else the one that is worth most for what
it still needs, with a tote that covers a line of it and most lines of others that wait. Noise makes repairs differ; the best
draft stays.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np

from gateway.wes.allocation.draft import Draft, Snapshot, snapshot
from gateway.wes.allocation.greedy import further_totes, greedy_draft
from gateway.wes.allocation.plans import check, score
from gateway.wes.allocation.port import Plan, Problem, Station, Work

OTHERS: Final = 0.5
"""What a line of another waiting work order counts that a tote covers, where totes are compared for one that needs them."""
NOISE: Final = 0.4
"""In presentations."""
PER_TOTE: Final = 1.2
"""What a line that is not covered is likely to cost, in presentations."""
TRIED: Final = 5
"""Work orders that a slot is offered to before it stays free."""
BETTER: Final = 1e-9
"""Of the same parts in another order, sums of floats differ by less."""
PATIENCE: Final = 300
"""Rounds without a better draft until the solver ends."""
BUDGET_S: Final = 1.5
"""In the live chain."""


def solver_plan(problem: Problem, clock: Callable[[], float], seconds: float, seed: int) -> Plan:
    """Return a sound plan that is worth at least as much as the baseline's; takes about so many seconds."""
    until = clock() + seconds
    baseline = greedy_draft(snapshot(problem))
    plan = baseline.plan()
    better = _improved(baseline, np.random.default_rng(seed), lambda: clock() < until).plan()
    if check(problem, better) or score(problem, better) < score(problem, plan):
        return plan
    return better


def _improved(baseline: Draft, random: np.random.Generator, in_time: Callable[[], bool]) -> Draft:
    stations = baseline.snapshot.problem.stations
    if not stations:
        return baseline
    repair = _Repair(baseline.snapshot, random)
    anew = Draft(baseline.snapshot)
    for station in stations:
        repair.fill(anew, station, 0.0, in_time)
    best = max(baseline, anew, key=lambda draft: draft.score)
    idle = 0
    while idle < PATIENCE and in_time():
        idle += 1
        draft = best.copy()
        drawn: list[int] = random.permutation(len(stations))[:2].tolist()
        chosen = [stations[index] for index in drawn]
        _take_apart(draft, chosen, random, float(random.uniform(0.2, 1.0)))
        for station in chosen:
            repair.fill(draft, station, NOISE, in_time)
        if draft.score > best.score + BETTER:
            best, idle = draft, 0
    return best


def _take_apart(draft: Draft, stations: Sequence[Station], random: np.random.Generator, part: float) -> None:
    names = {station.station_id for station in stations}
    for work_id in _placed_at(draft, names):
        if random.random() < part:
            draft.take_off(work_id)
    # Whose work order went beyond the limits may be gone, and others live on what it had brought: they could not come without it.
    beyond = {station.station_id for station in stations if draft.is_beyond(station)}
    for work_id in _placed_at(draft, beyond):
        draft.take_off(work_id)


def _placed_at(draft: Draft, stations: Collection[str]) -> list[int]:
    return [work_id for work_id, placed in draft.placed.items() if placed.station_id in stations]


class _Repair:
    """Fills free slots of a draft."""

    def __init__(self, shot: Snapshot, random: np.random.Generator) -> None:
        self._shot = shot
        self._random = random
        self._wanting: dict[str, list[Work]] = defaultdict(list)
        for work in shot.problem.works:
            for sku in {line.sku for line in work.lines}:
                self._wanting[sku].append(work)

    def fill(self, draft: Draft, station: Station, noise: float, in_time: Callable[[], bool]) -> None:
        """Place works at a station while there is one that it may have and time for it."""
        works = {work.work_id: work for work in self._shot.problem.works if draft.may_have(work, station)}
        stock = draft.stock_at(station.station_id)
        bare = {work_id: _uncovered(work, stock) for work_id, work in works.items()}
        whims = dict(zip(works, (noise * self._random.standard_normal(len(works))).tolist(), strict=True))
        while works and in_time():
            placed = self._place_one(draft, station, works, bare, whims)
            if placed is None:
                return
            del works[placed.work_id], bare[placed.work_id]
            before, stock = stock, draft.stock_at(station.station_id)
            changed = [sku for sku in stock if stock[sku] != before.get(sku, 0)]
            for work in {
                work.work_id: work for sku in changed for work in self._wanting.get(sku, ())
            }.values():
                if work.work_id in bare:
                    bare[work.work_id] = _uncovered(work, stock)
            if not draft.has_slot(station):
                works = {work_id: work for work_id, work in works.items() if work.slot is not None}
                bare = {work_id: bare[work_id] for work_id in works}

    def _place_one(
        self,
        draft: Draft,
        station: Station,
        works: dict[int, Work],
        bare: dict[int, int],
        whims: dict[int, float],
    ) -> Work | None:
        worths = self._shot.worths

        def promise(work_id: int) -> float:
            return worths[work_id] + whims[work_id] - PER_TOTE * bare[work_id]

        skus = draft.stock_at(station.station_id)

        def bonus(tote_id: str) -> float:
            others = sum(
                min(len(self._wanting.get(position.sku, ())), 4)
                for position in self._shot.totes[tote_id].positions
                if not skus.get(position.sku)
            )
            return OTHERS * others - self._shot.prices[tote_id]

        for work_id in sorted(bare, key=promise, reverse=True)[:TRIED]:
            work = works[work_id]
            totes = further_totes(draft, work, station, bonus)
            if totes is not None and draft.place(work, station, totes):
                return work
        return None


def _uncovered(work: Work, stock: dict[str, int]) -> int:
    return sum(line.quantity > stock.get(line.sku, 0) for line in work.lines)
