"""Live streams on a real socket: resume without loss or repetition, heartbeats, coalesced positions."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import httpx
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from gateway.api import events as streams
from gateway.api.streams import Streams
from gateway.contract.events import Event, EventType
from gateway.contract.plant import PositionView
from gateway.contract.reports import Position
from tests.unit.api_rig import Rig, gateway
from tests.unit.feeding import START_US, Feeding
from tests.wire.serving import serve

pytestmark = pytest.mark.wire


@pytest.fixture
async def rig() -> AsyncIterator[tuple[Rig, httpx.AsyncClient]]:
    async with (
        gateway() as rig,
        serve(rig.app) as url,
        httpx.AsyncClient(
            base_url=url, timeout=5, trust_env=False, limits=httpx.Limits(max_connections=200)
        ) as http,
    ):
        yield rig, http


async def messages(
    http: httpx.AsyncClient, path: str, last_event_id: int | None = None, **params: str | int
) -> AsyncGenerator[dict[str, str]]:
    """Read a stream as the specification of server-sent events says; comments come as {"": text}."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    async with http.stream("GET", path, params=params, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        message: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if not line:
                yield message
                message = {}
            else:
                name, _, value = line.partition(":")
                message[name] = value.removeprefix(" ")


def feeding(rig: Rig) -> Feeding:
    """Events without an engine that would have to cause them."""
    source = Feeding(rig.store, rig.feed)
    source.books.last_seq = rig.feed.last_seq
    return source


async def test_a_client_that_breaks_off_and_resumes_misses_nothing_and_gets_nothing_twice(
    rig: tuple[Rig, httpx.AsyncClient],
) -> None:
    gateway_rig, http = rig
    source = feeding(gateway_rig)
    first, total = gateway_rig.feed.last_seq, gateway_rig.feed.last_seq + 1500

    async def happen() -> None:
        chance = random.Random(11)
        while gateway_rig.feed.last_seq < total:
            count = min(chance.randint(1, 12), total - gateway_rig.feed.last_seq)
            await source.happen(*(f"S{n}" for n in range(count)))
            await asyncio.sleep(0)

    async def listen(seed: int) -> list[int]:
        chance = random.Random(seed)
        got: list[int] = []
        seen = first
        while seen < total:
            patience = chance.randint(1, 300)
            async with aclosing(messages(http, "/v1/events/stream", last_event_id=seen)) as stream:
                async for message in stream:
                    if "data" not in message:
                        continue
                    event = Event.model_validate_json(message["data"])
                    assert (message["id"], message["event"]) == (event.id, event.type.value)
                    got.append(event.seq)
                    seen = event.seq
                    patience -= 1
                    if patience == 0 or seen == total:
                        break
        return got

    async with asyncio.TaskGroup() as tasks:
        listeners = [tasks.create_task(listen(seed)) for seed in range(4)]
        tasks.create_task(happen())
    for listener in listeners:
        assert listener.result() == list(range(first + 1, total + 1))


async def test_a_stream_starts_now_unless_it_is_told_where(rig: tuple[Rig, httpx.AsyncClient]) -> None:
    gateway_rig, http = rig
    source = feeding(gateway_rig)
    await source.happen("before")
    async with aclosing(messages(http, "/v1/events/stream")) as stream:
        await anext(stream)
        await source.happen("after")
        assert Event.model_validate_json((await anext(stream))["data"]).subject == "after"
    async with aclosing(messages(http, "/v1/events/stream", after=0)) as stream:
        await anext(stream)
        assert (await anext(stream))["id"] == "1"


async def test_who_asks_for_the_head_of_a_stream_gets_it_and_holds_no_place(
    rig: tuple[Rig, httpx.AsyncClient],
) -> None:
    _, http = rig
    for _ in range(streams.STREAMS_MAX + 1):
        answer = await http.head("/v1/events/stream")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")


async def test_only_wanted_types_are_streamed_and_a_quiet_stream_beats(
    rig: tuple[Rig, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    gateway_rig, http = rig
    source = feeding(gateway_rig)
    async with aclosing(messages(http, "/v1/events/stream", types="alarm.raised,alarm.cleared")) as stream:
        await anext(stream)
        await source.happen("no")
        assert (await anext(stream))[""] == "still here"
        await source.happen("yes", kind=EventType.ALARM_RAISED)
        while "data" not in (message := await anext(stream)):
            pass
        assert message["event"] == "alarm.raised"


async def test_a_stream_beats_although_others_types_keep_coming_and_tells_how_far_it_has_looked(
    rig: tuple[Rig, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a proxy cuts it, and who comes back with the number of long ago is told that those events are gone."""
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    gateway_rig, http = rig
    source = feeding(gateway_rig)

    async def happen() -> None:
        while True:
            await source.happen("no")
            await asyncio.sleep(0.01)

    async with (
        asyncio.timeout(5),
        asyncio.TaskGroup() as tasks,
        aclosing(messages(http, "/v1/events/stream", types="alarm.raised")) as stream,
    ):
        began = int((await anext(stream))["id"])
        others = tasks.create_task(happen())
        beat = await anext(stream)
        others.cancel()
    assert beat[""] == "still here"
    assert began < int(beat["id"]) <= gateway_rig.feed.last_seq


async def test_positions_are_coalesced_and_begin_with_all_devices(rig: tuple[Rig, httpx.AsyncClient]) -> None:
    gateway_rig, http = rig
    for n in range(5):
        gateway_rig.positions.observe(Position(device_id=f"agv-{n}", at_us=START_US, x=0.0))
    async with aclosing(messages(http, "/v1/positions/stream")) as stream:
        await anext(stream)
        first = [PositionView.model_validate_json((await anext(stream))["data"]) for _ in range(5)]
        assert [view.device_id for view in first] == [f"agv-{n}" for n in range(5)]
        for x in range(2000):
            gateway_rig.positions.observe(Position(device_id="agv-3", at_us=START_US + x, x=float(x)))
        received = 0
        while True:
            view = PositionView.model_validate_json((await anext(stream))["data"])
            received += 1
            if view.x == 1999.0:
                break
        assert view.device_id == "agv-3"
        assert received <= 2


async def test_those_who_come_at_the_same_moment_for_the_last_place_do_not_wait_in_silence() -> None:
    """A stream that finds its place taken after all ends, and its client is refused when it comes back."""

    async def lines() -> AsyncGenerator[str]:
        yield "here"
        await asyncio.Event().wait()

    one_place = Streams(1)
    asked = Request({"type": "http"})
    first, second = (one_place.answer(asked, lines()) for _ in range(2))
    assert isinstance(first, StreamingResponse)
    assert isinstance(second, StreamingResponse)
    got = [aiter(each.body_iterator) for each in (first, second)]
    async with asyncio.timeout(5):
        assert await anext(got[0]) == "here"
        with pytest.raises(StopAsyncIteration):
            await anext(got[1])


async def test_there_are_only_so_many_streams(
    rig: tuple[Rig, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, http = rig
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        opened = asyncio.Semaphore(0)

        async def stay() -> None:
            async with aclosing(messages(http, "/v1/events/stream")) as stream:
                await anext(stream)
                opened.release()
                await asyncio.Event().wait()

        watchers = [tasks.create_task(stay()) for _ in range(streams.STREAMS_MAX)]
        for _ in watchers:
            await opened.acquire()
        refused = await http.get("/v1/events/stream")
        assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (429, "tooManyStreams")
        for watcher in watchers:
            watcher.cancel()
