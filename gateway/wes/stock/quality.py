"""Lots that may not be used: pending, rejected, expired (S2-117, S3-27).

All of such a lot is held, so that a pool's figures tell what can be promised without a look at its lots. What no position
holds of it is barred; that goes when the lot is qualified, and what people hold stays held.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Tx
from gateway.wes.stock.model import Act, Balance, Event, EventKind, Line, Lot, Quality
from gateway.wes.stock.post import Posted, post
from gateway.wes.stock.refusal import Level, Nowhere, StockRefused
from gateway.wes.stock.rows import LOCK_LOT, LOT_COLUMNS, lot_of

_NOT_RECALLED: Final = "UPDATE lots SET recalled = 0 WHERE lot_id = :lot_id AND recalled <> 0"
_DATE: Final = "UPDATE lots SET expiry_at = :expiry_at WHERE lot_id = :lot_id"
_DUE: Final = f"""SELECT {LOT_COLUMNS} FROM lots WHERE expiry_at <= :now AND quality <> 'expired' AND quantity > 0
ORDER BY expiry_at, lot_id LIMIT :limit"""


async def change_quality(
    tx: Tx, act: Act, lot_id: int, quality: Quality, expiry_at: Micros | None = None
) -> Posted:
    """Say whether a lot may be used, and when it expires, if that is said now; else it stays as it is known.

    One that is qualified is not recalled any more.

    Raises:
        StockRefused: there is no such lot; or it shall be barred and something of it is reserved: that is to be released first.
    """
    return await tx.attempt(partial(_change, act, lot_id, quality, expiry_at))


def why_barred(lot: Lot, now: Micros) -> str | None:
    """Return in a word why goods of a lot may be used for nothing; None: they may."""
    if lot.recalled:
        return "recalled"
    if lot.expiry_at is not None and lot.expiry_at <= now:
        return Quality.EXPIRED
    return None if lot.quality is Quality.QUALIFIED else lot.quality


async def due_to_expire(tx: Tx, now: Micros, limit: int) -> Sequence[Lot]:
    """Return lots in stock that have expired by the clock and are not yet marked, the oldest first."""
    return [lot_of(row) for row in await tx.fetch(_DUE, {"now": now, "limit": limit})]


async def _change(act: Act, lot_id: int, quality: Quality, expiry_at: Micros | None, tx: Tx) -> Posted:
    rows = await tx.fetch(LOCK_LOT, {"lot_id": lot_id})
    if not rows:
        raise StockRefused(Nowhere(Level.LOT, (lot_id,)))
    lot = lot_of(rows[0])
    if quality is Quality.QUALIFIED:
        await tx.execute(_NOT_RECALLED, {"lot_id": lot_id})
    if lot.quality is quality and expiry_at is None:
        return Posted(repeat=True, pools=())
    held = -lot.barred if quality is Quality.QUALIFIED else lot.balance.quantity - lot.balance.held
    # The line stands in the ledger even if no figure changes.
    line = Line(lot.lot_id, None, Balance(held=held))
    told = f"{lot.quality} → {quality}"
    if expiry_at is not None:
        await tx.execute(_DATE, {"lot_id": lot_id, "expiry_at": expiry_at})
        told = f"{told}, expires {to_rfc3339(expiry_at)}"
    reason = f"{told}: {act.reason}".removesuffix(": ")
    return await post(tx, Event(replace(act, reason=reason), EventKind.QUALITY, (line,), quality=quality))
