"""What people do with a handheld, in a real browser, at a gateway with a WES core; what the books say afterwards."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, expect

from tests.unit.wes_rig import command
from tests.web.conftest import Visitor, assert_accessible
from tests.wire.processes import DEMO, SiteProcesses, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]

SHELVES = """
racks:
  - {id: S, kind: shelf, slot: "S-{column:02}", levels: 1, sides: [L], columns: 4, origin: [0, -4, 0], pitch: [1, 1, 1]}
"""
WES = "wes:\n  warehouse_id: WH-1\n  rules: [{at: picking, then: flat}]\n"
TEA = "6901234567892"


@pytest.fixture
def walked(tmp_path: Path) -> Iterator[SiteProcesses]:
    """Run the demo site with shelves, whose orders people pick on foot."""
    copytree(DEMO.parent, tmp_path / "config")
    site = tmp_path / "config" / "demo"
    (site / "shelves.yaml").write_text(SHELVES, encoding="utf-8")
    (site / "wes.yaml").write_text(WES, encoding="utf-8")
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        yield stack.enter_context(portal.wrap_async_context_manager(running(SiteProcesses(tmp_path, site))))


class Upstream:
    """What the OMS and the office tell the gateway, and what they read there."""

    def __init__(self, url: str) -> None:
        self._url = url

    def tell(self, path: str, body: dict[str, Any]) -> Any:
        return httpx.post(f"{self._url}{path}", json=body).raise_for_status().json()

    def items(self, path: str, **params: Any) -> list[Any]:
        return httpx.get(f"{self._url}{path}", params=params).raise_for_status().json()["items"]

    def know_tea(self) -> None:
        tea = {"skuId": "TEA", "skuName": "Green tea, 500 g", "barcodes": [TEA], "version": 1}
        self.tell("/api/wms/product/sync", {"items": [tea]})


def scan(page: Page, code: str) -> None:
    """Type as fast as a scanner does."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def test_announced_goods_are_received_by_scanning_and_found_by_looking_them_up(
    walked: SiteProcesses, visit: Callable[..., Visitor]
) -> None:
    upstream = Upstream(walked.run_url)
    upstream.know_tea()
    notice = {
        "noticeNo": "N-1",
        "kind": "purchase",
        "warehouseId": "WH-1",
        "items": [{"skuId": "TEA", "quantity": 5}],
    }
    upstream.tell("/api/wms/inbound/notice", notice)
    page = visit(walked.run_url, width=390, height=844).open("/ui/pda")
    page.get_by_role("link", name="Receive").click()
    expect(page.get_by_text("N-1")).to_be_visible()
    assert_accessible(page)
    scan(page, "N-1")
    expect(page.get_by_role("heading", name="Receive")).to_be_visible()
    for _ in range(3):
        scan(page, TEA)
    expect(page.get_by_label("Pieces", exact=True)).to_have_value("3")
    scan(page, "S-01")
    assert_accessible(page)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Done: 3 × Green tea, 500 g received")).to_be_visible()
    expect(page.get_by_text("Still to come 2")).to_be_visible()
    received = [each for each in upstream.items("/v1/wes/ledger") if each["holderId"] == "S-01"]
    assert [(each["operator"], each["change"]["quantity"]) for each in received] == [("Ann", 3)]

    page.get_by_role("button", name="Back").click()
    page.get_by_role("link", name="Look up").click()
    scan(page, "S-01")
    expect(page.get_by_text("3 TEA")).to_be_visible()
    scan(page, TEA)
    expect(page.get_by_role("heading", name="Green tea, 500 g")).to_be_visible()
    assert_accessible(page)


def test_what_is_picked_without_a_network_is_booked_once_when_it_is_back(
    walked: SiteProcesses, visit: Callable[..., Visitor]
) -> None:
    upstream = Upstream(walked.run_url)
    upstream.know_tea()
    goods = {"actId": "in", "operator": "Eve", "holderId": "S-02", "lines": [{"skuId": "TEA", "quantity": 9}]}
    upstream.tell("/v1/wes/inbound/receipts", goods)
    upstream.tell("/api/wms/outbound/command", command("C-1", ("TEA", 4), warehouseId="WH-1"))
    visitor = visit(walked.run_url, width=390, height=844)
    page = visitor.open("/ui/pda#pick")
    take_more = page.get_by_role("button", name="Take on more")
    place = page.get_by_role("button", name="S-02")
    for _ in range(20):
        take_more.click()
        try:
            expect(place).to_be_visible(timeout=1000)
            break
        except AssertionError:
            continue
    page.wait_for_function("async () => Boolean(await caches.match('/ui/pda/main.js'))")
    visitor.context.set_offline(True)
    scan(page, "S-02")
    for wrong in ("S-03", "6900000000007"):
        scan(page, wrong)
        expect(page.get_by_role("alert").filter(has_text=f"{wrong} is not Green tea")).to_be_visible()
    scan(page, TEA)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("1 not sent yet")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 not sent yet")).to_be_visible()
    visitor.context.set_offline(False)
    expect(page.get_by_text("1 not sent yet")).not_to_be_visible()
    taken = [each for each in upstream.items("/v1/wes/ledger", operator="Ann") if each["holderId"] == "S-02"]
    assert [each["change"]["quantity"] for each in taken] == [-4]
