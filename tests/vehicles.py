"""A simulated vehicle on a small road map, without loop or wire, and the orders that a master control sends it.

a ── b ── c ── d      10 m each, eastwards from (0, 0); `e` is 10 m north of `b`.
     │
     e (charger)      station A is at a, D at d.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

from gateway.site.model import Motion
from sim_devices.clock import SimClock
from sim_devices.faults.book import FaultBook
from sim_devices.sensors import Sensors
from sim_devices.vehicles import line, reports, vehicle
from sim_devices.vehicles.battery import BATTERY, BatterySpec
from sim_devices.vehicles.cargo import Cargo
from sim_devices.vehicles.line import PACE, Broker, Pace, VehicleLine
from sim_devices.vehicles.orders import Terrain
from sim_devices.vehicles.spec import VehicleSpec
from sim_devices.vehicles.traffic import Traffic
from sim_devices.vehicles.vehicle import Vehicle
from sim_devices.world import World

Json = dict[str, Any]

MOTION = Motion(speed=2.0, acceleration=0.5, handling=4.0)
NODES = {"a": (0.0, 0.0), "b": (10.0, 0.0), "c": (20.0, 0.0), "d": (30.0, 0.0), "e": (10.0, 10.0)}
TERRAIN = Terrain("ground", NODES, {"A": "a", "D": "d"}, frozenset({"e"}))
HEADER: Json = {
    "headerId": 1,
    "timestamp": "2026-11-22T01:02:03.45Z",
    "version": "2.1.0",
    "manufacturer": "simco",
    "serialNumber": "agv-1",
}


class Bench:
    """One vehicle, standing at node a since time 0, with its world."""

    def __init__(
        self,
        *,
        stock: Sequence[tuple[str, str]] = (),
        battery: BatterySpec = BATTERY,
        keeps_order: bool = False,
        start: str = "a",
        booted: bool = True,
    ) -> None:
        self.world = World({"A": 1, "D": 1, "agv-1": 1}, stock)
        self.faults = FaultBook()
        self.traffic = Traffic()
        self.troubles = self.faults.register("agv-1", vehicle.FAULTS | line.FAULTS)
        spec = VehicleSpec(
            vehicle_id="agv-1",
            manufacturer="simco",
            serial="agv-1",
            motion=MOTION,
            battery=battery,
            keeps_order=keeps_order,
        )
        cargo = Cargo(Sensors("agv-1", self.world, self.troubles))
        self.vehicle = Vehicle(spec, TERRAIN, start, cargo, self.traffic, self.troubles)
        self.now = 0.0
        if booted:
            self.vehicle.boot(0.0)

    def order(self, content: Json) -> None:
        """Let an order arrive now."""
        self.vehicle.take_order(json.dumps(content).encode(), self.now)

    def instant(self, *actions: Json) -> None:
        """Let instant actions arrive now."""
        self.vehicle.take_instant_actions(json.dumps(HEADER | {"actions": actions}).encode(), self.now)

    def run(self, until: float) -> "Bench":
        """Let the time come."""
        self.now = until
        self.vehicle.advance(until)
        return self

    def finish(self) -> float:
        """Let everything happen that will happen by itself; return when the last thing happened."""
        while (moment := self.vehicle.next_moment()) is not None:
            self.run(moment)
        return self.now

    @property
    def state(self) -> Json:
        """The state that it would send now."""
        return reports.state(self.vehicle, self.now)

    @property
    def errors(self) -> list[str]:
        """The types of its errors."""
        return [error["errorType"] for error in self.state["errors"]]

    def action(self, action_id: str) -> str:
        """Return the status of an action."""
        return {each["actionId"]: each["actionStatus"] for each in self.state["actionStates"]}[action_id]

    @property
    def remaining(self) -> list[tuple[str, int, bool]]:
        """Return (nodeId, sequenceId, released) of every node that remains."""
        return [(n["nodeId"], n["sequenceId"], n["released"]) for n in self.state["nodeStates"]]


def order(
    path: str,
    *,
    released: int | None = None,
    order_id: str = "order-7",
    update: int = 0,
    first: int = 0,
    actions: Mapping[str, Sequence[Json]] | None = None,
    edge: Json | None = None,
) -> Json:
    """Return an order along a path of one-letter nodes.

    Args:
        path: e.g. `abc`.
        released: how many nodes of it are released; None: all.
        update: orderUpdateId; first: sequenceId of the first node.
        actions: of nodes.
        edge: more fields of every edge.
    """
    base = len(path) if released is None else released
    nodes = [
        {
            "nodeId": node,
            "sequenceId": first + 2 * index,
            "released": index < base,
            "nodePosition": {"x": NODES[node][0], "y": NODES[node][1], "mapId": "ground"},
            "actions": list((actions or {}).get(node, ())),
        }
        for index, node in enumerate(path)
    ]
    edges = [
        {
            "edgeId": start + end,
            "sequenceId": first + 2 * index + 1,
            "released": index + 1 < base,
            "startNodeId": start,
            "endNodeId": end,
            "actions": [],
        }
        | (edge or {})
        for index, (start, end) in enumerate(pairwise(path))
    ]
    return HEADER | {"orderId": order_id, "orderUpdateId": update, "nodes": nodes, "edges": edges}


def action(kind: str, action_id: str, blocking: str = "HARD", **parameters: object) -> Json:
    """Return an action."""
    return {
        "actionType": kind,
        "actionId": action_id,
        "blockingType": blocking,
        "actionParameters": [{"key": key, "value": value} for key, value in parameters.items()],
    }


def pick(action_id: str, station: str, load: str = "TOTE-1") -> Json:
    """Return a pick with all parameters that the document wants."""
    return action(
        "pick", action_id, stationType="conveyor", loadType="container", stationName=station, loadId=load
    )


def drop(action_id: str, station: str) -> Json:
    """Return a drop."""
    return action("drop", action_id, stationName=station)


def instant(kind: str, action_id: str, **parameters: object) -> Json:
    """Return an instant action."""
    return action(kind, action_id, "NONE", **parameters)


class Wall:
    """A wall clock that stands still."""

    def now_us(self) -> int:
        return 1_795_309_323_456_789


@asynccontextmanager
async def on_line(
    broker: Broker, *, stock: Sequence[tuple[str, str]] = (), speed: float = 200.0, pace: Pace = PACE
) -> AsyncGenerator[Bench]:
    """Let a vehicle live on a broker, with its faults; time is the bench's no longer."""
    bench = Bench(stock=stock, booted=False)
    vehicle_line = VehicleLine(bench.vehicle, bench.troubles, "uagv", SimClock(speed), Wall(), broker, pace)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(vehicle_line.run()), tasks.create_task(bench.faults.run())]
        yield bench
        for task in running:
            task.cancel()
