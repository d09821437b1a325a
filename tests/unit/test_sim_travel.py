"""The bound of liveness: it grows with what is under way, and shrinks with the speed of motion."""

import pytest

from tests.sim.plant import demo_site
from tests.sim.travel import pace_of

pytestmark = pytest.mark.unit


def test_one_load_takes_less_than_the_slowest_way_and_each_more_adds_its_pace() -> None:
    pace = pace_of(demo_site())
    alone, two, ten = (pace.travel_s(loads, speed=1.0) for loads in (1, 2, 10))

    assert 60.0 < alone < 600.0
    assert ten - two == pytest.approx(8 * (two - alone))
    assert pace.travel_s(10, speed=4.0) == pytest.approx(ten / 4)
