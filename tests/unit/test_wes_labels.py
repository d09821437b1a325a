"""Containers, locations, lots and packages have labels: as data for whoever prints them, or drawn (S2-107, S2-137, S2-158)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_inbound import inbound_routes
from gateway.api.wes_labels import label_routes
from gateway.wes.core import WesCore
from tests.cli_bench import served, typed
from tests.seen import Seen, pictures_of_pdf, pictures_of_zpl, read_codes
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

GTIN = "6901234567892"
BY: dict[str, Any] = {"operator": "Li Na"}


class Desk:
    """A station's line, and what is asked of its labels."""

    def __init__(self, line: Station, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.line = line
        self.app = app
        self.http = http

    async def items(self, path: str, **which: Any) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/labels/{path}", params=which)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def receive(self, sku: str, lot_no: str, quantity: int, holder: str, **more: Any) -> None:
        line = {"skuId": sku, "lotNo": lot_no, "quantity": quantity} | more
        body = {"actId": "R-1", "holderId": holder, "lines": [line]} | BY
        answer = await self.http.post("/inbound/receipts", json=body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def desk(**settings: Any) -> AsyncGenerator[Desk]:
    async with station(**settings) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        for routes in (label_routes, inbound_routes):
            app.include_router(routes(core))
        add_problem_handlers(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://wes/v1/wes") as http:
            yield Desk(line, app, http)


async def put(at: Desk, tote: str, place: str, **stock: int) -> None:
    """Have a tote stand somewhere, and the WES hear of it."""
    await fill(at.line, tote, place, **stock)
    at.line.walls.tell_place(tote)
    await at.line.hear()


async def shipped(at: Desk) -> str:
    """Have a package packed; return its number."""
    await fill(at.line, "T-1", "A1-1-L-05", A=10)
    await order(at.line, "C-1", ("A", 2), carrierCode="SF", serviceType="express")
    await at.line.work_off(await at.line.bring())
    (package,) = await at.line.seal_all()
    return f"B{package}"


async def test_a_label_shows_the_address_and_the_carrier_of_the_order() -> None:
    async with desk() as at:
        package_no = await shipped(at)
        package = int(package_no[1:])
        label = (await at.http.get(f"/packages/{package}/label")).json()
        assert (await at.http.get("/packages/4711/label")).status_code == 404
        assert (label["packageId"], label["orderNo"]) == (package, "ORD-C-1")
        assert [
            label[name] for name in ("consignee", "phone", "province", "city", "district", "address")
        ] == [
            "Li Lei",
            "13800000000",
            "Zhejiang",
            "Hangzhou",
            "Xihu",
            "1 Wensan Road",
        ]
        assert (label["carrierCode"], label["serviceType"], label["trackingNo"]) == ("SF", "express", None)


async def test_a_package_carries_the_batches_that_are_in_it() -> None:
    async with desk() as at:
        package_no = await shipped(at)
        (label,) = await at.items("packages", packageNo=package_no)
        assert [(lot["skuId"], lot["quantity"]) for lot in label["lots"]] == [("A", 2)]
        assert label["code"] == {"text": package_no, "elements": []}


async def test_a_location_shows_the_batches_that_lie_there_now() -> None:
    async with desk() as at:
        (empty,) = await at.items("locations", locationId="A1-1-L-05")
        assert (empty["lots"], empty["lotCount"]) == ([], 0)
        await put(at, "T-1", "A1-1-L-05", A=10, B=4)
        (label,) = await at.items("locations", locationId="A1-1-L-05")
        assert [(lot["skuId"], lot["quantity"]) for lot in label["lots"]] == [("A", 10), ("B", 4)]


async def test_a_location_that_the_site_does_not_have_gets_no_label() -> None:
    async with desk() as at:
        answer = await at.http.get("/labels/locations", params={"locationId": ["A1-1-L-05", "NOWHERE"]})
        assert answer.status_code == 404 and "NOWHERE" in answer.text


async def test_a_container_has_its_label_before_it_comes_and_shows_what_is_in_it_afterwards() -> None:
    async with desk() as at:
        assert [each["lotCount"] for each in await at.items("containers", containerId=["T-1", "T-2"])] == [
            0,
            0,
        ]
        await put(at, "T-1", "A1-1-L-05", A=10)
        first, second = await at.items("containers", containerId=["T-1", "T-2"])
        assert (first["locationId"], first["lotCount"], second["lotCount"]) == ("A1-1-L-05", 1, 0)


async def test_a_lot_says_its_product_its_number_and_its_last_day_as_gs1_has_them() -> None:
    async with desk(timezone="Asia/Shanghai") as at:
        await at.line.core.products("G", barcodes=["4711", GTIN], skuName="Green tea")
        # From midnight at the site on it may be used no more.
        await at.receive("G", "L/9", 4, "A1-1-L-06", expiresAt="2027-03-01T16:00:00Z")
        (label,) = await at.items("lots", skuId="G", lotNo="L/9")
        assert label["code"]["text"] == f"(01)0{GTIN}(17)270301(10)L/9"
        assert (label["skuName"], label["expiresOn"]) == ("Green tea", "2027-03-01")


@pytest.mark.parametrize(
    ("barcodes", "lot_no", "text"),
    [([GTIN], "批次", GTIN), (["X-1", "X-2"], "L1", "X-1"), ([], "L1", "G")],
    ids=["a lot that GS1 cannot say", "no GTIN", "no code at all"],
)
async def test_a_lot_that_gs1_cannot_say_has_its_products_code(
    barcodes: list[str], lot_no: str, text: str
) -> None:
    async with desk() as at:
        await at.line.core.products("G", barcodes=barcodes)
        await at.receive("G", lot_no, 4, "A1-1-L-06")
        (label,) = await at.items("lots", skuId="G", lotNo=lot_no)
        assert label["code"] == {"text": text, "elements": []}


async def test_labels_come_as_the_caller_takes_them_or_as_the_link_says() -> None:
    async with desk() as at:
        which = {"containerId": ["T-1", "T-2"]}
        wanted = {
            "application/zpl": "application/zpl",
            "application/pdf": "application/pdf",
            "image/svg+xml": "image/svg+xml",
            "image/*": "image/svg+xml",
            "text/html, application/json;q=0.1": "application/json",
            "*/*": "application/json",
        }
        for accept, media in wanted.items():
            answer = await at.http.get("/labels/containers", params=which, headers={"accept": accept})
            assert (answer.status_code, answer.headers["content-type"]) == (200, media), accept
        by_link = await at.http.get("/labels/containers", params=which | {"format": "zpl"})
        assert by_link.headers["content-type"] == "application/zpl"
        assert [read_codes(each) for each in pictures_of_zpl(by_link.text)] == [
            {Seen("]C0", name), Seen("]d1", name)} for name in which["containerId"]
        ]


async def test_who_takes_no_form_of_a_label_is_told_which_there_are() -> None:
    async with desk() as at:
        answer = await at.http.get(
            "/labels/containers", params={"containerId": "T-1"}, headers={"accept": "text/html, image/*;q=0"}
        )
        assert answer.status_code == 406 and "application/zpl" in answer.json()["detail"]


async def test_a_hundred_labels_come_at_once_and_no_more() -> None:
    async with desk() as at:
        names = [f"T-{number}" for number in range(101)]
        many = await at.http.get("/labels/containers", params={"containerId": names[:100], "format": "pdf"})
        assert len(pictures_of_pdf(many.content)) == 100
        assert (await at.http.get("/labels/containers", params={"containerId": names})).status_code == 422


async def test_the_same_label_is_drawn_for_every_piece_that_it_is_wanted_for() -> None:
    async with desk() as at:
        await at.receive("A", "L1", 4, "A1-1-L-06")
        assert len(await at.items("lots", skuId="A", lotNo="L1", copies=3)) == 3


async def test_a_command_writes_what_a_printer_prints(tmp_path: Path) -> None:
    async with desk() as at, served(at.app) as url:
        out = tmp_path / "labels.pdf"
        words = ("wes", "label", "container", "T-1", "T-2", "--url", url)
        assert (await asyncio.to_thread(typed, *words, "--out", str(out))).code == 0
        assert len(pictures_of_pdf(out.read_bytes())) == 2
        sent = await asyncio.to_thread(typed, *words, "--as", "zpl")
        assert sent.code == 0 and sent.out.count("^XA") == 2
        refused = await asyncio.to_thread(typed, *words)
        assert refused.code == 1 and "--out FILE" in refused.err
