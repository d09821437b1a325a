"""A container cannot be worked on where it was to be: what hangs on it is undone, step by step (S0-32…36).

The push to the station failed, the station is down, the tote is missing, another one came, or it has left the site. The steps are
those of the site file as they were when the rollback began. Each is a job of its own that counts itself done in the same commit: a
crash between any two goes on with the next, and none is done twice. Work that is rolled back again and again is held after a few
times, and a person is told.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic_core import from_json, to_json

from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.site.wes import RollbackStep
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_kind
from gateway.wes.orders.headers import SYSTEM, note_stages
from gateway.wes.orders.progress import follow_works
from gateway.wes.orders.rows import lock_order
from gateway.wes.planning.binding import Allocation, free_stock, load_allocations, take_back
from gateway.wes.planning.presentations import (
    ENDED,
    WAYS_OUT,
    find_presentation,
    lock_presentation,
    move,
    present,
)
from gateway.wes.planning.stations import close_station
from gateway.wes.planning.tasks import FREE_SLOT, settle_works

TRIES_MAX: Final = 3
"""Work that was rolled back so often, with nothing picked in between, waits for a person."""

_BEGIN: Final = (
    "INSERT INTO rollbacks (rollback_id, presentation_id, reason, steps, done, started_at)"
    " VALUES (:rollback_id, :presentation_id, :reason, :steps, 0, :at_us) ON CONFLICT DO NOTHING"
)
_OPEN: Final = "SELECT rollback_id FROM rollbacks WHERE ended_at IS NULL ORDER BY rollback_id LIMIT :limit"
_ORDERS: Final = (
    "SELECT w.order_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id WHERE a.presentation_id ="
    " (SELECT r.presentation_id FROM rollbacks r WHERE r.rollback_id = :rollback_id)"
    " UNION SELECT w.order_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    " WHERE a.rollback_id = :rollback_id ORDER BY 1"
)
# Takes the row: whoever cancels one of its orders meanwhile waits, and goes on with the next step.
_TAKE: Final = (
    "UPDATE rollbacks SET done = done WHERE rollback_id = :rollback_id AND ended_at IS NULL"
    " RETURNING rollback_id, presentation_id, reason, steps, done"
)
_DONE: Final = "UPDATE rollbacks SET done = done + 1, ended_at = :ended_at WHERE rollback_id = :rollback_id"
_AT_CLOSED: Final = (
    "SELECT p.presentation_id, s.reason FROM presentations p JOIN stations s ON s.station_id = p.station_id"
    " WHERE s.open = 0 AND p.state IN ('planned', 'called', 'sent', 'failed', 'arrived') AND NOT EXISTS"
    " (SELECT 1 FROM rollbacks r WHERE r.presentation_id = p.presentation_id AND r.ended_at IS NULL)"
    " ORDER BY p.presentation_id LIMIT :limit"
)
_OF_REMOVED: Final = (
    "SELECT p.presentation_id, p.container_id FROM holders h JOIN presentations p ON p.container_id = h.holder_id"
    " WHERE h.removed_at IS NOT NULL AND p.station_id IS NOT NULL"
    " AND p.state IN ('planned', 'called', 'sent', 'failed', 'arrived') AND NOT EXISTS"
    " (SELECT 1 FROM rollbacks r WHERE r.presentation_id = p.presentation_id AND r.ended_at IS NULL)"
    " ORDER BY p.presentation_id LIMIT :limit"
)
_WITHDRAW_OPERATION: Final = (
    "UPDATE operations SET state = 'withdrawn' WHERE presentation_id = :presentation_id AND state = 'open'"
)
_BOUND_TO_LOST: Final = (
    "SELECT DISTINCT a.work_id FROM allocations a JOIN holders h ON h.holder_id = a.holder_id"
    f" WHERE a.code = {Code.ALLOCATED:d} AND h.kind = 'container' AND h.location_id IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM presentations p WHERE p.container_id = a.holder_id AND p.state NOT IN ('done', 'cancelled'))"
    " ORDER BY a.work_id LIMIT :limit"
)
_GIVE_UP: Final = (
    "UPDATE work_lines SET short = short + :quantity WHERE work_id = :work_id AND line_id = :line_id"
)
_STANDS: Final = (
    "SELECT CAST(SUM(quantity - picked - short) AS BIGINT), CAST(SUM(picked) AS BIGINT) FROM work_lines"
    " WHERE work_id = :work_id"
)
_END_WORK: Final = "UPDATE work_orders SET code = :code, updated_at = :at_us WHERE work_id = :work_id"
_SUCCESSOR: Final = (
    f"SELECT work_id FROM work_orders WHERE replaces = :work_id AND code = {Code.PREALLOCATED:d}"
    " ORDER BY work_id DESC LIMIT 1"
)
_NEW_WORK: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, wave_id, zone, priority, deadline_at, replaces, held, code,"
    " created_at, updated_at) SELECT :new_id, order_id, mode, wave_id, zone, priority, deadline_at, work_id, held,"
    f" {Code.PREALLOCATED:d}, :at_us, :at_us FROM work_orders WHERE work_id = :work_id"
)
_NEW_LINE: Final = (
    "INSERT INTO work_lines (work_id, line_id, quantity, picked, short) VALUES (:work_id, :line_id, :quantity, 0, 0)"
    " ON CONFLICT (work_id, line_id) DO UPDATE SET quantity = work_lines.quantity + excluded.quantity"
)
_COUNT: Final = (
    "UPDATE work_orders SET rolled_back = (SELECT v.rolled_back + 1 FROM work_orders v"
    " WHERE v.work_id = work_orders.replaces) WHERE work_id = :work_id RETURNING rolled_back"
)
_HOLD: Final = (
    "UPDATE work_orders SET held = :text WHERE work_id = :work_id AND held IS NULL RETURNING order_id"
)
_LET_GO_ON: Final = (
    "UPDATE work_orders SET held = NULL WHERE order_id = :order_id AND held IN (SELECT e.text FROM order_exceptions e"
    f" WHERE e.order_id = :order_id AND e.kind = '{ExceptionKind.ROLLED_BACK}' AND e.settled_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Rollback:
    """One that has begun and has not ended."""

    rollback_id: int
    presentation_id: int
    reason: str
    steps: tuple[RollbackStep, ...]
    done: int


async def begin_rollback(tx: Tx, context: WesContext, presentation_id: int, reason: str) -> None:
    """Begin to undo what hangs on a presentation; it goes on by itself. One that goes on already is left alone.

    Args:
        tx: the transaction of whatever found out that it is needed.
        context: the steps, numbers, time.
        presentation_id: an open one.
        reason: for people.
    """
    presentation = await find_presentation(tx, presentation_id)
    if presentation is None or presentation.state in ENDED:
        return
    row: dict[str, SqlValue] = {
        "rollback_id": context.ids.next(),
        "presentation_id": presentation_id,
        "reason": reason,
        "steps": to_json(context.wes.rollback).decode(),
        "at_us": context.clock.now_us(),
    }
    await tx.execute(_BEGIN, row)


async def let_go_on(tx: Tx, context: WesContext, order_id: int, operator: str) -> None:
    """Let the work of an order go on that is held because it was rolled back too often."""
    await tx.execute(_LET_GO_ON, {"order_id": order_id})
    await settle_kind(tx, order_id, ExceptionKind.ROLLED_BACK, context.clock.now_us(), operator)


class Rollbacks:
    """Goes on with what is being rolled back."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context

    async def work(self) -> None:
        """Begin what closed stations and containers that are gone need, and take every open rollback to its end."""
        limit = {"limit": self._context.wes.timers.rollback.batch}
        await self._store.write(partial(_clear_closed, self._context, limit))
        await self._store.write(partial(_clear_removed, self._context, limit))
        await self._store.write(partial(_give_up_lost, self._context, limit))
        for (rollback_id,) in await self._store.read(lambda tx: tx.fetch(_OPEN, limit)):
            while await self._store.write(partial(advance, context=self._context, rollback_id=rollback_id)):
                pass


async def advance(tx: Tx, context: WesContext, rollback_id: int) -> bool:
    """Do the next step of a rollback; False: it has ended."""
    which = {"rollback_id": rollback_id}
    for (order_id,) in await tx.fetch(_ORDERS, which):
        await lock_order(tx, order_id)
    rows = await tx.fetch(_TAKE, which)
    if not rows:
        return False
    rollback = _rollback(rows[0])
    await _STEPS[rollback.steps[rollback.done]](tx, context, rollback)
    last = rollback.done + 1 == len(rollback.steps)
    if last:  # what was picked of a work order may be packed, or have left
        await settle_works(tx, context, await _works(tx, rollback))
    at_us = context.clock.now_us()
    await tx.execute_many(_DONE, [{**which, "ended_at": at_us if last else None}])
    return not last


async def _clear_closed(context: WesContext, limit: Mapping[str, int], tx: Tx) -> None:
    for presentation_id, reason in await tx.fetch(_AT_CLOSED, limit):
        await begin_rollback(tx, context, presentation_id, f"the station is closed: {reason}")


async def _clear_removed(context: WesContext, limit: Mapping[str, int], tx: Tx) -> None:
    for presentation_id, container_id in await tx.fetch(_OF_REMOVED, limit):
        await begin_rollback(
            tx, context, presentation_id, f"{container_id} was taken out of the site's books"
        )


async def _give_up_lost(context: WesContext, limit: Mapping[str, int], tx: Tx) -> None:
    """Replace work that is bound to a container which is nowhere, and has no station yet that could find out."""
    for (work_id,) in await tx.fetch(_BOUND_TO_LOST, limit):
        bound = await load_allocations(tx, f"work_id = :id AND code < {Code.PICKED:d}", id=work_id)
        await take_back(tx, context, bound, None)
        await end_works(tx, context, _by_line(bound), [work_id])
        await renew_works(tx, context, _by_line(bound), [work_id])
        await free_stock(tx, context, f"give-up-{work_id}", bound, "its container is lost")


async def _leave_station(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    presentation = await lock_presentation(tx, rollback.presentation_id)
    assert presentation is not None
    await tx.execute_many(_WITHDRAW_OPERATION, [{"presentation_id": presentation.presentation_id}])
    goal = WAYS_OUT.get(presentation.state)
    if goal is not None:
        await move(tx, context, presentation, goal, reason=rollback.reason)


async def _roll_back_task(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    hanging = await load_allocations(
        tx, f"presentation_id = :id AND code < {Code.PICKED:d}", id=rollback.presentation_id
    )
    await take_back(tx, context, hanging, rollback.rollback_id)


async def _roll_back_work_order(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    await end_works(tx, context, _by_line(await _taken_back(tx, rollback)), await _works(tx, rollback))


async def _new_work_order(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    successors = await renew_works(
        tx, context, _by_line(await _taken_back(tx, rollback)), await _works(tx, rollback)
    )
    for work_id in successors:
        ((tries,),) = await tx.fetch(_COUNT, {"work_id": work_id})
        if tries >= TRIES_MAX:
            text = f"work order {work_id} was rolled back {tries} times, the last time because: {rollback.reason}"
            for (order_id,) in await tx.fetch(_HOLD, {"work_id": work_id, "text": text}):
                await open_exception(tx, context, order_id, ExceptionKind.ROLLED_BACK, text)


async def end_works(
    tx: Tx, context: WesContext, lines: Mapping[tuple[int, int], int], works: Sequence[int]
) -> None:
    """Take parts off work orders. One that nothing is left of has ended; its lines follow once there is a new one."""
    at_us = context.clock.now_us()
    for (work_id, line_id), quantity in sorted(lines.items()):
        await tx.execute_many(_GIVE_UP, [{"work_id": work_id, "line_id": line_id, "quantity": quantity}])
    for work_id in works:
        ((open_units, picked),) = await tx.fetch(_STANDS, {"work_id": work_id})
        if open_units:
            continue
        code = Code.PICKED if picked else Code.CANCELLED
        await tx.execute_many(_END_WORK, [{"work_id": work_id, "code": code, "at_us": at_us}])
        await note_stages(tx, "work", [work_id], code, at_us)
        if not picked:
            await tx.execute_many(FREE_SLOT, [{"work_id": work_id}])


async def renew_works(
    tx: Tx, context: WesContext, lines: Mapping[tuple[int, int], int], works: Sequence[int]
) -> list[int]:
    """Let new work orders take parts over; those of one work order stay together. Returns the new ones."""
    at_us = context.clock.now_us()
    successors: dict[int, int] = {}
    for work_id in works:
        known = await tx.fetch(_SUCCESSOR, {"work_id": work_id})
        if known:
            successors[work_id] = known[0][0]
            continue
        successors[work_id] = context.ids.next()
        new = {"new_id": successors[work_id], "work_id": work_id, "at_us": at_us}
        await tx.execute_many(_NEW_WORK, [new])
        await note_stages(tx, "work", [successors[work_id]], Code.PREALLOCATED, at_us)
    await tx.execute_many(
        _NEW_LINE,
        [
            {"work_id": successors[work_id], "line_id": line_id, "quantity": quantity}
            for (work_id, line_id), quantity in sorted(lines.items())
        ],
    )
    await follow_works(tx, works, at_us)
    return sorted(successors.values())


async def _release_allocation(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    taken = await _taken_back(tx, rollback)
    await free_stock(tx, context, f"rollback-{rollback.rollback_id}", taken, rollback.reason)
    presentation = await find_presentation(tx, rollback.presentation_id)
    assert presentation is not None
    if presentation.state in ENDED:
        await present(tx, context, [presentation.container_id])


async def _close_station(tx: Tx, context: WesContext, rollback: Rollback) -> None:
    presentation = await find_presentation(tx, rollback.presentation_id)
    if presentation is not None and presentation.station_id is not None:
        await close_station(tx, presentation.station_id, rollback.reason, SYSTEM)


_STEPS: Final[Mapping[RollbackStep, Callable[[Tx, WesContext, Rollback], Awaitable[None]]]] = {
    RollbackStep.LEAVE_STATION: _leave_station,
    RollbackStep.ROLL_BACK_TASK: _roll_back_task,
    RollbackStep.ROLL_BACK_WORK_ORDER: _roll_back_work_order,
    RollbackStep.NEW_WORK_ORDER: _new_work_order,
    RollbackStep.RELEASE_ALLOCATION: _release_allocation,
    RollbackStep.CLOSE_STATION: _close_station,
}


async def _taken_back(tx: Tx, rollback: Rollback) -> list[Allocation]:
    return await load_allocations(tx, "rollback_id = :id", id=rollback.rollback_id)


async def _works(tx: Tx, rollback: Rollback) -> list[int]:
    return sorted({each.work_id for each in await _taken_back(tx, rollback)})


def _by_line(allocations: list[Allocation]) -> Counter[tuple[int, int]]:
    """Return units by work order and line."""
    units: Counter[tuple[int, int]] = Counter()
    for each in allocations:
        units[each.work_id, each.line_id] += each.rest
    return units


def _rollback(row: Row) -> Rollback:
    rollback_id, presentation_id, reason, steps, done = row
    return Rollback(
        rollback_id, presentation_id, reason, tuple(RollbackStep(step) for step in from_json(steps)), done
    )
