"""An order is not wanted any more (S0-9, S3-16, S4-42, S4-66): what becomes of it depends on how far it has come.

Each stage has its own way to withdraw an order; a table says which, by what of the order has come furthest. The ways that end
at once are here; those that have to bring goods back leave the order at 195 (cancelling) until they are.
docs/decisions/0012-cancelling.md has the reasons.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from gateway.contract.faults import FieldError
from gateway.contract.wms import CallbackStatus, CancelCommand, CancelledView, ResultCode
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import settle_all
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.headers import SYSTEM, move_lines, note_stages
from gateway.wes.orders.history import find_history
from gateway.wes.orders.rows import Order, OrderLine, find_order, load_order, lock_order
from gateway.wes.outbox import call_back
from gateway.wes.stock.model import Act, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import release

Withdrawal = Callable[[Tx, WesContext, Order, str], Awaitable[Code]]
"""Withdraws an order as part of a transaction, given why; returns the order's code: 199, or 195 while goods come back."""

_REASON: Final = "UPDATE orders SET cancel_reason = :reason WHERE order_id = :order_id"
_RESERVED: Final = (
    "SELECT r.lot_id, SUM(r.quantity) FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id"
    " WHERE l.order_id = :order_id GROUP BY r.lot_id"
)
_FREE_LOTS: Final = (
    "UPDATE lot_reservations SET quantity = 0"
    " WHERE line_id IN (SELECT line_id FROM order_lines WHERE order_id = :order_id)"
)
_FREE_LINES: Final = "UPDATE order_lines SET reserved = 0 WHERE order_id = :order_id"
_WORKS: Final = "SELECT work_id FROM work_orders WHERE order_id = :order_id"
_FURTHEST_WORK: Final = (
    f"SELECT MAX(code) FROM work_orders WHERE order_id = :order_id AND code < {Code.CANCELLING:d}"
)
_END_WORKS: Final = (
    f"UPDATE work_orders SET code = {Code.CANCELLED:d}, updated_at = :at_us WHERE order_id = :order_id"
)


async def withdraw_reserved(tx: Tx, context: WesContext, order: Order, reason: str) -> Code:
    """Nothing is bound to positions yet: its lots are free again, and that is the end of it."""
    at_us = context.clock.now_us()
    which = {"order_id": order.order_id}
    shares = [Share(lot_id, quantity) for lot_id, quantity in await tx.fetch(_RESERVED, which) if quantity]
    if shares:
        act = Act(
            event_id=f"cancel-{order.order_id}",
            document_kind="order",
            document_id=str(order.order_id),
            operator=SYSTEM,
            at=at_us,
            reason=reason,
        )
        await post(tx, release(act, shares))
    await tx.execute_many(_FREE_LOTS, [which])
    await tx.execute_many(_FREE_LINES, [which])
    works = [row[0] for row in await tx.fetch(_WORKS, which)]
    await tx.execute_many(_END_WORKS, [{**which, "at_us": at_us}])
    await note_stages(tx, "work", works, Code.CANCELLED, at_us)
    await settle_all(tx, order.order_id, at_us, SYSTEM)
    _, lines = await load_order(tx, order.order_id)
    code = await move_lines(tx, order.order_id, {line.line_id: Code.CANCELLED for line in lines}, at_us)
    await call_back(tx, context, order.order_id, CallbackStatus.CANCELLED)
    return code


BEFORE_ALLOCATION: Final[Mapping[Code, Withdrawal]] = {
    Code.ISSUED: withdraw_reserved,
    Code.PREALLOCATION_FAILED: withdraw_reserved,
    Code.PREALLOCATED: withdraw_reserved,
}
"""An order of which nothing is bound to positions, by the furthest code of its lines and work."""


async def cancel(
    tx: Tx, context: WesContext, withdrawals: Mapping[Code, Withdrawal], request: CancelCommand
) -> CancelledView:
    """Cancel the newest order of an OMS number; one that is cancelled or about to be gets the same answer again.

    Args:
        tx: the transaction.
        context: settings, rules, numbers, time.
        withdrawals: how an order is withdrawn, by the furthest code of its lines and work.
        request: which order, and why.

    Raises:
        Declined: there is no such order, or it has come too far.
    """
    order_id = await find_order(tx, request.order_no)
    if order_id is None:
        return await _of_history(tx, request)
    await lock_order(tx, order_id)
    order, lines = await load_order(tx, order_id)
    code = order.code
    if code not in (Code.CANCELLING, Code.CANCELLED):
        furthest = await _furthest(tx, order, lines)
        withdraw = withdrawals.get(furthest)
        if withdraw is None:
            raise _too_late(request, furthest)
        await tx.execute_many(_REASON, [{"order_id": order.order_id, "reason": request.reason}])
        code = await withdraw(tx, context, order, request.reason)
    return CancelledView(order_no=request.order_no, outbound_no=order.outbound_no, status=code.name)


async def _of_history(tx: Tx, request: CancelCommand) -> CancelledView:
    """Answer about an order that ended so long ago that it has gone to history."""
    kept = await find_history(tx, request.order_no)
    if kept is None:
        raise Declined(
            ResultCode.NOT_FOUND, FieldError("orderNo", "unknownOrder", f"no order {request.order_no}")
        )
    ((outbound_no, number),) = kept.rows("orders", "outbound_no, code")
    code = Code(number)
    if code is not Code.CANCELLED:
        raise _too_late(request, code)
    return CancelledView(order_no=request.order_no, outbound_no=outbound_no, status=code.name)


def _too_late(request: CancelCommand, code: Code) -> Declined:
    stage = f"{code:d} ({code.name.lower().replace('_', ' ')})"
    text = f"order {request.order_no} has come to {stage}: it can no longer be cancelled"
    return Declined(ResultCode.TOO_LATE, FieldError("orderNo", "tooLate", text))


async def _furthest(tx: Tx, order: Order, lines: Sequence[OrderLine]) -> Code:
    """Return how far anything of an order has come; its own code tells how far everything has."""
    ((work,),) = await tx.fetch(_FURTHEST_WORK, {"order_id": order.order_id})
    codes = [line.code for line in lines if line.code < Code.CANCELLING]
    return max([*codes, Code(work)] if work else codes, default=order.code)
