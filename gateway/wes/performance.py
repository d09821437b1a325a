"""How well a warehouse works: orders in time and as they should be, goods found too much or too little (S2-150, 151, 153).

Shares are of what was shipped, or is in stock; without any there is no share. Orders that have gone to history count no more.
"""

from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.throughput import PerformanceView
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.exceptions import ExceptionKind
from gateway.wes.stock.model import ADJUST, EventKind

_ORDERS: Final = (
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN o.deadline_at IS NULL THEN 0 ELSE 1 END), 0),"
    " COALESCE(SUM(CASE WHEN s.at_us <= o.deadline_at THEN 1 ELSE 0 END), 0),"
    " COALESCE(SUM(CASE WHEN EXISTS (SELECT 1 FROM order_exceptions e WHERE e.order_id = o.order_id"
    f" AND e.kind = '{ExceptionKind.REVIEW}') THEN 1 ELSE 0 END), 0)"
    " FROM stages s JOIN orders o ON o.order_id = s.document_id"
    f" WHERE s.document = 'order' AND s.code = '{Code.SHIPPED:d}' AND s.at_us >= :since"
)
_FOUND: Final = (
    f"SELECT e.kind, CAST(SUM(CASE WHEN l.holder_id = '{ADJUST}' THEN ABS(l.d_quantity) ELSE 0 END) AS BIGINT)"
    " FROM stock_events e JOIN ledger l ON l.event_id = e.event_id"
    f" WHERE e.kind IN ('{EventKind.GAIN}', '{EventKind.LOSS}') AND e.at >= :since GROUP BY e.kind"
)
_STOCK: Final = (
    "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM pools WHERE warehouse_id = :warehouse_id"
)


async def performance(tx: Tx, warehouse_id: str, hours: int, since: Micros) -> PerformanceView:
    """Measure what has happened in the last hours, which began at `since`."""
    ((shipped, due, in_time, differing),) = await tx.fetch(_ORDERS, {"since": since})
    found = {row[0]: row[1] for row in await tx.fetch(_FOUND, {"since": since})}
    gained, lost = found.get(EventKind.GAIN, 0), found.get(EventKind.LOSS, 0)
    ((quantity,),) = await tx.fetch(_STOCK, {"warehouse_id": warehouse_id})
    return PerformanceView(
        hours=hours,
        shipped=shipped,
        due=due,
        in_time=in_time,
        differing=differing,
        gained=gained,
        lost=lost,
        quantity=quantity,
        fulfilment=_share(in_time, due),
        accuracy=_share(shipped - differing, shipped),
        shrinkage=_share(lost - gained, quantity),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
