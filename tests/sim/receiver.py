"""Who receives webhooks: takes, fails, is slow, breaks off; and knows what it has been sent, per key in which order."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any, Final

from pydantic_core import from_json

from gateway.delivery.sender import Answer
from tests.sim.life import Life

WAY_S: Final = (0.002, 0.05)


class Receiver:
    """One receiver of webhooks.

    Attributes:
        down: nobody answers.
        trouble: share of the posts (0 … 1) that go wrong.
        taken: what it has answered with 200, in order; a number may come again.
    """

    def __init__(self, chance: Random) -> None:
        self.down = False
        self.trouble = 0.0
        self.taken: list[dict[str, Any]] = []
        self._chance = chance

    def sender(self, life: Life) -> "Post":
        """Return how one run of the gateway reaches it."""
        return Post(self, life)

    async def take(self, body: str) -> Answer:
        """Answer a post."""
        await asyncio.sleep(self._chance.uniform(*WAY_S))
        if self.down:
            return Answer(None, "nobody listens")
        if self._chance.random() < self.trouble:
            return self._chance.choice([Answer(500), Answer(503, retry_after_s=2.0), Answer(None, "reset")])
        event = from_json(body)
        self.taken.append(event)
        if self._chance.random() < self.trouble:
            return Answer(None, "the answer was lost")
        return Answer(200)


class Post:
    """`gateway.delivery.sender.Sender` of one run."""

    def __init__(self, receiver: Receiver, life: Life) -> None:
        self._receiver = receiver
        self._life = life

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        self._life.check()
        return await self._receiver.take(body)

    async def objection(self, url: str) -> str | None:
        return None
