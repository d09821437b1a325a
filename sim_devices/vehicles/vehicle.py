"""One vehicle without its wire: what it is told goes in, time goes on, and what it has to tell can be read.

Everything that happens has its exact moment of simulated motion: `advance(now)` lets it happen in sequence,
however late it is called. After every event the vehicle compares the way that it may drive now with the way
that it is driving, and acts on the difference; so a new order, an extended base, a pause, a cancellation and
a fault are all the same to it. Sections are those of VDA 5050 2.1.0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot, inf
from typing import Final

from gateway.site.model import Motion
from sim_devices.faults.book import NotPossible, Troubles
from sim_devices.faults.kinds import (
    BatteryLow,
    DeviceFault,
    FaultBase,
    HandlingFails,
    Jam,
    LocalisationLost,
    ManualMode,
    Point,
    Reboot,
    RefusedOrder,
    SensorStuck,
)
from sim_devices.sensors import SCANNER_FAULTS
from sim_devices.vehicles.actions import ActionState, ActionStatus, startable
from sim_devices.vehicles.battery import BATTERY, Battery, BatterySpec
from sim_devices.vehicles.body import Body, Leg, Pose
from sim_devices.vehicles.book import OrderBook
from sim_devices.vehicles.cargo import Cargo, Mishap
from sim_devices.vehicles.messages import (
    Action,
    BlockingType,
    read_instant_actions,
    read_order,
)
from sim_devices.vehicles.orders import Route, Standing, Step, Terrain, identity, next_route
from sim_devices.vehicles.refusal import ErrorLevel, ErrorType, Refused, VehicleError
from sim_devices.vehicles.traffic import Traffic

CONDITIONS: Final[tuple[type[FaultBase], ...]] = (
    Reboot,
    Jam,
    DeviceFault,
    ManualMode,
    LocalisationLost,
    SensorStuck,
    BatteryLow,
)
"""Faults that change the vehicle while they last."""
FAULTS: Final[frozenset[type[FaultBase]]] = frozenset(
    {*CONDITIONS, *SCANNER_FAULTS, RefusedOrder, HandlingFails}
)

PREPARING: Final = 0.1
"""Share of the handling time in which an action is INITIALIZING."""
POSE_TOLERANCE_M: Final = 0.5
"""An initPosition farther than this from where the vehicle truly is cannot be confirmed by its sensors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSpec:
    """What kind of vehicle it is.

    Attributes:
        keeps_order: its order survives a power cycle.
    """

    vehicle_id: str
    manufacturer: str
    serial: str
    motion: Motion
    battery: BatterySpec = BATTERY
    keeps_order: bool = False


class Vehicle:
    """A vehicle that obeys VDA 5050; times are simulated seconds."""

    def __init__(
        self,
        spec: VehicleSpec,
        terrain: Terrain,
        start: str,
        cargo: Cargo,
        traffic: Traffic,
        troubles: Troubles,
    ) -> None:
        """Stand at the node `start`, without power; `boot` begins its life."""
        self.spec = spec
        self.terrain = terrain
        self.book = OrderBook(start)
        self.powered = False
        self.boots = 0
        self.paused = False
        self.factsheet_wanted = False
        self._pause_wanted = False
        self._initialised = True
        self._conditions: tuple[FaultBase, ...] = ()
        self._empty = False
        self._cargo = cargo
        self._troubles = troubles
        self._traffic = traffic
        self._body = Body(*terrain.nodes[start], spec.motion)
        self._battery = Battery(spec.battery)
        self._way: tuple[Step, ...] = ()
        self._driven_at_node = 0.0

    # -- what can be seen --

    @property
    def driving(self) -> bool:
        """It moves."""
        return self._body.moving

    @property
    def charging(self) -> bool:
        """Its battery is being charged."""
        return self._battery.charging

    @property
    def automatic(self) -> bool:
        """The master control commands it (operatingMode AUTOMATIC)."""
        return not self._suffers(ManualMode)

    @property
    def obstructed(self) -> bool:
        """Something stands in its protective field."""
        return self._suffers(Jam)

    @property
    def localised(self) -> bool:
        """It knows where it is."""
        return self._initialised and not self._suffers(LocalisationLost)

    @property
    def new_base_request(self) -> bool:
        """Its base is running low (6.10.3): there is a horizon, and at most one released step."""
        return (
            bool(self.book.route.horizon) and len(self.book.route.base) <= 1 and not self.book.route.cancelled
        )

    @property
    def loads(self) -> tuple[str, ...] | None:
        """Barcodes of what its sensor shows on board; None: the sensor cannot tell."""
        return self._cargo.loads

    def pose(self, now: float) -> Pose:
        """Return where it is and how fast it goes."""
        return self._body.pose(now)

    def since_last_node(self, now: float) -> float:
        """Return metres driven since the last node."""
        return self._body.driven(now) - self._driven_at_node

    def charge(self, now: float) -> float:
        """Return the battery's state of charge, 0 … 1."""
        return self._battery.level(now, self._body.driven(now))

    def errors(self, now: float) -> Iterator[VehicleError]:
        """Return what it complains of."""
        yield from self.book.errors
        if self.obstructed:
            yield VehicleError(ErrorType.OBSTACLE, "something stands in the protective field")
        for fault in self._troubles.all(DeviceFault):
            references = (("faultCode", str(fault.fault_code)),)
            yield VehicleError(
                ErrorType.VEHICLE_FAULT, "the vehicle is out of order", references, ErrorLevel.FATAL
            )
        if not self.localised:
            yield VehicleError(ErrorType.LOCALIZATION, "the position is not known", level=ErrorLevel.FATAL)
        if not self.charge(now):
            yield VehicleError(ErrorType.BATTERY_EMPTY, "the battery is empty", level=ErrorLevel.FATAL)

    # -- time --

    def boot(self, now: float) -> None:
        """Power comes, for the first time or again."""
        if not self.boots:
            self._battery.set_level(self.spec.battery.initial, now, 0.0)
            self._traffic.enter(self.spec.vehicle_id, self.book.route.last_node_id, now)
        self.powered = self.book.changed = True
        self.boots += 1
        self._heed(now)

    def next_moment(self) -> float | None:
        """Return when the next thing will happen if nobody interferes."""
        moments = [self._body.next_event(), *(state.due for state in self.book.actions)]
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self, now: float) -> None:
        """Let everything happen that happens until now."""
        while (moment := self.next_moment()) is not None and moment <= now:
            self._happen(moment)
        self._heed(now)

    def _happen(self, now: float) -> None:
        self.book.changed = True
        if self._body.next_event() == now:
            if self._body.happen(now):
                self._traverse(now)
        else:
            self._end_phase(next(state for state in self.book.actions if state.due == now), now)
        self._proceed(now)

    def _traverse(self, now: float) -> None:
        """Reach the next node (6.10.2)."""
        step, self._way = self.book.traverse(), self._way[1:]
        self._driven_at_node = self._body.driven(now)
        self._traffic.enter(self.spec.vehicle_id, step.node.node_id, now)
        if self._body.moving:
            self._enter_road(now)
        elif step.theta is not None:
            self._body.turn(step.theta)

    def _enter_road(self, now: float) -> None:
        edge = self.book.route.steps[0].edge
        self._traffic.enter(self.spec.vehicle_id, frozenset({edge.start_node_id, edge.end_node_id}), now)

    # -- desired and actual --

    def _proceed(self, now: float) -> None:
        while self._may_act and (state := startable(self.book.order_actions)):
            self._begin(state, now)
        way = self._way_ahead(now)
        if way != self._way:
            self._way = way
            if way:
                self._set_out(now)
            else:
                self._body.brake(now)
        if not self._body.moving:
            self._stand(now)

    def _way_ahead(self, now: float) -> tuple[Step, ...]:
        """Return the steps that it may drive now: to the end of the base, or to the next node where it has to stand."""
        way: list[Step] = []
        if self._may_drive(now):
            for step in self.book.route.base:
                way.append(step)
                if any(action.blocking_type is not BlockingType.NONE for action in step.node.actions):
                    break
        return tuple(way)

    @property
    def _may_act(self) -> bool:
        return self.powered and self.automatic and not self._suffers(DeviceFault)

    def _may_drive(self, now: float) -> bool:
        held = (
            self._pause_wanted
            or self.obstructed
            or any(state.holds_the_vehicle for state in self.book.actions)
        )
        return self._may_act and self.localised and not held and self.charge(now) > 0

    def _set_out(self, now: float) -> None:
        self.book.changed = True
        if self.charging:
            self._switch_charging(now, charging=False)
        if not self._body.moving:
            self._enter_road(now)
        self._body.go([Leg(step.x, step.y, step.edge.max_speed or inf) for step in self._way], now)

    def _stand(self, now: float) -> None:
        """End what waits for the vehicle to stand."""
        for state in self.book.actions:
            match state.action.action_type:
                case "startPause" if state.under_way:
                    self.paused = True
                    self.book.end(state)
                case "cancelOrder" if state.under_way and not self.book.executing:
                    self.book.end(state)
                case _:
                    pass

    # -- actions --

    def _begin(self, state: ActionState, now: float) -> None:
        """Begin an action of a node; picks and drops take their time, the others none."""
        self.book.changed = True
        match state.action.action_type:
            case "pick" | "drop":
                state.turn(ActionStatus.INITIALIZING)
                state.due = now + PREPARING * self.spec.motion.handling
            case kind:
                state.turn(ActionStatus.RUNNING)
                self._charge(state, now, charging=kind == "startCharging")

    def _end_phase(self, state: ActionState, now: float) -> None:
        if state.status is ActionStatus.INITIALIZING:
            state.turn(ActionStatus.RUNNING)
            state.due = now + (1 - PREPARING) * self.spec.motion.handling
        else:
            self._handle(state, now)

    def _handle(self, state: ActionState, now: float) -> None:
        try:
            self._move_load(state.action)
        except Mishap as mishap:
            self.book.fail(state, mishap.error_type, str(mishap))
        else:
            self._reach(Point.MOVED, now)
            # The power may have gone just now: the load has moved, and the vehicle does not know.
            if state.under_way:
                self.book.end(state)
        self._reach(Point.DONE, now)

    def _move_load(self, action: Action) -> None:
        if self._troubles.spend(HandlingFails):
            raise Mishap(ErrorType.HANDLING, "the load handling has failed")
        station, wanted = str(action.parameter("stationName")), action.parameter("loadId")
        if action.action_type == "pick":
            self._cargo.pick(station, wanted if isinstance(wanted, str) else None, self._job)
        else:
            self._cargo.drop(station, self._job)

    @property
    def _job(self) -> str:
        """The name under which the world counts a move: the number at the end of the order's id, else the id."""
        number = self.book.route.order_id.rpartition("-")[2]
        return number if number.isdigit() else self.book.route.order_id

    def _charge(self, state: ActionState, now: float, *, charging: bool) -> None:
        at_charger = not self.driving and self._node in self.terrain.chargers
        if charging and not at_charger:
            self.book.fail(state, ErrorType.CHARGING, "the vehicle does not stand at a charger")
            return
        self._switch_charging(now, charging=charging)
        self.book.end(state)

    def _switch_charging(self, now: float, *, charging: bool) -> None:
        self._battery.switch(now, self._body.driven(now), charging=charging)

    @property
    def _node(self) -> str | None:
        """The node at which it stands, if it does."""
        zone = self._traffic.zone_of(self.spec.vehicle_id)
        return zone if isinstance(zone, str) else None

    # -- orders --

    def take_order(self, payload: bytes, now: float) -> None:
        """Judge an order or an update as it came over the wire, and take it over or complain (6.6.2 and 6.6.4)."""
        self.advance(now)
        self._reach(Point.RECEIVED, now)
        if not self.powered:
            return
        try:
            order = read_order(payload, self.spec.manufacturer, self.spec.serial)
            route = next_route(order, self.book.route, self._standing(now), self.terrain)
        except Refused as refusal:
            self.book.complain(refusal.error)
            return
        if route is None:
            return
        if self._troubles.spend(RefusedOrder):
            self.book.complain(
                VehicleError(ErrorType.ORDER, "the vehicle does not want this order", identity(order))
            )
        else:
            self.book.take_over(route, order.nodes[0])
            self._reach(Point.TAKEN, now)
            self._proceed(now)

    def _standing(self, now: float) -> Standing:
        pose = self.pose(now)
        unready = "" if self._may_act else "the vehicle is not in automatic mode or out of order"
        return Standing(pose.x, pose.y, self.book.busy, self.localised, unready)

    # -- instant actions --

    def take_instant_actions(self, payload: bytes, now: float) -> None:
        """Do what instant actions ask (6.9); one whose actionId has been seen is a repetition and is ignored."""
        self.advance(now)
        self._reach(Point.RECEIVED, now)
        if not self.powered:
            return
        try:
            message = read_instant_actions(payload, self.spec.manufacturer, self.spec.serial)
        except Refused as refusal:
            self.book.complain(refusal.error)
            return
        for action in message.actions:
            if state := self.book.add_instant(action):
                self._do_at_once(state, now)
        self._proceed(now)

    def _do_at_once(self, state: ActionState, now: float) -> None:
        match state.action.action_type:
            case "cancelOrder":
                self._cancel(state, now)
            case "startPause":
                state.status, self._pause_wanted = ActionStatus.INITIALIZING, True
            case "stopPause":
                self._go_on(state)
            case "startCharging" | "stopCharging":
                self._charge(state, now, charging=state.action.action_type == "startCharging")
            case "initPosition":
                self._init_position(state, now)
            case "stateRequest":
                self.book.end(state)
            case "factsheetRequest":
                self.factsheet_wanted = True
                self.book.end(state)
            case _:
                self.book.fail(state, ErrorType.INSTANT_ACTION, f"no {state.action.action_type} is possible")

    def _cancel(self, state: ActionState, now: float) -> None:
        """Give up the order (6.6.3): what has not begun fails, what runs is ended, driving goes on to the next node."""
        if not self.book.executing:
            self.book.fail(state, ErrorType.NO_ORDER_TO_CANCEL, "there is no order to cancel")
            return
        self.book.cut(self._steps_to_a_stand(now))

    def _steps_to_a_stand(self, now: float) -> int:
        """Return after how many steps it can stand at a node."""
        if self._node is not None and not self.driving:
            return 0
        pose, room = self.pose(now), self._body.braking_distance(now)
        x, y = pose.x, pose.y
        for count, step in enumerate(self.book.route.base, start=1):
            room -= hypot(step.x - x, step.y - y)
            if room <= 0:
                return count
            x, y = step.x, step.y
        return len(self.book.route.base)

    def _go_on(self, state: ActionState) -> None:
        for other in self.book.actions:
            if other.action.action_type == "startPause" and other.under_way:
                other.turn(ActionStatus.FAILED, "overtaken by stopPause")
        self.paused = self._pause_wanted = False
        self.book.end(state)

    def _init_position(self, state: ActionState, now: float) -> None:
        keys = ("x", "y", "theta", "mapId", "lastNodeId")
        pose = self.pose(now)
        match [state.action.parameter(key) for key in keys]:
            case [float() | int() as x, float() | int() as y, float() | int(), str(map_id), str(node_id)]:
                far = hypot(x - pose.x, y - pose.y) > POSE_TOLERANCE_M
                blind = self._suffers(LocalisationLost)
                if self.book.executing or far or blind or map_id != self.terrain.map_id:
                    self.book.fail(state, ErrorType.LOCALIZATION, "the sensors do not confirm that pose")
                    return
                self._initialised = True
                self.book.route = Route(
                    self.book.route.order_id, self.book.route.update_id, last_node_id=node_id
                )
                self.book.end(state)
            case _:
                self.book.fail(state, ErrorType.INSTANT_ACTION, f"initPosition needs {', '.join(keys)}")

    # -- people --

    def localise(self, node_id: str | None, now: float) -> None:
        """Somebody drives it by hand to a node, None: the nearest one, and tells it at its panel that it stands there.

        What it was ordered is forgotten, as after all driving by hand (6.10.6, table 1).

        Raises:
            NotPossible: the text says why; nothing has changed.
        """
        self.advance(now)
        pose, nodes = self.pose(now), self.terrain.nodes
        node = node_id or min(nodes, key=lambda name: hypot(nodes[name][0] - pose.x, nodes[name][1] - pose.y))
        if reason := self._why_not_by_hand(node):
            raise NotPossible(reason)
        if self.charging:
            self._switch_charging(now, charging=False)
        self._forget_order(now, node)
        self._body.put(*nodes[node])
        self._driven_at_node = self._body.driven(now)
        self._traffic.enter(self.spec.vehicle_id, node, now)
        self._initialised = True

    def _why_not_by_hand(self, node: str) -> str:
        name = self.spec.vehicle_id
        others = [other for other in self._traffic.vehicles_in(node) if other != name]
        if node not in self.terrain.nodes:
            return f"{self.terrain.map_id} has no node {node}"
        if not self.powered:
            return f"{name} has no power"
        if self.driving:
            return f"{name} drives; nobody can take it by hand"
        if self._suffers(LocalisationLost):
            return f"localisationLost lasts at {name}; end that fault first"
        return f"{others[0]} stands at {node}" if others else ""

    # -- faults --

    def _suffers(self, kind: type[FaultBase]) -> bool:
        return self._troubles.find(kind) is not None

    def _reach(self, point: Point, now: float) -> None:
        self._troubles.reached(point)
        self._heed(now)

    def _heed(self, now: float) -> None:
        """Act on faults that have begun or are over."""
        conditions = tuple(fault for kind in CONDITIONS for fault in self._troubles.all(kind))
        empty = self.boots > 0 and not self.charge(now)
        if (conditions, empty) == (self._conditions, self._empty):
            return
        begun = [fault for fault in conditions if fault not in self._conditions]
        manual = any(isinstance(fault, ManualMode) for fault in self._conditions)
        self._conditions, self._empty = conditions, empty
        self.book.changed = True
        for fault in begun:
            if isinstance(fault, BatteryLow):
                driven = self._body.driven(now)
                self._battery.set_level(min(fault.level, self._battery.level(now, driven)), now, driven)
        if self.obstructed or self._suffers(DeviceFault) or empty or not self.localised:
            self._halt(now)
        if manual == self.automatic:
            # 6.10.6, table 1: all orders are cleared when this mode begins and when it ends.
            self._forget_order(now, self.book.route.last_node_id)
        if self._suffers(DeviceFault):
            self._fail_what_runs("the vehicle is out of order")
        self._switch_power(now)
        self._proceed(now)

    def _halt(self, now: float) -> None:
        self._body.halt(now)
        self._way = ()

    def _forget_order(self, now: float, last_node_id: str) -> None:
        self._halt(now)
        self.book.forget(last_node_id)
        self.paused = self._pause_wanted = False

    def _fail_what_runs(self, text: str) -> None:
        for state in self.book.order_actions:
            if state.under_way:
                self.book.fail(state, ErrorType.HANDLING, text)

    def _switch_power(self, now: float) -> None:
        cuts = self._troubles.all(Reboot)
        if self.powered and cuts:
            self._power_off(now, memory_lost=any(cut.memory_lost for cut in cuts))
        elif self.boots and not self.powered and not cuts:
            self.boot(now)

    def _power_off(self, now: float, *, memory_lost: bool) -> None:
        self._halt(now)
        self.powered = False
        if memory_lost:
            self._initialised = False
            self.book.forget("")
        elif self.spec.keeps_order:
            self._fail_what_runs("the power has gone")
        else:
            self.book.forget(self.book.route.last_node_id)
        self.paused = self._pause_wanted = False
