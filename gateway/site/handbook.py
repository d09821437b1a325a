"""Tables and diagrams for people who program the other side, made of profiles, sites and transition tables; markdown and mermaid.

Pure text: the documents in docs/ hold it between markers (`make docs` writes it there), so that what a PLC programmer
reads is what the drivers use.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, assert_never

from gateway.contract.wiring import Handshake, Link, ModbusLink, MqttLink, OpcUaLink, Profile, Tag
from gateway.site.model import Device, PutWall, Site
from gateway.site.registers import FIRST_NUMBER, registers
from gateway.site.wiring import mailboxes, plc_locations

Transition = tuple[str, str, str]
"""From, what happens, to; `[*]` is the beginning or the end."""

CHANNEL: Final[tuple[Transition, ...]] = (
    ("[*]", "first start", "idle"),
    ("idle", "seq 0 or seq = ackSeq, nothing but a higher epoch is remembered", "idle"),
    ("idle", "not to be taken, refusedSeq and refusedCode 1, 2, 3 or 5", "idle"),
    ("idle", "cannot be done, acceptCode ≥ 10, doneCode 0, doneSeq = ackSeq = seq", "idle"),
    ("idle", "taken, jobId, acceptCode 1, epoch, last ackSeq", "executing"),
    ("executing", "another block, refusedSeq and refusedCode 4", "executing"),
    ("executing", "ended, barcode, load, doneCode, last doneSeq", "idle"),
    ("idle", "power lost", "off"),
    ("executing", "power lost", "off"),
    ("off", "started with its memory, ackSeq = doneSeq, new bootId", "idle"),
    ("off", "started with its memory, ackSeq ≠ doneSeq, new bootId", "executing"),
    ("off", "started without its memory, command block cleared, ackSeq = doneSeq = 0, new bootId", "idle"),
)
"""A channel of a mailbox device. `executing` is what `ackSeq` ≠ `doneSeq` shows."""

SLOT: Final[tuple[Transition, ...]] = (
    ("[*]", "first start, or memory lost", "dark"),
    ("dark", "order with a higher jobId", "lit"),
    ("lit", "order with a higher jobId", "lit"),
    ("lit", "confirm pressed", "confirmed"),
    ("lit", "confirm pressed after short", "ended short"),
    ("lit", "same jobId, quantity 0", "withdrawn"),
    ("confirmed", "order with a higher jobId", "lit"),
    ("ended short", "order with a higher jobId", "lit"),
    ("withdrawn", "order with a higher jobId", "lit"),
)
"""A slot of a put wall."""

FIVE_DIGITS: Final = 9_999
"""Holding registers that have a number from 40001 to 49999; those behind them have six digits."""


def diagram(transitions: Iterable[Transition]) -> str:
    """Return a state diagram in mermaid."""
    rows = list(transitions)
    states = dict.fromkeys(state for source, _, target in rows for state in (source, target))
    names = {state: state if state == "[*]" else state.replace(" ", "_") for state in states}
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state}" as {name}' for state, name in names.items() if " " in state]
    for source, what, target in rows:
        lines.append(f"    {names[source]} --> {names[target]}{f': {what}' if what else ''}")
    return "\n".join([*lines, "```"])


def profile_tables(profile: Profile) -> str:
    """Return what a profile puts where, block by block."""
    parts = [f"### Profile `{profile.id}`", _introduction(profile)]
    for title, base, tags in _blocks(profile):
        if tags:
            parts += [f"{title}:", _table_of(profile, base, tags)]
    return "\n\n".join(parts)


def register_map(site: Site) -> str:
    """Return every register that a site's Modbus devices use, device by device."""
    parts: list[str] = []
    for device in site.devices:
        if site.profile(device.profile).protocol == "modbus":
            parts += [f"## {device.id} (link {device.link})", _registers_of(site, device)]
    return "\n\n".join(parts)


def plc_book(site: Site) -> str:
    """Return what the PLCs of a site serve: profiles, every address of every device, and the numbers of its places."""
    parts = [
        f"# What the PLCs of `{site.id}` serve",
        "How they behave: docs/plc-handshake.md of the gateway.",
    ]
    used = {device.profile for device in site.devices}
    parts += [profile_tables(profile).removeprefix("#") for profile in site.profiles if profile.id in used]
    for device in site.devices:
        link = site.link(device.link)
        table = _registers_of if isinstance(link, ModbusLink) else _nodes_of
        parts += [f"## {device.id} ({_reached(link)})", table(site, device)]
        if not isinstance(device, PutWall):
            places = ((str(each.place), each.id) for each in plc_locations(site, device))
            parts += ["Its places:", _table(("number", "location"), places)]
    return "\n\n".join(parts) + "\n"


def modicon(register: int) -> str:
    """Return the number that engineering tools show for a holding register: 40001 for register 0."""
    return str((FIRST_NUMBER if register < FIVE_DIGITS else 400_001) + register)


def type_of(tag: Tag) -> str:
    """Return a tag's type in words."""
    return f"{tag.type.value} {tag.length}" if tag.length else tag.type.value


def _reached(link: Link) -> str:
    match link:
        case ModbusLink():
            return f"Modbus TCP {link.host}:{link.port}, unit {link.unit}"
        case OpcUaLink():
            return f"{link.url}, namespace `{link.namespace}`"
        case MqttLink():
            return f"broker {link.url}"
        case _:
            assert_never(link)


def _registers_of(site: Site, device: Device) -> str:
    rows = (
        (
            each.channel,
            each.block,
            str(each.register),
            modicon(each.register),
            each.tag.name,
            type_of(each.tag),
        )
        for each in _placed(site, device)
    )
    return _table(("channel", "block", "register", "4xxxx", "tag", "type"), rows)


def _nodes_of(site: Site, device: Device) -> str:
    profile, rows = site.profile(device.profile), list[tuple[str, ...]]()
    for channel in () if isinstance(device, PutWall) else mailboxes(device):
        blocks = [("status", profile.status)]
        if profile.handshake is Handshake.MAILBOX:
            blocks.insert(0, ("command", profile.command))
        else:
            rows.append((channel.id, "method", f"{channel.base}{profile.method}", "", ""))
        rows += [
            (channel.id, block, f"{channel.base}{tag.address}", tag.name, type_of(tag))
            for block, tags in blocks
            for tag in tags
        ]
    return _table(("channel", "block", "identifier", "tag", "type"), rows)


class _Placed(NamedTuple):
    """One tag of one device in its registers."""

    channel: str
    block: str
    register: int
    tag: Tag


def _placed(site: Site, device: Device) -> Iterator[_Placed]:
    profile = site.profile(device.profile)
    if isinstance(device, PutWall):
        yield from _at("", "header", device.base + profile.header_base, profile.header)
        for index, slot in enumerate(device.slot_ids()):
            order = device.base + profile.command_base + index * profile.command_stride
            status = device.base + profile.status_base + index * profile.status_stride
            yield from _at(slot, "order", order, profile.command)
            yield from _at(slot, "status", status, profile.status)
    else:
        for channel in mailboxes(device):
            if isinstance(channel.base, int):
                yield from _at(channel.id, "command", channel.base + profile.command_base, profile.command)
                yield from _at(channel.id, "status", channel.base + profile.status_base, profile.status)


def _at(channel: str, block: str, base: int, tags: Iterable[Tag]) -> Iterator[_Placed]:
    for tag in tags:
        if isinstance(tag.address, int):
            yield _Placed(channel, block, base + tag.address, tag)


def _introduction(profile: Profile) -> str:
    if profile.protocol == "opcua":
        return (
            "OPC UA. An identifier is the channel's base followed by what the table says, e.g. base `Shuttle1.` and"
            f" `{profile.status[0].address}`: `ns=2;s=Shuttle1.{profile.status[0].address}`."
        )
    text = f"Modbus holding registers; bytes {profile.byte_order}-endian in a register, registers {profile.word_order}-endian"
    text += " in a longer number. Offsets count from "
    if profile.handshake is Handshake.PUTWALL:
        return (
            f"{text}the wall's base. The next slot's order lies {profile.command_stride} registers on,"
            f" the next slot's status {profile.status_stride}."
        )
    return f"{text}the channel's base."


def _blocks(profile: Profile) -> Iterator[tuple[str, int, Sequence[Tag]]]:
    match profile.handshake:
        case Handshake.MAILBOX:
            yield "Command block", profile.command_base, profile.command
            yield "Status block", profile.status_base, profile.status
        case Handshake.METHOD:
            yield f"Arguments of `{profile.method}`, in this order", 0, profile.command
            yield "Status block", profile.status_base, profile.status
        case Handshake.PUTWALL:
            yield "Header", profile.header_base, profile.header
            yield "Order of the first slot", profile.command_base, profile.command
            yield "Status of the first slot", profile.status_base, profile.status


def _table_of(profile: Profile, base: int, tags: Sequence[Tag]) -> str:
    if profile.protocol == "modbus":
        titles = ("offset", "registers", "field", "type", "meaning")
        rows = (
            (
                str(base + int(tag.address)),
                str(registers(tag)),
                f"`{tag.name}`",
                type_of(tag),
                tag.description,
            )
            for tag in tags
        )
        return _table(titles, rows)
    argument = profile.handshake is Handshake.METHOD and tags == profile.command
    titles = ("field", "type", "meaning") if argument else ("identifier", "field", "type", "meaning")
    return _table(
        titles,
        (
            (*(() if argument else (f"`{tag.address}`",)), f"`{tag.name}`", type_of(tag), tag.description)
            for tag in tags
        ),
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in lines)


def _cell(text: str) -> str:
    """Return a text that does not end its cell, or its row."""
    return " ".join(text.splitlines()).replace("|", "\\|")
