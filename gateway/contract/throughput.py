"""When an order came to its stages, and how long orders take (contract v1, /v1/wes): status codes after S1, seconds."""

from datetime import datetime

from gateway.contract.model import WireModel


class StageView(WireModel):
    """An order came to a status.

    Attributes:
        operator: whose act that was; `wes` for nobody's in particular.
    """

    status_code: int
    status: str
    at: datetime
    operator: str


class SpanView(WireModel):
    """How long something took: half of them no longer than `p50S`, 95 of 100 no longer than `p95S`."""

    count: int
    p50_s: float
    p95_s: float


class StageSpanView(SpanView):
    """From one status to the next."""

    from_code: int
    to_code: int


class ThroughputView(WireModel):
    """How long the orders took that were shipped in the last hours.

    Attributes:
        total: from issue to shipment; None: none was shipped.
    """

    hours: int
    total: SpanView | None
    stages: tuple[StageSpanView, ...]
