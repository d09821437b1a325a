"""What the WES is told of zones fits the zones that racks and locations have."""

from collections.abc import Iterator
from typing import Final

from gateway.site.checks.rules import WES
from gateway.site.checks.walks import Guesses
from gateway.site.findings import Flaw, Keys
from gateway.site.model import LocationKind, Site
from gateway.site.zones import ZonePurpose

GOODS_STAY: Final[frozenset[LocationKind]] = frozenset({"storage", "shelf"})
"""Kinds of locations where goods stay."""


def unknown_zones(site: Site) -> Iterator[Flaw]:
    """A zone in which no place is where goods stay: what belongs there could be nowhere."""
    named = {place.zone for place in site.all_locations.values()}
    staying = {place.zone for place in site.all_locations.values() if place.kind in GOODS_STAY}
    guesses = Guesses({zone for zone in named if zone is not None})
    for index, zone in enumerate(() if site.wes is None else site.wes.zones):
        keys = (*WES, "zones", index, "zone")
        if zone.zone not in named:
            mend = guesses.mend(zone.zone, "write it to the racks or locations that it has (`zone`)")
            yield Flaw(keys, f"no rack and no location is in zone `{zone.zone}`", mend)
        elif zone.zone not in staying and zone.purpose is not ZonePurpose.RECEIVING:
            mend = "put a rack or a location of kind `storage` or `shelf` into it"
            yield Flaw(keys, f"in zone `{zone.zone}` there is no place where goods stay", mend)


def zones_named_twice(site: Site) -> Iterator[Flaw]:
    """A zone that is told twice: the second would never be read."""
    first: dict[str, Keys] = {}
    for index, zone in enumerate(() if site.wes is None else site.wes.zones):
        keys = (*WES, "zones", index, "zone")
        earlier = first.setdefault(zone.zone, keys)
        if earlier != keys:
            yield Flaw(keys, f"zone `{zone.zone}` is told twice", "make one of the two", other=earlier)
