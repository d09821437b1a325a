"""What pages and lists show of stations, work, packages and what is on its way: read from the tables, never kept."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.contract.documents import (
    OrderSummary,
    PackageLineView,
    PackageView,
    WaveView,
    WorkView,
)
from gateway.contract.stations import (
    BoxView,
    OperationView,
    PresentationView,
    PutBackView,
    PutTarget,
    QuestionView,
    ReplenishmentView,
    StationView,
    TaskView,
)
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.floor.operations import OPERATION, TASKS, Operation, operation_of
from gateway.wes.floor.questions import NOTICE_US
from gateway.wes.floor.scanning import scanning
from gateway.wes.layout import Workplace
from gateway.wes.planning.boxes import TO_COME
from gateway.wes.planning.tasks import OPEN_PUTS, missing

ROWS_MAX: Final = 1_000
"""Of one kind, in one view of a station or a work order."""

_TASK: Final = f"""SELECT a.allocation_id, a.work_id, d.oms_order_no, l.sku, COALESCE(g.name, l.sku), COALESCE(g.barcodes, '[]'),
COALESCE(g.unit, ''), COALESCE(g.attributes, '{{{{}}}}'), o.lot_no, o.expiry_at, a.holder_id, a.cell, a.quantity, a.picked, a.short,
a.quantity - a.picked - a.short - CAST(COALESCE((SELECT SUM(p.quantity) FROM wall_puts p
    WHERE p.allocation_id = a.allocation_id AND {OPEN_PUTS}), 0) AS BIGINT),
w.slot_id, o.serial, w.held, a.code, d.owner_id, w.station_id
FROM allocations a JOIN work_orders w ON w.work_id = a.work_id JOIN orders d ON d.order_id = w.order_id
JOIN order_lines l ON l.line_id = a.line_id JOIN lots o ON o.lot_id = a.lot_id
LEFT JOIN products g ON g.owner_id = d.owner_id AND g.sku = l.sku
WHERE {{where}} ORDER BY a.allocation_id LIMIT :limit"""
_PUTS: Final = (
    "SELECT p.put_id, p.slot_id, p.quantity, p.confirmed, p.state FROM wall_puts p"
    f" WHERE p.allocation_id = :allocation_id AND (p.confirmed IS NOT NULL OR {OPEN_PUTS}) ORDER BY p.put_id"
)
_STATIONS: Final = "SELECT station_id, open, operator, reason FROM stations"
_OPEN: Final = (
    f"{OPERATION} WHERE o.station_id = :station_id AND o.state = 'open' ORDER BY o.operation_id LIMIT :limit"
)
_BOXES: Final = f"""SELECT s.slot_id, s.work_id, d.oms_order_no,
CAST((SELECT SUM(x.quantity - x.short) FROM work_lines x WHERE x.work_id = s.work_id) + {TO_COME} AS BIGINT),
CAST((SELECT SUM(x.quantity - x.picked - x.short) FROM work_lines x WHERE x.work_id = s.work_id) + {TO_COME} AS BIGINT),
(SELECT COUNT(*) FROM picks k JOIN allocations a ON a.allocation_id = k.allocation_id
    WHERE a.work_id = s.work_id AND k.package_id IS NULL),
(SELECT COUNT(*) FROM wall_puts p JOIN allocations a ON a.allocation_id = p.allocation_id
    WHERE a.work_id = s.work_id AND {OPEN_PUTS}),
CAST(COALESCE((SELECT SUM(b.quantity) FROM put_backs b JOIN allocations a ON a.allocation_id = b.allocation_id
    WHERE a.work_id = s.work_id AND b.recall_id IS NOT NULL AND b.package_id IS NULL AND b.done_at IS NULL), 0) AS BIGINT)
FROM wall_slots s JOIN work_orders w ON w.work_id = s.work_id JOIN orders d ON d.order_id = w.order_id
WHERE s.station_id = :station_id ORDER BY s.slot_id LIMIT :limit"""
_QUESTIONS: Final = (
    "SELECT question_id, station_id, slot_id, kind, put_id, text, at_us FROM questions WHERE station_id = :station_id"
    " AND settled_at IS NULL AND (kind <> 'noButton' OR at_us <= :before) ORDER BY question_id LIMIT :limit"
)
_WORKS: Final = """SELECT w.work_id, d.oms_order_no, w.mode, w.station_id, w.slot_id, w.claimant, w.held, w.priority, w.code,
CAST(COALESCE((SELECT SUM(x.quantity) FROM work_lines x WHERE x.work_id = w.work_id), 0) AS BIGINT),
CAST(COALESCE((SELECT SUM(x.picked) FROM work_lines x WHERE x.work_id = w.work_id), 0) AS BIGINT),
(SELECT COUNT(*) FROM work_waits x JOIN replenishments r ON r.replenishment_id = x.replenishment_id
    WHERE x.work_id = w.work_id AND r.ended_at IS NULL), w.waits_for
FROM work_orders w JOIN orders d ON d.order_id = w.order_id"""
_WORK_PAGE: Final = f"""{_WORKS} WHERE w.work_id < :below AND (CAST(:code AS BIGINT) IS NULL OR w.code = CAST(:code AS BIGINT))
AND (CAST(:mode AS TEXT) IS NULL OR w.mode = CAST(:mode AS TEXT)) ORDER BY w.work_id DESC LIMIT :limit"""
_CLAIMED: Final = f"""{_WORKS} WHERE w.claimant = :claimant AND w.code BETWEEN {Code.RELEASED:d} AND {Code.PICKED:d}
AND w.work_id > :after ORDER BY w.work_id LIMIT :limit"""
_ORDERS: Final = """SELECT o.order_id, o.oms_order_no, o.outbound_no, o.code, o.priority,
CAST(SUM(l.quantity) AS BIGINT), CAST(SUM(l.picked) AS BIGINT), CAST(SUM(l.shipped) AS BIGINT), CAST(SUM(l.short) AS BIGINT),
(SELECT e.text FROM order_exceptions e WHERE e.order_id = o.order_id AND e.settled_at IS NULL
    ORDER BY e.exception_id DESC LIMIT 1), o.created_at, o.updated_at
FROM orders o JOIN order_lines l ON l.order_id = o.order_id
WHERE o.order_id < :below AND (CAST(:code AS BIGINT) IS NULL OR o.code = CAST(:code AS BIGINT)){more}
GROUP BY o.order_id, o.oms_order_no, o.outbound_no, o.code, o.priority, o.created_at, o.updated_at
ORDER BY o.order_id DESC LIMIT :limit"""
_ORDER_PAGE: Final = _ORDERS.format(more="")
_NUMBERED: Final = _ORDERS.format(more=" AND o.oms_order_no = :order_no")
_PACKAGES: Final = """SELECT p.package_id, p.package_no, p.order_id, d.oms_order_no, p.work_id, p.box_id, p.kind, p.code,
p.consolidation_id, p.weight_kg, p.tracking_no, p.reviewer FROM packages p JOIN orders d ON d.order_id = p.order_id
WHERE p.package_id < :below AND (CAST(:code AS BIGINT) IS NULL OR p.code = CAST(:code AS BIGINT))
AND (CAST(:order_no AS TEXT) IS NULL OR d.oms_order_no = CAST(:order_no AS TEXT)) ORDER BY p.package_id DESC LIMIT :limit"""
_PACKAGE_LINES: Final = """SELECT x.package_id, x.line_id, l.sku, o.lot_no, x.quantity, x.reviewed FROM package_lines x
JOIN order_lines l ON l.line_id = x.line_id JOIN lots o ON o.lot_id = x.lot_id
WHERE x.package_id = :package_id ORDER BY x.line_id, x.lot_id"""
_TO_PUT_BACK: Final = """SELECT b.put_back_id, d.oms_order_no, l.sku, COALESCE(g.name, l.sku), o.lot_no, b.quantity, b.upns,
b.box_id, a.holder_id, b.done_at, b.recall_id FROM put_backs b JOIN orders d ON d.order_id = b.order_id
JOIN allocations a ON a.allocation_id = b.allocation_id JOIN order_lines l ON l.line_id = a.line_id
JOIN lots o ON o.lot_id = b.lot_id LEFT JOIN products g ON g.owner_id = d.owner_id AND g.sku = l.sku"""
_PUT_BACKS: Final = (
    f"{_TO_PUT_BACK} WHERE b.done_at IS NULL AND b.put_back_id > :after ORDER BY b.put_back_id LIMIT :limit"
)
_PUT_BACKS_AT: Final = (
    f"{_TO_PUT_BACK} WHERE b.done_at IS NULL AND b.package_id IS NULL AND EXISTS (SELECT 1 FROM wall_slots s"
    " WHERE s.work_id = a.work_id AND s.station_id = :station_id) ORDER BY b.put_back_id LIMIT :limit"
)
_PRESENTED: Final = """SELECT p.presentation_id, p.purpose, p.container_id, p.station_id, p.destination, p.state, p.reason,
p.created_at, p.arrived_at, CAST(COALESCE((SELECT SUM(a.quantity - a.picked - a.short) FROM allocations a
    WHERE a.presentation_id = p.presentation_id AND a.code < 90), 0) AS BIGINT), p.why
FROM presentations p"""
_PRESENTATIONS: Final = f"""{_PRESENTED} WHERE p.presentation_id < :below
AND (CAST(:state AS TEXT) IS NULL OR p.state = CAST(:state AS TEXT)) ORDER BY p.presentation_id DESC LIMIT :limit"""
_COMING: Final = f"""{_PRESENTED} WHERE p.station_id = :station_id AND p.purpose = 'pick'
AND p.state IN ('planned', 'called', 'sent', 'failed')
ORDER BY CASE p.state WHEN 'planned' THEN 1 ELSE 0 END, p.presentation_id LIMIT :limit"""
_WAVES: Final = """SELECT w.wave_id, w.wave_no, w.kind, w.code, COUNT(DISTINCT x.order_id), COUNT(x.work_id),
COUNT(CASE WHEN x.code >= 90 THEN 1 END), w.created_at, w.released_at
FROM waves w LEFT JOIN work_orders x ON x.wave_id = w.wave_id WHERE w.wave_id < :below
GROUP BY w.wave_id, w.wave_no, w.kind, w.code, w.created_at, w.released_at ORDER BY w.wave_id DESC LIMIT :limit"""


_REPLENISHMENTS: Final = f"""SELECT r.replenishment_id, p.sku, COALESCE(g.name, p.sku), COALESCE(g.unit, ''), l.lot_no, l.serial,
r.source_id, h.location_id, a.station_id, r.kind, r.places, r.target_id, r.quantity, r.moved, r.priority,
(SELECT COUNT(*) FROM work_waits x JOIN work_orders w ON w.work_id = x.work_id
    WHERE x.replenishment_id = r.replenishment_id AND w.code < {Code.RELEASED:d}),
r.state, r.operator, r.reason, r.created_at, p.owner_id, COALESCE(g.attributes, '{{}}'), COALESCE(g.barcodes, '[]')
FROM replenishments r JOIN lots l ON l.lot_id = r.lot_id JOIN pools p ON p.pool_id = l.pool_id
JOIN holders h ON h.holder_id = r.source_id LEFT JOIN presentations a ON a.presentation_id = r.presentation_id
LEFT JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku"""
_OPEN_REPLENISHMENTS: Final = (
    f"{_REPLENISHMENTS} WHERE r.ended_at IS NULL AND r.replenishment_id > :after"
    " ORDER BY r.replenishment_id LIMIT :limit"
)
_REPLENISHMENTS_AT: Final = (
    f"{_REPLENISHMENTS} WHERE r.state IN ('open', 'begun') AND a.station_id = :station_id AND a.state = 'arrived'"
    " ORDER BY r.replenishment_id LIMIT :limit"
)


async def list_stations(tx: Tx, context: WesContext) -> list[StationView]:
    """Return all stations, without what a page of one shows."""
    known = {row[0]: row for row in await tx.fetch(_STATIONS)}
    return [_station(each, known.get(each.station_id)) for each in context.layout.stations.values()]


async def station_view(tx: Tx, context: WesContext, station_id: str) -> StationView:
    """Return a station with all that its page shows.

    Raises:
        Refusal: there is none.
    """
    place = context.layout.stations.get(station_id)
    if place is None:
        raise missing("stationId", f"no station {station_id}")
    which: dict[str, SqlValue] = {"station_id": station_id, "limit": ROWS_MAX}
    known = {row[0]: row for row in await tx.fetch(_STATIONS)}
    operations = [operation_of(row) for row in await tx.fetch(_OPEN, which)]
    before = context.clock.now_us() - NOTICE_US
    return _station(place, known.get(station_id)).model_copy(
        update={
            "operations": tuple([await operation_view(tx, context, each) for each in operations]),
            "coming": tuple(_presentation(row) for row in await tx.fetch(_COMING, which)),
            "boxes": tuple(_box(row) for row in await tx.fetch(_BOXES, which)),
            "questions": tuple(
                _question(row) for row in await tx.fetch(_QUESTIONS, {**which, "before": before})
            ),
            "replenishments": tuple(
                _replenishment(context, row) for row in await tx.fetch(_REPLENISHMENTS_AT, which)
            ),
            "put_backs": tuple(_put_back(row) for row in await tx.fetch(_PUT_BACKS_AT, which)),
        }
    )


async def operation_view(tx: Tx, context: WesContext, operation: Operation) -> OperationView:
    """Return an operation with its tasks as they are now."""
    return OperationView(
        operation_id=operation.operation_id,
        presentation_id=operation.presentation_id,
        station_id=operation.station_id,
        container_id=operation.container_id,
        location_id=operation.location_id,
        state=operation.state,
        scanned=operation.scanned_at is not None,
        operator=operation.operator,
        opened_at=to_datetime(operation.opened_at),
        cells=context.layout.cells_of(operation.container_id),
        tasks=await _tasks(tx, context, TASKS, presentation_id=operation.presentation_id),
    )


async def list_works(tx: Tx, below: int, limit: int, code: int | None, mode: str | None) -> list[WorkView]:
    """Return work orders, the newest first, with numbers below a limit."""
    which: dict[str, SqlValue] = {"below": below, "limit": limit, "code": code, "mode": mode}
    return [_work(row) for row in await tx.fetch(_WORK_PAGE, which)]


async def work_view(tx: Tx, context: WesContext, work_id: int) -> WorkView:
    """Return a work order with its tasks.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(f"{_WORKS} WHERE w.work_id = :work_id", {"work_id": work_id})
    if not rows:
        raise missing("workId", f"no work order {work_id}")
    tasks = await _tasks(
        tx, context, f"a.work_id = :work_id AND a.code < {Code.CANCELLING:d}", work_id=work_id
    )
    return _work(rows[0]).model_copy(update={"tasks": tasks})


async def list_claimed(tx: Tx, context: WesContext, claimant: str, after: int, limit: int) -> list[WorkView]:
    """Return the work orders that a person on foot has taken on and not sealed, with their tasks, the first one first."""
    which: dict[str, SqlValue] = {"claimant": claimant, "after": after, "limit": limit}
    works = [_work(row) for row in await tx.fetch(_CLAIMED, which)]
    return [await work_view(tx, context, work.work_id) for work in works]


async def list_orders(tx: Tx, below: int, limit: int, code: int | None) -> list[OrderSummary]:
    """Return orders, the newest first, with numbers below a limit."""
    rows = await tx.fetch(_ORDER_PAGE, {"below": below, "limit": limit, "code": code})
    return [_order(row) for row in rows]


async def list_numbered(
    tx: Tx, order_no: str, below: int, limit: int, code: int | None
) -> list[OrderSummary]:
    """Return the orders of an OMS number that are of the day, the newest first, with numbers below a limit."""
    which: dict[str, SqlValue] = {"below": below, "limit": limit, "code": code, "order_no": order_no}
    return [_order(row) for row in await tx.fetch(_NUMBERED, which)]


async def list_packages(
    tx: Tx, below: int, limit: int, code: int | None, order_no: str | None
) -> list[PackageView]:
    """Return packages, the newest first, with numbers below a limit."""
    which: dict[str, SqlValue] = {"below": below, "limit": limit, "code": code, "order_no": order_no}
    rows = await tx.fetch(_PACKAGES, which)
    lines: defaultdict[int, list[PackageLineView]] = defaultdict(list)
    for package_id, line_id, sku, lot_no, quantity, reviewed in await tx.fetch_many(
        _PACKAGE_LINES, [{"package_id": row[0]} for row in rows]
    ):
        lines[package_id].append(
            PackageLineView(line_id=line_id, sku_id=sku, lot_no=lot_no, quantity=quantity, reviewed=reviewed)
        )
    return [_package(row, lines[row[0]]) for row in rows]


async def list_put_backs(tx: Tx, after: int, limit: int) -> list[PutBackView]:
    """Return goods that are to be brought back, the oldest first, with numbers above a limit."""
    return [_put_back(row) for row in await tx.fetch(_PUT_BACKS, {"after": after, "limit": limit})]


async def list_replenishments(tx: Tx, context: WesContext, after: int, limit: int) -> list[ReplenishmentView]:
    """Return replenishments that have not ended, the oldest first, with numbers above a limit."""
    rows = await tx.fetch(_OPEN_REPLENISHMENTS, {"after": after, "limit": limit})
    return [_replenishment(context, row) for row in rows]


async def list_presentations(tx: Tx, below: int, limit: int, state: str | None) -> list[PresentationView]:
    """Return presentations, the newest first, with numbers below a limit."""
    rows = await tx.fetch(_PRESENTATIONS, {"below": below, "limit": limit, "state": state})
    return [_presentation(row) for row in rows]


async def list_waves(tx: Tx, below: int, limit: int) -> list[WaveView]:
    """Return waves, the newest first, with numbers below a limit."""
    return [_wave(row) for row in await tx.fetch(_WAVES, {"below": below, "limit": limit})]


async def _tasks(tx: Tx, context: WesContext, where: str, **params: SqlValue) -> tuple[TaskView, ...]:
    rows = await tx.fetch(_TASK.format(where=where), {**params, "limit": ROWS_MAX})
    return tuple([_task(context, row, await tx.fetch(_PUTS, {"allocation_id": row[0]})) for row in rows])


def _task(context: WesContext, row: Row, puts: Iterable[Row]) -> TaskView:
    allocation_id, work_id, order_no, sku, name, barcodes, unit, attributes, lot_no, expiry_at = row[:10]
    holder_id, cell, quantity, picked, short, rest, slot_id, serial, held, code = row[10:20]
    owner_id, station_id = row[20:]
    known = json.loads(attributes)
    targets = [_target(put) for put in puts]
    return TaskView(
        allocation_id=allocation_id,
        work_id=work_id,
        order_no=order_no,
        sku_id=sku,
        name=name,
        barcodes=tuple(json.loads(barcodes)),
        unit=unit,
        attributes=known,
        lot_no=lot_no,
        expiry_at=to_moment(expiry_at),
        holder_id=holder_id,
        cell=cell,
        quantity=quantity,
        picked=picked,
        short=short,
        rest=rest,
        slot_id=slot_id,
        serial=bool(serial),
        scan=scanning(context, owner_id, sku, known, station_id),
        held=held,
        status_code=code,
        puts=tuple(each for each in targets if each.confirmed is None),
        ended=tuple(each for each in targets if each.confirmed is not None),
    )


def _target(row: Row) -> PutTarget:
    put_id, slot_id, quantity, confirmed, state = row
    return PutTarget(put_id=put_id, slot_id=slot_id, quantity=quantity, confirmed=confirmed, state=state)


def _station(place: Workplace, row: Row | None) -> StationView:
    _, opened, operator, reason = row or (None, 1, None, None)
    return StationView(
        station_id=place.station_id,
        name=place.name,
        open=bool(opened),
        operator=operator,
        reason=reason,
        wall=place.wall,
        slots=place.slots,
        box_places=place.boxes,
        columns=place.columns,
    )


def _box(row: Row) -> BoxView:
    slot_id, work_id, order_no, quantity, rest, packed, lit, recalled = row
    return BoxView(
        slot_id=slot_id,
        work_id=work_id,
        order_no=order_no,
        quantity=quantity,
        rest=rest,
        packed=packed > 0,
        recalled=recalled,
        complete=packed > 0 and not rest and not lit and not recalled,
    )


def _question(row: Row) -> QuestionView:
    question_id, station_id, slot_id, kind, put_id, text, at_us = row
    return QuestionView(
        question_id=question_id,
        station_id=station_id,
        slot_id=slot_id,
        kind=kind,
        put_id=put_id,
        text=text,
        at=to_datetime(at_us),
    )


def _work(row: Row) -> WorkView:
    work_id, order_no, mode, station_id, slot_id, claimant, held, priority, code = row[:9]
    quantity, picked, replenishments, waits_for = row[9:]
    return WorkView(
        work_id=work_id,
        order_no=order_no,
        mode=mode,
        station_id=station_id,
        slot_id=slot_id,
        claimant=claimant,
        held=held,
        priority=priority,
        status=Code(code).name,
        status_code=code,
        quantity=quantity,
        picked=picked,
        replenishments=replenishments,
        waits_for=waits_for,
    )


def _order(row: Row) -> OrderSummary:
    order_id, order_no, outbound_no, code, priority, quantity, picked, shipped, short = row[:9]
    waiting, created_at, updated_at = row[9:]
    return OrderSummary(
        order_id=order_id,
        order_no=order_no,
        outbound_no=outbound_no,
        status=Code(code).name,
        status_code=code,
        priority=priority,
        quantity=quantity,
        picked=picked,
        shipped=shipped,
        short=short,
        waiting=waiting,
        created_at=to_datetime(created_at),
        updated_at=to_datetime(updated_at),
    )


def _package(row: Row, lines: Sequence[PackageLineView]) -> PackageView:
    package_id, package_no, order_id, order_no, work_id, box_id, kind, code = row[:8]
    place, weight_kg, tracking_no, reviewer = row[8:]
    return PackageView(
        package_id=package_id,
        package_no=package_no,
        order_id=order_id,
        order_no=order_no,
        work_id=work_id,
        box_id=box_id,
        kind=kind,
        status=Code(code).name,
        status_code=code,
        place=place,
        weight_kg=weight_kg,
        tracking_no=tracking_no,
        reviewer=reviewer,
        lines=tuple(lines),
    )


def _put_back(row: Row) -> PutBackView:
    put_back_id, order_no, sku, name, lot_no, quantity, upns, box_id, holder_id, done_at, recall_id = row
    return PutBackView(
        put_back_id=put_back_id,
        order_no=order_no,
        sku_id=sku,
        name=name,
        lot_no=lot_no,
        quantity=quantity,
        upns=tuple(json.loads(upns)),
        box_id=box_id,
        from_holder=holder_id,
        done_at=to_moment(done_at),
        recall_id=recall_id,
    )


def _replenishment(context: WesContext, row: Row) -> ReplenishmentView:
    number, sku, name, unit, lot_no, serial, source_id, location_id, station_id, kind, places = row[:11]
    target_id, quantity, moved, priority, waiting, state, operator, reason, created_at = row[11:20]
    owner_id, attributes, barcodes = row[20:]
    return ReplenishmentView(
        replenishment_id=number,
        sku_id=sku,
        name=name,
        barcodes=tuple(json.loads(barcodes)),
        unit=unit,
        lot_no=lot_no,
        serial=bool(serial),
        scan=scanning(context, owner_id, sku, json.loads(attributes), station_id),
        source_id=source_id,
        location_id=location_id,
        station_id=station_id,
        kind=kind,
        places=places,
        target_id=target_id,
        quantity=quantity,
        moved=moved,
        rest=quantity - moved,
        priority=priority,
        waiting=waiting,
        state=state,
        operator=operator,
        reason=reason,
        created_at=to_datetime(created_at),
    )


def _presentation(row: Row) -> PresentationView:
    (
        number,
        purpose,
        container_id,
        station_id,
        destination,
        state,
        reason,
        created_at,
        arrived_at,
        units,
        why,
    ) = row
    return PresentationView(
        presentation_id=number,
        purpose=purpose,
        container_id=container_id,
        station_id=station_id,
        destination=destination,
        state=state,
        reason=reason,
        created_at=to_datetime(created_at),
        arrived_at=to_moment(arrived_at),
        units=units,
        why=why,
    )


def _wave(row: Row) -> WaveView:
    wave_id, wave_no, kind, code, orders, works, works_picked, created_at, released_at = row
    return WaveView(
        wave_id=wave_id,
        wave_no=wave_no,
        kind=kind,
        status_code=code,
        orders=orders,
        works=works,
        works_picked=works_picked,
        created_at=to_datetime(created_at),
        released_at=to_moment(released_at),
    )
