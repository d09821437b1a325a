"""Two people, one handheld: what the first has not sent yet is neither lost nor done in the second one's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Page, Response, expect

from tests.web.conftest import PATIENCE_MS, Visitor
from tests.wire.processes import SiteProcesses

pytestmark = pytest.mark.wire
expect.set_options(timeout=PATIENCE_MS)

FIRST, OWN = "given by the chief", "a word of one's own"
UNSENT = "JSON.parse(localStorage.getItem('acts:pda') ?? '[]').map((each) => each.body.operator).join()"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """Run a gateway that knows Ann and Bob, with its WES core and without its machines."""
    site = SiteProcesses(tmp_path, run_words=("--wes",))
    with start_blocking_portal() as portal:
        portal.call(site.run.start)
        try:
            portal.call(lambda: site.ready(site.run_url, site.run))
            know_people(site.run_url)
            yield site.run_url
        finally:
            portal.call(site.run.kill)


def know_people(url: str) -> None:
    token = ""
    for person_id, roles in {"ann": ["administrator", "operator"], "bob": ["operator"]}.items():
        with httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"} if token else {}
        ) as http:
            person = {
                "personId": person_id,
                "name": person_id.title(),
                "roles": roles,
                "initialPassword": FIRST,
            }
            http.post("/v1/people", json=person).raise_for_status()
            signed_in = http.post("/v1/session", json={"personId": person_id, "password": FIRST})
            shown = {"Authorization": f"Bearer {signed_in.raise_for_status().json()['token']}"}
            changed = http.post("/v1/session/password", json={"old": FIRST, "new": OWN}, headers=shown)
            changed.raise_for_status()
            token = token or shown["Authorization"].removeprefix("Bearer ")


def sign_in(page: Page, person_id: str) -> None:
    page.get_by_label("Name").fill(person_id)
    page.get_by_label("Password").fill(OWN)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".who")).to_have_text(person_id.title())


def take_more(page: Page) -> None:
    page.locator("a[href='#pick']").click()
    page.get_by_role("button", name="Take on more").click()


def operator_of(answer: Response) -> str:
    return json.loads(answer.request.post_data or "")["operator"]


def test_what_one_person_has_not_sent_waits_for_that_person_and_holds_up_nobody_else(
    gateway: str, visit: Callable[..., Visitor]
) -> None:
    page = visit(gateway, width=390).open("/ui/pda")
    sign_in(page, "ann")
    page.route("**/v1/wes/acts", lambda route: route.abort())
    take_more(page)
    page.wait_for_function(f"{UNSENT} === 'ann'")
    page.get_by_role("button", name="Sign out").click()
    page.unroute("**/v1/wes/acts")

    sign_in(page, "bob")
    expect(page.locator(".notice")).to_contain_text("ann has done here is not sent yet")
    with page.expect_response("**/v1/wes/acts") as answer:
        page.get_by_role("button", name="Take on more").click()
    assert operator_of(answer.value) == "bob"
    page.wait_for_function(f"{UNSENT} === 'ann'")

    page.get_by_role("button", name="Sign out").click()
    with page.expect_response("**/v1/wes/acts") as answer:
        sign_in(page, "ann")
    assert (operator_of(answer.value), answer.value.status) == ("ann", 200)
    page.wait_for_function(f"{UNSENT} === ''")
