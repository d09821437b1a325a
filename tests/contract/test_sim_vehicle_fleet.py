"""All vehicles of the demo site at once, in memory."""

import asyncio
from pathlib import Path

import pytest

from gateway.site.load import load_site
from sim_devices.clock import SimClock
from sim_devices.faults.book import FaultBook
from sim_devices.faults.kinds import Jam, Reboot
from sim_devices.vehicles.fleet import Vehicles
from sim_devices.world import World
from tests.memory_broker import MemoryBroker
from tests.vehicles import HEADER, Json, Wall

pytestmark = pytest.mark.contract

DEMO = Path(__file__).parents[2] / "config" / "demo"


def drive(serial: str, start: str, end: str) -> Json:
    nodes = [
        {"nodeId": node, "sequenceId": 2 * index, "released": True, "actions": []}
        for index, node in enumerate((start, end))
    ]
    edge = {
        "edgeId": "e",
        "sequenceId": 1,
        "released": True,
        "startNodeId": start,
        "endNodeId": end,
        "actions": [],
    }
    header = HEADER | {"serialNumber": serial}
    return header | {"orderId": f"{serial}-1", "orderUpdateId": 0, "nodes": nodes, "edges": [edge]}


async def test_the_demo_fleet_comes_online_where_it_starts_and_notes_collisions() -> None:
    site, broker, faults = load_site(DEMO), MemoryBroker(), FaultBook()
    vehicles = Vehicles(site, World.of_site(site), SimClock(500), faults, Wall(), {"broker": broker})
    (fleet,) = site.fleets
    starts = {model.serial: model.start for model in fleet.vehicles}
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(vehicles.run())
        await broker.until("state", lambda _: len(broker.bodies("state")) == len(starts))
        assert {s["serialNumber"]: s["lastNodeId"] for s in broker.bodies("state")} == starts
        assert vehicles.collisions == ()
        # Nobody but the master control keeps vehicles apart.
        broker.send("uagv/v2/simco/agv-1/order", drive("agv-1", starts["agv-1"], starts["agv-2"]))
        await broker.until(
            "state", lambda s: s["lastNodeId"] == starts["agv-2"] and s["serialNumber"] == "agv-1"
        )
        running.cancel()
    assert [(c.place, c.vehicles) for c in vehicles.collisions] == [(starts["agv-2"], ("agv-2", "agv-1"))]
    faults.add(Jam(device="agv-6"))


async def test_somebody_localises_a_vehicle_at_its_panel_and_it_tells_where_it_is() -> None:
    site, broker, faults = load_site(DEMO), MemoryBroker(), FaultBook()
    vehicles = Vehicles(site, World.of_site(site), SimClock(500), faults, Wall(), {"broker": broker})
    (start,) = (model.start for model in site.fleets[0].vehicles if model.id == "agv-1")
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(vehicles.run()), tasks.create_task(faults.run())]
        faults.add(Reboot(device="agv-1", duration_s=0.01, memory_lost=True, delay_s=0.01))
        lost = await broker.until("state", lambda s: not s["agvPosition"]["positionInitialized"])
        assert (lost["serialNumber"], lost["lastNodeId"]) == ("agv-1", "")
        vehicles.localise("agv-1", None)
        found = await broker.until(
            "state", lambda s: s["serialNumber"] == "agv-1" and s["agvPosition"]["positionInitialized"]
        )
        assert (found["lastNodeId"], found["errors"]) == (start, [])
        for task in running:
            task.cancel()
