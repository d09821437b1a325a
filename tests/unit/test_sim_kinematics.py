"""Motion takes as long as the closed formula says, and passes through every point on its way."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.model import Location, Motion
from sim_devices.kinematics import Ride, Stand, Travel, conveyance

metres = st.floats(0.0, 200.0)
speeds = st.floats(0.1, 6.0)
accelerations = st.floats(0.1, 5.0)


@given(metres, speeds, accelerations)
def test_a_travel_takes_as_long_as_the_closed_formula_says(s: float, v: float, a: float) -> None:
    expected = s / v + v / a if s >= v * v / a else 2 * sqrt(s / a)
    assert Travel(s, v, a).duration == pytest.approx(expected, rel=1e-9)


@given(metres, speeds, accelerations, st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=10))
def test_the_way_covered_grows_from_nothing_to_the_distance_and_never_faster_than_allowed(
    s: float, v: float, a: float, shares: list[float]
) -> None:
    travel = Travel(s, v, a)
    moments = sorted(share * travel.duration for share in shares)
    covered = [travel.travelled(moment) for moment in moments]
    for (t0, s0), (t1, s1) in zip(
        zip(moments, covered, strict=True), list(zip(moments, covered, strict=True))[1:], strict=False
    ):
        assert -1e-9 <= s1 - s0 <= v * (t1 - t0) * (1 + 1e-9) + 1e-9
    assert travel.travelled(0.0) == pytest.approx(0.0)
    assert travel.travelled(travel.duration) == s


@given(metres, speeds, accelerations, st.floats(0.0, 1.0))
def test_a_travel_is_the_same_backwards(s: float, v: float, a: float, share: float) -> None:
    travel = Travel(s, v, a)
    moment = share * travel.duration
    assert travel.travelled(moment) + travel.travelled(travel.duration - moment) == pytest.approx(s, abs=1e-6)


def test_a_carrier_rides_on_both_axes_at_once_and_the_longer_one_decides() -> None:
    ride = Ride(Stand(10.0, 0.0), Stand(2.0, 1.0), Motion(speed=2.0, acceleration=1.0))
    assert ride.duration == pytest.approx(8.0 / 2.0 + 2.0 / 1.0)
    assert ride.position(0.0) == Stand(10.0, 0.0)
    assert ride.position(ride.duration) == Stand(2.0, 1.0)
    assert ride.position(3.0).x == pytest.approx(6.0)
    assert ride.position(3.0).z == pytest.approx(1.0)


def test_the_side_of_the_aisle_is_no_way_to_ride() -> None:
    left, right = Location(id="L", kind="storage", y=0.0), Location(id="R", kind="storage", y=2.0)
    assert Ride(Stand.of(left), Stand.of(right), Motion(speed=1.0, acceleration=1.0)).duration == 0.0


def test_a_load_passes_from_segment_to_segment_in_a_straight_line() -> None:
    source, target = Location(id="S", kind="conveyor"), Location(id="T", kind="conveyor", x=3.0, y=4.0)
    assert conveyance(source, target, Motion(speed=0.5, acceleration=0.5)).distance == pytest.approx(5.0)
