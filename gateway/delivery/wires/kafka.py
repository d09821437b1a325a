"""Kafka: a message is known by partition, offset and time, and confirmed by moving the group's offset.

Offsets begin at 0 again when somebody makes the topic anew; the time tells the new messages from the old ones.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.security import parse_security
from faststream.message import StreamMessage

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.site.wes import BrokerUpstream

REQUEST_MS: Final = 10_000
"""A request without an answer for this long has failed; a group that is new lets its first member wait for 3 s."""


class KafkaWire:
    """The Wire to Kafka."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        self._servers = [url.rpartition("//")[2] for url in settings.url.split(",")]
        self._security = security(settings)
        self._broker = KafkaBroker(
            self._servers,
            security=self._security,
            request_timeout_ms=REQUEST_MS,
            acks="all",
            apply_types=False,
            logger=SILENT,
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe, as one member of the group for all topics: a second one would stop the first.

        It is always the same member: after a crash it goes on at once, and the group waits for nobody who is gone.
        """
        await self._look()
        subscriber = self._broker.subscriber(
            *topics,
            group_id=self._settings.consumer,
            group_instance_id=self._settings.consumer,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            decoder=_read,
        )
        subscriber(handle)
        await self._broker.start()

    async def _look(self) -> None:
        """Find the cluster; FastStream's parts would leave open what they have begun when there is none."""
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self._servers, request_timeout_ms=REQUEST_MS, **parse_security(self._security)
        )
        try:
            await admin.start()
        finally:
            await admin.close()

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message; those of one order or product stay in order by their key.

        Returns once every replica in sync has it: what only the leader has goes with the leader.
        """
        key = str(body.get("omsOrderNo") or body.get("skuId") or message_id)
        await self._broker.publish(body, topic, key=key.encode(), headers={"message_id": message_id})

    async def alive(self, within_s: float) -> bool:
        """Tell whether the broker answers."""
        return await self._broker.ping(within_s)

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()


async def _read(message: StreamMessage[Any]) -> Incoming:
    raw = message.raw_message
    return Incoming(raw.topic, f"{raw.partition}-{raw.offset}@{raw.timestamp}", message.body)
