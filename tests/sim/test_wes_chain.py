"""The WES as a program of its own over the gateway's HTTP interface, both of them dying, at the simulated demo site."""

import asyncio
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from gateway.delivery.chain import Bells, chain_works
from gateway.delivery.gateway_client import GatewayClient
from gateway.kernel.supervise import keep_running
from gateway.store.inline import open_inline
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.core import WesCore, open_core
from gateway.wes.layout import lay_out
from gateway.wes.numbers import Numbers
from gateway.wes.planning.hearing import Hearing
from gateway.wes.schema import MIGRATIONS
from sim_devices.clock import seeded
from tests.sim.plant import Plant
from tests.unit.chain_rig import contradictions, pick_all, stock_up
from tests.unit.wes_rig import Core, SteppingClock, command, settings
from tests.virtual_loop import run

pytestmark = pytest.mark.sim

ORDERS = 10
UNTIL_S = 3600.0
PICK_S = 8.0

OPEN = "SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled')"
WAITING = "SELECT COUNT(*) FROM work_orders WHERE code < 90"
ARRIVED = "SELECT presentation_id FROM presentations WHERE state = 'arrived' ORDER BY presentation_id"


class Warehouse:
    """A plant, its WES, and people who pick."""

    def __init__(self, seed: int, wes_life_s: tuple[float, float] | None) -> None:
        self.plant = Plant(seed)
        self.wes = settings()
        self.lives = 0
        self._life_s = wes_life_s
        self._chance = seeded(seed, "lives of the WES")

    async def work(self, core: Core, store: Any) -> None:
        """Run the WES, life after life."""
        while True:
            self.lives += 1
            opened = await open_core(
                store, self.wes, self.plant.clock, lay_out(self.plant.site, self.wes.stations.boxes)
            )
            core.context = opened.context
            http = httpx.AsyncClient(transport=self.plant.front, base_url="http://localhost")
            try:
                async with asyncio.timeout(
                    None if self._life_s is None else self._chance.uniform(*self._life_s)
                ):
                    await self._live(opened, GatewayClient(http))
            except TimeoutError:
                await asyncio.sleep(self._chance.uniform(0.1, 4.0))

    async def _live(self, core: WesCore, client: GatewayClient) -> None:
        works = chain_works(core, client, Greedy(), Hearing(core.context), Bells())
        async with asyncio.TaskGroup() as tasks:
            for name, work in works.items():
                tasks.create_task(keep_running(name, work.run))

    async def pick(self, core: Core) -> None:
        while True:
            await asyncio.sleep(PICK_S)
            for (number,) in await core.rows(ARRIVED):
                await core.store.write(partial(pick_all, core=core, presentation_id=number))

    async def until_quiet(self, core: Core) -> None:
        async with asyncio.timeout(UNTIL_S):
            while (await core.rows(OPEN))[0][0] or (await core.rows(WAITING))[0][0]:
                await asyncio.sleep(5.0)


async def story(seed: int, *, wes_life_s: tuple[float, float] | None, gateway_life_s: float | None) -> None:
    async with open_inline(None, MIGRATIONS) as store:
        house = Warehouse(seed, wes_life_s)
        first = await open_core(store, house.wes, house.plant.clock)
        core = Core(store, first.context, Numbers(store, (), ZoneInfo("UTC")), SteppingClock())
        await core.products("A", "B")
        for number in range(1, 13):
            await stock_up(core, f"TOTE-{number * 9:04}", A=4, B=4)
        for number in range(ORDERS):
            await core.submit(command(f"C-{number}", ("A", 2), ("B", 1 + number % 3)))
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(house.plant.run()),
                tasks.create_task(house.work(core, store)),
                tasks.create_task(house.pick(core)),
            ]
            if gateway_life_s is not None:
                running.append(tasks.create_task(crashes(house.plant, gateway_life_s)))
            await house.until_quiet(core)
            for task in running:
                task.cancel()
        await check(core, house)


async def crashes(plant: Plant, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        if plant.life is not None:
            plant.life.end()


async def check(core: Core, house: Warehouse) -> None:
    assert await contradictions(core) == []
    assert [row[0] for row in await core.rows("SELECT code FROM orders")] == [90] * ORDERS
    assert not house.plant.world.moved_twice
    truth = house.plant.world.spots
    books = await core.rows("SELECT holder_id, location_id FROM holders WHERE kind = 'container'")
    assert len(books) == 120
    assert {holder: place for holder, place in books if truth[holder] != place} == {}
    assert all(place.startswith("A1-") for place in truth.values())


def test_totes_for_ten_orders_come_to_the_stations_and_go_back() -> None:
    run(partial(story, 1, wes_life_s=None, gateway_life_s=None))


def test_they_do_although_gateway_and_wes_die_again_and_again() -> None:
    run(partial(story, 2, wes_life_s=(2.0, 12.0), gateway_life_s=15.0))
