"""What a device offers on the wire, free of the protocol: blocks that it shows, blocks that it takes, methods, life counters.

Addresses are data (the profile's tags); a face of either protocol serves the same surface by register or by node.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.contract.wiring import Handshake, MailboxChannel, Profile, Tag
from gateway.site.model import PutWall
from sim_devices.clock import SimClock, beats
from sim_devices.mailbox import Fields
from sim_devices.plc import Plc
from sim_devices.putwall import PutWallDevice
from sim_devices.runner import Runner

LIFE: Final = "life"
Base = int | str
"""Of a block: its first register, or the prefix of its nodes' identifiers."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A block that only the device writes."""

    base: Base
    tags: tuple[Tag, ...]
    read: Callable[[], Fields]


@dataclass(frozen=True, slots=True, eq=False)
class Ticking:
    """A tag that counts up by itself: computed when somebody looks, for nobody has to be told.

    Attributes:
        read: None: the device has no power, and the tag stays what it is.
    """

    base: Base
    tag: Tag
    read: Callable[[], int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A block that only the gateway writes.

    Attributes:
        write: gets all its fields whenever any of them has been written.
        is_clear: whether the device holds nothing of it, because it has cleared it or nothing was ever written.
    """

    base: Base
    tags: tuple[Tag, ...]
    write: Callable[[Fields], None]
    is_clear: Callable[[], bool]

    def blank(self) -> Fields:
        """Return its fields as they are when nothing has been written to it."""
        return {tag.name: empty(tag) for tag in self.tags}


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """A method (OPC UA): its arguments are the tags in their order, its answer one u16; None: the device is dead."""

    base: Base
    method: str
    tags: tuple[Tag, ...]
    call: Callable[[Fields], int | None]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """All that one device offers, by the tag map of its profile."""

    profile: Profile
    shown: tuple[Shown, ...] = ()
    taken: tuple[Taken, ...] = ()
    called: tuple[Called, ...] = ()
    ticking: tuple[Ticking, ...] = ()


def empty(tag: Tag) -> int | str:
    """Return the value of a tag that nothing has been written to."""
    return "" if tag.length else 0


def plc_surface(
    plc: Plc, channels: Sequence[MailboxChannel], profile: Profile, runner: Runner, clock: SimClock
) -> Surface:
    """Lay out a PLC device: a status block a channel, and a command block or the method."""
    bases = {channel.id: _at(channel.base, profile.status_base) for channel in channels}
    shown = tuple(
        Shown(base, _still(profile.status), partial(plc.status, channel_id))
        for channel_id, base in bases.items()
    )
    ticking = tuple(each for base in bases.values() for each in _ticking(plc, base, profile.status))
    if profile.handshake is Handshake.METHOD:
        called = tuple(_method(plc, each, profile, runner, clock) for each in channels)
        return Surface(profile, shown, called=called, ticking=ticking)
    taken = tuple(_mailbox(plc, channel, profile, runner) for channel in channels)
    return Surface(profile, shown, taken, ticking=ticking)


def wall_surface(wall: PutWallDevice, model: PutWall, profile: Profile, runner: Runner) -> Surface:
    """Lay out a put wall: its header, then an order and a status block a slot."""

    def order(slot: int) -> Taken:
        def write(fields: Fields) -> None:
            runner.act(partial(wall.write, slot, fields))

        first = model.base + profile.command_base + slot * profile.command_stride
        return Taken(first, profile.command, write, partial(wall.is_clear, slot))

    def status(slot: int) -> Shown:
        first = model.base + profile.status_base + slot * profile.status_stride
        return Shown(first, profile.status, partial(wall.status, slot))

    first = model.base + profile.header_base
    header = Shown(first, _still(profile.header), wall.header)
    slots = range(model.slots)
    ticking = _ticking(wall, first, profile.header)
    return Surface(profile, (header, *map(status, slots)), tuple(map(order, slots)), ticking=ticking)


def _still(tags: Sequence[Tag]) -> tuple[Tag, ...]:
    return tuple(tag for tag in tags if tag.name != LIFE)


def _ticking(device: Plc | PutWallDevice, base: Base, tags: Sequence[Tag]) -> tuple[Ticking, ...]:
    def life() -> int | None:
        return beats() if device.powered else None

    return tuple(Ticking(base, tag, life) for tag in tags if tag.name == LIFE)


def _mailbox(plc: Plc, channel: MailboxChannel, profile: Profile, runner: Runner) -> Taken:
    def write(fields: Fields) -> None:
        runner.act(partial(plc.write, channel.id, fields))

    first = _at(channel.base, profile.command_base)
    return Taken(first, profile.command, write, partial(plc.is_clear, channel.id))


def _method(plc: Plc, channel: MailboxChannel, profile: Profile, runner: Runner, clock: SimClock) -> Called:
    def call(fields: Fields) -> int | None:
        answer = runner.act(lambda: plc.execute(channel.id, fields, clock.now()))
        return answer if plc.powered else None

    return Called(channel.base, profile.method or "", profile.command, call)


def _at(base: Base, offset: int) -> Base:
    return base + offset if isinstance(base, int) else base
