"""`gateway location`: what stands where, and what a person who has looked tells about places."""

from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, act
from gateway.cli.appearance import Listing, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    acknowledged,
    connect,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.plant import LocationView

PATH: Final = "/v1/locations"
LIMIT: Final = 100_000

location = typer.Typer(
    help="Locations: what stands where; lock one, open a blocked one again.", no_args_is_help=True
)


@location.command("list")
def list_locations(
    blocked: Annotated[bool, typer.Option("--blocked", help="Only those that are blocked.")] = False,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List locations where something stands or goes, and those that are blocked; of the others how many there are."""
    with connect(url, token_file) as gateway:
        page = gateway.items(PATH, {"blocked": "true"} if blocked else {}, LIMIT)
    if as_json:
        print_json(page)
        return
    views = parse_items(LocationView, page)
    busy = [view for view in views if view.containers or view.reserved_by or view.blocked]
    table = Listing("location", "kind", "containers", "reserved by", "blocked", "by")
    for view in busy:
        table.add_row(
            *(view.location_id, view.kind, " ".join(view.containers), view.reserved_by or ""),
            Text(view.blocked or "", "red"),
            view.blocked_by or "",
        )
    console = stdout()
    if busy:
        console.print(table)
    console.print(f"{len(views)} blocked" if blocked else f"{len(views) - len(busy)} others are empty")


@location.command()
def block(
    location_id: Annotated[str, typer.Argument(metavar="ID", help="The location's id.")],
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Lock a location: nothing is brought there or fetched from there until somebody unblocks it."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.post(f"{PATH}/{segment(location_id)}/block", act(operator, reason)))
    stdout().print(f"{location_id} is blocked.")


@location.command()
def unblock(
    location_id: Annotated[str, typer.Argument(metavar="ID", help="The location's id.")],
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Let a blocked location take loads again: you have looked that it is as the books say."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.post(f"{PATH}/{segment(location_id)}/unblock", act(operator, reason)))
    stdout().print(f"{location_id} takes loads again.")
