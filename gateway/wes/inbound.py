"""Goods come in (S0-21, S3-12…14): received, put into containers or to flat places, and containers brought to storage.

Received goods can be promised at once, wherever they lie; those of a product with a shelf life of which nobody says when they
expire are taken in, for they are there, and wait until somebody does (gateway/wes/corrections.py); those that have expired are
taken in too, and are never promised. Where a container stands is
not said here: the gateway's events tell it, and everything in the container goes along.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.contract.acts import ActBase, ActView
from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.inbound import PutAway, PutAwayLine, Receive, ReceivedLine, Store
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Tx
from gateway.site.codes import CodeKind
from gateway.site.rules import Late
from gateway.wes.arrivals.admission import keeps_too_short
from gateway.wes.arrivals.lots import LotNumbers
from gateway.wes.arrivals.receipts import Meeting, expect, meet, note_arrived, receiving
from gateway.wes.context import WesContext
from gateway.wes.floor.acts import once
from gateway.wes.floor.dock import find_lot, read_put_away, read_received, strange_lots
from gateway.wes.layout import STORAGE
from gateway.wes.notices import retired_product
from gateway.wes.numbers import next_number
from gateway.wes.orders.catalogue import Product, find_products, use_products
from gateway.wes.planning.holders import open_place
from gateway.wes.planning.home import find_home, no_home
from gateway.wes.planning.places import check_put
from gateway.wes.planning.presentations import Purpose, call_to, presentation_of_container
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import SUPPLIER, Act, Portion, Quality, Virtual
from gateway.wes.stock.opening import Batch, open_lot
from gateway.wes.stock.post import post
from gateway.wes.stock.verbs import hold, put_away, receive

ELSEWHERE_US: Final = 86_400_000_000
"""A day may have begun where goods were produced that has not begun here."""

_CONTAINER: Final = (
    "SELECT location_id FROM holders"
    " WHERE holder_id = :holder_id AND warehouse_id = :warehouse_id AND kind = 'container'"
)


async def take_in(tx: Tx, context: WesContext, request: Receive) -> ActView:
    """Receive goods; the same again changes nothing.

    Raises:
        Refusal: a product is not known, a lot of this number is another one, or it is not what was announced under the
            notice that it names, or does not belong where it was put; nothing was changed.
    """
    return await once(tx, context, request, lambda: _take_in(tx, context, request))


async def put_where_it_stays(tx: Tx, context: WesContext, request: PutAway) -> ActView:
    """Put goods of the receiving area into a container or to a flat place; the same again changes nothing.

    Raises:
        Refusal: there are no such goods, not as many, or they do not belong there; nothing was changed.
    """
    return await once(tx, context, request, lambda: _put_away(tx, context, request))


async def store_container(tx: Tx, context: WesContext, request: Store) -> ActView:
    """Have a container brought to storage; the same again is answered as before.

    Raises:
        Refusal: nobody knows where it is, it is wanted or stored already, or no place is free.
    """
    return await once(tx, context, request, lambda: _store(tx, context, request))


async def _take_in(tx: Tx, context: WesContext, request: Receive) -> ActView:
    arrival = None if request.notice_no is None else await expect(tx, request.notice_no, request.owner_id)
    owner_id = (request.owner_id or context.wes.owner) if arrival is None else arrival.owner_id
    products = await find_products(tx, owner_id, (line.sku_id for line in request.lines))
    lines = [
        await read_received(tx, context, owner_id, line, products.get(line.sku_id), f"lines[{n}].scan")
        for n, line in enumerate(request.lines)
    ]
    numbers = LotNumbers(context, owner_id, arrival)
    meeting = None if arrival is None else await meet(tx, context, arrival, lines, products, numbers)
    _check(context, lines if meeting is None else meeting.goods, products, meeting)
    await _use(tx, owner_id, products)
    if reasons := await _strange_lots(tx, context, owner_id, lines, meeting):
        raise Refusal(RefusalKind.INVALID, *reasons)
    goods, source = (
        (await _numbered(tx, context, owner_id, lines, products, numbers), SUPPLIER)
        if meeting is None
        else (meeting.goods, meeting.source)
    )
    receipt_no = None if meeting is not None else await next_number(tx, context, CodeKind.RECEIPT)
    holder_id = await _open(tx, context, request.holder_id or Virtual.RCV_AREA.of(context.wes.warehouse_id))
    received_at = context.clock.now_us() if request.received_at is None else to_micros(request.received_at)
    batches = [
        await _dated(tx, context, _batch(context, owner_id, received_at, line, products[line.sku_id]))
        for line in goods
    ]
    late = [
        keeps_too_short(context, owner_id, arrival, line, products[line.sku_id], batch)
        for line, batch in zip(goods, batches, strict=True)
    ]
    if refused := [
        FieldError(f"lines[{n}].expiresAt", "keepsTooShort", each.text)
        for n, each in enumerate(late)
        if each is not None and each.then is Late.REFUSE
    ]:
        raise Refusal(RefusalKind.INVALID, *refused)
    held_back: dict[Quality, dict[str, None]] = {Quality.PENDING: {}, Quality.EXPIRED: {}}
    qualities: list[Quality] = []
    lots: set[int] = set()
    for number, (line, batch) in enumerate(zip(goods, batches, strict=True)):
        product = products[line.sku_id]
        inspect = late[number] is not None or receiving(context, owner_id, arrival, line, product).inspect
        quality = _as_it_comes(context, batch, product, inspect)
        if quality is not batch.quality:
            held_back[quality][line.sku_id] = None
        lot = await open_lot(tx, context.ids, replace(batch, quality=quality))
        portion = Portion(holder_id, lot.lot_id, line.quantity, line.upns)
        await post(
            tx,
            receive(_receipt(context, request, "receipt", number, receipt_no), lot, portion, source=source),
        )
        if quality is not Quality.QUALIFIED and lot.quality is Quality.QUALIFIED:
            held = Portion(holder_id, lot.lot_id, line.quantity)
            await post(tx, hold(_receipt(context, request, "receiptHeld", number, receipt_no), lot, held))
        qualities.append(quality)
        lots.add(lot.lot_id)
    await check_put(tx, context, holder_id, lots)
    return ActView(
        act_id=request.act_id,
        receipt_no=receipt_no,
        notice_state=None if meeting is None else await note_arrived(tx, context, meeting, qualities),
        to_inspect=tuple(held_back[Quality.PENDING]) or None,
        expired=tuple(held_back[Quality.EXPIRED]) or None,
    )


def _as_it_comes(context: WesContext, batch: Batch, product: Product, inspect: bool) -> Quality:
    """Return what pieces may be used for by their day and the site's rule, where the dock has found nothing against them."""
    if batch.quality is not Quality.QUALIFIED:
        return batch.quality
    if batch.expiry_at is None:
        undated = product.shelf_life_days is not None
        return Quality.PENDING if inspect or undated else Quality.QUALIFIED
    if batch.expiry_at <= context.clock.now_us():
        return Quality.EXPIRED
    return Quality.PENDING if inspect else Quality.QUALIFIED


async def _strange_lots(
    tx: Tx, context: WesContext, owner_id: str, lines: Sequence[ReceivedLine], meeting: Meeting | None
) -> list[FieldError]:
    """Return what is wrong with the numbers of new lots; what was announced was taken with its notice."""
    announced = (
        () if meeting is None else [(line.sku, line.lot_no) for line in meeting.lines if line.announced]
    )
    named = [
        (f"lines[{n}].lotNo", line.sku_id, line.lot_no)
        for n, line in enumerate(lines)
        if (line.sku_id, line.lot_no) not in announced
    ]
    return await strange_lots(tx, context, owner_id, named)


async def _numbered(
    tx: Tx,
    context: WesContext,
    owner_id: str,
    lines: Sequence[ReceivedLine],
    products: Mapping[str, Product],
    numbers: LotNumbers,
) -> list[ReceivedLine]:
    """Return goods that nobody has announced with numbers for their lots, where the site's rule wants them."""
    return [
        await numbers.number(tx, line, products[line.sku_id], f"lines[{n}]")
        if not line.lot_no and receiving(context, owner_id, None, line, products[line.sku_id]).number_lots
        else line
        for n, line in enumerate(lines)
    ]


async def _put_away(tx: Tx, context: WesContext, request: PutAway) -> ActView:
    owner_id, area = request.owner_id or context.wes.owner, Virtual.RCV_AREA.of(context.wes.warehouse_id)
    products = await find_products(tx, owner_id, (line.sku_id for line in request.lines if line.scan))
    lines = [
        await read_put_away(tx, context, owner_id, line, products.get(line.sku_id), f"lines[{n}].scan")
        for n, line in enumerate(request.lines)
    ]
    lots = [await find_lot(tx, context, owner_id, line.sku_id, line.lot_no) for line in lines]
    if missing := [n for n, lot in enumerate(lots) if lot is None]:
        raise Refusal(RefusalKind.INVALID, *(_no_lot(n, lines[n]) for n in missing))
    portions = [
        Portion(area, lot.lot_id, line.quantity, line.upns)
        for lot, line in zip(lots, lines, strict=True)
        if lot is not None
    ]
    target = await _open(tx, context, request.holder_id)
    await post(tx, put_away(_act(context, request, "putaway", 0), portions, target))
    await check_put(tx, context, target, {portion.lot_id for portion in portions})
    return ActView(act_id=request.act_id)


async def _store(tx: Tx, context: WesContext, request: Store) -> ActView:
    container_id = request.container_id
    which = {"holder_id": container_id, "warehouse_id": context.wes.warehouse_id}
    rows = await tx.fetch(_CONTAINER, which)
    place = context.layout.places.get(rows[0][0] or "") if rows else None
    if place is None:
        raise conflict("containerId", "notHere", f"nobody knows where {container_id} stands")
    if await presentation_of_container(tx, container_id) is not None:
        raise conflict("containerId", "busy", f"{container_id} is on its way, or is worked on at a station")
    if place.kind == STORAGE:
        raise conflict("containerId", "stored", f"{container_id} is stored at {place.location_id}")
    home = await find_home(tx, context, container_id, None, None)
    if home is None:
        raise conflict("containerId", "noPlace", await no_home(tx, context, container_id))
    await call_to(tx, context, container_id, Purpose.PUTAWAY, home.location_id, why=home.why)
    return ActView(act_id=request.act_id, destination=home.location_id, why=home.why)


async def _open(tx: Tx, context: WesContext, holder_id: str) -> str:
    """Open a container or a flat place; the warehouse's own accounts are open."""
    if holder_id not in {each.of(context.wes.warehouse_id) for each in Virtual}:
        await open_place(tx, context, holder_id)
    return holder_id


def _batch(
    context: WesContext, owner_id: str, received_at: Micros, line: ReceivedLine, product: Product
) -> Batch:
    expires_at = line.expires_at
    if expires_at is None and line.produced_at is not None and product.shelf_life_days is not None:
        expires_at = line.produced_at + timedelta(days=product.shelf_life_days)
    return Batch(
        warehouse_id=context.wes.warehouse_id,
        owner_id=owner_id,
        sku=line.sku_id,
        received_at=received_at,
        lot_no=line.lot_no,
        supplier=line.supplier,
        production_at=None if line.produced_at is None else to_micros(line.produced_at),
        expiry_at=None if expires_at is None else to_micros(expires_at),
        quality=Quality(line.quality),
        serial=product.serial_tracked,
    )


async def _dated(tx: Tx, context: WesContext, batch: Batch) -> Batch:
    """Return a batch of which no day was said with those that its lot has, if it names one that is known."""
    if not batch.lot_no or batch.production_at is not None or batch.expiry_at is not None:
        return batch
    lot = await find_lot(tx, context, batch.owner_id, batch.sku, batch.lot_no)
    return batch if lot is None else replace(batch, production_at=lot.production_at, expiry_at=lot.expiry_at)


def _receipt(context: WesContext, request: Receive, kind: str, number: int, receipt_no: str | None) -> Act:
    """Return who receives goods; of announced ones the notice is the document."""
    act = _act(context, request, kind, number)
    if request.notice_no is None:
        return act if receipt_no is None else replace(act, document_id=receipt_no)
    return replace(act, document_kind="arrival", document_id=request.notice_no)


def _act(context: WesContext, request: ActBase, kind: str, number: int) -> Act:
    return Act(
        event_id=f"{kind}-{request.act_id}-{number}",
        document_kind=kind,
        document_id=request.act_id,
        operator=request.operator,
        at=context.clock.now_us(),
    )


async def _use(tx: Tx, owner_id: str, products: Mapping[str, Product]) -> None:
    """Keep products from being deleted meanwhile."""
    for sku in sorted(await use_products(tx, owner_id, products.values())):
        text = f"no product {sku} is known: it has just been deleted"
        raise Refusal(RefusalKind.INVALID, FieldError("lines", "unknownSku", text))


def _check(
    context: WesContext,
    lines: Iterable[ReceivedLine],
    products: Mapping[str, Product],
    meeting: Meeting | None,
) -> None:
    """Refuse products that nobody knows or that are out of use, and goods that nobody can have made yet.

    What was announced is taken in though its product was taken out of use since; goods that are still to be made would keep
    for centuries.
    """
    announced = () if meeting is None else {line.sku for line in meeting.lines if line.announced}
    latest = context.clock.now_us() + ELSEWHERE_US
    reasons: list[FieldError] = []
    for n, line in enumerate(lines):
        if line.sku_id not in products:
            text = f"no product {line.sku_id} is known; send it first"
            reasons.append(FieldError(f"lines[{n}].skuId", "unknownSku", text))
        elif products[line.sku_id].retired and line.sku_id not in announced:
            reasons.append(retired_product(f"lines[{n}].skuId", line.sku_id))
        if line.produced_at is not None and to_micros(line.produced_at) > latest:
            text = f"{line.produced_at:%Y-%m-%d} is still to come: goods that are here were produced before"
            reasons.append(FieldError(f"lines[{n}].producedAt", "inFuture", text))
    if reasons:
        raise Refusal(RefusalKind.INVALID, *reasons)


def _no_lot(number: int, line: PutAwayLine) -> FieldError:
    lot = f"lot {line.lot_no} of {line.sku_id}" if line.lot_no else f"{line.sku_id} without a lot"
    return FieldError(f"lines[{number}]", "unknownLot", f"{lot} has never been received")
