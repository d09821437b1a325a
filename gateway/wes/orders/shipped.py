"""What has left under an order number: asked for when goods come back, also long after the order has gone to history."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.kernel.ports import Row, Tx
from gateway.wes.orders.history import find_history

_ORDER: Final = (
    "SELECT o.order_id, o.outbound_no, o.owner_id FROM orders o WHERE o.oms_order_no = :order_no AND EXISTS"
    " (SELECT 1 FROM order_lines l WHERE l.order_id = o.order_id AND l.shipped > 0)"
    " ORDER BY o.created_at DESC, o.order_id DESC LIMIT 1"
)
_LINES: Final = "SELECT line_id, sku, shipped FROM order_lines WHERE order_id = :order_id"
_LOTS: Final = (
    "SELECT DISTINCT x.line_id, x.lot_id FROM package_lines x JOIN packages p ON p.package_id = x.package_id"
    " WHERE p.order_id = :order_id AND p.shipped_at IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Shipment:
    """What has left with the newest order of a number of which anything has.

    Attributes:
        pieces: by SKU.
        lots: by SKU, what they were of.
    """

    outbound_no: str
    owner_id: str
    pieces: Mapping[str, int]
    lots: Mapping[str, frozenset[int]]


async def find_shipment(tx: Tx, order_no: str) -> Shipment | None:
    """Return what has left under an order number."""
    rows = await tx.fetch(_ORDER, {"order_no": order_no})
    if rows:
        order_id, outbound_no, owner_id = rows[0]
        which = {"order_id": order_id}
        return _shipment(outbound_no, owner_id, await tx.fetch(_LINES, which), await tx.fetch(_LOTS, which))
    kept = await find_history(tx, order_no)
    if kept is None:
        return None
    ((outbound_no, owner_id),) = kept.rows("orders", "outbound_no, owner_id")
    lines = kept.rows("order_lines", "line_id, sku, shipped")
    lots = kept.rows("package_lines", "line_id, lot_id")
    shipment = _shipment(outbound_no, owner_id, lines, lots)
    return shipment if any(shipment.pieces.values()) else None


def _shipment(outbound_no: str, owner_id: str, lines: Sequence[Row], lots: Sequence[Row]) -> Shipment:
    pieces: Counter[str] = Counter()
    of_sku: defaultdict[str, set[int]] = defaultdict(set)
    skus = {line_id: sku for line_id, sku, _ in lines}
    for _, sku, shipped in lines:
        pieces[sku] += shipped
    for line_id, lot_id in lots:
        of_sku[skus[line_id]].add(lot_id)
    return Shipment(outbound_no, owner_id, pieces, {sku: frozenset(each) for sku, each in of_sku.items()})
