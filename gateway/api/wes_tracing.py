"""A lot or a unit traced from where it came to whom it went (S2-143, S2-144); gateway/api/wes_corrections.py recalls it."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.inbound import LotNo
from gateway.contract.tracing import LotOrderView, LotTraceView, ShipmentView, UnitMoveView, UnitView
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.planning.tasks import missing
from gateway.wes.tracing import (
    Passing,
    find_lots,
    find_units,
    list_holding,
    list_shipments,
    moves_of_unit,
    trace_lot,
    units_of_lot,
)

Upn = Annotated[str, Path(min_length=1, max_length=200)]


class NamedLot(Paging):
    """Which lot.

    Attributes:
        lot_no: empty for goods without batches.
        owner_id: of the goods; None: the site's own.
    """

    sku_id: Sku
    lot_no: LotNo = ""
    owner_id: Identifier | None = None


class NumberedUnit(Paging):
    """Of which product, if it is known: a number is one of its product alone."""

    sku_id: Sku | None = None
    owner_id: Identifier | None = None


class ProductUnit(Paging):
    """Of which product."""

    sku_id: Sku
    owner_id: Identifier | None = None


def tracing_routes(core: WesCore) -> APIRouter:
    """Return the routes of tracing under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes tracing"], route_class=JsonRoute)
    store, context = core.store, core.context

    async def lot_of(tx: Tx, which: NamedLot) -> int:
        return (await find_lots(tx, context, which.owner_id, which.sku_id, which.lot_no))[0].lot_id

    @router.get("/lots/trace", response_model=LotTraceView)
    async def get_lot_trace(which: Annotated[NamedLot, Query()]) -> Response:
        """Show all of a lot: where it came from, how it was judged, how much is there, how much has left."""
        job = partial(
            trace_lot, context=context, owner_id=which.owner_id, sku=which.sku_id, lot_no=which.lot_no
        )
        return reply(await store.read(job))

    @router.get("/lots/orders", response_model=Page[LotOrderView])
    async def get_orders_of_lot(which: Annotated[NamedLot, Query()]) -> Response:
        """List who has some of a lot that has not left, or is promised some, and where it is; `limit` counts orders."""

        async def job(tx: Tx) -> list[tuple[int, list[LotOrderView]]]:
            after = number_cursor(which.cursor) or 0
            return await list_holding(tx, await lot_of(tx, which), after, which.limit + 1)

        found = await store.read(job)
        more = str(found[which.limit - 1][0]) if len(found) > which.limit else None
        views = tuple(view for _, of_order in found[: which.limit] for view in of_order)
        return reply(Page(items=views, next_cursor=more))

    @router.get("/lots/shipments", response_model=Page[ShipmentView])
    async def get_shipments_of_lot(which: Annotated[NamedLot, Query()]) -> Response:
        """List what of a lot has left, in which packages, to whom; the oldest first, orders of history included."""

        async def job(tx: Tx) -> list[tuple[Passing, ShipmentView]]:
            return await list_shipments(tx, await lot_of(tx, which), _passing(which.cursor), which.limit + 1)

        found = await store.read(job)
        return reply(page_of([view for _, view in found], which.limit, [_cursor(key) for key, _ in found]))

    @router.get("/units", response_model=Page[UnitView])
    async def get_units_of_lot(which: Annotated[NamedLot, Query()]) -> Response:
        """List the units of a lot by their numbers, and where each of them is."""

        async def job(tx: Tx) -> list[UnitView]:
            return await units_of_lot(tx, await lot_of(tx, which), which.cursor or "", which.limit + 1)

        found = await store.read(job)
        return reply(page_of(found, which.limit, [each.upn for each in found]))

    @router.get("/units/{upn}", response_model=Page[UnitView])
    async def get_units(upn: Upn, which: Annotated[NumberedUnit, Query()]) -> Response:
        """List the units of a number: one of each product at most."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(
            lambda tx: find_units(tx, context, upn, which.owner_id, which.sku_id, after, which.limit + 1)
        )
        return reply(page_of([view for _, view in found], which.limit, [pool_id for pool_id, _ in found]))

    @router.get("/units/{upn}/moves", response_model=Page[UnitMoveView])
    async def get_moves_of_unit(upn: Upn, which: Annotated[ProductUnit, Query()]) -> Response:
        """List where a unit has been, the oldest first, and to whom it was shipped."""

        async def job(tx: Tx) -> list[tuple[Passing, UnitMoveView]]:
            owner_id = which.owner_id or context.wes.owner
            units = await find_units(tx, context, upn, owner_id, which.sku_id, 0, 1)
            if not units:
                raise missing("upn", f"there has never been a {which.sku_id} with the number {upn}")
            return await moves_of_unit(tx, units[0][0], upn, _passing(which.cursor), which.limit + 1)

        found = await store.read(job)
        return reply(page_of([view for _, view in found], which.limit, [_cursor(key) for key, _ in found]))

    return router


def _cursor(key: Passing) -> str:
    at, event_id = key
    return f"{at}:{event_id}"


def _passing(cursor: str | None) -> Passing | None:
    if cursor is None:
        return None
    at, _, event_id = cursor.partition(":")
    return number_cursor(at) or 0, event_id
