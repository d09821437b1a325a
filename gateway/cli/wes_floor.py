"""`gateway wes orders`, `stations`, `stock`, `products`: what there is to do at the WES, and what there is."""

from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, relative, status_words, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    TableOption,
    UrlOption,
    connect,
    content,
    parse_items,
    print_json,
    save_table,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.arrivals import ExpectedArrivalView
from gateway.contract.documents import OrderSummary, ProductView, StockPoolView
from gateway.contract.returns import ReturnView
from gateway.contract.stations import ReplenishmentView, StationView
from gateway.kernel.clock import SystemClock, to_datetime

LIMIT: Final = 50

LimitOption = Annotated[
    int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="How many at most.")
]


def orders(
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List orders, the newest first, and why they wait."""
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/orders", {}, csv)
            return
        page = gateway.items("/v1/wes/orders", {}, limit)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        "order",
        "status",
        "priority",
        "pieces",
        "picked",
        "shipped",
        "short",
        "changed",
        sentences=("why it waits",),
    )
    for view in parse_items(OrderSummary, page):
        table.add_row(
            *(view.order_no, status_words(view.status, view.status_code), str(view.priority)),
            *(str(view.quantity), str(view.picked or ""), str(view.shipped or ""), str(view.short or "")),
            *(relative(view.updated_at, now), Text(view.waiting or "", "dim")),
        )
    stdout().print(table if page["items"] else "no orders")


def stations(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List stations, who works there, and what they have to do."""
    with connect(url, token_file) as gateway:
        listed = parse_items(StationView, gateway.whole("/v1/wes/stations"))
        shown = [content(gateway.get(f"/v1/wes/stations/{each.station_id}")) for each in listed]
    page = {"items": shown}
    if as_json:
        print_json(page)
        return
    table = Listing(
        "station", "open", "operator", "containers", "pieces", "boxes", "questions", sentences=("why",)
    )
    for view in parse_items(StationView, page):
        pieces = sum(task.rest for operation in view.operations for task in operation.tasks)
        containers = " ".join(operation.container_id for operation in view.operations)
        table.add_row(
            *(view.station_id, "yes" if view.open else "no", view.operator or "", containers),
            *(str(pieces or ""), str(len(view.boxes) or ""), str(len(view.questions) or "")),
            Text(view.reason or "", "dim"),
        )
    stdout().print(table)


def stock(
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List stock by product: what is there, promised, bound, held, and what is left to promise."""
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/stock", {}, csv)
            return
        page = gateway.items("/v1/wes/stock", {}, limit)
    if as_json:
        print_json(page)
        return
    table = Listing("product", "owner", "there", "reserved", "allocated", "held", "available")
    for view in parse_items(StockPoolView, page):
        figures = (view.quantity, view.reserved, view.allocated, view.held, view.available)
        table.add_row(view.sku_id, view.owner_id, *(str(figure) for figure in figures))
    stdout().print(table if page["items"] else "no stock")


def products(
    barcode: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only the one with this code, as it is scanned.")
    ] = None,
    sku: Annotated[str | None, typer.Option(metavar="SKU", help="Only this one.")] = None,
    product_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only those of this type.")
    ] = None,
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List products as upstream has described them, and their codes."""
    said = (("barcode", barcode), ("skuId", sku), ("type", product_type))
    which = {name: value for name, value in said if value is not None}
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/products", which, csv)
            return
        page = gateway.items("/v1/wes/products", which, limit)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        *(
            "product",
            "owner",
            "name",
            "type",
            "barcodes",
            "case",
            "of a case",
            "version",
            "changed",
            "out of use",
        )
    )
    for view in parse_items(ProductView, page):
        table.add_row(
            *(view.sku_id, view.owner_id, view.sku_name, view.type or "", " ".join(view.barcodes)),
            *(str(view.units_per_case or ""), " ".join(view.case_barcodes), str(view.version)),
            relative(view.updated_at, now),
            "" if view.retired_at is None else relative(view.retired_at, now),
        )
    stdout().print(table if page["items"] else "no such product" if which else "no products")


def arrivals(
    only_open: Annotated[
        bool, typer.Option("--open", help="Only those of which something is still to come.")
    ] = False,
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List goods that are on their way, the newest notice first, and what still lacks of each."""
    which = {"open": "true"} if only_open else {}
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/arrivals", which, csv)
            return
        page = gateway.items("/v1/wes/arrivals", which, limit)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        "notice",
        "kind",
        "supplier",
        "state",
        "expected",
        "announced",
        "received",
        sentences=("still to come", "why"),
    )
    for view in parse_items(ExpectedArrivalView, page):
        expected = "" if view.expected_at is None else relative(view.expected_at, now)
        figures = (sum(line.announced for line in view.lines), sum(line.received for line in view.lines))
        table.add_row(
            *(view.notice_no, view.kind, view.supplier, view.state, expected),
            *(str(figure or "") for figure in figures),
            *(Text(view.lacks), Text(view.reason or "", "dim")),
        )
    stdout().print(table if page["items"] else "nothing is announced")


def returns(
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List goods that come back, the newest first: what was announced, and what has come of it."""
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/inbound/returns", {}, csv)
            return
        page = gateway.items("/v1/wes/inbound/returns", {}, limit)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        "return",
        "order",
        "state",
        "product",
        "announced",
        "saleable",
        "damaged",
        "inspect",
        "since",
        sentences=("why",),
    )
    for view in parse_items(ReturnView, page):
        for line in view.lines:
            figures = (line.announced, line.saleable, line.damaged, line.inspect)
            table.add_row(
                *(view.return_no, view.order_no or "", view.state, line.sku_id),
                *(str(figure or "") for figure in figures),
                *(relative(view.created_at, now), Text(view.reason or "", "dim")),
            )
    stdout().print(table if page["items"] else "nothing comes back")


def replenishments(
    limit: LimitOption = LIMIT,
    csv: TableOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List goods that are to be moved to where they are picked, from where, and how many work orders wait for them."""
    with connect(url, token_file) as gateway:
        if csv is not None:
            save_table(gateway, "/v1/wes/replenishments", {}, csv)
            return
        page = gateway.items("/v1/wes/replenishments", {}, limit)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        "id", "product", "lot", "pieces", "from", "at", "into", "waiting", "state", "operator", "since"
    )
    for view in parse_items(ReplenishmentView, page):
        table.add_row(
            *(str(view.replenishment_id), view.sku_id, view.lot_no, f"{view.moved}/{view.quantity}"),
            *(view.source_id, view.station_id or view.location_id or "", view.target_id or view.places),
            *(str(view.waiting or ""), view.state, view.operator or "", relative(view.created_at, now)),
        )
    stdout().print(table if page["items"] else "nothing is to be moved")
