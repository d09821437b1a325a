"""A put wall after docs/plc-handshake.md, "Put walls": slots with a light, a display, two buttons and a light curtain.

The wall keeps what a button has ended until it is told something newer: a withdrawal that comes too late changes
nothing, and a button that is pressed too late only counts.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from sim_devices.clock import Random
from sim_devices.faults.book import Troubles
from sim_devices.faults.kinds import FaultBase, Point, Reboot, WrongButton
from sim_devices.mailbox import Fields, Refused, crc16

COUNTER = 2**16


class SlotState(IntEnum):
    """`state` of a slot."""

    DARK = 0
    LIT = 1
    CONFIRMED = 2
    SHORT = 3
    WITHDRAWN = 4


class Button(StrEnum):
    """What a hand can do at a slot."""

    CONFIRM = "confirm"
    SHORT = "short"
    CURTAIN = "curtain"
    """Reach through the light curtain, to put something in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOrder:
    """What the gateway has written for one slot."""

    epoch: int = 0
    job_id: int = 0
    colour: int = 0
    blink: int = 0
    quantity: int = 0
    boot_id: int = 0
    check: int = 0

    @classmethod
    def of(cls, fields: Fields) -> "SlotOrder":
        """Read an order from its fields; one that is missing counts as empty."""
        number = {
            name: int(fields.get(name, 0)) for name in ("epoch", "colour", "blink", "quantity", "check")
        }
        return cls(**number, job_id=int(fields.get("jobId", 0)), boot_id=int(fields.get("bootId", 0)))

    def computed_check(self) -> int:
        """Return the check that belongs to the other fields."""
        numbers = ((self.epoch, 4), (self.job_id, 8))
        shorts = (self.colour, self.blink, self.quantity, self.boot_id)
        sized = (*numbers, *((number, 2) for number in shorts))
        return crc16(b"".join(number.to_bytes(size, "big") for number, size in sized))


@dataclass(slots=True)
class Slot:
    """One slot. All but `refused` survives loss of power."""

    epoch: int = 0
    job_id: int = 0
    state: SlotState = SlotState.DARK
    asked: int = 0
    quantity: int = 0
    colour: int = 0
    blink: int = 0
    confirms: int = 0
    shorts: int = 0
    curtain: int = 0
    refused: Refused = field(default=Refused.NONE)
    ordered: bool = False

    def take(self, order: SlotOrder, boot_id: int) -> None:
        """Judge an order, in this start of the wall, and do what it says."""
        self.ordered = True
        if order.job_id == 0:
            return
        self.refused = self._refusal(order, boot_id)
        if self.refused:
            return
        self.epoch = order.epoch
        if order.job_id == self.job_id:
            if order.quantity == 0 and self.state is SlotState.LIT:
                self.state = SlotState.WITHDRAWN
            return
        self.job_id, self.colour, self.blink = order.job_id, order.colour, order.blink
        self.asked = self.quantity = order.quantity
        self.state = SlotState.LIT if order.quantity else SlotState.WITHDRAWN

    def press(self, button: Button) -> None:
        """A hand presses a button or reaches through the light curtain."""
        match button:
            case Button.CONFIRM:
                self.confirms = (self.confirms + 1) % COUNTER
                if self.state is SlotState.LIT:
                    self.state = SlotState.CONFIRMED if self.quantity == self.asked else SlotState.SHORT
            case Button.SHORT:
                self.shorts = (self.shorts + 1) % COUNTER
                if self.state is SlotState.LIT:
                    self.quantity = max(0, self.quantity - 1)
            case Button.CURTAIN:
                self.curtain = (self.curtain + 1) % COUNTER

    def status(self) -> Fields:
        """Return the slot's status by field names."""
        return {
            "jobId": self.job_id,
            "state": self.state,
            "quantity": self.quantity,
            "confirms": self.confirms,
            "shorts": self.shorts,
            "curtain": self.curtain,
            "refused": self.refused,
        }

    def _refusal(self, order: SlotOrder, boot_id: int) -> Refused:
        if order.check != order.computed_check():
            return Refused.CHECK
        if order.boot_id != boot_id:
            return Refused.BOOT
        if order.epoch < self.epoch:
            return Refused.EPOCH
        return Refused.SEQ if order.job_id < self.job_id else Refused.NONE


class PutWallDevice:
    """A whole wall. It moves nothing: everything happens when it is written to or touched."""

    FAULTS: frozenset[type[FaultBase]] = frozenset({Reboot, WrongButton})

    def __init__(self, troubles: Troubles, chance: Random, slots: int) -> None:
        """Make a wall that is off; its first step switches it on."""
        self.troubles = troubles
        self.slots = [Slot() for _ in range(slots)]
        self.powered = False
        self._boot_id = chance.randint(1, 2**16 - 1)

    def step(self, now: float) -> float | None:
        """Notice loss and return of power; `now` does not matter, and nothing is due by itself."""
        outages = self.troubles.all(Reboot)
        self.powered = self.powered and not outages
        if any(outage.memory_lost for outage in outages):
            self.slots = [Slot() for _ in self.slots]
        if not outages and not self.powered:
            self.powered = True
            self._boot_id = self._boot_id % (2**16 - 1) + 1
            for slot in self.slots:
                slot.refused = Refused.NONE
        return None

    def write(self, slot: int, fields: Fields) -> None:
        """An order has been written for a slot (from 0)."""
        if self.powered:
            self.troubles.reached(Point.RECEIVED)
            self.slots[slot].take(SlotOrder.of(fields), self._boot_id)
            self.troubles.reached(Point.TAKEN)

    def is_clear(self, slot: int) -> bool:
        """Tell whether nothing stands in the order block of a slot (from 0)."""
        return not self.slots[slot].ordered

    def press(self, slot: int, button: Button) -> None:
        """A hand touches a slot (from 0), or the one beside it by mistake. A wall without power does not notice."""
        if not self.powered:
            return
        if button is not Button.CURTAIN and self.troubles.spend(WrongButton):
            slot = (slot + 1) % len(self.slots)
        self.slots[slot].press(button)
        self.troubles.reached(Point.DONE)

    def header(self) -> Fields:
        """Return what the wall shows once, but for the life counter, which counts by itself."""
        return {"bootId": self._boot_id, "slots": len(self.slots)}

    def status(self, slot: int) -> Fields:
        """Return the status of a slot (from 0) by field names."""
        return self.slots[slot].status()
