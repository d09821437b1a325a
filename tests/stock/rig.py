"""A small warehouse to try stock with: lots A and B of one SKU in totes, and what a test needs to say in one line."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.wes.ids import Ids, take_ids
from gateway.wes.stock.model import Act, Balance, Event, Holder, HolderKind, Lot, Portion, Share, Virtual
from gateway.wes.stock.opening import Batch, open_holder, open_lot, open_warehouse
from gateway.wes.stock.post import Posted, post
from gateway.wes.stock.refusal import Reason, StockRefused
from gateway.wes.stock.rows import balance_of, load_lot
from gateway.wes.stock.verbs import receive

T = TypeVar("T")

WH = "WH1"
RCV = Virtual.RCV_AREA.of(WH)
PICK_TO = Virtual.PICK_TO.of(WH)
TOTES = ("TOTE-1", "TOTE-2", "TOTE-3")
NOON = 1_700_000_000_000_000
DAY = 86_400_000_000


@dataclass(slots=True)
class Warehouse:
    """A store with an open warehouse in it."""

    store: Store
    ids: Ids
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def act(self, event_id: str | None = None, *, at: int = NOON, reason: str = "") -> Act:
        return Act(
            event_id=event_id or f"event-{next(self._numbers)}",
            document_kind="test",
            document_id="T-1",
            operator="tester",
            at=at,
            reason=reason,
        )

    async def do(self, event: Event) -> Posted:
        return await self.store.write(lambda tx: post(tx, event))

    async def refused(self, event: Event) -> Reason:
        try:
            await self.do(event)
        except StockRefused as refused:
            return refused.reason
        raise AssertionError("it was not refused")

    async def lot(self, sku: str = "SKU-1", lot_no: str = "A", **facts: object) -> Lot:
        batch = Batch(
            **{  # pyright: ignore[reportArgumentType]
                "warehouse_id": WH,
                "owner_id": "OWNER",
                "sku": sku,
                "lot_no": lot_no,
                "received_at": NOON,
                **facts,
            }
        )
        return await self.store.write(lambda tx: open_lot(tx, self.ids, batch))

    async def stocked(self, quantity: int, holder_id: str = "TOTE-1", **facts: object) -> Lot:
        """Open a lot and receive some of it."""
        lot = await self.lot(**facts)  # pyright: ignore[reportArgumentType]
        await self.do(receive(self.act(), lot, Portion(holder_id, lot.lot_id, quantity)))
        return await self.now(lot)

    async def now(self, lot: Lot) -> Lot:
        found = await self.store.read(lambda tx: load_lot(tx, lot.lot_id))
        assert found is not None
        return found

    async def at_pool(self, lot: Lot) -> Balance:
        return balance_of(
            (
                await self.rows(
                    f"SELECT quantity, reserved, allocated, held FROM pools WHERE pool_id = {lot.pool_id}"
                )
            )[0]
        )

    async def at(self, holder_id: str, lot: Lot) -> Balance:
        rows = await self.rows(
            "SELECT quantity, 0, allocated, held FROM positions WHERE holder_id = :holder_id AND lot_id = :lot_id",
            {"holder_id": holder_id, "lot_id": lot.lot_id},
        )
        return balance_of(rows[0]) if rows else Balance()

    async def rows(self, sql: str, params: dict[str, SqlValue] | None = None) -> list[Row]:
        async def job(tx: Tx) -> list[Row]:
            return [tuple(row) for row in await tx.fetch(sql, params)]

        return await self.store.read(job)

    async def write(self, *statements: str) -> None:
        async def job(tx: Tx) -> None:
            for sql in statements:
                await tx.execute(sql)

        await self.store.write(job)

    async def job(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.store.write(job)


async def build(store: Store) -> Warehouse:
    async def job(tx: Tx) -> None:
        await open_warehouse(tx, WH)
        for number, tote in enumerate(TOTES):
            await open_holder(
                tx,
                Holder(
                    holder_id=tote,
                    kind=HolderKind.CONTAINER,
                    warehouse_id=WH,
                    location_id=f"A1-{number}",
                    zone="A1",
                    distance=10.0 * (number + 1),
                ),
            )

    await store.write(job)
    return Warehouse(store, await take_ids(store))


def of(lot: Lot, quantity: int) -> Share:
    return Share(lot.lot_id, quantity)


def at(holder_id: str, lot: Lot, quantity: int, *units: str) -> Portion:
    return Portion(holder_id, lot.lot_id, quantity, units)


def figures(quantity: int = 0, reserved: int = 0, allocated: int = 0, held: int = 0) -> Balance:
    return Balance(quantity=quantity, reserved=reserved, allocated=allocated, held=held)
