"""The banker's rule against brute force: a state is safe exactly if some order of single runs ends well."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernel.banker import Mover, finishers

pytestmark = pytest.mark.unit

PLACES = "ABCDE"


def is_safe(movers: list[Mover], occupied: Counter[str], capacity: dict[str, int]) -> bool:
    """Tell whether the rule calls a state safe: all movers can get to the ends of their paths."""
    named = {str(index): mover for index, mover in enumerate(movers)}
    return finishers(named, occupied, capacity) == named.keys()


def ends_well(movers: tuple[Mover, ...], taken: Counter[str], capacity: dict[str, int]) -> bool:
    taken = Counter(taken)
    for mover in movers:
        at = mover.at
        for place in mover.path:
            if place != at and taken[place] >= capacity.get(place, 1):
                return False
            if at is not None:
                taken[at] -= 1
            taken[place] += 1
            at = place
    return True


MOVERS = st.lists(
    st.tuples(st.sampled_from(PLACES), st.lists(st.sampled_from(PLACES), max_size=3, unique=True)), max_size=4
)
CAPACITIES = st.dictionaries(st.sampled_from(PLACES), st.integers(1, 3))


def state(
    drawn: list[tuple[str, list[str]]], capacity: dict[str, int], ends: str = ""
) -> tuple[list[Mover], Counter[str], dict[str, int]]:
    movers = [
        Mover(at, tuple(place for place in path if place != at) + ((ends[index],) if ends else ()))
        for index, (at, path) in enumerate(drawn)
    ]
    occupied = Counter(mover.at for mover in movers if mover.at is not None)
    return movers, occupied, {place: max(capacity.get(place, 1), occupied[place]) for place in PLACES + ends}


@given(MOVERS, CAPACITIES)
def test_what_is_called_safe_is_safe(drawn: list[tuple[str, list[str]]], capacity: dict[str, int]) -> None:
    movers, occupied, capacity = state(drawn, capacity)
    if is_safe(movers, occupied, capacity):
        assert any(ends_well(order, occupied, capacity) for order in permutations(movers))


@given(MOVERS, CAPACITIES)
def test_what_is_safe_is_called_safe_where_everybody_ends_in_a_place_of_their_own(
    drawn: list[tuple[str, list[str]]], capacity: dict[str, int]
) -> None:
    movers, occupied, capacity = state(drawn, capacity, ends="WXYZ")
    expected = any(ends_well(order, occupied, capacity) for order in permutations(movers))
    assert is_safe(movers, occupied, capacity) is expected


def test_one_that_ends_in_the_way_goes_last() -> None:
    movers = [Mover("C", ("A",)), Mover("C", ("A", "B"))]
    assert is_safe(movers, Counter({"C": 2}), {"C": 2})


def test_two_movers_that_want_each_others_place_cannot_finish_and_a_third_can() -> None:
    movers = {"a": Mover("A", ("B",)), "b": Mover("B", ("A",)), "c": Mover("C", ("D",))}
    assert finishers(movers, Counter("ABC"), {}) == {"c"}
