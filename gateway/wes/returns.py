"""Goods that have left come back (退货; S4-27, S2-46): announced by upstream or not, received with what the dock makes of them.

What comes back is a lot of its own (S2-110): saleable pieces of lot X become X-R, and what is damaged or waits for an inspection
a lot of this return alone, so that what is decided about it is decided about these pieces. Pieces that are known by number come
back into the lot that they left with; those that may not be sold are held there. Saleable pieces of which nobody knows when they
expire wait for an inspection, if their product does. In the ledger they come from where they went.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.acts import ActView
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.returns import ReceiveReturn, ReturnedLine, ReturnedQuality, ReturnLineView, ReturnView
from gateway.contract.wms import (
    CallbackDetails,
    ResultCode,
    ReturnedItem,
    ReturnNotice,
    ReturnNoticeView,
)
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import SqlValue, Tx
from gateway.site.codes import CodeKind
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.floor.dock import read_returned
from gateway.wes.notices import check_same, digest_of, just_announced, other_warehouse, unknown_product
from gateway.wes.numbers import next_number
from gateway.wes.orders.catalogue import Product, find_products, use_products
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.shipped import Shipment, find_shipment
from gateway.wes.outbox import tell_return
from gateway.wes.planning.holders import open_place
from gateway.wes.planning.places import check_put
from gateway.wes.planning.tasks import conflict, missing
from gateway.wes.stock.model import SHIPPED, Act, Lot, Portion, Quality, Virtual
from gateway.wes.stock.opening import Batch, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.rows import lock_lot
from gateway.wes.stock.verbs import hold, receive

_QUALITIES: Final[Mapping[ReturnedQuality, Quality]] = {
    ReturnedQuality.SALEABLE: Quality.QUALIFIED,
    ReturnedQuality.DAMAGED: Quality.REJECTED,
    ReturnedQuality.INSPECT: Quality.PENDING,
}
_OPEN: Final = (
    "INSERT INTO returns (return_id, return_no, digest, owner_id, oms_order_no, outbound_no, reason, state, created_at)"
    " VALUES (:return_id, :return_no, :digest, :owner_id, :oms_order_no, :outbound_no, :reason, 'announced', :at_us)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT digest, state FROM returns WHERE return_no = :return_no"
# Has the return to itself until the transaction ends.
_TAKE: Final = (
    "UPDATE returns SET state = state WHERE return_no = :return_no"
    " RETURNING return_id, return_no, owner_id, oms_order_no, outbound_no, state"
)
_ANNOUNCED: Final = (
    "INSERT INTO return_lines (return_id, sku, announced, saleable, damaged, inspect)"
    " VALUES (:return_id, :sku, :announced, 0, 0, 0)"
)
_CAME: Final = (
    "INSERT INTO return_lines (return_id, sku, announced, saleable, damaged, inspect)"
    " VALUES (:return_id, :sku, 0, :saleable, :damaged, :inspect) ON CONFLICT (return_id, sku) DO UPDATE SET"
    " saleable = return_lines.saleable + excluded.saleable, damaged = return_lines.damaged + excluded.damaged,"
    " inspect = return_lines.inspect + excluded.inspect"
)
_END: Final = (
    "UPDATE returns SET state = 'received', ended_at = :at_us WHERE return_id = :return_id AND (:complete = 1"
    " OR NOT EXISTS (SELECT 1 FROM return_lines l WHERE l.return_id = returns.return_id"
    " AND l.announced > l.saleable + l.damaged + l.inspect))"
)
# Others that receive goods of the same order wait: what all bring back is counted one after the other.
_LOCK_ORDER: Final = (
    "UPDATE orders SET code = code WHERE outbound_no = :outbound_no",
    "UPDATE order_history SET moved_at = moved_at WHERE outbound_no = :outbound_no",
)
_CAME_BACK: Final = (
    "SELECT l.sku, CAST(SUM(l.saleable + l.damaged + l.inspect) AS BIGINT) FROM return_lines l"
    " JOIN returns r ON r.return_id = l.return_id"
    " WHERE r.oms_order_no = :order_no AND r.outbound_no = :outbound_no GROUP BY l.sku"
)
_LOT: Final = (
    "SELECT l.lot_id FROM lots l JOIN pools p ON p.pool_id = l.pool_id WHERE p.warehouse_id = :warehouse_id"
    " AND p.owner_id = :owner_id AND p.sku = :sku AND l.lot_no = :lot_no"
)
_RETURNED: Final = "UPDATE lots SET returned = 1 WHERE lot_id = :lot_id AND returned = 0"
_UNIT: Final = (
    "SELECT u.lot_id FROM units u JOIN pools p ON p.pool_id = u.pool_id WHERE u.upn = :upn"
    " AND p.warehouse_id = :warehouse_id AND p.owner_id = :owner_id AND p.sku = :sku"
)
_UNIT_OF: Final = (
    "SELECT p.owner_id, p.sku FROM units u JOIN pools p ON p.pool_id = u.pool_id"
    " WHERE u.upn = :upn ORDER BY p.pool_id"
)
_IN_DOUBT: Final = (
    "SELECT 1 FROM lots l JOIN pools p ON p.pool_id = l.pool_id WHERE p.warehouse_id = :warehouse_id"
    " AND p.owner_id = :owner_id AND p.sku = :sku AND (l.expiry_at IS NOT NULL OR l.recalled = 1) LIMIT 1"
)
_PAGE: Final = (
    "SELECT return_id, return_no, oms_order_no, outbound_no, owner_id, reason, state, created_at FROM returns"
    " WHERE return_id < :below ORDER BY return_id DESC LIMIT :limit"
)
_LINES: Final = (
    "SELECT return_id, sku, announced, saleable, damaged, inspect FROM return_lines"
    " WHERE return_id = :return_id ORDER BY sku"
)


@dataclass(frozen=True, slots=True)
class Return:
    """A return that is there."""

    return_id: int
    return_no: str
    owner_id: str
    order_no: str | None
    outbound_no: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces of one line that come back into one lot.

    Attributes:
        units: their UPNs; (): they are not known by number.
        quality: what becomes of them, which is more careful than what the dock said where nobody knows when they expire.
    """

    line: ReturnedLine
    lot: Lot
    units: tuple[str, ...]
    quality: ReturnedQuality

    @property
    def quantity(self) -> int:
        """How many pieces."""
        return len(self.units) or self.line.quantity


async def announce(tx: Tx, context: WesContext, notice: ReturnNotice) -> ReturnNoticeView:
    """Take note of goods that will come back; the same notice again is answered as before.

    Raises:
        Declined: with every reason; nothing was stored.
    """
    digest = digest_of(notice)
    for known, state in await tx.fetch(_KNOWN, {"return_no": notice.return_no}):
        check_same(known, digest, "returnNo", f"return {notice.return_no}")
        return ReturnNoticeView(return_no=notice.return_no, status=state)
    shipment = None if notice.order_no is None else await find_shipment(tx, notice.order_no)
    owner_id = shipment.owner_id if shipment else notice.owner_id or context.wes.owner
    products = await find_products(tx, owner_id, (item.sku_id for item in notice.items))
    reasons = _objections(context, notice, shipment, products)
    if reasons:
        raise Declined(ResultCode.INVALID, *reasons)
    opened = await _open(
        tx, context, notice.return_no, digest, owner_id, notice.order_no, shipment, notice.reason
    )
    if opened is None or await use_products(tx, owner_id, products.values()):
        raise just_announced("returnNo", f"return {notice.return_no}")
    announced = Counter[str]()
    for item in notice.items:
        announced[item.sku_id] += item.quantity
    rows: list[dict[str, SqlValue]] = [
        {"return_id": opened.return_id, "sku": sku, "announced": quantity}
        for sku, quantity in sorted(announced.items())
    ]
    await tx.execute_many(_ANNOUNCED, rows)
    return ReturnNoticeView(return_no=notice.return_no, status="announced")


async def take_back(tx: Tx, context: WesContext, request: ReceiveReturn) -> ActView:
    """Receive goods that have come back, and tell upstream; the same act again changes nothing.

    Raises:
        Refusal: the return or the order is not known, more comes back than has left, or a product is not known.
    """
    return await once(tx, context, request, lambda: _take_back(tx, context, request))


async def list_returns(tx: Tx, below: int, limit: int) -> list[tuple[int, ReturnView]]:
    """Return returns with their numbers, the newest first, with numbers below a limit."""
    rows = await tx.fetch(_PAGE, {"below": below, "limit": limit})
    lines = await tx.fetch_many(_LINES, [{"return_id": row[0]} for row in rows])
    return [
        (
            return_id,
            ReturnView(
                return_no=return_no,
                order_no=order_no,
                outbound_no=outbound_no,
                owner_id=owner_id,
                reason=reason,
                state=state,
                created_at=to_datetime(created_at),
                lines=tuple(
                    ReturnLineView(
                        sku_id=sku, announced=announced, saleable=saleable, damaged=damaged, inspect=inspect
                    )
                    for number, sku, announced, saleable, damaged, inspect in lines
                    if number == return_id
                ),
            ),
        )
        for return_id, return_no, order_no, outbound_no, owner_id, reason, state, created_at in rows
    ]


# ── notices ───────────────────────────────────────────────────────────────────────────────────────────


def _objections(
    context: WesContext, notice: ReturnNotice, shipment: Shipment | None, products: Mapping[str, Product]
) -> list[FieldError]:
    reasons = [*other_warehouse(context, notice.warehouse_id)]
    if notice.order_no is not None and shipment is None:
        reasons.append(FieldError("orderNo", "notShipped", f"nothing has left under order {notice.order_no}"))
    wanted = Counter[str]()
    for number, item in enumerate(notice.items):
        wanted[item.sku_id] += item.quantity
        if item.sku_id not in products:
            reasons.append(unknown_product(f"items[{number}].skuId", item.sku_id))
        elif shipment is not None and wanted[item.sku_id] > shipment.pieces.get(item.sku_id, 0):
            text = f"{shipment.pieces.get(item.sku_id, 0)} of {item.sku_id} have left with order {notice.order_no}"
            reasons.append(FieldError(f"items[{number}].quantity", "tooMany", text))
    return reasons


async def _open(
    tx: Tx,
    context: WesContext,
    return_no: str | None,
    digest: str | None,
    owner_id: str,
    order_no: str | None,
    shipment: Shipment | None,
    reason: str | None,
) -> Return | None:
    """Write a return; None: there is one of this number already."""
    return_id = context.ids.next()
    opened = Return(
        return_id,
        return_no or await next_number(tx, context, CodeKind.RETURN) or f"RT{return_id}",
        owner_id,
        order_no,
        None if shipment is None else shipment.outbound_no,
    )
    row: dict[str, SqlValue] = {
        "return_id": return_id,
        "return_no": opened.return_no,
        "digest": digest,
        "owner_id": owner_id,
        "oms_order_no": order_no,
        "outbound_no": opened.outbound_no,
        "reason": reason,
        "at_us": context.clock.now_us(),
    }
    return opened if await tx.execute(_OPEN, row) else None


# ── receipts ──────────────────────────────────────────────────────────────────────────────────────────


async def _take_back(tx: Tx, context: WesContext, request: ReceiveReturn) -> ActView:
    found, shipment = await _find(tx, context, request)
    products = await find_products(tx, found.owner_id, (line.sku_id for line in request.lines))
    lines = [
        await read_returned(tx, context, found.owner_id, line, products.get(line.sku_id), f"lines[{n}].scan")
        for n, line in enumerate(request.lines)
    ]
    request = request.model_copy(update={"lines": tuple(lines)})
    came_back = {} if shipment is None else await _came_back(tx, found)
    if reasons := [
        *_misfits(request.lines, products, shipment, came_back),
        *await _strangers(tx, found, request.lines),
    ]:
        raise Refusal(RefusalKind.INVALID, *reasons)
    for sku in sorted(await use_products(tx, found.owner_id, products.values())):
        raise Refusal(RefusalKind.INVALID, unknown_product("lines", sku))
    holder_id = request.holder_id or Virtual.RCV_AREA.of(context.wes.warehouse_id)
    if request.holder_id is not None:
        await open_place(tx, context, holder_id)
    parts = [
        part
        for line in request.lines
        for part in await _parts(tx, context, found, line, products[line.sku_id], shipment)
    ]
    for number, part in enumerate(parts):
        portion = Portion(holder_id, part.lot.lot_id, part.quantity, part.units)
        act = _act(context, request, found, f"{number}")
        await post(tx, receive(act, part.lot, portion, source=SHIPPED))
        if (
            part.units
            and part.lot.quality is Quality.QUALIFIED
            and part.quality is not ReturnedQuality.SALEABLE
        ):
            held = Portion(holder_id, part.lot.lot_id, part.quantity)
            await post(tx, hold(_act(context, request, found, f"{number}-held"), part.lot, held))
    await check_put(tx, context, holder_id, {part.lot.lot_id for part in parts})
    await _note(tx, context, found, request, parts)
    doubted = dict.fromkeys(part.line.sku_id for part in parts if part.quality is not part.line.quality)
    return ActView(act_id=request.act_id, return_no=found.return_no, to_inspect=tuple(doubted) or None)


async def _find(tx: Tx, context: WesContext, request: ReceiveReturn) -> tuple[Return, Shipment | None]:
    """Return what the goods belong to; what nobody has announced is a return of its own."""
    if request.return_no is not None:
        rows = await tx.fetch(_TAKE, {"return_no": request.return_no})
        if not rows:
            raise missing("returnNo", f"no return {request.return_no} was announced")
        *known, state = rows[0]
        if state != "announced":
            raise conflict("returnNo", "hasEnded", f"return {request.return_no} has been received")
        found = Return(*known)
        if found.order_no is None:
            return found, None
        return found, await find_shipment(tx, found.order_no, found.outbound_no)
    shipment = None if request.order_no is None else await find_shipment(tx, request.order_no)
    if request.order_no is not None and shipment is None:
        raise missing("orderNo", f"nothing has left under order {request.order_no}")
    owner_id = shipment.owner_id if shipment else request.owner_id or context.wes.owner
    opened = None
    while opened is None:  # upstream may have given our next number to a return of its own
        opened = await _open(tx, context, None, None, owner_id, request.order_no, shipment, request.reason)
    return opened, shipment


async def _came_back(tx: Tx, found: Return) -> dict[str, int]:
    """Return by SKU how much of an order has come back, nobody else receiving any of it until the transaction ends."""
    for sql in _LOCK_ORDER:
        await tx.execute(sql, {"outbound_no": found.outbound_no})
    which = {"order_no": found.order_no, "outbound_no": found.outbound_no}
    return dict(await tx.fetch(_CAME_BACK, which))


def _misfits(
    lines: Sequence[ReturnedLine],
    products: Mapping[str, Product],
    shipment: Shipment | None,
    came_back: Mapping[str, int],
) -> list[FieldError]:
    reasons: list[FieldError] = []
    coming = Counter(came_back)
    for number, line in enumerate(lines):
        coming[line.sku_id] += line.quantity
        if line.sku_id not in products:
            reasons.append(unknown_product(f"lines[{number}].skuId", line.sku_id))
        elif shipment is not None and coming[line.sku_id] > shipment.pieces.get(line.sku_id, 0):
            left, back = shipment.pieces.get(line.sku_id, 0), came_back.get(line.sku_id, 0)
            text = f"{left} of {line.sku_id} have left with this order, and {back} have come back"
            reasons.append(FieldError(f"lines[{number}].quantity", "tooMany", text))
        if line.upns and len(line.upns) != line.quantity:
            text = f"{len(line.upns)} units are named for {line.quantity} pieces"
            reasons.append(FieldError(f"lines[{number}].upns", "count", text))
    return reasons


async def _strangers(tx: Tx, found: Return, lines: Sequence[ReturnedLine]) -> list[FieldError]:
    """Return which units are known as pieces of something else alone: they would come back under a wrong name."""
    reasons: list[FieldError] = []
    for number, line in enumerate(lines):
        for upn in line.upns:
            known = [(owner_id, sku) for owner_id, sku in await tx.fetch(_UNIT_OF, {"upn": upn})]
            if known and (found.owner_id, line.sku_id) not in known:
                owner_id, sku = known[0]
                text = f"{upn} is known as a piece of {sku} of {owner_id}"
                reasons.append(FieldError(f"lines[{number}].upns", "otherProduct", text))
    return reasons


async def _parts(
    tx: Tx,
    context: WesContext,
    found: Return,
    line: ReturnedLine,
    product: Product,
    shipment: Shipment | None,
) -> list[Part]:
    """Return the lots that pieces come back into, with the units of each."""
    by_lot: dict[int, list[str]] = {}
    strange: list[str] = []
    product_of = {
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": found.owner_id,
        "sku": line.sku_id,
    }
    for upn in line.upns:
        rows = await tx.fetch(_UNIT, {**product_of, "upn": upn})
        (by_lot.setdefault(rows[0][0], []) if rows else strange).append(upn)
    parts: list[Part] = []
    careful = ReturnedQuality.INSPECT if line.quality is ReturnedQuality.SALEABLE else line.quality
    for lot_id, units in sorted(by_lot.items()):
        lot = await lock_lot(tx, lot_id)
        parts.append(Part(line, lot, tuple(units), careful if lot.recalled else line.quality))
    if strange or not line.upns:
        origin = await _origin(tx, context, found, line, shipment)
        if origin is None:
            doubtful = await _may_be_bad(tx, context, found, product)
        else:
            doubtful = origin.recalled
        quality = careful if doubtful else line.quality
        lot = await _lot_of(tx, context, found, line, product, origin, quality)
        parts.append(Part(line, lot, tuple(strange), quality))
    return parts


async def _may_be_bad(tx: Tx, context: WesContext, found: Return, product: Product) -> bool:
    """Tell whether goods of a product have a day on which they expire, or a lot of it was recalled."""
    if product.shelf_life_days is not None:
        return True
    which = {
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": found.owner_id,
        "sku": product.sku,
    }
    return bool(await tx.fetch(_IN_DOUBT, which))


async def _lot_of(
    tx: Tx,
    context: WesContext,
    found: Return,
    line: ReturnedLine,
    product: Product,
    origin: Lot | None,
    quality: ReturnedQuality,
) -> Lot:
    """Return the lot of returned pieces; it has the supplier and the dates of the one that they left with."""
    lot_no = (line.lot_no or "") if origin is None else origin.lot_no.removesuffix("-R")
    suffix = {
        ReturnedQuality.SALEABLE: "-R",
        ReturnedQuality.INSPECT: f"-R{found.return_id}",
        ReturnedQuality.DAMAGED: f"-R{found.return_id}D",
    }[quality]
    batch = Batch(
        warehouse_id=context.wes.warehouse_id,
        owner_id=found.owner_id,
        sku=line.sku_id,
        lot_no=f"{lot_no}{suffix}",
        supplier="" if origin is None else origin.supplier,
        received_at=context.clock.now_us() if origin is None else origin.received_at,
        production_at=None if origin is None else origin.production_at,
        expiry_at=None if origin is None else origin.expiry_at,
        quality=_QUALITIES[quality],
        serial=product.serial_tracked,
    )
    lot = await open_lot(tx, context.ids, batch)
    await tx.execute(_RETURNED, {"lot_id": lot.lot_id})
    return lot


async def _origin(
    tx: Tx, context: WesContext, found: Return, line: ReturnedLine, shipment: Shipment | None
) -> Lot | None:
    """Return the lot that pieces left with: the one that they name, or the only one that left with their order.

    Whoever recalls it was before this, or waits and finds what has come back.
    """
    if line.lot_no is None:
        shipped = frozenset[int]() if shipment is None else shipment.lots.get(line.sku_id, frozenset())
        return await lock_lot(tx, *shipped) if len(shipped) == 1 else None
    which = {
        "warehouse_id": context.wes.warehouse_id,
        "owner_id": found.owner_id,
        "sku": line.sku_id,
        "lot_no": line.lot_no,
    }
    rows = await tx.fetch(_LOT, which)
    return await lock_lot(tx, rows[0][0]) if rows else None


async def _note(
    tx: Tx, context: WesContext, found: Return, request: ReceiveReturn, parts: Sequence[Part]
) -> None:
    """Count what has come, and tell upstream of it behind all that it was told of the order before."""
    for part in parts:
        counted = {each.value: 0 for each in ReturnedQuality} | {part.quality.value: part.quantity}
        await tx.execute_many(_CAME, [{"return_id": found.return_id, "sku": part.line.sku_id, **counted}])
    ended = await tx.execute(
        _END,
        {
            "return_id": found.return_id,
            "complete": int(request.complete),
            "at_us": context.clock.now_us(),
        },
    )
    details = CallbackDetails(return_no=found.return_no, return_complete=ended > 0, returned=_returned(parts))
    await tell_return(tx, context, found.return_no, found.order_no, found.outbound_no, details)


def _returned(parts: Iterable[Part]) -> tuple[ReturnedItem, ...]:
    pieces = Counter[tuple[str, ReturnedQuality]]()
    for part in parts:
        pieces[part.line.sku_id, part.quality] += part.quantity
    return tuple(
        ReturnedItem(sku_id=sku, quantity=quantity, quality=quality.value)
        for (sku, quality), quantity in pieces.items()
    )


def _act(context: WesContext, request: ReceiveReturn, found: Return, part: str) -> Act:
    return Act(
        event_id=f"return-{request.act_id}-{part}",
        document_kind="return",
        document_id=found.return_no,
        operator=request.operator,
        at=context.clock.now_us(),
        reason=request.reason or "",
    )
