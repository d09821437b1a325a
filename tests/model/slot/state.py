"""What a state of the model is made of: tuples, because millions of them are kept and compared. Puts are named by their jobId."""

from typing import Final, NamedTuple

from drivers.slots import Wish

ASKED: Final = 2
"""Pieces of every put: enough to end it short."""
LOWEST: Final = 1
"""The epoch of the first gateway."""


class Block(NamedTuple):
    """What is written; a quantity of 0 withdraws."""

    job: int
    epoch: int
    quantity: int
    boot: int


class Shown(NamedTuple):
    """What is read, of the wall and of the slot."""

    boot: int
    job: int
    state: int
    quantity: int
    curtain: int
    refused: int


class Said(NamedTuple):
    """What the kernel is told: `kind` and what belongs to it."""

    kind: str
    job: int = 0
    quantity: int = 0
    short: bool = False
    hands: int = 0


class Put(NamedTuple):
    """`drivers.slots._Put`."""

    job: int
    blank_in: int
    wish: Wish
    written: bool
    shown: bool
    ended: bool
    due: tuple[Said, ...]


class Gate(NamedTuple):
    """`drivers.slots.Slot`, frozen; `just_written` is None before the first write, `curtain_told` before the first reading."""

    epoch: int
    boot: int = 0
    put: Put | None = None
    status: Shown | None = None
    writing: bool = False
    just_written: bool | None = None
    curtain_told: int | None = None
    curtain_shown: int = 0
    curtain_due: int = 0


class Driver(NamedTuple):
    """The slot, and the teller with the report that is under way.

    Attributes:
        telling: the report that the kernel has been given.
        current: it is still what the slot has to tell.
    """

    gate: Gate
    telling: Said | None = None
    current: bool = False


class Kernel(NamedTuple):
    """The books about the slot.

    Attributes:
        open: puts that have not ended, oldest first; the first is to be shown.
        cancelled: the first is to be withdrawn.
        outcomes: in the order of the puts; empty: open.
        forgotten: the wall has forgotten what became of the first.
        hands: how many went through the curtain by the reports.
    """

    open: tuple[int, ...] = ()
    cancelled: bool = False
    forgotten: bool = False
    outcomes: tuple[str, ...] = ()
    hands: int = 0


class Wall(NamedTuple):
    """`sim_devices.putwall.Slot`, frozen, and the order that stands before it."""

    boot: int = 1
    block: Block | None = None
    epoch: int = 0
    job: int = 0
    state: int = 0
    quantity: int = 0
    curtain: int = 0
    refused: int = 0


class State(NamedTuple):
    """Everything.

    Attributes:
        older: the slot of a gateway that was replaced and has not noticed.
        writing: the block that is under way.
        late: blocks in buffers.
        ends: what was put with each press that ended a put, by put.
        hands: how many really went through the curtain.
        broken: an invariant that a step has broken.
    """

    kernel: Kernel
    driver: Driver
    older: Gate | None
    writing: Block | None
    late: tuple[Block, ...]
    wall: Wall
    ends: tuple[tuple[int, ...], ...]
    hands: int = 0
    broken: str = ""
