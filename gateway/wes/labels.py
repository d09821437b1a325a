"""What stands on the labels of containers, locations, lots and packages (S1-83, S2-107, S2-137, S3-24).

A code says GS1 element strings where its number is one of GS1: (00) of an SSCC, (01) with (17) and (10) of a lot whose product has
a GTIN. Any other number is a plain code. What is printed is read again as the same: gateway/wes/scans.py.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.labels import (
    CodeView,
    ContainerLabelView,
    ElementView,
    LabelLotView,
    LabelView,
    LocationLabelView,
    LotLabelView,
)
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.floor.scanning import local_day
from gateway.wes.orders.catalogue import show_product
from gateway.wes.planning.tasks import missing
from gateway.wes.scans import check_digit, is_gtin, product_key
from gateway.wes.stock.model import Lot
from gateway.wes.tracing import find_lots

LOTS_MAX: Final = 20
"""That one label names; of the others, how many there are."""
SLIP_MAX: Final = 1_000
"""That a packing slip names."""
_SSCC: Final = re.compile(r"\d{18}", re.ASCII)
_LOT_NO: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
"""Lots that an element string can say: the 82 characters of ISO/IEC 646 (GS1, chapter 7.11)."""

_IN_IT: Final = """SELECT pools.sku, COALESCE(products.name, pools.sku), lots.lot_no, CAST(SUM(positions.quantity) AS BIGINT),
COALESCE(products.unit, ''), lots.expiry_at, COUNT(*) OVER ()
FROM holders JOIN positions ON positions.holder_id = holders.holder_id AND positions.quantity > 0
JOIN lots ON lots.lot_id = positions.lot_id JOIN pools ON pools.pool_id = lots.pool_id
LEFT JOIN products ON products.owner_id = pools.owner_id AND products.sku = pools.sku
WHERE holders.warehouse_id = :warehouse_id AND {where}
GROUP BY pools.sku, products.name, products.unit, lots.lot_id, lots.lot_no, lots.expiry_at
ORDER BY pools.sku, lots.lot_no, lots.lot_id LIMIT :limit"""
_IN_CONTAINER: Final = _IN_IT.format(where="holders.holder_id = :id")
_AT_LOCATION: Final = _IN_IT.format(where="holders.location_id = :id")
_STANDS: Final = "SELECT location_id FROM holders WHERE holder_id = :id AND kind = 'container'"
_PACKAGE: Final = (
    "SELECT p.package_id, p.package_no, o.oms_order_no, o.outbound_no, o.consignee, o.carrier_code, o.service_type,"
    " p.tracking_no, p.weight_kg FROM packages p JOIN orders o ON o.order_id = p.order_id WHERE "
)
_IN_PACKAGE: Final = """SELECT l.sku, COALESCE(g.name, l.sku), b.lot_no, CAST(SUM(x.quantity) AS BIGINT), COALESCE(g.unit, ''),
b.expiry_at, COUNT(*) OVER ()
FROM package_lines x JOIN order_lines l ON l.line_id = x.line_id JOIN orders o ON o.order_id = l.order_id
JOIN lots b ON b.lot_id = x.lot_id LEFT JOIN products g ON g.owner_id = o.owner_id AND g.sku = l.sku
WHERE x.package_id = :id GROUP BY l.sku, g.name, g.unit, b.lot_id, b.lot_no, b.expiry_at
ORDER BY l.sku, b.lot_no, b.lot_id LIMIT :limit"""


async def container_label(tx: Tx, context: WesContext, container_id: str) -> ContainerLabelView:
    """Return what stands on a container; one that the WES has never seen gets its label before it comes."""
    lots, count = await _lots(tx, context, _IN_CONTAINER, container_id)
    stands = await tx.fetch(_STANDS, {"id": container_id})
    return ContainerLabelView(
        container_id=container_id,
        code=number_code(container_id),
        location_id=stands[0][0] if stands else None,
        lots=lots,
        lot_count=count,
    )


async def location_label(tx: Tx, context: WesContext, location_id: str) -> LocationLabelView:
    """Return what stands at a location, with what lies there now.

    Raises:
        Refusal: the site has no such location.
    """
    place = context.layout.places.get(location_id)
    if place is None:
        raise missing("locationId", f"the site has no location {location_id}")
    lots, count = await _lots(tx, context, _AT_LOCATION, location_id)
    return LocationLabelView(
        location_id=location_id, code=number_code(location_id), zone=place.zone, lots=lots, lot_count=count
    )


async def lot_label(tx: Tx, context: WesContext, owner_id: str | None, sku: str, lot_no: str) -> LotLabelView:
    """Return what stands on the pieces or cases of a lot.

    Raises:
        Refusal: there has never been such a lot.
    """
    owner_id = owner_id or context.wes.owner
    lot = (await find_lots(tx, context, owner_id, sku, lot_no))[0]
    known = await show_product(tx, owner_id, sku)
    name, unit, barcodes = (known[0].sku_name, known[0].unit, known[0].barcodes) if known else (sku, "", ())
    expires_on = _last_day(context, lot.expiry_at)
    return LotLabelView(
        owner_id=owner_id,
        sku_id=sku,
        sku_name=name,
        unit=unit,
        lot_no=lot.lot_no,
        code=_lot_code(sku, barcodes, lot, expires_on),
        supplier=lot.supplier,
        produced_on=None if lot.production_at is None else local_day(context, lot.production_at),
        expires_on=expires_on,
    )


async def label_of_package(
    tx: Tx, context: WesContext, package_no: str, lots_max: int = LOTS_MAX
) -> LabelView:
    """Return what stands on a package, by the number that is printed on it, with so many of its lots.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(f"{_PACKAGE}p.package_no = :package_no", {"package_no": package_no})
    if not rows:
        raise missing("packageNo", f"no package {package_no}")
    return await _package_label(tx, context, rows[0], lots_max)


async def label_view(tx: Tx, context: WesContext, package_id: int) -> LabelView:
    """Return what stands on a package.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(f"{_PACKAGE}p.package_id = :package_id", {"package_id": package_id})
    if not rows:
        raise missing("packageId", f"no package {package_id}")
    return await _package_label(tx, context, rows[0], LOTS_MAX)


def number_code(number: str) -> CodeView:
    """Return the code that says the number of a container, a location, a package or a document."""
    sscc = number.removeprefix("(00)") if number.startswith("(00)") else number
    if _SSCC.fullmatch(sscc) and check_digit(sscc[:-1]) == sscc[-1]:
        return gs1_code({"00": sscc})
    return CodeView(text=number)


def gs1_code(elements: Mapping[str, str]) -> CodeView:
    """Return a code of element strings, by their application identifiers."""
    return CodeView(
        text="".join(f"({identifier}){value}" for identifier, value in elements.items()),
        elements=tuple(
            ElementView(identifier=identifier, value=value) for identifier, value in elements.items()
        ),
    )


def _lot_code(sku: str, barcodes: Sequence[str], lot: Lot, expires_on: date | None) -> CodeView:
    """Return the code of a lot; of one that element strings cannot say, its product's alone."""
    gtin = next(filter(is_gtin, barcodes), None)
    if gtin is None:
        return CodeView(text=barcodes[0] if barcodes else sku)
    if lot.lot_no and not _LOT_NO.fullmatch(lot.lot_no):
        return CodeView(text=gtin)
    day = {} if expires_on is None else {"17": f"{expires_on:%y%m%d}"}
    return gs1_code({"01": product_key(gtin), **day, **({"10": lot.lot_no} if lot.lot_no else {})})


async def _package_label(tx: Tx, context: WesContext, row: Row, lots_max: int) -> LabelView:
    (
        package_id,
        package_no,
        order_no,
        outbound_no,
        address,
        carrier_code,
        service_type,
        tracking_no,
        weight_kg,
    ) = row
    lots, count = await _lots(tx, context, _IN_PACKAGE, package_id, lots_max)
    return LabelView(
        package_id=package_id,
        package_no=package_no,
        code=number_code(package_no),
        order_no=order_no,
        outbound_no=outbound_no,
        carrier_code=carrier_code,
        service_type=service_type,
        tracking_no=tracking_no,
        weight_kg=weight_kg,
        lots=lots,
        lot_count=count,
        **json.loads(address),
    )


async def _lots(
    tx: Tx, context: WesContext, sql: str, which: SqlValue, limit: int = LOTS_MAX
) -> tuple[tuple[LabelLotView, ...], int]:
    """Return the first lots of something, and how many it has."""
    rows = await tx.fetch(sql, {"warehouse_id": context.wes.warehouse_id, "id": which, "limit": limit})
    return tuple(_lot(context, row) for row in rows), rows[0][6] if rows else 0


def _lot(context: WesContext, row: Row) -> LabelLotView:
    sku, name, lot_no, quantity, unit, expiry_at, _ = row
    return LabelLotView(
        sku_id=sku,
        sku_name=name,
        lot_no=lot_no,
        quantity=quantity,
        unit=unit,
        expires_on=_last_day(context, expiry_at),
    )


def _last_day(context: WesContext, expiry_at: Micros | None) -> date | None:
    """Return the last day before goods expire: at midnight they may be used no more."""
    return None if expiry_at is None else local_day(context, expiry_at - 1)
