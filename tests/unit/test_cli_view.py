"""What a person sees of a running demo, on a small and on a large terminal, and where there is no terminal."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gateway.cli.picture import Picture
from gateway.cli.snapshot import DeviceState, ShownDevice, ShownOrders, ShownTransport, Snapshot, device_state
from gateway.cli.view import DemoView, Pace, Whereabouts
from gateway.contract.reports import Position
from gateway.contract.transports import TransportStatus
from gateway.site.load import load_site
from gateway.site.model import Site

pytestmark = pytest.mark.unit

SMALL, LARGE = (80, 24), (160, 50)


@cache
def demo_site() -> Site:
    return load_site(Path(__file__).parents[2] / "config" / "demo")


def shown(
    device_id: str,
    *,
    state: DeviceState = DeviceState.ONLINE,
    note: str = "",
    load: str | None = None,
    at: str | None = None,
    x: float | None = None,
    y: float | None = None,
    battery: float | None = None,
) -> ShownDevice:
    position = Position(device_id=device_id, at_us=0, x=x, y=y, location_id=at, battery=battery)
    return ShownDevice(device_id=device_id, state=state, note=note, position=position, load=load)


def waiting(number: int) -> ShownTransport:
    return ShownTransport(
        transport_id=f"demo-{number}",
        container_id=f"TOTE-{number:04}",
        destination="S1-1",
        status=TransportStatus.PLANNED,
        where="A1-2-L-03",
        waiting="1-OUT is occupied",
        age_s=75.0,
    )


def snapshot() -> Snapshot:
    return Snapshot(
        elapsed_s=247,
        done=50,
        total=200,
        counts={TransportStatus.EXECUTING: 8, TransportStatus.PLANNED: 26, TransportStatus.COMPLETED: 50},
        devices=(
            shown("shuttle-1", at="A1-1-L-20", load="TOTE-0012"),
            shown("shuttle-2", at="A1-2-IN"),
            shown("shuttle-3", state=DeviceState.FAULT, note="17 jam"),
            shown("shuttle-4"),
            shown("lift-1", at="A1-2-OUT", load="TOTE-0044"),
            shown("conveyor-out"),
            shown("conveyor-in", state=DeviceState.OFFLINE, note="no answer for 2 s"),
            shown("wall-1"),
            shown("wall-2"),
            shown("agv-1", x=1.5, y=13.5, at="OUT-4", battery=0.87),
            shown("agv-2", x=24.0, y=0.0, battery=0.2, load="TOTE-0100"),
        ),
        under_way=(
            replace(
                waiting(1), status=TransportStatus.EXECUTING, where="shuttle-1", waiting=None, age_s=12.0
            ),
            *(waiting(number) for number in range(2, 35)),
        ),
        occupied={"A1-1-OUT": "TOTE-0001", "OUT-2": "TOTE-0002", "S1-2": "TOTE-0003"},
        lit={"wall-1": 3},
        events=1234,
        moves=96,
        url="http://127.0.0.1:8080",
    )


def lines_at(size: tuple[int, int], picture: Snapshot, site: Site | None = None) -> list[str]:
    width, height = size
    console = Console(width=width, height=height, record=True, file=StringIO(), force_terminal=True)
    console.print(DemoView(site or demo_site()).render(picture, 58.2))
    return console.export_text().splitlines()


def line_with(lines: list[str], *words: str) -> str:
    [line] = [line for line in lines if all(word in line for word in words)]
    return line


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_the_view_fills_the_terminal_and_no_more(size: tuple[int, int]) -> None:
    lines = lines_at(size, snapshot())
    assert len(lines) == size[1]
    assert max(len(line) for line in lines) <= size[0]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_a_person_sees_how_far_it_is_and_what_is_wrong(size: tuple[int, int]) -> None:
    lines = lines_at(size, snapshot())
    head = line_with(lines, "gateway demo")
    assert "http://127.0.0.1:8080" in head and "devices 9/11" in head and "04:07" in head
    progress = line_with(lines, "50/200 completed")
    assert "1234 events (58/s)" in progress and "96 moves" in progress
    counts = line_with(lines, "planned 26", "executing 8", "completed 50")
    assert "failed 0" in counts and "unknown 0" in counts
    assert line_with(lines, "shuttle-3 fault: 17 jam")
    assert line_with(lines, "conveyor-in offline: no answer for 2 s")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_a_person_sees_the_aisle(size: tuple[int, int]) -> None:
    lines = lines_at(size, snapshot())
    top, third, second, first = (line_with(lines, f"{level} ├") for level in _shuttles())
    assert first.index("◆") > second.index("◇") > second.index("├")
    assert "←■" in first and "TOTE-0012" in first
    assert "◆ →□ ←□ shuttle-2" in second, "the lift stands at level 2, loaded"
    assert "┆" in top and "┆" in third and "┆" in first
    assert "◇" not in top, "nobody knows yet where shuttle-4 is"
    ground = line_with(lines, "conveyor-out □■□□")
    assert "lift-1 TOTE-0044" in ground and "conveyor-in □□□□" in ground
    assert "station-1 □■ wall-1 3 lit" in line_with(lines, "station-2 □□ wall-2 0 lit")


def _shuttles() -> list[str]:
    return [f"shuttle-{level}" for level in (4, 3, 2, 1)]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_a_person_sees_what_is_under_way_and_why_it_waits(size: tuple[int, int]) -> None:
    lines = lines_at(size, snapshot())
    assert line_with(lines, "34 under way")
    assert "for 12 s" in line_with(lines, "demo-1 ", "TOTE-0001", "shuttle-1", "executing")
    assert line_with(lines, "demo-2 ", "A1-2-L-03", "S1-1", "planned", "1-OUT is occupied")
    assert ("demo-34" in "".join(lines)) is (size == LARGE)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_a_person_sees_the_vehicles_with_battery_and_load(size: tuple[int, int]) -> None:
    lines = lines_at(size, snapshot())
    assert "87%" in line_with(lines, "agv-1 ") and "OUT-4" in line_with(lines, "agv-1 ")
    assert "20%" in line_with(lines, "agv-2 ") and "TOTE-0100" in line_with(lines, "agv-2 ")


def test_a_large_terminal_shows_every_device_and_the_roads() -> None:
    lines = lines_at(LARGE, snapshot())
    assert "24.0, 0.0 m" in line_with(lines, "agv-2 "), "between locations a vehicle tells metres"
    assert "17 jam" not in line_with(lines, "│ shuttle-3", "fault"), "the reason stands above"
    for device in snapshot().devices:
        assert any(f"│ {device.device_id} " in line for line in lines)
    assert line_with(lines, "roads")
    assert line_with(lines, "P parking", "C charger")
    roads = [line.rpartition("││")[2] for line in lines if "P parking" not in line]
    assert any("1" in line and "□" in line for line in roads), "agv-1 stands at the outfeed"
    assert sum(line.count("P") for line in roads) == len(demo_site().road_maps[0].parking)


def test_a_transport_in_doubt_is_seen_at_once() -> None:
    doubt = replace(
        waiting(1), status=TransportStatus.UNKNOWN, where="", waiting="somebody must decide (see problem)"
    )
    picture = replace(snapshot(), under_way=(doubt,), counts={TransportStatus.UNKNOWN: 1})
    lines = lines_at(SMALL, picture)
    assert line_with(lines, "unknown 1", "what to do: gateway alarms")
    assert " ? " in line_with(lines, "│ demo-1 ", "unknown")
    assert line_with(lines, "demo-1 unknown: somebody must decide (see problem)")


def test_many_troubles_leave_room_for_the_rest() -> None:
    offline = tuple(replace(device, state=DeviceState.OFFLINE, note="cable") for device in snapshot().devices)
    lines = lines_at(SMALL, replace(snapshot(), devices=offline))
    assert sum("offline: cable" in line for line in lines) == 3
    assert line_with(lines, "and 8 more")
    assert line_with(lines, "34 under way")


def test_the_end_of_a_long_id_stays_and_so_do_the_places() -> None:
    long = replace(waiting(1), transport_id="demo-1795312173-17", waiting="OUT-3 is occupied by TOTE-0035")
    narrow = lines_at(SMALL, replace(snapshot(), under_way=(long,)))
    assert line_with(narrow, "…-1795312173-17", "TOTE-0001 A1-2-L-03 S1-1 planned OUT-3 is occupied by")
    medium = lines_at((120, 40), replace(snapshot(), under_way=(long,)))
    assert line_with(medium, "…312173-17 TOTE-0001 A1-2-L-03 S1-1 planned OUT-3 is")
    wide = lines_at(LARGE, replace(snapshot(), under_way=(long,)))
    assert line_with(wide, "demo-1795312173-17", "OUT-3 is occupied by TOTE-0035")


def test_a_device_between_two_places_is_seen_where_it_stood_last() -> None:
    whereabouts = Whereabouts()
    places = [
        whereabouts.remembered(replace(snapshot(), devices=(shown("shuttle-1", at=at),))).devices[0].position
        for at in ("A1-1-L-01", None, "A1-1-L-05", None)
    ]
    assert [place and place.location_id for place in places] == ["A1-1-L-01"] * 2 + ["A1-1-L-05"] * 2


def test_a_demo_without_an_end_shows_no_total() -> None:
    assert line_with(lines_at(SMALL, replace(snapshot(), total=None)), "50 completed")


def test_a_site_with_nothing_but_a_link_is_drawn_too() -> None:
    bare = Site(id="bare")
    empty = Snapshot(elapsed_s=0, done=0, total=1, counts={}, devices=())
    for size in (SMALL, LARGE):
        lines = lines_at(size, empty, bare)
        assert line_with(lines, "0 under way")
        assert not any("floor" in line or "vehicles" in line or "roads" in line for line in lines)


def test_a_shuttle_moves_along_its_rail_with_its_place() -> None:
    def column(at: str) -> int:
        picture = replace(snapshot(), devices=(shown("shuttle-4", at=at),))
        return Picture(demo_site()).floor(picture, 76)[0].plain.index("◇")

    columns = [column(f"A1-4-L-{number:02}") for number in range(1, 21)]
    assert columns == sorted(set(columns))
    assert column("A1-4-IN") <= columns[0]


def test_the_lift_stands_at_the_level_of_its_place() -> None:
    def row(at: str) -> int:
        lines = Picture(demo_site()).floor(replace(snapshot(), devices=(shown("lift-1", at=at),)), 76)
        [row] = [row for row, line in enumerate(lines) if line.plain[0] in "◇◆"]
        return row

    assert [row(at) for at in ("A1-4-OUT", "A1-3-IN", "A1-2-IN", "A1-1-OUT", "OUT-1")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("fault", "online", "enabled", "state"),
    [
        ("jam", True, True, DeviceState.FAULT),
        ("jam", False, False, DeviceState.FAULT),
        (None, False, False, DeviceState.OFFLINE),
        (None, True, False, DeviceState.DISABLED),
        (None, True, True, DeviceState.ONLINE),
    ],
)
def test_a_device_shows_the_worst_that_applies(
    fault: str | None, online: bool, enabled: bool, state: DeviceState
) -> None:
    assert device_state(fault=fault, online=online, enabled=enabled) is state


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.per_s(replace(snapshot(), elapsed_s=0, events=0)) == 0
    assert pace.per_s(replace(snapshot(), elapsed_s=2, events=20)) == 10
    rates = [
        pace.per_s(replace(snapshot(), elapsed_s=second, events=20 + 5 * (second - 2)))
        for second in range(3, 21)
    ]
    assert rates[-1] == pytest.approx(5)


class Source:
    """A demo that completes a transport each time it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def snapshot(self) -> Snapshot:
        self.looks += 1
        return replace(snapshot(), elapsed_s=float(self.looks), done=self.looks, events=self.looks * 10)


async def watch(console: Console, enough: Callable[[Source], bool]) -> Source:
    source = Source()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(DemoView(demo_site()).watch(source, console))
        while not enough(source):
            await asyncio.sleep(0.01)
        watching.cancel()
    return source


async def test_where_there_is_no_terminal_a_line_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.view.LINE_S", 0.01)
    out = StringIO()
    await watch(Console(file=out, width=40), lambda source: source.looks > 2)
    first, second = out.getvalue().splitlines()[:2]
    assert first.startswith("00:01  1/200 completed, 8 executing, 0 failed, 0 unknown; 0 events/s, 96 moves")
    assert first.endswith("; shuttle-3 fault: 17 jam; conveyor-in offline: no answer for 2 s")
    assert second.startswith("00:02  2/200 completed") and "; 10 events/s" in second


async def test_a_terminal_shows_frame_after_frame_and_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.view.FRAME_S", 0.01)
    out = StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, legacy_windows=False)
    await watch(console, lambda source: source.looks > 3)
    drawn = out.getvalue()
    assert "1/200" in drawn and "2/200" in drawn and "3/200" in drawn
    begin, end = "\x1b[?1049h", "\x1b[?1049l"
    assert drawn.index(begin) < drawn.index("1/200") < drawn.index("3/200") < drawn.index(end)


ORDERS = replace(
    snapshot(),
    orders=ShownOrders(
        counts={"released": 3, "shipped": 50},
        pile_on=2.25,
        quantity=5700,
        promised=12,
        at_stations={"station-1": 2},
    ),
)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x50"])
def test_a_person_sees_how_the_orders_do(size: tuple[int, int]) -> None:
    lines = lines_at(size, ORDERS)
    assert len(lines) == size[1]
    assert line_with(lines, "50/200 shipped")
    assert line_with(lines, "released 3", "shipped 50", "pieces/tote 2.2", "stock 5700")


def test_without_a_terminal_a_line_tells_how_the_orders_do() -> None:
    line = DemoView(demo_site()).line(ORDERS, 3.0)
    assert "50/200 orders shipped, pieces/tote 2.2  stock 5700 (12 promised)  released 3  shipped 50" in line
    assert "shipped 50  station-1 2" in line


def test_a_small_terminal_with_orders_of_every_status_still_shows_pile_on_and_stock() -> None:
    statuses = {
        "received": 10,
        "preallocated": 22,
        "released": 16,
        "picking": 48,
        "picked": 7,
        "shipped": 350,
    }
    assert ORDERS.orders is not None
    busy = replace(ORDERS, orders=replace(ORDERS.orders, counts=statuses))
    assert line_with(lines_at(SMALL, busy), "pieces/tote 2.2  stock 5700 (12 promised)  received 10")
