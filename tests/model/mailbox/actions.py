"""What happens between two states of the model."""

from dataclasses import dataclass
from typing import Final

from sim_devices.mailbox import Accept
from tests.model.actions import WireAction
from tests.model.mailbox.state import Block


@dataclass(frozen=True, slots=True)
class Issue:
    """The kernel issues a command: journalled, then assigned."""


@dataclass(frozen=True, slots=True)
class Late:
    """A block leaves its buffer.

    Attributes:
        arrives: or is lost for good.
    """

    block: Block
    arrives: bool


@dataclass(frozen=True, slots=True)
class Settle:
    """A person settles the open command; the driver is told to forget it."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """The device looks at its command block.

    Attributes:
        answer: what it says to a block that is to be taken.
    """

    answer: Accept


@dataclass(frozen=True, slots=True)
class Ends:
    """The device ends the command in execution."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who speaks the handshake writes a command of their own, under a lower epoch."""


Action = WireAction | Issue | Late | Settle | Cycle | Ends | Stranger

CYCLES: Final = {answer: Cycle(answer) for answer in (Accept.TAKEN, Accept.NOT_AUTOMATIC)}
