"""Rules of codes agree with each other, with the site's places, and with what its machines can read."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Final

from gateway.site.check_digits import CheckDigit
from gateway.site.checks.rules import WES
from gateway.site.checks.stock import PLC_BARCODE
from gateway.site.codes import CodeKind, CodeRule
from gateway.site.findings import Flaw, Keys
from gateway.site.judging import Judgement, judge
from gateway.site.model import PutWall, Site
from gateway.site.rules import DecisionPoint

LATER: Final = date(3000, 1, 1)
"""A day on which every version of the rules holds or did."""


def versions_in_disorder(site: Site) -> Iterator[Flaw]:
    """Two versions of one number, or a later one that is not valid from a later day."""
    for kind in CodeKind:
        known = sorted(_rules(site, kind).items(), key=lambda each: each[1].version)
        for (earlier_keys, earlier), (keys, rule) in pairwise(known):
            if rule.version == earlier.version:
                message = f"there are two rules `{rule.name}`"
                mend = "give the later one the next `version`"
                yield Flaw((*keys, "version"), message, mend, other=earlier_keys)
            elif rule.valid_from is None or rule.valid_from <= (earlier.valid_from or date.min):
                message = f"`{rule.name}` is not valid from a later day than `{earlier.name}`"
                yield Flaw((*keys, "valid_from"), message, "say from which day on it is", other=earlier_keys)


def confusable_rules(site: Site) -> Iterator[Flaw]:
    """Rules of two kinds of which nobody could tell codes apart."""
    known: dict[tuple[object, ...], tuple[Keys, CodeRule]] = {}
    for keys, rule in _all(site):
        shape = (rule.prefix, rule.day, rule.text, rule.serial, rule.check is CheckDigit.NONE)
        other_keys, other = known.setdefault(shape, (keys, rule))
        if other.kind is not rule.kind:
            message = f"codes of `{rule.name}` look like those of `{other.name}`"
            yield Flaw((*keys, "prefix"), message, "give one of them another prefix", other=other_keys)


def codes_that_machines_cannot_read(site: Site) -> Iterator[Flaw]:
    """Codes of containers that are longer than a PLC can hold, in a site that has PLCs."""
    if all(isinstance(device, PutWall) for device in site.devices):
        return
    for keys, rule in _rules(site, CodeKind.CONTAINER).items():
        if rule.most > PLC_BARCODE:
            message = f"codes of `{rule.name}` have {rule.most} characters"
            yield Flaw(keys, message, f"use at most {PLC_BARCODE}: PLCs hold no more")


def lots_that_nobody_numbers(site: Site) -> Iterator[Flaw]:
    """A rule that has lots numbered, where no rule says what their numbers look like."""
    if site.wes is None or any(rule.serial for rule in _rules(site, CodeKind.LOT).values()):
        return
    for index, rule in enumerate(site.wes.rules):
        then = rule.then
        if rule.at is DecisionPoint.RECEIPT and isinstance(then, dict) and then.get("number_lots") is True:
            mend = "add a rule of kind `lot` with a `serial` to `wes: codes:`"
            yield Flaw((*WES, "rules", index, "then", "number_lots"), "no rule numbers lots", mend)


def misnamed_places(site: Site) -> Iterator[Flaw]:
    """Storage places whose codes are none of the site's; of a rack the first one is told."""
    if site.wes is None:
        return
    for index, location in enumerate(site.locations):
        if location.kind == "storage":
            yield from _misnamed(site, location.id, ("locations", index, "id"))
    for index, rack in enumerate(site.racks):
        told = (
            flaw for location in rack.slots for flaw in _misnamed(site, location.id, ("racks", index, "slot"))
        )
        if (first := next(told, None)) is not None:
            yield first


def _misnamed(site: Site, location_id: str, keys: Keys) -> Iterator[Flaw]:
    assert site.wes is not None
    match judge(site.wes.codes, CodeKind.LOCATION, location_id, LATER):
        case Judgement(rule, misfit) if misfit is not None:
            message = f"`{location_id}` {misfit.text} (rule `{rule.name}`)"
            yield Flaw(keys, message, "correct it, or the rule in `wes: codes:`")
        case _:
            pass


def _rules(site: Site, kind: CodeKind) -> Mapping[Keys, CodeRule]:
    return {keys: rule for keys, rule in _all(site) if rule.kind is kind}


def _all(site: Site) -> Iterator[tuple[Keys, CodeRule]]:
    if site.wes is not None:
        yield from (((*WES, "codes", index), rule) for index, rule in enumerate(site.wes.codes))
