"""Orders at their stages, how long they take, and how well they are served (contract v1, /v1/wes): codes after S1, seconds."""

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


class PerformanceView(WireModel):
    """How well the warehouse has worked in the last hours (S2-150, 151, 153). Shares are from 0 to 1; none of nothing.

    Attributes:
        due: shipped orders that have a deadline.
        in_time: of these, shipped before it.
        differing: shipped orders of which a review had found a package wrong.
        gained, lost: pieces that were found, and that were missing.
        quantity: pieces in stock now.
        fulfilment: `inTime` of `due`.
        accuracy: shipped orders but `differing`, of those shipped.
        shrinkage: `lost` less `gained`, of `quantity`.
    """

    hours: int
    shipped: int
    due: int
    in_time: int
    differing: int
    gained: int
    lost: int
    quantity: int
    fulfilment: float | None
    accuracy: float | None
    shrinkage: float | None
