"""What stands on goods that come in: it is compared with what is said of them, and what nobody has said is taken from it (S2-146).

So a person at the dock says product and pieces, and scans; lot, dates and the number of a unit come from the code. A lot that is
known has its dates already: a code with others is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError
from gateway.contract.inbound import PutAwayLine, ReceivedLine
from gateway.contract.returns import ReturnedLine
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import Tx
from gateway.site.codes import CodeKind
from gateway.wes.context import WesContext
from gateway.wes.entering import is_ruled, objection
from gateway.wes.floor.scanning import (
    is_something_else,
    other_day,
    read_code,
    scanned_units,
    wrong_product,
)
from gateway.wes.orders.barcodes import find_by_code
from gateway.wes.orders.catalogue import Product
from gateway.wes.planning.tasks import conflict
from gateway.wes.scans import Scanned, product_key

_LOT: Final = (
    "SELECT l.lot_id, l.production_at, l.expiry_at FROM lots l JOIN pools p ON p.pool_id = l.pool_id"
    " WHERE p.warehouse_id = :warehouse_id AND p.owner_id = :owner_id AND p.sku = :sku AND l.lot_no = :lot_no"
)


@dataclass(frozen=True, slots=True)
class KnownLot:
    """A lot of which goods have come before."""

    lot_id: int
    production_at: Micros | None
    expiry_at: Micros | None


async def find_lot(tx: Tx, context: WesContext, owner_id: str, sku: str, lot_no: str) -> KnownLot | None:
    """Return the lot of a number."""
    which = {"warehouse_id": context.wes.warehouse_id, "owner_id": owner_id, "sku": sku, "lot_no": lot_no}
    rows = await tx.fetch(_LOT, which)
    return KnownLot(*rows[0]) if rows else None


async def strange_lots(
    tx: Tx, context: WesContext, owner_id: str, named: Iterable[tuple[str, str, str]]
) -> list[FieldError]:
    """Return what is wrong with the numbers of lots of which nothing has come before.

    Args:
        tx: the transaction.
        context: the site's.
        owner_id: of the goods.
        named: fields in which they stand, with product and lot; a lot without a number is none.
    """
    if not is_ruled(context, CodeKind.LOT):
        return []
    return [
        wrong
        for field, sku, lot_no in named
        if lot_no
        and (wrong := objection(context, CodeKind.LOT, lot_no, field))
        and await find_lot(tx, context, owner_id, sku, lot_no) is None
    ]


async def read_received(
    tx: Tx, context: WesContext, owner_id: str, line: ReceivedLine, product: Product | None, field: str
) -> ReceivedLine:
    """Return a line of a receipt with what its code says; one of an unknown product, or without a code, as it is.

    Args:
        tx: the act's transaction.
        context: the site's.
        owner_id: of the goods.
        line: as somebody has sent it.
        product: that the line names, if it is known.
        field: where its code stands in the act.

    Raises:
        Refusal: the code is another product's, or says another lot, day or unit than the line.
    """
    if line.scan is None or product is None:
        return line
    scanned = read_code(context, line.scan, field)
    read = await _read(tx, context, owner_id, line, product, scanned, field)
    lot = await find_lot(tx, context, owner_id, line.sku_id, read["lot_no"])
    known = lot or KnownLot(0, None, None)
    produced_at = known.production_at if line.produced_at is None else to_micros(line.produced_at)
    expires_at = known.expiry_at if line.expires_at is None else to_micros(line.expires_at)
    if other := other_day(context, scanned, produced_at, expires_at):
        what, day, told = other
        raise conflict(field, "wrongDate", f"by its code it {what} on {day}, and not on {told}")
    if lot is None:
        expires_on = scanned.expires_on or scanned.best_before
        read["produced_at"] = line.produced_at or _midnight(context, scanned.produced_on)
        read["expires_at"] = line.expires_at or _midnight(context, expires_on, after=1)
    return line.model_copy(update=read)


async def read_put_away(
    tx: Tx, context: WesContext, owner_id: str, line: PutAwayLine, product: Product | None, field: str
) -> PutAwayLine:
    """Return a line of goods that are put away with what its code says, as `read_received`.

    Raises:
        Refusal: the code is another product's, or says another lot or unit than the line.
    """
    if line.scan is None or product is None:
        return line
    scanned = read_code(context, line.scan, field)
    return line.model_copy(update=await _read(tx, context, owner_id, line, product, scanned, field))


async def read_returned(
    tx: Tx, context: WesContext, owner_id: str, line: ReturnedLine, product: Product | None, field: str
) -> ReturnedLine:
    """Return a line of goods that have come back with what its code says, as `read_received`.

    Raises:
        Refusal: the code is another product's, or says another lot or unit than the line.
    """
    if line.scan is None or product is None:
        return line
    scanned = read_code(context, line.scan, field)
    read = await _read(tx, context, owner_id, line, product, scanned, field)
    return line.model_copy(update=read | {"lot_no": read["lot_no"] or None})


async def _read(
    tx: Tx,
    context: WesContext,
    owner_id: str,
    line: ReceivedLine | PutAwayLine | ReturnedLine,
    product: Product,
    scanned: Scanned,
    field: str,
) -> dict[str, Any]:
    """Return lot and units of a line with its code."""
    code = scanned.gtin or product_key(scanned.text)
    sku = await find_by_code(tx, owner_id, code)
    serial = scanned.serial
    if sku != line.sku_id and (sku is not None or code != product_key(line.sku_id)):
        is_unit = (
            product.serial_tracked
            and scanned.plain
            and scanned.text != line.lot_no
            and not await is_something_else(tx, owner_id, scanned.text)
        )
        says_lot = scanned.lot_no is not None or scanned.text == line.lot_no
        if sku is not None or scanned.gtin is not None or not (is_unit or says_lot):
            raise await wrong_product(tx, context, owner_id, line.sku_id, scanned, field)
        serial = scanned.text if is_unit else serial
    if line.lot_no and scanned.lot_no not in (None, line.lot_no):
        raise conflict(field, "wrongLot", f"by its code this is of lot {scanned.lot_no}, not {line.lot_no}")
    return {
        "lot_no": line.lot_no or scanned.lot_no or "",
        "upns": scanned_units(line.upns, serial if product.serial_tracked else None, field),
    }


def _midnight(context: WesContext, day: date | None, after: int = 0) -> datetime | None:
    """Return when a day begins at the site, or another one so many days after it."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=after), time(), ZoneInfo(context.wes.timezone))
