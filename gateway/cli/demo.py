"""`gateway demo`: a whole simulated site and its gateway in one process, with something to do and something to look at."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import (
    DEMO_SITE,
    BrokerOption,
    DemoOptions,
    FaultsOption,
    PortsFromOption,
    SeedOption,
    SpeedOption,
    site_of,
)


def demo(
    site: Annotated[
        Path,
        typer.Option(
            "--site", metavar="DIR", help="Folder of the site, or its one file.", show_default="the demo site"
        ),
    ] = DEMO_SITE,
    transports: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="No orders: ask for so many, then no more."),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, metavar="N", help="Let customers place so many orders, then no more."
        ),
    ] = None,
    speed: SpeedOption = 5.0,
    leave: Annotated[
        bool,
        typer.Option("--exit", help="No live view; end once all orders or transports have, 1 if any failed."),
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="HTTP port.")] = 8080,
    ports_from: PortsFromOption = None,
    broker: BrokerOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Folder of the gateway's data; else a temporary one."
        ),
    ] = None,
    seed: SeedOption = 1,
    faults: FaultsOption = None,
    cancel_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the orders that is cancelled soon after.")
    ] = 0.0,
    short_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the orders for more than there is; they are cancelled."),
    ] = 0.0,
) -> None:
    """Run the demo site: real protocols on this machine, simulated devices, customers and people.

    Orders come in, totes go to the stations, boxes leave. With --transports a simulated WES of its own mind moves totes instead.
    On the data of an earlier demo it goes on where that one ended. The last line tells how it went; the exit status is 1 if
    anything went wrong, and with --exit 130 or 143 if it was stopped by SIGINT or SIGTERM before its end.
    """
    if transports is not None and orders is not None:
        raise typer.BadParameter("give --orders or --transports, not both", param_hint="--transports")
    if cancel_share + short_share > 1:
        raise typer.BadParameter("together they are more than all orders", param_hint="--short-share")
    if leave and transports is None and orders is None:
        raise typer.BadParameter(
            "say with --orders N or --transports N how many shall end first", param_hint="--exit"
        )
    options = DemoOptions(
        site=site_of(site, ports_from, broker),
        transports=transports,
        orders=orders,
        leave=leave,
        port=port,
        data=data,
        speed=speed,
        seed=seed,
        faults=faults,
        cancel_share=cancel_share,
        short_share=short_share,
    )

    from gateway.cli.demonstration import run_demo
    from gateway.cli.ending import run_to_the_end

    raise typer.Exit(run_to_the_end(run_demo(options)))
