"""The world: it knows where everything is, and refuses the impossible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_devices.world import Impossible, World


def two_shelves() -> World:
    return World({"A": 1, "B": 2, "shuttle": 1}, [("T1", "A"), ("T2", "B")])


def test_a_move_takes_the_load_along_and_counts_for_its_job() -> None:
    world = two_shelves()
    assert world.move("A", "shuttle", "7") == "T1"
    assert world.move("shuttle", "B", "8") == "T1"
    assert world.snapshot() == {"containers": {"T1": "B", "T2": "B"}, "moves": {"7": 1, "8": 1}}


def test_nothing_can_be_taken_from_an_empty_spot() -> None:
    world = two_shelves()
    with pytest.raises(Impossible, match="shuttle is empty"):
        world.move("shuttle", "B", "7")
    assert world.moves("7") == 0


def test_nothing_can_be_put_where_no_room_is() -> None:
    world = two_shelves()
    with pytest.raises(Impossible, match="A is full"):
        world.move("B", "A", "7")
    assert world.spot_of("T2") == "B"


def test_a_device_holds_one_load() -> None:
    world = two_shelves()
    world.move("A", "shuttle", "7")
    with pytest.raises(Impossible, match="shuttle is full"):
        world.move("B", "shuttle", "8")


def test_the_load_that_is_asked_for_is_taken_if_it_is_there_else_the_one_that_has_been_there_longest() -> (
    None
):
    world = two_shelves()
    world.place("T3", "B")
    assert world.move("B", "shuttle", "7", "T3") == "T3"
    world.move("shuttle", "B", "8")
    assert world.move("B", "shuttle", "9", "T9") == "T2"


def test_a_person_brings_moves_and_takes_away_containers() -> None:
    world = two_shelves()
    world.place("T1", "B")
    assert world.contents("B") == ("T2", "T1")
    world.remove("T1")
    assert world.spot_of("T1") is None
    with pytest.raises(Impossible, match="T1 is not in the site"):
        world.remove("T1")
    with pytest.raises(Impossible, match="there is no spot X"):
        world.place("T4", "X")


def test_a_container_that_is_put_where_it_stands_stays_and_may_get_another_label() -> None:
    world = two_shelves()
    world.place("T1", "A", label="")
    assert world.spot_of("T1") == "A"
    assert world.label("T1") == ""


def test_whoever_watches_a_spot_is_told_of_what_comes_and_goes() -> None:
    world, told = two_shelves(), list[str]()
    world.watch("A", lambda: told.append("A"))
    world.watch("shuttle", lambda: told.append("shuttle"))
    world.move("A", "shuttle", "7")
    world.remove("T1")
    assert told == ["A", "shuttle", "shuttle"]


@given(st.lists(st.tuples(st.sampled_from("ABCs"), st.sampled_from("ABCs")), max_size=60))
def test_no_move_loses_or_doubles_a_container_or_overfills_a_spot(moves: list[tuple[str, str]]) -> None:
    capacities = {"A": 1, "B": 2, "C": 3, "s": 1}
    world = World(capacities, [("T1", "A"), ("T2", "B"), ("T3", "B")])
    done = 0
    for source, target in moves:
        try:
            world.move(source, target, "job")
        except Impossible:
            continue
        done += 1
    contents = {spot: world.contents(spot) for spot in capacities}
    assert sorted(container for held in contents.values() for container in held) == ["T1", "T2", "T3"]
    assert all(len(held) <= capacities[spot] for spot, held in contents.items())
    assert all(world.spot_of(container) == spot for spot, held in contents.items() for container in held)
    assert world.moves("job") == done
