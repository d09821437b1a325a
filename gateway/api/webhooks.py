"""What is posted to others, for the description at /openapi.json: nobody asks for it here, so no route would tell its fields."""

from fastapi import APIRouter, FastAPI

from gateway.contract.events import Event
from gateway.contract.wms import InventoryBatch, InventoryMessage, StatusCallback


def describe_events(app: FastAPI) -> None:
    """Describe what subscribers are posted."""
    webhooks = APIRouter()

    @webhooks.post("event", tags=["events"])
    async def event(body: Event) -> None:
        """Take an event of the feed; any 2xx takes it, anything else has it sent again. `webhook-id` is the duplicate key."""

    app.webhooks.include_router(webhooks)


def describe_upstream(app: FastAPI) -> None:
    """Describe what an OMS is posted by the WES core (docs/oms-integration.md)."""
    webhooks = APIRouter()

    @webhooks.post("/api/wms/callback/status", tags=["wms"])
    async def status_callback(body: StatusCallback) -> None:
        """Hear what has become of an order. Drop a `callbackId` that is known, and a `sequence` lower than the highest."""

    @webhooks.post("/api/wms/inventory/sync", tags=["wms"])
    async def inventory_sync(body: InventoryMessage | InventoryBatch) -> None:
        """Hear what may be sold. Drop a `version` lower than the highest of the product."""

    app.webhooks.include_router(webhooks)
