"""Products can be asked for: all page by page, one by its SKU, one by what was scanned, over HTTP and from a terminal (S2-10)."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_products import product_routes
from gateway.api.wms import wms_routes
from gateway.wes.core import WesCore
from tests.cli_bench import Ended, served, typed
from tests.unit.wes_rig import Core, core

pytestmark = pytest.mark.unit

GREEN, CASE = "6901234567892", "16901234567899"


@dataclass
class Office:
    opened: Core
    url: str
    http: httpx.AsyncClient

    async def send(self, *items: dict[str, Any]) -> Any:
        return (await self.http.post("/api/wms/product/sync", json={"items": items})).json()

    async def skus(self, **params: Any) -> list[str]:
        answer = await self.http.get("/v1/wes/products", params=params)
        assert answer.status_code == 200, answer.text
        return [item["skuId"] for item in answer.json()["items"]]

    async def show(self, *options: str) -> Ended:
        return await asyncio.to_thread(typed, "wes", "products", "--url", self.url, *options)


@asynccontextmanager
async def office() -> AsyncGenerator[Office]:
    """Given: four products of ours, one of them with codes of its piece and of its case, and one of somebody else's."""
    async with core() as opened:
        known = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        app = FastAPI()
        for routes in (product_routes, wms_routes):
            app.include_router(routes(known))
        add_problem_handlers(app)
        async with served(app) as url, httpx.AsyncClient(base_url=url) as http:
            at = Office(opened, url, http)
            tea = {
                "barcodes": [GREEN],
                "unitsPerCase": 12,
                "caseBarcodes": [CASE],
                "attributes": {"abc": "A"},
            }
            told = await at.send(
                {"skuId": "TEA", "skuName": "Green tea", "version": 3} | tea,
                {"skuId": "CUP", "skuName": "Cup", "version": 1},
                {"skuId": "TEA", "skuName": "Theirs", "version": 1, "ownerId": "you", "barcodes": [GREEN]},
            )
            assert told["code"] == "SUCCESS"
            yield at


async def test_products_are_listed_page_by_page_and_found_by_sku_and_by_what_was_scanned() -> None:
    async with office() as at:
        assert await at.skus() == ["A", "B", "CUP", "TEA"]
        page = (await at.http.get("/v1/wes/products", params={"limit": 3})).json()
        assert (len(page["items"]), page["nextCursor"]) == (3, "CUP")
        assert await at.skus(cursor="CUP") == ["TEA"]
        assert await at.skus(skuId="CUP") == ["CUP"]
        for code in (GREEN, CASE, f"0{GREEN}", f"(01)0{GREEN}(10)L-1", f"]C1010{GREEN}10L-1\x1d17270101"):
            assert await at.skus(barcode=code) == ["TEA"]
        assert await at.skus(barcode="TEA") == ["TEA"]
        assert await at.skus(barcode=GREEN, skuId="CUP") == []
        assert await at.skus(barcode=GREEN, ownerId="you") == ["TEA"]
        for code in ("6901234567908", "(01)1", "?"):
            assert await at.skus(barcode=code) == []


async def test_upstream_sees_what_it_has_sent_and_is_told_whose_a_code_is() -> None:
    async with office() as at:
        (shown,) = (await at.http.get("/v1/wes/products", params={"skuId": "TEA"})).json()["items"]
        assert shown.pop("updatedAt")
        assert shown == {
            "ownerId": "me",
            "skuId": "TEA",
            "skuName": "Green tea",
            "barcodes": [GREEN],
            "unit": "EA",
            "unitsPerCase": 12,
            "caseBarcodes": [CASE],
            "weightKg": None,
            "shelfLifeDays": None,
            "serialTracked": False,
            "attributes": {"abc": "A"},
            "version": 3,
        }
        told = await at.send({"skuId": "CUP", "skuName": "Cup", "version": 2, "barcodes": [f"0{GREEN}"]})
        assert (told["code"], told["errors"][0]["field"], told["errors"][0]["code"]) == (
            "CONFLICT",
            "items[0].barcodes[0]",
            "barcodeTaken",
        )
        doubted = await at.send(
            {"skuId": "CUP", "skuName": "Cup", "version": 2, "barcodes": ["6901234567893"]}
        )
        assert [each["field"] for each in doubted["data"]["doubtful"]] == ["items[0].barcodes[0]"]


async def test_products_are_shown_at_a_terminal() -> None:
    async with office() as at:
        ended = await at.show("--barcode", f"(01)0{GREEN}")
        assert (ended.code, ended.err) == (0, "")
        assert "Green tea" in ended.out
        assert "Cup" not in ended.out
        assert (await at.show("--sku", "NONE")).out.strip() == "no such product"
        listed = json.loads((await at.show("--json")).out)["items"]
        assert [item["skuId"] for item in listed] == ["A", "B", "CUP", "TEA"]
