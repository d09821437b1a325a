"""What stands on a package, for whoever prints its label."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Response

from gateway.api.body import JsonRoute
from gateway.api.replies import reply
from gateway.contract.labels import LabelView
from gateway.wes.core import WesCore
from gateway.wes.floor.labels import label_view

PackageId = Annotated[int, Path(alias="packageId", ge=1, le=2**53 - 1)]


def label_routes(core: WesCore) -> APIRouter:
    """Return the route of labels under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)

    @router.get("/packages/{packageId}/label", response_model=LabelView)
    async def get_label(package_id: PackageId) -> Response:
        """Show who gets a package, and by whom."""
        return reply(await core.store.read(partial(label_view, package_id=package_id)))

    return router
