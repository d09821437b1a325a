"""`gateway wes exceptions`, `messages`, `alarms`: what waits for a person at the WES, and what the person decides."""

from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, act
from gateway.cli.appearance import Listing, relative, stdout
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
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.attention import Decision, ExceptionView, MessageView
from gateway.contract.plant import AlarmView
from gateway.kernel.clock import SystemClock, to_datetime

LIMIT: Final = 10_000

exceptions = typer.Typer(help="Orders that cannot go on: list, settle.", no_args_is_help=True)
messages = typer.Typer(
    help="Messages that upstream refuses and that were given up: list, send, skip.", no_args_is_help=True
)

MessageArgument = Annotated[int, typer.Argument(metavar="ID", min=1, help="The message's number.")]


@exceptions.command("list")
def list_exceptions(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List why orders cannot go on, and what can be decided."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/exceptions", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing("id", "order", "kind", "product", "since", sentences=("decide", "why"))
    for view in parse_items(ExceptionView, page):
        table.add_row(
            *(str(view.exception_id), view.order_no, view.kind, view.sku_id or ""),
            *(relative(view.at, now), " ".join(view.decisions), Text(view.text, "dim")),
        )
    console = stdout()
    if not page["items"]:
        console.print("no order waits for a decision")
        return
    console.print(table)
    console.print(
        Text.assemble(
            ("decide about one: ", "dim"), "gateway wes exceptions settle ID DECISION --reason WHY"
        ),
        soft_wrap=True,
    )


@exceptions.command()
def settle(
    exception_id: Annotated[int, typer.Argument(metavar="ID", min=1, help="The exception's number.")],
    decision: Annotated[Decision, typer.Argument(metavar="DECISION", help="One that the list names.")],
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide about an order that cannot go on."""
    body = {"decision": decision.value, **act(operator, reason)}
    with connect(url, token_file) as gateway:
        response = gateway.post(f"/v1/wes/exceptions/{exception_id}/settle", body)
    if as_json:
        print_json(content(response))
        return
    view = parse(ExceptionView, response)
    stdout().print(
        f"{view.order_no}: it still waits: {view.text}"
        if view.settled_at is None
        else f"{view.order_no}: settled."
    )


@messages.command("list")
def list_messages(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List messages that were given up, and how many others wait for each."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/messages", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing("id", "topic", "lane", "written", "tried", "waiting", sentences=("upstream said",))
    for view in parse_items(MessageView, page):
        table.add_row(
            *(str(view.message_id), view.topic, view.lane, relative(view.created_at, now)),
            *(str(view.attempts), str(view.waiting or ""), Text(view.error or "", "dim")),
        )
    stdout().print(table if page["items"] else "no message was given up")


@messages.command()
def send(
    message_id: MessageArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Send a message again, under the same id."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.post(f"/v1/wes/messages/{message_id}/send", act(operator, reason)))
    stdout().print(f"message {message_id} goes out again.")


@messages.command()
def skip(
    message_id: MessageArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Let later messages go on without this one; upstream will never get it."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.post(f"/v1/wes/messages/{message_id}/skip", act(operator, reason)))
    stdout().print(f"message {message_id} is not sent any more.")


def alarms(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List what a person must look at: the exchange with upstream, planning, stock that contradicts itself."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/alarms", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing("alarm", "since", sentences=("what is the matter", "what to do"))
    for view in parse_items(AlarmView, page):
        table.add_row(view.code, relative(view.raised_at, now), view.text, view.advice)
    stdout().print(table if page["items"] else "no alarms")
