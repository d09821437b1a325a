"""What supervisors ask: alive, ready, metrics."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway.api.deps import ApiDeps
from gateway.api.metrics import make_registry, make_wes_registry
from gateway.api.problems import http_error
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore

READY_WITHIN_S: Final = 2.0
_TEXT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "As said", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def life_routes() -> APIRouter:
    """Return /livez."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", response_class=Response, responses=_TEXT)
    async def get_livez() -> Response:
        """Tell that the process lives."""
        return Response("alive\n", media_type="text/plain")

    return router


def wes_health_routes(core: WesCore) -> APIRouter:
    """Return /livez and /metrics of a WES core that has a process of its own."""
    router = life_routes()
    registry = make_wes_registry(core)

    @router.get("/metrics", response_class=Response, responses=_TEXT)
    async def get_metrics() -> Response:
        """Tell how the WES does, for Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def health_routes(deps: ApiDeps) -> APIRouter:
    """Return /livez, /readyz and /metrics."""
    router = life_routes()
    registry = make_registry(deps)

    @router.get("/readyz", response_class=Response, responses=_TEXT)
    async def get_readyz() -> Response:
        """Tell that the gateway takes requests: the kernel commits, there was room for it, and the database answers.

        While it is not ready, reading may still work: whoever only looks, people above all, asks /livez.
        """
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await deps.kernel.read(lambda: None)
                await deps.store.read(_touch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway is not ready
            reason = (
                f"no answer within {READY_WITHIN_S:g} s" if isinstance(error, TimeoutError) else str(error)
            )
            return http_error(HTTPStatus.SERVICE_UNAVAILABLE, "notReady", reason)
        if (no_room := deps.kernel.no_room) is not None:
            reason = f"nothing can be made durable, so nothing is accepted: {no_room.why}"
            return http_error(HTTPStatus.SERVICE_UNAVAILABLE, "storageFull", reason)
        return Response("ready\n", media_type="text/plain")

    @router.get("/metrics", response_class=Response, responses=_TEXT)
    async def get_metrics() -> Response:
        """Tell how the gateway does, for Prometheus."""
        text = await deps.kernel.read(lambda: generate_latest(registry))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router


async def _touch(tx: Tx) -> None:
    await tx.fetch("SELECT 1")
