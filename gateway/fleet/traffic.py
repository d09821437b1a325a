"""Who may drive where on one road map: exclusive bases, homes, and the banker's rule over everybody's course."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.fleet.roads import Roads
from gateway.fleet.rows import Mission
from gateway.fleet.shown import node_of
from gateway.kernel.banker import Mover, finishers
from gateway.kernel.books import Table


class Claim(NamedTuple):
    """What a vehicle has and wants of the road.

    Attributes:
        base: the nodes that it holds, from the one it stands on; at least one.
        rest: the nodes ahead of the base up to its goal.
        home: where it goes after that.
    """

    base: tuple[str, ...]
    rest: tuple[str, ...] = ()
    home: str | None = None

    @property
    def end(self) -> str:
        """The last node that it holds: where it stops by itself."""
        return self.base[-1]

    @property
    def goal(self) -> str:
        """Where its order ends."""
        return self.rest[-1] if self.rest else self.end


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim that was refused, and the claims of all who could not have got home with it."""

    claim: Claim
    others: dict[str, Claim]


def claim_of(row: Mission) -> Claim:
    """Return the claim of a vehicle that has a base."""
    return Claim(row.base, row.rest if row.order is None else row.order.rest, row.home)


class Traffic:
    """All vehicles of one road map, whatever fleet they belong to."""

    def __init__(self, missions: Table[str, Mission], roads: Roads, vehicle_ids: Collection[str]) -> None:
        self._missions = missions
        self._roads = roads
        self._vehicle_ids = frozenset(vehicle_ids)
        self._claims: dict[str, Claim] = {}
        self._movers: dict[str, Mover] = {}
        self._held: dict[str, frozenset[str]] = {}
        self._holders: dict[str, set[str]] = {}
        self._refused: dict[str, Refused] = {}
        self._safe: set[str] | None = None
        missions.watch(self._note)

    def _note(self, old: Mission | None, new: Mission | None) -> None:
        """Keep the indexes true to the table."""
        row = new or old
        if row is None or row.vehicle_id not in self._vehicle_ids:
            return
        self._note_held(row.vehicle_id, frozenset() if new is None else self._held_by(new))
        self._note_claim(row.vehicle_id, claim_of(new) if new is not None and new.base else None)

    def _note_held(self, name: str, held: frozenset[str]) -> None:
        before = self._held.get(name, frozenset())
        if held == before:
            return
        self._held[name] = held
        for node in before - held:
            self._holders[node].discard(name)
        for node in held - before:
            self._holders.setdefault(node, set()).add(name)

    def _held_by(self, row: Mission) -> frozenset[str]:
        """Return the nodes that a vehicle holds: its base, where it is, and where it may drive, whoever has led it there.

        They differ only while people drive it by hand, or another gateway commands it, and our order has not ended yet.
        """
        shown = row.shown
        if shown is None:
            return frozenset(row.base)
        here = node_of(shown, self._roads)
        released = (node.node_id for node in shown.node_states if node.released)
        return frozenset((*row.base, *(() if here is None else (here,)), *released))

    def _note_claim(self, name: str, claim: Claim | None) -> None:
        if claim == self._claims.get(name):
            return
        self._claims.pop(name, None)
        mover = self._movers.pop(name, None)
        if claim is not None:
            self._claims[name] = claim
            self._movers[name] = self._mover(claim)
        if self._movers.get(name) != mover:
            self._safe = None

    @property
    def safe(self) -> set[str]:
        """The vehicles that can get home, one after the other."""
        if self._safe is None:
            self._safe = _finishers(self._movers)
        return self._safe

    def held(self, vehicle_id: str) -> Collection[str]:
        """Return all nodes that a vehicle holds."""
        return self._held[vehicle_id]

    def others(self, vehicle_id: str) -> Iterator[Mission]:
        """Return the other vehicles that have a base."""
        return (self._missions[name] for name in self._claims if name != vehicle_id)

    def is_free(self, node: str, vehicle_id: str) -> bool:
        """Tell whether no other vehicle holds a node."""
        return all(name == vehicle_id for name in self.holders(node))

    def holders(self, node: str) -> Collection[str]:
        """Return the vehicles that hold a node: one at most, unless people have moved vehicles by hand."""
        return self._holders.get(node, ())

    def allows(self, vehicle_id: str, claim: Claim) -> bool:
        """Tell whether a vehicle may have this claim: it, and everybody who can get home now, can get home afterwards.

        Vehicles that block each other go on doing so until one of them claims something else: so long a refusal holds.
        """
        refused = self._refused.get(vehicle_id)
        if refused is not None and refused.claim == claim and self._still_blocked(refused):
            return False
        movers = {**self._movers, vehicle_id: self._mover(claim)}
        after = _finishers(movers)
        if vehicle_id in after and self.safe <= after:
            return True
        others = [name for name in movers if name not in after and name != vehicle_id]
        self._refused[vehicle_id] = Refused(claim, {name: self._claims[name] for name in others})
        return False

    def _still_blocked(self, refused: Refused) -> bool:
        return all(self._claims.get(name) == claim for name, claim in refused.others.items())

    def housed(self, vehicle_id: str, claim: Claim) -> Claim | None:
        """Return the claim with the nearest home that is allowed; None if there is none."""
        homes = (claim._replace(home=home) for home in self.free_homes(vehicle_id, claim.goal))
        return next((housed for housed in homes if self.allows(vehicle_id, housed)), None)

    def extended(self, vehicle_id: str, claim: Claim, nodes_max: int) -> Claim:
        """Return the claim with as much of the rest in its base as may be now, at most so many nodes in all."""
        while claim.rest and len(claim.base) < nodes_max:
            further = Claim((*claim.base, claim.rest[0]), claim.rest[1:], claim.home)
            if not self.is_free(further.end, vehicle_id) or not self.allows(vehicle_id, further):
                break
            claim = further
        return claim

    def course(self, claim: Claim) -> Claim:
        """Return the claim with the way home ahead of it too."""
        return claim._replace(rest=self._ahead(claim))

    def _ahead(self, claim: Claim) -> tuple[str, ...]:
        way = None if claim.home is None else self._roads.route(claim.goal, claim.home)
        return (*claim.rest, *(way or ())[1:])

    def _mover(self, claim: Claim) -> Mover:
        """What a base holds besides its end becomes free by itself, so a vehicle counts as being at the end."""
        return Mover(claim.end, self._ahead(claim))

    def free_homes(self, vehicle_id: str, near: str) -> list[str]:
        """Return the parking nodes that are nobody else's home: those where nobody stands first, then the nearest."""
        taken = {claim.home for name, claim in self._claims.items() if name != vehicle_id}
        ways = {home: self._roads.route(near, home) for home in self._roads.parking if home not in taken}
        return sorted(
            (home for home, way in ways.items() if way is not None),
            key=lambda home: (not self.is_free(home, vehicle_id), self._roads.seconds(ways[home] or ())),
        )


def _finishers(movers: Mapping[str, Mover]) -> set[str]:
    return finishers(movers, Counter(mover.at for mover in movers.values() if mover.at is not None), {})
