"""YAML with lines: what people mean, where it stands, and nothing that never ends."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.site.document import MAX_BYTES, Document, parse_document, read_document

FILE = Path("site.yaml")

words = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


def parse(text: str) -> Document:
    return parse_document(FILE, text)


def message(text: str) -> str:
    document = parse(text)
    assert document.data is None
    (finding,) = document.findings
    return str(finding)


def test_every_value_knows_its_line() -> None:
    document = parse("id: demo\nlinks:\n  - id: a\n    kind: mqtt\n  -\n    id: b\n")
    assert document.data == {"id": "demo", "links": [{"id": "a", "kind": "mqtt"}, {"id": "b"}]}
    assert document.line(("links",)) == 2
    assert document.line(("links", 0, "kind")) == 4
    assert document.line(("links", 1, "id")) == 6


def test_a_value_that_is_missing_stands_where_it_would_stand() -> None:
    document = parse("links:\n  - id: a\n")
    assert document.line(("links", 0, "port")) == 2
    assert document.path(("links", 0, "port")) == "links[a].port"


def test_paths_name_elements_by_their_id() -> None:
    document = parse("devices:\n  - {id: lift, picks: [A, B]}\n  - {kind: shuttle}\n")
    assert document.path(("devices", 0, "picks", 1)) == "devices[lift].picks[1]"
    assert document.path(("devices", 1, "kind")) == "devices[1].kind"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("0101", "0101"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        (".nan", ".nan"),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("-7", -7),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: object) -> None:
    assert parse(f"key: {text}").data == {"key": value}


def test_a_map_may_take_over_another_one() -> None:
    document = parse("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: {<<: [{y: 4}, *a]}\n")
    assert document.data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 4}}
    assert document.line(("b", "y")) == 4
    assert document.line(("b", "x")) == 1


def test_a_key_that_stands_twice_is_told_and_the_first_one_counts() -> None:
    document = parse("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [(finding.line, finding.message) for finding in document.findings] == [
        (4, "`c` stands twice in one map, first in line 3"),
        (5, "`a` stands twice in one map, first in line 1"),
    ]


def test_a_broken_line_is_told() -> None:
    assert message("a: 1\nb: [1, 2\nc: 3\n").startswith("site.yaml:3: cannot be read as YAML")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "picks: [*-OUT]",
            "site.yaml:1: cannot be read as YAML: found undefined alias '-OUT'. Mend: put a pattern that begins",
        ),
        ("picks: [*, BUF]", "Mend: put a pattern that begins with `*` into quotes"),
        ("a: 1\nb:\t2\n\tc: 3", "Mend: write spaces instead of the tab"),
        (
            "a: &x 1\nb: &x 2",
            "site.yaml:2: cannot be read as YAML: found duplicate anchor 'x', first in line 1.",
        ),
        ("a: 1\n---\nb: 2", "site.yaml:2: cannot be read as YAML: a second document begins here."),
        ('a: 1\nb: "x\nc: 3\nd: 4\n', "while scanning a quoted scalar that begins in line 2."),
        ("a: [" + "1, " * 200_000 + "]", "200,000 values. Mend: divide it into several files"),
    ],
    ids=["pattern", "star", "tab", "anchor twice", "second document", "open quote", "too many values"],
)
def test_what_cannot_be_read_is_told_with_what_mends_it(text: str, told: str) -> None:
    assert told in message(text)


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_bytes(b"id: a\nname: caf\xe9\n")
    (finding,) = read_document(file).findings
    assert (finding.line, finding.message) == (2, "is not UTF-8 text")
    assert message("a: 1\nb: \x01").startswith("site.yaml:2: holds U+0001, which is no text. Mend: ")


def test_a_character_that_there_is_not_is_told() -> None:
    assert message('a: 1\nb: "\\UFFFFFFFF"').startswith(
        "site.yaml:2: cannot be read as YAML: there is no such"
    )
    assert "no such character or version" in message(f"%YAML 1.{'1' * 5000}\n---\na: 1")


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_bytes(b"\xef\xbb\xbfid: a\n")
    assert read_document(file).data == {"id": "a"}


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (finding,) = read_document(tmp_path / "none.yaml").findings
    assert "No such file" in finding.message


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    (finding,) = read_document(file).findings
    assert "larger than 4,000,000 bytes" in finding.message


def test_tags_never_make_objects() -> None:
    assert "not understood" in message("a: !!python/object/apply:os.system [ls]")
    assert "not understood" in message("a: !include other.yaml")


def test_keys_are_text() -> None:
    assert "must be text" in message("? [1, 2]\n: 3")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [*a]", "an alias stands inside what it names"),
        ("a: &a {<<: *a}", "an alias stands inside what it names"),
        ("a: " + "[" * 10_000, "nests deeper than 30 levels"),
        (
            "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40))]),
            "nests deeper than 30 levels",
        ),
        (bomb(12), "unfolds to more than 200,000 values"),
        ("a: {<<: 7}", "takes a map"),
    ],
    ids=["cycle", "merged cycle", "deep", "deep by aliases", "billion laughs", "merged number"],
)
def test_what_would_never_end_is_refused(text: str, reason: str) -> None:
    assert reason in message(text)


@given(json_values)
def test_json_is_yaml(value: object) -> None:
    document = parse(json.dumps({"value": value}, ensure_ascii=False))
    assert (document.data, document.findings) == ({"value": value}, ())


@given(st.text())
def test_no_text_makes_it_stumble(text: str) -> None:
    document = parse(text)
    assert document.data is None or not document.findings or "stands twice" in document.findings[0].message
