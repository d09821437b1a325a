"""Webhook subscriptions as a WES makes and sees them (contract v1; signatures after Standard Webhooks 1.0)."""

import base64
import binascii
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from gateway.contract.events import EventType
from gateway.contract.model import WireModel

SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = range(24, 65)
"""Lengths of a secret before base64 (Standard Webhooks: 24 to 64 bytes)."""


PRINTABLE: Final = r"^[\x21-\x7e]+$"


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is no number
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry credentials; deliveries are signed")
    return url


def check_secret(secret: str) -> str:
    """Return a secret that deliveries can be signed with; raise ValueError for anything else."""
    try:
        length = len(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    except binascii.Error:
        length = 0
    if not secret.startswith(SECRET_PREFIX) or length not in SECRET_BYTES:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return secret


class SubscriptionRequest(WireModel):
    """Ask for events to be delivered by POST.

    Attributes:
        types: the wanted types; left out or empty: all.
        secret: signs the deliveries; left out: the gateway makes one and tells it in the answer, once.
        after: deliver what comes after this event; left out: what happens from now on.
    """

    url: Annotated[str, StringConstraints(max_length=2000, pattern=PRINTABLE), AfterValidator(_check_url)]
    types: tuple[EventType, ...] = ()
    secret: Annotated[str, AfterValidator(check_secret)] | None = None
    after: Annotated[int, Field(ge=0, strict=True)] | None = None


class SubscriptionStatus(StrEnum):
    """Whether a subscription delivers."""

    ACTIVE = "active"
    DISABLED = "disabled"


class SubscriptionView(WireModel):
    """A subscription as the API shows it.

    Attributes:
        reason: why it is disabled.
        backlog: events that it has not delivered yet, those that it may not want included.
        dead_letters: deliveries that were given up; each blocks the later events of its subject until skipped or replayed.
        replaying_until: the last event of a replay that is under way.
    """

    subscription_id: str
    url: str
    types: tuple[EventType, ...]
    status: SubscriptionStatus
    reason: str | None
    created_at: datetime
    backlog: int
    dead_letters: int
    replaying_until: int | None = None


class NewSubscriptionView(SubscriptionView):
    """The answer to the one who made the subscription: the only one that tells the secret."""

    secret: str


class DeliveryStatus(StrEnum):
    """What became of one delivery."""

    WAITING = "waiting"
    """Tried without success, or behind one of the same subject that was."""
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up; blocks its subject until skipped or replayed."""
    SKIPPED = "skipped"


class DeliveryView(WireModel):
    """One delivery of one event.

    Attributes:
        attempts: how often it was tried.
        http_status: the receiver's last answer, if there was one.
        error: why the last attempt failed; empty if it did not.
    """

    seq: int
    subject: str
    status: DeliveryStatus
    attempts: int
    http_status: int | None
    error: str
    updated_at: datetime


class ReplayRequest(WireModel):
    """Deliver events again, dead letters among them.

    Attributes:
        from_seq: the first event.
        to_seq: the last one; left out: the newest one now.
    """

    from_seq: Annotated[int, Field(ge=1, strict=True)]
    to_seq: Annotated[int, Field(ge=1, strict=True)] | None = None
