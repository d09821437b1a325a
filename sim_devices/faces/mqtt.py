"""Vehicles on a real broker: MQTT 3.1.1 by aiomqtt, one client a vehicle, because each has a last will of its own."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiomqtt

from gateway.contract.wiring import MqttLink
from sim_devices.vehicles.line import Publication, Session

TIMEOUT_S: Final = 2.0
"""A broker that does not answer for this long is lost; the library does not notice sooner while it connects."""
KEEPALIVE_S: Final = 15
INBOX_MAX: Final = 1000
"""Messages that wait for a vehicle; of more, the newest are lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """Where a broker is, and how to get in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    @classmethod
    def of_link(cls, link: MqttLink, root: Path) -> "BrokerAccess":
        """Read how a link of the site file gets to its own broker (not the embedded one).

        Args:
            link: `url` is `mqtt[s]://host:port`.
            root: the site's folder, from which relative paths start.

        Raises:
            OSError: the password or a certificate cannot be read.
        """
        url = urlsplit(link.url)
        assert url.hostname and url.port, link.url
        password = (
            (root / link.password_file).read_text(encoding="utf-8").strip() if link.password_file else None
        )
        return cls(
            host=url.hostname,
            port=url.port,
            username=link.username,
            password=password,
            tls=_tls(link, root) if url.scheme == "mqtts" else None,
        )


def _tls(link: MqttLink, root: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=root / link.ca_file if link.ca_file else None)
    if link.certificate:
        context.load_cert_chain(
            root / link.certificate, root / link.private_key if link.private_key else None
        )
    return context


class _Client(aiomqtt.Client):
    """One connection, which leaves nothing behind."""

    _abandoned = False

    def _client_connect(self) -> None:
        """Connect, in a thread that goes on when nobody waits for it any more."""
        super()._client_connect()
        if self._abandoned:
            self._loop.call_soon_threadsafe(self._client.disconnect)

    async def __aenter__(self) -> Self:
        """Connect; where no answer comes the library forgets its socket and a task."""
        try:
            with _cancellable():
                return await super().__aenter__()
        except BaseException:
            self._abandoned = True
            # It looks here, when the socket is closed, whether anybody has to be told.
            self._connected = asyncio.get_running_loop().create_future()
            self._client.disconnect()
            raise

    async def __aexit__(self, *error: Any) -> None:
        """Disconnect; how the connection was lost has been told already, or nobody waits for it any more."""
        with _cancellable():
            await super().__aexit__(*error)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()

    async def next_message(self) -> tuple[str, bytes]:
        message = await anext(self.messages)
        assert isinstance(message.payload, bytes)
        return message.topic.value, message.payload

    def shut(self) -> None:
        """Break the connection below MQTT."""
        wire = self._client.socket()
        if isinstance(wire, socket.socket):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)


class _MqttSession:
    """A connection as vehicles use it."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    async def subscribe(self, topic: str) -> None:
        with _call():
            await self._client.subscribe(topic, qos=0)

    async def publish(self, publication: Publication) -> None:
        with _call():
            await self._client.publish(
                publication.topic, publication.payload, publication.qos, publication.retain
            )

    async def receive(self) -> tuple[str, bytes]:
        with _call():
            return await self._client.next_message()

    def cut(self) -> None:
        self._client.shut()


class MqttBroker:
    """A broker on a socket."""

    def __init__(self, access: BrokerAccess) -> None:
        self._access = access

    @asynccontextmanager
    async def connect(self, client_id: str, will: Publication) -> AsyncGenerator[Session]:
        """Make a connection (`sim_devices.vehicles.line.Broker`)."""
        access = self._access
        client = _Client(
            access.host,
            access.port,
            username=access.username,
            password=access.password,
            # Some brokers refuse anything else in a client id.
            identifier=re.sub(r"[^A-Za-z0-9_-]", "_", client_id),
            will=aiomqtt.Will(will.topic, will.payload, will.qos, will.retain),
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            tls_context=access.tls,
            max_queued_incoming_messages=INBOX_MAX,
        )
        with _as_connection_error():
            async with client:
                yield _MqttSession(client)


@contextmanager
def _call() -> Generator[None]:
    """Call the library: its errors become ConnectionError, and a cancellation is never lost."""
    with _as_connection_error(), _cancellable():
        yield


@contextmanager
def _cancellable() -> Generator[None]:
    """Let a cancellation win, whatever the library makes of it.

    It waits with `wait_for`, which in Python 3.11 returns, or raises what went wrong, if what it waits for happens in the moment
    of the cancellation; who then tries again never ends.
    """
    before = _cancellations()
    try:
        yield
    finally:
        if _cancellations() > before:
            raise asyncio.CancelledError


@contextmanager
def _as_connection_error() -> Generator[None]:
    try:
        yield
    except aiomqtt.MqttError as error:
        raise ConnectionError(str(error)) from error


def _cancellations() -> int:
    """Return how often the current task has been asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0
