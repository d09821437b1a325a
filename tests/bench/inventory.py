"""A warehouse of 100,000 SKUs and 1,000,000 positions, and a process that is asked about it.

Run as `python -m tests.bench.inventory DATABASE`: asks at random, prints milliseconds by kind of question, and its memory.
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from gateway.kernel.ports import Tx
from gateway.site.rules import Turnover
from gateway.store.database import open_writer
from gateway.store.sqlite import open_sqlite
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.strategy import Demand, choose_lots
from gateway.wes.stock.views import (
    find_pool,
    positions_in_holder,
    positions_of_pool,
    stock_at_location,
    stock_by_sku,
)

SKUS: Final = 100_000
LOTS: Final = 2 * SKUS
TOTES: Final = 200_000
HOLDERS_OF_A_LOT: Final = 5
POSITIONS: Final = LOTS * HOLDERS_OF_A_LOT
EACH: Final = 10
NOW: Final = 1_800_000_000_000_000
ASKED: Final = 400
"""Of each kind."""

# Lot j lies in the totes j, j + 40,000, …, so each tote has five lots too. The ledger has what brought them there.
_NUMBERS: Final = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
_TOTE: Final = f"printf('TOTE-%06d', (i / {HOLDERS_OF_A_LOT} + (i % {HOLDERS_OF_A_LOT}) * {TOTES // HOLDERS_OF_A_LOT}) % {TOTES})"
_OF_LOT: Final = EACH * HOLDERS_OF_A_LOT
_LEDGER: Final = (
    "event_id, line, at, pool_id, lot_id, holder_id, d_quantity, d_reserved, d_allocated, d_held,"
    " quantity_after, reserved_after, allocated_after, held_after"
)
STATEMENTS: Final = (
    (
        SKUS,
        f"INSERT INTO pools (pool_id, warehouse_id, owner_id, sku, quantity)"
        f" SELECT i, 'WH1', 'OWNER', printf('SKU-%06d', i), {2 * _OF_LOT} FROM n",
    ),
    (
        LOTS,
        f"INSERT INTO lots (lot_id, pool_id, lot_no, supplier, received_at, quality, serial, quantity)"
        f" SELECT i, i / 2, printf('L%d', i), '', i, 'qualified', 0, {_OF_LOT} FROM n",
    ),
    (
        TOTES,
        "INSERT INTO holders (holder_id, kind, warehouse_id, location_id, zone, distance)"
        " SELECT printf('TOTE-%06d', i), 'container', 'WH1', printf('A-%06d', i), 'A', i % 97 FROM n",
    ),
    (
        POSITIONS,
        f"INSERT INTO positions (holder_id, lot_id, quantity) SELECT {_TOTE}, i / {HOLDERS_OF_A_LOT}, {EACH} FROM n",
    ),
    (
        LOTS,
        "INSERT INTO stock_events (event_id, kind, document_kind, document_id, operator, reason, at)"
        " SELECT printf('build-%d', i), 'receive', 'bench', printf('B-%d', i), 'bench', '', i FROM n",
    ),
    (
        POSITIONS,
        f"INSERT INTO ledger ({_LEDGER})"
        f" SELECT printf('build-%d', i / {HOLDERS_OF_A_LOT}), i % {HOLDERS_OF_A_LOT}, i / {HOLDERS_OF_A_LOT},"
        f" i / {2 * HOLDERS_OF_A_LOT}, i / {HOLDERS_OF_A_LOT}, {_TOTE}, {EACH}, 0, 0, 0, {EACH}, NULL, 0, 0 FROM n",
    ),
    (
        LOTS,
        f"INSERT INTO ledger ({_LEDGER})"
        f" SELECT printf('build-%d', i), {HOLDERS_OF_A_LOT}, i, i / 2, i, 'SUPPLIER', -{_OF_LOT}, 0, 0, 0,"
        " NULL, NULL, NULL, NULL FROM n",
    ),
)


def of_numbers(rows: int) -> str:
    """Return the table of numbers below `rows` from which a statement makes its rows."""
    return _NUMBERS.format(last=rows - 1)


def build(database: Path) -> None:
    """Fill a new database."""
    with closing(open_writer(database, MIGRATIONS)) as connection:
        connection.execute("BEGIN")
        for rows, statement in STATEMENTS:
            connection.execute(of_numbers(rows) + statement)
        connection.execute("COMMIT")


def questions(rng: Random) -> Mapping[str, Callable[[Tx], Awaitable[object]]]:
    """Return one question of each kind, about something at random."""
    number, tote = rng.randrange(SKUS), rng.randrange(TOTES)
    sku = f"SKU-{number:06}"
    demand = Demand(
        warehouse_id="WH1", owner_id="OWNER", sku=sku, quantity=60, lasting=NOW, turnover=Turnover.NEAREST
    )
    return {
        "sku": lambda tx: find_pool(tx, "WH1", "OWNER", sku),
        "page of 100 SKUs": lambda tx: stock_by_sku(tx, "WH1", "OWNER", sku, 100),
        "lots and places of a SKU": lambda tx: positions_of_pool(tx, number),
        "tote": lambda tx: positions_in_holder(tx, f"TOTE-{tote:06}"),
        "location": lambda tx: stock_at_location(tx, "WH1", f"A-{tote:06}"),
        "lots by turnover": lambda tx: choose_lots(tx, [demand]),
    }


async def ask(database: Path) -> dict[str, object]:
    """Ask; return milliseconds by kind, and resident memory in MB, also before there was a database."""
    rng, taken = Random(1), dict[str, list[float]]()
    before = _memory()
    async with open_sqlite(database, MIGRATIONS) as store:
        for _ in range(ASKED):
            for kind, question in questions(rng).items():
                started = time.perf_counter()
                assert await store.read(question)
                taken.setdefault(kind, []).append(round(1e3 * (time.perf_counter() - started), 3))
        return {"ms": taken, "memory": _memory(), "before": before}


def _memory() -> float:
    """Return resident memory in MB (proc(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def sum_bare(database: Path) -> float:
    """Return the seconds of the least proof: the ledger and the positions are summed up, with sqlite3 alone."""
    started = time.perf_counter()
    with closing(sqlite3.connect(database)) as connection:
        for table, figure in (("ledger", "d_quantity"), ("positions", "quantity")):
            connection.execute(f"SELECT lot_id, SUM({figure}) FROM {table} GROUP BY lot_id").fetchall()
    return time.perf_counter() - started


def ask_bare(database: Path) -> list[float]:
    """Return milliseconds of the least question: one row of one SKU, with sqlite3 alone."""
    rng, taken = Random(1), list[float]()
    with closing(sqlite3.connect(database)) as connection:
        for _ in range(ASKED):
            started = time.perf_counter()
            connection.execute(
                "SELECT quantity, reserved, held FROM pools WHERE warehouse_id = 'WH1' AND owner_id = 'OWNER' AND sku = ?",
                (f"SKU-{rng.randrange(SKUS):06}",),
            ).fetchone()
            taken.append(1e3 * (time.perf_counter() - started))
    return taken


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(Path(sys.argv[1])))))
