"""The WES section names what can be reached and read."""

from collections.abc import Iterator
from pathlib import Path

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
