"""The WES beside a real gateway and simulated devices, on real sockets: totes come to stations for orders, and go back."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from gateway.delivery.chain import Bells, chain_works
from gateway.delivery.gateway_client import GatewayClient
from gateway.kernel.clock import SystemClock
from gateway.kernel.supervise import keep_running
from gateway.site.load import load_site
from gateway.store.sqlite import open_sqlite
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.core import WesCore, open_core
from gateway.wes.layout import lay_out
from gateway.wes.numbers import Numbers
from gateway.wes.planning.hearing import Hearing
from gateway.wes.schema import MIGRATIONS
from tests.unit.chain_rig import contradictions, pick_all, stock_up
from tests.unit.wes_rig import Core, SteppingClock, command, settings
from tests.wire.processes import DEMO, GATEWAY, Program, SiteProcesses, free_ports, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

ORDERS = 10
UNTIL_S = 50.0
OPEN = """SELECT (SELECT COUNT(*) FROM presentations WHERE state NOT IN ('done', 'cancelled'))
+ (SELECT COUNT(*) FROM work_orders WHERE code < 90)"""
ARRIVED = "SELECT presentation_id FROM presentations WHERE state = 'arrived'"


async def where(http: httpx.AsyncClient, container_id: str) -> str | None:
    return (await http.get(f"/v1/containers/{container_id}")).raise_for_status().json().get("locationId")


async def goes_to_the_station_and_is_sent_home(url: str, container_id: str) -> None:
    """Somebody brings a tote to a station for nothing; the WES brings it back into the rack."""
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(UNTIL_S):
        body = {"transportId": f"by-hand-{container_id}", "containerId": container_id, "destination": "S1-1"}
        assert (await http.post("/v1/transports", json=body)).status_code == 202
        while (await where(http, container_id)) != "S1-1":
            await asyncio.sleep(0.05)
        while not ((await where(http, container_id)) or "").startswith("A1-1"):
            await asyncio.sleep(0.05)


def with_wes(folder: Path) -> Path:
    """Return a copy of the demo site that has a WES."""
    shutil.copytree(DEMO.parent, folder / "config")
    site = folder / "config" / "demo"
    rules = "rules: [{at: return, then: 'A1-1-[LR]-*'}]"
    (site / "wes.yaml").write_text(f"wes:\n  warehouse_id: WH-1\n  {rules}\n", encoding="utf-8")
    return site


async def test_a_site_with_a_wes_runs_it_inside_the_gateway(tmp_path: Path) -> None:
    async with running(SiteProcesses(tmp_path, with_wes(tmp_path))) as site:
        await goes_to_the_station_and_is_sent_home(site.run_url, "TOTE-0010")


async def test_the_same_wes_runs_in_a_process_of_its_own(
    tmp_path: Path, demo_processes: SiteProcesses
) -> None:
    port = free_ports(1)
    words = ("--site", str(with_wes(tmp_path)), "--data", str(tmp_path), "--port", str(port))
    run = (*GATEWAY, "wes", "run", *words, "--gateway", demo_processes.run_url)
    wes = Program("wes", *run, log=tmp_path / "wes.log")
    await wes.start()
    try:
        await demo_processes.ready(f"http://127.0.0.1:{port}", wes)
        await goes_to_the_station_and_is_sent_home(demo_processes.run_url, "TOTE-0010")
    finally:
        await wes.stop()


async def test_totes_for_ten_orders_come_and_go_back(tmp_path: Path, demo_processes: SiteProcesses) -> None:
    async with warehouse(tmp_path, demo_processes.run_url) as core, asyncio.timeout(UNTIL_S):
        for number in range(ORDERS):
            await core.submit(command(f"C-{number}", ("A", 2), ("B", 1 + number % 3)))
        while (await core.rows(OPEN))[0][0]:
            for (arrived,) in await core.rows(ARRIVED):
                await core.store.write(partial(pick_all, core=core, presentation_id=arrived))
            await asyncio.sleep(0.1)
        assert [row[0] for row in await core.rows("SELECT code FROM orders")] == [90] * ORDERS
        assert not await contradictions(core)
        books = await core.rows("SELECT holder_id, location_id FROM holders WHERE kind = 'container'")
        world = await demo_processes.world()
        assert {tote: world["containers"][tote] for tote, _ in books} == dict(books)
        assert set(world["moves"].values()) == {1}


@asynccontextmanager
async def warehouse(folder: Path, url: str) -> AsyncGenerator[Core]:
    """Run a WES with some stock over the gateway's HTTP interface."""
    wes, site = settings(), load_site(DEMO)
    async with open_sqlite(folder / "wes.db", MIGRATIONS) as store, httpx.AsyncClient(base_url=url) as http:
        opened = await open_core(store, wes, SystemClock(), lay_out(site, wes.stations.boxes))
        core = Core(store, opened.context, Numbers(store, (), ZoneInfo("UTC")), SteppingClock())
        await core.products("A", "B")
        for number in range(1, 13):
            await stock_up(core, f"TOTE-{number * 9:04}", A=4, B=4)
        async with running_chain(opened, GatewayClient(http)):
            yield core


@asynccontextmanager
async def running_chain(core: WesCore, client: GatewayClient) -> AsyncGenerator[None]:
    works = chain_works(core, client, Greedy(), Hearing(core.context), Bells())
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(keep_running(name, work.run)) for name, work in works.items()]
        yield
        for task in running:
            task.cancel()
