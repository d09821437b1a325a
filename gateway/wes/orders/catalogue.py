"""Products as upstream describes them (S0-3, S0-20, S2-10): an older version never overwrites a newer one."""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from gateway.contract.acts import ActView
from gateway.contract.corrections import DeleteProduct
from gateway.contract.documents import ProductView
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.wms import ProductItem, ProductSync, ProductSyncView, ResultCode
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site.codes import CodeKind
from gateway.wes.context import WesContext
from gateway.wes.decisions import note_decision
from gateway.wes.entering import is_ruled, objection
from gateway.wes.orders.barcodes import doubtful_barcodes, drop_barcodes, find_by_code, keep_barcodes
from gateway.wes.orders.declined import Declined
from gateway.wes.scans import Unreadable, read

_COLUMNS: Final = (
    "owner_id, sku, name, barcodes, unit, units_per_case, case_barcodes, weight_kg, shelf_life_days, serial_tracked,"
    " attributes, version, updated_at, type, retired_at"
)
_SINCE: Final = (
    "CASE WHEN excluded.retired_at IS NOT NULL THEN COALESCE(products.retired_at, excluded.retired_at) END"
)
_CHANGED: Final = ", ".join(
    f"{name} = {_SINCE if name == 'retired_at' else f'excluded.{name}'}" for name in _COLUMNS.split(", ")[2:]
)
_UPSERT: Final = (
    f"INSERT INTO products ({_COLUMNS}) VALUES ({', '.join(f':{name}' for name in _COLUMNS.split(', '))})"
    f" ON CONFLICT (owner_id, sku) DO UPDATE SET {_CHANGED} WHERE excluded.version >= products.version"
    " RETURNING sku, owner_id"
)
_FIND: Final = (
    "SELECT sku, units_per_case, attributes, shelf_life_days, serial_tracked, retired_at IS NOT NULL, used FROM products"
    " WHERE owner_id = :owner_id AND sku = :sku"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM products WHERE owner_id = :owner_id AND sku = :sku"
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM products WHERE owner_id = :owner_id AND sku > :after"
    " AND (CAST(:type AS TEXT) IS NULL OR type = CAST(:type AS TEXT)) ORDER BY sku LIMIT :limit"
)
# Whoever names a product and whoever deletes it wait for each other.
_USE: Final = "UPDATE products SET used = 1 WHERE owner_id = :owner_id AND sku = :sku RETURNING sku"
_DELETE: Final = (
    "DELETE FROM products WHERE owner_id = :owner_id AND sku = :sku AND used = 0 AND NOT EXISTS (SELECT 1 FROM pools p"
    " WHERE p.warehouse_id = :warehouse_id AND p.owner_id = products.owner_id AND p.sku = products.sku)"
)


@dataclass(frozen=True, slots=True)
class Product:
    """What orders and arriving goods need to know of a product.

    Attributes:
        shelf_life_days: how long it keeps from its production on.
        serial_tracked: every unit of it is known by its UPN.
        retired: it is out of use.
        used: a document has named it.
    """

    sku: str
    units_per_case: int | None
    attributes: Mapping[str, Any]
    shelf_life_days: int | None
    serial_tracked: bool
    retired: bool
    used: bool


async def sync_products(tx: Tx, context: WesContext, request: ProductSync) -> ProductSyncView:
    """Store what is not older than what is known.

    Raises:
        Declined: a barcode is another product's, or the number of a new product is none of the site's; nothing was stored.
    """
    if wrong := await _objections(tx, context, request.items):
        raise Declined(ResultCode.INVALID, *wrong)
    at_us = context.clock.now_us()
    rows = [_row(item, item.owner_id or context.wes.owner, at_us) for item in request.items]
    stored = await tx.fetch_many(
        _UPSERT, sorted(rows, key=lambda row: (str(row["owner_id"]), str(row["sku"])))
    )
    known = {(sku, owner) for sku, owner in stored}
    outdated = [str(row["sku"]) for row in rows if (row["sku"], row["owner_id"]) not in known]
    kept = _kept(request.items, context.wes.owner, known)
    await keep_barcodes(tx, context.wes.owner, kept)
    return ProductSyncView(
        stored=len(known),
        outdated=tuple(dict.fromkeys(outdated)),
        doubtful=doubtful_barcodes(kept) or None,
    )


async def list_products(
    tx: Tx, owner_id: str, after: str, limit: int, product_type: str | None = None
) -> list[ProductView]:
    """Return an owner's products, or those of one type, by SKU; the next page comes after the last one."""
    which = {"owner_id": owner_id, "type": product_type, "after": after, "limit": limit}
    rows = await tx.fetch(_PAGE, which)
    return [_view(row) for row in rows]


async def show_product(tx: Tx, owner_id: str, sku: str) -> list[ProductView]:
    """Return an owner's product, if it is known."""
    return [_view(row) for row in await tx.fetch(_ONE, {"owner_id": owner_id, "sku": sku})]


async def scanned_sku(tx: Tx, context: WesContext, owner_id: str, code: str) -> str | None:
    """Return the SKU of an owner's product that was scanned, in whatever form; a plain code may be a SKU itself."""
    try:
        scanned = read(code, to_datetime(context.clock.now_us()).year)
    except Unreadable:
        return None
    found = await find_by_code(tx, owner_id, scanned.gtin or scanned.text)
    return found or (scanned.text if scanned.plain else None)


async def find_products(tx: Tx, owner_id: str, skus: Iterable[str]) -> dict[str, Product]:
    """Return the products of an owner that are known, by SKU."""
    asked = [{"owner_id": owner_id, "sku": sku} for sku in dict.fromkeys(skus)]
    return {row[0]: _product(row) for row in await tx.fetch_many(_FIND, asked)}


async def use_products(tx: Tx, owner_id: str, products: Iterable[Product]) -> set[str]:
    """Note that a document names products, so that nobody deletes them any more; return those that have just been deleted."""
    fresh = sorted({product.sku for product in products if not product.used})
    rows = await tx.fetch_many(_USE, [{"owner_id": owner_id, "sku": sku} for sku in fresh])
    return set(fresh) - {row[0] for row in rows}


async def delete_product(tx: Tx, context: WesContext, request: DeleteProduct) -> ActView:
    """Delete a product that nothing refers to; who did so and why is kept.

    Raises:
        Refusal: there is no such product, or a document or stock has named it.
    """
    owner_id, sku = request.owner_id or context.wes.owner, request.sku_id
    which = {"warehouse_id": context.wes.warehouse_id, "owner_id": owner_id, "sku": sku}
    if await tx.execute(_DELETE, which):
        await drop_barcodes(tx, owner_id, sku)
        await note_decision(tx, context, "product", 0, f"deleted {sku} of {owner_id}", request)
        return ActView(act_id=request.act_id)
    if not await tx.fetch(_ONE, which):
        raise Refusal(RefusalKind.NOT_FOUND, FieldError("skuId", "unknownSku", f"no product {sku} is known"))
    text = f"documents or stock refer to {sku}: let upstream take it out of use instead (`retired`)"
    raise Refusal(RefusalKind.CONFLICT, FieldError("skuId", "inUse", text))


async def known_skus(tx: Tx, skus: Sequence[str]) -> set[str]:
    """Return which of some SKUs are known, whoever their owner is; by one look through all products."""
    if not skus:
        return set()
    asked: dict[str, SqlValue] = {f"sku_{number}": sku for number, sku in enumerate(skus)}
    names = ", ".join(f":{name}" for name in asked)
    return {
        row[0] for row in await tx.fetch(f"SELECT DISTINCT sku FROM products WHERE sku IN ({names})", asked)
    }


async def _objections(tx: Tx, context: WesContext, items: Sequence[ProductItem]) -> list[FieldError]:
    """Return what is wrong with the numbers of new products."""
    if not is_ruled(context, CodeKind.PRODUCT):
        return []
    known = {
        (owner_id, sku)
        for owner_id in {item.owner_id or context.wes.owner for item in items}
        for sku in await find_products(tx, owner_id, (item.sku_id for item in items))
    }
    return [
        wrong
        for number, item in enumerate(items)
        if (item.owner_id or context.wes.owner, item.sku_id) not in known
        and (wrong := objection(context, CodeKind.PRODUCT, item.sku_id, f"items[{number}].skuId"))
    ]


def _kept(
    items: Sequence[ProductItem], owner_id: str, known: Container[tuple[str, str]]
) -> dict[int, ProductItem]:
    """Return the items that products are stored by, with their places: of several about one product, the last of the newest."""
    newest: dict[tuple[str, str], int] = {}
    for number, item in enumerate(items):
        product = (item.sku_id, item.owner_id or owner_id)
        if product in known and item.version >= items[newest.get(product, number)].version:
            newest[product] = number
    return {number: items[number] for number in newest.values()}


def _view(row: Row) -> ProductView:
    owner_id, sku, name, barcodes, unit, units_per_case, case_barcodes, weight_kg = row[:8]
    shelf_life_days, serial_tracked, attributes, version, updated_at, product_type, retired_at = row[8:]
    return ProductView(
        owner_id=owner_id,
        sku_id=sku,
        sku_name=name,
        barcodes=tuple(json.loads(barcodes)),
        unit=unit,
        units_per_case=units_per_case,
        case_barcodes=tuple(json.loads(case_barcodes)),
        weight_kg=weight_kg,
        shelf_life_days=shelf_life_days,
        serial_tracked=bool(serial_tracked),
        attributes=json.loads(attributes),
        type=product_type or None,
        retired_at=to_moment(retired_at),
        version=version,
        updated_at=to_datetime(updated_at),
    )


def _product(row: Row) -> Product:
    sku, units_per_case, attributes, shelf_life_days, serial_tracked, retired, used = row
    return Product(
        sku=sku,
        units_per_case=units_per_case,
        attributes={} if attributes == "{}" else json.loads(attributes),
        shelf_life_days=shelf_life_days,
        serial_tracked=bool(serial_tracked),
        retired=bool(retired),
        used=bool(used),
    )


def _row(item: ProductItem, owner_id: str, at_us: int) -> dict[str, SqlValue]:
    return {
        "owner_id": owner_id,
        "sku": item.sku_id,
        "name": item.sku_name,
        "barcodes": to_json(item.barcodes).decode(),
        "unit": item.unit,
        "units_per_case": item.units_per_case,
        "case_barcodes": to_json(item.case_barcodes).decode(),
        "weight_kg": item.weight_kg,
        "shelf_life_days": item.shelf_life_days,
        "serial_tracked": int(item.serial_tracked),
        "attributes": to_json(item.attributes).decode(),
        "version": item.version,
        "updated_at": at_us,
        "type": item.type or "",
        "retired_at": at_us if item.retired else None,
    }
