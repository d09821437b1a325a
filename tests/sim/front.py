"""The HTTP interface without sockets: the application is asked as by its server, and breaks off when the gateway's run ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import httpx
from fastapi import FastAPI

from gateway.api.deps import ApiDeps
from gateway.app import Gateway
from tests.sim.life import Life
from tests.sim.routes import SERVED, routes_of

WAY_S: Final = (0.0005, 0.01)
END: Final = b""

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; names of headers are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes = b""


class Front(httpx.AsyncBaseTransport):
    """Where clients knock. Nobody answers while no gateway runs."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._open: tuple[ApiDeps, Life] | None = None
        self.broken_answers = 0
        """So many of the next answers are lost on their way, after the request was carried out."""

    def open(self, gateway: Gateway, life: Life) -> None:
        """A run of the gateway answers from now."""
        self._open = gateway.deps, life
        self._api = routes_of(gateway)

    async def exchange(self, request: Request) -> "Exchange":
        """Ask, and return the answer once it has begun to come.

        Raises:
            httpx.TransportError: nobody can tell whether it was heard.
        """
        await asyncio.sleep(self._chance.uniform(*WAY_S))
        if self._open is None or self._open[1].over.is_set():
            raise httpx.ConnectError("nobody listens")
        exchange = Exchange(self._api, *self._open, request)
        try:
            await exchange.begun
            await asyncio.sleep(self._chance.uniform(*WAY_S))
            if self.broken_answers:
                self.broken_answers -= 1
                raise httpx.ReadError("the connection broke before the answer")
        except BaseException:
            await exchange.aclose()
            raise
        return exchange

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        body = await request.aread()
        asked = Request(request.method, request.url.path, request.url.query, headers, body)
        exchange = await self.exchange(asked)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=exchange)


class Exchange(httpx.AsyncByteStream):
    """One request and its answer, piece by piece.

    Attributes:
        begun: done when `status` and `headers` are known.
    """

    status: int
    headers: list[tuple[bytes, bytes]]

    def __init__(self, api: FastAPI, deps: ApiDeps, life: Life, request: Request) -> None:
        self._deps = deps
        self._request = request
        self._life = life
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._body = [request.body]
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[None] = loop.create_future()
        self._serving = loop.create_task(self._serve(api))
        life.at_end[self._break_off] = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not END:
            yield piece
        if self._life.over.is_set():
            raise httpx.ReadError("the connection broke")

    async def read(self) -> bytes:
        """Return the answer as a whole."""
        return b"".join([piece async for piece in self])

    async def aclose(self) -> None:
        self._life.at_end.pop(self._break_off, None)
        if not self._serving.done():
            self._serving.cancel()
            await asyncio.wait([self._serving])

    def _break_off(self) -> None:
        self._serving.cancel()
        self._pieces.put_nowait(END)
        if not self.begun.done():
            self.begun.set_exception(httpx.ReadError("the gateway is gone"))

    async def _serve(self, api: FastAPI) -> None:
        request = self._request
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "query_string": request.query,
            "root_path": "",
            "headers": request.headers,
            "client": ("127.0.0.1", 1),
            "server": ("gateway", 80),
        }
        SERVED.set(self._deps)
        try:
            await api(scope, self._receive, self._send)  # pyright: ignore[reportArgumentType]
        except Exception as error:
            if not self.begun.done():
                self.begun.set_exception(error)
        finally:
            self._pieces.put_nowait(END)

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        return await self._life.hang()

    async def _send(self, message: Any) -> None:
        self._life.check()
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
            if not self.begun.done():
                self.begun.set_result(None)
        elif message["body"]:
            self._pieces.put_nowait(message["body"])
