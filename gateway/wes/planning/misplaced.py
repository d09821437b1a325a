"""Goods that lie where they do not belong: containers are brought to where they do, of the others people are told (S2-105, S2-120).

A lot is judged, recalled, expires, or comes back; a person carries a container; the site file names another zone: whatever it was,
what is shows it. So a round compares the next containers and flat places with the zones that they are in, all in turn, and what
it orders is a presentation like any other: once, for a container has one at a time, and durable. Nothing moves for whom work waits.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.kernel.ports import Store, Tx
from gateway.site.zones import ZonePurpose
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.context import WesContext
from gateway.wes.layout import STORAGE
from gateway.wes.planning.belonging import Goods, ZonePlan, contents
from gateway.wes.planning.blocks import LOCKED
from gateway.wes.planning.home import find_home, is_waited_for, no_home
from gateway.wes.planning.presentations import Overtaken, Purpose, call_to
from gateway.wes.stock.model import HolderKind

PAGE: Final = 100
"""Containers and places that a round looks at."""
MOVES_MAX: Final = 4
"""Containers that may be under way to where they belong, or to be nearer."""
NAMED_MAX: Final = 20
"""Those that the alarm names."""
MISPLACED: Final = "misplaced"
"""The alarm that goods lie where they do not belong, and nothing brings them away."""

_NEXT: Final = (
    "SELECT h.holder_id, h.kind, h.location_id FROM holders h WHERE h.warehouse_id = :warehouse_id AND h.holder_id > :after"
    f" AND h.kind IN ('container', 'location') AND h.location_id IS NOT NULL AND NOT {LOCKED} AND NOT EXISTS ("
    " SELECT 1 FROM presentations p WHERE p.container_id = h.holder_id AND p.state NOT IN ('done', 'cancelled'))"
    " ORDER BY h.holder_id LIMIT :limit"
)
_MOVING: Final = (
    "SELECT COUNT(*) FROM presentations WHERE purpose = 'relocate'"
    " AND state IN ('called', 'sent', 'failed', 'recalled')"
)
_STANDS: Final = "SELECT location_id FROM holders WHERE holder_id = :holder_id AND location_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A container, or a flat place, whose goods do not belong where they are.

    Attributes:
        why: in words.
    """

    holder_id: str
    kind: HolderKind
    location_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a look at the next containers and places found; `last` is where the next one goes on, None at the end."""

    found: tuple[Misplaced, ...]
    last: str | None


async def find_misplaced(tx: Tx, context: WesContext, after: str, limit: int = PAGE) -> Page:
    """Look at the next containers and flat places, by id."""
    which = {"warehouse_id": context.wes.warehouse_id, "after": after, "limit": limit}
    rows = await tx.fetch(_NEXT, which)
    found: list[Misplaced] = []
    for holder_id, kind, location_id in rows:
        why = await _misfit(tx, context, holder_id, HolderKind(kind), location_id)
        if why is not None:
            found.append(Misplaced(holder_id, HolderKind(kind), location_id, why))
    return Page(tuple(found), rows[-1][0] if len(rows) == limit else None)


class Tidying:
    """Brings containers to where their goods belong, and tells of what nothing can bring there."""

    def __init__(self, store: Store, context: WesContext, alarms: Alarms) -> None:
        self._store = store
        self._context = context
        self._alarms = alarms
        self._after = ""
        self._left: list[str] = []
        self._more = 0

    async def work(self) -> None:
        """Look at the next ones."""
        if not self._context.wes.zones:
            return
        page = await self._store.read(partial(find_misplaced, context=self._context, after=self._after))
        for each in page.found:
            left = await self._store.write(partial(_bring_away, context=self._context, misplaced=each))
            if left is not None and len(self._left) < NAMED_MAX:
                self._left.append(left)
            elif left is not None:
                self._more += 1
        self._after = page.last or ""
        if page.last is None:
            self._tell()

    def _tell(self) -> None:
        """Tell what a whole turn has left where it is."""
        left, others = self._left, self._more
        self._left, self._more = [], 0
        if not left:
            self._alarms.clear(MISPLACED)
            return
        named = "; ".join(left)
        more = f", and {others} more" if others else ""
        self._alarms.raise_alarm(
            Alarm(
                subject="stock",
                code=MISPLACED,
                text=f"Goods lie where they do not belong: {named}{more}",
                advice="Carry what lies at flat places, and make room where containers are to go: gateway wes misplaced.",
                raised_at=self._context.clock.now_us(),
            )
        )


async def _bring_away(tx: Tx, context: WesContext, misplaced: Misplaced) -> str | None:
    """Have a container brought to where its goods belong; return what keeps it from that, None if it goes or need not go."""
    holder_id = misplaced.holder_id
    if misplaced.kind is HolderKind.LOCATION:
        return f"{holder_id}: {misplaced.why}"
    rows = await tx.fetch(_STANDS, {"holder_id": holder_id})
    why = await _misfit(tx, context, holder_id, misplaced.kind, rows[0][0]) if rows else None
    if why is None or await is_waited_for(tx, holder_id) or (await tx.fetch(_MOVING))[0][0] >= MOVES_MAX:
        return None
    home = await find_home(tx, context, holder_id, None, None)
    if home is None:
        return f"{holder_id}: {await no_home(tx, context, holder_id)}"
    with suppress(Overtaken):  # somebody wants it after all
        await call_to(tx, context, holder_id, Purpose.RELOCATE, home.location_id, why=home.why or why)
    return None


async def _misfit(
    tx: Tx, context: WesContext, holder_id: str, kind: HolderKind, location_id: str
) -> str | None:
    """Return why goods do not belong where they are; None: they do, or they are where nothing stays."""
    place = context.layout.places.get(location_id)
    if place is None or (kind is HolderKind.CONTAINER and place.kind != STORAGE):
        return None
    inside: Sequence[Goods] = await contents(tx, holder_id)
    aside = any(zone.zone == place.zone and zone.purpose is ZonePurpose.DAMAGED for zone in context.wes.zones)
    if (
        kind is HolderKind.LOCATION and not aside
    ):  # what is held altogether may be missing: somebody looks at it anyway
        inside = [each for each in inside if each.held < each.quantity]
    if kind is HolderKind.LOCATION and not inside:
        return None
    return ZonePlan(context.wes.zones).misfit(place.zone, inside)
