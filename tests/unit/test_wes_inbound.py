"""Goods come in: received, grouped into containers, put to flat places, and stored; each act once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_inbound import inbound_routes
from gateway.contract.transports import TransportRequest
from gateway.kernel.clock import to_rfc3339
from gateway.wes.core import WesCore
from gateway.wes.orders.history import DAY_US
from tests.unit.chain_rig import Chain, chain, contradictions, order
from tests.unit.wes_rig import WAREHOUSE

pytestmark = pytest.mark.unit

AREA = f"{WAREHOUSE}/RCV_AREA"
POSITIONS = (
    "SELECT p.holder_id, o.lot_no, p.quantity FROM positions p JOIN lots o ON o.lot_id = p.lot_id"
    " ORDER BY p.holder_id, o.lot_no"
)


class Dock:
    """Where goods come in, over HTTP."""

    def __init__(self, line: Chain, http: httpx.AsyncClient) -> None:
        self.line = line
        self._http = http

    async def ask(self, path: str, **body: Any) -> httpx.Response:
        return await self._http.post(f"/v1/wes/inbound/{path}", json={"operator": "ann", **body})

    async def look(self, path: str, **params: Any) -> httpx.Response:
        return await self._http.get(f"/v1/wes/inbound/{path}", params=params)

    async def did(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.ask(path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, path: str, **body: Any) -> tuple[int, list[tuple[str, str]]]:
        answer = await self.ask(path, **body)
        return answer.status_code, [(each["field"], each["code"]) for each in answer.json()["reasons"]]

    async def positions(self) -> list[tuple[str, str, int]]:
        return [(*row,) for row in await self.line.core.rows(POSITIONS)]

    async def sellable(self) -> dict[str, int]:
        return dict(await self.line.core.rows("SELECT sku, quantity - reserved - held FROM pools"))


@asynccontextmanager
async def dock(**changes: Any) -> AsyncGenerator[Dock]:
    async with chain(**changes) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(inbound_routes(core))
        add_problem_handlers(app)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
            yield Dock(line, http)
        assert await contradictions(line.core) == []


def some(sku: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"skuId": sku, "quantity": quantity, **more}


async def test_received_goods_lie_in_the_receiving_area_and_can_be_promised_at_once() -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", lines=[some("A", 10, lotNo="A-1"), some("B", 4)])
        assert await ramp.positions() == [(AREA, "", 4), (AREA, "A-1", 10)]
        assert await ramp.sellable() == {"A": 10, "B": 4}


async def test_put_into_a_container_the_row_of_the_area_stays_at_zero_and_totals_are_as_before() -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", lines=[some("A", 10, lotNo="A-1")])
        await ramp.did("putaways", actId="P-1", holderId="TOTE-9", lines=[some("A", 6, lotNo="A-1")])
        assert await ramp.positions() == [("TOTE-9", "A-1", 6), (AREA, "A-1", 4)]
        await ramp.did("putaways", actId="P-2", holderId="TOTE-9", lines=[some("A", 4, lotNo="A-1")])
        assert await ramp.positions() == [("TOTE-9", "A-1", 10), (AREA, "A-1", 0)]
        assert await ramp.sellable() == {"A": 10}


async def test_the_same_act_again_is_answered_as_before_and_moves_nothing() -> None:
    async with dock() as ramp:
        receipt: dict[str, Any] = {"actId": "R-1", "lines": [some("A", 10)]}
        assert (await ramp.did("receipts", **receipt))["again"] is False
        assert (await ramp.did("receipts", **receipt))["again"] is True
        putaway: dict[str, Any] = {"actId": "P-1", "holderId": "TOTE-9", "lines": [some("A", 10)]}
        assert [(await ramp.did("putaways", **putaway))["again"] for _ in range(2)] == [False, True]
        assert await ramp.positions() == [("TOTE-9", "", 10), (AREA, "", 0)]
        other = await ramp.refused("receipts", actId="R-1", lines=[some("A", 11)])
        assert other == (409, [("actId", "idReused")])


async def test_goods_come_straight_into_a_container_or_to_a_flat_place() -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", holderId="TOTE-9", lines=[some("A", 3)])
        await ramp.did("receipts", actId="R-2", holderId="A1-1-L-01", lines=[some("B", 2)])
        holders = await ramp.line.core.rows(
            "SELECT holder_id, kind, location_id FROM holders WHERE kind IN ('container', 'location') ORDER BY holder_id"
        )
        assert [(*row,) for row in holders] == [
            ("A1-1-L-01", "location", "A1-1-L-01"),
            ("TOTE-9", "container", None),
        ]


async def test_what_is_wrong_with_a_receipt_is_told_line_by_line_and_nothing_comes_in() -> None:
    async with dock() as ramp:
        lines = [some("X", 1), some("A", 1), some("Y", 1)]
        assert await ramp.refused("receipts", actId="R-1", lines=lines) == (
            422,
            [("lines[0].skuId", "unknownSku"), ("lines[2].skuId", "unknownSku")],
        )
        lines = [some("A", 0), some("A", 1, producedAt="0001-01-01T00:00:00Z")]
        assert await ramp.refused("receipts", actId="R-1", lines=lines) == (
            422,
            [("lines[0].quantity", "outOfRange"), ("lines[1].producedAt", "badFormat")],
        )
        assert await ramp.positions() == []
        await ramp.did("receipts", actId="R-1", lines=[some("A", 1)])


async def test_a_lot_has_one_supplier_and_one_expiry() -> None:
    async with dock() as ramp:
        first = some("A", 1, lotNo="A-1", supplier="Acme", expiresAt="2027-01-01T00:00:00Z")
        await ramp.did("receipts", actId="R-1", lines=[first])
        other = {**first, "expiresAt": "2028-01-01T00:00:00Z"}
        assert await ramp.refused("receipts", actId="R-2", lines=[some("B", 5), other]) == (
            409,
            [("", "stock")],
        )
        assert await ramp.sellable() == {"A": 1}


async def test_goods_expire_by_the_shelf_life_of_their_product() -> None:
    async with dock() as ramp:
        await ramp.line.core.products("A", version=2, shelf_life_days=10)
        await ramp.did("receipts", actId="R-1", lines=[some("A", 1, producedAt="2026-01-01T00:00:00Z")])
        ((expiry,),) = await ramp.line.core.rows("SELECT expiry_at FROM lots")
        assert expiry == 1_768_089_600_000_000  # 2026-01-11


async def test_goods_with_a_shelf_life_and_no_date_are_taken_in_and_wait_for_somebody_to_say_it() -> None:
    async with dock() as ramp:
        await ramp.line.core.products("A", version=2, shelf_life_days=10)
        undated = some("A", 5, lotNo="A-1")
        answer = await ramp.did("receipts", actId="R-1", holderId="TOTE-9", lines=[undated, some("B", 1)])
        assert answer["toInspect"] == ["A"]
        assert await ramp.positions() == [("TOTE-9", "", 1), ("TOTE-9", "A-1", 5)]
        assert await ramp.sellable() == {"A": 0, "B": 1}
        again = await ramp.did("receipts", actId="R-1", holderId="TOTE-9", lines=[undated, some("B", 1)])
        assert (again["again"], again["toInspect"]) == (True, ["A"])


async def test_a_lot_whose_date_is_known_needs_it_only_once() -> None:
    async with dock() as ramp:
        await ramp.line.core.products("A", version=2, shelf_life_days=10)
        first = some("A", 1, lotNo="A-1", producedAt="2026-09-20T00:00:00Z")
        assert "toInspect" not in await ramp.did("receipts", actId="R-1", lines=[first])
        assert "toInspect" not in await ramp.did("receipts", actId="R-2", lines=[some("A", 2, lotNo="A-1")])
        assert await ramp.sellable() == {"A": 3}


@pytest.mark.parametrize(
    "day", [{"expiresAt": "2026-09-21T00:00:00Z"}, {"producedAt": "2026-09-01T00:00:00Z"}], ids=str
)
async def test_goods_that_have_expired_are_taken_in_and_never_promised(day: dict[str, str]) -> None:
    async with dock() as ramp:
        await ramp.line.core.products("A", version=2, shelf_life_days=10)
        lines = [some("A", 5, lotNo="A-1", **day), some("B", 1)]
        answer = await ramp.did("receipts", actId="R-1", lines=lines)
        assert (answer["expired"], answer.get("toInspect")) == (["A"], None)
        assert await ramp.positions() == [(AREA, "", 1), (AREA, "A-1", 5)]
        assert await ramp.sellable() == {"A": 0, "B": 1}
        assert await ramp.line.core.rows("SELECT quality FROM lots ORDER BY lot_no") == [
            ("qualified",),
            ("expired",),
        ]
        assert await contradictions(ramp.line.core) == []


async def test_goods_of_a_lot_that_has_expired_since_are_held_though_nobody_has_marked_it_yet() -> None:
    async with dock() as ramp:
        line = some("A", 5, lotNo="A-1", expiresAt="2026-09-22T00:00:00Z")
        assert "expired" not in await ramp.did("receipts", actId="R-1", lines=[line])
        ramp.line.core.clock.at_us += 86_400_000_000
        assert (await ramp.did("receipts", actId="R-2", lines=[line]))["expired"] == ["A"]
        assert await ramp.positions() == [(AREA, "A-1", 10)]
        assert await ramp.sellable() == {"A": 5}, "until the round marks the lot"


async def test_what_the_dock_has_found_against_goods_stands_whatever_their_day() -> None:
    async with dock() as ramp:
        line = some("A", 5, lotNo="A-1", expiresAt="2026-09-01T00:00:00Z", quality="rejected")
        assert "expired" not in await ramp.did("receipts", actId="R-1", lines=[line])
        assert await ramp.line.core.rows("SELECT quality FROM lots") == [("rejected",)]


async def test_goods_that_nobody_can_have_produced_yet_are_refused_with_the_line() -> None:
    async with dock() as ramp:
        lines = [
            some("A", 1, lotNo="A-1", producedAt="2026-09-22T00:00:00Z"),
            some("A", 1, lotNo="A-2", producedAt="2999-01-01T00:00:00Z"),
        ]
        assert await ramp.refused("receipts", actId="R-1", lines=lines) == (
            422,
            [("lines[1].producedAt", "inFuture")],
        )
        assert await ramp.positions() == []
        await ramp.did("receipts", actId="R-1", lines=lines[:1])


@pytest.mark.parametrize("said", [{}, {"quality": "pending"}, {"quality": "rejected"}])
async def test_pieces_that_must_wait_are_held_where_others_of_their_lot_may_be_promised(
    said: dict[str, str],
) -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", lines=[some("A", 4)])
        await ramp.line.core.products("A", version=2, shelf_life_days=10)
        await ramp.did("receipts", actId="R-2", lines=[some("A", 5, **said)])
        assert await ramp.positions() == [(AREA, "", 9)]
        assert await ramp.sellable() == {"A": 4}


async def test_goods_that_wait_for_inspection_cannot_be_promised_wherever_they_go() -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", lines=[some("A", 5, lotNo="A-1", quality="pending")])
        await ramp.did("putaways", actId="P-1", holderId="TOTE-9", lines=[some("A", 5, lotNo="A-1")])
        assert await ramp.sellable() == {"A": 0}


async def test_products_that_are_known_by_unit_come_with_all_their_units() -> None:
    async with dock() as ramp:
        await ramp.line.core.products("A", version=2, serial_tracked=True)
        assert (await ramp.refused("receipts", actId="R-1", lines=[some("A", 2, upns=["U-1"])]))[0] == 409
        await ramp.did("receipts", actId="R-1", lines=[some("A", 2, upns=["U-1", "U-2"])])
        await ramp.did("putaways", actId="P-1", holderId="TOTE-9", lines=[some("A", 1, upns=["U-2"])])
        units = await ramp.line.core.rows("SELECT upn, holder_id FROM units ORDER BY upn")
        assert [(*row,) for row in units] == [("U-1", AREA), ("U-2", "TOTE-9")]


async def test_only_what_was_received_and_is_there_can_be_put_away() -> None:
    async with dock() as ramp:
        await ramp.did("receipts", actId="R-1", lines=[some("A", 5)])
        unknown = await ramp.refused("putaways", actId="P-1", holderId="T", lines=[some("A", 1, lotNo="?")])
        assert unknown == (422, [("lines[0]", "unknownLot")])
        too_many = await ramp.refused("putaways", actId="P-1", holderId="T", lines=[some("A", 6)])
        assert too_many == (409, [("", "stock")])
        outside = await ramp.refused("putaways", actId="P-1", holderId="SUPPLIER", lines=[some("A", 1)])
        assert outside == (409, [("", "stock")])


async def test_a_container_is_stored_and_its_goods_are_where_the_gateway_says_it_stands() -> None:
    async with dock() as ramp:
        line = ramp.line
        line.gateway.places["TOTE-9"] = "IN-1"
        await ramp.did("receipts", actId="R-1", holderId="TOTE-9", lines=[some("A", 3)])
        assert await ramp.refused("storages", actId="S-0", containerId="TOTE-9") == (
            409,
            [("containerId", "notHere")],
        )
        await line.hear()
        stored = await ramp.did("storages", actId="S-1", containerId="TOTE-9")
        assert await ramp.refused("storages", actId="S-2", containerId="TOTE-9") == (
            409,
            [("containerId", "busy")],
        )
        await line.until_quiet()
        (asked,) = line.gateway.asked.values()
        assert isinstance(asked, TransportRequest)
        assert asked.destination == stored["destination"] == line.gateway.places["TOTE-9"]
        ((location,),) = await line.core.rows("SELECT location_id FROM holders WHERE holder_id = 'TOTE-9'")
        assert location == stored["destination"]
        assert (await ramp.did("storages", actId="S-1", containerId="TOTE-9"))["again"] is True
        assert await ramp.refused("storages", actId="S-3", containerId="TOTE-9") == (
            409,
            [("containerId", "stored")],
        )


async def test_what_came_in_goes_out_by_an_order() -> None:
    async with dock() as ramp:
        line = ramp.line
        line.gateway.places["TOTE-9"] = "A1-1-L-01"
        await ramp.did("receipts", actId="R-1", holderId="TOTE-9", lines=[some("A", 3)])
        await line.hear()
        await order(line, "C-1", ("A", 2))
        await line.until_quiet()
        assert await line.codes() == [90]


async def test_goods_that_come_back_are_received_and_listed() -> None:
    async with dock() as ramp:
        answer = await ramp.did("returns", actId="B-1", lines=[{**some("A", 2), "quality": "damaged"}])
        number = answer["returnNo"].removeprefix("RT")
        assert await ramp.positions() == [(AREA, f"-R{number}D", 2)]
        await ramp.did("returns", actId="B-2", reason="at the gate", lines=[some("B", 1)])
        first = (await ramp.look("returns", limit=1)).json()
        assert [each["reason"] for each in first["items"]] == ["at the gate"]
        (last,) = (await ramp.look("returns", limit=1, cursor=first["nextCursor"])).json()["items"]
        assert last["lines"] == [
            {"skuId": "A", "announced": 0, "saleable": 0, "damaged": 2, "inspect": 0},
        ]
        assert await ramp.refused("returns", actId="B-3") == (422, [("", "badFormat")])
        assert await ramp.refused("returns", actId="B-4", lines=[some("X", 1)]) == (
            422,
            [("lines[0].skuId", "unknownSku")],
        )


# ── near their day ────────────────────────────────────────────────────────────────────────────────────

KEEPS = {
    "rules": [
        {"at": "admission", "when": {"supplier": "Acme"}, "then": {"days": 10, "late": "inspect"}},
        {"at": "admission", "then": {"days": 30, "percent": 50}},
    ]
}


@pytest.mark.parametrize(("days", "refused"), [(51, False), (49, True), (20, True), (-1, True)])
async def test_goods_that_keep_for_less_than_they_must_are_not_taken_in(days: int, refused: bool) -> None:
    async with dock(**KEEPS) as ramp:
        await ramp.line.core.products("A", version=2, shelfLifeDays=100)
        expires_at = to_rfc3339(ramp.line.core.clock.now_us() + days * DAY_US + 60_000_000)
        coming = {"actId": "R-1", "lines": [some("A", 5, lotNo="A-1", expiresAt=expires_at)]}
        if not refused:
            await ramp.did("receipts", **coming)
            return
        assert await ramp.refused("receipts", **coming) == (422, [("lines[0].expiresAt", "keepsTooShort")])
        assert await ramp.positions() == []
        coming["lines"] = [some("A", 5, lotNo="A-1", expiresAt=expires_at, quality="rejected")]
        await ramp.did("receipts", **coming)
        assert await ramp.sellable() == {"A": 0}


async def test_by_rule_goods_near_their_day_are_taken_in_and_wait_for_an_inspection() -> None:
    async with dock(**KEEPS) as ramp:
        expires_at = to_rfc3339(ramp.line.core.clock.now_us() + 9 * DAY_US)
        goods = some("A", 5, lotNo="A-1", expiresAt=expires_at, supplier="Acme")
        view = await ramp.did("receipts", actId="R-1", lines=[goods])
        assert view["toInspect"] == ["A"]
        assert await ramp.sellable() == {"A": 0}
