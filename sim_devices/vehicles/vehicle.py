"""One vehicle without its wire: what it is told goes in, time goes on, and what it has to tell can be read.

Everything that happens has its exact moment of simulated motion: `advance(now)` lets it happen in sequence,
however late it is called. After every event the vehicle compares the way that it may drive now with the way
that it is driving, and acts on the difference; so a new order, an extended base, a pause, a cancellation and
a fault are all the same to it. Sections are those of VDA 5050 2.1.0.
"""

from collections.abc import Iterator
from typing import Final

from sim_devices.faults.book import NotPossible, Troubles
from sim_devices.faults.kinds import BatteryLow, FaultBase, HandlingFails, ManualMode, Point, RefusedOrder
from sim_devices.sensors import SCANNER_FAULTS
from sim_devices.vehicles.actions import ActionState, ActionStatus, startable
from sim_devices.vehicles.book import OrderBook
from sim_devices.vehicles.cargo import Cargo, Mishap
from sim_devices.vehicles.chassis import Chassis
from sim_devices.vehicles.condition import CONDITIONS, Condition
from sim_devices.vehicles.instant import InstantActions
from sim_devices.vehicles.messages import Action, BlockingType, read_instant_actions, read_order
from sim_devices.vehicles.orders import Standing, Step, Terrain, identity, next_route
from sim_devices.vehicles.refusal import ErrorType, Refused, VehicleError
from sim_devices.vehicles.spec import VehicleSpec
from sim_devices.vehicles.traffic import Traffic

FAULTS: Final[frozenset[type[FaultBase]]] = frozenset(
    {*CONDITIONS, *SCANNER_FAULTS, RefusedOrder, HandlingFails}
)

PREPARING: Final = 0.1
"""Share of the handling time in which an action is INITIALIZING."""


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
        self.cargo = cargo
        self.book = OrderBook(start)
        self.chassis = Chassis(spec, terrain, start, traffic)
        self.condition = Condition(troubles)
        self.instant_actions = InstantActions(terrain, self.book, self.chassis, self.condition)
        self.powered = False
        self.boots = 0
        self._troubles = troubles
        self._faults: tuple[FaultBase, ...] = ()
        self._empty = False
        self._way: tuple[Step, ...] = ()

    def errors(self, now: float) -> Iterator[VehicleError]:
        """Return what it complains of."""
        yield from self.book.errors
        yield from self.condition.errors(self.chassis.charge(now))

    # -- time --

    def boot(self, now: float) -> None:
        """Power comes, for the first time or again."""
        if not self.boots:
            self.chassis.appear(self.book.route.last_node_id, now)
        self.powered = self.book.changed = True
        self.boots += 1
        self._heed(now)

    def next_moment(self) -> float | None:
        """Return when the next thing will happen if nobody interferes."""
        moments = [state.due for state in self.book.actions if state.due is not None]
        if (event := self.chassis.next_event()) is not None:
            moments.append(event)
        return min(moments, default=None)

    def advance(self, now: float) -> None:
        """Let everything happen that happens until now."""
        while (moment := self.next_moment()) is not None and moment <= now:
            self._happen(moment)
        self._heed(now)

    def _happen(self, now: float) -> None:
        self.book.changed = True
        if self.chassis.next_event() == now:
            if self.chassis.happen(now):
                self._traverse(now)
        else:
            self._end_phase(next(state for state in self.book.actions if state.due == now), now)
        self._proceed(now)

    def _traverse(self, now: float) -> None:
        """Reach the next node (6.10.2)."""
        step, self._way = self.book.traverse(), self._way[1:]
        self.chassis.arrive(step, self.book.route.steps, now)

    # -- desired and actual --

    def _proceed(self, now: float) -> None:
        while self._may_act and (state := startable(self.book.order_actions)):
            self._begin(state, now)
        way = self._way_ahead(now)
        if way != self._way:
            self._way = way
            if way:
                self.book.changed = True
                self.chassis.go(way, now)
            else:
                self.chassis.brake(now)
        if not self.chassis.driving:
            self.instant_actions.stand()

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
        return self.powered and self.condition.automatic and self.condition.in_order

    def _may_drive(self, now: float) -> bool:
        held = (
            self.instant_actions.pause_wanted
            or self.condition.obstructed
            or any(state.holds_the_vehicle for state in self.book.actions)
        )
        return self._may_act and self.condition.localised and not held and self.chassis.charge(now) > 0

    # -- actions of nodes --

    def _begin(self, state: ActionState, now: float) -> None:
        """Begin an action of a node; picks and drops take their time, the others none."""
        self.book.changed = True
        if state.action.action_type in {"pick", "drop"}:
            state.turn(ActionStatus.INITIALIZING)
            state.due = now + PREPARING * self.spec.motion.handling
        else:
            state.turn(ActionStatus.RUNNING)
            self.instant_actions.begin(state, now)

    def _end_phase(self, state: ActionState, now: float) -> None:
        if state.status is ActionStatus.INITIALIZING:
            state.turn(ActionStatus.RUNNING)
            state.due = now + (1 - PREPARING) * self.spec.motion.handling
        else:
            self._handle(state, now)

    def _handle(self, state: ActionState, now: float) -> None:
        try:
            self._move_load(state.action, now)
        except Mishap as mishap:
            self.book.fail(state, mishap.error_type, str(mishap))
        else:
            self._reach(Point.MOVED, now)
            # The power may have gone just now: the load has moved, and the vehicle does not know.
            if state.under_way:
                self.book.end(state)
        self._reach(Point.DONE, now)

    def _move_load(self, action: Action, now: float) -> None:
        if self._troubles.spend(HandlingFails):
            raise Mishap(ErrorType.HANDLING, "the load handling has failed")
        station, wanted = str(action.parameter("stationName")), action.parameter("loadId")
        if not self.chassis.reaches(self.terrain.stations[station], now):
            raise Mishap(ErrorType.HANDLING, f"the vehicle does not stand at {station}")
        if action.action_type == "pick":
            self.cargo.pick(station, wanted if isinstance(wanted, str) else None, self._job)
        else:
            self.cargo.drop(station, self._job)

    @property
    def _job(self) -> str:
        """The name under which the world counts a move: the number at the end of the order's id, else the id."""
        number = self.book.route.order_id.rpartition("-")[2]
        return number if number.isdigit() else self.book.route.order_id

    # -- what the master control sends --

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
        pose = self.chassis.pose(now)
        unready = "" if self._may_act else "the vehicle is not in automatic mode or out of order"
        return Standing(pose.x, pose.y, self.book.busy, self.condition.localised, unready)

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
                self.instant_actions.begin(state, now)
        self._proceed(now)

    # -- people --

    def localise(self, node_id: str | None, now: float) -> None:
        """Somebody drives it by hand to a node, None: the nearest one, and tells it at its panel that it stands there.

        What it was ordered is forgotten, as after all driving by hand (6.10.6, table 1).

        Raises:
            NotPossible: the text says why; nothing has changed.
        """
        self.advance(now)
        node = node_id or self.chassis.nearest_node(now)
        if reason := self._why_not_by_hand(node):
            raise NotPossible(reason)
        self.chassis.stop_charging(now)
        self._forget_order(now, node)
        self.chassis.put(node, now)
        self.condition.initialised = True

    def _why_not_by_hand(self, node: str) -> str:
        name, others = self.spec.vehicle_id, self.chassis.others_at(node)
        if node not in self.terrain.nodes:
            return f"{self.terrain.map_id} has no node {node}"
        if not self.powered:
            return f"{name} has no power"
        if self.chassis.driving:
            return f"{name} drives; nobody can take it by hand"
        if self.condition.lost:
            return f"localisationLost lasts at {name}; end that fault first"
        return f"{others[0]} stands at {node}" if others else ""

    # -- faults --

    def _reach(self, point: Point, now: float) -> None:
        self._troubles.reached(point)
        self._heed(now)

    def _heed(self, now: float) -> None:
        """Act on faults that have begun or are over."""
        faults, empty = self.condition.faults, self.boots > 0 and not self.chassis.charge(now)
        if (faults, empty) == (self._faults, self._empty):
            return
        begun = [fault for fault in faults if fault not in self._faults]
        manual = any(isinstance(fault, ManualMode) for fault in self._faults)
        self._faults, self._empty = faults, empty
        self.book.changed = True
        for fault in begun:
            if isinstance(fault, BatteryLow):
                self.chassis.drain(fault.level, now)
        condition = self.condition
        if condition.obstructed or not condition.in_order or empty or not condition.localised:
            self._halt(now)
        if manual == condition.automatic:
            # 6.10.6, table 1: all orders are cleared when this mode begins and when it ends.
            self._forget_order(now, self.book.route.last_node_id)
        if not condition.in_order:
            self._fail_what_runs("the vehicle is out of order")
        self._switch_power(now)
        self._proceed(now)

    def _halt(self, now: float) -> None:
        self.chassis.halt(now)
        self._way = ()

    def _forget_order(self, now: float, last_node_id: str) -> None:
        self._halt(now)
        self.book.forget(last_node_id)
        self.instant_actions.end_pause()

    def _fail_what_runs(self, text: str) -> None:
        for state in self.book.order_actions:
            if state.under_way:
                self.book.fail(state, ErrorType.HANDLING, text)

    def _switch_power(self, now: float) -> None:
        cuts = self.condition.power_cuts
        if self.powered and cuts:
            self._power_off(now, memory_lost=any(cut.memory_lost for cut in cuts))
        elif self.boots and not self.powered and not cuts:
            self.boot(now)

    def _power_off(self, now: float, *, memory_lost: bool) -> None:
        self._halt(now)
        self.powered = False
        if memory_lost:
            self.condition.initialised = False
            self.book.forget("")
        elif self.spec.keeps_order:
            self._fail_what_runs("the power has gone")
        else:
            self.book.forget(self.book.route.last_node_id)
        self.instant_actions.end_pause()
