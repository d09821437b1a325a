"""Transports as a WES asks for them and sees them (contract v1)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from gateway.contract.commands import CommandStatus
from gateway.contract.faults import OperatorAction
from gateway.contract.model import WireModel

Identifier = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:\-]*$")
]
"""An identifier of the caller: opaque, 1 to 64 of letters, digits, dot, underscore, colon, hyphen."""

DEFAULT_PRIORITY = 5


class TransportStatus(StrEnum):
    """Where a transport stands. `failed` and `unknown` wait for somebody's decision (resolve or cancel)."""

    ACCEPTED = "accepted"
    PLANNED = "planned"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class TransportRequest(WireModel):
    """An order to move one container.

    Attributes:
        source: where the container must be now; left out: wherever it is.
        priority: 0 (can wait) to 9 (first).
        deadline: when the container should have arrived (RFC 3339 with an offset); orders the queue.
        attributes: the caller's own data, returned unchanged; at most 4 kB as JSON.
    """

    transport_id: Identifier
    container_id: Identifier
    source: Identifier | None = None
    destination: Identifier
    priority: Annotated[int, Field(ge=0, le=9, strict=True)] = DEFAULT_PRIORITY
    deadline: AwareDatetime | None = None
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class LegView(WireModel):
    """The part of a transport that one device (or one vehicle of a fleet) does."""

    index: int
    source: str | None
    target: str
    carrier_id: str
    device_id: str | None = None
    status: str
    expected_seconds: float


class CommandView(WireModel):
    """One command of a transport, from the journal."""

    job_id: int
    device_id: str
    channel: str
    seq: int
    op: str
    source: str | None
    target: str | None
    status: CommandStatus
    text: str | None = None
    issued_at: datetime
    ended_at: datetime | None = None


class ProblemView(WireModel):
    """Why a transport cannot go on by itself, and what may be done."""

    code: str
    title: str
    detail: str
    advice: str
    actions: tuple[OperatorAction, ...]


class TransportView(WireModel):
    """A transport as the API shows it.

    Attributes:
        waiting: why it does not move at the moment, if it does not.
        problem: set while the status is `failed` or `unknown`.
        timeline: the transport's own events in order: {seq, type, time, data}.
    """

    transport_id: str
    container_id: str
    source: str
    destination: str
    priority: int
    deadline: datetime | None
    attributes: dict[str, JsonValue]
    status: TransportStatus
    cancel_requested: bool
    created_at: datetime
    updated_at: datetime
    waiting: str | None = None
    problem: ProblemView | None = None
    legs: tuple[LegView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    timeline: tuple[dict[str, Any], ...] = ()


class Act(WireModel):
    """Who does something, and why; recorded for ever."""

    by: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ResolveRequest(Act):
    """An operator's decision about a transport that cannot go on by itself.

    Attributes:
        location_id: needed by `completeAt` and `containerAt`.
    """

    action: OperatorAction
    location_id: Identifier | None = None
