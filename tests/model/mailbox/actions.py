"""What happens between two states of the model."""

from dataclasses import dataclass
from typing import Final

from sim_devices.mailbox import Accept
from tests.model.mailbox.state import Block


@dataclass(frozen=True, slots=True)
class Issue:
    """The kernel issues a command: journalled, then assigned."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reading is answered.

    Attributes:
        pause: the device has had its time to look since the last write.
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
    """What was told becomes durable, and the driver hears of it."""


@dataclass(frozen=True, slots=True)
class Settle:
    """A person settles the open command; the driver is told to forget it."""


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
class Restart:
    """The device loses power, and starts again."""

    keeps_memory: bool
    keeps_block: bool


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who speaks the handshake writes a command of their own, under a lower epoch."""


Action = (
    Issue
    | Read
    | Write
    | Late
    | LinkBreaks
    | Tell
    | Commit
    | Settle
    | Crash
    | OlderReads
    | OlderEnds
    | Cycle
    | Ends
    | Restart
    | Stranger
)

READS: Final = (Read(pause=False), Read(pause=True))
RESTARTS: Final = (
    Restart(keeps_memory=True, keeps_block=True),
    Restart(keeps_memory=True, keeps_block=False),
    Restart(keeps_memory=False, keeps_block=False),
)
CYCLES: Final = {answer: Cycle(answer) for answer in (Accept.TAKEN, Accept.NOT_AUTOMATIC)}
