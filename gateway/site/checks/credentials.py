"""Credentials and files of TLS, the same wherever a site names a broker."""

from collections.abc import Iterator
from typing import Final

from gateway.contract.wiring import MqttLink
from gateway.site.findings import Flaw, Keys
from gateway.site.wes import BrokerUpstream

PAIRS: Final = (("username", "password_file"), ("certificate", "private_key"))
TLS_FILES: Final = ("ca_file", "certificate")
FILES: Final = ("password_file", "ca_file", "certificate", "private_key")


def halves(keys: Keys, broker: MqttLink | BrokerUpstream) -> Iterator[Flaw]:
    """A user without a password, a certificate without its key, or the other way round."""
    for one, other in PAIRS:
        given = [name for name in (one, other) if getattr(broker, name) is not None]
        if len(given) == 1:
            missing = other if given == [one] else one
            yield Flaw((*keys, given[0]), f"`{given[0]}` needs `{missing}`", f"add `{missing}: …`")


def idle_tls_files(keys: Keys, broker: MqttLink | BrokerUpstream, spoken: str, tls: str) -> Iterator[Flaw]:
    """Files of TLS for a broker that is spoken to without."""
    for name in TLS_FILES:
        if getattr(broker, name) is not None:
            message = f"`{name}` has no effect on {spoken}"
            yield Flaw((*keys, name), message, f"write the address as `{tls}://host:port`")
