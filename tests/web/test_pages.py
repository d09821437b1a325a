"""The pages as a browser gets them: whole, without a token, and with nothing in them that another site could use."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.web.pages import ROOT, add_pages

pytestmark = pytest.mark.contract
STATIC = Path(__file__).parents[2] / "gateway" / "web" / "static"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette()
    add_pages(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


@pytest.mark.parametrize("page", ["", "/station", "/pda"])
async def test_each_page_has_an_address_and_all_that_it_names(http: httpx.AsyncClient, page: str):
    answer = await http.get(f"{ROOT}{page}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    named = [word.split('"')[0] for word in answer.text.replace('href="', 'src="').split('src="')[1:]]
    assert named
    assert [(await http.get(name)).status_code for name in named] == [200] * len(named)


async def test_the_address_of_the_gateway_leads_to_the_control_room(http: httpx.AsyncClient):
    assert (await http.get("/", follow_redirects=False)).headers["location"] == ROOT


async def test_a_page_runs_no_script_but_ours_and_stands_in_nobody_elses(http: httpx.AsyncClient):
    policy = (await http.get(ROOT)).headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_a_file_is_sent_again_only_if_it_has_changed(http: httpx.AsyncClient):
    first = await http.get(f"{ROOT}/css/base.css")
    again = await http.get(f"{ROOT}/css/base.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/../pages.py", "/%2e%2e/pages.py", "/vendor/lit-html/LICENSE", "/core/", "/x.js"]
)
async def test_nothing_else_is_served(http: httpx.AsyncClient, path: str):
    assert (await http.get(f"{ROOT}{path}")).status_code == 404
