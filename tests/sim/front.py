"""The HTTP interface without sockets: an httpx transport that streams, and breaks off when the gateway's run ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
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

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._chance.uniform(*WAY_S))
        if self._open is None or self._open[1].over.is_set():
            raise httpx.ConnectError("nobody listens", request=request)
        deps, life = self._open
        exchange = Exchange(self._api, deps, life, request, await request.aread())
        status, headers = await exchange.head()
        await asyncio.sleep(self._chance.uniform(*WAY_S))
        if self.broken_answers:
            self.broken_answers -= 1
            await exchange.aclose()
            raise httpx.ReadError("the connection broke before the answer", request=request)
        return httpx.Response(status, headers=headers, stream=exchange)


class Exchange(httpx.AsyncByteStream):
    """One request and its answer, piece by piece."""

    def __init__(self, api: FastAPI, deps: ApiDeps, life: Life, request: httpx.Request, body: bytes) -> None:
        self._deps = deps
        self._request = request
        self._life = life
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._begun: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._body = [body]
        self._gone = asyncio.Event()
        self._serving = asyncio.get_running_loop().create_task(self._serve(api))
        self._dying = asyncio.get_running_loop().create_task(life.over.wait())
        self._dying.add_done_callback(self._die)

    async def head(self) -> tuple[int, Any]:
        """Wait for the status and headers."""
        try:
            return await self._begun
        except BaseException:
            await self.aclose()
            raise

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            piece = await self._pieces.get()
            if piece is END:
                break
            yield piece
        if self._life.over.is_set():
            raise httpx.ReadError("the connection broke", request=self._request)

    async def aclose(self) -> None:
        self._gone.set()
        for task in (self._serving, self._dying):
            task.cancel()
        await asyncio.gather(self._serving, self._dying, return_exceptions=True)

    def _die(self, dying: "asyncio.Task[Any]") -> None:
        if dying.cancelled():
            return
        self._serving.cancel()
        self._pieces.put_nowait(END)
        if not self._begun.done():
            self._begun.set_exception(httpx.ReadError("the gateway is gone", request=self._request))

    async def _serve(self, api: FastAPI) -> None:
        request = self._request
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": ("gateway", 80),
        }
        SERVED.set(self._deps)
        try:
            await api(scope, self._receive, self._send)  # pyright: ignore[reportArgumentType]
        except Exception as error:
            if not self._begun.done():
                self._begun.set_exception(error)
            raise
        finally:
            self._pieces.put_nowait(END)

    async def _receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self._life.check()
        if message["type"] == "http.response.start":
            if not self._begun.done():
                self._begun.set_result((message["status"], message["headers"]))
        elif message["body"]:
            self._pieces.put_nowait(message["body"])


async def events_of(http: httpx.AsyncClient, after: int) -> AsyncGenerator[str]:
    """Yield the data of server-sent events until the stream breaks."""
    headers = {"Last-Event-ID": str(after)}
    async with http.stream("GET", "/v1/events/stream", headers=headers, timeout=None) as stream:
        stream.raise_for_status()
        rest = b""
        async for piece in stream.aiter_bytes():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data:"):
                    yield line.removeprefix(b"data:").strip().decode()
