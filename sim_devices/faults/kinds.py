"""What can go wrong, and when it begins: `delayS` after the request, `after` a point of the handshake, or both.

With both, one comes after the other: the device reaches the point so many times, then the delay passes.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=10_000)]


class Point(StrEnum):
    """A step of the handshake after which a fault may strike, before anything of it is shown on the wire."""

    RECEIVED = "received"
    """An order or a command has come over the wire and is not yet judged."""
    TAKEN = "taken"
    """A command has been taken and remembered."""
    MOVED = "moved"
    """The load has physically been moved."""
    DONE = "done"
    """The command has ended and its result is remembered."""


class After(WireModel):
    """Wait until the device has reached a point so many times since the request."""

    point: Point
    times: Count = 1


class FaultBase(WireModel):
    """What all faults have in common.

    Attributes:
        device: the device, or the vehicle, that it happens to. A fault of the wire happens to everything
            behind the same link.
        delay_s: begins so much later.
        after: begins at a point of the handshake; with `delay_s`, so much after that.
        duration_s: ends by itself; None: lasts until it is deleted (or its count is used up).
    """

    device: Identifier
    delay_s: Seconds = 0.0
    after: After | None = None
    duration_s: Seconds | None = None


class Reboot(FaultBase):
    """Power goes away for `durationS` and comes back; with `memoryLost` the retentive memory is gone.

    A vehicle without its memory does not know where it is until somebody localises it.
    """

    kind: Literal["reboot"] = "reboot"
    memory_lost: bool = False
    duration_s: Seconds | None = 1.0


class LinkDrop(FaultBase):
    """The connection breaks; no new one succeeds for `durationS`."""

    kind: Literal["linkDrop"] = "linkDrop"
    duration_s: Seconds | None = 0.0


class BlackHole(FaultBase):
    """The connection stays up, but nothing is answered or shown any more; what comes in waits and is executed when it is over."""

    kind: Literal["blackHole"] = "blackHole"


class SlowAnswers(FaultBase):
    """Every answer comes `answerS` late."""

    kind: Literal["slowAnswers"] = "slowAnswers"
    answer_s: Seconds = 0.5


class LostReply(FaultBase):
    """The next `count` writes are executed, but the connection breaks before the answer."""

    kind: Literal["lostReply"] = "lostReply"
    count: Count = 1


class DuplicateReply(FaultBase):
    """The next `count` writes are answered twice."""

    kind: Literal["duplicateReply"] = "duplicateReply"
    count: Count = 1


class Jam(FaultBase):
    """Whatever moves, or begins to, stops with a fault; the load stays. RESET helps once the jam is over."""

    kind: Literal["jam"] = "jam"


class DeviceFault(FaultBase):
    """The device stops with a fault of its own and refuses commands until it is over and RESET."""

    kind: Literal["deviceFault"] = "deviceFault"
    fault_code: Annotated[int, Field(ge=1, le=65_535)] = 901


class ManualMode(FaultBase):
    """Somebody has switched the device to manual: it ends what it does and refuses what comes."""

    kind: Literal["manualMode"] = "manualMode"


class SensorStuck(FaultBase):
    """A load sensor shows the same whatever is there.

    Attributes:
        spot: the location whose sensor it is; None: the device's own (load on board).
    """

    kind: Literal["sensorStuck"] = "sensorStuck"
    spot: Identifier | None = None
    shows: Literal["empty", "loaded", "unclear"] = "unclear"


class NoRead(FaultBase):
    """The scanner cannot read the next `count` labels."""

    kind: Literal["noRead"] = "noRead"
    count: Count = 1


class WrongBarcode(FaultBase):
    """The scanner reads something else from the next `count` labels."""

    kind: Literal["wrongBarcode"] = "wrongBarcode"
    barcode: Annotated[str, Field(pattern=r"^[ -~]{1,16}$")] = "WRONG-0001"
    count: Count = 1


class BatteryLow(FaultBase):
    """The vehicle's battery falls to this state of charge (0 … 1) at once; charging helps."""

    kind: Literal["batteryLow"] = "batteryLow"
    level: Annotated[float, Field(ge=0, le=1)] = 0.1


class RefusedOrder(FaultBase):
    """The next `count` orders are refused: a vehicle reports an order error, a PLC device is busy."""

    kind: Literal["refusedOrder"] = "refusedOrder"
    count: Count = 1


class HandlingFails(FaultBase):
    """The next `count` picks or drops of a vehicle fail and leave the load where it is."""

    kind: Literal["handlingFails"] = "handlingFails"
    count: Count = 1


class LocalisationLost(FaultBase):
    """The vehicle does not know where it is: it stops, and takes no new order."""

    kind: Literal["localisationLost"] = "localisationLost"


class StateLost(FaultBase):
    """The next `count` state messages of a vehicle never arrive."""

    kind: Literal["stateLost"] = "stateLost"
    count: Count = 1


class StateDuplicated(FaultBase):
    """The next `count` state messages of a vehicle arrive twice."""

    kind: Literal["stateDuplicated"] = "stateDuplicated"
    count: Count = 1


class StateReordered(FaultBase):
    """The next `count` state messages of a vehicle arrive after the one that follows them."""

    kind: Literal["stateReordered"] = "stateReordered"
    count: Count = 1


class WrongButton(FaultBase):
    """The next `count` hands press the button of the slot beside the one they mean."""

    kind: Literal["wrongButton"] = "wrongButton"
    count: Count = 1


class ShortPick(FaultBase):
    """The next `count` puts of the automatic picker find one piece too few."""

    kind: Literal["shortPick"] = "shortPick"
    count: Count = 1


Fault = Annotated[
    Reboot
    | LinkDrop
    | BlackHole
    | SlowAnswers
    | LostReply
    | DuplicateReply
    | Jam
    | DeviceFault
    | ManualMode
    | SensorStuck
    | NoRead
    | WrongBarcode
    | BatteryLow
    | RefusedOrder
    | HandlingFails
    | LocalisationLost
    | StateLost
    | StateDuplicated
    | StateReordered
    | WrongButton
    | ShortPick,
    Field(discriminator="kind"),
]

WIRE_FAULTS: frozenset[type[FaultBase]] = frozenset(
    {LinkDrop, BlackHole, SlowAnswers, LostReply, DuplicateReply}
)
"""Faults of a link: they happen to everything behind it."""
