"""Which run of the gateway commands a vehicle, without a wire and without a clock.

A PLC remembers the highest epoch and refuses a lower one; a vehicle remembers none (VDA 5050 knows one master control).
So the broker remembers it, in a retained message beside the vehicle's topics: whoever wants to command says so first, and
sends nothing before it has read its own words there; whoever reads a higher mandate sends nothing any more.

There is one path (law 6): what the topic shows is compared with the highest mandate that is known, and while they differ
the highest is said again. So a broker that has lost what it kept, an old gateway that speaks over it and a message that was
lost are all the same, and an older gateway keeps the mandate of a newer one that is away.
"""

from math import inf
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.vda5050.pauses import doubled

TOPIC: Final = "gateway/epoch"
"""Below the vehicle's address. The topics of VDA 5050 have one level there (6.3), so no subscription to them meets it."""
PAYLOAD_MAX: Final = 1_000
"""Bytes of a mandate that are read at most."""
LISTEN_S: Final = 0.1
"""What the broker keeps comes within this time after the connect, and should not be talked over unread."""
PAUSE_FIRST_S: Final = 1.0
PAUSE_MAX_S: Final = 30.0
"""A mandate that does not show is said again after pauses that double …"""
UNHEARD_AFTER: Final = 3
"""… and after so many times it is told that the broker does not pass it on."""
REPEAT_S: Final = 30.0
"""Who commands says so again after this time: an older gateway may not have heard it (law 5)."""
OUTRANKED: Final = "another, newer gateway commands this vehicle"
UNHEARD: Final = f"the broker does not pass on the vehicle's topic {TOPIC}: let the gateway write and read it"


class Mandate(BaseModel):
    """The word of one run of the gateway.

    Attributes:
        epoch: of the run; the higher one commands.
        run: name of the run, like no other's: of two runs with the same epoch, the one with the greater name commands.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    epoch: Annotated[int, Field(ge=0, le=2**32 - 1)]
    run: Annotated[str, Field(max_length=500)]

    @property
    def rank(self) -> tuple[int, str]:
        """Who of two has the greater one commands."""
        return self.epoch, self.run


class Fence:
    """Lets one run of the gateway command a vehicle, and keeps the others from it."""

    def __init__(self, own: Mandate) -> None:
        self._own = own
        self._highest = own
        """`own` itself, or a higher one."""
        self._heard = False
        self._said = 0
        self._said_due = -inf
        self._due = inf

    @property
    def open(self) -> bool:
        """The vehicle may be sent something: this run has read its own mandate on this connection, and no higher one."""
        return self._heard and self._highest is self._own

    @property
    def holder(self) -> Mandate:
        """The highest mandate that is known."""
        return self._highest

    @property
    def reason(self) -> str:
        """Why the vehicle may be sent nothing; empty: it may, or that is about to show."""
        if self._highest is not self._own:
            return OUTRANKED
        if not self._heard and self._said >= UNHEARD_AFTER:
            return UNHEARD
        return ""

    def connected(self, now: float) -> None:
        """A connection to the broker is made: what it keeps may differ from what it kept before."""
        self._heard = False
        self._said = 0
        self._said_due = -inf
        self._due = now + LISTEN_S

    def take(self, payload: bytes, now: float) -> None:
        """Take what the topic shows now.

        An empty message deletes a retained one (MQTT 3.1.1, 3.3.1.3). No gateway does that: a person says that the runs
        before count no more, such as one whose clock stood in the future.
        """
        if not payload:
            self._highest = self._own
        shown = _read(payload)
        if shown is not None and shown.rank > self._highest.rank:
            self._highest = shown
        if shown != self._highest:
            self._due = max(now, self._said_due)
            return
        self._said = 0
        self._heard = self._heard or shown == self._own
        self._due = now + REPEAT_S if shown == self._own else inf

    def say(self, now: float) -> bytes | None:
        """Return what the topic has to show, if that is due to be said now."""
        if now < self._due:
            return None
        self._due = self._said_due = now + doubled(PAUSE_FIRST_S, self._said, PAUSE_MAX_S)
        self._said += 1
        return self._highest.model_dump_json().encode()

    def next_due(self) -> float:
        """Return when something is due to be said."""
        return self._due


def _read(payload: bytes) -> Mandate | None:
    """Return what can be read; anything else is spoken over."""
    if len(payload) > PAYLOAD_MAX:
        return None
    try:
        return Mandate.model_validate_json(payload)
    except ValidationError:
        return None
