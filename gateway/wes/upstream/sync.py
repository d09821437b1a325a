"""What upstream may sell, told when it changes, by schedule and as a whole (S4-18…25).

Nothing is told at the moment of the change: what upstream was last told is compared with what is true, and only the difference
goes out. So many changes of one product make one message, and a message that was missed is made up for by the next look.
Each message carries a version that grows by product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from gateway.contract.clock import Micros
from gateway.contract.faults import FieldError
from gateway.contract.wms import ChangeType, InventoryBatch, InventoryMessage, ResultCode
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Row, Store, Tx
from gateway.site import rules
from gateway.site.rules import Sync
from gateway.wes.context import WesContext
from gateway.wes.orders.catalogue import known_skus
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.rows import family
from gateway.wes.outbox import is_told, tell_batch, tell_stock
from gateway.wes.stock.model import Pool
from gateway.wes.stock.rows import POOL_COLUMNS, pool_of

LIMIT: Final = 1_000
"""Products that one look takes up."""

_POOL: Final = ", ".join(f"p.{name}" for name in POOL_COLUMNS.split(", "))
_SELLABLE: Final = "p.quantity - p.reserved - p.held - p.safety"
_DIFFERS: Final = (
    "SELECT p.pool_id FROM pools p LEFT JOIN stock_syncs s ON s.pool_id = p.pool_id"
    f" WHERE COALESCE(s.available, -1) <> CASE WHEN {_SELLABLE} > 0 THEN {_SELLABLE} ELSE 0 END AND p.pool_id > :after"
)
_JUST_NOW: Final = f"{_DIFFERS} AND p.pool_id IN (SELECT pool_id FROM ledger WHERE at >= :since)"
_PAGE: Final = " ORDER BY p.pool_id LIMIT :limit"
_ALL: Final = f"SELECT p.pool_id FROM pools p WHERE p.pool_id > :after{_PAGE}"
_NAMED: Final = "SELECT pool_id FROM pools WHERE warehouse_id = :warehouse_id AND sku = :sku"
_LOOK: Final = (
    f"SELECT {_POOL}, s.available, s.version, products.attributes FROM pools p"
    " LEFT JOIN stock_syncs s ON s.pool_id = p.pool_id"
    " LEFT JOIN products ON products.owner_id = p.owner_id AND products.sku = p.sku WHERE p.pool_id = :pool_id"
)
# Who tells has the turn until the transaction ends: of two that look at the same moment, the later one to tell may have seen less.
_TURN: Final = "INSERT INTO cursors (name, seq) VALUES ('stockSync', 0) ON CONFLICT (name) DO UPDATE SET seq = cursors.seq"
_TOLD: Final = (
    "INSERT INTO stock_syncs (pool_id, available, version, at_us) VALUES (:pool_id, :available, :version, :at_us)"
    " ON CONFLICT (pool_id) DO UPDATE SET available = excluded.available, version = excluded.version,"
    " at_us = excluded.at_us"
)


@dataclass(frozen=True, slots=True)
class Look:
    """A pool as it is, and what upstream was last told of it."""

    pool: Pool
    told: int
    version: int
    way: Sync

    @property
    def change(self) -> int:
        """What upstream does not know yet."""
        return self.pool.sellable - self.told

    @property
    def is_due(self) -> bool:
        """Whether there is something to tell: a difference, a schedule, or a product that was never told."""
        return self.change != 0 or self.way is Sync.SCHEDULED or self.version == 0


async def sync_just_now(store: Store, context: WesContext, since: Micros) -> None:
    """Tell changes since then of the products that upstream wants to hear of at once."""
    if Sync.REAL_TIME not in context.rules.outcomes(rules.SYNC):
        return
    await _sync(store, context, f"{_JUST_NOW}{_PAGE}", {"since": since}, (Sync.REAL_TIME,))


async def sync_at_once(tx: Tx, context: WesContext, pool_id: int) -> None:
    """Tell a change of one product in the commit that makes it, if upstream wants to hear of it at once: the ledger does not."""
    if is_told(context) and Sync.REAL_TIME in context.rules.outcomes(rules.SYNC):
        looks = await _look(tx, context, [pool_id])
        await _tell(tx, context, [look for look in looks if look.way is Sync.REAL_TIME and look.is_due])


async def sync_changed(store: Store, context: WesContext) -> None:
    """Tell whatever has changed since upstream was told."""
    if not {Sync.REAL_TIME, Sync.INCREMENTAL} & {*context.rules.outcomes(rules.SYNC)}:
        return
    await _sync(store, context, f"{_DIFFERS}{_PAGE}", {}, (Sync.REAL_TIME, Sync.INCREMENTAL))


async def sync_scheduled(store: Store, context: WesContext) -> None:
    """Tell the products that upstream wants to hear of by schedule, changed or not."""
    if Sync.SCHEDULED in context.rules.outcomes(rules.SYNC):
        await _sync(store, context, _ALL, {}, (Sync.SCHEDULED,))


async def sync_named(store: Store, context: WesContext, skus: Sequence[str]) -> None:
    """Tell these products now, changed or not.

    Raises:
        Declined: some are not known, each with its place; nothing is told.
    """
    named = [{"warehouse_id": context.wes.warehouse_id, "sku": sku} for sku in dict.fromkeys(skus)]

    async def job(tx: Tx) -> None:
        known = await known_skus(tx, skus)
        if unknown := [
            FieldError(
                f"skuIds[{place}]", "unknownSku", f"no product {sku}: send it by /api/wms/product/sync first"
            )
            for place, sku in enumerate(skus)
            if sku not in known
        ]:
            raise Declined(ResultCode.INVALID, *unknown)
        pools = [row[0] for row in await tx.fetch_many(_NAMED, named)]
        await _tell(tx, context, await _look(tx, context, pools))

    await store.write(job)


async def sync_full(store: Store, context: WesContext, name: str) -> None:
    """Tell everything, in batches (S4-24).

    Args:
        store: where stock is.
        context: settings, rules, numbers, time.
        name: of this calibration; its batches are numbered.
    """
    size = context.wes.upstream.sync.batch
    after, number = 0, 0

    async def job(tx: Tx) -> int:
        pools = [row[0] for row in await tx.fetch(_ALL, {"after": after, "limit": size})]
        if pools:
            await _tell_batch(tx, context, f"{name}-{number}", await _look(tx, context, pools))
        return pools[-1] if len(pools) == size else -1

    while (last := await store.write(job)) >= 0:
        after, number = last, number + 1


async def _sync(
    store: Store, context: WesContext, sql: str, params: dict[str, Any], ways: Sequence[Sync]
) -> None:
    after = 0

    async def find(tx: Tx) -> list[int]:
        return [row[0] for row in await tx.fetch(sql, {**params, "after": after, "limit": LIMIT})]

    async def tell(tx: Tx) -> None:
        looks = await _look(tx, context, pools)
        await _tell(tx, context, [look for look in looks if look.way in ways and look.is_due])

    while pools := await store.read(find):
        await store.write(tell)
        if len(pools) < LIMIT:
            return
        after = pools[-1]


async def _look(tx: Tx, context: WesContext, pools: Sequence[int]) -> list[Look]:
    """Return pools as they are and as upstream knows them, nobody else telling it anything until the transaction ends."""
    await tx.execute(_TURN)
    rows = await tx.fetch_many(_LOOK, [{"pool_id": pool_id} for pool_id in pools])
    return [_look_of(context, row) for row in rows]


def _look_of(context: WesContext, row: Row) -> Look:
    pool, (told, version, attributes) = pool_of(row[:-3]), row[-3:]
    facts = {
        "owner": pool.owner_id,
        "sku": pool.sku,
        "available": pool.sellable,
        **family("product", from_json(attributes or "{}")),
    }
    return Look(pool, told or 0, version or 0, context.rules.decide(rules.SYNC, facts))


async def _tell(tx: Tx, context: WesContext, looks: Sequence[Look]) -> None:
    at_us = context.clock.now_us()
    for look in looks:
        kind = (
            ChangeType.INCREASE
            if look.change > 0
            else ChangeType.DECREASE
            if look.change
            else ChangeType.SNAPSHOT
        )
        await tell_stock(tx, context, _message(look, kind, at_us))
    await _note(tx, looks, at_us)


async def _tell_batch(tx: Tx, context: WesContext, batch_id: str, looks: Sequence[Look]) -> None:
    at_us = context.clock.now_us()
    items = tuple(_message(look, ChangeType.FULL_SYNC, at_us) for look in looks)
    await tell_batch(
        tx, context, InventoryBatch(warehouse_id=context.wes.warehouse_id, batch_id=batch_id, items=items)
    )
    await _note(tx, looks, at_us)


def _message(look: Look, kind: ChangeType, at_us: Micros) -> InventoryMessage:
    return InventoryMessage(
        warehouse_id=look.pool.warehouse_id,
        owner_id=look.pool.owner_id,
        sku_id=look.pool.sku,
        available_qty=look.pool.sellable,
        change_type=kind,
        change_qty=look.change,
        version=look.version + 1,
        timestamp=to_datetime(at_us),
    )


async def _note(tx: Tx, looks: Sequence[Look], at_us: Micros) -> None:
    rows = [
        {
            "pool_id": look.pool.pool_id,
            "available": look.pool.sellable,
            "version": look.version + 1,
            "at_us": at_us,
        }
        for look in looks
    ]
    await tx.execute_many(_TOLD, rows)
