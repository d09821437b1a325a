"""People put the stock right: counted, held, freed, moved, judged (S3-26…28), and safety stock (S4-21); each act once.

What a short pick misses and what is damaged is held until somebody counts: this is where. Orders that wait for goods are tried
again by themselves once there are more.
"""

from typing import Final, assert_never

from gateway.contract.acts import ActView
from gateway.contract.corrections import (
    AnyCorrection,
    Correction,
    CountGoods,
    HoldGoods,
    JudgeLot,
    LotCorrection,
    LotQuality,
    MoveGoods,
    SetSafety,
    UnholdGoods,
)
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.orders.catalogue import find_products
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import OUTSIDE, Act, Balance, Lot, Portion, Quality
from gateway.wes.stock.opening import set_safety
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import change_quality
from gateway.wes.stock.rows import LOT_COLUMNS, balance_of, lot_of
from gateway.wes.stock.verbs import gain, hold, lose, lose_held, move, unhold
from gateway.wes.stock.views import find_pool

_LOT: Final = f"SELECT {LOT_COLUMNS} FROM lots WHERE pool_id = :pool_id AND lot_no = :lot_no"
# Takes the position's row: what is counted against stays as it is until this transaction ends.
_TAKE: Final = (
    "UPDATE positions SET quantity = quantity WHERE holder_id = :holder_id AND lot_id = :lot_id"
    " RETURNING quantity, 0, allocated, held"
)
_UNITS: Final = "SELECT upn FROM units WHERE holder_id = :holder_id AND lot_id = :lot_id ORDER BY upn"


async def correct(tx: Tx, context: WesContext, request: AnyCorrection) -> ActView:
    """Put the stock right; the same again is answered as before and changes nothing.

    Raises:
        Refusal: there is no such lot or holder, or goods that are promised or allocated stand against it; nothing was changed.
    """
    return await once(tx, context, request, lambda: _do(tx, context, request))


async def _do(tx: Tx, context: WesContext, request: AnyCorrection) -> ActView:
    if isinstance(request, SetSafety):
        await set_safety(tx, await _pool(tx, context, request), request.quantity)
        return ActView(act_id=request.act_id)
    _check_places(request)
    lot = await _lot(tx, context, request)
    match request:
        case CountGoods():
            await _count(tx, context, request, lot)
        case HoldGoods():
            portion = Portion(request.holder_id, lot.lot_id, request.quantity)
            await post(tx, hold(_act(context, request, "hold"), lot, portion))
        case UnholdGoods():
            portion = Portion(request.holder_id, lot.lot_id, request.quantity)
            await post(tx, unhold(_act(context, request, "unhold"), lot, portion))
        case MoveGoods():
            portion = Portion(request.holder_id, lot.lot_id, request.quantity, request.upns)
            await post(tx, move(_act(context, request, "move"), [portion], request.target_id))
        case JudgeLot():
            await _judge(tx, context, request, lot)
        case _:
            assert_never(request)
    return ActView(act_id=request.act_id)


def _check_places(request: LotCorrection) -> None:
    """Make sure that goods stay inside, and that those which move do."""
    if isinstance(request, CountGoods | HoldGoods | UnholdGoods | MoveGoods):
        _check_inside("holderId", request.holder_id)
    if isinstance(request, MoveGoods):
        _check_inside("targetId", request.target_id)
        if request.target_id == request.holder_id:
            raise conflict("targetId", "samePlace", f"they are in {request.holder_id} already")


def _check_inside(field: str, holder_id: str) -> None:
    if holder_id in OUTSIDE:
        raise missing(field, f"{holder_id} is no container and no place")


async def _judge(tx: Tx, context: WesContext, request: JudgeLot, lot: Lot) -> None:
    expiry_at = None if request.expires_at is None else round(request.expires_at.timestamp() * 1_000_000)
    if lot.expiry_at is not None and expiry_at not in (None, lot.expiry_at):
        text = f"lot {lot.lot_no} of {request.sku_id} expires at {to_rfc3339(lot.expiry_at)}"
        raise conflict("expiresAt", "otherDay", text)
    if request.quality is LotQuality.QUALIFIED and lot.expiry_at is None and expiry_at is None:
        owner_id = request.owner_id or context.wes.owner
        product = (await find_products(tx, owner_id, [request.sku_id])).get(request.sku_id)
        if product is not None and product.shelf_life_days is not None:
            text = f"{request.sku_id} has a shelf life: say with `expiresAt` when this lot expires"
            raise conflict("expiresAt", "unknownDay", text)
    act = _act(context, request, "quality")
    await change_quality(tx, act, lot.lot_id, Quality(request.quality), expiry_at)


async def _count(tx: Tx, context: WesContext, request: CountGoods, lot: Lot) -> None:
    which: dict[str, SqlValue] = {"holder_id": request.holder_id, "lot_id": lot.lot_id}
    rows = await tx.fetch_many(_TAKE, [which])
    there = balance_of(rows[0]) if rows else Balance()
    known = [row[0] for row in await tx.fetch(_UNITS, which)] if lot.serial else []
    found = tuple(upn for upn in request.upns if upn not in known)
    lost = tuple(upn for upn in known if upn not in request.upns)
    more, less = _difference(lot, request, there, found, lost)
    if more:
        portion = Portion(request.holder_id, lot.lot_id, more, found)
        await post(tx, gain(_act(context, request, "gain"), lot, portion))
    if less > there.held + there.free:
        text = (
            f"{there.allocated} pieces are allocated: what is missing of them is told where they are picked"
        )
        raise conflict("quantity", "allocated", text)
    from_held = min(less, there.held)
    if from_held:
        portion = Portion(request.holder_id, lot.lot_id, from_held, lost[:from_held])
        await post(tx, lose_held(_act(context, request, "lossHeld"), lot, portion))
    if less > from_held:
        portion = Portion(request.holder_id, lot.lot_id, less - from_held, lost[from_held:])
        await post(tx, lose(_act(context, request, "loss"), lot, portion))


def _difference(
    lot: Lot, request: CountGoods, there: Balance, found: tuple[str, ...], lost: tuple[str, ...]
) -> tuple[int, int]:
    """Return how many pieces are found and how many are lost; of a lot known by unit both may be some."""
    if not lot.serial:
        return max(0, request.quantity - there.quantity), max(0, there.quantity - request.quantity)
    if len(request.upns) != request.quantity:
        text = f"{len(request.upns)} units are named, {request.quantity} pieces are counted"
        raise conflict("upns", "uncounted", text)
    return len(found), len(lost)


async def _pool(tx: Tx, context: WesContext, request: Correction) -> int:
    owner_id = request.owner_id or context.wes.owner
    pool = await find_pool(tx, context.wes.warehouse_id, owner_id, request.sku_id)
    if pool is None:
        raise missing("skuId", f"there has never been any {request.sku_id} of {owner_id}")
    return pool.pool_id


async def _lot(tx: Tx, context: WesContext, request: LotCorrection) -> Lot:
    pool_id = await _pool(tx, context, request)
    rows = await tx.fetch(_LOT, {"pool_id": pool_id, "lot_no": request.lot_no})
    if not rows:
        raise missing("lotNo", f"there has never been a lot {request.lot_no!r} of {request.sku_id}")
    return lot_of(rows[0])


def _act(context: WesContext, request: Correction, kind: str) -> Act:
    return Act(
        event_id=f"{kind}-{request.act_id}",
        document_kind="correction",
        document_id=request.act_id,
        operator=request.operator,
        at=context.clock.now_us(),
        reason=request.reason,
    )
