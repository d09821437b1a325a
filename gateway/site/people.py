"""How people are let in, as the site file has it."""

from typing import Annotated

from pydantic import Field

from gateway.contract.wiring import WiringModel


class PeopleRules(WiringModel):
    """How people are let in, once any are kept (`gateway people add`).

    Attributes:
        session_h: hours for which a sign-in holds; a shift.
        failures_max: wrong passwords in a row after which nobody is let in under a name for a while.
        lock_min: minutes of that while.
    """

    session_h: Annotated[float, Field(gt=0, le=168)] = 12.0
    failures_max: Annotated[int, Field(ge=1, le=100)] = 5
    lock_min: Annotated[float, Field(gt=0, le=1440)] = 15.0

    @property
    def session_us(self) -> int:
        """Return how long a sign-in holds, in microseconds."""
        return round(self.session_h * 3600e6)

    @property
    def lock_us(self) -> int:
        """Return how long a name is locked, in microseconds."""
        return round(self.lock_min * 60e6)
