"""The rows of the books that the transport room owns, and how the database keeps them."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue, TypeAdapter

from gateway.contract.commands import Command, CommandStatus, Op
from gateway.contract.faults import Fault, OperatorAction
from gateway.contract.puts import Colour, PutStatus
from gateway.contract.transports import TransportStatus
from gateway.kernel.books import TableSpec

PRIORITY_HEAD_START_S: Final = 300
"""One step of priority is worth this much earlier acceptance: after 45 minutes every transport comes before all newcomers."""
RETRY_MAX_S: Final = 30.0
"""The longest pause after a rejection."""


def head_start_us(priority: int) -> int:
    """Return how much later than the most urgent ones a transport has its turn."""
    return (9 - priority) * PRIORITY_HEAD_START_S * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The part of a transport that one carrier does.

    Attributes:
        source: None where the load starts on the carrier itself.
        carrier_id: device or fleet that does it; channel: which mailbox (carriers with one: `main`).
        device_id: the device once it is chosen (a fleet's vehicle).
        expected_s: seconds that it should take.
    """

    source: str | None
    target: str
    carrier_id: str
    channel: str
    op: Op
    expected_s: float
    device_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a transport waits for somebody's decision."""

    fault: Fault
    detail: str
    actions: tuple[OperatorAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """One transport.

    Attributes:
        number: order of acceptance, 1, 2, 3 …
        digest: hash of the request's body, to tell the same request from another one with the same id.
        goal: where it is being brought now: the destination, or a storage location after a cancel.
        due_us: its place in every queue: accepted + (9 − priority) · 5 min, or earlier by its deadline, in steady time. The
            same ageing for all, so nothing starves.
        legs: done ones and the ones ahead; `leg` is the index of the current one.
        job_id: the command under way, if there is one.
        reserved: the location that it has reserved, if it has one.
        retries: how often the current command has been asked for anew, after a rejection or as it had not happened.
        retry_at_us: when it is asked for anew, in steady time.
        rejection: what the device said when it refused last.
    """

    transport_id: str
    container_id: str
    source: str
    destination: str
    priority: int
    deadline_us: int | None
    attributes: dict[str, JsonValue]
    digest: str
    number: int
    status: TransportStatus
    created_us: int
    updated_us: int
    due_us: int
    goal: str
    cancel_requested: bool = False
    legs: tuple[Leg, ...] = ()
    leg: int = 0
    job_id: int | None = None
    reserved: str | None = None
    problem: Problem | None = None
    retries: int = 0
    retry_at_us: int = 0
    rejection: str = ""

    @property
    def since_us(self) -> int:
        """Since when it has waited, by its place in the queues."""
        return self.due_us - head_start_us(self.priority)

    @property
    def current(self) -> Leg | None:
        """The leg that is under way or next, if the route has one."""
        return self.legs[self.leg] if self.leg < len(self.legs) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command in the journal."""

    command: Command
    status: CommandStatus
    issued_us: int
    expected_s: float
    text: str = ""
    ended_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container: at a location or on a device."""

    container_id: str
    location_id: str | None = None
    device_id: str | None = None
    transport_id: str | None = None
    """The transport that has not ended, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A location that takes no new load until somebody has looked.

    Attributes:
        operator: who has locked it, so that no load leaves it either; None: a machine has found it occupied against the books.
    """

    location_id: str
    reason: str
    operator: str | None = None

    @property
    def text(self) -> str:
        """What people read who wait for it."""
        locked = "" if self.operator is None else f" by {self.operator}"
        return f"{self.location_id} is blocked{locked}: {self.reason}"


NOT_HEARD: Final = "not heard of yet"
"""Why a device is offline of which its driver has told nothing in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device (or a vehicle) as the engine sees it.

    Attributes:
        fault: the device's fault text, while it shows one; nothing new is given to it meanwhile.
        offline_reason: while it is offline.
    """

    device_id: str
    enabled: bool = True
    online: bool = False
    fault: str | None = None
    offline_reason: str | None = NOT_HEARD


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One mailbox of a device.

    Attributes:
        last_seq: sequence number of the last command; the next one counts on from it.
        boot_id: None until the device has been heard for the first time.
        job_id: the command that has not ended.
    """

    key: str
    device_id: str
    channel: str
    last_seq: int = 0
    boot_id: int | None = None
    job_id: int | None = None

    @staticmethod
    def key_of(device_id: str, channel: str) -> str:
        """Return the key of a channel."""
        return f"{device_id}/{channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A put and what became of it.

    Attributes:
        forgotten: its wall lost its memory while it may have shown the put.
    """

    put_id: str
    job_id: int
    wall: str
    slot: str
    quantity: int
    colour: Colour
    blink: bool
    text: str | None
    digest: str
    status: PutStatus
    created_us: int
    updated_us: int
    cancel_requested: bool = False
    forgotten: bool = False
    confirmed_quantity: int | None = None


def is_open_put(put: Put) -> bool:
    """Tell whether the put still waits for its light or its button."""
    return put.status in (PutStatus.ACCEPTED, PutStatus.LIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that a person must look at."""

    alarm_id: str
    subject: str
    code: str
    text: str
    advice: str
    actions: tuple[OperatorAction, ...]
    raised_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRecord:
    """What somebody did, and why."""

    number: int
    at_us: int
    operator: str
    reason: str
    act: str
    subject: str
    transport_id: str | None = None
    details: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The last number that was given out."""

    name: str
    value: int


TRANSPORTS: Final[TableSpec[str, Transport]] = TableSpec(
    "transports",
    TypeAdapter(Transport),
    lambda row: row.transport_id,
    {
        "status": lambda row: row.status,
        "container_id": lambda row: row.container_id,
        "updated_us": lambda row: row.updated_us,
        "number": lambda row: row.number,
    },
    live="status NOT IN ('completed', 'cancelled')",
)
JOBS: Final[TableSpec[int, Job]] = TableSpec(
    "commands",
    TypeAdapter(Job),
    lambda row: row.command.job_id,
    {
        "transport_id": lambda row: row.command.transport_id,
        "status": lambda row: row.status,
        "ended_us": lambda row: row.ended_us,
    },
    live="status IN ('intent', 'accepted')",
)
CONTAINERS: Final[TableSpec[str, Container]] = TableSpec(
    "containers",
    TypeAdapter(Container),
    lambda row: row.container_id,
    {"location_id": lambda row: row.location_id, "device_id": lambda row: row.device_id},
)
BLOCKS: Final[TableSpec[str, Block]] = TableSpec("blocks", TypeAdapter(Block), lambda row: row.location_id)
DEVICES: Final[TableSpec[str, Device]] = TableSpec("devices", TypeAdapter(Device), lambda row: row.device_id)
CHANNELS: Final[TableSpec[str, Channel]] = TableSpec("channels", TypeAdapter(Channel), lambda row: row.key)
ALARMS: Final[TableSpec[str, Alarm]] = TableSpec("alarms", TypeAdapter(Alarm), lambda row: row.alarm_id)
PUTS: Final[TableSpec[str, Put]] = TableSpec(
    "puts",
    TypeAdapter(Put),
    lambda row: row.put_id,
    {
        "status": lambda row: row.status,
        "wall": lambda row: row.wall,
        "updated_us": lambda row: row.updated_us,
        "number": lambda row: row.job_id,
    },
    live="status IN ('accepted', 'lit')",
)
ACTS: Final[TableSpec[int, ActRecord]] = TableSpec(
    "acts",
    TypeAdapter(ActRecord),
    lambda row: row.number,
    {"transport_id": lambda row: row.transport_id},
    live="1 = 0",
)
COUNTERS: Final[TableSpec[str, Counter]] = TableSpec("counters", TypeAdapter(Counter), lambda row: row.name)
