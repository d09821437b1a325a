"""What people do about transfers: approve, take out, put down, tell differences, hand over, end (S2-52…75); each act once.

Goods are booked twice: out of their place into the account of what is moving when they are taken, and out of that when they lie
where they go. So the books say at every moment where they are, and whoever counts a place finds what the books have there.
"""

from typing import assert_never

from gateway.contract.acts import ActView
from gateway.contract.transfers import (
    AbortTransfer,
    AnyTransferAct,
    AnyTransferDecision,
    ApproveTransfer,
    ConfirmTransfer,
    DeleteTransfer,
    HandOver,
    LoseTransfer,
    MissTransfer,
    PutTransfer,
    TakeTransfer,
    TransferState,
    TransferStep,
)
from gateway.kernel.ports import Tx
from gateway.wes.codes import PresentationState
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.floor.scanning import Hand, check_hand
from gateway.wes.planning.blocks import blocked_places, locked_at
from gateway.wes.planning.holders import check_within_reach, kind_of, open_place
from gateway.wes.planning.places import check_aside, check_put
from gateway.wes.planning.presentations import lock_presentation, presentation_of_container
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import OUTSIDE, HolderKind, Lot, Portion
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import why_barred
from gateway.wes.stock.rows import load_lot, lock_lot
from gateway.wes.stock.verbs import hold, lose, lose_bound, move, move_bound, set_down, short_pick
from gateway.wes.transfers.approval import approve
from gateway.wes.transfers.documents import (
    Change,
    Line,
    Step,
    Task,
    Transfer,
    count,
    follow,
    lines_of,
    lock_task,
    lock_transfer,
    move_on,
    moving_account,
    not_now,
    note,
    open_tasks,
    stock_act,
)
from gateway.wes.transfers.freeing import free_rest, let_go_back
from gateway.wes.transfers.leaving import confirm, leave
from gateway.wes.transfers.places import is_target
from gateway.wes.transfers.states import CARRYING, TAKING


async def do_transfer(tx: Tx, context: WesContext, request: AnyTransferAct | AnyTransferDecision) -> ActView:
    """Do an act about a transfer; the same again is answered as before and changes nothing.

    Raises:
        Refusal: it cannot be done as things stand; nothing was changed, and the same id may be used again.
    """
    return await once(tx, context, request, lambda: _do(tx, context, request))


async def _do(tx: Tx, context: WesContext, request: AnyTransferAct | AnyTransferDecision) -> ActView:
    match request:
        case ApproveTransfer():
            state = await approve(tx, context, await lock_transfer(tx, request.transfer_id), request)
        case DeleteTransfer():
            state = await _delete(tx, context, request)
        case AbortTransfer():
            state = await _abort(tx, context, request)
        case TakeTransfer():
            state = await _take(tx, context, request)
        case PutTransfer():
            state = await _put(tx, context, request)
        case MissTransfer():
            state = await _miss(tx, context, request)
        case LoseTransfer():
            state = await _lose(tx, context, request)
        case HandOver():
            state = await leave(tx, context, request)
        case ConfirmTransfer():
            state = await confirm(tx, context, request)
        case _:
            assert_never(request)
    return ActView(act_id=request.act_id, transfer_state=state)


# ── the order ─────────────────────────────────────────────────────────────────────────────────────────


async def _delete(tx: Tx, context: WesContext, request: DeleteTransfer) -> TransferState:
    transfer = await lock_transfer(tx, request.transfer_id)
    if transfer.state is not TransferState.DRAFT:
        raise not_now(transfer, "only a draft is deleted; abort it")
    await move_on(tx, context, transfer, TransferState.DELETED, request.reason)
    await _note(
        tx,
        context,
        transfer,
        Step(step=TransferStep.DELETED, operator=request.operator, reason=request.reason),
    )
    return TransferState.DELETED


async def _abort(tx: Tx, context: WesContext, request: AbortTransfer) -> TransferState:
    transfer = await lock_transfer(tx, request.transfer_id)
    if transfer.state not in TAKING | {TransferState.DRAFT, TransferState.OUT_DONE}:
        raise not_now(transfer, "there is nothing to abort")
    tasks = await open_tasks(tx, transfer.transfer_id)
    await free_rest(tx, context, transfer, tasks, request.operator, request.reason)
    moving = any(task.moving for task in tasks)
    state = TransferState.ABORTING if moving else TransferState.ABORTED
    await move_on(tx, context, transfer, state, request.reason)
    await _note(
        tx,
        context,
        transfer,
        Step(step=TransferStep.ABORTED, operator=request.operator, reason=request.reason),
    )
    return state


# ── out ───────────────────────────────────────────────────────────────────────────────────────────────


async def _take(tx: Tx, context: WesContext, request: TakeTransfer) -> TransferState:
    transfer, task = await lock_task(tx, request.task_id)
    if transfer.state not in TAKING:
        raise not_now(transfer, "nothing is taken for it")
    if request.holder_id != task.source_id:
        text = f"this is {request.holder_id}; take it from {task.source_id}"
        raise conflict("holderId", "wrongPlace", text)
    station_id = await _reach(tx, context, task)
    lot = await _usable(tx, context, task)
    hand = Hand(scan=request.scan, quantity=request.quantity, upns=request.upns)
    quantity, upns = await check_hand(tx, context, hand, task.lot_id, task.source_id, station_id)
    if quantity > task.rest:
        raise conflict("quantity", "notOpen", f"{task.rest} are to be taken from {task.source_id}")
    act = stock_act(context, transfer.transfer_no, "out", request.operator)
    portion = Portion(task.source_id, task.lot_id, quantity, upns)
    await post(tx, move_bound(act, [portion], moving_account(context)))
    under_way = (*task.upns, *upns) if lot.serial else task.upns
    await count(tx, context, task, Change(taken=quantity, upns=under_way))
    step = _of_task(TransferStep.OUT, request.operator, task, task.source_id, quantity)
    await _note(tx, context, transfer, step)
    return await _settle(tx, context, transfer, task)


async def _miss(tx: Tx, context: WesContext, request: MissTransfer) -> TransferState:
    transfer, task = await lock_task(tx, request.task_id)
    if transfer.state not in TAKING:
        raise not_now(transfer, "nothing is taken for it")
    if request.quantity > task.rest:
        raise conflict("quantity", "notOpen", f"{task.rest} are to be taken from {task.source_id}")
    reason = _said(request.code, request.reason)
    act = stock_act(context, transfer.transfer_no, "miss", request.operator, reason)
    portion = Portion(task.source_id, task.lot_id, request.quantity)
    await post(tx, short_pick(act, portion, 0, moving_account(context)))
    await count(tx, context, task, Change(missed=request.quantity))
    step = Step(
        step=TransferStep.MISSED,
        operator=request.operator,
        task_id=task.task_id,
        holder_id=task.source_id,
        quantity=request.quantity,
        code=request.code,
        reason=request.reason,
    )
    await _note(tx, context, transfer, step)
    return await _settle(tx, context, transfer, task)


async def _reach(tx: Tx, context: WesContext, task: Task) -> str | None:
    """Return the station where a task's container stands for it; None: people walk to what it is taken from.

    Raises:
        Refusal: it is not there yet, or a person has locked the place.
    """
    if task.source_visit is not None:
        presentation = await lock_presentation(tx, task.source_visit)
        if presentation is not None and presentation.state is PresentationState.ARRIVED:
            return presentation.station_id
        text = f"{task.source_id} does not stand at a station for it"
        raise conflict("taskId", "notHere", text)
    if kind_of(context, task.source_id) is HolderKind.CONTAINER and (
        context.layout.stations_for(task.source_id) or await presentation_of_container(tx, task.source_id)
    ):
        raise conflict("taskId", "notHere", f"{task.source_id} does not stand at a station for it")
    if locked := await locked_at(tx, task.source_id):
        raise conflict("holderId", "blocked", f"{locked} is locked")
    return None


async def _usable(tx: Tx, context: WesContext, task: Task) -> Lot:
    lot = await load_lot(tx, task.lot_id)
    assert lot is not None
    why = why_barred(lot, context.clock.now_us())
    if why is not None:
        raise conflict(
            "taskId", "lotBarred", f"lot {lot.lot_no or lot.lot_id} is {why}: leave it in {task.source_id}"
        )
    return lot


# ── in ────────────────────────────────────────────────────────────────────────────────────────────────


async def _put(tx: Tx, context: WesContext, request: PutTransfer) -> TransferState:
    transfer, task = await lock_task(tx, request.task_id)
    quantity, upns = await _in_hand(tx, context, transfer, task, request)
    arrived = await _check_target(tx, context, transfer, task, request)
    await open_place(tx, context, request.holder_id)
    portion = Portion(moving_account(context), task.lot_id, quantity, upns)
    act = stock_act(context, transfer.transfer_no, "in", request.operator)
    verb = move if task.unbound else set_down
    await post(tx, verb(act, [portion], request.holder_id))
    if request.damaged:
        lot = await lock_lot(tx, task.lot_id)
        act = stock_act(context, transfer.transfer_no, "damaged", request.operator, "damaged on the way")
        await post(tx, hold(act, lot, Portion(request.holder_id, task.lot_id, quantity)))
        check_aside(context, request.holder_id, "holderId")
    else:
        await check_put(tx, context, request.holder_id, {task.lot_id})
    rest = tuple(upn for upn in task.upns if upn not in upns)
    change = Change(put=quantity, upns=rest) if arrived else Change(aside=quantity, upns=rest)
    await count(tx, context, task, change)
    step = _of_task(
        TransferStep.IN if arrived else TransferStep.ASIDE,
        request.operator,
        task,
        request.holder_id,
        quantity,
    )
    await _note(tx, context, transfer, step)
    return await _settle(tx, context, transfer, task)


async def _in_hand(
    tx: Tx, context: WesContext, transfer: Transfer, task: Task, request: PutTransfer
) -> tuple[int, tuple[str, ...]]:
    """Return how many pieces are put down, and which units, if so many are on the way; more is an error (S2-65)."""
    if transfer.state not in CARRYING:
        raise not_now(transfer, "nothing of it is on the way")
    if request.scan is None:
        quantity, upns = request.quantity or len(request.upns), request.upns
    else:
        hand = Hand(scan=request.scan, quantity=request.quantity, upns=request.upns)
        quantity, upns = await check_hand(tx, context, hand, task.lot_id, moving_account(context), None)
    _check_moving(task, quantity, upns)
    return quantity, upns


def _check_moving(task: Task, quantity: int, upns: tuple[str, ...]) -> None:
    if quantity > task.moving:
        text = f"{task.moving} were taken and are on the way: take what is more as well, or count where it came from"
        raise conflict("quantity", "tooMany", text)
    if others := sorted(set(upns) - set(task.upns)):
        raise conflict("upns", "wrongUnit", f"{others[0]} was not taken for this task")


async def _check_target(
    tx: Tx, context: WesContext, transfer: Transfer, task: Task, request: PutTransfer
) -> bool:
    """Make sure that goods may be put there; False: it is not where they go, but aside."""
    holder_id = request.holder_id
    if holder_id in OUTSIDE:
        raise conflict("holderId", "wrongPlace", f"{holder_id} is no container and no place")
    if holder_id in await blocked_places(tx):
        raise conflict("holderId", "blocked", f"{holder_id} is blocked")
    if kind_of(context, holder_id) is HolderKind.CONTAINER:
        await check_within_reach(tx, context, holder_id)
    line = await _line_of(tx, task)
    if transfer.leaves_to is None and not request.damaged and is_target(context, line, holder_id):
        return True
    if request.damaged or task.unbound or transfer.state is TransferState.ABORTING:
        return False
    if transfer.leaves_to is not None:
        text = f"these goods leave: hand {transfer.transfer_no} over, or abort it"
        raise conflict("holderId", "wrongPlace", text)
    goal = line.target or f"zone {line.target_zone}"
    raise conflict("holderId", "wrongPlace", f"they go to {goal}, not to {holder_id}")


async def _line_of(tx: Tx, task: Task) -> Line:
    return next(line for line in await lines_of(tx, task.transfer_id) if line.line_no == task.line_no)


async def _lose(tx: Tx, context: WesContext, request: LoseTransfer) -> TransferState:
    transfer, task = await lock_task(tx, request.task_id)
    if transfer.state not in CARRYING:
        raise not_now(transfer, "nothing of it is on the way")
    _check_moving(task, request.quantity, request.upns)
    reason = _said(request.code, request.reason)
    act = stock_act(context, transfer.transfer_no, "lost", request.operator, reason)
    portion = Portion(moving_account(context), task.lot_id, request.quantity, request.upns)
    if task.unbound:
        await post(tx, lose(act, await lock_lot(tx, task.lot_id), portion))
    else:
        await post(tx, lose_bound(act, [portion]))
    rest = tuple(upn for upn in task.upns if upn not in request.upns)
    await count(tx, context, task, Change(lost=request.quantity, upns=rest))
    step = Step(
        step=TransferStep.LOST,
        operator=request.operator,
        task_id=task.task_id,
        quantity=request.quantity,
        code=request.code,
        reason=request.reason,
    )
    await _note(tx, context, transfer, step)
    return await _settle(tx, context, transfer, task)


# ── what all of them do ───────────────────────────────────────────────────────────────────────────────


async def _settle(tx: Tx, context: WesContext, transfer: Transfer, task: Task) -> TransferState:
    """Let a transfer's state follow, and containers go back of which nothing more is wanted."""
    await let_go_back(tx, context, task)
    return await follow(tx, context, transfer)


def _of_task(step: TransferStep, operator: str, task: Task, holder_id: str, quantity: int) -> Step:
    return Step(step=step, operator=operator, task_id=task.task_id, holder_id=holder_id, quantity=quantity)


async def _note(tx: Tx, context: WesContext, transfer: Transfer, step: Step) -> None:
    await note(tx, context, transfer.transfer_id, [step])


def _said(code: str, reason: str | None) -> str:
    return code if reason is None else f"{code}: {reason}"
