"""Devices of the site as drivers see them."""

from pathlib import Path

import pytest

from gateway.contract.wiring import VehicleWiring
from gateway.site.load import load_site
from gateway.site.model import Carrier, Conveyor, PutWall, Site
from gateway.site.wiring import fleet_wiring, mailbox_wiring, putwall_wiring
from tests.unit.small_site import small_site, write


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(write(tmp_path, small_site()))


def test_a_carrier_has_one_mailbox_and_all_its_places(site: Site) -> None:
    (shuttle,) = [device for device in site.devices if isinstance(device, Carrier)]
    wiring = mailbox_wiring(site, shuttle)
    assert (wiring.device_id, wiring.profile.id) == ("shuttle", "opcua-mailbox")
    assert [(channel.id, channel.base) for channel in wiring.channels] == [("main", "Shuttle.")]
    assert wiring.places == {1: "BUF", 3: "OUT", 11: "R-1", 12: "R-2", 13: "R-3"}


def test_a_conveyor_has_a_mailbox_for_each_pair_of_segments(site: Site) -> None:
    (conveyor,) = [device for device in site.devices if isinstance(device, Conveyor)]
    wiring = mailbox_wiring(site, conveyor)
    assert [(channel.id, channel.base, channel.scanner) for channel in wiring.channels] == [
        ("c1", 0, False),
        ("c2", 64, False),
    ]
    assert wiring.places == {1: "BUF", 2: "IN", 3: "OUT"}


def test_a_wall_has_its_slots_in_wire_order(site: Site) -> None:
    (wall,) = [device for device in site.devices if isinstance(device, PutWall)]
    wiring = putwall_wiring(site, wall)
    assert (wiring.device_id, wiring.profile.id, wiring.base) == ("wall", "modbus-putwall", 1000)
    assert wiring.slots == tuple(f"W-{n}" for n in range(1, 13))


def test_a_fleet_has_its_vehicles_topics(site: Site) -> None:
    wiring = fleet_wiring(site.fleets[0])
    assert (wiring.fleet_id, wiring.interface) == ("agvs", "uagv")
    assert wiring.vehicles == (
        VehicleWiring(device_id="agv-1", manufacturer="acme", serial="a1"),
        VehicleWiring(device_id="agv-2", manufacturer="acme", serial="a2"),
    )
