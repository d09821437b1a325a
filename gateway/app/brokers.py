"""Brokers that run beside the gateway where a site names none of its own."""

from collections.abc import Iterable
from pathlib import Path

from drivers.links.mqtt import BrokerAccess
from drivers.links.nats_server import HOST, EmbeddedBroker, PortTaken
from gateway.app.serving import PortRefused
from gateway.contract.wiring import MqttLink
from gateway.kernel.ports import CannotStart


def embedded_broker(link: MqttLink, data: Path) -> EmbeddedBroker:
    """Return the broker that runs as a child of this process, or of another one that was first on its port."""
    return EmbeddedBroker(data / link.id, link.port)


async def check_ports(brokers: Iterable[EmbeddedBroker]) -> None:
    """Look at the ports of embedded brokers before anything begins.

    Raises:
        PortRefused: another program has one of them.
        CannotStart: there is no server to start.
    """
    for broker in brokers:
        try:
            await broker.check()
        except PortTaken as taken:
            raise PortRefused(str(taken)) from taken
        except FileNotFoundError as missing:
            raise CannotStart(str(missing)) from missing


def broker_access(link: MqttLink, client_id: str, broker: EmbeddedBroker | None) -> BrokerAccess:
    """Return how a client gets to the broker of a link: the embedded one, or the one that the site names."""
    if broker is None:
        return BrokerAccess.of_link(link, client_id)
    return BrokerAccess(
        host=HOST, port=link.port, client_id=client_id, username=broker.username, password=broker.password
    )
