"""The allocation port: every allocator's plan is sound, the solver's is never worse than the baseline's, and a service may fail."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delivery.allocation import Elsewhere, NoPlan
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.allocation.greedy import greedy_plan
from gateway.wes.allocation.plans import check, score
from gateway.wes.allocation.port import (
    PLAN_JSON,
    PROBLEM_JSON,
    Assignment,
    Line,
    Pick,
    Plan,
    Position,
    Presentation,
    Problem,
    Station,
    Tote,
    Work,
)
from gateway.wes.allocation.solver import solver_plan

pytestmark = pytest.mark.unit


def drawn(seed: int, *, works: int = 30, totes: int = 40, stations: int = 3) -> Problem:
    random = Random(seed)
    skus = [f"S{number}" for number in range(12)]
    lines = iter(range(1, 100_000))
    positions = iter(range(1, 100_000))

    def line() -> Line:
        lots = ("L1",) if random.random() < 0.2 else ()
        return Line(line_id=next(lines), sku=random.choice(skus), quantity=random.randint(1, 4), lots=lots)

    def position() -> Position:
        return Position(
            position_id=next(positions),
            sku=random.choice(skus),
            available=random.randint(0, 6),
            lot=random.choice(("L1", "L2")),
        )

    def work(number: int) -> Work:
        due = random.choice((None, random.uniform(-100, 9000)))
        station = f"T{random.randrange(stations)}" if random.random() < 0.1 else None
        slot = f"held-{number}" if station is not None and random.random() < 0.5 else None
        of_work = tuple(line() for _ in range(random.randint(1, 4)))
        return Work(
            work_id=number,
            lines=of_work,
            priority=random.randint(0, 9),
            due_s=due,
            station_id=station,
            slot=slot,
        )

    def tote(number: int) -> Tote:
        return Tote(
            tote_id=f"B{number}",
            positions=tuple(position() for _ in range(random.randint(0, 4))),
            cost=random.random(),
            station_id=f"T{random.randrange(stations)}" if random.random() < 0.15 else None,
        )

    return Problem(
        works=tuple(work(number) for number in range(works)),
        totes=tuple(tote(number) for number in range(totes)),
        stations=tuple(
            Station(
                station_id=f"T{number}",
                slots=tuple(f"T{number}-{slot}" for slot in range(random.randint(0, 5))),
                totes=random.randint(0, 8),
                load=random.randint(0, 10),
                load_max=random.choice((None, 25)),
            )
            for number in range(stations)
        ),
        partial=random.random() < 0.3,
    )


def ticking(steps: int) -> Callable[[], float]:
    """A clock on which each look takes one of so many steps of a second."""
    looks = iter(range(10**9))
    return lambda: next(looks) / steps


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_every_plan_is_sound_and_the_solver_is_never_worse_than_the_baseline(seed: int) -> None:
    problem = drawn(seed)
    baseline, better = greedy_plan(problem), solver_plan(problem, ticking(200), 1.0, 0)
    assert check(problem, baseline) == []
    assert check(problem, better) == []
    assert score(problem, better) >= score(problem, baseline)


def test_the_same_seed_makes_the_same_plan() -> None:
    problem = drawn(5)
    assert solver_plan(problem, ticking(300), 1.0, 3) == solver_plan(problem, ticking(300), 1.0, 3)


def test_the_solver_brings_fewer_totes_for_the_same_orders() -> None:
    """Given one tote with all of what waits and others with single SKUs nearer by, the solver brings the one."""
    skus = ("A", "B", "C")
    works = tuple(
        Work(work_id=number, lines=(Line(line_id=number, sku=sku, quantity=2),))
        for number, sku in enumerate(skus)
    )
    near = tuple(
        Tote(tote_id=sku, positions=(Position(position_id=number, sku=sku, available=9),))
        for number, sku in enumerate(skus)
    )
    mixed = Tote(
        tote_id="mixed",
        cost=1.0,
        positions=tuple(Position(position_id=10 + n, sku=sku, available=2) for n, sku in enumerate(skus)),
    )
    station = Station(station_id="T", slots=("1", "2", "3"), totes=3)
    problem = Problem(works=works, totes=(*near, mixed), stations=(station,))
    assert len(greedy_plan(problem).presentations) == 3
    plan = solver_plan(problem, ticking(500), 1.0, 0)
    assert [presentation.tote_id for presentation in plan.presentations] == ["mixed"]
    assert len(plan.assignments) == 3


def test_a_short_work_order_waits_unless_parts_are_allowed() -> None:
    work = Work(work_id=1, lines=(Line(line_id=1, sku="A", quantity=5),))
    tote = Tote(tote_id="B", positions=(Position(position_id=1, sku="A", available=3),))
    problem = Problem(
        works=(work,), totes=(tote,), stations=(Station(station_id="T", slots=("1",), totes=1),)
    )
    assert greedy_plan(problem) == Plan()
    plan = greedy_plan(replace(problem, partial=True))
    assert [pick.quantity for presentation in plan.presentations for pick in presentation.picks] == [3]


SOUND = Problem(
    works=(
        Work(work_id=1, lines=(Line(line_id=1, sku="A", quantity=2, lots=("L1",)),)),
        Work(work_id=2, lines=(Line(line_id=2, sku="B", quantity=1),), station_id="T2", slot="held"),
    ),
    totes=(
        Tote(tote_id="X", positions=(Position(position_id=1, sku="A", available=2, lot="L1"),)),
        Tote(tote_id="Y", positions=(Position(position_id=2, sku="B", available=1),), station_id="T2"),
        Tote(tote_id="Z", positions=(Position(position_id=3, sku="A", available=9, lot="L2"),)),
    ),
    stations=(
        Station(station_id="T1", slots=("1",), totes=1, load=3, load_max=5),
        Station(station_id="T2", slots=(), totes=0),
    ),
)
ASSIGNMENT = Assignment(work_id=1, station_id="T1", slot="1")
PICK = Pick(work_id=1, line_id=1, position_id=1, quantity=2)
PRESENTATION = Presentation(tote_id="X", station_id="T1", picks=(PICK,))
PLAN = Plan(
    assignments=(ASSIGNMENT, Assignment(work_id=2, station_id="T2", slot="held")),
    presentations=(
        PRESENTATION,
        Presentation(
            tote_id="Y", station_id="T2", picks=(Pick(work_id=2, line_id=2, position_id=2, quantity=1),)
        ),
    ),
)


def with_assignment(**change: object) -> Plan:
    return replace(PLAN, assignments=(replace(ASSIGNMENT, **change), PLAN.assignments[1]))  # type: ignore[arg-type]


def with_presentation(**change: object) -> Plan:
    changed = replace(PRESENTATION, **change)  # type: ignore[arg-type]
    return replace(PLAN, presentations=(changed, PLAN.presentations[1]))


def with_pick(**change: object) -> Plan:
    return with_presentation(picks=(replace(PICK, **change),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (with_assignment(work_id=9), "work order 9 or station T1 is unknown"),
        (with_assignment(slot="7"), "slot 7 of T1 is not free"),
        (replace(PLAN, assignments=(*PLAN.assignments, ASSIGNMENT)), "work order 1 is assigned twice"),
        (replace(PLAN, assignments=PLAN.assignments[:1]), "work order 2 is not done at station T2"),
        (
            replace(PLAN, presentations=PLAN.presentations[1:]),
            "work order 1 is assigned, but nothing is picked",
        ),
        (with_presentation(station_id="T2"), "work order 1 is not done at station T2"),
        (with_presentation(tote_id="nowhere"), "tote nowhere or station T1 is unknown"),
        (with_presentation(tote_id="Y"), "tote Y goes to station T2, not T1"),
        (with_presentation(picks=()), "nothing is picked from tote X"),
        (with_pick(position_id=3), "position 3 does not hold what line 1 wants"),
        (with_pick(position_id=8), "position 8 or line 1 is unknown"),
        (with_pick(quantity=1), "line 1 is given 1 of 2 units"),
        (with_pick(quantity=0), "line 1 is given 0 units"),
        (with_pick(quantity=3), "3 units of position 1, which has 2"),
        (with_pick(work_id=2), "line 1 is not of work order 2"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_told(plan: Plan, reason: str) -> None:
    assert check(SOUND, PLAN) == []
    assert any(reason in fault for fault in check(SOUND, plan)), check(SOUND, plan)


SKUS = [f"K{number}" for number in range(8)]
EIGHT = Work(
    work_id=1,
    lines=tuple(Line(line_id=number, sku=sku, quantity=5) for number, sku in enumerate(SKUS)),
)
EACH_IN_ITS_TOTE = tuple(
    Tote(tote_id=sku, positions=(Position(position_id=number, sku=sku, available=9),))
    for number, sku in enumerate(SKUS)
)
BUSY = Station(station_id="T", slots=("1", "2", "3"), totes=1, load=39, load_max=40)


@pytest.mark.parametrize("allocate", [greedy_plan, lambda problem: solver_plan(problem, lambda: 0.0, 1.0, 0)])
def test_an_order_larger_than_what_a_station_takes_at_a_time_goes_there_and_nothing_after_it(
    allocate: Callable[[Problem], Plan],
) -> None:
    """Given a station that takes one more tote and one more unit, an order of 8 totes and 40 units gets there all the same."""
    small = Work(work_id=2, lines=(Line(line_id=20, sku="B", quantity=1),))
    tote = Tote(tote_id="B", positions=(Position(position_id=20, sku="B", available=1),))
    problem = Problem(works=(EIGHT, small), totes=(*EACH_IN_ITS_TOTE, tote), stations=(BUSY,))
    plan = allocate(replace(problem, works=(replace(EIGHT, priority=9), small)))
    assert [assignment.work_id for assignment in plan.assignments] == [1]
    assert len(plan.presentations) == 8
    assert allocate(replace(problem, stations=(replace(BUSY, totes=0),))) == Plan()
    assert allocate(replace(problem, stations=(replace(BUSY, load=40),))) == Plan()


def test_after_the_work_order_that_goes_beyond_a_stations_limits_no_other_may_follow() -> None:
    works = tuple(Work(work_id=n, lines=(Line(line_id=n, sku=SKUS[n], quantity=5),)) for n in range(2))
    problem = Problem(works=works, totes=EACH_IN_ITS_TOTE, stations=(BUSY,))
    both = Plan(
        assignments=tuple(Assignment(work_id=n, station_id="T", slot=str(n + 1)) for n in range(2)),
        presentations=tuple(
            Presentation(
                tote_id=SKUS[n],
                station_id="T",
                picks=(Pick(work_id=n, line_id=n, position_id=n, quantity=5),),
            )
            for n in range(2)
        ),
    )
    assert check(problem, both) == [
        "work order 1 needs more totes at station T, which takes 1",
        "work order 1 is for station T, which has 40 units waiting",
    ]


def test_a_line_that_is_spread_over_many_totes_is_served_however_many_others_are_nearer() -> None:
    def totes(lot: str, count: int, cost: float) -> list[Tote]:
        return [
            Tote(
                tote_id=f"{lot}-{n}",
                cost=cost,
                positions=(Position(position_id=n + 1000 * (lot == "L2"), sku="A", available=1, lot=lot),),
            )
            for n in range(count)
        ]

    work = Work(work_id=1, lines=(Line(line_id=1, sku="A", quantity=80, lots=("L2",)),))
    station = Station(station_id="T", slots=("1",), totes=1)
    problem = Problem(
        works=(work,), totes=(*totes("L1", 100, 0.0), *totes("L2", 80, 1.0)), stations=(station,)
    )
    assert len(greedy_plan(problem).presentations) == 80


PRESSING = Work(work_id=9, lines=(Line(line_id=9, sku="B", quantity=1),))


@pytest.mark.parametrize(
    "work",
    [replace(PRESSING, priority=9), replace(PRESSING, due_s=60.0), replace(PRESSING, due_s=-86_400.0)],
    ids=("first", "nearly due", "late for long"),
)
@pytest.mark.parametrize("allocate", [greedy_plan, lambda problem: solver_plan(problem, lambda: 0.0, 1.0, 0)])
def test_an_order_that_presses_is_not_passed_over_for_ever_by_others_whose_goods_are_at_hand(
    allocate: Callable[[Problem], Plan], work: Work
) -> None:
    """Given one free slot, the tote that others want at the station, and one that presses for a tote in storage."""
    others = tuple(
        Work(work_id=n, lines=(Line(line_id=n, sku="A", quantity=3),), due_s=7200.0) for n in range(1, 4)
    )
    at_hand = Tote(tote_id="A", positions=(Position(position_id=1, sku="A", available=99),), station_id="T")
    stored = Tote(tote_id="B", positions=(Position(position_id=2, sku="B", available=1),), cost=1.0)
    station = Station(station_id="T", slots=("1",), totes=3)
    problem = Problem(works=(*others, work), totes=(at_hand, stored), stations=(station,))
    assert [each.work_id for each in allocate(problem).assignments] == [9]


def test_a_late_order_of_many_totes_has_its_turn_before_small_ones_that_have_just_come() -> None:
    others = tuple(Work(work_id=n, lines=(Line(line_id=n, sku="A", quantity=3),)) for n in range(2, 5))
    at_hand = Tote(tote_id="A", positions=(Position(position_id=100, sku="A", available=99),), station_id="T")
    station = Station(station_id="T", slots=("1",), totes=9)
    problem = Problem(works=(EIGHT, *others), totes=(*EACH_IN_ITS_TOTE, at_hand), stations=(station,))
    plan = solver_plan(problem, lambda: 0.0, 1.0, 0)
    assert [each.work_id for each in plan.assignments] != [1]
    late = replace(problem, works=(replace(EIGHT, due_s=-6 * 3600.0), *others))
    plan = solver_plan(late, lambda: 0.0, 1.0, 0)
    assert [each.work_id for each in plan.assignments] == [1]


async def test_others_have_their_turn_on_the_event_loop_while_the_baseline_plans() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        busy = tasks.create_task(others())
        problem = drawn(1, works=100, totes=100)
        answer = await Greedy().plan(problem)
        busy.cancel()
    assert answer.plan == greedy_plan(problem)
    assert turns >= len(answer.plan.assignments)


@dataclass
class Elder:
    """An algorithm that answers what it is told to, or why not."""

    answer: bytes = b""
    refusal: str = ""
    asked: list[bytes] = field(default_factory=list[bytes])
    by: str = "external"
    name: str = "the elder"

    async def ask(self, problem: bytes) -> bytes:
        self.asked.append(problem)
        if self.refusal:
            raise NoPlan(self.refusal)
        return self.answer


async def test_somebody_else_is_asked_and_a_sound_plan_taken() -> None:
    elder = Elder(PLAN_JSON.dump_json(PLAN, by_alias=True))
    found = await Elsewhere(elder, Greedy()).plan(SOUND)
    assert [PROBLEM_JSON.validate_json(problem) for problem in elder.asked] == [SOUND]
    assert (found.plan, found.by, found.remarks) == (PLAN, "external", ())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"{", "the elder's answer is no JSON"),
        (b"[1e999]", "is no plan"),
        (b'{"assignments": [{"workId": 1}]}', "is no plan: assignments.0.stationId: Field required"),
        (b'{"assignments": [], "surprise": 1}', "is no plan: surprise"),
        (PLAN_JSON.dump_json(with_pick(quantity=3)), "is no plan"),
        (PLAN_JSON.dump_json(with_pick(quantity=3), by_alias=True), "not sound: 3 units of position 1"),
    ],
    ids=("no JSON", "nonsense", "missing fields", "unknown field", "other names", "not sound"),
)
async def test_who_answers_nonsense_is_stood_in_for_and_the_answer_says_why(answer: bytes, why: str) -> None:
    found = await Elsewhere(Elder(answer), Greedy()).plan(SOUND)
    assert found.by == "greedy"
    assert check(SOUND, found.plan) == []
    assert any(why in remark for remark in found.remarks), found.remarks


@pytest.mark.parametrize(
    "answer",
    [
        PLAN_JSON.dump_json(with_presentation(tote_id="X" * 100_000), by_alias=True),
        b'{"' + b"X" * 100_000 + b'": 1}',
        PLAN_JSON.dump_json(with_presentation(picks=(PICK, PICK)), by_alias=True).replace(
            b'"quantity":2', b'"quantity":' + b"9" * 4_300
        ),
    ],
    ids=("a long name", "a long field", "many digits"),
)
async def test_whatever_somebody_answers_what_is_told_of_it_is_short(answer: bytes) -> None:
    found = await Elsewhere(Elder(answer), Greedy()).plan(SOUND)
    assert found.by == "greedy"
    assert [len(remark) <= 500 for remark in found.remarks] == [True]


async def test_who_stands_in_may_be_stood_in_for() -> None:
    solver = Elsewhere(Elder(refusal="the solver is ill"), Greedy())
    found = await Elsewhere(Elder(refusal="the elder is out"), solver).plan(SOUND)
    assert (found.by, found.remarks) == ("greedy", ("the elder is out", "the solver is ill"))


async def test_the_solver_ends_when_nothing_gets_better() -> None:
    plan = solver_plan(SOUND, lambda: 0.0, 1.0, 0)
    assert check(SOUND, plan) == []


def test_a_problem_and_a_plan_come_back_from_their_json() -> None:
    assert PROBLEM_JSON.validate_json(PROBLEM_JSON.dump_json(SOUND, by_alias=True)) == SOUND
    assert PLAN_JSON.validate_json(PLAN_JSON.dump_json(PLAN, by_alias=True)) == PLAN
    assert b'"workId":1' in PLAN_JSON.dump_json(PLAN, by_alias=True)


def test_a_thousand_orders_and_five_thousand_totes_are_allocated_in_about_the_time_given() -> None:
    problem = drawn(1, works=1000, totes=5000, stations=10)
    begun = time.perf_counter()
    plan = solver_plan(problem, time.perf_counter, 0.5, 0)
    assert check(problem, plan) == []
    assert time.perf_counter() - begun < 10  # far above, as the machine may be busy
