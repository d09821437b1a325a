"""What has left under an order number: asked for when goods come back, also long after the order has gone to history."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

from gateway.kernel.ports import Row, Tx
from gateway.wes.orders.history import Documents

_WHICH: Final = (
    "oms_order_no = :order_no"
    " AND (CAST(:outbound_no AS TEXT) IS NULL OR outbound_no = CAST(:outbound_no AS TEXT))"
)
_ORDER: Final = (
    f"SELECT o.order_id, o.outbound_no, o.owner_id FROM orders o WHERE {_WHICH} AND EXISTS"
    " (SELECT 1 FROM order_lines l WHERE l.order_id = o.order_id AND l.shipped > 0)"
    " ORDER BY o.order_id DESC LIMIT 1"
)
_HISTORY: Final = f"SELECT documents FROM order_history WHERE {_WHICH} ORDER BY order_id DESC LIMIT 10"
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


async def find_shipment(tx: Tx, order_no: str, outbound_no: str | None = None) -> Shipment | None:
    """Return what has left under an order number; with an outbound number, what has left with that order."""
    named = {"order_no": order_no, "outbound_no": outbound_no}
    rows = await tx.fetch(_ORDER, named)
    if rows:
        order_id, number, owner_id = rows[0]
        which = {"order_id": order_id}
        return _shipment(number, owner_id, await tx.fetch(_LINES, which), await tx.fetch(_LOTS, which))
    for (documents,) in await tx.fetch(_HISTORY, named):
        kept = Documents(from_json(documents))
        ((number, owner_id),) = kept.rows("orders", "outbound_no, owner_id")
        lines = kept.rows("order_lines", "line_id, sku, shipped")
        if any(shipped for _, _, shipped in lines):
            return _shipment(number, owner_id, lines, kept.rows("package_lines", "line_id, lot_id"))
    return None


def _shipment(outbound_no: str, owner_id: str, lines: Sequence[Row], lots: Sequence[Row]) -> Shipment:
    pieces: Counter[str] = Counter()
    of_sku: defaultdict[str, set[int]] = defaultdict(set)
    skus = {line_id: sku for line_id, sku, _ in lines}
    for _, sku, shipped in lines:
        pieces[sku] += shipped
    for line_id, lot_id in lots:
        of_sku[skus[line_id]].add(lot_id)
    return Shipment(outbound_no, owner_id, pieces, {sku: frozenset(each) for sku, each in of_sku.items()})
