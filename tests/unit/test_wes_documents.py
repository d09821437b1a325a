"""Documents that people carry are pages that stand alone: with what is to be done, and bar codes that can be read (S2-158)."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.app import create_wes_api
from gateway.contract.arrivals import InboundNotice
from gateway.contract.counts import OrderCount
from gateway.wes.arrivals.documents import announce_goods
from gateway.wes.core import WesCore
from gateway.wes.counting.documents import order_count
from tests.cli_bench import served, typed
from tests.seen import picture_of_svg, read_codes
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station
from tests.unit.wes_rig import WAREHOUSE

pytestmark = pytest.mark.unit


class Rows(HTMLParser):
    """The rows of a page's tables, and every element and attribute that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {name for name, _ in attrs if name in {"src", "href", "style"} or name.startswith("on")}
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


class Office:
    """A WES with some work, and what is printed of it."""

    def __init__(self, line: Station, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.line = line
        self.app = app
        self.http = http

    async def page(self, path: str) -> str:
        answer = await self.http.get(f"/documents/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return answer.text


def codes(page: str) -> set[str]:
    """Return what a scanner reads on a page."""
    drawn: list[str] = re.findall(r"<svg.*?</svg>", page)
    return {seen.text for each in drawn for seen in read_codes(picture_of_svg(each))}


@asynccontextmanager
async def office(**settings: Any) -> AsyncGenerator[Office]:
    async with station(**settings) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = create_wes_api(core, None, asyncio.Event())
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/v1/wes") as http:
            yield Office(line, app, http)


async def count_ordered(here: Office, *, blind: bool) -> None:
    body = {
        "countId": "K-1",
        "scope": {"kind": "everything"},
        "blind": blind,
        "operator": "Ida",
        "reason": "year's end",
    }
    request = OrderCount.model_validate(body)
    await here.line.store.write(lambda tx: order_count(tx, here.line.core.context, request))


async def test_a_pick_list_says_what_is_still_to_be_picked_and_from_where() -> None:
    async with office() as here:
        await fill(here.line, "T-1", "A1-1-L-05", A=10)
        await order(here.line, "C-1", ("A", 4))
        await here.line.bring()
        ((work,),) = await here.line.core.rows("SELECT work_id FROM work_orders")
        page = await here.page(f"picks/{work}")
        head, (source, _, sku, name, lot, _, to_pick, picked) = Rows(page).rows
        assert head[-2:] == ["to pick", "picked"]
        assert (source, sku, name, lot, to_pick.split()[0], picked) == ("T-1", "A", "A", "A-1", "4", "")
        assert codes(page) == {str(work), "T-1"}


async def test_a_packing_slip_says_who_gets_what() -> None:
    async with office() as here:
        await fill(here.line, "T-1", "A1-1-L-05", A=10)
        await order(here.line, "C-1", ("A", 2))
        await here.line.work_off(await here.line.bring())
        (package,) = await here.line.seal_all()
        page = await here.page(f"packages/B{package}")
        assert [row[0] for row in Rows(page).rows] == ["product", "A"] and Rows(page).rows[1][4].split()[
            0
        ] == "2"
        assert "Li Lei" in page and "1 Wensan Road" in page and codes(page) == {f"B{package}"}


async def test_an_arrival_list_says_what_is_to_come_with_fields_for_what_came() -> None:
    async with office() as here:
        body = {"noticeNo": "PO-1", "kind": "purchase", "warehouseId": WAREHOUSE, "supplier": "<Acme> & Co"}
        items = [{"lineNo": 1, "skuId": "A", "quantity": 10}]
        notice = InboundNotice.model_validate(body | {"items": items})
        await here.line.store.write(partial(announce_goods, context=here.line.core.context, notice=notice))
        page = await here.page("arrivals/PO-1")
        assert Rows(page).rows[1][4].split()[0] == "10" and Rows(page).rows[1][5:] == ["0", "10", "", ""]
        assert "&lt;Acme&gt; &amp; Co" in page and codes(page) == {"PO-1"}


@pytest.mark.parametrize("blind", [True, False])
async def test_a_count_list_shows_the_books_unless_the_count_is_blind(blind: bool) -> None:
    async with office() as here:
        await fill(here.line, "T-1", "A1-1-L-05", A=4711)
        await count_ordered(here, blind=blind)
        page = await here.page("counts/K-1")
        assert ("4711" in page) is not blind
        assert ("books" in Rows(page).rows[0]) is not blind
        assert codes(page) == {"K-1", "T-1"}


async def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    async with office() as here:
        await here.line.core.products("X", skuName='<script src="http://evil/x.js">alert(1)</script>')
        await fill(here.line, "T-1", "A1-1-L-05", X=1)
        await count_ordered(here, blind=False)
        page = Rows(await here.page("counts/K-1"))
        assert page.links == set() and not page.tags & {"script", "link", "img", "iframe", "object", "form"}
        answer = await here.http.get("/documents/counts/K-1")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")


@pytest.mark.parametrize(
    "path", ["picks/4711", "packages/B4711", "arrivals/PO-0", "counts/K-0", "transfers/TR-0"]
)
async def test_of_what_there_is_not_there_is_no_document(path: str) -> None:
    async with office() as here:
        assert (await here.http.get(f"/documents/{path}")).status_code == 404


async def test_a_command_writes_a_page(tmp_path: Path) -> None:
    async with office() as here, served(here.app) as url:
        await fill(here.line, "T-1", "A1-1-L-05", A=3)
        await count_ordered(here, blind=True)
        out = tmp_path / "count.html"
        words = ("wes", "document", "count", "K-1", "--out", str(out), "--url", url)
        assert (await asyncio.to_thread(typed, *words)).code == 0
        assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


async def test_the_description_says_that_they_are_pages_and_that_refusals_are_problems() -> None:
    async with office() as here:
        told = here.app.openapi()["paths"]["/v1/wes/documents/counts/{countId}"]["get"]["responses"]
        assert set(told["200"]["content"]) == {"text/html"}
        assert set(told["default"]["content"]) == {"application/problem+json"}
