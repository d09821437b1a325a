"""The demo site is sound, is what it promises to be, and its vehicles can never lock each other up."""

from collections import deque
from math import dist
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.site.draw import draw
from gateway.site.load import load_site
from gateway.site.model import Carrier, Conveyor, PutWall, RoadMap, Site
from gateway.site.wiring import mailbox_wiring

Ways = dict[str, set[str]]
DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture(scope="module")
def demo() -> Site:
    return load_site(DEMO)


@pytest.fixture(scope="module")
def road_map(demo: Site) -> RoadMap:
    return demo.road_map("ground-floor")


def test_it_holds_what_it_promises(demo: Site) -> None:
    assert [device.id for device in demo.devices] == [
        *(f"shuttle-{n}" for n in (1, 2, 3, 4)),
        "lift-1",
        "conveyor-out",
        "conveyor-in",
        "wall-1",
        "wall-2",
    ]
    assert [location.id for location in demo.matching(("A1-?-[LR]-*",))][:2] == ["A1-1-L-01", "A1-1-L-02"]
    assert len(demo.matching(("A1-?-[LR]-*",))) == 4 * 2 * 20
    assert len(demo.matching(("A1-?-IN", "A1-?-OUT"))) == 8
    assert [station.slots for station in demo.stations] == [("S1-1", "S1-2"), ("S2-1", "S2-2")]
    assert [wall.slot_ids()[::11] for wall in demo.devices if isinstance(wall, PutWall)] == [
        ("W1-01", "W1-12"),
        ("W2-01", "W2-12"),
    ]
    assert [vehicle.id for vehicle in demo.fleets[0].vehicles] == [f"agv-{n}" for n in range(1, 7)]


def test_its_places_have_the_documented_numbers(demo: Site) -> None:
    numbers = {location.id: location.place for location in demo.all_locations.values()}
    assert numbers["A1-1-L-01"] == 1101
    assert numbers["A1-1-R-01"] == 1201
    assert numbers["A1-4-R-20"] == 4220
    assert (numbers["A1-3-IN"], numbers["A1-3-OUT"]) == (3001, 3002)
    assert (numbers["OUT-1"], numbers["OUT-4"], numbers["IN-1"], numbers["IN-4"]) == (101, 104, 201, 204)


def test_its_stock_is_spread_evenly(demo: Site) -> None:
    stock = demo.initial_stock()
    assert (stock[0].container, stock[-1].container, len(stock)) == ("TOTE-0001", "TOTE-0120", 120)
    assert len({container.location for container in stock}) == 120
    levels = [container.location.split("-")[1] for container in stock]
    assert [levels.count(level) for level in "1234"] == [30, 30, 30, 30]


def test_a_shuttle_serves_its_level_only(demo: Site) -> None:
    (shuttle,) = [
        device for device in demo.devices if isinstance(device, Carrier) and device.id == "shuttle-2"
    ]
    places = mailbox_wiring(demo, shuttle).places
    assert len(places) == 42
    assert {number // 1000 for number in places} == {2}


def test_each_conveyor_reads_barcodes_at_its_second_segment(demo: Site) -> None:
    scanners = [
        channel.target
        for device in demo.devices
        if isinstance(device, Conveyor)
        for channel in device.channels
        if channel.scanner
    ]
    assert scanners == ["OUT-2", "IN-2"]


def test_its_road_map_is_large_enough(road_map: RoadMap) -> None:
    assert len(road_map.nodes) >= 40
    assert len(road_map.parking) >= 6
    assert len(road_map.chargers) == 2


def test_its_lanes_have_the_length_of_a_vehicle_or_two(road_map: RoadMap) -> None:
    at = {node.id: (node.x, node.y) for node in road_map.nodes}
    lengths = [dist(at[edge.start], at[edge.end]) for edge in road_map.edges]
    assert 1.5 <= min(lengths)
    assert max(lengths) <= 3.0


def test_its_vehicles_can_never_close_a_ring_of_waiting(demo: Site, road_map: RoadMap) -> None:
    """Each vehicle waits for the node ahead of it: a ring needs a vehicle on every node of a way round."""
    assert shortest_ring(ways(road_map)) > len(demo.fleets[0].vehicles)


def test_who_stands_to_work_or_park_or_charge_is_in_nobodys_way(demo: Site, road_map: RoadMap) -> None:
    served = {location.node for location in demo.locations if location.node is not None}
    standing = served | set(road_map.parking) | set(road_map.chargers) | {"in-wait", "out-wait"}
    lanes = {node: set(ends) - standing for node, ends in ways(road_map).items() if node not in standing}
    for node in lanes:
        assert set(distances(lanes, node)) == set(lanes)


def test_nobody_takes_a_pocket_for_a_short_cut(demo: Site, road_map: RoadMap) -> None:
    at = {node.id: (node.x, node.y) for node in road_map.nodes}
    served = {location.node for location in demo.locations if location.node is not None}
    into = {edge.end: edge.start for edge in road_map.edges}
    out_of = {edge.start: edge.end for edge in road_map.edges}
    for pocket in served | set(road_map.parking) | set(road_map.chargers):
        before = next(node for node in (into[pocket], into[into[pocket]]) if "wait" not in node)
        through = dist(at[before], at[pocket]) + dist(at[pocket], at[out_of[pocket]])
        assert dist(at[before], at[out_of[pocket]]) < through
        assert out_of[pocket] in distances(without(pocket, ways(road_map)), before)


def test_it_can_be_drawn(demo: Site) -> None:
    picture = ElementTree.fromstring(draw(demo))
    texts = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert texts >= {"demo", "park-1", "S1-1", "OUT-4", "A1-1-IN +3", "A1: 40 slots × 4 levels"}
    assert texts >= {"shuttle-1 +3", "lift-1", "agv-6", "Station 2 (station-2)"}
    lines = picture.findall("{http://www.w3.org/2000/svg}line")
    lanes, channels, served_by_vehicles, served_by_shuttles, served_by_the_lift = 62, 6, 6, 2, 4
    assert len(lines) == lanes + channels + served_by_vehicles + served_by_shuttles + served_by_the_lift


def ways(road_map: RoadMap) -> Ways:
    return {
        node.id: {edge.end for edge in road_map.edges if edge.start == node.id} for node in road_map.nodes
    }


def distances(ways: Ways, start: str) -> dict[str, int]:
    """Count the nodes from one to every other that can be reached."""
    steps, frontier = {start: 0}, deque([start])
    while frontier:
        node = frontier.popleft()
        for following in ways[node] - steps.keys():
            steps[following] = steps[node] + 1
            frontier.append(following)
    return steps


def shortest_ring(ways: Ways) -> int:
    return min(distances(ways, end)[start] + 1 for start, ends in ways.items() for end in ends)


def without(node: str, ways: Ways) -> Ways:
    return {start: set(ends) - {node} for start, ends in ways.items() if start != node}
