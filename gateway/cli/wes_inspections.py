"""`gateway wes inspections`: what came with announced goods, and how it was judged."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, relative, stdout
from gateway.cli.client import DEFAULT_URL, JsonOption, UrlOption, connect, parse_items, print_json
from gateway.cli.credentials import TokenFileOption
from gateway.contract.arrivals import InspectionView
from gateway.kernel.clock import SystemClock, to_datetime

LIMIT = 10_000


def inspections(
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="The number of the announced goods.")],
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the lots that came with announced goods: what waits for an inspection, and how the others were judged."""
    with connect(url, token_file) as gateway:
        page = gateway.items(f"/v1/wes/arrivals/{quote(notice, safe='')}/inspections", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing(
        "product", "name", "lot", "came", "here", "held", "quality", "judged", "by", sentences=("why",)
    )
    for view in parse_items(InspectionView, page):
        table.add_row(
            *(view.sku_id, view.sku_name, view.lot_no, str(view.received), str(view.quantity)),
            *(str(view.held or ""), view.quality),
            *("" if view.judged_at is None else relative(view.judged_at, now), view.judged_by or ""),
            Text(view.reason or "", "dim"),
        )
    stdout().print(table if page["items"] else "nothing of it has come")
