"""People and sessions outlive the process, end by the clock, and are as before whatever was not committed (S2-160, S2-162)."""

import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from gateway.contract.faults import Refusal
from gateway.contract.people import NewPerson, PasswordChange, PersonChange, SignIn
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.people.callers import Anybody, SignedIn
from gateway.people.passwords import Cost, at_once, fits, keep
from gateway.people.people import AUDIT_MAX, People
from gateway.site.people import PeopleRules
from gateway.store.inline import InlineStore, open_inline
from tests.unit.api_rig import CHEAP, SteppingClock

pytestmark = pytest.mark.unit

T = TypeVar("T")
HOUR_US = 3_600_000_000
FIRST = "a first password"
OPEN = Anybody()


async def unguarded(tx: Tx) -> None:
    """The database is nobody else's."""


@dataclass
class Moody:
    """A store whose disk is full at one of its commits."""

    store: Store
    full_at: int = -1
    commits: int = 0

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        self.commits += 1
        if self.commits == self.full_at:
            raise StoreFull("no room")
        return await self.store.write(job)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.store.read(job)


@dataclass
class House:
    """The people of one database, over restarts."""

    store: InlineStore
    clock: SteppingClock = field(default_factory=SteppingClock)
    rng: random.Random = field(default_factory=lambda: random.Random(1))

    async def open(self, store: Store | None = None) -> People:
        people = People(
            store=store or self.store,
            guard=unguarded,
            clock=self.clock,
            rng=self.rng,
            rules=PeopleRules(),
            zones=frozenset({"dock"}),
            compute=at_once,
            cost=CHEAP,
        )
        await people.open()
        return people

    async def rows(self, sql: str) -> list[Any]:
        return list(await self.store.read(lambda tx: tx.fetch(sql)))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_inline() as store:
        yield House(store)


def new(person_id: str = "ada", role: str = "administrator") -> NewPerson:
    return NewPerson.model_validate(
        {"personId": person_id, "name": person_id, "roles": [role], "initialPassword": FIRST}
    )


def proof(password: str = FIRST, person_id: str = "ada") -> SignIn:
    return SignIn.model_validate({"personId": person_id, "password": password})


def seen(people: People) -> list[Any]:
    """All that a restart must not change."""
    return [(person, people.sessions(person)) for person in people.all()]


async def test_who_was_signed_in_is_so_after_a_restart(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    token, _ = await people.sign_in(proof(), "")
    again = await house.open()
    assert again.is_kept
    shown = again.shown(token)
    assert shown is not None
    assert shown.person == people.person("ada")


async def test_a_name_stays_locked_over_a_restart(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    for _ in range(5):
        with pytest.raises(Refusal):
            await people.sign_in(proof("wrong"), "")
    again = await house.open()
    with pytest.raises(Refusal, match="too many wrong passwords"):
        await again.sign_in(proof(), "")
    house.clock.at_us += HOUR_US
    await again.sign_in(proof(), "")


async def test_a_session_ends_with_the_shift_and_is_forgotten(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    token, _ = await people.sign_in(proof(), "")
    house.clock.at_us += 12 * HOUR_US - 60_000_000
    assert people.shown(token) is not None
    house.clock.at_us += 60_000_000
    assert people.shown(token) is None
    await people.sweep()
    assert await house.rows("SELECT key FROM sessions") == []


async def test_the_database_holds_neither_tokens_nor_passwords(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    token, _ = await people.sign_in(proof(), "")
    kept = str(
        [await house.rows(f"SELECT * FROM {table}") for table in ("people", "sessions", "people_audit")]
    )
    assert token not in kept
    assert FIRST not in kept
    assert "scrypt$" in kept


async def test_the_audit_log_keeps_its_newest_entries(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    await house.store.write(
        lambda tx: tx.execute("UPDATE people_audit SET number = number + :n", {"n": AUDIT_MAX})
    )
    people = await house.open()
    token, caller = await people.sign_in(proof(), "")
    await people.sweep()
    assert [row[0] for row in await house.rows("SELECT number FROM people_audit ORDER BY number")] == [
        AUDIT_MAX + 1,
        AUDIT_MAX + 2,
    ]
    await people.sign_out(caller)
    assert people.shown(token) is None


async def test_the_audit_log_is_bounded_also_while_nobody_is_signed_in(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    await house.store.write(
        lambda tx: tx.execute("UPDATE people_audit SET number = number + :n", {"n": AUDIT_MAX})
    )
    people = await house.open()
    await house.store.write(lambda tx: tx.execute("UPDATE people_audit SET number = 1"))
    with pytest.raises(Refusal):
        await people.sign_in(proof("a wrong password"), "")
    await people.sweep()
    assert await house.rows("SELECT number FROM people_audit") == [(AUDIT_MAX + 2,)]


@pytest.mark.parametrize("full_at", range(1, 9))
async def test_what_could_not_be_committed_has_not_happened(house: House, full_at: int) -> None:
    """The disk is full at any commit of a life: what a restart finds is what was told before, and the rest can be done again."""
    store = Moody(house.store, full_at)
    people = await house.open(store)

    async def insist(act: Callable[[], Awaitable[T]]) -> T:
        try:
            return await act()
        except StoreFull:
            assert seen(await house.open()) == seen(people)
            return await act()

    await insist(lambda: people.add(OPEN, new()))
    await insist(lambda: people.add(OPEN, new("ben", "operator")))
    _, ada = await insist(lambda: people.sign_in(proof(), ""))
    change = PasswordChange.model_validate({"old": FIRST, "new": "another password"})
    await insist(lambda: people.change_password(ada, change, ""))
    token, ben = await insist(lambda: people.sign_in(proof(FIRST, "ben"), ""))
    lock = PersonChange.model_validate({"status": "locked"})
    await insist(lambda: people.change(ada, "ben", lock))
    assert people.shown(token) is None
    assert isinstance(ben, SignedIn)
    await insist(lambda: people.change(ada, "ben", PersonChange.model_validate({"status": "active"})))
    await insist(lambda: people.sign_out(ada))
    assert seen(await house.open()) == seen(people)
    assert store.commits >= full_at


async def test_a_wrong_password_counts_although_nothing_can_be_stored(house: House) -> None:
    people = await house.open()
    await people.add(OPEN, new())
    full = await house.open(store := Moody(house.store))
    for _ in range(5):
        store.full_at = store.commits + 1
        with pytest.raises(Refusal, match="no such name"):
            await full.sign_in(proof("wrong"), "")
    with pytest.raises(Refusal, match="too many wrong passwords"):
        await full.sign_in(proof(), "")


def test_what_was_kept_at_another_cost_still_fits() -> None:
    for cost in (CHEAP, Cost(5, 2, 2)):
        kept = keep("correct horse battery", b"0123456789abcdef", cost)
        assert fits("correct horse battery", kept)
        assert fits(
            "\N{FULLWIDTH LATIN SMALL LETTER C}orrect horse battery", kept
        )  # typed with a full-width keyboard: the same (NFKC)
        assert not fits("correct horse batterY", kept)


def test_scrypt_is_the_one_of_the_standard() -> None:
    """RFC 7914, section 12, of which PBKDF2 makes the first 32 bytes alike whatever the length."""
    kept = keep("pleaseletmein", b"SodiumChloride", Cost(14, 8, 1))
    expected = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert base64.b64decode(kept.rpartition("$")[2]).hex() == expected
