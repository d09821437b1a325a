"""`gateway check` and `gateway tags` as their users see them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner, Result

from gateway.cli.check import check
from gateway.cli.tags import tags
from gateway.site.load import load_site
from tests.cli_bench import typed
from tests.unit.small_site import SMALL, edited, own_profile, small_site, write

app = typer.Typer()
app.command()(check)
app.add_typer(tags, name="tags")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write(tmp_path / "site", small_site())


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return write(
        tmp_path / "broken",
        small_site() | {"site.yaml": edited(SMALL, {"    link: plc-1\n": "    link: plc-9\n"})},
    )


def test_a_sound_site_is_summed_up(site: Path) -> None:
    result = run("check", "--site", site)
    assert result.exit_code == 0
    assert (
        "ok  3 links  3 devices  2 vehicles  7 locations  7 nodes  10 edges  1 stations  4 containers"
        in result.stdout
    )
    assert "conveyor of 2 channels, modbus-mailbox" in result.stdout


def test_findings_stand_on_a_line_each(broken: Path) -> None:
    result = run("check", "--site", broken)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{broken}/site.yaml:3: links[plc-1]: no device uses the link `plc-1`. Mend: ")
    assert lines[1].startswith(
        f"{broken}/site.yaml:17: devices[shuttle].link: there is no link `plc-9`. Mend: "
    )
    assert lines[2] == "2 findings"


def test_at_a_narrow_terminal_a_place_stays_whole_and_its_mend_stands_below(
    broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(broken.parent)
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": "60", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    told = Text.from_ansi(run("check", "--site", broken.name).stdout).plain
    lines = [" ".join(line.split()) for line in told.splitlines()]
    place = lines.index("broken/site.yaml:3 links[plc-1]")
    assert lines[place + 1] == "no device uses the link `plc-1`"
    assert "broken/site.yaml:17 devices[shuttle].link" in lines


def test_scripts_get_json(site: Path, broken: Path) -> None:
    sound = run("check", "--site", site, "--json")
    assert sound.exit_code == 0
    assert json.loads(sound.stdout)["counts"]["containers"] == 4
    result = run("check", "--site", broken, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert told["findings"][1] == {
        "file": f"{broken}/site.yaml",
        "line": 17,
        "path": "devices[shuttle].link",
        "message": "there is no link `plc-9`",
        "mend": told["findings"][1]["mend"],
    }


def test_a_site_can_be_drawn(site: Path, tmp_path: Path) -> None:
    assert run("check", "--site", site, "--svg", tmp_path / "site.svg").exit_code == 0
    assert (tmp_path / "site.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_a_drawing_is_xml_whatever_a_station_is_called_and_counts_the_slots_of_a_flat_rack(
    tmp_path: Path,
) -> None:
    edits = {
        "name: One": """name: '<b> & "{x}"'""",
        "R-{column}": "R-{level}-{column}",
        "levels: 1": "levels: 2",
    }
    places = {"start: 11, level: 0": "start: 11, level: 10"}
    folder = write(tmp_path / "site", small_site() | {"site.yaml": edited(SMALL, edits | places)})
    assert run("check", "--site", folder, "--svg", tmp_path / "site.svg").exit_code == 0
    texts = [each.text for each in ElementTree.parse(tmp_path / "site.svg").iter() if each.text]
    assert '<b> & "{x}" (station-1)' in texts
    assert "R: 3 slots × 2 levels" in texts


def test_what_its_plcs_serve_can_be_written_for_those_who_program_them(site: Path, tmp_path: Path) -> None:
    assert run("check", "--site", site, "--plc", tmp_path / "plc.md").exit_code == 0
    assert (tmp_path / "plc.md").read_text(encoding="utf-8").startswith("# What the PLCs of `")


def test_a_file_that_cannot_be_written_is_told(site: Path, tmp_path: Path) -> None:
    for file, why in (("no/site.svg", "No such file or directory"), ("", "Is a directory")):
        ended = typed("check", "--site", str(site), "--svg", str(tmp_path / file))
        assert ended.code == 1
        assert ended.err.startswith(f"{tmp_path / file} cannot be written: {why}")


def test_a_tag_table_goes_out_and_comes_back_into_a_site(site: Path, tmp_path: Path) -> None:
    table, profile = tmp_path / "tags.csv", site / "profiles" / "acme.yaml"
    profile.parent.mkdir()
    assert run("tags", "export", "--site", site, "--profile", "modbus-mailbox", "-o", table).exit_code == 0
    made = run("tags", "import", table, "--id", "acme", "--protocol", "modbus", "-o", profile)
    assert made.exit_code == 0
    assert made.stderr == f"{profile}: profile acme; a site finds it in its folder `profiles`\n"
    assert load_site(site).profile("acme").status_base == 32


def test_what_a_tag_table_cannot_say_is_told(site: Path) -> None:
    edits = {"word_order: big": "word_order: little", "status_stride: 10": "status_stride: 16"}
    write(site, {"profiles/own.yaml": own_profile("modbus-putwall", edits)})
    result = run("tags", "export", "--site", site, "--profile", "own")
    assert (result.exit_code, result.stdout[:5]) == (0, "block")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        "a table cannot say `word_order",
        "a table cannot say `status_stride",
    ]
    assert run("tags", "export", "--site", site, "--profile", "modbus-putwall").stderr == ""


def test_registers_by_the_numbers_of_engineering_tools_are_pointed_out(site: Path, tmp_path: Path) -> None:
    table = tmp_path / "tags.csv"
    words = ("tags", "import", table, "--id", "acme", "--protocol", "modbus")
    assert run("tags", "export", "--site", site, "--profile", "modbus-mailbox", "-o", table).exit_code == 0
    assert run(*words).stderr == ""
    rows = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
    moved = [rows[0], *([*row[:2], str(int(row[2]) + 40_001), *row[3:]] for row in rows[1:])]
    table.write_text("\n".join(map(",".join, moved)), encoding="utf-8")
    told = run(*words)
    assert told.exit_code == 0
    assert "every address is 40001 or higher" in told.stderr
    assert "subtract 40001 from each" in told.stderr


def test_an_unknown_profile_is_told(site: Path) -> None:
    result = run("tags", "export", "--site", site, "--profile", "acme")
    assert result.exit_code == 1
    assert "there is no profile `acme`; the site knows modbus-mailbox," in result.stderr


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            b"block,name,address,type\ncommand,seq,0,u16\n",
            "needs the field `epoch`. Mend: add `{name: epoch,",
        ),
        (b"block,name,address,type\ncommand,seq,0,real\n", "tags.csv:2: type: `real`"),
        (
            b"block,name,address,type,description\ncommand,seq,0,u16,\xe9\n",
            "is not UTF-8 text. Mend: save it as",
        ),
        (None, "tags.csv: cannot be read: No such file"),
        (b"#" * 1_000_001, "is longer than 1,000,000 characters"),
    ],
    ids=["incomplete", "type", "encoding", "missing", "long"],
)
def test_a_wrong_table_is_refused(tmp_path: Path, table: bytes | None, reason: str) -> None:
    if table is not None:
        (tmp_path / "tags.csv").write_bytes(table)
    result = run("tags", "import", tmp_path / "tags.csv", "--id", "acme", "--protocol", "modbus")
    assert result.exit_code == 1
    assert reason in result.stderr
    assert result.stdout == ""
