"""Labels of containers, locations, lots and packages over HTTP: as data, or drawn for an office or a label printer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from gateway.api.body import JsonRoute
from gateway.api.media import accepted
from gateway.api.problems import Rejected
from gateway.api.replies import reply
from gateway.contract.inbound import LotNo
from gateway.contract.labels import (
    AnyLabel,
    ContainerLabelView,
    LabelFormat,
    LabelsView,
    LabelView,
    LocationLabelView,
    LotLabelView,
)
from gateway.contract.model import WireModel
from gateway.contract.transports import Identifier
from gateway.contract.wms import Sku
from gateway.kernel.ports import Tx
from gateway.paper.labels import draw
from gateway.paper.pdf import pdf
from gateway.paper.svg import svg
from gateway.paper.zpl import zpl
from gateway.wes.core import WesCore
from gateway.wes.labels import container_label, label_of_package, label_view, location_label, lot_label

V = TypeVar("V", bound=AnyLabel)

LABELS_MAX: Final = 100
COPIES_MAX: Final = 100
MEDIA: Final[Mapping[LabelFormat, str]] = {
    LabelFormat.JSON: "application/json",
    LabelFormat.SVG: "image/svg+xml",
    LabelFormat.PDF: "application/pdf",
    LabelFormat.ZPL: "application/zpl",
}
_DRAWN: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {media: {} for media in MEDIA.values() if media != MEDIA[LabelFormat.JSON]}}
}

PackageId = Annotated[int, Path(alias="packageId", ge=1, le=2**53 - 1)]


class DrawnHow(WireModel):
    """How labels are wanted.

    Attributes:
        format: instead of `Accept`, for a link in a page.
    """

    format: LabelFormat | None = None


class NamedContainers(DrawnHow):
    """Whose labels to show: containers and pallets, also such as are still to come."""

    container_id: Annotated[list[Identifier], Field(min_length=1, max_length=LABELS_MAX)]


class NamedLocations(DrawnHow):
    """Whose labels to show."""

    location_id: Annotated[list[Identifier], Field(min_length=1, max_length=LABELS_MAX)]


class NamedPackages(DrawnHow):
    """Whose labels to show, by the numbers that are printed on them."""

    package_no: Annotated[list[Identifier], Field(min_length=1, max_length=LABELS_MAX)]


class NamedLot(DrawnHow):
    """Whose label to show.

    Attributes:
        copies: labels that are all the same, for so many pieces or cases.
    """

    sku_id: Sku
    lot_no: LotNo = ""
    owner_id: Identifier | None = None
    copies: Annotated[int, Field(ge=1, le=COPIES_MAX)] = 1


def label_routes(core: WesCore) -> APIRouter:
    """Return the routes of labels under /v1/wes."""
    router = APIRouter(prefix="/v1/wes", tags=["wes"], route_class=JsonRoute)
    store, context = core.store, core.context

    async def show(
        request: Request, how: DrawnHow, ids: Sequence[str], view: Callable[[Tx, str], Awaitable[V]]
    ) -> Response:
        media = accepted(request, tuple(MEDIA.values())) if how.format is None else MEDIA[how.format]
        if media is None:
            raise Rejected(
                HTTPStatus.NOT_ACCEPTABLE, "notAcceptable", f"a label is {', '.join(MEDIA.values())}"
            )

        async def job(tx: Tx) -> tuple[V, ...]:
            views = {each: await view(tx, each) for each in dict.fromkeys(ids)}
            return tuple(views[each] for each in ids)

        return _answer(media, await store.read(job))

    def _answer(media: str, views: Sequence[AnyLabel]) -> Response:
        paper = context.wes.labels
        match media:
            case "image/svg+xml":
                return Response(svg([draw(view, paper) for view in views]), media_type=media)
            case "application/pdf":
                return Response(pdf([draw(view, paper) for view in views]), media_type=media)
            case "application/zpl":
                return Response(zpl([draw(view, paper) for view in views]), media_type=media)
            case _:
                return reply(LabelsView[Any](items=tuple(views)))

    @router.get("/labels/containers", response_model=LabelsView[ContainerLabelView], responses=_DRAWN)
    async def get_container_labels(request: Request, which: Annotated[NamedContainers, Query()]) -> Response:
        """Show the labels of containers or pallets: as data, or drawn (`Accept`, or `format`), a page each."""
        return await show(
            request, which, which.container_id, lambda tx, each: container_label(tx, context, each)
        )

    @router.get("/labels/locations", response_model=LabelsView[LocationLabelView], responses=_DRAWN)
    async def get_location_labels(request: Request, which: Annotated[NamedLocations, Query()]) -> Response:
        """Show the labels of locations, with the batches that lie there now."""
        return await show(
            request, which, which.location_id, lambda tx, each: location_label(tx, context, each)
        )

    @router.get("/labels/lots", response_model=LabelsView[LotLabelView], responses=_DRAWN)
    async def get_lot_labels(request: Request, which: Annotated[NamedLot, Query()]) -> Response:
        """Show the label of a lot's pieces or cases, so many times as it is wanted."""
        owner_id, sku = which.owner_id, which.sku_id
        return await show(
            request,
            which,
            [which.lot_no] * which.copies,
            lambda tx, lot_no: lot_label(tx, context, owner_id, sku, lot_no),
        )

    @router.get("/labels/packages", response_model=LabelsView[LabelView], responses=_DRAWN)
    async def get_package_labels(request: Request, which: Annotated[NamedPackages, Query()]) -> Response:
        """Show the labels of packages: who gets them, by whom, and the batches in them."""
        return await show(
            request, which, which.package_no, lambda tx, each: label_of_package(tx, context, each)
        )

    @router.get("/packages/{packageId}/label", response_model=LabelView)
    async def get_label(package_id: PackageId) -> Response:
        """Show who gets a package, and by whom."""
        return reply(await store.read(partial(label_view, context=context, package_id=package_id)))

    return router
