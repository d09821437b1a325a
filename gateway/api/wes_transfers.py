"""Transfers over HTTP: ordered, looked at, approved and carried out by people. Every act may be sent again under its id."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.acts import ActView
from gateway.contract.transfers import (
    AnyTransferAct,
    AnyTransferDecision,
    Destination,
    OrderTransfer,
    TransferAct,
    TransferDecision,
    TransferLogView,
    TransferPurpose,
    TransferState,
    TransferTaskView,
    TransferView,
)
from gateway.contract.transports import Identifier, Moment
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.transfers.acts import do_transfer
from gateway.wes.transfers.ordering import order_transfer
from gateway.wes.transfers.views import (
    WhichTransfers,
    list_tasks,
    list_transfers,
    show_transfer,
    transfer_log,
)

NEWEST: Final = 2**53

TransferId = Annotated[Identifier, Path(alias="transferId")]


class TransferFilter(Paging):
    """Which transfers to list.

    Attributes:
        open: only those that have not ended.
        source, target: as a line names it: containers and places, or a zone.
        since, until: when they were ordered; until is not included.
    """

    open: bool = False
    state: TransferState | None = None
    purpose: TransferPurpose | None = None
    leaves_to: Destination | None = None
    sku_id: str | None = None
    source: str | None = None
    target: str | None = None
    since: Moment | None = None
    until: Moment | None = None


class TaskFilter(Paging):
    """Which tasks of transfers to list."""

    zone: str | None = None


def transfer_routes(core: WesCore) -> APIRouter:
    """Return the routes of transfers: the documents under /v1/wes/transfers, what is done under /v1/wes/transferring."""
    router = APIRouter(prefix="/v1/wes", tags=["wes transfers"], route_class=JsonRoute)
    store, context = core.store, core.context

    async def do(request: AnyTransferAct | AnyTransferDecision) -> Response:
        view = await store.write(partial(do_transfer, context=context, request=request))
        core.stir()
        return reply(view)

    @router.post("/transfers", response_model=TransferView)
    async def order_a_transfer(request: OrderTransfer) -> Response:
        """Have goods moved: inside the site, to another warehouse, or to production. Somebody approves it first."""

        async def job(tx: Tx) -> TransferView:
            await order_transfer(tx, context, request)
            return await show_transfer(tx, context, request.transfer_id)

        return reply(await store.write(job))

    @router.get("/transfers", response_model=Page[TransferView])
    async def get_transfers(which: Annotated[TransferFilter, Query()]) -> Response:
        """List transfers, the newest first: how far they are, who ordered and approved them."""
        wanted = WhichTransfers(
            state=which.state,
            only_open=which.open,
            purpose=which.purpose,
            leaves_to=which.leaves_to,
            sku=which.sku_id,
            source=which.source,
            target=which.target,
            since=None if which.since is None else to_micros(which.since),
            until=None if which.until is None else to_micros(which.until),
        )
        below = number_cursor(which.cursor) or NEWEST
        found = await store.read(lambda tx: list_transfers(tx, wanted, below, which.limit + 1))
        numbers, views = [number for number, _ in found], [view for _, view in found]
        return reply(page_of(views, which.limit, numbers))

    @router.post("/transferring/acts", response_model=ActView)
    async def do_a_transfer(request: TransferAct) -> Response:
        """Take goods out, put them where they go, tell what is missing; hand them over, or confirm what has come elsewhere."""
        return await do(request)

    @router.post("/transferring/decisions", response_model=ActView)
    async def decide_about_a_transfer(request: TransferDecision) -> Response:
        """Approve, delete or abort a transfer, or write off what was lost on the way."""
        return await do(request)

    @router.get("/transferring/tasks", response_model=Page[TransferTaskView])
    async def get_transfer_tasks(which: Annotated[TaskFilter, Query()]) -> Response:
        """List what is to be taken out and put down for transfers, the oldest first."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: list_tasks(tx, context, which.zone, after, which.limit + 1))
        return reply(page_of(found, which.limit, [each.task_id for each in found]))

    @router.get("/transfers/{transferId}", response_model=TransferView)
    async def get_transfer(transfer_id: TransferId) -> Response:
        """Show a transfer with its lines and its tasks."""
        return reply(await store.read(lambda tx: show_transfer(tx, context, transfer_id)))

    @router.get("/transfers/{transferId}/log", response_model=Page[TransferLogView])
    async def get_transfer_log(transfer_id: TransferId, which: Annotated[Paging, Query()]) -> Response:
        """List what was done to a transfer, by whom, when and why, the oldest first."""
        after = number_cursor(which.cursor) or 0
        found = await store.read(lambda tx: transfer_log(tx, transfer_id, after, which.limit + 1))
        return reply(page_of(found, which.limit, [each.log_id for each in found]))

    return router
