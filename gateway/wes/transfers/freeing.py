"""Goods of a transfer are bound no more: it was aborted, or their lot may not be used any more (S2-57, S2-75).

What is still in its place is free there at once. What somebody has in hand stays on the way until it is put down; if its lot was
barred it is promised to nobody meanwhile, so that the lot can be rejected without waiting for a person.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from gateway.contract.transfers import TransferStep
from gateway.kernel.ports import Store, Tx
from gateway.wes.context import WesContext
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.planning.presentations import let_leave
from gateway.wes.stock.model import Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import let_go
from gateway.wes.transfers.documents import (
    Change,
    Step,
    Task,
    Transfer,
    count,
    follow,
    lock_by_id,
    moving_account,
    note,
    open_tasks,
    stock_act,
)

_BOUND: Final = (
    "SELECT DISTINCT t.transfer_id FROM transfer_tasks t WHERE t.lot_id = :lot_id AND t.ended_at IS NULL AND t.unbound = 0"
    " ORDER BY t.transfer_id"
)
_UNBIND: Final = "UPDATE transfer_tasks SET unbound = 1 WHERE task_id = :task_id"


async def free_rest(
    tx: Tx, context: WesContext, transfer: Transfer, tasks: Sequence[Task], operator: str, reason: str
) -> None:
    """Free what tasks of a locked transfer have not taken; their containers go back if nothing else is wanted of them."""
    left = [task for task in tasks if task.rest]
    if left:
        act = stock_act(context, transfer.transfer_no, "free", operator, reason)
        await post(tx, let_go(act, [Portion(task.source_id, task.lot_id, task.rest) for task in left]))
    for task in left:
        await count(tx, context, task, Change(freed=task.rest))
        await let_go_back(tx, context, task, reason)


async def let_go_back(tx: Tx, context: WesContext, task: Task, reason: str | None = None) -> None:
    """Let the containers of a task go back of which nothing more is wanted."""
    for visit in (task.source_visit, task.target_visit):
        if visit is not None:
            await let_leave(tx, context, visit, reason)


async def free_lot(store: Store, context: WesContext, lot_id: int, reason: str) -> None:
    """Let transfers go on without a lot that may not be used any more, each in a transaction of its own.

    Raises:
        Overtaken: a container has just been moved on; what was done so far stays done.
    """
    for (transfer_id,) in await store.read(lambda tx: tx.fetch(_BOUND, {"lot_id": lot_id})):
        await store.write(
            partial(_go_on_without, context=context, transfer_id=transfer_id, lot_id=lot_id, reason=reason)
        )


async def _go_on_without(tx: Tx, context: WesContext, transfer_id: int, lot_id: int, reason: str) -> None:
    transfer = await lock_by_id(tx, transfer_id)
    tasks = [task for task in await open_tasks(tx, transfer_id) if task.lot_id == lot_id and not task.unbound]
    if not tasks:
        return
    moving = sum(task.moving for task in tasks)
    if moving:
        act = stock_act(context, transfer.transfer_no, "unbind", SYSTEM, reason)
        await post(tx, let_go(act, [Portion(moving_account(context), lot_id, moving)]))
    await tx.execute_many(_UNBIND, [{"task_id": task.task_id} for task in tasks])
    steps = [
        Step(
            step=TransferStep.FREED,
            operator=SYSTEM,
            task_id=task.task_id,
            holder_id=task.source_id,
            quantity=task.rest,
            reason=reason,
        )
        for task in tasks
    ]
    await free_rest(tx, context, transfer, tasks, SYSTEM, reason)
    await note(tx, context, transfer_id, steps)
    await follow(tx, context, transfer, reason)
