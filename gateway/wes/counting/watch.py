"""What counts find that somebody must look at: as alarms (S2-86, S2-92, S2-93), which end when it is decided, or counted again."""

from collections.abc import Sequence
from typing import Final

from gateway.kernel.ports import Row, SqlValue, Store
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.context import WesContext

LOSS: Final = "countLoss"
DIFFERENCE: Final = "countDifference"
OVERDUE: Final = "countOverdue"
NAMED_MAX: Final = 20
"""Lines or counts that one alarm names."""

_LOSSES: Final = (
    "SELECT c.count_no || ': ' || r.less || ' of ' || r.books || ' ' || p.sku || ' in ' || l.holder_id, r.at_us"
    " FROM count_lines l JOIN count_rounds r ON r.line_id = l.line_id AND r.round = l.round"
    " JOIN counts c ON c.count_id = l.count_id JOIN lots o ON o.lot_id = l.lot_id JOIN pools p ON p.pool_id = o.pool_id"
    " WHERE l.state = 'differs' AND r.less > CAST(:share AS DOUBLE PRECISION) * r.books ORDER BY r.at_us, l.line_id LIMIT :limit"
)
_DIFFERENCES: Final = (
    "SELECT c.count_no || ': ' || CAST(SUM(r.more + r.less) AS BIGINT) || ' of ' || CAST(SUM(r.books) AS BIGINT),"
    " MIN(r.at_us) FROM counts c CROSS JOIN count_lines l"
    " JOIN count_rounds r ON r.line_id = l.line_id AND r.round = l.round"
    " WHERE c.ended_at IS NULL AND l.count_id = c.count_id AND l.state IN ('differs', 'agreed', 'approved')"
    " GROUP BY c.count_id, c.count_no"
    " HAVING SUM(r.more + r.less) > CAST(:share AS DOUBLE PRECISION) * SUM(r.books) ORDER BY c.count_id LIMIT :limit"
)
_OVERDUE: Final = (
    "SELECT count_no, due_at FROM counts WHERE ended_at IS NULL AND due_at <= :now"
    " ORDER BY due_at, count_id LIMIT :limit"
)


class CountWatch:
    """Raises and clears the alarms of counts."""

    def __init__(self, store: Store, context: WesContext, alarms: Alarms) -> None:
        self._store = store
        self._context = context
        self._alarms = alarms

    async def work(self) -> None:
        """Look once."""
        limits = self._context.wes.counting
        self._tell(
            OVERDUE,
            await self._find(_OVERDUE, now=self._context.clock.now_us()),
            "A count should be done by now",
            "See what is still to be counted or decided: gateway wes counts; or end it.",
        )
        self._tell(
            LOSS,
            await self._find(_LOSSES, share=limits.loss),
            f"A count finds that more than {limits.loss:.1%} is missing",
            "Look for it first, then decide: see gateway wes counts, and docs/wes-stations.md.",
        )
        self._tell(
            DIFFERENCE,
            await self._find(_DIFFERENCES, share=limits.difference),
            f"A count differs from the books by more than {limits.difference:.1%}",
            "Find out why before it is approved: see gateway wes counts, and the ledger of what differs.",
        )

    async def _find(self, sql: str, **limits: SqlValue) -> Sequence[Row]:
        return await self._store.read(lambda tx: tx.fetch(sql, {**limits, "limit": NAMED_MAX}))

    def _tell(self, code: str, found: Sequence[Row], text: str, advice: str) -> None:
        if not found:
            self._alarms.clear(code)
            return
        named, since = ", ".join(row[0] for row in found), min(row[1] for row in found)
        self._alarms.raise_alarm(
            Alarm(subject="stock", code=code, text=f"{text}: {named}", advice=advice, raised_at=since)
        )
