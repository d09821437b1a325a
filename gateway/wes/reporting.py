"""What is told of some days: goods that left, how suppliers deliver, and both with the figures of performance (S2-153, S2-157).

Goods that left stand in the ledger, which is kept for ever; what packages they were in, in the day's tables or in history.
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import Final

from gateway.contract.arrivals import ArrivalState
from gateway.contract.clock import Micros
from gateway.contract.reporting import OutboundView, ReportView, SupplierView, WrittenReportView
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.orders.history import find_documents
from gateway.wes.performance import performance
from gateway.wes.stock.model import SHIPPED

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
SUPPLIERS_MAX: Final = 500
"""That one report names."""

Place = tuple[Micros, str, int]
"""Where in the ledger: moment, event, line."""
FIRST: Final[Place] = (0, "", -1)

_LEFT: Final = f"""SELECT x.at, x.event_id, x.line, p.owner_id, p.sku, l.lot_no, x.d_quantity, e.document_id, e.operator
FROM ledger x JOIN stock_events e ON e.event_id = x.event_id JOIN pools p ON p.pool_id = x.pool_id
JOIN lots l ON l.lot_id = x.lot_id
WHERE x.holder_id = '{SHIPPED}' AND x.at >= :since AND x.at < :until AND (x.at, x.event_id, x.line) > (:at, :event_id, :line)
AND e.kind = 'ship' AND x.event_id LIKE 'ship-%' ORDER BY x.at, x.event_id, x.line LIMIT :limit"""
_SUM: Final = f"""SELECT COUNT(DISTINCT x.event_id), CAST(COALESCE(SUM(x.d_quantity), 0) AS BIGINT)
FROM ledger x JOIN stock_events e ON e.event_id = x.event_id
WHERE x.holder_id = '{SHIPPED}' AND x.at >= :since AND x.at < :until AND e.kind = 'ship' AND x.event_id LIKE 'ship-%'"""
_PACKAGE: Final = (
    "SELECT p.package_id, o.oms_order_no, o.outbound_no, p.package_no, p.tracking_no"
    " FROM packages p JOIN orders o ON o.order_id = p.order_id WHERE p.package_id = :package_id"
)
_SUPPLIERS: Final = f"""SELECT supplier, COUNT(*), SUM(CASE WHEN missing = 0 AND surplus = 0 THEN 1 ELSE 0 END),
SUM(CASE WHEN expected_at IS NULL THEN 0 ELSE 1 END), SUM(CASE WHEN ended_at <= expected_at THEN 1 ELSE 0 END),
CAST(SUM(announced) AS BIGINT), CAST(SUM(received) AS BIGINT), CAST(SUM(missing) AS BIGINT), CAST(SUM(surplus) AS BIGINT)
FROM (
    SELECT a.arrival_id, a.supplier, a.expected_at, a.ended_at, SUM(l.announced) AS announced, SUM(l.received) AS received,
    SUM(CASE WHEN l.received < l.announced THEN l.announced - l.received ELSE 0 END) AS missing,
    SUM(CASE WHEN l.received > l.announced THEN l.received - l.announced ELSE 0 END) AS surplus
    FROM arrivals a JOIN arrival_lines l ON l.arrival_id = a.arrival_id
    WHERE a.ended_at >= :since AND a.ended_at < :until AND a.kind = 'purchase' AND a.state <> '{ArrivalState.CANCELLED}'
    AND (CAST(:after AS TEXT) IS NULL OR a.supplier > CAST(:after AS TEXT))
    GROUP BY a.arrival_id, a.supplier, a.expected_at, a.ended_at
) AS ended GROUP BY supplier ORDER BY supplier LIMIT :limit"""
_WRITTEN: Final = "SELECT day, since_us, until_us, made_at, files FROM reports"


async def list_outbound(
    tx: Tx, since: Micros, until: Micros, after: Place, limit: int
) -> list[tuple[Place, OutboundView]]:
    """Return what has left in some time, the oldest first; the next page comes after the last one's place."""
    at, event_id, line = after
    # From the last page's moment on, so that a page costs the same wherever it is.
    which = {"since": max(since, at), "until": until, "limit": limit}
    rows = await tx.fetch(_LEFT, {**which, "at": at, "event_id": event_id, "line": line})
    packages = await _packages(tx, rows)
    return [((row[0], row[1], row[2]), _outbound(row, packages[_package_id(row)])) for row in rows]


async def list_suppliers(
    tx: Tx, since: Micros, until: Micros, after: str | None, limit: int
) -> list[SupplierView]:
    """Return how the goods came of notices that ended in some time, by supplier; the next page comes after the last one."""
    which: dict[str, SqlValue] = {"since": since, "until": until, "after": after, "limit": limit}
    return [_supplier(row) for row in await tx.fetch(_SUPPLIERS, which)]


async def report_on(tx: Tx, warehouse_id: str, since: Micros, until: Micros) -> ReportView:
    """Return some time, up to now, in figures."""
    which = {"since": since, "until": until}
    ((packages, pieces),) = await tx.fetch(_SUM, which)
    return ReportView(
        warehouse_id=warehouse_id,
        since=to_datetime(since),
        until=to_datetime(until),
        packages=packages,
        pieces=pieces,
        performance=await performance(tx, warehouse_id, round((until - since) / HOUR_US), since),
        suppliers=tuple(await list_suppliers(tx, since, until, None, SUPPLIERS_MAX)),
    )


async def list_written(tx: Tx, below: int, limit: int) -> list[WrittenReportView]:
    """Return reports that were written by schedule, the newest first, of days before one."""
    rows = await tx.fetch(
        f"{_WRITTEN} WHERE day < :below ORDER BY day DESC LIMIT :limit", {"below": below, "limit": limit}
    )
    return [_written(row) for row in rows]


async def find_written(tx: Tx, day: date) -> WrittenReportView | None:
    """Return the report that was written for a day."""
    rows = await tx.fetch(f"{_WRITTEN} WHERE day = :day", {"day": day.toordinal()})
    return _written(rows[0]) if rows else None


async def _packages(tx: Tx, rows: Iterable[Row]) -> dict[int, Row]:
    """Return what stands on the packages of rows that left, of the day and of history."""
    orders = {_package_id(row): int(row[7]) for row in rows}
    named = [{"package_id": each} for each in orders]
    found = {row[0]: row[1:] for row in await tx.fetch_many(_PACKAGE, named)}
    for order_id in sorted({orders[each] for each in orders.keys() - found.keys()}):
        documents = await find_documents(tx, order_id)
        assert documents is not None
        (order,) = documents.rows("orders", "oms_order_no, outbound_no")
        kept = documents.rows("packages", "package_id, package_no, tracking_no")
        found |= {package[0]: (*order, *package[1:]) for package in kept}
    return found


def _package_id(row: Row) -> int:
    return int(row[1].removeprefix("ship-"))


def _outbound(row: Row, package: Row) -> OutboundView:
    at, _, _, owner_id, sku, lot_no, quantity, _, operator = row
    order_no, outbound_no, package_no, tracking_no = package
    return OutboundView(
        at=to_datetime(at),
        owner_id=owner_id,
        order_no=order_no,
        outbound_no=outbound_no,
        package_no=package_no,
        tracking_no=tracking_no,
        sku_id=sku,
        lot_no=lot_no,
        quantity=quantity,
        operator=operator,
    )


def _supplier(row: Row) -> SupplierView:
    supplier, notices, exact, due, in_time, announced, received, missing, surplus = row
    return SupplierView(
        supplier=supplier,
        notices=notices,
        exact=exact,
        due=due,
        in_time=in_time,
        announced=announced,
        received=received,
        missing=missing,
        surplus=surplus,
        accuracy=exact / notices,
        punctuality=in_time / due if due else None,
    )


def _written(row: Row) -> WrittenReportView:
    day, since, until, made_at, files = row
    return WrittenReportView(
        day=date.fromordinal(day),
        since=to_datetime(since),
        until=to_datetime(until),
        made_at=to_datetime(made_at),
        files=tuple(json.loads(files)),
    )
