"""A put wall as docs/plc-handshake.md describes it, read apart from the drivers, with a picker's hands."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyModbusTCP.utils import crc16

DARK, LIT, CONFIRMED, SHORT, WITHDRAWN = range(5)
EMPTY_ORDER = {"epoch": 0, "jobId": 0, "colour": 0, "blink": 0, "quantity": 0, "bootId": 0, "check": 0}


def check_of(order: Mapping[str, int]) -> int:
    """The check of an order, with an independent CRC."""
    numbers = (order[name] for name in ("epoch", "jobId", "colour", "blink", "quantity", "bootId"))
    return crc16(struct.pack(">IQHHHH", *numbers))


@dataclass
class WallSlot:
    """One slot. `lit_for` lists the puts for which its light ever went on; `boot_id` is the wall's."""

    boot_id: int = 1
    order: dict[str, int] = field(default_factory=lambda: dict(EMPTY_ORDER))
    epoch: int = 0
    job_id: int = 0
    state: int = DARK
    quantity: int = 0
    asked: int = 0
    confirms: int = 0
    shorts: int = 0
    curtain: int = 0
    refused: int = 0
    lit_for: list[int] = field(default_factory=list[int])

    def status(self) -> dict[str, int]:
        """What the wall shows of the slot."""
        return {
            "jobId": self.job_id,
            "state": self.state,
            "quantity": self.quantity,
            "confirms": self.confirms,
            "shorts": self.shorts,
            "curtain": self.curtain,
            "refused": self.refused,
        }

    def cycle(self) -> None:
        """Look at the order."""
        order = self.order
        if order["jobId"] == 0:
            return
        self.refused = self._refusal(order)
        if self.refused:
            return
        self.epoch = order["epoch"]
        withdraws = order["quantity"] == 0
        if order["jobId"] > self.job_id:
            self.job_id, self.state = order["jobId"], WITHDRAWN if withdraws else LIT
            self.quantity = self.asked = order["quantity"]
            if not withdraws:
                self.lit_for.append(self.job_id)
        elif withdraws and self.state == LIT:
            self.state, self.quantity = WITHDRAWN, 0

    def press_confirm(self) -> None:
        """The picker says that all is put that the display shows."""
        self.confirms = (self.confirms + 1) % 65536
        if self.state == LIT:
            self.state = CONFIRMED if self.quantity == self.asked else SHORT

    def press_short(self) -> None:
        """The picker says that one is missing."""
        self.shorts = (self.shorts + 1) % 65536
        if self.state == LIT and self.quantity:
            self.quantity -= 1

    def reach_in(self, times: int = 1) -> None:
        """A hand goes through the light curtain."""
        self.curtain = (self.curtain + times) % 65536

    def _refusal(self, order: Mapping[str, int]) -> int:
        if order["check"] != check_of(order):
            return 1
        if order["bootId"] != self.boot_id:
            return 5
        if order["epoch"] < self.epoch:
            return 2
        return 3 if order["jobId"] < self.job_id else 0


@dataclass
class Wall:
    """A whole wall, which says that it has `size` slots."""

    slots: list[WallSlot] = field(default_factory=lambda: [WallSlot() for _ in range(12)])
    size: int = 12
    boot_id: int = 1
    life: int = 0
    frozen: bool = False

    def header(self) -> dict[str, int]:
        """What the wall shows once."""
        return {"bootId": self.boot_id, "life": self.life, "slots": self.size}

    def cycle(self) -> None:
        """One cycle of the program."""
        if not self.frozen:
            self.life = (self.life + 1) % 65536
            for slot in self.slots:
                slot.cycle()

    def restart(self, *, keeping_memory: bool) -> None:
        """Lose power and come back; orders are gone, and without memory everything is dark and counts from
        0."""
        self.boot_id += 1
        for n, slot in enumerate(self.slots):
            slot.order, slot.boot_id = dict(EMPTY_ORDER), self.boot_id
            if not keeping_memory:
                self.slots[n] = WallSlot(boot_id=self.boot_id, lit_for=slot.lit_for)
