"""The banker's rule: may a move be made so that everybody can still get to where they are going?

Movers (containers, vehicles) hold one place each and still need the places of their path, in order; a place holds `capacity`
of them. A state is *safe* if the movers can be put in an order in which each, one after the other, runs through its whole path
while the rest stand still. From a safe state the first of that order can always move, and the state stays safe when it
does: so nothing ever locks up, whatever the layout (Dijkstra 1965). Since a mover keeps its last place, the order can matter;
one that ends where others must pass goes last. Should an order be missed all the same, a move is only refused, never
wrongly allowed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mover:
    """One mover: where it is (None: nowhere that counts) and the places ahead of it, the last of which it keeps."""

    at: str | None
    path: tuple[str, ...]


def finishers(movers: Mapping[str, Mover], occupied: Counter[str], capacity: Mapping[str, int]) -> set[str]:
    """Return the movers that can get to the ends of their paths, one after the other.

    Args:
        movers: by id.
        occupied: how much of each place is taken by anything, the movers themselves included.
        capacity: how much each place holds; a place that is not named holds 1.
    """
    taken = Counter(occupied)
    waiting = dict(movers)
    finished: set[str] = set()
    while (name := _next(waiting, taken, capacity)) is not None:
        _run_through(waiting.pop(name), taken)
        finished.add(name)
    return finished


def is_safe(movers: Sequence[Mover], occupied: Counter[str], capacity: Mapping[str, int]) -> bool:
    """Tell whether all movers can get to the ends of their paths."""
    named = {str(index): mover for index, mover in enumerate(movers)}
    return len(finishers(named, occupied, capacity)) == len(named)


def _next(waiting: Mapping[str, Mover], taken: Counter[str], capacity: Mapping[str, int]) -> str | None:
    """Return who goes next: rather one whose last place nobody else has to pass, for it is kept for good."""
    needed = Counter(place for mover in waiting.values() for place in set(mover.path))
    able: str | None = None
    for name, mover in waiting.items():
        if _is_free(mover, taken, capacity):
            if not mover.path or needed[mover.path[-1]] == 1:
                return name
            able = able or name
    return able


def _is_free(mover: Mover, taken: Counter[str], capacity: Mapping[str, int]) -> bool:
    return all(taken[place] - (place == mover.at) < capacity.get(place, 1) for place in mover.path)


def _run_through(mover: Mover, taken: Counter[str]) -> None:
    if mover.path:
        if mover.at is not None:
            taken[mover.at] -= 1
        taken[mover.path[-1]] += 1
