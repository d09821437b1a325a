"""A broker in memory: the port without a socket, for tests and for virtual time.

Simulated vehicles may hang on the same broker: `client` gives anybody a connection, wills and retained messages included.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache

from drivers.links.errors import LinkError
from drivers.links.mqtt_port import MqttPort
from drivers.telegrams import ErrorKind


class MemoryBroker:
    """Passes messages on at once, in order; keeps retained ones; sends the will of a client that is cut off."""

    def __init__(self) -> None:
        self._retained: dict[str, bytes] = {}
        self._clients: list[MemoryClient] = []
        self._up = True

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[MqttPort]:
        """Connect (`drivers.links.mqtt_port.Connect`)."""
        client = self.client()
        try:
            yield client
        finally:
            self.leave(client)

    def client(self, will: tuple[str, bytes] | None = None) -> "MemoryClient":
        """Return a new connection; its will is retained, as the `connection` topic of VDA 5050 wants it.

        Raises:
            LinkError: the broker is down.
        """
        if not self._up:
            raise LinkError(ErrorKind.DISCONNECT, "the broker is down")
        client = MemoryClient(self, will)
        self._clients.append(client)
        return client

    def leave(self, client: "MemoryClient") -> None:
        """End one connection with a goodbye: no will is sent."""
        self._clients = [each for each in self._clients if each is not client]

    def stop(self) -> None:
        """Cut everybody off and take nobody until `start`."""
        self._up = False
        for client in self._clients:
            client.lose()
        self._clients = []

    def start(self) -> None:
        """Take clients again."""
        self._up = True

    def forget(self) -> None:
        """Lose what was retained, as a broker does that keeps it in memory alone and is started anew."""
        self._retained.clear()

    def cut(self, client: "MemoryClient") -> None:
        """Break one connection, so that its will is sent; one that is gone already stays gone."""
        if not any(each is client for each in self._clients):
            return
        self.leave(client)
        client.lose()
        if client.will is not None:
            self.pass_on(*client.will, retain=True)

    def pass_on(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Give a message to everybody who wants it; an empty one deletes what was retained."""
        if retain and payload:
            self._retained[topic] = payload
        elif retain:
            self._retained.pop(topic, None)
        for client in self._clients:
            client.offer(topic, payload)

    def kept(self, pattern: str) -> list[tuple[str, bytes]]:
        """Return the retained messages of a topic."""
        return [(topic, payload) for topic, payload in self._retained.items() if matches(pattern, topic)]


class MemoryClient:
    """One connection to a broker in memory."""

    def __init__(self, broker: MemoryBroker, will: tuple[str, bytes] | None) -> None:
        self.will = will
        self._broker = broker
        self._patterns: list[str] = []
        self._wants = lru_cache(maxsize=1024)(self._fits)
        self._inbox: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._lost = False

    def subscribe(self, pattern: str) -> None:
        """Ask for a topic; `+` stands for one level."""
        self._patterns.append(pattern)
        self._wants.cache_clear()
        for topic, payload in self._broker.kept(pattern):
            self._inbox.put_nowait((topic, payload))

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        """Ask for topics (`drivers.links.mqtt_port.MqttPort`); this broker refuses nobody."""
        for topic, _ in topics:
            self.subscribe(topic)
        return ()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send a message."""
        if self._lost:
            raise LinkError(ErrorKind.DISCONNECT, "the connection is lost")
        self._broker.pass_on(topic, payload, retain=retain)

    async def keep(self, topic: str, payload: bytes) -> None:
        """Send a message that is retained (`drivers.links.mqtt_port.MqttPort`)."""
        await self.publish(topic, payload, retain=True)

    async def receive(self) -> tuple[str, bytes]:
        """Wait for the next message."""
        message = None if self._lost else await self._inbox.get()
        if message is None:
            raise LinkError(ErrorKind.DISCONNECT, "the connection is lost")
        return message

    def offer(self, topic: str, payload: bytes) -> None:
        """Take a message if it is wanted."""
        if self._wants(topic):
            self._inbox.put_nowait((topic, payload))

    def _fits(self, topic: str) -> bool:
        return any(matches(pattern, topic) for pattern in self._patterns)

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._inbox.put_nowait(None)


def matches(pattern: str, topic: str) -> bool:
    """Tell whether a topic fits a subscription; `+` stands for one level."""
    if "+" not in pattern:
        return pattern == topic
    wanted, given = pattern.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(
        want in ("+", level) for want, level in zip(wanted, given, strict=True)
    )
