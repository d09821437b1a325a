"""RabbitMQ: durable queues named like the topics; a message is known by the id that its sender gave it, if any."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.rabbit import RabbitBroker, RabbitQueue

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.kernel.supervise import to_its_end
from gateway.site.wes import BrokerUpstream

CONNECT_S: Final = 5.0


class RabbitWire:
    """The Wire to RabbitMQ."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        self._broker = RabbitBroker(
            settings.url, security=security(settings), apply_types=False, logger=SILENT, timeout=CONNECT_S
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect, declare the queues and subscribe."""
        # Cut off, aio-pika would go on connecting for ever, and nothing could end it, not even the end of the program.
        await to_its_end(self._broker.connect())
        told = self._settings.topics
        for topic in (told.status_callback, told.inventory_sync, told.inventory_sync_batch):
            await self._broker.declare_queue(RabbitQueue(topic, durable=True))
        for topic in topics:
            subscriber = self._broker.subscriber(
                RabbitQueue(topic, durable=True), ack_policy=AckPolicy.NACK_ON_ERROR, decoder=_read
            )
            subscriber(handle)
        await self._broker.start()

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message to the queue of its topic; the broker keeps it over a restart."""
        await self._broker.publish(body, topic, persist=True, mandatory=True, message_id=message_id)

    async def alive(self, within_s: float) -> bool:
        """Tell whether the broker answers."""
        return await self._broker.ping(within_s)

    async def close(self) -> None:
        """Disconnect."""
        await self._broker.stop()


async def _read(message: StreamMessage[Any]) -> Incoming:
    raw = message.raw_message
    return Incoming(raw.routing_key or "", raw.message_id, message.body)
