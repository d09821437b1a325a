"""Withdrawing an order of which something is bound, picked or packed (S0-9, S4-66): each piece goes the shortest way back.

What is only promised is released; what is bound is freed, and a container that nobody needs any more turns round; what is in a
hand before a lit slot is waited for, because only the wall knows which was first; what is picked becomes work for a person, who
puts it back. The order stands at 195 until nothing is left, then at 199. `follow` does all of it that can be done now, as often as
it is called.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from gateway.contract.faults import FieldError
from gateway.contract.wms import CallbackStatus, ResultCode
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.exceptions import settle_all
from gateway.wes.floor.puts import recall
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.headers import SYSTEM, move_lines
from gateway.wes.orders.progress import move_works
from gateway.wes.orders.rows import Order, load_order, lock_order
from gateway.wes.outbox import call_back
from gateway.wes.planning.binding import free_stock, load_allocations, take_back
from gateway.wes.planning.presentations import WAYS_OUT, has_work, lock_presentation, move
from gateway.wes.planning.rollback import advance
from gateway.wes.planning.tasks import FREE_SLOT, OPEN_PUTS, missing, pick_to
from gateway.wes.stock.model import Act, Portion, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import put_back, release

_LEFT: Final = "SELECT 1 FROM packages WHERE order_id = :order_id AND shipped_at IS NOT NULL LIMIT 1"
_ROLLBACKS: Final = (
    "SELECT DISTINCT r.rollback_id FROM rollbacks r JOIN allocations a"
    " ON a.rollback_id = r.rollback_id OR a.presentation_id = r.presentation_id"
    " JOIN work_orders w ON w.work_id = a.work_id WHERE w.order_id = :order_id AND r.ended_at IS NULL ORDER BY r.rollback_id"
)
_BOUND: Final = (
    f"work_id IN (SELECT work_id FROM work_orders WHERE order_id = :order_id) AND code < {Code.PICKED:d}"
    " AND picked + short < quantity"
)
_IN_HANDS: Final = (
    "SELECT DISTINCT a.allocation_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    f" JOIN wall_puts p ON p.allocation_id = a.allocation_id WHERE w.order_id = :order_id AND {OPEN_PUTS}"
)
_PROMISED: Final = (
    "SELECT r.line_id, r.lot_id, r.quantity FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id"
    " WHERE l.order_id = :order_id AND r.quantity > 0 ORDER BY r.line_id, r.lot_id"
)
_UNPROMISE: Final = "UPDATE lot_reservations SET quantity = 0 WHERE line_id = :line_id AND lot_id = :lot_id"
_UNPROMISE_LINE: Final = "UPDATE order_lines SET reserved = reserved - :quantity WHERE line_id = :line_id"
_END_ALLOCATIONS: Final = (
    f"UPDATE allocations SET code = {Code.CANCELLED:d} WHERE work_id IN (SELECT work_id FROM work_orders"
    " WHERE order_id = :order_id) AND picked = 0 AND short = quantity"
)
_PICKED: Final = (
    "SELECT a.allocation_id, a.lot_id, a.picked - CAST(COALESCE((SELECT SUM(b.quantity) FROM put_backs b"
    " WHERE b.allocation_id = a.allocation_id AND b.done_at IS NULL), 0) AS BIGINT), w.slot_id"
    " FROM allocations a JOIN work_orders w ON w.work_id = a.work_id WHERE w.order_id = :order_id AND a.picked > 0"
    " ORDER BY a.allocation_id"
)
_BOX: Final = (
    "SELECT p.box_id, p.package_no FROM picks k JOIN packages p ON p.package_id = k.package_id"
    " WHERE k.allocation_id = :allocation_id ORDER BY k.pick_id LIMIT 1"
)
_UNITS: Final = (
    "SELECT upn FROM picks WHERE allocation_id = :allocation_id AND upn IS NOT NULL ORDER BY pick_id DESC"
)
_PUT_BACKS: Final = "SELECT upns FROM put_backs WHERE allocation_id = :allocation_id"
BRING: Final = (
    "INSERT INTO put_backs (put_back_id, order_id, allocation_id, lot_id, quantity, upns, box_id, created_at, recall_id,"
    " package_id) VALUES (:put_back_id, :order_id, :allocation_id, :lot_id, :quantity, :upns, :box_id, :at_us, :recall_id,"
    " :package_id)"
)
_LOAD: Final = (
    "SELECT b.put_back_id, b.order_id, b.allocation_id, a.work_id, a.line_id, b.lot_id, b.quantity, b.upns, b.recall_id,"
    " b.package_id FROM put_backs b JOIN allocations a ON a.allocation_id = b.allocation_id"
    " WHERE b.put_back_id = :put_back_id AND b.done_at IS NULL"
)
_BROUGHT: Final = (
    "UPDATE put_backs SET holder_id = :holder_id, operator = :operator, done_at = :at_us"
    " WHERE put_back_id = :put_back_id AND done_at IS NULL"
)
_HOLDER: Final = (
    "SELECT kind FROM holders WHERE holder_id = :holder_id AND warehouse_id = :warehouse_id"
    " AND kind IN ('container', 'location')"
)
UNPICK: Final = (
    "UPDATE allocations SET picked = picked - :quantity, short = short + :quantity,"
    f" code = CASE WHEN picked = :quantity AND picked + short = quantity THEN {Code.CANCELLED:d} ELSE code END"
    " WHERE allocation_id = :allocation_id",
    "UPDATE work_lines SET picked = picked - :quantity, short = short + :quantity"
    " WHERE work_id = :work_id AND line_id = :line_id",
    "UPDATE order_lines SET picked = picked - :quantity WHERE line_id = :line_id",
)
"""What a piece that is not picked any more changes, besides the stock."""
_OUTSTANDING: Final = (
    "SELECT w.work_id, w.code, (SELECT COUNT(*) FROM allocations a WHERE a.work_id = w.work_id AND (a.picked > 0"
    f" OR (a.code < {Code.PICKED:d} AND a.short < a.quantity))) FROM work_orders w WHERE w.order_id = :order_id"
    " ORDER BY w.work_id"
)
_MARK_PACKAGES: Final = (
    "UPDATE packages SET code = :code WHERE work_id = :work_id AND shipped_at IS NULL AND code <> :code"
)
_PRESENTED: Final = (
    "SELECT DISTINCT p.presentation_id FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
    " JOIN presentations p ON p.presentation_id = a.presentation_id"
    " WHERE w.order_id = :order_id AND p.state IN ('planned', 'called', 'sent', 'failed', 'arrived') ORDER BY p.presentation_id"
)
_UNTOUCHED: Final = (
    "UPDATE operations SET state = 'withdrawn', done_at = :at_us"
    " WHERE presentation_id = :presentation_id AND state = 'open' AND scanned_at IS NULL"
)
# Those that wait for nothing but people are left out: whoever puts the last goods back goes on with them.
_DUE: Final = f"""SELECT o.order_id FROM orders o WHERE o.code = {Code.CANCELLING:d} AND o.order_id > :after AND (NOT EXISTS (
    SELECT 1 FROM put_backs b WHERE b.order_id = o.order_id AND b.done_at IS NULL) OR EXISTS (
    SELECT 1 FROM allocations a JOIN work_orders w ON w.work_id = a.work_id WHERE w.order_id = o.order_id
    AND a.code < {Code.PICKED:d} AND a.picked + a.short < a.quantity))
ORDER BY o.order_id LIMIT :limit"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Picked goods that somebody brings to where they stay.

    Attributes:
        units: their numbers, where units are known.
        recall_id: the recall that they are taken out of a box for; None: their order was cancelled.
        package_id: the sealed box that they were in.
    """

    put_back_id: int
    order_id: int
    allocation_id: int
    work_id: int
    line_id: int
    lot_id: int
    quantity: int
    units: tuple[str, ...]
    recall_id: str | None
    package_id: int | None


async def withdraw(tx: Tx, context: WesContext, order: Order, reason: str) -> Code:
    """Withdraw an order that is open, wherever its parts stand; returns its code: 199, or 195 while goods come back.

    Raises:
        Declined: a box of it has left.
    """
    which = {"order_id": order.order_id}
    if await tx.fetch(_LEFT, which):
        text = f"a box of order {order.oms_order_no} has left: what comes back is a return"
        raise Declined(ResultCode.TOO_LATE, FieldError("orderNo", "tooLate", text))
    # What is being rolled back ends first: its steps move the same work orders and stock.
    for (rollback_id,) in await tx.fetch(_ROLLBACKS, which):
        while await advance(tx, context, rollback_id):
            pass
    works = [row[0] for row in await tx.fetch(_OUTSTANDING, which) if row[1] != Code.CANCELLED]
    await move_works(tx, dict.fromkeys(works, Code.CANCELLING), context.clock.now_us())
    _, lines = await load_order(tx, order.order_id)
    rest = {line.line_id: Code.CANCELLED for line in lines if line.code is not Code.CANCELLING}
    await move_lines(tx, order.order_id, rest, context.clock.now_us())
    await settle_all(tx, order.order_id, context.clock.now_us(), SYSTEM)
    return await follow(tx, context, order.order_id, reason)


async def follow(tx: Tx, context: WesContext, order_id: int, reason: str = "") -> Code:
    """Do whatever can be done now of an order's withdrawal; returns its code: 195, or 199 once all its goods are free."""
    which = {"order_id": order_id}
    await _free_bound(tx, context, order_id, reason)
    await _release(tx, context, order_id, reason)
    await tx.execute_many(_END_ALLOCATIONS, [which])
    await _list_put_backs(tx, context, order_id)
    at_us = context.clock.now_us()
    moves: dict[int, Code] = {}
    for work_id, code, outstanding in await tx.fetch(_OUTSTANDING, which):
        after = Code.CANCELLING if outstanding else Code.CANCELLED
        if code != after:
            moves[work_id] = after
        if not outstanding:
            await tx.execute_many(FREE_SLOT, [{"work_id": work_id}])
        await tx.execute_many(_MARK_PACKAGES, [{"work_id": work_id, "code": after}])
    await move_works(tx, moves, at_us)
    await turn_round(tx, context, order_id, "its orders were cancelled")
    order, _ = await load_order(tx, order_id)
    if order.code is Code.CANCELLED:
        await call_back(tx, context, order_id, CallbackStatus.CANCELLED)
    return order.code


async def note_brought(tx: Tx, context: WesContext, put_back_id: int, holder_id: str, operator: str) -> Goods:
    """Note that a person has brought picked goods to where they stay; their order is locked, the books follow.

    Raises:
        Refusal: there is no such open put-back, or no such container or place.
    """
    which = {"put_back_id": put_back_id}
    rows = await tx.fetch(_LOAD, which)
    if not rows:
        raise missing("putBackId", f"no open put-back {put_back_id}")
    await lock_order(tx, rows[0][1])
    if not await tx.fetch(_HOLDER, {"holder_id": holder_id, "warehouse_id": context.wes.warehouse_id}):
        raise missing("holderId", f"{holder_id} is no container and no place of this warehouse")
    at_us = context.clock.now_us()
    brought = {"put_back_id": put_back_id, "holder_id": holder_id, "operator": operator, "at_us": at_us}
    rows = await tx.fetch(_LOAD, which)
    if not await tx.execute(_BROUGHT, brought):
        raise missing("putBackId", f"no open put-back {put_back_id}")
    return _goods(rows[0])


async def bring_back(tx: Tx, context: WesContext, goods: Goods, holder_id: str, operator: str) -> None:
    """Put goods of a withdrawn order back into stock, as has just been noted.

    Raises:
        StockRefused: the books do not know the goods.
    """
    act = Act(
        event_id=f"putback-{goods.put_back_id}",
        document_kind="order",
        document_id=str(goods.order_id),
        operator=operator,
        at=context.clock.now_us(),
        reason="the order was cancelled",
    )
    portion = Portion(pick_to(context), goods.lot_id, goods.quantity, goods.units)
    await post(tx, put_back(act, [portion], holder_id))
    of: dict[str, SqlValue] = {
        "allocation_id": goods.allocation_id,
        "work_id": goods.work_id,
        "line_id": goods.line_id,
        "quantity": goods.quantity,
    }
    for sql in UNPICK:
        await tx.execute_many(sql, [of])
    await follow(tx, context, goods.order_id)


class Withdrawals:
    """Goes on with orders that are being withdrawn, some in each round, and all in turn."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context
        self._after = 0

    async def work(self) -> None:
        """Go on with the next ones, each in a transaction of its own."""
        limit = self._context.wes.timers.rollback.batch
        due = {"after": self._after, "limit": limit}
        found = [row[0] for row in await self._store.read(lambda tx: tx.fetch(_DUE, due))]
        for order_id in found:
            await self._store.write(lambda tx, which=order_id: _go_on(tx, self._context, which))
        self._after = found[-1] if len(found) == limit else 0


async def _go_on(tx: Tx, context: WesContext, order_id: int) -> None:
    await lock_order(tx, order_id)
    order, _ = await load_order(tx, order_id)
    if order.code is Code.CANCELLING:
        await follow(tx, context, order_id)


async def _free_bound(tx: Tx, context: WesContext, order_id: int, reason: str) -> None:
    """Free what is bound and not picked; lit slots are darkened first, and waited for."""
    bound = await load_allocations(tx, _BOUND, order_id=order_id)
    await recall(tx, context, [each.allocation_id for each in bound])
    in_hands = {row[0] for row in await tx.fetch(_IN_HANDS, {"order_id": order_id})}
    free = [each for each in bound if each.allocation_id not in in_hands]
    await take_back(tx, context, free, None)
    await free_stock(tx, context, f"withdraw-{context.ids.next()}", free, reason)


async def _release(tx: Tx, context: WesContext, order_id: int, reason: str) -> None:
    """Release what lines are promised and not bound to."""
    promised: Sequence[tuple[int, int, int]] = [
        (line_id, lot_id, quantity)
        for line_id, lot_id, quantity in await tx.fetch(_PROMISED, {"order_id": order_id})
    ]
    if not promised:
        return
    act = Act(
        event_id=f"cancel-{context.ids.next()}",
        document_kind="order",
        document_id=str(order_id),
        operator=SYSTEM,
        at=context.clock.now_us(),
        reason=reason,
    )
    await post(tx, release(act, [Share(lot_id, quantity) for _, lot_id, quantity in promised]))
    rows = [
        {"line_id": line_id, "lot_id": lot_id, "quantity": quantity} for line_id, lot_id, quantity in promised
    ]
    for sql in (_UNPROMISE, _UNPROMISE_LINE):
        await tx.execute_many(sql, rows)


async def _list_put_backs(tx: Tx, context: WesContext, order_id: int) -> None:
    """Have picked goods brought back by a person."""
    for allocation_id, lot_id, quantity, slot_id in await tx.fetch(_PICKED, {"order_id": order_id}):
        if quantity <= 0:
            continue
        which = {"allocation_id": allocation_id}
        boxes = await tx.fetch(_BOX, which)
        gone = {upn for row in await tx.fetch(_PUT_BACKS, which) for upn in from_json(row[0])}
        units = [row[0] for row in await tx.fetch(_UNITS, which) if row[0] not in gone]
        row: dict[str, SqlValue] = {
            "put_back_id": context.ids.next(),
            "order_id": order_id,
            "allocation_id": allocation_id,
            "lot_id": lot_id,
            "quantity": quantity,
            "upns": to_json(units).decode(),
            "box_id": (boxes[0][0] or boxes[0][1]) if boxes else slot_id,
            "at_us": context.clock.now_us(),
            "recall_id": None,
            "package_id": None,
        }
        await tx.execute_many(BRING, [row])


def _goods(row: Row) -> Goods:
    put_back_id, order_id, allocation_id, work_id, line_id, lot_id, quantity, upns, recall_id, package_id = (
        row
    )
    return Goods(
        put_back_id=put_back_id,
        order_id=order_id,
        allocation_id=allocation_id,
        work_id=work_id,
        line_id=line_id,
        lot_id=lot_id,
        quantity=quantity,
        units=tuple(str(upn) for upn in from_json(upns)),
        recall_id=recall_id,
        package_id=package_id,
    )


async def turn_round(tx: Tx, context: WesContext, order_id: int, reason: str) -> None:
    """Let an order's containers turn round that nobody needs any more; one that is worked on stays until the person is done."""
    at_us = context.clock.now_us()
    for (presentation_id,) in await tx.fetch(_PRESENTED, {"order_id": order_id}):
        presentation = await lock_presentation(tx, presentation_id)
        if presentation is None or await has_work(tx, presentation_id):
            continue
        goal = WAYS_OUT.get(presentation.state)
        worked_on = presentation.state is S.ARRIVED and not await tx.execute(
            _UNTOUCHED, {"presentation_id": presentation_id, "at_us": at_us}
        )
        if goal is not None and not worked_on:
            await move(tx, context, presentation, goal, reason=reason)
