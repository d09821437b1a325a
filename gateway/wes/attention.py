"""What waits for a person: orders that cannot go on, and messages that upstream refuses (S1-13, S4-35…39, S4-58).

A table says what may be decided about which matter. A decision is carried out and noted for ever, with who and why, in one
transaction; whether that settled the matter is another question: goods that were missing may still be missing.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.contract.attention import Decision, DecisionView, ExceptionView, MessageView, SettleRequest
from gateway.contract.clock import Micros
from gateway.contract.faults import Refusal, RefusalKind
from gateway.contract.transports import Act
from gateway.contract.wms import CancelCommand
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Row, Tx
from gateway.site.rules import Reservation
from gateway.wes.codes import OPEN
from gateway.wes.core import WesCore
from gateway.wes.decisions import note_decision
from gateway.wes.exceptions import ExceptionKind
from gateway.wes.floor.cancel import cancel
from gateway.wes.floor.shortfall import accept_short, make_up_again
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.lateness import urge
from gateway.wes.orders.reservation import release_held, reserve_again
from gateway.wes.orders.rows import lock_order
from gateway.wes.outbox import send_again, skip_message
from gateway.wes.planning.rollback import let_go_on
from gateway.wes.planning.shortage import release_part
from gateway.wes.planning.tasks import conflict, missing

REASON_MAX: Final = 200
"""Characters of a reason that an order keeps when it is cancelled; the decision keeps all of it."""

_EXCEPTIONS: Final = (
    "SELECT e.exception_id, o.oms_order_no, o.outbound_no, o.code, e.kind, l.sku, e.text, e.at_us, e.settled_at,"
    " e.settled_by, o.order_id FROM order_exceptions e JOIN orders o ON o.order_id = e.order_id"
    " LEFT JOIN order_lines l ON l.line_id = e.line_id"
)
_WAITING: Final = (
    f"{_EXCEPTIONS} WHERE e.settled_at IS NULL AND o.code IN ({', '.join(f'{code:d}' for code in OPEN)})"
    " AND e.exception_id > :after ORDER BY e.exception_id LIMIT :limit"
)
_ONE: Final = f"{_EXCEPTIONS} WHERE e.exception_id = :exception_id"
_MESSAGES: Final = (
    "SELECT message_id, topic, lane, oms_order_no, attempts, error, created_at, (SELECT COUNT(*) FROM outbox later"
    " WHERE later.lane = outbox.lane AND later.sequence > outbox.sequence AND later.state <> 'delivered')"
    " FROM outbox WHERE state = 'dead' AND message_id > :after ORDER BY message_id LIMIT :limit"
)
_DECISIONS: Final = (
    "SELECT d.decision_id, d.document, d.document_id, d.decision, d.operator, d.reason, d.at_us, p.owner_id, p.sku"
    " FROM decisions d LEFT JOIN pools p ON d.document = 'safety' AND p.pool_id = d.document_id"
    " WHERE d.decision_id < :below ORDER BY d.decision_id DESC LIMIT :limit"
)


async def list_exceptions(tx: Tx, after: int, limit: int) -> list[ExceptionView]:
    """Return what is the matter with open orders, the oldest first, with numbers above a limit."""
    return [_exception(row) for row in await tx.fetch(_WAITING, {"after": after, "limit": limit})]


async def list_messages(tx: Tx, after: int, limit: int) -> list[MessageView]:
    """Return messages that were given up, the oldest first, with numbers above a limit."""
    return [_message(row) for row in await tx.fetch(_MESSAGES, {"after": after, "limit": limit})]


async def list_decisions(tx: Tx, below: int, limit: int) -> list[DecisionView]:
    """Return what people decided, the newest first, with numbers below a limit."""
    return [_decision(row) for row in await tx.fetch(_DECISIONS, {"below": below, "limit": limit})]


async def settle(tx: Tx, core: WesCore, exception_id: int, request: SettleRequest) -> ExceptionView:
    """Carry out a decision about an order that cannot go on.

    Raises:
        Refusal: there is no such matter, it is settled, or this cannot be decided about it.
    """
    which = {"exception_id": exception_id}
    rows = await tx.fetch(_ONE, which)
    if not rows:
        raise missing("exceptionId", f"no exception {exception_id}")
    order_id = rows[0][-1]
    await lock_order(tx, order_id)
    (row,) = await tx.fetch(_ONE, which)
    view = _exception(row)
    if view.settled_at is not None:
        raise conflict("exceptionId", "settled", f"{view.settled_by} has settled it")
    if request.decision not in view.decisions:
        may = ", ".join(view.decisions) or "nothing"
        raise conflict("decision", "impossible", f"about this, {may} can be decided")
    await note_decision(tx, core.context, "order", order_id, request.decision, request)
    await _WAYS[ExceptionKind(view.kind)][request.decision](tx, core, view.order_no, order_id, request)
    (row,) = await tx.fetch(_ONE, which)
    return _exception(row)


async def decide_message(tx: Tx, core: WesCore, message_id: int, decision: Decision, act: Act) -> None:
    """Send a message again that was given up, or skip it.

    Raises:
        Refusal: there is none.
    """
    change = skip_message if decision is Decision.SKIP else send_again
    if not await change(tx, core.context, message_id):
        raise missing("messageId", f"no message {message_id} was given up")
    await note_decision(tx, core.context, "message", message_id, decision, act)


# ── ways ──────────────────────────────────────────────────────────────────────────────────────────────


Way = Callable[[Tx, WesCore, str, int, Act], Awaitable[None]]
"""Carries out a decision about an order, given its number upstream and here."""


async def _release(tx: Tx, core: WesCore, _: str, order_id: int, act: Act) -> None:
    await release_held(tx, core.context, order_id, act.operator)


async def _reserve(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await reserve_again(tx, core.context, order_id)


async def _reserve_part(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await reserve_again(tx, core.context, order_id, Reservation.PER_LINE)


async def _reserve_pieces(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await reserve_again(tx, core.context, order_id, Reservation.PER_PIECE)


async def _allocate_part(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await release_part(tx, core.context, order_id)


async def _try_again(tx: Tx, core: WesCore, _: str, order_id: int, act: Act) -> None:
    await let_go_on(tx, core.context, order_id, act.operator)


async def _replace(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await make_up_again(tx, core.context, order_id)


async def _go_short(tx: Tx, core: WesCore, _: str, order_id: int, act: Act) -> None:
    await accept_short(tx, core.context, order_id, act.operator)


async def _urge(tx: Tx, core: WesCore, _: str, order_id: int, __: Act) -> None:
    await urge(tx, order_id)


async def _cancel(tx: Tx, core: WesCore, order_no: str, _: int, act: Act) -> None:
    request = CancelCommand(order_no=order_no, reason=act.reason.strip()[:REASON_MAX] or act.operator)
    try:
        await cancel(tx, core.context, request)
    except Declined as declined:
        raise Refusal(RefusalKind.CONFLICT, *declined.reasons) from declined


_OF_PICKS: Final[Mapping[Decision, Way]] = {
    Decision.RETRY: _replace,
    Decision.PART: _go_short,
    Decision.CANCEL: _cancel,
}
_WAYS: Final[Mapping[ExceptionKind, Mapping[Decision, Way]]] = {
    ExceptionKind.HELD: {Decision.RELEASE: _release, Decision.CANCEL: _cancel},
    ExceptionKind.SHORTAGE: {
        Decision.RETRY: _reserve,
        Decision.PART: _reserve_part,
        Decision.SHORT: _reserve_pieces,
        Decision.CANCEL: _cancel,
    },
    # Planning itself looks again in every round.
    ExceptionKind.ALLOCATION_SHORTAGE: {
        Decision.PART: _allocate_part,
        Decision.SHORT: _go_short,
        Decision.CANCEL: _cancel,
    },
    ExceptionKind.SHORT_PICK: _OF_PICKS,
    ExceptionKind.DAMAGED: _OF_PICKS,
    ExceptionKind.ROLLED_BACK: {Decision.RETRY: _try_again, Decision.CANCEL: _cancel},
    # The packing table settles its own differences.
    ExceptionKind.REVIEW: {Decision.CANCEL: _cancel},
    # Whoever takes the goods out settles it.
    ExceptionKind.RECALLED: {Decision.CANCEL: _cancel},
    # It is late until it is begun, or has left.
    ExceptionKind.LATE: {Decision.URGE: _urge, Decision.CANCEL: _cancel},
}


def decisions_about(kind: str, code: int, settled_at: Micros | None) -> tuple[Decision, ...]:
    """Return what may be decided about a matter of an order with this code: nothing once either is over."""
    return tuple(_WAYS[ExceptionKind(kind)]) if settled_at is None and code in OPEN else ()


def _exception(row: Row) -> ExceptionView:
    exception_id, order_no, outbound_no, code, kind, sku, text, at_us, settled_at, settled_by, _ = row
    return ExceptionView(
        exception_id=exception_id,
        order_no=order_no,
        outbound_no=outbound_no,
        status_code=code,
        kind=kind,
        sku_id=sku,
        text=text,
        at=to_datetime(at_us),
        decisions=decisions_about(kind, code, settled_at),
        settled_at=None if settled_at is None else to_datetime(settled_at),
        settled_by=settled_by,
    )


def _message(row: Row) -> MessageView:
    message_id, topic, lane, order_no, attempts, error, created_at, waiting = row
    return MessageView(
        message_id=message_id,
        topic=topic,
        lane=lane,
        order_no=order_no,
        attempts=attempts,
        error=error,
        created_at=to_datetime(created_at),
        waiting=waiting,
    )


def _decision(row: Row) -> DecisionView:
    decision_id, document, document_id, decision, operator, reason, at_us, owner_id, sku = row
    return DecisionView(
        decision_id=decision_id,
        document=document,
        document_id=document_id,
        decision=decision,
        owner_id=owner_id,
        sku_id=sku,
        operator=operator,
        reason=reason,
        at=to_datetime(at_us),
    )
