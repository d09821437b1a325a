"""What people pick: allocations with all that a hand, a box and the books have to know of them (S1-71…74).

Picking is booked here and nowhere else: stock, allocation, work order, line and order move in one transaction. Of every piece
that a work order wants, exactly one of four is true: it is picked, it is in a hand before a lit slot, it is given up, or it is
still to be taken.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.wms import CallbackStatus
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code, header
from gateway.wes.context import WesContext
from gateway.wes.exceptions import settle_all
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.orders.progress import follow_works, move_works
from gateway.wes.orders.rows import lock_order
from gateway.wes.outbox import call_back
from gateway.wes.stock.model import Act, Portion, Virtual
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An allocation as a person meets it.

    Attributes:
        lit: pieces that are in a hand before a lit slot.
        withdrawn: its order is cancelled: nothing more is taken for it.
        held: why its work order waits for a person, if it does.
        serial: every unit of its lot has a number.
    """

    allocation_id: int
    work_id: int
    line_id: int
    order_id: int
    lot_id: int
    holder_id: str | None
    presentation_id: int | None
    quantity: int
    picked: int
    short: int
    lit: int
    code: Code
    withdrawn: bool
    held: str | None
    station_id: str | None
    slot_id: str | None
    box_id: str | None
    serial: bool

    @property
    def rest(self) -> int:
        """Pieces that are still to be taken."""
        return self.quantity - self.picked - self.short - self.lit


OPEN_PUTS: Final = "p.confirmed IS NULL AND p.state IN ('planned', 'sent', 'recalled')"
_FROM: Final = (
    "FROM allocations a JOIN work_orders w ON w.work_id = a.work_id JOIN lots o ON o.lot_id = a.lot_id"
)
_TASK: Final = (
    "SELECT a.allocation_id, a.work_id, a.line_id, w.order_id, a.lot_id, a.holder_id, a.presentation_id, a.quantity,"
    " a.picked, a.short, CAST(COALESCE((SELECT SUM(p.quantity) FROM wall_puts p"
    f" WHERE p.allocation_id = a.allocation_id AND {OPEN_PUTS}), 0) AS BIGINT), a.code, w.code, w.held, w.station_id, w.slot_id,"
    f" w.box_id, o.serial {_FROM}"
)
_ORDERS: Final = f"SELECT DISTINCT w.order_id {_FROM}"
_CLAIM: Final = f"UPDATE allocations SET code = {Code.PICKING:d} WHERE allocation_id = :allocation_id AND code = {Code.RELEASED:d}"
_CLAIM_WORK: Final = (
    "UPDATE work_orders SET claimant = COALESCE(claimant, :operator) WHERE work_id = :work_id"
    f" AND code < {Code.PICKING:d} RETURNING work_id"
)
_CLAIM_ORDER: Final = "UPDATE orders SET claimant = :operator WHERE order_id = :order_id AND claimant IS NULL"
_TAKE: Final = (
    "UPDATE allocations SET picked = picked + :quantity, code = CASE WHEN picked + :quantity + short < quantity THEN code"
    f" ELSE {Code.PICKED:d} END WHERE allocation_id = :allocation_id AND code = {Code.PICKING:d}"
    " AND picked + short + :quantity <= quantity"
)
_TAKE_WORK: Final = (
    "UPDATE work_lines SET picked = picked + :quantity WHERE work_id = :work_id AND line_id = :line_id"
)
_GOES_ON: Final = "UPDATE work_orders SET rolled_back = 0 WHERE work_id = :work_id AND rolled_back > 0"
_TAKE_LINE: Final = "UPDATE order_lines SET reserved = reserved - :quantity, picked = picked + :quantity WHERE line_id = :line_id"
_PICKED: Final = (
    "INSERT INTO picks (pick_id, allocation_id, quantity, upn, box_id, operator, at_us, put_id)"
    " VALUES (:pick_id, :allocation_id, :quantity, :upn, :box_id, :operator, :at_us, :put_id)"
)
CUT_PICK: Final = (
    "DELETE FROM picks WHERE pick_id = :pick_id AND quantity = :quantity",
    "UPDATE picks SET quantity = quantity - :quantity WHERE pick_id = :pick_id AND quantity > :quantity",
)
"""Takes so much off a pick; one that nothing is left of is dropped."""
_WORKS: Final = (
    "SELECT w.work_id, w.code, w.order_id, CAST(SUM(l.quantity - l.picked - l.short) AS BIGINT),"
    " CAST(SUM(l.picked) AS BIGINT) FROM work_orders w JOIN work_lines l ON l.work_id = w.work_id"
    " WHERE w.work_id = :work_id GROUP BY w.work_id, w.code, w.order_id"
)
_UNPACKED: Final = (
    "SELECT COUNT(*) FROM picks k JOIN allocations a ON a.allocation_id = k.allocation_id"
    " WHERE a.work_id = :work_id AND k.package_id IS NULL"
)
_PACKAGES: Final = "SELECT code FROM packages WHERE work_id = :work_id"
LEFT_IN_BOX: Final = (
    "SELECT b.put_back_id FROM put_backs b JOIN allocations x ON x.allocation_id = b.allocation_id"
    " WHERE x.work_id = :work_id AND b.recall_id IS NOT NULL AND b.package_id IS NULL AND b.done_at IS NULL"
)
"""Recalled goods that still lie in the open box of a work order: it stays where it is until somebody has taken them out."""
FREE_SLOT: Final = (
    "UPDATE wall_slots SET work_id = NULL, box_id = NULL, sealed = 0 WHERE work_id = :work_id"
    f" AND NOT EXISTS ({LEFT_IN_BOX})"
)
_ORDER_CODE: Final = "SELECT code FROM orders WHERE order_id = :order_id"
_NEVER_CAME: Final = (
    "UPDATE order_lines SET short = quantity - picked WHERE order_id = :order_id AND reserved = 0"
)


def pick_to(context: WesContext) -> str:
    """Return the holder of what has been picked and has not left (S1-27)."""
    return Virtual.PICK_TO.of(context.wes.warehouse_id)


def stock_act(context: WesContext, task: Task, what: str, operator: str, reason: str = "") -> Act:
    """Return the head of a stock event about a task."""
    return Act(
        event_id=f"{what}-{context.ids.next()}",
        document_kind="work",
        document_id=str(task.work_id),
        operator=operator,
        at=context.clock.now_us(),
        reason=reason,
    )


async def lock_tasks(tx: Tx, where: str, **params: SqlValue) -> list[Task]:
    """Return tasks by a condition on `a` (allocations) and `w` (work orders), their orders locked until the transaction ends."""
    for (order_id,) in await tx.fetch(f"{_ORDERS} WHERE {where} ORDER BY w.order_id", params):
        await lock_order(tx, order_id)
    rows = await tx.fetch(f"{_TASK} WHERE {where} ORDER BY a.allocation_id", params)
    return [_task(row) for row in rows]


async def lock_task(tx: Tx, allocation_id: int) -> Task:
    """Return a task, its order locked.

    Raises:
        Refusal: there is none.
    """
    found = await lock_tasks(tx, "a.allocation_id = :allocation_id", allocation_id=allocation_id)
    if not found:
        raise missing("allocationId", f"no allocation {allocation_id}")
    return found[0]


def missing(field: str, text: str) -> Refusal:
    """Return the refusal of an act on something that is not there."""
    return Refusal(RefusalKind.NOT_FOUND, FieldError(field, "unknown", text))


def conflict(field: str, code: str, text: str) -> Refusal:
    """Return the refusal of an act that how things stand forbids."""
    return Refusal(RefusalKind.CONFLICT, FieldError(field, code, text))


async def claim(tx: Tx, context: WesContext, tasks: Sequence[Task], operator: str) -> None:
    """Begin tasks that are locked: allocations, work orders, lines and orders go to 80 (S1-71); upstream hears it once an order."""
    fresh = [task for task in tasks if task.code is Code.RELEASED]
    await tx.execute_many(_CLAIM, [{"allocation_id": task.allocation_id} for task in fresh])
    begun = await tx.fetch_many(
        _CLAIM_WORK,
        [{"work_id": work_id, "operator": operator} for work_id in sorted({task.work_id for task in fresh})],
    )
    at_us = context.clock.now_us()
    await move_works(tx, dict.fromkeys((row[0] for row in begun), Code.PICKING), at_us, operator)
    for order_id in sorted({task.order_id for task in fresh}):
        if await tx.execute(_CLAIM_ORDER, {"order_id": order_id, "operator": operator}):
            await call_back(tx, context, order_id, CallbackStatus.PICKING)


async def book_pick(
    tx: Tx,
    context: WesContext,
    task: Task,
    quantity: int,
    upns: Sequence[str],
    operator: str,
    put_id: int | None = None,
) -> None:
    """Book pieces that are in their box: from the source to PICK_TO, promised and allocated as before (S1-72…74).

    Args:
        tx: the transaction.
        context: numbers and time.
        task: claimed, its order locked.
        quantity: how many.
        upns: which, where units are known.
        operator: who took them.
        put_id: the lit slot that they were put into.

    Raises:
        Refusal: the task is not open for so many.
        StockRefused: the books have less there, or other units.
    """
    which = {"allocation_id": task.allocation_id, "quantity": quantity}
    if task.holder_id is None or not await tx.execute(_TAKE, which):
        raise conflict(
            "allocationId", "notOpen", f"allocation {task.allocation_id} is not open for {quantity}"
        )
    act = stock_act(context, task, "pick", operator)
    await post(tx, pick(act, [Portion(task.holder_id, task.lot_id, quantity, tuple(upns))], pick_to(context)))
    await tx.execute_many(_TAKE_WORK, [{**_of(task), "quantity": quantity}])
    await tx.execute_many(_TAKE_LINE, [{"line_id": task.line_id, "quantity": quantity}])
    await tx.execute_many(_GOES_ON, [{"work_id": task.work_id}])
    rows = [(1, upn) for upn in upns] if upns else [(quantity, None)]
    await tx.execute_many(
        _PICKED,
        [
            {
                "pick_id": context.ids.next(),
                "allocation_id": task.allocation_id,
                "quantity": pieces,
                "upn": upn,
                "box_id": task.box_id or task.slot_id,
                "operator": operator,
                "at_us": act.at,
                "put_id": put_id,
            }
            for pieces, upn in rows
        ],
    )
    await settle_works(tx, context, [task.work_id], operator)


async def settle_works(tx: Tx, context: WesContext, works: Iterable[int], operator: str = SYSTEM) -> None:
    """Give work orders the codes that follow from what is done of them; lines and orders follow.

    With nothing left to pick a work order is picked (90), sealed and reviewed with its packages (135 … 190), or, where
    nothing came of it, cancelled. One that is being withdrawn is left to gateway/wes/floor/cancelling.py.
    """
    orders: set[int] = set()
    moves: dict[int, Code] = {}
    ids = sorted(set(works))
    for work_id, code, order_id, left, picked in await tx.fetch_many(
        _WORKS, [{"work_id": work_id} for work_id in ids]
    ):
        if code in (Code.CANCELLING, Code.CANCELLED):
            continue
        orders.add(order_id)
        after = Code(min(code, Code.PICKING)) if left else await _ended(tx, work_id, picked)
        if after is Code.CANCELLED or (not left and after > Code.PICKED):
            await tx.execute_many(FREE_SLOT, [{"work_id": work_id}])
        if after is not Code(code):
            moves[work_id] = after
    at_us = context.clock.now_us()
    await move_works(tx, moves, at_us, operator)
    await follow_works(tx, ids, at_us, operator)
    for order_id in sorted(orders):
        await _settle_order(tx, context, order_id, operator)


async def _ended(tx: Tx, work_id: int, picked: int) -> Code:
    if not picked:
        return Code.CANCELLED
    which = {"work_id": work_id}
    if (await tx.fetch(_UNPACKED, which))[0][0]:
        return Code.PICKED
    return header(Code(row[0]) for row in await tx.fetch(_PACKAGES, which))


async def _settle_order(tx: Tx, context: WesContext, order_id: int, operator: str) -> None:
    """An order that has just ended waits for nothing more."""
    which = {"order_id": order_id}
    code = Code((await tx.fetch(_ORDER_CODE, which))[0][0])
    if code in (Code.SHIPPED, Code.CANCELLED):
        await settle_all(tx, order_id, context.clock.now_us(), operator)
        await tx.execute_many(_NEVER_CAME, [which])
    if code is Code.CANCELLED:
        await call_back(tx, context, order_id, CallbackStatus.CANCELLED)


def _of(task: Task) -> dict[str, SqlValue]:
    return {"work_id": task.work_id, "line_id": task.line_id}


def _task(row: Row) -> Task:
    allocation_id, work_id, line_id, order_id, lot_id, holder_id, presentation_id, quantity, picked, short = (
        row[:10]
    )
    lit, code, work_code, held, station_id, slot_id, box_id, serial = row[10:]
    return Task(
        allocation_id=allocation_id,
        work_id=work_id,
        line_id=line_id,
        order_id=order_id,
        lot_id=lot_id,
        holder_id=holder_id,
        presentation_id=presentation_id,
        quantity=quantity,
        picked=picked,
        short=short,
        lit=lit,
        code=Code(code),
        withdrawn=work_code >= Code.CANCELLING,
        held=held,
        station_id=station_id,
        slot_id=slot_id,
        box_id=box_id,
        serial=bool(serial),
    )
