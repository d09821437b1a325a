"""Cross-checks: what types cannot tell, one small function each. They read the site alone, no driver."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from gateway.site.checks import (
    addresses,
    codes,
    identity,
    links,
    profiles,
    references,
    roads,
    rules,
    space,
    stock,
    topology,
    wes,
    zones,
)
from gateway.site.findings import Flaw
from gateway.site.model import Site

Check = Callable[[Site], Iterable[Flaw]]

CHECKS: Final[tuple[tuple[Check, frozenset[str]], ...]] = tuple(
    (check, frozenset(needs.split()))
    for check, needs in (
        (identity.duplicate_ids, ""),
        (identity.misnamed_channels, ""),
        (identity.duplicate_vehicles, ""),
        (identity.shared_station_parts, ""),
        (references.unknown_links, "links"),
        (references.unknown_profiles, "profiles"),
        (references.unknown_container_types, "container_types"),
        (references.unknown_road_maps, "road_maps"),
        (references.unknown_locations, "locations racks"),
        (references.unknown_putwalls, "devices"),
        (references.unknown_nodes, "road_maps"),
        (references.locations_without_node, "locations racks"),
        (links.unused_links, "devices fleets"),
        (links.wrong_protocols, ""),
        (links.shared_ports, ""),
        (links.secrets_in_urls, ""),
        (links.missing_files, ""),
        (links.halves_of_credentials, ""),
        (profiles.missing_fields, ""),
        (profiles.wrong_fields, ""),
        (profiles.overlapping_fields, ""),
        (profiles.long_blocks, ""),
        (profiles.overlapping_blocks, ""),
        (profiles.short_strides, ""),
        (profiles.missing_method, ""),
        (profiles.unspecified_handshakes, ""),
        (profiles.shuffled_arguments, ""),
        (addresses.wrong_bases, ""),
        (addresses.registers_out_of_range, ""),
        (addresses.overlapping_registers, ""),
        (addresses.overlapping_wall_blocks, ""),
        (addresses.clashing_nodes, ""),
        (addresses.topic_characters, ""),
        (topology.missing_places, ""),
        (topology.duplicate_places, ""),
        (topology.idle_channels, ""),
        (topology.stations_without_slots, ""),
        (topology.stations_in_storage, ""),
        (topology.unreachable_locations, "locations racks devices fleets"),
        (roads.dead_ends, ""),
        (roads.separate_parts, ""),
        (roads.parking_on_lanes, ""),
        (roads.parking_at_locations, ""),
        (roads.too_few_parking_nodes, ""),
        (roads.charging_thresholds, ""),
        (space.nodes_in_one_place, ""),
        (space.nodes_on_lanes, ""),
        (space.crossing_lanes, ""),
        (stock.unknown_stock, "locations racks"),
        (stock.misplaced_containers, "container_types"),
        (stock.overfull_locations, ""),
        (stock.long_container_ids, ""),
        (rules.unknown_facts, ""),
        (rules.conditions_that_never_hold, ""),
        (rules.unknown_outcomes, ""),
        (rules.rules_never_reached, ""),
        (rules.walls_that_are_nowhere, "stations"),
        (rules.stations_that_are_nowhere, "stations"),
        (rules.returns_that_are_nowhere, "locations racks"),
        (zones.unknown_zones, "locations racks"),
        (zones.zones_named_twice, ""),
        (wes.missing_secrets, ""),
        (wes.unusable_secrets, ""),
        (wes.half_credentials, ""),
        (wes.foreign_schemes, ""),
        (wes.foreign_sasl, ""),
        (codes.versions_in_disorder, ""),
        (codes.confusable_rules, ""),
        (codes.codes_that_machines_cannot_read, "devices"),
        (codes.lots_that_nobody_numbers, ""),
        (codes.misnamed_places, ""),
    )
)
"""Every check, with the sections that must be complete lest it blames an element for what was not read."""


NAMING: Final[frozenset[Check]] = frozenset(
    {
        references.unknown_links,
        references.unknown_profiles,
        references.unknown_container_types,
        references.unknown_road_maps,
        references.unknown_locations,
        references.unknown_putwalls,
        stock.unknown_stock,
    }
)
"""Checks that tell of names alone: to them an element that was not read is there, as long as its name is known."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What of a site could not be read.

    Attributes:
        sections: where something is missing.
        nameless: those of them where nobody knows which names are missing.
        names: of elements that were left out.
    """

    sections: Collection[str]
    nameless: Collection[str]
    names: Collection[str]

    def has(self, pattern: str) -> bool:
        """Tell whether an element that was left out goes by this name."""
        return any(fnmatchcase(name, pattern) for name in self.names)


ALL_READ: Final = Unread((), (), ())


def cross_check(site: Site, unread: Unread = ALL_READ) -> Iterator[Flaw]:
    """Run every check that the readable part of the site allows."""
    for check, needs in CHECKS:
        if needs.isdisjoint(unread.sections):
            yield from check(site)
        elif check in NAMING and needs.isdisjoint(unread.nameless):
            yield from (flaw for flaw in check(site) if not unread.has(flaw.nobody))
