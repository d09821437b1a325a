"""Messages of a broker, on every database: none is so strange that it comes again for ever."""

import json
from typing import Any

import pytest

from gateway.delivery.brokers import Incoming
from gateway.delivery.inbound import Inbound
from gateway.kernel.ports import Store
from gateway.site.wes import BrokerUpstream
from gateway.wes.core import WesCore
from tests.unit.wes_rig import command, core_on, settings

BROKER: dict[str, Any] = {"kind": "nats", "url": "nats://127.0.0.1:4222"}
COMMANDS = "WMS_OUTBOUND_COMMAND_WH-1"
CANCELS = "WMS_OUTBOUND_CANCEL_WH-1"


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (COMMANDS, command("C\0", ("A", 1))),
        (COMMANDS, command("C-1", ("A\0", 1))),
        (COMMANDS, command("C-1", ("A", 1)) | {"ownerId": "\0"}),
        (COMMANDS, {"orderNo": "\0", "commandId": "\0"}),
        (CANCELS, {"orderNo": "\0", "commandId": "\0"}),
        (CANCELS, {"orderNo": "O\0", "commandId": "C-1", "reason": "\0"}),
    ],
    ids=["command", "product", "owner", "nothing else", "cancel", "cancel in full"],
)
async def test_a_message_with_characters_that_no_database_takes_is_declined(
    store: Store, topic: str, body: dict[str, Any]
) -> None:
    opened = await core_on(store, settings(upstream={"broker": BROKER}))
    await opened.products("A")
    parts = WesCore(store=store, context=opened.context, numbers=opened.numbers)
    inbound = Inbound(parts, BrokerUpstream.model_validate(BROKER))
    await inbound.take(Incoming(topic, "1", json.dumps(body).encode()))
    ((told,),) = await opened.rows("SELECT body FROM outbox")
    assert json.loads(told)["status"] == "FAIL"
