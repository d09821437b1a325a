"""Whole runs of pure vehicles: everything arrives once, and no two vehicles ever meet on a node.

The run itself checks, at every departure, that vehicles stand apart, that each is inside its base and that no node is held
twice; and after every message that whoever could get home still can (`tests.fleet_model`).
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.site.model import Site
from tests.fleet_model import Run, grid_site

pytestmark = pytest.mark.unit


def brought_home(run: Run, transports: int, limit_s: float) -> None:
    run.run(lambda: run.completed == transports, limit_s)
    assert run.executed == {f"tote-{number}": 2 for number in range(transports)}


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), troubles=st.booleans())
def test_six_vehicles_on_a_grid(seed: int, troubles: bool) -> None:
    brought_home(Run(grid_site(5, 3, 6, chargers=2), Random(seed), 15, troubles=troubles), 15, 5_000)


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), troubles=st.booleans())
def test_six_vehicles_on_a_single_two_way_lane(seed: int, troubles: bool) -> None:
    brought_home(Run(grid_site(3, 1, 6, chargers=2), Random(seed), 8, troubles=troubles), 8, 5_000)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_twelve_vehicles_on_fifteen_nodes(seed: int) -> None:
    brought_home(Run(grid_site(5, 3, 12), Random(seed), 12, troubles=True), 12, 10_000)


@pytest.mark.parametrize(
    ("site", "seed", "transports"),
    [
        (grid_site(5, 3, 6, chargers=2), 1, 15),
        (grid_site(4, 2, 8, chargers=1), 37, 12),
        (grid_site(6, 1, 6), 36, 12),
    ],
)
def test_what_a_vehicle_forgets_or_refuses_leaves_it_where_the_others_rely_on_it(
    site: Site, seed: int, transports: int
) -> None:
    brought_home(Run(site, Random(seed), transports, troubles=True), transports, 5_000)


def test_fifty_vehicles() -> None:
    brought_home(Run(grid_site(20, 14, 50, chargers=4), Random(50), 20), 20, 10_000)


def test_all_vehicles_end_up_at_parking_nodes_of_their_own() -> None:
    run = Run(grid_site(5, 3, 6), Random(7), 6)
    brought_home(run, 6, 5_000)

    def parked() -> bool:
        return all(vehicle.node.startswith("p") and vehicle.idle for vehicle in run.vehicles.values())

    run.run(parked, run.now + 200)


def test_vehicles_charge_when_they_are_low_and_go_on_working_afterwards() -> None:
    run = Run(grid_site(5, 3, 4, chargers=1), Random(3), 30)
    for vehicle in run.vehicles.values():
        vehicle.battery = 0.31
    brought_home(run, 30, 10_000)
    assert all(vehicle.battery > 0.31 for vehicle in run.vehicles.values())


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), troubles=st.booleans())
def test_a_charger_that_never_charges_keeps_no_vehicle_from_the_other(seed: int, troubles: bool) -> None:
    run = Run(grid_site(5, 3, 4, chargers=2), Random(seed), 30, troubles=troubles)
    run.dead_chargers = {"c0"}
    for vehicle in run.vehicles.values():
        vehicle.battery = 0.31
    brought_home(run, 30, 10_000)
    run.run(lambda: all(vehicle.battery > 0.3 for vehicle in run.vehicles.values()), run.now + 1_000)
