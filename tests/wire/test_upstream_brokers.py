"""Upstream behind each kind of broker: commands in, callbacks out, over real servers that are killed, frozen and come back."""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.contract.wms import CallbackStatus
from gateway.delivery.brokers import Incoming, open_broker
from gateway.delivery.inbound import Inbound
from gateway.delivery.upstream import UpstreamDelivery
from gateway.delivery.wires import rabbitmq
from gateway.kernel.ports import Tx
from gateway.site.wes import BrokerUpstream
from gateway.wes.core import WesCore
from gateway.wes.outbox import call_back
from tests.unit.wes_rig import Core, command, core
from tests.wire.certificates import Authority, Signed
from tests.wire.processes import free_ports
from tests.wire.upstream_brokers import AWAY, BROKERS, Broker, KafkaBroker, NatsBroker, RedisBroker

pytestmark = pytest.mark.wire

COMMANDS = "WMS_OUTBOUND_COMMAND_WH-1"
CANCELS = "WMS_OUTBOUND_CANCEL_WH-1"
CALLBACKS = "OMS_STATUS_CALLBACK"
CONSUMER = "wms-outbound-consumer"
PRODUCE = bytes(2)
"""A Kafka request that begins so brings messages …"""
ALL_REPLICAS = -1
"""… and is answered once all replicas in sync have them, if it asks for so many."""
PATIENCE_S = 40.0
PASSES = 40
"""Passes of the event loop within which a connection is refused, by far."""


@asynccontextmanager
async def wes(settings: dict[str, Any]) -> AsyncGenerator[Core]:
    """Run a core with its broker and its deliveries."""
    wanted = BrokerUpstream.model_validate(settings)
    async with core(upstream={"broker": settings}) as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        broker = open_broker(wanted, "WH-1")
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
                tasks.create_task(broker.run(Inbound(parts, wanted).take)),
                tasks.create_task(delivery.run()),
            ]
            yield opened
            for task in running:
                task.cancel()


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something; a broker that is away makes it false."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await true():
                    return
            except AWAY:
                pass
            await asyncio.sleep(0.05)


async def send(broker: Broker, topic: str, body: Any) -> None:
    async def sent() -> bool:
        await broker.send(topic, body if isinstance(body, bytes) else json.dumps(body).encode())
        return True

    await until(sent)


async def callbacks(broker: Broker, count: int) -> list[dict[str, Any]]:
    """Return the callbacks that the OMS has, as soon as they are so many."""
    heard: list[dict[str, Any]] = []

    async def enough() -> bool:
        heard[:] = await broker.heard(CALLBACKS)
        return len(heard) >= count

    await until(enough)
    return heard


async def connected(opened: Core, broker: Broker) -> None:
    """Wait until what upstream sends is taken."""
    await send(broker, CANCELS, {"orderNo": "nobody's", "reason": "a first sign"})

    async def taken() -> bool:
        return await opened.count("inbox") == {"inbox": 1}

    await until(taken)


async def delivered(opened: Core) -> bool:
    return {state for (state,) in await opened.rows("SELECT state FROM outbox")} == {"delivered"}


@pytest.mark.parametrize("kind", BROKERS)
async def test_an_order_comes_in_and_what_becomes_of_it_goes_out(kind: str, tmp_path: Path) -> None:
    broker = BROKERS[kind](tmp_path)
    with broker.program.running():
        async with wes(await broker.settings()) as opened:
            await opened.stock("A", 5)
            await send(broker, COMMANDS, command("C-1", ("A", 1)))
            await send(broker, COMMANDS, command("C-1", ("A", 1)))
            await send(broker, COMMANDS, command("C-2", ("X", 1)))
            await send(broker, COMMANDS, b"nonsense")
            await callbacks(broker, 3)
            await send(broker, CANCELS, {"orderNo": "ORD-C-1", "reason": "test"})
            told = await callbacks(broker, 4)
            assert sorted((each["status"], each["omsOrderNo"], each["sequence"]) for each in told) == [
                ("CANCELLED", "ORD-C-1", 2),
                ("FAIL", "", 0),
                ("FAIL", "ORD-C-2", 0),
                ("RECEIVED", "ORD-C-1", 1),
            ]
            assert await opened.count("orders") == {"orders": 1}
            assert await opened.count("inbox") == {"inbox": 5}


@pytest.mark.parametrize("kind", ["nats", "redis"])
async def test_what_happens_while_the_broker_is_silent_waits_and_is_told_once_it_speaks_again(
    kind: str, tmp_path: Path
) -> None:
    broker = BROKERS[kind](tmp_path)
    with broker.program.running(), capture_logs() as log:
        async with wes(await broker.settings()) as opened:
            await opened.stock("A", 5)
            await connected(opened, broker)
            await until_told(log, "upstream's broker is connected")
            log.clear()
            broker.program.freeze()
            await opened.submit(command("C-1", ("A", 1)))
            await until_told(log, "upstream's broker cannot be reached")
            assert not await delivered(opened)
            broker.program.thaw()
            await until(partial(delivered, opened))
            await until_told(log, "upstream's broker is connected")
            told = [each["omsOrderNo"] for each in await callbacks(broker, 2)]
            assert set(told) == {"nobody's", "ORD-C-1"}
    lines = [entry["event"] for entry in log if "broker" in entry["event"]]
    assert lines == ["upstream's broker cannot be reached", "upstream's broker is connected"]


async def until_told(log: list[Any], event: str) -> None:
    async def told() -> bool:
        return any(entry["event"] == event for entry in log)

    await until(told)


@pytest.mark.parametrize("kind", ["nats", "redis"])
async def test_a_broker_that_is_killed_again_and_again_loses_no_callback_and_no_order_of_them(
    kind: str, tmp_path: Path
) -> None:
    broker = BROKERS[kind](tmp_path)
    orders, steps, kills = 5, 12, 3
    async with wes(await broker.settings()) as opened:
        await opened.stock("A", 100)
        with broker.program.running():
            await connected(opened, broker)
            for number in range(orders):
                await opened.submit(command(f"C-{number}", ("A", 1)))
            for kill in range(kills):
                for _ in range(steps // kills):
                    await tell_all(opened)
                    await asyncio.sleep(0.1)
                broker.program.kill()
                await tell_all(opened)
                broker.program.start()
                await until(partial(caught_up, broker, orders * (1 + (kill + 1) * (steps // kills + 1))))
            await until(partial(delivered, opened))
            told = await broker.heard(CALLBACKS)
    sequences = sequences_of(told)
    sequences.pop("nobody's")
    assert sequences == {f"ORD-C-{n}": list(range(1, 2 + steps + kills)) for n in range(orders)}


def sequences_of(told: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return the sequence of each order's callbacks as it was told; a message may come twice, under the same id."""
    sequences: defaultdict[str, list[int]] = defaultdict(list)
    for each in told:
        known = sequences[each["omsOrderNo"]]
        if each["sequence"] not in known:
            known.append(each["sequence"])
    return dict(sequences)


async def tell_all(opened: Core) -> None:
    """Let something happen to every order that upstream is told of."""

    async def job(tx: Tx) -> None:
        for (order_id,) in await tx.fetch("SELECT order_id FROM orders", {}):
            await call_back(tx, opened.context, order_id, CallbackStatus.PICKING)

    await opened.store.write(job)


async def caught_up(broker: Broker, count: int) -> bool:
    return len({each["callbackId"] for each in await broker.heard(CALLBACKS)}) > count


async def test_kafka_loses_its_leader_and_its_coordinator_and_nothing_else(tmp_path: Path) -> None:
    """Given three brokers, when one after the other of them ends and the next one leads, then all of it goes on in order."""
    broker = KafkaBroker(tmp_path, brokers=3)
    orders, steps = 5, 4
    with broker.program.running():
        for topic in (COMMANDS, CANCELS, CALLBACKS):
            await broker.program.does(f"topic_create {topic} 1 3")
        await lead(broker, 1)
        async with wes(await broker.settings()) as opened:
            await opened.stock("A", 100)
            await connected(opened, broker)
            for number in range(orders):
                await opened.submit(command(f"C-{number}", ("A", 1)))
            for leader in (1, 2):
                for _ in range(steps // 2):
                    await tell_all(opened)
                    await asyncio.sleep(0.1)
                await broker.program.does(f"broker_set_down {leader}")
                await tell_all(opened)
                await lead(broker, leader + 1)
                await send(broker, COMMANDS, command(f"L-{leader}", ("A", 1)))
                await until(partial(has_orders, opened, orders + leader))
            await until(partial(delivered, opened))
            told = await broker.heard(CALLBACKS)
    sequences = sequences_of(told)
    assert {order: sequences[order] for order in sequences if order.startswith("ORD-C-")} == {
        f"ORD-C-{n}": list(range(1, 2 + steps + 2)) for n in range(orders)
    }


async def lead(broker: KafkaBroker, leader: int) -> None:
    """Let one of Kafka's brokers lead."""
    for topic in (COMMANDS, CANCELS, CALLBACKS):
        await broker.program.does(f"partition_set_leader {topic} 0 {leader}")
    await broker.program.does(f"coordinator_set group {CONSUMER} {leader}")


async def has_orders(opened: Core, count: int) -> bool:
    return await opened.count("orders") == {"orders": count}


async def test_kafka_is_told_that_all_replicas_have_to_have_a_message(tmp_path: Path) -> None:
    """The cluster in memory has no replicas that could lag behind: what it is asked for is read on the wire."""
    broker = KafkaBroker(tmp_path)
    with broker.program.running():
        host, _, port = (await broker.settings())["url"].partition(":")
        async with listening(int(port)) as (relayed, produced):
            await broker.program.does(f"broker_set_host_port 1 {host} {relayed}")
            async with wes({"kind": "kafka", "url": f"{host}:{relayed}"}) as opened:
                await opened.stock("A", 5)
                await opened.submit(command("C-1", ("A", 1)))
                await until(partial(delivered, opened))
    assert {acks(request) for request in produced} == {ALL_REPLICAS}


@asynccontextmanager
async def listening(port: int) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """Relay a Kafka broker; note what is asked for in its Produce requests."""
    produced: list[bytes] = []

    async def relay(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(listen(near, forth), pass_on(far, back))

    async def listen(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                size = await source.readexactly(4)
                request = await source.readexactly(int.from_bytes(size))
                if request.startswith(PRODUCE):
                    produced.append(request)
                target.write(size + request)
                await target.drain()
        target.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], produced


def acks(request: bytes) -> int:
    """Read how many replicas a Produce request of version 3 to 8 waits for (Kafka protocol guide).

    Key, version and correlation id take 8 bytes; the client's id and that of a transaction follow, each behind its length, then it.
    """
    assert 3 <= int.from_bytes(request[2:4]) <= 8
    place = 8
    for _ in ("client", "transaction"):
        place += 2 + max(int.from_bytes(request[place : place + 2], signed=True), 0)
    return int.from_bytes(request[place : place + 2], signed=True)


async def test_a_message_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    broker = NatsBroker(tmp_path)
    with broker.program.running():
        settings = await broker.settings()
        async with wes(settings) as opened:
            await send(broker, COMMANDS, command("C-1", ("X", 1)))
            await callbacks(broker, 1)
            parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
            ((message_id,),) = await opened.rows("SELECT message_id FROM inbox")
            again = Incoming(COMMANDS, message_id, json.dumps(command("C-1", ("X", 1))).encode())
            await Inbound(parts, BrokerUpstream.model_validate(settings)).take(again)
            assert await opened.count("outbox") == {"outbox": 1}


# -- who may come in --

USER, PASSWORD = "wes", "a-Passw0rd-that-is-in-no-log"


@dataclass(frozen=True)
class Keys:
    """What a site has on disk for its broker, and what the broker has."""

    authority: Authority
    server: Signed
    gateway: Signed
    password: Path

    def login(self, **changes: Any) -> dict[str, Any]:
        return {"username": USER, "password_file": self.password} | changes


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    authority, password = Authority(tmp_path), tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    server = authority.sign("server", address="127.0.0.1")
    return Keys(authority, server, authority.sign("gateway"), password)


def guarded_nats(folder: Path, keys: Keys, **tls: Any) -> NatsBroker:
    """Return a server that wants TLS and a password."""
    files = {"cert_file": str(keys.server.certificate), "key_file": str(keys.server.key)}
    authorization = {"user": USER, "password": PASSWORD}
    return NatsBroker(folder, tls=files | tls, authorization=authorization)


def over_tls(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {"url": settings["url"].replace("nats://", "tls://").replace("redis://", "rediss://")}


async def is_connected(log: list[Any]) -> bool:
    return any(entry["event"] == "upstream's broker is connected" for entry in log)


async def reason(settings: dict[str, Any]) -> str:
    """Return why the gateway does not get in."""
    with capture_logs() as log:
        async with wes(settings):
            await until_told(log, "upstream's broker cannot be reached")
    assert not await is_connected(log)
    assert PASSWORD not in str(log)
    return log[0]["error"]


async def gets_in(settings: dict[str, Any]) -> None:
    with capture_logs() as log:
        async with wes(settings) as opened:
            await opened.stock("A", 5)
            await opened.submit(command("C-1", ("A", 1)))
            await until(partial(delivered, opened))
    assert PASSWORD not in str(log)


async def test_nats_is_spoken_to_over_tls_with_a_password(keys: Keys, tmp_path: Path) -> None:
    broker = guarded_nats(tmp_path, keys)
    with broker.program.running():
        await broker.program.listens(broker.port)
        await gets_in(over_tls(await broker.settings()) | keys.login(ca_file=keys.authority.certificate))


async def test_nats_may_want_a_certificate_of_the_gateway(keys: Keys, tmp_path: Path) -> None:
    broker = guarded_nats(tmp_path, keys, verify=True, ca_file=str(keys.authority.certificate))
    with broker.program.running():
        await broker.program.listens(broker.port)
        known = over_tls(await broker.settings()) | keys.login(ca_file=keys.authority.certificate)
        own = {"certificate": keys.gateway.certificate, "private_key": keys.gateway.key}
        await gets_in(known | own)
        assert await reason(known)


async def test_a_server_of_another_authority_is_not_told_the_password(keys: Keys, tmp_path: Path) -> None:
    broker = guarded_nats(tmp_path, keys)
    stranger = Authority(tmp_path, "stranger")
    with broker.program.running():
        await broker.program.listens(broker.port)
        settings = over_tls(await broker.settings()) | keys.login(ca_file=stranger.certificate)
        assert "certificate verify failed" in await reason(settings)


async def test_a_server_with_the_name_of_another_is_not_told_the_password(keys: Keys, tmp_path: Path) -> None:
    elsewhere = replace(keys, server=keys.authority.sign("elsewhere", address="10.0.0.5"))
    broker = guarded_nats(tmp_path, elsewhere)
    with broker.program.running():
        await broker.program.listens(broker.port)
        settings = over_tls(await broker.settings()) | keys.login(ca_file=keys.authority.certificate)
        assert "certificate is not valid for '127.0.0.1'" in await reason(settings)


async def test_a_server_that_has_no_tls_although_the_site_wants_it_is_not_told_the_password(
    keys: Keys, tmp_path: Path
) -> None:
    broker = NatsBroker(tmp_path, authorization={"user": USER, "password": PASSWORD})
    with broker.program.running():
        await broker.program.listens(broker.port)
        settings = over_tls(await broker.settings()) | keys.login(ca_file=keys.authority.certificate)
        assert await reason(settings) == "the server offers no TLS"


async def test_a_wrong_password_is_told_and_its_correction_is_read_at_the_next_try(
    keys: Keys, tmp_path: Path
) -> None:
    broker = guarded_nats(tmp_path, keys)
    keys.password.write_text("not yet known")
    with broker.program.running():
        await broker.program.listens(broker.port)
        settings = over_tls(await broker.settings()) | keys.login(ca_file=keys.authority.certificate)
        with capture_logs() as log:
            async with wes(settings):
                await until_told(log, "upstream's broker cannot be reached")
                assert "Authorization Violation" in log[0]["error"]
                keys.password.write_text(PASSWORD)
                await until(partial(is_connected, log))


async def test_redis_is_spoken_to_with_a_user_of_its_own(keys: Keys, tmp_path: Path) -> None:
    broker = RedisBroker(tmp_path, "user default off", f"user {USER} on ~* &* +@all >{PASSWORD}")
    with broker.program.running():
        await broker.program.listens(broker.port)
        settings = await broker.settings()
        await gets_in(settings | keys.login())
        keys.password.write_text("not this one")
        assert "WRONGPASS" not in (why := await reason(settings | keys.login()))
        assert "invalid username-password pair" in why


async def test_redis_is_spoken_to_over_tls(keys: Keys, tmp_path: Path) -> None:
    """The wheel's server has no TLS: a relay ends it, as a proxy before the server would."""
    broker = RedisBroker(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    with broker.program.running():
        await broker.program.listens(broker.port)
        async with tls_relay(keys.server, broker.port) as port:
            settings = {"kind": "redis", "url": f"rediss://127.0.0.1:{port}"}
            await gets_in(settings | {"ca_file": keys.authority.certificate})
            assert "certificate verify failed" in await reason(settings | {"ca_file": stranger.certificate})


@asynccontextmanager
async def tls_relay(identity: Signed, port: int) -> AsyncGenerator[int]:
    """Take TLS connections and pass what they say on in the clear."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.certificate, identity.key)

    async def relay(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(near, forth), pass_on(far, back))

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Let what one side says go to the other, until it has ended."""
    with suppress(OSError):
        while data := await source.read(4096):
            target.write(data)
            await target.drain()
    target.close()


@pytest.mark.parametrize(("kind", "scheme"), [("nats", "nats"), ("redis", "redis"), ("rabbitmq", "amqp")])
async def test_told_to_stop_in_whatever_moment_of_a_refused_connection_it_stops(
    kind: str, scheme: str
) -> None:
    settings = BrokerUpstream.model_validate({"kind": kind, "url": f"{scheme}://127.0.0.1:{free_ports(1)}"})
    for passes in range(PASSES):
        running = asyncio.ensure_future(open_broker(settings, "WH-1").run(_nobody_takes))
        for _ in range(passes):
            await asyncio.sleep(0)
        running.cancel()
        stopped, _ = await asyncio.wait([running], timeout=5)
        assert stopped, f"told to stop after {passes} passes, it goes on"


async def test_a_rabbitmq_that_takes_connections_and_is_silent_is_given_up_and_holds_up_no_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aio-pika went on connecting for ever, once more for each attempt, and the process never ended."""
    monkeypatch.setattr(rabbitmq, "CONNECT_S", 0.3)
    waiting, taken = 0, 0

    async def say_nothing(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        nonlocal waiting, taken
        waiting, taken = waiting + 1, taken + 1
        with suppress(OSError):
            await near.read()
        waiting -= 1
        back.close()

    async def given_up() -> bool:
        return taken >= 3 and waiting == 0

    async def asked() -> bool:
        return waiting == 1

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        url = f"amqp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = BrokerUpstream.model_validate({"kind": "rabbitmq", "url": url})
        running = asyncio.ensure_future(open_broker(settings, "WH-1").run(_nobody_takes))
        await until(given_up)
        await until(asked)
        running.cancel()
        stopped, _ = await asyncio.wait([running], timeout=20)
        assert stopped
        await until(given_up)


async def _nobody_takes(message: Incoming) -> None:
    raise AssertionError(f"there is no broker to send {message}")
