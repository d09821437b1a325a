"""Bad input: problem+json that names the field and the reason, and nothing has changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.problems import Problem
from gateway.kernel.ports import Tx
from tests.unit.api_rig import Rig, gateway

pytestmark = pytest.mark.unit

GOOD = {"transportId": "T-2", "containerId": "T2", "destination": "ST-1"}
PUT = {"putId": "P-1", "wall": "wall", "slot": "W-01", "quantity": 3}
ACT = {"operator": "ann", "reason": "because"}

WRONG_TRANSPORTS: dict[str, tuple[dict[str, Any], int, list[tuple[str, str]]]] = {
    "unknown destination": ({"destination": "Mars"}, 422, [("destination", "unknownLocation")]),
    "unknown source": ({"source": "Mars"}, 422, [("source", "unknownLocation")]),
    "all reasons at once": (
        {"source": "Mars", "destination": "Moon", "containerId": "T9"},
        422,
        [
            ("containerId", "unknownContainer"),
            ("source", "unknownLocation"),
            ("destination", "unknownLocation"),
        ],
    ),
    "source equal to destination": (
        {"source": "A-1-L-02", "destination": "A-1-L-02"},
        422,
        [("destination", "sameAsSource")],
    ),
    "unknown container": ({"containerId": "T9"}, 422, [("containerId", "unknownContainer")]),
    "container elsewhere": ({"source": "A-1-L-03"}, 422, [("source", "containerElsewhere")]),
    "container of another transport": ({"containerId": "T1"}, 409, [("containerId", "containerBusy")]),
    "id reused with another body": ({"transportId": "T-1"}, 409, [("transportId", "idReused")]),
    "priority too high": ({"priority": 10}, 422, [("priority", "outOfRange")]),
    "priority too low": ({"priority": -1}, 422, [("priority", "outOfRange")]),
    "priority no integer": ({"priority": 1.5}, 422, [("priority", "wrongType")]),
    "priority as text": ({"priority": "5"}, 422, [("priority", "wrongType")]),
    "priority true": ({"priority": True}, 422, [("priority", "wrongType")]),
    "priority null": ({"priority": None}, 422, [("priority", "wrongType")]),
    "deadline past": ({"deadline": "2020-01-01T00:00:00Z"}, 422, [("deadline", "deadlinePast")]),
    "deadline too far": ({"deadline": "2999-01-01T00:00:00Z"}, 422, [("deadline", "deadlineTooFar")]),
    "deadline at the beginning of time": (
        {"deadline": "0001-01-01T00:00:00+14:00"},
        422,
        [("deadline", "deadlinePast")],
    ),
    "deadline without offset": ({"deadline": "2026-12-01T00:00:00"}, 422, [("deadline", "badFormat")]),
    "deadline that no calendar has": ({"deadline": "2026-02-30T00:00:00Z"}, 422, [("deadline", "badFormat")]),
    "deadline as number": ({"deadline": 1800000000}, 422, [("deadline", "badFormat")]),
    "deadline as digits": ({"deadline": "1800000000"}, 422, [("deadline", "badFormat")]),
    "id as number": ({"transportId": 7}, 422, [("transportId", "wrongType")]),
    "id empty": ({"transportId": ""}, 422, [("transportId", "tooShort")]),
    "id too long": ({"transportId": "x" * 65}, 422, [("transportId", "tooLong")]),
    "id with a newline": ({"transportId": "T-2\n"}, 422, [("transportId", "badFormat")]),
    "id with spaces": ({"transportId": "T 2"}, 422, [("transportId", "badFormat")]),
    "unknown field": ({"colour": "red"}, 422, [("colour", "unknownField")]),
    "field in snake_case": ({"container_id": "T2"}, 422, [("container_id", "unknownField")]),
    "attributes no object": ({"attributes": [1]}, 422, [("attributes", "wrongType")]),
    "attributes too large": ({"attributes": {"x": "y" * 5000}}, 422, [("attributes", "tooLarge")]),
    "several wrong values": (
        {"priority": 10, "deadline": "soon", "extra": 1},
        422,
        [("priority", "outOfRange"), ("deadline", "badFormat"), ("extra", "unknownField")],
    ),
}

NOT_EVEN_A_REQUEST: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "broken JSON": (b'{"transportId": ', {}, 400, "brokenJson"),
    "two values": (b"{} {}", {}, 400, "brokenJson"),
    "NaN": (b'{"attributes": {"x": NaN}}', {}, 400, "brokenJson"),
    "lone surrogate": (b'{"transportId": "\\ud800"}', {}, 400, "brokenJson"),
    "one name twice": (
        b'{"transportId": "T-2", "containerId": "T2", "destination": "A-1-L-02", "destination": "ST-1"}',
        {},
        400,
        "brokenJson",
    ),
    "one name twice, further in": (
        b'{"transportId": "T-2", "containerId": "T2", "destination": "ST-1", "attributes": {"x": 1, "x": 2}}',
        {},
        400,
        "brokenJson",
    ),
    "not UTF-8": (b'{"transportId": "\xff"}', {}, 400, "brokenJson"),
    "character that no database takes": (
        b'{"transportId":"T-2","containerId":"T2","destination":"ST-1","attributes":{"x":"\\u0000"}}',
        {},
        400,
        "nulCharacter",
    ),
    "abyss of brackets": (b"[" * 100_000, {}, 400, "brokenJson"),
    "number of 5000 digits": (b'{"priority": 1' + b"0" * 5000 + b"}", {}, 400, "brokenJson"),
    "empty body": (b"", {}, 422, "missing"),
    "list instead of object": (b"[]", {}, 422, "wrongType"),
    "text instead of object": (b'"T-2"', {}, 422, "wrongType"),
    "infinite attribute": (
        b'{"transportId":"T-2","containerId":"T2","destination":"ST-1","attributes":{"x":1e999}}',
        {},
        422,
        "badFormat",
    ),
    "not JSON": (b"transportId=T-2", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "notJson"),
    "JSON that calls itself text": (
        json.dumps(GOOD).encode(),
        {"Content-Type": "text/plain"},
        415,
        "notJson",
    ),
    "no content type": (json.dumps(GOOD).encode(), {"Content-Type": ""}, 415, "notJson"),
    "too large": (json.dumps(GOOD | {"attributes": {"x": "y" * 1_000_000}}).encode(), {}, 413, "tooLarge"),
}

WRONG_REQUESTS: dict[str, tuple[str, str, Any, int, list[tuple[str, str]]]] = {
    "batch without items": ("POST", "/v1/transports:batch", {}, 422, [("items", "missing")]),
    "empty batch": ("POST", "/v1/transports:batch", {"items": []}, 422, [("items", "tooShort")]),
    "batch with a malformed item": (
        "POST",
        "/v1/transports:batch",
        {"items": [GOOD, GOOD | {"priority": 12, "x": 1}], "mode": "each"},
        422,
        [("items[1].priority", "outOfRange"), ("items[1].x", "unknownField")],
    ),
    "batch of an unknown mode": (
        "POST",
        "/v1/transports:batch",
        {"items": [GOOD], "mode": "some"},
        422,
        [("mode", "unknownValue")],
    ),
    "unknown transport": ("GET", "/v1/transports/T-9", None, 404, [("transportId", "unknownTransport")]),
    "cancel an unknown transport": (
        "POST",
        "/v1/transports/T-9/cancel",
        None,
        404,
        [("transportId", "unknownTransport")],
    ),
    "resolve without who and why": (
        "POST",
        "/v1/transports/T-1/resolve",
        {"action": "retry"},
        422,
        [("operator", "missing"), ("reason", "missing")],
    ),
    "localise what is no vehicle": (
        "POST",
        "/v1/devices/lift/localise",
        {"operator": "ann", "reason": "I looked", "nodeId": "n1"},
        422,
        [("deviceId", "notAVehicle")],
    ),
    "localise nobody, nowhere": (
        "POST",
        "/v1/devices/lift/localise",
        {"theta": 7},
        422,
        [("operator", "missing"), ("reason", "missing"), ("nodeId", "missing"), ("theta", "outOfRange")],
    ),
    "resolve what needs no decision": (
        "POST",
        "/v1/transports/T-1/resolve",
        ACT | {"action": "retry"},
        409,
        [("", "*")],
    ),
    "unknown action": (
        "POST",
        "/v1/transports/T-1/resolve",
        ACT | {"action": "explode"},
        422,
        [("action", "unknownValue")],
    ),
    "unknown wall": ("POST", "/v1/puts", PUT | {"wall": "w"}, 422, [("wall", "unknownWall")]),
    "unknown slot": ("POST", "/v1/puts", PUT | {"slot": "W-9"}, 422, [("slot", "unknownSlot")]),
    "quantity zero": ("POST", "/v1/puts", PUT | {"quantity": 0}, 422, [("quantity", "outOfRange")]),
    "blink as text": ("POST", "/v1/puts", PUT | {"blink": "yes"}, 422, [("blink", "wrongType")]),
    "unknown colour": ("POST", "/v1/puts", PUT | {"colour": "pink"}, 422, [("colour", "unknownValue")]),
    "unknown put": ("GET", "/v1/puts/P-9", None, 404, [("putId", "unknownPut")]),
    "unknown device": ("GET", "/v1/devices/d", None, 404, [("deviceId", "unknownDevice")]),
    "telegrams of an unknown device": (
        "GET",
        "/v1/devices/d/telegrams",
        None,
        404,
        [("deviceId", "unknownDevice")],
    ),
    "disable an unknown device": ("POST", "/v1/devices/d/disable", ACT, 404, [("deviceId", "unknownDevice")]),
    "disable without a reason": (
        "POST",
        "/v1/devices/lift/disable",
        {"operator": "ann", "reason": ""},
        422,
        [("reason", "tooShort")],
    ),
    "disable without a name": (
        "POST",
        "/v1/devices/lift/disable",
        {"operator": "  ", "reason": "worn"},
        422,
        [("operator", "tooShort")],
    ),
    "removal of an unknown container": (
        "POST",
        "/v1/containers/T9/removal",
        {"operator": "ann", "reason": "broken"},
        404,
        [("containerId", "unknownContainer")],
    ),
    "removal of a container that a transport has": (
        "POST",
        "/v1/containers/T1/removal",
        {"operator": "ann", "reason": "broken"},
        409,
        [("", "containerBusy")],
    ),
    "unknown container": ("GET", "/v1/containers/T9", None, 404, [("containerId", "unknownContainer")]),
    "container at an unknown location": (
        "PUT",
        "/v1/containers/T2/location",
        ACT | {"locationId": "Mars"},
        422,
        [("locationId", "unknownLocation")],
    ),
    "misspelt filter": ("GET", "/v1/transports?stauts=accepted", None, 422, [("stauts", "unknownField")]),
    "unknown status": ("GET", "/v1/transports?status=lost", None, 422, [("status[0]", "unknownValue")]),
    "limit too high": ("GET", "/v1/transports?limit=1001", None, 422, [("limit", "outOfRange")]),
    "limit no number": ("GET", "/v1/containers?limit=many", None, 422, [("limit", "wrongType")]),
    "foreign cursor": ("GET", "/v1/transports?cursor=abc", None, 422, [("cursor", "badFormat")]),
    "huge cursor": ("GET", f"/v1/transports?cursor={'9' * 50}", None, 422, [("cursor", "badFormat")]),
    "events of the future": ("GET", "/v1/events?after=99999", None, 422, [("after", "outOfRange")]),
    "events after minus one": ("GET", "/v1/events?after=-1", None, 422, [("after", "outOfRange")]),
    "events of an unknown type": (
        "GET",
        "/v1/events?types=a,b",
        None,
        422,
        [("types[0]", "*"), ("types[1]", "*")],
    ),
    "subscription to nowhere": ("POST", "/v1/subscriptions", {"url": "nowhere"}, 422, [("url", "badFormat")]),
    "subscription to a file": (
        "POST",
        "/v1/subscriptions",
        {"url": "file:///etc/x"},
        422,
        [("url", "badFormat")],
    ),
    "subscription with a password": (
        "POST",
        "/v1/subscriptions",
        {"url": "http://a:b@host/"},
        422,
        [("url", "badFormat")],
    ),
    "subscription to a port that is none": (
        "POST",
        "/v1/subscriptions",
        {"url": "http://host:99999/"},
        422,
        [("url", "badFormat")],
    ),
    "subscription to a forbidden address": (
        "POST",
        "/v1/subscriptions",
        {"url": "http://169.254.169.254/"},
        422,
        [("url", "addressNotAllowed")],
    ),
    "subscription with a weak secret": (
        "POST",
        "/v1/subscriptions",
        {"url": "http://host/", "secret": "whsec_YWJj"},
        422,
        [("secret", "badFormat")],
    ),
    "unknown subscription": (
        "GET",
        "/v1/subscriptions/s",
        None,
        404,
        [("subscriptionId", "unknownSubscription")],
    ),
    "container with an id that is too long": (
        "PUT",
        f"/v1/containers/{'T' * 65}/location",
        ACT | {"locationId": "A-1-L-02"},
        422,
        [("containerId", "tooLong")],
    ),
    "path with a character that no database takes": (
        "GET",
        "/v1/containers/T%00",
        None,
        400,
        [("", "nulCharacter")],
    ),
    "parameter with a character that no database takes": (
        "GET",
        "/v1/transports?cursor=%00",
        None,
        400,
        [("", "nulCharacter")],
    ),
    "no such path": ("GET", "/v1/nothing", None, 404, [("", "notFound")]),
    "no such method": ("DELETE", "/v1/transports", None, 405, [("", "methodNotAllowed")]),
}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with gateway() as rig:
        await rig.submit()
        yield rig


def assert_problem(answer: httpx.Response, status: int, expected: list[tuple[str, str]]) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert (answer.status_code, problem.status) == (status, status), answer.text
    found = [(reason.field, reason.code) for reason in problem.reasons]
    assert [field for field, _ in found] == [field for field, _ in expected], answer.text
    for (_, code), (_, wanted) in zip(found, expected, strict=True):
        assert wanted in ("*", code), answer.text
    assert all(reason.message for reason in problem.reasons)
    assert problem.detail


async def test_wrong_transports_are_refused_and_change_nothing(rig: Rig) -> None:
    before = await rig.state()
    for name, (changes, status, reasons) in WRONG_TRANSPORTS.items():
        answer = await rig.http.post("/v1/transports", json=GOOD | changes)
        try:
            assert_problem(answer, status, reasons)
        except AssertionError as error:
            raise AssertionError(name) from error
    assert await rig.state() == before


async def test_what_is_no_request_is_refused_and_changes_nothing(rig: Rig) -> None:
    before = await rig.state()
    for name, (body, headers, status, code) in NOT_EVEN_A_REQUEST.items():
        answer = await rig.http.post(
            "/v1/transports", content=body, headers={"Content-Type": "application/json"} | headers
        )
        reasons = Problem.model_validate_json(answer.content).reasons
        assert (answer.status_code, reasons[0].code) == (status, code), (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await rig.state() == before


async def test_other_wrong_requests_are_refused_and_change_nothing(rig: Rig) -> None:
    before = await rig.state()
    for name, (method, path, body, status, reasons) in WRONG_REQUESTS.items():
        answer = await rig.http.request(method, path, json=body)
        try:
            assert_problem(answer, status, reasons)
        except AssertionError as error:
            raise AssertionError(name) from error
    assert await rig.state() == before


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/v1/transports", b"", "a body must be given"),
        ("POST", "/v1/transports", b"[]", "must be an object"),
        ("POST", "/v1/transports", b'{"transportId": ""}', "must have 1 or more characters"),
        ("POST", "/v1/transports", b'{"containerId": 7}', "must be text"),
        ("POST", "/v1/transports", b'{"priority": true}', "must be a whole number"),
        ("POST", "/v1/transports", b'{"priority": 10}', "must be at most 9"),
        ("POST", "/v1/transports", b'{"priority": -1}', "must be at least 0"),
        ("POST", "/v1/transports", b'{"attributes": 1}', "must be an object"),
        ("POST", "/v1/transports:batch", b'{"items": 1}', "must be a list"),
        ("POST", "/v1/transports:batch", b'{"items": []}', "must have 1 or more items"),
        ("POST", "/v1/transports:batch", b'{"mode": 1}', "must be 'all' or 'each'"),
        ("POST", "/v1/transports", b'{"transportId": "-"}', "must begin with a letter or digit"),
        (
            "POST",
            "/v1/subscriptions",
            b'{"url": "http://a b/"}',
            "must be made of printable ASCII characters",
        ),
        ("POST", "/v1/puts", b'{"blink": "yes"}', "must be true or false"),
        ("GET", "/v1/transports?limit=many", b"", "must be a whole number"),
        ("GET", "/v1/nothing", b"", "there is no such path; /docs shows all"),
        ("PUT", "/v1/transports", b"", "PUT is nothing that this path knows; /docs shows what it does"),
    ],
)
async def test_a_refusal_speaks_of_json_not_of_our_types(
    rig: Rig, method: str, path: str, body: bytes, told: str
) -> None:
    answer = await rig.http.request(method, path, content=body, headers={"Content-Type": "application/json"})
    reasons = Problem.model_validate_json(answer.content).reasons
    assert any(reason.message.startswith(told) for reason in reasons), answer.text


async def test_a_body_that_is_too_long_is_not_read_to_its_end(rig: Rig) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 65_536
            yield b" " * 65_536

    answer = await rig.http.post(
        "/v1/transports", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert sent < 1_200_000


async def test_a_method_that_is_not_allowed_says_which_are(rig: Rig) -> None:
    allowed = {
        path: (await rig.http.patch(path)).headers["allow"]
        for path in ("/v1/transports", "/v1/transports/T-1", "/v1/subscriptions/S-1", "/v1/puts")
    }
    assert allowed == {
        "/v1/transports": "GET, HEAD, POST",
        "/v1/transports/T-1": "GET, HEAD",
        "/v1/subscriptions/S-1": "DELETE, GET, HEAD",
        "/v1/puts": "POST",
    }


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/devices", "/v1/transports/none", "/v1/puts"])
async def test_head_is_answered_as_get_without_a_body(rig: Rig, path: str) -> None:
    shown, head = await rig.http.get(path), await rig.http.head(path)
    assert (head.status_code, head.content) == (shown.status_code, b"")
    assert head.headers["content-type"] == shown.headers["content-type"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
BODIES = (
    st.dictionaries(st.sampled_from(["transportId", "containerId", "destination", "attributes", "x"]), JSON)
    | JSON
)


async def test_no_json_makes_the_gateway_fail(rig: Rig) -> None:
    paths = [
        "/v1/transports",
        "/v1/puts",
        "/v1/subscriptions",
        "/v1/transports:batch",
        "/v1/devices/lift/reset",
    ]
    bodies: list[tuple[str, bytes]] = []

    @settings(max_examples=150)
    @given(st.sampled_from(paths), BODIES)
    def collect(path: str, body: object) -> None:
        bodies.append((path, json.dumps(body).encode()))

    collect()
    for path, body in bodies:
        answer = await rig.http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_full_disk_is_507_and_the_same_request_passes_once_there_is_room(rig: Rig) -> None:
    async def limit(pages: str) -> None:
        async def job(tx: Tx) -> None:
            await tx.execute(f"PRAGMA max_page_count = {pages}")

        await rig.store.write(job)

    # Nothing can be less than there is: so the file cannot grow at all.
    await limit("1")
    answer = await rig.submit("T-2", containerId="T2", attributes={"x": "y" * 4000})
    assert (answer.status_code, answer.headers["retry-after"]) == (507, "10")
    assert_problem(answer, 507, [("", "storageFull")])
    (alarm,) = (await rig.http.get("/v1/alarms")).json()["items"]
    assert (alarm["code"], alarm["subject"]) == ("storageFull", "gateway")
    assert "gateway_alarms 1.0" in (await rig.http.get("/metrics")).text
    not_ready = await rig.http.get("/readyz")
    assert_problem(not_ready, 503, [("", "storageFull")])
    assert (await rig.http.get("/livez")).status_code == 200
    await limit("1000000")
    answer = await rig.submit("T-2", containerId="T2", attributes={"x": "y" * 4000})
    assert answer.status_code == 202
    assert (await rig.http.get("/v1/alarms")).json()["items"] == []
    assert (await rig.http.get("/readyz")).status_code == 200


async def test_a_full_queue_is_429_and_tells_when_to_come_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(message: object) -> None:
        raise Refusal(RefusalKind.BUSY, FieldError("", "busy", "many wait"))

    monkeypatch.setattr(rig.kernel, "ask", full)
    answer = await rig.submit("T-2")
    assert_problem(answer, 429, [("", "busy")])
    assert answer.headers["retry-after"] == "1"


async def test_a_fault_of_the_gateway_tells_nothing_of_its_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(device_id: str) -> None:
        raise RuntimeError("secret")

    async with gateway(raise_faults=False) as rig:
        monkeypatch.setattr(rig.positions, "latest", broken)
        answer = await rig.http.get("/v1/devices/lift")
        assert_problem(answer, 500, [("", "internalError")])
        assert "secret" not in answer.text


async def test_a_caller_that_waits_while_the_gateway_stops_is_told_to_come_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopping(message: object) -> None:
        reply = asyncio.get_running_loop().create_future()
        reply.cancel()
        await reply

    monkeypatch.setattr(rig.kernel, "ask", stopping)
    assert_problem(await rig.submit("T-2"), 503, [("", "stopping")])
