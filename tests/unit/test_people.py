"""People over HTTP: how they are added, sign in, are locked, leave; what nobody ever hears (S2-13, S2-160, S2-162)."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from gateway.people.passwords import objection
from gateway.wes.core import WesCore
from tests.unit.api_rig import Rig, gateway
from tests.unit.wes_rig import core

pytestmark = pytest.mark.unit

FIRST = "a first password"
SECOND = "another password"
ADA: dict[str, Any] = {
    "personId": "ada",
    "name": "Ada Wong",
    "roles": ["administrator"],
    "initialPassword": FIRST,
}
BEN: dict[str, Any] = {"personId": "ben", "name": "Ben", "roles": ["operator"], "initialPassword": FIRST}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with gateway() as rig:
        yield rig


@pytest.fixture
async def kept(rig: Rig) -> Rig:
    """Ada administrates and is signed in; Ben operates and has a password of his own."""
    assert (await rig.http.post("/v1/people", json=ADA)).status_code == 201
    rig.http.headers.update(await settled(rig, "ada"))
    assert (await rig.http.post("/v1/people", json=BEN)).status_code == 201
    await settled(rig, "ben")
    return rig


async def sign_in(rig: Rig, person_id: str, password: str) -> httpx.Response:
    return await rig.http.post("/v1/session", json={"personId": person_id, "password": password})


async def session(rig: Rig, person_id: str, password: str = SECOND) -> dict[str, str]:
    """The headers of somebody who signs in."""
    answer = await sign_in(rig, person_id, password)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def settled(rig: Rig, person_id: str) -> dict[str, str]:
    """The headers of somebody who signs in for the first time and changes the password."""
    headers = await session(rig, person_id, FIRST)
    change = {"old": FIRST, "new": SECOND}
    answer = await rig.http.post("/v1/session/password", json=change, headers=headers)
    assert answer.status_code == 204, answer.text
    return headers


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reasons"][0]["code"]


# ── the beginning ─────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_is_asked_who_it_is_until_somebody_is_kept(rig: Rig) -> None:
    said = await rig.http.get("/v1/session")
    assert said.json() == {"access": "open", "signIn": "none", "person": None}
    assert (await rig.http.get("/v1/devices")).status_code == 200
    await rig.http.post("/v1/people", json=ADA)
    assert code(await rig.http.get("/v1/devices")) == (401, "unauthorized")
    said = await rig.http.get("/v1/session")
    assert said.json() == {"access": "person", "signIn": "person", "person": None}
    assert (await rig.http.get("/livez")).status_code == 200
    assert (await rig.http.get("/docs")).status_code == 200


async def test_the_first_person_must_be_able_to_add_the_second(rig: Rig) -> None:
    assert code(await rig.http.post("/v1/people", json=BEN)) == (409, "noAdministrator")
    assert (await rig.http.get("/v1/session")).json()["access"] == "open"


async def test_an_initial_password_opens_nothing_but_its_own_change(rig: Rig) -> None:
    await rig.http.post("/v1/people", json=ADA)
    answer = await sign_in(rig, "ada", FIRST)
    assert answer.status_code == 201
    assert answer.json()["person"] == {
        "personId": "ada",
        "name": "Ada Wong",
        "roles": ["administrator"],
        "zones": [],
        "mustChangePassword": True,
    }
    rig.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    for path in ("/v1/devices", "/v1/people", "/metrics"):
        refused = await rig.http.get(path)
        assert code(refused) == (403, "passwordMustChange")
        assert refused.json()["type"] == "urn:warehouse-gateway:problem:passwordMustChange"
    assert (await rig.http.get("/v1/session")).json()["person"]["mustChangePassword"] is True
    change = {"old": FIRST, "new": SECOND}
    assert (await rig.http.post("/v1/session/password", json=change)).status_code == 204
    assert (await rig.http.get("/v1/people")).status_code == 200
    assert (await rig.http.get("/v1/session")).json()["person"]["mustChangePassword"] is False
    assert code(await sign_in(rig, "ada", FIRST)) == (401, "wrongPassword")


async def test_the_installations_token_does_everything_beside_people() -> None:
    async with gateway(token="correct-horse") as rig:
        assert (await rig.http.get("/v1/session")).json() == {
            "access": "token",
            "signIn": "token",
            "person": None,
        }
        key = {"Authorization": "Bearer correct-horse"}
        assert (await rig.http.post("/v1/people", json=ADA, headers=key)).status_code == 201
        assert (await rig.http.get("/v1/session", headers=key)).json() == {
            "access": "token",
            "signIn": "none",
            "person": None,
        }
        assert (await rig.http.get("/v1/people", headers=key)).status_code == 200
        assert code(await rig.http.delete("/v1/session", headers=key)) == (409, "noSession")
        assert (await rig.http.get("/v1/session")).json()["signIn"] == "person"


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_ends_when_its_person_signs_out(kept: Rig) -> None:
    ben = await session(kept, "ben")
    assert (await kept.http.get("/v1/devices", headers=ben)).status_code == 200
    assert (await kept.http.delete("/v1/session", headers=ben)).status_code == 204
    for path in ("/v1/devices", "/v1/session"):
        assert code(await kept.http.get(path, headers=ben)) == (401, "unauthorized")


@pytest.mark.parametrize(
    "change",
    [{"status": "locked"}, {"status": "left"}, {"initialPassword": "a third password"}],
    ids=("locked", "left", "another password"),
)
async def test_whoever_is_locked_leaves_or_gets_another_password_is_out_at_once(
    kept: Rig, change: dict[str, str]
) -> None:
    ben = await session(kept, "ben")
    assert (await kept.http.patch("/v1/people/ben", json=change)).status_code == 200
    assert (await kept.http.get("/v1/devices", headers=ben)).status_code == 401
    assert (await sign_in(kept, "ben", SECOND)).status_code in (401, 423)
    assert (await kept.http.get("/v1/devices")).status_code == 200


async def test_a_changed_password_ends_the_other_sessions_of_the_person_alone(kept: Rig) -> None:
    here, there = await session(kept, "ben"), await session(kept, "ben")
    change = {"old": SECOND, "new": "a third password"}
    assert (await kept.http.post("/v1/session/password", json=change, headers=here)).status_code == 204
    assert (await kept.http.get("/v1/devices", headers=here)).status_code == 200
    assert (await kept.http.get("/v1/devices", headers=there)).status_code == 401
    assert (await kept.http.get("/v1/devices")).status_code == 200


async def test_of_too_many_sessions_the_oldest_ends(kept: Rig) -> None:
    first, *others = [await session(kept, "ben") for _ in range(11)]
    assert (await kept.http.get("/v1/devices", headers=first)).status_code == 401
    assert {(await kept.http.get("/v1/devices", headers=each)).status_code for each in others} == {200}


async def test_a_right_that_is_taken_is_gone_at_the_next_request(kept: Rig) -> None:
    await kept.http.patch("/v1/people/ben", json={"roles": ["engineer"]})
    ben = await session(kept, "ben")
    act = {"operator": "ben", "reason": "oiled"}
    assert (await kept.http.post("/v1/devices/lift/disable", json=act, headers=ben)).status_code == 200
    await kept.http.patch("/v1/people/ben", json={"roles": ["viewer"]})
    refused = await kept.http.post("/v1/devices/lift/enable", json=act, headers=ben)
    assert code(refused) == (403, "roleMissing")
    assert "needs the role engineer; ben is viewer" in refused.json()["detail"]


# ── wrong passwords ───────────────────────────────────────────────────────────────────────────────────


async def test_nobody_learns_which_names_there_are(kept: Rig) -> None:
    for tries in range(7):
        known, unknown = await sign_in(kept, "ben", "wrong"), await sign_in(kept, "carl", "wrong")
        assert known.status_code == unknown.status_code == (401 if tries < 5 else 423)
        if tries < 5:
            assert known.content == unknown.content


async def test_after_too_many_wrong_passwords_the_right_one_waits_too(kept: Rig) -> None:
    for _ in range(5):
        assert code(await sign_in(kept, "ben", "wrong")) == (401, "wrongPassword")
    locked = await sign_in(kept, "ben", SECOND)
    assert code(locked) == (423, "signInLocked")
    assert "have an administrator unlock it" in locked.json()["detail"]
    shown = (await kept.http.get("/v1/people/ben")).json()
    assert shown["lockedUntil"] is not None
    await kept.http.patch("/v1/people/ben", json={"status": "active"})
    assert (await sign_in(kept, "ben", SECOND)).status_code == 201


async def test_a_right_password_forgets_the_wrong_ones_before(kept: Rig) -> None:
    for _ in range(3):
        for _ in range(4):
            await sign_in(kept, "ben", "wrong")
        assert (await sign_in(kept, "ben", SECOND)).status_code == 201


async def test_a_session_goes_on_while_others_try_passwords_under_its_name(kept: Rig) -> None:
    ben = await session(kept, "ben")
    for _ in range(6):
        await sign_in(kept, "ben", "wrong")
    assert (await kept.http.get("/v1/devices", headers=ben)).status_code == 200


async def test_an_address_cannot_try_one_name_after_the_other_without_end(kept: Rig) -> None:
    answers = [await sign_in(kept, f"name-{number}", "wrong") for number in range(31)]
    assert {each.status_code for each in answers[:30]} == {401}
    assert code(answers[30]) == (423, "addressLocked")


# ── passwords ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "password",
    ["short", "eleven char", "aaaaaaaaaaaaaaaa", "121212121212", "abcdefghijklmnop", "benjamin is me"],
)
def test_passwords_that_are_guessed_first_will_not_do(password: str) -> None:
    assert objection(password, "benjamin", "Ben Jones") is not None


@pytest.mark.parametrize(
    "password", ["correct horse battery", "仓库里有很多很多的箱子在这里", "Tr0ub4dor&3Zebra"]
)
def test_any_long_enough_password_will_do(password: str) -> None:
    assert objection(password, "benjamin", "Ben Jones") is None


async def test_a_weak_password_is_refused_where_it_is_given(kept: Rig) -> None:
    ben = await session(kept, "ben")
    refused = await kept.http.post("/v1/session/password", json={"old": SECOND, "new": "short"}, headers=ben)
    assert code(refused) == (422, "weakPassword")
    assert refused.json()["reasons"][0]["field"] == "new"
    assert code(
        await kept.http.post("/v1/people", json=BEN | {"personId": "carl", "initialPassword": "x"})
    ) == (
        422,
        "weakPassword",
    )


async def test_no_answer_of_the_description_has_a_password_and_none_is_told(kept: Rig) -> None:
    document = (await kept.http.get("/openapi.json")).json()
    schemas: dict[str, Any] = document["components"]["schemas"]

    def names(schema: Any) -> set[str]:
        match schema:
            case {"$ref": str(ref)}:
                return names(schemas[ref.rpartition("/")[2]])
            case dict():
                mine = set(schema.get("properties", {}))
                return mine.union(*(names(each) for each in schema.values()))
            case list():
                return set().union(*(names(each) for each in schema))
            case _:
                return set()

    told = {
        name
        for path, operations in document["paths"].items()
        if path.startswith(("/v1/session", "/v1/people", "/v1/audit"))
        for operation in operations.values()
        for name in names(operation["responses"])
    }
    assert "mustChangePassword" in told
    assert not {name for name in told if "password" in name.lower()} - {"mustChangePassword"}
    for path in ("/v1/people", "/v1/people/ben", "/v1/audit", "/v1/session"):
        text = (await kept.http.get(path)).text
        assert not [secret for secret in (FIRST, SECOND, "scrypt") if secret in text]


# ── administrators ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "change",
    [{"roles": ["viewer"]}, {"status": "locked"}, {"status": "left"}],
    ids=("another role", "locked", "left"),
)
async def test_the_last_administrator_stays(kept: Rig, change: dict[str, Any]) -> None:
    assert code(await kept.http.patch("/v1/people/ada", json=change)) == (409, "lastAdministrator")
    await kept.http.patch("/v1/people/ben", json={"roles": ["administrator"]})
    assert (await kept.http.patch("/v1/people/ada", json=change)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"personId": "BEN"}, (409, "nameTaken")),
        ({"personId": "wes"}, (422, "reserved")),
        ({"personId": "c", "zones": ["Mars"]}, (422, "unknownZone")),
        ({"personId": "c", "roles": []}, (422, "tooShort")),
        ({"personId": "c", "roles": ["king"]}, (422, "unknownValue")),
        ({"personId": "c", "roles": ["viewer", "viewer"]}, (422, "badFormat")),
        ({"personId": "c", "roles": ["service", "viewer"], "initialPassword": None}, (422, "service")),
        ({"personId": "c", "roles": ["service"]}, (422, "service")),
        ({"personId": "c", "initialPassword": None}, (422, "missing")),
        ({"personId": "c", "phone": "call me"}, (422, "badFormat")),
    ],
    ids=(
        "a name but for its capitals",
        "a name that is nobody's",
        "a zone that is not there",
        "no role",
        "a role that is not there",
        "a role twice",
        "a machine that is a person",
        "a machine with a password",
        "a person without a password",
        "no phone",
    ),
)
async def test_who_cannot_be_kept_is_refused_with_the_reason(
    kept: Rig, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert code(await kept.http.post("/v1/people", json=BEN | changes)) == expected
    assert [each.person_id for each in kept.people.all()] == ["ada", "ben"]


async def test_a_service_has_tokens_and_no_password(kept: Rig) -> None:
    wes = {"personId": "wes-1", "name": "The WES", "roles": ["service"]}
    assert (await kept.http.post("/v1/people", json=wes)).status_code == 201
    issued = await kept.http.post("/v1/people/wes-1/tokens", json={"days": 30})
    assert issued.status_code == 201
    shown = {"Authorization": f"Bearer {issued.json()['token']}"}
    body = {"transportId": "T-1", "containerId": "T1", "destination": "ST-1"}
    assert (await kept.http.post("/v1/transports", json=body, headers=shown)).status_code == 202
    assert code(await kept.http.get("/v1/people", headers=shown)) == (403, "roleMissing")
    assert (await sign_in(kept, "wes-1", FIRST)).status_code == 401
    assert code(await kept.http.post("/v1/people/ben/tokens", json={})) == (409, "noService")
    assert (await kept.http.delete("/v1/people/wes-1/tokens")).status_code == 204
    assert (await kept.http.get("/v1/devices", headers=shown)).status_code == 401


async def test_what_happens_to_accounts_is_told_with_who_did_it(kept: Rig) -> None:
    await sign_in(kept, "ben", "wrong")
    await sign_in(kept, "correct horse battery", "typed into the wrong field")
    await kept.http.patch("/v1/people/ben", json={"roles": ["operator", "supervisor"]})
    items = (await kept.http.get("/v1/audit", params={"limit": 3})).json()["items"]
    assert [(each["kind"], each["personId"], each["by"]) for each in items] == [
        ("changed", "ben", "ada"),
        ("signInFailed", None, "nobody"),
        ("signInFailed", "ben", "nobody"),
    ]
    assert items[0]["details"] == "roles: operator → operator, supervisor"
    of_ben = await kept.http.get("/v1/audit", params={"personId": "ben", "limit": 1})
    assert of_ben.json()["nextCursor"] == str(items[0]["number"])


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────────


async def acts_of(kept: Rig, *roles: str, **changes: Any) -> dict[str, str]:
    """The headers of Ben, who has other roles now."""
    changed = await kept.http.patch("/v1/people/ben", json={"roles": roles, **changes})
    assert changed.status_code == 200, changed.text
    return await session(kept, "ben")


async def test_what_a_person_does_is_done_under_that_name_and_no_other(kept: Rig) -> None:
    ben = await acts_of(kept, "engineer")
    disable = "/v1/devices/lift/disable"
    refused = await kept.http.post(disable, json={"operator": "ada", "reason": "x"}, headers=ben)
    assert code(refused) == (403, "otherOperator")
    assert refused.json()["reasons"][0]["field"] == "operator"
    assert (await kept.http.get("/v1/devices/lift", headers=ben)).json()["enabled"] is True
    assert (await kept.http.post(disable, json={"reason": "oiled"}, headers=ben)).status_code == 200
    block = "/v1/locations/A-1-L-03/block"
    for body in ({"reason": "bent"}, {"operator": " ben ", "reason": "bent"}):
        assert (await kept.http.post(block, json=body, headers=ben)).status_code == 204
    (blocked,) = (await kept.http.get("/v1/locations", params={"blocked": True}, headers=ben)).json()["items"]
    assert blocked["blockedBy"] == "ben"


async def test_a_service_and_the_installation_name_whoever_acts() -> None:
    async with gateway(token="correct-horse") as rig:
        rig.http.headers["Authorization"] = "Bearer correct-horse"
        await rig.http.post("/v1/people", json=ADA)
        body = {"operator": "carl", "reason": "bent"}
        assert (await rig.http.post("/v1/locations/A-1-L-03/block", json=body)).status_code == 204
        assert code(await rig.http.post("/v1/locations/A-1-L-02/block", json={"reason": "bent"})) == (
            422,
            "missing",
        )


async def test_a_person_acts_in_zones_of_that_person_alone(kept: Rig) -> None:
    ben = await acts_of(kept, "supervisor", zones=["dock"])
    reason = {"reason": "bent"}
    assert (await kept.http.post("/v1/locations/OUT-1/block", json=reason, headers=ben)).status_code == 204
    refused = await kept.http.post("/v1/locations/ST-1/block", json=reason, headers=ben)
    assert code(refused) == (403, "outsideZones")
    assert refused.json()["reasons"][0]["field"] == "locationId"
    assert "ST-1 is in zone hall; ben acts in dock" in refused.json()["detail"]
    to_the_hall = {"transportId": "T-1", "containerId": "T1", "destination": "ST-1"}
    for path, body in (("", to_the_hall), (":batch", {"items": [to_the_hall]})):
        refused = await kept.http.post(f"/v1/transports{path}", json=body, headers=ben)
        assert code(refused) == (403, "outsideZones")
    assert kept.tables.transports.get("T-1") is None
    nobodys = await kept.http.post("/v1/locations/A-1-L-03/block", json=reason, headers=ben)
    assert nobodys.status_code == 204  # a place without a zone
    assert (await kept.http.get("/v1/locations", headers=ben)).status_code == 200
    ben = await acts_of(kept, "supervisor", zones=[])
    assert (await kept.http.post("/v1/locations/ST-1/block", json=reason, headers=ben)).status_code == 204


async def test_zones_bind_however_a_body_spells_its_names(kept: Rig) -> None:
    ben = await acts_of(kept, "supervisor", zones=["dock"])
    place = {"location_id": "ST-1", "reason": "carried"}
    refused = await kept.http.put("/v1/containers/T9/location", json=place, headers=ben)
    assert code(refused) == (403, "outsideZones")
    assert "T9" not in {each.container_id for each in kept.tables.containers.values()}


async def test_where_a_container_stands_counts_without_a_wes_too(kept: Rig) -> None:
    await kept.http.patch("/v1/people/ada", json={"roles": ["administrator", "supervisor"]})
    stands = {"locationId": "ST-1", "reason": "carried"}
    assert (await kept.http.put("/v1/containers/T9/location", json=stands)).is_success
    ben = await acts_of(kept, "supervisor", zones=["dock"])
    gone = {"reason": "gone"}
    refused = await kept.http.post("/v1/containers/T9/removal", json=gone, headers=ben)
    assert code(refused) == (403, "outsideZones")
    assert (await kept.http.post("/v1/containers/T9/removal", json=gone)).is_success


async def test_where_a_container_is_counts_wherever_it_is_named() -> None:
    async with core() as opened:
        await opened.store.write(
            lambda tx: tx.execute(
                "INSERT INTO holders (holder_id, kind, warehouse_id, location_id, zone)"
                " VALUES ('T1', 'container', 'WH-1', 'ST-1', '')"
            )
        )
        wes = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        async with gateway(wes=wes) as rig:
            await rig.http.post("/v1/people", json=ADA)
            rig.http.headers.update(await settled(rig, "ada"))
            await rig.http.post("/v1/people", json=BEN)
            await settled(rig, "ben")
            ben = await acts_of(rig, "operator", "supervisor", zones=["dock"])
            scan = {"actId": "A-1", "act": "scan", "operationId": 1, "containerId": " T1 "}
            away = {"transport_id": "T-1", "container_id": "T1", "destination": "OUT-1"}
            for path, body in (
                ("transports", away),
                ("transports:batch", {"items": [away]}),
                ("containers/T1/removal", {"reason": "gone"}),
                ("wes/acts", scan),
            ):
                refused = await rig.http.post(f"/v1/{path}", json=body, headers=ben)
                assert (path, *code(refused)) == (path, 403, "outsideZones")


# ── streams ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Listener:
    """Somebody who listens to a stream; httpx would wait for its end."""

    rig: Rig
    headers: dict[str, str]
    heard: str = ""
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/v1/events/stream",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *headers],
        }
        await self.rig.app(scope, self._say_nothing, self._hear)

    async def _say_nothing(self) -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def _hear(self, message: MutableMapping[str, Any]) -> None:
        self.heard += message.get("body", b"").decode()
        if self.heard:
            self.began.set()


async def test_who_is_locked_hears_nothing_more_of_a_stream(kept: Rig) -> None:
    listener = Listener(kept, await session(kept, "ben"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.listen())
        await listener.began.wait()
        await kept.http.patch("/v1/people/ben", json={"status": "locked"})
        await kept.http.patch("/v1/people/ada", json={"roles": ["administrator", "supervisor"]})
        assert (await kept.submit()).status_code == 202
    assert "event:" not in listener.heard


async def test_who_listened_while_nobody_was_asked_is_asked_like_others(rig: Rig) -> None:
    listener = Listener(rig, {})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.listen())
        await listener.began.wait()
        await rig.http.post("/v1/people", json={**ADA, "roles": ["administrator", "supervisor"]})
        rig.http.headers.update(await settled(rig, "ada"))
        assert (await rig.submit()).status_code == 202
    assert "event:" not in listener.heard


async def test_where_nobody_is_asked_a_token_of_before_ends_no_stream(rig: Rig) -> None:
    listener = Listener(rig, {"Authorization": "Bearer of-before"})
    listening = asyncio.create_task(listener.listen())
    await listener.began.wait()
    listener.began.clear()
    assert (await rig.submit()).status_code == 202
    await listener.began.wait()
    assert "event: transport." in listener.heard
    listening.cancel()
