"""Transfers as people see them: orders by criteria, one with its lines and tasks, what is to be done where, and who did what.

Long after its end a transfer's tasks and log go to its order, as they are shown; its lines stay, so that it is found by product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import TypeAdapter
from pydantic_core import from_json

from gateway.contract.clock import Micros
from gateway.contract.model import WireModel
from gateway.contract.transfers import (
    Destination,
    OrderTransfer,
    TransferDifference,
    TransferLineView,
    TransferLogView,
    TransferState,
    TransferTaskView,
    TransferView,
)
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.context import WesContext
from gateway.wes.floor.scanning import scanning
from gateway.wes.orders.history import DAY_US
from gateway.wes.transfers.documents import MOVING, REST, unknown_transfer

STEP: Final = 20
"""Transfers whose tasks one round puts away."""
SHOWN_MAX: Final = 100
"""Tasks that a station shows."""
_ALL: Final = 2**31

_COLUMNS: Final = (
    "x.transfer_id, x.transfer_no, x.request, x.state, x.created_at, x.approved_by, x.approved_at, x.waybill, x.carrier,"
    " x.ended_at, x.end_reason, x.kept"
)
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM transfers x WHERE x.transfer_id < :below AND x.state <> 'deleted'"
    " AND (CAST(:state AS TEXT) IS NULL OR x.state = CAST(:state AS TEXT))"
    " AND (CAST(:purpose AS TEXT) IS NULL OR x.purpose = CAST(:purpose AS TEXT))"
    " AND (CAST(:leaves_to AS TEXT) IS NULL OR x.leaves_to = CAST(:leaves_to AS TEXT))"
    " AND (CAST(:since AS BIGINT) IS NULL OR x.created_at >= CAST(:since AS BIGINT))"
    " AND (CAST(:until AS BIGINT) IS NULL OR x.created_at < CAST(:until AS BIGINT)){which}"
    " ORDER BY x.transfer_id DESC LIMIT :limit"
)
_WITH_SKU: Final = " AND x.transfer_id IN (SELECT l.transfer_id FROM transfer_lines l WHERE l.sku = :sku)"
_OPEN: Final = " AND x.ended_at IS NULL"
_FROM: Final = (
    " AND EXISTS (SELECT 1 FROM transfer_lines l WHERE l.transfer_id = x.transfer_id"
    " AND :source IN (l.source, l.source_zone))"
)
_TO: Final = (
    " AND EXISTS (SELECT 1 FROM transfer_lines l WHERE l.transfer_id = x.transfer_id"
    " AND :target IN (l.target, l.target_zone))"
)
_ONE: Final = (
    f"SELECT {_COLUMNS} FROM transfers x WHERE x.transfer_no = :transfer_no AND x.state <> 'deleted'"
)
_SUMS: Final = (
    "SELECT t.transfer_id, CAST(SUM(t.taken) AS BIGINT), CAST(SUM(t.put) AS BIGINT) FROM transfer_tasks t"
    " WHERE t.transfer_id = :transfer_id GROUP BY t.transfer_id"
)
_LINES: Final = (
    "SELECT l.line_no, l.owner_id, l.sku, COALESCE(g.name, l.sku), COALESCE(g.unit, ''), COALESCE(g.attributes, '{}'), l.lot_no,"
    " l.source, l.source_zone, l.target, l.target_zone, l.quantity, l.received, l.difference FROM transfer_lines l"
    " LEFT JOIN products g ON g.owner_id = l.owner_id AND g.sku = l.sku WHERE l.transfer_id = :transfer_id ORDER BY l.line_no"
)
_TASK: Final = (
    "SELECT t.task_id, x.transfer_no, t.line_no, p.owner_id, p.sku, COALESCE(g.name, p.sku), COALESCE(g.barcodes, '[]'),"
    " COALESCE(g.unit, ''), g.units_per_case, COALESCE(g.attributes, '{}'), l.lot_no, l.expiry_at, l.serial, t.source_id,"
    f" h.location_id, h.zone, a.station_id, b.station_id, n.target, n.target_zone, t.quantity, {REST}, {MOVING}, t.put,"
    " t.aside, t.missed, t.lost, t.freed, t.upns, t.taken FROM transfer_tasks t JOIN transfers x ON x.transfer_id = t.transfer_id"
    " JOIN transfer_lines n ON n.transfer_id = t.transfer_id AND n.line_no = t.line_no JOIN lots l ON l.lot_id = t.lot_id"
    " JOIN pools p ON p.pool_id = l.pool_id JOIN holders h ON h.holder_id = t.source_id"
    " LEFT JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku"
    " LEFT JOIN presentations a ON a.presentation_id = t.source_visit"
    " LEFT JOIN presentations b ON b.presentation_id = t.target_visit"
)
_TASKS_OF: Final = f"{_TASK} WHERE t.transfer_id = :transfer_id ORDER BY t.task_id"
_OPEN_TASKS: Final = (
    f"{_TASK} WHERE t.ended_at IS NULL AND t.task_id > :after"
    " AND (CAST(:zone AS TEXT) IS NULL OR h.zone = CAST(:zone AS TEXT)) ORDER BY t.task_id LIMIT :limit"
)
_AT_STATION: Final = (
    f"{_TASK} WHERE t.ended_at IS NULL AND ((a.station_id = :station_id AND a.state = 'arrived')"
    " OR (b.station_id = :station_id AND b.state = 'arrived')) ORDER BY t.task_id LIMIT :limit"
)
_LOG: Final = (
    "SELECT o.log_id, o.act, o.operator, o.at_us, o.task_id, t.line_no, p.sku, l.lot_no, o.holder_id, o.quantity, o.code, o.reason"
    " FROM transfer_log o LEFT JOIN transfer_tasks t ON t.task_id = o.task_id LEFT JOIN lots l ON l.lot_id = t.lot_id"
    " LEFT JOIN pools p ON p.pool_id = l.pool_id WHERE o.transfer_id = :transfer_id AND o.log_id > :after"
    " ORDER BY o.log_id LIMIT :limit"
)
_DUE: Final = (
    "SELECT transfer_no FROM transfers WHERE ended_at IS NOT NULL AND kept IS NULL AND ended_at < :before"
    " ORDER BY ended_at LIMIT :limit"
)
_KEEP: Final = "UPDATE transfers SET kept = :kept WHERE transfer_no = :transfer_no"
_DROP: Final = (
    "DELETE FROM transfer_log WHERE transfer_id = :transfer_id",
    "DELETE FROM transfer_tasks WHERE transfer_id = :transfer_id",
)


class _Kept(WireModel):
    """What is kept of a transfer long after its end."""

    tasks: tuple[TransferTaskView, ...]
    log: tuple[TransferLogView, ...]


KEPT: Final = TypeAdapter(_Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTransfers:
    """Which transfers; what is None does not matter.

    Attributes:
        source, target: as a line says it.
        since, until: when they were ordered; until is not included.
    """

    state: TransferState | None = None
    only_open: bool = False
    purpose: str | None = None
    leaves_to: Destination | None = None
    sku: str | None = None
    source: str | None = None
    target: str | None = None
    since: Micros | None = None
    until: Micros | None = None


async def list_transfers(
    tx: Tx, which: WhichTransfers, below: int, limit: int
) -> list[tuple[int, TransferView]]:
    """Return transfers with their numbers, the newest first, with numbers below a limit; deleted ones are not shown."""
    params: dict[str, SqlValue] = {
        "below": below,
        "limit": limit,
        "state": which.state,
        "purpose": which.purpose,
        "leaves_to": which.leaves_to,
        "since": which.since,
        "until": which.until,
    }
    named: dict[str, SqlValue] = {"sku": which.sku, "source": which.source, "target": which.target}
    clauses = {"sku": _WITH_SKU, "source": _FROM, "target": _TO}
    asked = {name: value for name, value in named.items() if value is not None}
    where = "".join(clauses[name] for name in asked) + (_OPEN if which.only_open else "")
    rows = await tx.fetch(_PAGE.format(which=where), {**params, **asked})
    return [(row[0], await _transfer(tx, row)) for row in rows]


async def show_transfer(tx: Tx, context: WesContext, transfer_no: str) -> TransferView:
    """Return a transfer with its lines and tasks.

    Raises:
        Refusal: there is none.
    """
    row = await _row_of(tx, transfer_no)
    tasks = await _tasks_of(tx, context, row)
    view = await _transfer(tx, row)
    lines = tuple([_line(each, tasks) for each in await tx.fetch(_LINES, {"transfer_id": row[0]})])
    return view.model_copy(update={"lines": lines, "tasks": tasks})


async def transfer_log(tx: Tx, transfer_no: str, after: int, limit: int) -> list[TransferLogView]:
    """Return what was done to a transfer, the oldest first, with numbers above a limit.

    Raises:
        Refusal: there is none.
    """
    row = await _row_of(tx, transfer_no)
    if row[-1] is not None:
        return [each for each in KEPT.validate_json(row[-1]).log if each.log_id > after][:limit]
    return await _log_of(tx, row[0], after, limit)


async def list_tasks(
    tx: Tx, context: WesContext, zone: str | None, after: int, limit: int
) -> list[TransferTaskView]:
    """Return tasks that have not ended, the oldest first, with numbers above a limit; perhaps only those of one zone."""
    rows = await tx.fetch(_OPEN_TASKS, {"after": after, "limit": limit, "zone": zone})
    return [_task(context, row) for row in rows]


async def tasks_at_station(tx: Tx, context: WesContext, station_id: str) -> list[TransferTaskView]:
    """Return what is to be taken for transfers out of the containers that stand at a station for it, or put into them."""
    rows = await tx.fetch(_AT_STATION, {"station_id": station_id, "limit": SHOWN_MAX})
    return [_task(context, row) for row in rows]


async def put_transfers_away(store: Store, context: WesContext) -> None:
    """Put the tasks and logs of transfers that ended long ago to their orders, each in a transaction of its own."""
    before = context.clock.now_us() - context.wes.keep_days * DAY_US
    due = await store.read(lambda tx: tx.fetch(_DUE, {"before": before, "limit": STEP}))
    for (transfer_no,) in due:
        await store.write(partial(_put_away, context=context, transfer_no=transfer_no))


async def _put_away(tx: Tx, context: WesContext, transfer_no: str) -> None:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM transfers x WHERE x.transfer_no = :transfer_no", {"transfer_no": transfer_no}
    )
    row = rows[0]
    if row[-1] is None:
        log = tuple(await _log_of(tx, row[0], 0, _ALL))
        kept = _Kept(tasks=await _tasks_of(tx, context, row), log=log)
        text = KEPT.dump_json(kept, by_alias=True).decode()
        await tx.execute_many(_KEEP, [{"transfer_no": transfer_no, "kept": text}])
        for sql in _DROP:
            await tx.execute(sql, {"transfer_id": row[0]})


async def _row_of(tx: Tx, transfer_no: str) -> Row:
    rows = await tx.fetch(_ONE, {"transfer_no": transfer_no})
    if not rows:
        raise unknown_transfer(transfer_no)
    return rows[0]


async def _tasks_of(tx: Tx, context: WesContext, row: Row) -> tuple[TransferTaskView, ...]:
    if row[-1] is not None:
        return KEPT.validate_json(row[-1]).tasks
    return tuple([_task(context, each) for each in await tx.fetch(_TASKS_OF, {"transfer_id": row[0]})])


async def _log_of(tx: Tx, transfer_id: int, after: int, limit: int) -> list[TransferLogView]:
    which: dict[str, SqlValue] = {"transfer_id": transfer_id, "after": after, "limit": limit}
    return [_log(row) for row in await tx.fetch(_LOG, which)]


async def _transfer(tx: Tx, row: Row) -> TransferView:
    transfer_id, transfer_no, request, state, created_at, approved_by, approved_at, waybill, carrier = row[:9]
    ended_at, end_reason, kept = row[9:]
    order = OrderTransfer.model_validate_json(request)
    if kept is None:
        sums = await tx.fetch(_SUMS, {"transfer_id": transfer_id})
        taken, put = sums[0][1:] if sums else (0, 0)
    else:
        tasks = KEPT.validate_json(kept).tasks
        taken, put = sum(each.taken for each in tasks), sum(each.put for each in tasks)
    return TransferView(
        transfer_id=transfer_no,
        purpose=order.purpose,
        leaves_to=order.leaves_to,
        destination=order.destination,
        state=TransferState(state),
        quantity=sum(line.quantity for line in order.lines),
        taken=taken,
        put=put,
        operator=order.operator,
        reason=order.reason,
        created_at=to_datetime(created_at),
        due_at=order.due_at,
        approved_by=approved_by,
        approved_at=to_moment(approved_at),
        waybill=waybill,
        carrier=carrier,
        ended_at=to_moment(ended_at),
        end_reason=end_reason,
    )


def _line(row: Row, tasks: Sequence[TransferTaskView]) -> TransferLineView:
    line_no, owner_id, sku, name, unit, attributes, lot_no, source, source_zone, target, target_zone = row[
        :11
    ]
    quantity, received, difference = row[11:]
    of_line = [task for task in tasks if task.line_no == line_no]
    return TransferLineView(
        line_no=line_no,
        owner_id=owner_id,
        sku_id=sku,
        name=name,
        unit=unit,
        attributes=from_json(attributes),
        lot_no=lot_no,
        source=source,
        source_zone=source_zone,
        target=target,
        target_zone=target_zone,
        quantity=quantity,
        taken=sum(task.taken for task in of_line),
        put=sum(task.put for task in of_line),
        received=received,
        difference=None if difference is None else TransferDifference(difference),
    )


def _task(context: WesContext, row: Row) -> TransferTaskView:
    task_id, transfer_no, line_no, owner_id, sku, name, barcodes, unit, units_per_case, attributes = row[:10]
    lot_no, expiry_at, serial, source_id, location_id, zone, station_id = row[10:17]
    target_station_id, target, target_zone = row[17:20]
    quantity, rest, moving, put, aside, missed, lost, freed, upns, taken = row[20:]
    return TransferTaskView(
        task_id=task_id,
        transfer_id=transfer_no,
        line_no=line_no,
        owner_id=owner_id,
        sku_id=sku,
        name=name,
        barcodes=tuple(from_json(barcodes)),
        unit=unit,
        units_per_case=units_per_case,
        lot_no=lot_no,
        expiry_at=to_moment(expiry_at),
        serial=bool(serial),
        scan=scanning(context, owner_id, sku, from_json(attributes), station_id),
        source_id=source_id,
        location_id=location_id,
        zone=zone,
        station_id=station_id,
        target_station_id=target_station_id,
        target=target,
        target_zone=target_zone,
        quantity=quantity,
        taken=taken,
        rest=rest,
        moving=moving,
        put=put,
        aside=aside,
        missed=missed,
        lost=lost,
        freed=freed,
        upns=tuple(from_json(upns)),
    )


def _log(row: Row) -> TransferLogView:
    log_id, step, operator, at_us, task_id, line_no, sku, lot_no, holder_id, quantity, code, reason = row
    return TransferLogView(
        log_id=log_id,
        step=step,
        operator=operator,
        at=to_datetime(at_us),
        task_id=task_id,
        line_no=line_no,
        sku_id=sku,
        lot_no=lot_no,
        holder_id=holder_id,
        quantity=quantity,
        code=code,
        reason=reason,
    )
