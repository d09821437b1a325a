"""Every device has addresses of its own on its link."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.contract.wiring import Profile
from gateway.site.checks.walks import channels, profiles_by_id
from gateway.site.findings import Flaw, Keys
from gateway.site.model import PutWall, Site
from gateway.site.registers import extent

LAST_REGISTER: Final = 65535


@dataclass(frozen=True, slots=True)
class _Area:
    """Registers that belong together, `last` included; `keys` lead to the `base` that moves them."""

    base: int
    first: int
    last: int
    link: str
    owner: str
    keys: Keys

    def __str__(self) -> str:
        return f"{self.first}–{self.last} ({self.owner})"


def wrong_bases(site: Site) -> Iterator[Flaw]:
    """A register number as base in OPC UA, a text as base in Modbus."""
    profiles = profiles_by_id(site)
    for keys, device, channel in channels(site):
        profile = profiles.get(device.profile)
        if profile is None or isinstance(channel.base, str) == (profile.protocol == "opcua"):
            continue
        needed = (
            "the beginning of its nodes' identifiers" if profile.protocol == "opcua" else "a register number"
        )
        yield Flaw((*keys, "base"), f"`{channel.base}` is no base in {profile.protocol}", f"write {needed}")


def registers_out_of_range(site: Site) -> Iterator[Flaw]:
    """A block that begins before register 0 or ends after register 65535."""
    for area in _areas(site):
        if area.first < 0 or area.last > LAST_REGISTER:
            message = f"the registers {area} do not exist; they go from 0 to {LAST_REGISTER}"
            yield Flaw(
                area.keys, message, f"write a base from 0 to {LAST_REGISTER - (area.last - area.base)}"
            )


def overlapping_registers(site: Site) -> Iterator[Flaw]:
    """Two blocks on one link in the same registers."""
    links: defaultdict[str, list[_Area]] = defaultdict(list)
    for area in _areas(site):
        links[area.link].append(area)
    for areas in links.values():
        free = max(area.last for area in areas) + 1
        areas.sort(key=lambda area: area.first)
        before = areas[0]
        for area in areas[1:]:
            if area.first <= before.last and area.keys != before.keys:
                message = f"the registers {area} overlap with {before}"
                mend = f"move one of the two; from {free} on everything is free on this link"
                yield Flaw(area.keys, message, mend, other=before.keys)
            before = max(before, area, key=lambda area: area.last)


def overlapping_wall_blocks(site: Site) -> Iterator[Flaw]:
    """A put wall whose header, orders and statuses lie in the same registers; how many slots it has decides."""
    profiles = profiles_by_id(site)
    for index, wall in enumerate(site.devices):
        profile = profiles.get(wall.profile)
        if not isinstance(wall, PutWall) or profile is None or profile.protocol != "modbus":
            continue
        before = (-1, -1, "", 0)
        for first, last, block, slot in sorted(_slot_blocks(profile, wall.slots)):
            if first <= before[1] and block != before[2]:
                one, other = _block_name(*before[2:]), _block_name(block, slot)
                message = f"in profile `{profile.id}` {other} overlaps with {one}: {wall.slots} slots take more room"
                mend = "correct the profile's bases: `header_base`, `status_base`, `command_base`"
                yield Flaw(("devices", index, "profile"), message, mend)
                break
            before = max(before, (first, last, block, slot), key=lambda each: each[1])


def _slot_blocks(profile: Profile, slots: int) -> Iterator[tuple[int, int, str, int]]:
    """Return first and last register, name and slot of each block of a put wall, counted from its base."""
    yield profile.header_base, profile.header_base + extent(profile.header) - 1, "header", 0
    for n in range(slots):
        order = profile.command_base + n * profile.command_stride
        status = profile.status_base + n * profile.status_stride
        yield order, order + extent(profile.command) - 1, "order", n + 1
        yield status, status + extent(profile.status) - 1, "status", n + 1


def _block_name(block: str, slot: int) -> str:
    return f"the {block} of slot {slot}" if slot else f"the {block}"


def _areas(site: Site) -> Iterator[_Area]:
    profiles = {
        name: profile for name, profile in profiles_by_id(site).items() if profile.protocol == "modbus"
    }
    for keys, device, channel in channels(site):
        if device.profile in profiles and isinstance(channel.base, int):
            for block, start, length in _channel_blocks(profiles[device.profile]):
                first = channel.base + start
                owner = f"{block} of {device.id}/{channel.id}"
                yield _Area(channel.base, first, first + length - 1, device.link, owner, (*keys, "base"))
    for index, wall in enumerate(site.devices):
        if isinstance(wall, PutWall) and wall.profile in profiles:
            for block, start, length in _wall_blocks(profiles[wall.profile], wall.slots):
                first = wall.base + start
                owner = f"{block} of {wall.id}"
                yield _Area(
                    wall.base, first, first + length - 1, wall.link, owner, ("devices", index, "base")
                )


def _channel_blocks(profile: Profile) -> Iterator[tuple[str, int, int]]:
    """Return name, first register and length of a channel's blocks."""
    yield "command", profile.command_base, extent(profile.command)
    yield "status", profile.status_base, extent(profile.status)


def _wall_blocks(profile: Profile, slots: int) -> Iterator[tuple[str, int, int]]:
    """Return name, first register and length of a put wall's areas."""
    yield "header", profile.header_base, extent(profile.header)
    yield "orders", profile.command_base, profile.command_stride * (slots - 1) + extent(profile.command)
    yield "slots", profile.status_base, profile.status_stride * (slots - 1) + extent(profile.status)


def clashing_nodes(site: Site) -> Iterator[Flaw]:
    """Two channels on one OPC UA link with the same nodes."""
    profiles = {
        name: profile for name, profile in profiles_by_id(site).items() if profile.protocol == "opcua"
    }
    first: dict[tuple[str, str], Keys] = {}
    for keys, device, channel in channels(site):
        if device.profile not in profiles:
            continue
        for name in _node_names(profiles[device.profile], channel.base):
            earlier = first.setdefault((device.link, name), keys)
            if earlier != keys:
                message = f"the node `{name}` belongs to another channel of the link too"
                yield Flaw(
                    (*keys, "base"), message, "give each channel a base of its own", other=(*earlier, "base")
                )
                break


def _node_names(profile: Profile, base: int | str) -> Iterator[str]:
    yield from (f"{base}{tag.address}" for tag in profile.status)
    if profile.method is None:
        yield from (f"{base}{tag.address}" for tag in profile.command)
    else:
        yield f"{base}{profile.method}"


def topic_characters(site: Site) -> Iterator[Flaw]:
    """Characters in a vehicle's topics that brokers refuse; a space alone makes NATS drop the publisher."""
    for index, fleet in enumerate(site.fleets):
        yield from _topic_level(("fleets", index, "interface"), fleet.interface)
        for n, vehicle in enumerate(fleet.vehicles):
            keys: Keys = ("fleets", index, "vehicles", n)
            yield from _topic_level((*keys, "manufacturer"), vehicle.manufacturer)
            yield from _topic_level((*keys, "serial"), vehicle.serial)


def _topic_level(keys: Keys, text: str) -> Iterator[Flaw]:
    if not re.fullmatch(r"[A-Za-z0-9_.\-]+", text):
        message = f"`{text}` becomes part of MQTT topics, where brokers refuse some of its characters"
        yield Flaw(keys, message, "use letters, digits, `_`, `.` and `-` only")
