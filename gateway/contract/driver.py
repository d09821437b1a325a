"""The port between the gateway and its drivers.

A driver is told what shall be (`assign`, `send`, `show`) and makes it so, whatever the wire does; being told the same
again changes nothing. It is told again after every restart: there is one path (law 6). All its methods but `run` return at
once and never raise for reasons of the wire.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from gateway.contract.clock import Clock
from gateway.contract.commands import Command
from gateway.contract.puts import SlotOrder
from gateway.contract.reports import Position, Report
from gateway.contract.vehicles import VehicleOrder, VehiclePose

ReportSink = Callable[[Report], Awaitable[None]]
"""Returns once the report is durable. Never raises but for cancellation."""

PositionSink = Callable[[Position], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverContext:
    """What a driver is given by the composition root.

    Attributes:
        epoch: fences older gateways: a device refuses commands of a lower epoch than the highest it has seen (u32).
        run: name of this run of the gateway. No other has it, not even one with data of its own and the same epoch.
    """

    clock: Clock
    epoch: int
    run: str
    report: ReportSink
    observe: PositionSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """One raw message on the wire, for diagnosis.

    Attributes:
        outgoing: from the gateway to the device.
        text: the message, readable (registers in hex, JSON, node = value …); at most 2,000 characters.
        note: what it means: `command 17 PICK`, `status`, `timeout` …
    """

    at_us: int
    outgoing: bool
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the wire to a device is.

    Attributes:
        latency_ms: moving average of one request and its answer.
        errors: counters by kind since the start: `timeout`, `disconnect`, `badFrame`, `refused` …
    """

    connected: bool
    latency_ms: float | None = None
    last_heard_us: int | None = None
    errors: dict[str, int] = field(default_factory=dict[str, int])


@runtime_checkable
class Driver(Protocol):
    """Our code for one device, or for one fleet of vehicles."""

    @property
    def device_ids(self) -> Sequence[str]:
        """The devices it speaks for."""
        ...

    async def run(self) -> None:
        """Work until cancelled; survive whatever the wire does."""
        ...

    def health(self, device_id: str) -> Health:
        """Tell how the wire to the device is."""
        ...

    def telegrams(self, device_id: str) -> Sequence[Telegram]:
        """Return the last telegrams, oldest first (a bounded ring)."""
        ...


@runtime_checkable
class CommandDriver(Driver, Protocol):
    """Drives shuttles, lifts, conveyors: devices that take one command a channel at a time."""

    def assign(self, command: Command) -> None:
        """Make sure that this command is carried out once. A channel has at most one that has not ended."""
        ...

    def abandon(self, job_id: int) -> None:
        """Somebody else has settled what became of the command: report nothing more about it."""
        ...


@runtime_checkable
class VehicleDriver(Driver, Protocol):
    """Drives a fleet of vehicles."""

    def send(self, order: VehicleOrder) -> None:
        """Make sure that the vehicle has this order or update; replaces an older one of the same vehicle."""
        ...

    def cancel(self, vehicle_id: str, order_id: str, times: int = 0) -> None:
        """Ask the vehicle to cancel this order (VDA 5050 §6.6.3); idempotent. The outcome shows in its states.

        Args:
            vehicle_id: the vehicle.
            order_id: of the order.
            times: how many cancels of it the vehicle has refused: the next one is another action.
        """
        ...

    def localise(self, pose: VehiclePose) -> None:
        """Tell the vehicle where people say that it stands; idempotent. The outcome shows in its states."""
        ...

    def reset(self, device_id: str) -> None:
        """Forget what stands in the way of the vehicle on our side and ask it for a fresh state."""
        ...


@runtime_checkable
class PutWallDriver(Driver, Protocol):
    """Drives put walls: every slot shows what it was last told."""

    def show(self, order: SlotOrder) -> None:
        """Light the slot for this put until somebody ends it."""
        ...

    def darken(self, put_id: str) -> None:
        """Withdraw the put: switch its slot off, unless a button has ended it already."""
        ...
