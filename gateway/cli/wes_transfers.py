"""`gateway wes transfers`: what is ordered to be moved, how far it is, what is to be done; approve, abort, delete one."""

from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, derived_id, who
from gateway.cli.appearance import Listing, relative, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    TableOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
    save_table,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.wes_floor import LIMIT, LimitOption
from gateway.contract.acts import ActView
from gateway.contract.transfers import (
    TransferLogView,
    TransferPurpose,
    TransferState,
    TransferTaskView,
    TransferView,
)
from gateway.kernel.clock import SystemClock, to_datetime

transfers = typer.Typer(
    help="Goods that are ordered to be moved: list, show, approve, abort, delete.", no_args_is_help=True
)

TransferArgument = Annotated[str, typer.Argument(metavar="TRANSFER", help="Its number.")]
PATH = "/v1/wes/transfers"
DECISIONS = "/v1/wes/transferring/decisions"


@transfers.command("list")
def list_transfers(
    only_open: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    state: Annotated[TransferState | None, typer.Option(help="Only those in this state.")] = None,
    purpose: Annotated[TransferPurpose | None, typer.Option(help="Only those for this.")] = None,
    sku: Annotated[str | None, typer.Option(metavar="SKU", help="Only those with this product.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="PLACE", help="Only from here, as a line names it.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="PLACE", help="Only to here, as a line names it.")
    ] = None,
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List transfers, the newest first: how far they are, who ordered and approved them."""
    which = {
        "open": "true" if only_open else None,
        "state": state,
        "purpose": purpose,
        "skuId": sku,
        "source": source,
        "target": target,
    }
    asked = {name: str(value) for name, value in which.items() if value is not None}
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, PATH, asked, csv)
            return
        page = gateway.items(PATH, asked, limit)
    if as_json:
        print_json(page)
        return
    stdout().print(_transfers(parse_items(TransferView, page)) if page["items"] else "no transfers")


@transfers.command()
def show(
    transfer_id: TransferArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a transfer: its lines, its tasks, and who did what."""
    with connect(url, token_file) as gateway:
        response = gateway.get(f"{PATH}/{segment(transfer_id)}")
        log = gateway.items(f"{PATH}/{segment(transfer_id)}/log", {}, LIMIT)
    if as_json:
        print_json({**content(response), "log": log["items"]})
        return
    view, console = parse(TransferView, response), stdout()
    console.print(_transfers([view]))
    console.print(_lines(view))
    if view.tasks:
        console.print(_tasks(view.tasks))
    console.print(_log(parse_items(TransferLogView, log)))


@transfers.command()
def tasks(
    zone: Annotated[str | None, typer.Option(metavar="ZONE", help="Only those of this zone.")] = None,
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is to be taken out and put down, the oldest first."""
    which = {} if zone is None else {"zone": zone}
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/transferring/tasks", which, csv)
            return
        page = gateway.items("/v1/wes/transferring/tasks", which, limit)
    if as_json:
        print_json(page)
        return
    stdout().print(_tasks(parse_items(TransferTaskView, page)) if page["items"] else "nothing is to be moved")


@transfers.command()
def approve(
    transfer_id: TransferArgument,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a transfer be carried out: its goods are bound, all of them or none."""
    _do("approve", {"transferId": transfer_id}, operator, url, token_file, as_json=as_json)


@transfers.command()
def abort(
    transfer_id: TransferArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a transfer before its time: what is bound is free, and what is out is to be put down somewhere."""
    _do("abort", {"transferId": transfer_id, "reason": reason}, operator, url, token_file, as_json=as_json)


@transfers.command()
def delete(
    transfer_id: TransferArgument,
    reason: ReasonOption,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a transfer no more that nobody has approved."""
    _do("delete", {"transferId": transfer_id, "reason": reason}, operator, url, token_file, as_json=as_json)


def _do(
    what: str,
    body: Mapping[str, JsonValue],
    operator: str | None,
    url: str,
    token_file: TokenFileOption,
    *,
    as_json: bool,
) -> None:
    said = {"act": what, "actId": derived_id(), "operator": who(operator), **body}
    with connect(url, token_file) as gateway:
        response = gateway.post(DECISIONS, said)
    if as_json:
        print_json(content(response))
        return
    state = parse(ActView, response).transfer_state
    after = {
        TransferState.APPROVED: "its goods are bound; see what is to be moved: gateway wes transfers tasks",
        TransferState.ABORTING: "what is out of its place is still to be put down: gateway wes transfers tasks",
    }
    hint = after.get(TransferState(state)) if state is not None else None
    stdout().print(f"{body['transferId']} is {state}" + (f": {hint}" if hint else "."), soft_wrap=True)


def _transfers(views: list[TransferView]) -> Listing:
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        *("transfer", "state", "for", "to", "pieces", "out", "in", "ordered by", "approved by", "since"),
        sentences=("why",),
    )
    for view in views:
        table.add_row(
            *(view.transfer_id, view.state, view.purpose, view.destination or ""),
            *(str(view.quantity), str(view.taken or ""), str(view.put or "")),
            *(view.operator, view.approved_by or "", relative(view.created_at, now)),
            Text(view.end_reason or view.reason, "dim"),
        )
    return table


def _lines(view: TransferView) -> Listing:
    table = Listing(
        "line", "product", "name", "lot", "from", "into", "pieces", "out", "in", "received", "off by"
    )
    for line in view.lines or ():
        table.add_row(
            *(str(line.line_no), line.sku_id, line.name, line.lot_no or ""),
            *(line.source or line.source_zone or "", line.target or line.target_zone or ""),
            *(str(line.quantity), str(line.taken or ""), str(line.put or "")),
            *("" if line.received is None else str(line.received), line.difference or ""),
        )
    return table


def _tasks(views: tuple[TransferTaskView, ...] | list[TransferTaskView]) -> Listing:
    table = Listing(
        *(
            "task",
            "transfer",
            "product",
            "lot",
            "from",
            "at",
            "into",
            "at its",
            "to take",
            "on the way",
            "in",
        ),
        *("aside", "missing", "lost"),
    )
    for task in views:
        figures = (task.rest, task.moving, task.put, task.aside, task.missed, task.lost)
        table.add_row(
            *(str(task.task_id), task.transfer_id, task.sku_id, task.lot_no, task.source_id),
            *(task.station_id or task.location_id or "", task.target or task.target_zone or ""),
            *(task.target_station_id or "", *(str(figure or "") for figure in figures)),
        )
    return table


def _log(views: list[TransferLogView]) -> Listing:
    now = to_datetime(SystemClock().now_us())
    table = Listing("step", "by", "when", "task", "product", "lot", "where", "pieces", sentences=("why",))
    for view in views:
        why = ": ".join(each for each in (view.code, view.reason) if each is not None)
        table.add_row(
            *(view.step, view.operator, relative(view.at, now), str(view.task_id or "")),
            *(view.sku_id or "", view.lot_no or "", view.holder_id or "", str(view.quantity or "")),
            Text(why, "dim"),
        )
    return table
