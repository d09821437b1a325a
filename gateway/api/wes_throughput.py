"""How long orders take (S0-45), and how well they are served (S2-150, 151, 153)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import reply
from gateway.contract.throughput import PerformanceView, SpanView, StageSpanView, ThroughputView
from gateway.wes.core import WesCore
from gateway.wes.performance import performance
from gateway.wes.throughput import Span, throughput

HOUR_US: Final = 3_600_000_000
WEEK_H: Final = 168

QUARTER_H: Final = 92 * 24

Hours = Annotated[int, Query(ge=1, le=WEEK_H, description="shipped in so many last hours")]
ManyHours = Annotated[int, Query(ge=1, le=QUARTER_H, description="of so many last hours")]


def throughput_routes(core: WesCore) -> APIRouter:
    """Return the routes of durations under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.get("/throughput", response_model=ThroughputView)
    async def get_throughput(hours: Hours = 24) -> Response:
        """Tell how long shipped orders took, in all and from stage to stage."""
        since = context.clock.now_us() - hours * HOUR_US
        measured = await store.read(lambda tx: throughput(tx, since))
        stages = tuple(
            StageSpanView(
                from_code=before, to_code=after, count=span.count, p50_s=span.p50_s, p95_s=span.p95_s
            )
            for before, after, span in measured.stages
        )
        total = None if measured.total is None else _span(measured.total)
        return reply(ThroughputView(hours=hours, total=total, stages=stages))

    @router.get("/performance", response_model=PerformanceView)
    async def get_performance(hours: ManyHours = 24) -> Response:
        """Tell what was shipped, in time and right, and what was found too much or too little."""
        since = context.clock.now_us() - hours * HOUR_US
        return reply(await store.read(lambda tx: performance(tx, context.wes.warehouse_id, hours, since)))

    return router


def _span(span: Span) -> SpanView:
    return SpanView(count=span.count, p50_s=span.p50_s, p95_s=span.p95_s)
