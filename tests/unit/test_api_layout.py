"""The site as it is drawn: every place with its metres, what each machine reaches, where vehicles drive."""

import json

import pytest

from gateway.api.layout import Layout, layout
from gateway.contract.layout import LaidDeviceView
from gateway.site.load import load_site
from gateway.site.model import Site
from tests.unit.api_rig import gateway
from tests.wire.processes import DEMO

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def demo() -> Site:
    return load_site(DEMO)


def device(site: Site, device_id: str) -> LaidDeviceView:
    return next(each for each in layout(site).devices if each.device_id == device_id)


async def test_the_layout_is_asked_for_once_and_then_only_whether_it_has_changed() -> None:
    async with gateway() as rig:
        first = await rig.http.get("/v1/layout", headers={"Accept-Encoding": "identity"})
        assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
        packed = await rig.http.get("/v1/layout", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == first.json()
        again = await rig.http.get("/v1/layout", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_every_location_is_there_once_where_the_site_file_says(demo: Site) -> None:
    laid = {each.location_id: each for each in layout(demo).locations}
    assert len(layout(demo).locations) == len(laid)
    assert {key: (each.x, each.y, each.z, each.kind, each.node) for key, each in laid.items()} == {
        place.id: (
            pytest.approx(place.x),
            pytest.approx(place.y),
            pytest.approx(place.z),
            place.kind,
            place.node,
        )
        for place in demo.all_locations.values()
    }


def test_a_slot_tells_its_place_in_the_rack(demo: Site) -> None:
    laid = {each.location_id: each for each in layout(demo).locations}
    slot = laid["A1-3-R-07"]
    [rack] = layout(demo).racks
    assert (slot.rack_id, slot.level, rack.sides[(slot.side or 0) - 1], slot.column) == ("A1", 3, "R", 7)
    assert laid["S1-1"].rack_id is None


def test_machines_tell_what_they_reach(demo: Site) -> None:
    shuttle, lift = device(demo, "shuttle-2"), device(demo, "lift-1")
    assert [(each.rack_id, each.levels) for each in shuttle.racks] == [("A1", (2,))]
    assert set(shuttle.locations) == {"A1-2-IN", "A1-2-OUT"}
    assert lift.racks == ()
    assert {"A1-4-IN", "A1-4-OUT", "IN-4", "OUT-1"} <= set(lift.locations)
    conveyor = device(demo, "conveyor-out")
    assert next((each.source, each.target) for each in conveyor.segments) == ("OUT-1", "OUT-2")
    assert len(device(demo, "wall-1").lights) == 12
    assert (device(demo, "agv-3").fleet_id, device(demo, "agv-3").road_map_id) == ("agvs", "ground-floor")


def test_roads_have_their_use_and_their_direction(demo: Site) -> None:
    [roads] = layout(demo).road_maps
    uses = {node.node_id: node.use for node in roads.nodes}
    assert (uses["charge-1"], uses["park-4"], uses["top-0"]) == ("charger", "parking", "crossing")
    assert {(edge.start, edge.end) for edge in roads.edges} >= {("top-24", "top-21"), ("in-wait", "in")}


def test_stations_name_their_slots_and_their_wall(demo: Site) -> None:
    first = layout(demo).stations[0]
    assert (first.station_id, first.slots, first.putwall) == ("station-1", ("S1-1", "S1-2"), "wall-1")


def test_what_does_not_apply_is_left_out(demo: Site) -> None:
    body = json.loads(bytes(Layout(demo).answer("", "").body))
    assert set(body["locations"][0]) == {"locationId", "kind", "zone", "capacity", "x", "y", "z"}
    assert "racks" not in next(each for each in body["devices"] if each["deviceId"] == "conveyor-in")
