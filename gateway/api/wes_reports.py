"""What is told of some days over HTTP: goods that left, suppliers, both as a report; and reports that were written by schedule."""

from datetime import date
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from gateway.api.body import JsonRoute
from gateway.api.media import accepted
from gateway.api.replies import Page, Paging, number_cursor, page_of, page_reply, reply
from gateway.contract.model import WireModel
from gateway.contract.reporting import OutboundView, ReportView, SupplierView, WrittenReportView
from gateway.contract.transports import Moment
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Tx
from gateway.paper.page import POLICY
from gateway.paper.report import report_page
from gateway.wes.core import WesCore
from gateway.wes.planning.tasks import missing
from gateway.wes.reporting import (
    DAY_US,
    FIRST,
    Place,
    find_written,
    list_outbound,
    list_suppliers,
    list_written,
    report_on,
)

QUARTER: Final = 92
NEWEST: Final = date.max.toordinal() + 1
PAGE: Final = "text/html"
JSON: Final = "application/json"
_AS_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {PAGE: {}}}}
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {PAGE: {}, "text/csv": {}}}}

Days = Annotated[int, Field(ge=1, le=QUARTER, description="so many last days")]
FileName = Annotated[str, Path(min_length=1, max_length=100)]


class TimeFilter(Paging):
    """Of which time; `until` itself is no longer wanted.

    Attributes:
        since: left out: seven days before `until`.
        until: left out: now.
    """

    since: Moment | None = None
    until: Moment | None = None


class ManyDays(WireModel):
    """Of how many last days."""

    days: Days = 7


def report_routes(core: WesCore) -> APIRouter:
    """Return the routes of reports under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes reports"], route_class=JsonRoute)
    store, context = core.store, core.context

    def span(which: TimeFilter) -> tuple[int, int]:
        until = context.clock.now_us() if which.until is None else to_micros(which.until)
        return until - 7 * DAY_US if which.since is None else to_micros(which.since), until

    @router.get("/outbound", response_model=Page[OutboundView])
    async def get_outbound(which: Annotated[TimeFilter, Query()]) -> Response:
        """List what has left, the oldest first: pieces of a lot in a package, also of orders that have gone to history."""
        since, until = span(which)
        after = _place(which.cursor)
        found = await store.read(lambda tx: list_outbound(tx, since, until, after, which.limit + 1))
        cursors = [f"{at}:{line}:{event_id}" for (at, event_id, line), _ in found]
        return reply(page_of([view for _, view in found], which.limit, cursors))

    @router.get("/suppliers", response_model=Page[SupplierView])
    async def get_suppliers(which: Annotated[TimeFilter, Query()]) -> Response:
        """List suppliers by name: how the goods came that they had announced, of notices that ended in some time."""
        since, until = span(which)
        after = None if which.cursor is None else which.cursor.removeprefix("-")
        found = await store.read(lambda tx: list_suppliers(tx, since, until, after, which.limit + 1))
        return reply(page_of(found, which.limit, [f"-{each.supplier}" for each in found]))

    @router.get("/report", response_model=ReportView, responses=_AS_PAGE)
    async def get_report(request: Request, which: Annotated[ManyDays, Query()]) -> Response:
        """Tell the last days in figures: as data, or as a page to print (`Accept: text/html`)."""
        until = context.clock.now_us()

        async def job(tx: Tx) -> ReportView:
            return await report_on(tx, context.wes.warehouse_id, until - which.days * DAY_US, until)

        view = await store.read(job)
        if accepted(request, (JSON, PAGE)) == PAGE:
            return page_reply(report_page(view, ZoneInfo(context.wes.timezone)))
        return reply(view)

    @router.get("/reports", response_model=Page[WrittenReportView])
    async def get_reports(which: Annotated[Paging, Query()]) -> Response:
        """List reports that were written by schedule, the newest first."""
        below = number_cursor(which.cursor) or NEWEST
        found = await store.read(lambda tx: list_written(tx, below, which.limit + 1))
        return reply(page_of(found, which.limit, [each.day.toordinal() for each in found]))

    @router.get("/reports/{day}/{file}", response_class=FileResponse, responses=_FILE)
    async def get_report_file(day: date, file: FileName) -> Response:
        """Show one file of a report that was written by schedule."""
        written = await store.read(lambda tx: find_written(tx, day))
        if written is None or file not in written.files or context.wes.report is None:
            raise missing("file", f"there is no {file} of {day}; GET /v1/wes/reports lists what there is")
        path = context.wes.report.folder / file
        if not path.is_file():
            raise missing("file", f"somebody has taken {path} away")
        media = PAGE if path.suffix == ".html" else "text/csv; charset=utf-8"
        return FileResponse(path, media_type=media, headers={"Content-Security-Policy": POLICY})

    return router


def _place(cursor: str | None) -> Place:
    if cursor is None:
        return FIRST
    at, _, rest = cursor.partition(":")
    line, _, event_id = rest.partition(":")
    return number_cursor(at) or 0, event_id, number_cursor(line) or 0
