"""MQTT 3.1.1 on a socket, by aiomqtt. A connection is never repaired: once it is lost, the next one is made."""

import ssl
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiomqtt

from drivers.links.errors import LinkError
from drivers.links.mqtt_port import MqttPort
from drivers.telegrams import ErrorKind
from gateway.contract.wiring import MqttLink

TIMEOUT_S: Final = 2.0
KEEPALIVE_S: Final = 5
"""A ping after so long a silence, and its answer within as long again: then the broker is dead."""
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


@asynccontextmanager
async def connect_mqtt(access: BrokerAccess, topics: Sequence[tuple[str, int]]) -> AsyncGenerator[MqttPort]:
    """Connect and subscribe (`drivers.links.mqtt_port.Connect`, once the access is given)."""
    client = aiomqtt.Client(
        access.host,
        access.port,
        username=access.username,
        password=access.password,
        identifier=access.client_id,
        keepalive=KEEPALIVE_S,
        timeout=TIMEOUT_S,
        tls_context=access.tls,
        max_queued_incoming_messages=INBOX_MAX,
    )
    with _as_link_error():
        async with client:
            await client.subscribe(list(topics))
            yield _Port(client)


class _Port:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, topic: str, payload: bytes) -> None:
        with _as_link_error():
            await self._client.publish(topic, payload)

    async def receive(self) -> tuple[str, bytes]:
        with _as_link_error():
            message = await anext(self._client.messages)
        return message.topic.value, message.payload


@contextmanager
def _as_link_error() -> Generator[None]:
    try:
        yield
    except (aiomqtt.MqttError, OSError) as error:
        raise LinkError(ErrorKind.DISCONNECT, str(error) or type(error).__name__) from error
