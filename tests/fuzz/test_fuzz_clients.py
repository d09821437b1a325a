"""What callers and receivers of webhooks send is refused with a reason, or taken; it is never a fault of the gateway."""

import json
import socket
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from gateway.api.events import EventFilter, Seq
from gateway.api.replies import number_cursor
from gateway.contract.faults import Refusal
from gateway.contract.problems import Problem
from gateway.contract.puts import PutRequest
from gateway.contract.subscriptions import ReplayRequest, SubscriptionRequest
from gateway.contract.transports import ResolveRequest, TransportBatch, TransportRequest
from gateway.delivery.sender import HttpSender
from tests.fuzz.mutation import anything, bytes_like, inputs, json_like, text_like
from tests.unit.api_rig import SteppingClock, gateway

pytestmark = [pytest.mark.unit, pytest.mark.timeout(0)]

TRANSPORT = {
    "transportId": "T-1",
    "containerId": "T1",
    "source": "A-1-L-01",
    "destination": "ST-1",
    "priority": 5,
    "deadline": "2026-12-01T00:00:00Z",
    "attributes": {"order": [1, {"a": "b"}]},
}
PUT = {"putId": "P-1", "wall": "wall", "slot": "W-01", "quantity": 3, "colour": "green", "text": "so"}
RESOLVE = {"action": "containerAt", "locationId": "A-1-L-03", "operator": "ann", "reason": "looked"}
SUBSCRIPTION = {
    "url": "https://wes.example:8443/hook?x=1",
    "types": ["transport.completed"],
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "after": 0,
}
BODIES: dict[type[BaseModel], Any] = {
    TransportRequest: TRANSPORT,
    TransportBatch: {"items": [TRANSPORT], "mode": "each"},
    PutRequest: PUT,
    ResolveRequest: RESOLVE,
    SubscriptionRequest: SUBSCRIPTION,
    ReplayRequest: {"fromSeq": 1, "toSeq": 9},
}


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_any_body_is_a_request_or_is_refused(model: type[BaseModel]) -> None:
    taken = 0
    for body in inputs(8_000, lambda rng: json_like(rng, BODIES[model])):
        try:
            model.model_validate(from_json(body, allow_inf_nan=False)).model_dump_json()
        except ValueError:
            continue
        taken += 1
    assert taken > 10


def test_any_cursor_or_number_is_read_or_refused() -> None:
    seq = TypeAdapter(Seq | None)
    for text in inputs(10_000, lambda rng: text_like(rng, str(rng.getrandbits(rng.choice((4, 60, 70)))))):
        try:
            number_cursor(text)
        except Refusal:
            pass
        for read in (
            seq.validate_python,
            lambda value: EventFilter.model_validate({"after": value, "limit": value}),
        ):
            try:
                read(text)
            except ValidationError:
                pass


async def test_any_answer_of_a_receiver_is_understood() -> None:
    sender = HttpSender(SteppingClock())
    samples = (b"120", b"Sun, 22 Nov 2026 08:00:00 GMT", b"Sunday, 22-Nov-26 08:00:00 +0800")
    for value in inputs(10_000, lambda rng: bytes_like(rng, rng.choice(samples))):
        assert isinstance(sender._retry_after_s([(b"Retry-After", value)]), float), value
    await sender.close()


async def test_a_receivers_time_zone_that_no_clock_has_is_no_wish_to_wait() -> None:
    """It ended the deliveries of its subscription with an OverflowError."""
    sender = HttpSender(SteppingClock())
    value = b"Sun, 22 Nov 2026 08:00:00 +0800" + b"0" * 50
    assert sender._retry_after_s([(b"retry-after", value)]) == 0.0
    await sender.close()


async def test_any_url_of_a_webhook_is_objected_to_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def look_up(host: str, port: int, **wanted: Any) -> Sequence[Any]:
        """Read addresses as they are; nobody is asked for a name."""
        return real(host, port, **wanted | {"flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    sender = HttpSender(SteppingClock())
    samples = (
        "http://127.0.0.1:8080/hook",
        "https://wes.example/hook",
        "http://[::1]:80/",
        "http://10.1.2.3/",
    )
    asked = 0
    for url in inputs(5_000, lambda rng: text_like(rng, rng.choice(samples))):
        try:
            request = SubscriptionRequest.model_validate({"url": url})
        except ValidationError:
            continue
        asked += 1
        await sender.objection(request.url)
    assert asked > 100
    await sender.close()


ROUTES: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/transports", TRANSPORT),
    ("POST", "/v1/transports:batch", {"items": [TRANSPORT], "mode": "each"}),
    ("GET", "/v1/transports?status=failed&containerId=T1&cursor=9&limit=5", None),
    ("GET", "/v1/transports/T-1", None),
    ("POST", "/v1/transports/T-1/cancel", None),
    ("POST", "/v1/transports/T-1/resolve", RESOLVE),
    ("POST", "/v1/puts", PUT),
    ("POST", "/v1/puts/P-1/cancel", None),
    ("GET", "/v1/events?after=1&limit=5&types=transport.accepted,put.lit", None),
    ("POST", "/v1/subscriptions", SUBSCRIPTION),
    ("GET", "/v1/subscriptions/sub-1/deliveries?status=dead&cursor=4", None),
    ("GET", "/v1/devices/lift/telegrams?limit=5", None),
    ("POST", "/v1/devices/lift/disable", {"operator": "ann", "reason": "so"}),
    ("GET", "/v1/locations?cursor=A-1&limit=2", None),
    ("GET", "/v1/containers/T1", None),
    ("PUT", "/v1/containers/T1/location", {"locationId": "A-1-L-03", "operator": "ann", "reason": "so"}),
)


def request(rng: Random) -> tuple[str, str, bytes, dict[str, str]]:
    method, path, body = rng.choice(ROUTES)
    if rng.random() < 0.3:
        path = "/" + text_like(rng, path[1:])
    if rng.random() < 0.05:
        method = rng.choice(("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "POST", "GET", "BREW"))
    if body is not None and rng.random() < 0.3:
        body = body | {key: f"{key}-{rng.randrange(1000)}" for key in ("transportId", "putId") if key in body}
        content = json.dumps(body).encode()
    else:
        content = b"" if body is None and rng.random() < 0.7 else json_like(rng, body)
    kind = (
        "application/json"
        if rng.random() < 0.95
        else rng.choice(("text/plain", "application/json;charset=x", ""))
    )
    return (
        method,
        path,
        content,
        {
            "content-type": kind,
            "idempotency-key": str(anything(rng))[:20].encode("ascii", "ignore").decode().strip(),
        },
    )


async def test_any_request_over_http_is_answered_and_refusals_are_problems() -> None:
    statuses: dict[int, int] = {}
    async with gateway() as rig:
        for method, path, content, headers in inputs(3_000, request):
            try:
                asked = rig.http.build_request(method, path, content=content, headers=headers)
            except (httpx.InvalidURL, ValueError):
                continue
            if asked.url.path.endswith("/stream"):
                continue
            answer = await rig.http.send(asked)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code < 500, (method, path, content, answer.text)
            if answer.status_code >= 400 and method != "HEAD":
                Problem.model_validate_json(answer.content)
    print(statuses)
    assert statuses[422] > 100
