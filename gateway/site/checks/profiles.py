"""Profiles hold the whole handshake (docs/plc-handshake.md), and their blocks fit into one request."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from gateway.contract.wiring import Handshake, Profile, Tag, TagType
from gateway.site.checks.walks import suggestion
from gateway.site.findings import Flaw, Keys
from gateway.site.model import Site
from gateway.site.registers import MAX_READ, MAX_WRITE, extent, registers

TEXT_LENGTH: Final = 16
"""Characters of a barcode field."""


def _fields(text: str) -> dict[str, TagType]:
    return {name: TagType(kind) for name, _, kind in (field.partition(":") for field in text.split())}


_COMMAND: Final = _fields(
    "epoch:u32 seq:u16 op:u16 jobId:u64 source:u32 target:u32 container:string bootId:u16 check:u16"
)
_STATUS: Final = _fields(
    "bootId:u16 life:u16 epoch:u32 ackSeq:u16 acceptCode:u16 doneSeq:u16 doneCode:u16 jobId:u64 position:u32 "
    "load:u16 sourceLoad:u16 targetLoad:u16 mode:u16 faultCode:u16 barcode:string refusedSeq:u16 refusedCode:u16"
)
_ORDER: Final = _fields("epoch:u32 jobId:u64 colour:u16 blink:u16 quantity:u16 bootId:u16 check:u16")
_SLOT: Final = _fields("jobId:u64 state:u16 quantity:u16 confirms:u16 shorts:u16 curtain:u16 refused:u16")
_WALL: Final = _fields("bootId:u16 life:u16 slots:u16")

FIELDS: Final[dict[Handshake, dict[str, dict[str, TagType]]]] = {
    Handshake.MAILBOX: {"command": _COMMAND, "status": _STATUS, "header": {}},
    Handshake.METHOD: {"command": _COMMAND, "status": _STATUS, "header": {}},
    Handshake.PUTWALL: {"command": _ORDER, "status": _SLOT, "header": _WALL},
}
"""Handshake → block → field → type."""


def blocks(profile: Profile) -> dict[str, tuple[Tag, ...]]:
    """Return the three tag tables of a profile."""
    return {"command": profile.command, "status": profile.status, "header": profile.header}


def missing_fields(site: Site) -> Iterator[Flaw]:
    """A field of the handshake that the tag table lacks."""
    for index, profile in enumerate(site.profiles):
        for block, tags in blocks(profile).items():
            for name, kind in FIELDS[profile.handshake][block].items():
                if name not in {tag.name for tag in tags}:
                    message = f"the {block} block of handshake `{profile.handshake}` needs the field `{name}`"
                    mend = f"add `{{name: {name}, address: …, type: {kind}}}`"
                    yield Flaw(("profiles", index, block), message, mend)


def wrong_fields(site: Site) -> Iterator[Flaw]:
    """A tag of an unknown name, a name that stands twice, a wrong type or length, a useless address."""
    for keys, profile, tag, kind in _tags(site):
        yield from _wrong_name(keys, profile, tag)
        if kind is not None and tag.type != kind:
            yield Flaw((*keys, "type"), f"`{tag.name}` has the type {tag.type}", f"write {kind}")
        elif (wrong := _wrong_length(profile, tag)) is not None:
            yield Flaw((*keys, "length" if tag.length else "name"), *wrong)
        if isinstance(tag.address, str) != (profile.protocol == "opcua"):
            needed = (
                "the text after the device's base" if profile.protocol == "opcua" else "a register number"
            )
            yield Flaw(
                (*keys, "address"), f"`{tag.address}` is no address in {profile.protocol}", f"write {needed}"
            )
        elif isinstance(tag.address, int) and tag.address < 0:
            yield Flaw((*keys, "address"), f"the address {tag.address} is negative", "write 0 or higher")


def _tags(site: Site) -> Iterator[tuple[Keys, Profile, Tag, TagType | None]]:
    """Walk over every tag, with the type that the handshake gives it."""
    for index, profile in enumerate(site.profiles):
        for block, tags in blocks(profile).items():
            fields = FIELDS[profile.handshake][block]
            for n, tag in enumerate(tags):
                yield ("profiles", index, block, n), profile, tag, fields.get(tag.name)


def _wrong_name(keys: Keys, profile: Profile, tag: Tag) -> Iterator[Flaw]:
    block, n = str(keys[2]), keys[3]
    known = FIELDS[profile.handshake][block]
    if tag.name not in known:
        message = f"the {block} block of handshake `{profile.handshake}` has no field `{tag.name}`"
        yield Flaw((*keys, "name"), message, suggestion(tag.name, known, "take it out"))
    names = [other.name for other in blocks(profile)[block]]
    if (first := names.index(tag.name)) != n:
        yield Flaw((*keys, "name"), f"`{tag.name}` stands twice", "take one out", other=(*keys[:3], first))


def _wrong_length(profile: Profile, tag: Tag) -> tuple[str, str] | None:
    """Strings hold 16 characters; OPC UA strings know their length themselves."""
    if tag.type is TagType.STRING:
        wanted = {TEXT_LENGTH} if profile.protocol == "modbus" else {TEXT_LENGTH, None}
        mend = f"write `length: {TEXT_LENGTH}`"
    else:
        wanted, mend = {None}, "take the length out: only strings have one"
    if tag.length in wanted:
        return None
    return f"`{tag.name}` has {f'the length {tag.length}' if tag.length else 'no length'}", mend


def overlapping_fields(site: Site) -> Iterator[Flaw]:
    """Two tags of one block in the same registers, or in the same node."""
    for index, profile in enumerate(site.profiles):
        for block, tags in blocks(profile).items():
            for (m, one), (n, other) in combinations(enumerate(tags), 2):
                if one.name != other.name and _overlap(one, other):
                    message = f"`{other.name}` overlaps with `{one.name}`"
                    keys: Keys = ("profiles", index, block)
                    yield Flaw(
                        (*keys, n, "address"), message, "give it an address of its own", other=(*keys, m)
                    )


def _overlap(one: Tag, other: Tag) -> bool:
    match one.address, other.address:
        case int(a), int(b):
            return a < b + registers(other) and b < a + registers(one)
        case a, b:
            return a == b


def long_blocks(site: Site) -> Iterator[Flaw]:
    """A block that does not fit into one Modbus request."""
    for index, profile in enumerate(site.profiles):
        if profile.protocol != "modbus":
            continue
        for block, tags in blocks(profile).items():
            limit, request = (MAX_WRITE, "write") if block == "command" else (MAX_READ, "read")
            if (length := extent(tags)) > limit:
                message = f"the {block} block is {length} registers long; one request can {request} {limit}"
                yield Flaw(("profiles", index, block), message, "move its fields closer together")


def short_strides(site: Site) -> Iterator[Flaw]:
    """A put wall's slots that run into each other."""
    for index, profile in enumerate(site.profiles):
        if profile.handshake is not Handshake.PUTWALL:
            continue
        for key, tags, stride in (
            ("command_stride", profile.command, profile.command_stride),
            ("status_stride", profile.status, profile.status_stride),
        ):
            if stride < (length := extent(tags)):
                message = f"slots of {length} registers overlap at a stride of {stride}"
                yield Flaw(("profiles", index, key), message, f"write `{key}: {length}` or more")


def overlapping_blocks(site: Site) -> Iterator[Flaw]:
    """A command block that runs into the status block of its own channel, or shares a node with it."""
    for index, profile in enumerate(site.profiles):
        if profile.handshake is Handshake.MAILBOX and profile.protocol == "opcua":
            yield from _shared_nodes(index, profile)
        if profile.protocol != "modbus" or profile.handshake is Handshake.PUTWALL:
            continue
        command_end = profile.command_base + extent(profile.command)
        status_end = profile.status_base + extent(profile.status)
        if profile.command_base < status_end and profile.status_base < command_end:
            message = "the command block and the status block overlap"
            mend = f"write `status_base: {command_end}` or more"
            yield Flaw(("profiles", index, "status_base"), message, mend)


def _shared_nodes(index: int, profile: Profile) -> Iterator[Flaw]:
    commands = {tag.address: m for m, tag in enumerate(profile.command)}
    for n, tag in enumerate(profile.status):
        if tag.address in commands:
            keys: Keys = ("profiles", index, "status", n, "address")
            message = f"`{tag.name}` stands in the same node as `{profile.command[commands[tag.address]].name}` of the command"
            mend = "give it an address of its own"
            yield Flaw(keys, message, mend, other=("profiles", index, "command", commands[tag.address]))


def missing_method(site: Site) -> Iterator[Flaw]:
    """The name of a method where none is called, or none where one is."""
    for index, profile in enumerate(site.profiles):
        if (profile.handshake is Handshake.METHOD) == (profile.method is not None):
            continue
        if profile.method is None:
            yield Flaw(
                ("profiles", index), "the handshake `method` needs the method's name", "add `method: Execute`"
            )
        else:
            message = f"the handshake `{profile.handshake}` calls no method"
            yield Flaw(("profiles", index, "method"), message, "take it out, or write `handshake: method`")


def unspecified_handshakes(site: Site) -> Iterator[Flaw]:
    """The method handshake is one of OPC UA, the put wall's one of Modbus."""
    for index, profile in enumerate(site.profiles):
        wanted = {Handshake.METHOD: "opcua", Handshake.PUTWALL: "modbus"}.get(profile.handshake)
        if wanted is not None and profile.protocol != wanted:
            message = f"the handshake `{profile.handshake}` is not specified for {profile.protocol}"
            yield Flaw(("profiles", index, "protocol"), message, f"write `protocol: {wanted}`")


def shuffled_arguments(site: Site) -> Iterator[Flaw]:
    """Command tags are a method's arguments: their order counts."""
    for index, profile in enumerate(site.profiles):
        names = [tag.name for tag in profile.command]
        if profile.handshake is Handshake.METHOD and names != list(_COMMAND) and set(names) == set(_COMMAND):
            mend = f"sort them: {', '.join(_COMMAND)}"
            yield Flaw(
                ("profiles", index, "command"), "the method takes its arguments in another order", mend
            )
