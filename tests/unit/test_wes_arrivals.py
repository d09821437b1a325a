"""Announced goods over HTTP and on the command line; and nothing of it reads a table as a whole, however many have come."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_arrivals import arrival_routes
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wms import wms_routes
from gateway.contract.wms import StatusCallback
from gateway.site.rules import Arriving
from gateway.store.inline import InlineStore
from gateway.wes.arrivals.documents import Line
from gateway.wes.arrivals.receipts import spread
from gateway.wes.core import WesCore
from tests.cli_bench import served, typed
from tests.unit.test_wes_reads import is_read_as_a_whole
from tests.unit.wes_rig import WAREHOUSE, Core, core

pytestmark = pytest.mark.unit


@asynccontextmanager
async def dock() -> AsyncGenerator[tuple[Core, FastAPI, httpx.AsyncClient]]:
    """Run what upstream and the dock ask over a core in memory."""
    async with core() as opened:
        parts = WesCore(store=opened.store, context=opened.context, numbers=opened.numbers)
        app = FastAPI()
        for routes in (wms_routes, inbound_routes, arrival_routes):
            app.include_router(routes(parts))
        add_problem_handlers(app)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield opened, app, http


def notice(notice_no: str, **more: Any) -> dict[str, Any]:
    items = [{"skuId": "A", "quantity": 10}, {"skuId": "B", "quantity": 2}]
    return {"noticeNo": notice_no, "kind": "purchase", "warehouseId": WAREHOUSE, "items": items, **more}


def receipt(act_id: str, sku: str, quantity: int) -> dict[str, Any]:
    goods = [{"skuId": sku, "quantity": quantity}]
    return {"actId": act_id, "operator": "Dora", "noticeNo": "PO-1", "lines": goods}


async def announce(http: httpx.AsyncClient, *notice_nos: str) -> None:
    for notice_no in notice_nos:
        answer = await http.post("/api/wms/inbound/notice", json=notice(notice_no))
        assert answer.json()["data"] == {"noticeNo": notice_no, "status": "announced"}


async def test_goods_are_announced_received_looked_at_and_completed() -> None:
    async with dock() as (opened, _, http):
        await announce(http, "PO-1", "PO-2")
        other = await http.post("/api/wms/inbound/notice", json=notice("PO-1", supplier="Acme"))
        assert (other.status_code, other.json()["errors"][0]["code"]) == (409, "reused")
        came = await http.post("/v1/wes/inbound/receipts", json=receipt("R-1", "A", 4))
        assert came.json()["noticeState"] == "partly"
        refused = await http.post("/v1/wes/inbound/receipts", json=receipt("R-2", "A", 7))
        assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (422, "tooMany")
        shown = (await http.get("/v1/wes/arrivals/PO-1")).json()
        assert (shown["state"], shown["lacks"]) == ("partly", "A ×6 EA; B ×2 EA")
        ended = {"actId": "E-1", "operator": "Dora", "noticeNo": "PO-1", "reason": "lost"}
        done = await http.post("/v1/wes/arrivals/completions", json=ended)
        assert done.json()["noticeState"] == "closed"
        page = (await http.get("/v1/wes/arrivals", params={"limit": 1})).json()
        rest = (await http.get("/v1/wes/arrivals", params={"cursor": page["nextCursor"]})).json()
        assert [each["noticeNo"] for each in (*page["items"], *rest["items"])] == ["PO-2", "PO-1"]
        still = (await http.get("/v1/wes/arrivals", params={"open": "true"})).json()["items"]
        assert [each["noticeNo"] for each in still] == ["PO-2"]
        assert [StatusCallback.model_validate(each).notice_complete for each in await opened.told()] == [
            False,
            True,
        ]


async def test_upstream_cancels_a_notice_once_and_hears_the_same_again() -> None:
    async with dock() as (_, _, http):
        await announce(http, "PO-1")
        body = {"noticeNo": "PO-1", "reason": "ordered twice"}
        answers = [await http.post("/api/wms/inbound/cancel", json=body) for _ in range(2)]
        assert [each.json()["data"]["status"] for each in answers] == ["cancelled"] * 2
        unknown = await http.post("/api/wms/inbound/cancel", json=body | {"noticeNo": "PO-9"})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")
        assert (await http.get("/v1/wes/arrivals/PO-9")).status_code == 404


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"lineNo": 2, "skuId": "A", "quantity": 1}, {"skuId": "B", "quantity": 1}]}, "items"),
        ({"kind": "gift"}, "kind"),
        ({"expectedAt": "tomorrow"}, "expectedAt"),
    ],
    ids=("no item", "a line number twice", "an unknown kind", "no moment"),
)
async def test_a_notice_that_is_none_is_declined_with_its_field(more: dict[str, Any], field: str) -> None:
    async with dock() as (_, _, http):
        answer = await http.post("/api/wms/inbound/notice", json=notice("PO-1") | more)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_somebody_reads_what_is_still_to_come() -> None:
    async with dock() as (_, app, http), served(app) as url:
        await announce(http, "PO-1", "PO-2")
        await http.post("/v1/wes/inbound/receipts", json=receipt("R-1", "A", 4))
        await http.post("/api/wms/inbound/cancel", json={"noticeNo": "PO-2", "reason": "ordered twice"})
        listed = await asyncio.to_thread(typed, "wes", "arrivals", "--url", url)
        rows = [" ".join(row.split()) for row in listed.out.splitlines()]
        assert "PO-1 purchase partly 12 4 A ×6 EA; B ×2 EA" in rows
        assert "PO-2 purchase cancelled 12 ordered twice" in rows
        still = await asyncio.to_thread(typed, "wes", "arrivals", "--open", "--json", "--url", url)
        assert [each["noticeNo"] for each in json.loads(still.out)["items"]] == ["PO-1"]


async def test_what_came_is_listed_lot_by_lot_with_its_quality_page_by_page() -> None:
    async with dock() as (_, app, http), served(app) as url:
        await announce(http, "PO-1")
        waiting = receipt("R-1", "A", 4)
        waiting["lines"][0] |= {"lotNo": "L-1", "quality": "pending"}
        await http.post("/v1/wes/inbound/receipts", json=waiting)
        await http.post("/v1/wes/inbound/receipts", json=receipt("R-2", "B", 2))
        first = (await http.get("/v1/wes/arrivals/PO-1/inspections", params={"limit": 1})).json()
        rest = await http.get("/v1/wes/arrivals/PO-1/inspections", params={"cursor": first["nextCursor"]})
        found = [*first["items"], *rest.json()["items"]]
        assert [(each["skuId"], each["lotNo"], each["received"], each["quality"]) for each in found] == [
            ("A", "L-1", 4, "pending"),
            ("B", "", 2, "qualified"),
        ]
        listed = await asyncio.to_thread(typed, "wes", "inspections", "PO-1", "--url", url)
        rows = [" ".join(row.split()) for row in listed.out.splitlines()]
        assert "A A L-1 4 4 4 pending" in rows
        unknown = await asyncio.to_thread(typed, "wes", "inspections", "PO-9", "--url", url)
        assert unknown.code != 0


async def test_nothing_of_it_reads_a_table_that_grows_as_a_whole() -> None:
    async with dock() as (opened, _, http):
        assert isinstance(opened.store, InlineStore)
        asked: set[str] = set()
        opened.store._connection.set_trace_callback(asked.add)
        await announce(http, "PO-1", "PO-2")
        await http.post("/v1/wes/inbound/receipts", json=receipt("R-1", "A", 4))
        for path in ("", "?open=true", "/PO-1", "/PO-1/inspections"):
            assert (await http.get(f"/v1/wes/arrivals{path}")).status_code == 200
        await http.post("/api/wms/inbound/cancel", json={"noticeNo": "PO-1", "reason": "enough"})
        opened.store._connection.set_trace_callback(None)
        statements = {sql for sql in asked if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)}
        assert len(statements) > 20
        wrong = {sql for sql in statements if await is_read_as_a_whole(opened.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))


FIGURES = st.tuples(st.sampled_from(["", "L-1"]), st.integers(1, 20), st.integers(0, 25))


@given(
    st.lists(FIGURES, min_size=1, max_size=5), st.integers(1, 200), st.sampled_from([0, 5, 10, 50, 100, 300])
)
def test_no_line_gets_more_than_it_may_and_nothing_is_left_over_while_one_has_room(
    figures: list[tuple[str, int, int]], quantity: int, percent: int
) -> None:
    rule = Arriving(over_percent=percent)
    lines = {
        number: Line(
            line_no=number,
            sku="A",
            lot_no=lot_no,
            production_at=None,
            expiry_at=None,
            announced=announced,
            received=received,
        )
        for number, (lot_no, announced, received) in enumerate(figures, 1)
    }
    shares = {share.line_no: share.quantity for share in spread(list(lines.values()), quantity, rule)}
    rooms = {number: max(0, line.room(rule)) for number, line in lines.items()}
    assert all(0 < shares[number] <= rooms[number] for number in shares)
    assert sum(shares.values()) == min(quantity, sum(rooms.values()))
    lacks = {number: max(0, line.announced - line.received) for number, line in lines.items()}
    if any(shares[number] > lacks[number] for number in shares):
        assert all(shares.get(number, 0) >= lacks[number] for number in lines), "what lacks goes first"
