"""New pools, lots and holders; and where holders stand. Nothing here changes a balance.

Opening what is open already returns it: two trucks bring the same batch. What would make it another thing is refused.
"""

from dataclasses import asdict, dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.wes.ids import Ids
from gateway.wes.stock.model import PICK_TO_LOCATION, Holder, HolderKind, Lot, Quality, Virtual
from gateway.wes.stock.refusal import Differs, Level, Nowhere, StockRefused
from gateway.wes.stock.rows import HOLDER_COLUMNS, LOT_COLUMNS, holder_of, lot_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A lot as its goods arrive.

    Attributes:
        lot_no: '' for goods without batches.
        serial: every unit of it is known by its UPN.
    """

    warehouse_id: str
    owner_id: str
    sku: str
    received_at: Micros
    lot_no: str = ""
    supplier: str = ""
    production_at: Micros | None = None
    expiry_at: Micros | None = None
    quality: Quality = Quality.QUALIFIED
    serial: bool = False


_POOL = """INSERT INTO pools (pool_id, warehouse_id, owner_id, sku) VALUES (:pool_id, :warehouse_id, :owner_id, :sku)
ON CONFLICT (warehouse_id, owner_id, sku) DO NOTHING"""
_POOL_ID = (
    "SELECT pool_id FROM pools WHERE warehouse_id = :warehouse_id AND owner_id = :owner_id AND sku = :sku"
)

_LOT = """INSERT INTO lots (lot_id, pool_id, lot_no, supplier, production_at, expiry_at, received_at, quality, serial)
VALUES (:lot_id, :pool_id, :lot_no, :supplier, :production_at, :expiry_at, :received_at, :quality, :serial)
ON CONFLICT (pool_id, lot_no) DO NOTHING"""
_FACTS: Final = ("supplier", "production_at", "expiry_at", "serial")
"""What cannot differ within a batch. The day of its first arrival decides FIFO; its quality may have changed since."""

_TAKE_SAFETY: Final = "UPDATE pools SET safety = safety WHERE pool_id = :pool_id RETURNING safety"
_SAFETY: Final = "UPDATE pools SET safety = :safety WHERE pool_id = :pool_id"
_HOLDER = """INSERT INTO holders (holder_id, kind, warehouse_id, location_id, zone, distance)
VALUES (:holder_id, :kind, :warehouse_id, :location_id, :zone, :distance) ON CONFLICT (holder_id) DO NOTHING"""
_STAND = """UPDATE holders SET location_id = :location_id, zone = :zone, distance = :distance,
removed_at = CASE WHEN CAST(:location_id AS TEXT) IS NULL THEN removed_at END
WHERE holder_id = :holder_id AND kind <> 'outside'"""


async def open_pool(tx: Tx, ids: Ids, warehouse_id: str, owner_id: str, sku: str) -> int:
    """Return the pool's id; the pool is new if there is none."""
    params = {"warehouse_id": warehouse_id, "owner_id": owner_id, "sku": sku}
    rows = await tx.fetch(_POOL_ID, params)
    if not rows:
        await tx.execute(_POOL, params | {"pool_id": ids.next()})
        rows = await tx.fetch(_POOL_ID, params)
    return rows[0][0]


async def open_lot(tx: Tx, ids: Ids, batch: Batch) -> Lot:
    """Return the lot of a batch; it is new if there is none of this number.

    Raises:
        StockRefused: there is one, and supplier, dates or kind differ.
    """
    pool_id = await open_pool(tx, ids, batch.warehouse_id, batch.owner_id, batch.sku)
    facts = asdict(batch) | {"pool_id": pool_id, "lot_id": ids.next(), "serial": int(batch.serial)}
    for name in ("warehouse_id", "owner_id", "sku"):
        del facts[name]
    await tx.execute(_LOT, facts)
    rows = await tx.fetch(
        f"SELECT {LOT_COLUMNS} FROM lots WHERE pool_id = :pool_id AND lot_no = :lot_no",
        {"pool_id": pool_id, "lot_no": batch.lot_no},
    )
    lot = lot_of(rows[0])
    for name in _FACTS:
        asked, there = getattr(batch, name), getattr(lot, name)
        if asked != there:
            raise StockRefused(Differs("lot", batch.lot_no, name, str(asked), str(there)))
    return lot


async def open_warehouse(tx: Tx, warehouse_id: str, pick_to: str = PICK_TO_LOCATION) -> None:
    """Open a warehouse's own accounts.

    Args:
        tx: the job's transaction.
        warehouse_id: the warehouse.
        pick_to: location of what has been picked (S1-27).
    """
    places = {Virtual.PICK_TO: pick_to}
    for virtual in Virtual:
        await open_holder(
            tx,
            Holder(
                holder_id=virtual.of(warehouse_id),
                kind=HolderKind.VIRTUAL,
                warehouse_id=warehouse_id,
                location_id=places.get(virtual, virtual),
            ),
        )


async def open_holder(tx: Tx, holder: Holder) -> None:
    """Open a holder; one that is open stays where it stands.

    Raises:
        StockRefused: another kind of thing, or one of another warehouse, has this id.
    """
    if await tx.execute(_HOLDER, asdict(holder)):
        return
    rows = await tx.fetch(
        f"SELECT {HOLDER_COLUMNS} FROM holders WHERE holder_id = :holder_id", {"holder_id": holder.holder_id}
    )
    there = holder_of(rows[0])
    for name in ("kind", "warehouse_id"):
        asked, found = getattr(holder, name), getattr(there, name)
        if asked != found:
            raise StockRefused(Differs("holder", holder.holder_id, name, asked, found))


async def stand(
    tx: Tx, holder_id: str, location_id: str | None, zone: str = "", distance: float | None = None
) -> None:
    """Note where a holder stands, with everything in it (S3-28 for whole containers: no figure changes).

    Raises:
        StockRefused: there is no such holder.
    """
    params = {"holder_id": holder_id, "location_id": location_id, "zone": zone, "distance": distance}
    if not await tx.execute(_STAND, params):
        raise StockRefused(Nowhere(Level.POSITION, (holder_id,)))


async def set_safety(tx: Tx, pool_id: int, safety: int) -> int:
    """Say how much of a pool is never shown to upstream (S4-21); return how much it was."""
    if safety < 0:
        raise ValueError(f"{safety} is not a safety stock")
    rows = await tx.fetch(_TAKE_SAFETY, {"pool_id": pool_id})
    if not rows:
        raise StockRefused(Nowhere(Level.POOL, (pool_id,)))
    await tx.execute(_SAFETY, {"safety": safety, "pool_id": pool_id})
    return rows[0][0]
