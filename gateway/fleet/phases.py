"""The life of an order, as one table: what the vehicle shows, or the engine wants, leads from one phase to the next."""

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """Where an order stands, as far as it has not ended."""

    SENT = "sent"
    """The vehicle has not shown it yet."""
    TAKEN = "taken"
    """The vehicle has shown it."""
    RECALLED = "recalled"
    """Cancelled before the vehicle has shown it."""
    CANCELLED = "cancelled"
    """Cancelled while the vehicle had it; it may still run out."""


class Sign(StrEnum):
    """What the vehicle's state, or the engine, says about an order."""

    SHOWN = "shown"
    """The vehicle shows the order."""
    DONE = "done"
    """It is at the goal and the action, if there is one, has succeeded."""
    FAILED = "failed"
    """The action has failed."""
    REFUSED = "refused"
    """The vehicle refuses the order, or the newest update of it."""
    FORGOTTEN = "forgotten"
    """The vehicle stands still, has no such order and does not show that it never had it."""
    CALLED_OFF = "calledOff"
    """The cancel has gone through: nothing more of the order will happen."""
    WITHDRAWN = "withdrawn"
    """The order shall be cancelled."""


PHASES: Final[dict[tuple[Phase, Sign], Phase | None]] = {
    (Phase.SENT, Sign.SHOWN): Phase.TAKEN,
    (Phase.SENT, Sign.REFUSED): None,
    (Phase.SENT, Sign.FORGOTTEN): None,
    (Phase.SENT, Sign.WITHDRAWN): Phase.RECALLED,
    (Phase.TAKEN, Sign.DONE): None,
    (Phase.TAKEN, Sign.FAILED): None,
    (Phase.TAKEN, Sign.REFUSED): Phase.CANCELLED,
    (Phase.TAKEN, Sign.FORGOTTEN): None,
    (Phase.TAKEN, Sign.WITHDRAWN): Phase.CANCELLED,
    (Phase.RECALLED, Sign.SHOWN): Phase.CANCELLED,
    (Phase.RECALLED, Sign.REFUSED): None,
    (Phase.RECALLED, Sign.CALLED_OFF): None,
    (Phase.RECALLED, Sign.FORGOTTEN): None,
    (Phase.CANCELLED, Sign.DONE): None,
    (Phase.CANCELLED, Sign.FORGOTTEN): None,
    (Phase.CANCELLED, Sign.CALLED_OFF): None,
}
"""None: the order has ended. A pair that is not here changes nothing."""
