"""Transports over HTTP: submit, list, show, cancel, resolve."""

from collections.abc import Sequence
from typing import Annotated, assert_never

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.deps import ApiDeps
from gateway.api.replies import Page, Paging, number_cursor, reply
from gateway.api.stored import find_history, find_transport, known_digests, list_transports
from gateway.api.views import transport_view
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.problems import Reason
from gateway.contract.transports import (
    BatchItemView,
    BatchMode,
    BatchView,
    Identifier,
    ResolveRequest,
    SubmittedView,
    TransportBatch,
    TransportRequest,
    TransportStatus,
    TransportView,
)
from gateway.transport.messages import CancelTransport, ResolveTransport, Submitted, SubmitTransports
from gateway.transport.rows import Transport
from gateway.transport.transitions import ENDED

TransportId = Annotated[Identifier, Path(alias="transportId")]


class TransportFilter(Paging):
    """Which transports to list; `status` may be repeated."""

    status: tuple[TransportStatus, ...] = ()
    container_id: Identifier | None = None


def transport_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes under /v1/transports."""
    router = APIRouter(prefix="/v1", tags=["transports"], route_class=JsonRoute)

    @router.post(
        "/transports",
        status_code=202,
        response_model=SubmittedView,
        responses={200: {"model": SubmittedView, "description": "The same request had been accepted before"}},
    )
    async def submit_transport(request: TransportRequest) -> Response:
        """Ask for a container to be moved. Asking the same again changes nothing and is answered with 200."""
        [answer] = await _submit(deps, (request,), each_alone=False)
        if isinstance(answer, Refusal):
            raise answer
        view = SubmittedView(transport_id=answer.transport_id, again=answer.again)
        return reply(view, 200 if answer.again else 202, f"/v1/transports/{answer.transport_id}")

    @router.post(
        "/transports:batch",
        status_code=202,
        response_model=BatchView,
        responses={200: {"model": BatchView, "description": "Nothing in it was new"}},
    )
    async def submit_batch(batch: TransportBatch) -> Response:
        """Ask for several containers to be moved: all or none, or each for itself."""
        each_alone = batch.mode is BatchMode.EACH
        try:
            answers = await _submit(deps, batch.items, each_alone=each_alone)
        except Refusal as refusal:
            raise _in_batch(refusal) from None
        pairs = zip(batch.items, answers, strict=True)
        view = BatchView(items=tuple(_batch_item(request, answer) for request, answer in pairs))
        return reply(view, 202 if any(item.accepted and not item.again for item in view.items) else 200)

    @router.get("/transports", response_model=Page[TransportView])
    async def get_transports(which: Annotated[TransportFilter, Query()]) -> Response:
        """List transports, the last accepted first."""
        found = await list_transports(
            deps.store, which.status, which.container_id, number_cursor(which.cursor), which.limit + 1
        )
        rows = found[: which.limit]
        items = tuple([transport_view(row, await _waiting(deps, row)) for row in rows])
        more = len(found) > which.limit
        return reply(Page[TransportView](items=items, next_cursor=str(rows[-1].number) if more else None))

    @router.get("/transports/{transportId}", response_model=TransportView)
    async def get_transport(transport_id: TransportId) -> Response:
        """Show one transport: status, legs, commands, timeline, and what people decided about it."""
        return reply(await _view(deps, transport_id))

    @router.post("/transports/{transportId}/cancel", response_model=TransportView)
    async def cancel_transport(transport_id: TransportId) -> Response:
        """Give a transport up. A load that is under way is brought to a defined place first.

        One that is `failed` or `unknown` waits for somebody's decision and is given up by `resolve`, which records who and why.
        """
        try:
            await deps.ask(CancelTransport(transport_id))
        except Refusal as refusal:
            ended = await _ended(deps, transport_id, refusal)
            if ended.status is not TransportStatus.CANCELLED:
                raise _has_ended(ended) from None
        return reply(await _view(deps, transport_id))

    @router.post("/transports/{transportId}/resolve", response_model=TransportView)
    async def resolve_transport(transport_id: TransportId, request: ResolveRequest) -> Response:
        """Decide about a transport that cannot go on by itself; recorded with who and why."""
        try:
            await deps.ask(ResolveTransport(transport_id, request))
        except Refusal as refusal:
            raise _has_ended(await _ended(deps, transport_id, refusal)) from None
        return reply(await _view(deps, transport_id))

    return router


async def _submit(
    deps: ApiDeps, requests: tuple[TransportRequest, ...], *, each_alone: bool
) -> Sequence[Submitted | Refusal]:
    known = await known_digests(deps.store, "transports", {request.transport_id for request in requests})
    return await deps.ask(SubmitTransports(requests, known, each_alone))


def _batch_item(request: TransportRequest, answer: Submitted | Refusal) -> BatchItemView:
    match answer:
        case Submitted():
            return BatchItemView(transport_id=answer.transport_id, accepted=True, again=answer.again)
        case Refusal():
            reasons = tuple(
                Reason(field=each.field, code=each.code, message=each.message) for each in answer.reasons
            )
            return BatchItemView(transport_id=request.transport_id, accepted=False, reasons=reasons)
        case _:
            assert_never(answer)


def _in_batch(refusal: Refusal) -> Refusal:
    """Return the refusal with its fields as they stand in a batch; the engine names them so only where there are several."""
    return Refusal(
        refusal.kind,
        *(
            FieldError(f"items[0].{each.field}".rstrip("."), each.code, each.message)
            if each.field and not each.field.startswith("items[")
            else each
            for each in refusal.reasons
        ),
    )


async def _view(deps: ApiDeps, transport_id: str) -> TransportView:
    history = await find_history(deps.store, transport_id)
    if history is None:
        raise _unknown(transport_id)
    return transport_view(history.transport, await _waiting(deps, history.transport), history)


async def _waiting(deps: ApiDeps, transport: Transport) -> str | None:
    """Explain a transport as the books have it now; what has ended waits for nothing."""

    def explain() -> str | None:
        row = deps.tables.transports.get(transport.transport_id)
        return None if row is None or row.status in ENDED else deps.explain(row)

    return await deps.kernel.read(explain)


async def _ended(deps: ApiDeps, transport_id: str, refusal: Refusal) -> Transport:
    """Return a transport that memory has forgotten because it has ended; raise any other refusal."""
    if refusal.kind is not RefusalKind.NOT_FOUND:
        raise refusal
    transport = await find_transport(deps.store, transport_id)
    if transport is None:
        raise _unknown(transport_id)
    return transport


def _has_ended(transport: Transport) -> Refusal:
    return Refusal(
        RefusalKind.CONFLICT,
        FieldError("", "hasEnded", f"transport {transport.transport_id} is {transport.status.value}"),
    )


def _unknown(transport_id: str) -> Refusal:
    return Refusal(
        RefusalKind.NOT_FOUND, FieldError("transportId", "unknownTransport", f"no transport {transport_id}")
    )
