"""Redis streams with a consumer group: a message is known by its id in the stream.

An entry has its JSON in the field `__data__`, and in what is sent its sender's id in `message_id`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import DATA_KEY
from pydantic_core import to_json
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

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
        self._client: Redis | None = None
        self._topics: tuple[str, ...] = ()
        self._broker = RedisBroker(
            settings.url, security=security(settings), apply_types=False, logger=SILENT
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe: to what is new, and to what was handed out and never confirmed."""
        self._client, self._topics = await self._broker.connect(), topics
        group = self._settings.consumer
        for topic in topics:
            await _make_group(self._client, topic, group)
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
        """Send one message, as plain JSON: FastStream's own envelope would be a riddle to others."""
        assert self._client
        await self._client.xadd(topic, {DATA_KEY: to_json(body), "message_id": message_id}, maxlen=KEPT)

    async def alive(self, within_s: float) -> bool:
        """Tell whether the server answers and remembers our group; FastStream stops for good where it does not."""
        assert self._client
        try:
            async with asyncio.timeout(within_s):
                for topic in self._topics:
                    await self._client.xinfo_consumers(topic, self._settings.consumer)
        except (RedisError, OSError):
            return False
        return True

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()


async def _make_group(client: Redis, topic: str, group: str) -> None:
    """Make the stream and its group, if nobody has; what was sent before there was one counts as new."""
    try:
        await client.xgroup_create(topic, group, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def _read(topic: str, message: StreamMessage[Any]) -> Incoming:
    ids: list[bytes] = message.raw_message.get("message_ids") or []
    return Incoming(topic, ids[0].decode() if ids else None, message.body)
