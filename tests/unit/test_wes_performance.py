"""How well a warehouse has worked: orders in time and as they should be, goods found too much or too little (S2-150, 151, 153)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_throughput import throughput_routes
from gateway.contract.corrections import CountGoods
from gateway.kernel.clock import to_rfc3339
from gateway.wes.core import WesCore
from gateway.wes.corrections import correct
from tests.cli_bench import served, typed
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

HOUR_US = 3_600_000_000
REVIEWED = {"rules": [{"at": "review", "then": "required"}]}


class Desk:
    """A station's line, and what is told of its work."""

    def __init__(self, line: Station, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.line = line
        self.app = app
        self._http = http

    async def told(self, *names: str, hours: int = 1) -> list[Any]:
        view: dict[str, Any] = (await self._http.get("/performance", params={"hours": hours})).json()
        return [view[name] for name in names]

    async def order(self, name: str, quantity: int, due_in_us: int | None = None) -> None:
        at_us = self.line.core.clock.at_us
        due = {} if due_in_us is None else {"deadline": to_rfc3339(at_us + due_in_us)}
        await order(self.line, name, ("A", quantity), **due)

    async def pick_all(self) -> None:
        for _ in range(10):
            await self.line.turn()
            for operation_id in await self.line.operations():
                await self.line.work_off(operation_id)
        await self.line.seal_all()

    async def review(self, found: tuple[int, int]) -> None:
        packages = "SELECT p.package_id, x.line_id FROM packages p JOIN package_lines x ON x.package_id = p.package_id"
        waiting = await self.line.core.rows(f"{packages} WHERE p.code < 150 ORDER BY p.package_id")
        for (package, line_id), quantity in zip(waiting, found, strict=False):
            items = [{"line_id": line_id, "quantity": quantity}]
            await self.line.act("review", package_id=package, items=items)

    async def count(self, holder_id: str, quantity: int) -> None:
        ((lot_no,),) = await self.line.core.rows(
            "SELECT l.lot_no FROM positions p JOIN lots l ON l.lot_id = p.lot_id WHERE p.holder_id = :holder",
            holder=holder_id,
        )
        request = CountGoods(
            act_id=f"{holder_id}-{quantity}",
            operator="Ida",
            reason="it was her turn",
            sku_id="A",
            lot_no=lot_no,
            holder_id=holder_id,
            quantity=quantity,
        )
        await self.line.store.write(partial(correct, context=self.line.core.context, request=request))


@asynccontextmanager
async def desk(**changes: Any) -> AsyncGenerator[Desk]:
    async with station(**changes) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(throughput_routes(core))
        add_problem_handlers(app)
        asgi = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=asgi, base_url="http://wes/v1/wes") as http:
            yield Desk(line, app, http)


async def test_an_order_is_in_time_if_it_left_before_its_deadline_and_one_without_is_not_asked() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=10)
        await at.order("C-1", 1, due_in_us=HOUR_US)
        await at.order("C-2", 1, due_in_us=60_000_000)
        await at.order("C-3", 1)
        at.line.core.clock.at_us += 120_000_000
        await at.line.finish()
        assert await at.told("shipped", "due", "inTime", "fulfilment") == [3, 2, 1, 0.5]


async def test_of_nothing_there_is_no_share() -> None:
    async with desk() as at:
        assert await at.told("shipped", "fulfilment", "accuracy", "shrinkage") == [0, None, None, None]


async def test_what_was_shipped_before_does_not_count() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=10)
        await at.order("C-1", 1)
        await at.line.finish()
        at.line.core.clock.at_us += 2 * HOUR_US
        assert await at.told("shipped") == [0]
        assert await at.told("shipped", hours=3) == [1]


async def test_an_order_of_which_a_review_finds_a_package_wrong_was_not_picked_right() -> None:
    async with desk(**REVIEWED) as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=20)
        for name in ("C-1", "C-2"):
            await at.order(name, 4)
        await at.pick_all()
        await at.review(found=(3, 4))
        await at.review(found=(4, 4))
        await at.line.finish()
        assert await at.told("shipped", "differing", "accuracy") == [2, 1, 0.5]


async def test_counts_are_gains_and_losses_of_the_stock() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=50)
        await fill(at.line, "T-2", "A1-1-L-06", A=50)
        await at.count("T-1", 45)
        await at.count("T-2", 51)
        assert await at.told("gained", "lost", "quantity", "shrinkage") == [1, 5, 96, 4 / 96]


async def test_a_person_sees_it_as_a_table() -> None:
    async with desk() as at:
        await fill(at.line, "T-1", "A1-1-L-05", A=50)
        await at.order("C-1", 1, due_in_us=HOUR_US)
        await at.line.finish()
        await at.count("T-1", 45)
        async with served(at.app) as url:
            out = (await asyncio.to_thread(typed, "wes", "performance", "--hours", "2", "--url", url)).out
        rows = [" ".join(row.split()) for row in out.splitlines() if row.strip()]
        assert rows[0] == "in the last 2 h of share"
        assert rows[2:] == [
            "orders left in time 1 1 with a deadline 100.00%",
            "orders picked right 1 1 shipped 100.00%",
            "pieces gone 4 (lost 4, found 0) 45 in stock 8.89%",
        ]
