"""The control room in a real browser on a real gateway: what happens is seen, what needs a person is settled from the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import PATIENCE_MS, Visitor, assert_accessible
from tests.wire.processes import SiteProcesses, running

pytestmark = pytest.mark.wire
expect.set_options(timeout=PATIENCE_MS)

TOTE = "TOTE-0007"
Act = Callable[[Callable[[], Awaitable[None]]], None]


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[tuple[SiteProcesses, Act]]:
    """Run the demo site without a WES, and a way to have something done to its processes."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        site = SiteProcesses(tmp_path)
        stack.enter_context(portal.wrap_async_context_manager(running(site)))
        yield site, portal.call


def order(site: SiteProcesses, container: str, destination: str) -> str:
    """Ask for a transport, as a WES does; return its id."""
    body = {"transportId": f"T-{container}", "containerId": container, "destination": destination}
    httpx.post(f"{site.run_url}/v1/transports", json=body).raise_for_status()
    return body["transportId"]


def place_of(site: SiteProcesses, container: str) -> str:
    return httpx.get(f"{site.run_url}/v1/containers/{container}").raise_for_status().json()["locationId"]


def facts(page: Page) -> Locator:
    return page.locator(".thing .facts")


def settle(page: Page, verb: str, reason: str) -> None:
    """Do what the page offers: it asks first."""
    page.locator(f".attention [data-verb={verb}]").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.locator("form button").first.click()
    expect(dialog).to_have_count(0)


def test_a_transport_is_seen_from_its_order_to_its_arrival(
    floor: tuple[SiteProcesses, Act], visit: Callable[..., Visitor]
):
    site, _ = floor
    source = place_of(site, TOTE)
    page = visit(site.run_url).open("/ui")
    expect(page.get_by_text("Nothing needs a person.")).to_be_visible()
    expect(page.locator("#floor .machine")).to_have_count(11)  # four shuttles, a lift, six vehicles

    transport = order(site, TOTE, "S1-1")
    row = page.locator("#transports li", has_text=TOTE)
    expect(row).to_contain_text(f"{source} → S1-1")
    expect(page.locator("#floor .reserved")).not_to_have_attribute("d", "")
    row.get_by_role("link").click()
    expect(page).to_have_url(f"{site.run_url}/ui#transport/{transport}")
    expect(facts(page)).to_contain_text("Completed")
    expect(page.locator(".timeline")).to_contain_text("transport.completed")

    page.get_by_role("searchbox").fill(TOTE)
    page.get_by_role("searchbox").press("Enter")
    expect(facts(page)).to_contain_text("S1-1")
    expect(page.locator("#floor .ring")).to_have_count(1)
    for view in ("#transports", "#devices", "#device/agv-1", "#location/S1-1", "#containers", "#feed"):
        page.goto(f"{site.run_url}/ui{view}")
        expect(page.locator(".panel > *").first).to_be_visible()
        assert_accessible(page)
    expect(page.get_by_role("link", name="Orders")).to_have_count(0)  # nobody has any here


def test_a_jam_is_settled_from_the_page_which_a_restart_of_the_gateway_does_not_trouble(
    floor: tuple[SiteProcesses, Act], visit: Callable[..., Visitor]
):
    site, act = floor
    level = place_of(site, TOTE).split("-")[1]
    httpx.post(f"{site.sim_url}/v1/sim/faults", json={"kind": "jam", "device": f"shuttle-{level}"})
    page = visit(site.run_url).open("/ui#feed", name="Ann")
    transport = order(site, TOTE, "S1-1")
    matter = page.locator(".matter", has_text=transport)
    expect(matter).to_contain_text("The device stopped with a fault")
    expect(page.locator("#floor .machine.fault .sign")).to_have_text("▲")

    act(site.run.kill)
    expect(page.get_by_role("alert").filter(has_text="No connection since")).to_be_visible()
    expect(page.locator("#floor .machine.old")).to_have_count(11)
    act(site.run.start)
    act(lambda: site.ready(site.run_url, site.run))
    expect(page.locator(".lamp.up")).to_be_visible()
    expect(page.locator("#floor .machine.old")).to_have_count(0)
    expect(matter).to_be_visible()

    page.locator(".attention [data-verb=retry]").click()
    assert_accessible(page)
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    httpx.delete(f"{site.sim_url}/v1/sim/faults").raise_for_status()
    settle(page, "reset", "tote taken out of the rail")
    expect(page.locator(".matter", has_text="has a fault")).to_have_count(0)
    settle(page, "retry", "rail is free")
    expect(page.get_by_text("Nothing needs a person.")).to_be_visible()
    resolved = page.locator("#feed li", has_text="transport.resolved")
    expect(resolved).to_contain_text("by Ann")
    expect(resolved).to_contain_text("rail is free")
    expect(page.locator("#feed li", has_text="transport.completed")).to_contain_text(transport)


def test_the_page_fits_a_phone_in_the_dark_and_shows_orders_where_there_are_some(
    plant: SiteProcesses, visit: Callable[..., Visitor]
):
    page = visit(plant.run_url, width=390, height=844).open("/ui#orders")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("#floor .cell").first).to_be_visible()
    expect(page.get_by_role("link", name="Orders", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(page)


def test_whoever_shows_no_token_is_asked_for_it_and_then_told_which_machines_do_not_answer(
    tmp_path: Path, visit: Callable[..., Visitor]
):
    token, secret = tmp_path / "token", "0123456789abcdef" * 2
    token.touch(mode=0o600)
    token.write_text(secret)
    site = SiteProcesses(tmp_path, run_words=("--token-file", str(token)))
    with start_blocking_portal() as portal:
        portal.call(site.run.start)
        try:
            portal.call(lambda: site.ready(site.run_url, site.run))
            page = visit(site.run_url).open("/ui")
            page.get_by_label("Token").fill("somebody else's")
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_label("Token")).to_be_visible()
            page.get_by_label("Token").fill(secret)
            page.get_by_role("button", name="Go on").click()
            expect(page.locator(".matter").first).to_contain_text("does not answer")
            expect(page.locator(".summary")).to_contain_text("0 / 15")
        finally:
            portal.call(site.run.kill)
