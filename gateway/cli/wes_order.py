"""`gateway wes order`: one order with all that belongs to it, and what it waits for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, clock_time, relative, status_words, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import REFUSED, Failure
from gateway.contract.documents import OrderDetails, OrderSummary
from gateway.kernel.clock import SystemClock, to_datetime


def order(
    order_no: Annotated[str, typer.Argument(metavar="NUMBER", help="Upstream's number of the order.")],
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest order of a number: its lines, what it waits for, its work, its packages, when it came where."""
    with connect(url, token_file) as gateway:
        found = parse_items(OrderSummary, gateway.items("/v1/wes/orders", {"orderNo": order_no}, 1))
        if not found:
            raise Failure(REFUSED, f"there is no order {order_no}", ("what to do", "see: gateway wes orders"))
        response = gateway.get(f"/v1/wes/orders/{found[0].order_id}")
    if as_json:
        print_json(content(response))
        return
    _tell(parse(OrderDetails, response), to_datetime(SystemClock().now_us()))


def _tell(view: OrderDetails, now: datetime) -> None:
    console = stdout()
    console.print(
        Text.assemble(
            *(
                (view.order_no, "bold"),
                f"  {status_words(view.status, view.status_code)}  priority {view.priority}, ",
            ),
            f"came {relative(view.created_at, now)}, changed {relative(view.updated_at, now)}",
        )
    )
    if view.deadline is not None:
        console.print(f"deadline {relative(view.deadline, now)}")
    if view.cancel_reason is not None:
        console.print(Text(f"cancelled: {view.cancel_reason}"))
    for reason in _waits(view):
        console.print(Text(f"waits: {reason}", "yellow"), soft_wrap=True)
    console.print(_lines(view))
    if view.works:
        console.print(_works(view))
    if view.presentations:
        console.print(_containers(view))
    if view.packages:
        console.print(_packages(view))
    for stage in view.stages:
        console.print(
            f"{clock_time(stage.at)}  {status_words(stage.status, stage.status_code)} by {stage.operator}"
        )


def _waits(view: OrderDetails) -> Iterator[str]:
    """Say what the order waits for, and what to type where a person may decide."""
    for matter in view.exceptions:
        if matter.settled_at is None:
            what = f"gateway wes exceptions settle {matter.exception_id} DECISION --reason WHY"
            yield f"{matter.text} ({', '.join(matter.decisions)}: {what})"
    for work in view.works:
        if work.held is not None:
            yield f"work order {work.work_id} is held: {work.held}"
        if work.replenishments:
            yield f"work order {work.work_id}: {work.replenishments} replenishment(s) are not done"
        if work.waits_for is not None:
            text = f"somebody has to decide about the transport of {work.waits_for}, or to open the place where it stands"
            yield f"work order {work.work_id}: {text}"
    for asked in view.questions:
        yield f"{asked.station_id}, slot {asked.slot_id}: {asked.text}"
    for goods in view.put_backs:
        if goods.done_at is None:
            yield f"{goods.quantity} of {goods.sku_id} are to be brought back"


def _lines(view: OrderDetails) -> Listing:
    table = Listing(
        "line", "product", "pieces", "reserved", "picked", "shipped", "short", "status", title="lines"
    )
    for line in view.lines:
        product = line.sku_id if line.lot_no is None else f"{line.sku_id}, lot {line.lot_no}"
        figures = (line.reserved, line.picked, line.shipped, line.short)
        table.add_row(
            *(str(line.line_no), product, str(line.quantity), *(str(figure or "") for figure in figures)),
            status_words(line.status, line.status_code),
        )
    return table


def _works(view: OrderDetails) -> Listing:
    table = Listing("id", "mode", "station", "slot", "operator", "pieces", "status", title="work orders")
    for work in view.works:
        table.add_row(
            *(str(work.work_id), work.mode, work.station_id or "", work.slot_id or "", work.claimant or ""),
            *(f"{work.picked}/{work.quantity}", status_words(work.status, work.status_code)),
        )
    return table


def _containers(view: OrderDetails) -> Listing:
    table = Listing("container", "to", "pieces", "state", sentences=("why",), title="containers")
    for each in view.presentations:
        table.add_row(
            *(each.container_id, each.station_id or each.destination, str(each.units or ""), each.state),
            Text(each.reason or "", "dim"),
        )
    return table


def _packages(view: OrderDetails) -> Listing:
    table = Listing("package", "box", "pieces", "weight", "tracking", "status", title="packages")
    for package in view.packages:
        table.add_row(
            *(package.package_no, package.box_id or "", str(sum(line.quantity for line in package.lines))),
            "" if package.weight_kg is None else f"{package.weight_kg} kg",
            *(package.tracking_no or "", status_words(package.status, package.status_code)),
        )
    return table
