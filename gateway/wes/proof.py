"""Proof that documents and stock agree: whatever is promised or bound in the books is promised or bound to somebody.

The stock's own proof (gateway/wes/stock/verify.py) says that balances and ledger agree; this one says that nothing is reserved for
nobody, and that no order line was promised what the books do not hold for it. Each check is one statement, so
it sees one moment while work goes on.
"""

from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.stock.model import Virtual
from gateway.wes.stock.verify import FINDINGS_MAX, Finding, verify

# What a rollback has taken off a work order is still bound until its last step frees it.
_UNFREED: Final = (
    f"(a.code = {Code.CANCELLED:d} AND a.rollback_id IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM stock_events e WHERE e.event_id = 'rollback-' || a.rollback_id))"
)
_BOUND: Final = f"(a.code < {Code.PICKED:d} OR {_UNFREED})"
_SHIPPED: Final = "p.shipped_at IS NOT NULL"
# Of open tasks `t` of transfers: what waits at its source, what is on the way, and what of that is promised to them.
_TO_TAKE: Final = "t.quantity - t.taken - t.missed - t.freed"
_UNDER_WAY: Final = "t.taken - t.put - t.aside - t.lost"
_UNDER_WAY_BOUND: Final = f"CASE t.unbound WHEN 0 THEN {_UNDER_WAY} ELSE 0 END"
_OPEN_TASKS: Final = "FROM transfer_tasks t WHERE t.ended_at IS NULL"

_LOT: Final = (
    "COALESCE(pools.sku, 'unknown'), COALESCE(NULLIF(lots.lot_no, ''), 'without a number')",
    "LEFT JOIN lots ON lots.lot_id = differing.lot_id LEFT JOIN pools ON pools.pool_id = lots.pool_id",
)
_LINE: Final = (
    "COALESCE(orders.oms_order_no, 'unknown'), COALESCE(order_lines.sku, 'line ' || differing.line_id)",
    "LEFT JOIN order_lines ON order_lines.line_id = differing.line_id"
    " LEFT JOIN orders ON orders.order_id = order_lines.order_id",
)


def _differ(named: tuple[str, str], keys: str, sides: str) -> str:
    """Compare two sides, summed up by keys, and name what differs in words that people know it by."""
    words, joins = named
    return f"""SELECT {words}, found, expected FROM (
    SELECT {keys}, CAST(SUM(books) AS BIGINT) AS found, CAST(SUM(wanted) AS BIGINT) AS expected FROM ({sides}) AS sides
    GROUP BY {keys} HAVING SUM(books) <> SUM(wanted)
    ) AS differing {joins} ORDER BY {", ".join(f"differing.{key}" for key in keys.split(", "))} LIMIT :limit"""


_PROMISED: Final = _differ(
    _LOT,
    "lot_id",
    f"""SELECT lot_id, reserved AS books, 0 AS wanted FROM lots
UNION ALL SELECT lot_id, 0, quantity FROM lot_reservations
UNION ALL SELECT a.lot_id, 0, a.quantity - a.picked - a.short FROM allocations a WHERE {_BOUND}
UNION ALL SELECT a.lot_id, 0, a.picked FROM allocations a
UNION ALL SELECT l.lot_id, 0, -l.quantity FROM package_lines l JOIN packages p ON p.package_id = l.package_id WHERE {_SHIPPED}
UNION ALL SELECT t.lot_id, 0, {_TO_TAKE} + {_UNDER_WAY_BOUND} {_OPEN_TASKS}""",
)
_PLACED: Final = _differ(
    (f"{_LOT[0]}, differing.holder_id", _LOT[1]),
    "lot_id, holder_id",
    f"""SELECT p.lot_id, p.holder_id, p.allocated AS books, 0 AS wanted FROM positions p
JOIN holders h ON h.holder_id = p.holder_id WHERE h.kind <> 'virtual'
UNION ALL SELECT a.lot_id, a.holder_id, 0, a.quantity - a.picked - a.short FROM allocations a
WHERE a.holder_id IS NOT NULL AND {_BOUND}
UNION ALL SELECT t.lot_id, t.source_id, 0, {_TO_TAKE} {_OPEN_TASKS}""",
)
_MOVING: Final = _differ(
    _LOT,
    "lot_id",
    f"""SELECT p.lot_id, p.quantity AS books, 0 AS wanted FROM positions p
JOIN holders h ON h.holder_id = p.holder_id WHERE h.kind = 'virtual' AND h.location_id = '{Virtual.MOVING}'
UNION ALL SELECT t.lot_id, 0, {_UNDER_WAY} {_OPEN_TASKS}""",
)
_TRANSFERS: Final = f"""SELECT x.transfer_no, CAST(SUM({_TO_TAKE} + {_UNDER_WAY}) AS BIGINT), 0
FROM transfers x JOIN transfer_tasks t ON t.transfer_id = x.transfer_id WHERE x.ended_at IS NOT NULL
GROUP BY x.transfer_id, x.transfer_no HAVING SUM({_TO_TAKE} + {_UNDER_WAY}) <> 0 ORDER BY x.transfer_id LIMIT :limit"""
_LINES: Final = _differ(
    _LINE,
    "line_id",
    f"""SELECT line_id, reserved + picked - shipped AS books, 0 AS wanted FROM order_lines
UNION ALL SELECT line_id, 0, quantity FROM lot_reservations
UNION ALL SELECT a.line_id, 0, a.quantity - a.picked - a.short FROM allocations a WHERE {_BOUND}
UNION ALL SELECT a.line_id, 0, a.picked FROM allocations a
UNION ALL SELECT l.line_id, 0, -l.quantity FROM package_lines l JOIN packages p ON p.package_id = l.package_id WHERE {_SHIPPED}""",
)
_ENDED: Final = f"""SELECT o.oms_order_no, CAST(SUM(l.reserved + l.picked - l.shipped) AS BIGINT), 0
FROM orders o JOIN order_lines l ON l.order_id = o.order_id WHERE o.code IN ({Code.SHIPPED:d}, {Code.CANCELLED:d})
GROUP BY o.order_id, o.oms_order_no HAVING SUM(l.reserved + l.picked - l.shipped) <> 0 ORDER BY o.order_id LIMIT :limit"""

_CHECKS: Final = (
    (
        "promisedToNobody",
        "{0}, lot {1}",
        _PROMISED,
        "{found} pieces are promised, but orders, boxes and transfers account for {expected}",
    ),
    (
        "boundToNobody",
        "{0}, lot {1} in {2}",
        _PLACED,
        "{found} pieces are set aside to be picked, but orders and transfers account for {expected}",
    ),
    (
        "lineWithout",
        "order {0}, {1}",
        _LINES,
        "the order counts on {found} pieces, but stock holds {expected} for it",
    ),
    ("endedWith", "order {0}", _ENDED, "the order has ended, and {found} pieces are still held for it"),
    (
        "movingForNobody",
        "{0}, lot {1}",
        _MOVING,
        "{found} pieces are on the way inside, but transfers account for {expected}",
    ),
    (
        "endedTransferWith",
        "transfer {0}",
        _TRANSFERS,
        "the transfer has ended, and {found} pieces of it are still to be moved",
    ),
)
_MEND: Final = (
    "Somebody changed a document or a figure past the program: compare with a backup. Until then count the goods before they are"
    " promised again."
)


async def prove(tx: Tx, now: Micros) -> list[Finding]:
    """Look for everything that cannot be, in stock, ledger and documents; none found: they are proved to agree.

    Args:
        tx: of a job that reads.
        now: what has expired by then must not be allocated.
    """
    return [*await verify(tx, now), *await find_contradictions(tx)]


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
