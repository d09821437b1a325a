"""`gateway events --follow` through lost connections: every event once, in order, whatever the network does."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli.events import followed
from gateway.cli.failure import REFUSED, UNREACHABLE, Failure
from tests.cli_bench import loopback_socket, served
from tests.unit.api_rig import gateway

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]
SEPARATORS = "line\u2028and\u2029paragraph\x85"


class Feed:
    """An SSE server of `count` events that breaks every connection after some bytes, in the middle of whatever it says.

    Attributes:
        asked: the Last-Event-ID of every request.
    """

    def __init__(self, count: int, break_after: Callable[[int], int], first: int = 1) -> None:
        self.asked: list[str | None] = []
        self._count = count
        self._break_after = break_after
        self._first = first

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(headers.get("last-event-id"))
        seen = int(self.asked[-1] or self._first - 1)
        # A little is said again, as a careless proxy would.
        wire = b"id: %d\n: the feed\n\n" % seen
        wire += b"".join(message(seq) for seq in range(max(seen - 1, 1), self._count + 1))
        stream = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": stream})
        size = self._break_after(len(self.asked))
        for start in range(0, min(size, len(wire)), 7):
            piece = wire[start : min(start + 7, size)]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if size < len(wire):
            raise ConnectionAbortedError
        await asyncio.Event().wait()


def message(seq: int) -> bytes:
    event = json.dumps({"seq": seq, "text": SEPARATORS}, ensure_ascii=False)
    return f"id: {seq}\nevent: transport.completed\ndata: {event}\n\n".encode()


async def hear(events: AsyncGenerator[str], count: int) -> list[int]:
    seqs: list[int] = []
    async with asyncio.timeout(30), aclosing(events):
        async for event in events:
            heard = json.loads(event)
            assert heard["text"] == SEPARATORS
            seqs.append(heard["seq"])
            if len(seqs) == count:
                break
    return seqs


@pytest.fixture(autouse=True)
def quick_reconnects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.events.PAUSE_FIRST_S", 0.001)
    monkeypatch.setattr("gateway.cli.events.PAUSE_MAX_S", 0.01)


async def test_connections_that_break_anywhere_lose_nothing_and_repeat_nothing() -> None:
    told: list[str] = []
    feed = Feed(20, lambda attempt: 40 + 61 * attempt % 400)
    async with served(feed) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert await hear(followed(http, 0, None, told.append), 20) == list(range(1, 21))
    assert len(feed.asked) > 3
    assert feed.asked[0] == "0"


async def test_from_now_on_holds_even_if_the_connection_breaks_before_the_first_event() -> None:
    feed = Feed(6, lambda attempt: 24 if attempt == 1 else 10_000, first=4)
    async with served(feed) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        assert await hear(followed(http, None, None, lambda _: None), 3) == [4, 5, 6]
    assert feed.asked[:2] == [None, "3"]


async def test_a_loss_is_told_once_and_so_is_the_recovery() -> None:
    told: list[str] = []
    bound = loopback_socket()
    port = bound.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        events = followed(http, 0, None, told.append)
        async with served(Feed(2, lambda _: 10_000), bound):
            assert json.loads(await anext(events))["seq"] == 1
            assert json.loads(await anext(events))["seq"] == 2
        waiting = asyncio.ensure_future(anext(events))
        while not told:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        async with served(Feed(3, lambda _: 10_000), loopback_socket(port)):
            assert json.loads(await waiting)["seq"] == 3
            await events.aclose()
    lost, back = told
    assert "connecting again until Ctrl-C" in lost
    assert back == "connected again"


async def test_a_gateway_that_never_was_there_or_refuses_ends_it() -> None:
    with loopback_socket() as bound:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as http:
            with pytest.raises(Failure) as unreachable:
                await anext(followed(http, 0, None, lambda _: None))
    assert unreachable.value.exit_code == UNREACHABLE
    async with gateway() as rig, served(rig.app) as url, httpx.AsyncClient(base_url=url) as http:
        with pytest.raises(Failure, match="invalid") as refused:
            await anext(followed(http, 999, None, lambda _: None))
    assert refused.value.exit_code == REFUSED


async def test_the_real_stream_is_heard_by_a_process_until_somebody_interrupts_it() -> None:
    async with gateway() as rig, served(rig.app) as url:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "events", "--follow", "--json", "--url", url, "--after", "0"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert program.stdout is not None
        try:
            async with asyncio.timeout(20):
                newest = rig.feed.last_seq
                heard = [json.loads(await program.stdout.readline())["seq"] for _ in range(newest)]
                assert heard == list(range(1, newest + 1))
                await rig.submit()
                live = [
                    json.loads(await program.stdout.readline()) for _ in range(rig.feed.last_seq - newest)
                ]
                assert live[0]["type"] == "transport.accepted"
                program.send_signal(2)
                assert await program.wait() == 130
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
