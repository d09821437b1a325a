"""(f) Stock in SQLite: two-line orders of 64 callers; questions, memory and proof at 1,000,000 positions."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from gateway.store.database import open_writer
from gateway.store.inline import reading_sqlite
from gateway.store.sqlite import open_sqlite
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.verify import verify
from tests.bench.figures import Figure, percentile, spread
from tests.bench.inventory import NOW, POSITIONS, SKUS, ask_bare, build, sum_bare
from tests.bench.processes import line_of, running
from tests.stock.race import orders_of, race, stock

CALLERS: Final = 64
ORDERS: Final = 8_000
UNITS: Final = 200_000
BATCH: Final = 64


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure promises, then a large warehouse."""
    say(f"stock: {ORDERS} orders")
    return [await _promises(folder), *await _large(folder, say)]


async def _promises(folder: Path) -> Figure:
    async with open_sqlite(folder / "promises.db", MIGRATIONS) as store:
        await stock(store, UNITS)
        orders = orders_of(ORDERS, UNITS, Random(1))
        started = time.monotonic()
        outcome = await race(store, orders, CALLERS)
        taken = time.monotonic() - started
    assert (outcome.oversold, outcome.false_refusals) == (0, 0), outcome
    return Figure(
        name="f1 promises",
        what=f"two-line orders whose stock is chosen and reserved durably, {CALLERS} callers, 10 hot SKUs",
        unit="1/s",
        value=ORDERS / taken,
        wanted="at least",
        target=500,
        floor=_floor(folder),
        floor_is="sqlite3 alone updates two rows and inserts three for each, 64 to a commit",
        details={"accepted": outcome.accepted, "refused": outcome.refused},
    )


def _floor(folder: Path) -> float:
    with closing(open_writer(folder / "floor.db", MIGRATIONS)) as connection:
        connection.execute("CREATE TABLE stock (sku BIGINT PRIMARY KEY, there BIGINT, reserved BIGINT)")
        connection.execute(
            "CREATE TABLE log (number BIGINT, line BIGINT, sku BIGINT, PRIMARY KEY (number, line))"
        )
        connection.executemany("INSERT INTO stock VALUES (?, ?, 0)", [(sku, UNITS) for sku in range(10)])
        started = time.monotonic()
        for batch in _batches():
            connection.execute("BEGIN")
            for number in batch:
                for line in range(2):
                    connection.execute(
                        "UPDATE stock SET reserved = reserved + 1 WHERE sku = ? AND reserved < there RETURNING reserved",
                        ((number + line) % 10,),
                    ).fetchall()
                rows = [(number, line, line) for line in range(3)]
                connection.executemany("INSERT INTO log VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        return ORDERS / (time.monotonic() - started)


def _batches() -> Iterator[range]:
    for first in range(0, ORDERS, BATCH):
        yield range(first, min(first + BATCH, ORDERS))


async def _large(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    database = folder / "large.db"
    say(f"stock: {POSITIONS} positions")
    await asyncio.to_thread(build, database)
    say("stock: questions")
    async with running(folder / "inventory.log", "tests.bench.inventory", str(database)) as process:
        answer = json.loads(await line_of(process))
    taken: dict[str, list[float]] = answer["ms"]
    bare = ask_bare(database)
    size = f"{SKUS:,} SKUs, {POSITIONS:,} positions"
    say("stock: proof")
    started = time.monotonic()
    async with reading_sqlite(database) as tx:
        assert await verify(tx, NOW) == []
    proof = time.monotonic() - started
    return [
        Figure(
            name="f2 questions",
            what=f"questions about stock of all kinds, {size}, p99",
            unit="ms",
            value=percentile([each for kind in taken.values() for each in kind], 99),
            wanted="at most",
            target=20,
            floor=percentile(bare, 99),
            floor_is="sqlite3 alone reads one row of one SKU",
            details={kind: spread(samples) for kind, samples in taken.items()},
        ),
        Figure(
            name="f3 memory",
            what=f"resident memory of a process that answers them, {size}",
            unit="MB",
            value=answer["memory"],
            wanted="at most",
            target=400,
            floor=answer["before"],
            floor_is="the same process before it opens the database",
        ),
        Figure(
            name="f4 proof",
            what=f"the verifier proves that stock agrees with its ledger, {size}",
            unit="s",
            value=proof,
            wanted="at most",
            target=120,
            floor=sum_bare(database),
            floor_is="sqlite3 alone sums up ledger and positions by lot",
        ),
    ]
