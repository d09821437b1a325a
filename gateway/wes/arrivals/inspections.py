"""What came with announced goods, lot by lot, and how it was judged: the list of an arrival's inspections (到货质检, S2-25).

The result is the lot's quality; who said so, when and why stands in the ledger, beside what the dock said before.
"""

from typing import Final

from gateway.contract.arrivals import InspectionView
from gateway.kernel.clock import to_moment
from gateway.kernel.ports import Tx
from gateway.wes.arrivals.views import show_arrival

_LOTS: Final = """SELECT l.lot_id, p.owner_id, p.sku, COALESCE(g.name, p.sku), l.lot_no, CAST(SUM(x.d_quantity) AS BIGINT),
l.quantity, l.held, l.quality FROM stock_events e JOIN ledger x ON x.event_id = e.event_id JOIN lots l ON l.lot_id = x.lot_id
JOIN pools p ON p.pool_id = l.pool_id LEFT JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku
WHERE e.document_id = :notice_no AND e.document_kind = 'arrival' AND x.holder_id IS NOT NULL AND x.d_quantity > 0
AND l.lot_id > :after GROUP BY l.lot_id, p.owner_id, p.sku, g.name, l.lot_no, l.quantity, l.held, l.quality
ORDER BY l.lot_id LIMIT :limit"""
_JUDGED: Final = """SELECT x.lot_id, x.at, e.operator, e.reason FROM ledger x JOIN stock_events e ON e.event_id = x.event_id
WHERE x.lot_id = :lot_id AND x.holder_id IS NULL AND x.d_reserved = 0 AND x.d_allocated = 0 AND e.kind = 'quality'
ORDER BY x.at DESC, x.event_id DESC LIMIT 1"""


async def list_inspections(
    tx: Tx, notice_no: str, after: int, limit: int
) -> list[tuple[int, InspectionView]]:
    """Return the lots that came with announced goods, with ids above a limit.

    Raises:
        Refusal: there is no such notice.
    """
    await show_arrival(tx, notice_no)
    rows = await tx.fetch(_LOTS, {"notice_no": notice_no, "after": after, "limit": limit})
    judged = {
        lot_id: (at, operator, reason)
        for lot_id, at, operator, reason in await tx.fetch_many(_JUDGED, [{"lot_id": row[0]} for row in rows])
    }
    found: list[tuple[int, InspectionView]] = []
    for lot_id, owner_id, sku, name, lot_no, received, quantity, held, quality in rows:
        at, operator, reason = judged.get(lot_id, (None, None, None))
        view = InspectionView(
            owner_id=owner_id,
            sku_id=sku,
            sku_name=name,
            lot_no=lot_no,
            received=received,
            quantity=quantity,
            held=held,
            quality=quality,
            judged_at=to_moment(at),
            judged_by=operator,
            reason=reason,
        )
        found.append((lot_id, view))
    return found
