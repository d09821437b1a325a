"""Webhooks on a real socket: signatures, retries, order, refusal of addresses, and a process that is killed."""

import asyncio
import random
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from standardwebhooks.webhooks import Webhook

from gateway.contract.events import Event, EventType
from gateway.contract.subscriptions import SubscriptionRequest, SubscriptionStatus
from gateway.delivery import endpoint as endpoints
from gateway.delivery import sender as senders
from gateway.delivery.sender import Answer, HttpSender
from gateway.delivery.webhooks import Webhooks
from gateway.kernel.clock import SystemClock, to_datetime
from gateway.store.inline import open_inline
from tests.unit.feeding import Feeding, nobody_else, start_feeding
from tests.wire.serving import serve

pytestmark = pytest.mark.wire

OK = Response(status_code=200)
BODY = Event(
    id="1",
    seq=1,
    source="s",
    type=EventType.PUT_LIT,
    subject="p",
    time="2026-11-22T08:30:00.000000Z",
    data={},
).model_dump_json()


@dataclass
class Receiver:
    """A program of a WES that takes webhooks; `answer` decides what it says."""

    answer: Callable[[Event], Response] = lambda _: OK
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])
    taken: list[Event] = field(default_factory=list[Event])
    in_flight: set[str] = field(default_factory=set[str])

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncGenerator[str]:
        app = FastAPI()
        app.post("/hook")(self._take)
        async with serve(app, port) as url:
            yield f"{url}/hook"

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        event = Event.model_validate_json(body)
        assert event.subject not in self.in_flight
        self.in_flight.add(event.subject)
        self.requests.append((dict(request.headers), body))
        await asyncio.sleep(0.001)
        self.in_flight.discard(event.subject)
        answer = self.answer(event)
        if answer.status_code == 200:
            self.taken.append(event)
        return answer

    def seqs(self, subject: str) -> list[int]:
        return [event.seq for event in self.taken if event.subject == subject]


@asynccontextmanager
async def delivering() -> AsyncGenerator[tuple[Feeding, Webhooks]]:
    async with open_inline() as store:
        feeding = await start_feeding(store)
        sender = HttpSender(SystemClock())
        webhooks = Webhooks(
            store=store,
            guard=nobody_else,
            feed=feeding.feed,
            sender=sender,
            clock=SystemClock(),
            rng=random.Random(2),
        )
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(webhooks.run())
            await asyncio.sleep(0)
            yield feeding, webhooks
            work.cancel()
        await sender.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


async def test_the_receiver_can_verify_every_delivery_with_the_secret() -> None:
    receiver = Receiver()
    async with receiver.listening() as url, delivering() as (feeding, webhooks):
        made = await webhooks.create(SubscriptionRequest(url=url))
        await feeding.happen("a", "b", "a")
        await until(lambda: len(receiver.taken) == 3)
    verifier = Webhook(made.secret)
    for headers, body in receiver.requests:
        told = Event.model_validate(verifier.verify(body, headers))
        assert headers["webhook-id"] == told.id
        assert headers["content-type"] == "application/json"
    headers, body = receiver.requests[0]
    forged = body.replace(b'"subject":"', b'"subject":"not-')
    assert forged != body
    with pytest.raises(Exception, match="No matching signature"):
        verifier.verify(forged, headers)


async def test_order_is_kept_per_subject_while_a_moody_receiver_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "PAUSES_S", (0.005,) * 50)
    chance = random.Random(4)
    receiver = Receiver(lambda _: Response(status_code=chance.choice((200, 200, 500, 503, 302, 404))))
    async with receiver.listening() as url, delivering() as (feeding, webhooks):
        await webhooks.create(SubscriptionRequest(url=url))
        for _ in range(10):
            await feeding.happen(*"abcdefgh")
        await until(lambda: len(receiver.taken) == 80)
    for index, subject in enumerate("abcdefgh"):
        assert receiver.seqs(subject) == list(range(index + 1, 81, 8))


async def test_a_receiver_that_is_not_there_gets_everything_once_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoints, "PAUSES_S", (0.05,) * 100)
    receiver = Receiver()
    async with receiver.listening() as url:
        pass
    async with delivering() as (feeding, webhooks):
        made = await webhooks.create(SubscriptionRequest(url=url))
        await feeding.happen(*"abc")
        async with asyncio.timeout(5):
            while len(failed := await webhooks.deliveries(made.subscription_id, None, None, 10)) < 3:
                await asyncio.sleep(0.01)
        assert all(delivery.http_status is None and delivery.error for delivery in failed)
        async with receiver.listening(urlsplit(url).port or 0):
            await until(lambda: len(receiver.taken) == 3)


async def test_gone_disables() -> None:
    receiver = Receiver(lambda _: Response(status_code=410))
    async with receiver.listening() as url, delivering() as (feeding, webhooks):
        made = await webhooks.create(SubscriptionRequest(url=url))
        await feeding.happen("a")
        await until(lambda: webhooks.view(made.subscription_id).status is SubscriptionStatus.DISABLED)
        await feeding.happen("b")
        await asyncio.sleep(0.02)
        assert len(receiver.requests) == 1


async def test_redirects_are_not_followed_and_retry_after_is_read() -> None:
    soon = format_datetime(to_datetime(SystemClock().now_us() + 90_000_000), usegmt=True)
    answers = iter(
        [
            Response(status_code=302, headers={"Location": "/elsewhere"}),
            Response(status_code=503, headers={"Retry-After": "120"}),
            Response(status_code=503, headers={"Retry-After": soon}),
            Response(status_code=503, headers={"Retry-After": "when I like"}),
        ]
    )
    receiver = Receiver(lambda _: next(answers))
    sender = HttpSender(SystemClock())
    async with receiver.listening() as url:
        said = [await sender.post(url, {"content-type": "application/json"}, BODY) for _ in range(4)]
        await sender.close()
    assert [answer.status for answer in said] == [302, 503, 503, 503]
    assert said[1].retry_after_s == 120
    assert 80 < said[2].retry_after_s < 91
    assert said[3].retry_after_s == 0


async def test_a_name_with_several_addresses_is_reached_at_the_one_where_somebody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `localhost` is where it stands for ::1 first, and the receiver listens at 127.0.0.1."""

    def look_up(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        stream, tcp = socket.SOCK_STREAM, socket.IPPROTO_TCP
        addresses = ("127.0.0.2", "127.0.0.1") if host == "receiver.test" else (host,)
        return [(socket.AF_INET, stream, tcp, "", (address, port)) for address in addresses]

    receiver = Receiver()
    sender = HttpSender(SystemClock())
    async with receiver.listening() as url:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        answer = await sender.post(f"http://receiver.test:{urlsplit(url).port}/hook", {}, BODY)
        monkeypatch.undo()
    await sender.close()
    assert answer.status == 200, answer.error


async def test_a_name_that_nobody_can_look_up_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither deliveries to plain addresses nor links to devices, whose names are looked up in the loop's own threads."""
    over = threading.Event()
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **more: Any) -> Any:
        if host == "hangs.test" and not more.get("flags"):
            over.wait(20)
        return real("127.0.0.1" if host == "plc.test" else host, *args, **more)

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    sender = HttpSender(SystemClock())
    async with talking(say) as (url, _), asyncio.TaskGroup() as tasks:
        hanging = [tasks.create_task(sender.post("http://hangs.test/", {}, "{}")) for _ in range(40)]
        await asyncio.sleep(0.05)
        try:
            async with asyncio.timeout(5):
                assert await sender.post(url, {}, "{}") == Answer(200)
                assert await asyncio.get_running_loop().getaddrinfo("plc.test", 502)
        finally:
            for task in hanging:
                task.cancel()
            over.set()
    await sender.close()


@asynccontextmanager
async def talking(
    say: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> AsyncGenerator[tuple[str, list[int]]]:
    """Answer every request by what is said; the list has the number of requests of each connection."""
    requests: list[int] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(requests)
        requests.append(0)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n{}")
                requests[mine] += 1
                await say(writer)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", requests


async def test_deliveries_one_after_the_other_share_a_connection() -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks")

    sender = HttpSender(SystemClock())
    async with talking(say) as (url, requests):
        said = [await sender.post(url, {}, "{}") for _ in range(3)]
        await sender.close()
    assert said == [Answer(200)] * 3
    assert requests == [3]


@pytest.mark.parametrize("pause_s", [0, 60], ids=["huge", "never ending"])
async def test_an_answer_counts_however_long_its_rest_is(
    pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "REST_S", 0.05)
    left = asyncio.Event()

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await left.wait()
        for _ in range(1000):
            if left.is_set():
                return
            writer.write(b"x" * 10_000)
            await writer.drain()

    sender = HttpSender(SystemClock())
    async with talking(say) as (url, _):
        answer = await sender.post(url, {}, "{}")
        await sender.close()
        left.set()
    assert answer == Answer(200)


async def test_a_receiver_that_says_nothing_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "TIMEOUT_S", 0.1)
    leave = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leave.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    sender = HttpSender(SystemClock())
    port = server.sockets[0].getsockname()[1]
    answer = await sender.post(f"http://127.0.0.1:{port}/", {}, "{}")
    assert (answer.status, answer.error) == (None, "no answer within 0.1 s")
    leave.set()
    await sender.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
async def test_an_address_that_is_not_allowed_is_not_even_connected_to(host: str) -> None:
    receiver = Receiver()
    sender = HttpSender(SystemClock(), allowed=())
    async with receiver.listening() as url:
        port = urlsplit(url).port
        answer = await sender.post(f"http://{host}:{port}/hook", {}, "{}")
        objection = await sender.objection(f"http://{host}:{port}/hook")
    await sender.close()
    assert answer.status is None
    assert "not public" in answer.error
    assert "gateway run --webhook-network" in answer.error, "what an engineer at the plant needs next"
    assert objection is not None
    assert receiver.requests == []


DELIVER = """
import asyncio, random, sys
from pathlib import Path
from gateway.contract.subscriptions import SubscriptionRequest
from gateway.delivery import ledger
from gateway.delivery.sender import Answer, HttpSender
from gateway.delivery.webhooks import Webhooks
from gateway.kernel.clock import SystemClock
from gateway.store.sqlite import open_sqlite
from tests.unit.feeding import nobody_else, start_feeding

ledger.GATHER_S = 5

async def main():
    async with open_sqlite(Path(sys.argv[1])) as store:
        feeding = await start_feeding(store)
        webhooks = Webhooks(store=store, guard=nobody_else, feed=feeding.feed, sender=HttpSender(SystemClock()),
                            clock=SystemClock(), rng=random.Random(1))
        await webhooks.open()
        if not webhooks.views():
            await webhooks.create(SubscriptionRequest(url=sys.argv[2]))
            await feeding.happen(*(f"S{n % 5}" for n in range(50)))
        await webhooks.run()

asyncio.run(main())
"""


async def test_a_process_killed_between_delivery_and_cursor_delivers_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    receiver = Receiver()
    async with receiver.listening() as url:
        for wanted in (5, 25, 50):
            child = subprocess.Popen([sys.executable, "-c", DELIVER, str(tmp_path / "gateway.db"), url])
            try:
                await until(lambda wanted=wanted: len({event.seq for event in receiver.taken}) >= wanted)
            finally:
                child.kill()
                child.wait()
    assert {event.seq for event in receiver.taken} == set(range(1, 51))
    bodies: dict[str, set[bytes]] = {}
    for headers, body in receiver.requests:
        bodies.setdefault(headers["webhook-id"], set()).add(body)
    assert all(len(versions) == 1 for versions in bodies.values())
    assert len(receiver.taken) > 50
    for n in range(5):
        first_arrivals = list(dict.fromkeys(receiver.seqs(f"S{n}")))
        assert first_arrivals == sorted(first_arrivals)
