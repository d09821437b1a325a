"""The gateway's side of a put wall's slot (docs/plc-handshake.md), without I/O and without a clock.

A slot is level-triggered: it is told what it shall show until it shows it, and what a button ended stays on
the wall until a newer put comes. Whether a withdrawal or a button was first is the wall's to decide, and a wall
that remembers nothing cannot: that is told to the kernel before the slot is lit again. What is to be told stays
due until the kernel has it. Times are seconds of any clock that never goes back.
"""

import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum, auto
from typing import Final, Self, assert_never

from drivers.blocks import TagValue
from drivers.checks import crc16_modbus
from drivers.handshake import REWRITE_AFTER_S, WRITES_BEFORE_FAULT
from drivers.judgement import REFUSALS
from drivers.presence import ASK_THE_OTHER, COMPARE, ShownFault
from gateway.contract.puts import Colour, SlotOrder
from gateway.contract.reports import CurtainBroken, PutDarkened, PutEnded, PutForgotten, PutShown, Report

COLOURS: Final = {Colour.RED: 1, Colour.GREEN: 2, Colour.BLUE: 3, Colour.YELLOW: 4, Colour.WHITE: 5}
COUNTER_MODULUS: Final = 1 << 16
REFUSED_EPOCH: Final = 2
OUTRANKED_PAUSE_S: Final = 5.0
"""How long to leave a wall alone that a newer gateway commands."""

ORDER_TAGS: Final = frozenset(("epoch", "jobId", "colour", "blink", "quantity", "bootId", "check"))
SLOT_TAGS: Final = frozenset(("jobId", "state", "quantity", "curtain", "refused"))
HEADER_TAGS: Final = frozenset(("bootId", "life", "slots"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotBlock:
    """What the gateway writes for a slot; quantity 0 withdraws the put."""

    epoch: int
    job_id: int
    colour: int
    blink: int
    quantity: int
    boot_id: int

    @classmethod
    def of(cls, order: SlotOrder, epoch: int, boot_id: int) -> Self:
        """Return the block that lights the slot, sent by the gateway of this epoch to this start of the wall."""
        return cls(
            epoch=epoch,
            job_id=order.job_id,
            colour=COLOURS[order.colour],
            blink=int(order.blink),
            quantity=order.quantity,
            boot_id=boot_id,
        )

    @property
    def check(self) -> int:
        """CRC-16/MODBUS over the fields, big-endian, in the order of the specification."""
        numbers = (self.epoch, self.job_id, self.colour, self.blink, self.quantity, self.boot_id)
        return crc16_modbus(struct.pack(">IQHHHH", *numbers))

    def tags(self) -> dict[str, TagValue]:
        """Return the fields by their names in the specification."""
        return {
            "epoch": self.epoch,
            "jobId": self.job_id,
            "colour": self.colour,
            "blink": self.blink,
            "quantity": self.quantity,
            "bootId": self.boot_id,
            "check": self.check,
        }


class SlotState(IntEnum):
    """What a slot shows."""

    DARK = 0
    LIT = 1
    CONFIRMED = 2
    SHORT = 3
    WITHDRAWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStatus:
    """What the wall shows of a slot, read as one piece."""

    job_id: int
    state: int
    quantity: int
    curtain: int
    refused: int

    @classmethod
    def of(cls, tags: Mapping[str, TagValue]) -> Self:
        """Return the status from its fields by their names in the specification."""
        return cls(
            job_id=int(tags["jobId"]),
            state=int(tags["state"]),
            quantity=int(tags["quantity"]),
            curtain=int(tags["curtain"]),
            refused=int(tags["refused"]),
        )


class Wish(Enum):
    """What a slot's put shall become."""

    LIT = auto()
    WITHDRAWN = auto()


class Verdict(Enum):
    """What a slot says about its put."""

    NOT_TAKEN = auto()
    """It shows an older put, or none."""
    FORGOTTEN = auto()
    """It remembers nothing, and may have shown this put."""
    LIT = auto()
    ENDED = auto()
    """A button ended the put."""
    DARK = auto()
    """The put was withdrawn."""
    OVERTAKEN = auto()
    """It shows a newer put and will refuse this one."""


class Step(Enum):
    """What follows."""

    WRITE = auto()
    SHOWN = auto()
    ENDED = auto()
    DARKENED = auto()
    FORGET = auto()
    WAIT = auto()


STEPS: Final[dict[tuple[Wish, Verdict], Step]] = {
    (Wish.LIT, Verdict.NOT_TAKEN): Step.WRITE,
    (Wish.LIT, Verdict.FORGOTTEN): Step.FORGET,
    (Wish.LIT, Verdict.LIT): Step.SHOWN,
    (Wish.LIT, Verdict.ENDED): Step.ENDED,
    # It was withdrawn before a restart, and cannot be lit under this identity again.
    (Wish.LIT, Verdict.DARK): Step.DARKENED,
    (Wish.LIT, Verdict.OVERTAKEN): Step.WAIT,
    # Written even though the wall has never shown it: an order to light it may still be under way.
    (Wish.WITHDRAWN, Verdict.NOT_TAKEN): Step.WRITE,
    (Wish.WITHDRAWN, Verdict.FORGOTTEN): Step.FORGET,
    (Wish.WITHDRAWN, Verdict.LIT): Step.WRITE,
    (Wish.WITHDRAWN, Verdict.ENDED): Step.ENDED,
    (Wish.WITHDRAWN, Verdict.DARK): Step.DARKENED,
    (Wish.WITHDRAWN, Verdict.OVERTAKEN): Step.DARKENED,
}
"""The whole machine of one put."""

PutReport = PutShown | PutEnded | PutDarkened | PutForgotten
SlotReport = PutReport | CurtainBroken


@dataclass(slots=True)
class _Put:
    """What the slot shall show.

    Attributes:
        blank_in: the start of the wall in which a slot that shows nothing hides nothing about this put: it was new then, or the
            kernel has been told of the doubt. 0: none that is known.
        reports: those that the kernel does not have yet (at most 3).
    """

    order: SlotOrder
    blank_in: int
    wish: Wish = Wish.LIT
    writes: int = 0
    shown: bool = False
    ended: bool = False
    reports: deque[PutReport] = field(default_factory=deque[PutReport])

    def show(self) -> None:
        """Note that the slot shows the put, or showed it before it was ended."""
        if not self.shown:
            self.shown = True
            self.reports.append(PutShown(put_id=self.order.put_id))

    def forget(self, boot_id: int) -> None:
        """Note that the wall does not know, in this start, what became of the put before."""
        self.blank_in = boot_id
        self.reports.append(PutForgotten(put_id=self.order.put_id))

    def end(self, report: PutEnded | PutDarkened) -> None:
        """Note what became of the put."""
        self.ended = True
        self.reports.append(report)


def judge(put: _Put, status: SlotStatus, boot_id: int) -> Verdict:
    """Compare a put with what its slot shows in this start of the wall."""
    if status.job_id < put.order.job_id:
        forgotten = status.job_id == 0 and put.blank_in != boot_id
        return Verdict.FORGOTTEN if forgotten else Verdict.NOT_TAKEN
    if status.job_id > put.order.job_id:
        return Verdict.OVERTAKEN
    match status.state:
        case SlotState.LIT:
            return Verdict.LIT
        case SlotState.CONFIRMED | SlotState.SHORT:
            return Verdict.ENDED
        case _:
            return Verdict.DARK


class Slot:
    """One slot of a wall.

    `light`, `darken` and `show` return the block to be written now, if any; the driver then calls `written`
    when the write has ended, one way or the other, and shows only statuses that it has asked for after that.
    """

    def __init__(self, wall_id: str, slot_id: str, epoch: int) -> None:
        self.fault: ShownFault | None = None
        """Why the slot does not show what it shall, by the newest status."""
        self._wall_id = wall_id
        self._slot_id = slot_id
        self._epoch = epoch
        self._put: _Put | None = None
        self._status: SlotStatus | None = None
        self._now = 0.0
        self._boot_id = 0
        self._writing = False
        self._write_again_at = 0.0
        self._curtain_told: int | None = None
        self._curtain_shown = 0
        self._curtain_due: CurtainBroken | None = None

    def light(self, order: SlotOrder) -> SlotBlock | None:
        """Show a put; the same again changes nothing, another replaces one that is settled."""
        if self._put is None or self._put.order.job_id != order.job_id:
            # What is to be shown before the first reading may have been shown by an earlier run of the gateway.
            self._put = _Put(order, blank_in=self._boot_id)
        return self._decide()

    def darken(self, put_id: str) -> SlotBlock | None:
        """Withdraw the put, if it is this slot's."""
        put = self._put
        if put is None or put.order.put_id != put_id or put.wish is Wish.WITHDRAWN:
            return None
        put.wish = Wish.WITHDRAWN
        put.writes = 0
        return self._decide()

    def show(self, status: SlotStatus, boot_id: int, now: float) -> SlotBlock | None:
        """Take the newest status, and the start of the wall that was read last before it."""
        self._now = now
        if self._put is None and self.fault is None and status is self._status and boot_id == self._boot_id:
            return None  # nothing is wanted of it and nothing has changed, as at most readings
        self._count_curtain(status.curtain, boot_id)
        self._boot_id = boot_id
        if self._writing:
            return None
        self._status = status
        block = self._decide()
        self.fault = self._fault(status)
        return block

    def written(self, now: float) -> None:
        """The write that was asked for has ended; whether it failed is for the next status to tell."""
        self._writing = False
        self._write_again_at = now + REWRITE_AFTER_S

    def lost(self) -> None:
        """The link is gone: what the wall showed counts no more."""
        self._status = None

    def due(self) -> SlotReport | None:
        """Return what the kernel has to hear next."""
        if self._put and self._put.reports:
            return self._put.reports[0]
        count = (self._curtain_shown - (self._curtain_told or 0)) % COUNTER_MODULUS
        if self._curtain_due is None and count:
            self._curtain_due = CurtainBroken(device_id=self._wall_id, slot=self._slot_id, count=count)
        return self._curtain_due

    def told(self, report: Report) -> None:
        """The kernel has the report; one that is not from here is no matter."""
        if self._curtain_due and report is self._curtain_due:
            self._curtain_told = ((self._curtain_told or 0) + self._curtain_due.count) % COUNTER_MODULUS
            self._curtain_due = None
        put = self._put
        if put and put.reports and report is put.reports[0]:
            put.reports.popleft()
            if put.ended and not put.reports:
                self._put = None

    def _count_curtain(self, counter: int, boot_id: int) -> None:
        """Follow the counter; one that went back, or is less after a start of the wall, has begun anew at 0."""
        less_after_start = boot_id != self._boot_id and counter < self._curtain_shown
        went_back = (counter - self._curtain_shown) % COUNTER_MODULUS >= COUNTER_MODULUS // 2
        if self._curtain_told is None:
            self._curtain_told = counter
        elif went_back or less_after_start:
            self._curtain_told, self._curtain_due = 0, None
        self._curtain_shown = counter

    def _decide(self) -> SlotBlock | None:
        put, status = self._put, self._status
        if put is None or put.ended or status is None:
            return None
        step = STEPS[put.wish, judge(put, status, self._boot_id)]
        match step:
            case Step.WRITE:
                return self._write(put, status)
            case Step.SHOWN:
                put.show()
            case Step.ENDED:
                put.show()
                short = status.state == SlotState.SHORT
                put.end(PutEnded(put_id=put.order.put_id, quantity=status.quantity, short=short))
            case Step.DARKENED:
                put.end(PutDarkened(put_id=put.order.put_id))
            case Step.FORGET:
                put.forget(self._boot_id)
            case Step.WAIT:
                pass
            case _:
                assert_never(step)
        return None

    def _write(self, put: _Put, status: SlotStatus) -> SlotBlock | None:
        if put.reports:  # that the wall has forgotten is durable before the slot shows anything again
            return None
        pause_s = OUTRANKED_PAUSE_S - REWRITE_AFTER_S if status.refused == REFUSED_EPOCH else 0.0
        if put.writes and self._now < self._write_again_at + pause_s:
            return None
        put.writes += 1
        self._writing = True
        self._status = None
        block = SlotBlock.of(put.order, self._epoch, self._boot_id)
        return block if put.wish is Wish.LIT else replace(block, quantity=0)

    def _fault(self, status: SlotStatus) -> ShownFault | None:
        put = self._put
        if put is None or put.ended:
            return None
        if status.job_id > put.order.job_id:
            text = f"slot {self._slot_id} shows a put that is newer than the one it shall show"
            return ShownFault(0, text)
        if put.writes and status.refused == REFUSED_EPOCH:
            return ShownFault(0, "another, newer gateway commands this wall", ASK_THE_OTHER)
        if put.writes > WRITES_BEFORE_FAULT and judge(put, status, self._boot_id) is Verdict.NOT_TAKEN:
            reason = REFUSALS.get(status.refused, "it does not answer")
            return ShownFault(0, f"slot {self._slot_id} takes no order: {reason}", COMPARE)
        return None
