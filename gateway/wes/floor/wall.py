"""The put wall: what is picked for a slot lights it, and what is put there is picked (S0-38, S1-75).

A put is a row before the gateway is asked, under the id W{put}-{attempt}; asking again asks for the same, so nothing lights twice.
Only what a button or a hand's word confirms is booked. What lights cannot tell becomes a question to the person who stands there:
a hand in a slot and no button, a hand in a dark slot, fewer pieces than were picked, pieces for work that was taken back.
A wall that has lost power is lit again by the gateway; a result that was never heard is looked up, at once where the feed has
a gap.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, assert_never

from gateway.contract.events import Event, EventType
from gateway.contract.faults import Refusal
from gateway.contract.puts import PutRequest, PutStatus, PutView
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.codes import Code, PutState
from gateway.wes.context import WesContext
from gateway.wes.planning.gateway import Answer, Gateway, Reply, Unanswered
from gateway.wes.planning.hearing import Handler
from gateway.wes.planning.tasks import Task, book_pick, conflict, lock_task, missing
from gateway.wes.stock.refusal import StockRefused

LIT_MAX: Final = 9_999
"""Pieces that one slot can show."""
NOTICE_US: Final = 5_000_000
"""A hand in a lit slot is no question before so much time without a button."""
HAND_US: Final = 3_000_000
"""The hand that has put something may leave the slot so long after its button."""
DARK_US: Final = 10_000_000
"""A slot that is to go dark and has not after so long is told to whoever stands there."""
LOOK_US: Final = 60_000_000
"""A put of which nothing was heard for so long is looked up."""


class QuestionKind(StrEnum):
    """What a person is asked."""

    NO_BUTTON = "noButton"
    """A hand was in a lit slot, and no button was pressed: were the pieces put?"""
    DARK_SLOT = "darkSlot"
    """A hand was in a slot that is not lit: was something put into the wrong slot?"""
    LESS = "less"
    """Fewer pieces were put than were picked for the slot: what about the others?"""
    UNWANTED = "unwanted"
    """Pieces were put for work that had been taken back, or that the books have elsewhere: they are to be taken out again."""
    REFUSED = "refused"
    """The gateway does not know the slot."""
    STILL_LIT = "stillLit"
    """A slot is to go dark, and its wall does not answer: nothing may be put there."""
    WITHDRAWN = "withdrawn"
    """Somebody else has withdrawn the put at the gateway."""


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
        return self.state in _OPEN and self.confirmed is None


_OPEN: Final = (PutState.PLANNED, PutState.SENT, PutState.RECALLED)
_COLUMNS: Final = (
    "put_id, allocation_id, station_id, slot_id, quantity, confirmed, attempt, state, upn, operator"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM wall_puts"
_INSERT: Final = (
    f"INSERT INTO wall_puts ({_COLUMNS}, created_at, changed_at) VALUES (:put_id, :allocation_id, :station_id, :slot_id,"
    " :quantity, NULL, 1, 'planned', :upn, :operator, :at_us, :at_us)"
)
_MOVE: Final = (
    "UPDATE wall_puts SET state = :state, confirmed = :confirmed, changed_at = :at_us WHERE put_id = :put_id"
)
_TRIED: Final = "UPDATE wall_puts SET changed_at = :at_us WHERE put_id = :put_id"
_RENUMBER: Final = "UPDATE wall_puts SET attempt = attempt + 1 WHERE put_id = :put_id AND state = 'planned'"
_IS_ATTEMPT: Final = "SELECT 1 FROM wall_puts WHERE put_id = :put_id AND attempt = :attempt"
_DUE: Final = f"{_SELECT} WHERE state = :state ORDER BY put_id LIMIT :limit"
# Whatever was noted at a time that is still ahead was noted before somebody set the clock back.
_NOT_DARK: Final = (
    f"{_SELECT} WHERE state = 'recalled' AND changed_at NOT BETWEEN :since AND :now AND NOT EXISTS (SELECT 1 FROM questions q"
    f" WHERE q.put_id = wall_puts.put_id AND q.kind = '{QuestionKind.STILL_LIT}') ORDER BY put_id LIMIT :limit"
)
_SILENT: Final = (
    f"{_SELECT} WHERE state IN ('sent', 'recalled') AND changed_at NOT BETWEEN :since AND :now"
    " ORDER BY changed_at, put_id LIMIT :limit"
)
_ORPHANS: Final = (
    "UPDATE wall_puts SET state = 'recalled', changed_at = :at_us WHERE state IN ('planned', 'sent') AND allocation_id IN"
    f" (SELECT a.allocation_id FROM allocations a WHERE a.allocation_id = wall_puts.allocation_id AND a.code <> {Code.PICKING:d})"
)
_RECALL: Final = (
    "UPDATE wall_puts SET state = 'recalled', changed_at = :at_us"
    " WHERE allocation_id = :allocation_id AND state IN ('planned', 'sent')"
)
_ASK: Final = (
    "INSERT INTO questions (question_id, station_id, slot_id, kind, put_id, text, at_us)"
    " VALUES (:question_id, :station_id, :slot_id, :kind, :put_id, :text, :at_us)"
)
_ASKED: Final = (
    "SELECT 1 FROM questions WHERE station_id = :station_id AND slot_id = :slot_id AND kind = :kind"
    " AND settled_at IS NULL"
)
_SETTLE: Final = "UPDATE questions SET settled_at = :at_us, settled_by = :operator WHERE settled_at IS NULL"
_ANSWERED: Final = f"{_SETTLE} AND question_id = :question_id"
_NO_BUTTON: Final = f"{_SETTLE} AND put_id = :put_id AND kind = '{QuestionKind.NO_BUTTON}'"
_STILL_LIT: Final = f"{_SETTLE} AND put_id = :put_id AND kind = '{QuestionKind.STILL_LIT}'"
_JUST_PUT: Final = (
    "SELECT 1 FROM wall_slots s JOIN allocations a ON a.work_id = s.work_id JOIN wall_puts p"
    " ON p.allocation_id = a.allocation_id WHERE s.station_id = :station_id AND s.slot_id = :slot_id"
    " AND p.confirmed IS NOT NULL AND p.changed_at >= :since LIMIT 1"
)
_PUT_ID: Final = re.compile(r"W(\d{1,16})-(\d{1,9})")


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
    rows = await tx.fetch(f"{_SELECT} WHERE put_id = :put_id", {"put_id": put_id})
    if not rows:
        raise missing("putId", f"no put {put_id}")
    return _put(rows[0])


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
    await _move(tx, context, put, PutState.RECALLED, quantity)
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
    await _move(tx, context, put, PutState.RECALLED, None)


async def answer(tx: Tx, context: WesContext, question_id: int, operator: str) -> None:
    """Note that a question is answered.

    Raises:
        Refusal: it is not open.
    """
    row = {"question_id": question_id, "operator": operator, "at_us": context.clock.now_us()}
    if not await tx.execute(_ANSWERED, row):
        raise missing("questionId", f"no open question {question_id}")


# ── what the gateway tells ────────────────────────────────────────────────────────────────────────────


async def hear_end(tx: Tx, context: WesContext, event: Event) -> None:
    """A button was pressed: so much was put."""
    found = await _put_of(tx, event.subject)
    if found is not None:
        await _end(tx, context, *found, event.data["confirmedQuantity"])


async def hear_dark(tx: Tx, context: WesContext, event: Event) -> None:
    """A slot went dark, and no button was first."""
    found = await _put_of(tx, event.subject)
    if found is not None:
        await _darken(tx, context, found[0])


async def hear_doubt(tx: Tx, context: WesContext, event: Event) -> None:
    """A slot went dark at a wall that had lost its memory: whether a button was first, only a look into the slot can tell."""
    found = await _put_of(tx, event.subject)
    if found is not None:
        await _doubt(tx, context, found[0])


async def hear_hand(tx: Tx, context: WesContext, event: Event) -> None:
    """A hand went through the curtain of a slot: of a lit one, or of one where nothing is asked."""
    slot_id: str = event.data["slot"]
    found = await _put_of(tx, event.data["putId"] or "")
    put = None if found is None else found[0]
    if put is not None and put.is_open:
        text = f"A hand was in {slot_id}, and nothing was confirmed. Were {put.quantity} pieces put?"
        await _ask(tx, context, put.station_id, slot_id, QuestionKind.NO_BUTTON, text, put.put_id)
        return
    station = next((each for each in context.layout.stations.values() if slot_id in each.boxes), None)
    if put is not None or station is None or not await _is_picking(tx, station.station_id):
        return
    since = context.clock.now_us() - HAND_US
    which = {"station_id": station.station_id, "slot_id": slot_id, "since": since}
    if not await tx.fetch(_JUST_PUT, which):
        text = f"A hand was in {slot_id}, where nothing is asked. Was something put into the wrong slot?"
        await _ask(tx, context, station.station_id, slot_id, QuestionKind.DARK_SLOT, text, None)


PUT_HANDLERS: Final[Mapping[EventType, Handler]] = {
    EventType.PUT_CONFIRMED: hear_end,
    EventType.PUT_SHORT: hear_end,
    EventType.PUT_CANCELLED: hear_dark,
    EventType.PUT_UNKNOWN: hear_doubt,
    EventType.PUT_CURTAIN: hear_hand,
}
"""What to do about which event of a put wall."""


async def take_view(tx: Tx, context: WesContext, put_id: int, view: PutView | None) -> None:
    """Take in how the gateway shows a put of which nothing was heard; None: it does not know it, so it is asked again."""
    put, task = await lock_put(tx, put_id)
    await tx.execute_many(_TRIED, [{"put_id": put_id, "at_us": context.clock.now_us()}])
    if put.state not in _OPEN:
        return
    if view is None:
        if put.state is PutState.RECALLED:
            await _darken(tx, context, put)
        else:
            await _move(tx, context, put, PutState.PLANNED, None)
        return
    match view.status:
        case PutStatus.ACCEPTED | PutStatus.LIT:
            pass
        case PutStatus.CONFIRMED | PutStatus.SHORT:
            await _end(tx, context, put, task, view.confirmed_quantity or 0)
        case PutStatus.CANCELLED:
            await _darken(tx, context, put)
        case PutStatus.UNKNOWN:
            await _doubt(tx, context, put)
        case _:
            assert_never(view.status)


# ── what the gateway is asked ─────────────────────────────────────────────────────────────────────────


class Wall:
    """Asks the gateway for what is to be lit and to go dark."""

    def __init__(self, store: Store, context: WesContext, gateway: Gateway) -> None:
        self._store = store
        self._context = context
        self._gateway = gateway

    async def work(self) -> None:
        """Do one round."""
        at_us = self._context.clock.now_us()
        await self._store.write(lambda tx: tx.execute(_ORPHANS, {"at_us": at_us}))
        for put in await self._due(PutState.PLANNED):
            answered = await self._gateway.submit_put(self._request(put))
            await self._store.write(partial(self._asked, put, answered))
        for put in await self._due(PutState.RECALLED):
            answered = await self._gateway.cancel_put(put.gateway_id)
            await self._store.write(partial(self._recalled, put, answered))
        await self._look_up({"since": at_us - LOOK_US, "now": at_us, "limit": self._limit})
        lit = {"since": at_us - DARK_US, "now": at_us, "limit": self._limit}
        await self._store.write(partial(self._tell_lit, lit))

    async def _look_up(self, which: Mapping[str, int]) -> None:
        """Look up puts of which nothing was heard for long."""
        for row in await self._store.read(lambda tx: tx.fetch(_SILENT, which)):
            put = _put(row)
            try:
                view = await self._gateway.find_put(put.gateway_id)
            except Unanswered:
                return
            await self._store.write(partial(take_view, context=self._context, put_id=put.put_id, view=view))

    @property
    def _limit(self) -> int:
        return self._context.wes.timers.dispatch.batch

    async def _due(self, state: PutState) -> list[WallPut]:
        which = {"state": state, "limit": self._limit}
        return [_put(row) for row in await self._store.read(lambda tx: tx.fetch(_DUE, which))]

    def _request(self, put: WallPut) -> PutRequest:
        wall = self._context.layout.stations[put.station_id].wall
        assert wall is not None
        return PutRequest(put_id=put.gateway_id, wall=wall, slot=put.slot_id, quantity=put.quantity)

    async def _asked(self, asked: WallPut, answered: Answer, tx: Tx) -> None:
        """Note what the gateway said to a put, unless an event was faster."""
        put, _ = await lock_put(tx, asked.put_id)
        if put.state is not PutState.PLANNED or put.attempt != asked.attempt:
            return
        match answered.reply:
            case Reply.TAKEN:
                await _move(tx, self._context, put, PutState.SENT, None)
            case Reply.LATER:
                pass
            case Reply.CONFLICT:
                await tx.execute_many(_RENUMBER, [{"put_id": put.put_id}])
            case Reply.REFUSED:
                await _move(tx, self._context, put, PutState.CANCELLED, None)
                kind = QuestionKind.REFUSED
                await _ask(tx, self._context, put.station_id, put.slot_id, kind, answered.text, put.put_id)
            case _:
                assert_never(answered.reply)

    async def _tell_lit(self, which: Mapping[str, int], tx: Tx) -> None:
        """Tell whoever stands there of slots that should be dark, once each."""
        for put in [_put(row) for row in await tx.fetch(_NOT_DARK, which)]:
            text = f"{put.slot_id} should be dark, and its wall does not answer: put nothing there."
            kind = QuestionKind.STILL_LIT
            await _ask(tx, self._context, put.station_id, put.slot_id, kind, text, put.put_id)

    async def _recalled(self, asked: WallPut, answered: Answer, tx: Tx) -> None:
        """Note what the gateway said to a withdrawal; what was first, an event tells, unless it never had the put."""
        put, _ = await lock_put(tx, asked.put_id)
        if put.state is PutState.RECALLED and answered.reply is Reply.REFUSED:
            await _darken(tx, self._context, put)


# ── within ────────────────────────────────────────────────────────────────────────────────────────────


async def _end(tx: Tx, context: WesContext, put: WallPut, task: Task, confirmed: int) -> None:
    if put.state not in _OPEN:
        return
    if put.confirmed is not None:
        await _move(tx, context, put, PutState.CONFIRMED, put.confirmed)
        return
    recalled = put.state is PutState.RECALLED
    await _move(tx, context, put, PutState.CONFIRMED, confirmed)
    if task.code is not Code.PICKING:
        text = f"{confirmed} pieces were put into {put.slot_id} and are not wanted any more: take them out again."
        await _ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
        return
    try:
        await tx.attempt(
            partial(_book, context=context, put=put, task=task, quantity=confirmed, operator=put.operator)
        )
    except (Refusal, StockRefused) as refused:
        # A button is told, not asked: whatever the books say, the feed goes on.
        await _move(tx, context, put, PutState.CANCELLED, None)
        text = f"{confirmed} pieces were put into {put.slot_id} and cannot be booked: take them out again. {refused}"
        await _ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
        return
    if confirmed < put.quantity and not recalled:
        lacks = put.quantity - confirmed
        text = (
            f"{confirmed} of {put.quantity} pieces were put into {put.slot_id}: what about the other {lacks}?"
        )
        await _ask(tx, context, put.station_id, put.slot_id, QuestionKind.LESS, text, put.put_id)


async def _darken(tx: Tx, context: WesContext, put: WallPut) -> None:
    if put.state not in _OPEN:
        return
    if put.confirmed is not None:
        await _move(tx, context, put, PutState.CONFIRMED, put.confirmed)
        return
    await _settle_put(tx, context, put)
    await _move(tx, context, put, PutState.CANCELLED, None)
    if put.state is not PutState.RECALLED:
        text = f"{put.slot_id} was darkened by somebody else: pick the pieces for it again."
        await _ask(tx, context, put.station_id, put.slot_id, QuestionKind.WITHDRAWN, text, put.put_id)


async def _doubt(tx: Tx, context: WesContext, put: WallPut) -> None:
    """Nothing is booked that nobody has confirmed: what lies in the slot all the same is to be taken out."""
    if put.state in _OPEN and put.confirmed is None:
        text = f"{put.slot_id} has forgotten whether {put.quantity} pieces were put: if they lie in it, take them out."
        await _ask(tx, context, put.station_id, put.slot_id, QuestionKind.UNWANTED, text, put.put_id)
    await _darken(tx, context, put)


async def _book(tx: Tx, context: WesContext, put: WallPut, task: Task, quantity: int, operator: str) -> None:
    await _settle_put(tx, context, put)
    if quantity:
        upns = (put.upn,) if put.upn else ()
        await book_pick(tx, context, task, quantity, upns, operator, put.put_id)


async def _settle_put(tx: Tx, context: WesContext, put: WallPut) -> None:
    row = {"put_id": put.put_id, "operator": put.operator, "at_us": context.clock.now_us()}
    await tx.execute_many(_NO_BUTTON, [row])


async def _ask(
    tx: Tx,
    context: WesContext,
    station_id: str,
    slot_id: str,
    kind: QuestionKind,
    text: str,
    put_id: int | None,
) -> None:
    """Ask a person; what is asked already is not asked twice."""
    which: dict[str, SqlValue] = {"station_id": station_id, "slot_id": slot_id, "kind": kind}
    if await tx.fetch(_ASKED, which):
        return
    more: dict[str, SqlValue] = {
        "question_id": context.ids.next(),
        "put_id": put_id,
        "text": text,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_ASK, [which | more])


async def _move(tx: Tx, context: WesContext, put: WallPut, state: PutState, confirmed: int | None) -> None:
    row = {
        "put_id": put.put_id,
        "state": state,
        "confirmed": confirmed,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_MOVE, [row])
    if state not in _OPEN:
        dark: dict[str, SqlValue] = {"put_id": put.put_id, "operator": put.operator, "at_us": row["at_us"]}
        await tx.execute_many(_STILL_LIT, [dark])


async def _is_picking(tx: Tx, station_id: str) -> bool:
    """Tell whether somebody is picking there; a box that is changed between two containers is no matter."""
    sql = "SELECT 1 FROM operations WHERE station_id = :id AND state = 'open' AND scanned_at IS NOT NULL LIMIT 1"
    return bool(await tx.fetch(sql, {"id": station_id}))


async def _put_of(tx: Tx, gateway_id: str) -> tuple[WallPut, Task] | None:
    """Return the put whose present attempt the gateway means; see `lock_put`."""
    match = _PUT_ID.fullmatch(gateway_id)
    if match is None:
        return None
    which = {"put_id": int(match[1]), "attempt": int(match[2])}
    if not await tx.fetch(_IS_ATTEMPT, which):
        return None
    return await lock_put(tx, which["put_id"])


def _put(row: Row) -> WallPut:
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
