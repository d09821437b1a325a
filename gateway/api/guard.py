"""What stands before every route: the token or the site of a page, HEAD, headers that keep browsers from guessing and storing."""

import hmac
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import http_error

OPEN_PATHS: Final = frozenset({"/livez"})
"""Asked by supervisors that hold no token; tells nothing but that the process lives."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

_DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-ancestors 'none'"
)
_CSP: Final = "default-src 'none'; frame-ancestors 'none'"


class TokenGuard:
    """Lets only callers through that show the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            scheme, _, shown = Headers(scope=scope).get("authorization", "").partition(" ")
            known = hmac.compare_digest(shown.encode("latin-1"), self._token)
            if scheme.lower() != "bearer" or not known:
                answer = http_error(
                    401,
                    "unauthorized",
                    "show the API token: Authorization: Bearer …",
                    {"WWW-Authenticate": "Bearer"},
                )
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


class PageGuard:
    """Keeps pages of other sites, in a browser on this machine, from changing anything; stands where no token does.

    A browser names the site of the page in `Origin` (RFC 6454, section 7), whatever the page wants. That it is the name under
    which this port was asked is not enough: whoever owns a name may have it lead to this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not _is_own(origin, headers.get("host", "")):
                reason = "a page of another site asks for this; one that may has the API token and shows it"
                answer = http_error(403, "foreignPage", reason)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_own(origin: str, host: str) -> bool:
    """Tell whether an origin is the address, or `localhost`, under which this port was asked."""
    asked = origin.partition("://")[2].lower()
    if asked != host.lower():
        return False
    try:
        name = urlsplit(f"//{asked}").hostname or ""
        if name != "localhost":
            ip_address(name)
    except ValueError:
        return False
    return True


class SecureHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("Cache-Control", "no-store")
                headers.setdefault("Content-Security-Policy", _DOCS_CSP if scope["path"] == "/docs" else _CSP)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HeadAsGet:
    """Answers HEAD as GET, without the body (RFC 9110, section 9.3.2): health checks and proxies ask so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        over = False

        async def send_head(message: Message) -> None:
            nonlocal over
            if message["type"] == "http.response.start":
                await send(message)
            elif not over:  # a stream hears that the caller has gone, as this was all
                over = True
                await send({"type": "http.response.body"})

        await self._app({**scope, "method": "GET"}, receive, send_head)
