"""What the engine asks of the outside world after a commit. Each may be asked again; that changes nothing."""

from dataclasses import dataclass

from gateway.contract.commands import Command
from gateway.contract.puts import SlotOrder


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a journalled command to its device's driver."""

    command: Command


@dataclass(frozen=True, slots=True)
class Abandon:
    """Tell the device's driver that somebody has settled what became of a command."""

    device_id: str
    job_id: int


@dataclass(frozen=True, slots=True)
class Show:
    """Light a slot of a put wall."""

    order: SlotOrder


@dataclass(frozen=True, slots=True)
class Darken:
    """Withdraw a put from its wall."""

    wall: str
    put_id: str
