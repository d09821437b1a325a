"""The WES section names what can be reached and read."""

from collections.abc import Iterator
from pathlib import Path

from gateway.contract.subscriptions import check_secret
from gateway.site.checks.rules import WES
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Site


def missing_secrets(site: Site) -> Iterator[Flaw]:
    """A file that should hold a secret and is not there."""
    for keys, file in _secrets(site):
        if not file.is_file():
            yield Flaw(
                keys, f"there is no file {file}", "write the secret into it, readable for the gateway only"
            )


def unusable_secrets(site: Site) -> Iterator[Flaw]:
    """A file whose secret nothing can be signed with."""
    http = None if site.wes is None else site.wes.upstream.http
    if http is None or http.secret_file is None or not http.secret_file.is_file():
        return
    try:
        check_secret(http.secret_file.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        keys = (*WES, "upstream", "http", "secret_file")
        yield Flaw(keys, f"{http.secret_file} holds no secret to sign with", f"what it holds {error}")


def half_credentials(site: Site) -> Iterator[Flaw]:
    """A user name without a password, or the other way round."""
    broker = None if site.wes is None else site.wes.upstream.broker
    if broker is not None and (broker.username is None) != (broker.password_file is None):
        keys = (*WES, "upstream", "broker")
        yield Flaw(keys, "`username` and `password_file` belong together", "give both or none")


def _secrets(site: Site) -> Iterator[tuple[Keys, Path]]:
    if site.wes is None:
        return
    upstream = site.wes.upstream
    if upstream.http is not None and upstream.http.secret_file is not None:
        yield (*WES, "upstream", "http", "secret_file"), upstream.http.secret_file
    if upstream.broker is not None and upstream.broker.password_file is not None:
        yield (*WES, "upstream", "broker", "password_file"), upstream.broker.password_file
