"""Transfer orders, their tasks and their log in the database; whoever acts on one has it alone until the transaction ends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from gateway.contract.faults import Refusal
from gateway.contract.transfers import (
    Destination,
    TransferDifference,
    TransferState,
    TransferStep,
)
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import Act, Portion, Virtual
from gateway.wes.transfers.states import ENDED, TRANSITIONS, Progress, state_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer order that nobody else changes until the transaction ends."""

    transfer_id: int
    transfer_no: str
    leaves_to: Destination | None
    state: TransferState


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many pieces of a product, from somewhere to somewhere else."""

    line_no: int
    owner_id: str
    sku: str
    lot_no: str | None
    quantity: int
    source: str | None
    source_zone: str | None
    target: str | None
    target_zone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One lot that is taken out of one container or place.

    Attributes:
        rest: pieces that are bound there, still to be taken.
        moving: pieces that were taken, and are not yet where they go.
        upns: units on the way.
        unbound: what is on the way is promised to nobody, as its lot was barred.
        source_visit, target_visit: presentations that bring its containers to a station.
    """

    task_id: int
    transfer_id: int
    line_no: int
    lot_id: int
    source_id: str
    rest: int
    moving: int
    upns: tuple[str, ...]
    unbound: bool
    source_visit: int | None
    target_visit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has become of pieces of a task, besides those of before.

    Attributes:
        taken: out of their place.
        missed: were not there, or not fit.
        freed: are not taken any more.
        put: of those that were taken, put where they go, or handed over.
        aside: of those that were taken, put elsewhere.
        lost: of those that were taken, lost on the way.
        upns: units on the way from now on; None: those of before.
    """

    taken: int = 0
    missed: int = 0
    freed: int = 0
    put: int = 0
    aside: int = 0
    lost: int = 0
    upns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is noted of an act.

    Attributes:
        task_id: None: it is about the transfer as a whole.
    """

    step: TransferStep
    operator: str
    task_id: int | None = None
    holder_id: str | None = None
    quantity: int | None = None
    code: TransferDifference | None = None
    reason: str | None = None


LINE: Final = "line_no, owner_id, sku, lot_no, quantity, source, source_zone, target, target_zone"
_LINES: Final = f"SELECT {LINE} FROM transfer_lines WHERE transfer_id = :transfer_id ORDER BY line_no"
# Has the order to itself until the transaction ends.
_TAKE: Final = (
    "UPDATE transfers SET state = state WHERE {which} RETURNING transfer_id, transfer_no, leaves_to, state"
)
_LOCK_NAMED: Final = _TAKE.format(which="transfer_no = :transfer_no")
_LOCK: Final = _TAKE.format(which="transfer_id = :transfer_id")
_OF_TASK: Final = "SELECT transfer_id FROM transfer_tasks WHERE task_id = :task_id"
REST: Final = "t.quantity - t.taken - t.missed - t.freed"
MOVING: Final = "t.taken - t.put - t.aside - t.lost"
_TASK: Final = (
    f"SELECT t.task_id, t.transfer_id, t.line_no, t.lot_id, t.source_id, {REST}, {MOVING}, t.upns, t.unbound,"
    " t.source_visit, t.target_visit FROM transfer_tasks t"
)
_TASK_BY_ID: Final = f"{_TASK} WHERE t.task_id = :task_id"
_OPEN_TASKS: Final = (
    f"{_TASK} WHERE t.transfer_id = :transfer_id AND t.ended_at IS NULL ORDER BY t.lot_id, t.task_id"
)
_ADD_TASK: Final = (
    "INSERT INTO transfer_tasks (task_id, transfer_id, line_no, lot_id, source_id, quantity, taken, missed, freed, put, aside,"
    " lost, upns, unbound)"
    " VALUES (:task_id, :transfer_id, :line_no, :lot_id, :source_id, :quantity, 0, 0, 0, 0, 0, 0, '[]', 0)"
)
_COUNT: Final = (
    "UPDATE transfer_tasks SET taken = taken + :taken, missed = missed + :missed, freed = freed + :freed, put = put + :put,"
    " aside = aside + :aside, lost = lost + :lost, upns = :upns,"
    " ended_at = CASE WHEN quantity = taken + :taken + missed + :missed + freed + :freed"
    " AND taken + :taken = put + :put + aside + :aside + lost + :lost THEN CAST(:at_us AS BIGINT) END WHERE task_id = :task_id"
)
_PROGRESS: Final = (
    f"SELECT CAST(COALESCE(SUM({REST}), 0) AS BIGINT), CAST(COALESCE(SUM(t.taken), 0) AS BIGINT),"
    f" CAST(COALESCE(SUM({MOVING}), 0) AS BIGINT), CAST(COALESCE(SUM(t.put), 0) AS BIGINT)"
    " FROM transfer_tasks t WHERE t.transfer_id = :transfer_id"
)
_MOVE: Final = (
    "UPDATE transfers SET state = :state, ended_at = :ended_at, end_reason = COALESCE(end_reason, CAST(:reason AS TEXT))"
    " WHERE transfer_id = :transfer_id AND state = :before"
)
_NOTE: Final = (
    "INSERT INTO transfer_log (log_id, transfer_id, task_id, act, operator, at_us, holder_id, quantity, code, reason)"
    " VALUES (:log_id, :transfer_id, :task_id, :act, :operator, :at_us, :holder_id, :quantity, :code, :reason)"
)


async def lock_transfer(tx: Tx, transfer_no: str) -> Transfer:
    """Return a transfer, for this transaction alone.

    Raises:
        Refusal: there is none of this number, or it was deleted.
    """
    rows = await tx.fetch(_LOCK_NAMED, {"transfer_no": transfer_no})
    if not rows or rows[0][3] == TransferState.DELETED:
        raise unknown_transfer(transfer_no)
    return _transfer(rows[0])


async def lock_by_id(tx: Tx, transfer_id: int) -> Transfer:
    """Return a transfer that is there, for this transaction alone."""
    (row,) = await tx.fetch(_LOCK, {"transfer_id": transfer_id})
    return _transfer(row)


async def lock_task(tx: Tx, task_id: int) -> tuple[Transfer, Task]:
    """Return a task with its transfer, both for this transaction alone.

    Raises:
        Refusal: there is no such task.
    """
    rows = await tx.fetch(_OF_TASK, {"task_id": task_id})
    transfer = await lock_by_id(tx, rows[0][0]) if rows else None
    # One that ended long ago may just have been put away.
    rows = await tx.fetch(_TASK_BY_ID, {"task_id": task_id})
    if transfer is None or not rows:
        raise missing("taskId", f"no task {task_id} of a transfer")
    return transfer, _task(rows[0])


async def lines_of(tx: Tx, transfer_id: int) -> list[Line]:
    """Return the lines of a transfer, in order."""
    return [_line(row) for row in await tx.fetch(_LINES, {"transfer_id": transfer_id})]


async def open_tasks(tx: Tx, transfer_id: int) -> list[Task]:
    """Return the tasks of a transfer that have not ended, in the order in which their lots are taken."""
    return [_task(row) for row in await tx.fetch(_OPEN_TASKS, {"transfer_id": transfer_id})]


async def add_tasks(
    tx: Tx, context: WesContext, transfer_id: int, parts: Iterable[tuple[int, Portion]]
) -> None:
    """Write a task for each portion that was bound, with the number of its line."""
    rows: list[dict[str, SqlValue]] = [
        {
            "task_id": context.ids.next(),
            "transfer_id": transfer_id,
            "line_no": line_no,
            "lot_id": portion.lot_id,
            "source_id": portion.holder_id,
            "quantity": portion.quantity,
        }
        for line_no, portion in parts
    ]
    await tx.execute_many(_ADD_TASK, rows)


async def count(tx: Tx, context: WesContext, task: Task, change: Change) -> None:
    """Count what has become of pieces of a task; one of which nothing is left to do has ended."""
    row: dict[str, SqlValue] = {
        "task_id": task.task_id,
        "taken": change.taken,
        "missed": change.missed,
        "freed": change.freed,
        "put": change.put,
        "aside": change.aside,
        "lost": change.lost,
        "upns": to_json(task.upns if change.upns is None else change.upns).decode(),
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_COUNT, [row])


async def note(tx: Tx, context: WesContext, transfer_id: int, steps: Sequence[Step]) -> None:
    """Write steps into the log of a transfer."""
    rows: list[dict[str, SqlValue]] = [
        {
            "log_id": context.ids.next(),
            "transfer_id": transfer_id,
            "task_id": step.task_id,
            "act": step.step,
            "operator": step.operator,
            "at_us": context.clock.now_us(),
            "holder_id": step.holder_id,
            "quantity": step.quantity,
            "code": step.code,
            "reason": step.reason,
        }
        for step in steps
    ]
    await tx.execute_many(_NOTE, rows)


async def move_on(
    tx: Tx, context: WesContext, transfer: Transfer, state: TransferState, reason: str | None = None
) -> None:
    """Give a transfer its next state; it is locked."""
    if state is transfer.state:
        return
    assert state in TRANSITIONS[transfer.state], f"{transfer.state} to {state}"
    row: dict[str, SqlValue] = {
        "transfer_id": transfer.transfer_id,
        "before": transfer.state,
        "state": state,
        "reason": reason,
        "ended_at": context.clock.now_us() if state in ENDED else None,
    }
    await tx.execute(_MOVE, row)


async def follow(tx: Tx, context: WesContext, transfer: Transfer, reason: str | None = None) -> TransferState:
    """Let the state of an approved transfer follow what has become of its goods; return it."""
    ((rest, taken, moving, put),) = await tx.fetch(_PROGRESS, {"transfer_id": transfer.transfer_id})
    state = state_by(transfer.state, transfer.leaves_to, Progress(rest, taken, moving, put))
    nothing = "nothing of it was there" if state is TransferState.ABORTED else None
    await move_on(tx, context, transfer, state, reason or nothing)
    return state


def moving_account(context: WesContext) -> str:
    """Return the holder of what is out of its place for a transfer, and not yet where it goes."""
    return Virtual.MOVING.of(context.wes.warehouse_id)


def stock_act(context: WesContext, transfer_no: str, what: str, operator: str, reason: str = "") -> Act:
    """Return the head of a stock event about a transfer: out and in stand in the ledger under its number."""
    return Act(
        event_id=f"transfer-{what}-{context.ids.next()}",
        document_kind="transfer",
        document_id=transfer_no,
        operator=operator,
        at=context.clock.now_us(),
        reason=reason,
    )


def unknown_transfer(transfer_no: str) -> Refusal:
    """Return what is told of a transfer that nobody has ordered, or that was deleted."""
    return missing("transferId", f"no transfer {transfer_no}")


def not_now(transfer: Transfer, what: str) -> Refusal:
    """Return what is told of an act that the state of a transfer forbids."""
    code = "hasEnded" if transfer.state in ENDED else "wrongState"
    return conflict("transferId", code, f"transfer {transfer.transfer_no} is {transfer.state}: {what}")


def _line(row: Row) -> Line:
    line_no, owner_id, sku, lot_no, quantity, source, source_zone, target, target_zone = row
    return Line(
        line_no=line_no,
        owner_id=owner_id,
        sku=sku,
        lot_no=lot_no,
        quantity=quantity,
        source=source,
        source_zone=source_zone,
        target=target,
        target_zone=target_zone,
    )


def _transfer(row: Row) -> Transfer:
    transfer_id, transfer_no, leaves_to, state = row
    return Transfer(
        transfer_id=transfer_id,
        transfer_no=transfer_no,
        leaves_to=Destination(leaves_to) if leaves_to else None,
        state=TransferState(state),
    )


def _task(row: Row) -> Task:
    task_id, transfer_id, line_no, lot_id, source_id, rest, moving, upns, unbound = row[:9]
    source_visit, target_visit = row[9:]
    return Task(
        task_id=task_id,
        transfer_id=transfer_id,
        line_no=line_no,
        lot_id=lot_id,
        source_id=source_id,
        rest=rest,
        moving=moving,
        upns=tuple(from_json(upns)),
        unbound=bool(unbound),
        source_visit=source_visit,
        target_visit=target_visit,
    )
