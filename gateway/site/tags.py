"""Tag tables as CSV, the form in which PLC programmers send them, and profiles as YAML.

Columns: block, name, address, type, length, description; a block is command, status or header. Addresses count from
the device's base. Read liberally (byte order mark, semicolons or tabs, any case, IEC 61131-3 type names), written
strictly.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue, ValidationError

from gateway.contract.wiring import Handshake, Profile, Tag, TagType
from gateway.site.document import write_yaml, write_yaml_line
from gateway.site.findings import Finding, SiteInvalid
from gateway.site.registers import FIRST_NUMBER, extent

COLUMNS: Final = ("block", "name", "address", "type", "length", "description")
REQUIRED: Final = COLUMNS[:4]
BLOCKS: Final = ("command", "status", "header")
UNTABLED: Final = ("byte_order", "word_order", "command_stride", "status_stride")
"""What no column tells; Modbus has a usual order, and slots follow without gaps."""

MAX_CHARACTERS: Final = 1_000_000

Tables = dict[str, tuple[Tag, ...]]
"""Block → its tags, in the order of the file."""

_IEC_TYPES: Final = {
    "uint": TagType.U16,
    "word": TagType.U16,
    "udint": TagType.U32,
    "dword": TagType.U32,
    "ulint": TagType.U64,
    "lword": TagType.U64,
}
_MEND: Final = {
    "name": "write the field's name in the handshake: `seq`, `ackSeq` …",
    "type": f"write one of {', '.join(TagType)}, or UINT, UDINT, ULINT, STRING[16]",
    "length": "write a whole number of characters, or leave it empty",
    "address": "write a register number, or the end of the node's identifier",
}


def write_tags(profile: Profile) -> str:
    """Return a profile's tag tables as CSV, with addresses that count from the device's base."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for block in BLOCKS:
        start: int = getattr(profile, f"{block}_base")
        for tag in _tags(profile, block):
            address = tag.address + start if isinstance(tag.address, int) else tag.address
            rows.writerow([block, tag.name, address, tag.type, tag.length or "", tag.description])
    return text.getvalue()


def read_tags(file: Path, text: str, protocol: str) -> Tables:
    """Read tag tables.

    Args:
        file: the table's name in findings.
        text: the table.
        protocol: `modbus` (addresses are numbers, decimal or 0x) or `opcua` (they are text).

    Raises:
        SiteInvalid: with every row that is wrong.
    """
    if len(text) > MAX_CHARACTERS:
        raise SiteInvalid(
            [Finding(file, 1, "", f"is longer than {MAX_CHARACTERS:,} characters", "divide it")]
        )
    text = text.removeprefix("\ufeff")
    rows = _rows(file, text)
    line, header = next(rows, (1, [""]))
    columns = [name.strip().lower() for name in header]
    if missing := [name for name in REQUIRED if name not in columns]:
        mend = f"begin with the row {','.join(COLUMNS)}"
        raise SiteInvalid(
            [Finding(file, line, "", f"the column `{name}` is missing", mend) for name in missing]
        )
    tables: dict[str, list[Tag]] = {block: [] for block in BLOCKS}
    findings: list[Finding] = []
    for line, cells in rows:
        row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name in COLUMNS}
        block = row.pop("block", "").lower()
        if block not in tables:
            mend = f"write one of {', '.join(BLOCKS)}"
            findings.append(Finding(file, line, "block", f"there is no block `{block}`", mend))
            continue
        try:
            tables[block].append(Tag.model_validate(_fields(row, protocol)))
        except ValidationError as error:
            for reason in error.errors():
                column = str(reason["loc"][0])
                message = f"`{row.get(column, '')}`: {reason['msg']}"
                findings.append(Finding(file, line, column, message, _MEND.get(column, "correct it")))
    if findings:
        raise SiteInvalid(findings)
    return {block: tuple(tags) for block, tags in tables.items()}


def looks_numbered(tables: Tables) -> bool:
    """Tell whether registers seem to be told by the numbers of engineering tools (40001 …)."""
    addresses = [tag.address for tags in tables.values() for tag in tags]
    return bool(addresses) and all(isinstance(each, int) and each >= FIRST_NUMBER for each in addresses)


def profile_of(
    tables: Tables, profile_id: str, protocol: str, handshake: Handshake, method: str | None
) -> Profile:
    """Make a profile of tag tables. Each block begins at its lowest register; slots follow without gaps.

    Raises:
        ValueError: the id or the protocol is none.
    """
    fields: dict[str, Any] = {
        "id": profile_id,
        "protocol": protocol,
        "handshake": handshake,
        "method": method,
    }
    for block, tags in tables.items():
        start = min((tag.address for tag in tags if isinstance(tag.address, int)), default=0)
        moved = tuple(_moved(tag, start) for tag in tags)
        fields |= {block: moved, f"{block}_base": start}
        if handshake is Handshake.PUTWALL and block != "header":
            fields[f"{block}_stride"] = extent(moved)
    return Profile.model_validate(fields)


def untold(profile: Profile) -> dict[str, JsonValue]:
    """Return what a profile says that a profile made of its table would not."""
    tables = {block: _tags(profile, block) for block in BLOCKS}
    again = profile_of(tables, profile.id, profile.protocol, profile.handshake, profile.method)
    here, there = (each.model_dump(mode="json", include=set(UNTABLED)) for each in (profile, again))
    return {key: here[key] for key in UNTABLED if here[key] != there[key]}


def profile_yaml(profile: Profile) -> str:
    """Return a profile as the YAML that `load_site` reads, one tag a line."""
    data = profile.model_dump(mode="json", exclude_defaults=True)
    tables = {block: data.pop(block, []) for block in BLOCKS}
    text = write_yaml(data)
    for block, tags in tables.items():
        if tags or block != "header":
            text += f"{block}:\n" if tags else f"{block}: []\n"
            text += "".join(f"  - {write_yaml_line(tag)}\n" for tag in tags)
    return text


def _tags(profile: Profile, block: str) -> tuple[Tag, ...]:
    return {"command": profile.command, "status": profile.status, "header": profile.header}[block]


def _moved(tag: Tag, start: int) -> Tag:
    return tag.model_copy(update={"address": tag.address - start}) if isinstance(tag.address, int) else tag


def _rows(file: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Return line number and cells of every row that is not empty."""
    head = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SiteInvalid([Finding(file, line, "", f"is not CSV: {error}", "correct this row")]) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _fields(row: dict[str, str], protocol: str) -> dict[str, Any]:
    """Return a row as a tag's fields; what cannot be converted stays as it is, for the type to refuse."""
    kind, length = row.get("type", "").lower(), row.get("length", "")
    if text := re.fullmatch(r"string\s*[\[(]\s*(\d+)\s*[\])]", kind):
        kind, length = "string", length or text[1]
    address: str | int = row.get("address", "")
    if protocol == "modbus" and re.fullmatch(r"\d{1,5}|0x[0-9a-fA-F]{1,4}", str(address)):
        address = int(str(address), 16 if "x" in str(address) else 10)
    return {
        "name": row.get("name", ""),
        "address": address,
        "type": _IEC_TYPES.get(kind, kind),
        "length": length or None,
        "description": row.get("description", ""),
    }
