"""Goods that come in, over HTTP: received, put away, brought to storage. Every act may be sent again under its id."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.acts import ActView
from gateway.contract.inbound import PutAway, Receive, Store
from gateway.contract.returns import ReceiveReturn, ReturnView
from gateway.wes.core import WesCore
from gateway.wes.inbound import put_where_it_stays, store_container, take_in
from gateway.wes.returns import list_returns, take_back

NEWEST: Final = 2**53


def inbound_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/inbound."""
    router = APIRouter(prefix="/v1/wes/inbound", tags=["wes inbound"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.post("/receipts", response_model=ActView)
    async def receive_goods(request: Receive) -> Response:
        """Receive goods into the receiving area or into a container. They can be promised at once.

        `noticeNo`: they were announced; upstream is told what has come of it.
        """
        view = await store.write(partial(take_in, context=context, request=request))
        core.stir()
        return reply(view)

    @router.post("/putaways", response_model=ActView)
    async def put_goods_away(request: PutAway) -> Response:
        """Put goods of the receiving area into a container (grouping), or to a flat place."""
        return reply(await store.write(partial(put_where_it_stays, context=context, request=request)))

    @router.post("/storages", response_model=ActView)
    async def store_a_container(request: Store) -> Response:
        """Have a container brought to storage. Where to is the answer's `destination`."""
        return reply(await store.write(partial(store_container, context=context, request=request)))

    @router.post("/returns", response_model=ActView)
    async def receive_return(request: ReceiveReturn) -> Response:
        """Receive goods that have come back, with what the dock makes of them; upstream is told. `returnNo` names the return."""
        view = await store.write(partial(take_back, context=context, request=request))
        core.stir()
        return reply(view)

    @router.get("/returns", response_model=Page[ReturnView])
    async def get_returns(paging: Annotated[Paging, Query()]) -> Response:
        """List returns, the newest first: what was announced, and what has come of it."""
        below = number_cursor(paging.cursor) or NEWEST
        found = await store.read(lambda tx: list_returns(tx, below, paging.limit + 1))
        numbers, views = [number for number, _ in found], [view for _, view in found]
        return reply(page_of(views, paging.limit, numbers))

    return router
