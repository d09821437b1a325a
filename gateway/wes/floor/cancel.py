"""An order is not wanted any more (S0-9, S3-16, S4-42, S4-66): the answer says how far its withdrawal has come.

It is asked for again and again, by number: the newest order of the number counts, and one that is withdrawn already, or has left,
is answered by what became of it. docs/decisions/0012-cancelling.md has the reasons.
"""

from collections.abc import Sequence
from typing import Final

from gateway.contract.faults import FieldError
from gateway.contract.wms import CancelCommand, CancelledView, ResultCode
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.floor.cancelling import withdraw
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.history import find_history
from gateway.wes.orders.rows import Order, OrderLine, find_order, load_order, lock_order

_REASON: Final = "UPDATE orders SET cancel_reason = :reason WHERE order_id = :order_id"
_FURTHEST_WORK: Final = (
    f"SELECT MAX(code) FROM work_orders WHERE order_id = :order_id AND code < {Code.CANCELLING:d}"
)


async def cancel(tx: Tx, context: WesContext, request: CancelCommand) -> CancelledView:
    """Cancel the newest order of an OMS number; one that is cancelled or about to be gets the same answer again.

    Args:
        tx: the transaction.
        context: settings, rules, numbers, time.
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
        if furthest >= Code.SHIPPED:
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
