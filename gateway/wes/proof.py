"""Proof that documents and stock agree: whatever is promised or bound in the books is promised or bound to somebody.

The stock's own proof (gateway/wes/stock/verify.py) says that balances and ledger agree; this one says that nothing is reserved for
nobody, and that no order line was promised what the books do not hold for it.
"""

from typing import Final

from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.stock.verify import FINDINGS_MAX, Finding

# What a rollback has taken off a work order is still bound until its last step frees it.
_UNFREED: Final = (
    f"(a.code = {Code.CANCELLED:d} AND a.rollback_id IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM stock_events e WHERE e.event_id = 'rollback-' || a.rollback_id))"
)
_BOUND: Final = f"(a.code < {Code.PICKED:d} OR {_UNFREED})"
_SHIPPED: Final = "p.shipped_at IS NOT NULL"

_PROMISED: Final = f"""SELECT lot_id, CAST(SUM(books) AS BIGINT), CAST(SUM(wanted) AS BIGINT) FROM (
SELECT lot_id, reserved AS books, 0 AS wanted FROM lots
UNION ALL SELECT lot_id, 0, quantity FROM lot_reservations
UNION ALL SELECT a.lot_id, 0, a.quantity - a.picked - a.short FROM allocations a WHERE {_BOUND}
UNION ALL SELECT a.lot_id, 0, a.picked FROM allocations a
UNION ALL SELECT l.lot_id, 0, -l.quantity FROM package_lines l JOIN packages p ON p.package_id = l.package_id WHERE {_SHIPPED}
) AS sides GROUP BY lot_id HAVING SUM(books) <> SUM(wanted) ORDER BY lot_id LIMIT :limit"""
_PLACED: Final = f"""SELECT lot_id, holder_id, CAST(SUM(books) AS BIGINT), CAST(SUM(wanted) AS BIGINT) FROM (
SELECT p.lot_id, p.holder_id, p.allocated AS books, 0 AS wanted FROM positions p
JOIN holders h ON h.holder_id = p.holder_id WHERE h.kind <> 'virtual'
UNION ALL SELECT a.lot_id, a.holder_id, 0, a.quantity - a.picked - a.short FROM allocations a
WHERE a.holder_id IS NOT NULL AND {_BOUND}
) AS sides GROUP BY lot_id, holder_id HAVING SUM(books) <> SUM(wanted) ORDER BY lot_id, holder_id LIMIT :limit"""
_LINES: Final = f"""SELECT line_id, CAST(SUM(books) AS BIGINT), CAST(SUM(wanted) AS BIGINT) FROM (
SELECT line_id, reserved + picked - shipped AS books, 0 AS wanted FROM order_lines
UNION ALL SELECT line_id, 0, quantity FROM lot_reservations
UNION ALL SELECT a.line_id, 0, a.quantity - a.picked - a.short FROM allocations a WHERE {_BOUND}
UNION ALL SELECT a.line_id, 0, a.picked FROM allocations a
UNION ALL SELECT l.line_id, 0, -l.quantity FROM package_lines l JOIN packages p ON p.package_id = l.package_id WHERE {_SHIPPED}
) AS sides GROUP BY line_id HAVING SUM(books) <> SUM(wanted) ORDER BY line_id LIMIT :limit"""
_ENDED: Final = f"""SELECT o.order_id, CAST(SUM(l.reserved + l.picked - l.shipped) AS BIGINT), 0
FROM orders o JOIN order_lines l ON l.order_id = o.order_id WHERE o.code IN ({Code.SHIPPED:d}, {Code.CANCELLED:d})
GROUP BY o.order_id HAVING SUM(l.reserved + l.picked - l.shipped) <> 0 ORDER BY o.order_id LIMIT :limit"""

_CHECKS: Final = (
    ("promisedToNobody", "lot {0}", _PROMISED, "{found} are reserved, documents account for {expected}"),
    ("boundToNobody", "lot {0} at {1}", _PLACED, "{found} are allocated, documents account for {expected}"),
    (
        "lineWithout",
        "order line {0}",
        _LINES,
        "{found} are promised to it, its documents account for {expected}",
    ),
    ("endedWith", "order {0}", _ENDED, "it has ended and {found} pieces are promised to it"),
)
_MEND: Final = "A document was changed past the acts: compare with a backup."


async def find_contradictions(tx: Tx) -> list[Finding]:
    """Return what documents and stock disagree about, at most so much of each kind."""
    found: list[Finding] = []
    for check, place, sql, problem in _CHECKS:
        for *keys, books, wanted in await tx.fetch(sql, {"limit": FINDINGS_MAX}):
            text = problem.format(found=books, expected=wanted)
            found.append(
                Finding(check=check, place=place.format(*keys), problem=text, off=books - wanted, mend=_MEND)
            )
    return found
