"""Puts: pieces that a hand holds light their slot, and what is confirmed there is picked (S0-38, S1-75).

A put is a row before the gateway is asked, under the id W{put}-{attempt}. Only what a button or a hand's word confirms is booked.
How it ends otherwise becomes a question to the person who stands there: fewer pieces than were picked, pieces for work that was
taken back, a slot that went dark before its button.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.contract.faults import Refusal
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code, PutState
from gateway.wes.context import WesContext
from gateway.wes.floor.questions import QuestionKind, ask, settle
from gateway.wes.planning.tasks import Task, book_pick, conflict, lock_task, missing
from gateway.wes.stock.refusal import StockRefused

LIT_MAX: Final = 9_999
"""Pieces that one slot can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WallPut:
    """One lit slot.

    Attributes:
        confirmed: what was put; None: nobody has told. One that is told by hand still has to go dark.
        upn: the unit, where units are known.
        operator: who picked.
    """

    put_id: int
    allocation_id: int
    station_id: str
    slot_id: str
    quantity: int
    confirmed: int | None
    attempt: int
    state: PutState
    upn: str | None
    operator: str

    @property
    def gateway_id(self) -> str:
        """The id of the put at the gateway."""
        return f"W{self.put_id}-{self.attempt}"

    @property
    def is_open(self) -> bool:
        """Whether nobody has told yet what was put."""
        return self.state in OPEN and self.confirmed is None


OPEN: Final = (PutState.PLANNED, PutState.SENT, PutState.RECALLED)
"""What has not ended."""
_COLUMNS: Final = (
    "put_id, allocation_id, station_id, slot_id, quantity, confirmed, attempt, state, upn, operator"
)
SELECT: Final = f"SELECT {_COLUMNS} FROM wall_puts"
_INSERT: Final = (
    f"INSERT INTO wall_puts ({_COLUMNS}, created_at, changed_at) VALUES (:put_id, :allocation_id, :station_id, :slot_id,"
    " :quantity, NULL, 1, 'planned', :upn, :operator, :at_us, :at_us)"
)
_MOVE: Final = (
    "UPDATE wall_puts SET state = :state, confirmed = :confirmed, changed_at = :at_us WHERE put_id = :put_id"
)
_RECALL: Final = (
    "UPDATE wall_puts SET state = 'recalled', changed_at = :at_us"
    " WHERE allocation_id = :allocation_id AND state IN ('planned', 'sent')"
)


def is_lit(context: WesContext, task: Task) -> bool:
    """Tell whether a task's pieces go into a slot that lights."""
    station = context.layout.stations.get(task.station_id or "")
    return station is not None and station.wall is not None and task.slot_id in station.boxes


async def light(
    tx: Tx, context: WesContext, task: Task, quantity: int, upn: str | None, operator: str
) -> int:
    """Have the slot of a task lit for pieces that a hand holds; returns the put's number."""
    put_id, at_us = context.ids.next(), context.clock.now_us()
    row: dict[str, SqlValue] = {
        "put_id": put_id,
        "allocation_id": task.allocation_id,
        "station_id": task.station_id,
        "slot_id": task.slot_id,
        "quantity": quantity,
        "upn": upn,
        "operator": operator,
        "at_us": at_us,
    }
    await tx.execute_many(_INSERT, [row])
    return put_id


async def find_put(tx: Tx, put_id: int) -> WallPut:
    """Return a put.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(f"{SELECT} WHERE put_id = :put_id", {"put_id": put_id})
    if not rows:
        raise missing("putId", f"no put {put_id}")
    return put_of(rows[0])


async def lock_put(tx: Tx, put_id: int) -> tuple[WallPut, Task]:
    """Return a put and its task, the order locked: nobody else changes either until the transaction ends.

    Raises:
        Refusal: there is none.
    """
    task = await lock_task(tx, (await find_put(tx, put_id)).allocation_id)
    return await find_put(tx, put_id), task


async def recall(tx: Tx, context: WesContext, allocations: Sequence[int]) -> None:
    """Have whatever is lit for allocations go dark; an event tells what was first."""
    at_us = context.clock.now_us()
    await tx.execute_many(_RECALL, [{"allocation_id": each, "at_us": at_us} for each in allocations])


async def put_by_hand(
    tx: Tx, context: WesContext, put_id: int, slot_id: str, quantity: int, operator: str
) -> Task:
    """Book what a person says was put, and have the slot go dark; returns the task.

    Raises:
        Refusal: another slot is lit, the put has ended, or more is told than was picked.
    """
    put, task = await lock_put(tx, put_id)
    if slot_id != put.slot_id:
        raise conflict("slotId", "wrongSlot", f"these pieces belong into {put.slot_id}, not {slot_id}")
    if not put.is_open:
        raise conflict("putId", "hasEnded", f"put {put_id} has ended")
    if quantity > put.quantity:
        raise conflict("quantity", "tooMany", f"{put.quantity} were picked for {put.slot_id}")
    await move(tx, context, put, PutState.RECALLED, quantity)
    await _book(tx, context, put, task, quantity, operator)
    return task


async def withdraw(tx: Tx, context: WesContext, put_id: int) -> None:
    """Have a slot go dark; an event tells whether a button was first.

    Raises:
        Refusal: the put has ended.
    """
    put, _ = await lock_put(tx, put_id)
    if not put.is_open:
        raise conflict("putId", "hasEnded", f"put {put_id} has ended")
    await move(tx, context, put, PutState.RECALLED, None)


async def end(tx: Tx, context: WesContext, put: WallPut, task: Task, confirmed: int) -> None:
    """Take in that a button has told how much was put."""
    if put.state not in OPEN:
        return
    if put.confirmed is not None:
        await move(tx, context, put, PutState.CONFIRMED, put.confirmed)
        return
    recalled = put.state is PutState.RECALLED
    await move(tx, context, put, PutState.CONFIRMED, confirmed)
    if task.code is not Code.PICKING:
        text = f"{confirmed} pieces were put into {put.slot_id} and are not wanted any more: take them out again."
        await ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
        return
    try:
        await tx.attempt(
            partial(_book, context=context, put=put, task=task, quantity=confirmed, operator=put.operator)
        )
    except (Refusal, StockRefused) as refused:
        # A button is told, not asked: whatever the books say, the feed goes on.
        await move(tx, context, put, PutState.CANCELLED, None)
        text = f"{confirmed} pieces were put into {put.slot_id} and cannot be booked: take them out again. {refused}"
        await ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
        return
    if confirmed < put.quantity and not recalled:
        lacks = put.quantity - confirmed
        text = (
            f"{confirmed} of {put.quantity} pieces were put into {put.slot_id}: what about the other {lacks}?"
        )
        await ask(tx, context, put.station_id, put.slot_id, QuestionKind.LESS, text, put.put_id)


async def darken(tx: Tx, context: WesContext, put: WallPut) -> None:
    """Take in that a slot is dark, and no button was first."""
    if put.state not in OPEN:
        return
    if put.confirmed is not None:
        await move(tx, context, put, PutState.CONFIRMED, put.confirmed)
        return
    await settle(tx, context, QuestionKind.NO_BUTTON, put.put_id, put.operator)
    await move(tx, context, put, PutState.CANCELLED, None)
    if put.state is not PutState.RECALLED:
        text = f"{put.slot_id} was darkened by somebody else: pick the pieces for it again."
        await ask(tx, context, put.station_id, put.slot_id, QuestionKind.WITHDRAWN, text, put.put_id)


async def doubt(tx: Tx, context: WesContext, put: WallPut) -> None:
    """Nothing is booked that nobody has confirmed: what lies in the slot all the same is to be taken out."""
    if put.state in OPEN and put.confirmed is None:
        text = f"{put.slot_id} has forgotten whether {put.quantity} pieces were put: if they lie in it, take them out."
        await ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
    await darken(tx, context, put)


async def move(tx: Tx, context: WesContext, put: WallPut, state: PutState, confirmed: int | None) -> None:
    """Move a put on."""
    row = {
        "put_id": put.put_id,
        "state": state,
        "confirmed": confirmed,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_MOVE, [row])
    if state not in OPEN:
        await settle(tx, context, QuestionKind.STILL_LIT, put.put_id, put.operator)


async def _book(tx: Tx, context: WesContext, put: WallPut, task: Task, quantity: int, operator: str) -> None:
    await settle(tx, context, QuestionKind.NO_BUTTON, put.put_id, put.operator)
    if quantity:
        upns = (put.upn,) if put.upn else ()
        await book_pick(tx, context, task, quantity, upns, operator, put.put_id)


def put_of(row: Row) -> WallPut:
    """Read what SELECT returns."""
    put_id, allocation_id, station_id, slot_id, quantity, confirmed, attempt, state, upn, operator = row
    return WallPut(
        put_id=put_id,
        allocation_id=allocation_id,
        station_id=station_id,
        slot_id=slot_id,
        quantity=quantity,
        confirmed=confirmed,
        attempt=attempt,
        state=PutState(state),
        upn=upn,
        operator=operator,
    )
