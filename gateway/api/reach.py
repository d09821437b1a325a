"""Under which name and in which zones a person acts: decided here, for whatever a body or a path names (S2-14, S2-160).

Machines and the installation name whoever acts; a person acts under that person's own name. A place without a zone is in nobody's
zone, and nobody is kept away from it. Where something is that a body names by a number is looked up just before. Bodies say names
as `stationId` and, what few know, as `station_id`, and what is scanned may have blanks around it: it means the same here too.
"""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, cast

from pydantic.alias_generators import to_camel
from starlette.types import Scope

from gateway.api.guard import caller_of, door_of
from gateway.api.problems import Rejected
from gateway.people.callers import SignedIn

OPERATOR: Final = "operator"
PLACES: Final = frozenset(
    {"stationId", "locationId", "source", "destination", "target", "holderId", "targetId", "slotId", "slot"}
)
"""Fields and parts of paths that name a station or a location."""
ZONE: Final = "zone"
ZONES: Final = frozenset({ZONE, "sourceZone", "targetZone"})
ITEMS: Final = "items"
ITEMS_MAX: Final = 1000
"""Of a batch; the contract takes no more."""
CLAIM: Final = "claim"
CONTAINER: Final = "containerId"


class ZoneCheck:
    """Keeps somebody in the zones in which that person acts."""

    def __init__(self, scope: Scope) -> None:
        caller = caller_of(scope)
        self._person = caller.person if isinstance(caller, SignedIn) else None
        door = door_of(scope)
        self._zones: Mapping[str, frozenset[str]] = {} if door is None else door.zones
        self._whereabouts = None if door is None else door.whereabouts

    @property
    def is_bound(self) -> bool:
        """Whether there are zones in which this caller does not act."""
        return self._person is not None and bool(self._person.zones)

    def check(self, places: Iterable[str], field: str = "") -> None:
        """Make sure that places are in zones of the caller.

        Raises:
            Rejected: 403; one of them is not.
        """
        for place in places:
            zones = self._zones.get(place, frozenset[str]())
            if zones:
                self._check_zones(zones, f"{place} is in", field)

    def check_named(self, named: object) -> None:
        """Make sure that all places which a body names are in zones of the caller, however deep they stand in it.

        Raises:
            Rejected: 403; one of them is not.
        """
        if not self.is_bound:
            return
        for name, value in _texts(named):
            if name in PLACES:
                self.check([value], name)
            elif name in ZONES:
                self._check_zones(frozenset({value}), "that is", name)

    async def check_all(self, named: object) -> None:
        """Make sure that whatever a path or a body names is in zones of the caller, also what it names by a number.

        Raises:
            Rejected: 403; something is not.
        """
        if not self.is_bound:
            return
        self.check_named(named)
        if self._whereabouts is not None and isinstance(named, Mapping):
            body = _in_words_of_the_wire(cast(Mapping[str, object], named))
            self.check(await self._whereabouts(body))
            for container in _containers_of(body.get(ITEMS)):
                self.check(await self._whereabouts({CONTAINER: container}))

    def in_own_zone(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a body in which whoever takes the next work takes it where that person acts.

        Raises:
            Rejected: 422; it is not said in which of several zones.
        """
        person = self._person
        if person is None or not person.zones or body.get("act") != CLAIM or body.get(ZONE) is not None:
            return body
        if len(person.zones) > 1:
            text = f"say in which zone: {', '.join(sorted(person.zones))}"
            raise Rejected(HTTPStatus.UNPROCESSABLE_ENTITY, "missing", text, ZONE)
        return body | {ZONE: next(iter(person.zones))}

    def _check_zones(self, zones: frozenset[str], what: str, field: str) -> None:
        person = self._person
        if person is None or not person.zones or zones & person.zones:
            return
        text = (
            f"{what} zone {', '.join(sorted(zones))}; {person.person_id} acts in"
            f" {', '.join(sorted(person.zones))}. An administrator gives zones"
        )
        raise Rejected(HTTPStatus.FORBIDDEN, "outsideZones", text, field)


def signed(scope: Scope, body: dict[str, Any]) -> dict[str, Any]:
    """Return an act with who does it: a person who is signed in, or else whoever it names.

    Raises:
        Rejected: 403; it names somebody else than the person who is signed in.
    """
    caller = caller_of(scope)
    if not isinstance(caller, SignedIn) or caller.is_service:
        return body
    mine, named = caller.person.person_id, body.get(OPERATOR)
    if named is None or (isinstance(named, str) and named.strip() == mine):
        return body | {OPERATOR: mine}
    text = f"{mine} is signed in, and acts under no other name; leave `{OPERATOR}` out, or sign in as that person"
    raise Rejected(HTTPStatus.FORBIDDEN, "otherOperator", text, OPERATOR)


def _texts(named: object) -> Iterator[tuple[str, str]]:
    """Yield every text of a body with the name that it stands under."""
    match named:
        case Mapping():
            for name, value in cast(Mapping[str, object], named).items():
                if isinstance(value, str):
                    yield to_camel(name), value.strip()
                else:
                    yield from _texts(value)
        case list():
            for each in cast(list[object], named):
                yield from _texts(each)
        case _:
            pass


def _in_words_of_the_wire(named: Mapping[str, object]) -> dict[str, object]:
    """Return what is named as its models take it; a body that has a name in both spellings is refused by them."""
    return {
        to_camel(name): value.strip() if isinstance(value, str) else value for name, value in named.items()
    }


def _containers_of(items: object) -> set[str]:
    """Return the containers that a batch names, each once."""
    each_item = cast(list[object], items)[:ITEMS_MAX] if isinstance(items, list) else []
    named = [
        _in_words_of_the_wire(cast(Mapping[str, object], each))
        for each in each_item
        if isinstance(each, Mapping)
    ]
    return {value for each in named if isinstance(value := each.get(CONTAINER), str)}
