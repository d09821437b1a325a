"""`gateway wes places`, `misplaced`: where goods may be put on foot, and what lies where it does not belong."""

from typing import Annotated, Final

import typer

from gateway.cli.appearance import Listing, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    parse_items,
    print_json,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.wes_tracing import LotOption, OwnerOption, ProductArgument
from gateway.contract.places import MisplacedView, PlaceFit, PlaceView

NAMED: Final = 10
"""Places that are proposed."""
LIMIT: Final = 10_000
"""Containers and places that are shown."""

_FITS: Final = {
    PlaceFit.SAME_LOT: "the lot lies there",
    PlaceFit.SAME_PRODUCT: "the product lies there",
    PlaceFit.EMPTY: "empty",
    PlaceFit.OTHERS: "others lie there",
}


def places(
    product: ProductArgument,
    lot: LotOption = "",
    quantity: Annotated[int, typer.Option("--quantity", min=1, metavar="N", help="Pieces.")] = 1,
    near: Annotated[
        str | None, typer.Option("--near", metavar="LOCATION", help="The nearest to it go first.")
    ] = None,
    owner: OwnerOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show flat places where goods may be put, the best first."""
    which = {"skuId": product, "lotNo": lot, "quantity": quantity}
    which |= {key: value for key, value in (("near", near), ("ownerId", owner)) if value is not None}
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/places", which, NAMED)
    if as_json:
        print_json(page)
        return
    found = parse_items(PlaceView, page)
    if not found:
        stdout().print("no flat place that takes it is free: see the zones of the site file")
        return
    table = Listing("place", "zone", "", "m")
    for each in found:
        table.add_row(each.location_id, each.zone, _FITS[each.fit], f"{each.distance_m:.0f}")
    stdout().print(table)


def misplaced(
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what lies where it does not belong; containers are brought away by themselves, the others by people."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/misplaced", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    found = parse_items(MisplacedView, page)
    if not found:
        stdout().print("everything lies where it belongs")
        return
    table = Listing("what", "", "where", "why")
    for each in found:
        table.add_row(each.holder_id, each.kind, each.location_id, each.why)
    stdout().print(table)
