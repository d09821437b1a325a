"""Tag tables as CSV: what goes out comes back, and what PLC programmers send is read."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.contract.wiring import Handshake, Profile, Tag, TagType
from gateway.site.document import parse_document
from gateway.site.findings import SiteInvalid
from gateway.site.load import BUNDLED_PROFILES
from gateway.site.tags import profile_of, profile_yaml, read_tags, write_tags

FILE = Path("tags.csv")

tags = st.builds(
    Tag,
    name=st.from_regex(r"[a-z][A-Za-z0-9]{0,10}", fullmatch=True),
    address=st.integers(0, 300),
    type=st.sampled_from([TagType.U16, TagType.U32, TagType.U64]),
    description=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20).map(
        str.strip
    ),
)
tables = st.lists(tags, max_size=8).map(tuple)


def bundled(name: str) -> Profile:
    file = BUNDLED_PROFILES / f"{name}.yaml"
    return Profile.model_validate(parse_document(file, file.read_text(encoding="utf-8")).data)


@given(tables, tables, tables)
def test_tables_come_back_as_they_went(
    command: tuple[Tag, ...], status: tuple[Tag, ...], header: tuple[Tag, ...]
) -> None:
    profile = Profile(
        id="p", protocol="modbus", handshake=Handshake.MAILBOX, command=command, status=status, header=header
    )
    assert read_tags(FILE, write_tags(profile), "modbus") == {
        "command": command,
        "status": status,
        "header": header,
    }


@given(tables, tables)
@example(
    (), (Tag(name="a", address=0, type=TagType.U16, description="0E0"),)
)  # a number to us, text to YAML 1.1
def test_profiles_come_back_as_yaml(command: tuple[Tag, ...], status: tuple[Tag, ...]) -> None:
    profile = Profile(id="p", protocol="modbus", handshake=Handshake.MAILBOX, command=command, status=status)
    document = parse_document(FILE, profile_yaml(profile))
    assert document.findings == ()
    assert Profile.model_validate(document.data) == profile


@pytest.mark.parametrize("name", ["modbus-mailbox", "modbus-putwall", "opcua-mailbox", "opcua-method"])
def test_bundled_profiles_come_back(name: str) -> None:
    profile = bundled(name)
    tables = read_tags(FILE, write_tags(profile), profile.protocol)
    assert profile_of(tables, name, profile.protocol, profile.handshake, profile.method) == profile


def test_addresses_count_from_the_device() -> None:
    rows = write_tags(bundled("modbus-mailbox")).splitlines()
    assert rows[0] == "block,name,address,type,length,description"
    assert rows[1].startswith("command,epoch,0,u32,,")
    assert next(row for row in rows if row.startswith("status,bootId")).startswith("status,bootId,32,u16,,")


@pytest.mark.parametrize(
    "text",
    [
        "block,name,address,type,length\ncommand,container,12,string,16\n",
        "\ufeffBlock;Name;Address;Type;Length\r\nCommand;container;12;STRING;16\r\n",
        "TYPE\tNAME\tBLOCK\tADDRESS\nSTRING[16]\tcontainer\tcommand\t12\n",
        "block, name, address, type, remark\n\n command , container , 0xC , String(16) , of the load\n\n",
        'block,name,address,type,length\n"command","container","12","string","16"\n',
    ],
    ids=["plain", "Excel", "tabs, IEC type, any order", "blanks, hex, other columns", "quoted"],
)
def test_spreadsheets_are_read(text: str) -> None:
    (tag,) = read_tags(FILE, text, "modbus")["command"]
    assert (tag.name, tag.address, tag.type, tag.length) == ("container", 12, TagType.STRING, 16)


@pytest.mark.parametrize(
    ("iec", "kind"), [("UINT", "u16"), ("word", "u16"), ("UDINT", "u32"), ("LWORD", "u64")]
)
def test_iec_types_are_known(iec: str, kind: str) -> None:
    (tag,) = read_tags(FILE, f"block,name,address,type\nstatus,life,1,{iec}\n", "modbus")["status"]
    assert tag.type == kind


def test_addresses_of_opc_ua_are_text() -> None:
    (tag,) = read_tags(FILE, "block,name,address,type\nstatus,life,42,u16\n", "opcua")["status"]
    assert tag.address == "42"


def test_every_wrong_row_is_told() -> None:
    text = (
        "block,name,address,type,length,description\n"
        'command,epoch,0,u32,,"two\nlines"\n'
        "comand,seq,2,u16,,\n"
        "command,Seq,2,u16,,\n"
        "\n"
        "command,op,3,real,,\n"
        "command,jobId,4,u64,many,\n"
    )
    with pytest.raises(SiteInvalid) as invalid:
        read_tags(FILE, text, "modbus")
    assert [(finding.line, finding.path) for finding in invalid.value.findings] == [
        (4, "block"),
        (5, "name"),
        (7, "type"),
        (8, "length"),
    ]
    assert "there is no block `comand`" in invalid.value.findings[0].message
    assert invalid.value.findings[0].mend == "write one of command, status, header"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the column `block` is missing"),
        ("name,address\nseq,1\n", 1, "the column `block` is missing"),
        ('block,name,address,type\ncommand,"seq"x,1,u16\n', 2, "is not CSV"),
        ("x" * 1_000_001, 1, "longer than 1,000,000 characters"),
    ],
    ids=["empty", "columns", "quotes", "size"],
)
def test_what_is_no_table_is_told(text: str, line: int, message: str) -> None:
    with pytest.raises(SiteInvalid) as invalid:
        read_tags(FILE, text, "modbus")
    finding = invalid.value.findings[0]
    assert finding.line == line
    assert message in "\n".join(one.message for one in invalid.value.findings)


@given(st.text(max_size=200))
def test_no_text_makes_it_stumble(text: str) -> None:
    for table in (text, f"block,name,address,type\n{text}"):
        try:
            read_tags(FILE, table, "modbus")
        except SiteInvalid as invalid:
            assert invalid.findings
