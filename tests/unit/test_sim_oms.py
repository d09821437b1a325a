"""The simulated OMS: what it takes for right, and what it objects to."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from sim_devices import oms as oms_room
from sim_devices.clock import seeded
from sim_devices.oms import Demand, Signature, SimulatedOms
from sim_devices.order_book import OrderBook
from tests.unit.test_api_wms import oms as wms
from tests.unit.wes_rig import WAREHOUSE, Core

pytestmark = pytest.mark.unit

SECRET = "whsec_" + base64.b64encode(b"a secret of the test's own").decode()
BOX = {"packages": [{"packageNo": "P-1"}], "packageCount": 1}


def told(status: str, sequence: int, **more: Any) -> dict[str, Any]:
    return {
        "callbackId": f"CB{sequence}",
        "omsOrderNo": "O-1",
        "status": status,
        "sequence": sequence,
        **more,
    }


def left(sequence: int, shipped: int = 2, **more: Any) -> dict[str, Any]:
    items = [{"skuId": "A", "quantity": 2, "shipped": shipped}]
    return told("SHIPPED", sequence, **(BOX | {"items": items} | more))


def heard(*messages: Mapping[str, Any], cancel_asked: bool = False) -> OrderBook:
    """Order two pieces of A, and be told this of it."""
    book = OrderBook()
    book.place("O-1", {"A": 2}).cancel_asked = cancel_asked
    for message in messages:
        book.hear(message)
    return book


def test_a_story_that_is_told_in_order_is_believed() -> None:
    book = heard(told("RECEIVED", 1), told("PICKING", 2), left(3))
    assert book.objections == []
    assert (book.count("SHIPPED"), book.sold(), book.callbacks) == (1, {"A": 2}, 3)


def test_a_message_may_come_twice_and_counts_once_but_must_say_the_same() -> None:
    book = heard(told("RECEIVED", 1), told("RECEIVED", 1))
    assert (book.callbacks, book.objections) == (1, [])
    book.hear(told("PICKING", 1))
    assert len(book.objections) == 1


def test_what_is_short_may_leave_short_if_an_exception_was_told() -> None:
    assert heard(told("RECEIVED", 1), told("PICKING", 2), told("EXCEPTION", 3), left(4, 1)).objections == []


def back(sequence: int, quantity: int, *, complete: bool) -> dict[str, Any]:
    returned = [{"skuId": "A", "quantity": quantity, "quality": "inspect"}]
    return told("RETURNED", sequence, returned=returned, returnNo="R-1", returnComplete=complete)


def test_what_comes_back_is_not_sold_and_the_order_has_still_left() -> None:
    book = heard(told("RECEIVED", 1), told("PICKING", 2), left(3))
    order = book.orders["O-1"]
    assert order.has_ended
    book.announce_return("O-1", {"A": 2})
    assert not order.has_ended
    book.hear(back(4, 1, complete=False))
    assert not order.has_ended
    book.hear(back(5, 1, complete=True))
    assert (order.has_ended, order.ended_well, book.sold()["A"], book.objections) == (True, True, 0, [])


def test_who_has_asked_for_it_may_be_told_of_a_cancellation() -> None:
    assert heard(told("RECEIVED", 1), told("CANCELLED", 2), cancel_asked=True).objections == []


def came(sequence: int, *pieces: int, complete: bool) -> dict[str, Any]:
    """Return what is told of purchase P-1: the last of these have just come."""
    arrived = [{"lineNo": 1, "skuId": "A", "lotNo": "", "quantity": pieces[-1], "quality": "pending"}]
    lines = [{"lineNo": 1, "skuId": "A", "announced": 3, "received": sum(pieces)}]
    more = {"arrived": arrived, "noticeLines": lines, "noticeComplete": complete}
    return told("ARRIVED", sequence, omsOrderNo="", noticeNo="P-1", **more)


def bought(*messages: Mapping[str, Any]) -> OrderBook:
    """Buy three pieces of A, and be told this of it."""
    book = OrderBook()
    book.buy("P-1", {"A": 3})
    for message in messages:
        book.hear(message)
    return book


def test_what_was_bought_arrives_in_parts_until_all_of_it_is_there() -> None:
    book = bought(came(5, 1, complete=False), came(7, 1, 2, complete=True))
    assert (book.objections, book.bought(), book.purchases["P-1"].has_ended) == ([], {"A": 3}, True)


@pytest.mark.parametrize(
    "messages",
    [
        [came(7, 1, complete=False), came(5, 1, 2, complete=True)],
        [came(5, 1, complete=False), came(7, 2, 2, complete=True)],
        [came(5, 4, complete=True)],
        [came(5, 1, complete=True)],
        [came(5, 3, complete=False)],
        [came(5, 3, complete=True) | {"noticeNo": "P-2"}],
    ],
    ids=["late", "a message is missing", "too many", "not all", "all and not said so", "never bought"],
)
def test_an_oms_objects_to_goods_that_are_not_what_it_has_bought(messages: list[dict[str, Any]]) -> None:
    assert bought(*messages).objections


@pytest.mark.parametrize(
    "messages",
    [
        [told("RECEIVED", 2)],
        [told("PICKING", 1)],
        [told("RECEIVED", 1), left(2)],
        [told("RECEIVED", 1), told("CANCELLED", 2)],
        [told("RECEIVED", 1), told("PICKING", 2), left(3, 1)],
        [told("RECEIVED", 1), told("PICKING", 2), left(3, 3)],
        [told("RECEIVED", 1), told("PICKING", 2), left(3, packages=[], packageCount=0)],
        [told("RECEIVED", 1), told("PICKING", 2), left(3, packageCount=2)],
        [told("RECEIVED", 1), told("PICKING", 2), left(3, items=[])],
        [told("RECEIVED", 1), told("PICKING", 2), left(3), told("PICKING", 4)],
        [told("RECEIVED", 1, omsOrderNo="O-2")],
        [told("RECEIVED", 1), told("PICKING", 2), left(3), back(4, 3, complete=True)],
    ],
    ids=[
        "a message is missing",
        "picked before it was received",
        "left unpicked",
        "cancelled unasked",
        "short without an exception",
        "more than was ordered",
        "in no package",
        "a package is missing",
        "without its lines",
        "picked after it had left",
        "never ordered",
        "more came back than had left",
    ],
)
def test_a_story_that_cannot_be_is_objected_to(messages: list[dict[str, Any]]) -> None:
    assert heard(*messages).objections


def test_one_version_of_stock_that_is_told_twice_must_say_the_same() -> None:
    book = OrderBook()
    book.hear_stock({"skuId": "A", "version": 2, "availableQty": 8})
    book.hear_stock({"skuId": "A", "version": 2, "availableQty": 8})
    assert book.objections == []
    book.hear_stock({"skuId": "A", "version": 2, "availableQty": 9})
    assert book.objections == ["version 2 of A was told as 8 and 9"]


def test_an_older_message_about_stock_changes_nothing() -> None:
    book = OrderBook()
    for version, available in ((2, 20), (1, 10)):
        book.hear_stock({"skuId": "A", "version": version, "availableQty": available})
    book.hear_stock({"items": [{"skuId": "B", "version": 1, "availableQty": 5}]})
    assert (book.available, book.objections) == ({"A": 20, "B": 5}, [])


def test_only_who_has_the_secret_can_sign() -> None:
    body, when = b'{"a": 1}', datetime(2026, 1, 1, tzinfo=UTC)
    headers = {
        "webhook-id": "CB1",
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("CB1", when, body.decode()),
    }
    signature = Signature(SECRET)
    assert signature.is_right(headers, body)
    assert not signature.is_right(headers, body + b" ")
    assert not signature.is_right(headers | {"webhook-id": "CB2"}, body)
    assert not signature.is_right({}, body)


@asynccontextmanager
async def selling(demand: Demand) -> AsyncGenerator[tuple[SimulatedOms, Core]]:
    """Let an OMS sell ten pieces of A and of B, and hear what the WES writes for it."""
    async with wms(warehouse_id=WAREHOUSE) as (core, http):
        for sku in ("A", "B"):
            await core.stock(sku, 10)
        yield (
            SimulatedOms(http, seeded(1, "oms"), demand, warehouse_id=WAREHOUSE, prefix="T", secret=SECRET),
            core,
        )


async def forward(core: Core, oms: SimulatedOms) -> None:
    """Bring everything that is written for upstream, again and again, without a wire."""
    while True:
        for message in await core.told():
            if "omsOrderNo" in message:
                oms.book.hear(message)
            else:
                oms.book.hear_stock(message)
        await asyncio.sleep(0.01)


async def test_orders_that_are_cancelled_give_everything_back() -> None:
    demand = Demand(orders=6, pause_s=0.005, cancelled=0.5, short=0.5)
    async with selling(demand) as (oms, core), asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(forward(core, oms))
        await oms.run()
        hearing.cancel()
        assert (oms.book.count("CANCELLED"), await oms.verdict()) == (6, [])


async def test_stock_that_vanishes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oms_room, "SYNC_S", 0.1)
    async with selling(Demand(orders=1, pause_s=0.005, cancelled=1)) as (oms, core):
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            hearing = tasks.create_task(forward(core, oms))
            await oms.run()
            hearing.cancel()
        await core.stock("A", 1)
        assert await oms.verdict() == [
            "10 of A less 0 sold and 0 bought is 10, and 11 are told",
            "10 of A may be sold, it was told, and 11 when it asked",
        ]


async def test_an_order_of_which_nothing_has_left_sends_nothing_back() -> None:
    """Whatever a WES tells, the OMS objects and goes on."""
    async with selling(Demand(orders=1, pause_s=0.005, returned=1)) as (oms, _), asyncio.timeout(20):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(oms.run())
            while not oms.book.orders:
                await asyncio.sleep(0.01)
            ((number, order),) = oms.book.orders.items()
            items = [{"skuId": sku, "quantity": asked, "shipped": 0} for sku, asked in order.lines.items()]
            oms.book.hear(told("SHIPPED", 1, omsOrderNo=number, items=items))
        assert any("left in another quantity" in each for each in oms.book.objections)


@asynccontextmanager
async def listening(book: OrderBook) -> AsyncGenerator[httpx.AsyncClient]:
    """Let an OMS listen; yield how a WES reaches it."""
    async with httpx.AsyncClient() as nobody:
        oms = SimulatedOms(
            nobody,
            seeded(1, "oms"),
            Demand(orders=1, pause_s=1),
            warehouse_id=WAREHOUSE,
            prefix="T",
            secret=SECRET,
            book=book,
        )
        app = FastAPI()
        app.include_router(oms.routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oms") as wes:
            yield wes


async def test_what_is_not_signed_as_agreed_is_not_heard() -> None:
    book = OrderBook()
    async with listening(book) as wes:
        answer = await wes.post("/api/wms/callback/status", json=told("RECEIVED", 1))
    assert answer.status_code == 401
    assert len(book.objections) == 1
    assert book.callbacks == 0


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("callback/status", b"{", "Invalid JSON"),
        ("callback/status", b"[]", "should be an object"),
        ("callback/status", json.dumps(told("RECEIVED", 1) | {"sequence": "1"}).encode(), "sequence: "),
        ("callback/status", b'{"callbackId": "CB1", "omsOrderNo": "O-1", "status": "PICKING"}', "sequence: "),
        ("callback/status", json.dumps(left(1, items=[{"skuId": "A"}])).encode(), "items.0.shipped: "),
        ("inventory/sync", b'{"skuId": "A", "version": 1}', "availableQty: "),
        ("inventory/sync", b'{"batchId": "b", "items": [{}]}', "items.0.skuId: "),
    ],
)
async def test_what_is_not_what_was_agreed_is_refused_however_often_it_comes(
    tmp_path: Path, path: str, body: bytes, wrong: str
) -> None:
    book = OrderBook(tmp_path / "oms.jsonl")
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "CB1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("CB1", now, body.decode()),
    }
    async with listening(book) as wes:
        answers = [await wes.post(f"/api/wms/{path}", content=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert len(book.objections) == 2
    assert all(wrong in each for each in book.objections), book.objections
    assert OrderBook(tmp_path / "oms.jsonl").orders == {}


def test_an_oms_that_is_started_again_knows_what_it_was_told_even_if_it_was_killed_while_writing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "oms.jsonl"
    before = OrderBook(file)
    before.open_with({"A": 10})
    before.place("O-1", {"A": 2})
    before.place("O-2", {"A": 99}, short=True)
    before.ask_to_cancel("O-2")
    for message in (told("RECEIVED", 1), told("PICKING", 2), left(3)):
        before.hear(message)
    before.hear_stock({"skuId": "A", "version": 2, "availableQty": 8})
    before.announce_return("O-1", {"A": 1})
    with file.open("a") as torn:
        torn.write('\n["hear", {"callb')

    after = OrderBook(file)
    after.open_with({"A": 8})
    assert (after.opening, after.available, after.sold()) == ({"A": 10}, {"A": 8}, {"A": 2})
    assert {name: order.status for name, order in after.orders.items()} == {"O-1": "SHIPPED", "O-2": ""}
    assert (after.orders["O-1"].returning, after.orders["O-1"].has_ended) == ({"A": 1}, False)
    assert (after.orders["O-2"].short, after.orders["O-2"].cancel_asked) == (True, True)
    assert (after.earlier, after.count("SHIPPED"), after.objections) == ({"O-1", "O-2"}, 0, [])
    after.hear(left(3))
    assert after.callbacks == before.callbacks
    assert OrderBook(file).sold() == {"A": 2}
