"""Replies and lists as the contract has them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.model import WireModel
from gateway.contract.plant import Omitted
from gateway.paper.page import POLICY

T = TypeVar("T")

LIMIT_MAX: Final = 1000
DIGITS_MAX: Final = 18
"""Of numbers that fit the database's integers."""

Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX, description="how many items at most")]
Cursor = Annotated[str, Field(max_length=200, description="`nextCursor` of the page before")]


class ListFormat(StrEnum):
    """How a list is wanted."""

    JSON = "json"
    CSV = "csv"


class Paging(WireModel):
    """Query parameters of every list.

    Attributes:
        format: instead of `Accept`, for a link in a page; a table is all of the list, unless a `limit` is given.
    """

    limit: Limit = 100
    cursor: Cursor | None = None
    format: ListFormat | None = None


class Page(WireModel, Generic[T]):
    """One page of a list; there is more if `nextCursor` is there."""

    items: tuple[T, ...]
    next_cursor: str | None = Omitted


def page_of(found: Sequence[T], limit: int, cursors: Sequence[int | str]) -> Page[T]:
    """Return a page of what was found when one more than `limit` was asked for.

    Args:
        found: in order.
        limit: items of a page.
        cursors: of what was found, each the beginning of the page after it.
    """
    more = str(cursors[limit - 1]) if len(found) > limit else None
    return Page(items=tuple(found[:limit]), next_cursor=more)


def number_cursor(cursor: str | None) -> int | None:
    """Read the cursor of a list that is ordered by numbers.

    Raises:
        Refusal: it is none.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= DIGITS_MAX):
        raise Refusal(RefusalKind.INVALID, FieldError("cursor", "badFormat", "not a cursor of this list"))
    return int(cursor)


def page_reply(html: str) -> Response:
    """Return a page that stands alone."""
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


def reply(view: BaseModel, status: int = 200, location: str | None = None) -> Response:
    """Return a view as JSON."""
    headers = None if location is None else {"Location": location}
    return Response(view.model_dump_json(by_alias=True), status, headers, "application/json")
