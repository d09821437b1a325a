"""Webhook subscriptions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.deps import ApiDeps
from gateway.api.events import SEQ_MAX
from gateway.api.replies import Page, Paging, number_cursor, reply
from gateway.contract.subscriptions import (
    DeliveryStatus,
    DeliveryView,
    NewSubscriptionView,
    ReplayRequest,
    SubscriptionRequest,
    SubscriptionView,
)
from gateway.contract.transports import Identifier

SubscriptionId = Annotated[Identifier, Path(alias="subscriptionId")]


class DeliveryFilter(Paging):
    """Which deliveries to list."""

    status: DeliveryStatus | None = None


def subscription_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes under /v1/subscriptions."""
    router = APIRouter(prefix="/v1", tags=["subscriptions"], route_class=JsonRoute)
    webhooks = deps.webhooks

    @router.post("/subscriptions", status_code=201, response_model=NewSubscriptionView)
    async def create_subscription(request: SubscriptionRequest) -> Response:
        """Have events delivered by signed POSTs (Standard Webhooks). The answer tells the secret, this once."""
        view = await webhooks.create(request)
        return reply(view, 201, f"/v1/subscriptions/{view.subscription_id}")

    @router.get("/subscriptions", response_model=Page[SubscriptionView])
    async def get_subscriptions() -> Response:
        """List all subscriptions, oldest first; there are never more than a page."""
        return reply(Page[SubscriptionView](items=tuple(webhooks.views())))

    @router.get("/subscriptions/{subscriptionId}", response_model=SubscriptionView)
    async def get_subscription(subscription_id: SubscriptionId) -> Response:
        """Show a subscription and what it has not delivered yet."""
        return reply(webhooks.view(subscription_id))

    @router.delete("/subscriptions/{subscriptionId}", status_code=204)
    async def delete_subscription(subscription_id: SubscriptionId) -> Response:
        """End a subscription and forget its deliveries."""
        await webhooks.delete(subscription_id)
        return Response(status_code=204)

    @router.post("/subscriptions/{subscriptionId}/enable", response_model=SubscriptionView)
    async def enable_subscription(subscription_id: SubscriptionId) -> Response:
        """Let a disabled subscription go on where it stopped."""
        return reply(await webhooks.enable(subscription_id))

    @router.get("/subscriptions/{subscriptionId}/deliveries", response_model=Page[DeliveryView])
    async def get_deliveries(
        subscription_id: SubscriptionId, which: Annotated[DeliveryFilter, Query()]
    ) -> Response:
        """List what became of deliveries, newest event first."""
        found = await webhooks.deliveries(
            subscription_id, which.status, number_cursor(which.cursor), which.limit + 1
        )
        items = tuple(found[: which.limit])
        more = len(found) > which.limit
        return reply(Page[DeliveryView](items=items, next_cursor=str(items[-1].seq) if more else None))

    @router.post("/subscriptions/{subscriptionId}/deliveries/{seq}/skip", response_model=SubscriptionView)
    async def skip_delivery(
        subscription_id: SubscriptionId, seq: Annotated[int, Path(ge=1, le=SEQ_MAX)]
    ) -> Response:
        """Give a dead letter up, so that the later events of its subject are delivered."""
        return reply(await webhooks.skip(subscription_id, seq))

    @router.post("/subscriptions/{subscriptionId}/replay", status_code=202, response_model=SubscriptionView)
    async def replay_deliveries(subscription_id: SubscriptionId, request: ReplayRequest) -> Response:
        """Deliver a range of events again; a dead letter in it is tried anew."""
        return reply(await webhooks.replay(subscription_id, request), 202)

    return router
