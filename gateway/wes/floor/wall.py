"""The put wall and the gateway: slots are lit and darkened, and what the walls tell becomes what it means (S0-38, S1-75).

Asking again asks for the same, so nothing lights twice. What lights cannot tell becomes a question to the person who stands there:
a hand in a slot and no button, a hand in a dark slot, a slot that does not go dark. A wall that has lost power is lit again by the
gateway; a result that was never heard is looked up, at once where the feed has a gap.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final, assert_never

from gateway.contract.events import Event, EventType
from gateway.contract.puts import PutRequest, PutStatus, PutView
from gateway.kernel.ports import Store, Tx
from gateway.wes.codes import Code, PutState
from gateway.wes.context import WesContext
from gateway.wes.floor.puts import OPEN, SELECT, WallPut, darken, doubt, end, lock_put, move, put_of
from gateway.wes.floor.questions import QuestionKind, ask
from gateway.wes.planning.gateway import Answer, Gateway, Reply, Unanswered
from gateway.wes.planning.hearing import Handler
from gateway.wes.planning.tasks import Task

HAND_US: Final = 3_000_000
"""The hand that has put something may leave the slot so long after its button."""
DARK_US: Final = 10_000_000
"""A slot that is to go dark and has not after so long is told to whoever stands there."""
LOOK_US: Final = 60_000_000
"""A put of which nothing was heard for so long is looked up."""

_TRIED: Final = "UPDATE wall_puts SET changed_at = :at_us WHERE put_id = :put_id"
_RENUMBER: Final = "UPDATE wall_puts SET attempt = attempt + 1 WHERE put_id = :put_id AND state = 'planned'"
_IS_ATTEMPT: Final = "SELECT 1 FROM wall_puts WHERE put_id = :put_id AND attempt = :attempt"
_DUE: Final = f"{SELECT} WHERE state = :state ORDER BY put_id LIMIT :limit"
# Whatever was noted at a time that is still ahead was noted before somebody set the clock back.
_NOT_DARK: Final = (
    "SELECT put_id FROM wall_puts WHERE state = 'recalled' AND changed_at NOT BETWEEN :since AND :now"
    " AND NOT EXISTS (SELECT 1 FROM questions q"
    f" WHERE q.put_id = wall_puts.put_id AND q.kind = '{QuestionKind.STILL_LIT}') ORDER BY put_id LIMIT :limit"
)
_SILENT: Final = (
    f"{SELECT} WHERE state IN ('sent', 'recalled') AND changed_at NOT BETWEEN :since AND :now"
    " ORDER BY changed_at, put_id LIMIT :limit"
)
_ORPHANS: Final = (
    "UPDATE wall_puts SET state = 'recalled', changed_at = :at_us WHERE state IN ('planned', 'sent') AND allocation_id IN"
    f" (SELECT a.allocation_id FROM allocations a WHERE a.allocation_id = wall_puts.allocation_id AND a.code <> {Code.PICKING:d})"
)
_JUST_PUT: Final = (
    "SELECT 1 FROM wall_slots s JOIN allocations a ON a.work_id = s.work_id JOIN wall_puts p"
    " ON p.allocation_id = a.allocation_id WHERE s.station_id = :station_id AND s.slot_id = :slot_id"
    " AND p.confirmed IS NOT NULL AND p.changed_at >= :since LIMIT 1"
)
_PUT_ID: Final = re.compile(r"W(\d{1,16})-(\d{1,9})")


# ── what the gateway tells ────────────────────────────────────────────────────────────────────────────


async def hear_end(tx: Tx, context: WesContext, event: Event) -> None:
    """A button was pressed: so much was put."""
    found = await _meant(tx, event.subject)
    if found is not None:
        await end(tx, context, *found, event.data["confirmedQuantity"])


async def hear_dark(tx: Tx, context: WesContext, event: Event) -> None:
    """A slot went dark, and no button was first."""
    found = await _meant(tx, event.subject)
    if found is not None:
        await darken(tx, context, found[0])


async def hear_doubt(tx: Tx, context: WesContext, event: Event) -> None:
    """A slot went dark at a wall that had lost its memory: whether a button was first, only a look into the slot can tell."""
    found = await _meant(tx, event.subject)
    if found is not None:
        await doubt(tx, context, found[0])


async def hear_hand(tx: Tx, context: WesContext, event: Event) -> None:
    """A hand went through the curtain of a slot: of a lit one, or of one where nothing is asked."""
    slot_id: str = event.data["slot"]
    found = await _meant(tx, event.data["putId"] or "")
    put = None if found is None else found[0]
    if put is not None and put.is_open:
        text = f"A hand was in {slot_id}, and nothing was confirmed. Were {put.quantity} pieces put?"
        await ask(tx, context, put.station_id, slot_id, QuestionKind.NO_BUTTON, text, put.put_id)
        return
    station = next((each for each in context.layout.stations.values() if slot_id in each.boxes), None)
    if put is not None or station is None or not await _is_picking(tx, station.station_id):
        return
    since = context.clock.now_us() - HAND_US
    which = {"station_id": station.station_id, "slot_id": slot_id, "since": since}
    if not await tx.fetch(_JUST_PUT, which):
        text = f"A hand was in {slot_id}, where nothing is asked. Was something put into the wrong slot?"
        await ask(tx, context, station.station_id, slot_id, QuestionKind.DARK_SLOT, text, None)


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
    if put.state not in OPEN:
        return
    if view is None:
        if put.state is PutState.RECALLED:
            await darken(tx, context, put)
        else:
            await move(tx, context, put, PutState.PLANNED, None)
        return
    match view.status:
        case PutStatus.ACCEPTED | PutStatus.LIT:
            pass
        case PutStatus.CONFIRMED | PutStatus.SHORT:
            await end(tx, context, put, task, view.confirmed_quantity or 0)
        case PutStatus.CANCELLED:
            await darken(tx, context, put)
        case PutStatus.UNKNOWN:
            await doubt(tx, context, put)
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
        for (put_id,) in await self._store.read(lambda tx: tx.fetch(_NOT_DARK, lit)):
            await self._store.write(partial(self._tell_lit, put_id))

    async def _look_up(self, which: Mapping[str, int]) -> None:
        """Look up puts of which nothing was heard for long."""
        for row in await self._store.read(lambda tx: tx.fetch(_SILENT, which)):
            put = put_of(row)
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
        return [put_of(row) for row in await self._store.read(lambda tx: tx.fetch(_DUE, which))]

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
                await move(tx, self._context, put, PutState.SENT, None)
            case Reply.LATER:
                pass
            case Reply.CONFLICT:
                await tx.execute_many(_RENUMBER, [{"put_id": put.put_id}])
            case Reply.REFUSED:
                await move(tx, self._context, put, PutState.CANCELLED, None)
                kind = QuestionKind.REFUSED
                await ask(tx, self._context, put.station_id, put.slot_id, kind, answered.text, put.put_id)
            case _:
                assert_never(answered.reply)

    async def _tell_lit(self, put_id: int, tx: Tx) -> None:
        """Tell whoever stands there of a slot that should be dark, unless it has gone dark meanwhile."""
        put, _ = await lock_put(tx, put_id)
        if put.state is PutState.RECALLED:
            text = f"{put.slot_id} should be dark, and its wall does not answer: put nothing there."
            kind = QuestionKind.STILL_LIT
            await ask(tx, self._context, put.station_id, put.slot_id, kind, text, put.put_id)

    async def _recalled(self, asked: WallPut, answered: Answer, tx: Tx) -> None:
        """Note what the gateway said to a withdrawal; what was first, an event tells, unless it never had the put."""
        put, _ = await lock_put(tx, asked.put_id)
        if put.state is PutState.RECALLED and answered.reply is Reply.REFUSED:
            await darken(tx, self._context, put)


# ── within ────────────────────────────────────────────────────────────────────────────────────────────


async def _is_picking(tx: Tx, station_id: str) -> bool:
    """Tell whether somebody is picking there; a box that is changed between two containers is no matter."""
    sql = "SELECT 1 FROM operations WHERE station_id = :id AND state = 'open' AND scanned_at IS NOT NULL LIMIT 1"
    return bool(await tx.fetch(sql, {"id": station_id}))


async def _meant(tx: Tx, gateway_id: str) -> tuple[WallPut, Task] | None:
    """Return the put whose present attempt the gateway means; see `lock_put`."""
    match = _PUT_ID.fullmatch(gateway_id)
    if match is None:
        return None
    which = {"put_id": int(match[1]), "attempt": int(match[2])}
    if not await tx.fetch(_IS_ATTEMPT, which):
        return None
    return await lock_put(tx, which["put_id"])
