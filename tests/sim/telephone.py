"""How everybody around a gateway asks it things: again until it is answered, and with an ear for answers that nobody may get."""

import asyncio
from contextlib import aclosing
from typing import Any, Final

import httpx
from pydantic_core import from_json

from tests.sim.front import Front

GATEWAY: Final = "http://gateway"
RETRY_S: Final = 0.7
TIMEOUT_S: Final = 10.0
NO_ROOM: Final = frozenset({503, 507})
"""So a full disk is told, at upstream's interface and elsewhere. No other answer from 500 on is in order."""

Json = dict[str, Any]


class Telephone:
    """A client of the gateway.

    Attributes:
        http: for whoever brings a client's habits with it, or listens to a stream; is listened to as well.
        violations: what the contract does not allow, in words.
        full: how often there was no room.
    """

    def __init__(self, front: Front) -> None:
        self.violations: list[str] = []
        self.full = 0
        self.http = httpx.AsyncClient(
            transport=front, base_url=GATEWAY, timeout=None, event_hooks={"response": [self._judge]}
        )
        self._front = front

    async def get(self, path: str, **params: Any) -> Json:
        """Read something, asking until it is answered."""
        while True:
            answer = await self.send("GET", path, params=params)
            if answer is not None and answer.status_code == 200:
                return from_json(answer.content)
            if answer is not None and answer.status_code < 500:
                return {"status": f"HTTP {answer.status_code}", "text": answer.text}
            await asyncio.sleep(RETRY_S)

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """Ask once; None: nobody can tell whether it was heard."""
        request = httpx.Request(method, f"{GATEWAY}{path}", **more)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._front.handle_async_request(request)
                async with aclosing(answer):
                    await answer.aread()
        except (httpx.TransportError, TimeoutError):
            return None
        answer.request = request
        await self._judge(answer)
        return answer

    async def _judge(self, answer: httpx.Response) -> None:
        if answer.status_code < 500:
            return
        text = (await answer.aread()).decode()
        if answer.status_code in NO_ROOM and "full" in text:
            self.full += 1
        else:
            asked = answer.request
            told = f"{asked.method} {asked.url.path} was answered with {answer.status_code}: {text}"
            self.violations.append(told)
