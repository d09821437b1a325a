"""Why something did not happen: closed codes, each with its text and what an operator can do about it.

A refusal changes nothing and is told to the caller. A fault happens in the plant and is told by event and alarm.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final


class OperatorAction(StrEnum):
    """What an operator may do about a transport that cannot go on by itself."""

    COMPLETE_AT = "completeAt"
    """The container stands at this location and the transport counts as completed."""
    CONTAINER_AT = "containerAt"
    """The container stands at this location; the transport goes on from there."""
    RETRY = "retry"
    """The command did not happen (or its cause is gone): do it again."""
    CANCEL = "cancel"
    """Give the transport up; a load on a device or in transit is brought to a storage location."""


class Fault(StrEnum):
    """Every exception that the plant can report about a command."""

    SOURCE_EMPTY = "sourceEmpty"
    DESTINATION_OCCUPIED = "destinationOccupied"
    WRONG_CONTAINER = "wrongContainer"
    NO_READ = "noRead"
    LOAD_MISSING = "loadMissing"
    DEVICE_FAULT = "deviceFault"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    OUTCOME_UNKNOWN = "outcomeUnknown"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class FaultText:
    """How a fault is told to people."""

    title: str
    advice: str


FAULT_TEXTS: Final[dict[Fault, FaultText]] = {
    Fault.SOURCE_EMPTY: FaultText(
        "The source was empty (空取)",
        "Look for the container. Say where it is (containerAt), or retry once it stands at the source.",
    ),
    Fault.DESTINATION_OCCUPIED: FaultText(
        "The destination was occupied (满放)",
        "Clear the destination and retry, or cancel: the load is then brought to a free storage location.",
    ),
    Fault.WRONG_CONTAINER: FaultText(
        "The scanner read another container",
        "Compare the label. Correct the books (containerAt for each container), or retry if the label was wrong.",
    ),
    Fault.NO_READ: FaultText(
        "The scanner could not read the barcode",
        "Clean or replace the label and confirm with retry, or say where the container is.",
    ),
    Fault.LOAD_MISSING: FaultText(
        "The container was missing on arrival",
        "Look for the container along the way and say where it is (containerAt).",
    ),
    Fault.DEVICE_FAULT: FaultText(
        "The device stopped with a fault during the command",
        "Clear the fault at the device, reset it, then retry.",
    ),
    Fault.REJECTED: FaultText(
        "The device rejected the command",
        "Bring the device into automatic mode and retry; if the place is unknown to it, correct the site file.",
    ),
    Fault.TIMEOUT: FaultText(
        "The device did not finish in time",
        "Look at the device. It may still finish; if not, say where the container is.",
    ),
    Fault.OUTCOME_UNKNOWN: FaultText(
        "Nobody can tell whether the command was carried out",
        "Look for the container: retry if it has not moved, else say where it is.",
    ),
    Fault.CANCELLED: FaultText("The command was withdrawn before it moved the load", "Nothing to do."),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One reason of a refusal, in the caller's terms.

    Attributes:
        field: path of the field as the caller wrote it, e.g. `destination` or `items[3].priority`; empty for the whole body.
        code: stable machine-readable word, e.g. `unknownLocation`.
        message: what is wrong and what would mend it.
    """

    field: str
    code: str
    message: str


class RefusalKind(StrEnum):
    """Whose fault a refusal is, and whether trying again can help."""

    INVALID = "invalid"
    """The caller's data are wrong; trying again cannot help (422)."""
    CONFLICT = "conflict"
    """The data are right but meet a state that forbids it (409)."""
    NOT_FOUND = "notFound"
    """No such thing (404)."""
    UNAVAILABLE = "unavailable"
    """The gateway cannot commit now; try again later (503)."""
    OUT_OF_SPACE = "outOfSpace"
    """The disk is full (507); try again once there is room."""
    BUSY = "busy"
    """A bounded queue is full (429); try again later."""
    UNAUTHORIZED = "unauthorized"
    """Nobody knows who asks (401)."""
    FORBIDDEN = "forbidden"
    """Whoever asks has no right to it (403)."""
    LOCKED = "locked"
    """Nobody is let in under this name for now (423)."""


@final
class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error of the program
    """A message was refused and changed nothing."""

    def __init__(self, kind: RefusalKind, *reasons: FieldError) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.kind = kind
        self.reasons = reasons
