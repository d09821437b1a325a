"""Stations, people and packages over HTTP: what pages show, and the acts of people (S0-37…40)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.api.streams import SSE, STILL_HERE, Streams, until
from gateway.contract.acts import ActView, StationAct
from gateway.contract.documents import (
    OrderDetails,
    OrderSummary,
    PackageView,
    WaveView,
    WorkView,
)
from gateway.contract.stations import (
    BlackBoxArrival,
    CloseRequest,
    OpenRequest,
    PresentationView,
    PutBackView,
    ReplenishmentView,
    StationView,
)
from gateway.contract.transports import Identifier, Operator
from gateway.kernel.news import News
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.core import WesCore
from gateway.wes.counting.views import lines_at_station
from gateway.wes.floor.acts import perform
from gateway.wes.floor.claims import arrive
from gateway.wes.floor.views import (
    list_claimed,
    list_orders,
    list_packages,
    list_presentations,
    list_put_backs,
    list_replenishments,
    list_stations,
    list_waves,
    list_works,
    station_view,
    work_view,
)
from gateway.wes.order_details import order_details, orders_numbered
from gateway.wes.planning.stations import close_station, open_station
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.transfers.views import tasks_at_station

T = TypeVar("T")

NUMBER_MAX: Final = 2**53 - 1
LOOK_S: Final = 0.1
"""A stream of a station shows what was committed in this time at once."""
QUIET_S: Final = 5.0
"""Some things come by time alone: a hand without a button is a question only after a while."""
STREAMS_MAX: Final = 50
CLAIMS_MAX: Final = 50
"""Work orders with their tasks on one page: more than a person carries."""

OrderId = Annotated[int, Path(alias="orderId", ge=1, le=NUMBER_MAX)]
StationId = Annotated[Identifier, Path(alias="stationId")]
WorkId = Annotated[int, Path(alias="workId", ge=1, le=NUMBER_MAX)]


class CodeFilter(Paging):
    """Which documents to list, by their status code."""

    status_code: Code | None = None


class OrderFilter(CodeFilter):
    """Which orders to list."""

    order_no: Identifier | None = None


class WorkFilter(CodeFilter):
    """Which work orders to list."""

    mode: str | None = None


class ClaimFilter(Paging):
    """Whose work to list."""

    limit: Annotated[int, Field(ge=1, le=CLAIMS_MAX, description="how many items at most")] = CLAIMS_MAX
    claimant: Operator


class PackageFilter(CodeFilter):
    """Which packages to list."""

    order_no: str | None = None


class PresentationFilter(Paging):
    """Which presentations to list."""

    state: str | None = None


def floor_routes(core: WesCore, closing: asyncio.Event) -> APIRouter:
    """Return the routes of stations and work under /v1/wes; their streams end when `closing` is set."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)
    store, context = core.store, core.context
    streams = Streams(STREAMS_MAX)

    async def show(station_id: str) -> StationView:
        async def job(tx: Tx) -> StationView:
            view = await station_view(tx, context, station_id)
            counts = tuple(await lines_at_station(tx, station_id))
            transfers = tuple(await tasks_at_station(tx, context, station_id))
            return view.model_copy(update={"counts": counts, "transfers": transfers})

        return await store.read(job)

    # ── stations and acts ─────────────────────────────────────────────────────────────────────────────

    @router.get("/stations", response_model=Page[StationView])
    async def get_stations() -> Response:
        """List the stations; what one has to do is shown with the station alone."""
        views = await store.read(partial(list_stations, context=context))
        return reply(Page[StationView](items=tuple(views)))

    @router.get("/stations/{stationId}", response_model=StationView)
    async def get_station(station_id: StationId) -> Response:
        """Show a station: what stands there, what is to be done with it, its boxes, and its questions."""
        return reply(await show(station_id))

    @router.get("/stations/{stationId}/stream", response_class=StreamingResponse, responses=SSE)
    async def stream_station(request: Request, station_id: StationId) -> Response:
        """Stream a station as it changes (server-sent events): the whole of it, each time."""
        await show(station_id)
        return streams.answer(request, _changes(core.news, closing, partial(show, station_id)))

    @router.post("/stations/{stationId}/open", response_model=StationView)
    async def open_a_station(station_id: StationId, request: OpenRequest) -> Response:
        """Let a station take work, and note who works there."""
        await show(station_id)
        await store.write(lambda tx: open_station(tx, station_id, request.operator))
        core.stir()
        return reply(await show(station_id))

    @router.post("/stations/{stationId}/close", response_model=StationView)
    async def close_a_station(station_id: StationId, request: CloseRequest) -> Response:
        """Let a station take no more: what stands there or is on its way is rolled back, and done elsewhere."""
        await show(station_id)
        await store.write(lambda tx: close_station(tx, station_id, request.reason, request.operator))
        core.stir()
        return reply(await show(station_id))

    @router.post("/acts", response_model=ActView)
    async def act(request: Annotated[StationAct, Body()]) -> Response:
        """Do something at a station, on foot or at a table. The same act again is answered as before (`again`)."""
        view = await store.write(partial(perform, context=context, act=request))
        core.stir()
        return reply(view)

    @router.post("/containers/{containerId}/arrival", response_model=PresentationView)
    async def black_box_arrival(
        container_id: Annotated[Identifier, Path(alias="containerId")], request: BlackBoxArrival
    ) -> Response:
        """Tell which container the gateway's side chose, that it stands at a station, and what comes out of it."""

        async def job(tx: Tx) -> PresentationView:
            number = await arrive(
                tx, context, container_id, request.station_id, request.location_id, request.parts
            )
            return (await list_presentations(tx, number + 1, 1, None))[0]

        try:
            view = await store.write(job)
        except StockRefused as refused:
            raise conflict("parts", "stock", str(refused)) from refused
        core.stir()
        return reply(view)

    # ── documents ─────────────────────────────────────────────────────────────────────────────────────

    @router.get("/orders", response_model=Page[OrderSummary])
    async def get_orders(which: Annotated[OrderFilter, Query()]) -> Response:
        """List orders, the newest first, with why they wait; by their number also those that have gone to history."""
        below, limit, code = _below(which), which.limit + 1, which.status_code

        async def job(tx: Tx) -> list[OrderSummary]:
            if which.order_no is None:
                return await list_orders(tx, below, limit, code)
            return await orders_numbered(tx, which.order_no, below, limit, code)

        found = await store.read(job)
        return reply(page_of(found, which.limit, [each.order_id for each in found]))

    @router.get("/orders/{orderId}", response_model=OrderDetails)
    async def get_order(order_id: OrderId) -> Response:
        """Show an order with all that belongs to it, also one that has gone to history.

        Its lines, work orders and packages, what it waits for, and when it came to each status.
        """
        return reply(await store.read(partial(order_details, context=context, order_id=order_id)))

    @router.get("/works", response_model=Page[WorkView])
    async def get_works(which: Annotated[WorkFilter, Query()]) -> Response:
        """List work orders, the newest first."""
        found = await store.read(
            lambda tx: list_works(tx, _below(which), which.limit + 1, which.status_code, which.mode)
        )
        return reply(page_of(found, which.limit, [each.work_id for each in found]))

    @router.get("/works/{workId}", response_model=WorkView)
    async def get_work(work_id: WorkId) -> Response:
        """Show a work order with what is to be picked for it, and from where."""
        return reply(await store.read(partial(work_view, context=context, work_id=work_id)))

    @router.get("/claims", response_model=Page[WorkView])
    async def get_claims(which: Annotated[ClaimFilter, Query()]) -> Response:
        """List the work orders that a person on foot has taken on (`claim`) and not sealed, with what is to be picked for them."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: list_claimed(tx, context, which.claimant, after, which.limit + 1))
        return reply(page_of(found, which.limit, [each.work_id for each in found]))

    @router.get("/packages", response_model=Page[PackageView])
    async def get_packages(which: Annotated[PackageFilter, Query()]) -> Response:
        """List packages with what is in them, the newest first."""
        found = await store.read(
            lambda tx: list_packages(tx, _below(which), which.limit + 1, which.status_code, which.order_no)
        )
        return reply(page_of(found, which.limit, [each.package_id for each in found]))

    @router.get("/put-backs", response_model=Page[PutBackView])
    async def get_put_backs(which: Annotated[Paging, Query()]) -> Response:
        """List goods of cancelled orders that somebody has to bring back, the oldest first."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: list_put_backs(tx, after, which.limit + 1))
        return reply(page_of(found, which.limit, [each.put_back_id for each in found]))

    @router.get("/replenishments", response_model=Page[ReplenishmentView])
    async def get_replenishments(which: Annotated[Paging, Query()]) -> Response:
        """List goods that are to be moved from the reserve to where they are picked, the oldest first."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: list_replenishments(tx, context, after, which.limit + 1))
        return reply(page_of(found, which.limit, [each.replenishment_id for each in found]))

    @router.get("/presentations", response_model=Page[PresentationView])
    async def get_presentations(which: Annotated[PresentationFilter, Query()]) -> Response:
        """List containers that are brought somewhere, the newest first."""
        found = await store.read(
            lambda tx: list_presentations(tx, _below(which), which.limit + 1, which.state)
        )
        return reply(page_of(found, which.limit, [each.presentation_id for each in found]))

    @router.get("/waves", response_model=Page[WaveView])
    async def get_waves(which: Annotated[Paging, Query()]) -> Response:
        """List waves, the newest first."""
        found = await store.read(lambda tx: list_waves(tx, _below(which), which.limit + 1))
        return reply(page_of(found, which.limit, [each.wave_id for each in found]))

    return router


async def _changes(
    news: News, closing: asyncio.Event, show: Callable[[], Awaitable[StationView]]
) -> AsyncGenerator[str]:
    now = asyncio.get_running_loop().time
    shown, silent_until = "", now() + QUIET_S
    while not closing.is_set():
        seen = news.seq
        view = (await show()).model_dump_json(by_alias=True)
        if view != shown:
            yield f"event: station\ndata: {view}\n\n"
            shown, silent_until = view, now() + QUIET_S
        elif now() >= silent_until:
            yield STILL_HERE
            silent_until = now() + QUIET_S
        if await until(news.beyond(seen), closing, silent_until - now()):
            await asyncio.sleep(LOOK_S)


def _below(which: Paging) -> int:
    return number_cursor(which.cursor) or NUMBER_MAX + 1
