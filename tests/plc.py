"""A PLC channel as docs/plc-handshake.md describes it, read apart from the drivers; moves loads when it is told to.

It is driven cycle by cycle, so that a test decides what happens between two of them. Fields have the names of the
specification. `effects` counts what was physically done, whatever anybody was told about it.
"""

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyModbusTCP.utils import crc16

Fields = dict[str, int | str]

PICK, DROP, TRANSFER, MOVE, RESET = range(1, 6)
EMPTY_BLOCK: Fields = {
    "epoch": 0,
    "seq": 0,
    "op": 0,
    "jobId": 0,
    "source": 0,
    "target": 0,
    "container": "",
    "bootId": 0,
    "check": 0,
}


def check_of(block: Mapping[str, int | str]) -> int:
    """The check of a command block, with an independent CRC."""
    numbers = (int(block[name]) for name in ("epoch", "seq", "op", "jobId", "source", "target"))
    text = str(block["container"]).encode()
    return crc16(struct.pack(">IHHQII16sH", *numbers, text, int(block["bootId"])))


def new_memory() -> Fields:
    """What a device remembers that has never been told anything."""
    names = ("epoch", "ackSeq", "acceptCode", "doneSeq", "doneCode", "jobId", "refusedSeq", "refusedCode")
    return dict.fromkeys(names, 0) | {"barcode": ""}


@dataclass
class PlcChannel:
    """One mailbox of one device, with sensors that a test sets.

    Attributes:
        block: what stands in the command block.
        busy_with: answer to the next commands instead of taking them: an acceptCode of 10 or more.
        frozen: the program has stopped; nothing changes any more, the life counter neither.
    """

    boot_id: int = 1
    life: int = 0
    memory: Fields = field(default_factory=new_memory)
    sensors: Fields = field(
        default_factory=lambda: {"position": 0, "load": 0, "sourceLoad": 2, "targetLoad": 2, "faultCode": 0}
    )
    block: Fields = field(default_factory=lambda: dict(EMPTY_BLOCK))
    busy_with: int = 0
    frozen: bool = False
    effects: Counter[int] = field(default_factory=Counter[int])
    taken: list[Fields] = field(default_factory=list[Fields])

    @property
    def executing(self) -> bool:
        return self.memory["ackSeq"] != self.memory["doneSeq"]

    def status(self) -> Fields:
        """What the device shows."""
        return {"bootId": self.boot_id, "life": self.life, "mode": 1} | self.memory | self.sensors

    def cycle(self) -> None:
        """One cycle of the program: look at the command block."""
        if self.frozen:
            return
        self.life = (self.life + 1) % 65536
        if self.block["seq"] == 0:
            return
        if refused := self._refusal():
            self.memory |= {"refusedSeq": self.block["seq"], "refusedCode": refused}
        elif self.block["seq"] == self.memory["ackSeq"]:
            self.memory["epoch"] = self.block["epoch"]
        else:
            self._take()

    def finish(self, done_code: int = 1, barcode: str = "") -> None:
        """End the command in execution."""
        self.memory |= {"barcode": barcode, "doneCode": done_code, "doneSeq": self.memory["ackSeq"]}

    def restart(self, *, keeping_memory: bool) -> None:
        """Lose power and come back, with or without the retentive memory; what stood in the block is gone."""
        self.boot_id += 1
        self.block = dict(EMPTY_BLOCK)
        if not keeping_memory:
            self.memory = new_memory()

    def _refusal(self) -> int:
        seq, ack = int(self.block["seq"]), int(self.memory["ackSeq"])
        if self.block["check"] != check_of(self.block):
            return 1
        if int(self.block["epoch"]) < int(self.memory["epoch"]):
            return 2
        if seq == ack:
            return 0
        if self.block["bootId"] != self.boot_id:
            return 5
        if not 0 < (seq - ack) % 65536 < 32768:
            return 3
        return 4 if self.executing else 0

    def _take(self) -> None:
        self.taken.append(self.block)
        self.memory |= {
            "jobId": self.block["jobId"],
            "epoch": self.block["epoch"],
            "acceptCode": self.busy_with or 1,
            "ackSeq": self.block["seq"],
        }
        if self.busy_with:
            self.finish(0)
        else:
            self.effects[int(self.block["jobId"])] += 1
