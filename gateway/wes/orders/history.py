"""Ended orders go to history with all their documents (S1-9, 结转), so that the tables of the day stay small.

One row an order, its documents as JSON under the names of their tables and columns: history is read by order number, one order
at a time, and never joined. What history still answers for stays a column: the command's id stays taken, an order number that
comes back goes on counting its messages. An order goes in one transaction, and only once nothing of it is open: no goods, no
work, no message.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic_core import from_json, to_json

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.codes import ENDED, Code
from gateway.wes.context import WesContext
from gateway.wes.orders.rows import lock_order

STEP: Final = 200
"""Documents of a kind that one round looks at."""
NUMBERED_MAX: Final = 100
"""Orders of one number that are shown at once."""
DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of which history keeps an order's rows.

    Attributes:
        columns: all that the table has.
        which: the order's rows.
    """

    table: str
    columns: str
    which: str


_LINES: Final = "line_id IN (SELECT line_id FROM order_lines WHERE order_id = :order_id)"
_WORKS: Final = "work_id IN (SELECT work_id FROM work_orders WHERE order_id = :order_id)"
_ALLOCATIONS: Final = f"allocation_id IN (SELECT allocation_id FROM allocations WHERE {_WORKS})"
_STAGE: Final = "document, document_id, code, at_us, operator"
_PRESENTATIONS: Final = f"presentation_id IN (SELECT presentation_id FROM allocations WHERE {_WORKS})"

MOVED: Final = (
    Kept(
        "orders",
        "order_id, outbound_no, command_id, command_digest, oms_order_no, warehouse_id, owner_id, consignee, carrier_code,"
        " service_type, priority, deadline_at, ext, code, cancel_reason, wave_id, claimant, review, feedback_seq,"
        " created_at, updated_at",
        "order_id = :order_id",
    ),
    Kept(
        "order_lines",
        "line_id, order_id, line_no, sku, quantity, reserved, picked, shipped, short, turnover, lot_no, shelf_life_days,"
        " packaging, code",
        "order_id = :order_id",
    ),
    Kept("lot_reservations", "line_id, lot_id, quantity", _LINES),
    Kept(
        "order_exceptions",
        "exception_id, order_id, line_id, kind, text, at_us, settled_at, settled_by",
        "order_id = :order_id",
    ),
    Kept(
        "work_orders",
        "work_id, order_id, mode, wave_id, station_id, slot_id, box_id, zone, priority, deadline_at, claimant, replaces,"
        " held, code, created_at, updated_at, rolled_back, waits_for",
        "order_id = :order_id",
    ),
    Kept(
        "stages",
        _STAGE,
        "((document = 'order' AND document_id = :order_id) OR (document = 'work' AND document_id IN"
        " (SELECT work_id FROM work_orders WHERE order_id = :order_id)))",
    ),
    Kept("work_lines", "work_id, line_id, quantity, picked, short", _WORKS),
    Kept("work_waits", "work_id, replenishment_id, quantity", _WORKS),
    Kept(
        "allocations",
        "allocation_id, work_id, line_id, lot_id, holder_id, cell, presentation_id, quantity, picked, short, code,"
        " rollback_id",
        _WORKS,
    ),
    Kept(
        "packages",
        "package_id, package_no, order_id, work_id, box_id, kind, weight_kg, tracking_no, consolidation_id, code, reviewer,"
        " created_at, shipped_at",
        "order_id = :order_id",
    ),
    Kept(
        "wall_puts",
        "put_id, allocation_id, slot_id, quantity, confirmed, attempt, state, created_at, station_id, upn, operator,"
        " changed_at",
        _ALLOCATIONS,
    ),
    Kept(
        "picks",
        "pick_id, allocation_id, quantity, upn, box_id, operator, at_us, package_id, put_id",
        _ALLOCATIONS,
    ),
    Kept(
        "package_lines",
        "package_id, line_id, lot_id, quantity, reviewed",
        "package_id IN (SELECT package_id FROM packages WHERE order_id = :order_id)",
    ),
    Kept(
        "put_backs",
        "put_back_id, order_id, allocation_id, lot_id, quantity, upns, box_id, holder_id, operator, created_at, done_at,"
        " recall_id, package_id",
        "order_id = :order_id",
    ),
    Kept(
        "questions",
        "question_id, station_id, slot_id, kind, put_id, text, at_us, settled_at, settled_by",
        f"put_id IN (SELECT put_id FROM wall_puts WHERE {_ALLOCATIONS})",
    ),
)
"""What is of one order alone; a table stands behind those that its rows name."""

SHARED: Final = (
    Kept(
        "presentations",
        "presentation_id, purpose, container_id, station_id, destination, state, attempt, reason, created_at, sent_at,"
        " arrived_at, left_at, priority, deadline_at, origin, why",
        _PRESENTATIONS,
    ),
    Kept(
        "operations",
        "operation_id, presentation_id, station_id, state, operator, payload, opened_at, done_at, scanned_at",
        _PRESENTATIONS,
    ),
    Kept(
        "stages",
        _STAGE,
        f"((document = 'presentation' AND document_id IN (SELECT presentation_id FROM allocations WHERE {_WORKS}))"
        " OR (document = 'operation' AND document_id IN"
        f" (SELECT operation_id FROM operations WHERE {_PRESENTATIONS})))",
    ),
    Kept(
        "rollbacks",
        "rollback_id, presentation_id, reason, steps, done, started_at, ended_at",
        _PRESENTATIONS,
    ),
)
"""What served several orders: each takes a copy along, and the last one leaves nothing behind that names it."""

_SETTLED: Final = f"""o.code IN ({", ".join(f"{code:d}" for code in ENDED)}) AND o.updated_at < :before
AND NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.order_id AND (l.reserved > 0 OR l.picked > l.shipped))
AND NOT EXISTS (SELECT 1 FROM order_lines l JOIN lot_reservations r ON r.line_id = l.line_id
    WHERE l.order_id = o.order_id AND r.quantity > 0)
AND NOT EXISTS (SELECT 1 FROM work_orders w WHERE w.order_id = o.order_id AND (w.code < {Code.SHIPPED:d}
    OR EXISTS (SELECT 1 FROM wall_slots s WHERE s.work_id = w.work_id)
    OR EXISTS (SELECT 1 FROM allocations a WHERE a.work_id = w.work_id AND a.code < {Code.SHIPPED:d})
    OR EXISTS (SELECT 1 FROM allocations a JOIN rollbacks b ON b.presentation_id = a.presentation_id
        WHERE a.work_id = w.work_id AND b.ended_at IS NULL)))
AND NOT EXISTS (SELECT 1 FROM packages p WHERE p.order_id = o.order_id AND p.code < {Code.SHIPPED:d})
AND NOT EXISTS (SELECT 1 FROM put_backs b WHERE b.order_id = o.order_id AND b.done_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM outbox m WHERE m.lane = 'order:' || o.oms_order_no AND m.state <> 'delivered')"""
_DUE: Final = (
    f"SELECT o.order_id FROM orders o WHERE {_SETTLED} ORDER BY o.updated_at, o.order_id LIMIT :limit"
)
_STILL: Final = f"SELECT 1 FROM orders o WHERE o.order_id = :order_id AND {_SETTLED}"
_KEEP: Final = (
    "INSERT INTO order_history (order_id, outbound_no, command_id, command_digest, oms_order_no, feedback_seq, created_at,"
    " moved_at, documents) SELECT order_id, outbound_no, command_id, command_digest, oms_order_no, feedback_seq,"
    " created_at, :at_us, :documents FROM orders WHERE order_id = :order_id"
)
_FIND: Final = (
    "SELECT documents FROM order_history WHERE oms_order_no = :order_no ORDER BY order_id DESC LIMIT 1"
)
_IS_OF_THE_DAY: Final = "SELECT 1 FROM orders WHERE order_id = :order_id"
_FIND_ONE: Final = "SELECT documents FROM order_history WHERE order_id = :order_id"
_NUMBERED: Final = (
    "SELECT documents FROM order_history WHERE oms_order_no = :order_no AND order_id < :below"
    " ORDER BY order_id DESC LIMIT :limit"
)
_LEFT_OVER: Final = (
    "SELECT p.presentation_id FROM presentations p WHERE p.state IN ('done', 'cancelled') AND p.created_at < :before"
    " AND NOT EXISTS (SELECT 1 FROM allocations a WHERE a.presentation_id = p.presentation_id)"
    " AND NOT EXISTS (SELECT 1 FROM replenishments r WHERE r.presentation_id = p.presentation_id)"
    " AND NOT EXISTS (SELECT 1 FROM transfer_tasks t WHERE t.source_visit = p.presentation_id)"
    " AND NOT EXISTS (SELECT 1 FROM transfer_tasks t WHERE t.target_visit = p.presentation_id)"
    " AND NOT EXISTS (SELECT 1 FROM rollbacks b WHERE b.presentation_id = p.presentation_id AND b.ended_at IS NULL)"
    " ORDER BY p.created_at LIMIT :limit"
)
_FORGET: Final = (
    "DELETE FROM replenishments WHERE replenishment_id IN (SELECT r.replenishment_id FROM replenishments r"
    " WHERE r.ended_at < :before AND NOT EXISTS (SELECT 1 FROM work_waits w WHERE w.replenishment_id = r.replenishment_id)"
    " ORDER BY r.ended_at LIMIT :limit)"
)
_DROP: Final = (
    "DELETE FROM stages WHERE document = 'presentation' AND document_id = :presentation_id",
    "DELETE FROM stages WHERE document = 'operation' AND document_id IN"
    " (SELECT operation_id FROM operations WHERE presentation_id = :presentation_id)",
    "DELETE FROM rollbacks WHERE presentation_id = :presentation_id",
    "DELETE FROM operations WHERE presentation_id = :presentation_id",
    "DELETE FROM presentations WHERE presentation_id = :presentation_id",
)


@dataclass(frozen=True, slots=True)
class Documents:
    """All documents of one order.

    Attributes:
        tables: rows by the names of their tables, each by the names of its columns.
    """

    tables: Mapping[str, Sequence[Mapping[str, Any]]]

    def rows(self, table: str, columns: str) -> list[Row]:
        """Return its rows of a table as a query for these columns, with commas between them, would."""
        return [tuple(row[name] for name in columns.split(", ")) for row in self.tables[table]]


async def find_history(tx: Tx, order_no: str) -> Documents | None:
    """Return the newest order of an OMS number that has gone to history."""
    rows = await tx.fetch(_FIND, {"order_no": order_no})
    return Documents(from_json(rows[0][0])) if rows else None


async def find_documents(tx: Tx, order_id: int) -> Documents | None:
    """Return an order, of the day or of history."""
    if await tx.fetch(_IS_OF_THE_DAY, {"order_id": order_id}):
        return Documents(await _documents(tx, order_id))
    rows = await tx.fetch(_FIND_ONE, {"order_id": order_id})
    return Documents(from_json(rows[0][0])) if rows else None


async def list_history(tx: Tx, order_no: str, below: int) -> list[Documents]:
    """Return the orders of an OMS number that have gone to history, the newest ones with order ids below a limit."""
    rows = await tx.fetch(_NUMBERED, {"order_no": order_no, "below": below, "limit": NUMBERED_MAX})
    return [Documents(from_json(row[0])) for row in rows]


async def carry_over(store: Store, context: WesContext) -> None:
    """Move orders that ended long ago, each in a transaction of its own; then drop what only they have used."""
    before = context.clock.now_us() - context.wes.keep_days * DAY_US
    params = {"before": before, "limit": STEP}
    for (order_id,) in await store.read(lambda tx: tx.fetch(_DUE, params)):
        await store.write(partial(_move, context=context, order_id=order_id, before=before))
    await store.write(lambda tx: tx.execute(_FORGET, params))
    await store.write(partial(_drop_presentations, params=params))


async def _move(tx: Tx, context: WesContext, order_id: int, before: Micros) -> None:
    """Move one order to history, unless something of it is open now."""
    which: dict[str, SqlValue] = {"order_id": order_id}
    await lock_order(tx, order_id)
    if not await tx.fetch(_STILL, {**which, "before": before}):
        return
    documents = to_json(await _documents(tx, order_id)).decode()
    row = {**which, "at_us": context.clock.now_us(), "documents": documents}
    await tx.execute_many(_KEEP, [row])
    for each in reversed(MOVED):
        await tx.execute_many(f"DELETE FROM {each.table} WHERE {each.which}", [which])


async def _documents(tx: Tx, order_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of an order of the day, by table."""
    documents: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for kept in (*MOVED, *SHARED):
        sql = f"SELECT {kept.columns} FROM {kept.table} WHERE {kept.which} ORDER BY 1, 2"
        names = kept.columns.split(", ")
        rows = await tx.fetch(sql, {"order_id": order_id})
        documents[kept.table] += [dict(zip(names, row, strict=True)) for row in rows]
    return documents


async def _drop_presentations(tx: Tx, params: Mapping[str, SqlValue]) -> None:
    """Drop what brought containers for orders that are all history, or for none."""
    left_over = [{"presentation_id": row[0]} for row in await tx.fetch(_LEFT_OVER, params)]
    for sql in _DROP:
        await tx.execute_many(sql, left_over)
