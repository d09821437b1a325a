"""Where loads are is kept over the end of a simulated site's process."""

import resource
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import DEMO_SITE, SimOptions
from gateway.cli.simulation import Simulation, keep_places
from gateway.site.load import load_site
from sim_devices import places
from sim_devices.places import Places
from sim_devices.world import World

pytestmark = pytest.mark.unit


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hall.state"


def first_stock() -> World:
    return World({"A": 1, "B": 2, "shuttle": 1}, [("T1", "A"), ("T2", "B")])


def kept(file: Path) -> World:
    """Return a world that is kept in a file, as it is when its process starts."""
    world, its_places = first_stock(), Places(file, "hall")
    its_places.restore(world)
    its_places.follow(world)
    return world


def test_without_a_file_the_site_begins_with_its_first_stock(file: Path) -> None:
    world = first_stock()
    assert not Places(file, "hall").restore(world)
    assert world.spots == {"T1": "A", "T2": "B"}


def test_whatever_has_moved_come_or_gone_is_there_again_with_its_label(file: Path) -> None:
    world = kept(file)
    world.move("A", "shuttle", "7")
    world.remove("T2")
    world.place("T3", "B", "unreadable")
    again = kept(file)
    assert again.spots == {"T1": "shuttle", "T3": "B"}
    assert (again.label("T1"), again.label("T3")) == ("T1", "unreadable")
    again.move("shuttle", "A", "8")
    assert kept(file).spots == {"T1": "A", "T3": "B"}


def test_a_process_that_was_killed_while_it_wrote_has_lost_that_line_alone(file: Path) -> None:
    kept(file).move("A", "shuttle", "7")
    whole = file.read_bytes()
    for cut in range(whole.rindex(b"[") + 1, len(whole) - 1):
        file.write_bytes(whole[:cut])
        assert kept(file).spots == {"T1": "A", "T2": "B"}


def test_a_long_file_is_written_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LINES_MAX", 10)
    world = kept(file)
    for number in range(100):
        world.move(*(("A", "shuttle") if number % 2 == 0 else ("shuttle", "A")), str(number))
        assert len(file.read_text().splitlines()) <= 1 + 2 + 10
        assert kept(file).spots == world.spots


@contextmanager
def full_disk() -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_on_a_full_disk_the_world_goes_on_and_all_is_kept_once_there_is_room(file: Path) -> None:
    world = kept(file)
    with capture_logs() as lines, full_disk():
        world.move("A", "shuttle", "7")
        world.move("shuttle", "A", "8")
        world.move("B", "shuttle", "9")
    with capture_logs() as later:
        world.move("A", "B", "10")
    assert [line["event"] for line in (*lines, *later)] == [
        "where loads are is not kept",
        "where loads are is kept again",
    ]
    assert kept(file).spots == {"T1": "B", "T2": "shuttle"}


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "does not begin with the name of a site"),
        ("- 1\n", "does not begin with the name of a site"),
        ('{"site": "elsewhere"}\n', "it begins with"),
        ('{"site": "demo"}\n["T1", 7, "T1"]\n["T2", "S1-1", "T2"]\n', "line 2 is damaged"),
        ('{"site": "demo"}\n["T1", "nowhere", "T1"]\n', "there is no spot nowhere"),
        ('{"site": "demo"}\n["T1", "S1-1", "T1"]\n["T2", "S1-1", "T2"]\n', "S1-1 is full"),
    ],
)
def test_a_file_that_does_not_fit_the_site_is_told_with_what_to_do(
    tmp_path: Path, file: Path, written: str, why: str
) -> None:
    file.write_text(written)
    options = SimOptions(site=load_site(DEMO_SITE), port=8090, speed=1, seed=1, faults=None, state=file)
    simulation = Simulation(options, tmp_path)
    with pytest.raises(Failure, match=why) as told:
        keep_places(simulation.site, file)
    assert told.value.exit_code == REFUSED
    ((_, advice),) = told.value.details
    assert "move the file away" in advice
    assert file.read_text() == written
