"""People put the stock right: what was counted, held, moved or judged; who did it, and why, stands in the ledger."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_attention import attention_routes
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wes_stock import stock_routes
from gateway.api.wms import wms_routes
from gateway.wes.core import WesCore
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station
from tests.unit.wes_rig import WAREHOUSE

pytestmark = pytest.mark.unit

BEFORE = {"skuId": "A", "lotNo": "A-1", "holderId": "T-1"}


@dataclass
class Office:
    """Where people look after the stock, over HTTP."""

    line: Station
    http: httpx.AsyncClient
    acts: int = 0

    async def ask(self, path: str, **body: Any) -> httpx.Response:
        self.acts += 1
        act = {"actId": f"office-{self.acts}", "operator": "Ann", "reason": "looked"}
        return await self.http.post(f"/v1/wes/corrections/{path}", json=act | body)

    async def did(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.ask(path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, **body: Any) -> tuple[int, str]:
        answer = await self.ask(path, **body)
        return answer.status_code, answer.json()["reasons"][0]["code"]

    async def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/v1/wes/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def positions(self) -> dict[str, tuple[int, int, int]]:
        """Return (quantity, allocated, held) by holder."""
        rows = await self.line.core.rows("SELECT holder_id, quantity, allocated, held FROM positions")
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


@asynccontextmanager
async def office(**stock: int) -> AsyncGenerator[Office]:
    """Run the routes of a WES whose tote T-1 holds these goods."""
    async with station() as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for routes in (correction_routes, stock_routes, inbound_routes, wms_routes, attention_routes):
            app.include_router(routes(core))
        add_problem_handlers(app)
        await fill(line, "T-1", "A1-1-L-05", **stock)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield Office(line, http)
        await line.check()


# ── counts ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("counted", [0, 7, 10, 12])
async def test_the_books_follow_what_was_counted(counted: int) -> None:
    async with office(A=10) as desk:
        await desk.did("counts", **BEFORE, quantity=counted)
        assert await desk.positions() == {"T-1": (counted, 0, 0)}
        assert await desk.line.core.rows("SELECT quantity FROM pools") == [(counted,)]


async def test_what_a_short_pick_missed_is_held_until_a_count_says_whether_it_is_there() -> None:
    async with office(A=10) as desk:
        line = desk.line
        await order(line, "C-1", ("A", 4))
        operation = await line.bring()
        ((allocation, _),) = await line.scan(operation)
        await line.act("short", allocation_id=allocation, quantity=3)
        (quantity, _, held) = (await desk.positions())["T-1"]
        assert (quantity, held) == (10, 3)
        await desk.did("counts", **BEFORE, quantity=8)
        assert (await desk.positions())["T-1"][::2] == (8, 1), "two were truly missing"
        await desk.did("unholds", **BEFORE, quantity=1)
        assert (await desk.positions())["T-1"][::2] == (8, 0)


async def test_more_than_what_is_free_and_held_cannot_be_missing() -> None:
    async with office(A=10) as desk:
        await order(desk.line, "C-1", ("A", 8))
        await desk.line.think()
        assert await desk.positions() == {"T-1": (10, 8, 0)}
        assert await desk.refused("counts", **BEFORE, quantity=7) == (409, "allocated")
        assert await desk.positions() == {"T-1": (10, 8, 0)}
        await desk.did("counts", **BEFORE, quantity=8)


async def test_goods_are_found_where_the_books_had_none() -> None:
    async with office(A=10) as desk:
        await fill(desk.line, "T-2", "A1-1-L-06")
        await desk.did("counts", **BEFORE | {"holderId": "T-2"}, quantity=2)
        assert await desk.positions() == {"T-1": (10, 0, 0), "T-2": (2, 0, 0)}
        assert await desk.refused("counts", **BEFORE | {"holderId": "NOWHERE"}, quantity=2) == (409, "stock")


async def test_products_that_are_known_by_unit_are_counted_by_their_units() -> None:
    async with office() as desk:
        await desk.line.core.products("B", version=2, serial_tracked=True)
        receipt = {"skuId": "B", "quantity": 3, "upns": ["U-1", "U-2", "U-3"]}
        body = {"actId": "r", "operator": "Ann", "holderId": "T-1", "lines": [receipt]}
        assert (await desk.http.post("/v1/wes/inbound/receipts", json=body)).status_code == 200
        which = {"skuId": "B", "holderId": "T-1"}
        assert await desk.refused("counts", **which, quantity=3, upns=["U-1"]) == (409, "uncounted")
        await desk.did("holds", **which, quantity=1)
        await desk.did("counts", **which, quantity=2, upns=["U-2", "U-9"])
        units = await desk.line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert [row[0] for row in units if row[1] == "T-1"] == ["U-2", "U-9"]
        assert await desk.positions() == {"T-1": (2, 0, 0)}


# ── the others ────────────────────────────────────────────────────────────────────────────────────────


async def test_held_goods_are_promised_to_nobody_until_they_are_freed() -> None:
    async with office(A=10) as desk:
        await desk.did("holds", **BEFORE, quantity=8)
        assert await desk.refused("holds", **BEFORE, quantity=3) == (409, "stock")
        await order(desk.line, "C-1", ("A", 4))
        assert await desk.line.order_codes() == [20]
        await desk.did("unholds", **BEFORE, quantity=8)
        assert await desk.refused("unholds", **BEFORE, quantity=1) == (409, "stock")
        assert await desk.positions() == {"T-1": (10, 0, 0)}


async def test_goods_move_between_containers_and_totals_stay() -> None:
    async with office(A=10) as desk:
        await fill(desk.line, "T-2", "A1-1-L-06")
        await desk.did("moves", **BEFORE, targetId="T-2", quantity=4)
        assert await desk.positions() == {"T-1": (6, 0, 0), "T-2": (4, 0, 0)}
        assert await desk.refused("moves", **BEFORE, targetId="T-2", quantity=7) == (409, "stock")


async def test_a_lot_that_is_rejected_is_for_nobody_and_comes_back_when_it_is_qualified() -> None:
    async with office(A=10) as desk:
        await desk.did("qualities", skuId="A", lotNo="A-1", quality="rejected")
        (lot,) = await desk.items("lots", skuId="A")
        assert (lot["quality"], lot["available"], lot["held"]) == ("rejected", 0, 10)
        await desk.did("qualities", skuId="A", lotNo="A-1", quality="qualified")
        await order(desk.line, "C-1", ("A", 4))
        assert await desk.refused("qualities", skuId="A", lotNo="A-1", quality="expired") == (409, "stock")


async def test_a_lot_with_a_shelf_life_is_used_once_somebody_has_said_when_it_expires() -> None:
    async with office(A=10) as desk:
        await desk.line.core.products("A", version=2, shelf_life_days=10)
        lot: dict[str, Any] = {"skuId": "A", "lotNo": "A-1"}
        await desk.did("qualities", **lot, quality="pending")
        assert await desk.refused("qualities", **lot, quality="qualified") == (409, "unknownDay")
        day = "2099-01-01T00:00:00Z"
        await desk.did("qualities", **lot, quality="qualified", expiresAt=day)
        (shown,) = await desk.items("lots", skuId="A")
        assert (shown["quality"], shown["available"], shown["expiresAt"]) == ("qualified", 10, day)
        newest = max(await desk.items("ledger", skuId="A"), key=lambda entry: entry["at"])
        assert newest["reason"] == "pending → qualified, expires 2099-01-01T00:00:00.000000Z: looked"
        other = await desk.refused("qualities", **lot, quality="qualified", expiresAt="2098-01-01T00:00:00Z")
        assert other == (409, "otherDay")
        await desk.did("qualities", **lot, quality="pending", expiresAt=day)
        await desk.did("qualities", **lot, quality="qualified")


async def test_upstream_is_never_offered_the_safety_stock() -> None:
    async with office(A=10) as desk:
        await desk.did("safeties", skuId="A", quantity=7)
        asked = {"warehouseId": WAREHOUSE, "skuId": "A"}
        told = (await desk.http.get("/api/wms/inventory", params=asked)).json()["data"]
        assert (told["availableQty"], told["safety"]) == (3, 7)


async def test_who_changed_a_safety_stock_and_why_is_kept_with_what_it_was() -> None:
    async with office(A=10) as desk:
        await desk.did("safeties", skuId="A", quantity=20)
        body = {"skuId": "A", "quantity": 50, "actId": "S-2", "operator": "Bob", "reason": "Christmas"}
        await desk.did("safeties", **body)
        await desk.did("safeties", **body)
        noted = [
            (each["document"], each["skuId"], each["decision"], each["operator"], each["reason"])
            for each in await desk.items("decisions")
        ]
        assert noted == [
            ("safety", "A", "20 → 50", "Bob", "Christmas"),
            ("safety", "A", "0 → 20", "Ann", "looked"),
        ]


async def test_the_same_correction_again_changes_nothing() -> None:
    async with office(A=10) as desk:
        body = {**BEFORE, "actId": "mine", "quantity": 4}
        assert [(await desk.did("counts", **body))["again"] for _ in range(2)] == [False, True]
        assert await desk.refused("counts", **body | {"quantity": 5}) == (409, "idReused")
        assert await desk.positions() == {"T-1": (4, 0, 0)}


async def test_damaged_goods_are_put_aside_and_stay_held() -> None:
    async with office(A=10) as desk:
        await fill(desk.line, "T-2", "A1-1-L-06")
        await desk.did("holds", **BEFORE, quantity=3)
        await desk.did("held-moves", **BEFORE, quantity=2, targetId="T-2")
        assert await desk.positions() == {"T-1": (8, 0, 1), "T-2": (2, 0, 2)}
        assert await desk.refused("held-moves", **BEFORE, quantity=2, targetId="T-2") == (409, "stock")
        assert await desk.refused("held-moves", **BEFORE, quantity=1, targetId="T-1") == (409, "samePlace")
        assert await desk.refused("held-moves", **BEFORE, quantity=1, targetId="ADJUST") == (404, "unknown")


@pytest.mark.parametrize(("path", "kind"), [("scraps", "scrap"), ("supplier-returns", "supplierReturn")])
async def test_what_goes_for_good_is_no_loss_and_held_pieces_go_first(path: str, kind: str) -> None:
    async with office(A=10) as desk:
        await desk.did("holds", **BEFORE, quantity=3)
        await desk.did(path, **BEFORE, quantity=5)
        assert await desk.positions() == {"T-1": (5, 0, 0)}
        assert await desk.line.core.rows("SELECT quantity, held FROM pools") == [(5, 0)]
        told = await desk.items("ledger", skuId="A")
        assert kind in {each["kind"] for each in told}
        assert "loss" not in {each["kind"] for each in told}


async def test_goods_that_are_promised_cannot_be_thrown_away() -> None:
    async with office(A=10) as desk:
        await order(desk.line, "C-1", ("A", 8))
        assert await desk.refused("scraps", **BEFORE, quantity=3) == (409, "stock")
        await desk.line.think()
        assert await desk.refused("scraps", **BEFORE, quantity=3) == (409, "allocated")
        assert (await desk.positions())["T-1"][0] == 10
        await desk.did("scraps", **BEFORE, quantity=2)


async def test_a_rejected_lot_goes_back_to_its_supplier() -> None:
    async with office(A=10) as desk:
        await desk.did("qualities", skuId="A", lotNo="A-1", quality="rejected")
        await desk.did("supplier-returns", **BEFORE, quantity=10)
        assert await desk.positions() == {"T-1": (0, 0, 0)}


async def test_units_that_are_thrown_away_are_named() -> None:
    async with office() as desk:
        await desk.line.core.products("B", version=2, serial_tracked=True)
        receipt = {"skuId": "B", "quantity": 3, "upns": ["U-1", "U-2", "U-3"]}
        body = {"actId": "r", "operator": "Ann", "holderId": "T-1", "lines": [receipt]}
        assert (await desk.http.post("/v1/wes/inbound/receipts", json=body)).status_code == 200
        which = {"skuId": "B", "holderId": "T-1"}
        await desk.did("holds", **which, quantity=1)
        assert await desk.refused("scraps", **which, quantity=2, upns=["U-1"]) == (409, "uncounted")
        await desk.did("scraps", **which, quantity=2, upns=["U-1", "U-3"])
        units = await desk.line.core.rows("SELECT upn FROM units WHERE holder_id = 'T-1'")
        assert [row[0] for row in units] == ["U-2"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"skuId": "X"}, (404, "unknown")),
        ({"lotNo": "X"}, (404, "unknown")),
        ({"quantity": -1}, (422, "outOfRange")),
        ({"reason": ""}, (422, "tooShort")),
    ],
    ids=["product", "lot", "negative", "no reason"],
)
async def test_what_cannot_be_is_refused_and_nothing_is_changed(
    changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    async with office(A=10) as desk:
        assert await desk.refused("counts", **{**BEFORE, "quantity": 1} | changes) == refusal
        assert await desk.positions() == {"T-1": (10, 0, 0)}


@pytest.mark.parametrize("outside", ["SUPPLIER", "SHIPPED", "ADJUST"])
async def test_nothing_comes_from_or_goes_to_an_account_outside_by_a_correction(outside: str) -> None:
    async with office(A=10) as desk:
        unknown = (404, "unknown")
        assert await desk.refused("moves", **BEFORE, targetId=outside, quantity=4) == unknown
        there = BEFORE | {"holderId": outside}
        assert await desk.refused("moves", **there, targetId="T-1", quantity=4) == unknown
        for path in ("counts", "holds", "unholds"):
            assert await desk.refused(path, **there, quantity=4) == unknown
        assert await desk.positions() == {"T-1": (10, 0, 0)}


async def test_goods_that_stay_where_they_are_do_not_move() -> None:
    async with office(A=10) as desk:
        assert await desk.refused("moves", **BEFORE, targetId="T-1", quantity=4) == (409, "samePlace")


# ── what there is, and what happened ──────────────────────────────────────────────────────────────────


async def test_stock_is_shown_by_lot_and_by_location() -> None:
    async with office(A=10, B=3) as desk:
        await fill(desk.line, "T-2", "A1-1-L-06", A=5)
        await desk.line.hear()
        (lot,) = await desk.items("lots", skuId="A")
        assert (lot["lotNo"], lot["quantity"], lot["reserved"]) == ("A-1", 15, 0)
        assert (await desk.http.get("/v1/wes/lots", params={"skuId": "X"})).status_code == 404
        shown = [
            (each["locationId"], each["skuId"], each["quantity"]) for each in await desk.items("locations")
        ]
        assert shown == [("A1-1-L-05", "A", 10), ("A1-1-L-05", "B", 3), ("A1-1-L-06", "A", 5)]
        (one,) = await desk.items("locations/A1-1-L-06/stock")
        assert (one["skuId"], one["quantity"]) == ("A", 5)
        in_tote = [
            (each["skuId"], each["lotNo"], each["free"]) for each in await desk.items("holders/T-1/stock")
        ]
        assert in_tote == [("A", "A-1", 10), ("B", "B-1", 3)]
        first = (await desk.http.get("/v1/wes/holders/T-1/stock", params={"limit": 1})).json()
        (rest,) = await desk.items("holders/T-1/stock", limit=1, cursor=first["nextCursor"])
        assert rest["skuId"] == "B"
        assert await desk.items("holders/NOWHERE/stock") == []
        page = (await desk.http.get("/v1/wes/locations", params={"limit": 1})).json()
        assert page["nextCursor"] == "A1-1-L-05"
        (rest,) = await desk.items("locations", limit=1, cursor=page["nextCursor"])
        assert rest["locationId"] == "A1-1-L-06"


async def test_the_ledger_is_read_by_whatever_is_known_page_by_page() -> None:
    async with office(A=10, B=3) as desk:
        await desk.did("counts", **BEFORE, quantity=9, actId="count-1", reason="one is gone")
        outside, inside = await desk.items("ledger", documentId="count-1")
        assert (inside["kind"], inside["operator"], inside["reason"]) == ("loss", "Ann", "one is gone")
        assert {(each["holderId"], each["change"]["quantity"]) for each in (inside, outside)} == {
            ("ADJUST", 1),
            ("T-1", -1),
        }
        assert len(await desk.items("ledger", operator="Ann")) == 2
        assert {each["skuId"] for each in await desk.items("ledger", skuId="B")} == {"B"}
        assert len(await desk.items("ledger", holderId="T-1")) == 3
        assert await desk.items("ledger", until="2020-01-01T00:00:00Z") == []
        everything = await desk.items("ledger")
        seen: list[dict[str, Any]] = []
        page: dict[str, Any] = {"nextCursor": None}
        while "nextCursor" in page:
            params = {"limit": 1} | ({"cursor": page["nextCursor"]} if page["nextCursor"] else {})
            page = (await desk.http.get("/v1/wes/ledger", params=params)).json()
            seen += page["items"]
        assert seen == everything
        nonsense = await desk.http.get("/v1/wes/ledger", params={"cursor": "x"})
        assert nonsense.status_code == 422
