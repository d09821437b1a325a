"""When a vehicle that says nothing is asked for its state, and when it counts as gone; without a wire and without a clock.

VDA 5050 allows 30 s between two states (6.10), too long to notice that a vehicle with an order has died, or that the state
which says that it waits at the end of its base was lost. So it is asked for one (`stateRequest`, 6.8.1): soon while something
is expected of it, and ever later as long as the answers bring no news, since a vehicle keeps the state of every instant action
until its next order (6.10.6). One that has nothing to do and keeps to the 30 s is never asked.

Only who has answered before counts as gone when it does not answer: vehicles may not know the action, or refuse it.
"""

from collections.abc import Callable, Iterator
from typing import Final

from drivers.vda5050.messages import State
from drivers.vda5050.pauses import doubled
from gateway.contract.vehicles import ActionStatus, VehicleState

PATIENCE_S: Final = 3.0
"""A vehicle with something to do that has told no state for this long is asked for one …"""
ANSWER_S: Final = 2.5
"""… and again after this long without an answer, then after pauses that double …"""
PAUSE_MAX_S: Final = 30.0
"""… up to this one."""
ASKED_IN_VAIN: Final = 2
"""So many questions without any sign of life: a vehicle that answers questions is gone, 8 s after its last word."""
OVERDUE_S: Final = 31.0
"""A vehicle with nothing to do is asked when it has broken the 30 s."""
REQUESTS_KEPT: Final = 256
"""Ids of questions that are known at most."""


class Silence:
    """How long one vehicle has said nothing, and what has been done about it. Times: s of a clock that never goes back."""

    def __init__(self, offline_s: float) -> None:
        self._offline_s = offline_s
        self._since: float | None = None
        self._listening_since: float | None = None
        self._state_at = 0.0
        self._alive_at = 0.0
        self._patience_s = PATIENCE_S
        self._asked = 0
        self._first_asked_at = 0.0
        self._asked_at = 0.0
        self._requests: dict[str, None] = {}
        self._answers: bool | None = None
        self._shown: VehicleState | None = None

    def listen(self, since: float | None) -> None:
        """The vehicle can be heard from this moment on, and nothing is known of it yet; None: it cannot be heard."""
        self.end()
        self._listening_since = since

    def end(self) -> None:
        """Nothing is expected of the vehicle until its next state."""
        self._since = None
        self._asked = 0
        self.restarted()

    def restarted(self) -> None:
        """The vehicle may have learned, or forgotten, how to answer."""
        self._answers = None

    def expect(self, now: float) -> None:
        """Something was sent to the vehicle that it should answer by a state."""
        self._patience_s = PATIENCE_S
        if self._since is not None and not self._asked:
            self._since = now

    def alive(self, now: float) -> None:
        """The vehicle has said something that is no state."""
        self._alive_at = now

    def is_request(self, action_id: str) -> bool:
        """Tell whether an action is a question."""
        return action_id in self._requests

    def heard(self, state: State, shown: VehicleState, now: float) -> None:
        """The vehicle has told a state, as it came and as it is understood."""
        self._judge(state)
        if self._shown is None or not _says_the_same(self._shown, shown):
            self._patience_s = PATIENCE_S
        elif self._asked:
            self._patience_s = min(2 * self._patience_s, OVERDUE_S)
        self._shown = shown
        self._asked = 0
        self._listening_since = None
        self._since = self._state_at = self._alive_at = now

    def _judge(self, state: State) -> None:
        """Look whether the vehicle knows how to answer."""
        for action in state.action_states or ():
            if action.action_id in self._requests:
                self._answers = action.action_status != ActionStatus.FAILED
        if any(action_id in self._requests for action_id in _blamed(state)):
            self._answers = False

    def is_to_be_asked(self, now: float, busy: Callable[[], bool]) -> bool:
        """Tell whether to ask now; `busy` tells whether something is expected of the vehicle."""
        if self._since is None or self._answers is False:
            return False
        if not self._asked:
            silent_s = now - self._since
            return silent_s >= OVERDUE_S or (silent_s >= self._patience_s and busy())
        return now - self._asked_at >= doubled(ANSWER_S, self._asked - 1, PAUSE_MAX_S)

    def asked(self, action_id: str, now: float) -> None:
        """The vehicle was asked, by an action with this id."""
        self._requests[action_id] = None
        if len(self._requests) > REQUESTS_KEPT:
            del self._requests[next(iter(self._requests))]
        if not self._asked:
            self._first_asked_at = now
        self._asked += 1
        self._asked_at = now

    def absence(self, now: float) -> str | None:
        """Return why a vehicle of which nothing has been heard counts as out of reach; None if it does not."""
        if self._listening_since is None or now - self._listening_since <= self._offline_s:
            return None
        return f"no state in the {self._offline_s:g} s since it could be heard"

    def verdict(self, now: float) -> str | None:
        """Return why the vehicle counts as gone; None if it does not."""
        if self._since is None:
            return None
        if now - self._state_at > self._offline_s:
            return f"no state for {self._offline_s:g} s"
        in_vain = self._asked >= ASKED_IN_VAIN and now - self._asked_at >= ANSWER_S
        if self._answers and in_vain and self._alive_at < self._first_asked_at:
            return f"no answer, asked for its state {ASKED_IN_VAIN} times"
        return None


def _blamed(state: State) -> Iterator[str]:
    """Return the ids of the actions that the vehicle complains of."""
    for error in state.errors or ():
        for reference in error.error_references or ():
            if reference.reference_key == "actionId":
                yield reference.reference_value


def _says_the_same(before: VehicleState, now: VehicleState) -> bool:
    """Compare two states; where it is counts only while it drives, as positions never stand quite still."""
    moved = now.driving and before.position != now.position
    return not moved and before.said == now.said
