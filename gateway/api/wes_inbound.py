"""Goods that come in, over HTTP: received, put away, brought to storage. Every act may be sent again under its id."""

from functools import partial

from fastapi import APIRouter, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import reply
from gateway.contract.acts import ActView
from gateway.contract.inbound import PutAway, Receive, Store
from gateway.wes.core import WesCore
from gateway.wes.inbound import put_where_it_stays, store_container, take_in


def inbound_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/inbound."""
    router = APIRouter(prefix="/v1/wes/inbound", tags=["wes inbound"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.post("/receipts", response_model=ActView)
    async def receive_goods(request: Receive) -> Response:
        """Receive goods into the receiving area or into a container. They can be promised at once."""
        return reply(await store.write(partial(take_in, context=context, request=request)))

    @router.post("/putaways", response_model=ActView)
    async def put_goods_away(request: PutAway) -> Response:
        """Put goods of the receiving area into a container (grouping), or to a flat place."""
        return reply(await store.write(partial(put_where_it_stays, context=context, request=request)))

    @router.post("/storages", response_model=ActView)
    async def store_a_container(request: Store) -> Response:
        """Have a container brought to storage. Where to is the answer's `destination`."""
        return reply(await store.write(partial(store_container, context=context, request=request)))

    return router
