"""What should be there is not, or is not fit to be sold (S0-8, S0-9, S1-89): the promise moves to other goods, or comes short.

The work order gives the part up and a new one takes it over: its goods come into the same box while that stands open
(gateway/wes/planning/boxes.py). If there are no such goods at all, the rule of point `shortage` decides: in mode A the new work
order waits until there are, in mode B the order goes out without.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.contract.wms import CallbackDetails, CallbackStatus
from gateway.kernel.ports import SqlValue, Tx
from gateway.site import rules
from gateway.site.rules import Shortage
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_lines
from gateway.wes.orders.catalogue import find_products
from gateway.wes.orders.headers import SYSTEM, note_stages
from gateway.wes.orders.progress import follow_works
from gateway.wes.orders.rows import PROMISE, load_order, lock_order
from gateway.wes.orders.work import case_of
from gateway.wes.outbox import call_back
from gateway.wes.planning.shortage import list_short
from gateway.wes.planning.tasks import Task, conflict, missing, pick_to, settle_works, stock_act
from gateway.wes.stock.model import Act, Portion, Share
from gateway.wes.stock.post import post
from gateway.wes.stock.promise import promise_each
from gateway.wes.stock.refusal import StockRefused
from gateway.wes.stock.strategy import Demand
from gateway.wes.stock.verbs import allocate_free, release, short_pick

DAY_US: Final = 86_400_000_000

_GIVE_UP: Final = (
    "UPDATE allocations SET short = short + :quantity, code = CASE WHEN picked + short + :quantity < quantity THEN code"
    f" WHEN picked > 0 THEN {Code.PICKED:d} ELSE {Code.CANCELLED:d} END WHERE allocation_id = :allocation_id"
    f" AND code = {Code.PICKING:d} AND picked + short + :quantity <= quantity"
)
_GIVE_UP_WORK: Final = (
    "UPDATE work_lines SET short = short + :quantity WHERE work_id = :work_id AND line_id = :line_id"
)
_UNPROMISED: Final = "UPDATE order_lines SET reserved = reserved - :quantity WHERE line_id = :line_id"
_PROMISED: Final = "UPDATE order_lines SET reserved = reserved + :quantity WHERE line_id = :line_id"
_NEVER_COMES: Final = "UPDATE order_lines SET short = short + :quantity WHERE line_id = :line_id"
_UNSHARE: Final = "UPDATE lot_reservations SET quantity = quantity - :quantity WHERE line_id = :line_id AND lot_id = :lot_id"
_UNBOUND: Final = (
    "SELECT r.line_id, r.quantity FROM lot_reservations r JOIN order_lines l ON l.line_id = r.line_id"
    " WHERE l.order_id = :order_id AND r.lot_id = :lot_id AND r.quantity > 0 ORDER BY r.line_id"
)
_FREE: Final = "SELECT p.quantity - p.allocated - p.held FROM positions p WHERE p.holder_id = :holder_id AND p.lot_id = :lot_id"
_SPARE: Final = (
    "INSERT INTO allocations (allocation_id, work_id, line_id, lot_id, holder_id, cell, presentation_id, quantity, picked,"
    " short, code) SELECT :new_id, work_id, line_id, lot_id, holder_id, cell, presentation_id, :quantity, 0, 0, "
    f"{Code.PICKING:d} FROM allocations WHERE allocation_id = :allocation_id"
)
_SUCCESSOR: Final = (
    "INSERT INTO work_orders (work_id, order_id, mode, wave_id, zone, priority, deadline_at, replaces, held, code,"
    " created_at, updated_at) SELECT :new_id, order_id, mode, wave_id, zone, priority, deadline_at, work_id, NULL,"
    f" {Code.PREALLOCATED:d}, :at_us, :at_us FROM work_orders WHERE work_id = :work_id"
)
_SUCCESSOR_LINE: Final = (
    "INSERT INTO work_lines (work_id, line_id, quantity, picked, short)"
    " VALUES (:work_id, :line_id, :quantity, 0, 0)"
)
_IS_THERE: Final = "SELECT 1 FROM orders WHERE order_id = :order_id"
_LACKING: Final = (
    "SELECT line_id, quantity - reserved - picked - short FROM order_lines WHERE order_id = :order_id"
    f" AND code >= {Code.PREALLOCATED:d} AND code < {Code.SHIPPED:d} AND quantity > reserved + picked + short ORDER BY line_id"
)
_WAITING_WORKS: Final = (
    "SELECT w.work_id, l.quantity - l.picked - l.short FROM work_orders w JOIN work_lines l ON l.work_id = w.work_id"
    f" WHERE l.line_id = :line_id AND w.code IN ({Code.PREALLOCATED:d}, {Code.ALLOCATION_FAILED:d})"
    " AND l.quantity > l.picked + l.short"
    " ORDER BY w.work_id DESC"
)
_DUE: Final = (
    "SELECT DISTINCT e.order_id FROM order_exceptions e JOIN orders o ON o.order_id = e.order_id"
    f" WHERE e.kind IN ('{ExceptionKind.SHORT_PICK}', '{ExceptionKind.DAMAGED}') AND e.settled_at IS NULL"
    f" AND e.order_id > :after AND o.code < {Code.SHIPPED:d} ORDER BY e.order_id LIMIT :limit"
)


async def give_up(
    tx: Tx, context: WesContext, task: Task, quantity: int, kind: ExceptionKind, operator: str
) -> None:
    """Give up pieces of a claimed task that is locked: what was missed or is damaged is held until somebody counts.

    Raises:
        Refusal: so many are not open.
        StockRefused: the books have less there.
    """
    which = {"allocation_id": task.allocation_id, "quantity": quantity}
    if task.holder_id is None or quantity > task.rest or not await tx.execute(_GIVE_UP, which):
        raise conflict(
            "quantity", "notOpen", f"{task.rest} of allocation {task.allocation_id} are still to be picked"
        )
    act = stock_act(context, task, "short", operator, kind.value)
    await post(tx, short_pick(act, Portion(task.holder_id, task.lot_id, quantity), 0, pick_to(context)))
    spare = await _spare(tx, context, task, quantity, operator) if kind is ExceptionKind.DAMAGED else 0
    lost = quantity - spare
    if lost:
        await tx.execute_many(_UNPROMISED, [{"line_id": task.line_id, "quantity": lost}])
        row = {"work_id": task.work_id, "line_id": task.line_id, "quantity": lost}
        await tx.execute_many(_GIVE_UP_WORK, [row])
        await make_up(tx, context, task, lost, kind)
    await settle_works(tx, context, [task.work_id], operator)


async def make_up(tx: Tx, context: WesContext, task: Task, quantity: int, kind: ExceptionKind) -> None:
    """Have pieces that a work order has given up come from elsewhere, later, or not at all."""
    if await promise(tx, context, task.order_id, task.line_id, quantity):
        await _succeed(tx, context, task, quantity)
        return
    order, _ = await load_order(tx, task.order_id)
    if context.rules.decide(rules.SHORTAGE, order.facts) is Shortage.PARTIAL:
        await tx.execute_many(_NEVER_COMES, [{"line_id": task.line_id, "quantity": quantity}])
    else:
        await _succeed(tx, context, task, quantity)
    text = f"{quantity} of lot {task.lot_id} at {task.holder_id} ({kind}), and there is nothing else to take"
    await open_exception(tx, context, task.order_id, kind, text, task.line_id)
    details = CallbackDetails(error_code=_ERROR_CODES[kind], error_message=text)
    await call_back(tx, context, task.order_id, CallbackStatus.EXCEPTION, details)


async def take_promise_back(
    tx: Tx, context: WesContext, order_id: int, line_id: int, share: Share, reason: str
) -> None:
    """Take back so much of a lot as a line is promised and not bound to; its order is locked, `promise_instead` comes after it."""
    act = Act(
        event_id=f"unpromise-{context.ids.next()}",
        document_kind="order",
        document_id=str(order_id),
        operator=SYSTEM,
        at=context.clock.now_us(),
        reason=reason,
    )
    await post(tx, release(act, [share]))
    row = {"line_id": line_id, "lot_id": share.lot_id, "quantity": share.quantity}
    await tx.execute_many(_UNSHARE, [row])
    await tx.execute_many(_UNPROMISED, [{"line_id": line_id, "quantity": share.quantity}])


async def promise_instead(
    tx: Tx, context: WesContext, order_id: int, line_id: int, quantity: int, text: str
) -> None:
    """Promise a line other goods for what it was taken back; if there are none it waits, or goes without, by rule.

    Args:
        tx: the transaction.
        context: rules, numbers, time.
        order_id: whose line it is; locked.
        line_id: the line.
        quantity: pieces.
        text: what is the matter, for people and upstream.
    """
    if await promise(tx, context, order_id, line_id, quantity):
        return
    kind = ExceptionKind.SHORT_PICK
    await open_exception(tx, context, order_id, kind, text, line_id)
    details = CallbackDetails(error_code=_ERROR_CODES[kind], error_message=text)
    await call_back(tx, context, order_id, CallbackStatus.EXCEPTION, details)
    order, _ = await load_order(tx, order_id)
    if context.rules.decide(rules.SHORTAGE, order.facts) is Shortage.PARTIAL:
        await accept_short(tx, context, order_id, SYSTEM)


async def promise_other_lots(tx: Tx, context: WesContext, order_id: int, lot_id: int, text: str) -> None:
    """Promise an order other goods for what it is promised of a lot and not bound to; see `promise_instead`."""
    await lock_order(tx, order_id)
    which = {"order_id": order_id, "lot_id": lot_id}
    for line_id, quantity in await tx.fetch(_UNBOUND, which):
        await take_promise_back(tx, context, order_id, line_id, Share(lot_id, quantity), text)
        await promise_instead(tx, context, order_id, line_id, quantity, text)


async def promise(tx: Tx, context: WesContext, order_id: int, line_id: int, quantity: int) -> Sequence[Share]:
    """Promise so much more to a line, all of it or nothing; (): it is not there."""
    order, lines = await load_order(tx, order_id)
    (line,) = [each for each in lines if each.line_id == line_id]
    products = await find_products(tx, order.owner_id, [line.sku])
    act = Act(
        event_id=f"replace-{context.ids.next()}",
        document_kind="order",
        document_id=str(order_id),
        operator=SYSTEM,
        at=context.clock.now_us(),
    )
    demand = Demand(
        warehouse_id=context.wes.warehouse_id,
        owner_id=order.owner_id,
        sku=line.sku,
        quantity=quantity,
        lasting=act.at + line.shelf_life_days * DAY_US,
        turnover=line.turnover,
        lot_no=line.lot_no,
        case=case_of(line, products[line.sku]) or 1,
    )
    shares = (await promise_each(tx, act, [demand])).shares[0]
    await tx.execute_many(
        PROMISE,
        [{"line_id": line_id, "lot_id": share.lot_id, "quantity": share.quantity} for share in shares],
    )
    if shares:
        await tx.execute_many(_PROMISED, [{"line_id": line_id, "quantity": quantity}])
    return shares


async def lacking(tx: Tx, order_id: int) -> Mapping[int, int]:
    """Return by line how much of an order is neither promised, nor picked, nor given up, though the line goes on."""
    return dict(await tx.fetch(_LACKING, {"order_id": order_id}))


async def list_lacking(tx: Tx, after: int, limit: int) -> list[int]:
    """Return orders that wait for goods in the place of others, by id."""
    return [row[0] for row in await tx.fetch(_DUE, {"after": after, "limit": limit})]


async def make_up_again(tx: Tx, context: WesContext, order_id: int) -> None:
    """Try again to promise what an order lacks since a pick came short."""
    await lock_order(tx, order_id)
    for line_id, quantity in (await lacking(tx, order_id)).items():
        if await promise(tx, context, order_id, line_id, quantity):
            await _settle(tx, context, order_id, line_id, SYSTEM)


async def accept_short(tx: Tx, context: WesContext, order_id: int, operator: str) -> None:
    """Let an order go without what it lacks; its work orders that wait for that give it up.

    What is promised and at no place where it can be fetched (40) is lacking too.

    Raises:
        Refusal: there is no such order.
    """
    await lock_order(tx, order_id)
    if not await tx.fetch(_IS_THERE, {"order_id": order_id}):
        raise missing("orderId", f"no order {order_id}")
    works: set[int] = set()
    for _, nowhere in await list_short(tx, context, order_id):
        for part in nowhere:
            share = Share(part.lot_id, part.quantity)
            await take_promise_back(tx, context, order_id, part.line_id, share, f"{operator}: it never comes")
    for line_id, quantity in (await lacking(tx, order_id)).items():
        left = quantity
        for work_id, open_units in await tx.fetch(_WAITING_WORKS, {"line_id": line_id}):
            given_up = min(left, open_units)
            if given_up:
                row = {"work_id": work_id, "line_id": line_id, "quantity": given_up}
                await tx.execute_many(_GIVE_UP_WORK, [row])
                works.add(work_id)
                left -= given_up
        await tx.execute_many(_NEVER_COMES, [{"line_id": line_id, "quantity": quantity - left}])
        await _settle(tx, context, order_id, line_id, operator)
    await settle_works(tx, context, works, operator)


async def _spare(tx: Tx, context: WesContext, task: Task, quantity: int, operator: str) -> int:
    """Take good pieces of the same lot beside the damaged ones, as far as nobody else is promised them."""
    which = {"holder_id": task.holder_id, "lot_id": task.lot_id}
    found = await tx.fetch(_FREE, which)
    spare = min(quantity, found[0][0]) if found else 0
    if spare <= 0 or task.holder_id is None:
        return 0
    act = stock_act(context, task, "spare", operator)
    try:
        await post(tx, allocate_free(act, [Portion(task.holder_id, task.lot_id, spare)]))
    except StockRefused:
        return 0
    row = {"new_id": context.ids.next(), "allocation_id": task.allocation_id, "quantity": spare}
    await tx.execute_many(_SPARE, [row])
    return spare


async def _succeed(tx: Tx, context: WesContext, task: Task, quantity: int) -> None:
    """Have a new work order take over what one has given up."""
    new_id, at_us = context.ids.next(), context.clock.now_us()
    row: dict[str, SqlValue] = {"new_id": new_id, "work_id": task.work_id, "at_us": at_us}
    await tx.execute_many(_SUCCESSOR, [row])
    line: dict[str, SqlValue] = {"work_id": new_id, "line_id": task.line_id, "quantity": quantity}
    await tx.execute_many(_SUCCESSOR_LINE, [line])
    await note_stages(tx, "work", [new_id], Code.PREALLOCATED, at_us)
    await follow_works(tx, [new_id], at_us)


async def _settle(tx: Tx, context: WesContext, order_id: int, line_id: int, operator: str) -> None:
    for kind in _SETTLED:
        await settle_lines(tx, order_id, kind, [line_id], context.clock.now_us(), operator)


_ERROR_CODES: Final[Mapping[ExceptionKind, str]] = {
    ExceptionKind.SHORT_PICK: "SHORT_PICK",
    ExceptionKind.DAMAGED: "DAMAGED",
    ExceptionKind.REVIEW: "REVIEW_DIFFERENCE",
}
_SETTLED: Final = (*_ERROR_CODES, ExceptionKind.ALLOCATION_SHORTAGE)
