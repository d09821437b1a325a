"""Containers come to a station to be counted (S2-87, S2-95): picks first, counts in what they leave.

A container is called only to a slot that nothing stands in, comes to or waits for, so that no pick ever waits behind a count in a
queue; one that is being counted is picked from afterwards. It goes back as soon as whoever is at the station has nothing more to
count in it. What somebody else counts again comes once more, not to where the one works who has counted it.
"""

from contextlib import suppress
from functools import partial
from typing import Final

from gateway.kernel.ports import SqlValue, Store, Tx
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.layout import STORAGE
from gateway.wes.planning.blocks import LEAVES_FROM
from gateway.wes.planning.dispatch import idle_slots
from gateway.wes.planning.presentations import (
    WAYS_OUT,
    Overtaken,
    Purpose,
    call_to,
    has_work,
    lock_presentation,
    move,
    presentation_of_container,
)
from gateway.wes.planning.stations import open_stations

# Of lines `l`: what a person can count; nobody is known: what anybody can.
_FOR: Final = (
    "l.ended_at IS NULL AND (l.state = 'open' OR (l.state = 'again' AND NOT EXISTS (SELECT 1 FROM count_rounds r"
    " WHERE r.line_id = l.line_id AND r.round = l.round AND LOWER(r.operator) = LOWER(CAST(:operator AS TEXT)))))"
)
_HERE: Final = f"SELECT 1 FROM count_lines l WHERE l.holder_id = :holder_id AND {_FOR} LIMIT 1"
# First what nobody has counted yet, and of that the nearest.
_DUE: Final = (
    f"SELECT l.holder_id, {LEAVES_FROM} FROM count_lines l CROSS JOIN holders h"
    f" WHERE {_FOR} AND EXISTS (SELECT 1 FROM counts c WHERE c.count_id = l.count_id AND c.dynamic = 0)"
    " AND h.holder_id = l.holder_id AND h.kind = 'container' AND h.location_id IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM presentations p WHERE p.container_id = l.holder_id"
    " AND p.state NOT IN ('done', 'cancelled')) GROUP BY l.holder_id, h.location_id, h.distance"
    " ORDER BY MIN(CASE l.state WHEN 'open' THEN 0 ELSE 1 END), CASE WHEN h.distance IS NULL THEN 1 ELSE 0 END,"
    " h.distance, l.holder_id"
)
_ACTIVE: Final = (
    "SELECT COUNT(*) FROM presentations WHERE purpose = 'count'"
    " AND state IN ('planned', 'called', 'sent', 'failed', 'recalled', 'arrived', 'leaving')"
)
_USELESS: Final = (
    "SELECT p.presentation_id FROM presentations p WHERE p.purpose = 'count'"
    " AND p.state IN ('planned', 'called', 'sent', 'failed', 'arrived') AND NOT EXISTS (SELECT 1 FROM count_lines l"
    " WHERE l.holder_id = p.container_id AND l.ended_at IS NULL AND l.state IN ('open', 'again'))"
    " ORDER BY p.presentation_id"
)
_TO_COUNT: Final = "SELECT 1 FROM count_lines WHERE ended_at IS NULL AND state IN ('open', 'again') LIMIT 1"
_OPERATORS: Final = "SELECT station_id, operator FROM stations WHERE open = 1"


async def let_go(tx: Tx, context: WesContext, holder_id: str, operator: str) -> None:
    """Let a container leave the station where it was counted, if whoever counts there has nothing more to count in it.

    Raises:
        Overtaken: it has just been moved on.
    """
    if await tx.fetch(_HERE, {"holder_id": holder_id, "operator": operator}):
        return
    active = await presentation_of_container(tx, holder_id)
    if active is not None and active.purpose is Purpose.COUNT and active.state is S.ARRIVED:
        await move(tx, context, active, S.LEAVING)


class CountCalls:
    """Calls containers to stations where they are counted, and sends back what nobody has to count any more."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context

    async def work(self) -> None:
        """Do one round."""
        for (number,) in await self._store.read(lambda tx: tx.fetch(_USELESS)):
            await self._store.write(partial(_send_back, context=self._context, number=number))
        if await self._store.read(partial(_may_call, context=self._context)):
            await self._store.write(partial(_call, context=self._context))


async def _may_call(tx: Tx, context: WesContext) -> bool:
    """Tell whether anything is to be counted, and one more container may come; most of the time there is nothing."""
    return bool(await tx.fetch(_TO_COUNT)) and await _room(tx, context) > 0


async def _room(tx: Tx, context: WesContext) -> int:
    return context.wes.counting.containers - (await tx.fetch(_ACTIVE))[0][0]


async def _send_back(tx: Tx, context: WesContext, number: int) -> None:
    presentation = await lock_presentation(tx, number)
    if presentation is None or presentation.state not in WAYS_OUT or await has_work(tx, number):
        return
    await move(
        tx, context, presentation, WAYS_OUT[presentation.state], reason="nothing is to be counted in it"
    )


async def _call(tx: Tx, context: WesContext) -> None:
    """Call the next containers to slots that are idle, as many as may come."""
    room = await _room(tx, context)
    operators = dict(await tx.fetch(_OPERATORS))
    for station in await open_stations(tx, context):
        which: dict[str, SqlValue] = {"operator": operators.get(station.station_id)}
        slots = (await idle_slots(tx, context, station))[: max(0, room)]
        due = await tx.fetch(_DUE, which) if slots else ()
        stored = [row[0] for row in due if _is_stored(context, row[1])]
        for slot in slots:
            fitting = (each for each in stored if slot in context.layout.slots_for(each, station))
            container_id = next(fitting, None)
            if container_id is None:
                continue
            stored.remove(container_id)
            with suppress(Overtaken):  # it has just been called elsewhere
                await call_to(tx, context, container_id, Purpose.COUNT, slot, station.station_id)
                room -= 1


def _is_stored(context: WesContext, location_id: str | None) -> bool:
    place = context.layout.places.get(location_id or "")
    return place is not None and place.kind == STORAGE
