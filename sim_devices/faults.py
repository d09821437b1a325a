"""Faults on request: what can go wrong at a device, when it begins, and when it is over.

A fault is a *state* of one device, never a call into it: devices and their faces ask their own `Troubles`
what is wrong now, whenever it matters, and are told when that changes. So a fault that strikes between any
two steps takes the same code as one that was there from the start. A fault ends when its `durationS` has
passed, when its `count` is used up, or when somebody deletes it; without any of these it lasts.

All times are seconds of the event loop, as the gateway experiences them, not of simulated motion.

A fault waits for `delayS`, for `after` (the device has reached a point of the handshake so many times since
the request), or both, one after the other. A fault file holds a list of faults and, if wanted, a menu from
which a seeded chance draws:

    seed: 7
    faults:
      - {kind: reboot, device: shuttle-2, memoryLost: true, after: {point: moved, times: 3}}
    random:
      meanIntervalS: 20
      menu:
        - {kind: jam, device: conveyor-out, durationS: 5}
        - {kind: linkDrop, device: lift-1, durationS: 2}
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from gateway.site.document import read_document
from sim_devices.clock import Random

FAULTS_HELD = 1000
"""Faults that wait or last at one time, in the whole site."""

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=10_000)]


class Point(StrEnum):
    """A step of the handshake after which a fault may strike, before anything of it is shown on the wire."""

    RECEIVED = "received"
    """An order or a command has come over the wire and is not yet judged."""
    TAKEN = "taken"
    """A command has been taken and remembered."""
    MOVED = "moved"
    """The load has physically been moved."""
    DONE = "done"
    """The command has ended and its result is remembered."""


class After(WireModel):
    """Wait until the device has reached a point so many times since the request."""

    point: Point
    times: Count = 1


class FaultBase(WireModel):
    """What all faults have in common.

    Attributes:
        device: the device, or the vehicle, that it happens to. A fault of the wire happens to everything
            behind the same link.
        delay_s: begins so much later.
        after: begins at a point of the handshake; with `delay_s`, so much after that.
        duration_s: ends by itself; None: lasts until it is deleted (or its count is used up).
    """

    device: Identifier
    delay_s: Seconds = 0.0
    after: After | None = None
    duration_s: Seconds | None = None


class Reboot(FaultBase):
    """Power goes away for `durationS` and comes back; with `memoryLost` the retentive memory is gone.

    A vehicle without its memory does not know where it is until somebody localises it.
    """

    kind: Literal["reboot"] = "reboot"
    memory_lost: bool = False
    duration_s: Seconds | None = 1.0


class LinkDrop(FaultBase):
    """The connection breaks; no new one succeeds for `durationS`."""

    kind: Literal["linkDrop"] = "linkDrop"
    duration_s: Seconds | None = 0.0


class BlackHole(FaultBase):
    """The connection stays up, but nothing is answered or shown any more; what comes in is lost."""

    kind: Literal["blackHole"] = "blackHole"


class SlowAnswers(FaultBase):
    """Every answer comes `answerS` late."""

    kind: Literal["slowAnswers"] = "slowAnswers"
    answer_s: Seconds = 0.5


class LostReply(FaultBase):
    """The next `count` writes are executed, but the connection breaks before the answer."""

    kind: Literal["lostReply"] = "lostReply"
    count: Count = 1


class DuplicateReply(FaultBase):
    """The next `count` writes are answered twice."""

    kind: Literal["duplicateReply"] = "duplicateReply"
    count: Count = 1


class Jam(FaultBase):
    """Whatever moves, or begins to, stops with a fault; the load stays. RESET helps once the jam is over."""

    kind: Literal["jam"] = "jam"


class DeviceFault(FaultBase):
    """The device stops with a fault of its own and refuses commands until it is over and RESET."""

    kind: Literal["deviceFault"] = "deviceFault"
    fault_code: Annotated[int, Field(ge=1, le=65_535)] = 901


class ManualMode(FaultBase):
    """Somebody has switched the device to manual: it ends what it does and refuses what comes."""

    kind: Literal["manualMode"] = "manualMode"


class SensorStuck(FaultBase):
    """A load sensor shows the same whatever is there.

    Attributes:
        spot: the location whose sensor it is; None: the device's own (load on board).
    """

    kind: Literal["sensorStuck"] = "sensorStuck"
    spot: Identifier | None = None
    shows: Literal["empty", "loaded", "unclear"] = "unclear"


class NoRead(FaultBase):
    """The scanner cannot read the next `count` labels."""

    kind: Literal["noRead"] = "noRead"
    count: Count = 1


class WrongBarcode(FaultBase):
    """The scanner reads something else from the next `count` labels."""

    kind: Literal["wrongBarcode"] = "wrongBarcode"
    barcode: Annotated[str, Field(pattern=r"^[ -~]{1,16}$")] = "WRONG-0001"
    count: Count = 1


class BatteryLow(FaultBase):
    """The vehicle's battery falls to this state of charge (0 … 1) at once; charging helps."""

    kind: Literal["batteryLow"] = "batteryLow"
    level: Annotated[float, Field(ge=0, le=1)] = 0.1


class RefusedOrder(FaultBase):
    """The next `count` orders are refused: a vehicle reports an order error, a PLC device is busy."""

    kind: Literal["refusedOrder"] = "refusedOrder"
    count: Count = 1


class HandlingFails(FaultBase):
    """The next `count` picks or drops of a vehicle fail and leave the load where it is."""

    kind: Literal["handlingFails"] = "handlingFails"
    count: Count = 1


class LocalisationLost(FaultBase):
    """The vehicle does not know where it is: it stops, and takes no new order."""

    kind: Literal["localisationLost"] = "localisationLost"


class StateLost(FaultBase):
    """The next `count` state messages of a vehicle never arrive."""

    kind: Literal["stateLost"] = "stateLost"
    count: Count = 1


class StateDuplicated(FaultBase):
    """The next `count` state messages of a vehicle arrive twice."""

    kind: Literal["stateDuplicated"] = "stateDuplicated"
    count: Count = 1


class StateReordered(FaultBase):
    """The next `count` state messages of a vehicle arrive after the one that follows them."""

    kind: Literal["stateReordered"] = "stateReordered"
    count: Count = 1


class WrongButton(FaultBase):
    """The next `count` hands press the button of the slot beside the one they mean."""

    kind: Literal["wrongButton"] = "wrongButton"
    count: Count = 1


class ShortPick(FaultBase):
    """The next `count` puts of the automatic picker find one piece too few."""

    kind: Literal["shortPick"] = "shortPick"
    count: Count = 1


Fault = Annotated[
    Reboot
    | LinkDrop
    | BlackHole
    | SlowAnswers
    | LostReply
    | DuplicateReply
    | Jam
    | DeviceFault
    | ManualMode
    | SensorStuck
    | NoRead
    | WrongBarcode
    | BatteryLow
    | RefusedOrder
    | HandlingFails
    | LocalisationLost
    | StateLost
    | StateDuplicated
    | StateReordered
    | WrongButton
    | ShortPick,
    Field(discriminator="kind"),
]

F = TypeVar("F", bound=FaultBase)

WIRE_FAULTS: frozenset[type[FaultBase]] = frozenset(
    {LinkDrop, BlackHole, SlowAnswers, LostReply, DuplicateReply}
)
"""Faults of a link: they happen to everything behind it."""


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
        where = self._find_place(fault)
        if len(self._held) >= FAULTS_HELD:
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

    def _find_place(self, fault: Fault) -> str:
        if fault.device not in self._where:
            raise NotPossible(
                f"there is no simulated device {fault.device}; there are {', '.join(self._where)}"
            )
        kinds = self._where[fault.device]
        if type(fault) not in kinds:
            known = ", ".join(sorted(kind.model_fields["kind"].default for kind in kinds))
            raise NotPossible(f"{fault.kind} cannot happen to {fault.device}; what can: {known}")
        return kinds[type(fault)]

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


class RandomFaults(WireModel):
    """Faults by chance: one from the menu every `meanIntervalS` on average (exponentially distributed)."""

    mean_interval_s: PositiveFloat
    menu: Annotated[tuple[Fault, ...], Field(min_length=1)]


class FaultFile(WireModel):
    """Faults by file."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    random: RandomFaults | None = None


def read_fault_file(path: Path) -> FaultFile:
    """Read a fault file.

    Raises:
        ValueError: it cannot be read, or is no fault file; the text names every place and what is wrong there.
    """
    document = read_document(path)
    if document.findings:
        raise ValueError("\n".join(map(str, document.findings)))
    try:
        return FaultFile.model_validate(document.data)
    except ValidationError as error:
        places = (f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ValueError("\n".join(places)) from error


async def play(file: FaultFile, book: FaultBook, chance: Random) -> None:
    """Ask for the file's faults, then for random ones until cancelled, or return if it names none.

    Raises:
        NotPossible: the file asks for what cannot happen to a device.
    """
    for fault in file.faults:
        book.add(fault)
    if file.random is None:
        return
    while True:
        await asyncio.sleep(chance.expovariate(1 / file.random.mean_interval_s))
        book.add(chance.choice(file.random.menu))
