"""RabbitMQ without its server, on FastStream's broker in memory; the others: tests/wire/test_upstream_brokers.py."""

import pytest
from faststream.rabbit import TestRabbitBroker

from gateway.delivery.brokers import Incoming
from gateway.delivery.wires.rabbitmq import RabbitWire
from gateway.site.wes import BrokerUpstream

pytestmark = pytest.mark.unit


async def test_what_is_published_on_a_command_topic_is_taken_with_its_topic_and_identity() -> None:
    wire = RabbitWire(BrokerUpstream.model_validate({"kind": "rabbitmq", "url": "amqp://mq:5672"}))
    taken: list[Incoming] = []

    async def handle(message: Incoming) -> None:
        taken.append(message)

    async with TestRabbitBroker(wire._broker):
        await wire.open(("COMMANDS", "CANCELS"), handle)
        await wire.publish("COMMANDS", "CB7", {"commandId": "C-1"})
        await wire.close()
    assert taken == [Incoming("COMMANDS", "CB7", b'{"commandId":"C-1"}')]
