"""`gateway sim`: the simulated devices of a site alone, for any control system that speaks their protocols."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.logs import LogFormat, configure_logs
from gateway.cli.options import (
    BrokerOption,
    FaultsOption,
    PortsFromOption,
    SeedOption,
    SimOptions,
    SiteOption,
    SpeedOption,
    site_of,
)


def sim(
    site: SiteOption,
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="HTTP port of /v1/sim.")] = 8090,
    ports_from: PortsFromOption = None,
    broker: BrokerOption = None,
    speed: SpeedOption = 1.0,
    seed: SeedOption = 1,
    faults: FaultsOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            dir_okay=False,
            help="Keep in this file where loads are, and begin there next time; else with the site's first stock.",
        ),
    ] = None,
    hands: Annotated[
        bool,
        typer.Option(
            "--hands/--no-hands",
            help="Somebody stands at the put walls; else: POST /v1/sim/devices/…/buttons presses theirs.",
        ),
    ] = True,
) -> None:
    """Serve a site's simulated devices on their real protocols, until stopped.

    A `gateway run` with the same --site and --ports-from drives them. /v1/sim
    tells where every container truly is, and takes faults. One that is started
    again is a site whose machines have lost power and memory; loads stay where
    they are with --state, and else stand where the site file says.
    """
    gc.disable()  # until `start_is_over`
    chosen = site_of(site, ports_from, broker)
    configure_logs(LogFormat.CONSOLE, sys.stderr)

    from gateway.cli.ending import run_to_the_end
    from gateway.cli.simulation import run_simulation

    options = SimOptions(
        site=chosen, port=port, speed=speed, seed=seed, faults=faults, state=state, hands=hands
    )
    run_to_the_end(run_simulation(options))
