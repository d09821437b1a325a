"""Older lots that stay while younger ones are picked: noted as it happens, and an alarm after some days (S2-108).

Lots are promised by turnover, so this is hardly ever a choice: the older goods stand at a locked place, came free again, or were
found. Whoever is told looks why. Of lines that want another order of lots, whole cases, or a longer shelf life, nothing is noted.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.kernel.ports import Store, Tx
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.context import WesContext
from gateway.wes.stock.watch import DAY_US, NAMED_MAX, SUBJECT

OVERTAKEN: Final = "overtaken"
STEP: Final = 1_000
"""Picks that one round looks at; the next one goes on."""
SETTLED_US: Final = 10_000_000
"""A pick so long ago has been committed, and so have those with lower numbers."""

_CURSOR: Final = "overtaken"
_SEEN: Final = "SELECT seq FROM cursors WHERE name = :name"
_KEEP_SEEN: Final = (
    "INSERT INTO cursors (name, seq) VALUES (:name, :seq) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"
)
_PICKS: Final = "SELECT pick_id, at_us FROM picks WHERE pick_id > :after ORDER BY pick_id LIMIT :limit"
_NEVER: Final = "9223372036854775807"
_FREE: Final = (
    "o.quantity > 0 AND o.quantity - o.reserved - o.held > 0 AND o.quality = 'qualified' AND o.recalled = 0"
)
_NOTE: Final = f"""INSERT INTO overtaken (lot_id, by_lot, at_us)
SELECT o.lot_id, MIN(y.lot_id), MIN(k.at_us) FROM picks k JOIN allocations a ON a.allocation_id = k.allocation_id
JOIN order_lines n ON n.line_id = a.line_id JOIN lots y ON y.lot_id = a.lot_id JOIN lots o ON o.pool_id = y.pool_id
WHERE k.pick_id > :after AND k.pick_id <= :until AND n.packaging = 'piece' AND {_FREE}
AND COALESCE(o.expiry_at, {_NEVER}) > k.at_us + n.shelf_life_days * {DAY_US}
AND CASE n.turnover WHEN 'fifo' THEN o.received_at < y.received_at
    WHEN 'fefo' THEN COALESCE(o.expiry_at, {_NEVER}) < COALESCE(y.expiry_at, {_NEVER}) ELSE 1 = 0 END
GROUP BY o.lot_id ON CONFLICT (lot_id) DO NOTHING"""
_GONE: Final = f"""DELETE FROM overtaken WHERE lot_id IN (SELECT x.lot_id FROM overtaken x JOIN lots o ON o.lot_id = x.lot_id
WHERE x.at_us > 0 AND NOT ({_FREE}) ORDER BY x.at_us LIMIT :limit)"""
_STANDING: Final = """SELECT p.sku, o.lot_no, o.quantity - o.reserved - o.held, o.received_at, y.lot_no, x.at_us FROM overtaken x
JOIN lots o ON o.lot_id = x.lot_id JOIN lots y ON y.lot_id = x.by_lot JOIN pools p ON p.pool_id = o.pool_id
WHERE x.at_us <= :until ORDER BY x.at_us, x.lot_id LIMIT :limit"""


class Overtaken:
    """Raises and clears the alarm about lots that were overtaken."""

    def __init__(self, store: Store, context: WesContext, alarms: Alarms) -> None:
        self._store = store
        self._context = context
        self._alarms = alarms

    async def work(self) -> None:
        """Look once."""
        days, now = self._context.wes.stock.overtaken_days, self._context.clock.now_us()
        if days is None:
            return
        await self._store.write(lambda tx: _note(tx, now))
        until = {"until": now - days * DAY_US, "limit": NAMED_MAX}
        standing = await self._store.read(lambda tx: tx.fetch(_STANDING, until))
        if not standing:
            self._alarms.clear(OVERTAKEN)
            return
        zone = ZoneInfo(self._context.wes.timezone)
        named = ", ".join(
            f"{sku} lot {lot_no} ({free}, of {datetime.fromtimestamp(received_at / 1e6, zone):%Y-%m-%d}) by lot {younger}"
            for sku, lot_no, free, received_at, younger, _ in standing
        )
        self._alarms.raise_alarm(
            Alarm(
                subject=SUBJECT,
                code=OVERTAKEN,
                text=f"Older lots stay while younger ones are picked, for {days} days and longer: {named}",
                advice="See where they are and whether they can be fetched: gateway wes trace PRODUCT --lot LOT.",
                raised_at=standing[0][5] + days * DAY_US,
            )
        )


async def _note(tx: Tx, now: Micros) -> None:
    """Note lots that the next picks have overtaken, and forget those of which nothing is left."""
    await tx.execute(_GONE, {"limit": STEP})
    seen = await tx.fetch(_SEEN, {"name": _CURSOR})
    after = seen[0][0] if seen else 0
    picks = await tx.fetch(_PICKS, {"after": after, "limit": STEP})
    settled = [pick_id for pick_id, at_us in picks if at_us <= now - SETTLED_US]
    if settled:
        await tx.execute(_NOTE, {"after": after, "until": settled[-1]})
        await tx.execute(_KEEP_SEEN, {"name": _CURSOR, "seq": settled[-1]})
