"""The part of a site file that is about its bundled WES core; a site without it runs none."""

from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from gateway.contract.transports import Identifier
from gateway.contract.wiring import WiringModel
from gateway.site.rules import Rule


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("Name a zone of the IANA database, e.g. Asia/Shanghai") from None
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^/\s@]+(/[^\s?#]*)?$", max_length=500)]
BrokerUrl = Annotated[
    str, Field(pattern=r"^([a-z]+://)?[^/\s@,]+(,([a-z]+://)?[^/\s@,]+)*(/[^\s?#]*)?$", max_length=500)
]
"""Where a broker is; several servers stand after each other with commas. No credentials in it."""
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]+$", max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]


class Sequence(StrEnum):
    """Which of the two comes first (S3-17, S3-18)."""

    WAVE_FIRST = "waveFirst"
    ALLOCATE_FIRST = "allocateFirst"


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
    """

    reservation: Timer = Timer(period_s=60, batch=100)


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
        consumer: name under which the broker remembers how far commands were taken.
        password_file: holds the password of `username`.
    """

    kind: BrokerKind
    url: BrokerUrl
    username: str | None = None
    password_file: Path | None = None
    topics: Topics = Topics()
    consumer: Topic = "wms-outbound-consumer"


class StockSync(WiringModel):
    """When upstream is told about stock (S4-18); which product goes by which way is decided by the rules of point `sync`.

    Attributes:
        incremental_s, scheduled_s: from one round to the next.
        full_at: time of day of the full one, in the site's time zone; None: never.
        batch: products in one message of the full one.
    """

    incremental_s: PositiveFloat = 60
    scheduled_s: PositiveFloat = 3600
    full_at: time | None = time(2, 0)
    batch: Annotated[int, Field(ge=1, le=1000)] = 500


class Upstream(WiringModel):
    """Who sends orders and wants to hear of them: over HTTP, or by a broker; commands are taken over HTTP in any case."""

    http: HttpUpstream | None = None
    broker: BrokerUpstream | None = None
    sync: StockSync = StockSync()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.http is not None and self.broker is not None:
            raise ValueError("Name `http` or `broker`: upstream is told one way")
        return self


class Monitors(WiringModel):
    """When to raise an alarm about the exchange with upstream (S4-48…54)."""

    period_s: PositiveFloat = 60
    command_success_min: Share = 0.99
    stock_delay_s: PositiveFloat = 5
    callback_delay_s: PositiveFloat = 10
    backlog: PositiveInt = 1000
    last_sync_s: PositiveFloat = 300
    callback_failures_max: Share = 0.01


class Wes(WiringModel):
    """The bundled WES core.

    Attributes:
        warehouse_id: what upstream calls this warehouse.
        owner: of goods whose owner upstream does not name.
        timezone: for days, numbers of documents and the time of the full stock sync.
        keep_days: how long ended orders are kept before they go to history (S1-9).
        rules: see gateway/site/rules.py.
    """

    warehouse_id: Identifier
    owner: Identifier = "default"
    timezone: ZoneName = "UTC"
    sequence: Sequence = Sequence.WAVE_FIRST
    waves: WaveLimits = WaveLimits()
    orders: OrderLimits = OrderLimits()
    timers: Timers = Timers()
    keep_days: PositiveInt = 90
    upstream: Upstream = Upstream()
    monitors: Monitors = Monitors()
    rules: tuple[Rule, ...] = ()
