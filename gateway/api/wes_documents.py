"""Documents that people carry, each as one page to print (S2-158)."""

from functools import partial
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse

from gateway.api.body import JsonRoute
from gateway.api.replies import page_reply
from gateway.contract.counts import CountLineView, CountView
from gateway.contract.transports import Identifier
from gateway.kernel.ports import Tx
from gateway.paper.documents import arrival_list, count_list, packing_slip, pick_list, transfer_list
from gateway.wes.arrivals.views import show_arrival
from gateway.wes.core import WesCore
from gateway.wes.counting.documents import TO_COUNT
from gateway.wes.counting.views import WhichLines, count_lines, count_view
from gateway.wes.floor.views import work_view
from gateway.wes.labels import SLIP_MAX, label_of_package, number_code
from gateway.wes.transfers.views import show_transfer

LINES_MAX: Final = 1_000
"""Of a count, on one page."""

WorkId = Annotated[int, Path(alias="workId", ge=1, le=2**53 - 1)]
PackageNo = Annotated[Identifier, Path(alias="packageNo")]
NoticeNo = Annotated[Identifier, Path(alias="noticeNo")]
CountId = Annotated[Identifier, Path(alias="countId")]
TransferId = Annotated[Identifier, Path(alias="transferId")]


def document_routes(core: WesCore) -> APIRouter:
    """Return the routes under /v1/wes/documents."""
    as_page: dict[str, Any] = {"response_class": HTMLResponse}
    router = APIRouter(prefix="/v1/wes/documents", tags=["wes documents"], route_class=JsonRoute)
    store, context = core.store, core.context
    zone = ZoneInfo(context.wes.timezone)

    @router.get("/picks/{workId}", **as_page)
    async def get_pick_list(work_id: WorkId) -> Response:
        """Show the pick list of a work order: what is still to be picked, and from where."""
        work = await store.read(partial(work_view, context=context, work_id=work_id))
        return page_reply(pick_list(work, number_code, zone))

    @router.get("/packages/{packageNo}", **as_page)
    async def get_packing_slip(package_no: PackageNo) -> Response:
        """Show the packing slip of a package."""
        label = await store.read(lambda tx: label_of_package(tx, context, package_no, SLIP_MAX))
        return page_reply(packing_slip(label, number_code))

    @router.get("/arrivals/{noticeNo}", **as_page)
    async def get_arrival_list(notice_no: NoticeNo) -> Response:
        """Show what is to come with a notice, to be checked at the dock."""
        arrival = await store.read(lambda tx: show_arrival(tx, notice_no))
        return page_reply(arrival_list(arrival, number_code, zone))

    @router.get("/counts/{countId}", **as_page)
    async def get_count_list(count_id: CountId) -> Response:
        """Show what is still to be counted of a count, its first thousand lines; of a blind one without any figure of the books."""

        async def job(tx: Tx) -> tuple[CountView, list[CountLineView]]:
            lines = await count_lines(tx, count_id, WhichLines(), LINES_MAX)
            return await count_view(tx, count_id), [line for line in lines if line.state in TO_COUNT]

        return page_reply(count_list(*await store.read(job), number_code, zone))

    @router.get("/transfers/{transferId}", **as_page)
    async def get_transfer_list(transfer_id: TransferId) -> Response:
        """Show what is still to be moved by a transfer, from where and where to."""
        transfer = await store.read(lambda tx: show_transfer(tx, context, transfer_id))
        return page_reply(transfer_list(transfer, number_code, zone))

    return router
