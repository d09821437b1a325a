"""Transports that wait for a vehicle: they say why, as far as the engine and the fleet know."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.app.rooms import open_rooms
from gateway.contract.transports import Act, TransportRequest
from gateway.contract.vehicles import VehicleOffline
from gateway.site.model import Stock
from gateway.transport.messages import Open, SetDeviceEnabled, SubmitTransports
from tests.unit.fleet_desk import idle, small_site

pytestmark = pytest.mark.unit

ACT = Act(operator="Li Na", reason="test")


class Hall:
    """The rooms of a site with two vehicles, agv-1 and agv-2, and totes at A and G."""

    def __init__(self) -> None:
        stock = (Stock(container="T1", location="A"), Stock(container="T2", location="G"))
        site = small_site().model_copy(update={"stock": stock})
        self.rooms = open_rooms(site)
        self.rooms.books.now_us = self.rooms.books.steady_us = 1_790_000_000_000_000
        self.states = {vehicle.id: idle(vehicle) for vehicle in site.fleets[0].vehicles}
        self.ask(Open())

    def ask(self, message: object) -> None:
        handlers: dict[type, Callable[[Any], object]] = {
            **self.rooms.engine.handlers,
            **self.rooms.fleets.handlers,
        }
        handlers[type(message)](message)
        self.rooms.engine.settle()
        self.rooms.fleets.settle()
        self.rooms.books.committed()

    def show(self, name: str, **changes: Any) -> None:
        self.states[name] = replace(self.states[name], **changes)
        self.ask(self.states[name])

    def waiting(self, tote: str = "T1") -> str | None:
        """Ask for a tote at F, unless that has been done; return why it waits."""
        request = TransportRequest(transport_id=f"M-{tote}", container_id=tote, destination="F")
        self.ask(SubmitTransports((request,), {}))
        return self.rooms.engine.explain(self.rooms.tables.transports[request.transport_id])


def test_a_transport_that_waits_for_a_vehicle_says_why_none_works() -> None:
    hall = Hall()
    # given one vehicle in the hands of another master, and one that is switched off
    hall.show("agv-1", order_id="theirs", driving=True)
    hall.ask(VehicleOffline(vehicle_id="agv-2", reason="silent"))
    assert hall.waiting() == (
        "no vehicle of agvs is free:"
        " agv-1 is busy with order theirs, which is not, or no longer, of this gateway:"
        " wait for its end, or end it at the vehicle;"
        " agv-2 is offline: silent"
    )
    # when the order of the other master has ended, then it picks
    hall.show("agv-1", driving=False)
    assert hall.waiting() is None


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (lambda hall: hall.show("agv-1", paused=True), "agv-1 is paused"),
        (lambda hall: hall.show("agv-1", battery=0.2), "agv-1 has to charge; its battery is at 20 %"),
        (lambda hall: hall.show("agv-1", automatic=False), "agv-1 has a fault: not in automatic mode"),
        (
            lambda hall: (hall.show("agv-1"), hall.ask(SetDeviceEnabled("agv-1", enabled=False, act=ACT))),
            "agv-1 is disabled",
        ),
    ],
    ids=["paused", "low", "not automatic", "disabled"],
)
def test_what_keeps_a_vehicle_from_work_is_told(trouble: Callable[[Hall], object], reason: str) -> None:
    hall = Hall()
    trouble(hall)
    assert hall.waiting() == (f"no vehicle of agvs is free: {reason}; agv-2 is offline: not heard of yet")


def test_a_transport_whose_turn_will_come_says_no_more_than_that_it_waits_for_a_vehicle() -> None:
    hall = Hall()
    hall.show("agv-1")
    assert hall.waiting("T1") is None
    assert hall.waiting("T2") == "no vehicle of agvs is free"
