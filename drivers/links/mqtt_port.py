"""The port to an MQTT broker: one client with one connection at a time. A broker loses messages whatever it promises (law 5)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.links.errors import LinkError


class MqttPort(Protocol):
    """One connection. Every method raises LinkError once it is lost."""

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        """Subscribe to (topic, QoS); return the topics that the broker refuses (MQTT 3.1.1, 3.9.3)."""
        ...

    async def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 0, not retained."""
        ...

    async def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker retain a message for whoever subscribes later; return when it has it (QoS 1)."""
        ...

    async def receive(self) -> tuple[str, bytes]:
        """Wait for the next message of the subscribed topics; return its topic and payload."""
        ...


Connect = Callable[[], AbstractAsyncContextManager[MqttPort]]
"""Connects; raises LinkError on entering if that cannot be done."""

__all__ = ["Connect", "LinkError", "MqttPort"]
