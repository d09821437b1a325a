"""Containers and flat places become known to the books when goods are first put there; a container may leave when it is empty."""

from typing import Final

from gateway.contract.faults import Refusal, RefusalKind
from gateway.kernel.ports import Tx
from gateway.site.codes import CodeKind
from gateway.wes.codes import PresentationState
from gateway.wes.context import WesContext
from gateway.wes.entering import is_ruled, objection
from gateway.wes.layout import STORAGE
from gateway.wes.planning.presentations import presentation_of_container
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import Holder, HolderKind
from gateway.wes.stock.opening import open_holder

_STANDS: Final = "SELECT location_id FROM holders WHERE holder_id = :holder_id"
_KNOWN: Final = "SELECT 1 FROM holders WHERE holder_id = :holder_id"
_GOODS: Final = (
    "SELECT p.quantity, o.sku FROM positions p JOIN lots l ON l.lot_id = p.lot_id JOIN pools o ON o.pool_id = l.pool_id"
    " WHERE p.holder_id = :holder_id AND p.quantity > 0 ORDER BY o.sku, p.lot_id LIMIT 1"
)


def kind_of(context: WesContext, holder_id: str) -> HolderKind:
    """Tell whether an id is that of a flat place: whatever is no location of the site is a container."""
    return HolderKind.LOCATION if holder_id in context.layout.places else HolderKind.CONTAINER


async def check_unused(tx: Tx, container_id: str) -> None:
    """Make sure that nothing is lost with a container that leaves the site.

    Raises:
        Refusal: there are goods in it, or it is under way or at a station for work.
    """
    if rows := await tx.fetch(_GOODS, {"holder_id": container_id}):
        pieces, sku = rows[0]
        raise conflict("containerId", "holdsGoods", f"the books have {pieces} of {sku} in {container_id}")
    if await presentation_of_container(tx, container_id) is not None:
        raise conflict("containerId", "busy", f"{container_id} is on its way, or is worked on at a station")


async def check_within_reach(tx: Tx, context: WesContext, container_id: str) -> None:
    """Make sure that a person can put something into a container, or take it out: no machine has it, or brings it.

    Raises:
        Refusal: it is stored where machines alone go, or it is under way.
    """
    rows = await tx.fetch(_STANDS, {"holder_id": container_id})
    place = context.layout.places.get(rows[0][0] or "") if rows else None
    stored = place is not None and place.kind == STORAGE and bool(context.layout.stations_for(container_id))
    active = await presentation_of_container(tx, container_id)
    if stored or (active is not None and active.state is not PresentationState.ARRIVED):
        raise conflict("holderId", "notHere", f"{container_id} is stored or under way")


async def open_place(tx: Tx, context: WesContext, holder_id: str) -> None:
    """Open a container or a flat place, which the caller's `holderId` names; one that is open stays where it stands.

    Raises:
        Refusal: it is a new container, and its code is none of the site's.
        StockRefused: another kind of thing, or one of another warehouse, has this id.
    """
    place = context.layout.places.get(holder_id)
    holder = Holder(
        holder_id=holder_id,
        kind=kind_of(context, holder_id),
        warehouse_id=context.wes.warehouse_id,
        location_id=None if place is None else holder_id,
        zone="" if place is None else place.zone,
        distance=None if place is None else place.distance,
    )
    if holder.kind is HolderKind.CONTAINER and is_ruled(context, CodeKind.CONTAINER):
        await _check_code(tx, context, holder_id)
    await open_holder(tx, holder)


async def _check_code(tx: Tx, context: WesContext, container_id: str) -> None:
    if await tx.fetch(_KNOWN, {"holder_id": container_id}):
        return
    if wrong := objection(context, CodeKind.CONTAINER, container_id, "holderId"):
        raise Refusal(RefusalKind.INVALID, wrong)
