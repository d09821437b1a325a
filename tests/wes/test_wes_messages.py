"""Messages of a broker, on every database: none is so strange that it comes again for ever."""

import json
from typing import Any

import pytest

from gateway.delivery.brokers import Incoming
from gateway.delivery.inbound import Inbound
from gateway.kernel.ports import Store
from gateway.site.wes import BrokerUpstream
from gateway.wes.core import WesCore
from tests.unit.wes_rig import Core, command, core_on, settings

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
    opened, inbound = await inbound_on(store)
    await inbound.take(Incoming(topic, "1", json.dumps(body).encode()))
    assert await told(opened) == [("FAIL", "nulCharacter")]


@pytest.mark.parametrize("topic", [COMMANDS, CANCELS])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"commandId": "C-1", "priority": 9, "priority": 0}', "brokenJson"),
        (b'{"orderNo": "ORD-1", "reason": "no", "orderNo": "ORD-2"}', "brokenJson"),
        (b'{"commandId": ', "brokenJson"),
        (b"[" * 100_000, "brokenJson"),
        (b'{"priority": 1' + b"0" * 5_000 + b"}", "brokenJson"),
        (b'"' + b"x" * 1_000_000 + b'"', "tooLarge"),
    ],
    ids=("a name twice", "another name twice", "broken", "abyss", "many digits", "too long"),
)
async def test_a_message_that_is_refused_over_http_is_declined_for_the_same_reason_and_is_not_read_again(
    store: Store, topic: str, body: bytes, code: str
) -> None:
    opened, inbound = await inbound_on(store)
    for _ in range(2):
        await inbound.take(Incoming(topic, "1", body))
    assert await told(opened) == [("FAIL", code)]


async def inbound_on(store: Store) -> tuple[Core, Inbound]:
    opened = await core_on(store, settings(upstream={"broker": BROKER}))
    await opened.products("A")
    parts = WesCore(store=store, context=opened.context, numbers=opened.numbers)
    return opened, Inbound(parts, BrokerUpstream.model_validate(BROKER))


async def told(opened: Core) -> list[tuple[str, str]]:
    """Return the status of each callback, and its first reason."""
    bodies = [json.loads(row[0]) for row in await opened.rows("SELECT body FROM outbox")]
    return [(body["status"], body["errors"][0]["code"]) for body in bodies]
