"""Which faults wait and which last: the book of a site, and the page of each device that devices and faces read."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, cast

from pydantic import PositiveInt

from gateway.contract.model import WireModel
from sim_devices.faults.kinds import Fault, FaultBase, Point

FAULTS_HELD = 1000
"""Faults that wait or last at one time, in the whole site."""

F = TypeVar("F", bound=FaultBase)


class NotPossible(Exception):  # noqa: N818 - an answer to the caller
    """The fault cannot happen to that device, or too many are held; the text says why."""


class FaultStatus(StrEnum):
    """Where a fault stands; one that is over is forgotten."""

    WAITING = "waiting"
    ACTIVE = "active"


class FaultView(WireModel):
    """A fault as the API shows it; `left`: uses that remain of a counted one."""

    fault_id: str
    status: FaultStatus
    left: PositiveInt | None
    fault: Fault


@dataclass(slots=True, eq=False)
class _Held:
    """One fault, from its request until it is over."""

    fault_id: str
    fault: Fault
    where: str
    left: int | None
    reaches_left: int
    begins_at: float | None = None
    ends_at: float | None = None
    active: bool = False

    def view(self) -> FaultView:
        status = FaultStatus.ACTIVE if self.active else FaultStatus.WAITING
        return FaultView(fault_id=self.fault_id, status=status, left=self.left, fault=self.fault)

    def due(self) -> float | None:
        """Return the loop time at which it begins or ends by itself."""
        return self.ends_at if self.active else self.begins_at


@dataclass(slots=True, eq=False)
class Troubles:
    """What is wrong at one device, or one link, now; asked by whoever plays it."""

    name: str
    _book: "FaultBook"
    _active: list[_Held] = field(default_factory=list[_Held])
    _watchers: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def find(self, kind: type[F]) -> F | None:
        """Return the oldest active fault of this kind, if there is one."""
        for held in self._active:
            if isinstance(held.fault, kind):
                return held.fault
        return None

    def all(self, kind: type[F]) -> tuple[F, ...]:
        """Return every active fault of this kind, oldest first."""
        return tuple(held.fault for held in self._active if isinstance(held.fault, kind))

    def spend(self, kind: type[F]) -> F | None:
        """Return the oldest active fault of this kind, if there is one, and use up one of its `count`."""
        for held in self._active:
            if isinstance(held.fault, kind):
                self._book.use(held)
                return held.fault
        return None

    def reached(self, point: Point) -> None:
        """Tell that the device has reached a point; faults that wait for it are active when this returns."""
        self._book.reached(self.name, point)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever a fault has begun or is over here."""
        self._watchers.append(changed)

    def begin(self, held: _Held) -> None:
        """For the book: this fault is active now."""
        self._active.append(held)
        self._tell()

    def end(self, held: _Held) -> None:
        """For the book: this fault is over."""
        self._active.remove(held)
        self._tell()

    def _tell(self) -> None:
        for changed in self._watchers:
            changed()


class FaultBook:
    """All faults of a site. Needs a running loop when faults are added or reached."""

    def __init__(self) -> None:
        self._troubles: dict[str, Troubles] = {}
        self._where: dict[str, dict[type[FaultBase], str]] = {}
        self._held: dict[str, _Held] = {}
        self._requests = 0
        self._changed = asyncio.Event()

    def register(self, device_id: str, kinds: Collection[type[FaultBase]]) -> Troubles:
        """Make a device known with the kinds of fault that can happen to it."""
        self._troubles[device_id] = Troubles(device_id, self)
        self._where[device_id] = dict.fromkeys(kinds, device_id)
        return self._troubles[device_id]

    def register_link(
        self, link_id: str, device_ids: Collection[str], kinds: Collection[type[FaultBase]]
    ) -> Troubles:
        """Make a link known: what is asked for any of its devices (registered already) happens to all."""
        name = f"link:{link_id}"
        self._troubles[name] = Troubles(name, self)
        for device_id in device_ids:
            self._where[device_id] |= dict.fromkeys(kinds, name)
        return self._troubles[name]

    def add(self, fault: Fault) -> FaultView:
        """Ask for a fault.

        Raises:
            NotPossible: unknown device, a kind that it cannot have, or too many faults are held.
        """
        where = self.place_of(fault)
        if not self.has_room():
            raise NotPossible(f"{FAULTS_HELD} faults wait or last already; delete some")
        self._requests += 1
        reaches = fault.after.times if fault.after else 0
        held = _Held(
            f"fault-{self._requests}",
            fault,
            where,
            cast("int | None", getattr(fault, "count", None)),
            reaches,
        )
        self._held[held.fault_id] = held
        if not reaches:
            self._schedule(held)
        return held.view()

    def place_of(self, fault: Fault) -> str:
        """Return where a fault happens: its device, or the link of that.

        Raises:
            NotPossible: unknown device, or a kind that it cannot have.
        """
        if fault.device not in self._where:
            raise NotPossible(
                f"there is no simulated device {fault.device}; there are {', '.join(self._where)}"
            )
        kinds = self._where[fault.device]
        if type(fault) not in kinds:
            known = ", ".join(sorted(kind.model_fields["kind"].default for kind in kinds))
            raise NotPossible(f"{fault.kind} cannot happen to {fault.device}; what can: {known}")
        return kinds[type(fault)]

    def has_room(self) -> bool:
        """Tell whether one more fault can be held."""
        return len(self._held) < FAULTS_HELD

    def remove(self, fault_id: str) -> bool:
        """End or withdraw a fault; tell whether there was one."""
        held = self._held.pop(fault_id, None)
        if held and held.active:
            self._troubles[held.where].end(held)
        return held is not None

    def clear(self) -> None:
        """End and withdraw all faults."""
        for fault_id in tuple(self._held):
            self.remove(fault_id)

    def views(self) -> tuple[FaultView, ...]:
        """Return every fault that waits or lasts, oldest first."""
        return tuple(held.view() for held in self._held.values())

    def use(self, held: _Held) -> None:
        """For troubles: one of the fault's `count` is used up."""
        if held.left is not None:
            held.left -= 1
            if not held.left:
                self.remove(held.fault_id)

    def reached(self, device_id: str, point: Point) -> None:
        """For troubles: count a point of the handshake for the faults that wait for it."""
        for held in tuple(self._held.values()):
            after = held.fault.after
            if held.reaches_left and held.fault.device == device_id and after and after.point is point:
                held.reaches_left -= 1
                if not held.reaches_left:
                    self._schedule(held)

    async def run(self) -> None:
        """Begin and end faults when their time has come, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            due = min((at for held in self._held.values() if (at := held.due()) is not None), default=None)
            try:
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            except TimeoutError:
                self._advance(loop.time())

    def _schedule(self, held: _Held) -> None:
        if held.fault.delay_s:
            held.begins_at = asyncio.get_running_loop().time() + held.fault.delay_s
            self._changed.set()
        else:
            self._begin(held)

    def _begin(self, held: _Held) -> None:
        held.active = True
        if held.fault.duration_s is not None:
            held.ends_at = asyncio.get_running_loop().time() + held.fault.duration_s
            self._changed.set()
        self._troubles[held.where].begin(held)

    def _advance(self, now: float) -> None:
        for held in tuple(self._held.values()):
            due = held.due()
            if due is None or due > now:
                continue
            if held.active:
                self.remove(held.fault_id)
            else:
                self._begin(held)
