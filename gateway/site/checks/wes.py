"""The WES section names what can be reached and read."""

from collections.abc import Iterator
from typing import Final

from gateway.contract.subscriptions import check_secret
from gateway.site.checks import credentials
from gateway.site.checks.rules import WES
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Site
from gateway.site.wes import SCHEMES, BrokerKind, BrokerUpstream, Sasl

HTTP_SECRET: Final[Keys] = (*WES, "upstream", "http", "secret_file")
BROKER: Final[Keys] = (*WES, "upstream", "broker")


def missing_secrets(site: Site) -> Iterator[Flaw]:
    """A file that should hold a secret, or vouch for somebody, and is not there."""
    http, broker = None if site.wes is None else site.wes.upstream.http, _broker(site)
    files = [] if http is None else [(HTTP_SECRET, http.secret_file)]
    if broker is not None:
        files += [((*BROKER, name), getattr(broker, name)) for name in credentials.FILES]
    for keys, file in files:
        if file is not None and not file.is_file():
            mend = "put it there, readable for the gateway only, or correct the path: it counts from the site's folder"
            yield Flaw(keys, f"there is no file {file}", mend)


def unusable_secrets(site: Site) -> Iterator[Flaw]:
    """A file whose secret nothing can be signed with."""
    http = None if site.wes is None else site.wes.upstream.http
    if http is None or http.secret_file is None or not http.secret_file.is_file():
        return
    try:
        check_secret(http.secret_file.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        yield Flaw(HTTP_SECRET, f"{http.secret_file} holds no secret to sign with", f"what it holds {error}")


def half_credentials(site: Site) -> Iterator[Flaw]:
    """A user without a password, a certificate without its key, TLS files for a broker without TLS."""
    broker = _broker(site)
    if broker is None:
        return
    yield from credentials.halves(BROKER, broker)
    if not broker.encrypted:
        clear, tls = SCHEMES[broker.kind]
        yield from credentials.idle_tls_files(BROKER, broker, clear, tls)


def foreign_schemes(site: Site) -> Iterator[Flaw]:
    """An address that the broker's kind does not have, or servers of which only some speak TLS."""
    broker = _broker(site)
    if broker is None:
        return
    clear, tls = SCHEMES[broker.kind]
    mend = f"begin every address with `{clear}://`, or with `{tls}://` for TLS"
    if foreign := broker.schemes - {clear, tls}:
        yield Flaw((*BROKER, "url"), f"`{min(foreign)}` is no way to speak to {broker.kind}", mend)
    elif len(broker.schemes) > 1:
        yield Flaw((*BROKER, "url"), "some servers are spoken to over TLS, others in the clear", mend)


def foreign_sasl(site: Site) -> Iterator[Flaw]:
    """A mechanism of Kafka's at another kind of broker."""
    broker = _broker(site)
    if broker is not None and broker.sasl is not Sasl.PLAIN and broker.kind is not BrokerKind.KAFKA:
        yield Flaw((*BROKER, "sasl"), f"`sasl` has no effect on {broker.kind}", "take it out: it is Kafka's")


def _broker(site: Site) -> BrokerUpstream | None:
    return None if site.wes is None else site.wes.upstream.broker
