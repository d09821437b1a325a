"""What a count has found, and its end: with its last line, or before its time (S2-91).

The report of an ended count is kept with it.
"""

from collections import Counter
from typing import Final

from gateway.contract.counts import CountReport
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.counting.documents import TO_COUNT, LineState

_SUMS: Final = (
    "SELECT l.state, COALESCE(l.reason_code, ''), COUNT(*), CAST(COALESCE(SUM(r.books), 0) AS BIGINT),"
    " CAST(COALESCE(SUM(r.more), 0) AS BIGINT), CAST(COALESCE(SUM(r.less), 0) AS BIGINT) FROM count_lines l"
    " LEFT JOIN count_rounds r ON r.line_id = l.line_id AND r.round = l.round"
    " WHERE l.count_id = :count_id GROUP BY l.state, COALESCE(l.reason_code, '')"
)
_OPEN: Final = "SELECT 1 FROM count_lines WHERE count_id = :count_id AND ended_at IS NULL LIMIT 1"
_END: Final = (
    "UPDATE counts SET state = :state, end_reason = :reason, ended_at = :at_us, report = :report"
    " WHERE count_id = :count_id"
)
_SETTLED: Final = (LineState.DIFFERS, LineState.AGREED, LineState.APPROVED)
"""Lines whose last count counts."""


async def report_on(tx: Tx, count_id: int) -> CountReport:
    """Return how a count goes; of lines that are still to be counted no figure is in it."""
    lines, figures, reasons = Counter[str](), Counter[str](), Counter[str]()
    for state, reason, count, books, more, less in await tx.fetch(_SUMS, {"count_id": count_id}):
        lines[state] += count
        if state in _SETTLED:
            figures.update(books=books, gained=more, lost=less)
        if state == LineState.APPROVED:
            reasons[reason] += more + less
    total = lines.total()
    to_count = sum(lines[state] for state in TO_COUNT)
    books, differing = figures["books"], figures["gained"] + figures["lost"]
    return CountReport(
        lines=total,
        done=(total - to_count) / total,
        books=books,
        gained=figures["gained"],
        lost=figures["lost"],
        difference_rate=differing / books if books else None,
        by_reason=dict(sorted(reasons.items())),
        **{state.value: lines[state] for state in LineState},
    )


async def end_if_done(tx: Tx, context: WesContext, count_id: int) -> None:
    """End a count whose last line has ended; it is locked."""
    if not await tx.fetch(_OPEN, {"count_id": count_id}):
        await _end(tx, context, count_id, "done", None)


async def end_now(tx: Tx, context: WesContext, count_id: int, reason: str) -> None:
    """End a count whose lines have been withdrawn; it is locked."""
    await _end(tx, context, count_id, "withdrawn", reason)


async def _end(tx: Tx, context: WesContext, count_id: int, state: str, reason: str | None) -> None:
    report = await report_on(tx, count_id)
    row: dict[str, SqlValue] = {
        "count_id": count_id,
        "state": state,
        "reason": reason,
        "at_us": context.clock.now_us(),
        "report": report.model_dump_json(by_alias=True),
    }
    await tx.execute_many(_END, [row])
