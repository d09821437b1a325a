"""Every stage has its moment: how long orders take can be asked for, in all and from stage to stage (S0-45)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_throughput import throughput_routes
from gateway.wes.core import WesCore
from gateway.wes.throughput import Span, throughput
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit


@asynccontextmanager
async def shown(line: Station) -> AsyncGenerator[httpx.AsyncClient]:
    core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
    app = FastAPI()
    app.include_router(throughput_routes(core))
    add_problem_handlers(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes/v1/wes") as http:
        yield http


async def test_what_was_shipped_in_the_last_hours_is_measured() -> None:
    async with station() as line, shown(line) as http:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        assert (await http.get("/throughput")).json() == {"hours": 24, "total": None, "stages": []}
        for name in ("C-1", "C-2"):
            await order(line, name, ("A", 1))
        line.core.clock.at_us += 60_000_000
        await line.finish()
        told: dict[str, Any] = (await http.get("/throughput", params={"hours": 1})).json()
        assert told["total"]["count"] == 2
        assert 60 < told["total"]["p50S"] <= told["total"]["p95S"]
        waiting = next(each for each in told["stages"] if (each["fromCode"], each["toCode"]) == (30, 70))
        assert waiting["count"] == 2 and waiting["p50S"] > 60
        line.core.clock.at_us += 2 * 3_600_000_000
        assert (await http.get("/throughput", params={"hours": 1})).json()["total"] is None
        assert (await http.get("/throughput", params={"hours": 0})).status_code == 422


async def test_half_take_no_longer_than_p50_and_95_of_100_no_longer_than_p95() -> None:
    async with station() as line:
        rows = [
            {"id": number, "code": code, "at": at}
            for number in range(1, 21)
            for code, at in (("10", 0), ("190", number * 1_000_000))
        ]
        sql = (
            "INSERT INTO stages (document, document_id, code, at_us, operator)"
            " VALUES ('order', :id, :code, :at, 'wes')"
        )
        await line.store.write(lambda tx: tx.execute_many(sql, rows))
        measured = await line.store.read(lambda tx: throughput(tx, 0))
        assert measured.total == Span(20, 10.0, 19.0)
        assert measured.stages == ((10, 190, Span(20, 10.0, 19.0)),)
