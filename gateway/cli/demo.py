"""`gateway demo`: a whole simulated site and its gateway in one process, with something to do and something to look at."""

import gc
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.options import (
    DEMO_SITE,
    SITE_HELP,
    BrokerOption,
    DemoOptions,
    FaultsOption,
    PortsFromOption,
    SeedOption,
    SpeedOption,
    given_folder,
    given_path,
    site_of,
)

MISTAKES_MAX: Final = 0.2
"""With more, what people miss would soon be all that there is."""


def demo(
    site: Annotated[
        Path,
        typer.Option(
            "--site", metavar="PATH", parser=given_path, help=SITE_HELP, show_default="the demo site"
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
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="HTTP port.")] = 8080,
    ports_from: PortsFromOption = None,
    broker: BrokerOption = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", parser=given_folder, help="Folder of the gateway's data; else a temporary one."
        ),
    ] = None,
    seed: SeedOption = 1,
    faults: FaultsOption = None,
    cancel_share: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Share of the orders that is cancelled soon after."),
    ] = 0.0,
    short_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the orders for more than there is; they are cancelled.",
        ),
    ] = 0.0,
    return_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the orders of which a customer sends something back.",
        ),
    ] = 0.1,
    pace: Annotated[
        float,
        typer.Option(min=0.1, max=10, metavar="X", help="People work so many times as fast as usual."),
    ] = 1.0,
    mistakes: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=MISTAKES_MAX,
            metavar="SHARE",
            help="Share of people's acts in which something goes wrong: a piece is missing or damaged, the wrong label"
            " is scanned, the wrong slot told, a piece forgotten in a count.",
            show_default="hardly any",
        ),
    ] = None,
) -> None:
    """Run the demo site: real protocols on this machine, simulated devices, customers and people.

    Orders come in, totes go to the stations, boxes leave, and something of
    some comes back. With --transports a simulated WES of its own mind moves
    totes instead. On the data of an earlier demo it goes on where that one
    ended. The last line tells how it went; the exit status is 1 if anything
    went wrong, and with --exit 130 or 143 if it was stopped by SIGINT or
    SIGTERM before.
    """
    if transports is not None and orders is not None:
        raise typer.BadParameter("give --orders or --transports, not both", param_hint="--transports")
    if cancel_share + short_share > 1:
        raise typer.BadParameter("together they are more than all orders", param_hint="--short-share")
    if leave and transports is None and orders is None:
        raise typer.BadParameter(
            "say with --orders N or --transports N how many shall end first", param_hint="--exit"
        )
    gc.disable()  # until `start_is_over`
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
        return_share=return_share,
        pace=pace,
        mistakes=mistakes,
    )

    from gateway.cli.demonstration import run_demo
    from gateway.cli.ending import run_to_the_end

    raise typer.Exit(run_to_the_end(run_demo(options)))
