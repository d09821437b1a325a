"""Containers come to a station for transfers (S2-56), to be taken out of or put into, when nothing else wants them.

The tasks of one container are carried out in one visit. What goods are put into is called once they are there or in a hand, to the
station where they are: it never waits in a slot for goods that wait for the slot. A container that leaves without its tasks,
because its station closes or its transport is cancelled, is called again.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.kernel.ports import SqlValue, Store, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.blocks import LOCKED
from gateway.wes.planning.presentations import Overtaken, bring, let_leave
from gateway.wes.planning.stations import least_busy, reachable_stations

PRIORITY: Final = 0
"""Of the transports: picks go first."""
STEP: Final = 100
"""Containers of a kind that one round looks at; the next round looks at the next ones, whether these could be called or not."""

_TO_TAKE: Final = "t.ended_at IS NULL AND t.taken + t.missed + t.freed < t.quantity"
_GONE: Final = "p.state IN ('recalled', 'leaving', 'done', 'cancelled')"
_CAN_COME: Final = (
    f"h.kind = 'container' AND h.holder_id > :after AND h.location_id IS NOT NULL AND NOT {LOCKED}"
    " AND NOT EXISTS (SELECT 1 FROM presentations a"
    " WHERE a.container_id = h.holder_id AND a.state NOT IN ('done', 'cancelled') AND a.purpose <> 'replenish')"
)


@dataclass(frozen=True, slots=True)
class _Way:
    """How containers serve tasks: goods are taken out of them, or put into them.

    Attributes:
        vain: selects one task whose container has left without it.
        again: has the containers of all such tasks called again.
        due: selects containers that are to come, each with a station where its goods are, if there is one.
        attach: has a visit serve the tasks of its container.
    """

    vain: str
    again: str
    due: str
    attach: str


def _way(visit: str, wanted: str, due: str, attach: str) -> _Way:
    left = (
        f"FROM transfer_tasks t JOIN presentations p ON p.presentation_id = t.{visit}"
        f" WHERE {wanted} AND t.{visit} IS NOT NULL AND {_GONE}"
    )
    return _Way(
        vain=f"SELECT 1 {left} LIMIT 1",
        again=f"UPDATE transfer_tasks SET {visit} = NULL WHERE task_id IN (SELECT t.task_id {left})",
        due=due,
        attach=attach,
    )


_OUT: Final = _way(
    "source_visit",
    _TO_TAKE,
    "SELECT h.holder_id, CAST(NULL AS TEXT) FROM transfer_tasks t JOIN holders h ON h.holder_id = t.source_id"
    f" WHERE {_TO_TAKE} AND t.source_visit IS NULL AND {_CAN_COME} GROUP BY h.holder_id ORDER BY h.holder_id LIMIT :limit",
    "UPDATE transfer_tasks SET source_visit = :visit WHERE source_id = :container_id AND source_visit IS NULL"
    " AND ended_at IS NULL AND taken + missed + freed < quantity",
)
_INTO: Final = _way(
    "target_visit",
    "t.ended_at IS NULL",
    "SELECT h.holder_id, MIN(s.station_id) FROM transfer_tasks t JOIN transfer_lines l ON l.transfer_id = t.transfer_id"
    " AND l.line_no = t.line_no JOIN holders h ON h.holder_id = l.target"
    " LEFT JOIN presentations s ON s.presentation_id = t.source_visit AND s.state = 'arrived'"
    " WHERE t.ended_at IS NULL AND t.target_visit IS NULL"
    " AND (s.presentation_id IS NOT NULL OR t.taken > t.put + t.aside + t.lost)"
    f" AND {_CAN_COME} GROUP BY h.holder_id ORDER BY h.holder_id LIMIT :limit",
    # It does not wait for goods whose own container is still to come: that one may need the slot.
    "UPDATE transfer_tasks SET target_visit = :visit WHERE ended_at IS NULL AND target_visit IS NULL"
    " AND (taken > put + aside + lost OR NOT EXISTS (SELECT 1 FROM holders h"
    " WHERE h.holder_id = transfer_tasks.source_id AND h.kind = 'container') OR EXISTS (SELECT 1 FROM presentations s"
    " WHERE s.presentation_id = transfer_tasks.source_visit AND s.state = 'arrived'))"
    " AND EXISTS (SELECT 1 FROM transfer_lines l WHERE l.transfer_id = transfer_tasks.transfer_id"
    " AND l.line_no = transfer_tasks.line_no AND l.target = :container_id)",
)
_USELESS: Final = (
    "SELECT p.presentation_id FROM presentations p WHERE p.purpose = 'replenish'"
    " AND p.state IN ('planned', 'called', 'sent', 'failed', 'arrived') AND NOT EXISTS (SELECT 1 FROM replenishments r"
    " WHERE r.presentation_id = p.presentation_id AND r.state IN ('open', 'begun')) AND NOT EXISTS"
    f" (SELECT 1 FROM transfer_tasks t WHERE t.source_visit = p.presentation_id AND {_TO_TAKE}) AND NOT EXISTS"
    " (SELECT 1 FROM transfer_tasks t WHERE t.target_visit = p.presentation_id AND t.ended_at IS NULL)"
    " ORDER BY p.presentation_id"
)


class TransferCalls:
    """Calls the containers of transfers, and sends back those that nobody wants anything of any more."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context
        self._after = {_OUT: "", _INTO: ""}

    async def work(self) -> None:
        """Do one round."""
        store, context = self._store, self._context
        for way in (_OUT, _INTO):
            if await store.read(lambda tx, way=way: tx.fetch(way.vain)):
                await store.write(lambda tx, way=way: tx.execute(way.again))
        for (number,) in await store.read(lambda tx: tx.fetch(_USELESS)):
            with suppress(Overtaken):
                await store.write(partial(_send_back, context=context, number=number))
        for way in (_OUT, _INTO):
            which: dict[str, SqlValue] = {"after": self._after[way], "limit": STEP}
            due = await store.read(lambda tx, way=way, which=which: tx.fetch(way.due, which))
            self._after[way] = due[-1][0] if len(due) == STEP else ""
            for container_id, near in due:
                if context.layout.stations_for(container_id):
                    with suppress(
                        Overtaken
                    ):  # somebody else has just had it brought: the next round looks again
                        await store.write(partial(_call, context, way, container_id, near))


async def _send_back(tx: Tx, context: WesContext, number: int) -> None:
    await let_leave(tx, context, number, "nothing is to be taken out of it")


async def _call(context: WesContext, way: _Way, container_id: str, near: str | None, tx: Tx) -> None:
    station_id = await _station(tx, context, container_id, near)
    if station_id is None:
        return
    visit = await bring(tx, context, container_id, station_id, PRIORITY, None)
    row: dict[str, SqlValue] = {"visit": visit, "container_id": container_id}
    if not await tx.execute(way.attach, row):
        raise Overtaken(f"container {container_id}")


async def _station(tx: Tx, context: WesContext, container_id: str, near: str | None) -> str | None:
    """Return the station where its goods are, or else the least busy one."""
    reached = {each.station_id for each in await reachable_stations(tx, context)}
    if near in reached and near in context.layout.stations_for(container_id):
        return near
    return await least_busy(tx, context, container_id)
