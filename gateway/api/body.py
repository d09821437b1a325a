"""What every route asks of requests and gives back: JSON of at most 1 MB, strictly as RFC 8259 has it; lists as tables too.

No text in a request holds U+0000.
"""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final, cast, get_args

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from gateway.api.guard import SAFE
from gateway.api.problems import Rejected
from gateway.api.reach import OPERATOR, ZoneCheck, signed
from gateway.api.tables import TABLE, as_table, page_size_of, table_of_list, wants_table
from gateway.contract.nul import NO_NUL, holds_nul
from gateway.contract.strict_json import read_json

BODY_MAX_BYTES: Final = 1_000_000


class JsonRoute(APIRoute):
    """A route whose requests are JsonRequests, and whose list, if it answers one, comes as a table to whoever wants it so."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._table = table_of_list(options.get("response_model"))
        if self._table is not None:
            described: dict[int | str, dict[str, Any]] = {HTTPStatus.OK: {"content": {TABLE: {}}}}
            options["responses"] = {**(options.get("responses") or {}), **described}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of one request."""
        handle, table, page_size = super().get_route_handler(), self._table, page_size_of(self)
        is_act = self.body_field is not None and _names_operator(self.body_field.field_info.annotation)

        async def handle_json(request: Request) -> Response:
            asked = JsonRequest(request.scope, request.receive, is_act=is_act)
            if request.method not in SAFE:
                await ZoneCheck(request.scope).check_all(request.path_params)
            if table is not None and wants_table(asked):
                return await as_table(asked, handle, table, page_size)
            return await handle(asked)

        return handle_json


def _names_operator(body: Any) -> bool:
    """Tell whether a body, or each of several kinds of it, says who does something."""
    return any(OPERATOR in getattr(each, "model_fields", ()) for each in get_args(body) or (body,))


class JsonRequest(Request):
    """A request that reads no more than it has to, and takes no NaN, no lone surrogate, no abyss, no name twice."""

    def __init__(self, scope: Scope, receive: Receive, *, is_act: bool = False) -> None:
        """Take a request; one that is an act names who does it.

        Raises:
            Rejected: 400.
        """
        super().__init__(scope, receive)
        self._is_act = is_act
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
        """Return the parsed body, an act with who does it.

        Raises:
            Rejected: 400; 403: it is done under another name, or elsewhere, than the caller may.
        """
        try:
            body = read_json(await self.body())
        except ValueError as error:
            raise Rejected(HTTPStatus.BAD_REQUEST, "brokenJson", f"the body is no JSON: {error}") from None
        if holds_nul(self._body):
            raise _nul()
        if self._is_act and isinstance(body, dict):
            body = signed(self.scope, ZoneCheck(self.scope).in_own_zone(cast(dict[str, Any], body)))
        await ZoneCheck(self.scope).check_all(body)
        return body

    def _media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


def _nul() -> Rejected:
    return Rejected(HTTPStatus.BAD_REQUEST, "nulCharacter", NO_NUL)


def _too_large() -> Rejected:
    return Rejected(HTTPStatus(413), "tooLarge", f"the body takes more than {BODY_MAX_BYTES} bytes")
