"""What happens between two states of the model."""

from dataclasses import dataclass

from sim_devices.putwall import Button
from tests.model.actions import WireAction
from tests.model.slot.state import Block


@dataclass(frozen=True, slots=True)
class Submit:
    """The kernel accepts a put; it is shown once those before it have ended."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The put that is to be shown is cancelled."""


@dataclass(frozen=True, slots=True)
class Late:
    """A block leaves its buffer.

    Attributes:
        arrives: or is lost for good.
    """

    block: Block
    arrives: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The wall looks at its order."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A hand presses a button, or goes through the curtain."""

    button: Button


Action = WireAction | Submit | Cancel | Late | Look | Touch
