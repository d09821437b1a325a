"""The plant as the API shows it: devices, locations, containers, alarms, positions (contract v1)."""

from datetime import datetime
from math import pi
from typing import Annotated

from pydantic import Field

from gateway.contract.faults import OperatorAction
from gateway.contract.model import WireModel
from gateway.contract.reports import Load
from gateway.contract.transports import Act, CommandView, Identifier


def _is_none(value: object) -> bool:
    return value is None


Omitted = Field(default=None, exclude_if=_is_none)
"""A field that is left out where there is nothing to tell."""


class PositionView(WireModel):
    """Where a device is; metres in the site's frame, theta in rad, battery 0 … 1."""

    device_id: str
    time: datetime
    x: float | None = None
    y: float | None = None
    z: float | None = None
    theta: float | None = None
    location_id: str | None = None
    load: Load = Load.UNKNOWN
    battery: float | None = None


class LinkView(WireModel):
    """How the wire to a device is; `errors` counts by kind since the start."""

    connected: bool
    latency_ms: float | None
    last_heard_at: datetime | None
    errors: dict[str, int]


class DeviceView(WireModel):
    """A device or a vehicle.

    Attributes:
        kind: shuttle, lift, conveyor, putwall or vehicle.
        enabled: whether people let the engine use it.
        online: whether the engine can use it at the moment; `offline_reason` why not.
        fault: what the device says is wrong with it.
        containers: what is on board, by the books.
        commands: what it has been told and has not ended.
        link: None where no driver speaks for it.
    """

    device_id: str
    kind: str
    fleet_id: str | None = None
    enabled: bool
    online: bool
    offline_reason: str | None
    fault: str | None
    containers: tuple[str, ...] = ()
    commands: tuple[CommandView, ...] = ()
    link: LinkView | None = None
    position: PositionView | None = None


class TelegramView(WireModel):
    """One raw message on the wire, for diagnosis."""

    time: datetime
    outgoing: bool
    text: str
    note: str


class LocationView(WireModel):
    """A place that holds containers.

    Attributes:
        kind: storage, shelf (of goods that people carry; no device comes), buffer, transfer, conveyor, station or node.
        accepts: types of containers that fit; absent: whatever comes.
        reserved_by: the transport that brings its container here next (the first one where several do).
        blocked: why nothing is brought here, until somebody has looked.
        blocked_by: who has locked it, so that nothing is fetched from here either; absent: a machine found it occupied.
    """

    location_id: str
    kind: str
    zone: str | None
    capacity: int
    accepts: tuple[str, ...] | None = Omitted
    containers: tuple[str, ...] = ()
    reserved_by: str | None = Omitted
    blocked: str | None = Omitted
    blocked_by: str | None = Omitted


class ContainerView(WireModel):
    """A container: at a location, on a device, or (neither) nobody knows where."""

    container_id: str
    location_id: str | None = Omitted
    device_id: str | None = Omitted
    transport_id: str | None = Omitted


class LocateRequest(Act):
    """Put the books right: the container is at this location, whatever they say."""

    location_id: Identifier


class LocaliseRequest(Act):
    """Where a vehicle stands that has lost its place.

    Attributes:
        node_id: a node of its road map; a person has looked that it stands there.
        theta: its heading on the map in rad.
    """

    node_id: Identifier
    theta: Annotated[float, Field(ge=-pi, le=pi)] = 0.0


class AlarmView(WireModel):
    """Something that a person must look at.

    Attributes:
        subject: the transport, device or location that it is about; `gateway`: itself.
        actions: what may be done about the transport.
    """

    alarm_id: str
    subject: str
    code: str
    text: str
    advice: str
    actions: tuple[OperatorAction, ...]
    raised_at: datetime
