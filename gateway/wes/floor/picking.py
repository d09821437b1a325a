"""What hands do with goods: take them, put them, find too few, find them damaged (S0-38, S1-72…76, S1-89).

Where a slot lights, taking begins a put, and only the put is booked; anywhere else what was taken is in its box.
"""

from collections.abc import Sequence
from typing import Final

from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind
from gateway.wes.floor.operations import check_begun
from gateway.wes.floor.puts import LIT_MAX, WallPut, is_lit, light, lock_put, recall
from gateway.wes.floor.scanning import Hand, check_hand
from gateway.wes.floor.shortfall import give_up
from gateway.wes.orders.rows import lock_order
from gateway.wes.planning.tasks import (
    CUT_PICK,
    OPEN_PUTS,
    Task,
    book_pick,
    claim,
    conflict,
    lock_task,
    lock_tasks,
    missing,
    pick_to,
    settle_works,
    stock_act,
)
from gateway.wes.stock.model import Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import allocate_free, put_back

_UNIT: Final = "SELECT 1 FROM units WHERE upn = :upn AND lot_id = :lot_id AND holder_id = :holder_id"
_UNIT_LIT: Final = (
    "SELECT 1 FROM wall_puts p JOIN allocations a ON a.allocation_id = p.allocation_id"
    f" WHERE p.upn = :upn AND a.lot_id = :lot_id AND {OPEN_PUTS}"
)
_OF_PUT: Final = (
    "SELECT pick_id, quantity, upn, package_id FROM picks WHERE put_id = :put_id ORDER BY pick_id DESC"
)
_UNPICK: Final = (
    f"UPDATE allocations SET picked = picked - :quantity, code = {Code.PICKING:d} WHERE allocation_id = :allocation_id",
    "UPDATE work_lines SET picked = picked - :quantity WHERE work_id = :work_id AND line_id = :line_id",
    "UPDATE order_lines SET picked = picked - :quantity, reserved = reserved + :quantity WHERE line_id = :line_id",
)
_CONFIRM: Final = "UPDATE wall_puts SET confirmed = :quantity WHERE put_id = :put_id"
_ORDER_OF: Final = "SELECT order_id, code, held FROM work_orders WHERE work_id = :work_id"
_SETTLE_WHY: Final = (
    "UPDATE order_exceptions SET settled_at = :at_us, settled_by = :operator WHERE settled_at IS NULL AND EXISTS"
    " (SELECT 1 FROM work_orders w WHERE w.work_id = :work_id AND w.order_id = order_exceptions.order_id"
    " AND w.held = order_exceptions.text)"
)
_HOLD: Final = "UPDATE work_orders SET held = :reason WHERE work_id = :work_id"


async def take(tx: Tx, context: WesContext, allocation_id: int, hand: Hand, operator: str) -> int | None:
    """Take pieces; returns the put whose slot lights for them, None: they are in their box.

    Raises:
        Refusal: the task is not open for so many, its container was not scanned, other goods were, or units are missing.
        StockRefused: the books do not know the units there.
    """
    task = await lock_task(tx, allocation_id)
    await _check_open(tx, task)
    assert task.holder_id is not None
    quantity, upns = await check_hand(tx, context, hand, task.lot_id, task.holder_id, task.station_id)
    if quantity > task.rest:
        raise conflict("quantity", "tooMany", f"{task.rest} pieces are still to be picked")
    if task.serial and len(upns) != quantity:
        raise conflict(
            "upns", "unitsMissing", f"name the units: {quantity} are picked, {len(upns)} are named"
        )
    if not task.serial and upns:
        raise conflict("upns", "noUnits", "units of this lot have no numbers")
    if task.code is Code.RELEASED:
        await claim(tx, context, [task], operator)
    if not is_lit(context, task):
        await book_pick(tx, context, task, quantity, upns, operator)
        return None
    if quantity > LIT_MAX:
        raise conflict("quantity", "tooMany", f"a slot shows at most {LIT_MAX}")
    return await light(tx, context, task, quantity, await _unit(tx, task, upns), operator)


async def miss(
    tx: Tx, context: WesContext, allocation_id: int, quantity: int, kind: ExceptionKind, operator: str
) -> None:
    """Note that pieces are not there, or not fit to be sold: they come from elsewhere, later, or not at all.

    Raises:
        Refusal: so many are not open, or the container was not scanned.
    """
    task = await lock_task(tx, allocation_id)
    await _check_open(tx, task)
    if task.code is Code.RELEASED:
        await claim(tx, context, [task], operator)
    await give_up(tx, context, task, quantity, kind, operator)


async def adjust(tx: Tx, context: WesContext, put_id: int, quantity: int, operator: str) -> None:
    """Correct what a put was told to be, while its container still stands there and its box is open.

    Raises:
        Refusal: it has not ended, its box is sealed, or more is told than was picked.
    """
    put, task = await lock_put(tx, put_id)
    if put.confirmed is None or put.is_open:
        raise conflict("putId", "notEnded", f"put {put_id} has not ended")
    if quantity > put.quantity:
        raise conflict("quantity", "tooMany", f"{put.quantity} were picked for {put.slot_id}")
    await check_begun(tx, task)
    if task.withdrawn or task.code not in (Code.PICKING, Code.PICKED):
        raise conflict("putId", "withdrawn", f"work order {task.work_id} no longer wants it")
    await tx.execute_many(_CONFIRM, [{"put_id": put_id, "quantity": quantity}])
    if quantity > put.confirmed:
        more = quantity - put.confirmed
        if more > task.rest:
            raise conflict("quantity", "tooMany", f"{task.rest} pieces are still to be picked")
        await book_pick(tx, context, task, more, (put.upn,) if put.upn else (), operator, put_id)
    elif quantity < put.confirmed:
        await _unpick(tx, context, task, put, put.confirmed - quantity, operator)


async def hold(tx: Tx, context: WesContext, work_id: int, reason: str, operator: str) -> None:
    """Have a work order wait for a person: its lights go out, nothing more is picked or planned for it.

    Raises:
        Refusal: there is none, or it is picked already.
    """
    await _lock_work(tx, work_id)
    await tx.execute_many(_HOLD, [{"work_id": work_id, "reason": f"{operator}: {reason}"}])
    tasks = await lock_tasks(tx, "a.work_id = :work_id", work_id=work_id)
    await recall(tx, context, [task.allocation_id for task in tasks])


async def resume(tx: Tx, context: WesContext, work_id: int, operator: str) -> None:
    """Let a held work order go on.

    Raises:
        Refusal: there is none, or it is picked already.
    """
    await _lock_work(tx, work_id)
    row = {"work_id": work_id, "operator": operator, "at_us": context.clock.now_us()}
    await tx.execute(_SETTLE_WHY, row)
    await tx.execute_many(_HOLD, [{"work_id": work_id, "reason": None}])


async def _check_open(tx: Tx, task: Task) -> None:
    if task.held is not None:
        raise conflict("allocationId", "held", f"work order {task.work_id} is held: {task.held}")
    if task.withdrawn or task.code not in (Code.RELEASED, Code.PICKING) or task.holder_id is None:
        raise conflict("allocationId", "notOpen", f"allocation {task.allocation_id} is not open")
    if task.presentation_id is None and task.code is Code.RELEASED:
        raise conflict("allocationId", "notClaimed", f"claim work order {task.work_id} first")
    await check_begun(tx, task)


async def _lock_work(tx: Tx, work_id: int) -> None:
    rows = await tx.fetch(_ORDER_OF, {"work_id": work_id})
    if not rows:
        raise missing("workId", f"no work order {work_id}")
    await lock_order(tx, rows[0][0])
    ((_, code, _),) = await tx.fetch(_ORDER_OF, {"work_id": work_id})
    if code >= Code.PICKED:
        raise conflict("workId", "hasEnded", f"work order {work_id} is at {code}")


async def _unit(tx: Tx, task: Task, upns: Sequence[str]) -> str | None:
    """Return the unit of a put; one at a time, because a button cannot tell which of several were put."""
    if not task.serial:
        return None
    if len(upns) != 1:
        raise conflict("upns", "oneAtATime", "pieces with numbers go into a lit slot one at a time")
    which: dict[str, SqlValue] = {"upn": upns[0], "lot_id": task.lot_id, "holder_id": task.holder_id}
    if not await tx.fetch(_UNIT, which):
        raise conflict("upns", "unknownUnit", f"{upns[0]} is not in {task.holder_id}, or not of this lot")
    if await tx.fetch(_UNIT_LIT, {"upn": upns[0], "lot_id": task.lot_id}):
        raise conflict("upns", "lit", f"{upns[0]} is in a hand before a slot already")
    return upns[0]


async def _unpick(
    tx: Tx, context: WesContext, task: Task, put: WallPut, quantity: int, operator: str
) -> None:
    """Take pieces back out of the books of a box: they are in the container again, and still wanted."""
    assert task.holder_id is not None
    units: list[str] = []
    left = quantity
    for pick_id, pieces, upn, package_id in await tx.fetch(_OF_PUT, {"put_id": put.put_id}):
        if package_id is not None:
            raise conflict("putId", "sealed", "its box is sealed: count the package instead")
        cut = min(left, pieces)
        if cut:
            for sql in CUT_PICK:
                await tx.execute_many(sql, [{"pick_id": pick_id, "quantity": cut}])
            units += [upn] if upn else []
            left -= cut
    back = stock_act(context, task, "unpick", operator, f"put {put.put_id} was told wrong")
    portion = Portion(pick_to(context), task.lot_id, quantity, tuple(units))
    await post(tx, put_back(back, [portion], task.holder_id))
    again = stock_act(context, task, "again", operator)
    await post(tx, allocate_free(again, [Portion(task.holder_id, task.lot_id, quantity)]))
    of: dict[str, SqlValue] = {
        "allocation_id": task.allocation_id,
        "work_id": task.work_id,
        "line_id": task.line_id,
        "quantity": quantity,
    }
    for sql in _UNPICK:
        await tx.execute_many(sql, [of])
    await settle_works(tx, context, [task.work_id], operator)
