"""People, their sessions and the audit log as the database keeps them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.people import AuditKind, PersonStatus, Role
from gateway.kernel.ports import Row, SqlValue, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may ask, or a machine.

    Attributes:
        zones: in which this person acts; none: in all.
        password: what is kept of it (`passwords.keep`); None: there is none to sign in with.
        failures: wrong passwords since the last right one.
        locked_until_us: nobody signs in before; came of wrong passwords.
        seen_us: when a token was last shown, as it was last noted.
    """

    person_id: str
    name: str
    phone: str | None
    roles: frozenset[Role]
    zones: frozenset[str]
    status: PersonStatus = PersonStatus.ACTIVE
    password: str | None = field(repr=False)
    must_change: bool
    failures: int = 0
    locked_until_us: Micros | None = None
    created_us: Micros
    seen_us: Micros | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A token that is valid.

    Attributes:
        key: SHA-256 of the token, as hexadecimal digits.
    """

    key: str
    person_id: str
    created_us: Micros
    expires_us: Micros


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What happened to an account."""

    number: int
    at_us: Micros
    kind: AuditKind
    person_id: str | None
    by: str
    details: str


_PERSON: Final = "key, name, phone, roles, zones, status, password, must_change, failures, locked_until_us, created_us, seen_us"
_ENTRY: Final = "number, at_us, kind, person_id, by_whom, details"


async def load_people(tx: Tx) -> list[Person]:
    """Return all people."""
    return [_person(row) for row in await tx.fetch(f"SELECT {_PERSON} FROM people ORDER BY key")]


async def load_sessions(tx: Tx) -> list[Session]:
    """Return all tokens, the oldest first."""
    rows = await tx.fetch(
        "SELECT key, person_id, created_us, expires_us FROM sessions ORDER BY created_us, key"
    )
    return [Session(*row) for row in rows]


async def last_number(tx: Tx) -> int:
    """Return the number of the newest entry of the audit log; 0: there is none."""
    return (await tx.fetch("SELECT COALESCE(MAX(number), 0) FROM people_audit"))[0][0]


async def keep_person(tx: Tx, person: Person) -> None:
    """Store a person, new or changed."""
    await tx.execute(
        "INSERT INTO people (key, folded, name, phone, roles, zones, status, password, must_change, failures,"
        " locked_until_us, created_us, seen_us) VALUES (:key, :folded, :name, :phone, :roles, :zones, :status,"
        " :password, :must_change, :failures, :locked_until_us, :created_us, :seen_us)"
        " ON CONFLICT (key) DO UPDATE SET name = excluded.name, phone = excluded.phone, roles = excluded.roles,"
        " zones = excluded.zones, status = excluded.status, password = excluded.password,"
        " must_change = excluded.must_change, failures = excluded.failures,"
        " locked_until_us = excluded.locked_until_us, seen_us = excluded.seen_us",
        _columns(person),
    )


async def insert_session(tx: Tx, session: Session) -> None:
    """Store a token."""
    await tx.execute(
        "INSERT INTO sessions (key, person_id, created_us, expires_us)"
        " VALUES (:key, :person_id, :created_us, :expires_us)",
        {
            "key": session.key,
            "person_id": session.person_id,
            "created_us": session.created_us,
            "expires_us": session.expires_us,
        },
    )


async def delete_sessions(tx: Tx, keys: Sequence[str]) -> None:
    """Forget tokens."""
    await tx.execute_many("DELETE FROM sessions WHERE key = :key", [{"key": key} for key in keys])


async def insert_entry(tx: Tx, entry: AuditEntry) -> None:
    """Store an entry of the audit log."""
    await tx.execute(
        f"INSERT INTO people_audit ({_ENTRY}) VALUES (:number, :at_us, :kind, :person_id, :by, :details)",
        {
            "number": entry.number,
            "at_us": entry.at_us,
            "kind": entry.kind.value,
            "person_id": entry.person_id,
            "by": entry.by,
            "details": entry.details,
        },
    )


async def list_entries(tx: Tx, person_id: str | None, below: int, limit: int) -> list[AuditEntry]:
    """Return entries of the audit log, the newest first; of one person or of all."""
    of_whom = "" if person_id is None else " AND person_id = :person_id"
    rows = await tx.fetch(
        f"SELECT {_ENTRY} FROM people_audit WHERE number < :below{of_whom} ORDER BY number DESC LIMIT :limit",
        {"below": below, "limit": limit} | ({} if person_id is None else {"person_id": person_id}),
    )
    return [
        AuditEntry(number, at, AuditKind(kind), whose, by, said) for number, at, kind, whose, by, said in rows
    ]


async def forget_entries(tx: Tx, below: int) -> None:
    """Delete the oldest entries of the audit log."""
    await tx.execute("DELETE FROM people_audit WHERE number < :below", {"below": below})


def folded(person_id: str) -> str:
    """Return a name as it is whatever capitals it is written with."""
    return person_id.casefold()


def _columns(person: Person) -> dict[str, SqlValue]:
    return {
        "key": person.person_id,
        "folded": folded(person.person_id),
        "name": person.name,
        "phone": person.phone,
        "roles": json.dumps(sorted(person.roles)),
        "zones": json.dumps(sorted(person.zones)),
        "status": person.status.value,
        "password": person.password,
        "must_change": int(person.must_change),
        "failures": person.failures,
        "locked_until_us": person.locked_until_us,
        "created_us": person.created_us,
        "seen_us": person.seen_us,
    }


def _person(row: Row) -> Person:
    key, name, phone, roles, zones, status, password, must_change, failures, locked_until, created, seen = row
    return Person(
        person_id=key,
        name=name,
        phone=phone,
        roles=frozenset(Role(each) for each in json.loads(roles)),
        zones=frozenset(json.loads(zones)),
        status=PersonStatus(status),
        password=password,
        must_change=bool(must_change),
        failures=failures,
        locked_until_us=locked_until,
        created_us=created,
        seen_us=seen,
    )
