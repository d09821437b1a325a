"""`gateway put`: light slots of put walls and see what was put."""

from typing import Annotated, Final

import typer
from pydantic import JsonValue
from rich.text import Text

from gateway.cli.acts import derived_id
from gateway.cli.appearance import relative, state_text, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.puts import Colour, PutStatus, PutView, SubmittedPutView
from gateway.kernel.clock import SystemClock, to_datetime

put = typer.Typer(help="Puts: light a slot of a put wall, ask for a quantity.", no_args_is_help=True)

PATH: Final = "/v1/puts"

PutIdArgument = Annotated[str, typer.Argument(metavar="ID", help="The put's id.")]


@put.command()
def submit(
    wall: Annotated[str, typer.Option(metavar="DEVICE", help="The put wall.")],
    slot: Annotated[str, typer.Option(metavar="SLOT", help="The slot that shall be lit.")],
    quantity: Annotated[int, typer.Option(min=1, max=9999, metavar="N", help="How many shall be put.")],
    put_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Id of the put; without it one is made up and printed."),
    ] = None,
    colour: Annotated[Colour, typer.Option(help="Colour of the light.")] = Colour.GREEN,
    blink: Annotated[bool, typer.Option("--blink", help="Let the light blink.")] = False,
    text: Annotated[str | None, typer.Option(help="A text for the person at the wall.")] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Light a slot until somebody confirms what was put.

    Repeating the command with the same --id is safe: a put is accepted once.
    """
    if put_id is None:
        put_id = derived_id()
        typer.echo(f"put id: {put_id} (to ask again safely, give it with --id)", err=True)
    body: dict[str, JsonValue] = {
        "putId": put_id,
        "wall": wall,
        "slot": slot,
        "quantity": quantity,
        "colour": colour.value,
        "blink": blink,
    }
    if text is not None:
        body["text"] = text
    with connect(url, token_file) as gateway:
        response = gateway.post(PATH, body)
    if as_json:
        print_json(content(response))
        return
    parse(SubmittedPutView, response)
    again = response.status_code == 200
    said = "had been accepted before; nothing new was lit" if again else "accepted"
    stdout().print(Text.assemble((put_id, "bold"), f" {said}: {quantity} into {wall}/{slot}"))


@put.command()
def show(
    put_id: PutIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one put: what was asked for and what was put."""
    with connect(url, token_file) as gateway:
        response = gateway.get(f"{PATH}/{segment(put_id)}")
        if as_json:
            print_json(content(response))
            return
        _tell(parse(PutView, response))


@put.command()
def cancel(
    put_id: PutIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a put; if a button was first, that counts."""
    with connect(url, token_file) as gateway:
        response = gateway.post(f"{PATH}/{segment(put_id)}/cancel")
        if as_json:
            print_json(content(response))
            return
        _tell(parse(PutView, response))


def _tell(view: PutView) -> None:
    now = to_datetime(SystemClock().now_us())
    put_so_far = "" if view.confirmed_quantity is None else f", put: {view.confirmed_quantity}"
    console = stdout()
    console.print(
        Text.assemble(
            *((view.put_id, "bold"), "  ", state_text(view.status)),
            f"  {view.wall}/{view.slot}: {view.quantity} wanted{put_so_far}, {view.colour.value} light,",
            f" accepted {relative(view.created_at, now)}, changed {relative(view.updated_at, now)}",
        )
    )
    if view.status is PutStatus.ACCEPTED:
        console.print("[dim]its slot lights up once the puts before it have ended and the wall answers[/]")
