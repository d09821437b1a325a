"""How TLS and passwords of the site file reach each broker's own client library."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.connection import Connection
from yarl import URL

from gateway.delivery.wires.kafka import KafkaWire
from gateway.delivery.wires.nats import NatsWire
from gateway.delivery.wires.rabbitmq import RabbitWire
from gateway.delivery.wires.redis import RedisWire
from gateway.site.wes import BrokerUpstream
from tests.wire.certificates import Authority

pytestmark = pytest.mark.unit


@pytest.fixture
def login(tmp_path: Path) -> dict[str, Any]:
    """A site's user, its password, and the authority that it trusts."""
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    return {"username": "wes", "password_file": password, "ca_file": Authority(tmp_path).certificate}


def settings(kind: str, url: str, **more: Any) -> BrokerUpstream:
    return BrokerUpstream.model_validate({"kind": kind, "url": url} | more)


def trusts_the_sites_authority_alone(context: ssl.SSLContext) -> bool:
    (authority,) = context.get_ca_certs()
    return (
        context.verify_mode is ssl.CERT_REQUIRED
        and context.check_hostname
        and context.minimum_version is ssl.TLSVersion.TLSv1_2
        and authority["subject"] == ((("commonName", "authority"),),)
    )


def test_nats(login: dict[str, Any]) -> None:
    told = NatsWire(settings("nats", "tls://a:4222,tls://b:4222", **login))._broker._connection_kwargs
    assert told["servers"] == ["tls://a:4222", "tls://b:4222"]
    assert (told["user"], told["password"]) == ("wes", "s3cret")
    assert trusts_the_sites_authority_alone(told["tls"])


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka(login: dict[str, Any], mechanism: str) -> None:
    wire = KafkaWire(settings("kafka", "kafkas://a:9093,kafkas://b:9093", sasl=mechanism, **login))
    told = wire._broker._connection_kwargs
    assert told["bootstrap_servers"] == ["a:9093", "b:9093"]
    assert (told["security_protocol"], told["sasl_mechanism"]) == ("SASL_SSL", mechanism)
    assert (told["sasl_plain_username"], told["sasl_plain_password"]) == ("wes", "s3cret")
    assert trusts_the_sites_authority_alone(told["ssl_context"])


def test_rabbitmq(login: dict[str, Any]) -> None:
    told = RabbitWire(settings("rabbitmq", "amqps://mq/warehouse", **login))._broker._connection_kwargs
    url = URL(told["url"])
    assert (url.scheme, url.host, url.port, url.path) == ("amqps", "mq", 5671, "/warehouse")
    assert (url.user, url.password) == ("wes", "s3cret")
    assert trusts_the_sites_authority_alone(told["ssl_context"])


def test_redis(login: dict[str, Any]) -> None:
    told = RedisWire(settings("redis", "rediss://cache:6380", **login))._broker._connection_kwargs
    connection: Connection = told["connection_class"](host=told["host"], port=told["port"])
    assert (told["username"], told["password"]) == ("wes", "s3cret")
    arguments = connection._connection_arguments()
    assert (arguments["host"], arguments["port"]) == ("cache", 6380)
    assert trusts_the_sites_authority_alone(arguments["ssl"])


@pytest.mark.parametrize(
    ("make", "url"),
    [
        (NatsWire, "nats://a:4222"),
        (KafkaWire, "a:9092"),
        (RabbitWire, "amqp://a"),
        (RedisWire, "redis://a:6379"),
    ],
)
def test_in_the_clear_nothing_is_encrypted(make: Any, url: str) -> None:
    kind = {NatsWire: "nats", KafkaWire: "kafka", RabbitWire: "rabbitmq", RedisWire: "redis"}[make]
    told = make(settings(kind, url))._broker._connection_kwargs
    assert not any(isinstance(value, ssl.SSLContext) for value in told.values())
    assert told.get("security_protocol", "PLAINTEXT") == "PLAINTEXT"
