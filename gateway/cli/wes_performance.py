"""`gateway wes performance`: what left in time and right, and what was found too much or too little."""

from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, stdout
from gateway.cli.client import DEFAULT_URL, JsonOption, UrlOption, connect, content, parse, print_json
from gateway.cli.credentials import TokenFileOption
from gateway.contract.throughput import PerformanceView

ACCURACY_MIN: Final = 0.99
"""What people aim at (S2-151)."""


def performance(
    hours: Annotated[
        int, typer.Option("--hours", min=1, max=2208, metavar="N", help="Of so many last hours.")
    ] = 24,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what left in time and right, and what was found too much or too little."""
    with connect(url, token_file) as gateway:
        response = gateway.get("/v1/wes/performance", {"hours": hours})
    if as_json:
        print_json(content(response))
        return
    view = parse(PerformanceView, response)
    table = Listing(f"in the last {view.hours} h", "", "of", "share")
    table.add_row(
        "orders left in time", str(view.in_time), f"{view.due} with a deadline", _percent(view.fulfilment)
    )
    right = view.shipped - view.differing
    table.add_row("orders picked right", str(right), f"{view.shipped} shipped", _accuracy(view.accuracy))
    missing = f"{view.lost - view.gained} (lost {view.lost}, found {view.gained})"
    table.add_row("pieces gone", missing, f"{view.quantity} in stock", _percent(view.shrinkage))
    stdout().print(table)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _accuracy(share: float | None) -> Text:
    short = share is not None and share < ACCURACY_MIN
    return Text(_percent(share), "yellow" if short else "")
