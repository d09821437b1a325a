"""Lines of orders are promised stock of lots (level 2), and become work (S0-23, S0-24, S1-53, S1-54, S3-15).

One way for an order that has just come in, for one that was short before, and for one that a person had to look at:
what can be reserved is, with its work orders, in one transaction; what cannot is noted and told upstream.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.wms import CallbackDetails, CallbackStatus
from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.site.rules import Reservation
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception, settle_kind, settle_lines
from gateway.wes.orders.catalogue import Product, find_products
from gateway.wes.orders.headers import SYSTEM, follow_lines, mark_lines
from gateway.wes.orders.rows import PROMISE, Order, OrderLine, load_order, lock_order
from gateway.wes.orders.work import case_of, open_work
from gateway.wes.outbox import call_back
from gateway.wes.stock.model import Act, Share
from gateway.wes.stock.promise import Promised, promise_all, promise_each, promise_what_there_is
from gateway.wes.stock.strategy import Demand

STOCK_SHORTAGE: Final = "STOCK_SHORTAGE"
DAY_US: Final = 86_400_000_000

_RESERVED: Final = f"UPDATE order_lines SET reserved = reserved + :quantity, code = {Code.PREALLOCATED:d} WHERE line_id = :line_id"
_NEVER_COMES: Final = "UPDATE order_lines SET short = short + :quantity WHERE line_id = :line_id"
_SHORT: Final = (
    "SELECT DISTINCT e.order_id FROM order_exceptions e JOIN orders o ON o.order_id = e.order_id"
    f" WHERE e.kind = '{ExceptionKind.SHORTAGE}' AND e.settled_at IS NULL AND e.order_id > :after"
    f" AND o.code IN ({Code.PREALLOCATION_FAILED:d}, {Code.PREALLOCATED:d}) ORDER BY e.order_id LIMIT :limit"
)


async def reserve(
    tx: Tx,
    context: WesContext,
    order: Order,
    lines: Sequence[OrderLine],
    products: Mapping[str, Product],
    others: Iterable[Code] = (),
    way: Reservation | None = None,
) -> None:
    """Reserve for lines of an order that have nothing yet, and tell upstream what came of it.

    Args:
        tx: the transaction that all of it happens in.
        context: settings, rules, numbers, time.
        order: the order.
        lines: those without a reservation, with the codes that they have.
        products: by SKU.
        others: codes of the order's other lines.
        way: what a shortage of one line means for the others; None: what the site's rules say.
    """
    at_us = context.clock.now_us()
    way = way or context.rules.decide(rules.RESERVATION, order.facts)
    promised, missing = await _promise(tx, context, order, lines, products, way, at_us)
    served = [line for line in lines if line.line_id in promised]
    cut = {line_id: lack for line_id, lack in missing.items() if line_id in promised}
    short = [line for line in lines if line.line_id not in promised]
    await _keep(tx, promised, cut)
    await open_work(tx, context, order, served, promised, products, at_us)
    again = [line.line_id for line in served if line.code is Code.PREALLOCATION_FAILED]
    await settle_lines(tx, order.order_id, ExceptionKind.SHORTAGE, again, at_us, SYSTEM)
    news = [line for line in short if line.code is not Code.PREALLOCATION_FAILED]
    told = {line.line_id: _told(line, missing[line.line_id]) for line in lines if line.line_id in missing}
    for line in news:
        if line.line_id in told:
            text = told[line.line_id]
            await open_exception(tx, context, order.order_id, ExceptionKind.SHORTAGE, text, line.line_id)
    failed = dict.fromkeys((line.line_id for line in news), Code.PREALLOCATION_FAILED)
    moves = dict.fromkeys(promised, Code.PREALLOCATED) | failed
    if not moves:
        return
    await mark_lines(tx, failed)
    codes = (moves.get(line.line_id, line.code) for line in lines)
    await follow_lines(tx, order.order_id, order.code, (*others, *codes), at_us)
    if served:
        await call_back(tx, context, order.order_id, CallbackStatus.RECEIVED)
    if news or cut:
        texts = [told[line_id] for line_id in (*(line.line_id for line in news), *cut) if line_id in told]
        details = CallbackDetails(error_code=STOCK_SHORTAGE, error_message="; ".join(texts))
        await call_back(tx, context, order.order_id, CallbackStatus.EXCEPTION, details)


async def reserve_again(tx: Tx, context: WesContext, order_id: int, way: Reservation | None = None) -> None:
    """Try again for the lines of an order that were short; see `reserve`."""
    await lock_order(tx, order_id)
    order, lines = await load_order(tx, order_id)
    short = [line for line in lines if line.code is Code.PREALLOCATION_FAILED]
    if short and order.code in (Code.PREALLOCATION_FAILED, Code.PREALLOCATED):
        products = await find_products(tx, order.owner_id, (line.sku for line in short))
        others = [line.code for line in lines if line not in short]
        await reserve(tx, context, order, short, products, others, way)


async def release_held(tx: Tx, context: WesContext, order_id: int, operator: str) -> bool:
    """Let an order go on that a person has looked at; False if it was not held."""
    at_us = context.clock.now_us()
    await lock_order(tx, order_id)
    if not await settle_kind(tx, order_id, ExceptionKind.HELD, at_us, operator):
        return False
    order, lines = await load_order(tx, order_id)
    products = await find_products(tx, order.owner_id, (line.sku for line in lines))
    await reserve(tx, context, order, lines, products)
    return True


async def list_short(tx: Tx, after: int, limit: int) -> list[int]:
    """Return orders of which lines are short and that may still take them, by id."""
    return [row[0] for row in await tx.fetch(_SHORT, {"after": after, "limit": limit})]


async def _promise(
    tx: Tx,
    context: WesContext,
    order: Order,
    lines: Sequence[OrderLine],
    products: Mapping[str, Product],
    way: Reservation,
    at_us: Micros,
) -> tuple[dict[int, tuple[Share, ...]], dict[int, int]]:
    """Return by line id what lines were promised, and how much others lack."""
    act = Act(
        event_id=f"reserve-{context.ids.next()}",
        document_kind="order",
        document_id=str(order.order_id),
        operator=SYSTEM,
        at=at_us,
    )
    demands = [
        Demand(
            warehouse_id=context.wes.warehouse_id,
            owner_id=order.owner_id,
            sku=line.sku,
            quantity=line.quantity,
            lasting=at_us + line.shelf_life_days * DAY_US,
            turnover=line.turnover,
            lot_no=line.lot_no,
            case=case_of(line, products[line.sku]) or 1,
        )
        for line in lines
    ]
    answer = await _PROMISES[way](tx, act, demands)
    numbered = [line.line_id for line in lines]
    promised = {line_id: shares for line_id, shares in zip(numbered, answer.shares, strict=True) if shares}
    missing = {line_id: lack for line_id, lack in zip(numbered, answer.missing, strict=True) if lack}
    return promised, missing


_PROMISES: Final[Mapping[Reservation, Callable[[Tx, Act, Sequence[Demand]], Awaitable[Promised]]]] = {
    Reservation.WHOLE_ORDER: promise_all,
    Reservation.PER_LINE: promise_each,
    Reservation.PER_PIECE: promise_what_there_is,
}


async def _keep(tx: Tx, promised: Mapping[int, Sequence[Share]], cut: Mapping[int, int]) -> None:
    """Write what lines were promised, and what of them never comes; they are pre-allocated now."""
    await tx.execute_many(
        _RESERVED, [{"line_id": line_id, "quantity": _sum(shares)} for line_id, shares in promised.items()]
    )
    await tx.execute_many(
        _NEVER_COMES, [{"line_id": line_id, "quantity": lack} for line_id, lack in cut.items()]
    )
    await tx.execute_many(
        PROMISE,
        [
            {"line_id": line_id, "lot_id": share.lot_id, "quantity": share.quantity}
            for line_id, shares in promised.items()
            for share in shares
        ],
    )


def _sum(shares: Iterable[Share]) -> int:
    return sum(share.quantity for share in shares)


def _told(line: OrderLine, missing: int) -> str:
    return f"{line.sku}: {line.quantity} asked for, {line.quantity - missing} can be promised"
