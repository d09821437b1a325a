"""`gateway location`: what a person who has looked tells about places."""

from typing import Annotated

import typer

from gateway.cli.acts import ByOption, ReasonOption, act
from gateway.cli.appearance import stdout
from gateway.cli.client import DEFAULT_URL, UrlOption, connect, segment
from gateway.cli.credentials import TokenFileOption

location = typer.Typer(help="Locations: open a blocked one again.", no_args_is_help=True)


@location.command()
def unblock(
    location_id: Annotated[str, typer.Argument(metavar="ID", help="The location's id.")],
    reason: ReasonOption,
    by: ByOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Let a blocked location take loads again: you have looked that it is as the books say."""
    with connect(url, token_file) as gateway:
        gateway.post(f"/v1/locations/{segment(location_id)}/unblock", act(by, reason))
    stdout().print(f"{location_id} takes loads again.")
