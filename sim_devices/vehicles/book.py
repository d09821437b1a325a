"""What a vehicle remembers of its orders: the route, the states of all actions, and what it complains of.

Sections are those of VDA 5050 2.1.0.
"""

from typing import Final

from sim_devices.vehicles.actions import ActionState, ActionStatus
from sim_devices.vehicles.messages import Action, Node
from sim_devices.vehicles.orders import Route, Step
from sim_devices.vehicles.refusal import ErrorType, VehicleError

ERRORS_KEPT: Final = 20
INSTANT_ACTIONS_KEPT: Final = 100
INSTANT_ACTIONS_REMEMBERED: Final = 1000


class OrderBook:
    """The vehicle's memory; `changed` is set by everything that a state message must tell (6.10)."""

    def __init__(self, start: str) -> None:
        """Begin without an order at the node `start`."""
        self.route = Route(last_node_id=start)
        self.actions: list[ActionState] = []
        self.changed = False
        self._errors: dict[tuple[ErrorType, str], VehicleError] = {}
        self._seen: dict[str, None] = {}

    @property
    def errors(self) -> tuple[VehicleError, ...]:
        """What it complains of until a new order is taken over, oldest first."""
        return tuple(self._errors.values())

    @property
    def order_actions(self) -> list[ActionState]:
        """The actions of the order's nodes, in their sequence."""
        return [state for state in self.actions if state.node is not None]

    @property
    def executing(self) -> bool:
        """The order has not ended: nodes remain, or actions of it."""
        return bool(self.route.steps) or any(not state.ended for state in self.order_actions)

    @property
    def busy(self) -> bool:
        """The same, and instant actions count as well: figure 8, question 3."""
        return self.executing or any(not state.ended for state in self.actions)

    def take_over(self, route: Route, first: Node) -> None:
        """Replace the order by a new one that begins at the node `first`, or go on with an update of it."""
        self.changed = True
        if route.order_id != self.route.order_id:
            self._errors.clear()
            self.actions = _waiting(first)
            added = route.steps
        else:
            base = self.route.base
            self._drop_horizon_actions(base)
            added = route.steps[len(base) :]
        for step in added:
            self.actions += _waiting(step.node)
        self.route = route
        self._trigger()

    def traverse(self) -> Step:
        """Reach the next node and return the step that led there."""
        self.changed = True
        step, self.route = self.route.steps[0], self.route.passed()
        self._trigger()
        return step

    def cut(self, steps: int) -> None:
        """Give the order up after so many more steps: what has not begun fails."""
        for state in self.order_actions:
            if state.status in {ActionStatus.WAITING, ActionStatus.INITIALIZING}:
                state.turn(ActionStatus.FAILED, "cancelled")
        self.route = self.route.cut(steps)

    def forget(self, last_node_id: str) -> None:
        """Be without an order again."""
        self.changed = True
        self.route, self.actions = Route(last_node_id=last_node_id), []
        self._errors.clear()
        self._seen.clear()

    def add_instant(self, action: Action) -> ActionState | None:
        """Begin an instant action; None: it has been seen before."""
        if action.action_id in self._seen:
            return None
        self._seen[action.action_id] = None
        if len(self._seen) > INSTANT_ACTIONS_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        ended = [state for state in self.actions if state.node is None and state.ended]
        if len(ended) >= INSTANT_ACTIONS_KEPT:
            self.actions.remove(ended[0])
        self.actions.append(ActionState(action, status=ActionStatus.RUNNING))
        self.changed = True
        return self.actions[-1]

    def end(self, state: ActionState) -> None:
        """Finish an action."""
        state.turn(ActionStatus.FINISHED)
        self.changed = True

    def fail(self, state: ActionState, error_type: ErrorType, text: str) -> None:
        """Let an action fail, and complain of it (6.8.2)."""
        state.turn(ActionStatus.FAILED, text)
        self.complain(VehicleError(error_type, text, (("actionId", state.action.action_id),)))

    def complain(self, error: VehicleError) -> None:
        """Show an error until a new order is taken over (6.6.4); the same again replaces itself."""
        self._errors.pop((error.error_type, error.description), None)
        self._errors[error.error_type, error.description] = error
        if len(self._errors) > ERRORS_KEPT:
            del self._errors[next(iter(self._errors))]
        self.changed = True

    def _drop_horizon_actions(self, base: tuple[Step, ...]) -> None:
        kept = {(step.node.node_id, step.node.sequence_id) for step in base}
        self.actions = [s for s in self.actions if s.node is None or s.triggered or s.node in kept]

    def _trigger(self) -> None:
        here = (self.route.last_node_id, self.route.last_sequence_id)
        for state in self.actions:
            if state.node == here:
                state.triggered = True


def _waiting(node: Node) -> list[ActionState]:
    return [ActionState(action, (node.node_id, node.sequence_id)) for action in node.actions]
