"""`gateway wes run`: the site's WES core in a process of its own, beside a gateway that runs without it."""

import gc
import sys
from typing import Annotated

import typer

from gateway.cli.client import address_of
from gateway.cli.credentials import TokenFileOption, token_of
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.logs import LogFormat, configure_logs
from gateway.cli.options import DataOption, SiteOption, site_of


def run_wes(
    site: SiteOption,
    data: DataOption,
    gateway: Annotated[
        str,
        typer.Option("--gateway", metavar="URL", help="Where the gateway listens (gateway run --no-wes)."),
    ] = "http://127.0.0.1:8080",
    port: Annotated[
        int,
        typer.Option(min=1, max=65535, metavar="PORT", help="HTTP port of the WES, on this machine alone."),
    ] = 8081,
    token_file: TokenFileOption = None,
    log_format: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.CONSOLE,
) -> None:
    """Run the WES core of a site over the gateway's public contract, until it is stopped (Ctrl-C, SIGTERM).

    Kill either of the two at any moment: started again with the same --data they go on where they were.
    """
    gc.disable()  # until `start_is_over`
    address = str(address_of(gateway, "--gateway")).rstrip("/")
    token = token_of(token_file)
    chosen = site_of(site, None, None)
    if chosen.wes is None:
        raise Failure(REFUSED, f"the site {site} has no WES", ("", "Describe it in the section `wes:`."))
    configure_logs(log_format, sys.stderr)

    from gateway.app import Settings, run_wes
    from gateway.cli.ending import run_to_the_end

    run_to_the_end(run_wes(Settings(site=chosen, data=data, port=port, token=token), address))
