"""Goods of transfers leave the house: handed over to a carrier or to production, confirmed by another warehouse (S2-39, S2-61)."""

from typing import Final

from gateway.contract.faults import Refusal
from gateway.contract.transfers import ConfirmTransfer, Destination, HandOver, TransferState, TransferStep
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import PRODUCTION, TRANSFER, Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import why_barred
from gateway.wes.stock.rows import lock_lot
from gateway.wes.stock.verbs import hand_over
from gateway.wes.transfers.documents import (
    Change,
    Step,
    Task,
    count,
    follow,
    lock_transfer,
    move_on,
    moving_account,
    not_now,
    note,
    open_tasks,
    stock_act,
)

_ACCOUNTS: Final = {Destination.WAREHOUSE: TRANSFER, Destination.PRODUCTION: PRODUCTION}
_HANDED_OVER: Final = (
    "UPDATE transfers SET waybill = :waybill, carrier = :carrier WHERE transfer_id = :transfer_id"
)
_SENT: Final = (
    "SELECT line_no, CAST(SUM(put) AS BIGINT) FROM transfer_tasks WHERE transfer_id = :transfer_id"
    " GROUP BY line_no ORDER BY line_no"
)
_RECEIVED: Final = (
    "UPDATE transfer_lines SET received = :received, difference = :difference"
    " WHERE transfer_id = :transfer_id AND line_no = :line_no"
)


async def leave(tx: Tx, context: WesContext, request: HandOver) -> TransferState:
    """Book out what has left to another warehouse or to production.

    Raises:
        Refusal: it stays inside, some of it is still to be taken out, or a lot may not be used.
    """
    transfer = await lock_transfer(tx, request.transfer_id)
    if transfer.leaves_to is None:
        raise conflict("transferId", "wrongState", f"the goods of {transfer.transfer_no} stay inside")
    if transfer.state is not TransferState.OUT_DONE:
        raise not_now(transfer, "it leaves once all of it is taken out, or told to be missing")
    tasks = [task for task in await open_tasks(tx, transfer.transfer_id) if task.moving]
    await _check_leaving(tx, context, tasks)
    reason = " ".join(each for each in (request.carrier, request.waybill) if each is not None)
    act = stock_act(context, transfer.transfer_no, "over", request.operator, reason)
    moving = [Portion(moving_account(context), task.lot_id, task.moving, task.upns) for task in tasks]
    await post(tx, hand_over(act, moving, _ACCOUNTS[transfer.leaves_to]))
    for task in tasks:
        await count(tx, context, task, Change(put=task.moving, upns=()))
    row: dict[str, SqlValue] = {
        "transfer_id": transfer.transfer_id,
        "waybill": request.waybill,
        "carrier": request.carrier,
    }
    await tx.execute_many(_HANDED_OVER, [row])
    step = Step(
        step=TransferStep.HANDED_OVER,
        operator=request.operator,
        quantity=sum(task.moving for task in tasks),
        reason=reason or None,
    )
    await note(tx, context, transfer.transfer_id, [step])
    return await follow(tx, context, transfer)


async def _check_leaving(tx: Tx, context: WesContext, tasks: list[Task]) -> None:
    """Make sure that nothing leaves whose lot may not be used: a recall was before this and is seen, or waits.

    What was unbound stays, even if its lot has been judged to be good since: it is promised to nobody, or to somebody else.
    """
    unbound = {task.lot_id for task in tasks if task.unbound}
    for lot_id in sorted({task.lot_id for task in tasks}):
        lot = await lock_lot(tx, lot_id)
        let_go = "not bound any more" if lot_id in unbound else None
        why = why_barred(lot, context.clock.now_us()) or let_go
        if why is not None:
            text = (
                f"lot {lot.lot_no or lot_id} is {why}: put what you have of it down, then hand over the rest"
            )
            raise conflict("transferId", "lotBarred", text)


async def confirm(tx: Tx, context: WesContext, request: ConfirmTransfer) -> TransferState:
    """Note what another warehouse has received, and why it is not what was handed over (S2-65).

    Raises:
        Refusal: it is not on its way there, or a difference has no code.
    """
    transfer = await lock_transfer(tx, request.transfer_id)
    if transfer.state is not TransferState.IN_TRANSIT:
        raise not_now(transfer, "it is not on its way to another warehouse")
    sent = dict(await tx.fetch(_SENT, {"transfer_id": transfer.transfer_id}))
    told = {line.line_no: line for line in request.lines}
    if unknown := sorted(set(told) - set(sent)):
        raise conflict("lines", "unknownLine", f"nothing of line {unknown[0]} was handed over")
    rows: list[dict[str, SqlValue]] = []
    for line_no, quantity in sent.items():
        line = told.get(line_no)
        received = quantity if line is None else line.quantity
        code = None if line is None else line.code
        if (received == quantity) != (code is None):
            raise _uncoded(line_no, quantity, received)
        rows.append(
            {
                "transfer_id": transfer.transfer_id,
                "line_no": line_no,
                "received": received,
                "difference": code,
            }
        )
    await tx.execute_many(_RECEIVED, rows)
    step = Step(
        step=TransferStep.CONFIRMED,
        operator=request.operator,
        quantity=sum(int(row["received"] or 0) for row in rows),
        reason=request.reason,
    )
    await note(tx, context, transfer.transfer_id, [step])
    await move_on(tx, context, transfer, TransferState.DONE)
    return TransferState.DONE


def _uncoded(line_no: int, sent: int, received: int) -> Refusal:
    if sent == received:
        return conflict(
            "lines",
            "wrongReason",
            f"line {line_no}: {sent} were handed over and have come: there is no difference",
        )
    text = f"line {line_no}: {sent} were handed over, {received} have come: say why with `code`"
    return conflict("lines", "noReason", text)
