"""Cycle counts (循环盘点; S2-80, S2-100): every day the places that are due go into a count, those that waited longest first.

A product's class says after how many days its goods are counted again; what nobody has counted yet is as old as its lot. A place is
counted whole: its other goods do not have it opened once more.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from pydantic_core import from_json

from gateway.contract.counts import InHolders, OrderCount
from gateway.contract.faults import Refusal
from gateway.kernel.clock import last_due
from gateway.kernel.ports import SqlValue, Store, Tx
from gateway.site.wes import Cycle
from gateway.wes.context import WesContext
from gateway.wes.counting.documents import DAY_US, order_count
from gateway.wes.orders.headers import SYSTEM

_LAST: Final = "SELECT seq FROM cursors WHERE name = 'cycleCount'"
_DONE: Final = "INSERT INTO cursors (name, seq) VALUES ('cycleCount', :day) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"
_STOCK: Final = (
    "SELECT h.holder_id, COALESCE(p.counted_at, l.received_at), COALESCE(g.attributes, '{}') FROM holders h"
    " CROSS JOIN positions p JOIN lots l ON l.lot_id = p.lot_id JOIN pools o ON o.pool_id = l.pool_id"
    " LEFT JOIN products g ON g.owner_id = o.owner_id AND g.sku = o.sku"
    " WHERE p.holder_id = h.holder_id AND p.quantity > 0 AND h.warehouse_id = :warehouse_id"
    " AND h.kind IN ('container', 'location')"
)


async def order_cycle_count(store: Store, context: WesContext) -> None:
    """Order the count of a day, once; a day that was slept through is made up for."""
    cycle = context.wes.counting.cycle
    if cycle is None:
        return
    day = last_due(context.clock.now_us(), cycle.at, ZoneInfo(context.wes.timezone))
    last = await store.read(lambda tx: tx.fetch(_LAST))
    if not last or last[0][0] < day.toordinal():
        await store.write(partial(_order, context=context, cycle=cycle, day=day))


async def _order(tx: Tx, context: WesContext, cycle: Cycle, day: date) -> None:
    await tx.execute(_DONE, {"day": day.toordinal()})
    due = await _due(tx, context, cycle)
    if due:
        order = OrderCount(
            count_id=f"CYCLE-{day:%Y%m%d}",
            scope=InHolders(kind="holders", holder_ids=tuple(sorted(due))),
            blind=cycle.blind,
            operator=SYSTEM,
            reason="it is their turn",
        )
        with suppress(Refusal):  # all of them are being counted already
            await tx.attempt(partial(_make, context=context, order=order))


async def _make(tx: Tx, context: WesContext, order: OrderCount) -> None:
    await order_count(tx, context, order)


async def _due(tx: Tx, context: WesContext, cycle: Cycle) -> list[str]:
    """Return the containers and places that have waited longest by what their goods are allowed to."""
    here: dict[str, SqlValue] = {"warehouse_id": context.wes.warehouse_id}
    now, waits = context.clock.now_us(), dict[str, float]()
    for holder_id, counted_at, attributes in await tx.fetch(_STOCK, here):
        waited = (now - counted_at) / (_days(cycle, attributes) * DAY_US)
        waits[holder_id] = max(waited, waits.get(holder_id, 0.0))
    overdue = [holder_id for holder_id, waited in waits.items() if waited >= 1]
    return sorted(overdue, key=lambda holder_id: (-waits[holder_id], holder_id))[: cycle.places]


def _days(cycle: Cycle, attributes: str) -> int:
    told: Mapping[str, object] = from_json(attributes)
    return cycle.days.get(str(told.get(cycle.by)), cycle.otherwise_days)
