"""Status codes of the outbound documents (S1-28…47), and how a header's code follows from its lines.

Codes only rise, except where a rollback or a release says so: each document's moves are a table, and a move that is
not in it is a mistake of the caller. 60, 70 and 135 have no name in the source; their names follow from their position.
Codes below 10 and above 190 are ours: the source has none for refusal and cancellation (S1-88).
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from typing import Final


class Code(IntEnum):
    """Where a document of the outbound chain stands."""

    REFUSED = 5
    """Audit found something that only upstream can mend."""
    ISSUED = 10
    PREALLOCATION_FAILED = 20
    PREALLOCATED = 30
    ALLOCATION_FAILED = 40
    ALLOCATED = 50
    WAVE_BUILT = 60
    RELEASED = 70
    PICKING = 80
    PICKED = 90
    WAITING_FOR_REVIEW = 135
    REVIEWING = 140
    REVIEWED = 150
    SHIPPED = 190
    CANCELLING = 195
    """Cancelled, and goods are still to be brought back."""
    CANCELLED = 199


OPEN: Final = tuple(code for code in Code if Code.ISSUED <= code < Code.SHIPPED)
ENDED: Final = (Code.REFUSED, Code.SHIPPED, Code.CANCELLED)

RANGES: Final[dict[str, tuple[Code, Code]]] = {
    "orders": (Code.ISSUED, Code.SHIPPED),
    "order_lines": (Code.ISSUED, Code.SHIPPED),
    "work_orders": (Code.PREALLOCATED, Code.SHIPPED),
    "allocations": (Code.ALLOCATED, Code.SHIPPED),
    "packages": (Code.WAITING_FOR_REVIEW, Code.SHIPPED),
}
"""Which codes a table may show besides refusal and cancellation (S1-41…46). A work order exists before its release (S0-13),
and allocations are doc_pre_alloc_details as well, which come before doc_alloc_details."""


class PresentationState(StrEnum):
    """Where a container stands that is brought to a place."""

    PLANNED = "planned"
    """It waits for a free place at its station."""
    CALLED = "called"
    """It has a place; the gateway is being asked, again and again until it answers."""
    SENT = "sent"
    """The gateway has the transport."""
    ARRIVED = "arrived"
    FAILED = "failed"
    """The transport failed or its outcome is unknown: somebody decides at the gateway, then it goes on."""
    RECALLED = "recalled"
    """Nobody needs it any more; the gateway is asked to cancel the transport, and tells where the container ended up."""
    LEAVING = "leaving"
    """The work is done; the container is to leave the place."""
    DONE = "done"
    CANCELLED = "cancelled"


class ReplenishmentState(StrEnum):
    """Where a replenishment stands."""

    OPEN = "open"
    """Nobody has begun; its container may be on its way to a station."""
    BEGUN = "begun"
    """Somebody is at it."""
    FILLED = "filled"
    """The goods are in a container that stands nowhere yet."""
    DONE = "done"
    WITHDRAWN = "withdrawn"
    """What it did not bring, it does not bring any more."""


class OperationState(StrEnum):
    """Where a station's work on one container stands."""

    OPEN = "open"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class PutState(StrEnum):
    """Where a lit slot stands."""

    PLANNED = "planned"
    """The gateway is being asked, again and again until it answers."""
    SENT = "sent"
    """The gateway has the put."""
    RECALLED = "recalled"
    """It is to go dark; the wall says whether a button was first."""
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


def header(lines: Iterable[Code]) -> Code:
    """Return the code that a header has by its lines (S1-47): the least of those still alive.

    Lines that were cancelled or that failed for good do not hold the others up; if nothing is alive, the header is
    what the lines are.
    """
    codes = list(lines)
    alive = [code for code in codes if code not in (Code.PREALLOCATION_FAILED, Code.CANCELLED, Code.REFUSED)]
    return min(alive or codes)
