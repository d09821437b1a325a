"""Goods that are on their way, over HTTP: what is to come, and what never will."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.acts import ActView
from gateway.contract.arrivals import CompleteArrival, ExpectedArrivalView, InspectionView
from gateway.contract.transports import Identifier
from gateway.wes.arrivals.documents import complete_arrival
from gateway.wes.arrivals.inspections import list_inspections
from gateway.wes.arrivals.views import list_arrivals, show_arrival
from gateway.wes.core import WesCore

NEWEST: Final = 2**53

NoticeNo = Annotated[Identifier, Path(alias="noticeNo")]


class ArrivalFilter(Paging):
    """Which announced goods to list.

    Attributes:
        open: only those of which something is still to come.
    """

    open: bool = False


def arrival_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/arrivals."""
    router = APIRouter(prefix="/v1/wes/arrivals", tags=["wes inbound"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.get("", response_model=Page[ExpectedArrivalView])
    async def get_arrivals(which: Annotated[ArrivalFilter, Query()]) -> Response:
        """List announced goods, the newest first: what has come of them, and what still lacks, in words and by line."""
        below = number_cursor(which.cursor) or NEWEST
        found = await store.read(lambda tx: list_arrivals(tx, which.open, below, which.limit + 1))
        numbers, views = [number for number, _ in found], [view for _, view in found]
        return reply(page_of(views, which.limit, numbers))

    @router.post("/completions", response_model=ActView)
    async def complete_an_arrival(request: CompleteArrival) -> Response:
        """Say that nothing more of announced goods comes, and why; upstream is told."""
        view = await store.write(partial(complete_arrival, context=context, request=request))
        core.stir()
        return reply(view)

    @router.get("/{noticeNo}", response_model=ExpectedArrivalView)
    async def get_arrival(notice_no: NoticeNo) -> Response:
        """Show announced goods."""
        return reply(await store.read(lambda tx: show_arrival(tx, notice_no)))

    @router.get("/{noticeNo}/inspections", response_model=Page[InspectionView])
    async def get_inspections(notice_no: NoticeNo, which: Annotated[Paging, Query()]) -> Response:
        """List the lots that came with announced goods: what waits for an inspection, and how the others were judged."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: list_inspections(tx, notice_no, after, which.limit + 1))
        return reply(page_of([view for _, view in found], which.limit, [number for number, _ in found]))

    return router
