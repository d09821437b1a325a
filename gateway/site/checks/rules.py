"""Rules and zones ask for facts that there are, and rules decide what their point can decide."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.site.checks.walks import suggestion
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Site
from gateway.site.rules import (
    POINTS,
    Bounds,
    Condition,
    DecisionPoint,
    Facts,
    Like,
    Picking,
    Point,
    Rule,
    fact_type,
)
from gateway.site.zones import GOODS_FACTS

WES: Keys = ("wes", 0)


def unknown_facts(site: Site) -> Iterator[Flaw]:
    """A condition over a fact that nobody tells there."""
    for keys, asked in _conditions(site):
        for fact in asked.conditions:
            if fact_type(asked.facts, fact) is None:
                mend = suggestion(fact, asked.facts, f"write one of {', '.join(asked.facts)}")
                yield Flaw((*keys, fact), f"`{asked.by}` has no fact `{fact}`", mend)


def conditions_that_never_hold(site: Site) -> Iterator[Flaw]:
    """A condition over a fact of another type, or with bounds between which nothing lies."""
    for keys, asked in _conditions(site):
        for fact, condition in asked.conditions.items():
            kind = fact_type(asked.facts, fact)
            if kind not in (None, object) and not _fits(condition, kind):
                message = f"`{fact}` is {_TYPES[kind]}; this never holds"
                yield Flaw((*keys, fact), message, f"compare it with {_TYPES[kind]}")
            elif isinstance(condition, Bounds) and _is_empty(condition):
                message = f"no `{fact}` is from {condition.min:g} to {condition.max:g}; this never holds"
                yield Flaw((*keys, fact), message, "let `max` be at least as large as `min`")


def unknown_outcomes(site: Site) -> Iterator[Flaw]:
    """A rule that decides what its point cannot."""
    for keys, rule in _rules(site):
        point = POINTS[rule.at]
        try:
            point.outcome.validate_python(rule.then)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            yield Flaw(
                (*keys, "then"), f"`{rule.at.value}` cannot decide `{rule.then}`", _mend(point, reason)
            )


def walls_that_are_nowhere(site: Site) -> Iterator[Flaw]:
    """A rule that has orders picked into put walls, where no station has one."""
    if any(station.putwall is not None for station in site.stations):
        return
    for keys, rule in _rules(site):
        if rule.at is DecisionPoint.PICKING and rule.then == Picking.WALL:
            mend = "give a station its `putwall`, or decide `station`"
            yield Flaw((*keys, "then"), "no station has a put wall: these orders would wait for ever", mend)


def stations_that_are_nowhere(site: Site) -> Iterator[Flaw]:
    """A rule that brings containers of the reserve to stations which the site has not: what waits for them would wait for ever."""
    for keys, rule in _rules(site):
        if rule.at is not DecisionPoint.MOVE or not isinstance(rule.then, dict):
            continue
        pattern = rule.then.get("station")
        if isinstance(pattern, str) and not any(fnmatchcase(each.id, pattern) for each in site.stations):
            mend = suggestion(pattern, [each.id for each in site.stations], "name a station, or leave it out")
            yield Flaw((*keys, "then", "station"), f"no station is called `{pattern}`", mend)


def returns_that_are_nowhere(site: Site) -> Iterator[Flaw]:
    """A rule that sends containers home to places that are none: they would go anywhere, as if there were no rule."""
    storage = [location.id for location in site.all_locations.values() if location.kind == "storage"]
    for keys, rule in _rules(site):
        pattern = rule.then
        if rule.at is not DecisionPoint.RETURN or not isinstance(pattern, str):
            continue
        if not any(fnmatchcase(name, pattern) for name in storage):
            mend = "name storage locations: an id, or a pattern such as `A1-*`"
            yield Flaw((*keys, "then"), f"no storage location is called `{pattern}`", mend)


def rules_never_reached(site: Site) -> Iterator[Flaw]:
    """A rule that stands behind one without conditions."""
    final: dict[str, Keys] = {}
    for keys, rule in _rules(site):
        if (earlier := final.get(rule.at)) is not None:
            message = f"an earlier rule decides every `{rule.at.value}`"
            yield Flaw(keys, message, "put this one before it, or take it out", other=earlier)
        elif not rule.when:
            final[rule.at] = keys


class _Asked(NamedTuple):
    """Conditions that somebody asks about facts."""

    by: str
    facts: Facts
    conditions: Mapping[str, Condition]


def _conditions(site: Site) -> Iterator[tuple[Keys, _Asked]]:
    """Walk over the conditions of rules and of zones."""
    for keys, rule in _rules(site):
        yield (*keys, "when"), _Asked(rule.at.value, POINTS[rule.at].facts, rule.when)
    for index, zone in enumerate(() if site.wes is None else site.wes.zones):
        yield (*WES, "zones", index, "takes"), _Asked(f"zone {zone.zone}", GOODS_FACTS, zone.takes)


def _rules(site: Site) -> Iterator[tuple[Keys, Rule]]:
    if site.wes is not None:
        yield from (((*WES, "rules", index), rule) for index, rule in enumerate(site.wes.rules))


_TYPES: dict[type, str] = {str: "a text", int: "a number", bool: "true or false"}


def _is_empty(bounds: Bounds) -> bool:
    return bounds.min is not None and bounds.max is not None and bounds.min > bounds.max


def _fits(condition: Condition, kind: type) -> bool:
    match condition:
        case tuple():
            return all(_fits(each, kind) for each in condition)
        case Bounds():
            return kind is int
        case Like():
            return kind is str
        case bool():
            return kind is bool
        case int() | float():
            return kind is int
        case str():
            return kind is str


def _mend(point: Point[Any], reason: str) -> str:
    return f"{reason[0].lower()}{reason[1:]}; the default is `{point.outcome.dump_python(point.default, mode='json')}`"
