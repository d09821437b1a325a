"""The device's side of the mailbox handshake, after docs/plc-handshake.md, "Rules for the device"; sans-IO.

A mailbox judges command blocks by rules 1 and 2 and remembers what rule 4 asks it to. Written from the
document alone: the gateway's side is another reading of the same text, and the two must meet on the wire.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

Fields = Mapping[str, int | str]
"""A block by field names, as they stand in the document."""

SEQ_WINDOW = 2**15
CONTAINER_LENGTH = 16


class Op(IntEnum):
    """What a device can be told to do."""

    PICK = 1
    DROP = 2
    TRANSFER = 3
    MOVE = 4
    RESET = 5


class Accept(IntEnum):
    """`acceptCode`."""

    NOTHING = 0
    TAKEN = 1
    BUSY = 10
    NOT_AUTOMATIC = 11
    FAULT = 12
    UNKNOWN_PLACE = 20
    NOT_POSSIBLE = 21


class Done(IntEnum):
    """`doneCode`."""

    REFUSED = 0
    DONE = 1
    SOURCE_EMPTY = 20
    DESTINATION_OCCUPIED = 21
    WRONG_BARCODE = 22
    NO_READ = 23
    LOAD_MISSING = 24
    STOPPED = 30


class Refused(IntEnum):
    """`refusedCode`."""

    NONE = 0
    CHECK = 1
    EPOCH = 2
    SEQ = 3
    EXECUTING = 4
    BOOT = 5


def crc16(data: bytes) -> int:
    """Return the CRC-16/MODBUS of the bytes (the document's "The check")."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _SHIFTED[(crc ^ byte) & 0xFF]
    return crc


def _shift(byte: int) -> int:
    """Shift eight bits out of the register."""
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_SHIFTED: Final = tuple(map(_shift, range(256)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBlock:
    """What the gateway has written."""

    epoch: int = 0
    seq: int = 0
    op: int = 0
    job_id: int = 0
    source: int = 0
    target: int = 0
    container: str = ""
    boot_id: int = 0
    check: int = 0

    @classmethod
    def of(cls, fields: Fields) -> "CommandBlock":
        """Read a block from its fields; one that is missing counts as empty."""
        number = {
            name: int(fields.get(name, 0)) for name in ("epoch", "seq", "op", "source", "target", "check")
        }
        return cls(
            **number,
            job_id=int(fields.get("jobId", 0)),
            container=str(fields.get("container", "")),
            boot_id=int(fields.get("bootId", 0)),
        )

    def computed_check(self) -> int:
        """Return the check that belongs to the other fields."""
        numbers = (
            (self.epoch, 4),
            (self.seq, 2),
            (self.op, 2),
            (self.job_id, 8),
            (self.source, 4),
            (self.target, 4),
        )
        text = self.container.encode("latin-1", "replace").ljust(CONTAINER_LENGTH, b"\0")
        boot_id = self.boot_id.to_bytes(2, "big")
        return crc16(b"".join(number.to_bytes(size, "big") for number, size in numbers) + text + boot_id)

    def fits(self) -> bool:
        """Tell whether the block is whole."""
        return self.check == self.computed_check()


@dataclass(slots=True)
class Memory:
    """What survives loss of power (rule 4)."""

    epoch: int = 0
    ack_seq: int = 0
    accept_code: Accept = Accept.NOTHING
    done_seq: int = 0
    done_code: Done = Done.REFUSED
    job_id: int = 0
    barcode: str = ""
    executing: CommandBlock | None = None


@dataclass(slots=True)
class Mailbox:
    """One channel's mailbox: its memory, which start this is, and the last block that it did not take at all."""

    memory: Memory = field(default_factory=Memory)
    boot_id: int = 0
    refused_seq: int = 0
    refused_code: Refused = Refused.NONE

    def look(self, block: CommandBlock, judge: Callable[[CommandBlock], Accept]) -> bool:
        """Look at the block that stands on the wire, as in every cycle.

        Args:
            block: as it stands there, perhaps for the hundredth time.
            judge: what the device says to a block that is to be taken.

        Returns:
            Whether it has been acknowledged now: `memory.executing` is to be carried out, or it was refused
                with `acceptCode` ≥ 10.
        """
        memory = self.memory
        if block.seq == 0:
            return False
        if block.seq == memory.ack_seq:
            if block.epoch > memory.epoch and block.fits():
                memory.epoch = block.epoch
            return False
        if refusal := self._refusal(block):
            self.refused_seq, self.refused_code = block.seq, refusal
            return False
        self._take(block, judge(block))
        return True

    def end(self, code: Done, barcode: str = "") -> None:
        """Remember how the command in execution has ended."""
        memory = self.memory
        memory.executing = None
        memory.barcode, memory.done_code = barcode, code
        memory.done_seq = memory.ack_seq

    def restart(self, boot_id: int) -> None:
        """Power has returned: what was not retentive is gone, and so is what was written for the time before."""
        self.boot_id = boot_id
        self.refused_seq, self.refused_code = 0, Refused.NONE

    def _refusal(self, block: CommandBlock) -> Refused:
        memory = self.memory
        if not block.fits():
            return Refused.CHECK
        if block.boot_id != self.boot_id:
            return Refused.BOOT
        if block.epoch < memory.epoch:
            return Refused.EPOCH
        if not 0 < (block.seq - memory.ack_seq) % 2**16 < SEQ_WINDOW:
            return Refused.SEQ
        if memory.done_seq != memory.ack_seq:
            return Refused.EXECUTING
        return Refused.NONE

    def _take(self, block: CommandBlock, answer: Accept) -> None:
        memory = self.memory
        memory.job_id, memory.accept_code, memory.epoch = block.job_id, answer, block.epoch
        memory.executing = block
        memory.ack_seq = block.seq
        if answer is not Accept.TAKEN:
            self.end(Done.REFUSED)
