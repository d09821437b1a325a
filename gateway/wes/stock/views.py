"""What there is: by SKU, by lot, by position, by location (S3-1…4); zero rows are kept and not shown.

Lists come in pages: each names what the next one begins after, so that a page costs the same wherever it is.
"""

from dataclasses import dataclass
from typing import Final

from gateway.contract.corrections import LotOrder
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.stock.model import Balance, Holder, Lot, Pool, Quality
from gateway.wes.stock.rows import (
    HOLDER_COLUMNS,
    LOT_COLUMNS,
    POOL_COLUMNS,
    balance_of,
    holder_of,
    lot_of,
    pool_of,
)

PAGE_MAX: Final = 1_001
"""Rows; one more than a page of the interface has, which tells whether there is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Stock of one lot at one holder: level 3.

    Attributes:
        free: what can be fetched for something new; nothing of a lot that may not be used.
    """

    sku: str
    lot: Lot
    holder: Holder
    balance: Balance
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Stock of one SKU of one owner at one location, in whatever holders stand there."""

    location_id: str
    owner_id: str
    sku: str
    balance: Balance


@dataclass(frozen=True, slots=True)
class Lots:
    """Which lots of an owner; what is None does not matter."""

    warehouse_id: str
    owner_id: str
    sku: str | None = None
    quality: Quality | None = None


LotPlace = tuple[int, int]
"""Where in an order of lots: the key and the lot id."""


_POOL: Final = f"""SELECT {POOL_COLUMNS} FROM pools
WHERE warehouse_id = :warehouse_id AND owner_id = :owner_id AND sku = :sku"""
_POOLS: Final = f"""SELECT {POOL_COLUMNS} FROM pools
WHERE warehouse_id = :warehouse_id AND owner_id = :owner_id AND sku > :after ORDER BY sku LIMIT :limit"""


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


_NEVER: Final = "999999999999999999"
_KEYS: Final = {
    LotOrder.FIFO: "lots.received_at",
    LotOrder.FEFO: f"COALESCE(lots.expiry_at, {_NEVER})",
    LotOrder.LIFO: "-lots.received_at",
}
FIRST: Final = (-(10**18), 0)
_LOTS: Final = {
    order: f"""SELECT {{key}}, pools.sku, {_of("lots", LOT_COLUMNS)} FROM lots JOIN pools ON pools.pool_id = lots.pool_id
    WHERE {{which}} AND lots.quantity > 0 AND ({{key}}, lots.lot_id) > (:key, :lot_id)
    ORDER BY {{key}}, lots.lot_id LIMIT :limit""".replace("{key}", key)
    for order, key in _KEYS.items()
}
_LOT_CONDITIONS: Final = {
    "warehouse_id": "pools.warehouse_id = :warehouse_id",
    "owner_id": "pools.owner_id = :owner_id",
    "sku": "pools.sku = :sku",
    "quality": "lots.quality = :quality",
}

_POSITION: Final = f"""SELECT positions.quantity, 0, positions.allocated, positions.held, pools.sku,
{_of("lots", LOT_COLUMNS)}, {_of("holders", HOLDER_COLUMNS)}
FROM positions JOIN lots ON lots.lot_id = positions.lot_id JOIN pools ON pools.pool_id = lots.pool_id
JOIN holders ON holders.holder_id = positions.holder_id WHERE positions.quantity > 0"""
_LOT_ENDS: Final = 5 + len(LOT_COLUMNS.split(","))
_OF_POOL: Final = f"""{_POSITION} AND lots.pool_id = :pool_id AND lots.quantity > 0
AND (CAST(:only AS BIGINT) IS NULL OR lots.lot_id = CAST(:only AS BIGINT))
AND (CAST(:zone AS TEXT) IS NULL OR holders.zone = CAST(:zone AS TEXT))
AND (positions.lot_id, positions.holder_id) > (:lot_id, :holder_id)
ORDER BY positions.lot_id, positions.holder_id LIMIT :limit"""
_IN_HOLDER: Final = f"""{_POSITION} AND positions.holder_id = :holder_id AND positions.lot_id > :after
ORDER BY positions.lot_id LIMIT :limit"""

_PRODUCTS: Final = """SELECT holders.location_id, pools.owner_id, pools.sku, CAST(SUM(positions.quantity) AS BIGINT), 0,
CAST(SUM(positions.allocated) AS BIGINT), CAST(SUM(positions.held) AS BIGINT)
FROM holders JOIN positions ON positions.holder_id = holders.holder_id
JOIN lots ON lots.lot_id = positions.lot_id JOIN pools ON pools.pool_id = lots.pool_id
WHERE holders.warehouse_id = :warehouse_id AND positions.quantity > 0 AND {where}
GROUP BY holders.location_id, pools.owner_id, pools.sku ORDER BY holders.location_id, pools.owner_id, pools.sku"""
_AT_LOCATION: Final = _PRODUCTS.format(where="holders.location_id = :location_id")
_BY_LOCATION: Final = _PRODUCTS.format(
    where="""holders.location_id IN (SELECT DISTINCT location_id FROM holders AS standing
    WHERE warehouse_id = :warehouse_id AND location_id > :after AND EXISTS (
        SELECT 1 FROM positions WHERE positions.holder_id = standing.holder_id AND positions.quantity > 0)
    ORDER BY location_id LIMIT :limit)"""
)


async def find_pool(tx: Tx, warehouse_id: str, owner_id: str, sku: str) -> Pool | None:
    """Return the stock of one SKU: what is there, promised, available, sellable."""
    rows = await tx.fetch(_POOL, {"warehouse_id": warehouse_id, "owner_id": owner_id, "sku": sku})
    return pool_of(rows[0]) if rows else None


async def stock_by_sku(
    tx: Tx, warehouse_id: str, owner_id: str, after: str = "", limit: int = PAGE_MAX
) -> list[Pool]:
    """Return an owner's stock by SKU (S3-1); the next page comes after the last SKU."""
    params = {"warehouse_id": warehouse_id, "owner_id": owner_id, "after": after, "limit": _page(limit)}
    return [pool_of(row) for row in await tx.fetch(_POOLS, params)]


async def stock_by_lot(
    tx: Tx,
    wanted: Lots,
    order: LotOrder = LotOrder.FIFO,
    after: LotPlace = FIRST,
    limit: int = PAGE_MAX,
) -> list[tuple[LotPlace, str, Lot]]:
    """Return lots that are in stock with their SKUs (S3-3, S2-119); the next page comes after the last one's place."""
    params: dict[str, SqlValue] = {"key": after[0], "lot_id": after[1], "limit": _page(limit)}
    conditions: list[str] = []
    for name, condition in _LOT_CONDITIONS.items():
        if (value := getattr(wanted, name)) is not None:
            params[name] = value
            conditions.append(condition)
    rows = await tx.fetch(_LOTS[order].format(which=" AND ".join(conditions)), params)
    lots = [(row[0], row[1], lot_of(row[2:])) for row in rows]
    return [((key, lot.lot_id), sku, lot) for key, sku, lot in lots]


async def positions_of_pool(
    tx: Tx,
    pool_id: int,
    zone: str | None = None,
    after: tuple[int, str] = (0, ""),
    limit: int = PAGE_MAX,
    lot_id: int | None = None,
) -> list[Position]:
    """Return all lots and places of a SKU (S3-4), perhaps of one zone (S2-118) or lot; the next page comes after (lot, holder)."""
    last_lot, holder_id = after
    params = {
        "pool_id": pool_id,
        "zone": zone,
        "only": lot_id,
        "lot_id": last_lot,
        "holder_id": holder_id,
        "limit": _page(limit),
    }
    return [_position(row) for row in await tx.fetch(_OF_POOL, params)]


async def positions_in_holder(
    tx: Tx, holder_id: str, after: int = 0, limit: int = PAGE_MAX
) -> list[Position]:
    """Return what a container or a place has; the next page comes after the last lot id."""
    rows = await tx.fetch(_IN_HOLDER, {"holder_id": holder_id, "after": after, "limit": _page(limit)})
    return [_position(row) for row in rows]


async def stock_at_location(tx: Tx, warehouse_id: str, location_id: str) -> list[Product]:
    """Return what stands at a location, by SKU (S3-2)."""
    rows = await tx.fetch(_AT_LOCATION, {"warehouse_id": warehouse_id, "location_id": location_id})
    return [_product(row) for row in rows]


async def stock_by_location(
    tx: Tx, warehouse_id: str, after: str = "", limit: int = PAGE_MAX
) -> list[Product]:
    """Return what stands at so many locations in stock, by SKU (S3-2).

    The next page comes after the last location; the last page is empty.
    """
    params = {"warehouse_id": warehouse_id, "after": after, "limit": _page(limit)}
    return [_product(row) for row in await tx.fetch(_BY_LOCATION, params)]


def _page(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))


def _position(row: Row) -> Position:
    lot, holder = lot_of(row[5:_LOT_ENDS]), holder_of(row[_LOT_ENDS:])
    balance = balance_of(row[:4])
    free = balance.free if lot.quality is Quality.QUALIFIED else 0
    return Position(sku=row[4], lot=lot, holder=holder, balance=balance, free=free)


def _product(row: Row) -> Product:
    location_id, owner_id, sku = row[:3]
    return Product(location_id=location_id, owner_id=owner_id, sku=sku, balance=balance_of(row[3:]))
