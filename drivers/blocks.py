"""What stands in a mailbox (docs/plc-handshake.md): the block that the gateway writes, and the status that the device shows.

Fields have two names here: the specification's on the wire (`tags`, `of`), ours in the program.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from drivers.checks import crc16_modbus
from gateway.contract.commands import Command, Place
from gateway.contract.reports import Load, Sensors

TagValue = int | str
"""What a tag holds: a number, or a string without its padding."""

CONTAINER_LENGTH: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandBlock:
    """What the gateway writes: one command as it stands in a mailbox."""

    epoch: int
    seq: int
    op: int
    job_id: int
    source: int
    target: int
    container: str
    boot_id: int

    @classmethod
    def of(cls, command: Command, epoch: int) -> Self:
        """Return the block of a command, sent by the gateway of this epoch."""
        return cls(
            epoch=epoch,
            seq=command.seq,
            op=command.op,
            job_id=command.job_id,
            source=_number(command.source),
            target=_number(command.target),
            container=(command.container_id or "")[:CONTAINER_LENGTH],
            boot_id=command.boot_id,
        )

    @property
    def check(self) -> int:
        """CRC-16/MODBUS over the fields, big-endian, in the order of the specification."""
        container = self.container.encode("ascii")
        numbers = (self.epoch, self.seq, self.op, self.job_id, self.source, self.target)
        return crc16_modbus(struct.pack(">IHHQII16sH", *numbers, container, self.boot_id))

    def tags(self) -> dict[str, TagValue]:
        """Return the fields by their names in the specification."""
        return {
            "epoch": self.epoch,
            "seq": self.seq,
            "op": self.op,
            "jobId": self.job_id,
            "source": self.source,
            "target": self.target,
            "container": self.container,
            "bootId": self.boot_id,
            "check": self.check,
        }


COMMAND_TAGS: Final = frozenset(
    ("epoch", "seq", "op", "jobId", "source", "target", "container", "bootId", "check")
)


def _number(place: Place | None) -> int:
    return place.number if place else 0


LOADS: Final = {0: Load.EMPTY, 1: Load.LOADED}


_REQUIRED: Final = {
    "bootId": "boot_id",
    "epoch": "epoch",
    "ackSeq": "ack_seq",
    "acceptCode": "accept_code",
    "doneSeq": "done_seq",
    "doneCode": "done_code",
    "jobId": "job_id",
}
_OPTIONAL: Final = {
    "position": "position",
    "load": "load",
    "sourceLoad": "source_load",
    "targetLoad": "target_load",
    "faultCode": "fault_code",
    "refusedSeq": "refused_seq",
    "refusedCode": "refused_code",
}
LIFE: Final = "life"
"""Changes several times a second and says nothing but that the device lives: kept apart from all else that it shows."""
STATUS_TAGS: Final = frozenset((*_REQUIRED, LIFE))
"""What a status block cannot do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a channel shows, read as one piece; all but its life counter.

    Where a reading is not one piece (OPC UA servers that sample tag by tag), `ackSeq` and `doneSeq` are to be
    read before the fields that they vouch for: the device writes them last.
    """

    boot_id: int
    epoch: int
    ack_seq: int
    accept_code: int
    done_seq: int
    done_code: int
    job_id: int
    position: int = 0
    load: int = 2
    source_load: int = 2
    target_load: int = 2
    fault_code: int = 0
    barcode: str = ""
    refused_seq: int = 0
    refused_code: int = 0

    @classmethod
    def of(cls, tags: Mapping[str, TagValue]) -> Self:
        """Return the status from its fields by their names in the specification.

        Raises:
            KeyError: a field that the handshake cannot do without is missing.
        """
        required = {attribute: int(tags[name]) for name, attribute in _REQUIRED.items()}
        optional = {attribute: int(tags[name]) for name, attribute in _OPTIONAL.items() if name in tags}
        return cls(**required, **optional, barcode=str(tags.get("barcode", "")))

    @property
    def idle(self) -> bool:
        """No command is being executed."""
        return self.done_seq == self.ack_seq

    @property
    def sensors(self) -> Sensors:
        """What the sensors show, in the engine's words."""
        return Sensors(
            place=self.position or None,
            load=LOADS.get(self.load, Load.UNKNOWN),
            source=LOADS.get(self.source_load, Load.UNKNOWN),
            target=LOADS.get(self.target_load, Load.UNKNOWN),
        )
