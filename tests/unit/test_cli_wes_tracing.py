"""`gateway wes trace` and `recall`: what a quality manager types when a lot is bad, and what the manager reads then."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_stock import stock_routes
from gateway.api.wes_tracing import tracing_routes
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit


@dataclass
class Desk:
    line: Station
    url: str

    async def type(self, *words: str) -> Ended:
        return await asyncio.to_thread(typed, "wes", *words, "--url", self.url)

    async def rows(self, *words: str) -> set[str]:
        """Return what is printed, line by line, with single spaces."""
        ended = await self.type(*words)
        assert ended.code == 0, ended.err
        return {" ".join(row.split()) for row in ended.out.splitlines()}


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    async with station() as line:
        core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for routes in (tracing_routes, stock_routes, correction_routes):
            app.include_router(routes(core))
        add_problem_handlers(app)
        await fill(line, "T-1", "A1-1-L-05", A=20)
        async with served(app) as url:
            yield Desk(line, url)
        await line.check()


async def test_a_bad_lot_is_recalled_and_the_manager_reads_where_it_is_and_who_has_had_some() -> None:
    async with desk() as at:
        await order(at.line, "C-1", ("A", 3))
        await at.line.finish()
        await order(at.line, "C-2", ("A", 4))
        await at.line.work_off(await at.line.bring())
        await at.line.seal_all()
        rows = await at.rows("recall", "A", "--lot", "A-1", "--reason", "mould", "--id", "R-1")
        told = "lot A-1 is recalled: 17 pieces are here, 4 of them were promised to orders, 4 picked; 3 had left."
        assert told in rows
        assert "A, lot A-1 rejected recalled" in rows
        assert "T-1 S1-1 13" in rows
        assert any(row.startswith("ORD-C-2 Li Lei to take out 4 B") for row in rows)
        assert any("ORD-C-1" in row and " 3 Li Lei 13800000000 1 Wensan Road" in row for row in rows)
        assert any("qualified → rejected: mould" in row for row in rows)
        assert told in await at.rows("recall", "A", "--lot", "A-1", "--reason", "mould", "--id", "R-1")


async def test_a_lot_is_traced_as_a_table_and_as_json() -> None:
    async with desk() as at:
        rows = await at.rows("trace", "A", "--lot", "A-1")
        assert {"no order has any of it here", "nothing of it has left"} <= rows
        found = json.loads((await at.type("trace", "A", "--lot", "A-1", "--json")).out)
        assert found["trace"]["received"] == 20
        assert [each["holderId"] for each in found["positions"]["items"]] == ["T-1"]
        nowhere = await at.type("trace", "A", "--lot", "X")
        assert nowhere.code == 1
        assert "there has never been a lot 'X' of A" in nowhere.err


async def test_a_unit_is_traced_by_its_number() -> None:
    async with desk() as at:
        ended = await at.type("trace", "A", "--unit", "7")
        assert ended.code == 1
        assert "there is no A with the number 7" in ended.err
