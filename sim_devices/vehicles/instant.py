"""Actions that take no time: all instant actions, and charging, which a node of an order may ask for as well.

Two of them wait for the vehicle to stand before they end: a pause and a cancellation. Sections are those of
VDA 5050 2.1.0.
"""

from dataclasses import replace
from math import hypot
from typing import Final

from sim_devices.vehicles.actions import ActionState, ActionStatus
from sim_devices.vehicles.book import OrderBook
from sim_devices.vehicles.chassis import Chassis
from sim_devices.vehicles.condition import Condition
from sim_devices.vehicles.orders import Terrain
from sim_devices.vehicles.refusal import ErrorType

POSE_TOLERANCE_M: Final = 0.5
"""An initPosition farther than this from where the vehicle truly is cannot be confirmed by its sensors."""


class InstantActions:
    """What they do to the vehicle, and what they leave behind: a pause, and the wish for a factsheet.

    Attributes:
        pause_wanted: it must not drive; paused: it stands for that.
        factsheet_wanted: the master control has asked for it; whoever sends it puts this back.
    """

    def __init__(self, terrain: Terrain, book: OrderBook, chassis: Chassis, condition: Condition) -> None:
        self.pause_wanted = False
        self.paused = False
        self.factsheet_wanted = False
        self._terrain = terrain
        self._book = book
        self._chassis = chassis
        self._condition = condition

    def begin(self, state: ActionState, now: float) -> None:
        """Do at once what an action asks, or let it fail."""
        match state.action.action_type:
            case "cancelOrder":
                self._cancel(state, now)
            case "startPause":
                state.status, self.pause_wanted = ActionStatus.INITIALIZING, True
            case "stopPause":
                self._go_on(state)
            case "startCharging":
                self._start_charging(state, now)
            case "stopCharging":
                self._chassis.stop_charging(now)
                self._book.end(state)
            case "initPosition":
                self._init_position(state, now)
            case "stateRequest":
                self._book.end(state)
            case "factsheetRequest":
                self.factsheet_wanted = True
                self._book.end(state)
            case kind:
                self._book.fail(state, ErrorType.INSTANT_ACTION, f"no {kind} is possible")

    def stand(self) -> None:
        """The vehicle stands: end what waits for that."""
        for state in self._book.actions:
            match state.action.action_type:
                case "startPause" if state.under_way:
                    self.paused = True
                    self._book.end(state)
                case "cancelOrder" if state.under_way and not self._book.executing:
                    self._book.end(state)
                case _:
                    pass

    def end_pause(self) -> None:
        """Be in no pause, and want none."""
        self.paused = self.pause_wanted = False

    def _cancel(self, state: ActionState, now: float) -> None:
        """Give up the order (6.6.3): what has not begun fails, what runs is ended, driving goes on to the next node."""
        if not self._book.executing:
            self._book.fail(state, ErrorType.NO_ORDER_TO_CANCEL, "there is no order to cancel")
            return
        self._book.cut(self._chassis.steps_to_a_stand(self._book.route.base, now))

    def _go_on(self, state: ActionState) -> None:
        for other in self._book.actions:
            if other.action.action_type == "startPause" and other.under_way:
                other.turn(ActionStatus.FAILED, "overtaken by stopPause")
        self.end_pause()
        self._book.end(state)

    def _start_charging(self, state: ActionState, now: float) -> None:
        if self._chassis.at_charger:
            self._chassis.start_charging(now)
            self._book.end(state)
        else:
            self._book.fail(state, ErrorType.CHARGING, "the vehicle does not stand at a charger")

    def _init_position(self, state: ActionState, now: float) -> None:
        keys = ("x", "y", "theta", "mapId", "lastNodeId")
        pose = self._chassis.pose(now)
        match [state.action.parameter(key) for key in keys]:
            case [float() | int() as x, float() | int() as y, float() | int(), str(map_id), str(node_id)]:
                far = hypot(x - pose.x, y - pose.y) > POSE_TOLERANCE_M
                elsewhere = map_id != self._terrain.map_id
                if self._book.executing or far or self._condition.lost or elsewhere:
                    self._book.fail(state, ErrorType.LOCALIZATION, "the sensors do not confirm that pose")
                    return
                self._condition.initialised = True
                route = self._book.route
                self._book.route = replace(route, last_node_id=node_id, last_sequence_id=0)
                self._book.end(state)
            case _:
                self._book.fail(state, ErrorType.INSTANT_ACTION, f"initPosition needs {', '.join(keys)}")
