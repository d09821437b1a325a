"""What goes to history is whole: every column of every table of an order, and orders that went through stations."""

import pytest

from gateway.kernel.ports import Tx
from gateway.store.inline import open_inline
from gateway.wes.orders.history import DAY_US, MOVED, SHARED, carry_over, find_history
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.verify import verify
from tests.unit.station_rig import station
from tests.unit.test_wes_chain import fill, order

pytestmark = pytest.mark.unit

ELSEWHERE = {
    *(
        "pools",
        "lots",
        "holders",
        "positions",
        "replenishments",
        "units",
        "stock_events",
        "ledger",
        "stock_syncs",
    ),
    *(
        "products",
        "returns",
        "return_lines",
        "arrivals",
        "arrival_lines",
        "waves",
        "wall_slots",
        "stations",
        "cursors",
        "barcodes",
        "blocked_places",
        "count_lines",
        "count_rounds",
        "counts",
        "recalls",
        "unit_moves",
        "transfers",
        "transfer_lines",
        "transfer_tasks",
        "transfer_log",
        "reports",
        "overtaken",
        "id_blocks",
        "migrations",
    ),
    *("outbox", "inbox", "replies", "acts", "decisions", "order_history"),
}
"""Tables that are of no order alone, with a keeping of their own."""


async def test_every_column_of_an_orders_documents_is_kept() -> None:
    """A migration that adds a table or a column has to say here where it goes."""
    async with open_inline(None, MIGRATIONS) as store:

        async def job(tx: Tx) -> dict[str, list[str]]:
            tables = await tx.fetch(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            return {
                name: [row[0] for row in await tx.fetch(f"SELECT name FROM pragma_table_info('{name}')")]
                for (name,) in tables
            }

        schema = await store.read(job)
    kept = {each.table: each.columns.split(", ") for each in (*MOVED, *SHARED)}
    assert schema.keys() - ELSEWHERE == kept.keys()
    assert {table: sorted(schema[table]) for table in kept} == {table: sorted(kept[table]) for table in kept}


async def test_an_order_that_was_picked_into_the_wall_and_shipped_goes_and_leaves_nothing() -> None:
    async with station(keep_days=30) as line:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        await order(line, "C-1", ("A", 2), ("B", 3))
        await line.finish()
        for _ in range(10):
            await line.turn()
        core = line.core
        await core.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
        core.clock.at_us += 31 * DAY_US
        await carry_over(core.store, core.context)
        tables = [each.table for each in (*MOVED, *SHARED)]
        assert sum((await core.count(*tables)).values()) == 0
        ((order_no,),) = await core.rows("SELECT oms_order_no FROM order_history")
        kept = await core.store.read(lambda tx: find_history(tx, order_no))
        assert kept is not None
        assert kept.rows("orders", "code") == [(190,)]
        assert all(
            kept.tables[table] for table in ("picks", "packages", "wall_puts", "presentations", "operations")
        )
        assert await core.store.read(lambda tx: verify(tx, core.clock.now_us())) == []
