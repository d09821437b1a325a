"""The HTTP side of simulated devices: look at the truth, break things, and do what people do there by hand.

Mounted only where simulated devices run (DESIGN.md, "The public contract"). What cannot be done is answered by 422 with a reason
and changes nothing.
"""

from typing import Annotated

from fastapi import APIRouter, status
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from sim_devices.faults.book import FaultView, NotPossible
from sim_devices.faults.kinds import Fault
from sim_devices.putwall import Button
from sim_devices.site import SimulatedSite
from sim_devices.vehicles.fleet import Vehicles
from sim_devices.world import Impossible


class WorldView(WireModel):
    """Where everything truly is.

    Attributes:
        containers: container id → the location or device that holds it.
        moves: job id → how often a device physically moved a load for it.
    """

    containers: dict[str, str]
    moves: dict[str, int]


class FaultList(WireModel):
    """Faults that wait or last."""

    items: tuple[FaultView, ...]


class Press(WireModel):
    """A hand at a slot of a put wall."""

    slot: Identifier
    button: Button
    times: Annotated[int, Field(ge=1, le=100)] = 1


class Placement(WireModel):
    """A person puts a container somewhere, or takes it away (`locationId` null).

    Attributes:
        location_id: a location, or a device or vehicle whose load it becomes.
        label: what stands on its label; empty: unreadable; left out: as it was, its id at first.
    """

    container_id: Identifier
    location_id: Identifier | None
    label: Annotated[str, Field(pattern=r"^[ -~]{0,64}$")] | None = None


class Whereabouts(WireModel):
    """Where a vehicle stands now.

    Attributes:
        node_id: a node of its road map; null or left out: the nearest one.
    """

    node_id: Identifier | None = None


class Speed(WireModel):
    """How many times as fast as real time motion runs."""

    speed: Annotated[float, Field(gt=0, le=10_000)]


def sim_router(simulated: SimulatedSite, vehicles: Vehicles) -> APIRouter:
    """Return the routes below /v1/sim for a site, and its vehicles, that run on the same event loop."""
    router = APIRouter(prefix="/v1/sim", tags=["simulated devices"])

    @router.get("/world")
    async def world() -> WorldView:
        """Where every container truly is, and how often each job moved a load."""
        return WorldView.model_validate(simulated.world.snapshot())

    @router.get("/faults")
    async def faults() -> FaultList:
        """Faults that wait or last."""
        return FaultList(items=simulated.faults.views())

    @router.post("/faults", status_code=status.HTTP_201_CREATED, response_model=FaultView)
    async def add_fault(fault: Fault) -> FaultView | Response:
        """Let something go wrong."""
        try:
            return simulated.faults.add(fault)
        except NotPossible as reason:
            return _unprocessable(reason)

    @router.delete("/faults", status_code=status.HTTP_204_NO_CONTENT)
    async def clear_faults() -> None:
        """End everything that is wrong."""
        simulated.faults.clear()

    @router.delete("/faults/{fault_id}", status_code=status.HTTP_204_NO_CONTENT, response_model=None)
    async def remove_fault(fault_id: str) -> Response | None:
        """End one fault, or withdraw it before it begins."""
        if simulated.faults.remove(fault_id):
            return None
        return _problem(status.HTTP_404_NOT_FOUND, f"no fault {fault_id} waits or lasts")

    @router.post("/devices/{device_id}/buttons", status_code=status.HTTP_204_NO_CONTENT, response_model=None)
    async def press(device_id: str, hand: Press) -> Response | None:
        """Press a button of a put wall, or reach through its light curtain."""
        try:
            for _ in range(hand.times):
                simulated.press(device_id, hand.slot, hand.button)
        except NotPossible as reason:
            return _unprocessable(reason)
        return None

    @router.post("/containers", status_code=status.HTTP_204_NO_CONTENT, response_model=None)
    async def place(placement: Placement) -> Response | None:
        """Put a container somewhere by hand, or take it away; the gateway is not told."""
        try:
            if placement.location_id is None:
                simulated.world.remove(placement.container_id)
            else:
                simulated.world.place(placement.container_id, placement.location_id, placement.label)
        except Impossible as reason:
            return _unprocessable(reason)
        return None

    @router.post(
        "/vehicles/{vehicle_id}/localise", status_code=status.HTTP_204_NO_CONTENT, response_model=None
    )
    async def localise(vehicle_id: str, whereabouts: Whereabouts) -> Response | None:
        """Drive a vehicle by hand to a node and tell it at its panel that it stands there; its order is forgotten.

        A vehicle that has lost its memory (`reboot` with `memoryLost`) needs this, or `initPosition` from the gateway.
        """
        try:
            vehicles.localise(vehicle_id, whereabouts.node_id)
        except NotPossible as reason:
            return _unprocessable(reason)
        return None

    @router.put("/speed")
    async def set_speed(speed: Speed) -> Speed:
        """Let motion run faster or slower from now."""
        simulated.clock.set_speed(speed.speed)
        return speed

    return router


def _unprocessable(reason: Exception) -> Response:
    return _problem(status.HTTP_422_UNPROCESSABLE_CONTENT, str(reason))


def _problem(code: int, detail: str) -> Response:
    titles = {status.HTTP_404_NOT_FOUND: "Not found", status.HTTP_422_UNPROCESSABLE_CONTENT: "Not possible"}
    body = {"type": "about:blank", "title": titles[code], "status": code, "detail": detail}
    return JSONResponse(body, code, media_type="application/problem+json")
