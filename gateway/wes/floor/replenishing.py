"""People carry out replenishments: at a station out of the container that stands there, on foot out of a flat place (S1-66, S2-45).

What is moved is booked when it lies where it is picked: until then it is where it was. Goods whose lot has expired meanwhile go
nowhere where they are picked: whoever has them is told, brings them back and ends it. Pieces that should be in the reserve and are
not are held until somebody counts, and whatever was promised of them is promised of other goods, or is missing.
"""

from fnmatch import fnmatchcase
from typing import Final

from gateway.contract.faults import Refusal
from gateway.kernel.ports import Tx
from gateway.wes.codes import PresentationState as S
from gateway.wes.codes import ReplenishmentState as R
from gateway.wes.context import WesContext
from gateway.wes.floor.scanning import Hand, check_hand
from gateway.wes.floor.shortfall import promise_instead, take_promise_back
from gateway.wes.orders.rows import lock_order
from gateway.wes.planning.holders import check_within_reach, kind_of, open_place
from gateway.wes.planning.places import check_put
from gateway.wes.planning.presentations import Overtaken, lock_presentation
from gateway.wes.planning.replenishment import Replenishment, lock_replenishment, move_on
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import Act, HolderKind, Portion, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.quality import why_barred
from gateway.wes.stock.rows import load_lot
from gateway.wes.stock.verbs import hold, move

_PUT: Final = (
    "UPDATE replenishments SET moved = moved + :quantity, target_id = :target_id"
    " WHERE replenishment_id = :replenishment_id AND state = 'begun' AND moved + :quantity <= quantity"
    " RETURNING quantity - moved"
)
_STATION: Final = "SELECT station_id FROM presentations WHERE presentation_id = :presentation_id"
_STANDS: Final = "SELECT location_id FROM holders WHERE holder_id = :holder_id"
# Work that waits for it first; then whoever else is promised the lot and not bound to any of it.
_PROMISED: Final = (
    "SELECT l.order_id, p.line_id, p.quantity FROM lot_reservations p JOIN order_lines l ON l.line_id = p.line_id"
    " WHERE p.lot_id = :lot_id AND p.quantity > 0 ORDER BY CASE WHEN EXISTS (SELECT 1 FROM work_waits x"
    " JOIN work_lines w ON w.work_id = x.work_id WHERE x.replenishment_id = :replenishment_id AND w.line_id = p.line_id)"
    " THEN 0 ELSE 1 END, l.order_id DESC, p.line_id"
)


async def begin(tx: Tx, context: WesContext, replenishment_id: int, operator: str) -> None:
    """Take a replenishment on.

    Raises:
        Refusal: it has ended, somebody else is at it, its lot may not be used, or its container is not at a station.
    """
    await _begun(tx, context, replenishment_id, operator)


async def replenish(
    tx: Tx,
    context: WesContext,
    replenishment_id: int,
    holder_id: str,
    hand: Hand,
    operator: str,
) -> None:
    """Book pieces that were put where they are picked; what waits for them goes on once it is all there.

    Raises:
        Refusal: so many are not to be moved, not there, or not into that, they do not belong there, or other goods were scanned.
        StockRefused: the books have less in the reserve, or other units.
    """
    begun = await _begun(tx, context, replenishment_id, operator)
    await _check_target(tx, context, begun, holder_id)
    station_id = None if begun.presentation_id is None else await _station(tx, begun.presentation_id)
    quantity, upns = await check_hand(tx, context, hand, begun.lot_id, begun.source_id, station_id)
    row = {"replenishment_id": replenishment_id, "target_id": holder_id, "quantity": quantity}
    rest = await tx.fetch(_PUT, row)
    if not rest:
        raise conflict("quantity", "notOpen", f"{begun.rest} are to be moved")
    await open_place(tx, context, holder_id)
    portion = Portion(begun.source_id, begun.lot_id, quantity, upns)
    await post(tx, move(_act(context, begun, operator), [portion], holder_id))
    await check_put(tx, context, holder_id, {begun.lot_id})
    if rest[0][0] == 0:
        stands = (await tx.fetch(_STANDS, {"holder_id": holder_id}))[0][0]
        await move_on(tx, context, begun, R.FILLED if stands is None else R.DONE, operator)


async def end(
    tx: Tx, context: WesContext, replenishment_id: int, reason: str, lost: int, operator: str
) -> None:
    """Give up what a replenishment has not brought, whoever is at it; what works still lack is looked for anew.

    Raises:
        Refusal: it has ended, or more is missing than was still to be moved.
        StockRefused: so many cannot be missing there: others are bound to them.
    """
    found = await _open(tx, replenishment_id)
    if lost > found.rest:
        raise conflict("missing", "notOpen", f"{found.rest} are to be moved")
    if lost:
        await _hold(tx, context, found, lost, operator)
    await _move_on(tx, context, found, R.DONE if found.moved else R.WITHDRAWN, operator, reason)


async def _hold(tx: Tx, context: WesContext, found: Replenishment, lost: int, operator: str) -> None:
    """Hold pieces that are not where they should be, and take back what is promised of them."""
    lot = await load_lot(tx, found.lot_id)
    assert lot is not None
    reason = f"{lost} of lot {lot.lot_no or lot.lot_id} are missing at {found.source_id}"
    left, taken_back = lost - lot.balance.available, list[tuple[int, int, int]]()
    which = {"lot_id": found.lot_id, "replenishment_id": found.replenishment_id}
    rows = await tx.fetch(_PROMISED, which)
    for order_id in sorted({row[0] for row in rows}):
        await lock_order(tx, order_id)
    for order_id, line_id, promised in rows:
        quantity = min(left, promised)
        if quantity > 0:
            share = Share(found.lot_id, quantity)
            await take_promise_back(tx, context, order_id, line_id, share, reason)
            taken_back.append((order_id, line_id, quantity))
            left -= quantity
    portion = Portion(found.source_id, found.lot_id, lost)
    await post(tx, hold(_act(context, found, operator, reason), lot, portion))
    for order_id, line_id, quantity in taken_back:
        await promise_instead(tx, context, order_id, line_id, quantity, reason)


async def _begun(tx: Tx, context: WesContext, replenishment_id: int, operator: str) -> Replenishment:
    """Return a replenishment that this person is at from now on."""
    found = await _open(tx, replenishment_id)
    if found.state is R.FILLED:
        raise _has_ended(found)
    if found.operator not in (None, operator):
        raise conflict("replenishmentId", "claimed", f"{found.operator} is at it")
    await _check_lot(tx, context, found)
    if found.presentation_id is not None:
        presentation = await lock_presentation(tx, found.presentation_id)
        if presentation is None or presentation.state is not S.ARRIVED:
            text = f"{found.source_id} does not stand at a station for it"
            raise conflict("replenishmentId", "notHere", text)
    if found.state is R.OPEN:
        await _move_on(tx, context, found, R.BEGUN, operator)
        return await _open(tx, replenishment_id)
    return found


async def _check_lot(tx: Tx, context: WesContext, found: Replenishment) -> None:
    lot = await load_lot(tx, found.lot_id)
    assert lot is not None
    why = why_barred(lot, context.clock.now_us())
    if why is not None:
        text = f"lot {lot.lot_no or lot.lot_id} is {why}: bring what you have of it back to {found.source_id}, and end this"
        raise conflict("replenishmentId", "lotBarred", text)


async def _open(tx: Tx, replenishment_id: int) -> Replenishment:
    found = await lock_replenishment(tx, replenishment_id)
    if found is None:
        raise missing("replenishmentId", f"no replenishment {replenishment_id}")
    if found.state in (R.DONE, R.WITHDRAWN):
        raise _has_ended(found)
    return found


async def _move_on(
    tx: Tx, context: WesContext, found: Replenishment, state: R, operator: str, reason: str | None = None
) -> None:
    try:
        await move_on(tx, context, found, state, operator, reason)
    except Overtaken as overtaken:
        raise _has_ended(found) from overtaken


async def _check_target(tx: Tx, context: WesContext, begun: Replenishment, holder_id: str) -> None:
    fits = kind_of(context, holder_id) == begun.kind and fnmatchcase(holder_id, begun.places)
    if not fits or holder_id == begun.source_id:
        text = f"it is picked from {begun.places} ({begun.kind}), not from {holder_id}"
        raise conflict("holderId", "wrongPlace", text)
    if begun.kind == HolderKind.CONTAINER:
        await check_within_reach(tx, context, holder_id)


async def _station(tx: Tx, presentation_id: int) -> str | None:
    return (await tx.fetch(_STATION, {"presentation_id": presentation_id}))[0][0]


def _has_ended(found: Replenishment) -> Refusal:
    why = f": {found.reason}" if found.reason else ""
    return conflict("replenishmentId", "hasEnded", f"replenishment {found.replenishment_id} has ended{why}")


def _act(context: WesContext, found: Replenishment, operator: str, reason: str = "") -> Act:
    return Act(
        event_id=f"replenish-{context.ids.next()}",
        document_kind="replenishment",
        document_id=str(found.replenishment_id),
        operator=operator,
        at=context.clock.now_us(),
        reason=reason,
    )
