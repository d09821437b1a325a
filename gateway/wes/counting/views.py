"""Counts as people see them: orders, and lines with how they were counted.

Of a blind line nobody sees a figure as long as somebody has to count it. Long after its end a count's lines go to its order, as
they are shown, so that the tables of the day stay small and nothing is lost.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import TypeAdapter
from pydantic_core import from_json

from gateway.contract.counts import CountLineView, CountReport, CountView, OrderCount, RoundView
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.context import WesContext
from gateway.wes.counting.documents import DAY_US, TO_COUNT
from gateway.wes.counting.report import report_on
from gateway.wes.planning.tasks import missing

STEP: Final = 20
"""Counts whose lines one round puts away."""
LINES: Final = TypeAdapter(tuple[CountLineView, ...])

_COUNTS: Final = (
    "SELECT count_id, count_no, request, state, end_reason, created_at, ended_at, report FROM counts"
)
_PAGE: Final = (
    f"{_COUNTS} WHERE count_id < :below AND (CAST(:state AS TEXT) IS NULL OR state = CAST(:state AS TEXT))"
    " ORDER BY count_id DESC LIMIT :limit"
)
_ONE: Final = f"{_COUNTS} WHERE count_no = :count_no"
_KEPT: Final = "SELECT count_id, lines FROM counts WHERE count_no = :count_no"
_LINE: Final = (
    "SELECT l.line_id, l.holder_id, h.location_id, h.zone, p.owner_id, p.sku, COALESCE(g.name, p.sku),"
    " COALESCE(g.unit, ''), o.lot_no, o.serial, g.units_per_case, l.state, l.claimant, l.unexpected,"
    " COALESCE(x.quantity, 0), l.reason_code, l.reason, l.decided_by, l.ended_at, c.blind, c.count_no,"
    " COALESCE(g.barcodes, '[]') FROM count_lines l"
    " JOIN counts c ON c.count_id = l.count_id"
    " JOIN holders h ON h.holder_id = l.holder_id JOIN lots o ON o.lot_id = l.lot_id"
    " JOIN pools p ON p.pool_id = o.pool_id LEFT JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku"
    " LEFT JOIN positions x ON x.holder_id = l.holder_id AND x.lot_id = l.lot_id"
)
_LINES: Final = (
    f"{_LINE} WHERE l.count_id = :count_id AND l.line_id > :after"
    " AND (CAST(:state AS TEXT) IS NULL OR l.state = CAST(:state AS TEXT))"
    " AND (CAST(:holder_id AS TEXT) IS NULL OR l.holder_id = CAST(:holder_id AS TEXT))"
    " AND (CAST(:claimant AS TEXT) IS NULL OR l.claimant = CAST(:claimant AS TEXT))"
    " ORDER BY l.line_id LIMIT :limit"
)
_AT_STATION: Final = (
    f"{_LINE} WHERE l.ended_at IS NULL AND l.state IN ('open', 'again') AND l.holder_id IN (SELECT a.container_id"
    " FROM presentations a WHERE a.station_id = :station_id AND a.state = 'arrived'"
    " AND (a.purpose = 'count' OR (a.purpose = 'pick' AND c.dynamic = 1)))"
    " ORDER BY l.line_id LIMIT :limit"
)
_ROUNDS: Final = (
    "SELECT line_id, operator, at_us, quantity, damaged, books, held, more, less, found, missing FROM count_rounds"
    " WHERE line_id = :line_id ORDER BY round"
)
_DUE: Final = (
    "SELECT count_no FROM counts WHERE ended_at IS NOT NULL AND lines IS NULL AND ended_at < :before"
    " ORDER BY ended_at LIMIT :limit"
)
_KEEP: Final = "UPDATE counts SET lines = :lines WHERE count_id = :count_id"
_DROP: Final = (
    "DELETE FROM count_rounds WHERE line_id IN (SELECT line_id FROM count_lines WHERE count_id = :count_id)",
    "DELETE FROM count_lines WHERE count_id = :count_id",
)
SHOWN_MAX: Final = 100
"""Lines that a station shows."""
_ALL: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichLines:
    """Which lines of a count; what is None does not matter."""

    after: int = 0
    state: str | None = None
    holder_id: str | None = None
    claimant: str | None = None


async def list_counts(tx: Tx, below: int, limit: int, state: str | None) -> list[tuple[int, CountView]]:
    """Return counts with their numbers, the newest first, with numbers below a limit."""
    rows = await tx.fetch(_PAGE, {"below": below, "limit": limit, "state": state})
    return [(row[0], await _count(tx, row)) for row in rows]


async def count_view(tx: Tx, count_no: str) -> CountView:
    """Return a count.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(_ONE, {"count_no": count_no})
    if not rows:
        raise missing("countId", f"no count {count_no}")
    return await _count(tx, rows[0])


async def count_lines(tx: Tx, count_no: str, which: WhichLines, limit: int) -> list[CountLineView]:
    """Return lines of a count in their order.

    Raises:
        Refusal: there is no such count.
    """
    rows = await tx.fetch(_KEPT, {"count_no": count_no})
    if not rows:
        raise missing("countId", f"no count {count_no}")
    count_id, kept = rows[0]
    if kept is not None:
        lines = (each.model_copy(update={"count_id": count_no}) for each in LINES.validate_json(kept))
        return [each for each in lines if _is_wanted(each, which)][:limit]
    params: dict[str, SqlValue] = {
        "count_id": count_id,
        "after": which.after,
        "state": which.state,
        "holder_id": which.holder_id,
        "claimant": which.claimant,
        "limit": limit,
    }
    return await _with_rounds(tx, await tx.fetch(_LINES, params))


async def lines_at_station(tx: Tx, station_id: str) -> list[CountLineView]:
    """Return what is to be counted in the containers that stand at a station for it, or to be picked from where that is enough."""
    rows = await tx.fetch(_AT_STATION, {"station_id": station_id, "limit": SHOWN_MAX})
    return await _with_rounds(tx, rows)


async def put_counts_away(store: Store, context: WesContext) -> None:
    """Put the lines of counts that ended long ago to their orders, each in a transaction of its own."""
    before = context.clock.now_us() - context.wes.keep_days * DAY_US
    due = await store.read(lambda tx: tx.fetch(_DUE, {"before": before, "limit": STEP}))
    for (count_no,) in due:
        await store.write(partial(_put_away, count_no=count_no))


async def _put_away(tx: Tx, count_no: str) -> None:
    count_id, kept = (await tx.fetch(_KEPT, {"count_no": count_no}))[0]
    if kept is None:
        lines = tuple(await count_lines(tx, count_no, WhichLines(), _ALL))
        text = LINES.dump_json(lines, by_alias=True).decode()
        await tx.execute_many(_KEEP, [{"count_id": count_id, "lines": text}])
        for sql in _DROP:
            await tx.execute(sql, {"count_id": count_id})


def _is_wanted(line: CountLineView, which: WhichLines) -> bool:
    return (
        line.line_id > which.after
        and which.state in (None, line.state)
        and which.holder_id in (None, line.holder_id)
        and which.claimant in (None, line.claimant)
    )


async def _count(tx: Tx, row: Row) -> CountView:
    count_id, count_no, request, state, end_reason, created_at, ended_at, report = row
    order = OrderCount.model_validate_json(request)
    return CountView(
        count_id=count_no,
        scope=order.scope,
        sample=order.sample,
        blind=order.blind,
        dynamic=order.dynamic,
        people=order.people,
        due_at=order.due_at,
        operator=order.operator,
        reason=order.reason,
        state=state,
        created_at=to_datetime(created_at),
        ended_at=None if ended_at is None else to_datetime(ended_at),
        end_reason=end_reason,
        report=await report_on(tx, count_id) if report is None else CountReport.model_validate_json(report),
    )


async def _with_rounds(tx: Tx, rows: Sequence[Row]) -> list[CountLineView]:
    rounds = defaultdict[int, list[Row]](list)
    for row in await tx.fetch_many(_ROUNDS, [{"line_id": row[0]} for row in rows]):
        rounds[row[0]].append(row[1:])
    return [_line(row, rounds) for row in rows]


def _line(row: Row, rounds: Mapping[int, Sequence[Row]]) -> CountLineView:
    line_id, holder_id, location_id, zone, owner_id, sku, name, unit, lot_no, serial, units_per_case = row[
        :11
    ]
    state, claimant, unexpected, books, reason_code, reason, decided_by, ended_at, blind = row[11:20]
    count_no, barcodes = row[20:]
    hidden = bool(blind) and state in TO_COUNT
    counted = () if hidden else rounds.get(line_id, ())
    return CountLineView(
        line_id=line_id,
        count_id=count_no,
        holder_id=holder_id,
        location_id=location_id,
        zone=zone,
        owner_id=owner_id,
        sku_id=sku,
        name=name,
        barcodes=tuple(from_json(barcodes)),
        unit=unit,
        lot_no=lot_no,
        serial=bool(serial),
        units_per_case=units_per_case,
        state=state,
        claimant=claimant,
        unexpected=bool(unexpected),
        books=None if hidden or ended_at is not None else books,
        rounds=tuple(_round(each) for each in counted),
        difference=counted[-1][6] - counted[-1][7] if counted else None,
        reason_code=reason_code,
        reason=reason,
        decided_by=decided_by,
        ended_at=None if ended_at is None else to_datetime(ended_at),
    )


def _round(row: Row) -> RoundView:
    operator, at_us, quantity, damaged, books, held, _, _, found, lost = row
    return RoundView(
        operator=operator,
        at=to_datetime(at_us),
        quantity=quantity,
        damaged=damaged,
        books=books,
        held=held,
        found=tuple(from_json(found)),
        missing=tuple(from_json(lost)),
    )
