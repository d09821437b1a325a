"""What there is, by product, lot, place and location (S3-1…4), and what happened, in the ledger (S3-31)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.corrections import (
    FiguresView,
    LedgerEntryView,
    LocationStockView,
    LotOrder,
    LotQuality,
    LotView,
)
from gateway.contract.documents import StockPoolView, StockPositionView
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.inbound import LotNo
from gateway.contract.transports import Identifier, Moment
from gateway.contract.wms import Sku
from gateway.kernel.clock import to_datetime, to_micros
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.planning.tasks import missing
from gateway.wes.stock.history import Entry, Place, Wanted, place, trace
from gateway.wes.stock.model import Balance, EventKind, Lot, Pool, Quality
from gateway.wes.stock.views import (
    FIRST,
    LotPlace,
    Lots,
    Position,
    Product,
    find_pool,
    positions_in_holder,
    positions_of_pool,
    stock_at_location,
    stock_by_location,
    stock_by_lot,
    stock_by_sku,
)
from gateway.wes.tracing import find_lots, lot_view

HolderId = Annotated[str, Path(alias="holderId", min_length=1, max_length=64)]
SkuId = Annotated[str, Path(alias="skuId", min_length=1, max_length=64)]
LocationId = Annotated[Identifier, Path(alias="locationId")]


class StockFilter(Paging):
    """Whose stock to list."""

    owner_id: Identifier | None = None


class PositionFilter(StockFilter):
    """Which positions of a product to list.

    Attributes:
        zone: where its containers and places stand.
    """

    lot_no: LotNo | None = None
    zone: str | None = None


class LotFilter(StockFilter):
    """Which lots to list: of a product, of a quality, or both."""

    sku_id: Sku | None = None
    quality: LotQuality | None = None
    order: LotOrder = LotOrder.FIFO


class LedgerFilter(Paging):
    """Which entries to list; what is left out does not matter.

    Attributes:
        document_id: of an act, an order or a work order.
        lot_no: of a product that is named too.
        location_id: where the container or place stands now.
        since, until: times; `until` itself is no longer wanted.
    """

    document_id: Identifier | None = None
    operator: str | None = None
    kind: EventKind | None = None
    sku_id: Sku | None = None
    owner_id: Identifier | None = None
    lot_no: LotNo | None = None
    holder_id: str | None = None
    location_id: Identifier | None = None
    since: Moment | None = None
    until: Moment | None = None


def stock_routes(core: WesCore) -> APIRouter:
    """Return the routes of stock and its ledger under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes stock"], route_class=JsonRoute)
    store, context = core.store, core.context

    async def pool_of(tx: Tx, sku_id: str, owner_id: str | None) -> Pool:
        owner_id = owner_id or context.wes.owner
        pool = await find_pool(tx, context.wes.warehouse_id, owner_id, sku_id)
        if pool is None:
            raise missing("skuId", f"there has never been any {sku_id} of {owner_id}")
        return pool

    async def lot_id_of(tx: Tx, sku_id: str, owner_id: str | None, lot_no: str | None) -> int | None:
        if lot_no is None:
            return None
        return (await find_lots(tx, context, owner_id, sku_id, lot_no))[0].lot_id

    @router.get("/stock", response_model=Page[StockPoolView])
    async def get_stock(which: Annotated[StockFilter, Query()]) -> Response:
        """List stock by product (level 1)."""
        owner_id, after = which.owner_id or context.wes.owner, which.cursor or ""
        found = await store.read(
            lambda tx: stock_by_sku(tx, context.wes.warehouse_id, owner_id, after, which.limit + 1)
        )
        return reply(page_of([_pool(each) for each in found], which.limit, [each.sku for each in found]))

    @router.get("/stock/{skuId}", response_model=Page[StockPositionView])
    async def get_positions(sku_id: SkuId, which: Annotated[PositionFilter, Query()]) -> Response:
        """List where a product is, by lot and place (level 3), perhaps in one zone alone."""
        lot, _, holder = (which.cursor or "0:").partition(":")
        after = (number_cursor(lot) or 0, holder)

        async def job(tx: Tx) -> list[Position]:
            pool = await pool_of(tx, sku_id, which.owner_id)
            lot_id = await lot_id_of(tx, sku_id, which.owner_id, which.lot_no)
            return await positions_of_pool(tx, pool.pool_id, which.zone, after, which.limit + 1, lot_id)

        found = await store.read(job)
        cursors = [f"{each.lot.lot_id}:{each.holder.holder_id}" for each in found]
        return reply(page_of([_position(each) for each in found], which.limit, cursors))

    @router.get("/lots", response_model=Page[LotView])
    async def get_stock_by_lot(which: Annotated[LotFilter, Query()]) -> Response:
        """List lots that are in stock (level 2): of a product, or what waits for a judgement (`quality=pending`)."""
        if which.sku_id is None and which.quality is None:
            text = "say of which product (skuId) or of which quality"
            raise Refusal(RefusalKind.INVALID, FieldError("skuId", "missing", text))

        async def job(tx: Tx) -> list[tuple[LotPlace, str, Lot]]:
            owner_id = which.owner_id or context.wes.owner
            if which.sku_id is not None:
                await pool_of(tx, which.sku_id, owner_id)
            quality = None if which.quality is None else Quality(which.quality)
            wanted = Lots(context.wes.warehouse_id, owner_id, which.sku_id, quality)
            return await stock_by_lot(tx, wanted, which.order, _lot_place(which.cursor), which.limit + 1)

        found = await store.read(job)
        views = [lot_view(sku, lot) for _, sku, lot in found]
        return reply(page_of(views, which.limit, [f"{key}:{lot_id}" for (key, lot_id), _, _ in found]))

    @router.get("/holders/{holderId}/stock", response_model=Page[StockPositionView])
    async def get_stock_of_holder(holder_id: HolderId, which: Annotated[Paging, Query()]) -> Response:
        """List what lies in a container or at a flat place, by lot (level 3)."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: positions_in_holder(tx, holder_id, after, which.limit + 1))
        views = [_position(each) for each in found]
        return reply(page_of(views, which.limit, [each.lot.lot_id for each in found]))

    @router.get("/locations", response_model=Page[LocationStockView])
    async def get_stock_by_location(which: Annotated[Paging, Query()]) -> Response:
        """List what stands where, by product; `limit` counts locations."""
        after = which.cursor or ""
        found = await store.read(
            lambda tx: stock_by_location(tx, context.wes.warehouse_id, after, which.limit)
        )
        full = len({each.location_id for each in found}) == which.limit
        more = found[-1].location_id if full else None
        return reply(Page(items=tuple(_at_location(each) for each in found), next_cursor=more))

    @router.get("/locations/{locationId}/stock", response_model=Page[LocationStockView])
    async def get_stock_at_location(location_id: LocationId) -> Response:
        """List what stands at one location, by product."""
        found = await store.read(lambda tx: stock_at_location(tx, context.wes.warehouse_id, location_id))
        return reply(Page(items=tuple(_at_location(each) for each in found)))

    @router.get("/ledger", response_model=Page[LedgerEntryView])
    async def get_ledger(which: Annotated[LedgerFilter, Query()]) -> Response:
        """List what happened to stock, the oldest first."""
        after = _place_of(which.cursor)

        async def job(tx: Tx) -> Sequence[Entry]:
            pool = None if which.sku_id is None else await pool_of(tx, which.sku_id, which.owner_id)
            if pool is None and which.lot_no is not None:
                text = "a lot's number is one of its product: say which (skuId)"
                raise Refusal(RefusalKind.INVALID, FieldError("lotNo", "noProduct", text))
            wanted = Wanted(
                document_id=which.document_id,
                operator=which.operator,
                kind=which.kind,
                pool_id=None if pool is None else pool.pool_id,
                lot_id=await lot_id_of(tx, which.sku_id or "", which.owner_id, which.lot_no),
                holder_id=which.holder_id,
                location_id=which.location_id,
                since=None if which.since is None else to_micros(which.since),
                until=None if which.until is None else to_micros(which.until),
            )
            return await trace(tx, wanted, after, which.limit + 1)

        found = await store.read(job)
        views = [_entry(each) for each in found]
        return reply(page_of(views, which.limit, [_cursor(each) for each in found]))

    return router


def _lot_place(cursor: str | None) -> LotPlace:
    if cursor is None:
        return FIRST
    key, _, lot_id = cursor.partition(":")
    number = number_cursor(key.removeprefix("-")) or 0
    return -number if key.startswith("-") else number, number_cursor(lot_id) or 0


def _cursor(entry: Entry) -> str:
    at, event_id, line = place(entry)
    return f"{at}:{line}:{event_id}"


def _place_of(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    at, _, rest = cursor.partition(":")
    line, _, event_id = rest.partition(":")
    return number_cursor(at) or 0, event_id, number_cursor(line) or 0


def _pool(pool: Pool) -> StockPoolView:
    return StockPoolView(
        owner_id=pool.owner_id,
        sku_id=pool.sku,
        quantity=pool.balance.quantity,
        reserved=pool.balance.reserved,
        allocated=pool.balance.allocated,
        held=pool.balance.held,
        available=pool.balance.available,
    )


def _position(position: Position) -> StockPositionView:
    return StockPositionView(
        sku_id=position.sku,
        lot_no=position.lot.lot_no,
        quality=position.lot.quality,
        holder_id=position.holder.holder_id,
        location_id=position.holder.location_id,
        quantity=position.balance.quantity,
        allocated=position.balance.allocated,
        held=position.balance.held,
        free=position.free,
    )


def _at_location(product: Product) -> LocationStockView:
    return LocationStockView(
        location_id=product.location_id,
        owner_id=product.owner_id,
        sku_id=product.sku,
        quantity=product.balance.quantity,
        allocated=product.balance.allocated,
        held=product.balance.held,
    )


def _entry(entry: Entry) -> LedgerEntryView:
    return LedgerEntryView(
        event_id=entry.act.event_id,
        line=entry.line,
        at=to_datetime(entry.act.at),
        kind=entry.kind,
        document_kind=entry.act.document_kind,
        document_id=entry.act.document_id,
        operator=entry.act.operator,
        reason=entry.act.reason,
        owner_id=entry.owner_id,
        sku_id=entry.sku,
        lot_no=entry.lot_no,
        holder_id=entry.holder_id,
        change=_figures(entry.change),
        after=None if entry.after is None else _figures(entry.after),
    )


def _figures(balance: Balance) -> FiguresView:
    return FiguresView(
        quantity=balance.quantity,
        reserved=balance.reserved,
        allocated=balance.allocated,
        held=balance.held,
    )
