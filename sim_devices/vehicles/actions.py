"""The life of an action (VDA 5050 2.1.0, 6.11, figure 16), and the order in which actions of nodes may run (6.12, figure 17)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sim_devices.vehicles.messages import Action, BlockingType


class ActionStatus(StrEnum):
    """Table 2. These vehicles pause no action: 6.8.1 lets actions go on in pause mode."""

    WAITING = "WAITING"
    INITIALIZING = "INITIALIZING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"


NEXT: Final[Mapping[ActionStatus, frozenset[ActionStatus]]] = {
    ActionStatus.WAITING: frozenset(
        {ActionStatus.INITIALIZING, ActionStatus.RUNNING, ActionStatus.FAILED},
    ),
    ActionStatus.INITIALIZING: frozenset(
        {ActionStatus.RUNNING, ActionStatus.FINISHED, ActionStatus.FAILED},
    ),
    ActionStatus.RUNNING: frozenset({ActionStatus.FINISHED, ActionStatus.FAILED}),
    ActionStatus.FINISHED: frozenset(),
    ActionStatus.FAILED: frozenset(),
}
"""Figure 16, and INITIALIZING to FINISHED, as 6.8.2 has it for startPause. An instant action may begin with any status."""


@dataclass(slots=True)
class ActionState:
    """One action on the vehicle.

    Attributes:
        node: (nodeId, sequenceId) where it triggers; None: an instant action.
        triggered: the node has been traversed.
        due: when its phase ends, in simulated seconds; None: no moment is set.
    """

    action: Action
    node: tuple[str, int] | None = None
    status: ActionStatus = ActionStatus.WAITING
    result: str = ""
    triggered: bool = False
    due: float | None = None

    @property
    def ended(self) -> bool:
        """It has finished or failed."""
        return not NEXT[self.status]

    @property
    def under_way(self) -> bool:
        """It has begun and not ended."""
        return self.status in {ActionStatus.INITIALIZING, ActionStatus.RUNNING}

    @property
    def holds_the_vehicle(self) -> bool:
        """The vehicle has to stand until it ends."""
        return self.triggered and not self.ended and self.action.blocking_type is not BlockingType.NONE

    def turn(self, status: ActionStatus, result: str = "") -> None:
        """Go over to the next status."""
        assert status in NEXT[self.status], f"{self.status} → {status}"
        self.status, self.result, self.due = status, result, None


def startable(states: Sequence[ActionState]) -> ActionState | None:
    """Return the next triggered action that may start beside those under way; states stand in their sequence."""
    under_way = [state for state in states if state.under_way]
    if any(state.action.blocking_type is BlockingType.HARD for state in under_way):
        return None
    first = next((s for s in states if s.triggered and s.status is ActionStatus.WAITING), None)
    if first and first.action.blocking_type is BlockingType.HARD and under_way:
        return None
    return first
