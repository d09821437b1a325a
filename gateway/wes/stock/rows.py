"""Pools, lots and holders as the database keeps them."""

from typing import Final

from gateway.kernel.ports import Row, Tx
from gateway.wes.stock.model import Balance, Holder, HolderKind, Lot, Pool, Quality

_BALANCE = "quantity, reserved, allocated, held"
POOL_COLUMNS: Final = f"pool_id, warehouse_id, owner_id, sku, safety, {_BALANCE}"
LOT_COLUMNS: Final = (
    "lot_id, pool_id, lot_no, supplier, production_at, expiry_at, received_at, quality, serial, unplaced, barred, recalled,"
    f" {_BALANCE}"
)
LOCK_LOT: Final = f"UPDATE lots SET quality = quality WHERE lot_id = :lot_id RETURNING {LOT_COLUMNS}"
HOLDER_COLUMNS: Final = "holder_id, kind, warehouse_id, location_id, zone, distance"


def balance_of(row: Row) -> Balance:
    """Read quantity, reserved, allocated, held."""
    quantity, reserved, allocated, held = row
    return Balance(quantity=quantity, reserved=reserved, allocated=allocated, held=held)


def pool_of(row: Row) -> Pool:
    """Read POOL_COLUMNS."""
    pool_id, warehouse_id, owner_id, sku, safety = row[:5]
    return Pool(
        pool_id=pool_id,
        warehouse_id=warehouse_id,
        owner_id=owner_id,
        sku=sku,
        safety=safety,
        balance=balance_of(row[5:9]),
    )


def lot_of(row: Row) -> Lot:
    """Read LOT_COLUMNS."""
    lot_id, pool_id, lot_no, supplier, production_at, expiry_at, received_at = row[:7]
    quality, serial, unplaced, barred, recalled = row[7:12]
    return Lot(
        lot_id=lot_id,
        pool_id=pool_id,
        lot_no=lot_no,
        supplier=supplier,
        production_at=production_at,
        expiry_at=expiry_at,
        received_at=received_at,
        quality=Quality(quality),
        serial=bool(serial),
        unplaced=unplaced,
        barred=barred,
        recalled=bool(recalled),
        balance=balance_of(row[12:16]),
    )


def holder_of(row: Row) -> Holder:
    """Read HOLDER_COLUMNS."""
    holder_id, kind, warehouse_id, location_id, zone, distance = row[:6]
    return Holder(
        holder_id=holder_id,
        kind=HolderKind(kind),
        warehouse_id=warehouse_id,
        location_id=location_id,
        zone=zone,
        distance=distance,
    )


async def lock_lot(tx: Tx, lot_id: int) -> Lot:
    """Return a lot that is known, and that nobody else judges, recalls or promises until the transaction ends."""
    (row,) = await tx.fetch(LOCK_LOT, {"lot_id": lot_id})
    return lot_of(row)


async def load_lot(tx: Tx, lot_id: int) -> Lot | None:
    """Return a lot."""
    rows = await tx.fetch(f"SELECT {LOT_COLUMNS} FROM lots WHERE lot_id = :lot_id", {"lot_id": lot_id})
    return lot_of(rows[0]) if rows else None
