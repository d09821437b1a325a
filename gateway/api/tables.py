"""Every list as a table: whoever takes `text/csv`, or asks with `format=csv`, gets all of it in one answer, from `cursor` on.

A list is read page by page, as a client of JSON would, and each page is sent before the next one is read: what is refused is
refused with the first page, before anything is sent. An answer has so many items at most; one that would have more, or whose later
pages cannot be read, is broken off and never ended, so that nobody takes a part for the whole.
"""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, get_args
from urllib.parse import urlencode

import structlog
from annotated_types import Le
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from gateway.api.media import accepted
from gateway.api.replies import Page, Paging
from gateway.paper.table import Table, table_of

log = structlog.get_logger()

TABLE: Final = "text/csv"
MEDIA_TYPE: Final = f"{TABLE}; charset=utf-8; header=present"
JSON: Final = "application/json"
ITEMS_MAX: Final = 100_000
"""Items of one table."""

_WHICH_PAGE: Final = frozenset({"format", "limit", "cursor"})

Handle = Callable[[Request], Awaitable[Response]]


class BrokenOff(Exception):  # noqa: N818 - what happens to the answer
    """A table cannot be sent to its end."""


def table_of_list(model: Any) -> Table | None:
    """Return how the items of a route become rows; None: what it answers is no list."""
    if not (isinstance(model, type) and issubclass(model, Page)):
        return None
    (item, _) = get_args(model.model_fields["items"].annotation)
    return table_of(item)


def page_size_of(route: APIRoute) -> int | None:
    """Return how many items a page of a route's list may have; None: the list always comes in one piece."""
    for each in route.dependant.query_params:
        model = each.field_info.annotation
        if isinstance(model, type) and issubclass(model, Paging):
            return next(
                int(str(bound.le)) for bound in model.model_fields["limit"].metadata if isinstance(bound, Le)
            )
    return None


def wants_table(request: Request) -> bool:
    """Tell whether a caller wants a list as a table; the parameter counts more than the header."""
    asked = request.query_params.get("format")
    return asked == "csv" if asked is not None else accepted(request, (JSON, TABLE)) == TABLE


async def as_table(request: Request, handle: Handle, table: Table, page_size: int | None) -> Response:
    """Return a list as a table: all of it, or, if the caller has given a `limit`, one page and a link to the next.

    Args:
        request: for the list.
        handle: answers a request for one of its pages as JSON.
        table: how items become rows.
        page_size: how many items a page may have; None: the list always comes in one piece.
    """
    asked = request.query_params
    size = {} if page_size is None else {"limit": str(page_size)}
    first = await handle(_for_page(request, {**size, **asked}))
    if first.status_code != HTTPStatus.OK:
        return first
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(request)}"', "Vary": "Accept"}
    if "limit" not in asked:
        lines = _lines(request, handle, table, first, size)
        return StreamingResponse(lines, headers=headers, media_type=MEDIA_TYPE)
    page = json.loads(bytes(first.body))
    if "nextCursor" in page:
        following = request.url.include_query_params(cursor=page["nextCursor"])
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(table.header() + table.lines(page["items"]), headers=headers, media_type=MEDIA_TYPE)


def _file_name(request: Request) -> str:
    """Return what a table is called on a disk: the last word of its address, as far as a header and a disk can have it."""
    word = request.url.path.rstrip("/").rpartition("/")[2]
    return f"{re.sub('[^A-Za-z0-9._-]', '_', word)}.csv"


async def _lines(
    request: Request, handle: Handle, table: Table, first: Response, size: Mapping[str, str]
) -> AsyncGenerator[str]:
    """Yield a table page by page.

    Raises:
        BrokenOff: there are more items than one answer may have, or a later page cannot be read.
    """
    count, answer = 0, first
    yield table.header()
    while True:
        page = json.loads(bytes(answer.body))
        count += len(page["items"])
        if count > ITEMS_MAX:
            log.warning("a table is too long and is broken off", path=request.url.path, items_max=ITEMS_MAX)
            raise BrokenOff(
                f"{request.url.path} has more than {ITEMS_MAX} items: narrow it by its parameters"
            )
        yield table.lines(page["items"])
        if "nextCursor" not in page:
            return
        answer = await handle(_for_page(request, {**size, "cursor": page["nextCursor"]}))
        if answer.status_code != HTTPStatus.OK:
            raise BrokenOff(f"a page of {request.url.path} was refused: {bytes(answer.body).decode()}")


def _for_page(request: Request, page: Mapping[str, str]) -> Request:
    """Return the request for one page of JSON; of `page` counts what says which."""
    asked = [each for each in request.query_params.multi_items() if each[0] not in _WHICH_PAGE]
    which = [(name, page[name]) for name in ("limit", "cursor") if name in page]
    return type(request)(
        {**request.scope, "query_string": urlencode([*asked, *which]).encode()}, request.receive
    )
