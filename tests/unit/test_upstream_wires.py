"""Kafka, RabbitMQ and Redis without their servers: what each wire sends and takes, on FastStream's brokers in memory."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from faststream.kafka import TestKafkaBroker
from faststream.rabbit import TestRabbitBroker
from faststream.redis import TestRedisBroker

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.kafka import KafkaWire
from gateway.delivery.wires.rabbitmq import RabbitWire
from gateway.delivery.wires.redis import RedisWire
from gateway.site.wes import BrokerUpstream

pytestmark = pytest.mark.unit

KINDS: dict[
    str, tuple[str, Callable[[BrokerUpstream], Any], Callable[[Any], AbstractAsyncContextManager[Any]]]
] = {
    "kafka": ("kafka-1:9092,kafka-2:9092", KafkaWire, TestKafkaBroker),
    "rabbitmq": ("amqp://mq:5672", RabbitWire, TestRabbitBroker),
    "redis": ("redis://cache:6379", RedisWire, TestRedisBroker),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_published_on_a_command_topic_is_taken_with_its_topic_and_identity(kind: str) -> None:
    url, make, in_memory = KINDS[kind]
    wire = make(BrokerUpstream.model_validate({"kind": kind, "url": url}))
    taken: list[Incoming] = []

    async def handle(message: Incoming) -> None:
        taken.append(message)

    async with in_memory(wire._broker):
        await wire.open(("COMMANDS", "CANCELS"), handle)
        await wire.publish("COMMANDS", "CB7", {"commandId": "C-1"})
        await wire.close()
    assert {(message.topic, message.body) for message in taken} == {("COMMANDS", b'{"commandId":"C-1"}')}
    if kind != "redis":  # whose stand-in in memory numbers nothing
        assert all(message.message_id for message in taken)
