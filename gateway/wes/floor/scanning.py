"""What a person scans is judged before anything is booked: the wrong bottle beside the right one is refused (S2-58, S2-106).

The code is compared with the goods that are wanted: product, lot, dates, and the unit where units have numbers. What it says
besides need not be typed: a unit's number, and how many pieces a case or pallet holds. A code that says nothing of a lot or a day
contradicts none. Which goods must be scanned is a rule of the site (point `scan`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.contract.faults import Refusal
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.site.rules import Scanning
from gateway.wes.context import WesContext
from gateway.wes.entering import slip
from gateway.wes.orders.barcodes import find_by_code
from gateway.wes.orders.rows import family
from gateway.wes.planning.tasks import conflict
from gateway.wes.scans import SEPARATOR, Scanned, Unreadable, lacks_check_digit, product_key, read

APART_DAYS: Final = 1
"""The books have a moment, a code has a day of wherever the goods were made."""
_RETURNED: Final = re.compile(r"-R\d*D?$")
"""What gateway/wes/returns.py adds to the number of a lot that has come back; on the goods it does not stand."""

_GOODS: Final = """SELECT p.owner_id, p.sku, COALESCE(g.name, p.sku), COALESCE(g.barcodes, '[]'), COALESCE(g.case_barcodes, '[]'),
g.units_per_case, COALESCE(g.attributes, '{}'), l.lot_no, l.production_at, l.expiry_at, l.serial
FROM lots l JOIN pools p ON p.pool_id = l.pool_id LEFT JOIN products g ON g.owner_id = p.owner_id AND g.sku = p.sku
WHERE l.lot_id = :lot_id"""
_NAME: Final = "SELECT name FROM products WHERE owner_id = :owner_id AND sku = :sku"
_HOLDER: Final = "SELECT 1 FROM holders WHERE holder_id = :holder_id"
_UNIT: Final = "SELECT 1 FROM units WHERE upn = :upn AND lot_id = :lot_id AND holder_id = :holder_id"
# Whether other goods in the same container or place, whose lot has a number, are of the same product.
_BESIDE: Final = (
    "SELECT DISTINCT CASE WHEN o.pool_id = l.pool_id THEN 1 ELSE 0 END FROM positions x"
    " JOIN lots o ON o.lot_id = x.lot_id JOIN lots l ON l.lot_id = :lot_id"
    " WHERE x.holder_id = :holder_id AND x.quantity > 0 AND o.lot_id <> l.lot_id AND o.lot_no = :lot_no"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What somebody says to have taken.

    Attributes:
        scan: the code that was scanned; None: none was.
        quantity: pieces; None: as many as the code stands for.
        upns: units by their numbers.
    """

    scan: str | None
    quantity: int | None
    upns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """What should be in the hand: pieces of one lot, out of one container or place.

    Attributes:
        codes: of a piece, and `case_codes` of a case, as they are compared.
        lot_no: empty for goods without batches.
        serial: every unit of the lot has a number.
    """

    lot_id: int
    holder_id: str
    owner_id: str
    sku: str
    name: str
    codes: frozenset[str]
    case_codes: frozenset[str]
    units_per_case: int
    attributes: Mapping[str, Any]
    lot_no: str
    production_at: Micros | None
    expiry_at: Micros | None
    serial: bool

    def __str__(self) -> str:
        """Return the product as people know it."""
        return _called(self.name, self.sku)

    @property
    def printed_lot_no(self) -> str:
        """The lot's number as it stands on the goods."""
        return _RETURNED.sub("", self.lot_no)


async def check_hand(
    tx: Tx, context: WesContext, hand: Hand, lot_id: int, holder_id: str, station_id: str | None
) -> tuple[int, tuple[str, ...]]:
    """Return how many pieces somebody has taken, and which units, if they are of this lot.

    Raises:
        Refusal: the code is another product's, another lot's, one of goods that have expired, or cannot be read; or one is needed.
    """
    goods = await _load(tx, lot_id, holder_id)
    need = scanning(context, goods.owner_id, goods.sku, goods.attributes, station_id)
    if hand.scan is None:
        if need is not Scanning.NONE and not hand.upns:
            raise _needed(goods, need)
        return hand.quantity or len(hand.upns), hand.upns
    scanned = read_code(context, hand.scan, "scan")
    label = await _label(tx, context, goods, scanned)
    _check_lot(goods, scanned)
    _check_dates(context, goods, scanned)
    if need is Scanning.LOT and goods.printed_lot_no and not (label.lot or scanned.lot_no):
        raise _needed(goods, need)
    upns = scanned_units(hand.upns, label.upn if goods.serial else None, "upns")
    return hand.quantity or label.pieces or len(upns) or 1, upns


def scanning(
    context: WesContext, owner_id: str, sku: str, attributes: Mapping[str, Any], station_id: str | None
) -> Scanning:
    """Return what must be scanned of goods that are taken."""
    facts = {"owner": owner_id, "sku": sku, "station": station_id, **family("product", attributes)}
    return context.rules.decide(rules.SCAN, facts)


def read_code(context: WesContext, code: str, field: str) -> Scanned:
    """Return what a code says.

    Raises:
        Refusal: it cannot be read.
    """
    try:
        return read(code, local_day(context, context.clock.now_us()).year)
    except Unreadable as told:
        text = f"this code cannot be read: {told}; scan it again, or another one"
        raise conflict(field, "unreadable", text) from told


async def wrong_product(
    tx: Tx, context: WesContext, owner_id: str, wanted: str, scanned: Scanned, field: str
) -> Refusal:
    """Return the refusal of a code that is none of the product's that is wanted."""
    code = scanned.text if scanned.plain else scanned.gtin or scanned.text
    sku = await find_by_code(tx, owner_id, code) or code
    rows = await tx.fetch(_NAME, {"owner_id": owner_id, "sku": sku})
    if rows:
        text = f"this is {_called(rows[0][0], sku)}, not {wanted}"
    elif await _is_holder(tx, code):
        text = f"{code} is a container or a place, not {wanted}"
    elif told := slip(context, code):
        text = f"{code} is no code of {wanted}; {told}: scan it again, or if you have typed it, look again"
    elif lacks_check_digit(code):
        text = f"{code} is no code of {wanted}; its check digit is wrong: if you have typed it, look again"
    else:
        text = f"{code.replace(SEPARATOR, ' ')} is no code of {wanted}"
    return conflict(field, "wrongProduct", text)


async def is_something_else(tx: Tx, owner_id: str, code: str) -> bool:
    """Tell whether a code that stands for no product's barcode is a product's number, or a container or place."""
    return bool(await tx.fetch(_NAME, {"owner_id": owner_id, "sku": code})) or await _is_holder(tx, code)


def scanned_units(named: tuple[str, ...], scanned: str | None, field: str) -> tuple[str, ...]:
    """Return the units that are meant where somebody names some and has scanned one.

    Raises:
        Refusal: others are named.
    """
    if scanned is None:
        return named
    if named and scanned not in named:
        raise conflict(field, "wrongUnit", f"{scanned} was scanned, and is none of those that are named")
    return named or (scanned,)


def other_day(
    context: WesContext, scanned: Scanned, production_at: Micros | None, expiry_at: Micros | None
) -> tuple[str, date, date] | None:
    """Return what happens on another day by the code than it should, with both days."""
    expires_on = scanned.expires_on or scanned.best_before
    for what, day, moment in (
        ("was made", scanned.produced_on, production_at),
        ("expires", expires_on, expiry_at),
    ):
        if day is not None and moment is not None:
            known = local_day(context, moment)
            if abs((known - day).days) > APART_DAYS:
                return what, day, known
    return None


def local_day(context: WesContext, moment: Micros) -> date:
    """Return the day of a moment at the site."""
    return to_datetime(moment).astimezone(ZoneInfo(context.wes.timezone)).date()


async def _is_holder(tx: Tx, code: str) -> bool:
    return bool(await tx.fetch(_HOLDER, {"holder_id": code}))


def _check_lot(goods: Goods, scanned: Scanned) -> None:
    """Raise a refusal if a code says another lot; goods without batches may bear one."""
    printed = goods.printed_lot_no
    if printed and scanned.lot_no is not None and scanned.lot_no not in (printed, goods.lot_no):
        raise _wrong_lot(scanned.lot_no, goods.lot_no)


def _check_dates(context: WesContext, goods: Goods, scanned: Scanned) -> None:
    if scanned.expires_on is not None and scanned.expires_on < local_day(context, context.clock.now_us()):
        text = f"by its code it has expired on {scanned.expires_on}: put it aside and report it"
        raise conflict("scan", "expired", text)
    if other := other_day(context, scanned, goods.production_at, goods.expiry_at):
        what, day, known = other
        text = f"by its code it {what} on {day}, by the books on {known}: put it aside and report it"
        raise conflict("scan", "wrongDate", text)


@dataclass(frozen=True, slots=True)
class _Label:
    """What a code on the right goods stands for besides the product.

    Attributes:
        pieces: of a case or of what is on a pallet.
        lot: it is proof of the lot by itself.
    """

    pieces: int | None = None
    upn: str | None = None
    lot: bool = False


async def _label(tx: Tx, context: WesContext, goods: Goods, scanned: Scanned) -> _Label:
    """Return what a code stands for that is one of these goods.

    Raises:
        Refusal: it is none of theirs.
    """
    code = scanned.gtin or product_key(scanned.text)
    if code in goods.case_codes:
        return _Label(pieces=goods.units_per_case * (scanned.count or 1))
    taker = goods.sku if code in goods.codes else await find_by_code(tx, goods.owner_id, code)
    if taker == goods.sku or (taker is None and code == product_key(goods.sku)):
        return _Label(pieces=scanned.count, upn=scanned.serial)
    if taker is not None or scanned.gtin is not None:
        raise await wrong_product(tx, context, goods.owner_id, str(goods), scanned, "scan")
    upn = scanned.serial or scanned.text
    which = {"upn": upn, "lot_id": goods.lot_id, "holder_id": goods.holder_id}
    if goods.serial and await tx.fetch(_UNIT, which):
        return _Label(upn=upn, lot=True)
    lot_no = scanned.lot_no or scanned.text
    which = {"lot_id": goods.lot_id, "holder_id": goods.holder_id, "lot_no": lot_no}
    beside = {row[0] for row in await tx.fetch(_BESIDE, which)}
    if goods.printed_lot_no and lot_no in (goods.printed_lot_no, goods.lot_no):
        if 0 not in beside:
            return _Label(lot=True)
        text = f"other goods beside {goods} have a lot {lot_no} too: scan another code of it"
        raise conflict("scan", "wrongProduct", text)
    if goods.printed_lot_no and (1 in beside or scanned.lot_no is not None):
        raise _wrong_lot(lot_no, goods.lot_no)
    raise await wrong_product(tx, context, goods.owner_id, str(goods), scanned, "scan")


async def _load(tx: Tx, lot_id: int, holder_id: str) -> Goods:
    ((owner_id, sku, name, barcodes, cases, units_per_case, attributes, *lot),) = await tx.fetch(
        _GOODS, {"lot_id": lot_id}
    )
    lot_no, production_at, expiry_at, serial = lot
    return Goods(
        lot_id=lot_id,
        holder_id=holder_id,
        owner_id=owner_id,
        sku=sku,
        name=name,
        codes=frozenset(map(product_key, json.loads(barcodes))),
        case_codes=frozenset(map(product_key, json.loads(cases))),
        units_per_case=units_per_case or 1,
        attributes=json.loads(attributes),
        lot_no=lot_no,
        production_at=production_at,
        expiry_at=expiry_at,
        serial=bool(serial),
    )


def _wrong_lot(found: str, wanted: str) -> Refusal:
    return conflict("scan", "wrongLot", f"this is of lot {found}; take lot {wanted}")


def _called(name: str, sku: str) -> str:
    return sku if name == sku else f"{name} ({sku})"


def _needed(goods: Goods, need: Scanning) -> Refusal:
    whole = need is Scanning.LOT and goods.printed_lot_no
    text = f"scan a code of {goods} that says its lot, {goods.printed_lot_no}" if whole else f"scan {goods}"
    return conflict("scan", "scanNeeded", text)
