"""`gateway wes`: what is done with the WES core from a terminal."""

import typer

from gateway.cli.allocate import allocate
from gateway.cli.verify import verify

wes = typer.Typer(help="The WES core: allocate, verify.", no_args_is_help=True)
wes.command()(allocate)
wes.command()(verify)
