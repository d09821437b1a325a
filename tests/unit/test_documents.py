"""What the documents show as generated is what would be generated now, and is right."""

import re
from pathlib import Path

import pytest

from drivers.links.nats_server import access_folder
from gateway.site.draw import draw
from gateway.site.handbook import CHANNEL, diagram, modicon, plc_book, profile_tables, register_map
from gateway.site.load import load_site
from tests.documents import DEMO, DOCS, PART, PARTS, PICTURE, renewed
from tests.site_reference import site_reference

pytestmark = pytest.mark.unit

DOCUMENTS = sorted(DOCS.glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=[document.name for document in DOCUMENTS])
def test_the_generated_parts_are_fresh(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert renewed(text) == text, "stale: make docs"


def test_the_picture_of_the_demo_site_is_fresh() -> None:
    assert PICTURE.read_text(encoding="utf-8") == draw(load_site(DEMO)), "stale: make docs"


def test_every_part_stands_in_a_document() -> None:
    texts = [document.read_text(encoding="utf-8") for document in DOCUMENTS]
    assert sorted(part["name"] for text in texts for part in PART.finditer(text)) == sorted(PARTS)


def test_a_modbus_profile_tells_offsets_from_the_base_of_the_channel() -> None:
    table = profile_tables(load_site(DEMO).profile("modbus-mailbox"))
    assert "| 2 | 1 | `seq` | u16 | number of the command, 1 … 65535 |" in table
    assert "| 36 | 1 | `ackSeq` | u16 | last command that was taken |" in table
    assert "| 12 | 8 | `container` | string 16 |" in table


def test_a_method_profile_tells_its_arguments_without_addresses() -> None:
    table = profile_tables(load_site(DEMO).profile("opcua-method"))
    assert "Arguments of `Execute`, in this order:\n\n| field | type | meaning |" in table
    assert "| `Status.ackSeq` | `ackSeq` | u16 |" in table
    assert "Cmd." not in table


@pytest.mark.parametrize(
    ("device", "row"),
    [
        ("conveyor-out", "| out-2 | command | 66 | 40067 | seq | u16 |"),
        ("conveyor-in", "| in-3 | status | 356 | 40357 | ackSeq | u16 |"),
        ("wall-2", "|  | header | 2 | 40003 | slots | u16 |"),
        ("wall-2", "| W2-12 | order | 321 | 40322 | epoch | u32 |"),
        ("wall-2", "| W2-12 | status | 118 | 40119 | state | u16 |"),
    ],
)
def test_the_register_map_tells_absolute_registers(device: str, row: str) -> None:
    sections = dict(
        re.findall(r"^## (\S+) .*?\n(.*?)(?=^## |\Z)", register_map(load_site(DEMO)), re.M | re.S)
    )
    assert row in sections[device]


@pytest.mark.parametrize(("register", "number"), [(0, "40001"), (9998, "49999"), (9999, "410000")])
def test_registers_behind_the_ten_thousandth_have_six_digits(register: int, number: str) -> None:
    assert modicon(register) == number


def test_a_diagram_gives_states_of_two_words_a_name() -> None:
    assert diagram([("[*]", "", "on"), ("on", "it ends", "ended short")]) == (
        '```mermaid\nstateDiagram-v2\n    state "ended short" as ended_short\n'
        "    [*] --> on\n    on --> ended_short: it ends\n```"
    )


def test_labels_hold_nothing_that_ends_them_early() -> None:
    assert not [what for _, what, _ in CHANNEL if set(what) & set(":;#")]


@pytest.mark.parametrize(
    ("device", "row"),
    [
        ("shuttle-2", "| main | command | Shuttle2.Cmd.seq | seq | u16 |"),
        ("shuttle-2", "| 2101 | A1-2-L-01 |"),
        ("lift-1", "| main | method | Lift1.Execute |  |  |"),
        ("lift-1", "| main | status | Lift1.Status.ackSeq | ackSeq | u16 |"),
        ("conveyor-out", "| out-2 | command | 66 | 40067 | seq | u16 |"),
        ("conveyor-out", "| 104 | OUT-4 |"),
        ("wall-2", "| W2-12 | status | 118 | 40119 | state | u16 |"),
    ],
)
def test_whoever_programs_a_plc_is_told_every_address_and_the_number_of_every_place(
    device: str, row: str
) -> None:
    book = plc_book(load_site(DEMO))
    chapters = dict(re.findall(r"^## (\S+) \((.*?)(?=^## |\Z)", book, re.M | re.S))
    assert row in chapters[device]
    assert "## Profile `opcua-method`" in book
    assert chapters["lift-1"].startswith("opc.tcp://127.0.0.1:48401/lift, namespace `urn:warehouse:mailbox`)")
    assert chapters["wall-1"].startswith("Modbus TCP 127.0.0.1:50201, unit 1)")


def test_what_a_plc_programmer_wrote_into_a_table_stays_in_its_cell() -> None:
    site = load_site(DEMO)
    profile = site.profile("modbus-mailbox")
    seq = profile.status[1].model_copy(update={"description": "0|1 = stands\nelse moves"})
    book = profile_tables(profile.model_copy(update={"status": (profile.status[0], seq)}))
    assert "| 33 | 1 | `life` | u16 | 0\\|1 = stands else moves |" in book


def test_every_key_of_a_site_file_is_told_with_its_bounds_its_default_and_its_meaning() -> None:
    reference = site_reference()
    poll = "| `poll_ms` | integer ≥ 10, ≤ 400 | `400` | period of the re-reading that stands behind the subscription;"
    assert poll in reference
    assert "| `kind` | `shuttle`, `lift` | **needed** |" in reference
    assert (
        "| `devices` | list of [Carrier](#carrier) or [Conveyor](#conveyor) or [PutWall](#putwall) |"
        in reference
    )
    verify = "verified, in the site's time zone; `null`: never. |"
    assert verify in reference
    assert "| `acceleration` | number > 0 | **needed** | m/s², also the deceleration. |" in reference
    links = set(re.findall(r"\(#(\w+)\)", reference))
    assert links <= {name.lower() for name in re.findall(r"^### (\w+)$", reference, re.M)}


def test_the_unit_for_systemd_lets_the_gateway_write_all_that_it_has_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = re.search(r"```ini\n(.*?)```", (DOCS / "operations.md").read_text(encoding="utf-8"), re.DOTALL)
    assert unit
    service = dict(line.split("=", 1) for line in unit[1].splitlines() if "=" in line and line[0] != " ")
    assert (service["ProtectSystem"], service["PrivateTmp"]) == ("strict", "yes")
    name, _, value = service["Environment"].partition("=")
    monkeypatch.setenv(name, value.replace("%S", str(tmp_path)))
    assert access_folder() == tmp_path / service["StateDirectory"]
    assert f"--data /var/lib/{service['StateDirectory']} " in unit[1]
