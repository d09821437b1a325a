"""What a state of the model is made of: tuples, because millions of them are kept and compared."""

from typing import Final, NamedTuple

from drivers.handshake import Phase

STRANGER: Final = 1000
"""Jobs from here on are not ours."""
LOWER: Final = 1
"""An epoch below every one of ours."""


class Ordered(NamedTuple):
    """A command as the journal has it."""

    job: int
    seq: int
    boot: int


class Block(NamedTuple):
    """What is written."""

    job: int
    seq: int
    epoch: int
    boot: int


class Shown(NamedTuple):
    """What is read."""

    boot: int
    epoch: int
    ack: int
    accept: int
    done: int
    code: int
    job: int


class Online(NamedTuple):
    """Under which bootId, and with which number, a channel was told as online."""

    boot: int
    ack: int


class Said(NamedTuple):
    """What the kernel is told: `kind` and what belongs to it."""

    kind: str
    job: int = 0
    boot: int = 0
    ack: int = 0


class Assigned(NamedTuple):
    """`drivers.handshake._Job`."""

    command: Ordered
    phase: Phase
    written: bool
    due: tuple[str, ...]


class Gate(NamedTuple):
    """`drivers.handshake.Channel`, frozen; `just_written` is None before the first write."""

    epoch: int
    job: Assigned | None = None
    status: Shown | None = None
    writing: bool = False
    just_written: bool | None = None
    online: Online | None = None
    online_due: Said | None = None


class Driver(NamedTuple):
    """What stands around the channel: presence, and the teller with the report that is under way.

    Attributes:
        telling: the report that the kernel has been given.
        current: it is still what the channel has to tell.
    """

    gate: Gate
    up: bool = False
    offline_due: bool = False
    telling: Said | None = None
    current: bool = False


class Kernel(NamedTuple):
    """The journal, and the books about the channel. Outcomes are in the order of the commands; empty: open."""

    last_seq: int
    online: bool = False
    boot: int = 0
    open: Ordered | None = None
    outcomes: tuple[str, ...] = ()


class Device(NamedTuple):
    """`sim_devices.mailbox.Mailbox`, frozen, and the command block that stands before it."""

    boot: int = 1
    block: Block | None = None
    epoch: int = 0
    ack: int = 0
    accept: int = 0
    done: int = 0
    code: int = 0
    job: int = 0
    executing: int = 0


class State(NamedTuple):
    """Everything.

    Attributes:
        older: the channel of a gateway that was replaced and has not noticed.
        writing: the block that is under way.
        late: blocks in buffers.
        effects: how often each of our commands was physically carried out.
        highest: highest epoch that the device has accepted since it lost its memory.
        broken: an invariant that a step has broken.
    """

    kernel: Kernel
    driver: Driver
    older: Gate | None
    writing: Block | None
    late: tuple[Block, ...]
    device: Device
    effects: tuple[int, ...]
    highest: int = 0
    strangers: int = 0
    broken: str = ""
