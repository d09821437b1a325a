"""Wires fit what hangs on them, meet nothing else, and give no secret away."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.site.checks import credentials
from gateway.site.checks.walks import profiles_by_id
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Site

OPCUA_PORT = 4840


def unused_links(site: Site) -> Iterator[Flaw]:
    """A link that no device and no fleet uses."""
    used = {element.link for element in (*site.devices, *site.fleets)}
    for index, link in enumerate(site.links):
        if link.id not in used:
            yield Flaw(
                ("links", index),
                f"no device uses the link `{link.id}`",
                "take it out, or name it in a device",
            )


def wrong_protocols(site: Site) -> Iterator[Flaw]:
    """A profile of one protocol on a link of another; vehicles on anything but MQTT."""
    kinds = {link.id: link.kind for link in site.links}
    profiles = profiles_by_id(site)
    for index, device in enumerate(site.devices):
        kind, profile = kinds.get(device.link), profiles.get(device.profile)
        if kind is not None and profile is not None and profile.protocol != kind:
            message = f"profile `{profile.id}` speaks {profile.protocol}, link `{device.link}` speaks {kind}"
            yield Flaw(("devices", index, "profile"), message, f"name a profile for {kind}, or another link")
        if profile is not None and (profile.handshake == "putwall") != (device.kind == "putwall"):
            message = (
                f"a {device.kind} cannot speak the handshake `{profile.handshake}` of profile `{profile.id}`"
            )
            yield Flaw(("devices", index, "profile"), message, "name a profile of the device's own kind")
    for index, fleet in enumerate(site.fleets):
        kind = kinds.get(fleet.link, "mqtt")
        if kind != "mqtt":
            message = f"vehicles speak VDA 5050 over MQTT, link `{fleet.link}` speaks {kind}"
            yield Flaw(("fleets", index, "link"), message, "name a link of kind `mqtt`")


def shared_ports(site: Site) -> Iterator[Flaw]:
    """Two links to one host and port; several units behind one Modbus port are no clash."""
    taken: defaultdict[tuple[str, int], dict[int | None, Keys]] = defaultdict(dict)
    for index, link in enumerate(site.links):
        host, port, unit = _address(link)
        others = taken[host, port]
        for other, earlier in others.items():
            if unit is None or other is None or other == unit:
                message = f"port {port} of {host} serves another link already"
                mend = "write its own port, or let the devices behind one port share one link"
                yield Flaw(("links", index), message, mend, other=earlier)
                break
        others.setdefault(unit, ("links", index))


def _address(link: Link) -> tuple[str, int, int | None]:
    match link:
        case OpcUaLink():
            url = urlsplit(link.url)
            return _host(url.hostname), url.port or OPCUA_PORT, None
        case ModbusLink():
            return _host(link.host), link.port, link.unit
        case MqttLink(url="embedded"):
            return _host(None), link.port, None
        case MqttLink():
            url = urlsplit(link.url)
            return _host(url.hostname), url.port or 0, None
        case _:
            assert_never(link)


def _host(name: str | None) -> str:
    return "127.0.0.1" if name in {None, "localhost", "::1"} else str(name).lower()


def secrets_in_urls(site: Site) -> Iterator[Flaw]:
    """Credentials in an address would end in logs and backups."""
    for index, link in enumerate(site.links):
        if not isinstance(link, ModbusLink) and "@" in link.url:
            mend = "use `username` and `password_file`" if isinstance(link, MqttLink) else "use `security`"
            yield Flaw(("links", index, "url"), "the address holds credentials", mend)


def missing_files(site: Site) -> Iterator[Flaw]:
    """A certificate, key or password file that does not exist."""
    for index, link in enumerate(site.links):
        for keys, file in _files(link):
            if not file.is_file():
                message = f"there is no file {file}"
                yield Flaw(
                    ("links", index, *keys), message, "correct the path; it counts from the site's folder"
                )


def _files(link: Link) -> Iterator[tuple[Keys, Path]]:
    match link:
        case OpcUaLink(security=security):
            if security is not None:
                yield ("security", "certificate"), security.certificate
                yield ("security", "private_key"), security.private_key
                yield ("security", "server_certificate"), security.server_certificate
        case MqttLink():
            for name in credentials.FILES:
                file = getattr(link, name)
                if file is not None:
                    yield (name,), file
        case ModbusLink():
            pass
        case _:
            assert_never(link)


def halves_of_credentials(site: Site) -> Iterator[Flaw]:
    """A user without a password, a certificate without its key, TLS files on a link without TLS."""
    for index, link in enumerate(site.links):
        if isinstance(link, MqttLink):
            yield from credentials.halves(("links", index), link)
            if not link.url.startswith("mqtts:"):
                scheme = link.url.partition(":")[0]
                yield from credentials.idle_tls_files(("links", index), link, scheme, "mqtts")
