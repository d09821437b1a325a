"""A vehicle on the road map: its body, the battery that driving drains, and the traffic that sees where it is."""

from collections.abc import Sequence
from math import hypot, inf

from sim_devices.vehicles.battery import Battery
from sim_devices.vehicles.body import Body, Leg, Pose
from sim_devices.vehicles.messages import Edge
from sim_devices.vehicles.orders import TOLERANCE_M, Step, Terrain
from sim_devices.vehicles.spec import VehicleSpec
from sim_devices.vehicles.traffic import Traffic


class Chassis:
    """What drives. All times are simulated seconds, and never run backwards."""

    def __init__(self, spec: VehicleSpec, terrain: Terrain, start: str, traffic: Traffic) -> None:
        """Stand at the node `start`, where nobody sees it before it appears."""
        self._spec = spec
        self._terrain = terrain
        self._traffic = traffic
        self._body = Body(*terrain.nodes[start], spec.motion)
        self._battery = Battery(spec.battery)
        self._driven_at_node = 0.0

    @property
    def driving(self) -> bool:
        """It moves."""
        return self._body.moving

    @property
    def charging(self) -> bool:
        """Its battery is being charged."""
        return self._battery.charging

    @property
    def node(self) -> str | None:
        """The node that it stands on or passes; None: it is between two."""
        zone = self._traffic.zone_of(self._spec.vehicle_id)
        return zone if isinstance(zone, str) else None

    @property
    def at_charger(self) -> bool:
        """It stands where it can be charged."""
        return not self.driving and self.node in self._terrain.chargers

    def reaches(self, node: str, now: float) -> bool:
        """Tell whether it is near enough to a node to handle loads there, wherever an order has let it count as being."""
        pose, (x, y) = self.pose(now), self._terrain.nodes[node]
        return hypot(pose.x - x, pose.y - y) <= TOLERANCE_M

    def pose(self, now: float) -> Pose:
        """Return where it is and how fast it goes."""
        return self._body.pose(now)

    def since_last_node(self, now: float) -> float:
        """Return metres driven since the last node."""
        return self._body.driven(now) - self._driven_at_node

    def charge(self, now: float) -> float:
        """Return the battery's state of charge, 0 … 1."""
        return self._battery.level(now, self._body.driven(now))

    def nearest_node(self, now: float) -> str:
        """Return the node that is nearest to where it is."""
        pose, nodes = self.pose(now), self._terrain.nodes
        return min(nodes, key=lambda name: hypot(nodes[name][0] - pose.x, nodes[name][1] - pose.y))

    def others_at(self, node: str) -> list[str]:
        """Return the other vehicles at a node."""
        return [other for other in self._traffic.vehicles_in(node) if other != self._spec.vehicle_id]

    def steps_to_a_stand(self, steps: Sequence[Step], now: float) -> int:
        """Return after how many of these steps it can stand at a node."""
        if self.node is not None and not self.driving:
            return 0
        pose, room = self.pose(now), self._body.braking_distance(now)
        x, y = pose.x, pose.y
        for count, step in enumerate(steps, start=1):
            room -= hypot(step.x - x, step.y - y)
            if room <= 0:
                return count
            x, y = step.x, step.y
        return len(steps)

    # -- driving --

    def appear(self, node_id: str, now: float) -> None:
        """Be seen for the first time, with the battery as it was delivered."""
        self._battery.set_level(self._spec.battery.initial, now, 0.0)
        self._traffic.enter(self._spec.vehicle_id, node_id, now)

    def go(self, way: Sequence[Step], now: float) -> None:
        """Drive over these steps, from where it is and as fast as it goes; that ends charging."""
        self.stop_charging(now)
        if not self.driving:
            self._enter_road(way[0].edge, now)
        self._body.go([Leg(step.x, step.y, step.edge.max_speed or inf) for step in way], now)

    def brake(self, now: float) -> None:
        """Come to a stand as soon as the deceleration allows."""
        self._body.brake(now)

    def halt(self, now: float) -> None:
        """Stand still at this very moment."""
        self._body.halt(now)

    def next_event(self) -> float | None:
        """Return when the next node is reached, or when it comes to a stand between two."""
        return self._body.next_event()

    def happen(self, now: float) -> bool:
        """Let the next event happen; tell whether it has reached a node."""
        return self._body.happen(now)

    def arrive(self, step: Step, onward: Sequence[Step], now: float) -> None:
        """Be at the node that ends a step, and at once on the first road onward if it drives on."""
        self._be_at(step.node.node_id, now)
        if self.driving:
            self._enter_road(onward[0].edge, now)
        elif step.theta is not None:
            self._body.turn(step.theta)

    def put(self, node_id: str, now: float) -> None:
        """Stand at a node, because somebody has moved it; only while it stands."""
        self._body.put(*self._terrain.nodes[node_id])
        self._be_at(node_id, now)

    def _be_at(self, node_id: str, now: float) -> None:
        self._driven_at_node = self._body.driven(now)
        self._traffic.enter(self._spec.vehicle_id, node_id, now)

    def _enter_road(self, edge: Edge, now: float) -> None:
        road = frozenset({edge.start_node_id, edge.end_node_id})
        self._traffic.enter(self._spec.vehicle_id, road, now)

    # -- battery --

    def start_charging(self, now: float) -> None:
        """Begin charging; only at a charger."""
        self._battery.switch(now, self._body.driven(now), charging=True)

    def stop_charging(self, now: float) -> None:
        """End charging, if it charges."""
        if self.charging:
            self._battery.switch(now, self._body.driven(now), charging=False)

    def drain(self, level: float, now: float) -> None:
        """Let the state of charge fall to this level, 0 … 1, unless it is lower already."""
        self._battery.set_level(min(level, self.charge(now)), now, self._body.driven(now))
