"""Simulated people count what comes to their station for it, and each the lines that the other one has miscounted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_counts import count_routes
from gateway.api.wes_floor import floor_routes
from gateway.api.wes_stock import stock_routes
from gateway.contract.counts import OrderCount
from gateway.wes.core import WesCore
from gateway.wes.counting.calls import CountCalls
from gateway.wes.counting.documents import order_count
from sim_devices.clock import SimClock
from sim_devices.operators import Habits, Person, Picker
from tests.unit.chain_rig import fill
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

QUICK = Habits(look_s=0, wrong_scan=0, miscount=0)


@dataclass
class Floor:
    line: Station
    http: httpx.AsyncClient

    async def picker(self, name: str, station_id: str, habits: Habits) -> Picker:
        person = Person(name, self.http, SimClock(), Random(1), habits)
        await person.open_station(station_id)
        return Picker(person, station_id)

    async def work(self, *pickers: Picker) -> None:
        for _ in range(12):
            await self.line.turn()
            await CountCalls(self.line.store, self.line.core.context).work()
            for each in pickers:
                while await each.step():
                    pass

    async def states(self) -> list[tuple[str, int]]:
        rows = await self.line.core.rows("SELECT state, round FROM count_lines ORDER BY line_id")
        return [(row[0], row[1]) for row in rows]


@asynccontextmanager
async def floor() -> AsyncGenerator[Floor]:
    """Given a count of two totes, blind."""
    async with station() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for router in (count_routes(core), stock_routes(core), floor_routes(core, asyncio.Event())):
            app.include_router(router)
        add_problem_handlers(app)
        await fill(line, "T-1", "A1-1-L-05", A=10, B=5)
        await fill(line, "T-2", "A1-2-L-05", A=7)
        for tote in ("T-1", "T-2"):
            line.walls.tell_place(tote)
        await line.hear()
        body = {
            "countId": "N-1",
            "scope": {"kind": "everything"},
            "blind": True,
            "operator": "Olga",
            "reason": "x",
        }
        job = partial(order_count, context=line.core.context, order=OrderCount.model_validate(body))
        await line.store.write(job)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield Floor(line, http)
        await line.check()


async def test_who_counts_rightly_agrees_with_the_books_and_all_totes_go_home() -> None:
    async with floor() as there:
        await there.work(await there.picker("Ann", "station-1", QUICK))
        assert await there.states() == [("agreed", 1)] * 3
        assert set(there.line.gateway.places) == {"T-1", "T-2"}
        assert all(place.startswith("A1-") for place in there.line.gateway.places.values())


async def test_what_one_has_miscounted_the_other_one_counts_again() -> None:
    async with floor() as there:
        erring = Habits(look_s=0, wrong_scan=0, miscount=1)
        ann = await there.picker("Ann", "station-1", erring)
        await there.work(ann)
        assert await there.states() == [("again", 1)] * 3
        await there.work(ann, await there.picker("Ben", "station-2", QUICK))
        assert await there.states() == [("agreed", 2)] * 3
