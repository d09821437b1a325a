"""A broker in memory for simulated vehicles: retained messages, last wills, a log of all that was published."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sim_devices.vehicles.line import Publication

Json = dict[str, Any]


class MemorySession:
    """One client's connection."""

    def __init__(self, broker: "MemoryBroker", will: Publication) -> None:
        self.will = will
        self.alive = True
        self.topics: set[str] = set()
        self._broker = broker
        self._inbox: asyncio.Queue[Publication | None] = asyncio.Queue()

    async def subscribe(self, topic: str) -> None:
        self._need_life()
        self.topics.add(topic)

    async def publish(self, publication: Publication) -> None:
        self._need_life()
        self._broker.publish(publication)

    async def receive(self) -> tuple[str, bytes]:
        message = await self._inbox.get()
        self._need_life()
        assert message
        return message.topic, message.payload

    def deliver(self, publication: Publication) -> None:
        self._inbox.put_nowait(publication)

    def cut(self) -> None:
        if self.alive:
            self.alive = False
            self._inbox.put_nowait(None)
            self._broker.publish(self.will)

    def _need_life(self) -> None:
        if not self.alive:
            raise ConnectionError("the connection is lost")


class MemoryBroker:
    """Everything is delivered at once and in sequence."""

    def __init__(self) -> None:
        self.log: list[Publication] = []
        self.reachable = True
        self._sessions: list[MemorySession] = []
        self._news = asyncio.Event()

    @asynccontextmanager
    async def connect(self, client_id: str, will: Publication) -> AsyncGenerator[MemorySession]:
        if not self.reachable:
            raise ConnectionError("nobody listens")
        session = MemorySession(self, will)
        self._sessions.append(session)
        try:
            yield session
        finally:
            self._sessions.remove(session)

    def publish(self, publication: Publication) -> None:
        self.log.append(publication)
        for session in self._sessions:
            if session.alive and publication.topic in session.topics:
                session.deliver(publication)
        self._news.set()

    def send(self, topic: str, content: Json) -> None:
        """Publish a message of the master control."""
        self.publish(Publication(topic, json.dumps(content).encode()))

    def bodies(self, topic: str) -> list[Json]:
        """Return what was published under a topic that ends like this."""
        return [json.loads(each.payload) for each in self.log if each.topic.endswith(f"/{topic}")]

    async def until(self, topic: str, wanted: Callable[[Json], bool]) -> Json:
        """Wait until the last message of a topic is a wanted one, and return it."""
        async with asyncio.timeout(10):
            while not (bodies := self.bodies(topic)) or not wanted(bodies[-1]):
                self._news.clear()
                await self._news.wait()
            return bodies[-1]
