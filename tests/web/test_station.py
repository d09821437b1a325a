"""An operator's page of a station, in a real browser on a real gateway with its put wall: what is done there happens, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, Route, expect

from tests.unit.wes_rig import command
from tests.web.conftest import PATIENCE_MS, Visitor, assert_accessible
from tests.wire.processes import SiteProcesses, running

pytestmark = [pytest.mark.wire, pytest.mark.timeout(150)]
expect.set_options(timeout=PATIENCE_MS)

Visit = Callable[..., Visitor]
TEA, MUG = "6901234567892", "6901234567908"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[SiteProcesses]:
    """Run the demo site with its WES and nobody in it: buttons of the walls are pressed by the test.

    There are forty boxes of tea, twelve to a case, in TOTE-0001, and ten mugs.
    """
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        site = SiteProcesses(tmp_path, run_words=("--wes",), sim_words=("--no-hands",))
        stack.enter_context(portal.wrap_async_context_manager(running(site)))
        tea = {"skuId": "TEA", "skuName": "Green tea, 500 g", "barcodes": [TEA], "unitsPerCase": 12}
        mug = {"skuId": "MUG", "skuName": "Mug with lid", "barcodes": [MUG]}
        items = [each | {"version": 1} for each in (tea, mug)]
        post(site, "/api/wms/product/sync", {"items": items})
        goods = [{"skuId": "TEA", "quantity": 40}, {"skuId": "MUG", "quantity": 10}]
        body = {"actId": "in-1", "operator": "Eve", "holderId": "TOTE-0001", "lines": goods}
        post(site, "/v1/wes/inbound/receipts", body)
        body = {"operator": "Eve", "reason": "nobody is there"}
        post(site, "/v1/wes/stations/station-2/close", body)
        yield site


def post(site: SiteProcesses, path: str, body: Any) -> Any:
    answer = httpx.post(f"{site.run_url}{path}", json=body, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


def get(site: SiteProcesses, path: str, **params: Any) -> Any:
    answer = httpx.get(f"{site.run_url}/v1/wes/{path}", params=params, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


def press(site: SiteProcesses, slot: str) -> None:
    body = {"slot": slot, "button": "confirm"}
    httpx.post(f"{site.sim_url}/v1/sim/devices/wall-1/buttons", json=body).raise_for_status()


def scan(page: Page, code: str) -> None:
    """Type as a scanner does, wherever the focus is."""
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def at(page: Page, step: str) -> None:
    expect(page.locator(".station")).to_have_attribute("data-step", step)
    expect(page.locator(".station")).to_have_attribute("data-ready", "yes")


def told(page: Page, text: str) -> None:
    expect(page.locator(".banner").filter(has_text=text)).to_be_visible()


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name)


def put_at_wall(site: SiteProcesses, page: Page, slot: str) -> None:
    """Press the slot's button until the page has seen it."""
    at(page, "put")
    expect(page.locator(".huge")).to_contain_text(slot)
    seen = page.locator(".banner").filter(has_text=f"{slot}:")
    for _ in range(100):
        press(site, slot)
        page.wait_for_timeout(100)
        if seen.is_visible():
            return
    raise AssertionError(f"nobody has seen the button of {slot}")


def acts_of(site: SiteProcesses, operator: str) -> list[dict[str, Any]]:
    return get(site, "ledger", operator=operator, limit=1000)["items"]


def test_an_order_is_picked_from_the_scan_to_the_sealed_box(plant: SiteProcesses, visit: Visit) -> None:
    post(plant, "/api/wms/outbound/command", command("C-1", ("TEA", 3), ("MUG", 2), warehouseId="WH1"))
    page = visit(plant.run_url).open("/ui/station")
    page.get_by_role("link", name="Station 1").click()
    at(page, "scan")
    assert_accessible(page)

    scan(page, "TOTE-0077")
    told(page, "Not done: TOTE-0077 scanned")
    told(page, "TOTE-0001 should stand at S1-1, not TOTE-0077")
    at(page, "scan")
    scan(page, "]C0TOTE-0001")
    at(page, "pick")
    assert_accessible(page)

    first = "TEA" if page.locator(".stage").get_by_text("Green tea").is_visible() else "MUG"
    scan(page, "6900000000007")
    told(page, "Put it back and take the product that is shown.")
    scan(page, {"TEA": MUG, "MUG": TEA}[first])
    told(page, "Now")
    scan(page, {"TEA": MUG, "MUG": TEA}[first])
    at(page, "put")
    assert_accessible(page)
    (box,) = get(plant, "stations/station-1")["boxes"]
    scan(page, "W1-12" if box["slotId"] != "W1-12" else "W1-11")
    told(page, "Put the pieces into the lit slot, and scan that.")
    put_at_wall(plant, page, box["slotId"])

    at(page, "pick")
    button(page, "fewer").click()
    page.locator(".stage button.main").click()
    at(page, "put")
    scan(page, box["slotId"])
    at(page, "pick")
    page.locator(".stage button.main").click()
    put_at_wall(plant, page, box["slotId"])
    at(page, "release")
    assert_accessible(page)
    scan(page, "TOTE-0001")

    at(page, "seal")
    for key in ("1", ".", "6"):
        page.locator(".keypad").get_by_role("button", name=key, exact=True).click()
    scan(page, "BOX-7")
    assert_accessible(page)
    button(page, "Close the box").last.click()
    told(page, "Box of ORD-C-1 closed")
    at(page, "wait")

    (package,) = get(plant, "packages", orderNo="ORD-C-1")["items"]
    assert (package["boxId"], package["weightKg"]) == ("BOX-7", 1.6)
    assert sum(line["quantity"] for line in package["lines"]) == 5
    while not get(plant, "orders", statusCode=190)["items"]:
        page.wait_for_timeout(100)  # on the demo site what is packed leaves by itself
    stock = {each["skuId"]: (each["quantity"], each["reserved"]) for each in get(plant, "stock")["items"]}
    assert stock == {"TEA": (40 - 3, 0), "MUG": (10 - 2, 0)}
    taken = [entry for entry in acts_of(plant, "Ann") if entry["holderId"] == "TOTE-0001"]
    assert sum(entry["change"]["quantity"] for entry in taken) == -5


def test_what_was_done_while_the_network_broke_happens_once(plant: SiteProcesses, visit: Visit) -> None:
    post(plant, "/api/wms/outbound/command", command("C-1", ("TEA", 3), warehouseId="WH1"))
    visitor = visit(plant.run_url, width=1024, height=768)
    page = visitor.open("/ui/station#station-1")
    at(page, "scan")
    scan(page, "TOTE-0001")
    at(page, "pick")

    sent: list[str] = []

    def lose_answer(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["actId"])
        route.fetch()
        route.abort()

    page.route("**/v1/wes/acts", lose_answer)
    button(page, "fewer").click()
    page.locator(".stage button.main").dblclick()
    expect(page.locator(".banner").filter(has_text="Not answered yet")).to_be_visible()
    page.reload()
    expect(page.locator(".huge.lit")).to_be_visible()
    told(page, "Not answered yet")
    expect(page.locator(".stage button:not([disabled])").filter(has_text="put")).to_have_count(0)
    page.unroute("**/v1/wes/acts")
    at(page, "put")
    assert len(sent) > 1
    assert len(set(sent)) == 1
    (operation,) = get(plant, "stations/station-1")["operations"]
    (task,) = operation["tasks"]
    assert (task["rest"], [put["quantity"] for put in task["puts"]]) == (1, [2])

    visitor.context.set_offline(True)
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert_accessible(page)
    scan(page, task["slotId"])
    told(page, f"scan {task['slotId']} again later")
    expect(page.locator(".stage button")).to_have_count(0)
    visitor.context.set_offline(False)
    at(page, "put")
    put_at_wall(plant, page, task["slotId"])
    at(page, "pick")

    post(plant, "/api/wms/outbound/cancel", {"orderNo": "ORD-C-1", "reason": "changed my mind"})
    at(page, "release")
    button(page, "Bring back").click()
    at(page, "putBack")
    assert_accessible(page)
    scan(page, "TOTE-0001")
    at(page, "release")
    (tea,) = [each for each in get(plant, "stock")["items"] if each["skuId"] == "TEA"]
    assert (tea["quantity"], tea["reserved"]) == (40, 0)
    button(page, "Let TOTE-0001 go").click()
    at(page, "wait")


def test_a_container_is_counted_in_chinese_by_somebody_who_sees_no_figure(
    plant: SiteProcesses, visit: Visit
) -> None:
    scope = {"kind": "holders", "holderIds": ["TOTE-0001"]}
    order = {"countId": "N-1", "operator": "Olga", "reason": "monthly", "blind": True, "scope": scope}
    post(plant, "/v1/wes/counts", order)
    visitor = visit(plant.run_url)
    visitor.context.add_init_script("localStorage.setItem('language', 'zh')")
    page = visitor.open("/ui/station#station-1")
    at(page, "count")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    scan(page, "TOTE-0002")
    told(page, "这是 TOTE-0002，应盘点 TOTE-0001。")
    scan(page, "TOTE-0001")
    expect(page.locator(".keypad")).to_be_visible()
    assert_accessible(page)
    assert "40" not in page.locator(".stage").inner_text()

    scan(page, TEA)
    keys = page.locator(".keypad")
    keys.get_by_role("button", name="4", exact=True).click()
    button(page, "整箱").click()
    keys.get_by_role("button", name="3", exact=True).click()
    button(page, "盘点数量：40").click()
    told(page, "已盘点")
    expect(page.locator(".stage")).to_contain_text("Mug with lid")
    keys.get_by_role("button", name="9", exact=True).click()
    button(page, "盘点数量：9").click()
    told(page, "已记录，将由他人复盘。")
    at(page, "wait")
    (report,) = [each["report"] for each in get(plant, "counts")["items"]]
    assert (report["agreed"], report["again"]) == (1, 1)
