"""The interface to an order management system under /api/wms, in its own shape (S4-40…46)."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, JsonValue
from starlette.exceptions import HTTPException

from gateway.api.body import JsonRequest
from gateway.api.problems import Rejected
from gateway.api.replies import Cursor, Limit, number_cursor
from gateway.contract.arrivals import CancelNotice, InboundNotice, InboundNoticeView
from gateway.contract.faults import FieldError, Refusal
from gateway.contract.misfits import camel, field_error
from gateway.contract.model import WireModel
from gateway.contract.problems import Reason
from gateway.contract.transports import Identifier
from gateway.contract.wms import (
    AcceptedView,
    CallbackRequest,
    CancelCommand,
    CancelledView,
    InventoryPage,
    InventoryView,
    OrderView,
    OutboundCommand,
    ProductSync,
    ProductSyncView,
    Result,
    ResultCode,
    ReturnNotice,
    ReturnNoticeView,
    Sku,
    SyncRequest,
)
from gateway.kernel.ports import StoreBroken, StoreFull, Tx
from gateway.wes.arrivals.documents import announce_goods, cancel_notice
from gateway.wes.core import WesCore
from gateway.wes.floor.cancel import cancel
from gateway.wes.orders.catalogue import sync_products
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.replies import StoredReply, find_reply, keep_reply
from gateway.wes.outbox import repeat_callback
from gateway.wes.returns import announce
from gateway.wes.upstream.sync import sync_full, sync_named
from gateway.wes.upstream.views import inventory_page, inventory_view, order_view

log = structlog.get_logger()

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]

_STATUS: Final[dict[ResultCode, int]] = {
    ResultCode.SUCCESS: HTTPStatus.OK,
    ResultCode.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ResultCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ResultCode.CONFLICT: HTTPStatus.CONFLICT,
    ResultCode.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ResultCode.TOO_LATE: HTTPStatus.CONFLICT,
    ResultCode.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}


def _inlined(value: JsonValue, parts: Mapping[str, JsonValue]) -> JsonValue:
    """Return a schema that stands alone, with every part where it is named."""
    match value:
        case list():
            return [_inlined(each, parts) for each in value]
        case {"$ref": str(name)}:
            return _inlined(parts[name.rpartition("/")[2]], parts)
        case dict():
            return {key: _inlined(each, parts) for key, each in value.items() if key != "$defs"}
        case _:
            return value


def _command_schema() -> JsonValue:
    schema = OutboundCommand.model_json_schema()
    return _inlined(schema, schema["$defs"])


_COMMAND_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _command_schema()}}}
}
"""The body is read by hand, so that everything that is wrong with it can be told at once."""


class WmsRoute(APIRoute):
    """A route whose refusals have this interface's shape too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of one request."""
        handle = super().get_route_handler()

        async def handle_in_shape(request: Request) -> Response:
            try:
                return await handle(JsonRequest(request.scope, request.receive))
            except Declined as declined:
                return _declined(declined.code, *declined.reasons)
            except RequestValidationError as error:
                reasons = [field_error(each, each["loc"][1:]) for each in error.errors()]
                return _declined(ResultCode.INVALID, *reasons)
            except Rejected as rejected:
                return _declined(ResultCode.INVALID, rejected.reason, status=rejected.status_code)
            except HTTPException as error:
                code = camel(HTTPStatus(error.status_code).name)
                return _declined(
                    ResultCode.INVALID, FieldError("", code, error.detail), status=error.status_code
                )
            except Refusal as refusal:
                return _declined(ResultCode.INVALID, *refusal.reasons)
            except StoreFull as error:
                return _declined(ResultCode.BUSY, FieldError("", "storage", f"nothing was stored: {error}"))
            except StoreBroken as error:
                text = f"the storage does not work, ask the same again once it does: {error}"
                return _declined(ResultCode.BUSY, FieldError("", "storage", text))

        return handle_in_shape


class Empty(WireModel):
    """There is nothing to tell."""


class StockQuestion(WireModel):
    """Whose stock of what."""

    warehouse_id: Identifier
    sku_id: Sku
    owner_id: Identifier | None = None


class WarehouseQuestion(WireModel):
    """Which part of a warehouse's stock."""

    warehouse_id: Identifier
    limit: Limit = 100
    cursor: Cursor | None = None


class OrderQuestion(WireModel):
    """Which order."""

    order_no: Identifier


def wms_routes(core: WesCore) -> APIRouter:
    """Return the routes under /api/wms."""
    router = APIRouter(
        prefix="/api/wms",
        tags=["wms"],
        route_class=WmsRoute,
        responses={"default": {"model": Result[Empty], "description": "Declined, with reasons"}},
    )
    store, context = core.store, core.context
    under_way: dict[str, str] = {}  # the keys of requests that are not answered yet, with what they ask for

    async def once(
        request: Request, key: str | None, act: Callable[[], Awaitable[BaseModel | None]]
    ) -> Response:
        """Act, or repeat the answer that was given under this key."""
        if key is None:
            return _done(await act())
        digest = sha256(request.url.path.encode() + b"\n" + await request.body()).hexdigest()
        if under_way.setdefault(key, digest) != digest:
            raise _reused()
        try:
            return await answer_under(key, digest, act)
        finally:
            under_way.pop(key, None)

    async def answer_under(key: str, digest: str, act: Callable[[], Awaitable[BaseModel | None]]) -> Response:
        known = await store.read(lambda tx: find_reply(tx, key, context.clock.now_us()))
        if known is None:
            answer = _done(await act())
            reply = StoredReply(digest, answer.status_code, bytes(answer.body).decode())
            now, keep_s = context.clock.now_us(), context.wes.upstream.keep_replies_s
            with suppress(
                StoreFull
            ):  # it has been done; the same request again is done again, and answered as before
                await store.write(lambda tx: keep_reply(tx, key, reply, now, keep_s))
            return answer
        if known.digest != digest:
            raise _reused()
        return Response(known.body, known.status, media_type="application/json")

    @router.post("/outbound/command", response_model=Result[AcceptedView], openapi_extra=_COMMAND_BODY)
    async def send_outbound_command(request: Request, key: Key = None) -> Response:
        """Goods are to go out. The same command may be sent again: it happens once and is answered as before."""
        raw = await request.json()
        return await once(request, key, lambda: core.submit(raw))

    @router.post("/outbound/cancel", response_model=Result[CancelledView])
    async def cancel_outbound(request: Request, body: CancelCommand, key: Key = None) -> Response:
        """An order is not wanted any more. Cancelling again is answered as before."""

        async def job(tx: Tx) -> CancelledView:
            return await cancel(tx, context, body)

        return await once(request, key, lambda: store.write(job))

    @router.get("/outbound/order", response_model=Result[OrderView])
    async def get_outbound_order(which: Annotated[OrderQuestion, Query()]) -> Response:
        """Show the newest order of a number: where it stands, its lines, and what is the matter with it."""
        view = await store.read(lambda tx: order_view(tx, which.order_no))
        if view is None:
            raise _unknown_order(which.order_no)
        return _done(view)

    @router.post("/inbound/return", response_model=Result[ReturnNoticeView])
    async def announce_return(request: Request, body: ReturnNotice, key: Key = None) -> Response:
        """Goods will come back. The same notice may be sent again: it is answered as before."""
        return await once(request, key, lambda: store.write(lambda tx: announce(tx, context, body)))

    @router.post("/inbound/notice", response_model=Result[InboundNoticeView])
    async def announce_arrival(request: Request, body: InboundNotice, key: Key = None) -> Response:
        """Goods will come. The same notice may be sent again: it is answered as before."""
        return await once(request, key, lambda: store.write(lambda tx: announce_goods(tx, context, body)))

    @router.post("/inbound/cancel", response_model=Result[InboundNoticeView])
    async def cancel_arrival(request: Request, body: CancelNotice, key: Key = None) -> Response:
        """Nothing more comes of announced goods. Cancelling again is answered as before."""
        return await once(request, key, lambda: store.write(lambda tx: cancel_notice(tx, context, body)))

    @router.post("/product/sync", response_model=Result[ProductSyncView])
    async def sync_product(request: Request, body: ProductSync, key: Key = None) -> Response:
        """Tell the WES of products; what is older than what is known stays out."""
        return await once(request, key, lambda: store.write(lambda tx: sync_products(tx, context, body)))

    @router.get("/inventory", response_model=Result[InventoryView])
    async def get_inventory(which: Annotated[StockQuestion, Query()]) -> Response:
        """Tell what upstream may sell of a product."""
        _own(core, which.warehouse_id)
        owner_id = which.owner_id or context.wes.owner
        view = await store.read(lambda tx: inventory_view(tx, which.warehouse_id, owner_id, which.sku_id))
        return _done(view)

    @router.get("/inventory/all", response_model=Result[InventoryPage])
    async def get_whole_inventory(which: Annotated[WarehouseQuestion, Query()]) -> Response:
        """List the stock of a warehouse, page by page."""
        _own(core, which.warehouse_id)
        after = number_cursor(which.cursor) or 0
        page = await store.read(lambda tx: inventory_page(tx, which.warehouse_id, after, which.limit))
        return _done(page)

    @router.post("/inventory/sync", response_model=Result[Empty])
    async def ask_for_inventory(body: SyncRequest) -> Response:
        """Ask to be told the stock again: of these products, or of all if none is named."""
        if body.sku_ids:
            await sync_named(store, context, body.sku_ids)
        else:
            await sync_full(store, context, f"ASKED-{context.ids.next()}")
        return _done(None)

    @router.post("/callback/status", response_model=Result[Empty])
    async def ask_for_callback(body: CallbackRequest) -> Response:
        """Ask to be told the last status of an order again, under the same id."""
        if not await store.write(lambda tx: repeat_callback(tx, context, body.order_no)):
            raise _unknown_order(body.order_no)
        return _done(None)

    return router


def _done(view: BaseModel | None) -> Response:
    return _answer(Result[Any](code=ResultCode.SUCCESS, message="done", data=view), HTTPStatus.OK)


def _declined(code: ResultCode, *reasons: FieldError, status: int | None = None) -> Response:
    told = tuple(Reason(field=each.field, code=each.code, message=each.message) for each in reasons)
    message = "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in told)
    return _answer(Result[Any](code=code, message=message, errors=told), status or _STATUS[code])


def _answer(result: Result[Any], status: int) -> Response:
    return Response(result.model_dump_json(by_alias=True), status, media_type="application/json")


def _own(core: WesCore, warehouse_id: str) -> None:
    if warehouse_id != core.context.wes.warehouse_id:
        text = f"this is the WES of warehouse {core.context.wes.warehouse_id}"
        raise Declined(ResultCode.NOT_FOUND, FieldError("warehouseId", "unknownWarehouse", text))


def _reused() -> Declined:
    text = "this Idempotency-Key was used for another request"
    return Declined(ResultCode.CONFLICT, FieldError("Idempotency-Key", "reused", text))


def _unknown_order(order_no: str) -> Declined:
    return Declined(ResultCode.NOT_FOUND, FieldError("orderNo", "unknownOrder", f"no order {order_no}"))
