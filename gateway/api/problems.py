"""Everything that can go wrong with a request, as problem+json (RFC 9457) in the caller's terms."""

from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.misfits import camel, field_error, without_kinds
from gateway.contract.problems import Problem, Reason
from gateway.kernel.ports import StoreBroken, StoreFull

log = structlog.get_logger()

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final[dict[RefusalKind, int]] = {
    RefusalKind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefusalKind.CONFLICT: HTTPStatus.CONFLICT,
    RefusalKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    RefusalKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    RefusalKind.OUT_OF_SPACE: HTTPStatus.INSUFFICIENT_STORAGE,
    RefusalKind.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalKind.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    RefusalKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    RefusalKind.LOCKED: HTTPStatus.LOCKED,
}
_RETRY_AFTER_S: Final[dict[RefusalKind, int]] = {
    RefusalKind.UNAVAILABLE: 2,
    RefusalKind.OUT_OF_SPACE: 10,
    RefusalKind.BUSY: 1,
}
_TITLES: Final[dict[RefusalKind, str]] = {
    RefusalKind.INVALID: "The request is invalid",
    RefusalKind.CONFLICT: "The request contradicts how things stand",
    RefusalKind.NOT_FOUND: "There is no such thing",
    RefusalKind.UNAVAILABLE: "The gateway cannot do it now",
    RefusalKind.OUT_OF_SPACE: "The gateway's disk is full",
    RefusalKind.BUSY: "The gateway is busy",
    RefusalKind.UNAUTHORIZED: "Nobody knows who asks",
    RefusalKind.FORBIDDEN: "Whoever asks has no right to it",
    RefusalKind.LOCKED: "Nobody is let in for now",
}
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


class Rejected(HTTPException):
    """A request that is not even well-formed, or asks for what HTTP itself refuses."""

    def __init__(self, status: HTTPStatus, code: str, message: str, field: str = "") -> None:
        super().__init__(status, message)
        self.reason = FieldError(field, code, message)


def add_problem_handlers(app: FastAPI, routers: Iterable[APIRouter] = ()) -> None:
    """Have every error answered as problem+json; where a path has several routes, `routers` tell all its methods."""
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, partial(_on_http_error, routes))
    app.add_exception_handler(StoreFull, _on_store_full)
    app.add_exception_handler(StoreBroken, _on_store_broken)
    app.add_exception_handler(Exception, _on_fault)


def problem(
    status: int,
    kind: str,
    title: str,
    reasons: Iterable[FieldError],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem+json answer."""
    told = tuple(Reason(field=each.field, code=each.code, message=each.message) for each in reasons)
    body = Problem(
        type=f"urn:warehouse-gateway:problem:{kind}",
        title=title,
        status=status,
        detail="; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in told),
        reasons=told,
    )
    return Response(body.model_dump_json(), status, headers, MEDIA_TYPE)


def refused(refusal: Refusal) -> Response:
    """Return the answer to a refusal."""
    again = _RETRY_AFTER_S.get(refusal.kind)
    headers = {} if again is None else {"Retry-After": str(again)}
    if refusal.kind is RefusalKind.UNAUTHORIZED:
        headers |= _CHALLENGE
    return problem(_STATUS[refusal.kind], refusal.kind.value, _TITLES[refusal.kind], refusal.reasons, headers)


def http_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to what HTTP itself refuses."""
    return problem(status, code, HTTPStatus(status).phrase, [FieldError("", code, message)], headers)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refused(error)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    places = ((each, without_kinds(each, error.body)) for each in error.errors())
    return refused(Refusal(RefusalKind.INVALID, *(field_error(each, place) for each, place in places)))


async def _on_http_error(routes: Iterable[APIRoute], request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = error.headers
    status = HTTPStatus(error.status_code)
    if isinstance(error, Rejected):
        return problem(status, error.reason.code, status.phrase, [error.reason], headers)
    code = camel(status.name)
    match error.status_code, error.detail:
        case HTTPStatus.NOT_FOUND, HTTPStatus.NOT_FOUND.phrase:
            message = "there is no such path; /docs shows all"
        case HTTPStatus.METHOD_NOT_ALLOWED, _:
            message = f"{request.method} is nothing that this path knows; /docs shows what it does"
            headers = _allowing(headers, (route for route in routes if _is_at(route, request)))
        case _:
            message = error.detail
    return http_error(status, code, message, headers)


def _is_at(route: APIRoute, request: Request) -> bool:
    return route.matches(request.scope)[0] is not Match.NONE


def _allowing(headers: Mapping[str, str] | None, routes: Iterable[APIRoute]) -> Mapping[str, str] | None:
    """Return the headers with all methods of a path; Starlette names those of the first of its routes alone."""
    methods = {method for route in routes for method in route.methods or ()}
    if "GET" in methods:
        methods.add("HEAD")
    return {**(headers or {}), "Allow": ", ".join(sorted(methods))} if methods else headers


async def _on_store_full(_: Request, error: Exception) -> Response:
    return refused(
        Refusal(RefusalKind.OUT_OF_SPACE, FieldError("", "storageFull", f"nothing was stored: {error}"))
    )


async def _on_store_broken(_: Request, error: Exception) -> Response:
    return refused(
        Refusal(
            RefusalKind.UNAVAILABLE, FieldError("", "storageBroken", f"the storage does not work: {error}")
        )
    )


async def _on_fault(request: Request, _: Exception) -> Response:
    log.error("a request failed by a fault of the gateway", method=request.method, path=request.url.path)
    return http_error(500, "internalError", "a fault of the gateway; its log tells more")
