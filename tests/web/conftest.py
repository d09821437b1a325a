"""A real browser, and a real gateway with its simulated site; one browser for all tests of a file, a site for each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.wire.processes import SiteProcesses, running

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox: tests run as root in containers. The rest keeps Chromium from asking hosts that are none of a test's business.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
"""For what a page is waited for: the machine may be busy."""
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run one browser for all tests of a file; Playwright's loop runs as long, and beside it no test may have one of its own."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, "Chromium is missing: `make browser` installs it"
    with sync_playwright() as playwright:
        running_browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running_browser
        running_browser.close()


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[SiteProcesses]:
    """Run the demo site: a gateway with its WES core and simulated devices, and nobody at the stations."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        site = SiteProcesses(tmp_path, run_words=("--wes",))
        yield stack.enter_context(portal.wrap_async_context_manager(running(site)))


class Visitor:
    """Somebody with a browser: every tab shares what is kept, and no error of a page goes unnoticed."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self._url = url
        self._errors: list[str] = []
        context.set_default_timeout(PATIENCE_MS)

    def open(self, path: str, *, name: str = "Ann") -> Page:
        """Open a page as somebody of that name."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on(
            "console",
            lambda line: self._errors.append(line.text) if "Content Security" in line.text else None,
        )
        page.on(
            "request", lambda request: None if self._is_own(request.url) else self._errors.append(request.url)
        )
        page.add_init_script(f"sessionStorage.setItem('operator', {name!r})")
        page.goto(f"{self._url}{path}")
        return page

    def _is_own(self, url: str) -> bool:
        return url.startswith((self._url, "data:", "blob:"))

    def assert_no_errors(self) -> None:
        assert not self._errors


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visitor]]:
    """Return a way to look at a gateway; a picture of each page is kept if the test fails."""
    visitors = list[Visitor]()

    def come(url: str, *, width: int = 1280, height: int = 800) -> Visitor:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        visitors.append(Visitor(context, url))
        return visitors[-1]

    yield come
    for visitor in visitors:
        for number, page in enumerate(visitor.context.pages):
            page.screenshot(path=tmp_path / f"page-{number}.png")
        visitor.context.close()
    for visitor in visitors:
        visitor.assert_no_errors()


def assert_accessible(page: Page) -> None:
    """Fail if a page breaks a rule of WCAG 2.2 AA that a program can see (axe-core)."""
    page.evaluate(AXE.read_text())
    result = page.evaluate("() => axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    broken = [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html']}" for rule in result["violations"]]
    assert not broken
