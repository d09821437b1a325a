"""`gateway wes`: what is done with the WES core from a terminal."""

import typer

from gateway.cli.allocate import allocate

wes = typer.Typer(help="The WES core: allocate.", no_args_is_help=True)
wes.command()(allocate)


@wes.callback()
def _group() -> None:
    """Keep the group a group while it has one command."""
