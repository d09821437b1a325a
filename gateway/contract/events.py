"""Events: facts that happened, numbered, never changed; CloudEvents 1.0 in JSON.

The feed is their sequence. A consumer that has seen number n and asks for what comes after n misses nothing and gets
nothing twice.
"""

from enum import StrEnum
from typing import Any, Literal

from gateway.contract.model import WireModel


class EventType(StrEnum):
    """Every kind of event that the feed carries."""

    TRANSPORT_ACCEPTED = "transport.accepted"
    TRANSPORT_PLANNED = "transport.planned"
    TRANSPORT_LEG_STARTED = "transport.legStarted"
    TRANSPORT_LEG_COMPLETED = "transport.legCompleted"
    TRANSPORT_COMPLETED = "transport.completed"
    TRANSPORT_FAILED = "transport.failed"
    TRANSPORT_CANCELLED = "transport.cancelled"
    TRANSPORT_UNKNOWN = "transport.unknown"
    TRANSPORT_RESOLVED = "transport.resolved"
    CONTAINER_ARRIVED = "container.arrived"
    CONTAINER_LOCATED = "container.located"
    CONTAINER_REMOVED = "container.removed"
    LOCATION_BLOCKED = "location.blocked"
    LOCATION_UNBLOCKED = "location.unblocked"
    DEVICE_ONLINE = "device.online"
    DEVICE_OFFLINE = "device.offline"
    DEVICE_FAULT = "device.fault"
    DEVICE_RECOVERED = "device.recovered"
    DEVICE_ENABLED = "device.enabled"
    DEVICE_DISABLED = "device.disabled"
    PUT_ACCEPTED = "put.accepted"
    PUT_LIT = "put.lit"
    PUT_CONFIRMED = "put.confirmed"
    PUT_SHORT = "put.short"
    PUT_CANCELLED = "put.cancelled"
    PUT_UNKNOWN = "put.unknown"
    PUT_CURTAIN = "put.curtain"
    ALARM_RAISED = "alarm.raised"
    ALARM_CLEARED = "alarm.cleared"


class Event(WireModel):
    """One event as every consumer gets it.

    Attributes:
        seq: its number in the feed, from 1, without gaps.
        id: the same number as text: source + id is the duplicate key of CloudEvents.
        subject: what it is about: the id of a transport, container, location, device, put or alarm. Order is kept per subject.
        time: RFC 3339 UTC.
    """

    specversion: Literal["1.0"] = "1.0"
    id: str
    seq: int
    source: str
    type: EventType
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: dict[str, Any]
