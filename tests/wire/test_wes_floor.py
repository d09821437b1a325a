"""A day of a site in two real processes: goods and orders come in, simulated people pick into real walls, everything leaves."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli import main
from sim_devices.clock import SimClock, seeded
from sim_devices.operators import Habits, Packer, Person, Picker
from tests.unit.wes_rig import command
from tests.wire.processes import DEMO, SiteProcesses, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(150)]

ORDERS = 6
TOTES = ("TOTE-0009", "TOTE-0045", "TOTE-0081")
UNTIL_S = 90.0
HABITS = Habits(wrong_scan=0.2, by_hand=0.2, wrong_slot=0.5, damaged=0.05)
RULES = "[{at: review, then: required}, {at: return, then: 'A1-1-[LR]-*'}]"


def with_wes(folder: Path) -> Path:
    """Return a copy of the demo site that has a WES with these rules."""
    shutil.copytree(DEMO.parent, folder / "config")
    site = folder / "config" / "demo"
    (site / "wes.yaml").write_text(f"wes:\n  warehouse_id: WH-1\n  rules: {RULES}\n", encoding="utf-8")
    return site


async def post(http: httpx.AsyncClient, path: str, body: Any) -> Any:
    answer = await http.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def opening_stock(http: httpx.AsyncClient) -> None:
    items = [{"skuId": sku, "skuName": sku, "version": 1} for sku in ("A", "B")]
    await post(http, "/api/wms/product/sync", {"items": items})
    for tote in TOTES:
        goods = [{"skuId": sku, "quantity": 10} for sku in ("A", "B")]
        body = {"actId": f"in-{tote}", "operator": "Eve", "holderId": tote, "lines": goods}
        await post(http, "/v1/wes/inbound/receipts", body)


async def shipped(http: httpx.AsyncClient) -> int:
    orders = (await http.get("/v1/wes/orders", params={"statusCode": 190})).json()["items"]
    return len(orders)


async def test_simulated_people_ship_what_upstream_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    processes = SiteProcesses(tmp_path, with_wes(tmp_path))
    async with running(processes) as site, httpx.AsyncClient(base_url=site.run_url, timeout=30) as http:
        await opening_stock(http)
        for number in range(ORDERS):
            body = command(f"C-{number}", ("A", 1 + number % 2), ("B", 2))
            await post(http, "/api/wms/outbound/command", body)
        clock = SimClock(50)
        team = [Person(name, http, clock, seeded(1, name), HABITS) for name in ("Ann", "Bo", "Cy")]
        workers = [Picker(team[0], "station-1"), Picker(team[1], "station-2"), Packer(team[2])]
        async with asyncio.timeout(UNTIL_S), asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(worker.run()) for worker in workers]
            while await shipped(http) < ORDERS:
                await asyncio.sleep(0.2)
            for task in working:
                task.cancel()
        for words in ("orders", "stations", "stock"):
            with pytest.raises(SystemExit) as ended:
                await asyncio.to_thread(main, ["wes", words, "--url", site.run_url])
            assert ended.value.code == 0
        told = capsys.readouterr().out
        assert "190 shipped" in told and "station-2" in told and "available" in told
        stock = (await http.get("/v1/wes/stock")).json()["items"]
        assert [(each["skuId"], each["reserved"]) for each in stock] == [("A", 0), ("B", 0)]
        assert [each["quantity"] for each in stock] == [30 - 9, 30 - 12]
