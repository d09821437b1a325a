"""A fleet room on a small road, and vehicles that show what a test says."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

from gateway.contract.commands import Command, Op, Place
from gateway.contract.reports import HelpWanted, MatterSettled
from gateway.contract.vehicles import (
    NodeState,
    VehicleOrder,
    VehicleState,
    action_id_of,
)
from gateway.fleet.effects import SendOrder
from gateway.fleet.fleet import Engine
from gateway.fleet.messages import FleetTick
from gateway.fleet.room import FleetRoom
from gateway.fleet.rows import Mission
from gateway.kernel.books import Books
from gateway.site.model import Edge, Fleet, Location, Motion, Node, RoadMap, Site, Vehicle

LANE = "abcdefg"
ONE_CHARGER = {"charger": "d"}


def small_site(chargers: Mapping[str, str] = ONE_CHARGER) -> Site:
    """A two-way lane a … g; parking p1 at a, p2 at g; chargers at nodes of it; locations A at a, F at f, G at g."""
    at = {node: (2.0 * index, 0.0) for index, node in enumerate(LANE)}
    spurs = {"p1": "a", "p2": "g", **chargers}
    at |= {spur: (at[lane][0], 1.0) for spur, lane in spurs.items()}
    pairs = [*pairwise(LANE), *((lane, spur) for spur, lane in spurs.items())]
    edges = [Edge(id=f"{x}-{y}", start=x, end=y) for pair in pairs for x, y in (pair, pair[::-1])]
    road_map = RoadMap(
        id="hall",
        nodes=tuple(Node(id=node, x=x, y=y) for node, (x, y) in at.items()),
        edges=tuple(edges),
        parking=("p1", "p2"),
        chargers=tuple(chargers),
    )
    fleet = Fleet(
        id="agvs",
        link="broker",
        road_map="hall",
        picks=("*",),
        drops=("*",),
        motion=Motion(speed=1.0, acceleration=1.0),
        vehicles=tuple(
            Vehicle(id=f"agv-{n}", manufacturer="simco", serial=f"agv-{n}", start=f"p{n}") for n in (1, 2)
        ),
    )
    locations = tuple(Location(id=node.upper(), kind="station", node=node, place=7) for node in "afg")
    return Site(id="site", locations=locations, road_maps=(road_map,), fleets=(fleet,))


def idle(vehicle: Vehicle) -> VehicleState:
    """Return what a vehicle shows that stands where it begins and has nothing to do."""
    return VehicleState(
        vehicle_id=vehicle.id,
        order_id="",
        update_id=0,
        last_node_id=vehicle.start,
        last_node_sequence_id=0,
        node_states=(),
        driving=False,
        automatic=True,
        charging=False,
        battery=0.8,
        loads=(),
    )


class Desk:
    """The fleet room with its books, and whoever talks to it."""

    def __init__(self, site: Site) -> None:
        self.called: set[tuple[str, str]] = set()
        self._open(site)
        self.states = {vehicle.id: idle(vehicle) for vehicle in site.fleets[0].vehicles}
        for name in self.states:
            self.show(name)
        self.news()

    def _open(self, site: Site) -> None:
        self.books = Books()
        self.books.steady_us = 1_000_000_000
        self.reports: list[Any] = []
        self.effects: list[object] = []
        self.disabled: set[str] = set()
        self.numbers = count(900)
        engine = Engine(
            usable=lambda vehicle_id: vehicle_id not in self.disabled,
            laden=lambda _: False,
            report=self._hear,
            next_job_id=lambda: next(self.numbers),
        )
        self.room = FleetRoom(self.books, site, engine)
        self.fleet = self.room.fleets["agvs"]

    def _hear(self, report: Any) -> None:
        """Take a report; like the engine, call somebody once for each matter, until it is settled."""
        if isinstance(report, HelpWanted | MatterSettled):
            matter = (report.device_id, report.matter)
            if (matter in self.called) is isinstance(report, HelpWanted):
                return
            self.called ^= {matter}
        self.reports.append(report)

    def restart(self, site: Site) -> None:
        """Begin the next run, which has what is journalled; the vehicles show what they showed."""
        rows = list(self.fleet.rows())
        self._open(site)
        for row in rows:
            self.room._missions.set(row.vehicle_id, row)
        self.fleet.resume()
        self.settle()

    def ask(self, message: object) -> None:
        self.room.handlers[type(message)](message)
        self.settle()

    def settle(self) -> None:
        self.room.settle()
        _, effects = self.books.committed()
        self.effects += effects

    def show(self, name: str = "agv-1", **changes: Any) -> None:
        self.states[name] = replace(self.states[name], **changes)
        self.ask(self.states[name])

    def pass_time(self, seconds: float) -> None:
        self.books.steady_us += round(seconds * 1e6)
        self.ask(FleetTick())

    def command(self, op: Op, place: str, job_id: int = 5, name: str = "agv-1") -> int:
        at = Place(place, 7)
        self.fleet.assign(
            Command(
                job_id=job_id,
                device_id=name,
                channel="main",
                seq=1,
                boot_id=1,
                op=op,
                source=at if op is Op.PICK else None,
                target=at if op is Op.DROP else None,
                container_id="TOTE-1",
            )
        )
        self.settle()
        return job_id

    def news(self) -> list[Any]:
        reports, self.reports = self.reports, []
        return reports

    def sent(self) -> list[object]:
        effects, self.effects = self.effects, []
        return effects

    def order(self) -> VehicleOrder:
        """Return the newest order; whatever else was sent is dropped."""
        orders = [effect.order for effect in self.sent() if isinstance(effect, SendOrder)]
        return orders[-1]

    def take(self, order: VehicleOrder, name: str = "agv-1", **changes: Any) -> None:
        """The vehicle shows that it has the order."""
        known = {state.sequence_id: state for state in self.states[name].node_states if state.released}
        if self.states[name].order_id != order.order_id:
            known = {}
        at = order.nodes[0].sequence_id
        ahead = known | {
            node.sequence_id: NodeState(
                node_id=node.node_id, sequence_id=node.sequence_id, released=node.released
            )
            for node in order.nodes
            if node.sequence_id > at
        }
        new: dict[str, Any] = {"order_id": order.order_id, "update_id": order.update_id}
        new["node_states"] = tuple(ahead[sequence] for sequence in sorted(ahead))
        if self.states[name].order_id != order.order_id:
            new |= {"last_node_sequence_id": 0, "actions": ()}
        self.show(name, **new | changes)

    def reach(self, node: str, sequence_id: int, name: str = "agv-1", **changes: Any) -> None:
        """The vehicle shows that it has come to a node."""
        ahead = tuple(s for s in self.states[name].node_states if s.sequence_id > sequence_id)
        self.show(name, last_node_id=node, last_node_sequence_id=sequence_id, node_states=ahead, **changes)

    def drive(self, name: str = "agv-1") -> str:
        """Let the vehicle drive out all that it is sent; return where it ends."""
        while orders := [e for e in self.effects if isinstance(e, SendOrder) and e.order.vehicle_id == name]:
            self.effects = [effect for effect in self.effects if effect not in orders]
            self.take(orders[-1].order, name, driving=True)
            while self.states[name].node_states and self.states[name].node_states[0].released:
                following = self.states[name].node_states[0]
                self.reach(following.node_id, following.sequence_id, name)
        self.show(name, driving=False)
        return self.states[name].last_node_id

    def row(self, name: str = "agv-1") -> Mission:
        return next(row for row in self.fleet.rows() if row.vehicle_id == name)


def pick_id(job_id: int = 5) -> str:
    return action_id_of(f"site-{job_id}", "pick")


def released(order: VehicleOrder) -> str:
    return " ".join(f"{node.node_id}{node.sequence_id}" + "?" * (not node.released) for node in order.nodes)


def at_goal(desk: Desk) -> None:
    """Bring agv-1 with its PICK at A to a, two nodes from p1 … a."""
    desk.command(Op.PICK, "A")
    desk.take(desk.order())
    desk.reach("a", 2)
