"""A lot, and one unit, are traced from where they came to whom they went, on either database (S2-143, S2-144)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_corrections import correction_routes
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wes_stock import stock_routes
from gateway.api.wes_tracing import tracing_routes
from gateway.kernel.ports import Store
from gateway.store.inline import InlineStore
from gateway.wes.core import WesCore
from gateway.wes.orders.history import DAY_US, carry_over
from tests.unit.chain_rig import order
from tests.unit.station_rig import Station, put, station, station_on
from tests.unit.test_wes_reads import is_read_as_a_whole

pytestmark = pytest.mark.unit

TEA = {"skuId": "A", "lotNo": "L"}


@dataclass
class Office:
    """A quality manager, over HTTP."""

    line: Station
    http: httpx.AsyncClient
    acts: int = 0

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.http.get(f"/v1/wes/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def items(self, path: str, **params: Any) -> list[dict[str, Any]]:
        return (await self.get(path, **params))["items"]

    async def do(self, path: str, **body: Any) -> Any:
        self.acts += 1
        who = {"actId": f"office-{self.acts}", "operator": "Eve"}
        answer = await self.http.post(f"/v1/wes/{path}", json=who | body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def receive(self, tote: str, place: str, quantity: int, lot_no: str = "L", **more: Any) -> None:
        """Have goods of A come in, in a tote that stands in the rack."""
        self.line.gateway.places[tote] = place
        goods = {"skuId": "A", "lotNo": lot_no, "quantity": quantity, "supplier": "farm"}
        await self.do("inbound/receipts", holderId=tote, lines=[goods | more])
        await self.line.hear()

    async def recall(self) -> Any:
        return await self.do("corrections/recalls", reason="mould", **TEA)

    async def stages(self) -> list[tuple[str, str, int]]:
        """Return (order, stage, pieces) of what has not left."""
        found = await self.items("lots/orders", **TEA)
        return [(each["orderNo"], each["stage"], each["quantity"]) for each in found]

    async def forget_the_day(self) -> None:
        """Let the orders that have ended go to history."""
        await self.line.core.store.write(lambda tx: tx.execute("DELETE FROM outbox"))
        self.line.core.clock.at_us += 1_000 * DAY_US
        await carry_over(self.line.store, self.line.core.context)
        assert not await self.line.core.rows("SELECT 1 FROM orders WHERE code = 190")


@asynccontextmanager
async def office_of(line: Station) -> AsyncGenerator[Office]:
    core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
    app = FastAPI()
    for routes in (correction_routes, stock_routes, tracing_routes, inbound_routes):
        app.include_router(routes(core))
    add_problem_handlers(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
        yield Office(line, http)
    await line.check()


@pytest.fixture
async def desk(store: Store) -> AsyncGenerator[Office]:
    async with office_of(await station_on(store)) as desk:
        yield desk


async def test_where_a_lot_came_from_how_it_was_judged_and_that_it_is_recalled(desk: Office) -> None:
    await desk.receive("T-1", "A1-1-L-05", 20)
    await desk.do("corrections/counts", reason="counted", **TEA, holderId="T-1", quantity=18)
    await desk.recall()
    trace = await desk.get("lots/trace", **TEA)
    assert {name: trace[name] for name in ("received", "adjusted", "shipped", "cameBack", "picked")} == {
        "received": 20,
        "adjusted": -2,
        "shipped": 0,
        "cameBack": 0,
        "picked": 0,
    }
    assert (trace["lot"]["quality"], trace["lot"]["recalled"], trace["lot"]["supplier"]) == (
        "rejected",
        True,
        "farm",
    )
    ((arrival),) = trace["arrivals"]
    assert (arrival["source"], arrival["quantity"], arrival["documentId"]) == ("SUPPLIER", 20, "office-1")
    ((judgement),) = trace["judgements"]
    assert judgement["reason"] == "qualified → rejected: mould"
    ((recall),) = trace["recalls"]
    assert (recall["operator"], recall["reason"]) == ("Eve", "mould")
    assert "barredAt" in recall
    lies = await desk.items("stock/A")
    assert [(each["holderId"], each["locationId"], each["quantity"]) for each in lies] == [
        ("T-1", "A1-1-L-05", 18)
    ]


async def test_who_is_promised_some_and_how_far_it_has_come(desk: Office) -> None:
    line = desk.line
    await desk.receive("T-1", "A1-1-L-05", 20)
    await order(line, "C-1", ("A", 4))
    assert await desk.stages() == [("ORD-C-1", "promised", 4)]
    for _ in range(3):
        await line.think()
    assert await desk.stages() == [("ORD-C-1", "coming", 4)]
    operation = await line.bring()
    assert await desk.stages() == [("ORD-C-1", "atStation", 4)]
    ((allocation, _),) = await line.scan(operation)
    await put(line, allocation, 3)
    assert await desk.stages() == [("ORD-C-1", "atStation", 1), ("ORD-C-1", "picked", 3)]
    await put(line, allocation, 1)
    await line.seal_all()
    assert await desk.stages() == [("ORD-C-1", "packed", 4)]
    await order(line, "C-2", ("A", 2))
    await line.cancel("C-1")
    assert await desk.stages() == [("ORD-C-1", "toPutBack", 4), ("ORD-C-2", "promised", 2)]


async def test_what_is_recalled_out_of_a_box_is_named_with_its_order_and_box(desk: Office) -> None:
    line = desk.line
    await desk.receive("T-1", "A1-1-L-05", 20)
    await order(line, "C-1", ("A", 4))
    await line.work_off(await line.bring())
    await line.seal_all()
    view = await desk.recall()
    assert view["recalled"] == [{"lotNo": "L", "quantity": 20, "promised": 4, "picked": 4, "shipped": 0}]
    ((found),) = await desk.items("lots/orders", **TEA)
    assert (found["orderNo"], found["stage"], found["quantity"]) == ("ORD-C-1", "toTakeOut", 4)
    assert found["packageNo"].startswith("B")
    assert (await desk.get("lots/trace", **TEA))["toTakeOut"] == 4


async def test_what_has_left_is_told_with_package_and_consignee_in_history_too(desk: Office) -> None:
    line = desk.line
    await desk.receive("T-1", "A1-1-L-05", 20)
    await order(line, "C-1", ("A", 4))
    await line.finish()
    await desk.forget_the_day()
    await order(line, "C-2", ("A", 3))
    await line.finish()
    await desk.recall()
    first = await desk.get("lots/shipments", limit=1, **TEA)
    second = await desk.get("lots/shipments", limit=1, cursor=first["nextCursor"], **TEA)
    assert "nextCursor" not in second or second["nextCursor"] is None
    left = [*first["items"], *second["items"]]
    assert [(each["orderNo"], each["quantity"], each["consignee"], each["phone"]) for each in left] == [
        ("ORD-C-1", 4, "Li Lei", "13800000000"),
        ("ORD-C-2", 3, "Li Lei", "13800000000"),
    ]
    assert all(each["packageNo"].startswith("B") and each["address"] for each in left)
    assert (await desk.get("lots/trace", **TEA))["shipped"] == 7


async def test_a_unit_is_found_by_its_number_with_all_that_happened_to_it(desk: Office) -> None:
    line = desk.line
    await line.core.products("A", version=2, serialTracked=True)
    await line.core.products("B", version=2, serialTracked=True)
    await desk.receive("T-1", "A1-1-L-05", 2, upns=["1", "2"])
    await desk.do("inbound/receipts", holderId="T-2", lines=[{"skuId": "B", "quantity": 1, "upns": ["1"]}])
    assert [each["skuId"] for each in await desk.items("units/1")] == ["A", "B"]
    await order(line, "C-1", ("A", 1))
    operation = await line.bring()
    ((allocation, _),) = await line.scan(operation)
    await line.act("pick", allocation_id=allocation, quantity=1, upns=["2"])
    await line.light()
    for name in line.walls.lit():
        line.walls.press(name)
    await line.hear()
    await line.act("done", operation_id=operation)
    await line.finish()
    await desk.forget_the_day()
    ((unit),) = await desk.items("units/2", skuId="A")
    assert (unit["lotNo"], unit["supplier"], unit["holderId"]) == ("L", "farm", "SHIPPED")
    moves = await desk.items("units/2/moves", skuId="A")
    assert [(each["kind"], each["source"], each["target"]) for each in moves] == [
        ("receive", "SUPPLIER", "T-1"),
        ("pick", "T-1", "WH-1/PICK_TO"),
        ("ship", "WH-1/PICK_TO", "SHIPPED"),
    ]
    assert moves[-1]["shipment"]["orderNo"] == "ORD-C-1"
    units = await desk.items("units", **TEA)
    assert [(each["upn"], each["holderId"]) for each in units] == [("1", "T-1"), ("2", "SHIPPED")]
    first = await desk.get("units/2/moves", skuId="A", limit=2)
    rest = await desk.items("units/2/moves", skuId="A", limit=2, cursor=first["nextCursor"])
    assert rest == moves[2:]


async def test_a_lot_is_merged_into_another_and_a_recall_finds_it_there(desk: Office) -> None:
    await desk.receive("T-1", "A1-1-L-05", 20)
    await desk.receive("T-2", "A1-2-L-05", 10, lot_no="M")
    merged = {"reason": "one tote", **TEA, "holderId": "T-1", "quantity": 5, "targetLotNo": "M"}
    await desk.do("corrections/merges", **merged)
    found = await desk.items("holders/T-1/stock")
    assert [(each["lotNo"], each["quantity"]) for each in found] == [("L", 15), ("M", 5)]
    for lot_no in ("L", "M"):
        ((merge),) = (await desk.get("lots/trace", skuId="A", lotNo=lot_no))["merges"]
        assert (merge["fromLot"], merge["intoLot"], merge["quantity"], merge["reason"]) == (
            "L",
            "M",
            5,
            "one tote",
        )
    assert [each["lotNo"] for each in (await desk.recall())["recalled"]] == ["L", "M"]
    assert [each["lotNo"] for each in await desk.items("lots", quality="rejected")] == ["L", "M"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"lotNo": "L"}, "sameLot"),
        ({"lotNo": "M", "expiresAt": "2030-01-01T00:00:00Z"}, "keepsLonger"),
        ({"lotNo": "M", "quality": "pending", "expiresAt": "2029-01-01T00:00:00Z"}, "otherQuality"),
    ],
)
async def test_no_merge_makes_goods_better_than_they_are(
    desk: Office, target: dict[str, Any], code: str
) -> None:
    dated = {"expiresAt": "2029-01-01T00:00:00Z"}
    await desk.receive("T-1", "A1-1-L-05", 20, **dated)
    await desk.receive("T-2", "A1-2-L-05", 10, target["lotNo"], **(dated | target))
    body = {"actId": "M-1", "operator": "Eve", **TEA, "holderId": "T-1", "quantity": 5}
    more = {"reason": "one tote", "targetLotNo": target["lotNo"]}
    answer = await desk.http.post("/v1/wes/corrections/merges", json=body | more)
    assert (answer.status_code, answer.json()["reasons"][0]["code"]) == (409, code)


async def test_lots_positions_and_ledger_are_narrowed_down(desk: Office) -> None:
    await desk.receive("T-1", "A1-1-L-05", 20)
    await desk.receive("T-2", "A1-2-L-05", 10, lot_no="M")
    await desk.recall()
    assert [each["lotNo"] for each in await desk.items("lots", quality="rejected")] == ["L"]
    first = await desk.get("lots", skuId="A", order="lifo", limit=1)
    rest = await desk.items("lots", skuId="A", order="lifo", limit=1, cursor=first["nextCursor"])
    assert [each["lotNo"] for each in (*first["items"], *rest)] == ["M", "L"]
    assert [each["holderId"] for each in await desk.items("stock/A", lotNo="M")] == ["T-2"]
    ((zone,),) = await desk.line.core.rows("SELECT zone FROM holders WHERE holder_id = 'T-1'")
    assert [each["lotNo"] for each in await desk.items("stock/A", zone=zone)] == ["L"]
    assert await desk.items("stock/A", zone="nowhere") == []
    ledger = await desk.items("ledger", skuId="A", lotNo="L", kind="quality")
    assert [each["reason"] for each in ledger] == ["qualified → rejected: mould"]
    assert {each["kind"] for each in await desk.items("ledger", kind="receive")} == {"receive"}
    for path, which in (("lots", {}), ("ledger", {"lotNo": "L"})):
        assert (await desk.http.get(f"/v1/wes/{path}", params=which)).status_code == 422


async def test_what_has_never_been_here_is_refused(desk: Office) -> None:
    await desk.receive("T-1", "A1-1-L-05", 2)
    for path in ("lots/trace", "lots/orders", "lots/shipments", "units"):
        for which in ({"skuId": "A", "lotNo": "X"}, {"skuId": "X", "lotNo": "L"}):
            assert (await desk.http.get(f"/v1/wes/{path}", params=which)).status_code == 404
    assert (await desk.http.get("/v1/wes/units/7/moves", params={"skuId": "A"})).status_code == 404
    assert await desk.items("units/7") == []


async def test_no_trace_reads_a_table_that_grows_as_a_whole() -> None:
    async with station() as line, office_of(line) as desk:
        await desk.receive("T-1", "A1-1-L-05", 20)
        await desk.receive("T-2", "A1-2-L-05", 20, lot_no="M")
        for number in range(2):
            await order(line, f"C-{number}", ("A", 4))
            await line.finish()
        await order(line, "C-2", ("A", 4))
        await line.work_off(await line.bring())
        assert isinstance(line.store, InlineStore)
        asked: set[str] = set()
        line.store._connection.set_trace_callback(asked.add)
        await desk.recall()
        for path in ("lots/trace", "lots/orders", "lots/shipments", "units"):
            await desk.get(path, **TEA)
        await desk.get("units/1")
        await desk.get("lots", quality="rejected")
        await desk.get("lots", order="fefo", **{"skuId": "A"})
        await desk.get("stock/A", lotNo="L")
        await desk.get("ledger", kind="quality")
        line.store._connection.set_trace_callback(None)
        read = {sql for sql in asked if sql.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))}
        wrong = {sql for sql in read if await is_read_as_a_whole(line.store, sql)}
        assert not wrong, "\n\n".join(sorted(wrong))
