"""Large sites are read in seconds: nothing in the checks grows with the square of what they look at.

No speed is asserted. What grew so took minutes here, which the time limit of every test ends.
"""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.checks import roads, space, stock
from gateway.site.checks.walks import COMPARISONS_MAX
from gateway.site.model import Edge, Location, Node, RoadMap, Site, Stock

pytestmark = pytest.mark.unit

ids = st.from_regex(r"[AB][12]?(-[AB12]{0,2})?", fullmatch=True)
patterns = st.from_regex(r"[AB]?(\*|\?|\[A1\]|\[!B\])?[-12]?(\*|\?)?", fullmatch=True)


def street(length: int) -> RoadMap:
    """A one-way street: every node is a part of its own."""
    nodes = tuple(Node(id=f"n{n}", x=0.5 * n, y=0) for n in range(length))
    edges = tuple(Edge(id=f"e{n}", start=f"n{n}", end=f"n{n + 1}") for n in range(length - 1))
    return RoadMap(id="street", nodes=nodes, edges=edges)


def district(size: int, pockets: int) -> RoadMap:
    """Two-way streets, with pockets to park in that leave a crossing and come back to it."""
    nodes = {(x, y): Node(id=f"n{x}-{y}", x=4.0 * x, y=4.0 * y) for x in range(size) for y in range(size)}
    parking = [Node(id=f"p{n}", x=4.0 * (n % size) + 2, y=4.0 * (n // size) + 2) for n in range(pockets)]
    pairs = [(nodes[x, y], nodes[at]) for x, y in nodes for at in ((x + 1, y), (x, y + 1)) if at in nodes]
    pairs += [(nodes[n % size, n // size], pocket) for n, pocket in enumerate(parking)]
    edges = [
        Edge(id=f"{a.id}:{b.id}", start=a.id, end=b.id)
        for one, other in pairs
        for a, b in ((one, other), (other, one))
    ]
    return RoadMap(
        id="district",
        nodes=(*nodes.values(), *parking),
        edges=tuple(edges),
        parking=tuple(pocket.id for pocket in parking),
    )


def test_a_long_one_way_street_is_all_in_parts() -> None:
    site = Site(id="large", road_maps=(street(20_000),))
    assert sum(1 for _ in roads.separate_parts(site)) == 20_000 - 2  # its ends are dead ends, told elsewhere


def test_many_vehicles_park_off_the_lanes_of_a_large_district() -> None:
    site = Site(id="large", road_maps=(district(70, 400),))
    assert list(roads.parking_on_lanes(site)) == []
    assert list(space.crossing_lanes(site)) == []
    assert list(space.nodes_on_lanes(site)) == []


def test_a_whole_list_of_unknown_names_is_told_though_not_guessed_at_to_its_end() -> None:
    rows = 20_000
    site = Site(
        id="large",
        locations=tuple(Location(id=f"A-{n:05}", kind="storage") for n in range(rows)),
        stock=tuple(Stock(container=f"T{n}", location=f"A-{n:06}") for n in range(rows)),
    )
    flaws = list(stock.unknown_stock(site))
    assert len(flaws) == rows
    guesses = ["did you mean" in flaw.mend for flaw in flaws]
    few = COMPARISONS_MAX // rows
    assert guesses[:few] == [True] * few
    assert not any(guesses[few:])


@given(st.lists(ids, max_size=12, unique=True), st.lists(patterns, max_size=3))
def test_patterns_name_what_they_fit_in_the_order_of_the_file(names: list[str], asked: list[str]) -> None:
    site = Site(id="s", locations=tuple(Location(id=name, kind="storage") for name in names))
    fit = [name for name in names if any(fnmatchcase(name, pattern) for pattern in asked)]
    assert [place.id for place in site.matching(tuple(asked))] == fit
