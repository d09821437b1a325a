"""What stands before every route: who asks and by what right, the site of a page, HEAD, headers that keep browsers from guessing.

As long as nobody is kept and there is no token, the gateway is *open*: only this machine can reach it, and what has to be kept away
is pages of other sites in a browser here. Else a token says who asks, and the table of rights what that person may.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, assert_never
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import http_error, problem
from gateway.api.rights import OPEN, RIGHTS, SIMULATED, STATIC, WITH_OLD_PASSWORD, route_of
from gateway.contract.faults import FieldError
from gateway.people.callers import Anybody, Caller, Installation, SignedIn, Stranger
from gateway.people.people import People

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""
SESSION: Final = "/v1/session"

_DOCS_CSP: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-ancestors 'none'"
)
_CSP: Final = "default-src 'none'; frame-ancestors 'none'"


Whereabouts = Callable[[Mapping[str, object]], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Knows who may come in.

    Attributes:
        token: the installation's, which may do everything; None where nobody else can reach the port.
        own_key: what parts of this process show.
        people: those that are kept; None: none ever are.
        names: under which the port is asked besides its addresses and `localhost`, where it is open.
        zones: of locations and stations that are in one.
        whereabouts: tells at which of them what a body names by a number is; None: nobody knows.
    """

    token: str | None
    own_key: str | None = None
    people: People | None = None
    names: frozenset[str] = frozenset()
    zones: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    whereabouts: Whereabouts | None = None

    @property
    def asks_for(self) -> str:
        """What callers must show: `none`, the installation's `token`, or whoever a `person` is."""
        if self.people is not None and self.people.is_kept:
            return "person"
        return "none" if self.token is None else "token"

    def caller(self, authorization: str) -> Caller | None:
        """Return who shows this header; None: nobody who is known."""
        if not authorization:
            return Anybody() if self.asks_for == "none" else Stranger()
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        for key in (self.token, self.own_key):
            if key is not None and hmac.compare_digest(shown.encode("latin-1"), key.encode()):
                return Installation()
        return None if self.people is None else self.people.shown(shown)


def caller_of(scope: Scope) -> Caller:
    """Return who asks, as the entrance has found."""
    state = scope.get("state")
    return state.get("caller", Anybody()) if state else Anybody()


def door_of(scope: Scope) -> Doorkeeper | None:
    """Return who has let the caller in; None: nobody stands at this door."""
    state = scope.get("state")
    return state.get("door") if state else None


def may_stay(scope: Scope) -> bool:
    """Tell whether whoever was let in would be so now: streams outlast sessions."""
    door = door_of(scope)
    if door is None or door.asks_for == "none":
        return True
    caller = door.caller(Headers(scope=scope).get("authorization", ""))
    return caller is not None and not isinstance(caller, Stranger)


class Entrance:
    """Lets in whoever may, and notes who it is."""

    def __init__(self, app: ASGIApp, door: Doorkeeper) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._page_refused(scope, headers) if self._door.asks_for == "none" else None
        caller = self._caller(scope, headers)
        answer = refused or (self._unknown() if caller is None else self._no_right(scope, caller))
        if answer is not None:
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {}).update(caller=caller, door=self._door)
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope, headers: Headers) -> Caller | None:
        """Return who asks; None: somebody with a token that is none, where it matters or is asked after."""
        caller = self._door.caller(headers.get("authorization", ""))
        if caller is not None or (scope["method"], scope["path"]) == ("GET", SESSION):
            return caller
        if self._door.asks_for == "none":
            return Anybody()
        return Stranger() if _is_open(scope) else None

    def _unknown(self) -> Response:
        if self._door.asks_for == "person":
            text = "sign in (POST /v1/session), and show the session's token: Authorization: Bearer …"
        else:
            text = "show the API token: Authorization: Bearer …"
        return http_error(401, "unauthorized", text, {"WWW-Authenticate": "Bearer"})

    def _no_right(self, scope: Scope, caller: Caller) -> Response | None:
        """Return why a caller may not ask for this; None: it may."""
        match caller:
            case Anybody() | Installation():
                return None
            case Stranger():
                return None if _is_open(scope) else self._unknown()
            case SignedIn():
                return None if _is_open(scope) else _no_right_of(caller, scope["method"], scope["path"])
            case _:
                assert_never(caller)

    def _page_refused(self, scope: Scope, headers: Headers) -> Response | None:
        """Keep pages of other sites, in a browser on this machine, from asking for anything.

        A browser names the site of the page in `Origin` (RFC 6454, section 7), whatever the page wants. That it is the name under
        which this port was asked is not enough: whoever owns a name may have it lead to this machine (DNS rebinding), and reads
        what it is answered then. So the name itself must be ours.
        """
        host = headers.get("host", "")
        if scope["path"] != "/livez" and host and not self._is_ours(host):
            text = f"nobody asks this gateway under the name {host}: ask 127.0.0.1, or start it with --name"
            return http_error(HTTPStatus.MISDIRECTED_REQUEST, "foreignName", text)
        origin = headers.get("origin")
        if scope["method"] in SAFE or origin is None:
            return None
        if origin.partition("://")[2].lower() == host.lower() and self._is_ours(host):
            return None
        reason = "a page of another site asks for this; one that may has the API token and shows it"
        return http_error(403, "foreignPage", reason)

    def _is_ours(self, host: str) -> bool:
        """Tell whether a host, with its port, is an address, `localhost`, or a name that was given to this gateway."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name != "localhost" and name not in self._door.names:
                ip_address(name)
        except ValueError:
            return False
        return True


def _is_open(scope: Scope) -> bool:
    method, path = scope["method"], scope["path"]
    if method == "GET" and STATIC.fullmatch(path) is not None:
        return True
    return path.startswith(SIMULATED) or f"{method} {path}" in OPEN


def _no_right_of(caller: SignedIn, method: str, path: str) -> Response | None:
    route = route_of(method, path)
    if route is None:
        text = "there is no such path, or nobody has a right to it; /docs shows all"
        return http_error(404, "notFound", text)
    person = caller.person
    if person.must_change and route not in WITH_OLD_PASSWORD:
        text = "change your password first: POST /v1/session/password"
        reason = FieldError("", "passwordMustChange", text)
        return problem(403, "passwordMustChange", "The password must be changed first", [reason])
    if person.roles & RIGHTS[route]:
        return None
    text = (
        f"this needs the role {' or '.join(sorted(RIGHTS[route]))}; {person.person_id} is"
        f" {' and '.join(sorted(person.roles))}. An administrator gives roles"
    )
    return http_error(403, "roleMissing", text)


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
