"""A client that takes as little time as possible from what it measures: HTTP/1.1 on connections that stay open."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import httpx

HOST: Final = "127.0.0.1"
READY_S: Final = 60.0


class Connection:
    """One connection, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def post(self, path: str, body: Any) -> int:
        """Post JSON; return the status once the whole answer is there."""
        payload = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(payload)}\r\n\r\n"
        )
        self._writer.write(head.encode() + payload)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await self._reader.readexactly(length)
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Close it."""
        self._writer.close()


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncGenerator[list[Connection]]:
    """Open connections."""
    opened = [Connection(*await asyncio.open_connection(HOST, port)) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


async def until_it_answers(port: int, path: str = "/livez") -> None:
    """Wait until a process answers over HTTP."""
    async with asyncio.timeout(READY_S), httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as http:
        while True:
            with suppress(httpx.HTTPError):
                if (await http.get(path)).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def until_devices_are_online(port: int) -> None:
    """Wait until the gateway has heard of all its devices."""
    async with asyncio.timeout(READY_S), httpx.AsyncClient(base_url=f"http://{HOST}:{port}") as http:
        while True:
            devices = (
                (await http.get("/v1/devices", params={"limit": 1000})).raise_for_status().json()["items"]
            )
            if all(device["online"] for device in devices):
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def event_times(port: int, kind: str) -> AsyncGenerator[AsyncIterator[float]]:
    """Open the gateway's stream of new events of a type; it tells when each was there."""
    stream = f"http://{HOST}:{port}/v1/events/stream"
    async with (
        httpx.AsyncClient(timeout=None) as http,
        http.stream("GET", stream, params={"types": kind}) as answer,
    ):
        yield _times(answer.raise_for_status().aiter_lines())


async def _times(lines: AsyncIterator[str]) -> AsyncGenerator[float]:
    async for line in lines:
        if line.startswith("data: "):
            yield time.monotonic()
