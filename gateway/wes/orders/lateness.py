"""Orders that are not processed in time (S4-38): noted and told upstream once, and no longer the matter once they go on.

An order is late when its picking has not begun so long after it came, or when it has not left so long before its deadline. Whether
somebody urges it here or sends it from another warehouse, people and upstream decide.
"""

from functools import partial
from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.wms import CallbackDetails, CallbackStatus
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Store, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_kind
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.orders.rows import lock_order
from gateway.wes.outbox import call_back

ORDER_LATE: Final = "ORDER_LATE"
FIRST: Final = 9
"""The priority that goes before all others."""
BATCH: Final = 1_000
"""Orders that one round takes up; the next one goes on."""

_OPEN: Final = f"o.code BETWEEN {Code.ISSUED:d} AND {Code.REVIEWED:d}"
_LATE: Final = (
    f"((o.code < {Code.PICKING:d} AND o.created_at <= :begun)"
    " OR (o.deadline_at IS NOT NULL AND o.deadline_at <= :due))"
)
_NOTED: Final = (
    "EXISTS (SELECT 1 FROM order_exceptions e"
    f" WHERE e.kind = '{ExceptionKind.LATE}' AND e.order_id = o.order_id AND e.settled_at IS NULL)"
)
_NEWS: Final = f"SELECT o.order_id FROM orders o WHERE {_OPEN} AND {_LATE} AND NOT {_NOTED} ORDER BY o.order_id LIMIT :limit"
_IS_NEWS: Final = f"SELECT o.deadline_at FROM orders o WHERE o.order_id = :order_id AND {_OPEN} AND {_LATE} AND NOT {_NOTED}"
_OVER: Final = (
    "SELECT e.order_id FROM order_exceptions e JOIN orders o ON o.order_id = e.order_id"
    f" WHERE e.kind = '{ExceptionKind.LATE}' AND e.settled_at IS NULL AND NOT ({_OPEN} AND {_LATE})"
    " ORDER BY e.order_id LIMIT :limit"
)
_COUNT: Final = (
    f"SELECT COUNT(*) FROM order_exceptions WHERE kind = '{ExceptionKind.LATE}' AND settled_at IS NULL"
)
_URGE: Final = (
    f"UPDATE orders SET priority = {FIRST} WHERE order_id = :order_id",
    f"UPDATE work_orders SET priority = {FIRST} WHERE order_id = :order_id AND code < {Code.PICKING:d}",
    f"UPDATE presentations SET priority = {FIRST} WHERE state = 'planned' AND presentation_id IN"
    " (SELECT a.presentation_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    f" WHERE w.order_id = :order_id AND a.code = {Code.RELEASED:d})",
)


async def watch(store: Store, context: WesContext) -> None:
    """Note and tell orders that have become late, each in a transaction of its own; settle those that are not any more."""
    limits = _limits(context)
    for (order_id,) in await store.read(lambda tx: tx.fetch(_NEWS, limits | {"limit": BATCH})):
        await store.write(partial(_note, context=context, order_id=order_id))
    for (order_id,) in await store.read(lambda tx: tx.fetch(_OVER, limits | {"limit": BATCH})):
        at_us = context.clock.now_us()
        await store.write(
            partial(settle_kind, order_id=order_id, kind=ExceptionKind.LATE, at_us=at_us, operator=SYSTEM)
        )


async def count_late(tx: Tx) -> int:
    """Return how many orders are known to be late."""
    return (await tx.fetch(_COUNT))[0][0]


async def urge(tx: Tx, order_id: int) -> None:
    """Let an order go before all others, wherever of it nobody has begun yet."""
    await lock_order(tx, order_id)
    for sql in _URGE:
        await tx.execute_many(sql, [{"order_id": order_id}])


async def _note(tx: Tx, context: WesContext, order_id: int) -> None:
    await lock_order(tx, order_id)
    limits = _limits(context)
    rows = await tx.fetch(_IS_NEWS, limits | {"order_id": order_id})
    if not rows:
        return
    text = _told(context, rows[0][0], limits["due"])
    await open_exception(tx, context, order_id, ExceptionKind.LATE, text)
    details = CallbackDetails(error_code=ORDER_LATE, error_message=text)
    await call_back(tx, context, order_id, CallbackStatus.EXCEPTION, details)


def _limits(context: WesContext) -> dict[str, Micros]:
    """Return until when an order must have come, or must leave, to be late."""
    now, lateness = context.clock.now_us(), context.wes.lateness
    return {"begun": now - round(lateness.begin_s * 1e6), "due": now + round(lateness.margin_s * 1e6)}


def _told(context: WesContext, deadline_at: Micros | None, due: Micros) -> str:
    if deadline_at is not None and deadline_at <= due:
        return f"it has not left, and should by {to_rfc3339(deadline_at)}"
    return f"its picking has not begun {context.wes.lateness.begin_s / 3600:g} h after it came"
