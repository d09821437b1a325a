"""Request bodies: JSON and nothing else, of at most 1 MB, and strictly what RFC 8259 calls JSON."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from gateway.api.problems import Rejected

BODY_MAX_BYTES: Final = 1_000_000


class JsonRoute(APIRoute):
    """A route whose body is read by JsonRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of one request."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


class JsonRequest(Request):
    """A request that reads no more than it has to, and takes no NaN, no lone surrogate, no abyss, no name twice."""

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
            body = from_json(await self.body(), allow_inf_nan=False)
            json.loads(self._body, object_pairs_hook=_check_names)
        except ValueError as error:
            raise Rejected(HTTPStatus.BAD_REQUEST, "brokenJson", f"the body is no JSON: {error}") from None
        return body

    def _media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


def _check_names(members: list[tuple[str, Any]]) -> None:
    """Refuse an object with two members of one name: readers differ in which of them counts (RFC 8259, section 4)."""
    if len(dict(members)) < len(members):
        names = Counter(name for name, _ in members)
        twice = ", ".join(name for name, times in names.items() if times > 1)
        raise ValueError(f"an object has more than one {twice}")


def _too_large() -> Rejected:
    return Rejected(HTTPStatus(413), "tooLarge", f"the body takes more than {BODY_MAX_BYTES} bytes")
