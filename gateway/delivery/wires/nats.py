"""NATS JetStream: streams are made if nobody has; a message is known by its place in the stream."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsBroker, PullSub
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.site.wes import BrokerUpstream

WAITING_MAX: Final = 64
"""Messages that are under way to us at a time."""


class NatsWire:
    """The Wire to NATS."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        self._streams: dict[str, str] = {}
        self._client: Client | None = None
        self._broker = NatsBroker(
            settings.url.split(","),
            security=security(settings),
            apply_types=False,
            logger=SILENT,
            max_reconnect_attempts=-1,
            error_cb=_known,
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe."""
        self._client = await self._broker.connect()
        jetstream = JetStreamContext(self._client)
        told = self._settings.topics
        sent = (told.status_callback, told.inventory_sync, told.inventory_sync_batch)
        for topic in (*topics, *sent):
            try:
                self._streams[topic] = await jetstream.find_stream_name_by_subject(topic)
            except NotFoundError:
                self._streams[topic] = topic.replace(".", "_")
                made = StreamConfig(name=self._streams[topic], subjects=[topic])
                await jetstream.add_stream(made)  # pyright: ignore[reportUnknownMemberType]
        for topic in topics:
            subscriber = self._broker.subscriber(
                topic,
                stream=JStream(self._streams[topic], declare=False),
                durable=f"{self._settings.consumer}-{topic}".replace(".", "_"),
                pull_sub=PullSub(batch_size=WAITING_MAX),
                ack_policy=AckPolicy.NACK_ON_ERROR,
                decoder=_read,
                max_workers=WAITING_MAX,
            )
            subscriber(handle)
        await self._broker.start()

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message; the stream drops one that it has."""
        await self._broker.publish(
            body, topic, headers={"Nats-Msg-Id": message_id}, stream=self._streams[topic]
        )

    async def close(self) -> None:
        """Disconnect; a client that looks for a lost server has to be told apart from FastStream."""
        try:
            await self._broker.stop()
        finally:
            if self._client is not None:
                await self._client.close()


async def _read(message: StreamMessage[Any]) -> Incoming:
    raw = message.raw_message
    return Incoming(raw.subject, str(raw.metadata.sequence.stream), message.body)


async def _known(error: Exception) -> None:
    """Say nothing of what the client meets while it looks for its server: deliveries that fail tell of it."""
