"""Whether a plan keeps to its problem, and what it is worth: the same two judges for every allocator."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from gateway.wes.allocation.port import Line, Plan, Position, Problem, Tote, Work

SOON_S: Final = 1800.0
"""A work order that is due within this time presses, the more the less is left."""
LATE_S: Final = 7200.0
"""For each of these that a work order is late, it presses as much again: whatever it costs, its turn comes."""
WORTH_OF_WORK: Final = 6.0
"""A used slot, in presentations: above what nearly any work order costs, so that a free slot is filled whatever it takes."""
WORTH_OF_UNIT: Final = 0.15
"""In presentations: between two plans that fill their slots, the one with more units for each presentation is better."""
COST_OF_WAY: Final = 0.2
"""What the farthest tote costs above the nearest, in presentations."""


def check(problem: Problem, plan: Plan) -> list[str]:
    """Return every reason why a plan cannot be carried out; empty: it is sound."""
    return [
        *_assignment_faults(problem, plan),
        *_presentation_faults(problem, plan),
        *_pick_faults(problem, plan),
        *_limit_faults(problem, plan),
    ]


def urgency(work: Work) -> float:
    """Return how much a work order presses: 1 for one with time and without priority, up to 3 until it is late."""
    due_s = SOON_S if work.due_s is None else work.due_s
    left, late = min(max(due_s, 0.0), SOON_S), max(-due_s, 0.0)
    return 1 + work.priority / 9 + (1 - left / SOON_S) + late / LATE_S


def worth(work: Work) -> float:
    """Return what serving all of a work order is worth, in presentations."""
    return urgency(work) * WORTH_OF_WORK + WORTH_OF_UNIT * sum(line.quantity for line in work.lines)


def price(tote: Tote) -> float:
    """Return what bringing a tote costs, in presentations; one that comes anyway costs nothing."""
    return 0.0 if tote.station_id is not None else 1 + COST_OF_WAY * tote.cost


def score(problem: Problem, plan: Plan) -> float:
    """Return what a sound plan is worth: the work it serves less the presentations it costs."""
    wanted = {line.line_id: line.quantity for work in problem.works for line in work.lines}
    picked: Counter[int] = Counter()
    works: Counter[int] = Counter()
    for presentation in plan.presentations:
        for pick in presentation.picks:
            picked[pick.line_id] += pick.quantity
            works[pick.work_id] += pick.quantity
    gain = 0.0
    for work in problem.works:
        if works[work.work_id]:
            served = sum(picked[line.line_id] / wanted[line.line_id] for line in work.lines)
            gain += worth(work) * served / len(work.lines)
    totes = {tote.tote_id: tote for tote in problem.totes}
    return gain - sum(price(totes[presentation.tote_id]) for presentation in plan.presentations)


def _assignment_faults(problem: Problem, plan: Plan) -> Iterator[str]:
    works = {work.work_id: work for work in problem.works}
    stations = {station.station_id: station for station in problem.stations}
    seen: set[int] = set()
    slots: set[tuple[str, str]] = set()
    for assignment in plan.assignments:
        work, station = works.get(assignment.work_id), stations.get(assignment.station_id)
        if work is None or station is None:
            yield f"work order {assignment.work_id} or station {assignment.station_id} is unknown"
            continue
        if assignment.work_id in seen:
            yield f"work order {assignment.work_id} is assigned twice"
        seen.add(assignment.work_id)
        if (assignment.station_id, assignment.slot) in slots:
            yield f"slot {assignment.slot} of {assignment.station_id} is given twice"
        slots.add((assignment.station_id, assignment.slot))
        if work.station_id not in {None, assignment.station_id}:
            yield f"work order {work.work_id} belongs to station {work.station_id}, not {assignment.station_id}"
        if work.slot is not None and work.slot != assignment.slot:
            yield f"work order {work.work_id} has slot {work.slot}, not {assignment.slot}"
        if work.slot is None and assignment.slot not in station.slots:
            yield f"slot {assignment.slot} of {assignment.station_id} is not free"


def _presentation_faults(problem: Problem, plan: Plan) -> Iterator[str]:
    totes = {tote.tote_id: tote for tote in problem.totes}
    stations = {station.station_id: station for station in problem.stations}
    seen: set[str] = set()
    for presentation in plan.presentations:
        tote, station = totes.get(presentation.tote_id), stations.get(presentation.station_id)
        if tote is None or station is None:
            yield f"tote {presentation.tote_id} or station {presentation.station_id} is unknown"
            continue
        if tote.tote_id in seen:
            yield f"tote {tote.tote_id} is presented twice"
        seen.add(tote.tote_id)
        if not presentation.picks:
            yield f"nothing is picked from tote {tote.tote_id}"
        if tote.station_id not in {None, station.station_id}:
            yield f"tote {tote.tote_id} goes to station {tote.station_id}, not {station.station_id}"


def _pick_faults(problem: Problem, plan: Plan) -> Iterator[str]:
    positions = {p.position_id: (tote.tote_id, p) for tote in problem.totes for p in tote.positions}
    lines = {line.line_id: (work, line) for work in problem.works for line in work.lines}
    stations = {assignment.work_id: assignment.station_id for assignment in plan.assignments}
    taken: Counter[int] = Counter()
    picked: Counter[int] = Counter()
    for presentation in plan.presentations:
        for pick in presentation.picks:
            where, what = positions.get(pick.position_id), lines.get(pick.line_id)
            if where is None or what is None:
                yield f"position {pick.position_id} or line {pick.line_id} is unknown"
                continue
            yield from _one_pick_faults(what, where[1], pick.work_id, pick.quantity)
            if where[0] != presentation.tote_id:
                yield f"position {pick.position_id} is not in tote {presentation.tote_id}"
            if stations.get(pick.work_id) != presentation.station_id:
                yield f"work order {pick.work_id} is not done at station {presentation.station_id}"
            taken[pick.position_id] += pick.quantity
            picked[pick.line_id] += pick.quantity
    yield from _sum_faults(problem, plan, taken, picked)


def _one_pick_faults(
    what: tuple[Work, Line], position: Position, work_id: int, quantity: int
) -> Iterator[str]:
    work, line = what
    if work.work_id != work_id:
        yield f"line {line.line_id} is not of work order {work_id}"
    if quantity < 1:
        yield f"line {line.line_id} is given {quantity} units"
    if position.sku != line.sku or (line.lots and position.lot not in line.lots):
        yield f"position {position.position_id} does not hold what line {line.line_id} wants"


def _sum_faults(problem: Problem, plan: Plan, taken: Counter[int], picked: Counter[int]) -> Iterator[str]:
    for tote in problem.totes:
        for position in tote.positions:
            if taken[position.position_id] > position.available:
                yield f"{taken[position.position_id]} units of position {position.position_id}, which has {position.available}"
    assigned = {assignment.work_id for assignment in plan.assignments}
    for work in problem.works:
        if work.work_id not in assigned:
            continue
        given = [(picked[line.line_id], line) for line in work.lines]
        for units, line in given:
            if units > line.quantity or (units < line.quantity and not problem.partial):
                yield f"line {line.line_id} is given {units} of {line.quantity} units"
        if not any(units for units, _ in given):
            yield f"work order {work.work_id} is assigned, but nothing is picked for it"


def _limit_faults(problem: Problem, plan: Plan) -> Iterator[str]:
    """Tell where a station that has all it takes is given more, one work order after the other; the last may go beyond."""
    stored = {tote.tote_id for tote in problem.totes if tote.station_id is None}
    totes: defaultdict[int, set[str]] = defaultdict(set)
    units: Counter[int] = Counter()
    for presentation in plan.presentations:
        for pick in presentation.picks:
            units[pick.work_id] += pick.quantity
            if presentation.tote_id in stored:
                totes[pick.work_id].add(presentation.tote_id)
    stations = {station.station_id: station for station in problem.stations}
    sent: defaultdict[str, set[str]] = defaultdict(set)
    load = Counter({station.station_id: station.load for station in problem.stations})
    for assignment in plan.assignments:
        station, work_id = stations.get(assignment.station_id), assignment.work_id
        if station is None:
            continue
        there = sent[station.station_id]
        if totes[work_id] - there and len(there) >= station.totes:
            yield f"work order {work_id} needs more totes at station {station.station_id}, which takes {station.totes}"
        if station.load_max is not None and load[station.station_id] >= station.load_max:
            yield f"work order {work_id} is for station {station.station_id}, which has {station.load_max} units waiting"
        there |= totes[work_id]
        load[station.station_id] += units[work_id]
