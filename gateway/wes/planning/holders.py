"""Containers and flat places become known to the books when goods are first put there."""

from gateway.kernel.ports import Tx
from gateway.wes.context import WesContext
from gateway.wes.stock.model import Holder, HolderKind
from gateway.wes.stock.opening import open_holder


def kind_of(context: WesContext, holder_id: str) -> HolderKind:
    """Tell whether an id is that of a flat place: whatever is no location of the site is a container."""
    return HolderKind.LOCATION if holder_id in context.layout.places else HolderKind.CONTAINER


async def open_place(tx: Tx, context: WesContext, holder_id: str) -> None:
    """Open a container or a flat place; one that is open stays where it stands.

    Raises:
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
    await open_holder(tx, holder)
