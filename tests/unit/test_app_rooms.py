"""The two rooms on one set of books: what the engine knows of a vehicle, its fleet goes by."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.rooms import Rooms, open_rooms
from gateway.contract.vehicles import VehicleState
from gateway.site.load import load_site
from gateway.transport.messages import Open
from tests.unit.fleet_desk import idle

pytestmark = pytest.mark.unit

SITE = load_site(Path("config/demo"))
IDLE = [idle(vehicle) for vehicle in SITE.fleets[0].vehicles]


def rooms_that_heard(states: Iterable[VehicleState]) -> Rooms:
    rooms = open_rooms(SITE)
    rooms.engine.handlers[Open](Open())
    for state in states:
        rooms.fleets.handlers[VehicleState](state)
    return rooms


def test_a_vehicle_that_had_a_load_of_which_the_books_know_nothing_holds_up_no_other() -> None:
    """Found by reading: whatever it was nearest to waited for it until somebody reset it, though others were free."""
    nearest = rooms_that_heard(IDLE).fleets.fleets["agvs"].choose("OUT-4")
    (own,) = (state for state in IDLE if state.vehicle_id == nearest)
    others = [state for state in IDLE if state is not own]

    rooms = rooms_that_heard([*others, replace(own, loads=("somebody's",)), own])
    assert "books do not know" in (rooms.tables.devices[own.vehicle_id].fault or "")
    assert rooms.fleets.fleets["agvs"].choose("OUT-4") in {state.vehicle_id for state in others}
