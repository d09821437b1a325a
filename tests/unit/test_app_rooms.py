"""The two rooms on one set of books: what the engine knows of a vehicle, its fleet goes by."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.rooms import Rooms, open_rooms
from gateway.contract.commands import Op
from gateway.contract.faults import OperatorAction
from gateway.contract.reports import CommandDone
from gateway.contract.transports import Act, ResolveRequest, TransportRequest
from gateway.contract.vehicles import VehicleOrder, VehicleState
from gateway.fleet.effects import CancelOrder, SendOrder
from gateway.site.load import load_site
from gateway.transport.messages import (
    CancelTransport,
    CorrectContainer,
    Open,
    ResolveTransport,
    SetDeviceEnabled,
    SubmitTransports,
)
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


def effects_of(rooms: Rooms, message: object) -> list[object]:
    """Handle a message as the kernel does; return what is asked of the plant after it."""
    rooms.engine.handlers[type(message)](message)
    rooms.engine.settle()
    rooms.fleets.settle()
    return [*rooms.books.committed()[1]]


def rooms_that_fetch_a_tote() -> tuple[Rooms, VehicleOrder]:
    """Given a vehicle that was sent to fetch TOTE-0001 for a station."""
    rooms = rooms_that_heard(IDLE)
    effects_of(rooms, CorrectContainer("TOTE-0001", "OUT-4", Act(operator="ann", reason="put there")))
    request = TransportRequest(transport_id="M1", container_id="TOTE-0001", destination="S1-1")
    (sent,) = effects_of(rooms, SubmitTransports((request,), known={}))
    assert isinstance(sent, SendOrder)
    return rooms, sent.order


def test_who_cancels_before_the_vehicle_has_the_load_stops_the_vehicle() -> None:
    rooms, order = rooms_that_fetch_a_tote()
    assert effects_of(rooms, CancelTransport("M1")) == [CancelOrder(order.vehicle_id, order.order_id)]


def test_who_cancels_while_the_vehicle_brings_the_load_lets_it_put_that_down_first() -> None:
    rooms, _ = rooms_that_fetch_a_tote()
    (pick,) = rooms.tables.open_jobs
    effects_of(rooms, CommandDone(job_id=pick))
    (drop,) = rooms.tables.open_jobs
    assert rooms.tables.jobs[drop].command.op is Op.DROP
    assert effects_of(rooms, CancelTransport("M1")) == []
    assert not any(row.withdrawn for row in rooms.fleets.fleets["agvs"].rows())


def test_a_vehicle_whose_command_somebody_has_settled_is_stopped_and_may_be_sent_elsewhere() -> None:
    rooms, order = rooms_that_fetch_a_tote()
    act = Act(operator="ann", reason="I carried it")
    effects_of(rooms, SetDeviceEnabled(order.vehicle_id, False, act))
    settled = ResolveRequest(
        action=OperatorAction.COMPLETE_AT, location_id="S1-1", operator=act.operator, reason=act.reason
    )
    assert effects_of(rooms, ResolveTransport("M1", settled)) == [
        CancelOrder(order.vehicle_id, order.order_id)
    ]
    channel = rooms.tables.channels[f"{order.vehicle_id}/main"]
    assert (channel.job_id, channel.boot_id) == (None, 1)


def test_after_a_restart_a_vehicle_is_sent_what_it_has_not_taken_yet_and_its_command_is_known() -> None:
    before, order = rooms_that_fetch_a_tote()
    rooms = open_rooms(SITE)
    for old, new in zip(before.books._tables, rooms.books._tables, strict=True):
        for row in old.values():
            new.set(old.spec.key(row), row)
    assert SendOrder(order) in effects_of(rooms, Open())


def test_a_vehicle_that_is_disabled_is_chosen_for_nothing() -> None:
    rooms = rooms_that_heard(IDLE)
    fleet = rooms.fleets.fleets["agvs"]
    for vehicle in SITE.fleets[0].vehicles:
        assert fleet.choose("OUT-4") is not None
        effects_of(rooms, SetDeviceEnabled(vehicle.id, False, Act(operator="ann", reason="wheel worn")))
    assert fleet.choose("OUT-4") is None
