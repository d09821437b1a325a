"""Acts of people, each done once (S0-38…40): one way in for everything that somebody does at a station, on foot or at a table.

An act's id is of its client. What it led to is kept in the transaction of what it did, so that a client which heard no answer sends
it again and hears the same.
"""

import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final, assert_never

from gateway.contract.acts import (
    Accept,
    AcceptShort,
    ActBase,
    ActView,
    Adjust,
    Answer,
    AnyAct,
    BeginReplenishment,
    BeginReview,
    Claim,
    Damaged,
    Done,
    EndReplenishment,
    Gather,
    Hold,
    Pick,
    Put,
    PutBack,
    Reject,
    Replenish,
    Resume,
    Review,
    Scan,
    Seal,
    Ship,
    Short,
    Taken,
    Withdraw,
)
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind
from gateway.wes.floor import claims, packing, picking, puts, questions, replenishing
from gateway.wes.floor.cancelling import bring_back, note_brought
from gateway.wes.floor.operations import finish, reject, scan
from gateway.wes.floor.recalling import bring_out
from gateway.wes.floor.scanning import Hand
from gateway.wes.floor.shortfall import accept_short
from gateway.wes.planning.places import check_put
from gateway.wes.planning.presentations import Overtaken
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.refusal import StockRefused

_TAKE: Final = (
    "INSERT INTO acts (act_id, digest, operator, reply, at_us) VALUES (:act_id, :digest, :operator, '', :at_us)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT digest, reply FROM acts WHERE act_id = :act_id"
_KEEP: Final = "UPDATE acts SET reply = :reply WHERE act_id = :act_id"


async def perform(tx: Tx, context: WesContext, act: AnyAct) -> ActView:
    """Do an act of the floor; the same again is answered as before and changes nothing.

    Raises:
        Refusal: it cannot be done as things stand; nothing was changed, and the same id may be used again.
    """
    return await once(tx, context, act, lambda: _do(tx, context, act))


async def once(tx: Tx, context: WesContext, act: ActBase, do: Callable[[], Awaitable[ActView]]) -> ActView:
    """Do any act; the same again is answered as before and changes nothing.

    Raises:
        Refusal: it cannot be done as things stand; nothing was changed, and the same id may be used again.
    """
    row: dict[str, SqlValue] = {
        "act_id": act.act_id,
        "digest": _digest(act),
        "operator": act.operator,
        "at_us": context.clock.now_us(),
    }
    if not await tx.execute(_TAKE, row):
        ((digest, reply),) = await tx.fetch(_KNOWN, {"act_id": act.act_id})
        if digest != row["digest"]:
            raise conflict("actId", "idReused", f"act {act.act_id} was done before with another body")
        return ActView.model_validate_json(reply).model_copy(update={"again": True})
    try:
        view = await do()
    except StockRefused as refused:
        raise conflict("", "stock", str(refused)) from refused
    except Overtaken as overtaken:
        raise conflict(
            "", "overtaken", f"{overtaken} has just been moved on by others: look again"
        ) from overtaken
    await tx.execute_many(_KEEP, [{"act_id": act.act_id, "reply": view.model_dump_json()}])
    return view


def _digest(act: ActBase) -> str:
    """Return what tells an act from others of its id: what it says, whatever else a later program might be told."""
    said = act.model_dump(mode="json", exclude_defaults=True)
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


async def _do(tx: Tx, context: WesContext, act: AnyAct) -> ActView:
    operator, done = act.operator, ActView(act_id=act.act_id)
    match act:
        case Scan():
            await scan(tx, context, act.operation_id, act.container_id, operator)
        case Pick():
            put_id = await picking.take(tx, context, act.allocation_id, _hand(act), operator)
            return done.model_copy(update={"put_id": put_id})
        case Put():
            await puts.put_by_hand(tx, context, act.put_id, act.slot_id, act.quantity, operator)
        case Withdraw():
            await puts.withdraw(tx, context, act.put_id)
        case Adjust():
            await picking.adjust(tx, context, act.put_id, act.quantity, operator)
        case Short():
            kind = ExceptionKind.SHORT_PICK
            await picking.miss(tx, context, act.allocation_id, act.quantity, kind, operator)
        case Damaged():
            kind = ExceptionKind.DAMAGED
            await picking.miss(tx, context, act.allocation_id, act.quantity, kind, operator)
        case Seal():
            package_id = await packing.seal(tx, context, act.work_id, act.box_id, act.weight_kg, operator)
            return done.model_copy(update={"package_id": package_id})
        case Done():
            await finish(tx, context, act.operation_id, operator)
        case Reject():
            await reject(tx, context, act.operation_id, act.reason, operator)
        case Answer():
            await questions.answer(tx, context, act.question_id, operator)
        case Hold():
            await picking.hold(tx, context, act.work_id, act.reason, operator)
        case Resume():
            await picking.resume(tx, context, act.work_id, operator)
        case Claim():
            next_work = claims.claim_cases if act.cases else claims.claim_on_foot
            works = await next_work(tx, context, act.zone, act.units, operator)
            return done.model_copy(update={"work_ids": works})
        case BeginReview():
            await packing.begin_review(tx, context, act.package_id, operator)
        case Review():
            same = await packing.review(tx, context, act.package_id, act.items, operator)
            return done.model_copy(update={"differs": not same})
        case Accept():
            await packing.accept(tx, context, act.package_id, operator)
        case Gather():
            await packing.gather(tx, act.package_id, act.place)
        case Ship():
            weights = {each.package_id: each.weight_kg for each in act.weights}
            await packing.ship_packages(tx, context, act.package_ids, act.tracking_no, weights, operator)
        case PutBack():
            goods = await note_brought(tx, context, act.put_back_id, act.holder_id, operator)
            bring = bring_back if goods.recall_id is None else bring_out
            await bring(tx, context, goods, act.holder_id, operator)
            await check_put(tx, context, act.holder_id, {goods.lot_id})
        case AcceptShort():
            await accept_short(tx, context, act.order_id, operator)
        case BeginReplenishment():
            await replenishing.begin(tx, context, act.replenishment_id, operator)
        case Replenish():
            await replenishing.replenish(
                tx, context, act.replenishment_id, act.holder_id, _hand(act), operator
            )
        case EndReplenishment():
            await replenishing.end(tx, context, act.replenishment_id, act.reason, act.missing, operator)
        case _:
            assert_never(act)
    return done


def _hand(act: Taken) -> Hand:
    return Hand(scan=act.scan, quantity=act.quantity, upns=act.upns)
