"""What happens between two states of the model."""

from dataclasses import dataclass
from typing import Final

from sim_devices.putwall import Button
from tests.model.slot.state import Block


@dataclass(frozen=True, slots=True)
class Submit:
    """The kernel accepts a put; it is shown once those before it have ended."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The put that is to be shown is cancelled."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reading is answered.

    Attributes:
        pause: the pauses before the next write have passed.
    """

    pause: bool


@dataclass(frozen=True, slots=True)
class Write:
    """The write ends.

    Attributes:
        arrives: now.
        lingers: it stays in a buffer, from which it may arrive later (too).
    """

    arrives: bool
    lingers: bool


@dataclass(frozen=True, slots=True)
class Late:
    """A block leaves its buffer.

    Attributes:
        arrives: or is lost for good.
    """

    block: Block
    arrives: bool


@dataclass(frozen=True, slots=True)
class LinkBreaks:
    """The connection is lost."""


@dataclass(frozen=True, slots=True)
class Tell:
    """The driver tells the kernel what is due."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What was told becomes durable, what follows from it is shown, and the driver hears of it."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The gateway dies and is started again, with a higher epoch.

    Attributes:
        lingers: a block that was under way stays in a buffer.
        survives: the process was only thought dead; it goes on.
    """

    lingers: bool
    survives: bool


@dataclass(frozen=True, slots=True)
class OlderReads:
    """The replaced gateway reads, and writes if it thinks fit: the block goes into a buffer."""


@dataclass(frozen=True, slots=True)
class OlderEnds:
    """The replaced gateway is fenced at its next commit."""


@dataclass(frozen=True, slots=True)
class Look:
    """The wall looks at its order."""


@dataclass(frozen=True, slots=True)
class Touch:
    """A hand presses a button, or goes through the curtain."""

    button: Button


@dataclass(frozen=True, slots=True)
class Restart:
    """The wall loses power, and starts again."""

    keeps_memory: bool
    keeps_block: bool


Action = (
    Submit
    | Cancel
    | Read
    | Write
    | Late
    | LinkBreaks
    | Tell
    | Commit
    | Crash
    | OlderReads
    | OlderEnds
    | Look
    | Touch
    | Restart
)

READS: Final = (Read(pause=False), Read(pause=True))
RESTARTS: Final = (
    Restart(keeps_memory=True, keeps_block=True),
    Restart(keeps_memory=True, keeps_block=False),
    Restart(keeps_memory=False, keeps_block=False),
)
