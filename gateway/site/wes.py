"""The part of a site file that is about its bundled WES core; a site without it runs none."""

import re
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from gateway.contract.transports import Identifier
from gateway.contract.wiring import WiringModel
from gateway.site.codes import CodeRule
from gateway.site.rules import Rule
from gateway.site.zones import Zone


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, such as Asia, is a folder there
        raise ValueError("Name a zone of the IANA database, e.g. Asia/Shanghai") from None
    return name


def _time_of_day(value: object) -> object:
    """Take what a person writes for a time of day; pydantic would take seconds for 3, and a zone of its own behind the time."""
    if isinstance(value, time) or (isinstance(value, str) and re.fullmatch(r"\d\d:\d\d(:\d\d)?", value)):
        return value
    raise ValueError(
        "Write hours and minutes, e.g. 03:00; it is meant in the site's time zone. For never write null"
    )


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]


def _with_sound_port(url: str) -> str:
    if not url.isprintable():
        raise ValueError("Write an address without control characters")
    if (
        urlsplit(url if "://" in url else f"//{url}").port == 0
    ):  # others that are none raise ValueError by themselves
        raise ValueError("Port out of range 0-65535")
    return url


def _with_sound_ports(urls: str) -> str:
    return ",".join(map(_with_sound_port, urls.split(",")))


HttpUrl = Annotated[
    str,
    Field(pattern=r"^https?://[^/\s@]+(/[^\s?#]*)?$", max_length=500),
    AfterValidator(_with_sound_port),
]
BrokerUrl = Annotated[
    str,
    Field(pattern=r"^([a-z]+://)?[^/\s@,]+(,([a-z]+://)?[^/\s@,]+)*(/[^\s?#]*)?$", max_length=500),
    AfterValidator(_with_sound_ports),
]
"""Where a broker is; several servers stand after each other with commas. No credentials in it."""
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$", max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[float, Field(gt=0, le=36_500)]
"""At most a century: what is subtracted from now must be a time."""
LongSeconds = Annotated[float, Field(gt=0, le=3_153_600_000)]
"""At most a century."""


class Sequence(StrEnum):
    """Which of the two comes first (S3-17, S3-18)."""

    WAVE_FIRST = "waveFirst"
    ALLOCATE_FIRST = "allocateFirst"


class Grouping(StrEnum):
    """When the orders of a wave come together (S0-47, S0-48)."""

    STATIC = "static"
    """Before picking: a fixed batch, and a station takes no other's order until its part of the batch is picked."""
    DYNAMIC = "dynamic"
    """On the fly: an order joins as soon as a slot is free for it."""


class WaveLimits(WiringModel):
    """How large a wave may get (S1-62)."""

    orders: PositiveInt = 200
    boxes: PositiveInt = 400
    units: PositiveInt = 10_000


class OrderLimits(WiringModel):
    """How large an order may be; a larger one is refused."""

    lines: PositiveInt = 200
    units: PositiveInt = 100_000


class Timer(WiringModel):
    """Work that is done in rounds (S0-44).

    Attributes:
        period_s: from one round to the next.
        batch: how much one round takes up.
    """

    period_s: PositiveFloat
    batch: PositiveInt


class Timers(WiringModel):
    """The rounds of the WES.

    Attributes:
        reservation: tries again to reserve for orders that were short.
        waves: composes static waves.
        planning: gives waiting work orders totes and slots; `batch` work orders are looked at in one round.
        dispatch: asks the gateway for transports; also at once after whatever may have made one possible.
        replenishment: withdraws what nobody waits for, and fills up places before any order asks, `batch` products in one round.
        rollback: goes on with what is being rolled back.
    """

    reservation: Timer = Timer(period_s=60, batch=100)
    waves: Timer = Timer(period_s=5, batch=1000)
    planning: Timer = Timer(period_s=1, batch=1000)
    dispatch: Timer = Timer(period_s=1, batch=100)
    replenishment: Timer = Timer(period_s=2, batch=100)
    rollback: Timer = Timer(period_s=2, batch=100)


class StationLimits(WiringModel):
    """What a station has before it at a time.

    Attributes:
        queue: containers that may be on their way to it beyond its slots.
        boxes: boxes that are picked into at a station without a put wall.
        units: when so many pieces wait to be picked, it gets no more work; None: no limit.
    """

    queue: Annotated[int, Field(ge=0, le=100)] = 1
    boxes: Annotated[int, Field(ge=1, le=1000)] = 12
    units: PositiveInt | None = None


class BuiltIn(StrEnum):
    """The allocators that the WES brings along."""

    SOLVER = "solver"
    """Plans that need few presentations, computed in a process of its own."""
    GREEDY = "greedy"
    """The baseline: at once, on little equipment."""


class AlgorithmService(WiringModel):
    """An algorithm service of the site's own, over HTTP (docs/allocation.md).

    Attributes:
        timeout_s: for a whole answer.
    """

    url: HttpUrl
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 2


class Allocation(WiringModel):
    """Who decides what is picked from which container at which station.

    Attributes:
        by: the allocator.
        service: is asked before it, if there is one; `by` stands in when it fails.
    """

    by: BuiltIn = BuiltIn.SOLVER
    service: AlgorithmService | None = None


class Relocation(WiringModel):
    """Hot containers move nearer while nobody waits for one (S0-46).

    Attributes:
        hot: how often a container was presented within `days` to count as hot.
        gain_m: how much nearer to a station it must get.
        moves: how many may be under way.
    """

    hot: PositiveInt
    days: Days = 7
    gain_m: PositiveFloat = 5
    moves: PositiveInt = 1


class RollbackStep(StrEnum):
    """What is undone when a container cannot be worked on at its station (S0-32…36)."""

    LEAVE_STATION = "leaveStation"
    """The container leaves, or does not come."""
    ROLL_BACK_TASK = "rollBackTask"
    """What was to be picked from it is taken off."""
    ROLL_BACK_WORK_ORDER = "rollBackWorkOrder"
    """Work orders give that part up."""
    NEW_WORK_ORDER = "newWorkOrder"
    """New ones take it over."""
    RELEASE_ALLOCATION = "releaseAllocation"
    """The stock is free to be allocated again; it stays promised to its orders."""
    CLOSE_STATION = "closeStation"
    """The station takes no more until a person opens it."""


OBLIGATORY: Final = (
    RollbackStep.LEAVE_STATION,
    RollbackStep.ROLL_BACK_TASK,
    RollbackStep.ROLL_BACK_WORK_ORDER,
    RollbackStep.NEW_WORK_ORDER,
    RollbackStep.RELEASE_ALLOCATION,
)
"""Without any of them a container, a work order or stock would be left to nobody."""

_ORDER: Final = (
    (RollbackStep.ROLL_BACK_TASK, RollbackStep.ROLL_BACK_WORK_ORDER),
    (RollbackStep.ROLL_BACK_WORK_ORDER, RollbackStep.NEW_WORK_ORDER),
    (RollbackStep.ROLL_BACK_TASK, RollbackStep.RELEASE_ALLOCATION),
)


def _complete(steps: tuple[RollbackStep, ...]) -> tuple[RollbackStep, ...]:
    if missing := [step.value for step in OBLIGATORY if step not in steps]:
        raise ValueError(f"Add {', '.join(missing)}: something would be left to nobody without")
    if len(set(steps)) < len(steps):
        raise ValueError("Name each step once")
    for earlier, later in _ORDER:
        if steps.index(earlier) > steps.index(later):
            raise ValueError(f"Put {earlier} before {later}, which goes on with what it did")
    return steps


RollbackSteps = Annotated[tuple[RollbackStep, ...], AfterValidator(_complete)]


class HttpUpstream(WiringModel):
    """Upstream as a web server: the paths of S4 are added to `url`.

    Attributes:
        secret_file: holds the secret (`whsec_…`) that deliveries are signed with (Standard Webhooks); None: unsigned.
    """

    url: HttpUrl
    secret_file: Path | None = None


class BrokerKind(StrEnum):
    """Message brokers that can stand between upstream and the WES."""

    NATS = "nats"
    KAFKA = "kafka"
    RABBITMQ = "rabbitmq"
    REDIS = "redis"


SCHEMES: Final[Mapping[BrokerKind, tuple[str, str]]] = {
    BrokerKind.NATS: ("nats", "tls"),
    BrokerKind.KAFKA: ("kafka", "kafkas"),
    BrokerKind.RABBITMQ: ("amqp", "amqps"),
    BrokerKind.REDIS: ("redis", "rediss"),
}
"""What an address begins with: in the clear, where it may be left out for NATS and Kafka, and over TLS."""


class Sasl(StrEnum):
    """How Kafka is shown a password; the names are its own."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class Topics(WiringModel):
    """Names on the broker; `{warehouseId}` is added to that of commands."""

    outbound_command: Topic = "WMS_OUTBOUND_COMMAND"
    outbound_cancel: Topic = "WMS_OUTBOUND_CANCEL"
    status_callback: Topic = "OMS_STATUS_CALLBACK"
    inventory_sync: Topic = "OMS_INVENTORY_SYNC"
    inventory_sync_batch: Topic = "OMS_INVENTORY_SYNC_BATCH"


class BrokerUpstream(WiringModel):
    """Upstream behind a message broker.

    Attributes:
        url: servers with commas between them, each after `nats://`, `kafka://`, `amqp://` or `redis://`; over TLS `tls://`, `kafkas://`,
            `amqps://`, `rediss://`.
        username, password_file: credentials; the password never stands in the site file.
        sasl: Kafka only.
        ca_file: who has signed the broker's certificate; None: somebody whom this machine trusts.
        certificate, private_key: what is shown to a broker that wants its clients' certificates.
        consumer: name under which the broker remembers how far commands were taken.
    """

    kind: BrokerKind
    url: BrokerUrl
    username: str | None = None
    password_file: Path | None = None
    sasl: Sasl = Sasl.PLAIN
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    topics: Topics = Topics()
    consumer: Topic = "wms-outbound-consumer"

    @property
    def schemes(self) -> frozenset[str]:
        """What the addresses of its servers begin with."""
        clear, _ = SCHEMES[self.kind]
        return frozenset(server.rpartition("://")[0] or clear for server in self.url.split(","))

    @property
    def encrypted(self) -> bool:
        """It is spoken to over TLS."""
        _, tls = SCHEMES[self.kind]
        return tls in self.schemes


class StockSync(WiringModel):
    """When upstream is told about stock (S4-18); which product goes by which way is decided by the rules of point `sync`.

    Attributes:
        incremental_s, scheduled_s: from one round to the next.
        full_at: time of day of the full one, in the site's time zone; None: never.
        batch: products in one message of the full one.
    """

    incremental_s: PositiveFloat = 60
    scheduled_s: PositiveFloat = 3600
    full_at: TimeOfDay | None = time(2, 0)
    batch: Annotated[int, Field(ge=1, le=1000)] = 500


class LabelPaper(WiringModel):
    """What labels are printed on (S2-158).

    Attributes:
        width_mm, height_mm: of one label.
        dots_per_mm: of the printer: 8 (203 dpi), 12 (300 dpi) or 24 (600 dpi); bars are whole multiples of a dot.
    """

    width_mm: Annotated[float, Field(ge=40, le=300)] = 100
    height_mm: Annotated[float, Field(ge=30, le=300)] = 70
    dots_per_mm: Literal[6, 8, 12, 24] = 8


class Report(WiringModel):
    """The report that is written every day (S2-157).

    Attributes:
        folder: where to.
        at: time of day, in the site's time zone.
        days: so many last days are told of.
        keep: so many reports; older ones are deleted.
    """

    folder: Path
    at: TimeOfDay = time(4, 0)
    days: Annotated[int, Field(ge=1, le=92)] = 7
    keep: Annotated[int, Field(ge=1, le=1000)] = 60


class Upstream(WiringModel):
    """Who sends orders and wants to hear of them: over HTTP, or by a broker; commands are taken over HTTP in any case.

    Attributes:
        keep_replies_s: how long the answer under an Idempotency-Key is repeated.
    """

    http: HttpUpstream | None = None
    broker: BrokerUpstream | None = None
    keep_replies_s: LongSeconds = 86_400
    sync: StockSync = StockSync()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.http is not None and self.broker is not None:
            raise ValueError("Name `http` or `broker`: upstream is told one way")
        return self


class Lateness(WiringModel):
    """When an order is late (S4-38, S4-40).

    Attributes:
        begin_s: picking has not begun so long after the order came.
        margin_s: it has not left so long before its deadline.
    """

    begin_s: LongSeconds = 14_400
    margin_s: Annotated[float, Field(ge=0, le=31_536_000)] = 0


class Monitors(WiringModel):
    """When to raise an alarm about the exchange with upstream (S4-48…54), and about what it waits for (S4-38)."""

    period_s: PositiveFloat = 60
    command_success_min: Share = 0.99
    stock_delay_s: PositiveFloat = 5
    callback_delay_s: PositiveFloat = 10
    backlog: PositiveInt = 1000
    last_sync_s: PositiveFloat = 300
    callback_failures_max: Share = 0.01
    late_orders: Annotated[int, Field(ge=0)] = 0


class StockLimits(WiringModel):
    """When stock is an alarm (S2-108, S2-156). Less than a product's safety stock always is.

    Attributes:
        near_expiry_days: goods that expire within so many days; None: none.
        overtaken_days: a lot of which something is free so many days after a younger one was picked; None: none.
        slow_days: goods of which nothing has come or left for so many days; None: none.
    """

    near_expiry_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    overtaken_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    slow_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class Cycle(WiringModel):
    """Which places are counted every day by themselves (S2-80, S2-100).

    Attributes:
        at: time of day at which the day's count is ordered, in the site's time zone.
        by: attribute of products by which they are told apart.
        days: by its value: after so many days goods are counted again.
        otherwise_days: goods of all other products.
        places: containers and places of one day at most; those that have waited longest go first.
        blind: who counts sees no figure of the books.
    """

    at: TimeOfDay = time(5, 0)
    by: Annotated[str, Field(min_length=1, max_length=100)] = "abc"
    days: Mapping[str, Annotated[int, Field(ge=1, le=36_500)]] = {}
    otherwise_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    places: Annotated[int, Field(ge=1, le=1000)] = 100
    blind: bool = True


class Counting(WiringModel):
    """How stock is counted, and when what is found is an alarm, as shares of the pieces in the books (S2-92, S2-93).

    Attributes:
        containers: out of storage that may be under way to stations or stand there to be counted; 0: people go to all of them.
        loss: of one line: so much of it is missing.
        difference: of one count: so much of what was counted is too much or missing.
        cycle: None: nothing is counted that nobody has ordered.
    """

    containers: Annotated[int, Field(ge=0, le=1000)] = 4
    loss: Share = 0.05
    difference: Share = 0.005
    cycle: Cycle | None = None


class Wes(WiringModel):
    """The bundled WES core.

    Attributes:
        warehouse_id: what upstream calls this warehouse.
        owner: of goods whose owner upstream does not name.
        timezone: for days, numbers of documents and the time of the full stock sync.
        verify_at: time of day at which stock and documents are verified, in the site's time zone; None: never.
        keep_days: how long ended orders are kept before they go to history (S1-9).
        relocation: None: containers move only for work.
        rollback: what is undone, in this order, when a container cannot be worked on at its station.
        report: None: none is written by schedule.
        codes: what codes look like, kind by kind; of a kind without a rule any code will do.
        zones: what the zones of racks and locations are for; one that is not named takes whatever has no zone of its own.
        rules: see gateway/site/rules.py.
    """

    warehouse_id: Identifier
    owner: Identifier = "default"
    timezone: ZoneName = "UTC"
    sequence: Sequence = Sequence.WAVE_FIRST
    grouping: Grouping = Grouping.DYNAMIC
    waves: WaveLimits = WaveLimits()
    allocation: Allocation = Allocation()
    stations: StationLimits = StationLimits()
    stock: StockLimits = StockLimits()
    relocation: Relocation | None = None
    rollback: RollbackSteps = OBLIGATORY
    orders: OrderLimits = OrderLimits()
    timers: Timers = Timers()
    verify_at: TimeOfDay | None = time(3, 0)
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    upstream: Upstream = Upstream()
    lateness: Lateness = Lateness()
    monitors: Monitors = Monitors()
    counting: Counting = Counting()
    labels: LabelPaper = LabelPaper()
    report: Report | None = None
    codes: Annotated[tuple[CodeRule, ...], Field(max_length=100)] = ()
    zones: Annotated[tuple[Zone, ...], Field(max_length=1000)] = ()
    rules: tuple[Rule, ...] = ()
