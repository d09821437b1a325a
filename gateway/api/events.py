"""Events and positions over HTTP: pages, and live streams (server-sent events) that resume where they broke off."""

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated, Final, cast

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field

from gateway.api.body import JsonRoute
from gateway.api.deps import ApiDeps
from gateway.api.problems import Rejected
from gateway.api.replies import Limit, Page
from gateway.api.streams import HEARTBEAT_S, SSE, STILL_HERE, Streams, until
from gateway.api.views import position_view
from gateway.contract.events import Event, EventType
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.model import WireModel
from gateway.kernel.feed import ALL_TYPES, Feed

POSITIONS_PERIOD_S: Final = 0.1
"""A stream of positions sends at most one batch in this time."""
CHUNK: Final = 500
STREAMS_MAX: Final = 100
SEQ_MAX: Final = 2**53 - 1


def _split(values: object) -> object:
    """`types=a,b` is the same as `types=a&types=b`."""
    if not isinstance(values, list):
        return values
    return [name for value in cast(list[object], values) for name in str(value).split(",")]


Seq = Annotated[int, Field(ge=0, le=SEQ_MAX)]
Types = Annotated[tuple[EventType, ...], BeforeValidator(_split)]


class EventFilter(WireModel):
    """Which events to read.

    Attributes:
        after, cursor: the last event that the caller has seen.
        types: all if left out.
    """

    after: Seq | None = None
    cursor: Seq | None = None
    limit: Limit = 100
    types: Types = ()


class StreamFilter(WireModel):
    """Which events to stream; `after` left out: from now on. The header Last-Event-ID comes before it."""

    after: Seq | None = None
    types: Types = ()


def event_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes of events and positions."""
    router = APIRouter(prefix="/v1", tags=["events"], route_class=JsonRoute)
    streams = Streams(STREAMS_MAX)

    @router.get("/events", response_model=Page[Event])
    async def get_events(which: Annotated[EventFilter, Query()]) -> Response:
        """Read events in order. Ask for what comes after the last one seen: nothing is missed, nothing comes twice."""
        after = which.after if which.cursor is None else which.cursor
        _check_after(deps.feed, after)
        page = await deps.feed.read(after or 0, which.limit, which.types or ALL_TYPES)
        more = f',"nextCursor":"{page.last}"' if page.last < deps.feed.last_seq else ""
        items = ",".join(event.json for event in page.events)
        return Response(f'{{"items":[{items}]{more}}}', media_type="application/json")

    @router.get("/events/stream", response_class=StreamingResponse, responses=SSE)
    async def stream_events(
        request: Request,
        which: Annotated[StreamFilter, Query()],
        last_event_id: Annotated[Seq | None, Header(alias="Last-Event-ID")] = None,
    ) -> Response:
        """Stream events as they happen (server-sent events); a client that comes back goes on where it broke off."""
        after = which.after if last_event_id is None else last_event_id
        _check_after(deps.feed, after)
        start = deps.feed.last_seq if after is None else after
        return streams.answer(request, _events(deps, start, frozenset(which.types) or ALL_TYPES))

    @router.get("/positions/stream", response_class=StreamingResponse, responses=SSE)
    async def stream_positions(request: Request) -> Response:
        """Stream where devices are: all of them first, then those that move. Live data, without numbers or history."""
        return streams.answer(request, _positions(deps))

    return router


async def _events(deps: ApiDeps, after: int, types: frozenset[EventType]) -> AsyncGenerator[str]:
    """Yield events, and in silence how far the feed has been read: whoever loses the stream comes back with that."""
    now = asyncio.get_running_loop().time
    yield f"id: {after}\n: the feed\n\n"
    silent_until = now() + HEARTBEAT_S
    while not deps.closing.is_set():
        page = await deps.feed.read(after, CHUNK, types)
        after = page.last
        if page.events:
            yield "".join(
                f"id: {event.seq}\nevent: {event.type.value}\ndata: {event.json}\n\n" for event in page.events
            )
            silent_until = now() + HEARTBEAT_S
        elif now() >= silent_until:
            yield f"id: {after}\n{STILL_HERE}"
            silent_until = now() + HEARTBEAT_S
        await until(deps.feed.beyond(after), deps.closing, silent_until - now())


async def _positions(deps: ApiDeps) -> AsyncGenerator[str]:
    yield ": positions\n\n"
    seen = 0
    while not deps.closing.is_set():
        news, seen = deps.positions.since(seen)
        if news:
            views = (position_view(position).model_dump_json(by_alias=True) for position in news)
            yield "".join(f"event: position\ndata: {view}\n\n" for view in views)
            await asyncio.sleep(POSITIONS_PERIOD_S)
        if not await until(deps.positions.beyond(seen), deps.closing, HEARTBEAT_S):
            yield STILL_HERE


def _check_after(feed: Feed, after: int | None) -> None:
    """Refuse a consumer that would miss events without knowing, or that has seen what this feed does not hold."""
    if after is None:
        return
    if 0 < after < feed.first_seq - 1:
        raise Rejected(HTTPStatus.GONE, "eventsGone", f"the feed holds the events from {feed.first_seq} on")
    if after > feed.last_seq:
        raise Refusal(
            RefusalKind.INVALID, FieldError("after", "outOfRange", f"the newest event is {feed.last_seq}")
        )
