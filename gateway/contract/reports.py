"""Reports: what drivers tell the kernel.

A driver awaits the kernel's answer, which comes after the commit, before it acknowledges anything to the device: nothing is
forgotten at the device before it is durable here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.contract.faults import Fault
from gateway.contract.vehicles import VehicleReport

CLEAR_THE_CAUSE: Final = "Clear the cause at the device, then reset it."


class Load(StrEnum):
    """What a load sensor shows."""

    EMPTY = "empty"
    LOADED = "loaded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """What the device's sensors show about a command, to judge an unclear outcome from.

    Attributes:
        place: number of the place at which the device stands; None between places or where it has no position.
        load: on board (shuttle, lift).
        source: occupancy of the command's source (conveyor channels).
        target: occupancy of the command's target (conveyor channels).
    """

    place: int | None = None
    load: Load = Load.UNKNOWN
    source: Load = Load.UNKNOWN
    target: Load = Load.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOnline:
    """The driver speaks with a channel (again) and no command of ours is in doubt there.

    Attributes:
        ack_seq: the last sequence number that the channel has acknowledged; the engine counts on from it.
    """

    device_id: str
    channel: str
    boot_id: int
    ack_seq: int
    sensors: Sensors = Sensors()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOffline:
    """The device does not answer (link lost, life counter stands still, VDA 5050 CONNECTIONBROKEN …)."""

    device_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFault:
    """The device shows a fault that is not the answer to a command.

    Attributes:
        code: the device's own.
        advice: what an operator does about it.
    """

    device_id: str
    code: int
    text: str
    advice: str = CLEAR_THE_CAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecovered:
    """The device shows no fault any more."""

    device_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpWanted:
    """The device does not manage something by itself; somebody has to look at it. It is used as before, as far as it can be.

    Attributes:
        matter: what it is about, such as `chargingFails`: the code of the alarm. As long as that stands, no other is raised.
        text: what it does not manage, as words that follow its name.
        advice: what an operator does about it.
    """

    device_id: str
    matter: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterSettled:
    """Nobody need look at the device for that, whether somebody was called or not."""

    device_id: str
    matter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAccepted:
    """The device has acknowledged the command."""

    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRejected:
    """The device refused the command and did nothing.

    Attributes:
        retry: the cause may pass (busy, manual mode), so that the same may be asked again with a new command.
    """

    job_id: int
    text: str
    retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDone:
    """The device has carried the command out.

    Attributes:
        barcode: what the scanner of the target read; None where there is no scanner, empty for a no-read.
    """

    job_id: int
    barcode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFailed:
    """The device has ended the command without success."""

    job_id: int
    fault: Fault
    text: str
    sensors: Sensors = Sensors()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandUnknown:
    """The device cannot tell about the command any more (memory lost, fenced); the engine judges by the sensors."""

    job_id: int
    text: str
    sensors: Sensors = Sensors()


@dataclass(frozen=True, slots=True, kw_only=True)
class PutShown:
    """The slot shows the put's light."""

    put_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutEnded:
    """Somebody ended the put at the slot: all of it (`short` false) or less (`short` true)."""

    put_id: str
    quantity: int
    short: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDarkened:
    """The slot is dark after the put was withdrawn, and no button had ended it before, as far as the wall remembers."""

    put_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutForgotten:
    """The wall remembers nothing of the slot, and may have shown the put: whether a button ended it nobody can tell.

    Told before the slot is lit, or withdrawn, again.
    """

    put_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurtainBroken:
    """A hand went through a slot's light curtain `count` times since the last report."""

    device_id: str
    slot: str
    count: int


Report = (
    ChannelOnline
    | DeviceOffline
    | DeviceFault
    | DeviceRecovered
    | CommandAccepted
    | CommandRejected
    | CommandDone
    | CommandFailed
    | CommandUnknown
    | PutShown
    | PutEnded
    | PutDarkened
    | PutForgotten
    | CurtainBroken
    | VehicleReport
)
"""Everything that a driver can tell the kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a device is now: live data, streamed and coalesced, never journalled.

    Attributes:
        x, y, z: metres in the site's frame, as far as the device tells them.
        theta: heading in rad.
        location_id: the place at which it stands, if it stands at one.
        battery: state of charge, 0 … 1.
    """

    device_id: str
    at_us: int
    x: float | None = None
    y: float | None = None
    z: float | None = None
    theta: float | None = None
    location_id: str | None = None
    load: Load = Load.UNKNOWN
    battery: float | None = None
