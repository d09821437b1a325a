"""The banker's rule: may a move be made so that everybody can still get to where they are going?

Movers (containers, vehicles) hold one place each and still need the places of their path, in order; a place holds `capacity`
of them. A state is *safe* if the movers can be put in an order in which each, one after the other, runs through its whole path
while the rest stand still. From a safe state the first of that order can always move, and the state stays safe when it
does: so nothing ever locks up, whatever the layout (Dijkstra 1965).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mover:
    """One mover: where it is (None: nowhere that counts) and the places ahead of it, the last of which it keeps."""

    at: str | None
    path: tuple[str, ...]


def is_safe(movers: Sequence[Mover], occupied: Counter[str], capacity: Mapping[str, int]) -> bool:
    """Tell whether all movers can get to the ends of their paths.

    Args:
        occupied: how much of each place is taken by anything, the movers themselves included.
        capacity: how much each place holds; a place that is not named holds 1.
    """
    taken = Counter(occupied)
    waiting = list(movers)
    while waiting:
        stuck = [mover for mover in waiting if not _run_through(mover, taken, capacity)]
        if len(stuck) == len(waiting):
            return False
        waiting = stuck
    return True


def _run_through(mover: Mover, taken: Counter[str], capacity: Mapping[str, int]) -> bool:
    for place in mover.path:
        own = 1 if place == mover.at else 0
        if taken[place] - own >= capacity.get(place, 1):
            return False
    if mover.at is not None:
        taken[mover.at] -= 1
    if mover.path:
        taken[mover.path[-1]] += 1
    elif mover.at is not None:
        taken[mover.at] += 1
    return True
