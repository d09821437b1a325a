"""`gateway run`: the gateway itself."""

import gc
import sys
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

import typer

from gateway.cli.credentials import TOKEN_VARIABLE, TokenFileOption, token_of
from gateway.cli.logs import LogFormat, configure_logs
from gateway.cli.options import BrokerOption, DataOption, PortsFromOption, SiteOption, site_of


def run(
    site: SiteOption,
    data: DataOption,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; others than your own want a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="HTTP port.")] = 8080,
    ports_from: PortsFromOption = None,
    broker: BrokerOption = None,
    token_file: TokenFileOption = None,
    webhook_network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CIDR",
            help="Private network, e.g. 10.20.0.0/16, to which webhooks may be posted; may be repeated.",
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Name under which others ask, besides its addresses and localhost; needed without a token alone.",
        ),
    ] = None,
    with_wes: Annotated[
        bool,
        typer.Option(
            "--wes/--no-wes", help="Run the site's WES core too; else it runs elsewhere (gateway wes run)."
        ),
    ] = True,
    log_format: Annotated[LogFormat, typer.Option(help="How log lines look.")] = LogFormat.CONSOLE,
) -> None:
    """Run the gateway for a site, until it is stopped (Ctrl-C, SIGTERM).

    Kill it at any moment: started again with the same --data it goes on where it was.
    """
    gc.disable()  # until `start_is_over`
    token = token_of(token_file)
    if token is None and not _only_this_machine(host):
        raise typer.BadParameter(
            f"{host} can be reached from outside: give --token-file FILE or set ${TOKEN_VARIABLE}",
            param_hint="--host",
        )
    chosen = site_of(site, ports_from, broker)
    configure_logs(log_format, sys.stderr)

    from gateway.app import Settings, run_gateway
    from gateway.cli.ending import run_to_the_end

    settings = Settings(
        site=chosen if with_wes else chosen.model_copy(update={"wes": None}),
        data=data,
        host=host,
        port=port,
        token=token,
        names=frozenset(each.lower() for each in name or ()),
        webhook_networks=tuple(_network(written) for written in webhook_network or ()),
    )
    run_to_the_end(run_gateway(settings))


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--webhook-network") from error


def _only_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
