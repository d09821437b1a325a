"""What lies where, and what a zone takes of it (S2-63, S2-103, S2-110, S2-120).

The zones of the site file are asked for whole contents: those of a container, or of a flat place. What the strictest of its goods
is for, all of it is: a container with one rejected bottle belongs where rejected goods are. Nothing here is remembered: where
goods belong follows from what the books know of them now, whoever judged, dated or described them last.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.kernel.ports import Row, Tx
from gateway.site.rules import Bounds, Condition, Like, holds
from gateway.site.zones import SET_APART, Zone, ZonePurpose
from gateway.wes.orders.rows import family
from gateway.wes.rules import Known
from gateway.wes.stock.model import Quality

_GOODS: Final = (
    "l.lot_id, o.owner_id, o.sku, l.lot_no, l.quality, l.recalled, l.returned,"
    " g.weight_kg, COALESCE(g.attributes, '{}')"
)
_JOINED: Final = "lots l JOIN pools o ON o.pool_id = l.pool_id LEFT JOIN products g ON g.owner_id = o.owner_id AND g.sku = o.sku"
_CONTENTS: Final = (
    f"SELECT {_GOODS}, p.quantity, p.held FROM positions p JOIN {_JOINED.replace('lots l', 'lots l ON l.lot_id = p.lot_id')}"
    " WHERE p.holder_id = :holder_id AND p.quantity > 0 ORDER BY o.sku, l.lot_id"
)
_LOT: Final = f"SELECT {_GOODS}, 0, 0 FROM {_JOINED} WHERE l.lot_id = :lot_id"

_STRICTNESS: Final = (
    ZonePurpose.REJECTED,
    ZonePurpose.PENDING,
    ZonePurpose.RETURNS,
    ZonePurpose.STORAGE,
    ZonePurpose.QUALIFIED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Pieces of one lot in a container or at a flat place.

    Attributes:
        returned: the lot has come back from customers.
        kg: of a piece; None: nobody knows.
        held: of the quantity, what somebody holds.
    """

    lot_id: int
    owner_id: str
    sku: str
    lot_no: str
    quality: Quality
    recalled: bool
    returned: bool
    kg: float | None
    attributes: Mapping[str, Any]
    quantity: int
    held: int

    def __str__(self) -> str:
        """Return them as people know them."""
        return f"{self.sku} lot {self.lot_no}" if self.lot_no else self.sku

    @property
    def facts(self) -> Known:
        """What conditions may ask of them (GOODS_FACTS)."""
        known = {"owner": self.owner_id, "sku": self.sku, "weight": self.kg}
        return {**known, **family("product", self.attributes)}

    @property
    def state(self) -> str:
        """What keeps them from being used, or that nothing does."""
        if self.recalled:
            return "recalled"
        return f"returned, {self.quality}" if self.returned else self.quality.value


async def contents(tx: Tx, holder_id: str) -> list[Goods]:
    """Return what lies in a container or at a flat place."""
    return [_goods_of(row) for row in await tx.fetch(_CONTENTS, {"holder_id": holder_id})]


async def goods_of_lot(tx: Tx, lot_id: int) -> Goods | None:
    """Return a lot as goods of which nothing lies anywhere yet."""
    rows = await tx.fetch(_LOT, {"lot_id": lot_id})
    return _goods_of(rows[0]) if rows else None


class ZonePlan:
    """The zones of a site, ready to be asked."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        """Take zones that the site's checks have passed."""
        self._zones = {zone.zone: zone for zone in zones}
        self._apart = SET_APART & {zone.purpose for zone in self._zones.values()}

    def purpose_of(self, goods: Sequence[Goods]) -> ZonePurpose:
        """Return what zones goods together need: one that sets apart, `qualified` if they may be used, or else `storage`."""
        if ZonePurpose.DAMAGED in self._apart and goods and all(each.held >= each.quantity for each in goods):
            return ZonePurpose.DAMAGED
        needed = {self._needed(each) for each in goods} or {ZonePurpose.QUALIFIED}
        return min(needed, key=_STRICTNESS.index)

    def are_apart(self, goods: Iterable[Goods]) -> bool:
        """Tell whether goods need different zones, so that they must not lie together."""
        needed = {self._needed(each) for each in goods}
        return len(needed) > 1 and not needed.isdisjoint(self._apart)

    def is_home(self, zone: str, goods: Sequence[Goods]) -> bool:
        """Tell whether goods may be sent to a zone to stay there."""
        told = self._zones.get(zone)
        receiving = told is not None and told.purpose is ZonePurpose.RECEIVING
        return not receiving and self.misfit(zone, goods) is None

    def misfit(self, zone: str, goods: Sequence[Goods]) -> str | None:
        """Return why goods do not belong together at one place of a zone; None: they do."""
        told = self._zones.get(zone)
        purpose, needed = ZonePurpose.STORAGE if told is None else told.purpose, self.purpose_of(goods)
        if not _is_for(purpose, needed):
            return self.why_apart(goods) or _foreign(zone, purpose, goods)
        if told is None:
            return None
        for each in goods:
            for fact, condition in told.takes.items():
                value = each.facts.get(fact)
                if not holds(condition, value):
                    has = "nobody knows it of" if value is None else f"it is {value} of"
                    return f"zone {zone} takes goods whose {fact} is {_words(condition)}; {has} {each}"
        return None if told.max_kg is None else _overload(zone, told.max_kg, goods)

    def why_apart(self, goods: Sequence[Goods]) -> str | None:
        """Return in words why goods are set apart, and where; None: they are not."""
        needed = self.purpose_of(goods)
        if needed not in SET_APART:
            return None
        strict = [each for each in goods if self._needed(each) is needed]
        what = f"{strict[0]} is {strict[0].state}" if strict else "all of it is held"
        zones = [name for name, zone in self._zones.items() if zone.purpose is needed]
        return f"{what}: it belongs to zone {' or '.join(zones)}"

    def _needed(self, goods: Goods) -> ZonePurpose:
        bad = goods.recalled or goods.quality in (Quality.REJECTED, Quality.EXPIRED)
        wanted = (
            (bad, ZonePurpose.REJECTED),
            (goods.quality is Quality.PENDING, ZonePurpose.PENDING),
            (goods.returned, ZonePurpose.RETURNS),
        )
        for applies, purpose in wanted:
            if applies and purpose in self._apart:
                return purpose
        usable = goods.quality is Quality.QUALIFIED and not goods.recalled
        return ZonePurpose.QUALIFIED if usable else ZonePurpose.STORAGE


_TAKES: Final[Mapping[ZonePurpose, str]] = {
    ZonePurpose.STORAGE: "whatever has no zone of its own",
    ZonePurpose.PICK: "what orders may be promised",
    ZonePurpose.QUALIFIED: "what orders may be promised",
    ZonePurpose.RECEIVING: "what has just come",
    ZonePurpose.PENDING: "what waits for an inspection",
    ZonePurpose.REJECTED: "what must not be used",
    ZonePurpose.RETURNS: "what has come back",
    ZonePurpose.DAMAGED: "what was put aside",
}


def _is_for(purpose: ZonePurpose, needed: ZonePurpose) -> bool:
    match purpose:
        case ZonePurpose.RECEIVING:
            return True
        case ZonePurpose.STORAGE:
            return needed not in SET_APART
        case ZonePurpose.PICK | ZonePurpose.QUALIFIED:
            return needed is ZonePurpose.QUALIFIED
        case ZonePurpose.PENDING | ZonePurpose.REJECTED | ZonePurpose.RETURNS | ZonePurpose.DAMAGED:
            return needed is purpose


def _foreign(zone: str, purpose: ZonePurpose, goods: Sequence[Goods]) -> str:
    """Return why a zone that sets apart, or is picked from, does not take goods that have no zone of their own."""
    barred = [each for each in goods if each.recalled or each.quality is not Quality.QUALIFIED]
    first = next(iter(barred or goods), None)
    what = "nothing is in it" if first is None else f"{first} is {first.state}"
    return f"zone {zone} is for {_TAKES[purpose]}, and {what}"


def _overload(zone: str, most: float, goods: Sequence[Goods]) -> str | None:
    weight = 0.0
    for each in goods:
        if each.kg is None:
            return f"zone {zone} carries {most:g} kg at one place; nobody knows what {each.sku} weighs"
        weight += each.kg * each.quantity
    return None if weight <= most else f"zone {zone} carries {most:g} kg at one place; this is {weight:g} kg"


def _words(condition: Condition) -> str:
    match condition:
        case Bounds(min=None):
            return f"at most {condition.max:g}"
        case Bounds(max=None):
            return f"at least {condition.min:g}"
        case Bounds():
            return f"from {condition.min:g} to {condition.max:g}"
        case Like():
            return f"like {condition.like}"
        case tuple():
            return " or ".join(map(str, condition))
        case _:
            return str(condition)


def _goods_of(row: Row) -> Goods:
    lot_id, owner_id, sku, lot_no, quality, recalled, returned, kg, attributes, quantity, held = row
    return Goods(
        lot_id=lot_id,
        owner_id=owner_id,
        sku=sku,
        lot_no=lot_no,
        quality=Quality(quality),
        recalled=bool(recalled),
        returned=bool(returned),
        kg=kg,
        attributes=json.loads(attributes),
        quantity=quantity,
        held=held,
    )
