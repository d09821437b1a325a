"""Stations, people and packages over HTTP, with the simulated people who know nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.streams import STILL_HERE
from gateway.api.wes_floor import QUIET_S, _changes, floor_routes
from gateway.api.wes_stock import stock_routes
from gateway.contract.stations import StationView
from gateway.kernel.news import News, TellingStore
from gateway.kernel.ports import Tx
from gateway.site.model import Site
from gateway.wes.core import WesCore
from gateway.wes.layout import lay_out
from sim_devices.clock import SimClock, seeded
from sim_devices.operators import Habits, Packer, Person, Picker, Walker
from tests.unit.chain_rig import demo_site, fill, order
from tests.unit.station_rig import Station, begun, put, station
from tests.unit.wes_rig import command
from tests.virtual_loop import run

pytestmark = pytest.mark.unit

T = TypeVar("T")


class CountedStore(TellingStore):
    """A store that tells, and counts how often it is read."""

    reads = 0

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        self.reads += 1
        return await super().read(job)


@asynccontextmanager
async def pages(
    line: Station, store: TellingStore | None = None, closing: asyncio.Event | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve the floor of a chain in memory."""
    store = store or TellingStore(line.store)
    core = WesCore(store=store, context=line.core.context, numbers=line.core.numbers, news=store.news)
    app = FastAPI()
    app.include_router(floor_routes(core, closing or asyncio.Event()))
    app.include_router(stock_routes(core))
    add_problem_handlers(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://wes") as http:
        yield http


def person(http: httpx.AsyncClient, name: str, **habits: float) -> Person:
    return Person(name, http, SimClock(10_000), seeded(1, name), Habits(**habits))


async def get(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await http.get(f"/v1/wes/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_station_shows_what_stands_there_and_acts_change_it() -> None:
    async with station() as line, pages(line) as http:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        operation = await line.bring()
        listed = await get(http, "stations")
        assert [each["stationId"] for each in listed["items"]] == ["station-1", "station-2"]
        shown = await get(http, "stations/station-1")
        assert shown["wall"] == "wall-1"
        (task,) = shown["operations"][0]["tasks"]
        assert (task["skuId"], task["rest"], task["orderNo"]) == ("A", 2, "ORD-C-1")
        act = {
            "act": "scan",
            "actId": "a-1",
            "operator": "Ann",
            "operationId": operation,
            "containerId": "T-1",
        }
        assert (await http.post("/v1/wes/acts", json=act)).json() == {"actId": "a-1", "again": False}
        assert (await http.post("/v1/wes/acts", json=act)).json() == {"actId": "a-1", "again": True}
        pick = {
            "act": "pick",
            "actId": "a-2",
            "operator": "Ann",
            "allocationId": task["allocationId"],
            "quantity": 2,
        }
        put_id = (await http.post("/v1/wes/acts", json=pick)).json()["putId"]
        shown = await get(http, "stations/station-1")
        (task,) = shown["operations"][0]["tasks"]
        assert task["rest"] == 0
        assert [put["putId"] for put in task["puts"]] == [put_id]


async def test_a_page_learns_what_comes_next_what_a_product_looks_like_how_far_it_is_and_what_can_be_undone() -> (
    None
):
    async with station() as line, pages(line) as http:
        await line.core.products("A", attributes={"picture": "https://shop.example/a.jpg"}, version=2)
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 3))
        await line.think()
        (coming,) = (await get(http, "stations/station-1"))["coming"]
        assert (coming["containerId"], coming["state"], coming["units"]) == ("T-1", "sent", 3)
        ((allocation_id, _),) = await line.scan(await line.bring())
        put = await line.act("pick", allocation_id=allocation_id, quantity=2)
        await line.light()
        (name,) = line.walls.lit()
        line.walls.press(name)
        await line.hear()
        shown = await get(http, "stations/station-1")
        assert shown["coming"] == []
        (task,) = shown["operations"][0]["tasks"]
        assert task["attributes"] == {"picture": "https://shop.example/a.jpg"}
        assert (task["puts"], [(each["putId"], each["confirmed"]) for each in task["ended"]]) == (
            [],
            [(put.put_id, 2)],
        )
        (box,) = shown["boxes"]
        assert (box["quantity"], box["rest"]) == (3, 1)


async def test_a_page_draws_wall_and_containers_as_they_stand_before_the_person() -> None:
    bins = {"id": "bins", "containers": ["T-*"], "cells": [["A1", "A2"], ["B1", "B2"]]}
    site = demo_site().model_dump(by_alias=True, exclude={"root", "wes"}) | {"container_types": [bins]}
    async with station() as line:
        line.core.context = replace(line.core.context, layout=lay_out(Site.model_validate(site), 12))
        async with pages(line) as http:
            await fill(line, "T-1", "A1-1-L-05", A=10)
            await order(line, "C-1", ("A", 2))
            await line.bring()
            shown = await get(http, "stations/station-1")
    assert (shown["name"], shown["slots"], shown["columns"]) == ("Station 1", ["S1-1", "S1-2"], 4)
    assert shown["boxPlaces"] == [f"W1-{number:02}" for number in range(1, 13)]
    assert shown["operations"][0]["cells"] == [["A1", "A2"], ["B1", "B2"]]


async def test_a_page_shows_what_is_to_be_taken_out_of_the_boxes_that_stand_there() -> None:
    async with station() as line, pages(line) as http:
        await line.core.products("A", skuName="Green tea", version=2)
        _, allocation = await begun(line)
        await put(line, allocation, 4)
        await line.cancel("C-1")
        (goods,) = (await get(http, "stations/station-1"))["putBacks"]
        assert (goods["name"], goods["quantity"], goods["fromHolder"]) == ("Green tea", 4, "T-1")
        assert (await get(http, "stations/station-2"))["putBacks"] == []
        await line.act("putBack", put_back_id=goods["putBackId"], holder_id="T-1")
        assert (await get(http, "stations/station-1"))["putBacks"] == []


async def test_people_see_a_products_own_name_and_barcodes_whatever_a_command_says_of_them() -> None:
    async with station() as line, pages(line) as http:
        await line.core.products("A", skuName="Green tea", barcodes=["6901234567892"], version=2)
        await fill(line, "T-1", "A1-1-L-05", A=10)
        item = {"skuId": "A", "skuName": "tea, grn", "barcode": "123", "quantity": 2}
        await line.core.submit(command("C-1", items=[item]))
        await line.bring()
        (task,) = (await get(http, "stations/station-1"))["operations"][0]["tasks"]
        assert (task["name"], task["barcodes"]) == ("Green tea", ["6901234567892"])


async def test_refusals_are_problems_with_a_reason() -> None:
    async with station() as line, pages(line) as http:
        body = {"act": "scan", "actId": "a-1", "operator": "Ann", "operationId": 7, "containerId": "T-1"}
        answer = await http.post("/v1/wes/acts", json=body)
        assert answer.status_code == 404
        assert answer.json()["reasons"][0]["field"] == "operationId"
        answer = await http.post("/v1/wes/acts", json=body | {"act": "dance"})
        assert answer.status_code == 422
        answer = await http.post("/v1/wes/acts", json=body | {"operationId": 0, "more": 1})
        assert {each["field"] for each in answer.json()["reasons"]} == {"operationId", "more"}
        told = (await http.post("/v1/wes/acts", json={"act": "dance"})).json()["reasons"][0]
        assert (told["field"], told["code"]) == ("act", "unknownValue")
        assert told["message"].startswith("must be one of 'scan', 'pick', 'put'")
        told = (await http.post("/v1/wes/acts", json={"actId": "a-1"})).json()["reasons"][0]
        assert (told["field"], told["code"], told["message"]) == ("act", "missing", "must be given")
        assert (await http.get("/v1/wes/stations/nowhere")).status_code == 404
        assert (await http.get("/v1/wes/stock/X")).status_code == 404


@pytest.mark.parametrize("path", ["works", "packages"])
async def test_a_filter_takes_only_codes_that_there_are(path: str) -> None:
    """A number of 23 digits did not fit into the database's, and was told as a fault of the gateway."""
    async with station() as line, pages(line) as http:
        for nonsense in ("9" * 23, "71", "x"):
            answer = await http.get(f"/v1/wes/{path}", params={"statusCode": nonsense})
            assert answer.status_code == 422
            assert answer.json()["reasons"][0]["field"] == "statusCode"
        assert await get(http, path, statusCode=70) == {"items": []}


async def test_an_order_is_found_by_its_number_and_shown_with_all_that_belongs_to_it() -> None:
    async with station() as line, pages(line) as http:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        await order(line, "C-2", ("A", 1))
        await line.finish()
        (listed,) = (await get(http, "orders", orderNo="ORD-C-1", statusCode=190))["items"]
        shown = await get(http, f"orders/{listed['orderId']}")
        assert listed.items() <= shown.items()
        assert [(each["skuId"], each["quantity"], each["shipped"]) for each in shown["lines"]] == [
            ("A", 2, 2)
        ]
        assert [each["status"] for each in shown["works"] + shown["packages"]] == ["SHIPPED", "SHIPPED"]
        stages = shown["stages"]
        assert [each["statusCode"] for each in stages] == [10, 30, 70, 80, 90, 150, 190]
        assert sorted(each["at"] for each in stages) == [each["at"] for each in stages]
        assert await get(http, "orders", orderNo="ORD-C-1", statusCode=80) == {"items": []}


@pytest.mark.parametrize("order_id", ["4711", str(2**53 - 1)])
async def test_an_order_that_never_was_is_a_problem_with_a_reason(order_id: str) -> None:
    async with station() as line, pages(line) as http:
        answer = await http.get(f"/v1/wes/orders/{order_id}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["reasons"][0]["field"] == "orderId"


async def test_a_work_order_is_shown_with_what_is_to_be_picked_for_it() -> None:
    async with station() as line, pages(line) as http:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 2))
        await line.bring()
        (listed,) = (await get(http, "works"))["items"]
        work = await get(http, f"works/{listed['workId']}")
        assert [(task["skuId"], task["holderId"], task["rest"]) for task in work["tasks"]] == [
            ("A", "T-1", 2)
        ]
        assert (await http.get("/v1/wes/works/999999")).status_code == 404


async def test_a_station_is_closed_and_opened() -> None:
    async with station() as line, pages(line) as http:
        path = "/v1/wes/stations/station-1"
        closed = await http.post(f"{path}/close", json={"operator": "Ann", "reason": "no light"})
        assert (closed.json()["open"], closed.json()["reason"]) == (False, "no light")
        opened = await http.post(f"{path}/open", json={"operator": "Ann"})
        assert (opened.json()["open"], opened.json()["operator"]) == (True, "Ann")


async def test_a_stream_shows_each_change_looks_only_then_and_ends_with_the_gateway() -> None:
    async with station() as line, asyncio.timeout(20):
        store, closing = CountedStore(line.store), asyncio.Event()
        async with pages(line, store, closing) as http:
            stream = asyncio.ensure_future(http.get("/v1/wes/stations/station-1/stream"))
            while not store.reads > 1:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            assert store.reads == 2, "to know that there is such a station, and to show it"
            await http.post("/v1/wes/stations/station-1/close", json={"operator": "Ann", "reason": "lunch"})
            looked = store.reads
            while store.reads == looked:
                await asyncio.sleep(0.01)
            closing.set()
            told = (await stream).text
        shown = [line.removeprefix("data: ") for line in told.splitlines() if line.startswith("data: ")]
        assert [json.loads(each)["open"] for each in shown] == [True, False]


def test_a_stations_stream_beats_although_others_change_all_the_time() -> None:
    """Proxies cut a stream that says nothing for long."""
    view = StationView(
        station_id="S",
        name="S",
        open=True,
        operator=None,
        reason=None,
        wall=None,
        slots=(),
        box_places=(),
        columns=None,
    )
    told: list[str] = []

    async def show() -> StationView:
        return view

    async def others(news: News) -> None:
        while True:
            await asyncio.sleep(QUIET_S / 4)
            news.tell()

    async def scenario() -> None:
        news = News()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.5 * QUIET_S), asyncio.TaskGroup() as tasks:
                tasks.create_task(others(news))
                async for line in _changes(news, asyncio.Event(), show):
                    told.append(line)

    run(scenario)
    assert told[1:] == [STILL_HERE] * 3


async def test_lists_come_in_pages() -> None:
    async with station() as line, pages(line) as http:
        await fill(line, "T-1", "A1-1-L-05", A=10, B=10)
        for number in range(5):
            await order(line, f"C-{number}", ("A", 1))
        await line.turn()
        for path, key in (("orders", "orderId"), ("works", "workId"), ("presentations", "presentationId")):
            seen: list[int] = []
            page = await get(http, path, limit=2)
            while True:
                seen += [each[key] for each in page["items"]]
                if "nextCursor" not in page:
                    break
                page = await get(http, path, limit=2, cursor=page["nextCursor"])
            assert len(seen) == len(set(seen)) == (1 if path == "presentations" else 5)
        stock = await get(http, "stock", limit=1)
        assert (stock["items"][0]["skuId"], stock["items"][0]["reserved"]) == ("A", 5)
        assert (await get(http, "stock", limit=1, cursor=stock["nextCursor"]))["items"][0]["skuId"] == "B"
        (position,) = (await get(http, "stock/A"))["items"]
        assert (position["holderId"], position["allocated"]) == ("T-1", 5)
        (wave,) = (await get(http, "waves"))["items"]
        assert (wave["orders"], wave["works"], wave["worksPicked"]) == (5, 5, 0)
        await line.work_off(await line.bring())
        assert (await get(http, "waves"))["items"][0]["worksPicked"] == 5


@pytest.mark.parametrize("seed", range(3))
async def test_simulated_people_ship_every_order_whatever_they_do_wrong(seed: int) -> None:
    rules = [{"at": "review", "then": "required"}, {"at": "shortage", "then": "partial"}]
    async with station(rules=rules) as line, pages(line) as http:
        for number in range(6):
            await fill(line, f"T-{number}", f"A1-{1 + number % 4}-L-{1 + number:02}", A=8, B=8)
        for number in range(6):
            await order(line, f"C-{number}", ("A", 1 + number % 3), ("B", 2))
        habits = {
            "wrong_scan": 0.3,
            "short": 0.1,
            "damaged": 0.1,
            "by_hand": 0.3,
            "wrong_slot": 0.5,
            "miscount": 0.3,
        }
        team = [person(http, f"P{seed}-{name}", **habits) for name in ("Ann", "Bo", "Cy", "Di")]
        workers = [
            Picker(team[0], "station-1"),
            Picker(team[1], "station-2"),
            Packer(team[2]),
            Walker(team[3]),
        ]
        for _ in range(120):
            await line.turn()
            for name in line.walls.lit():
                line.walls.press(name)
            await line.hear()
            for worker in workers:
                await worker.step()
            if set(await line.order_codes()) <= {190, 199}:
                break
        assert set(await line.order_codes()) <= {190, 199}
        assert sum(each.done["scan"] for each in team) > 0
        await line.check()
