"""The truth: where every container is. Physics, nobody's books: it forgets nothing, refuses the impossible.

A *spot* is what holds containers: a location, or a device with a load on board. Devices act on the world with
`move`; people act on it with `place` and `remove`. Devices never look at the truth: they see it through
sensors and scanners (`sim_devices.sensors`), which may lie.
"""

from collections.abc import Callable, Iterable, Mapping

from gateway.site.model import Carrier, Site

MOVES_KEPT = 200_000
"""Jobs whose moves are remembered; the oldest are forgotten first."""


class Impossible(Exception):  # noqa: N818 - physics says no; it is not an error of the program
    """Physics refuses: there is nothing to take, or no room to put it."""


class World:
    """Where containers truly are, and how often each job moved a load."""

    def __init__(self, capacities: Mapping[str, int], stock: Iterable[tuple[str, str]] = ()) -> None:
        """Make a world of spots with room for so many containers each; `stock` is (container, spot)."""
        self._capacities = dict(capacities)
        self._contents: dict[str, list[str]] = {spot: [] for spot in capacities}
        self._spots: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._moves: dict[str, int] = {}
        self._moved_twice: list[str] = []
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self._followers: list[Callable[[str], None]] = []
        for container, spot in stock:
            self.place(container, spot)

    @classmethod
    def of_site(cls, site: Site, stock: Iterable[tuple[str, str]] | None = None) -> "World":
        """Make the world of a site: locations, carriers and vehicles (one load each), and the initial stock or another one."""
        capacities = {location.id: location.capacity for location in site.all_locations.values()}
        capacities |= {device.id: 1 for device in site.devices if isinstance(device, Carrier)}
        capacities |= {vehicle.id: 1 for fleet in site.fleets for vehicle in fleet.vehicles}
        if stock is None:
            stock = [(each.container, each.location) for each in site.initial_stock()]
        return cls(capacities, stock)

    def spot_of(self, container: str) -> str | None:
        """Return the location or device that holds the container; None if it is not in the site."""
        return self._spots.get(container)

    def contents(self, spot: str) -> tuple[str, ...]:
        """Return the containers that a spot holds, longest there first."""
        return tuple(self._content(spot))

    def snapshot(self) -> dict[str, dict[str, str] | dict[str, int]]:
        """Return `{"containers": {id: spot}, "moves": {job: times a device moved a load for it}}`."""
        return {"containers": dict(self._spots), "moves": dict(self._moves)}

    @property
    def spots(self) -> Mapping[str, str]:
        """Where every container is: location or device by container."""
        return self._spots

    @property
    def moves_made(self) -> int:
        """How often any device moved a load."""
        return sum(self._moves.values())

    @property
    def moved_twice(self) -> tuple[str, ...]:
        """Jobs for which a device moved a load more than once: what must never happen."""
        return tuple(self._moved_twice)

    def moves(self, job: str) -> int:
        """Return how often devices moved a load for this job."""
        return self._moves.get(job, 0)

    def move(self, source: str, target: str, job: str, container: str | None = None) -> str:
        """Move one load and count it for the job.

        Args:
            source: spot to take from; of a drop, the device.
            target: spot to put on; of a pick, the device.
            job: the name of the command (`jobId`, `actionId`) that the device does it for.
            container: taken if it is there; else the load that has been there longest.

        Returns:
            The container that was really moved.

        Raises:
            Impossible: nothing at the source, or no room at the target; nothing has moved.
        """
        waiting = self._content(source)
        if not waiting:
            raise Impossible(f"{source} is empty")
        self._need_room(target)
        moved = container if container in waiting else waiting[0]
        waiting.remove(moved)
        self._content(target).append(moved)
        self._spots[moved] = target
        self._count(job)
        self._tell(moved, source, target)
        return moved

    def holds_load(self, spot: str) -> bool:
        """Tell whether anything is on the spot."""
        return bool(self._content(spot))

    def is_full(self, spot: str) -> bool:
        """Tell whether no other load fits on the spot."""
        return len(self._content(spot)) >= self._capacities[spot]

    def label(self, container: str) -> str:
        """Return what stands on the container's label; empty: unreadable."""
        return self._labels[container]

    def watch(self, spot: str, changed: Callable[[], None]) -> None:
        """Call `changed` whenever something has come to the spot or gone from it."""
        self._content(spot)
        self._watchers.setdefault(spot, []).append(changed)

    def follow(self, changed: Callable[[str], None]) -> None:
        """Call `changed` with each container that has come, moved or gone, before any device can notice."""
        self._followers.append(changed)

    def place(self, container: str, spot: str, label: str | None = None) -> None:
        """Somebody puts a container on a spot by hand: a new one, or one from anywhere in the site.

        Raises:
            Impossible: no such spot, or no room there.
        """
        label = self._labels.get(container, container) if label is None else label
        if self._spots.get(container) != spot:
            self._need_room(spot)
            if container in self._spots:
                self.remove(container)
            self._content(spot).append(container)
            self._spots[container] = spot
        self._labels[container] = label
        self._tell(container, spot)

    def remove(self, container: str) -> None:
        """Somebody takes a container out of the site by hand.

        Raises:
            Impossible: it is not in the site.
        """
        spot = self._spots.pop(container, None)
        if spot is None:
            raise Impossible(f"{container} is not in the site")
        self._content(spot).remove(container)
        del self._labels[container]
        self._tell(container, spot)

    def _content(self, spot: str) -> list[str]:
        if spot not in self._contents:
            raise Impossible(f"there is no spot {spot}")
        return self._contents[spot]

    def _need_room(self, spot: str) -> None:
        if self.is_full(spot):
            raise Impossible(f"{spot} is full")

    def _count(self, job: str) -> None:
        self._moves[job] = self._moves.get(job, 0) + 1
        if self._moves[job] == 2:
            self._moved_twice.append(job)
        if len(self._moves) > MOVES_KEPT:
            del self._moves[next(iter(self._moves))]

    def _tell(self, container: str, *spots: str) -> None:
        for follow in self._followers:
            follow(container)
        for spot in spots:
            for changed in self._watchers.get(spot, ()):
                changed()
