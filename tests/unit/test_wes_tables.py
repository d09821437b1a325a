"""Every list comes as a table to whoever wants it so: all of it, and never a part that looks like the whole (S2-159)."""

import asyncio
import csv
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gateway.api import tables
from gateway.api.app import create_wes_api, wes_routers
from gateway.api.replies import Page
from gateway.wes.core import WesCore
from tests.cli_bench import served, typed
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

TABLE = {"accept": "text/csv"}
MANY = 1_203
"""Products: more than a page."""
ANYTHING = {"skuId": "A", "lotNo": "A-1", "quality": "qualified", "stationId": "station-1"}
"""Of what a list may have to be asked for."""


class Desk:
    """A WES with some work, and what is asked of its lists."""

    def __init__(self, line: Station, core: WesCore, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.line = line
        self.core = core
        self.app = app
        self.http = http

    async def rows(self, path: str, **which: Any) -> list[dict[str, str]]:
        answer = await self.http.get(path, params=which, headers=TABLE)
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(StringIO(answer.text, newline=""), strict=True))


@asynccontextmanager
async def desk() -> AsyncGenerator[Desk]:
    async with station() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = create_wes_api(core, None, asyncio.Event())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            await fill(line, "T-1", "A1-1-L-05", A=10, B=4)
            yield Desk(line, core, app, http)


async def many_products(at: Desk) -> None:
    skus = [f"P{number:04}" for number in range(MANY)]
    for some in (skus[:1000], skus[1000:]):
        await at.line.core.products(*some)


def lists(core: WesCore) -> list[APIRoute]:
    """Return the routes that answer a list."""
    return [
        route
        for router in wes_routers(core, asyncio.Event())
        for route in router.routes
        if isinstance(route, APIRoute)
        and isinstance(route.response_model, type)
        and issubclass(route.response_model, Page)
    ]


def needed(route: APIRoute) -> dict[str, str]:
    """Return query parameters without which a list cannot be asked for."""
    models = [each.field_info.annotation for each in route.dependant.query_params]
    fields = {
        field.alias or name: field
        for model in models
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name, field in model.model_fields.items()
    }
    return {
        name: ANYTHING.get(name, "A")
        for name, field in fields.items()
        if field.is_required() or name == "quality"
    }


async def test_every_list_of_the_wes_comes_as_a_table() -> None:
    async with desk() as at:
        await order(at.line, "C-1", ("A", 2))
        found = lists(at.core)
        assert len(found) >= 24
        shown = 0
        for route in found:
            which = needed(route)
            path = route.path.format(**dict.fromkeys(re.findall(r"{(\w+)}", route.path), "A"))
            as_json = await at.http.get(path, params=which)
            as_table = await at.http.get(path, params=which | {"format": "csv"})
            assert as_table.status_code == as_json.status_code, path
            shown += as_json.status_code == 200
            if as_json.status_code == 200:
                assert as_table.headers["content-type"] == "text/csv; charset=utf-8; header=present", path
                assert as_table.text.partition("\r\n")[0].count(",") >= 3, path
            else:
                assert as_table.json() == as_json.json(), path
        assert shown >= 20


async def test_a_table_has_all_of_a_list_however_many_pages_it_has() -> None:
    async with desk() as at:
        await many_products(at)
        skus = [row["skuId"] for row in await at.rows("/v1/wes/products")]
        assert [sku for sku in skus if sku.startswith("P")] == [f"P{number:04}" for number in range(MANY)]


async def test_a_table_is_filtered_and_begins_as_its_list_does() -> None:
    async with desk() as at:
        await many_products(at)
        assert [row["skuId"] for row in await at.rows("/v1/wes/products", skuId="P0007")] == ["P0007"]
        later = await at.rows("/v1/wes/products", cursor="P1199")
        assert [row["skuId"] for row in later] == ["P1200", "P1201", "P1202"]


async def test_with_a_limit_it_is_one_page_that_leads_to_the_next() -> None:
    async with desk() as at:
        answer = await at.http.get("/v1/wes/stock", params={"limit": 1, "format": "csv"})
        assert answer.text.count("\r\n") == 2
        following = answer.links["next"]["url"]
        second = await at.http.get(following)
        assert (await at.rows("/v1/wes/stock"))[1]["skuId"] in second.text and "next" not in second.links


async def test_a_table_of_whatever_was_asked_for_has_a_name_that_a_disk_can_have() -> None:
    async with desk() as at:
        answer = await at.http.get("/v1/wes/units/品 “1”", params={"format": "csv"})
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == 'attachment; filename="___1_.csv"'


async def test_what_is_wrong_with_a_request_is_told_as_ever() -> None:
    async with desk() as at:
        for path, field in (("/v1/wes/products?limit=0", "limit"), ("/v1/wes/orders?cursor=x", "cursor")):
            answer = await at.http.get(path, headers=TABLE)
            assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
            assert answer.json()["reasons"][0]["field"] == field
        unknown = await at.http.get("/v1/wes/orders?format=xlsx")
        assert unknown.status_code == 422


async def test_who_takes_both_gets_json() -> None:
    async with desk() as at:
        for accept in ("*/*", "application/json, text/csv", "text/csv;q=0.5, application/json"):
            answer = await at.http.get("/v1/wes/stock", headers={"accept": accept})
            assert answer.headers["content-type"] == "application/json"


async def test_a_table_that_is_too_long_is_broken_off_and_no_file_is_made_of_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ITEMS_MAX", 1_100)
    async with desk() as at, served(at.app) as url:
        await many_products(at)
        file = tmp_path / "products.csv"
        ended = await asyncio.to_thread(typed, "wes", "products", "--csv", str(file), "--url", url)
        assert ended.code != 0 and list(tmp_path.iterdir()) == []


async def test_a_command_writes_a_table_that_excel_reads(tmp_path: Path) -> None:
    async with desk() as at, served(at.app) as url:
        await at.line.core.products("茶", skuName="绿茶")
        file = tmp_path / "products.csv"
        ended = await asyncio.to_thread(typed, "wes", "products", "--csv", str(file), "--url", url)
        assert (ended.code, ended.out) == (0, f"{file} is written\n")
        assert file.read_bytes().startswith(b"\xef\xbb\xbfownerId,skuId,")
        with file.open(encoding="utf-8-sig", newline="") as read:
            assert {row["skuId"]: row["skuName"] for row in csv.DictReader(read)}["茶"] == "绿茶"


@pytest.mark.parametrize(
    "words", [("orders",), ("stock",), ("arrivals", "--open"), ("returns",), ("replenishments",), ("counts",)]
)
async def test_every_list_that_is_shown_can_be_written(words: tuple[str, ...], tmp_path: Path) -> None:
    async with desk() as at, served(at.app) as url:
        file = tmp_path / "list.csv"
        ended = await asyncio.to_thread(typed, "wes", *words, "--csv", str(file), "--url", url)
        assert ended.code == 0 and file.read_text(encoding="utf-8-sig").count(",") > 3
