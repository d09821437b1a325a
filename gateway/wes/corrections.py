"""People put the stock right: counted, held, freed, moved, judged (S3-26…28), and safety stock (S4-21); each act once.

What a short pick misses and what is damaged is held until somebody counts: this is where. Orders that wait for goods are tried
again by themselves once there are more.
"""

from functools import partial
from typing import assert_never

from gateway.contract.acts import ActView
from gateway.contract.corrections import (
    AnyCorrection,
    Correction,
    CountGoods,
    GoneGoods,
    HoldGoods,
    JudgeLot,
    LotCorrection,
    LotQuality,
    MergeGoods,
    MovedGoods,
    MoveGoods,
    MoveHeldGoods,
    ReturnGoods,
    ScrapGoods,
    SetSafety,
    UnholdGoods,
)
from gateway.kernel.clock import to_micros, to_rfc3339
from gateway.kernel.ports import Tx
from gateway.wes.context import WesContext
from gateway.wes.counting.books import (
    Finding,
    book,
    compare,
    find_lot,
    known_pool,
    note_counted,
    take,
    void_counts,
)
from gateway.wes.decisions import note_decision
from gateway.wes.floor.acts import once
from gateway.wes.orders.catalogue import find_products
from gateway.wes.planning.holders import open_place
from gateway.wes.planning.places import check_aside, check_put
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import OUTSIDE, Act, Lot, Portion, Quality
from gateway.wes.stock.opening import set_safety
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import change_quality
from gateway.wes.stock.rows import lock_lot
from gateway.wes.stock.verbs import hold, merge, move, move_held, scrap, send_back, unhold
from gateway.wes.upstream.sync import sync_at_once


async def correct(tx: Tx, context: WesContext, request: AnyCorrection) -> ActView:
    """Put the stock right; the same again is answered as before and changes nothing.

    Raises:
        Refusal: there is no such lot or holder, or goods that are promised or allocated stand against it; nothing was changed.
    """
    return await once(tx, context, request, lambda: _do(tx, context, request))


async def _do(tx: Tx, context: WesContext, request: AnyCorrection) -> ActView:
    if isinstance(request, SetSafety):
        pool = await known_pool(tx, context, request.owner_id, request.sku_id)
        await _keep_back(tx, context, request, pool.pool_id)
        return ActView(act_id=request.act_id)
    _check_places(request)
    if isinstance(request, MovedGoods) and request.target_id in context.layout.places:
        await open_place(tx, context, request.target_id)
    lot = await find_lot(tx, context, request.owner_id, request.sku_id, request.lot_no)
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
            await check_put(tx, context, request.target_id, {lot.lot_id}, "targetId")
        case MoveHeldGoods():
            portion = Portion(request.holder_id, lot.lot_id, request.quantity, request.upns)
            await post(tx, move_held(_act(context, request, "moveHeld"), [portion], request.target_id))
            check_aside(context, request.target_id, "targetId")
        case MergeGoods():
            await _merge(tx, context, request, lot)
        case ScrapGoods():
            free, held = await _leaving(tx, request, lot)
            await post(tx, scrap(_act(context, request, "scrap"), lot, free, held))
        case ReturnGoods():
            free, held = await _leaving(tx, request, lot)
            await post(tx, send_back(_act(context, request, "supplierReturn"), lot, free, held))
        case JudgeLot():
            await _judge(tx, context, request, lot)
        case _:
            assert_never(request)
    return ActView(act_id=request.act_id)


async def _keep_back(tx: Tx, context: WesContext, request: SetSafety, pool_id: int) -> None:
    """No piece moves, so the ledger says nothing of it: the change stands among the decisions, and upstream is told from here."""
    before = await set_safety(tx, pool_id, request.quantity)
    await note_decision(tx, context, "safety", pool_id, f"{before} → {request.quantity}", request)
    await sync_at_once(tx, context, pool_id)


def _check_places(request: LotCorrection) -> None:
    """Make sure that goods stay inside, and that those which move do."""
    if isinstance(request, CountGoods | HoldGoods | UnholdGoods | MovedGoods | MergeGoods | GoneGoods):
        _check_inside("holderId", request.holder_id)
    if isinstance(request, MovedGoods):
        _check_inside("targetId", request.target_id)
        if request.target_id == request.holder_id:
            raise conflict("targetId", "samePlace", f"they are in {request.holder_id} already")


def _check_inside(field: str, holder_id: str) -> None:
    if holder_id in OUTSIDE:
        raise missing(field, f"{holder_id} is no container and no place")


async def _merge(tx: Tx, context: WesContext, request: MergeGoods, lot: Lot) -> None:
    target = await find_lot(tx, context, request.owner_id, request.sku_id, request.target_lot_no)
    if target.lot_id == lot.lot_id:
        raise conflict("targetLotNo", "sameLot", "they are of that lot already")
    # Whoever judges or recalls one of them was before this and is seen, or waits and finds what was merged.
    locked = {lot_id: await lock_lot(tx, lot_id) for lot_id in sorted((lot.lot_id, target.lot_id))}
    lot, target = locked[lot.lot_id], locked[target.lot_id]
    if lot.serial or target.serial:
        raise conflict(
            "targetLotNo", "serial", "goods that are known by unit stay in the lot that they came in"
        )
    if (lot.quality, lot.recalled) != (target.quality, target.recalled):
        text = f"lot {request.lot_no} is {lot.quality}, lot {request.target_lot_no} is {target.quality}"
        raise conflict("targetLotNo", "otherQuality", text)
    if lot.expiry_at is not None and (target.expiry_at is None or target.expiry_at > lot.expiry_at):
        text = (
            f"lot {request.lot_no} expires at {to_rfc3339(lot.expiry_at)}, before lot {request.target_lot_no}"
        )
        raise conflict("targetLotNo", "keepsLonger", text)
    portion = Portion(request.holder_id, lot.lot_id, request.quantity)
    await post(tx, merge(_act(context, request, "merge"), lot, target, portion))


async def _leaving(tx: Tx, request: GoneGoods, lot: Lot) -> tuple[list[Portion], list[Portion]]:
    """Return what goes of what is free, and of what is held there.

    Raises:
        Refusal: it is not as much as that, or the units are not named.
    """
    there = await take(tx, request.holder_id, lot)
    if lot.serial and len(request.upns) != request.quantity:
        text = f"{len(request.upns)} units are named, {request.quantity} pieces are gone"
        raise conflict("upns", "uncounted", text)
    if request.quantity > there.balance.quantity - there.balance.allocated:
        text = f"{there.balance.quantity} pieces are there, {there.balance.allocated} of them allocated to orders"
        raise conflict("quantity", "allocated", text)
    at = partial(Portion, request.holder_id, lot.lot_id)
    of_held = min(request.quantity, there.balance.held)
    of_free = request.quantity - of_held
    held = [at(of_held, request.upns[:of_held])] if of_held else []
    free = [at(of_free, request.upns[of_held:])] if of_free else []
    return free, held


async def _judge(tx: Tx, context: WesContext, request: JudgeLot, lot: Lot) -> None:
    expiry_at = None if request.expires_at is None else to_micros(request.expires_at)
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
    there = await take(tx, request.holder_id, lot)
    difference = compare(there, request.quantity, request.upns)
    await book(tx, [Finding(there, difference, partial(_act, context, request))])
    await note_counted(tx, there, context.clock.now_us())
    await void_counts(tx, there)


def _act(context: WesContext, request: Correction, kind: str) -> Act:
    return Act(
        event_id=f"{kind}-{request.act_id}",
        document_kind="correction",
        document_id=request.act_id,
        operator=request.operator,
        at=context.clock.now_us(),
        reason=request.reason,
    )
