"""Stock counts over HTTP: ordered, looked at, counted by people, approved. Every act may be sent again under its id."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.acts import ActView
from gateway.contract.counts import (
    AnyCounting,
    ApproveCount,
    ClaimCount,
    CountLine,
    CountLineView,
    CountView,
    EndCount,
    FoundEmpty,
    FoundGoods,
    OrderCount,
    Recount,
    UnclaimCount,
)
from gateway.contract.transports import Identifier
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.counting.acts import do_counting
from gateway.wes.counting.documents import order_count
from gateway.wes.counting.views import WhichLines, count_lines, count_view, list_counts

NEWEST: Final = 2**53

CountId = Annotated[Identifier, Path(alias="countId")]


class CountFilter(Paging):
    """Which counts to list."""

    state: str | None = None


class LineFilter(CountFilter):
    """Which lines of a count to list."""

    holder_id: str | None = None
    claimant: str | None = None


def count_routes(core: WesCore) -> APIRouter:
    """Return the routes of counts: the documents under /v1/wes/counts, the acts under /v1/wes/counting."""
    router = APIRouter(prefix="/v1/wes", tags=["wes counts"], route_class=JsonRoute)
    store, context = core.store, core.context

    async def do(request: AnyCounting) -> Response:
        view = await store.write(partial(do_counting, context=context, request=request))
        core.stir()
        return reply(view)

    @router.post("/counts", response_model=CountView)
    async def order_a_count(request: OrderCount) -> Response:
        """Have stock counted: everything, a zone, locations, products, or what was not counted for days; perhaps a sample of it."""

        async def job(tx: Tx) -> CountView:
            await order_count(tx, context, request)
            return await count_view(tx, request.count_id)

        view = await store.write(job)
        core.stir()
        return reply(view)

    @router.get("/counts", response_model=Page[CountView])
    async def get_counts(which: Annotated[CountFilter, Query()]) -> Response:
        """List counts, the newest first, each with how it goes and what it has found."""
        below = number_cursor(which.cursor) or NEWEST
        found = await store.read(lambda tx: list_counts(tx, below, which.limit + 1, which.state))
        numbers, views = [number for number, _ in found], [view for _, view in found]
        return reply(page_of(views, which.limit, numbers))

    @router.get("/counts/{countId}", response_model=CountView)
    async def get_count(count_id: CountId) -> Response:
        """Show a count: what was ordered, how it goes, and what it has found."""
        return reply(await store.read(partial(count_view, count_no=count_id)))

    @router.get("/counts/{countId}/lines", response_model=Page[CountLineView])
    async def get_count_lines(count_id: CountId, which: Annotated[LineFilter, Query()]) -> Response:
        """List the lines of a count. Of a blind one no figure is shown as long as somebody has to count it."""
        wanted = WhichLines(
            after=number_cursor(which.cursor) or 0,
            state=which.state,
            holder_id=which.holder_id,
            claimant=which.claimant,
        )
        found = await store.read(lambda tx: count_lines(tx, count_id, wanted, which.limit + 1))
        return reply(page_of(found, which.limit, [each.line_id for each in found]))

    @router.post("/counting/claims", response_model=ActView)
    async def claim_lines(request: ClaimCount) -> Response:
        """Take on the next containers or places of a count. `lineIds` are what is to be counted there; none: nothing is left."""
        return await do(request)

    @router.post("/counting/unclaims", response_model=ActView)
    async def unclaim_lines(request: UnclaimCount) -> Response:
        """Let others count what somebody has taken on and not counted."""
        return await do(request)

    @router.post("/counting/results", response_model=ActView)
    async def count_a_line(request: CountLine) -> Response:
        """Tell what was counted of a line. `lineStates`: `agreed`, `again` (somebody else counts it), `differs` (a decision)."""
        return await do(request)

    @router.post("/counting/empties", response_model=ActView)
    async def count_as_empty(request: FoundEmpty) -> Response:
        """Tell that there is nothing in a container or at a place: all its lines are counted with nothing."""
        return await do(request)

    @router.post("/counting/finds", response_model=ActView)
    async def count_found_goods(request: FoundGoods) -> Response:
        """Tell goods that lie where the count has no line for them: the line is made."""
        return await do(request)

    @router.post("/counting/approvals", response_model=ActView)
    async def approve_lines(request: ApproveCount) -> Response:
        """Approve differences: the books follow, with the reason in the ledger."""
        return await do(request)

    @router.post("/counting/recounts", response_model=ActView)
    async def recount_lines(request: Recount) -> Response:
        """Doubt differences: somebody else counts the lines once more."""
        return await do(request)

    @router.post("/counting/ends", response_model=ActView)
    async def end_count(request: EndCount) -> Response:
        """End a count before its time: what is not approved changes nothing."""
        return await do(request)

    return router
