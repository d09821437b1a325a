"""A transfer is looked at before it is carried out (S2-52): its goods are free, where they go can be had; then they are bound.

Of each product the lots that expire first go first, the nearest of each first; goods that stand at locked places, or under way
nobody knows where, are left out. All lines can be bound, or none is: whoever approves is told what lacks, line by line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.transfers import TASKS_MAX, ApproveTransfer, TransferState, TransferStep
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.blocks import LOCKED, blocked_places
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import allocate_free
from gateway.wes.transfers.documents import (
    Line,
    Step,
    Transfer,
    add_tasks,
    lines_of,
    move_on,
    not_now,
    note,
    stock_act,
)
from gateway.wes.transfers.places import is_source, is_target

_THERE: Final = f"""SELECT l.lot_id, l.quantity - l.reserved - l.held, p.holder_id, p.quantity - p.allocated - p.held, h.zone
FROM pools o JOIN lots l ON l.pool_id = o.pool_id JOIN positions p ON p.lot_id = l.lot_id
JOIN holders h ON h.holder_id = p.holder_id
WHERE o.warehouse_id = :warehouse_id AND o.owner_id = :owner_id AND o.sku = :sku AND l.quantity > 0 AND p.quantity > 0
AND l.quality = 'qualified' AND l.recalled = 0 AND (l.expiry_at IS NULL OR l.expiry_at > :now)
AND (CAST(:lot_no AS TEXT) IS NULL OR l.lot_no = CAST(:lot_no AS TEXT))
AND h.kind IN ('container', 'location') AND h.location_id IS NOT NULL AND NOT {LOCKED}
ORDER BY CASE WHEN l.expiry_at IS NULL THEN 1 ELSE 0 END, l.expiry_at, l.received_at, l.lot_id,
CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END, h.distance, p.holder_id"""
_CONTAINERS: Final = "SELECT holder_id FROM holders WHERE kind = 'container' AND removed_at IS NULL"
_APPROVED: Final = (
    "UPDATE transfers SET approved_by = :operator, approved_at = :at_us WHERE transfer_id = :transfer_id"
)


@dataclass(frozen=True, slots=True)
class _There:
    """Free pieces of one lot in one container or place."""

    lot_id: int
    available: int
    holder_id: str
    free: int
    zone: str


@dataclass(slots=True)
class _Drawn:
    """What lines before have drawn, by lot, and by lot and holder."""

    lots: Counter[int] = field(default_factory=Counter[int])
    positions: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])


async def approve(tx: Tx, context: WesContext, transfer: Transfer, request: ApproveTransfer) -> TransferState:
    """Bind the goods of a transfer, and make its tasks (S2-53, S2-57).

    Raises:
        Refusal: it is no draft; or goods lack or cannot go where they should, with every reason; nothing was bound.
        StockRefused: others have just been promised the same goods.
    """
    if transfer.state is not TransferState.DRAFT:
        raise not_now(transfer, "only a draft is approved")
    lines = await lines_of(tx, transfer.transfer_id)
    parts, reasons = await _draw(tx, context, lines)
    reasons += await _misfits(tx, context, lines)
    if reasons:
        raise Refusal(RefusalKind.CONFLICT, *reasons)
    if len(parts) > TASKS_MAX:
        text = f"{len(parts)} tasks are too many for one transfer: {TASKS_MAX} at most. Order fewer pieces, or several transfers"
        raise conflict("transferId", "tooMany", text)
    act = stock_act(context, transfer.transfer_no, "bind", request.operator)
    await post(tx, allocate_free(act, [portion for _, portion in parts]))
    await add_tasks(tx, context, transfer.transfer_id, parts)
    row: dict[str, SqlValue] = {
        "transfer_id": transfer.transfer_id,
        "operator": request.operator,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_APPROVED, [row])
    step = Step(step=TransferStep.APPROVED, operator=request.operator)
    await note(tx, context, transfer.transfer_id, [step])
    await move_on(tx, context, transfer, TransferState.APPROVED)
    return TransferState.APPROVED


async def _draw(
    tx: Tx, context: WesContext, lines: Sequence[Line]
) -> tuple[list[tuple[int, Portion]], list[FieldError]]:
    """Return which pieces serve which line, and what lacks."""
    drawn, parts, reasons = _Drawn(), list[tuple[int, Portion]](), list[FieldError]()
    for line in lines:
        # What lies where it goes already is left there.
        found = [
            each
            for each in await _there(tx, context, line)
            if is_source(line, each.holder_id, each.zone) and not is_target(context, line, each.holder_id)
        ]
        portions = list(_take(line, found, drawn))
        parts += [(line.line_no, portion) for portion in portions]
        lacks = line.quantity - sum(portion.quantity for portion in portions)
        if lacks:
            text = (
                f"{line.quantity - lacks} of {line.quantity} pieces of {line.sku} are free there; what is promised, held,"
                " recalled or expired, or stands at a locked place, cannot be had"
            )
            reasons.append(FieldError(f"lines[{line.line_no - 1}].quantity", "notEnough", text))
    return parts, reasons


async def _there(tx: Tx, context: WesContext, line: Line) -> list[_There]:
    which: dict[str, SqlValue] = {
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": line.owner_id,
        "sku": line.sku,
        "lot_no": line.lot_no,
        "now": context.clock.now_us(),
    }
    return [_There(*row) for row in await tx.fetch(_THERE, which)]


def _take(line: Line, found: Iterable[_There], drawn: _Drawn) -> Iterator[Portion]:
    left = line.quantity
    for each in found:
        key = (each.lot_id, each.holder_id)
        part = min(left, each.available - drawn.lots[each.lot_id], each.free - drawn.positions[key])
        if part > 0:
            drawn.lots[each.lot_id] += part
            drawn.positions[key] += part
            left -= part
            yield Portion(each.holder_id, each.lot_id, part)


async def _misfits(tx: Tx, context: WesContext, lines: Sequence[Line]) -> list[FieldError]:
    """Return which lines have nowhere to go: no place or container is named so, or all of them are blocked."""
    blocked = await blocked_places(tx)
    containers = [row[0] for row in await tx.fetch(_CONTAINERS)]
    reasons = list[FieldError]()
    for line in lines:
        if line.target is None and line.target_zone is None:
            continue
        named = {name for name in (*context.layout.places, *containers) if is_target(context, line, name)}
        if named - blocked:
            continue
        goal = line.target or f"zone {line.target_zone}"
        code, why = ("blocked", "is blocked") if named else ("unknownPlace", "is no place and no container")
        where = "target" if line.target is not None else "targetZone"
        reasons.append(FieldError(f"lines[{line.line_no - 1}].{where}", code, f"{goal} {why}"))
    return reasons
