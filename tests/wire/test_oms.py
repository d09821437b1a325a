"""A gateway process with a WES, and an OMS of its own mind: killed between, every order is taken once and told in order."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from standardwebhooks.webhooks import Webhook

from tests.unit.wes_rig import command
from tests.wire.processes import GATEWAY, START_S, Program, free_ports
from tests.wire.serving import serve

pytestmark = pytest.mark.wire

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SITE = """\
id: office
wes:
  warehouse_id: WH-1
  upstream:
    http: {{url: "{url}", secret_file: secret}}
    sync: {{incremental_s: 0.2}}
"""


@dataclass
class Oms:
    """Keeps the newest of what it is told, as docs/oms-integration.md wants it."""

    statuses: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    highest: dict[str, int] = field(default_factory=dict[str, int])
    heard: set[str] = field(default_factory=set[str])

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/api/wms/callback/status")(self._status)
        app.post("/api/wms/inventory/sync")(self._stock)
        return app

    async def _status(self, request: Request) -> dict[str, str]:
        Webhook(SECRET).verify(await request.body(), dict(request.headers))
        told = await request.json()
        order, sequence = told["omsOrderNo"], told["sequence"]
        if told["callbackId"] not in self.heard:
            self.heard.add(told["callbackId"])
            assert sequence == self.highest.get(order, 0) + 1, "no message is missing and none comes late"
            self.highest[order] = sequence
            self.statuses.setdefault(order, []).append(told["status"])
        return {"code": "SUCCESS"}

    async def _stock(self, request: Request) -> dict[str, str]:
        Webhook(SECRET).verify(await request.body(), dict(request.headers))
        return {"code": "SUCCESS"}


async def until_it_answers(http: httpx.AsyncClient, program: Program) -> None:
    try:
        async with asyncio.timeout(START_S):
            while True:
                with suppress(httpx.HTTPError):
                    if (await http.get("/livez")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(program.tail()) from None


async def insist(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """Send until there is an answer, as an OMS does that does not know whether it was heard."""
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.HTTPError):
                return await http.post(path, json=body)
            await asyncio.sleep(0.05)


async def test_killed_between_orders_are_taken_once_and_their_fate_is_told_in_order(tmp_path: Path) -> None:
    oms, rng, port = Oms(), Random(7), free_ports(1)
    (tmp_path / "secret").write_text(SECRET)
    site = tmp_path / "site.yaml"
    words = ("run", "--site", str(site), "--port", str(port), "--data", str(tmp_path / "data"))
    gateway = Program("run", *GATEWAY, *words, log=tmp_path / "run.log")
    async with (
        serve(oms.app()) as url,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http,
    ):
        site.write_text(SITE.format(url=url))
        await gateway.start()
        try:
            await until_it_answers(http, gateway)
            product = {"items": [{"skuId": "A", "skuName": "A", "version": 1}]}
            assert (await insist(http, "/api/wms/product/sync", product)).status_code == 200

            async def customer(n: int) -> None:
                for k in range(6):
                    name = f"{n}-{k}"
                    sent = await insist(http, "/api/wms/outbound/command", command(name, ("A", 1)))
                    assert sent.status_code == 200, sent.text
                    await asyncio.sleep(rng.uniform(0, 0.3))
                    asked = {"orderNo": f"ORD-{name}", "reason": "test"}
                    cancelled = await insist(http, "/api/wms/outbound/cancel", asked)
                    assert cancelled.json()["data"]["status"] == "CANCELLED"

            async with asyncio.TaskGroup() as customers:
                for n in range(8):
                    customers.create_task(customer(n))
                for _ in range(3):
                    await asyncio.sleep(rng.uniform(0.2, 0.6))
                    await gateway.kill()
                    await gateway.start()
                    await until_it_answers(http, gateway)
            expected = {f"ORD-{n}-{k}": ["EXCEPTION", "CANCELLED"] for n in range(8) for k in range(6)}
            async with asyncio.timeout(30):
                while oms.statuses != expected:
                    await asyncio.sleep(0.1)
            metrics = (await http.get("/metrics")).text
            assert 'wes_upstream{monitor="backlog"}' in metrics
        finally:
            print(gateway.tail())
            await gateway.stop()
