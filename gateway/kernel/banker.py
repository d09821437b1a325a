"""The banker's rule: may a move be made so that everybody can still get to where they are going?

Movers (containers, vehicles) hold one place each and still need the places of their path, in order; a place holds `capacity`
of them. A state is *safe* if the movers can be put in an order in which each, one after the other, runs through its whole path
while the rest stand still. From a safe state the first of that order can always move, and the state stays safe when it
does: so nothing ever locks up, whatever the layout (Dijkstra 1965). Since a mover keeps its last place, the order can matter;
one that ends where others must pass goes last. Should an order be missed all the same, a move is only refused, never
wrongly allowed.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple


class Mover(NamedTuple):
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
    return _Run(movers, occupied, capacity).finishers()


class _Run:
    """One try to let everybody run through. Who finds a place full is looked at again when somebody leaves that place."""

    def __init__(
        self, movers: Mapping[str, Mover], occupied: Counter[str], capacity: Mapping[str, int]
    ) -> None:
        self._waiting = dict(movers)
        self._taken = defaultdict(int, occupied)
        self._capacity = capacity
        self._needed = Counter(chain.from_iterable(set(mover.path) for mover in movers.values()))
        self._ready = list(movers)
        self._blocked: dict[str, list[str]] = {}
        self._late: list[str] = []

    def finishers(self) -> set[str]:
        finished: set[str] = set()
        while (name := self._next()) is not None:
            self._run_through(self._waiting.pop(name))
            finished.add(name)
        return finished

    def _next(self) -> str | None:
        """Return who goes next: rather one whose last place nobody else has to pass, for it is kept for good."""
        for names in (self._ready, self._late):
            for _ in range(len(names)):
                name = names.pop()
                if self._is_free(name):
                    path = self._waiting[name].path
                    if not path or self._needed[path[-1]] == 1:
                        return name
                    self._late.insert(0, name)
        return next((name for name in iter(self._pop_late, None) if self._is_free(name)), None)

    def _pop_late(self) -> str | None:
        return self._late.pop() if self._late else None

    def _is_free(self, name: str) -> bool:
        mover = self._waiting[name]
        for place in mover.path:
            if self._taken[place] - (place == mover.at) >= self._capacity.get(place, 1):
                self._blocked.setdefault(place, []).append(name)
                return False
        return True

    def _run_through(self, mover: Mover) -> None:
        if not mover.path:
            return
        for place in set(mover.path):
            self._needed[place] -= 1
        self._taken[mover.path[-1]] += 1
        if mover.at is not None:
            self._taken[mover.at] -= 1
            self._ready += self._blocked.pop(mover.at, ())
