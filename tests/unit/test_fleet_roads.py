"""The road map as vehicles are led over it: the fastest way, and none that the map does not have."""

from typing import Any

import pytest

from gateway.fleet.roads import Roads
from gateway.site.model import Edge, Node, RoadMap

pytestmark = pytest.mark.unit


def roads(*edges: tuple[str, str, float | None], berths: tuple[str, ...] = ()) -> Roads:
    """Nodes a, b, c … 2 m apart in a row, and these edges with their top speeds."""
    names = sorted({name for edge in edges for name in edge[:2]})
    nodes = tuple(Node(id=name, x=2.0 * (ord(name) - ord("a")), y=0.0) for name in names)
    drawn = tuple(
        Edge(id=f"{number}", start=start, end=end, max_speed=speed)
        for number, (start, end, speed) in enumerate(edges)
    )
    return Roads(RoadMap(id="hall", nodes=nodes, edges=drawn, parking=berths), speed=1.0)


@pytest.mark.parametrize("speeds", [(0.25, 0.5), (0.5, 0.25)])
def test_of_two_lanes_between_the_same_nodes_the_faster_counts(speeds: tuple[float, float]) -> None:
    double = roads(*(("a", "b", speed) for speed in speeds))
    assert double.edge("a", "b").max_speed == 0.5
    assert double.seconds(("a", "b")) == 4.0


def test_no_lane_is_faster_than_the_vehicles_and_one_without_a_limit_is_as_fast() -> None:
    assert roads(("a", "b", 9.0), ("b", "c", None)).seconds(("a", "b", "c")) == 4.0


def test_lanes_lead_one_way() -> None:
    one_way = roads(("a", "b", None), ("b", "c", None), ("c", "a", None))
    assert one_way.route("a", "c") == ("a", "b", "c")
    assert one_way.route("b", "a") == ("b", "c", "a")


def test_a_slow_short_way_gives_way_to_a_fast_long_one() -> None:
    ring: Any = (("a", "b", 0.1), ("a", "d", None), ("d", "c", None), ("c", "b", None))
    assert roads(*ring).route("a", "b") == ("a", "d", "c", "b")


def test_who_can_passes_no_parking_place_and_who_cannot_does() -> None:
    edges: Any = (("a", "b", None), ("b", "c", None), ("a", "e", 0.1), ("e", "c", 0.1))
    hall = roads(*edges, berths=("b",))
    assert hall.route("a", "c") == ("a", "e", "c")
    assert hall.route_around("a", "c", {"e"}) == ("a", "b", "c")
    assert hall.route("b", "c") == ("b", "c"), "it stands there itself"


def test_a_way_is_known_as_far_as_the_map_has_it() -> None:
    lane = roads(("a", "b", None), ("b", "c", None))
    assert lane.known(("a", "b", "c")) == ("a", "b", "c")
    assert lane.known(("a", "c", "b")) == ("a",)
    assert [lane.lead_over(way) for way in (("a", "b"), ("a", "c"), ("x",), ("c",))] == [
        True,
        False,
        False,
        True,
    ]
    assert lane.route("x", "a") is None
    assert lane.route("c", "a") is None
