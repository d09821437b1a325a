"""What a status says about a command: whether the device has it (rule 2 for the gateway), and how it ended (tables of codes)."""

from enum import Enum, auto
from typing import Final

from drivers.blocks import Status
from gateway.contract.commands import Command, Op
from gateway.contract.faults import Fault
from gateway.contract.reports import CommandDone, CommandFailed, CommandRejected, CommandUnknown, Load

SEQ_MAX: Final = 65535


def next_seq(seq: int) -> int:
    """Return the number after `seq`: 1 … 65535, then 1 again (rule 3 for the gateway)."""
    return seq % SEQ_MAX + 1


class Verdict(Enum):
    """What a status says about a command (rule 2 for the gateway)."""

    NOT_TAKEN = auto()
    """It was not taken, and the channel is free for it."""
    BUSY = auto()
    """It was not taken, and the channel still executes the command before it."""
    TAKEN = auto()
    """It is being executed, or waits to be."""
    ENDED = auto()
    """It has ended: carried out, failed or rejected."""
    DOUBTFUL = auto()
    """The device cannot tell about it."""


def judge(command: Command, status: Status) -> Verdict:
    """Compare a command with what the device shows."""
    if status.ack_seq == command.seq:
        if status.job_id != command.job_id:
            return Verdict.DOUBTFUL
        return Verdict.ENDED if status.idle else Verdict.TAKEN
    if next_seq(status.ack_seq) != command.seq or status.boot_id != command.boot_id:
        return Verdict.DOUBTFUL
    return Verdict.NOT_TAKEN if status.idle else Verdict.BUSY


REJECTED_FROM: Final = 10
"""Accept codes from here on are refusals."""
REJECTED_FOR_GOOD_FROM: Final = 20
NOT_POSSIBLE: Final = 21
REJECTIONS: Final = {
    10: "the device is busy with an order of its own",
    11: "the device is not in automatic mode",
    12: "the device has a fault",
    20: "the device does not know the place",
    NOT_POSSIBLE: "the operation is not possible here",
}
DONE: Final = 1
FAULTS: Final = {
    20: (Fault.SOURCE_EMPTY, "nothing was found at the source"),
    21: (Fault.DESTINATION_OCCUPIED, "the destination is occupied"),
    22: (Fault.WRONG_CONTAINER, "another barcode was read at the target"),
    23: (Fault.NO_READ, "no barcode could be read at the target"),
    24: (Fault.LOAD_MISSING, "the load was missing on arrival"),
    30: (Fault.DEVICE_FAULT, "the device stopped with a fault"),
}
REFUSALS: Final = {
    1: "the check does not fit (tag map, byte or word order?)",
    2: "the epoch is too low",
    3: "the number is not ahead of the last one",
    4: "the channel still executes the command before it",
    5: "it was written for an earlier start of the device",
}
NO_READ_BARCODE: Final = "?"

Outcome = CommandRejected | CommandDone | CommandFailed | CommandUnknown


def outcome_of(command: Command, status: Status) -> Outcome:
    """Return what became of a command that the status shows as ended."""
    job_id, accepted, done = command.job_id, status.accept_code, status.done_code
    if accepted == NOT_POSSIBLE and command.op is Op.DROP and status.sensors.load is Load.EMPTY:
        text = "nothing is on board any more"
        return CommandFailed(job_id=job_id, fault=Fault.LOAD_MISSING, text=text, sensors=status.sensors)
    if accepted >= REJECTED_FROM:
        text = REJECTIONS.get(accepted, f"the device refuses it with acceptCode {accepted}")
        return CommandRejected(job_id=job_id, text=text, retry=accepted < REJECTED_FOR_GOOD_FROM)
    if done == DONE:
        return CommandDone(job_id=job_id, barcode=_scanned(status.barcode))
    if done not in FAULTS:
        text = f"the device shows doneCode {done}, which means nothing"
        return CommandUnknown(job_id=job_id, text=text, sensors=status.sensors)
    fault, text = FAULTS[done]
    details = {
        Fault.WRONG_CONTAINER: f"{text}: {status.barcode!r} instead of {command.container_id!r}",
        Fault.DEVICE_FAULT: f"{text} (code {status.fault_code})",
    }
    return CommandFailed(job_id=job_id, fault=fault, text=details.get(fault, text), sensors=status.sensors)


def _scanned(barcode: str) -> str | None:
    if barcode == NO_READ_BARCODE:
        return ""
    return barcode or None
