"""Upstream behind a message broker (S4-13, S4-19, S4-33): NATS JetStream, Kafka, RabbitMQ or Redis streams, by FastStream.

The broker is only the wire. What is sent stands in the outbox until the broker has confirmed it, and what is received is
confirmed only after the transaction that took it; a message that comes twice is known by the broker's own number of it.
FastStream is an extra (`pip install warehouse-gateway[broker]`) and imported where a site asks for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, assert_never, runtime_checkable

import structlog
from pydantic_core import from_json

from gateway.delivery.sender import Answer
from gateway.delivery.upstream import Courier
from gateway.site.wes import BrokerKind, BrokerUpstream, Topics
from gateway.wes.outbox import Message, Topic

log = structlog.get_logger()

OPEN_S: Final = 30.0
PUBLISH_S: Final = 10.0
PAUSE_FIRST_S: Final = 0.5
PAUSE_MAX_S: Final = 15.0
AGAIN_S: Final = 1.0
LOOK_S: Final = 1.0
"""From one look at the connection to the next …"""
ANSWER_S: Final = 5.0
"""… and how long its answer may take."""
CLOSE_S: Final = 25.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of upstream.

    Attributes:
        message_id: the broker's own, the same if it comes again; None where the broker has none.
    """

    topic: str
    message_id: str | None
    body: bytes


Take = Callable[[Incoming], Awaitable[None]]
"""Takes one message, durably; raises if it is to come again."""


@runtime_checkable
class Broker(Courier, Protocol):
    """Brings messages to upstream, and those of upstream in."""

    async def run(self, take: Take) -> None:
        """Stay connected until cancelled."""
        ...


class Wire(Protocol):
    """One kind of broker."""

    async def open(self, topics: tuple[str, ...], handle: Callable[[Any], Awaitable[None]]) -> None:
        """Connect, and hand over what comes in on these topics, confirming each after its handling."""
        ...

    async def publish(self, topic: str, message_id: str, body: Any) -> None:
        """Send one message; return once the broker has confirmed it."""
        ...

    async def alive(self, within_s: float) -> bool:
        """Tell whether the broker answers within a time."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class StreamBroker:
    """A broker of any kind."""

    def __init__(self, settings: BrokerUpstream, warehouse_id: str, wire: Callable[[], Wire]) -> None:
        self._topics = settings.topics
        self._commands = command_topics(settings.topics, warehouse_id)
        self._make = wire
        self._wire: Wire | None = None
        self._lost = False

    async def run(self, take: Take) -> None:
        """Stay connected until cancelled. A connection is never repaired: once it is lost, the next one is made."""

        # FastStream runs what is no coroutine function in a thread, and confirms whatever that returns.
        async def handle(message: Incoming) -> None:
            await self._hand_over(take, message)

        task, pause = asyncio.current_task(), PAUSE_FIRST_S
        assert task
        told_before = task.cancelling()
        while True:
            try:
                async with self._connected(handle) as wire:
                    pause = PAUSE_FIRST_S
                    await _until_lost(wire)
                    self._tell_lost("it answers no more")
            except Exception as error:  # noqa: BLE001 - every client has its own; all say that there is no broker
                self._tell_lost(str(error) or type(error).__name__)
            # nats-py waits with asyncio.wait_for, which in Python 3.11 loses a cancellation that comes together with an error.
            if task.cancelling() > told_before:
                raise asyncio.CancelledError
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_MAX_S)

    @asynccontextmanager
    async def _connected(self, handle: Callable[[Incoming], Awaitable[None]]) -> AsyncGenerator[Wire]:
        wire = self._make()
        try:
            async with asyncio.timeout(OPEN_S):
                await wire.open(self._commands, handle)
            log.info("upstream's broker is connected")
            self._wire, self._lost = wire, False
            yield wire
        finally:
            self._wire = None
            await _quietly(wire)

    def _tell_lost(self, reason: str) -> None:
        """Say once that there is no broker."""
        if not self._lost:
            log.warning("upstream's broker cannot be reached", error=reason)
        self._lost = True

    async def _hand_over(self, take: Take, message: Incoming) -> None:
        """Let a message be taken; one that cannot be comes again, after a pause."""
        try:
            await take(message)
        except Exception as error:
            log.warning("a message of upstream comes again", topic=message.topic, error=str(error))
            await asyncio.sleep(AGAIN_S)
            raise

    async def deliver(self, message: Message) -> Answer:
        """Send one message."""
        if self._wire is None:
            return Answer(None, "the broker is not connected")
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._wire.publish(
                    _topic(self._topics, message.topic), f"CB{message.message_id}", from_json(message.body)
                )
        except Exception as error:  # noqa: BLE001 - as above
            return Answer(None, str(error) or type(error).__name__)
        return Answer(200)


def command_topics(topics: Topics, warehouse_id: str) -> tuple[str, ...]:
    """Return the topics of commands and of cancellations."""
    return (f"{topics.outbound_command}_{warehouse_id}", f"{topics.outbound_cancel}_{warehouse_id}")


def open_broker(settings: BrokerUpstream, warehouse_id: str) -> StreamBroker:
    """Return the broker of a site.

    Raises:
        ImportError: the extra `broker` is not installed.
    """
    match settings.kind:
        case BrokerKind.NATS:
            from gateway.delivery.wires.nats import NatsWire as Kind
        case BrokerKind.KAFKA:
            from gateway.delivery.wires.kafka import KafkaWire as Kind
        case BrokerKind.RABBITMQ:
            from gateway.delivery.wires.rabbitmq import RabbitWire as Kind
        case BrokerKind.REDIS:
            from gateway.delivery.wires.redis import RedisWire as Kind
        case _:
            assert_never(settings.kind)
    return StreamBroker(settings, warehouse_id, lambda: Kind(settings))


def _topic(topics: Topics, topic: Topic) -> str:
    match topic:
        case Topic.STATUS_CALLBACK:
            return topics.status_callback
        case Topic.INVENTORY_SYNC:
            return topics.inventory_sync
        case Topic.INVENTORY_SYNC_BATCH:
            return topics.inventory_sync_batch
        case _:
            assert_never(topic)


async def _until_lost(wire: Wire) -> None:
    alive = True
    while alive:
        await asyncio.sleep(LOOK_S)
        alive = await wire.alive(ANSWER_S)


async def _quietly(wire: Wire) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await wire.close()
    except Exception as error:  # noqa: BLE001 - it is being left anyway
        log.debug("a broker's connection did not close", error=str(error))
