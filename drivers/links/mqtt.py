"""MQTT 3.1.1 on a socket, by aiomqtt. A connection is never repaired: once it is lost, the next one is made."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiomqtt

from drivers.links.cancellation import no_cancellation_lost
from drivers.links.errors import LinkError
from drivers.links.mqtt_port import MqttPort
from drivers.telegrams import ErrorKind
from gateway.contract.wiring import MqttLink

TIMEOUT_S: Final = 2.0
KEEPALIVE_S: Final = 5
"""A ping after so long a silence, and its answer within as long again: else the broker's program is dead, though its host lives."""
DEAD_AFTER_MS: Final = 3000
"""What is sent and not acknowledged by the broker's host for this long breaks the connection."""
SILENCE_S: Final = 1.0
"""After so long without a message the broker is asked for a sign of life …"""
ANSWER_S: Final = 1.5
"""… and has so long to give it: a silent broker is noticed within 3 s."""
NEVER_HEARD: Final = "gateway/alive"
"""A topic that nobody subscribes to: a broker answers all the same whoever wants to hear it no more (MQTT 3.1.1, 3.10.4), whatever
its access rules say. Whoever publishes what they forbid may lose the connection (3.3.5)."""
REFUSED: Final = 0x80
"""This code, or a higher one, in a SUBACK: the broker has not subscribed us to the topic."""
INBOX_MAX: Final = 10_000
"""Messages that wait to be read; of more, the newest are lost, and vehicles tell their states again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """Where a broker is, and how to get in."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    @classmethod
    def of_link(cls, link: MqttLink, client_id: str) -> "BrokerAccess":
        """Read how a link of the site file gets to its broker (not the embedded one).

        Raises:
            OSError: the password or a certificate cannot be read.
        """
        url = urlsplit(link.url)
        return cls(
            host=url.hostname or "",
            port=url.port or 0,
            client_id=client_id,
            username=link.username,
            password=link.password_file.read_text(encoding="utf-8").strip() if link.password_file else None,
            tls=_tls(link) if url.scheme == "mqtts" else None,
        )


def _tls(link: MqttLink) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=link.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if link.certificate:
        context.load_cert_chain(link.certificate, link.private_key)
    return context


class _Client(aiomqtt.Client):
    """A client that leaves nothing behind."""

    _given_up = False

    def _client_connect(self) -> None:
        """Connect, in a thread; who has given up meanwhile wants that connection no more."""
        super()._client_connect()
        if self._given_up:
            self._loop.call_soon_threadsafe(self._client.disconnect)

    async def __aenter__(self) -> Self:
        """Connect; the library forgets its socket and a task of its own when the broker's answer does not come."""
        try:
            with no_cancellation_lost():
                return await super().__aenter__()
        except BaseException:
            # What hears of the end looks at how connecting ended: it stumbles over a cancellation, and is silent after an error.
            self._connected = asyncio.get_running_loop().create_future()
            self._connected.set_exception(aiomqtt.MqttError("given up"))
            self._connected.exception()
            self._given_up = True
            self._client.disconnect()
            raise

    async def __aexit__(self, *error: Any) -> None:
        """Disconnect; how a connection was lost has been told by then, or nobody waits for it any more."""
        with no_cancellation_lost():
            await super().__aexit__(*error)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()


@asynccontextmanager
async def connect_mqtt(access: BrokerAccess) -> AsyncGenerator[MqttPort]:
    """Connect (`drivers.links.mqtt_port.Connect`, once the access is given)."""
    client = _Client(
        access.host,
        access.port,
        username=access.username,
        password=access.password,
        identifier=access.client_id,
        keepalive=KEEPALIVE_S,
        timeout=TIMEOUT_S,
        tls_context=access.tls,
        max_queued_incoming_messages=INBOX_MAX,
        socket_options=_dead_peer_options(),
    )
    with _meaning():
        async with client:
            yield _Port(client)


def _dead_peer_options() -> list[tuple[int, int, int]]:
    """Let the kernel find out about a peer that is gone without a word, where it can; a busy loop does not disturb it."""
    wanted = (
        ("TCP_KEEPIDLE", 1),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", 2),
        ("TCP_USER_TIMEOUT", DEAD_AFTER_MS),
    )
    known = [(getattr(socket, name, None), value) for name, value in wanted]
    return [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, value) for option, value in known if option is not None),
    ]


class _Port:
    def __init__(self, client: _Client) -> None:
        self._client = client

    async def hear(self, topics: Sequence[tuple[str, int]]) -> Sequence[str]:
        with _call():
            codes = await self._client.subscribe(list(topics))
        if len(codes) != len(topics):
            text = f"{len(codes)} answers of the broker to {len(topics)} subscriptions"
            raise LinkError(ErrorKind.BAD_FRAME, text)
        granted = (code if isinstance(code, int) else code.value for code in codes)
        return [topic for (topic, _), code in zip(topics, granted, strict=True) if code >= REFUSED]

    async def publish(self, topic: str, payload: bytes) -> None:
        with _call():
            await self._client.publish(topic, payload)

    async def keep(self, topic: str, payload: bytes) -> None:
        with _call():
            await self._client.publish(topic, payload, qos=1, retain=True)

    async def receive(self) -> tuple[str, bytes]:
        while True:
            with _call():
                with suppress(TimeoutError):
                    async with asyncio.timeout(SILENCE_S):
                        message = await anext(self._client.messages)
                        return message.topic.value, message.payload
                # A broker that has stopped still holds the connection; only an answer shows that it lives.
                await self._client.unsubscribe(NEVER_HEARD, timeout=ANSWER_S)


@contextmanager
def _call() -> Generator[None]:
    """Call the library: its errors become LinkError, and no cancellation is lost."""
    with _meaning(), no_cancellation_lost():
        yield


@contextmanager
def _meaning() -> Generator[None]:
    try:
        yield
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkError(ErrorKind.DISCONNECT, str(error) or type(error).__name__) from error
