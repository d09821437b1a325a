"""Work that waits for a container which cannot be had: a person decides about its transport first, or opens its place again.

What it wants is in no other container, or not as much of it. Nothing else waits for that: neither what is in other containers, nor
the next wave, nor its station. Which container it is stands at the work order, for people.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from gateway.kernel.ports import Store, Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.planning.demand import AT_STATIONS, Waiting, list_waiting
from gateway.wes.planning.supply import Shelf, Stock, load_shelves, take_from

HALTED: Final = "('failed', 'recalled')"
"""States of presentations whose container cannot be had: its transport waits for a person, or is being withdrawn."""

_OUT_OF_REACH: Final = (
    f"SELECT container_id FROM presentations WHERE state IN {HALTED} UNION SELECT h.holder_id FROM blocked_places x"
    " JOIN holders h ON h.warehouse_id = :warehouse_id AND h.location_id = x.location_id"
    " WHERE h.kind = 'container' AND x.operator IS NOT NULL"
)
_ANY: Final = f"{_OUT_OF_REACH} LIMIT 1"
_CONCERNED: Final = (
    " AND EXISTS (SELECT 1 FROM work_lines y JOIN lot_reservations s ON s.line_id = y.line_id"
    " JOIN positions p ON p.lot_id = s.lot_id WHERE y.work_id = w.work_id AND s.quantity > 0"
    f" AND p.quantity > 0 AND p.quantity > p.allocated + p.held AND p.holder_id IN ({_OUT_OF_REACH}))"
)
_BOUND: Final = (
    f"SELECT w.work_id, MIN(a.holder_id) FROM ({_OUT_OF_REACH}) AS o JOIN allocations a ON a.holder_id = o.container_id"
    f" JOIN work_orders w ON w.work_id = a.work_id WHERE a.presentation_id IS NULL AND a.code = {Code.ALLOCATED:d}"
    " AND w.station_id IS NULL GROUP BY w.work_id"
)
_NOTED: Final = "SELECT work_id, waits_for FROM work_orders WHERE waits_for IS NOT NULL"
_NOTE: Final = "UPDATE work_orders SET waits_for = :container_id WHERE work_id = :work_id"


async def note_obstacles(store: Store, context: WesContext) -> None:
    """Note at every work order the container that it waits for, if there is one now."""
    if await store.read(partial(_news, context=context)):
        await store.write(partial(_note, context=context))


async def _note(tx: Tx, context: WesContext) -> None:
    news = await _news(tx, context)
    await tx.execute_many(
        _NOTE, [{"work_id": work_id, "container_id": news[work_id]} for work_id in sorted(news)]
    )


async def _news(tx: Tx, context: WesContext) -> Mapping[int, str | None]:
    """Return by work order what it waits for, of those where that is noted otherwise."""
    noted = dict(await tx.fetch(_NOTED))
    here = {"warehouse_id": context.wes.warehouse_id}
    found = await _find(tx, context, here) if await tx.fetch(_ANY, here) else {}
    return {
        work_id: found.get(work_id)
        for work_id in noted.keys() | found.keys()
        if noted.get(work_id) != found.get(work_id)
    }


async def _find(tx: Tx, context: WesContext, here: Mapping[str, str]) -> dict[int, str]:
    limit = context.wes.timers.planning.batch
    works = await list_waiting(tx, context, (Code.PREALLOCATED,), AT_STATIONS, limit, _CONCERNED, **here)
    shelves = await load_shelves(tx, context, {part.lot_id for work in works for part in work.parts})
    found: dict[int, str] = dict(await tx.fetch(_BOUND, here))
    for work in works:
        container_id = _take(work, shelves)
        if container_id is not None:
            found[work.work_id] = container_id
    return found


def _take(work: Waiting, shelves: Mapping[int, Shelf]) -> str | None:
    """Take what a work order wants; if that needs a container that cannot be had, return it, and leave everything to others."""
    taken: list[tuple[Stock, int]] = []
    for part in work.parts:
        shelf, left = shelves[part.lot_id], part.quantity
        at_hand = (each for each in shelf.to_pick(part.places, "container") if not each.halted)
        for stock, quantity in take_from(at_hand, left):
            taken.append((stock, quantity))
            left -= quantity
        halted = (each for each in shelf.to_pick(part.places, "container") if each.halted)
        if left and (other := next(halted, None)) is not None:
            for stock, quantity in taken:
                stock.left += quantity
            return other.holder_id
    return None
