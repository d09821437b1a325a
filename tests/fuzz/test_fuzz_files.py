"""Site files, tag tables and fault files are read, or all that is wrong with them is told."""

import json
from pathlib import Path
from random import Random

import pytest

from gateway.contract.wiring import Handshake, Profile
from gateway.site.document import parse_document
from gateway.site.findings import SiteInvalid
from gateway.site.load import BUNDLED_PROFILES, load_site
from gateway.site.tags import profile_of, read_tags, write_tags
from sim_devices.faults.file import read_fault_file
from tests.fuzz.mutation import inputs, text_like, tree_like
from tests.unit.small_site import ROADS, SMALL, STOCK, small_site

pytestmark = [pytest.mark.unit, pytest.mark.timeout(0)]

FILE = Path("site.yaml")
FAULTS = """\
seed: 3
faults:
  - {kind: jam, device: conveyor, durationS: 1.5, after: {point: taken}}
  - {kind: linkDrop, device: shuttle, count: 2}
random: {meanIntervalS: 5, menu: [{kind: noRead, device: conveyor}]}
"""


def test_any_text_is_a_document_or_has_findings() -> None:
    pieces = [piece for text in (SMALL, ROADS, STOCK) for piece in text.split("\n  - ")]
    for text in inputs(1_000, lambda rng: text_like(rng, rng.choice(pieces))):
        parse_document(FILE, text)


def test_any_site_is_read_or_its_findings_are_told(tmp_path: Path) -> None:
    files = small_site()
    trees = {name: parse_document(FILE, text).data for name, text in files.items()}

    def changed(rng: Random) -> dict[str, str]:
        name = rng.choice(list(files))
        if rng.random() < 0.5:
            return files | {name: text_like(rng, files[name])}
        return files | {name: json.dumps(tree_like(rng, trees[name]))}

    for site in inputs(40, changed):
        try:
            for name, text in site.items():
                (tmp_path / name).write_text(text, encoding="utf-8", errors="replace")
            load_site(tmp_path)
        except SiteInvalid as invalid:
            assert all(finding.message for finding in invalid.findings)


@pytest.mark.parametrize(("name", "protocol"), [("modbus-mailbox", "modbus"), ("opcua-mailbox", "opcua")])
def test_any_table_of_tags_is_read_or_its_rows_are_told(name: str, protocol: str) -> None:
    file = BUNDLED_PROFILES / f"{name}.yaml"
    table = write_tags(Profile.model_validate(parse_document(file, file.read_text(encoding="utf-8")).data))
    for text in inputs(4_000, lambda rng: text_like(rng, table)):
        try:
            tables = read_tags(Path("tags.csv"), text, protocol)
        except SiteInvalid:
            continue
        try:
            profile_of(tables, "p", protocol, Handshake.MAILBOX, None)
        except ValueError:
            pass


def test_any_file_of_faults_is_read_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    for text in inputs(400, lambda rng: text_like(rng, FAULTS)):
        file.write_text(text, encoding="utf-8", errors="replace")
        try:
            read_fault_file(file)
        except ValueError as error:
            assert str(error)


def test_a_file_of_faults_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    """It ended the simulated devices with a RecursionError."""
    file = tmp_path / "faults.yaml"
    file.write_text("faults: " + "[" * 2000)
    with pytest.raises(ValueError, match="nests deeper"):
        read_fault_file(file)
