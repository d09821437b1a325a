"""What the live view shows: one frozen picture of a running demo, taken from the books."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.contract.reports import Position
from gateway.contract.transports import TransportStatus


class DeviceState(StrEnum):
    """What an operator wants to know of a device first; the worst that applies."""

    FAULT = "fault"
    OFFLINE = "offline"
    DISABLED = "disabled"
    ONLINE = "online"


def device_state(*, fault: str | None, online: bool, enabled: bool) -> DeviceState:
    """Return the worst that applies."""
    if fault is not None:
        return DeviceState.FAULT
    if not online:
        return DeviceState.OFFLINE
    return DeviceState.ONLINE if enabled else DeviceState.DISABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDevice:
    """A device or a vehicle.

    Attributes:
        note: the fault's text, or why it is offline.
        position: the newest that it has told; a PLC device tells no place while it is between two.
        load: the container on board, by the books.
    """

    device_id: str
    state: DeviceState
    note: str = ""
    position: Position | None = None
    load: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTransport:
    """A transport that has not ended.

    Attributes:
        where: the location or the device that holds its container; empty if nobody knows.
        waiting: why it does not move at the moment; None if it does.
        age_s: seconds since it was accepted.
    """

    transport_id: str
    container_id: str
    destination: str
    status: TransportStatus
    where: str
    waiting: str | None
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrders:
    """How a WES core does.

    Attributes:
        counts: orders by status.
        pile_on: pieces picked per tote that came to a station; None before the first.
        quantity, promised: pieces in stock, and of these promised to orders.
        at_stations: totes that are worked on, by station.
    """

    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    pile_on: float | None = None
    quantity: int = 0
    promised: int = 0
    at_stations: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A whole site at one moment.

    Attributes:
        elapsed_s: seconds since the demo began.
        done, total: how many transports are completed, or orders shipped, and wanted (None: it goes on until it is stopped).
        counts: transports by status.
        under_way: transports that have not ended, in the order in which they shall be shown.
        occupied: container by location.
        lit: lit slots by put wall.
        events: number of the newest event.
        moves: how often a simulated device physically moved a load.
        url: where the HTTP interface listens.
        orders: how the WES core does; None where there is none.
    """

    elapsed_s: float
    done: int
    total: int | None
    counts: Mapping[TransportStatus, int]
    devices: tuple[ShownDevice, ...]
    under_way: tuple[ShownTransport, ...] = ()
    occupied: Mapping[str, str] = field(default_factory=dict[str, str])
    lit: Mapping[str, int] = field(default_factory=dict[str, int])
    events: int = 0
    moves: int = 0
    url: str = ""
    orders: ShownOrders | None = None


class DemoSource(Protocol):
    """Whoever can tell how the demo stands."""

    def snapshot(self) -> Snapshot:
        """Return the present picture; cheap enough to be asked several times a second."""
        ...
