"""What `gateway sim` and `gateway demo` are given is looked at before anything runs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import DEMO_SITE, SimOptions
from gateway.cli.simulation import Simulation
from gateway.site.load import load_site

pytestmark = pytest.mark.unit

GUIDE = Path(__file__).parents[2] / "docs" / "new-site.md"
FILE = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MENU = "[{kind: noRead, device: conveyor-out}, {kind: noRead, device: wall-1}]"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("- 1\n", "file: must be an object"),
        ("faults: [\n", "cannot be read as YAML"),
        ("faults: [{kind: flood, device: lift-1}]\n", "faults[0].kind: must be one of 'reboot', "),
        ("faults: [{kind: jam, device: nobody}]\n", "faults[0]: there is no simulated device nobody"),
        (
            f"random: {{meanIntervalS: 1000, menu: {MENU}}}\n",
            "random.menu[1]: noRead cannot happen to wall-1",
        ),
    ],
)
def test_a_wrong_file_of_faults_is_told_with_its_place(tmp_path: Path, written: str, why: str) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text(written, encoding="utf-8")
    options = SimOptions(site=load_site(DEMO_SITE), port=8090, speed=1, seed=1, faults=faults)
    with pytest.raises(Failure) as told:
        Simulation(options, tmp_path)
    assert told.value.exit_code == REFUSED
    assert told.value.title == f"the file of faults {faults} has 1 finding(s)"
    ((_, finding),) = told.value.details
    assert why in finding


def test_where_nobody_stands_at_the_walls_nobody_picks_short(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults: [{kind: shortPick, device: wall-1}]\n", encoding="utf-8")
    options = SimOptions(site=load_site(DEMO_SITE), port=8090, speed=1, seed=1, faults=faults)
    Simulation(options, tmp_path)
    with pytest.raises(Failure) as told:
        Simulation(replace(options, hands=False), tmp_path)
    assert "shortPick cannot happen to wall-1" in told.value.details[0][1]


def test_a_site_that_has_lost_a_place_since_the_last_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    options = SimOptions(site=load_site(DEMO_SITE), port=8090, speed=1, seed=1, faults=None)
    with pytest.raises(
        Failure, match="no place for what an earlier run has left there: there is no spot S9-9"
    ):
        Simulation(options, tmp_path, [("TOTE-0001", "S9-9")])


def test_the_guide_shows_a_file_of_faults_that_its_site_can_have(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    for name, text in FILE.findall(GUIDE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = SimOptions(
        site=load_site(tmp_path / "small"), port=8090, speed=1, seed=1, faults=tmp_path / "faults.yaml"
    )
    Simulation(options, tmp_path)
