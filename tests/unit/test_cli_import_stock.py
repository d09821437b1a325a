"""`gateway wes import-stock`: a table goes in as a whole, line errors are told all at once, and twice is once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_inbound import inbound_routes
from gateway.cli.import_stock import read_stock
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.chain_rig import Chain, chain, contradictions

pytestmark = pytest.mark.unit

STOCK = (
    "SELECT p.holder_id, pools.sku, o.lot_no, p.quantity FROM positions p JOIN lots o ON o.lot_id = p.lot_id"
    " JOIN pools ON pools.pool_id = o.pool_id ORDER BY p.holder_id, o.lot_no"
)


@dataclass
class Importer:
    line: Chain
    url: str
    folder: Path

    async def take_in(self, *lines: str) -> Ended:
        table = self.folder / "stock.csv"
        table.write_text("\n".join(lines), encoding="utf-8")
        words = ("wes", "import-stock", str(table), "--operator", "ann", "--url", self.url)
        return await asyncio.to_thread(typed, *words)

    async def stock(self) -> list[tuple[str, str, str, int]]:
        return [(*row,) for row in await self.line.core.rows(STOCK)]


@asynccontextmanager
async def importer(folder: Path) -> AsyncGenerator[Importer]:
    async with chain() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(inbound_routes(core))
        add_problem_handlers(app)
        async with served(app) as url:
            yield Importer(line, url, folder)
        assert await contradictions(line.core) == []


async def test_a_table_becomes_stock_and_the_same_table_again_changes_nothing(tmp_path: Path) -> None:
    table = (
        "holderId,skuId,quantity,lotNo,expiresAt",
        "TOTE-1,A,5,A-1,2030-01-31",
        "TOTE-2,B,3,,",
        ",B,2,,",
        "TOTE-1,B,1,B-1,",
    )
    async with importer(tmp_path) as desk:
        for _ in range(2):
            ended = await desk.take_in(*table)
            assert ended.code == 0, ended.err
            assert "11 pieces in 4 lines" in ended.out
        assert await desk.stock() == [
            ("TOTE-1", "A", "A-1", 5),
            ("TOTE-1", "B", "B-1", 1),
            ("TOTE-2", "B", "", 3),
            ("WH-1/RCV_AREA", "B", "", 2),
        ]


async def test_everything_that_is_wrong_is_told_with_its_line_and_nothing_goes_in(tmp_path: Path) -> None:
    async with importer(tmp_path) as desk:
        ended = await desk.take_in(
            "skuId,quantity,quality", "A,1,", "A,many,", "A,0,", ",2,", "B,1,splendid", "A,1,,,", "A,-1,"
        )
        assert ended.code == 1
        for number, word in (
            (3, "quantity: must be a whole number"),
            (4, "quantity: must be at least 1"),
            (5, "skuId"),
            (6, "quality"),
            (7, "moreCells"),
            (8, "quantity: must be at least 1"),
        ):
            assert f"stock.csv:{number}" in ended.err and word in ended.err, ended.err
        assert "6 finding(s)" in ended.err
        assert await desk.stock() == []


async def test_a_table_that_breaks_off_tells_what_was_wrong_before_that_too(tmp_path: Path) -> None:
    async with importer(tmp_path) as desk:
        ended = await desk.take_in("skuId,quantity", "A,many", 'A,"1')
        assert "2 finding(s)" in ended.err
        assert "stock.csv:2" in ended.err and "must be a whole number" in ended.err
        assert "stock.csv:3" in ended.err and "not a CSV line" in ended.err


def test_a_cell_keeps_its_line_breaks_and_what_only_looks_like_one() -> None:
    for supplier in ("Green\nTea Ltd", "Green\x0bTea", "Green\u2028Tea"):
        rows, findings = read_stock(f'skuId,quantity,supplier\nA,1,"{supplier}"\n', "ann")
        assert findings == []
        assert [row.receipt.lines[0].supplier for row in rows] == [supplier]


async def test_a_product_that_is_not_known_is_told_with_its_line(tmp_path: Path) -> None:
    async with importer(tmp_path) as desk:
        ended = await desk.take_in("skuId,quantity", "A,1", "X,1")
        assert ended.code == 1
        assert "stock.csv:3 skuId" in ended.err and "unknownSku" in ended.err
        assert await desk.stock() == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (("skuId,amount", "A,1"), "no column quantity"),
        (("skuId,quantity,colour", "A,1,red"), "no such column: colour"),
        (("skuId,quantity,quantity", "A,1,2"), "more than one column quantity"),
        (("skuId,quantity",), "there is no line under the titles"),
        (("skuId,quantity", 'A,"1'), "not a CSV line"),
    ],
    ids=["a column is missing", "a column is too many", "a column twice", "nothing in it", "broken"],
)
async def test_a_table_that_is_none_is_told(tmp_path: Path, table: tuple[str, ...], told: str) -> None:
    async with importer(tmp_path) as desk:
        ended = await desk.take_in(*table)
        assert ended.code == 1
        assert told in ended.err


async def test_what_has_expired_or_whose_day_nobody_has_said_goes_in_and_is_named(tmp_path: Path) -> None:
    async with importer(tmp_path) as desk:
        await desk.line.core.products("A", version=2, shelf_life_days=10)
        ended = await desk.take_in("skuId,quantity,lotNo,expiresAt", "A,5,A-1,", "B,3,B-1,2026-01-31")
        assert ended.code == 0, ended.err
        assert "cannot be promised until somebody says when they expire: A" in ended.out
        assert "have expired, and are never promised: B" in ended.out
