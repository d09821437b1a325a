"""A lot is bad (S2-144): one act bars it at once, whatever is promised of it; then each order goes on without it.

The mark on the lot comes first, in the act's own transaction: from then on nothing of it is promised, and nothing leaves. Taking it
off the orders is one transaction each (gateway/wes/floor/recalling.py), so that a large recall stops nobody; one that a crash has
interrupted is gone on with. Once nothing is promised any more, the lot is rejected like any other.
"""

from contextlib import suppress
from functools import partial
from typing import Final

from gateway.contract.acts import ActView, RecalledLot
from gateway.contract.corrections import RecallLot
from gateway.kernel.ports import Tx
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.core import WesCore
from gateway.wes.floor.acts import once
from gateway.wes.floor.recalling import Recalled, take_off
from gateway.wes.planning.presentations import Overtaken
from gateway.wes.planning.tasks import pick_to
from gateway.wes.stock.model import Act, Quality
from gateway.wes.stock.quality import change_quality
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.stock.rows import load_lot, lock_lot
from gateway.wes.tracing import find_lots_with
from gateway.wes.transfers.freeing import free_lot

STEP: Final = 200
"""Orders that one look takes up."""
TRIES_MAX: Final = 5
"""Looks for orders that have been promised some of a lot while others were seen to; then it is the next round's turn."""

# Takes the lot's row: what is shipped comes before this, or not at all.
_MARK: Final = "UPDATE lots SET recalled = 1 WHERE lot_id = :lot_id"
_NOTE: Final = (
    "INSERT INTO recalls (recall_id, lot_id, operator, reason, at_us)"
    " VALUES (:recall_id, :lot_id, :operator, :reason, :at_us) ON CONFLICT DO NOTHING"
)
_PICKED: Final = "SELECT allocated FROM positions WHERE lot_id = :lot_id AND holder_id = :holder_id"
_SHIPPED: Final = (
    "SELECT CAST(COALESCE(SUM(d_quantity), 0) AS BIGINT) FROM ledger WHERE lot_id = :lot_id AND d_quantity > 0"
    " AND holder_id IN ('SUPPLIER', 'SHIPPED', 'ADJUST', 'TRANSFER', 'PRODUCTION') AND holder_id = 'SHIPPED'"
)
_OPEN: Final = (
    "SELECT r.recall_id, r.lot_id, l.lot_no, r.reason, r.operator FROM recalls r JOIN lots l ON l.lot_id = r.lot_id"
    " WHERE r.barred_at IS NULL ORDER BY r.at_us, r.recall_id, r.lot_id LIMIT :limit"
)
_HOLDING: Final = f"""SELECT order_id FROM (
SELECT l.order_id FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id WHERE r.lot_id = :lot_id AND r.quantity > 0
UNION SELECT w.order_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id WHERE a.lot_id = :lot_id
AND (a.code < {Code.SHIPPED:d} OR EXISTS (SELECT 1 FROM rollbacks b WHERE b.rollback_id = a.rollback_id AND b.ended_at IS NULL))
) AS holding WHERE order_id > :after AND EXISTS (SELECT 1 FROM lots WHERE lot_id = :lot_id AND recalled = 1)
ORDER BY order_id LIMIT :limit"""
_BARRED: Final = (
    "UPDATE recalls SET barred_at = :at_us"
    " WHERE recall_id = :recall_id AND lot_id = :lot_id AND barred_at IS NULL"
)


async def recall(tx: Tx, context: WesContext, request: RecallLot) -> ActView:
    """Mark a lot, and others that have goods of it, as recalled; `go_on` does the rest. The same again is answered as before.

    Raises:
        Refusal: there is no such lot; nothing was changed.
    """
    return await once(tx, context, request, lambda: _mark(tx, context, request))


async def go_on(core: WesCore) -> None:
    """Take recalled lots off the orders and transfers that still have some, each in a transaction of its own, then reject them."""
    for recall_id, lot_id, lot_no, reason, operator in await core.store.read(
        lambda tx: tx.fetch(_OPEN, {"limit": STEP})
    ):
        recalled = Recalled(recall_id, lot_id, lot_no or str(lot_id), reason)
        for _ in range(TRIES_MAX):
            await _take_off_all(core, recalled)
            # Somebody else has just moved the same goods: the next look sees how they stand now.
            with suppress(StockRefused, Overtaken):
                text = f"lot {recalled.name} is recalled: {recalled.reason}"
                await free_lot(core.store, core.context, recalled.lot_id, text)
            if await core.store.write(partial(_bar, core=core, recalled=recalled, operator=operator)):
                break


async def _mark(tx: Tx, context: WesContext, request: RecallLot) -> ActView:
    marked: dict[int, RecalledLot] = {}
    # Whoever moves goods of a lot to another one holds its row: that was before the mark and is found now, or sees the mark.
    while new := [
        lot.lot_id
        for lot in await find_lots_with(tx, context, request.owner_id, request.sku_id, request.lot_no)
        if lot.lot_id not in marked
    ]:
        for lot_id in new:
            row = {
                "recall_id": request.act_id,
                "lot_id": lot_id,
                "operator": request.operator,
                "reason": request.reason,
                "at_us": context.clock.now_us(),
            }
            if await tx.execute(_NOTE, row):
                await tx.execute(_MARK, {"lot_id": lot_id})
            marked[lot_id] = await _found(tx, context, lot_id)
    return ActView(act_id=request.act_id, recalled=tuple(marked.values()))


async def _found(tx: Tx, context: WesContext, lot_id: int) -> RecalledLot:
    """Return how much there is of a lot that has just been marked."""
    lot = await load_lot(tx, lot_id)
    assert lot is not None
    picked = await tx.fetch(_PICKED, {"lot_id": lot_id, "holder_id": pick_to(context)})
    ((shipped,),) = await tx.fetch(_SHIPPED, {"lot_id": lot_id})
    return RecalledLot(
        lot_no=lot.lot_no,
        quantity=lot.balance.quantity,
        promised=lot.balance.reserved,
        picked=picked[0][0] if picked else 0,
        shipped=shipped,
    )


async def _take_off_all(core: WesCore, recalled: Recalled) -> None:
    after = 0
    while True:
        which = {"lot_id": recalled.lot_id, "after": after, "limit": STEP}
        found = [row[0] for row in await core.store.read(lambda tx, which=which: tx.fetch(_HOLDING, which))]
        for order_id in found:
            # Somebody else has just moved the same goods: the next look sees how they stand now.
            with suppress(StockRefused, Overtaken):
                await core.store.write(
                    partial(take_off, context=core.context, recalled=recalled, order_id=order_id)
                )
        if len(found) < STEP:
            return
        after = found[-1]


async def _bar(tx: Tx, core: WesCore, recalled: Recalled, operator: str) -> bool:
    """Reject a lot, unless something of it is still promised (False)."""
    at_us = core.context.clock.now_us()
    act = Act(
        event_id=f"recall-{recalled.recall_id}-{recalled.lot_id}",
        document_kind="recall",
        document_id=recalled.recall_id,
        operator=operator,
        at=at_us,
        reason=recalled.reason,
    )
    lot = await lock_lot(tx, recalled.lot_id)
    if lot.quality in (Quality.QUALIFIED, Quality.PENDING) and lot.recalled:
        try:
            await change_quality(tx, act, lot.lot_id, Quality.REJECTED)
        except StockRefused:
            return False
    which = {"recall_id": recalled.recall_id, "lot_id": recalled.lot_id, "at_us": at_us}
    await tx.execute(_BARRED, which)
    return True
