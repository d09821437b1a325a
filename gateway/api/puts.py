"""Puts over HTTP: light a slot, see what was put, withdraw."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from gateway.api.body import JsonRoute
from gateway.api.deps import ApiDeps
from gateway.api.replies import reply
from gateway.api.stored import find_put, known_digests
from gateway.api.views import put_view
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.puts import PutRequest, PutStatus, PutView, SubmittedPutView
from gateway.contract.transports import Identifier
from gateway.transport.messages import CancelPut, SubmitPut, Submitted
from gateway.transport.rows import Put

PutId = Annotated[Identifier, Path(alias="putId")]


def put_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes under /v1/puts."""
    router = APIRouter(prefix="/v1", tags=["puts"], route_class=JsonRoute)

    @router.post(
        "/puts",
        status_code=202,
        response_model=SubmittedPutView,
        responses={
            200: {"model": SubmittedPutView, "description": "The same request had been accepted before"}
        },
    )
    async def submit_put(request: PutRequest) -> Response:
        """Light a slot of a put wall and ask for a confirmation. Asking the same again changes nothing (200)."""
        known = await known_digests(deps.store, "puts", {request.put_id})
        answer: Submitted = await deps.ask(SubmitPut(request, known.get(request.put_id)))
        view = SubmittedPutView(put_id=request.put_id, again=answer.again)
        return reply(view, 200 if answer.again else 202, f"/v1/puts/{request.put_id}")

    @router.get("/puts/{putId}", response_model=PutView)
    async def get_put(put_id: PutId) -> Response:
        """Show what was asked for and what was put."""
        return reply(put_view(await _find(deps, put_id)))

    @router.post("/puts/{putId}/cancel", response_model=PutView)
    async def cancel_put(put_id: PutId) -> Response:
        """Withdraw a put. If a button was first, that counts."""
        try:
            await deps.ask(CancelPut(put_id))
        except Refusal as refusal:
            if refusal.kind not in (RefusalKind.NOT_FOUND, RefusalKind.CONFLICT):
                raise
            ended = await _find(deps, put_id)
            if ended.status not in (PutStatus.CANCELLED, PutStatus.UNKNOWN):
                raise Refusal(
                    RefusalKind.CONFLICT, FieldError("", "hasEnded", f"put {put_id} is {ended.status.value}")
                ) from None
        return reply(put_view(await _find(deps, put_id)))

    return router


async def _find(deps: ApiDeps, put_id: str) -> Put:
    put = await find_put(deps.store, put_id)
    if put is None:
        raise Refusal(RefusalKind.NOT_FOUND, FieldError("putId", "unknownPut", f"no put {put_id}"))
    return put
