"""Commands: one handshake with one device. The engine journals them; a driver carries them out exactly as they stand.

A command's identity (`job_id`, `seq`) never changes across retries, restarts and reconnects (law 2).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

MAIN_CHANNEL: Final = "main"
"""The channel of a device that has only one."""


class Op(IntEnum):
    """What a device can be told to do; the numbers are those of the mailbox handshake."""

    PICK = 1
    """Go to `source` and take the load on board."""
    DROP = 2
    """Go to `target` and put the load down."""
    TRANSFER = 3
    """Pass the load from `source` on to `target` (conveyors)."""
    MOVE = 4
    """Go to `target` without a load."""
    RESET = 5
    """Clear a fault whose cause is gone; moves nothing."""


class CommandStatus(StrEnum):
    """Where a command stands in the journal."""

    INTENT = "intent"
    """Durable; its first byte may or may not have left."""
    ACCEPTED = "accepted"
    """The device has acknowledged it."""
    DONE = "done"
    FAILED = "failed"
    """The device tells that it was not, or not wholly, carried out."""
    UNKNOWN = "unknown"
    """Neither the device nor its sensors can tell what happened."""
    CANCELLED = "cancelled"
    """Withdrawn before it moved the load."""


@dataclass(frozen=True, slots=True)
class Place:
    """A location as a device knows it: the site's id and the number on the wire."""

    location_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command to one channel of one device.

    Attributes:
        job_id: unique for ever, 1 … 2^53-1; the first one of a new database is its birth time in ms since 2025, so that a
            device which remembers an older gateway's jobs never takes a new job for one of those.
        channel: the mailbox of the device; each has one outstanding command.
        seq: the mailbox's sequence number, 1 … 65535.
        boot_id: the device's boot id when the command was issued: it is meant for this start of the device and no other.
        source, target: as `op` needs them.
        container_id: what is expected to be moved; at most 16 ASCII characters reach a PLC.
    """

    job_id: int
    device_id: str
    channel: str
    seq: int
    boot_id: int
    op: Op
    source: Place | None = None
    target: Place | None = None
    container_id: str | None = None
    transport_id: str | None = None
