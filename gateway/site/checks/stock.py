"""What is in the site from the beginning fits into it."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.site.checks.walks import Guesses, stocked, suggestion
from gateway.site.findings import Flaw, Keys
from gateway.site.model import PutWall, Site

PLC_BARCODE: Final = 16
"""Characters of a container's id that a PLC can hold (docs/plc-handshake.md)."""


def unknown_stock(site: Site) -> Iterator[Flaw]:
    """A container in a location, or containers in a rack, that nobody defines."""
    guesses = Guesses(site.all_locations)
    for index, stock in enumerate(site.stock):
        if stock.location not in site.all_locations:
            mend = guesses.mend(stock.location, "add it to `locations`")
            message = f"there is no location `{stock.location}`"
            yield Flaw(("stock", index, "location"), message, mend, nobody=stock.location)
    racks = [rack.id for rack in site.racks]
    for index, fill in enumerate(site.fill):
        if fill.rack not in racks:
            mend = suggestion(fill.rack, racks, "add it to `racks`")
            yield Flaw(("fill", index, "rack"), f"there is no rack `{fill.rack}`", mend, nobody=fill.rack)


def misplaced_containers(site: Site) -> Iterator[Flaw]:
    """A container at a location that does not accept its type."""
    told: set[Keys] = set()
    known = {each.id for each in site.container_types}
    for keys, stock in stocked(site):
        location = site.all_locations.get(stock.location)
        if location is None or location.accepts is None or not known.issuperset(location.accepts):
            continue
        kind = site.type_of(stock.container)
        if not location.takes(kind) and keys not in told:
            told.add(keys)
            what = f"is of type `{kind}`" if kind else "is of no type in `container_types`"
            accepted = ", ".join(f"`{name}`" for name in location.accepts)
            message = f"`{stock.container}` {what}, and `{location.id}` accepts {accepted}"
            yield Flaw(keys, message, "put it elsewhere, or correct `container_types` or `accepts`")


def overfull_locations(site: Site) -> Iterator[Flaw]:
    """More containers than a location holds."""
    held = Counter[str]()
    told: set[Keys] = set()
    for keys, stock in stocked(site):
        location = site.all_locations.get(stock.location)
        held[stock.location] += 1
        if location is not None and held[location.id] > location.capacity and keys not in told:
            told.add(keys)
            message = f"`{location.id}` holds {location.capacity}, and `{stock.container}` is one too many"
            yield Flaw(keys, message, "put fewer containers there")


def long_container_ids(site: Site) -> Iterator[Flaw]:
    """Ids that no PLC can hold, in a site that has PLCs."""
    if all(isinstance(device, PutWall) for device in site.devices):
        return
    told: set[Keys] = set()
    for keys, stock in stocked(site):
        if len(stock.container) > PLC_BARCODE and keys not in told:
            told.add(keys)
            message = f"`{stock.container}` has {len(stock.container)} characters"
            yield Flaw((*keys, "container"), message, f"use at most {PLC_BARCODE}: PLCs hold no more")
