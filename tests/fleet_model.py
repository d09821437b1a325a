"""A fleet without wires: pure vehicles that obey VDA 5050 §6.6 strictly, the drivers' part, and an engine that wants transports.

Time is a number, chance is seeded, and physics is watched: a vehicle occupies the node that it stands on and, while it
drives, both ends of the edge. Two vehicles on one node fail the run at once.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random

from gateway.contract.commands import Command, Op, Place
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    DeviceOffline,
    Load,
)
from gateway.contract.vehicles import (
    ActionStatus,
    NodeState,
    OrderNode,
    VehicleAction,
    VehicleActionKind,
    VehicleError,
    VehicleOffline,
    VehicleOrder,
    VehicleState,
    cancel_id_of,
)
from gateway.fleet.effects import CancelOrder, ResetVehicle, SendOrder
from gateway.fleet.fleet import Engine
from gateway.fleet.messages import FleetTick
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books
from gateway.site.model import Edge, Fleet, Location, Motion, Node, RoadMap, Site, Vehicle

RESEND_S = 2.0
EDGE_S = (0.5, 4.0)
ACTION_S = (1.0, 5.0)
WIRE_S = (0.01, 0.3)
BOOT_S = 1.0


def two_way(pairs: list[tuple[str, str]]) -> tuple[Edge, ...]:
    return tuple(Edge(id=f"{a}-{b}", start=a, end=b) for x, y in pairs for a, b in ((x, y), (y, x)))


def grid_site(columns: int, rows: int, vehicles: int, chargers: int = 0) -> Site:
    """A grid of two-way lanes; parking nodes, chargers and a location each hang on a lane node of their own."""
    nodes = [Node(id=f"n{x}_{y}", x=2.0 * x, y=2.0 * y) for x in range(columns) for y in range(rows)]
    pairs = [(f"n{x}_{y}", f"n{x + 1}_{y}") for x in range(columns - 1) for y in range(rows)]
    pairs += [(f"n{x}_{y}", f"n{x}_{y + 1}") for x in range(columns) for y in range(rows - 1)]
    spurs = [f"p{i}" for i in range(vehicles)] + [f"c{i}" for i in range(chargers)]
    lanes = [node.id for node in nodes]
    step = max(len(lanes) // max(len(spurs), 1), 1)
    for i, spur in enumerate(spurs):
        lane = nodes[(i * step) % len(lanes)]
        nodes.append(Node(id=spur, x=lane.x + 0.9 + 0.01 * i, y=lane.y + 0.9))
        pairs.append((lane.id, spur))
    locations = [
        Location(id=f"L-{lane}", kind="station", node=lane) for lane in lanes[:: max(len(lanes) // 12, 1)]
    ]
    road_map = RoadMap(
        id="hall",
        nodes=tuple(nodes),
        edges=two_way(pairs),
        parking=tuple(spurs[:vehicles]),
        chargers=tuple(spurs[vehicles:]),
    )
    fleet = Fleet(
        id="agvs",
        link="broker",
        road_map="hall",
        picks=("L-*",),
        drops=("L-*",),
        motion=Motion(speed=1.5, acceleration=0.8, handling=3.0),
        vehicles=tuple(
            Vehicle(id=f"agv-{i}", manufacturer="simco", serial=f"agv-{i}", start=f"p{i}")
            for i in range(vehicles)
        ),
    )
    return Site(id="hall", locations=tuple(locations), road_maps=(road_map,), fleets=(fleet,))


@dataclass
class PureVehicle:
    """A vehicle by the letter of VDA 5050 2.1."""

    vehicle_id: str
    node: str
    order_id: str = ""
    update_id: int = 0
    seq: int = 0
    ahead: list[OrderNode] = field(default_factory=list)
    bound_for: str | None = None
    astray: str | None = None
    """It has lost its order on the way to this node."""
    refusals: int = 0
    """So many of the next orders it does not want."""
    due: list[str] = field(default_factory=list)
    actions: dict[str, ActionStatus] = field(default_factory=dict)
    cancels: dict[str, ActionStatus] = field(default_factory=dict)
    errors: tuple[VehicleError, ...] = ()
    battery: float = 0.9
    charging: bool = False
    automatic: bool = True
    loads: tuple[str, ...] | None = ()
    cancelled: str | None = None
    """The order that was cancelled last: it takes no update of it."""
    boots: int = 0
    deaf: bool = False

    @property
    def idle(self) -> bool:
        return not self.ahead and self.bound_for is None and all(map(self.is_over, self.actions))

    @property
    def occupied(self) -> set[str]:
        return {node for node in (self.node, self.bound_for, self.astray) if node is not None}

    def is_over(self, action_id: str) -> bool:
        return self.actions.get(action_id) in (ActionStatus.FINISHED, ActionStatus.FAILED)

    def take(self, order: VehicleOrder) -> None:
        if order.order_id == self.order_id and order.update_id <= self.update_id:
            return
        if self.refusals:
            self.refusals -= 1
            self._refuse("orderError" if order.order_id != self.order_id else "orderUpdateError", order)
            return
        first = order.nodes[0]
        if order.order_id != self.order_id:
            if not self.idle or first.node_id != self.node:
                self._refuse("orderError", order)
                return
            self.actions = {}
            self.ahead = []
            self.seq = first.sequence_id
            self.order_id = order.order_id
            self._plan(first)
            self.due = [action.action_id for action in first.actions]
        else:
            end = next((node for node in reversed(self.ahead) if node.released), None)
            at = (end.node_id, end.sequence_id) if end is not None else (self.node, self.seq)
            if order.order_id == self.cancelled or at != (first.node_id, first.sequence_id):
                self._refuse("orderUpdateError", order)
                return
        assert len(order.edges) == len(order.nodes) - 1
        for edge, start, to in zip(order.edges, order.nodes, order.nodes[1:], strict=False):
            assert (edge.start_node_id, edge.end_node_id) == (start.node_id, to.node_id)
            assert edge.sequence_id == start.sequence_id + 1 == to.sequence_id - 1
            assert edge.released == (start.released and to.released)
        self.update_id = order.update_id
        self.ahead = [node for node in self.ahead if node.released]
        for node in order.nodes[1:]:
            self.ahead.append(node)
            self._plan(node)
        self.errors = ()

    def _plan(self, node: OrderNode) -> None:
        for action in node.actions:
            self.actions[action.action_id] = ActionStatus.WAITING

    def _refuse(self, kind: str, order: VehicleOrder) -> None:
        references = (("orderId", order.order_id), ("orderUpdateId", str(order.update_id)))
        self.errors = (VehicleError(error_type=kind, fatal=False, references=references),)

    def cancel(self, asked: CancelOrder) -> None:
        action_id = cancel_id_of(asked.order_id, asked.times)
        if self.cancels.get(action_id) is not None:
            return
        if self.idle or self.order_id != asked.order_id:
            self.cancels[action_id] = ActionStatus.FAILED
            return
        self.ahead = [node for node in self.ahead if node.node_id == self.bound_for][:1]
        for known, status in self.actions.items():
            if status is ActionStatus.WAITING:
                self.actions[known] = ActionStatus.FAILED
        self.due = []
        self.cancelled = self.order_id
        self.cancels[action_id] = ActionStatus.RUNNING

    def reboot(self) -> None:
        """Stop where it is and forget the order."""
        self.boots += 1
        self.deaf = True
        self.bound_for, self.astray = None, self.bound_for or self.astray
        self.order_id, self.update_id, self.seq, self.ahead = "", 0, 0, []
        self.actions, self.due, self.errors = {}, [], ()

    def state(self) -> VehicleState:
        return VehicleState(
            vehicle_id=self.vehicle_id,
            order_id=self.order_id,
            update_id=self.update_id,
            last_node_id=self.node,
            last_node_sequence_id=self.seq,
            node_states=tuple(
                NodeState(node_id=n.node_id, sequence_id=n.sequence_id, released=n.released)
                for n in self.ahead
            ),
            driving=self.bound_for is not None,
            automatic=self.automatic,
            charging=self.charging,
            battery=round(self.battery, 2),
            actions=tuple((i, s, "") for i, s in {**self.actions, **self.cancels}.items()),
            errors=self.errors,
            loads=self.loads,
        )


def echo_of(told: VehicleOrder | VehicleState) -> tuple[str, int]:
    """Return what a vehicle repeats of an order as soon as it has it."""
    return told.order_id, told.update_id


class Run:
    """A whole run on simulated time."""

    def __init__(self, site: Site, random: Random, transports: int, *, troubles: bool = False) -> None:
        self.site = site
        self.random = random
        self.books = Books()
        self.numbers = count(1)
        self.engine = Engine(
            usable=lambda _: True,
            laden=lambda vehicle_id: vehicle_id in self.laden,
            report=self.hear,
            next_job_id=lambda: next(self.numbers),
        )
        self.room = FleetRoom(self.books, site, self.engine)
        self.fleet = self.room.fleets["agvs"]
        self.vehicles = {
            vehicle.id: PureVehicle(vehicle.id, vehicle.start) for vehicle in site.fleets[0].vehicles
        }
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._wanted: dict[str, VehicleOrder | CancelOrder] = {}
        self._silent: set[str] = set()
        self._shown: dict[str, VehicleState] = {}
        self.online: set[str] = set()
        self.laden: set[str] = set()
        places = [location.id for location in site.locations]
        self.waiting: list[tuple[str, ...]] = [
            (*random.sample(places, 2), f"tote-{number}") for number in range(transports)
        ]
        self.moves: Counter[str] = Counter()
        self.executed: Counter[str] = Counter()
        self.action: dict[str, VehicleAction] = {}
        self.jobs: dict[int, tuple[Command, tuple[str, ...]]] = {}
        self.accepted: list[int] = []
        self.outcomes: list[object] = []
        self.completed = 0
        self._done_now: list[tuple[str, tuple[str, ...]]] = []
        self.troubles = troubles
        self.dead_chargers: set[str] = set()
        self._safe: set[str] = set()

    # time

    def at(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._order), act))

    def between(self, bounds: tuple[float, float]) -> float:
        return self.random.uniform(*bounds)

    def run(self, until: Callable[[], bool], limit_s: float) -> None:
        for vehicle_id in self.vehicles:
            self.at(self.between(WIRE_S), lambda v=vehicle_id: self.show(v))
        self.at(1.0, self.tick)
        while not until():
            assert self.now < limit_s, f"not through after {limit_s} s: {self.stuck()}"
            self.now, _, act = heapq.heappop(self._events)
            act()

    def stuck(self) -> str:
        return "; ".join(
            f"{row.vehicle_id}: {row.base} {row.order and row.order.purpose} {row.command and row.command.job_id}"
            for row in self.fleet.rows()
        )

    def tick(self) -> None:
        self.ask(FleetTick())
        for vehicle_id, wanted in list(self._wanted.items()):
            self.send(vehicle_id, wanted)
        if self.troubles and self.random.random() < 0.1:
            self.silence(self.random.choice(list(self.vehicles)), self.random.uniform(1, 20))
        if self.troubles and self.random.random() < 0.05:
            self.reboot(self.vehicles[self.random.choice(list(self.vehicles))])
        if self.troubles and self.random.random() < 0.05:
            self.vehicles[self.random.choice(list(self.vehicles))].refusals = self.random.randint(1, 3)
        if self.troubles and self.jobs and self.random.random() < 0.05:
            self.fleet.withdraw(self.random.choice(list(self.jobs)))
        self.at(1.0, self.tick)

    # kernel and driver

    def ask(self, message: object) -> None:
        self.books.steady_us = round(self.now * 1e6)
        self.room.handlers[type(message)](message)
        self.dispatch()
        self.room.settle()
        self.check_ways_home()
        _, effects = self.books.committed()
        for effect in effects:
            match effect:
                case SendOrder(order=order):
                    self._wanted[order.vehicle_id] = order
                    self.send(order.vehicle_id, order)
                case CancelOrder(vehicle_id=vehicle_id) as cancel:
                    self._wanted[vehicle_id] = cancel
                    self.send(vehicle_id, cancel)
                case ResetVehicle(vehicle_id=vehicle_id):
                    self._wanted.pop(vehicle_id, None)
                    self.at(self.between(WIRE_S), lambda v=vehicle_id: self.show(v))
                case _:
                    raise AssertionError(effect)

    def send(self, vehicle_id: str, wanted: VehicleOrder | CancelOrder) -> None:
        """The driver: what is sent is under way, wanted or not."""
        shown = self._shown[vehicle_id]
        if isinstance(wanted, VehicleOrder) and (
            shown.order_id != wanted.after or echo_of(shown) == echo_of(wanted)
        ):
            return
        boot = self.vehicles[vehicle_id].boots
        self.at(self.between(WIRE_S), lambda: self.deliver(vehicle_id, wanted, boot))

    def deliver(self, vehicle_id: str, wanted: VehicleOrder | CancelOrder, boot: int) -> None:
        """The wire: one message overtakes another; a vehicle that is out of reach, or starts anew meanwhile, gets nothing."""
        vehicle = self.vehicles[vehicle_id]
        if vehicle_id in self._silent or vehicle.deaf or vehicle.boots != boot:
            return
        if isinstance(wanted, CancelOrder):
            vehicle.cancel(wanted)
        else:
            self.action |= {action.action_id: action for node in wanted.nodes for action in node.actions}
            vehicle.take(wanted)
        self.go_on(vehicle)
        self.later_show(vehicle_id)

    def silence(self, vehicle_id: str, seconds: float) -> None:
        if vehicle_id not in self._silent:
            self._silent.add(vehicle_id)
            self.at(
                self.between((0, 2)), lambda: self.ask(VehicleOffline(vehicle_id=vehicle_id, reason="silent"))
            )
            self.at(seconds + 2, lambda: self.heard_again(vehicle_id))

    def reboot(self, vehicle: PureVehicle) -> None:
        if not vehicle.deaf and ActionStatus.RUNNING not in vehicle.actions.values():
            vehicle.reboot()
            self.at(BOOT_S, partial(self.boot, vehicle))

    def boot(self, vehicle: PureVehicle) -> None:
        """It hears again; what was under way meanwhile is lost."""
        vehicle.deaf = False
        self.later_show(vehicle.vehicle_id)

    def heard_again(self, vehicle_id: str) -> None:
        self._silent.discard(vehicle_id)
        self.show(vehicle_id)

    def later_show(self, vehicle_id: str) -> None:
        self.at(self.between(WIRE_S), lambda: self.show(vehicle_id))

    def show(self, vehicle_id: str) -> None:
        if vehicle_id not in self._silent and not self.vehicles[vehicle_id].deaf:
            self._shown[vehicle_id] = shown = self.vehicles[vehicle_id].state()
            wanted = self._wanted.get(vehicle_id)
            if isinstance(wanted, VehicleOrder) and echo_of(shown) == echo_of(wanted):
                del self._wanted[vehicle_id]
            self.ask(shown)

    # physics

    def go_on(self, vehicle: PureVehicle) -> None:
        if vehicle.bound_for is not None or any(s is ActionStatus.RUNNING for s in vehicle.actions.values()):
            return
        if vehicle.due:
            action = self.action[vehicle.due.pop(0)]
            vehicle.actions[action.action_id] = ActionStatus.RUNNING
            self.at(self.between(ACTION_S), partial(self.finish, vehicle, action))
        elif vehicle.ahead and vehicle.ahead[0].released:
            assert not vehicle.charging, "it pulls its plug out"
            vehicle.bound_for, vehicle.astray = vehicle.ahead[0].node_id, None
            self.check_apart()
            self.at(self.between(EDGE_S), partial(self.arrive, vehicle, vehicle.ahead[0]))
        elif not vehicle.ahead:
            for cancel, status in vehicle.cancels.items():
                if status is ActionStatus.RUNNING:
                    vehicle.cancels[cancel] = ActionStatus.FINISHED

    def arrive(self, vehicle: PureVehicle, reached: OrderNode) -> None:
        if vehicle.bound_for is None or not any(node is reached for node in vehicle.ahead):
            return  # It has rebooted on the way.
        vehicle.node, vehicle.bound_for = reached.node_id, None
        vehicle.battery -= 0.002
        vehicle.ahead.pop(0)
        vehicle.seq = reached.sequence_id
        vehicle.due = [
            action.action_id for action in reached.actions if not vehicle.is_over(action.action_id)
        ]
        self.go_on(vehicle)
        self.later_show(vehicle.vehicle_id)

    def finish(self, vehicle: PureVehicle, action: VehicleAction) -> None:
        if vehicle.actions.get(action.action_id) is not ActionStatus.RUNNING:
            return
        vehicle.actions[action.action_id] = ActionStatus.FINISHED
        match action.kind:
            case VehicleActionKind.START_CHARGING if vehicle.node in self.dead_chargers:
                vehicle.actions[action.action_id] = ActionStatus.FAILED
            case VehicleActionKind.START_CHARGING:
                vehicle.charging, vehicle.battery = True, 1.0
            case VehicleActionKind.STOP_CHARGING:
                vehicle.charging = False
            case VehicleActionKind.PICK | VehicleActionKind.DROP:
                load = action.load_id or ""
                before, after = ((), (load,)) if action.kind is VehicleActionKind.PICK else ((load,), ())
                assert vehicle.loads == before
                vehicle.loads = after
                self.executed[load] += 1
        self.go_on(vehicle)
        self.later_show(vehicle.vehicle_id)

    def check_apart(self) -> None:
        taken: dict[str, str] = {}
        for vehicle in self.vehicles.values():
            for node in vehicle.occupied:
                assert node not in taken, f"{vehicle.vehicle_id} and {taken[node]} on {node}"
                taken[node] = vehicle.vehicle_id
        held: dict[str, str] = {}
        for row in self.fleet.rows():
            assert self.vehicles[row.vehicle_id].occupied <= set(row.base), (
                f"{row.vehicle_id} outside its base"
            )
            for node in set(row.base):
                assert node not in held, f"{row.vehicle_id} and {held[node]} hold {node}"
                held[node] = row.vehicle_id

    def check_ways_home(self) -> None:
        """Whoever could get home still can: nobody is moved by hand here."""
        safe = self.room._drivings[next(iter(self.vehicles))]._traffic.safe
        assert self._safe <= safe, f"{self._safe - safe} cannot get home any more: {self.stuck()}"
        self._safe = safe

    # the engine's part

    def hear(self, report: object) -> None:
        self.outcomes.append(report)
        match report:
            case ChannelOnline(device_id=device_id):
                self.online.add(device_id)
            case DeviceOffline(device_id=device_id):
                self.online.discard(device_id)
            case CommandAccepted(job_id=job_id):
                self.accepted.append(job_id)
            case CommandDone(job_id=job_id):
                self.done(*self.jobs.pop(job_id))
            case CommandUnknown(job_id=job_id, sensors=sensors):
                command, places = self.jobs.pop(job_id)
                assert sensors.load is not Load.UNKNOWN
                if (sensors.load is Load.LOADED) is (command.op is Op.PICK):
                    self.done(command, places)
                else:
                    self.again(command, places)
            case CommandRejected(job_id=job_id) | CommandFailed(job_id=job_id):
                self.again(*self.jobs.pop(job_id))
            case _:
                pass

    def done(self, command: Command, places: tuple[str, ...]) -> None:
        self.moves[command.container_id or ""] += 1
        if command.op is Op.PICK:
            self.laden.add(command.device_id)
            self._done_now.append((command.device_id, places))
        else:
            self.laden.discard(command.device_id)
            self.completed += 1

    def again(self, command: Command, places: tuple[str, ...]) -> None:
        if command.op is Op.PICK:
            self.waiting.insert(0, places)
        else:
            self._done_now.append((command.device_id, places))

    def dispatch(self) -> None:
        while self._done_now:
            vehicle_id, places = self._done_now.pop()
            self.assign(Op.DROP, vehicle_id, places)
        while self.waiting:
            vehicle_id = self.fleet.choose(self.waiting[0][0])
            if vehicle_id is None:
                return
            self.assign(Op.PICK, vehicle_id, self.waiting.pop(0))

    def assign(self, op: Op, vehicle_id: str, places: tuple[str, ...]) -> int:
        job_id = next(self.numbers)
        command = Command(
            job_id=job_id,
            device_id=vehicle_id,
            channel="main",
            seq=1,
            boot_id=1,
            op=op,
            source=Place(places[0], 0) if op is Op.PICK else None,
            target=Place(places[1], 0) if op is Op.DROP else None,
            container_id=places[2],
        )
        self.jobs[job_id] = (command, places)
        self.fleet.assign(command)
        return job_id
