"""`gateway container`: where containers are, and what a person who has looked tells about them."""

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
    content,
    parse,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.plant import ContainerView

PATH: Final = "/v1/containers"
LIMIT: Final = 10_000

ContainerIdArgument = Annotated[str, typer.Argument(metavar="ID", help="The container's id.")]

container = typer.Typer(
    help="Containers: where they are; put the books right, make one known, or take one out.",
    no_args_is_help=True,
)


@container.command("list")
def list_containers(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List containers: where they are, and which transport has them."""
    with connect(url, token_file) as gateway:
        page = gateway.items(PATH, {}, LIMIT)
    if as_json:
        print_json(page)
        return
    table = Listing("container", "is at", "transport")
    for view in parse_items(ContainerView, page):
        table.add_row(view.container_id, _place(view), view.transport_id or "")
    stdout().print(table if page["items"] else "no containers are known: gateway container locate ID …")


@container.command()
def locate(
    container_id: ContainerIdArgument,
    location: Annotated[str, typer.Option("--at", metavar="LOCATION", help="Where it truly is.")],
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell where a container is, whatever the books say; one that is not known yet is known from now on."""
    body = {"locationId": location, **act(operator, reason)}
    with connect(url, token_file) as gateway:
        response = gateway.put(f"{PATH}/{segment(container_id)}/location", body)
    if as_json:
        print_json(content(response))
        return
    view = parse(ContainerView, response)
    stdout().print(Text.assemble((view.container_id, "bold"), " is at ", _place(view)))


@container.command()
def remove(
    container_id: ContainerIdArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Take a container that has left the site, or is scrapped, out of the books; its place is free from then on."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.post(f"{PATH}/{segment(container_id)}/removal", act(operator, reason)))
    stdout().print(f"{container_id} is out of the books.")


def _place(view: ContainerView) -> Text:
    if view.location_id is not None:
        return Text(view.location_id)
    return Text("nobody knows where", "red") if view.device_id is None else Text(f"on {view.device_id}")
