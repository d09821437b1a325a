"""Work that people fetch for themselves, and containers that nobody called (S1-67, S1-69, S1-71, S1-76, S1-77).

On foot a person takes the most pressing work order, and of equally pressing ones the largest that can be carried. Whole cases are
taken place by place: the part of one place becomes a work order of its own when it is claimed. A black box is the gateway's side:
it chooses containers, and when one stands at a station it says which allocations come out of it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from gateway.contract.stations import AssignedPart
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.floor.operations import push
from gateway.wes.orders.headers import note_stages
from gateway.wes.planning.binding import assign
from gateway.wes.planning.presentations import Purpose, find_presentation, presentation_of_container
from gateway.wes.planning.tasks import Task, claim, conflict, lock_task, lock_tasks, missing, stock_act
from gateway.wes.stock.model import Portion, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import allocate, deallocate_lots

_PRESSING: Final = (
    "w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END, w.deadline_at, size DESC"
)
_WORK: Final = f"""SELECT w.work_id,
(SELECT SUM(a.quantity - a.picked - a.short) FROM allocations a WHERE a.work_id = w.work_id AND a.code = {Code.RELEASED:d}) AS size
FROM work_orders w WHERE w.mode = 'flat' AND w.code = {Code.RELEASED:d} AND w.held IS NULL AND w.claimant IS NULL
AND (CAST(:zone AS TEXT) IS NULL OR w.zone = CAST(:zone AS TEXT))
AND (SELECT SUM(a.quantity - a.picked - a.short) FROM allocations a WHERE a.work_id = w.work_id AND a.code = {Code.RELEASED:d})
    <= CAST(:units AS BIGINT)
ORDER BY {_PRESSING}, w.work_id LIMIT 1"""
_CASE: Final = f"""SELECT a.allocation_id, a.quantity AS size
FROM allocations a JOIN work_orders w ON w.work_id = a.work_id
WHERE w.mode = 'fullCase' AND a.code = {Code.RELEASED:d} AND w.held IS NULL
AND (CAST(:zone AS TEXT) IS NULL OR w.zone = CAST(:zone AS TEXT)) AND a.quantity <= CAST(:units AS BIGINT)
ORDER BY {_PRESSING}, a.allocation_id LIMIT 1"""
_OPEN: Final = f"a.code = {Code.RELEASED:d} AND w.held IS NULL"
_OTHERS: Final = (
    "SELECT COUNT(*) FROM allocations WHERE work_id = :work_id AND allocation_id <> :allocation_id"
    f" AND code < {Code.CANCELLING:d}"
)
_SPLIT: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, wave_id, zone, priority, deadline_at, replaces, code, created_at,"
    f" updated_at) SELECT :new_id, order_id, mode, wave_id, zone, priority, deadline_at, work_id, {Code.RELEASED:d}, :at_us,"
    " :at_us FROM work_orders WHERE work_id = :work_id"
)
_NEW_LINE: Final = "INSERT INTO work_lines (work_id, line_id, quantity, picked, short) VALUES (:new_id, :line_id, :quantity, 0, 0)"
_MOVE: Final = "UPDATE allocations SET work_id = :new_id WHERE allocation_id = :allocation_id"
_DROP_LINE: Final = (
    "DELETE FROM work_lines WHERE work_id = :work_id AND line_id = :line_id AND quantity = :quantity"
)
_CUT_LINE: Final = (
    "UPDATE work_lines SET quantity = quantity - :quantity"
    " WHERE work_id = :work_id AND line_id = :line_id AND quantity > :quantity"
)
_STANDING: Final = (
    "INSERT INTO presentations (presentation_id, purpose, container_id, station_id, destination, state, attempt, priority,"
    " created_at, arrived_at) VALUES (:presentation_id, :purpose, :container_id, :station_id, :destination, 'arrived', 1, 5,"
    " :at_us, :at_us)"
)
_PRESENT: Final = (
    "UPDATE allocations SET presentation_id = :presentation_id WHERE holder_id = :container_id"
    f" AND presentation_id IS NULL AND code = {Code.RELEASED:d}"
    " AND work_id IN (SELECT work_id FROM work_orders WHERE mode = 'blackBox')"
)
_AT_STATION: Final = (
    "UPDATE work_orders SET station_id = :station_id WHERE station_id IS NULL AND work_id IN"
    " (SELECT work_id FROM allocations WHERE presentation_id = :presentation_id)"
)
_ANY_SIZE: Final = 2**53


async def claim_on_foot(
    tx: Tx, context: WesContext, zone: str | None, units: int | None, operator: str
) -> tuple[int, ...]:
    """Give a person the next work order of pieces; () if there is none that fits."""
    while (work_id := await _next(tx, _WORK, zone, units)) is not None:
        tasks = await lock_tasks(tx, f"a.work_id = :work_id AND {_OPEN}", work_id=work_id)
        if tasks:
            await claim(tx, context, tasks, operator)
            return (work_id,)
    return ()


async def claim_cases(
    tx: Tx, context: WesContext, zone: str | None, units: int | None, operator: str
) -> tuple[int, ...]:
    """Give a person the cases of one place, as a work order made for it; () if there is none that fits."""
    while (allocation_id := await _next(tx, _CASE, zone, units)) is not None:
        tasks = await lock_tasks(tx, f"a.allocation_id = :id AND {_OPEN}", id=allocation_id)
        if tasks:
            return (await _claim_place(tx, context, tasks[0], operator),)
    return ()


async def _claim_place(tx: Tx, context: WesContext, task: Task, operator: str) -> int:
    """Claim the cases of one place; returns the work order that they are, alone."""
    which: dict[str, SqlValue] = {"work_id": task.work_id, "allocation_id": task.allocation_id}
    work_id = task.work_id
    if (await tx.fetch(_OTHERS, which))[0][0]:
        work_id, at_us = context.ids.next(), context.clock.now_us()
        new: dict[str, SqlValue] = {
            **which,
            "new_id": work_id,
            "line_id": task.line_id,
            "quantity": task.quantity,
            "at_us": at_us,
        }
        for sql in (_SPLIT, _NEW_LINE, _MOVE, _DROP_LINE, _CUT_LINE):
            await tx.execute_many(sql, [new])
        await note_stages(tx, "work", [work_id], Code.RELEASED, at_us)
    await claim(tx, context, [await lock_task(tx, task.allocation_id)], operator)
    return work_id


async def arrive(
    tx: Tx,
    context: WesContext,
    container_id: str,
    station_id: str,
    location_id: str,
    parts: Sequence[AssignedPart],
) -> int:
    """Take note of a container that the gateway's side chose, and of what comes out of it; returns the presentation's number.

    Raises:
        Refusal: the station is unknown, the container has other work, or the parts do not fit.
        StockRefused: the goods are not in it.
    """
    if station_id not in context.layout.stations:
        raise missing("stationId", f"no station {station_id}")
    if await presentation_of_container(tx, container_id) is not None:
        raise conflict("containerId", "busy", f"container {container_id} is under way for something else")
    by_allocation: defaultdict[int, list[AssignedPart]] = defaultdict(list)
    for part in parts:
        by_allocation[part.allocation_id].append(part)
    for allocation_id, of_one in sorted(by_allocation.items()):
        await _bind(tx, context, container_id, allocation_id, of_one)
    presentation_id, at_us = context.ids.next(), context.clock.now_us()
    row: dict[str, SqlValue] = {
        "presentation_id": presentation_id,
        "purpose": Purpose.PICK,
        "container_id": container_id,
        "station_id": station_id,
        "destination": location_id,
        "at_us": at_us,
    }
    await tx.execute(_STANDING, row)
    await tx.execute_many(_PRESENT, [{"presentation_id": presentation_id, "container_id": container_id}])
    await tx.execute_many(_AT_STATION, [{"presentation_id": presentation_id, "station_id": station_id}])
    arrived = await find_presentation(tx, presentation_id)
    assert arrived is not None and arrived.state is S.ARRIVED
    await push(tx, context, arrived)
    return presentation_id


async def _bind(
    tx: Tx, context: WesContext, container_id: str, allocation_id: int, parts: Sequence[AssignedPart]
) -> None:
    """Bind an allocation of a lot to the container; what of it is not in these parts still has no place."""
    task = await lock_task(tx, allocation_id)
    quantity = sum(part.quantity for part in parts)
    if task.holder_id is not None or task.code is not Code.RELEASED or quantity > task.quantity:
        raise conflict("parts", "notOpen", f"allocation {allocation_id} is not open for {quantity}")
    places: list[tuple[str | None, str | None, int]] = [
        (container_id, part.cell, part.quantity) for part in parts
    ]
    if quantity < task.quantity:
        places.append((None, None, task.quantity - quantity))
    await assign(tx, context, allocation_id, places)
    free = stock_act(context, task, "place", "wes")
    await post(tx, deallocate_lots(free, [Share(task.lot_id, quantity)]))
    bind = stock_act(context, task, "placed", "wes")
    await post(tx, allocate(bind, [Portion(container_id, task.lot_id, quantity)]))


async def _next(tx: Tx, sql: str, zone: str | None, units: int | None) -> int | None:
    """Return the next work order or allocation that seems to be open; whoever locks it sees whether somebody was faster."""
    rows = await tx.fetch(sql, {"zone": zone, "units": _ANY_SIZE if units is None else units})
    return rows[0][0] if rows else None
