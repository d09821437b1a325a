"""Serves the files of the pages: few, small, in memory, each under its own name and no other."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

ROOT: Final = "/ui"
"""Where the pages are; the gateway's own address leads there."""

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""What is served; types and licences lie beside it for developers."""

PAGES: Final = {"": "control.html", "/station": "station.html", "/pda": "pda.html"}
"""Addresses without a file's name, below `ROOT`."""

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http: https:; connect-src 'self';"
    " manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts and styles come from here alone; pictures of products from wherever upstream keeps them."""


def add_pages(app: Starlette) -> None:
    """Have an application serve the pages. They hold no data, so nobody needs a token to load them."""
    contents = {f"/{name}": _Content(name, data) for name, data in _served(files("gateway.web") / "static")}
    contents |= {page: contents[f"/{name}"] for page, name in PAGES.items()}
    app.routes.append(Route("/", _to_pages))
    app.routes.extend(Route(f"{ROOT}{path}", content.answer) for path, content in contents.items())


async def _to_pages(_: Request) -> Response:
    return RedirectResponse(ROOT)


def _served(folder: Traversable, below: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = f"{below}{entry.name}"
        if entry.is_dir():
            yield from _served(entry, f"{name}/")
        elif PurePosixPath(name).suffix in MEDIA_TYPES:
            yield name, entry.read_bytes()


class _Content:
    """One file, as long as the process lives."""

    def __init__(self, name: str, data: bytes) -> None:
        self._data = data
        self._headers = {
            "Content-Type": MEDIA_TYPES[PurePosixPath(name).suffix],
            "Content-Security-Policy": CSP,
            # Asked for every time, sent only if another version of the gateway runs: no page works with files of two versions.
            "Cache-Control": "no-cache",
            "ETag": f'"{sha256(data).hexdigest()[:32]}"',
        }

    async def answer(self, request: Request) -> Response:
        if request.headers.get("if-none-match") == self._headers["ETag"]:
            return Response(status_code=304, headers=self._headers)
        return Response(self._data, headers=self._headers)
