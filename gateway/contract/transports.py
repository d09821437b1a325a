"""Transports as a WES asks for them and sees them (contract v1)."""

import json
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError

from gateway.contract.commands import CommandStatus
from gateway.contract.faults import OperatorAction
from gateway.contract.model import WireModel
from gateway.contract.problems import Reason

IDENTIFIER: Final = r"^[A-Za-z0-9][A-Za-z0-9._:\-]*$"
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=IDENTIFIER)]
"""An identifier of the caller: opaque, 1 to 64 of letters, digits, dot, underscore, colon, hyphen."""
Operator = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
"""The name of a person who does something."""

DEFAULT_PRIORITY = 5

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _check_rfc3339(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise PydanticCustomError(
        "bad_format", "must be a time after RFC 3339 with an offset, e.g. 2026-11-22T17:30:00+08:00"
    )


def _check_finite(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise PydanticCustomError("bad_format", "numbers must be finite") from None
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_check_rfc3339)]
"""A moment in RFC 3339; numbers and other spellings, which pydantic would take too, are refused."""


class TransportStatus(StrEnum):
    """Where a transport stands. `failed` and `unknown` wait for somebody's decision (resolve)."""

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
    deadline: Moment | None = None
    attributes: Annotated[dict[str, JsonValue], AfterValidator(_check_finite)] = Field(default_factory=dict)


class SubmittedView(WireModel):
    """The transport is durable.

    Attributes:
        again: the same request had been accepted before; nothing new was begun.
    """

    transport_id: str
    again: bool


class BatchMode(StrEnum):
    """What becomes of a batch with transports that must be refused."""

    ALL = "all"
    """All or none: one refusal refuses the whole batch."""
    EACH = "each"
    """Each for itself."""


class TransportBatch(WireModel):
    """Several transports in one request; a malformed one refuses the batch in either mode."""

    items: Annotated[tuple[TransportRequest, ...], Field(min_length=1, max_length=1000)]
    mode: BatchMode = BatchMode.ALL


class BatchItemView(WireModel):
    """What became of one item of a batch: accepted (now or before), or refused with reasons."""

    transport_id: str
    accepted: bool
    again: bool = False
    reasons: tuple[Reason, ...] = ()


class BatchView(WireModel):
    """What became of a batch, item by item in the order of the request."""

    items: tuple[BatchItemView, ...]


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


class ActView(WireModel):
    """What somebody did about a transport, and why.

    Attributes:
        act: e.g. `transport.retry`.
    """

    at: datetime
    operator: str
    reason: str
    act: str
    details: dict[str, JsonValue]


class TransportView(WireModel):
    """A transport as the API shows it; lists show it without commands, timeline and acts.

    Attributes:
        waiting: why it does not move at the moment, if it does not.
        problem: set while the status is `failed` or `unknown`.
        timeline: the transport's own events in order: {seq, type, time, data}.
        acts: what people decided about it.
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
    acts: tuple[ActView, ...] = ()


class Act(WireModel):
    """Who does something, and why; recorded for ever."""

    operator: Operator
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ResolveRequest(Act):
    """An operator's decision about a transport that cannot go on by itself.

    Attributes:
        location_id: needed by `completeAt` and `containerAt`.
    """

    action: OperatorAction
    location_id: Identifier | None = None
