"""Where goods may be put on foot, and what lies where it does not belong, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from gateway.api.body import JsonRoute
from gateway.api.replies import LIMIT_MAX, Page, Paging, reply
from gateway.contract.inbound import LotNo
from gateway.contract.model import WireModel
from gateway.contract.places import MisplacedView, PlaceView
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.planning.misplaced import find_misplaced
from gateway.wes.planning.places import Proposal, is_shelf, propose
from gateway.wes.planning.tasks import missing
from gateway.wes.tracing import find_lots


class PlaceFilter(WireModel):
    """For which goods a place is looked for.

    Attributes:
        near: a location; the nearest to it go first.
    """

    sku_id: Sku
    lot_no: LotNo = ""
    owner_id: Identifier | None = None
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    near: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 5


def place_routes(core: WesCore) -> APIRouter:
    """Return the routes of places under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes stock"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.get("/places", response_model=Page[PlaceView])
    async def get_places(which: Annotated[PlaceFilter, Query()]) -> Response:
        """List flat places where goods of a lot may be put, the best first: where it lies, its product, empty ones, the nearest."""
        if which.near is not None and which.near not in context.layout.places:
            raise missing("near", f"no location {which.near}")

        async def job(tx: Tx) -> list[Proposal]:
            lot = (await find_lots(tx, context, which.owner_id, which.sku_id, which.lot_no))[0]
            wanted, near = which.quantity, which.near
            return await propose(tx, context, lot.lot_id, is_shelf, which.limit, wanted, near)

        views = tuple(
            PlaceView(location_id=x.place.location_id, zone=x.place.zone, fit=x.fit, distance_m=x.distance)
            for x in await store.read(job)
        )
        return reply(Page(items=views))

    @router.get("/misplaced", response_model=Page[MisplacedView])
    async def get_misplaced(which: Annotated[Paging, Query()]) -> Response:
        """List containers and flat places whose goods do not belong where they are; containers go to where they do by themselves.

        `limit` counts what is looked at, so a page may have fewer.
        """
        limit = min(which.limit, LIMIT_MAX)
        page = await store.read(lambda tx: find_misplaced(tx, context, which.cursor or "", limit))
        views = tuple(
            MisplacedView(holder_id=x.holder_id, kind=x.kind.value, location_id=x.location_id, why=x.why)
            for x in page.found
        )
        return reply(Page(items=views, next_cursor=page.last))

    return router
