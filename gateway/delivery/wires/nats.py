"""NATS JetStream: streams are made if nobody has; a message is known by its place in the stream and its time.

Places begin at 1 again when somebody makes the stream anew; the time tells the new messages from the old ones.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.subscriber.usecases import LogicSubscriber
from nats.aio.client import Client
from nats.errors import ConnectionClosedError, Error, NoServersError
from nats.js import JetStreamContext
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.security import SILENT, security
from gateway.site.wes import BrokerUpstream

CLOSE_S: Final = 1.0
WAITING_MAX: Final = 64
"""Messages that are under way to us at a time."""


class _Client(Client):
    """A client that speaks TLS where it was told to, or not at all, and from which nobody fetches once it is closed."""

    def __init__(self, broker: NatsBroker) -> None:
        super().__init__()
        self._readers = broker

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        """Close; those who fetch would go on with a closed client without ever pausing, and nothing else would run."""
        for reader in self._readers.subscribers:
            assert isinstance(reader, LogicSubscriber)
            reader.running, reader.subscription = False, None
        await super()._close(status, do_cbs)

    def _connect_command(self) -> bytes:
        """Return what shows the server who we are; the library would do so in the clear if it is told of no TLS."""
        if "tls" in self.options and not self._server_info.get("tls_required"):
            raise Error("the server offers no TLS")
        return super()._connect_command()


class _Broker(NatsBroker):
    """FastStream's broker with that client, which leaves nothing behind if it finds no server."""

    async def _connect(self) -> Client:
        client = _Client(self)
        try:
            await client.connect(**self._connection_kwargs)
        except BaseException:
            with suppress(
                TimeoutError
            ):  # the library waits in vain for the end of a connection whose TLS failed
                async with asyncio.timeout(CLOSE_S):
                    await client.close()
            raise
        self.config.connect(client)
        return client


class NatsWire:
    """The Wire to NATS."""

    def __init__(self, settings: BrokerUpstream) -> None:
        self._settings = settings
        self._streams: dict[str, str] = {}
        self._client: Client | None = None
        self._reason: Exception | None = None
        self._broker = _Broker(
            settings.url.split(","),
            security=security(settings),
            apply_types=False,
            logger=SILENT,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            error_cb=self._note,
        )

    async def open(self, topics: tuple[str, ...], handle: Callable[[Incoming], Awaitable[None]]) -> None:
        """Connect and subscribe."""
        try:
            self._client = await self._broker.connect()
        except NoServersError:
            raise self._reason or ConnectionError("no server") from None
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

    async def alive(self, within_s: float) -> bool:
        """Tell whether the server answers."""
        assert self._client
        try:
            async with asyncio.timeout(within_s):
                await self._client.flush()
        except (Error, OSError):
            await self._client.close()  # to stop in order would mean to wait for answers
            return False
        return True

    async def close(self) -> None:
        """Disconnect; a client that was lost is closed already."""
        with suppress(ConnectionClosedError):
            await self._broker.stop()

    async def _note(self, error: Exception) -> None:
        """Remember why no server was found; the client raises only that there is none."""
        self._reason = error


async def _read(message: StreamMessage[Any]) -> Incoming:
    raw = message.raw_message
    place, time = raw.metadata.sequence.stream, raw.metadata.timestamp
    return Incoming(raw.subject, f"{place}@{time.isoformat()}", message.body)
