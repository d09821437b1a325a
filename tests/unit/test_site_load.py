"""Reading a site: files are merged, everything that is wrong is told at once, and nobody is blamed for another's mistake."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.wiring import MqttLink, OpcUaLink
from gateway.site.findings import Finding, SiteInvalid
from gateway.site.load import load_site
from gateway.site.model import Rack
from tests.unit.small_site import SMALL, edited, findings, own_profile, small_site, write


def broken(folder: Path, edits: dict[str, dict[str, str]]) -> list[Finding]:
    files = small_site()
    for name, changes in edits.items():
        files[name] = edited(files.get(name, ""), changes) if name in files else changes["new"]
    return list(findings(write(folder, files)))


def told(found: list[Finding]) -> set[tuple[str, int, str]]:
    return {(finding.file.name, finding.line, finding.path) for finding in found}


def test_a_folder_is_one_site(tmp_path: Path) -> None:
    more = {"more.yaml": "locations:\n  - {id: OUT-2, kind: transfer, place: 9}\n"}
    files = small_site() | more
    files["site.yaml"] = edited(files["site.yaml"], {'drops: ["R-*", OUT]': 'drops: ["R-*", OUT, OUT-2]'})
    site = load_site(write(tmp_path, files))
    assert site.id == "small"
    assert [location.id for location in site.locations] == ["OUT-2", "BUF", "IN", "OUT", "S-1"]
    assert {profile.id for profile in site.profiles} >= {"opcua-mailbox", "modbus-mailbox", "modbus-putwall"}
    assert site.root == tmp_path.resolve()


def test_one_file_is_a_site_too(tmp_path: Path) -> None:
    file = write(tmp_path, {"all.yaml": SMALL.split("devices:")[0].split("links:")[0]}) / "all.yaml"
    assert load_site(file).id == "small"


def test_a_site_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SiteInvalid, match="cannot be read: No such file"):
        load_site(tmp_path / "nowhere")
    with pytest.raises(SiteInvalid, match=r"holds no \*\.yaml file"):
        load_site(tmp_path)


def test_a_file_that_is_not_read_because_of_its_name_is_told(tmp_path: Path) -> None:
    (finding,) = findings(write(tmp_path / "one", small_site() | {"wes.yml": "wes: {warehouse_id: W}\n"}))
    assert (finding.file.name, finding.message) == ("wes.yml", "is not read, for its name ends with .yml")
    assert "call it wes.yaml" in finding.mend
    found = findings(write(tmp_path / "two", {"site.yml": "id: small\n", "profiles/own.yml": ""}))
    assert [finding.file.name for finding in found] == ["two", "site.yml"]
    found = findings(write(tmp_path / "three", small_site() | {"profiles/own.yml": "id: own\n"}))
    assert [finding.file.name for finding in found] == ["own.yml"]


def test_hidden_files_are_no_part_of_a_site(tmp_path: Path) -> None:
    folder = write(tmp_path, small_site() | {"._site.yaml": "\x00\x05", "profiles/.#own.yaml": "\x00"})
    (folder / ".#site.yaml").symlink_to("somebody@somewhere.1234")  # Emacs, while it edits
    assert findings(folder) == ()


def test_a_folder_or_a_link_to_nothing_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, small_site() | {"more.yaml/x": ""})
    (folder / "loop.yaml").symlink_to("loop.yaml")
    assert [finding.message for finding in findings(folder)] == [
        "cannot be read: Too many levels of symbolic links",
        "cannot be read: Is a directory",
    ]


def test_paths_count_from_the_sites_folder(tmp_path: Path) -> None:
    security = "security: {certificate: pki/own.der, private_key: pki/own.pem, server_certificate: /dev/null}"
    files = small_site() | {"pki/own.der": "", "pki/own.pem": "", "pki/pass": ""}
    files["site.yaml"] = edited(
        files["site.yaml"],
        {
            'url: "opc.tcp://127.0.0.1:4840"': f'url: "opc.tcp://127.0.0.1:4840", {security}',
            "port: 1883}": 'url: "mqtt://broker:1883", username: me, password_file: pki/pass}',
        },
    )
    found = findings(write(tmp_path, files))
    assert [finding.message for finding in found] == ["there is no file /dev/null"]
    write(tmp_path, {"site.yaml": files["site.yaml"].replace("/dev/null", "pki/own.der")})
    opcua, _, mqtt = load_site(tmp_path).links
    assert isinstance(opcua, OpcUaLink)
    assert isinstance(mqtt, MqttLink)
    assert opcua.security is not None
    assert opcua.security.private_key == tmp_path.resolve() / "pki" / "own.pem"
    assert mqtt.password_file == tmp_path.resolve() / "pki" / "pass"


def test_the_nearest_profile_counts(tmp_path: Path) -> None:
    own = own_profile("modbus-mailbox", {"word_order: big": "word_order: little"})
    files = small_site() | {"profiles/a.yaml": own.replace("id: own", "id: modbus-mailbox")}
    site = load_site(write(tmp_path / "site", files))
    assert [profile.word_order for profile in site.profiles if profile.id == "modbus-mailbox"] == ["little"]

    beside = {"profiles/b.yaml": own_profile("modbus-mailbox", {"byte_order: big": "byte_order: little"})}
    write(tmp_path, beside)
    site = load_site(tmp_path / "site")
    assert site.profile("own").byte_order == "little"


def test_two_profiles_of_one_folder_with_one_id_are_told(tmp_path: Path) -> None:
    own = own_profile("modbus-mailbox", {})
    found = broken(tmp_path, {"profiles/a.yaml": {"new": own}, "profiles/b.yaml": {"new": own}})
    assert [finding.message.split(" (")[0] for finding in found] == ["profile `own` exists twice"]


def test_a_list_whose_one_part_does_not_fit_is_not_told_as_too_short(tmp_path: Path) -> None:
    found = broken(tmp_path, {"site.yaml": {"sides: [L]": "sides: [1]"}})
    assert [finding.path for finding in found] == ["racks[R].sides[0]"]


def test_a_profile_whose_id_is_a_list_is_told(tmp_path: Path) -> None:
    found = findings(write(tmp_path, small_site() | {"profiles/own.yaml": "id: [a]\n"}))
    assert ("id", "a list does not fit") in {(finding.path, finding.message) for finding in found}


@pytest.mark.parametrize(
    ("edit", "path", "message", "mend"),
    [
        (
            {"kind: shuttle": "kind: shuttel"},
            "devices[shuttle].kind",
            "there is no kind `shuttel`",
            "'shuttle', 'lift'",
        ),
        ({"    kind: shuttle\n": ""}, "devices[shuttle]", "`kind` is missing", "add `kind: …`"),
        (
            {"channel: {id: main, base: Shuttle.}": "channel: {id: main}"},
            "devices[shuttle].channel.base",
            "`base` is missing",
            "add `base: …`",
        ),
        (
            {"channel: {id: main, base: Shuttle.}": "channel: {id: main, base: [1]}"},
            "devices[shuttle].channel.base",
            "a list does not fit",
            "must be a whole number or must be text",
        ),
        (
            {"motion: {speed: 2,": "motion: {spead: 1, speed: 2,"},
            "devices[shuttle].motion.spead",
            "`spead` is not a key here",
            "did you mean `speed`?",
        ),
        (
            {"motion: {speed: 2,": "motion: {speed: -2,"},
            "devices[shuttle].motion.speed",
            "`-2` does not fit",
            "must be more than 0",
        ),
        (
            {"motion: {speed: 2,": "motion: {speed: 1e999,"},
            "devices[shuttle].motion.speed",
            "`inf` does not fit",
            "finite",
        ),
        (
            {"motion: {speed: 2,": "motion: {speed: fast,"},
            "devices[shuttle].motion.speed",
            "`fast` does not fit",
            "must be a number",
        ),
        (
            {"port: 5020}": "port: 502000}"},
            "links[plc-2].port",
            "`502000` does not fit",
            "must be at most 65535",
        ),
        (
            {"{id: broker, kind: mqtt, port: 1883}": "{id: broker, kind: mqtt, password: hunter2}"},
            "links[broker].password",
            "`password` is not a key here",
            "never write a secret into the site",
        ),
        (
            {"port: 1883}": 'url: "mqtt://me:hunter2@host"}'},
            "links[broker].url",
            "`mqtt://…@host` does not fit",
            "of the form mqtt://host:port",
        ),
        (
            {"port: 1883}": 'url: "me:hun@ter2@host"}'},
            "links[broker].url",
            "`…@host` does not fit",
            "of the form mqtt://host:port",
        ),
        (
            {'slot: "R-{column}"': 'slot: "R-{colum}"'},
            "racks[R].slot",
            "`R-{colum}` does not fit",
            "must match",
        ),
        (
            {'slot: "R-{column}"': 'slot: "{column.__class__}"'},
            "racks[R].slot",
            "does not fit",
            "must match",
        ),
        (
            {
                "places: {start: 11, level: 0, side: 0, column: 1}": "places: {start: 1, level: 0, side: 0, column: -1}"
            },
            "racks[R]",
            "does not fit",
            "column 3: place -1",
        ),
        (
            {"slots: 12}": "slots: 13}"},
            "devices[wall].slots",
            "`13` does not fit",
            "must be at most 12",
        ),
        ({"id: small": "id: a b"}, "id", "`a b` does not fit", "must begin with a letter or digit"),
        (
            {"locations:\n": "lokations: []\nlocations:\n"},
            "lokations",
            "`lokations` is not a key here",
            "did you mean `locations`?",
        ),
        ({"id: small\n": ""}, "id", "the site has no id", "add `id: …`"),
        ({"name: One": "name: ''"}, "stations[station-1].name", "`` does not fit", "a name of one line"),
        (
            {"name: One": 'name: "a\\nb"'},
            "stations[station-1].name",
            "`a\\nb` does not fit",
            "a name of one line",
        ),
        (
            {"port: 5020}": "host: 10.0.0.1:502}"},
            "links[plc-2].host",
            "`10.0.0.1:502` does not fit",
            "a name or an address alone; the port stands in `port`",
        ),
        (
            {"place: 1, x: 1, y: 5}": "place: 1, x: 12500, y: 5}"},
            "locations[BUF].x",
            "`12500` does not fit",
            "must be at most 10000",
        ),
        (
            {
                'slot: "W-{n}", slots: 12}': 'slot: "{n:09}{n:09}{n:09}{n:09}{n:09}{n:09}{n:09}{n:09}", slots: 12}'
            },
            "devices[wall]",
            "a map does not fit",
            "is longer than 64 characters",
        ),
        ({"id: small": "id: 12"}, "id", "`12` does not fit", "must be text: put it into quotes"),
    ],
)
def test_what_does_not_fit_is_told(
    tmp_path: Path, edit: dict[str, str], path: str, message: str, mend: str
) -> None:
    found = broken(tmp_path, {"site.yaml": edit})
    (finding,) = [one for one in found if one.path == path]
    assert message in finding.message
    assert mend in finding.mend
    assert "hunter2" not in "\n".join(map(str, found))


def test_sections_are_lists(tmp_path: Path) -> None:
    (finding,) = broken(tmp_path, {"more.yaml": {"new": "stations: {id: x}\n"}})
    assert (finding.path, finding.message) == ("stations", "`stations` must be a list")


def test_files_are_maps(tmp_path: Path) -> None:
    (finding,) = broken(tmp_path, {"more.yaml": {"new": "- a\n"}})
    assert finding.message == "the file must be a map of sections"


def test_two_ids_clash(tmp_path: Path) -> None:
    (finding,) = broken(tmp_path, {"tail.yaml": {"new": "\nid: other\n"}})
    assert told([finding]) == {("tail.yaml", 2, "id")}
    assert "`other` beside `small`" in finding.message


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    found = broken(
        tmp_path,
        {
            "site.yaml": {
                "motion: {speed: 1, acceleration: 1}": "motion: {speed: 1}",
                "slots: [S-1], putwall: wall}": "slots: [S-9], putwall: wall}",
                "port: 1883}": "port: 4840}",
            },
            "roads.yaml": {
                "serial: a2, start: p2}": "serial: a1, start: p2}",
                "parking: [p1, p2]": "parking: [p1]",
            },
            "stock.yaml": {"location: BUF}": "location: BAF}"},
        },
    )
    assert told(found) == {
        ("site.yaml", 5, "links[broker]"),
        ("site.yaml", 30, "devices[conveyor].motion.acceleration"),
        ("site.yaml", 33, "stations[station-1].slots[0]"),
        ("roads.yaml", 3, "road_maps[floor].parking"),
        ("roads.yaml", 33, "fleets[agvs].vehicles[agv-2].serial"),
        ("stock.yaml", 2, "stock[0].location"),
    }


@pytest.mark.parametrize(
    "edit",
    [
        {"site.yaml": {"{id: plc-2, kind: modbus, port: 5020}": "{id: plc-2, kind: modbus, prot: 5020}"}},
        {"site.yaml": {"{id: BUF, kind: buffer,": "{id: BUF, kind: puffer,"}},
        {"site.yaml": {'slot: "R-{column}"': 'slot: "R {column}"'}},
        {"roads.yaml": {"{id: n2, x: 2, y: 0}": "{id: n2, x: 2}"}},
        {"site.yaml": {"slots: 12}": "slots: 99}"}},
        {"site.yaml": {"    channel: {id: main, base: Shuttle.}\n": ""}},
    ],
)
def test_an_element_that_does_not_fit_draws_no_blame_on_others(
    tmp_path: Path, edit: dict[str, dict[str, str]]
) -> None:
    assert len(broken(tmp_path, edit)) == 1


@pytest.mark.parametrize("opening", ["- {id: ", "  - id: "])
@pytest.mark.parametrize("file", ["site.yaml", "roads.yaml"])
def test_no_element_that_does_not_fit_draws_blame_on_others(tmp_path: Path, file: str, opening: str) -> None:
    text = small_site()[file]
    places = [match.end() for match in re.finditer(re.escape(opening), text)]
    assert places
    for number, place in enumerate(places):
        end = text.index("," if "{" in opening else "\n", place)
        break_off = ", oddity: 1" if "{" in opening else "\n    oddity: 1"
        files = small_site() | {file: text[:end] + break_off + text[end:]}
        found = findings(write(tmp_path / str(number), files))
        assert [finding.message for finding in found] == ["`oddity` is not a key here"], text[place:end]


def test_what_is_sound_is_cross_checked_beside_what_does_not_fit(tmp_path: Path) -> None:
    found = broken(
        tmp_path,
        {
            "site.yaml": {
                "{id: BUF, kind: buffer,": "{id: BUF, kind: puffer,",
                "{id: plc-2, kind: modbus, port: 5020}": "{id: plc-2, kind: modbus, port: many}",
                "link: plc-1": "link: plc-9",
                'picks: ["R-*", BUF]': 'picks: ["R-*", BUF, BUFF, "X-*"]',
                "slots: 12}": "slots: dozen}",
            },
            "stock.yaml": {"  - {container: BOX-1, location: BUF}": "  - {container: BOX-1, location: BAF}"},
        },
    )
    assert {finding.message for finding in found} == {
        "`many` does not fit",
        "`puffer` does not fit",
        "there is no link `plc-9`",
        "the pattern `X-*` matches no location",
        "there is no location `BUFF`",
        "`dozen` does not fit",
        "there is no location `BAF`",
    }


def test_a_hint_is_a_slip_of_the_pen_and_not_any_word_that_is_a_little_alike(tmp_path: Path) -> None:
    edit = {"{id: S-1, kind: station, node: n4}": "{id: S-1, kind: station, nodee: n4, colour: red}"}
    slip, strange = broken(tmp_path, {"site.yaml": edit})
    assert {slip.mend, strange.mend} == {
        "did you mean `node`? If not, take it out",
        "take it out, or move it to where it belongs",
    }


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("roads.yaml", {"    nodes:\n": "    nodes: [\n"}),
        ("site.yaml", {"links:\n": "links: [\n"}),
        ("site.yaml", {"locations:\n": "lokations:\n"}),
        ("site.yaml", {"id: small\n": "id: small\nid: large\n"}),
    ],
)
def test_a_part_that_cannot_be_read_draws_no_blame_on_others(
    tmp_path: Path, file: str, edit: dict[str, str]
) -> None:
    found = broken(tmp_path, {file: edit})
    assert [finding.file.name for finding in found] == [file]


def test_a_finding_reads_like_a_compilers(tmp_path: Path) -> None:
    (finding,) = broken(tmp_path, {"stock.yaml": {"location: BUF}": "location: BAF}"}})
    mend = "did you mean `BUF`? Otherwise add it to `locations`"
    assert (
        str(finding)
        == f"{tmp_path}/stock.yaml:2: stock[0].location: there is no location `BAF`. Mend: {mend}"
    )


def test_several_modbus_units_may_stand_behind_one_port(tmp_path: Path) -> None:
    link = "  - {id: plc-3, kind: modbus, port: 5020, unit: 2}\n  - {id: broker,"
    edit = {
        "  - {id: broker,": link,
        "{id: wall, kind: putwall, link: plc-2,": "{id: wall, kind: putwall, link: plc-3,",
    }
    assert broken(tmp_path, {"site.yaml": edit}) == []


def test_orders_and_statuses_of_a_wall_may_alternate(tmp_path: Path) -> None:
    files = small_site()
    files["profiles/own.yaml"] = own_profile(
        "modbus-putwall",
        {
            "status_stride: 10": "status_stride: 21",
            "command_base: 200": "command_base: 14",
            "command_stride: 11": "command_stride: 21",
        },
    )
    files["site.yaml"] = files["site.yaml"].replace("profile: modbus-putwall", "profile: own")
    assert findings(write(tmp_path, files)) == ()


WORDS = [
    "",
    "7",
    "-1",
    "1e400",
    "99999999999",
    "null",
    "true",
    "[]",
    "{}",
    "'",
    "*",
    "[!",
    "shuttle",
    "n1",
    "R-*",
    "own",
    "x y",
]


@settings(max_examples=40)
@given(st.sampled_from(["site.yaml", "roads.yaml", "stock.yaml", "profiles/own.yaml"]), st.data())
def test_no_slip_of_the_pen_makes_it_stumble(name: str, data: st.DataObject) -> None:
    files = small_site() | {"profiles/own.yaml": own_profile("modbus-putwall", {})}
    words = list(re.finditer(r"[\w.*:-]+|[{}\[\],\n]", files[name]))
    word = data.draw(st.sampled_from(words))
    files[name] = files[name][: word.start()] + data.draw(st.sampled_from(WORDS)) + files[name][word.end() :]
    with TemporaryDirectory() as folder:
        for finding in findings(write(Path(folder), files)):
            assert finding.line >= 1
            assert finding.message
            assert finding.mend


def test_shelves_that_people_walk_to_need_neither_a_device_nor_numbers(tmp_path: Path) -> None:
    shelves = (
        '  - {id: SH, kind: shelf, zone: pick, slot: "SH-{column}", levels: 1, sides: [L], columns: 2,\n'
        "     origin: [20, 5, 0], pitch: [1, 0, 0]}\n"
    )
    files = small_site()
    files["site.yaml"] = edited(
        files["site.yaml"], {"locations:\n": f"{shelves}locations:\n  - {{id: DMG-1, kind: shelf}}\n"}
    )
    site = load_site(write(tmp_path / "one", files))
    found = [(place.id, place.zone) for place in site.all_locations.values() if place.kind == "shelf"]
    assert found == [("DMG-1", None), ("SH-1", "pick"), ("SH-2", "pick")]
    files["site.yaml"] = files["site.yaml"].replace("kind: shelf, zone: pick,", "")
    (finding,) = findings(write(tmp_path / "two", files))
    assert finding.path == "racks[SH]"
    assert "dd `places: {start, level, side, column}`" in finding.mend


def test_a_racks_template_writes_codes_of_locations_as_warehouses_have_them() -> None:
    """Warehouse, area, rack, level, column: W1 B2 015 03 08 (S2-127)."""
    rack = Rack.model_validate(
        {
            "id": "B2",
            "slot": "W1B2{side}{level:02}{column:02}",
            "levels": 20,
            "sides": ["015", "016"],
            "columns": 50,
            "places": {"start": 1, "level": 100, "side": 50, "column": 1},
            "origin": [0, 0, 0],
            "pitch": [1, 1, 1],
        }
    )
    codes = [slot.id for slot in rack.slots]
    assert (codes[0], codes[-1]) == ("W1B20150101", "W1B20162050")
    assert "W1B20150308" in codes
