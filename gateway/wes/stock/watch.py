"""Stock that somebody should see to in time: what expires soon, falls short of its safety stock, or does not move (S2-108, S2-156).

Each is one alarm that names the first of them. It is looked up in rounds, so that it stands again after a restart, and ends by
itself once the goods are sold, judged, counted away, or have come.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, Store
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.context import WesContext

SUBJECT: Final = "stock"
NEAR_EXPIRY: Final = "nearExpiry"
BELOW_SAFETY: Final = "belowSafety"
SLOW: Final = "slowMoving"
NAMED_MAX: Final = 20
"""Lots, or products, that one alarm names."""
DAY_US: Final = 86_400_000_000

_EXPIRING: Final = """SELECT pools.sku, lots.lot_no, lots.quantity, lots.expiry_at FROM lots
JOIN pools ON pools.pool_id = lots.pool_id WHERE pools.warehouse_id = :warehouse_id AND lots.expiry_at <= :until
AND lots.quality = 'qualified' AND lots.quantity > 0
ORDER BY lots.expiry_at, lots.lot_id LIMIT :limit"""
_SHORT: Final = """SELECT sku, quantity - reserved - held, safety FROM pools WHERE warehouse_id = :warehouse_id
AND safety > 0 AND quantity - reserved - held < safety ORDER BY sku, pool_id LIMIT :limit"""

_SLOW: Final = """SELECT sku, quantity, moved_at FROM pools WHERE warehouse_id = :warehouse_id AND quantity > 0
AND moved_at <= :before ORDER BY moved_at, pool_id LIMIT :limit"""


class StockWatch:
    """Raises and clears the alarms about stock."""

    def __init__(self, store: Store, context: WesContext, alarms: Alarms) -> None:
        self._store = store
        self._context = context
        self._alarms = alarms

    async def work(self) -> None:
        """Look once."""
        wes, now = self._context.wes, self._context.clock.now_us()
        ahead = (wes.stock.near_expiry_days or 0) * DAY_US
        which = {"warehouse_id": wes.warehouse_id, "until": now + ahead, "limit": NAMED_MAX}
        expiring = await self._store.read(lambda tx: tx.fetch(_EXPIRING, which)) if ahead else ()
        if expiring:
            self._alarms.raise_alarm(self._near_expiry(expiring, expiring[0][3] - ahead))
        else:
            self._alarms.clear(NEAR_EXPIRY)
        short = await self._store.read(lambda tx: tx.fetch(_SHORT, which))
        if short:
            self._alarms.raise_alarm(_below_safety(short, now))
        else:
            self._alarms.clear(BELOW_SAFETY)
        await self._look_for_slow(now)

    async def _look_for_slow(self, now: Micros) -> None:
        wes, days = self._context.wes, self._context.wes.stock.slow_days
        which = {
            "warehouse_id": wes.warehouse_id,
            "before": now - (days or 0) * DAY_US,
            "limit": NAMED_MAX,
        }
        slow = () if days is None else await self._store.read(lambda tx: tx.fetch(_SLOW, which))
        if days is None or not slow:
            self._alarms.clear(SLOW)
            return
        zone = ZoneInfo(wes.timezone)
        named = ", ".join(
            f"{sku} ({quantity}, {datetime.fromtimestamp(moved_at / 1e6, zone):%Y-%m-%d})"
            for sku, quantity, moved_at in slow
        )
        self._alarms.raise_alarm(
            Alarm(
                subject=SUBJECT,
                code=SLOW,
                text=f"Nothing has come or left for {days} days: {named}",
                advice="Sell it, reduce it, or move it to where it stands in nobody's way.",
                raised_at=slow[0][2] + days * DAY_US,
            )
        )

    def _near_expiry(self, lots: Sequence[Row], since: Micros) -> Alarm:
        wes = self._context.wes
        zone = ZoneInfo(wes.timezone)
        named = ", ".join(
            f"{sku} lot {lot_no} ({quantity}, {datetime.fromtimestamp(expiry_at / 1e6, zone):%Y-%m-%d})"
            for sku, lot_no, quantity, expiry_at in lots
        )
        return Alarm(
            subject=SUBJECT,
            code=NEAR_EXPIRY,
            text=f"Goods expire within {wes.stock.near_expiry_days} days: {named}",
            advice="Sell them first or reduce them; what has expired is held by itself, and has to be taken out.",
            raised_at=since,
        )


def _below_safety(pools: Sequence[Row], now: Micros) -> Alarm:
    named = ", ".join(f"{sku} ({free} of {safety})" for sku, free, safety in pools)
    return Alarm(
        subject=SUBJECT,
        code=BELOW_SAFETY,
        text=f"Less is free than the safety stock: {named}",
        advice="Have more delivered, or tell a smaller safety stock: POST /v1/wes/corrections/safeties.",
        raised_at=now,
    )
