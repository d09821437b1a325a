"""`gateway wes order`: an order by the number that people know, with what it waits for and what to type about it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_floor import floor_routes
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit


@dataclass
class Desk:
    line: Station
    url: str

    async def show(self, order_no: str, *options: str) -> Ended:
        return await asyncio.to_thread(typed, "wes", "order", order_no, "--url", self.url, *options)


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    async with station() as line:
        core = WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(floor_routes(core, asyncio.Event()))
        add_problem_handlers(app)
        async with served(app) as url:
            yield Desk(line, url)


async def test_an_order_that_waits_says_why_and_what_may_be_typed() -> None:
    async with desk() as at:
        await order(at.line, "C-1", ("A", 2))
        ended = await at.show("ORD-C-1")
        assert ended.code == 0, ended.err
        ((exception_id,),) = await at.line.core.rows("SELECT exception_id FROM order_exceptions")
        assert "ORD-C-1  20 preallocation failed  priority 5" in ended.out
        typing = f"gateway wes exceptions settle {exception_id} DECISION --reason WHY"
        assert f"0 can be promised (retry, part, short, cancel: {typing})" in ended.out


async def test_an_order_whose_goods_are_in_a_container_of_a_failed_transport_names_it() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=10)
        at.line.gateway.fails.append("T-1")
        for name in ("C-1", "C-2"):
            await order(at.line, name, ("A", 2))
            for _ in range(2):
                await at.line.turn()
        out = (await at.show("ORD-C-2")).out
        assert "somebody has to decide about the transport of T-1" in out
        assert "somebody has to decide" not in (await at.show("ORD-C-1")).out, "its container tells"


async def test_a_shipped_order_shows_its_lines_its_work_its_packages_and_its_stages() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=10)
        await order(at.line, "C-1", ("A", 2))
        await at.line.finish()
        out = (await at.show("ORD-C-1")).out
        rows = {" ".join(row.split()) for row in out.splitlines()}
        assert "1 A 2 2 2 190 shipped" in rows
        assert any(row.endswith("Ann 2/2 190 shipped") for row in rows)
        assert any(row.startswith("T-1 station-") for row in rows)
        assert any(row.endswith("190 shipped by Ann") for row in rows)
        shown = json.loads((await at.show("ORD-C-1", "--json")).out)
        assert shown["packages"][0]["packageNo"] in out


async def test_a_number_that_nobody_knows_is_told() -> None:
    async with desk() as at:
        ended = await at.show("ORD-9")
        assert (ended.code, ended.out) == (1, "")
        assert "there is no order ORD-9" in ended.err
