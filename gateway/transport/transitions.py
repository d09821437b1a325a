"""The life of a transport and of a put, each as one table. Diagrams and exhaustive tests are derived from these."""

from enum import StrEnum
from typing import Final

from gateway.contract.puts import PutStatus
from gateway.contract.transports import TransportStatus


class Step(StrEnum):
    """What can happen to a transport."""

    PLAN = "plan"
    """A route has been found."""
    UNPLAN = "unplan"
    """The route is closed and there is no other one yet."""
    START = "start"
    """The first command is in the journal."""
    ARRIVE = "arrive"
    """The container is at the destination (or where an operator says that it counts as such)."""
    GIVE_UP = "giveUp"
    """Cancelled, and the container is in a defined place."""
    FAIL = "fail"
    """The plant tells that it did not work."""
    DOUBT = "doubt"
    """Nobody can tell what happened."""
    RESUME = "resume"
    """Somebody, or a late answer, has settled it: whatever follows, an end included, follows from here."""


TRANSPORT: Final[dict[tuple[TransportStatus, Step], TransportStatus]] = {
    (TransportStatus.ACCEPTED, Step.PLAN): TransportStatus.PLANNED,
    (TransportStatus.ACCEPTED, Step.GIVE_UP): TransportStatus.CANCELLED,
    (TransportStatus.PLANNED, Step.UNPLAN): TransportStatus.ACCEPTED,
    (TransportStatus.PLANNED, Step.START): TransportStatus.EXECUTING,
    (TransportStatus.PLANNED, Step.GIVE_UP): TransportStatus.CANCELLED,
    (TransportStatus.EXECUTING, Step.ARRIVE): TransportStatus.COMPLETED,
    (TransportStatus.EXECUTING, Step.GIVE_UP): TransportStatus.CANCELLED,
    (TransportStatus.EXECUTING, Step.FAIL): TransportStatus.FAILED,
    (TransportStatus.EXECUTING, Step.DOUBT): TransportStatus.UNKNOWN,
    (TransportStatus.FAILED, Step.RESUME): TransportStatus.EXECUTING,
    (TransportStatus.UNKNOWN, Step.RESUME): TransportStatus.EXECUTING,
}

ENDED: Final = frozenset({TransportStatus.COMPLETED, TransportStatus.CANCELLED})
HALTED: Final = frozenset({TransportStatus.FAILED, TransportStatus.UNKNOWN})


class PutStep(StrEnum):
    """What can happen to a put."""

    LIGHT = "light"
    CONFIRM = "confirm"
    END_SHORT = "endShort"
    WITHDRAW = "withdraw"
    DOUBT = "doubt"


PUT: Final[dict[tuple[PutStatus, PutStep], PutStatus]] = {
    (PutStatus.ACCEPTED, PutStep.LIGHT): PutStatus.LIT,
    (PutStatus.ACCEPTED, PutStep.WITHDRAW): PutStatus.CANCELLED,
    (PutStatus.ACCEPTED, PutStep.CONFIRM): PutStatus.CONFIRMED,
    (PutStatus.ACCEPTED, PutStep.END_SHORT): PutStatus.SHORT,
    (PutStatus.LIT, PutStep.CONFIRM): PutStatus.CONFIRMED,
    (PutStatus.LIT, PutStep.END_SHORT): PutStatus.SHORT,
    (PutStatus.LIT, PutStep.WITHDRAW): PutStatus.CANCELLED,
    (PutStatus.ACCEPTED, PutStep.DOUBT): PutStatus.UNKNOWN,
    (PutStatus.LIT, PutStep.DOUBT): PutStatus.UNKNOWN,
}
