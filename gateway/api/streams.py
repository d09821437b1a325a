"""Live streams over HTTP (server-sent events): how many there may be, and when they end.

They end with the interface, and with the right of whoever listens: a session may be over long before its streams are.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from gateway.api.guard import may_stay
from gateway.contract.faults import FieldError, Refusal, RefusalKind

HEARTBEAT_S: Final = 10.0
SSE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "An endless stream",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
"""How a route describes what it answers."""
STILL_HERE: Final = ": still here\n\n"
_NO_BUFFER: Final = {"X-Accel-Buffering": "no"}
"""Proxies shall pass events on at once."""


class Streams:
    """The streams of one kind that are open."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = asyncio.Semaphore(most)

    def answer(self, request: Request, lines: AsyncGenerator[str]) -> Response:
        """Return an answer that streams lines until there are no more, or whoever asked may hear no more.

        Raises:
            Refusal: too many are open.
        """
        if self._open.locked():
            raise Refusal(
                RefusalKind.BUSY, FieldError("", "tooManyStreams", f"{self._most} streams are open")
            )
        return StreamingResponse(
            self._counted(request, lines), media_type="text/event-stream", headers=_NO_BUFFER
        )

    async def _counted(self, request: Request, lines: AsyncGenerator[str]) -> AsyncGenerator[str]:
        if self._open.locked():  # somebody who came at the same moment has the last place
            return
        async with self._open, aclosing(lines):
            async for line in lines:
                if not may_stay(request.scope):
                    return
                yield line


async def until(news: Coroutine[Any, Any, None], closing: asyncio.Event, at_most_s: float) -> bool:
    """Wait for news, or for the end of the interface: a stream that ends by itself keeps nobody waiting.

    Returns:
        False: neither has come in that time.
    """
    try:
        async with asyncio.timeout(at_most_s), asyncio.TaskGroup() as tasks:
            waiting = {tasks.create_task(news), tasks.create_task(closing.wait())}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
    except TimeoutError:
        return False
    return True
