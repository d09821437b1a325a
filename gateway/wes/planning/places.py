"""Where goods may be put, and where they lie best (S2-38, S2-63, S2-103, S2-105, S2-106).

Whoever has put goods down is judged by what lies there then: nothing is booked that the site's zones or its rule `mixing` forbid,
and the answer names places that fit. What is found somewhere, by a count, is believed. Flat places are proposed in one order,
which depends on the books alone: where the lot lies, then the product, then an empty place, then others; of these the nearest.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import dist
from typing import Final

from gateway.contract.places import PlaceFit
from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.site.rules import Mixing
from gateway.site.zones import ZonePurpose
from gateway.wes.context import WesContext
from gateway.wes.layout import SHELF, Place
from gateway.wes.planning.belonging import Goods, ZonePlan, contents, goods_of_lot
from gateway.wes.planning.blocks import blocked_places
from gateway.wes.planning.tasks import conflict
from gateway.wes.stock.model import Virtual

NAMED: Final = 3
"""Places that a refusal names."""
TRIES_MAX: Final = 200
"""Places whose contents a proposal looks at."""

_PLACES: Final = """SELECT h.holder_id,
CAST(COALESCE(SUM(CASE WHEN p.lot_id = :lot_id THEN p.quantity ELSE 0 END), 0) AS BIGINT),
CAST(COALESCE(SUM(CASE WHEN o.pool_id = l.pool_id THEN p.quantity ELSE 0 END), 0) AS BIGINT),
CAST(COALESCE(SUM(p.quantity), 0) AS BIGINT)
FROM holders h CROSS JOIN lots l LEFT JOIN positions p ON p.holder_id = h.holder_id LEFT JOIN lots o ON o.lot_id = p.lot_id
WHERE l.lot_id = :lot_id AND h.kind = 'location' AND h.warehouse_id = :warehouse_id GROUP BY h.holder_id"""
_SPOKEN_FOR: Final = (
    "SELECT location_id FROM holders WHERE kind = 'container' AND location_id IS NOT NULL UNION SELECT target_id"
    " FROM replenishments WHERE target_id IS NOT NULL AND lot_id <> :lot_id AND ended_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A flat place for goods.

    Attributes:
        distance: m to the location that was named, or else to the nearest station; 0 where the site has none.
    """

    place: Place
    fit: PlaceFit
    distance: float


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why goods must not lie somewhere; `code` is stable."""

    code: str
    text: str


async def check_put(
    tx: Tx, context: WesContext, holder_id: str, lots: Collection[int], field: str = "holderId"
) -> None:
    """Make sure that goods may lie where they have just been put.

    Args:
        tx: the act's transaction, in which they lie there.
        context: the site's.
        holder_id: container or flat place; in the warehouse's own accounts everything may lie.
        lots: what has been put there.
        field: names the place in the act.

    Raises:
        Refusal: they do not belong there (`doesNotBelong`), or not beside what lies there (`mixed`).
    """
    if not _is_asked(context) or holder_id in {each.of(context.wes.warehouse_id) for each in Virtual}:
        return
    there = await contents(tx, holder_id)
    misfit = find_misfit(context, holder_id, there, lots)
    if misfit is None:
        return
    instead = "take another container"
    if holder_id in context.layout.places:
        named = [
            each.place.location_id
            for each in await propose(tx, context, min(lots), is_shelf, NAMED)
            if each.place.location_id != holder_id
        ]
        instead = f"put it to {' or '.join(named)}" if named else "no place that takes it is free"
    raise conflict(field, misfit.code, f"{misfit.text}; {instead}")


def check_aside(context: WesContext, holder_id: str, field: str) -> None:
    """Make sure that goods which are put aside to a flat place lie where such goods are, if the site has zones for them.

    Raises:
        Refusal: it is another one.
    """
    place = context.layout.places.get(holder_id)
    zones = [zone.zone for zone in context.wes.zones if zone.purpose is ZonePurpose.DAMAGED]
    receiving = {zone.zone for zone in context.wes.zones if zone.purpose is ZonePurpose.RECEIVING}
    if place is not None and zones and place.zone not in (*zones, *receiving):
        text = f"what is put aside belongs to zone {' or '.join(zones)}"
        raise conflict(field, "doesNotBelong", text)


def find_misfit(
    context: WesContext, holder_id: str, there: Sequence[Goods], put: Collection[int]
) -> Misfit | None:
    """Return why goods must not lie together in a container or at a flat place; None: they may.

    Args:
        context: the site's.
        holder_id: the container or place.
        there: all that lies there.
        put: the lots that have just come; how the others lie together was judged before.
    """
    plan, place = ZonePlan(context.wes.zones), context.layout.places.get(holder_id)
    if mixed := _mixed(context, holder_id, there, put):
        return Misfit("mixed", mixed)
    if place is not None:
        text = plan.misfit(place.zone, there)
        return None if text is None else Misfit("doesNotBelong", text)
    if plan.are_apart(there):
        states = "; ".join(f"{each} is {each.state}" for each in there[:NAMED])
        return Misfit("mixed", f"these do not go together into {holder_id}: {states}")
    zones = sorted(context.layout.storage_zones)
    if zones and not any(plan.is_home(zone, there) for zone in zones):
        reasons = [text for zone in zones if (text := plan.misfit(zone, there))]
        return Misfit("doesNotBelong", f"{holder_id} could be stored nowhere: {'; '.join(reasons[:NAMED])}")
    return None


async def propose(
    tx: Tx,
    context: WesContext,
    lot_id: int,
    among: Callable[[Place], bool],
    limit: int,
    quantity: int = 1,
    near: str | None = None,
) -> list[Proposal]:
    """Return flat places where goods of a lot may be put, the best first.

    Args:
        tx: a transaction.
        context: the site's.
        lot_id: the goods.
        among: which places to look at.
        limit: of places.
        quantity: pieces.
        near: a location of the site: the nearest to it go first, rather than the nearest to a station.
    """
    goods = await goods_of_lot(tx, lot_id)
    if goods is None:
        return []
    goods = replace(goods, quantity=quantity)
    which = {"lot_id": lot_id, "warehouse_id": context.wes.warehouse_id}
    known = {row[0]: row[1:] for row in await tx.fetch(_PLACES, which)}
    spoken_for = {row[0] for row in await tx.fetch(_SPOKEN_FOR, {"lot_id": lot_id})}
    blocked, origin = await blocked_places(tx), context.layout.places.get(near or "")
    plan = ZonePlan(context.wes.zones)

    @cache
    def takes(zone: str) -> bool:
        return plan.is_home(zone, [goods])

    ranks = {fit: rank for rank, fit in enumerate(PlaceFit)}
    candidates: list[tuple[int, float, str, PlaceFit]] = []
    for name, place in context.layout.places.items():
        of_lot, of_sku, anything = known.get(name, (0, 0, 0))
        if (
            name in blocked
            or not among(place)
            or (name in spoken_for and not of_lot)
            or not takes(place.zone)
        ):
            continue
        distance = (place.distance or 0.0) if origin is None else dist(origin.at, place.at)
        fit = _fit(of_lot, of_sku, anything)
        candidates.append((ranks[fit], distance, name, fit))
    found: list[Proposal] = []
    asked = _is_asked(context)
    for _, distance, name, fit in sorted(candidates)[:TRIES_MAX]:
        together = _with(goods, await contents(tx, name) if asked else [])
        if find_misfit(context, name, together, {lot_id}) is None:
            found.append(Proposal(context.layout.places[name], fit, distance))
        if len(found) == limit:
            break
    return found


def is_shelf(place: Place) -> bool:
    """Tell whether people walk to a place and put goods there without a container."""
    return place.kind == SHELF


def _is_asked(context: WesContext) -> bool:
    """Tell whether the site says anything of where goods lie."""
    return bool(context.wes.zones) or any(
        each is not Mixing.ANY for each in context.rules.outcomes(rules.MIXING)
    )


def _mixed(context: WesContext, holder_id: str, there: Sequence[Goods], put: Collection[int]) -> str | None:
    place = context.layout.places.get(holder_id)
    zone = None if place is None else place.zone
    for new in (each for each in there if each.lot_id in put):
        for other in (each for each in there if each.lot_id != new.lot_id):
            same = (new.owner_id, new.sku) == (other.owner_id, other.sku)
            for each in (new, other):
                mixing = context.rules.decide(rules.MIXING, {**each.facts, "place": holder_id, "zone": zone})
                if mixing is Mixing.ONE_LOT or (mixing is Mixing.LOT_PER_PRODUCT and same):
                    return f"{other} lies in {holder_id}, and {new} may not lie beside it"
    return None


def _fit(of_lot: int, of_sku: int, anything: int) -> PlaceFit:
    if of_lot:
        return PlaceFit.SAME_LOT
    if of_sku:
        return PlaceFit.SAME_PRODUCT
    return PlaceFit.OTHERS if anything else PlaceFit.EMPTY


def _with(goods: Goods, there: Sequence[Goods]) -> list[Goods]:
    """Return what lies somewhere once goods have come there."""
    before = sum(each.quantity for each in there if each.lot_id == goods.lot_id)
    others = [each for each in there if each.lot_id != goods.lot_id]
    return [*others, replace(goods, quantity=goods.quantity + before)]
