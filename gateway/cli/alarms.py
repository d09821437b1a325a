"""`gateway alarms`: what a person must look at."""

from typing import Final

from gateway.cli.appearance import Listing, relative, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    parse_items,
    print_json,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.plant import AlarmView
from gateway.kernel.clock import SystemClock, to_datetime

LIMIT: Final = 10_000


def alarms(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List what a person must look at, since when, and what to do."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/alarms", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    now = to_datetime(SystemClock().now_us())
    table = Listing("alarm", "about", "since", sentences=("what is the matter", "what to do"))
    for view in parse_items(AlarmView, page):
        table.add_row(view.code, view.subject, relative(view.raised_at, now), view.text, view.advice)
    stdout().print(table if page["items"] else "no alarms")
