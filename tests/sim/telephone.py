"""How everybody around a gateway asks it things: again until it is answered, and with an ear for answers that nobody may get."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from pydantic_core import from_json, to_json

from tests.sim.front import Front, Request

GATEWAY: Final = "http://localhost"
HOST: Final = (b"host", b"localhost")
STREAM: Final = "/v1/events/stream"
RETRY_S: Final = 0.7
TIMEOUT_S: Final = 10.0
NO_ROOM: Final = frozenset({503, 507})
"""So a full disk is told, at upstream's interface and elsewhere. No other answer from 500 on is in order."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the gateway, as a whole."""

    status: int
    body: bytes


class Telephone:
    """A client of the gateway.

    Attributes:
        http: for whoever brings a client's habits with it; is listened to as well.
        violations: what the contract does not allow, in words.
        full: how often there was no room.
    """

    def __init__(self, front: Front) -> None:
        self.violations: list[str] = []
        self.full = 0
        self.http = httpx.AsyncClient(
            transport=front, base_url=GATEWAY, timeout=None, event_hooks={"response": [self._overhear]}
        )
        self._front = front

    async def get(self, path: str, **params: Any) -> Json:
        """Read something, asking until it is answered."""
        while True:
            reply = await self.send("GET", path, **params)
            if reply is not None and reply.status == 200:
                return from_json(reply.body)
            if reply is not None and reply.status < 500:
                return {"status": f"HTTP {reply.status}", "text": reply.body.decode()}
            await asyncio.sleep(RETRY_S)

    async def send(self, method: str, path: str, json: Json | None = None, **params: Any) -> Reply | None:
        """Ask once; None: nobody can tell whether it was heard."""
        headers, body = [HOST], b""
        if json is not None:
            body = to_json(json)
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        request = Request(method, path, urlencode(params).encode(), headers, body)
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                aclosing(await self._front.exchange(request)) as exchange,
            ):
                reply = Reply(exchange.status, await exchange.read())
        except (httpx.TransportError, TimeoutError):
            return None
        self._judge(f"{method} {path}", reply)
        return reply

    async def events(self, after: int) -> AsyncGenerator[str]:
        """Yield the events after a number, as they stand in the stream, until it breaks.

        Raises:
            httpx.TransportError: it has broken.
        """
        request = Request("GET", STREAM, b"", [HOST, (b"last-event-id", b"%d" % after)])
        async with aclosing(await self._front.exchange(request)) as stream:
            if stream.status != 200:
                self._judge(f"GET {STREAM}", Reply(stream.status, await stream.read()))
                return
            rest = b""
            async for piece in stream:
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.startswith(b"data:"):
                        yield line.removeprefix(b"data:").strip().decode()

    async def _overhear(self, answer: httpx.Response) -> None:
        if answer.status_code >= 500:  # a stream that goes on is not to be waited for
            asked = answer.request
            self._judge(f"{asked.method} {asked.url.path}", Reply(answer.status_code, await answer.aread()))

    def _judge(self, asked: str, reply: Reply) -> None:
        if reply.status < 500:
            return
        text = reply.body.decode()
        if reply.status in NO_ROOM and "full" in text:
            self.full += 1
        else:
            self.violations.append(f"{asked} was answered with {reply.status}: {text}")
