"""What waits for a person at the WES, over HTTP: orders that cannot go on, messages that were given up, alarms, decisions."""

from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, number_cursor, page_of, reply
from gateway.contract.attention import Decision, DecisionView, ExceptionView, MessageView, SettleRequest
from gateway.contract.plant import AlarmView
from gateway.contract.transports import Act
from gateway.kernel.clock import to_datetime
from gateway.wes.alarms import Alarm
from gateway.wes.attention import decide_message, list_decisions, list_exceptions, list_messages, settle
from gateway.wes.core import WesCore

T = TypeVar("T", ExceptionView, MessageView, DecisionView)

NUMBER_MAX: Final = 2**53 - 1

ExceptionId = Annotated[int, Path(alias="exceptionId", ge=1, le=NUMBER_MAX)]
MessageId = Annotated[int, Path(alias="messageId", ge=1, le=NUMBER_MAX)]


def attention_routes(core: WesCore) -> APIRouter:
    """Return the routes of what waits for a person."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)
    store = core.store

    @router.get("/exceptions", response_model=Page[ExceptionView])
    async def get_exceptions(paging: Annotated[Paging, Query()]) -> Response:
        """List why open orders cannot go on, the oldest first, and what may be decided."""
        after = number_cursor(paging.cursor) or 0
        found = await store.read(lambda tx: list_exceptions(tx, after, paging.limit + 1))
        return reply(page_of(found, paging.limit, [each.exception_id for each in found]))

    @router.post("/exceptions/{exceptionId}/settle", response_model=ExceptionView)
    async def settle_exception(exception_id: ExceptionId, request: SettleRequest) -> Response:
        """Decide about an order that cannot go on; without `settledAt` the matter stands as before."""
        return reply(await store.write(lambda tx: settle(tx, core, exception_id, request)))

    @router.get("/messages", response_model=Page[MessageView])
    async def get_messages(paging: Annotated[Paging, Query()]) -> Response:
        """List messages to upstream that were given up, the oldest first."""
        after = number_cursor(paging.cursor) or 0
        found = await store.read(lambda tx: list_messages(tx, after, paging.limit + 1))
        return reply(page_of(found, paging.limit, [each.message_id for each in found]))

    @router.post("/messages/{messageId}/send", status_code=204)
    async def send_message_again(message_id: MessageId, act: Act) -> Response:
        """Send a message again that was given up, under the same id."""
        await store.write(lambda tx: decide_message(tx, core, message_id, Decision.SEND, act))
        return Response(status_code=204)

    @router.post("/messages/{messageId}/skip", status_code=204)
    async def skip_message(message_id: MessageId, act: Act) -> Response:
        """Let the later messages of its order go on without one that was given up."""
        await store.write(lambda tx: decide_message(tx, core, message_id, Decision.SKIP, act))
        return Response(status_code=204)

    @router.get("/decisions", response_model=Page[DecisionView])
    async def get_decisions(paging: Annotated[Paging, Query()]) -> Response:
        """List what people decided, the newest first."""
        below = number_cursor(paging.cursor) or NUMBER_MAX
        found = await store.read(lambda tx: list_decisions(tx, below, paging.limit + 1))
        return reply(page_of(found, paging.limit, [each.decision_id for each in found]))

    @router.get("/alarms", response_model=Page[AlarmView])
    async def get_wes_alarms(paging: Annotated[Paging, Query()]) -> Response:
        """List what a person must look at; there are never many."""
        standing = map(_alarm, core.alarms.standing.values())
        return reply(Page[AlarmView](items=tuple(standing)[: paging.limit]))

    return router


def _alarm(alarm: Alarm) -> AlarmView:
    return AlarmView(
        alarm_id=f"{alarm.subject}:{alarm.code}",
        subject=alarm.subject,
        code=alarm.code,
        text=alarm.text,
        advice=alarm.advice,
        actions=(),
        raised_at=to_datetime(alarm.raised_at),
    )
