"""Upstream behind NATS JetStream: commands in, callbacks out, over a real server that goes away and comes back."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import nats
import pytest
from nats.errors import NoServersError
from nats.errors import TimeoutError as NothingCame
from nats.js import JetStreamContext
from nats.js.errors import NoStreamResponseError, NotFoundError

from drivers.links.nats_server import server_binary
from gateway.delivery.brokers import Incoming, StreamBroker, open_broker
from gateway.delivery.inbound import Inbound
from gateway.delivery.upstream import UpstreamDelivery
from gateway.site.wes import BrokerUpstream
from gateway.wes.core import WesCore
from tests.unit.wes_rig import Core, command, core
from tests.wire.processes import free_ports

pytestmark = pytest.mark.wire

COMMANDS = "WMS_OUTBOUND_COMMAND_WH-1"
CANCELS = "WMS_OUTBOUND_CANCEL_WH-1"
CALLBACKS = "OMS_STATUS_CALLBACK"


@contextmanager
def nats_server(port: int, folder: Path) -> Generator[None]:
    arguments = [str(server_binary()), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(10)


@asynccontextmanager
async def oms(port: int) -> AsyncGenerator[JetStreamContext]:
    for _ in range(100):
        try:
            client = await nats.connect(
                f"nats://127.0.0.1:{port}", connect_timeout=1, max_reconnect_attempts=1
            )
            break
        except (OSError, NoServersError):
            await asyncio.sleep(0.05)
    else:
        raise AssertionError("no server")
    try:
        yield client.jetstream()
    finally:
        await client.close()


@asynccontextmanager
async def wes(port: int) -> AsyncGenerator[tuple[Core, StreamBroker]]:
    """Run a core with its broker and its deliveries."""
    settings = BrokerUpstream.model_validate({"kind": "nats", "url": f"nats://127.0.0.1:{port}"})
    async with core(upstream={"broker": settings.model_dump()}) as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        broker = open_broker(settings, "WH-1")
        delivery = UpstreamDelivery(
            store=opened.store,
            courier=broker,
            clock=opened.clock,
            steady=opened.clock,
            rng=Random(1),
            callbacks=parts.callbacks,
        )
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(broker.run(Inbound(parts, settings).take)),
                tasks.create_task(delivery.run()),
            ]
            yield opened, broker
            for task in running:
                task.cancel()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.05)


async def send(jetstream: JetStreamContext, topic: str, body: Any) -> None:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def sent() -> bool:
        try:
            await jetstream.publish(topic, payload, timeout=1)
        except NoStreamResponseError:
            return False
        return True

    await until(sent)


async def callbacks(jetstream: JetStreamContext, count: int) -> list[dict[str, Any]]:
    heard = await jetstream.pull_subscribe(CALLBACKS, "oms-callback-consumer")
    messages: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(messages) < count:
            try:
                fetched = await heard.fetch(10, timeout=0.5)
            except NothingCame:
                continue
            for message in fetched:
                messages.append(json.loads(message.data))
                await message.ack()
    return messages


async def test_an_order_comes_in_and_what_becomes_of_it_goes_out(tmp_path: Path) -> None:
    port = free_ports(1)
    with nats_server(port, tmp_path):
        async with oms(port) as jetstream, wes(port) as (opened, _):
            await opened.stock("A", 5)
            await send(jetstream, COMMANDS, command("C-1", ("A", 1)))
            await send(jetstream, COMMANDS, command("C-1", ("A", 1)))
            await send(jetstream, COMMANDS, command("C-2", ("X", 1)))
            await send(jetstream, COMMANDS, b"nonsense")
            told = await callbacks(jetstream, 3)
            await send(jetstream, CANCELS, {"orderNo": "ORD-C-1", "reason": "test"})
            told += await callbacks(jetstream, 1)
            assert sorted((each["status"], each["omsOrderNo"], each["sequence"]) for each in told) == [
                ("CANCELLED", "ORD-C-1", 2),
                ("FAIL", "", 0),
                ("FAIL", "ORD-C-2", 0),
                ("RECEIVED", "ORD-C-1", 1),
            ]
            assert await opened.count("orders") == {"orders": 1}
            assert await opened.count("inbox") == {"inbox": 5}


async def test_what_happens_while_the_broker_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    port = free_ports(1)
    async with wes(port) as (opened, _):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 1)))
        with nats_server(port, tmp_path):
            async with oms(port) as jetstream:
                (told,) = await callbacks_when_there(jetstream)
                assert told["status"] == "RECEIVED"

                async def noted() -> bool:
                    return await opened.rows("SELECT state FROM outbox") == [("delivered",)]

                await until(noted)


async def callbacks_when_there(jetstream: JetStreamContext) -> list[dict[str, Any]]:
    async def there() -> bool:
        try:
            return bool(await jetstream.find_stream_name_by_subject(CALLBACKS))
        except NotFoundError:
            return False

    await until(there)
    return await callbacks(jetstream, 1)


async def test_a_message_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    port = free_ports(1)
    with nats_server(port, tmp_path):
        async with oms(port) as jetstream, wes(port) as (opened, broker):
            await send(jetstream, COMMANDS, command("C-1", ("X", 1)))
            await callbacks(jetstream, 1)
            settings = opened.context.wes.upstream.broker
            assert settings is not None
            parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
            ((message_id,),) = await opened.rows("SELECT message_id FROM inbox")
            again = Incoming(COMMANDS, message_id, json.dumps(command("C-1", ("X", 1))).encode())
            await Inbound(parts, settings).take(again)
            assert await opened.count("outbox") == {"outbox": 1}
            assert broker is not None
