"""What happens between two states of every model: on the wire, between driver and kernel, to the gateway and to the other side."""

from dataclasses import dataclass
from typing import Final


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
class Restart:
    """The other side loses power, and starts again."""

    keeps_memory: bool
    keeps_block: bool


WireAction = Read | Write | LinkBreaks | Tell | Commit | Crash | OlderReads | OlderEnds | Restart

READS: Final = (Read(pause=False), Read(pause=True))
RESTARTS: Final = (
    Restart(keeps_memory=True, keeps_block=True),
    Restart(keeps_memory=True, keeps_block=False),
    Restart(keeps_memory=False, keeps_block=False),
)
