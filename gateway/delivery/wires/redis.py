"""Redis streams with a consumer group: a message is known by its id in the stream."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.site.wes import BrokerUpstream

KEPT: Final = 100_000
"""Messages that a stream of ours keeps."""
ABANDONED_MS: Final = 30_000
"""A message that was handed to us and not confirmed for this long comes again."""


class RedisWire:
    """The Wire to Redis."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        self._broker = RedisBroker(
            settings.url, security=security(settings), apply_types=False, logger=SILENT
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe: to what is new, and to what was handed out and never confirmed."""
        group = self._settings.consumer
        for topic in topics:
            for stream in (
                StreamSub(topic, group=group, consumer="wes"),
                StreamSub(topic, group=group, consumer="wes", min_idle_time=ABANDONED_MS),
            ):
                subscriber = self._broker.subscriber(
                    stream=stream, ack_policy=AckPolicy.NACK_ON_ERROR, decoder=partial(_read, topic)
                )
                subscriber(handle)
        await self._broker.start()

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message."""
        await self._broker.publish(body, stream=topic, maxlen=KEPT, headers={"message_id": message_id})

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()


async def _read(topic: str, message: StreamMessage[Any]) -> Incoming:
    ids: list[bytes] = message.raw_message.get("message_ids") or []
    return Incoming(topic, ids[0].decode() if ids else None, message.body)
