"""`gateway wes report`: the last days in figures, or as a page and tables in a folder."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.appearance import Listing, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    print_json,
    save_table,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.files import write_file
from gateway.contract.reporting import ReportView

PATH = "/v1/wes/report"


def report(
    days: Annotated[
        int, typer.Option("--days", min=1, max=92, metavar="N", help="Of so many last days.")
    ] = 7,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            file_okay=False,
            help="Write report.html, outbound.csv, suppliers.csv there.",
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the last days in figures, or write them as a page and as tables: what left, suppliers, what was found or missing."""
    with connect(url, token_file) as gateway:
        response = gateway.get(PATH, {"days": days})
        view = parse(ReportView, response)
        if out is not None:
            _make(out)
            write_file(out / "report.html", gateway.get(PATH, {"days": days}, accept="text/html").content)
            stdout().print(f"{out / 'report.html'} is written", soft_wrap=True)
            span = {"since": view.since.isoformat(), "until": view.until.isoformat()}
            save_table(gateway, "/v1/wes/outbound", span, out / "outbound.csv")
            save_table(gateway, "/v1/wes/suppliers", span, out / "suppliers.csv")
            return
    if as_json:
        print_json(content(response))
        return
    done = view.performance
    table = Listing(f"in the last {days} d", "", "share")
    table.add_row("packages that left", str(view.packages), "")
    table.add_row("pieces that left", str(view.pieces), "")
    table.add_row("orders in time", f"{done.in_time} of {done.due}", _percent(done.fulfilment))
    table.add_row(
        "orders picked right", f"{done.shipped - done.differing} of {done.shipped}", _percent(done.accuracy)
    )
    table.add_row("pieces gone", f"{done.lost - done.gained} of {done.quantity}", _percent(done.shrinkage))
    stdout().print(table)
    suppliers = Listing(
        "supplier", "notices", "exact", "accuracy", "in time", "announced", "missing", "surplus"
    )
    for each in view.suppliers:
        suppliers.add_row(
            *(each.supplier or "not said", str(each.notices), str(each.exact), _percent(each.accuracy)),
            *(_percent(each.punctuality), str(each.announced), str(each.missing), str(each.surplus)),
        )
    stdout().print(suppliers if view.suppliers else "no announced goods have ended")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(REFUSED, f"{folder} cannot be made: {error.strerror}") from error


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"
