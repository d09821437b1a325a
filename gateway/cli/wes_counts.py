"""`gateway wes counts`: what is being counted, and what it has found; with a count's name, its lines."""

from typing import Annotated, assert_never

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, relative, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    TableOption,
    UrlOption,
    connect,
    parse_items,
    print_json,
    save_table,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.wes_floor import LIMIT, LimitOption
from gateway.contract.counts import (
    AtLocations,
    CountLineView,
    CountReport,
    CountView,
    Everything,
    InHolders,
    InZone,
    NotCounted,
    OfProducts,
)
from gateway.kernel.clock import SystemClock, to_datetime


def counts(
    count_id: Annotated[
        str | None, typer.Argument(metavar="COUNT", help="Whose lines to show; left out: all counts.")
    ] = None,
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List stock counts, the newest first, how far they are, and what they have found; or the lines of one."""
    path = "/v1/wes/counts" if count_id is None else f"/v1/wes/counts/{segment(count_id)}/lines"
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, path, {}, csv)
            return
        page = gateway.items(path, {}, limit)
    if as_json:
        print_json(page)
    elif not page["items"]:
        stdout().print("no counts" if count_id is None else "no lines")
    elif count_id is None:
        stdout().print(_counts(parse_items(CountView, page)))
    else:
        stdout().print(_lines(parse_items(CountLineView, page)))


def _counts(views: list[CountView]) -> Listing:
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        *("count", "state", "scope", "counted", "to decide", "too much", "missing", "off", "by", "since"),
        sentences=("why",),
    )
    for view in views:
        report = view.report
        counted = f"{report.lines - report.open - report.again}/{report.lines}"
        table.add_row(
            *(view.count_id, view.state, _scope(view), counted, str(report.differs or "")),
            *(str(report.gained or ""), str(report.lost or ""), _rate(report), view.operator),
            *(relative(view.created_at, now), Text(view.end_reason or view.reason, "dim")),
        )
    return table


def _lines(views: list[CountLineView]) -> Listing:
    table = Listing(
        *("line", "in", "at", "product", "lot", "books", "counted", "off", "state", "by"), sentences=("why",)
    )
    for view in views:
        counted = [f"{each.quantity} ({each.operator})" for each in view.rounds]
        why = ": ".join(each for each in (view.reason_code, view.reason) if each is not None)
        table.add_row(
            *(str(view.line_id), view.holder_id, view.location_id or "", view.sku_id, view.lot_no),
            *("" if view.books is None else str(view.books), ", ".join(counted)),
            *(f"{view.difference:+}" if view.difference else "", view.state),
            *(view.claimant or view.decided_by or "", Text(why, "dim")),
        )
    return table


def _scope(view: CountView) -> str:
    share = "" if view.sample is None else f" {view.sample.share:.0%}"
    match view.scope:
        case Everything():
            named = "everything"
        case InZone(zone=zone):
            named = f"zone {zone}"
        case AtLocations(pattern=pattern):
            named = f"locations {pattern}"
        case OfProducts(sku_ids=skus):
            named = f"products {' '.join(skus)}"
        case InHolders(holder_ids=holders):
            named = f"in {' '.join(holders)}" if len(holders) == 1 else f"in {len(holders)} places"
        case NotCounted(days=days):
            named = f"not counted for {days} days"
        case _:
            assert_never(view.scope)
    return named + share + (" at picks" if view.dynamic else "")


def _rate(report: CountReport) -> str:
    return f"{report.difference_rate:.1%}" if report.difference_rate else ""
