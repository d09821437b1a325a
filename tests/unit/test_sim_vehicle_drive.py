"""Motion of simulated vehicles: exact times, and laws that any motion keeps."""

from itertools import pairwise
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_devices.kinematics import Travel
from sim_devices.vehicles.drive import Drive, Section
from tests.vehicles import Bench, order

pytestmark = pytest.mark.unit

ACCELERATION = 0.5
sections = st.lists(
    st.builds(Section, length=st.floats(0.0, 50.0), limit=st.floats(0.1, 3.0)), min_size=1, max_size=8
)


@given(sections, st.integers(2, 5))
def test_equal_limits_are_the_trapezoid_of_the_closed_formula(ways: list[Section], limit: int) -> None:
    drive = Drive([Section(way.length, limit) for way in ways], ACCELERATION)
    closed = Travel(sum(way.length for way in ways), limit, ACCELERATION)
    assert drive.duration == pytest.approx(closed.duration)
    for share in (0.1, 0.3, 0.5, 0.9, 1.0):
        at = share * closed.duration
        assert drive.travelled(at) == pytest.approx(closed.travelled(at), abs=1e-6)
        speed = min(limit, ACCELERATION * at, ACCELERATION * (closed.duration - at))
        assert drive.speed(at) == pytest.approx(speed, abs=1e-6)


@given(sections)
def test_it_covers_the_way_in_sequence_and_ends_at_a_stand(ways: list[Section]) -> None:
    drive = Drive(ways, ACCELERATION)
    covered = 0.0
    for way, passage in zip(ways, drive.passages, strict=True):
        covered += way.length
        assert drive.travelled(passage) == pytest.approx(covered, abs=1e-6)
    assert list(drive.passages) == sorted(drive.passages)
    assert drive.speed(drive.duration) == 0.0


@given(sections)
def test_neither_limit_nor_acceleration_is_ever_exceeded(ways: list[Section]) -> None:
    drive = Drive(ways, ACCELERATION)
    times = [drive.duration * n / 200 for n in range(201)]
    starts = [0.0, *drive.passages]
    for time in times:
        within = [w for w, (a, b) in zip(ways, pairwise(starts), strict=True) if a - 1e-9 <= time <= b + 1e-9]
        assert not within or drive.speed(time) <= max(way.limit for way in within) + 1e-6
    for earlier, later in pairwise(times):
        change = abs(drive.speed(later) - drive.speed(earlier))
        assert change <= ACCELERATION * (later - earlier) + 1e-6


@given(sections, sections)
def test_more_way_while_driving_costs_nothing(first: list[Section], more: list[Section]) -> None:
    """Given a way that is extended before it has to brake, then it takes as long as if it had been known at once."""
    whole = Drive([*first, *more], ACCELERATION)
    alone = Drive(first, ACCELERATION)
    at = next(
        (t for n in range(100, -1, -1) if same_so_far(whole, alone, t := alone.duration * n / 100)), 0.0
    )
    index = next((i for i, passage in enumerate(alone.passages) if passage > at), len(first) - 1)
    rest = sum(way.length for way in first[: index + 1]) - alone.travelled(at)
    remaining = [Section(max(rest, 0.0), first[index].limit), *first[index + 1 :], *more]
    extended = Drive(remaining, ACCELERATION, alone.speed(at))
    assert at + extended.duration == pytest.approx(whole.duration, rel=1e-4, abs=1e-3)


def same_so_far(whole: Drive, alone: Drive, at: float) -> bool:
    return all(
        isclose(whole.travelled(at * n / 50), alone.travelled(at * n / 50), abs_tol=1e-9) for n in range(51)
    )


def test_a_vehicle_passes_nodes_at_exact_times() -> None:
    """Given 30 m at 2 m/s and 0.5 m/s², then 4 s of acceleration, 11 s of cruising, 4 s of braking."""
    bench = Bench()
    bench.order(order("abcd"))
    assert bench.vehicle.next_moment() == pytest.approx(4 + (10 - 4) / 2)
    bench.run(7.0 - 1e-6)
    assert bench.state["lastNodeId"] == "a"
    bench.run(7.0 + 1e-6)
    assert bench.state["lastNodeId"] == "b"
    assert bench.state["velocity"]["vx"] == 2.0
    bench.run(12.0 + 1e-6)
    assert bench.state["lastNodeId"] == "c"
    assert bench.finish() == pytest.approx(30 / 2 + 2 / 0.5)
    assert bench.state["lastNodeId"] == "d"


def test_a_short_way_is_a_triangle() -> None:
    bench = Bench()
    bench.order(order("ab", edge={"maxSpeed": 100.0}))
    assert bench.finish() == pytest.approx(10 / 2 + 2 / 0.5)
    slow = Drive([Section(4.0, 2.0)], ACCELERATION)
    assert slow.duration == pytest.approx(2 * sqrt(4.0 / ACCELERATION))


def test_the_speed_limit_of_an_edge_is_kept() -> None:
    bench = Bench()
    bench.order(order("ab", edge={"maxSpeed": 1.0}))
    assert bench.finish() == pytest.approx(10 / 1 + 1 / 0.5)


def test_catching_up_late_gives_the_same_moments() -> None:
    prompt, late = Bench(), Bench()
    for bench in (prompt, late):
        bench.order(order("abcd"))
    prompt.finish()
    late.run(prompt.now)
    assert late.state == prompt.state
