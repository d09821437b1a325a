"""The port to an MQTT broker: one client with one connection at a time. A broker loses messages whatever it promises (law 5)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.links.errors import LinkError


class MqttPort(Protocol):
    """One connection. Every method raises LinkError once it is lost."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 0, not retained."""
        ...

    async def keep(self, topic: str, payload: bytes) -> None:
        """Have the broker retain a message for whoever subscribes later; return when it has it (QoS 1)."""
        ...

    async def receive(self) -> tuple[str, bytes]:
        """Wait for the next message of the subscribed topics; return its topic and payload."""
        ...


Connect = Callable[[Sequence[tuple[str, int]]], AbstractAsyncContextManager[MqttPort]]
"""Connects and subscribes to (topic, QoS); raises LinkError on entering if that cannot be done."""

__all__ = ["Connect", "LinkError", "MqttPort"]
