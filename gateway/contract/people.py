"""People, their rights, and how they sign in (contract v1). No password, and nothing made of one, is ever in an answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier

PASSWORD_MAX: Final = 200
"""Characters of the longest password: what is computed from one takes the same time for all."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()/\-]{2,30}$")]
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_MAX)]


class Role(StrEnum):
    """What somebody is here for. One may have several; a machine has `service` alone."""

    VIEWER = "viewer"
    """Sees all, changes nothing."""
    OPERATOR = "operator"
    """Works at stations, on foot, at the dock and the packing table; counts."""
    SUPERVISOR = "supervisor"
    """Decides what others only report: approves counts, settles exceptions, corrects stock, locks places."""
    ENGINEER = "engineer"
    """Looks after machines: enables and resets devices, resolves transports, says where containers are, connects others."""
    ADMINISTRATOR = "administrator"
    """Keeps people and their rights."""
    SERVICE = "service"
    """A machine: a WES or an OMS. It has tokens and no password, and names the operators whose acts it brings."""


class PersonStatus(StrEnum):
    """Whether somebody may sign in."""

    ACTIVE = "active"
    LOCKED = "locked"
    """By an administrator, until one unlocks."""
    LEFT = "left"
    """For good: what was done stays under the name, which nobody else gets."""


def _each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("names one twice")
    return values


Roles = Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(Role)), AfterValidator(_each_once)]
Zones = Annotated[tuple[Identifier, ...], Field(max_length=100), AfterValidator(_each_once)]


class SignIn(WireModel):
    """Who somebody is, and what only that person knows."""

    person_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Password


class PasswordChange(WireModel):
    """A person's own password, changed by that person: 12 characters or more, whatever they are, and not the name."""

    old: Password
    new: Password


class SignedInView(WireModel):
    """Whoever is signed in.

    Attributes:
        zones: in which this person acts; none: in all.
        must_change_password: until that is done nothing else is allowed.
    """

    person_id: str
    name: str
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    must_change_password: bool


class NewSessionView(WireModel):
    """A session has begun. Show the token with every request: `Authorization: Bearer …`. It is told this once."""

    token: str
    expires_at: datetime
    person: SignedInView


class SessionView(WireModel):
    """How the caller is let in, and what is still to be shown.

    Attributes:
        access: `open`: nobody is asked who it is; `token`: by the installation's token; `person`: by a person's session.
        sign_in: what the caller still has to do: nothing (`none`), show the installation's token, or sign in as a person.
        person: who is signed in.
    """

    access: Literal["open", "token", "person"]
    sign_in: Literal["none", "token", "person"]
    person: SignedInView | None


class NewPerson(WireModel):
    """A person who will be kept; the first one is an administrator.

    Attributes:
        person_id: the name to sign in with, and the operator of all that this person does.
        zones: in which this person acts; none: in all.
        initial_password: to be changed at the first sign-in; none for a service.
    """

    person_id: Identifier
    name: Name
    phone: Phone | None = None
    roles: Roles
    zones: Zones = ()
    initial_password: Password | None = None


class PersonChange(WireModel):
    """What changes about a person; what is left out stays.

    Attributes:
        status: `active` also ends a lock that came of wrong passwords.
        initial_password: in place of a forgotten one; to be changed at the next sign-in.
    """

    name: Name | None = None
    phone: Phone | None = None
    roles: Roles | None = None
    zones: Zones | None = None
    status: PersonStatus | None = None
    initial_password: Password | None = None


class PersonView(WireModel):
    """A person as administrators see them.

    Attributes:
        locked_until: after too many wrong passwords nobody signs in under this name until then.
        sessions: tokens that are valid.
        last_seen_at: when one of them was last shown; of an earlier run of the gateway, to the minute.
    """

    person_id: str
    name: str
    phone: str | None
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    status: PersonStatus
    must_change_password: bool
    failures: int
    locked_until: datetime | None
    sessions: int
    created_at: datetime
    last_seen_at: datetime | None


class TokenRequest(WireModel):
    """For how long a service gets a token."""

    days: Annotated[int, Field(strict=True, ge=1, le=3660)] = 365


class TokenView(WireModel):
    """A service's token. It is told this once."""

    person_id: str
    token: str
    expires_at: datetime


class AuditKind(StrEnum):
    """What is told of people's accounts."""

    ADDED = "added"
    CHANGED = "changed"
    SIGNED_IN = "signedIn"
    SIGN_IN_FAILED = "signInFailed"
    LOCKED_OUT = "lockedOut"
    """After too many wrong passwords, for a while."""
    SIGNED_OUT = "signedOut"
    PASSWORD_CHANGED = "passwordChanged"
    TOKEN_ISSUED = "tokenIssued"
    TOKENS_REVOKED = "tokensRevoked"


class AuditView(WireModel):
    """One entry of the audit log of accounts.

    Attributes:
        person_id: whose account; None: a name that nobody has, which is not kept, as people type passwords into the wrong field.
        by: who did it: a person, or `token` and `open` for callers that are none.
    """

    number: int
    at: datetime
    kind: AuditKind
    person_id: str | None
    by: str
    details: str
