"""Which products the WES knows, and what their codes are (S2-10)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import Page, Paging, page_of, reply
from gateway.contract.acts import ActView, ScannedCode
from gateway.contract.corrections import DeleteProduct
from gateway.contract.documents import ProductView
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku, Words
from gateway.kernel.ports import Tx
from gateway.wes.core import WesCore
from gateway.wes.floor.acts import once
from gateway.wes.orders.catalogue import delete_product, list_products, scanned_sku, show_product


class ProductFilter(Paging):
    """Which products to list; what is left out does not matter.

    Attributes:
        type: as upstream has said it.
        barcode: as it is scanned, or as it is printed: of a piece or of a case.
    """

    owner_id: Identifier | None = None
    sku_id: Sku | None = None
    barcode: ScannedCode | None = None
    type: Words | None = None


def product_routes(core: WesCore) -> APIRouter:
    """Return the routes of products under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)
    store, context = core.store, core.context

    @router.get("/products", response_model=Page[ProductView])
    async def get_products(which: Annotated[ProductFilter, Query()]) -> Response:
        """List products by SKU, as upstream has described them."""
        owner_id = which.owner_id or context.wes.owner

        async def job(tx: Tx) -> list[ProductView]:
            sku = which.sku_id
            if which.barcode is not None:
                scanned = await scanned_sku(tx, context, owner_id, which.barcode)
                if scanned is None or scanned != (sku or scanned):
                    return []
                sku = scanned
            if sku is not None:
                found = await show_product(tx, owner_id, sku)
                return [each for each in found if which.type in (None, each.type)]
            return await list_products(tx, owner_id, which.cursor or "", which.limit + 1, which.type)

        found = await store.read(job)
        return reply(page_of(found, which.limit, [each.sku_id for each in found]))

    @router.post("/products/deletions", response_model=ActView)
    async def delete_a_product(request: DeleteProduct) -> Response:
        """Forget a product that no document and no stock has ever named. Any other is taken out of use by upstream (`retired`)."""

        async def job(tx: Tx) -> ActView:
            return await once(tx, context, request, lambda: delete_product(tx, context, request))

        return reply(await store.write(job))

    return router
