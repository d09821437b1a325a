"""Promised stock is bound to positions for work orders, and freed again (S0-28, S1-55…58, S1-69): stock and documents in one.

What a work order is bound to are its allocations; what its line is promised and not bound stands in `lot_reservations`. Of every
unit promised to a line exactly one of the two tells where it is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.orders.headers import SYSTEM
from gateway.wes.orders.rows import PROMISE
from gateway.wes.planning.presentations import Overtaken
from gateway.wes.stock.model import Act, Event, Portion, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import allocate, allocate_lots, deallocate, deallocate_lots


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """So much of a lot for a line of a work order.

    Attributes:
        holder_id: from here; None: the gateway's side will say (black box).
    """

    line_id: int
    lot_id: int
    holder_id: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What a work order is bound to; `rest` is still to be picked."""

    allocation_id: int
    work_id: int
    line_id: int
    lot_id: int
    holder_id: str | None
    cell: str | None
    presentation_id: int | None
    quantity: int
    picked: int
    short: int
    code: Code
    rollback_id: int | None

    @property
    def rest(self) -> int:
        """Units that are neither picked nor given up."""
        return self.quantity - self.picked - self.short


COLUMNS: Final = (
    "allocation_id, work_id, line_id, lot_id, holder_id, cell, presentation_id, quantity, picked, short, code,"
    " rollback_id"
)
_SELECT: Final = f"SELECT {COLUMNS} FROM allocations"
_INSERT: Final = (
    f"INSERT INTO allocations ({COLUMNS}) VALUES (:allocation_id, :work_id, :line_id, :lot_id, :holder_id, :cell,"
    " :presentation_id, :quantity, 0, 0, :code, :rollback_id)"
)
_UNPROMISE: Final = (
    "UPDATE lot_reservations SET quantity = quantity - :quantity"
    " WHERE line_id = :line_id AND lot_id = :lot_id AND quantity >= :quantity"
)
_SHRINK: Final = (
    "UPDATE allocations SET quantity = :quantity,"
    f" code = CASE WHEN picked > 0 THEN {Code.PICKED:d} ELSE {Code.CANCELLED:d} END WHERE allocation_id = :allocation_id"
)
_END: Final = (
    "UPDATE allocations SET code = :code, rollback_id = :rollback_id WHERE allocation_id = :allocation_id"
)
_ASSIGN: Final = (
    "UPDATE allocations SET holder_id = :holder_id, cell = :cell, quantity = :quantity"
    " WHERE allocation_id = :allocation_id AND holder_id IS NULL"
)


async def bind(tx: Tx, context: WesContext, work_id: int, code: Code, takes: Sequence[Take]) -> None:
    """Bind a work order, all of it or nothing.

    Args:
        tx: the transaction; what is raised here must take back what was done here (`Tx.attempt`).
        context: numbers and time.
        work_id: the work order; it is bound once in its life.
        code: of its allocations.
        takes: what it gets.

    Raises:
        Overtaken: a line has not been promised so much.
        StockRefused: it is not there any more.
    """
    promised: Counter[tuple[int, int]] = Counter()
    for take in takes:
        promised[take.line_id, take.lot_id] += take.quantity
    for (line_id, lot_id), quantity in sorted(promised.items()):
        which = {"line_id": line_id, "lot_id": lot_id, "quantity": quantity}
        if not await tx.execute(_UNPROMISE, which):
            raise Overtaken(f"line {line_id} of work order {work_id}")
    at_positions = [
        Portion(take.holder_id, take.lot_id, take.quantity) for take in takes if take.holder_id is not None
    ]
    anywhere = [Share(take.lot_id, take.quantity) for take in takes if take.holder_id is None]
    if at_positions and anywhere:
        raise AssertionError(f"work order {work_id} is a black box in part")
    act = _act(context, f"allocate-{work_id}", work_id)
    await post(tx, allocate(act, at_positions) if at_positions else allocate_lots(act, anywhere))
    await tx.execute_many(_INSERT, [_row(context, work_id, take, code) for take in takes])


async def assign(
    tx: Tx, context: WesContext, allocation_id: int, parts: Sequence[tuple[str | None, str | None, int]]
) -> None:
    """Note from where a black-box allocation is picked, as the gateway's side has decided; it may be split (S1-69).

    Args:
        tx: the transaction.
        context: numbers.
        allocation_id: one without a holder.
        parts: (container, cell, quantity), which sum up to all of it; the container of the later ones may still be open (None).

    Raises:
        Overtaken: it has been assigned already, or is picked.
        ValueError: the parts are not all of it.
    """
    (allocation,) = await load_allocations(tx, "allocation_id = :id", id=allocation_id)
    if allocation.holder_id is not None or allocation.picked or allocation.short:
        raise Overtaken(f"allocation {allocation_id}")
    if sum(quantity for _, _, quantity in parts) != allocation.quantity or any(
        part[2] <= 0 for part in parts
    ):
        raise ValueError(
            f"allocation {allocation_id} is of {allocation.quantity}, and other parts are assigned"
        )
    (holder_id, cell, quantity), *others = parts
    first = {"allocation_id": allocation_id, "holder_id": holder_id, "cell": cell, "quantity": quantity}
    await tx.execute(_ASSIGN, first)
    for other_holder, other_cell, more in others:
        await tx.execute_many(
            _INSERT, [_copy(context, allocation, quantity=more, holder_id=other_holder, cell=other_cell)]
        )


async def take_back(
    tx: Tx, context: WesContext, allocations: Iterable[Allocation], rollback_id: int | None
) -> None:
    """End the part of allocations that is not picked; what is picked stays. `free_stock` comes after it."""
    for allocation in allocations:
        if not allocation.rest:
            continue
        ended = allocation.allocation_id
        if allocation.picked or allocation.short:
            kept = {"allocation_id": ended, "quantity": allocation.picked + allocation.short}
            await tx.execute_many(_SHRINK, [kept])
            rest = _copy(context, allocation, quantity=allocation.rest)
            await tx.execute_many(_INSERT, [rest])
            ended = rest["allocation_id"]
        row = {"allocation_id": ended, "code": Code.CANCELLED, "rollback_id": rollback_id}
        await tx.execute_many(_END, [row])


async def free_stock(
    tx: Tx, context: WesContext, event_id: str, allocations: Sequence[Allocation], reason: str
) -> None:
    """Free the stock of ended allocations; it stays promised to their lines. The same event again changes nothing."""
    if not allocations:
        return
    act = _act(context, event_id, allocations[0].work_id, reason)
    repeats = [(await post(tx, event)).repeat for event in _freeing(act, allocations)]
    if any(repeats):
        return
    await tx.execute_many(
        PROMISE,
        [{"line_id": each.line_id, "lot_id": each.lot_id, "quantity": each.rest} for each in allocations],
    )


async def load_allocations(tx: Tx, where: str, **params: SqlValue) -> list[Allocation]:
    """Return allocations by a condition on their columns, in the order of their numbers."""
    rows = await tx.fetch(f"{_SELECT} WHERE {where} ORDER BY allocation_id", params)
    return [_allocation(row) for row in rows]


def _freeing(act: Act, allocations: Sequence[Allocation]) -> list[Event]:
    at_positions = [
        Portion(each.holder_id, each.lot_id, each.rest) for each in allocations if each.holder_id is not None
    ]
    anywhere = [Share(each.lot_id, each.rest) for each in allocations if each.holder_id is None]
    events: list[Event] = []
    if at_positions:
        events.append(deallocate(act, at_positions))
    if anywhere:
        lots = Act(
            event_id=f"{act.event_id}-lots",
            document_kind=act.document_kind,
            document_id=act.document_id,
            operator=act.operator,
            at=act.at,
            reason=act.reason,
        )
        events.append(deallocate_lots(lots, anywhere))
    return events


def _act(context: WesContext, event_id: str, work_id: int, reason: str = "") -> Act:
    return Act(
        event_id=event_id,
        document_kind="work",
        document_id=str(work_id),
        operator=SYSTEM,
        at=context.clock.now_us(),
        reason=reason,
    )


def _row(context: WesContext, work_id: int, take: Take, code: Code) -> dict[str, SqlValue]:
    return {
        "allocation_id": context.ids.next(),
        "work_id": work_id,
        "line_id": take.line_id,
        "lot_id": take.lot_id,
        "holder_id": take.holder_id,
        "cell": None,
        "presentation_id": None,
        "quantity": take.quantity,
        "code": code,
        "rollback_id": None,
    }


def _copy(context: WesContext, allocation: Allocation, **changes: SqlValue) -> dict[str, SqlValue]:
    row: dict[str, SqlValue] = {
        "allocation_id": context.ids.next(),
        "work_id": allocation.work_id,
        "line_id": allocation.line_id,
        "lot_id": allocation.lot_id,
        "holder_id": allocation.holder_id,
        "cell": allocation.cell,
        "presentation_id": allocation.presentation_id,
        "quantity": allocation.quantity,
        "code": allocation.code,
        "rollback_id": None,
    }
    return row | changes


def _allocation(row: Row) -> Allocation:
    (
        number,
        work_id,
        line_id,
        lot_id,
        holder_id,
        cell,
        presentation_id,
        quantity,
        picked,
        short,
        code,
        rollback_id,
    ) = row
    return Allocation(
        allocation_id=number,
        work_id=work_id,
        line_id=line_id,
        lot_id=lot_id,
        holder_id=holder_id,
        cell=cell,
        presentation_id=presentation_id,
        quantity=quantity,
        picked=picked,
        short=short,
        code=Code(code),
        rollback_id=rollback_id,
    )
