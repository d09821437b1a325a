"""Where a lot, or one unit, came from, where it lies, and to whom it went (S2-143, S2-144).

What came and went is read from the ledger, which keeps it for ever; whose it was, from the documents of the day or of history.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.corrections import LotView
from gateway.contract.tracing import (
    ArrivalView,
    JudgementView,
    LotOrderView,
    LotStage,
    LotTraceView,
    MergeView,
    RecallView,
    ShipmentView,
    UnitMoveView,
    UnitView,
)
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.history import find_documents
from gateway.wes.planning.tasks import missing, pick_to
from gateway.wes.stock.model import ADJUST, OUTSIDE, PRODUCTION, SHIPPED, SUPPLIER, TRANSFER, Lot
from gateway.wes.stock.rows import LOT_COLUMNS, lot_of
from gateway.wes.stock.views import find_pool

LISTED_MAX: Final = 100
"""Arrivals, judgements, recalls of one lot that are shown with it."""

Passing = tuple[int, str]
"""Where in what left: time and event."""

_NAMED: Final = f"""SELECT {LOT_COLUMNS} FROM lots WHERE pool_id = :pool_id
AND substr(lot_no, 1, CAST(:length AS INTEGER)) = CAST(:lot_no AS TEXT) ORDER BY lot_id"""
_CAME_BACK: Final = re.compile(r"-R(\d+D?)?")
"""What gateway/wes/returns.py adds to a lot's number."""

_OUTSIDE: Final = "x.holder_id IN ('SUPPLIER', 'SHIPPED', 'ADJUST', 'TRANSFER', 'PRODUCTION')"
"""Of rows `x` of the ledger; said as the index says it."""
_SUMS: Final = f"""SELECT x.holder_id, CAST(COALESCE(SUM(CASE WHEN x.d_quantity < 0 THEN -x.d_quantity ELSE 0 END), 0) AS BIGINT),
CAST(COALESCE(SUM(CASE WHEN x.d_quantity > 0 THEN x.d_quantity ELSE 0 END), 0) AS BIGINT)
FROM ledger x WHERE x.lot_id = :lot_id AND {_OUTSIDE} GROUP BY x.holder_id"""
_ARRIVALS: Final = f"""SELECT x.at, e.kind, x.holder_id, e.document_kind, e.document_id, e.operator, -x.d_quantity
FROM ledger x JOIN stock_events e ON e.event_id = x.event_id
WHERE x.lot_id = :lot_id AND {_OUTSIDE} AND x.holder_id = :source AND x.d_quantity < 0
ORDER BY x.at, x.event_id LIMIT :limit"""
_JUDGEMENTS: Final = """SELECT x.at, e.document_kind, e.document_id, e.operator, e.reason
FROM ledger x JOIN stock_events e ON e.event_id = x.event_id WHERE x.lot_id = :lot_id AND x.holder_id IS NULL
AND x.d_reserved = 0 AND x.d_allocated = 0 AND e.kind = 'quality' ORDER BY x.at, x.event_id LIMIT :limit"""
_BECAME: Final = f"""FROM ledger x JOIN stock_events e ON e.event_id = x.event_id
JOIN ledger y ON y.event_id = x.event_id AND y.holder_id = 'ADJUST' AND y.lot_id <> x.lot_id
JOIN lots l ON l.lot_id = y.lot_id
WHERE x.lot_id = :lot_id AND {_OUTSIDE} AND x.holder_id = 'ADJUST' AND e.kind = 'merge'"""
_MERGES: Final = f"""SELECT x.at, e.operator, e.reason, l.lot_no, x.d_quantity {_BECAME}
ORDER BY x.at, x.event_id LIMIT :limit"""
_MERGED_INTO: Final = f"SELECT DISTINCT l.lot_no {_BECAME} AND x.d_quantity > 0 ORDER BY l.lot_no"
_RECALLS: Final = (
    "SELECT recall_id, operator, reason, at_us, barred_at FROM recalls WHERE lot_id = :lot_id"
    " ORDER BY at_us, recall_id LIMIT :limit"
)
_PICKED: Final = "SELECT allocated FROM positions WHERE lot_id = :lot_id AND holder_id = :holder_id"
_LEFT_IN_BOXES: Final = (
    "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM put_backs"
    " WHERE lot_id = :lot_id AND recall_id IS NOT NULL AND done_at IS NULL"
)

_HOLDING: Final = f"""SELECT o.order_id, o.oms_order_no, o.outbound_no, o.consignee, o.code FROM orders o WHERE o.order_id IN (
SELECT l.order_id FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id WHERE r.lot_id = :lot_id AND r.quantity > 0
UNION SELECT w.order_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id
    WHERE a.lot_id = :lot_id AND a.code < {Code.SHIPPED:d}
UNION SELECT b.order_id FROM put_backs b WHERE b.lot_id = :lot_id AND b.done_at IS NULL
) AND o.order_id > :after ORDER BY o.order_id LIMIT :limit"""
_PROMISED: Final = """SELECT CAST(SUM(r.quantity) AS BIGINT) FROM order_lines l JOIN lot_reservations r ON r.line_id = l.line_id
WHERE l.order_id = :order_id AND r.lot_id = :lot_id AND r.quantity > 0 HAVING SUM(r.quantity) > 0"""
_BOUND: Final = f"""SELECT a.holder_id, h.location_id, p.station_id, p.state,
CAST(SUM(a.quantity - a.picked - a.short) AS BIGINT) FROM work_orders w JOIN allocations a ON a.work_id = w.work_id
LEFT JOIN holders h ON h.holder_id = a.holder_id LEFT JOIN presentations p ON p.presentation_id = a.presentation_id
WHERE w.order_id = :order_id AND a.lot_id = :lot_id AND a.code < {Code.PICKED:d} AND a.quantity > a.picked + a.short
GROUP BY a.holder_id, h.location_id, p.station_id, p.state ORDER BY a.holder_id"""
_BOXED: Final = """SELECT w.station_id, COALESCE(p.box_id, w.slot_id, k.box_id), p.package_no, CAST(SUM(k.quantity) AS BIGINT)
FROM work_orders w JOIN allocations a ON a.work_id = w.work_id JOIN picks k ON k.allocation_id = a.allocation_id
LEFT JOIN packages p ON p.package_id = k.package_id WHERE w.order_id = :order_id AND a.lot_id = :lot_id AND p.shipped_at IS NULL
GROUP BY w.station_id, COALESCE(p.box_id, w.slot_id, k.box_id), p.package_no ORDER BY 2, 3"""
_BROUGHT: Final = """SELECT b.put_back_id, b.quantity, b.box_id, p.package_no, b.recall_id FROM put_backs b
LEFT JOIN packages p ON p.package_id = b.package_id WHERE b.order_id = :order_id AND b.lot_id = :lot_id
AND b.done_at IS NULL ORDER BY b.put_back_id"""

_LEFT: Final = f"""SELECT x.at, x.event_id, x.d_quantity, e.document_id, e.operator
FROM ledger x JOIN stock_events e ON e.event_id = x.event_id WHERE x.lot_id = :lot_id AND {_OUTSIDE} AND x.holder_id = 'SHIPPED'
AND x.d_quantity > 0 AND (x.at, x.event_id) > (:at, :event_id) ORDER BY x.at, x.event_id LIMIT :limit"""
_PACKAGE: Final = (
    "SELECT p.package_id, p.package_no, p.tracking_no, o.oms_order_no, o.outbound_no, o.consignee"
    " FROM packages p JOIN orders o ON o.order_id = p.order_id WHERE p.package_id = :package_id"
)
_UNIT: Final = """SELECT u.upn, p.owner_id, p.sku, l.lot_no, l.supplier, l.production_at, l.expiry_at, l.quality, l.recalled,
u.holder_id, h.location_id, u.pool_id FROM units u
JOIN pools p ON p.pool_id = u.pool_id JOIN lots l ON l.lot_id = u.lot_id JOIN holders h ON h.holder_id = u.holder_id"""
_NUMBERED: Final = f"""{_UNIT} WHERE u.upn = :upn AND p.warehouse_id = :warehouse_id
AND (CAST(:owner_id AS TEXT) IS NULL OR p.owner_id = CAST(:owner_id AS TEXT))
AND (CAST(:sku AS TEXT) IS NULL OR p.sku = CAST(:sku AS TEXT)) AND u.pool_id > :after ORDER BY u.pool_id LIMIT :limit"""
_OF_LOT: Final = f"{_UNIT} WHERE u.lot_id = :lot_id AND u.upn > :after ORDER BY u.upn LIMIT :limit"
_MOVES: Final = """SELECT m.at, m.event_id, e.kind, e.document_kind, e.document_id, e.operator, e.reason, l.lot_no, m.source,
m.target FROM unit_moves m JOIN stock_events e ON e.event_id = m.event_id JOIN lots l ON l.lot_id = m.lot_id
WHERE m.upn = :upn AND m.pool_id = :pool_id AND (m.at, m.event_id) > (:at, :event_id) ORDER BY m.at, m.event_id LIMIT :limit"""


@dataclass(frozen=True, slots=True)
class _Passed:
    """An event in which goods left."""

    at: int
    event_id: str
    quantity: int
    order_id: int
    operator: str

    @property
    def package_id(self) -> int:
        return int(self.event_id.removeprefix("ship-"))


async def find_lots(tx: Tx, context: WesContext, owner_id: str | None, sku: str, lot_no: str) -> list[Lot]:
    """Return a lot, and behind it the lots of what of its goods came back from orders.

    Raises:
        Refusal: there has never been such a lot.
    """
    owner_id = owner_id or context.wes.owner
    pool = await find_pool(tx, context.wes.warehouse_id, owner_id, sku)
    if pool is None:
        raise missing("skuId", f"there has never been any {sku} of {owner_id}")
    which = {"pool_id": pool.pool_id, "lot_no": lot_no, "length": len(lot_no)}
    lots = [lot_of(row) for row in await tx.fetch(_NAMED, which)]
    named = [lot for lot in lots if lot.lot_no == lot_no]
    if not named:
        raise missing("lotNo", f"there has never been a lot {lot_no!r} of {sku}")
    return named + [lot for lot in lots if _CAME_BACK.fullmatch(lot.lot_no[len(lot_no) :])]


async def find_lots_with(
    tx: Tx, context: WesContext, owner_id: str | None, sku: str, lot_no: str
) -> list[Lot]:
    """Return all lots that have, had, or may have goods of a lot: itself first, what came back, and what it was merged into.

    What came back and nobody knows the lot of may be of any.

    Raises:
        Refusal: there has never been such a lot.
    """
    found: dict[int, Lot] = {}
    names = [lot_no]
    for name in names:  # grows by what the lots were merged into
        for lot in await find_lots(tx, context, owner_id, sku, name):
            if lot.lot_id not in found:
                found[lot.lot_id] = lot
                names += [row[0] for row in await tx.fetch(_MERGED_INTO, {"lot_id": lot.lot_id})]
    (pool_id,) = {lot.pool_id for lot in found.values()}
    nameless = await tx.fetch(_NAMED, {"pool_id": pool_id, "lot_no": "-R", "length": 2})
    found |= {lot.lot_id: lot for lot in map(lot_of, nameless) if _CAME_BACK.fullmatch(lot.lot_no)}
    return list(found.values())


async def trace_lot(tx: Tx, context: WesContext, owner_id: str | None, sku: str, lot_no: str) -> LotTraceView:
    """Return all of a lot in figures, where it came from, and how it was judged.

    Raises:
        Refusal: there has never been such a lot.
    """
    lot, *returned = await find_lots(tx, context, owner_id, sku, lot_no)
    which: dict[str, SqlValue] = {"lot_id": lot.lot_id, "limit": LISTED_MAX}
    sums = {holder_id: (come, gone) for holder_id, come, gone in await tx.fetch(_SUMS, which)}
    outside = (SUPPLIER, TRANSFER, PRODUCTION, SHIPPED, ADJUST)
    supplier, transfers, production, orders, counts = (sums.get(name, (0, 0)) for name in outside)
    arrivals = await tx.fetch_many(_ARRIVALS, [{**which, "source": source} for source in sorted(OUTSIDE)])
    picked = await tx.fetch(_PICKED, {**which, "holder_id": pick_to(context)})
    ((to_take_out,),) = await tx.fetch(_LEFT_IN_BOXES, which)
    return LotTraceView(
        owner_id=owner_id or context.wes.owner,
        lot=lot_view(sku, lot),
        received=supplier[0] + transfers[0],
        came_back=orders[0],
        shipped=orders[1],
        adjusted=counts[0] - counts[1],
        sent_back=supplier[1],
        handed_over=transfers[1] + production[1],
        picked=picked[0][0] if picked else 0,
        to_take_out=to_take_out,
        returned_lots=tuple(each.lot_no for each in returned),
        arrivals=tuple(_arrival(row) for row in sorted(arrivals)[:LISTED_MAX]),
        judgements=tuple([_judgement(row) for row in await tx.fetch(_JUDGEMENTS, which)]),
        recalls=tuple([_recall(row) for row in await tx.fetch(_RECALLS, which)]),
        merges=tuple([_merge(lot, row) for row in await tx.fetch(_MERGES, which)]),
    )


async def list_holding(tx: Tx, lot_id: int, after: int, limit: int) -> list[tuple[int, list[LotOrderView]]]:
    """Return orders that have some of a lot which has not left, each with where it is, with ids above a limit."""
    found = await tx.fetch(_HOLDING, {"lot_id": lot_id, "after": after, "limit": limit})
    return [(row[0], await _holding(tx, lot_id, row)) for row in found]


async def list_shipments(
    tx: Tx, lot_id: int, after: Passing | None, limit: int
) -> list[tuple[Passing, ShipmentView]]:
    """Return what of a lot has left, the oldest first, orders of history included; the next page comes after the last one's key."""
    at, event_id = after or (0, "")
    which = {"lot_id": lot_id, "at": at, "event_id": event_id, "limit": limit}
    passed = [
        _Passed(at, event_id, quantity, int(order_id), operator)
        for at, event_id, quantity, order_id, operator in await tx.fetch(_LEFT, which)
    ]
    shipments = await _shipments(tx, passed)
    return [((each.at, each.event_id), shipments[each.event_id]) for each in passed]


async def find_units(
    tx: Tx, context: WesContext, upn: str, owner_id: str | None, sku: str | None, after: int, limit: int
) -> list[tuple[int, UnitView]]:
    """Return the units of a number, one of each product at most, each with its pool; the next page comes after the last pool."""
    which = {
        "upn": upn,
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": owner_id,
        "sku": sku,
        "after": after,
        "limit": limit,
    }
    return [(row[-1], _unit(row)) for row in await tx.fetch(_NUMBERED, which)]


async def units_of_lot(tx: Tx, lot_id: int, after: str, limit: int) -> list[UnitView]:
    """Return the units of a lot by their numbers, those that have left included; the next page comes after the last number."""
    return [_unit(row) for row in await tx.fetch(_OF_LOT, {"lot_id": lot_id, "after": after, "limit": limit})]


async def moves_of_unit(
    tx: Tx, pool_id: int, upn: str, after: Passing | None, limit: int
) -> list[tuple[Passing, UnitMoveView]]:
    """Return where a unit has been, the oldest first; the next page comes after the last one's key."""
    at, event_id = after or (0, "")
    which = {"pool_id": pool_id, "upn": upn, "at": at, "event_id": event_id, "limit": limit}
    rows = await tx.fetch(_MOVES, which)
    left = [_Passed(row[0], row[1], 1, int(row[4]), row[5]) for row in rows if row[2] == "ship"]
    shipments = await _shipments(tx, left)
    return [((row[0], row[1]), _move(row, shipments.get(row[1]))) for row in rows]


def lot_view(sku: str, lot: Lot) -> LotView:
    """Return a lot as lists show it."""
    return LotView(
        sku_id=sku,
        lot_no=lot.lot_no,
        quality=lot.quality,
        recalled=lot.recalled,
        supplier=lot.supplier,
        received_at=to_datetime(lot.received_at),
        produced_at=to_moment(lot.production_at),
        expires_at=to_moment(lot.expiry_at),
        quantity=lot.balance.quantity,
        reserved=lot.balance.reserved,
        allocated=lot.balance.allocated,
        held=lot.balance.held,
        available=lot.balance.available,
    )


async def _holding(tx: Tx, lot_id: int, order: Row) -> list[LotOrderView]:
    order_id, order_no, outbound_no, consignee, code = order
    which = {"order_id": order_id, "lot_id": lot_id}
    promised = [{"stage": LotStage.PROMISED, "quantity": row[0]} for row in await tx.fetch(_PROMISED, which)]
    bound = [_bound(row) for row in await tx.fetch(_BOUND, which)]
    # What is picked of a cancelled order is listed as what people bring back.
    boxed = [] if code >= Code.CANCELLING else [_boxed(row) for row in await tx.fetch(_BOXED, which)]
    brought = [_brought(row) for row in await tx.fetch(_BROUGHT, which)]
    return [
        LotOrderView.model_validate(
            {
                "order_id": order_id,
                "order_no": order_no,
                "outbound_no": outbound_no,
                "consignee": json.loads(consignee)["consignee"],
                **part,
            }
        )
        for part in (*promised, *bound, *boxed, *brought)
    ]


def _bound(row: Row) -> dict[str, object]:
    holder_id, location_id, station_id, state, quantity = row
    stages = {"arrived": LotStage.AT_STATION, "called": LotStage.COMING, "sent": LotStage.COMING}
    return {
        "stage": stages.get(state or "", LotStage.BOUND),
        "quantity": quantity,
        "holder_id": holder_id,
        "location_id": location_id,
        "station_id": station_id,
    }


def _boxed(row: Row) -> dict[str, object]:
    station_id, box, package_no, quantity = row
    return {
        "stage": LotStage.PICKED if package_no is None else LotStage.PACKED,
        "quantity": quantity,
        "station_id": station_id,
        "box": box,
        "package_no": package_no,
    }


def _brought(row: Row) -> dict[str, object]:
    put_back_id, quantity, box, package_no, recall_id = row
    return {
        "stage": LotStage.TO_PUT_BACK if recall_id is None else LotStage.TO_TAKE_OUT,
        "quantity": quantity,
        "box": box,
        "package_no": package_no,
        "put_back_id": put_back_id,
    }


async def _shipments(tx: Tx, passed: Sequence[_Passed]) -> Mapping[str, ShipmentView]:
    """Return by event the packages that left in it, of the day and of history."""
    named = [{"package_id": each.package_id} for each in passed]
    packages = {row[0]: row[1:] for row in await tx.fetch_many(_PACKAGE, named)}
    packages |= await _kept(tx, {each.order_id for each in passed if each.package_id not in packages})
    return {each.event_id: _shipment(each, packages[each.package_id]) for each in passed}


async def _kept(tx: Tx, orders: Iterable[int]) -> dict[int, Row]:
    """Return the packages of orders that have gone to history, as _PACKAGE does."""
    found: dict[int, Row] = {}
    for order_id in sorted(orders):
        documents = await find_documents(tx, order_id)
        assert documents is not None
        (order,) = documents.rows("orders", "oms_order_no, outbound_no, consignee")
        for package in documents.rows("packages", "package_id, package_no, tracking_no"):
            found[package[0]] = (*package[1:], *order)
    return found


def _shipment(passed: _Passed, package: Row) -> ShipmentView:
    package_no, tracking_no, order_no, outbound_no, consignee = package
    to = json.loads(consignee)
    return ShipmentView(
        at=to_datetime(passed.at),
        order_id=passed.order_id,
        order_no=order_no,
        outbound_no=outbound_no,
        package_id=passed.package_id,
        package_no=package_no,
        tracking_no=tracking_no,
        consignee=to["consignee"],
        phone=to["phone"],
        address=", ".join(to[name] for name in ("address", "district", "city", "province") if to[name]),
        operator=passed.operator,
        quantity=passed.quantity,
    )


def _arrival(row: Row) -> ArrivalView:
    at, kind, source, document_kind, document_id, operator, quantity = row
    return ArrivalView(
        at=to_datetime(at),
        kind=kind,
        source=source,
        document_kind=document_kind,
        document_id=document_id,
        operator=operator,
        quantity=quantity,
    )


def _judgement(row: Row) -> JudgementView:
    at, document_kind, document_id, operator, reason = row
    return JudgementView(
        at=to_datetime(at),
        document_kind=document_kind,
        document_id=document_id,
        operator=operator,
        reason=reason,
    )


def _recall(row: Row) -> RecallView:
    recall_id, operator, reason, at_us, barred_at = row
    return RecallView(
        recall_id=recall_id,
        operator=operator,
        reason=reason,
        at=to_datetime(at_us),
        barred_at=to_moment(barred_at),
    )


def _merge(lot: Lot, row: Row) -> MergeView:
    at, operator, reason, other, gone = row
    from_lot, into_lot = (lot.lot_no, other) if gone > 0 else (other, lot.lot_no)
    return MergeView(
        at=to_datetime(at),
        operator=operator,
        reason=reason,
        from_lot=from_lot,
        into_lot=into_lot,
        quantity=abs(gone),
    )


def _unit(row: Row) -> UnitView:
    (
        upn,
        owner_id,
        sku,
        lot_no,
        supplier,
        production_at,
        expiry_at,
        quality,
        recalled,
        holder_id,
        location_id,
        _,
    ) = row
    return UnitView(
        upn=upn,
        owner_id=owner_id,
        sku_id=sku,
        lot_no=lot_no,
        supplier=supplier,
        produced_at=to_moment(production_at),
        expires_at=to_moment(expiry_at),
        quality=quality,
        recalled=bool(recalled),
        holder_id=holder_id,
        location_id=location_id,
    )


def _move(row: Row, shipment: ShipmentView | None) -> UnitMoveView:
    at, event_id, kind, document_kind, document_id, operator, reason, lot_no, source, target = row
    return UnitMoveView(
        at=to_datetime(at),
        event_id=event_id,
        kind=kind,
        document_kind=document_kind,
        document_id=document_id,
        operator=operator,
        reason=reason,
        lot_no=lot_no,
        source=source,
        target=target,
        shipment=shipment,
    )
