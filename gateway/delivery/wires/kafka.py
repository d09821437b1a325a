"""Kafka: a message is known by partition and offset, and confirmed by moving the group's offset."""

from collections.abc import Awaitable, Callable
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.site.wes import BrokerUpstream


class KafkaWire:
    """The Wire to Kafka."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        servers = [url.rpartition("//")[2] for url in settings.url.split(",")]
        self._broker = KafkaBroker(servers, security=security(settings), apply_types=False, logger=SILENT)

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe."""
        for topic in topics:
            subscriber = self._broker.subscriber(
                topic,
                group_id=self._settings.consumer,
                auto_offset_reset="earliest",
                ack_policy=AckPolicy.NACK_ON_ERROR,
                decoder=_read,
            )
            subscriber(handle)
        await self._broker.start()

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message; those of one order or product stay in order by their key."""
        key = str(body.get("omsOrderNo") or body.get("skuId") or message_id)
        await self._broker.publish(body, topic, key=key.encode(), headers={"message_id": message_id})

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()


async def _read(message: StreamMessage[Any]) -> Incoming:
    raw = message.raw_message
    return Incoming(raw.topic, f"{raw.topic}-{raw.partition}-{raw.offset}", message.body)
