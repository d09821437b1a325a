"""The interface to an OMS: every answer in its own shape, refusals with all reasons, keys that repeat an answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.wms import wms_routes
from gateway.contract.wms import StatusCallback
from gateway.kernel.ports import Store, StoreBroken, StoreFull, Tx
from gateway.wes.core import WesCore
from tests.unit.api_rig import gateway
from tests.unit.wes_rig import Core, command, core

pytestmark = pytest.mark.unit

T = TypeVar("T")

COMMAND = "/api/wms/outbound/command"


def parts_of(opened: Core) -> WesCore:
    return WesCore(
        store=opened.store,
        context=opened.context,
        numbers=opened.numbers,
    )


@asynccontextmanager
async def oms(**changes: Any) -> AsyncGenerator[tuple[Core, httpx.AsyncClient]]:
    """Run the routes over a core in memory."""
    async with core(**changes) as opened, answering(opened) as http:
        yield opened, http


@asynccontextmanager
async def answering(opened: Core) -> AsyncGenerator[httpx.AsyncClient]:
    """Run the routes over a core."""
    app = FastAPI()
    app.include_router(wms_routes(parts_of(opened)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wes") as http:
        yield http


async def test_an_order_is_sent_asked_for_and_cancelled() -> None:
    async with oms() as (opened, http):
        await opened.stock("A", 5)
        await opened.stock("B", 5)
        sent = await http.post(COMMAND, json=command())
        number = sent.json()["data"]["outboundNo"]
        assert (sent.status_code, sent.json()) == (
            200,
            {
                "code": "SUCCESS",
                "message": "done",
                "data": {"commandId": "C-1", "orderNo": "ORD-C-1", "outboundNo": number, "status": "CREATED"},
                "errors": [],
            },
        )
        shown = (await http.get("/api/wms/outbound/order", params={"orderNo": "ORD-C-1"})).json()["data"]
        assert (shown["status"], shown["statusCode"], shown["outboundNo"]) == ("PREALLOCATED", 30, number)
        assert [(item["skuId"], item["reserved"]) for item in shown["items"]] == [("A", 2), ("B", 3)]
        asked = {"orderNo": "ORD-C-1", "reason": "no longer wanted"}
        cancelled = await http.post("/api/wms/outbound/cancel", json=asked)
        assert cancelled.json()["data"] == {"orderNo": "ORD-C-1", "outboundNo": number, "status": "CANCELLED"}


async def test_what_is_wrong_is_told_with_its_fields() -> None:
    async with oms() as (_, http):
        answer = await http.post(COMMAND, json=command("C-1", ("X", 0), warehouseId="WH-9"))
        assert answer.status_code == 422
        told = answer.json()
        assert told["code"] == "INVALID"
        assert {(each["field"], each["code"]) for each in told["errors"]} == {
            ("warehouseId", "unknownWarehouse"),
            ("items[0].skuId", "unknownSku"),
            ("items[0].quantity", "outOfRange"),
        }
        assert "data" not in told


@pytest.mark.parametrize(
    ("path", "content", "kind", "status"),
    [
        (COMMAND, b"{", "application/json", 400),
        (COMMAND, b"[NaN]", "application/json", 400),
        (COMMAND, b'{"orderNo": "\\u0000"}', "application/json", 400),
        ("/api/wms/product/sync?x=%00", b"{}", "application/json", 400),
        (COMMAND, b"{}", "text/plain", 415),
        (COMMAND, b'"' + b"x" * 1_000_001 + b'"', "application/json", 413),
        ("/api/wms/outbound/cancel", b'{"orderNo": "O"}', "application/json", 422),
        ("/api/wms/product/sync", b'{"items": []}', "application/json", 422),
    ],
    ids=[
        "broken",
        "no number",
        "no character",
        "no character to ask with",
        "no json",
        "too large",
        "no reason",
        "no product",
    ],
)
async def test_every_refusal_has_the_shape_of_this_interface(
    path: str, content: bytes, kind: str, status: int
) -> None:
    async with oms() as (_, http):
        answer = await http.post(path, content=content, headers={"content-type": kind})
        assert answer.status_code == status
        assert answer.json()["code"] == "INVALID"
        assert answer.json()["errors"]


async def test_orders_that_are_not_there_are_not_found() -> None:
    async with oms() as (_, http):
        unknown = {"orderNo": "ORD-9"}
        answers = [
            await http.get("/api/wms/outbound/order", params=unknown),
            await http.post("/api/wms/outbound/cancel", json=unknown | {"reason": "x"}),
            await http.post("/api/wms/callback/status", json=unknown),
        ]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "NOT_FOUND")] * 3


@pytest.mark.parametrize("keep_h", [24, 2])
async def test_a_key_repeats_an_answer_for_its_time_and_fits_one_request_only(keep_h: int) -> None:
    async with oms(upstream={"keep_replies_s": 3600 * keep_h}) as (opened, http):
        await opened.stock("A", 5)
        key = {"Idempotency-Key": "k-1"}
        body = command("C-1", ("A", 1))
        first = await http.post(COMMAND, json=body, headers=key)
        await opened.store.write(lambda tx: tx.execute("UPDATE orders SET outbound_no = 'other'"))
        again = await http.post(COMMAND, json=body, headers=key)
        assert again.content == first.content
        opened.clock.at_us += (keep_h - 1) * 3_600_000_000
        assert (await http.post(COMMAND, json=body, headers=key)).content == first.content
        other = await http.post(COMMAND, json=command("C-2", ("A", 1)), headers=key)
        assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "Idempotency-Key")
        opened.clock.at_us += 2 * 3_600_000_000
        expired = await http.post(COMMAND, json=body, headers=key)
        assert expired.json()["data"]["outboundNo"] == "other"


class SlowStore:
    """A store whose commits take a moment, in which others ask."""

    def __init__(self, store: Store) -> None:
        self.read = store.read
        self._store = store

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        await asyncio.sleep(0.01)
        return await self._store.write(job)


async def test_of_two_requests_under_one_key_at_the_same_time_one_is_refused() -> None:
    async with core() as opened:
        opened.store = SlowStore(opened.store)
        async with answering(opened) as http:
            key = {"Idempotency-Key": "k-1"}
            bodies = [{"items": [{"skuId": sku, "skuName": sku, "version": 1}]} for sku in ("C", "D", "C")]
            answers = await asyncio.gather(
                *(http.post("/api/wms/product/sync", json=body, headers=key) for body in bodies)
            )
        assert [answer.status_code for answer in answers] == [200, 409, 200]
        assert answers[0].content == answers[2].content
        assert await opened.rows("SELECT sku FROM products WHERE sku IN ('C', 'D')") == [("C",)]


async def test_a_refusal_is_not_kept_under_its_key() -> None:
    async with oms() as (opened, http):
        key = {"Idempotency-Key": "k-1"}
        body = command("C-1", ("NEW", 1))
        assert (await http.post(COMMAND, json=body, headers=key)).status_code == 422
        await opened.products("NEW")
        assert (await http.post(COMMAND, json=body, headers=key)).status_code == 200


async def test_what_was_done_is_answered_as_done_though_there_is_no_room_to_keep_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_room(*_: object) -> None:
        raise StoreFull("no room")

    async with oms() as (opened, http):
        await opened.stock("A", 5)
        key = {"Idempotency-Key": "k-1"}
        with monkeypatch.context() as full:
            full.setattr("gateway.api.wms.keep_reply", no_room)
            first = await http.post(COMMAND, json=command("C-1", ("A", 1)), headers=key)
        assert first.status_code == 200, "it was stored"
        again = await http.post(COMMAND, json=command("C-1", ("A", 1)), headers=key)
        assert again.content == first.content
        assert await opened.count("orders") == {"orders": 1}


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (StoreFull("no room"), "nothing was stored: no room"),
        (StoreBroken("no sync"), "the storage does not work, ask the same again once it does: no sync"),
    ],
    ids=["full", "broken"],
)
async def test_what_could_not_be_stored_is_told_so_and_what_may_have_been_is_not_denied(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, told: str
) -> None:
    async def fail(*_: object) -> None:
        raise trouble

    async with oms() as (_, http):
        monkeypatch.setattr("gateway.api.wms.sync_products", fail)
        items = [{"skuId": "C", "skuName": "C", "version": 1}]
        answer = await http.post("/api/wms/product/sync", json={"items": items})
        assert (answer.status_code, answer.json()["code"]) == (503, "BUSY")
        assert [reason["message"] for reason in answer.json()["errors"]] == [told]


async def page(http: httpx.AsyncClient, **question: Any) -> dict[str, Any]:
    answer = await http.get("/api/wms/inventory/all", params={"warehouseId": "WH-1"} | question)
    return answer.json()["data"]


async def test_stock_is_told_for_one_product_and_page_by_page_for_all() -> None:
    async with oms() as (opened, http):
        await opened.products("C")
        for sku, quantity in (("A", 5), ("B", 7)):
            await opened.stock(sku, quantity)
        await opened.submit(command("C-1", ("A", 2)))
        asked = {"warehouseId": "WH-1", "skuId": "A"}
        one = (await http.get("/api/wms/inventory", params=asked)).json()["data"]
        assert (one["availableQty"], one["quantity"], one["reserved"]) == (3, 5, 2)
        none = (await http.get("/api/wms/inventory", params=asked | {"skuId": "C"})).json()["data"]
        assert none["availableQty"] == 0
        other = await http.get("/api/wms/inventory", params=asked | {"warehouseId": "WH-9"})
        assert other.status_code == 404
        first = await page(http, limit=1)
        second = await page(http, limit=1, cursor=first["nextCursor"])
        pages = [item["skuId"] for each in (first, second) for item in each["items"]]
        assert "nextCursor" not in second
        assert pages == ["A", "B"]


async def test_stock_and_the_last_status_can_be_asked_for_again() -> None:
    async with oms() as (opened, http):
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2)))
        await opened.store.write(lambda tx: tx.execute("UPDATE outbox SET state = 'delivered'"))
        assert (await http.post("/api/wms/callback/status", json={"orderNo": "ORD-C-1"})).status_code == 200
        assert await opened.rows("SELECT state FROM outbox") == [("pending",)]
        await http.post("/api/wms/inventory/sync", json={"skuIds": ["A"]})
        await http.post("/api/wms/inventory/sync", json={})
        told = await opened.told()
        assert [each.get("changeType") for each in told[1:]] == ["INCREASE", None]
        assert told[2]["items"][0]["changeType"] == "FULL_SYNC"


async def test_each_product_that_nobody_knows_is_named_when_its_stock_is_asked_for() -> None:
    async with oms() as (opened, http):
        await opened.stock("A", 5)
        body = {"skuIds": ["X", "A", "Y"]}
        answer = await http.post("/api/wms/inventory/sync", json=body)
        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, "INVALID")
        assert [(each["field"], each["code"]) for each in told["errors"]] == [
            ("skuIds[0]", "unknownSku"),
            ("skuIds[2]", "unknownSku"),
        ]
        assert await opened.told() == []
        await http.post("/api/wms/inventory/sync", json={"skuIds": ["A"]})
        assert [each["skuId"] for each in await opened.told()] == ["A"]


async def test_fifty_clients_at_once_each_command_once_nothing_oversold() -> None:
    async with oms() as (opened, http):
        await opened.stock("A", 30)

        async def client(n: int) -> list[int]:
            bodies = [command(f"C-{n % 25}", ("A", 1)), command(f"OWN-{n}", ("A", 1))]
            return [(await http.post(COMMAND, json=body)).status_code for body in bodies for _ in range(2)]

        answers = await asyncio.gather(*(client(n) for n in range(50)))
        assert {status for each in answers for status in each} == {200}
        assert await opened.count("orders") == {"orders": 75}
        codes = dict(await opened.rows("SELECT code, COUNT(*) FROM orders GROUP BY code"))
        assert codes == {30: 30, 20: 45}, "what could be promised was, and no more"
        assert await opened.rows("SELECT quantity, reserved FROM pools") == [(30, 30)]


async def test_a_gateway_with_a_wes_describes_both_interfaces() -> None:
    async with core() as opened, gateway(wes=parts_of(opened)) as rig:
        paths = (await rig.http.get("/openapi.json")).json()["paths"]
    body = paths[COMMAND]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["items"]["items"]["properties"]["quantity"]["minimum"] == 1
    assert list(paths[COMMAND]["post"]["responses"]["default"]["content"]) == ["application/json"]
    assert list(paths["/v1/transports"]["post"]["responses"]["default"]["content"]) == [
        "application/problem+json"
    ]


async def test_what_others_are_posted_is_described_with_every_field() -> None:
    async with core() as opened, gateway(wes=parts_of(opened)) as rig:
        described = (await rig.http.get("/openapi.json")).json()
    assert described["webhooks"].keys() == {
        "event",
        "/api/wms/callback/status",
        "/api/wms/inventory/sync",
    }
    schemas = described["components"]["schemas"]
    assert {"callbackId", "omsOrderNo", "sequence", "packages"} <= schemas["StatusCallback"][
        "properties"
    ].keys()
    async with gateway() as rig:
        assert (await rig.http.get("/openapi.json")).json()["webhooks"].keys() == {"event"}


async def test_every_callback_fits_its_description() -> None:
    async with core() as opened:
        await opened.stock("A", 5)
        await opened.submit(command("C-1", ("A", 2)))
        await opened.submit(command("C-2", ("B", 2)))
        await opened.cancel("ORD-C-1")
        told = await opened.told()
        assert {StatusCallback.model_validate(each).status for each in told} == {
            "RECEIVED",
            "EXCEPTION",
            "CANCELLED",
        }


async def test_a_gateway_without_a_wes_has_no_such_routes() -> None:
    async with gateway() as rig:
        assert (await rig.http.post(COMMAND, json=command())).status_code == 404


async def test_goods_that_will_come_back_are_announced() -> None:
    async with oms() as (opened, http):
        notice = {"returnNo": "RET-1", "warehouseId": "WH-1", "items": [{"skuId": "A", "quantity": 1}]}
        answer = (await http.post("/api/wms/inbound/return", json=notice)).json()
        assert (answer["code"], answer["data"]) == ("SUCCESS", {"returnNo": "RET-1", "status": "announced"})
        other = {**notice, "reason": "too small"}
        declined = await http.post("/api/wms/inbound/return", json=other)
        assert (declined.status_code, declined.json()["errors"][0]["code"]) == (409, "reused")
        assert await opened.count("returns", "return_lines") == {"returns": 1, "return_lines": 1}
