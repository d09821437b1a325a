"""The people that are kept, and their sessions."""

import base64
import random  # noqa: TID251 - the type only; the source is injected
from asyncio import Lock, sleep
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Final

import structlog

from gateway.contract.clock import Clock, Micros
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.people import (
    AuditKind,
    NewPerson,
    PasswordChange,
    PersonChange,
    PersonStatus,
    Role,
    SignIn,
)
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.kernel import Guard
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.kernel.supervise import to_its_end
from gateway.people import passwords
from gateway.people.callers import Caller, SignedIn
from gateway.people.passwords import Computer, Cost
from gateway.people.rows import (
    AuditEntry,
    Person,
    Session,
    delete_sessions,
    folded,
    forget_entries,
    insert_entry,
    insert_session,
    keep_person,
    last_number,
    list_entries,
    load_people,
    load_sessions,
)
from gateway.people.tries import Addresses, Tries, UnknownNames
from gateway.site.people import PeopleRules

log = structlog.get_logger()

PEOPLE_MAX: Final = 5000
SESSIONS_MAX: Final = 10
"""Of one person; the eleventh ends the oldest. A service gets no more."""
WAITING_MAX: Final = 16
"""Sign-ins that wait for their turn: passwords are computed one after the other."""
AUDIT_MAX: Final = 10_000
PERIOD_S: Final = 60.0
TOKEN_BYTES: Final = 32
DAY_US: Final = 86_400_000_000
NOBODYS: Final = frozenset({"wes", "token", "open", "nobody"})
"""Names that stand for what no person does."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What one step makes durable.

    Attributes:
        person: as that person is from now on.
        ended: keys of sessions that end.
    """

    kind: AuditKind
    by: str
    person_id: str | None
    details: str = ""
    person: Person | None = None
    begun: Session | None = None
    ended: Sequence[str] = field(default=())


class People:
    """All people and machines that are kept; every method that changes one raises Refusal, StoreFull or StoreBroken."""

    def __init__(
        self,
        *,
        store: Store,
        guard: Guard,
        clock: Clock,
        rng: random.Random,
        rules: PeopleRules,
        zones: frozenset[str],
        compute: Computer,
        cost: Cost = passwords.STRONG,
    ) -> None:
        """Args: rng: makes salts and tokens: a random.SystemRandom wherever they matter; zones: of the site."""
        self._store = store
        self._guard = guard
        self._clock = clock
        self._rng = rng
        self._rules = rules
        self._zones = zones
        self._compute = compute
        self._cost = cost
        self._decoy = passwords.nobodys(cost)
        self._people: dict[str, Person] = {}
        self._names: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        self._seen: dict[str, Micros] = {}
        self._unknown = UnknownNames()
        self._addresses = Addresses()
        self._number = 0
        self._forgotten = 0
        self._waiting = 0
        self._changing = Lock()

    async def open(self) -> None:
        """Read all people and sessions."""
        people = await self._store.read(load_people)
        self._people = {person.person_id: person for person in people}
        self._names = {folded(person.person_id): person.person_id for person in people}
        self._sessions = {each.key: each for each in await self._store.read(load_sessions)}
        self._number = await self._store.read(last_number)

    async def run(self) -> None:
        """Note who was seen, and forget what is over, until cancelled."""
        while True:
            await sleep(PERIOD_S)
            with suppress(StoreFull):
                await self.sweep()

    # ── who asks ──────────────────────────────────────────────────────────────────────────────────────

    @property
    def is_kept(self) -> bool:
        """Whether anybody is kept; from then on everybody is asked who it is."""
        return bool(self._people)

    def shown(self, token: str) -> SignedIn | None:
        """Return whose token that is; None: nobody's, or not any more."""
        session = self._sessions.get(_key(token))
        now = self._clock.now_us()
        if session is None or session.expires_us <= now:
            return None
        self._seen[session.person_id] = now
        return SignedIn(self._people[session.person_id], session)

    async def sign_in(self, request: SignIn, address: str) -> tuple[str, SignedIn]:
        """Begin a session; return its token too.

        Names that nobody has are answered as others are, after the same time.

        Raises:
            Refusal: a wrong name or password, too many of them, or the account is locked.
        """
        if self._waiting >= WAITING_MAX:
            text = f"{WAITING_MAX} sign-ins are waiting; try again in a second"
            raise Refusal(RefusalKind.BUSY, FieldError("", "busy", text))
        self._waiting += 1
        try:
            async with self._changing:
                person = await self._prove(request.person_id, request.password.get_secret_value(), address)
                return await self._begin(person)
        finally:
            self._waiting -= 1

    async def sign_out(self, caller: SignedIn) -> None:
        """End a session; its token opens nothing any more."""
        async with self._changing:
            change = _Change(AuditKind.SIGNED_OUT, caller.by, caller.by, ended=[caller.session.key])
            await self._commit(change)

    async def change_password(self, caller: SignedIn, change: PasswordChange, address: str) -> None:
        """Take a new password in place of the old one; other sessions of this person end."""
        new = change.new.get_secret_value()
        async with self._changing:
            person = await self._prove(caller.by, change.old.get_secret_value(), address)
            if new == change.old.get_secret_value():
                raise _invalid("new", "samePassword", "take another one than before")
            changed = replace(person, password=await self._kept(new, person, "new"), must_change=False)
            others = [key for key in self._keys_of(person.person_id) if key != caller.session.key]
            await self._commit(
                _Change(
                    AuditKind.PASSWORD_CHANGED,
                    caller.by,
                    person.person_id,
                    person=replace(changed, failures=0, locked_until_us=None),
                    ended=others,
                )
            )

    # ── administrators ────────────────────────────────────────────────────────────────────────────────

    def all(self) -> list[Person]:
        """Return all people, ordered by name."""
        return [self._people[name] for name in sorted(self._people)]

    def person(self, person_id: str) -> Person:
        """Return a person.

        Raises:
            Refusal: there is none of that name.
        """
        person = self._people.get(self._names.get(folded(person_id), ""))
        if person is None:
            raise Refusal(
                RefusalKind.NOT_FOUND, FieldError("personId", "unknownPerson", f"no person {person_id}")
            )
        return person

    def seen_us(self, person: Person) -> Micros | None:
        """Return when somebody has last shown a token."""
        return self._seen.get(person.person_id, person.seen_us)

    def sessions(self, person: Person) -> int:
        """Return how many tokens of somebody are valid."""
        now = self._clock.now_us()
        return sum(now < self._sessions[key].expires_us for key in self._keys_of(person.person_id))

    async def add(self, by: Caller, request: NewPerson) -> Person:
        """Keep a person from now on."""
        async with self._changing:
            self._check_new(request)
            person = Person(
                person_id=request.person_id,
                name=request.name,
                phone=request.phone,
                roles=frozenset(request.roles),
                zones=frozenset(request.zones),
                password=None,
                must_change=request.initial_password is not None,
                created_us=self._clock.now_us(),
            )
            if request.initial_password is not None:
                secret = request.initial_password.get_secret_value()
                person = replace(person, password=await self._kept(secret, person, "initialPassword"))
            rights = f"{', '.join(sorted(person.roles))}{_in_zones(person.zones)}"
            await self._commit(_Change(AuditKind.ADDED, by.by, person.person_id, rights, person=person))
            return person

    async def change(self, by: Caller, person_id: str, request: PersonChange) -> Person:
        """Change what is named; whoever is locked, leaves or gets another password is signed out everywhere."""
        async with self._changing:
            person = self.person(person_id)
            changed = await self._changed(person, request)
            self._check_administrators(changed)
            out = changed.status is not PersonStatus.ACTIVE or request.initial_password is not None
            ended = self._keys_of(person.person_id) if out else ()
            details = _differences(person, changed)
            if details or ended:
                await self._commit(
                    _Change(AuditKind.CHANGED, by.by, person.person_id, details, person=changed, ended=ended)
                )
            return changed

    async def issue(self, by: Caller, person_id: str, days: int) -> tuple[str, Session]:
        """Give a service a token; return it with its session.

        Raises:
            Refusal: no service, or one that has enough.
        """
        async with self._changing:
            person = self.person(person_id)
            if Role.SERVICE not in person.roles or person.status is not PersonStatus.ACTIVE:
                raise _conflict("personId", "noService", f"{person.person_id} is no active service")
            valid = self.sessions(person)
            if valid >= SESSIONS_MAX:
                text = f"{person.person_id} has {valid} valid tokens: revoke them first"
                raise _conflict("personId", "tooManyTokens", text)
            token, session = self._new_session(person, days * DAY_US)
            until = f"until {to_rfc3339(session.expires_us)}"
            await self._commit(_Change(AuditKind.TOKEN_ISSUED, by.by, person.person_id, until, begun=session))
            return token, session

    async def revoke(self, by: Caller, person_id: str) -> None:
        """End all sessions of somebody."""
        async with self._changing:
            person = self.person(person_id)
            ended = self._keys_of(person.person_id)
            if ended:
                await self._commit(_Change(AuditKind.TOKENS_REVOKED, by.by, person.person_id, ended=ended))

    async def audit(self, person_id: str | None, below: int, limit: int) -> list[AuditEntry]:
        """Return entries of the audit log, the newest first; of one person or of all."""
        return await self._store.read(lambda tx: list_entries(tx, person_id, below, limit))

    async def sweep(self) -> None:
        """Note who was seen, and forget sessions that are over and the oldest of the audit log."""
        async with self._changing:
            now = self._clock.now_us()
            over = [key for key, each in self._sessions.items() if each.expires_us <= now]
            seen = [
                replace(self._people[name], seen_us=at)
                for name, at in self._seen.items()
                if at != self._people[name].seen_us
            ]
            if over or seen or self._number - AUDIT_MAX > self._forgotten:
                await to_its_end(self._swept(over, seen))

    async def _swept(self, over: Sequence[str], seen: Sequence[Person]) -> None:
        number = self._number

        async def job(tx: Tx) -> None:
            await self._guard(tx)
            await delete_sessions(tx, over)
            for person in seen:
                await keep_person(tx, person)
            await forget_entries(tx, number - AUDIT_MAX + 1)

        await self._store.write(job)
        for key in over:
            self._sessions.pop(key, None)
        self._forgotten = number - AUDIT_MAX
        self._people |= {person.person_id: person for person in seen}

    # ── passwords and sessions ────────────────────────────────────────────────────────────────────────

    async def _prove(self, name: str, password: str, address: str) -> Person:
        """Return the person whose name and password these are.

        Raises:
            Refusal: they are nobody's, or too many wrong ones came.
        """
        now = self._clock.now_us()
        until = self._addresses.locked_until(address, now)
        if until is not None:
            text = f"too many wrong passwords came from this address: wait until {to_rfc3339(until)}"
            raise Refusal(RefusalKind.LOCKED, FieldError("", "addressLocked", text))
        person = self._people.get(self._names.get(folded(name), ""))
        tries = self._unknown.of(folded(name)) if person is None else _tries(person)
        if tries.is_locked(now):
            raise _locked_out(tries)
        kept = self._decoy if person is None or person.password is None else person.password
        right = await self._compute(partial(passwords.fits, password, kept))
        if person is None or not right:
            await self._fail(name, person, tries, address)
            raise Refusal(
                RefusalKind.UNAUTHORIZED,
                FieldError("", "wrongPassword", "there is no such name with this password"),
            )
        if person.status is not PersonStatus.ACTIVE:
            text = f"{person.person_id} is locked: ask an administrator"
            raise Refusal(RefusalKind.LOCKED, FieldError("", "accountLocked", text))
        return person

    async def _fail(self, name: str, person: Person | None, tries: Tries, address: str) -> None:
        """Count a wrong password, also where nothing can be stored."""
        now = self._clock.now_us()
        after = tries.one_more(now, self._rules.failures_max, self._rules.lock_us)
        self._addresses.note_failure(address, now)
        locked = after.locked_until_us is not None
        kind = AuditKind.LOCKED_OUT if locked else AuditKind.SIGN_IN_FAILED
        changed = None
        if person is None:
            self._unknown.note(folded(name), after)
        else:
            changed = replace(person, failures=after.failures, locked_until_us=after.locked_until_us)
            self._people[person.person_id] = changed
        whose = None if person is None else person.person_id
        with suppress(StoreFull):
            await self._commit(_Change(kind, "nobody", whose, f"from {address}", person=changed))

    async def _begin(self, person: Person) -> tuple[str, SignedIn]:
        person = replace(person, failures=0, locked_until_us=None, seen_us=self._clock.now_us())
        token, session = self._new_session(person, self._rules.session_us)
        mine = self._keys_of(person.person_id)
        await self._commit(
            _Change(
                AuditKind.SIGNED_IN,
                person.person_id,
                person.person_id,
                person=person,
                begun=session,
                ended=mine[: len(mine) + 1 - SESSIONS_MAX] if len(mine) >= SESSIONS_MAX else (),
            )
        )
        return token, SignedIn(person, session)

    def _new_session(self, person: Person, life_us: Micros) -> tuple[str, Session]:
        token = base64.urlsafe_b64encode(self._rng.randbytes(TOKEN_BYTES)).rstrip(b"=").decode()
        now = self._clock.now_us()
        return token, Session(_key(token), person.person_id, now, now + life_us)

    def _keys_of(self, person_id: str) -> list[str]:
        """Return the sessions of somebody, the oldest first."""
        return [key for key, each in self._sessions.items() if each.person_id == person_id]

    async def _kept(self, password: str, person: Person, where: str) -> str:
        """Return what is kept of a new password.

        Raises:
            Refusal: it will not do.
        """
        objection = passwords.objection(password, person.person_id, person.name)
        if objection is not None:
            raise _invalid(where, "weakPassword", objection)
        salt = self._rng.randbytes(passwords.SALT_BYTES)
        return await self._compute(partial(passwords.keep, password, salt, self._cost))

    # ── what may be ───────────────────────────────────────────────────────────────────────────────────

    def _check_new(self, request: NewPerson) -> None:
        if folded(request.person_id) in NOBODYS:
            text = f"{request.person_id} stands for what no person does: take another name"
            raise _invalid("personId", "reserved", text)
        known = self._names.get(folded(request.person_id))
        if known is not None:
            raise _conflict("personId", "nameTaken", f"there is {known} already")
        if len(self._people) >= PEOPLE_MAX:
            raise _conflict("personId", "tooMany", f"{PEOPLE_MAX} people are kept, which is the most")
        self._check_roles(frozenset(request.roles))
        self._check_zones(request.zones)
        service = Role.SERVICE in request.roles
        if service and request.initial_password is not None:
            raise _invalid("initialPassword", "service", "a service has tokens and no password")
        if not service and request.initial_password is None:
            raise _invalid("initialPassword", "missing", "must be given")
        if not self._people and Role.ADMINISTRATOR not in request.roles:
            text = "the first person must be an administrator: nobody could add the second one"
            raise _conflict("roles", "noAdministrator", text)

    def _check_roles(self, roles: frozenset[Role]) -> None:
        if Role.SERVICE in roles and len(roles) > 1:
            raise _invalid("roles", "service", "a machine is a service and nothing else")

    def _check_zones(self, zones: Sequence[str]) -> None:
        unknown = sorted(set(zones) - self._zones)
        if unknown:
            known = f"it has {', '.join(sorted(self._zones))}" if self._zones else "it has none"
            raise _invalid("zones", "unknownZone", f"no zone {', '.join(unknown)} in this site; {known}")

    async def _changed(self, person: Person, request: PersonChange) -> Person:
        changed = person
        if request.name is not None:
            changed = replace(changed, name=request.name)
        if "phone" in request.model_fields_set:
            changed = replace(changed, phone=request.phone)
        if request.roles is not None:
            roles = frozenset(request.roles)
            self._check_roles(roles)
            if (Role.SERVICE in roles) != (Role.SERVICE in person.roles):
                raise _conflict("roles", "service", "a person becomes no service, and a service no person")
            changed = replace(changed, roles=roles)
        if request.zones is not None:
            self._check_zones(request.zones)
            changed = replace(changed, zones=frozenset(request.zones))
        if request.status is not None:
            changed = replace(changed, status=request.status, failures=0, locked_until_us=None)
        if changed.status is PersonStatus.LEFT:
            changed = replace(changed, password=None, phone=None)
        if request.initial_password is not None:
            if Role.SERVICE in changed.roles or changed.status is PersonStatus.LEFT:
                text = f"{person.person_id} is a service, or has left: there is no password"
                raise _conflict("initialPassword", "noPassword", text)
            secret = request.initial_password.get_secret_value()
            kept = await self._kept(secret, changed, "initialPassword")
            changed = replace(changed, password=kept, must_change=True, failures=0, locked_until_us=None)
        return changed

    def _check_administrators(self, changed: Person) -> None:
        """Make sure that somebody can still sign in and give rights."""
        after = {**self._people, changed.person_id: changed}
        if not any(_administers(each) for each in after.values()):
            text = f"{changed.person_id} is the last administrator who can sign in: make another one first"
            raise _conflict("", "lastAdministrator", text)

    # ── what becomes durable ──────────────────────────────────────────────────────────────────────────

    async def _commit(self, change: _Change) -> None:
        await to_its_end(self._made(change))

    async def _made(self, change: _Change) -> None:
        """Make a change durable, and then true."""
        number = self._number + 1
        entry = AuditEntry(
            number, self._clock.now_us(), change.kind, change.person_id, change.by, change.details
        )

        async def job(tx: Tx) -> None:
            await self._guard(tx)
            if change.person is not None:
                await keep_person(tx, change.person)
            await delete_sessions(tx, change.ended)
            if change.begun is not None:
                await insert_session(tx, change.begun)
            await insert_entry(tx, entry)

        await self._store.write(job)
        self._number = number
        if change.person is not None:
            self._people[change.person.person_id] = change.person
            self._names[folded(change.person.person_id)] = change.person.person_id
        for key in change.ended:
            self._sessions.pop(key, None)
        if change.begun is not None:
            self._sessions[change.begun.key] = change.begun
        log.info(
            "people",
            kind=change.kind.value,
            person=change.person_id or "unknown name",
            by=change.by,
            details=change.details,
        )


def _key(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _tries(person: Person) -> Tries:
    return Tries(person.failures, person.locked_until_us)


def _administers(person: Person) -> bool:
    signs_in = person.status is PersonStatus.ACTIVE and person.password is not None
    return signs_in and Role.ADMINISTRATOR in person.roles


def _in_zones(zones: frozenset[str]) -> str:
    return f" in {', '.join(sorted(zones))}" if zones else ""


def _differences(before: Person, after: Person) -> str:
    """Tell what has changed, without what nobody should read."""
    said = [
        f"{what}: {old} → {new}"
        for what, old, new in (
            ("roles", ", ".join(sorted(before.roles)), ", ".join(sorted(after.roles))),
            ("zones", ", ".join(sorted(before.zones)), ", ".join(sorted(after.zones))),
            ("status", before.status.value, after.status.value),
            ("name", before.name, after.name),
        )
        if old != new
    ]
    if before.phone != after.phone:
        said.append("another phone")
    if before.password != after.password:
        said.append("no password" if after.password is None else "an initial password")
    if before.locked_until_us is not None and after.locked_until_us is None:
        said.append("unlocked")
    return "; ".join(said)


def _locked_out(tries: Tries) -> Refusal:
    until = to_rfc3339(tries.locked_until_us or 0)
    text = f"too many wrong passwords under this name: wait until {until}, or have an administrator unlock it"
    return Refusal(RefusalKind.LOCKED, FieldError("", "signInLocked", text))


def _invalid(where: str, code: str, text: str) -> Refusal:
    return Refusal(RefusalKind.INVALID, FieldError(where, code, text))


def _conflict(where: str, code: str, text: str) -> Refusal:
    return Refusal(RefusalKind.CONFLICT, FieldError(where, code, text))
