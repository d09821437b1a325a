"""`gateway transport`: ask for transports, look at them, cancel them, and settle those that cannot go on by themselves."""

import shlex
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, act, derived_id
from gateway.cli.appearance import Listing, clock_time, relative, state_text, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.tables import commands_table, told
from gateway.contract.faults import OperatorAction
from gateway.contract.transports import (
    DEFAULT_PRIORITY,
    ProblemView,
    SubmittedView,
    TransportStatus,
    TransportView,
)
from gateway.kernel.clock import SystemClock, to_datetime

transport = typer.Typer(
    help="Transports: ask for them, look at them, cancel them, settle what cannot go on by itself.",
    no_args_is_help=True,
)

PATH: Final = "/v1/transports"
TOLD_ABOVE: Final = frozenset({"transportId", "containerId", "status"})
"""Data of a transport's events that stand in its first line."""

TransportIdArgument = Annotated[str, typer.Argument(metavar="ID", help="The transport's id.")]


class ActionWord(StrEnum):
    """What an operator may do, as words of the command line, in the order in which it is offered."""

    RETRY = "retry"
    CONTAINER_AT = "container-at"
    COMPLETE_AT = "complete-at"
    CANCEL = "cancel"


NEEDS_LOCATION: Final = (ActionWord.COMPLETE_AT, ActionWord.CONTAINER_AT)


@transport.command()
def submit(
    container: Annotated[str, typer.Option(metavar="ID", help="The container that shall move.")],
    destination: Annotated[str, typer.Option("--to", metavar="LOCATION", help="Where it shall go.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="LOCATION", help="Where it must be now; without it: wherever it is."),
    ] = None,
    transport_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Id of the transport; without it one is made up and printed."
        ),
    ] = None,
    priority: Annotated[
        int, typer.Option(min=0, max=9, metavar="N", help="0 can wait … 9 first.")
    ] = DEFAULT_PRIORITY,
    deadline: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wanted arrival, e.g. 2026-11-22T17:30:00+08:00.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Data of yours, returned unchanged; repeatable.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask that a container go somewhere.

    Repeating the command with the same --id is safe: a transport is accepted once.
    """
    attributes = _attributes(attribute or [])
    if transport_id is None:
        transport_id = derived_id()
        typer.echo(f"transport id: {transport_id} (to ask again safely, give it with --id)", err=True)
    body: dict[str, JsonValue] = {
        "transportId": transport_id,
        "containerId": container,
        "destination": destination,
        "priority": priority,
        "attributes": attributes,
    }
    if source is not None:
        body["source"] = source
    if deadline is not None:
        body["deadline"] = deadline
    with connect(url, token_file) as gateway:
        response = gateway.post(PATH, body)
    if as_json:
        print_json(content(response))
        return
    parse(SubmittedView, response)
    again = response.status_code == 200
    said = "had been accepted before; nothing new was started" if again else "accepted"
    console = stdout()
    console.print(Text.assemble((transport_id, "bold"), f" {said}: {container} goes to {destination}"))
    _hint(console, "look at it", _command(url, "show", transport_id))


@transport.command("list")
def list_transports(
    status: Annotated[
        list[TransportStatus] | None,
        typer.Option(
            metavar="STATUS",
            help=f"Only those that stand so: {', '.join(TransportStatus)}; repeatable.",
        ),
    ] = None,
    container: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this container.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="At most so many.")] = 50,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List transports."""
    params: dict[str, str | list[str]] = {"status": [each.value for each in status or []]}
    if container is not None:
        params["containerId"] = container
    with connect(url, token_file) as gateway:
        page = gateway.items(PATH, params, limit)
    if as_json:
        print_json(page)
        return
    views = parse_items(TransportView, page)
    console = stdout()
    if not views:
        console.print("no such transports")
        return
    console.print(_transports_table(views, _now()))
    if "nextCursor" in page:
        _hint(console, f"the last {len(views)}, there are more", f"--limit {4 * limit}")
    if any(view.problem for view in views):
        _hint(console, "what may be done about one", _command(url, "show", "ID"))


@transport.command()
def show(
    transport_id: TransportIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one transport: its legs, commands and events, and what to type if somebody must decide."""
    with connect(url, token_file) as gateway:
        response = gateway.get(f"{PATH}/{segment(transport_id)}")
        if as_json:
            print_json(content(response))
            return
        _tell(parse(TransportView, response), url)


@transport.command()
def cancel(
    transport_id: TransportIdArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a transport up; a load that is under way is brought to a storage location first.

    One that has failed waits for your decision: give it up with `resolve --action cancel`, which records who and why.
    """
    with connect(url, token_file) as gateway:
        response = gateway.post(f"{PATH}/{segment(transport_id)}/cancel")
        if as_json:
            print_json(content(response))
            return
        _tell_outcome(parse(TransportView, response), url)


@transport.command()
def resolve(
    transport_id: TransportIdArgument,
    action: Annotated[ActionWord, typer.Option(help="What shall be done; `show` tells what is allowed.")],
    reason: ReasonOption,
    location: Annotated[
        str | None,
        typer.Option(metavar="LOCATION", help="Where the container is, for complete-at and container-at."),
    ] = None,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Settle a transport that cannot go on by itself.

    retry: what failed did not happen, do it again. cancel: give it up.
    complete-at: the container stands at LOCATION and that counts as done.
    container-at: it stands at LOCATION and goes on from there.
    """
    if action in NEEDS_LOCATION and location is None:
        raise typer.BadParameter(
            f"{action} needs --location: where the container is", param_hint="--location"
        )
    body = act(operator, reason) | {"action": OperatorAction[action.name].value}
    if location is not None:
        body["locationId"] = location
    with connect(url, token_file) as gateway:
        response = gateway.post(f"{PATH}/{segment(transport_id)}/resolve", body)
        if as_json:
            print_json(content(response))
            return
        _tell_outcome(parse(TransportView, response), url)


def _attributes(pairs: list[str]) -> dict[str, JsonValue]:
    attributes: dict[str, JsonValue] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{pair} is not of the form key=value", param_hint="--attribute")
        attributes[key] = value
    return attributes


def _now() -> datetime:
    return to_datetime(SystemClock().now_us())


def _command(url: str, *words: str) -> str:
    """Return a command to type, for the same gateway."""
    elsewhere = () if url == DEFAULT_URL else ("--url", url)
    return shlex.join(("gateway", "transport", *words, *elsewhere))


def _hint(console: Console, why: str, what: str) -> None:
    console.print(Text.assemble((f"{why}: ", "dim"), what), soft_wrap=True)


def _transports_table(views: list[TransportView], now: datetime) -> Listing:
    table = Listing(
        "transport",
        "container",
        "from",
        "to",
        "prio",
        "status",
        "accepted",
        "deadline",
        sentences=("why it waits",),
    )
    for view in views:
        table.add_row(
            *(view.transport_id, view.container_id, view.source, view.destination, str(view.priority)),
            _status(view),
            relative(view.created_at, now),
            "" if view.deadline is None else relative(view.deadline, now),
            Text(view.problem.title, "red") if view.problem else Text(view.waiting or "", "dim"),
        )
    return table


def _status(view: TransportView) -> Text:
    status = state_text(view.status)
    cancelling = view.cancel_requested and view.status is not TransportStatus.CANCELLED
    return Text.assemble(status, " (cancel asked)") if cancelling else status


def _tell(view: TransportView, url: str) -> None:
    console = stdout()
    now = _now()
    console.print(
        Text.assemble(
            *((view.transport_id, "bold"), "  ", _status(view), "  "),
            f"{view.container_id}: {view.source} → {view.destination}, priority {view.priority}, ",
            f"accepted {relative(view.created_at, now)}, changed {relative(view.updated_at, now)}",
        )
    )
    if view.deadline is not None:
        console.print(f"deadline {relative(view.deadline, now)}")
    for key, value in view.attributes.items():
        console.print(Text(f"{key} = {value}", "dim"))
    if view.waiting is not None and view.problem is None:
        console.print(Text(f"waits: {view.waiting}", "yellow"))
    if view.problem is not None:
        console.print(_problem_panel(view, view.problem, url))
    if view.legs:
        console.print(_legs_table(view))
    if view.commands:
        console.print(commands_table(view.commands, now))
    if view.timeline:
        console.print(_timeline_table(view))
    for decision in view.acts:
        line = f"{clock_time(decision.at)}  {decision.act} by {decision.operator}: {decision.reason}"
        console.print(Text(line))


def _problem_panel(view: TransportView, problem: ProblemView, url: str) -> Panel:
    text = Text.assemble((problem.title, "bold"), f"\n{problem.detail}\n{problem.advice}")
    if problem.actions:
        text.append("\n\nWhat you may type:", "dim")
    for word in ActionWord:
        if OperatorAction[word.name] in problem.actions:
            text.append(f"\n  {_resolving(view.transport_id, word, url)}", "bold")
    title = f"somebody must decide: {problem.code}"
    return Panel(text, title=title, title_align="left", border_style="red", expand=False)


def _resolving(transport_id: str, action: ActionWord, url: str) -> str:
    """Return the command that settles a transport so; what is in capitals is for the operator to fill in."""
    where = ("--location", "LOCATION") if action in NEEDS_LOCATION else ()
    return _command(url, "resolve", transport_id, "--action", action.value, *where, "--reason", "WHY")


def _legs_table(view: TransportView) -> Listing:
    table = Listing("leg", "from", "to", "by", "status", "expected", title="legs")
    for leg in view.legs:
        table.add_row(
            *(str(leg.index), leg.source or "on board", leg.target, leg.device_id or leg.carrier_id),
            state_text(leg.status),
            f"{leg.expected_seconds:.0f} s",
        )
    return table


def _timeline_table(view: TransportView) -> Listing:
    table = Listing("seq", "time", "event", sentences=("data",), title="timeline")
    for event in view.timeline:
        kind = str(event["type"])
        table.add_row(
            *(str(event["seq"]), clock_time(datetime.fromisoformat(event["time"])), kind),
            Text(told(event["data"], TOLD_ABOVE), "dim"),
        )
    return table


def _tell_outcome(view: TransportView, url: str) -> None:
    console = stdout()
    console.print(Text.assemble((view.transport_id, "bold"), "  ", _status(view)))
    if view.problem is not None:
        console.print(_problem_panel(view, view.problem, url))
    elif view.status not in (TransportStatus.COMPLETED, TransportStatus.CANCELLED):
        _hint(console, "look at it", _command(url, "show", view.transport_id))
