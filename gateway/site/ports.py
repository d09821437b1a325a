"""Other ports and another broker for a whole site, so that several can run on one machine.

A simulated site and a gateway that are given the same first port meet: both count the links in file order.
"""

from typing import assert_never
from urllib.parse import urlsplit

from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.site.model import Site

LAST_PORT = 65535


def with_ports_from(site: Site, first: int) -> Site:
    """Give the links the ports first, first + 1, … in file order. An address of a foreign broker stays as it is.

    Raises:
        ValueError: the ports would not be between 1 and 65535.
    """
    last = first + len(site.links) - 1
    if first < 1 or last > LAST_PORT:
        raise ValueError(
            f"ports {first} to {last} for {len(site.links)} links: they must be from 1 to {LAST_PORT}"
        )
    links = tuple(_with_port(link, first + n) for n, link in enumerate(site.links))
    return site.model_copy(update={"links": links})


def with_broker(site: Site, url: str) -> Site:
    """Let every MQTT link go to this broker: `embedded` or `mqtt[s]://host:port`.

    Raises:
        ValueError: the address is neither, or holds credentials.
    """
    if "@" in url:
        raise ValueError("an address holds no user and password")
    links = tuple(_with_broker(link, url) if isinstance(link, MqttLink) else link for link in site.links)
    return site.model_copy(update={"links": links})


def _with_port(link: Link, port: int) -> Link:
    match link:
        case OpcUaLink():
            url = urlsplit(link.url)
            host = url.netloc.rpartition(":")[0] if url.port is not None else url.netloc
            return link.model_copy(update={"url": url._replace(netloc=f"{host}:{port}").geturl()})
        case ModbusLink() | MqttLink():
            return link.model_copy(update={"port": port})
        case _:
            assert_never(link)


def _with_broker(link: MqttLink, url: str) -> MqttLink:
    return MqttLink.model_validate(link.model_dump() | {"url": url})
