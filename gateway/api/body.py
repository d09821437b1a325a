"""Request bodies: JSON and nothing else, of at most 1 MB, and strictly what RFC 8259 calls JSON; no text in it holds U+0000."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from gateway.api.problems import Rejected
from gateway.contract.nul import NO_NUL, holds_nul
from gateway.contract.strict_json import read_json

BODY_MAX_BYTES: Final = 1_000_000


class JsonRoute(APIRoute):
    """A route whose requests are JsonRequests."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of one request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


class JsonRequest(Request):
    """A request that reads no more than it has to, and takes no NaN, no lone surrogate, no abyss, no name twice."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Take a request.

        Raises:
            Rejected: 400.
        """
        super().__init__(scope, receive)
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise _nul()

    async def body(self) -> bytes:
        """Return the body; stop reading when it gets too long.

        Raises:
            Rejected: 413 or 415.
        """
        declared = self.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > BODY_MAX_BYTES:
            raise _too_large()
        body = bytearray()
        async for chunk in self.stream():
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise _too_large()
        if body and self._media_type() != "application/json":
            raise Rejected(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "notJson", "send JSON, with Content-Type: application/json"
            )
        self._body = bytes(body)  # where Starlette's own methods look for a body that has been read
        return self._body

    async def json(self) -> Any:
        """Return the parsed body.

        Raises:
            Rejected: 400.
        """
        try:
            body = read_json(await self.body())
        except ValueError as error:
            raise Rejected(HTTPStatus.BAD_REQUEST, "brokenJson", f"the body is no JSON: {error}") from None
        if holds_nul(self._body):
            raise _nul()
        return body

    def _media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


def _nul() -> Rejected:
    return Rejected(HTTPStatus.BAD_REQUEST, "nulCharacter", NO_NUL)


def _too_large() -> Rejected:
    return Rejected(HTTPStatus(413), "tooLarge", f"the body takes more than {BODY_MAX_BYTES} bytes")
