"""What `make bench` reports; never how fast anything is."""

import pytest

from tests.bench.figures import Figure, Wanted, percentile, spread


def figure(value: float, wanted: Wanted) -> Figure:
    return Figure(
        name="x",
        what="w",
        unit="ms",
        value=value,
        wanted=wanted,
        target=10,
        floor=4,
        floor_is="bare",
        details={"n": 1},
    )


def test_a_percentile_lies_between_the_samples_around_it() -> None:
    assert percentile(range(101), 50) == 50
    assert percentile(range(101), 99) == 99
    assert percentile([1, 2], 50) == 1.5


def test_a_spread_tells_how_many_samples_lie_how() -> None:
    assert spread(range(101)) == {"samples": 101, "p50": 50, "p90": 90, "p99": 99, "max": 100}


@pytest.mark.parametrize(
    ("value", "wanted", "met"),
    [(10, "at most", True), (10.1, "at most", False), (10, "at least", True), (9.9, "at least", False)],
)
def test_a_target_is_met_on_its_side(value: float, wanted: Wanted, met: bool) -> None:
    assert figure(value, wanted).met is met


def test_a_figure_is_shown_beside_its_floor_and_target() -> None:
    assert figure(8.12345, "at most").shown() == {
        "figure": "x",
        "what": "w",
        "unit": "ms",
        "value": 8.123,
        "floor": 4,
        "floorIs": "bare",
        "ratio": 2.031,
        "target": "at most 10",
        "met": True,
        "details": {"n": 1},
    }
