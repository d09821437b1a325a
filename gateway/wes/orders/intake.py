"""An order comes in: known or new, sound or not, promised or short, all decided in one transaction (S0-22…24, S4-14, S4-17).

A command is known by its id, and the database's unique key decides that, not a look beforehand. What is not taken leaves
nothing behind, so the same command may come again once its cause is mended (S4-60); an order number may come back under
another command once its earlier order has ended (S4-61).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import JsonValue

from gateway.contract.faults import FieldError
from gateway.contract.wms import (
    AcceptedView,
    CallbackDetails,
    CallbackStatus,
    OutboundCommand,
    OutboundItem,
    ResultCode,
)
from gateway.kernel.ports import Store, Tx
from gateway.site import rules
from gateway.site.rules import Audit, Review, Turnover
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.exceptions import ExceptionKind, open_exception
from gateway.wes.numbers import Numbers
from gateway.wes.orders.catalogue import Product, find_products, use_products
from gateway.wes.orders.command import Draft, digest, objections, read_command
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.headers import note_stages
from gateway.wes.orders.reservation import reserve
from gateway.wes.orders.rows import (
    INSERT_LINE,
    INSERT_ORDER,
    Order,
    OrderLine,
    line_facts,
    line_row,
    order_facts,
    order_row,
)
from gateway.wes.outbox import call_back

ORDER_HELD: Final = "ORDER_HELD"

_BY_COMMAND: Final = (
    "SELECT outbound_no, command_digest FROM orders WHERE command_id = :command_id"
    " UNION ALL SELECT outbound_no, command_digest FROM order_history WHERE command_id = :command_id"
)
_OPEN_ORDER: Final = (
    "SELECT command_id FROM orders WHERE warehouse_id = :warehouse_id AND oms_order_no = :oms_order_no"
    f" AND code < {Code.SHIPPED:d}"
)


async def submit(store: Store, context: WesContext, numbers: Numbers, raw: JsonValue) -> AcceptedView:
    """Take a command; the same one again gets the same answer.

    Raises:
        Declined: it was not taken; with every reason.
    """
    prepared = await prepare(store, context, numbers, raw)
    return await store.write(partial(take, context, prepared))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A command and what was looked up for it before its transaction, which others wait for.

    Attributes:
        outbound_no: for its order, if it becomes one.
        products: that it names, by SKU; a product that is known stays known.
    """

    draft: Draft
    outbound_no: str
    products: Mapping[str, Product]


async def prepare(store: Store, context: WesContext, numbers: Numbers, raw: JsonValue) -> Prepared:
    """Read a command, and look up what it needs."""
    draft = read_command(raw)
    owner_id, skus = draft.owner_id or context.wes.owner, [sku for _, sku in draft.skus]
    products = await store.read(lambda tx: find_products(tx, owner_id, skus))
    outbound_no = await numbers.next(context.clock.now_us()) if draft.command else ""
    return Prepared(draft, outbound_no, products)


async def take(context: WesContext, prepared: Prepared, tx: Tx) -> AcceptedView:
    """Take a command as part of a transaction; `submit` is the way to do so alone.

    Raises:
        Declined: it was not taken, and what the transaction has done here must be taken back.
    """
    draft, products, command = prepared.draft, prepared.products, prepared.draft.command
    at_us = context.clock.now_us()
    reasons = objections(draft, context.wes, products, at_us)
    if command is None:
        raise Declined(ResultCode.INVALID, *reasons)
    owner_id = command.owner_id or context.wes.owner
    facts = order_facts(command, owner_id)
    audit = context.rules.decide(rules.ORDER, facts)
    review = context.rules.decide(rules.REVIEW, facts) is Review.REQUIRED
    order = Order(
        order_id=context.ids.next(),
        outbound_no=prepared.outbound_no,
        oms_order_no=command.order_no,
        owner_id=owner_id,
        priority=command.priority,
        deadline_at=draft.deadline_at,
        code=Code.ISSUED,
        facts=facts,
    )
    row = order_row(order, command, context.wes.warehouse_id, digest(command), review, at_us)
    is_new = await tx.execute(INSERT_ORDER, row) > 0
    if not is_new and (known := await _known(tx, command)):
        return known
    if reasons:
        raise Declined(ResultCode.INVALID, *reasons)
    if audit is Audit.REFUSE:
        raise Declined(
            ResultCode.REFUSED, FieldError("", "refused", "a rule of this site refuses such orders")
        )
    if not is_new:
        raise await _open(tx, command)
    if deleted := await use_products(tx, owner_id, products.values()):
        text = f"no product {min(deleted)}: it has just been deleted"
        raise Declined(ResultCode.INVALID, FieldError("items", "unknownSku", text))
    lines = [
        _line(context, order, products[item.sku_id], item, line_no)
        for line_no, item in enumerate(command.items, start=1)
    ]
    await tx.execute_many(INSERT_LINE, [line_row(order.order_id, line) for line in lines])
    await note_stages(tx, "order", [order.order_id], Code.ISSUED, at_us)
    if audit is Audit.HOLD:
        await _hold(tx, context, order)
    else:
        await reserve(tx, context, order, lines, products)
    return _view(command, prepared.outbound_no)


def _line(context: WesContext, order: Order, product: Product, item: OutboundItem, line_no: int) -> OrderLine:
    """Audit one line (S1-50…52)."""
    facts = line_facts(order.facts, product, item.quantity, item.lot_no)
    given = item.lot_no is not None
    return OrderLine(
        line_id=context.ids.next(),
        line_no=line_no,
        sku=item.sku_id,
        quantity=item.quantity,
        turnover=Turnover.GIVEN if given else context.rules.decide(rules.TURNOVER, facts),
        lot_no=item.lot_no,
        shelf_life_days=context.rules.decide(rules.LOT, facts).shelf_life_days,
        packaging=context.rules.decide(rules.PACKAGING, facts),
        code=Code.ISSUED,
    )


async def _hold(tx: Tx, context: WesContext, order: Order) -> None:
    text = "a rule of this site wants a person to look at it first"
    await open_exception(tx, context, order.order_id, ExceptionKind.HELD, text)
    details = CallbackDetails(error_code=ORDER_HELD, error_message=text)
    await call_back(tx, context, order.order_id, CallbackStatus.EXCEPTION, details)


async def _known(tx: Tx, command: OutboundCommand) -> AcceptedView | None:
    """Answer a command whose id is known as it was answered before."""
    rows = await tx.fetch(_BY_COMMAND, {"command_id": command.command_id})
    if not rows:
        return None
    outbound_no, known = rows[0]
    if known == digest(command):
        return _view(command, outbound_no)
    text = f"command {command.command_id} was taken with another body"
    raise Declined(ResultCode.CONFLICT, FieldError("commandId", "reused", text))


async def _open(tx: Tx, command: OutboundCommand) -> Declined:
    """Return why an order number is not taken now."""
    rows = await tx.fetch(
        _OPEN_ORDER, {"warehouse_id": command.warehouse_id, "oms_order_no": command.order_no}
    )
    if not rows:
        text = f"order {command.order_no} has just ended: send it again"
        return Declined(ResultCode.BUSY, FieldError("orderNo", "ended", text))
    text = f"order {command.order_no} is open under command {rows[0][0]}: cancel it first"
    return Declined(ResultCode.CONFLICT, FieldError("orderNo", "open", text))


def _view(command: OutboundCommand, outbound_no: str) -> AcceptedView:
    return AcceptedView(command_id=command.command_id, order_no=command.order_no, outbound_no=outbound_no)
