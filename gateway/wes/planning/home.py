"""Where a container goes that is done at its station: on to the next work, or to storage by rule (S0-40, S0-46, S0-49).

One rule (point `return`) says to which storage a container belongs, by its heat, its load, how long its goods keep and what waiting
orders want of it; so "over A,
no return" is a rule on `demand` that names places near the stations. Of what the rule names, the nearest free place that accepts
it is taken, if its zone takes what is in it; if there is none, the nearest such place anywhere. While nobody waits for a container,
hot ones move nearer by the same rule. Whose place has been taken meanwhile, by a person's hand for instance, or blocked, is called
back, and then sent to another.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.site import rules
from gateway.wes.codes import Code
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.layout import STORAGE, Place
from gateway.wes.planning.belonging import ZonePlan, contents
from gateway.wes.planning.blocks import LOCKED, blocked_places
from gateway.wes.planning.presentations import (
    Overtaken,
    Presentation,
    Purpose,
    call_to,
    lock_presentation,
    move,
    note_reason,
    present,
    present_again,
)


@dataclass(frozen=True, slots=True)
class Home:
    """A storage location that a container shall go to.

    Attributes:
        why: just there, in words; None: it was the nearest that was free.
    """

    location_id: str
    why: str | None


DAY_US: Final = 86_400_000_000
HEAT_DAYS: Final = 7.0
CANDIDATES_MAX: Final = 50
"""Hot containers that one round looks at."""

_TAKEN: Final = (
    "SELECT location_id, COUNT(*) FROM (SELECT location_id, holder_id FROM holders"
    " WHERE kind = 'container' AND location_id IS NOT NULL"
    " UNION SELECT destination, container_id FROM presentations WHERE state IN ('called', 'sent', 'failed', 'recalled')"
    ") AS taken GROUP BY location_id"
)
_HEAT: Final = "SELECT COUNT(*) FROM presentations WHERE container_id = :container_id AND purpose = 'pick' AND created_at > :since"
_UNITS: Final = (
    "SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM positions WHERE holder_id = :container_id"
)
_LOAD: Final = (
    "SELECT SUM(p.quantity * g.weight_kg), COUNT(*) - COUNT(g.weight_kg), MIN(l.expiry_at) FROM positions p"
    " JOIN lots l ON l.lot_id = p.lot_id JOIN pools o ON o.pool_id = l.pool_id"
    " LEFT JOIN products g ON g.owner_id = o.owner_id AND g.sku = o.sku"
    " WHERE p.holder_id = :container_id AND p.quantity > 0"
)
_DEMAND: Final = (
    "SELECT CAST(COALESCE(SUM(CASE WHEN wanted < free THEN wanted ELSE free END), 0) AS BIGINT) FROM ("
    " SELECT p.quantity - p.allocated - p.held AS free, COALESCE((SELECT SUM(r.quantity) FROM lot_reservations r"
    " WHERE r.lot_id = p.lot_id AND r.quantity > 0), 0) AS wanted"
    " FROM positions p WHERE p.holder_id = :container_id AND p.quantity > 0"
    ") AS lots"
)
_STANDS: Final = "SELECT location_id, zone FROM holders WHERE holder_id = :container_id"
_HOT: Final = (
    "SELECT p.container_id, COUNT(*) AS heat FROM presentations p JOIN holders h ON h.holder_id = p.container_id"
    f" WHERE p.purpose = 'pick' AND p.created_at > :since AND h.location_id IS NOT NULL AND NOT {LOCKED} AND NOT EXISTS ("
    " SELECT 1 FROM presentations a WHERE a.container_id = p.container_id AND a.state NOT IN ('done', 'cancelled'))"
    " GROUP BY p.container_id HAVING COUNT(*) >= :hot ORDER BY heat DESC, p.container_id LIMIT :limit"
)
_UNDER_WAY: Final = "SELECT purpose, COUNT(*) FROM presentations WHERE state IN ('planned', 'called', 'sent') GROUP BY purpose"
_STRAYS: Final = (
    "SELECT h.holder_id, h.location_id FROM holders h WHERE h.kind = 'container' AND h.warehouse_id = :warehouse_id"
    " AND h.location_id = :location_id AND NOT EXISTS (SELECT 1 FROM presentations p WHERE p.container_id = h.holder_id"
    " AND p.state NOT IN ('done', 'cancelled')) ORDER BY h.holder_id"
)
_SHUT: Final = (
    "SELECT p.presentation_id, b.location_id, b.reason FROM presentations p"
    " JOIN blocked_places b ON b.location_id = p.destination"
    " WHERE p.state IN ('called', 'sent') AND p.station_id IS NULL ORDER BY p.presentation_id"
)
_FORESTALLED: Final = (
    "SELECT p.presentation_id, p.destination, COUNT(*), MIN(h.holder_id) FROM presentations p"
    " JOIN holders h ON h.warehouse_id = :warehouse_id AND h.location_id = p.destination AND h.kind = 'container'"
    " AND h.holder_id <> p.container_id"
    " WHERE p.state IN ('called', 'sent') AND p.purpose <> 'pick' AND NOT EXISTS (SELECT 1 FROM presentations a"
    " WHERE a.container_id = h.holder_id AND a.state NOT IN ('done', 'cancelled'))"
    " GROUP BY p.presentation_id, p.destination ORDER BY p.presentation_id"
)


async def leave(tx: Tx, context: WesContext, leaving: Presentation) -> bool:
    """Let a container leave its station: it stays for more, goes on to the next station, or home; False: no place is free."""
    station = context.layout.stations.get(leaving.station_id or "")
    stands = await _standing(tx, leaving.container_id)
    place = stands[0]
    if station is None or place not in station.slots:  # somebody has taken it away already
        await move(tx, context, leaving, S.DONE)
        await present(tx, context, [leaving.container_id])
        return True
    home = await find_home(tx, context, leaving.container_id, leaving.station_id, leaving.origin)
    waits = await is_waited_for(tx, leaving.container_id)
    if home is None and not waits:
        await note_reason(tx, leaving, await no_home(tx, context, leaving.container_id))
        return False
    await move(tx, context, leaving, S.DONE)
    if waits and await present_again(tx, context, leaving):
        return True
    await present(tx, context, [leaving.container_id])
    if not waits and home is not None:
        await call_to(tx, context, leaving.container_id, Purpose.RETURN, home.location_id, why=home.why)
    return True


async def bring_strays_home(tx: Tx, context: WesContext) -> None:
    """Send containers home that stand in a station's slots for nothing."""
    for station in context.layout.stations.values():
        for slot in station.slots:
            which = {"warehouse_id": context.wes.warehouse_id, "location_id": slot}
            for container_id, _ in await tx.fetch(_STRAYS, which):
                home = await find_home(tx, context, container_id, station.station_id, None)
                if home is not None:
                    with suppress(Overtaken):  # somebody has just had it brought elsewhere
                        await call_to(
                            tx, context, container_id, Purpose.RETURN, home.location_id, why=home.why
                        )


async def recall_forestalled(tx: Tx, context: WesContext) -> None:
    """Call containers back whose place others have taken to stay there: they would wait for it for ever."""
    which = {"warehouse_id": context.wes.warehouse_id}
    for number, destination, standing, container_id in await tx.fetch(_FORESTALLED, which):
        place = context.layout.places.get(destination)
        forestalled = await lock_presentation(tx, number)
        if (
            place is not None
            and standing >= place.capacity
            and forestalled is not None
            and forestalled.state in (S.CALLED, S.SENT)
        ):
            reason = f"{container_id} has taken {destination}"
            await move(tx, context, forestalled, S.RECALLED, reason=reason)


async def recall_shut_out(tx: Tx, context: WesContext) -> None:
    """Call containers back whose place has been blocked: nobody knows for how long."""
    for number, destination, reason in await tx.fetch(_SHUT):
        shut_out = await lock_presentation(tx, number)
        if shut_out is not None and shut_out.state in (S.CALLED, S.SENT):
            await move(tx, context, shut_out, S.RECALLED, reason=f"{destination} is blocked: {reason}")


async def send_home(tx: Tx, context: WesContext, recalled: Presentation) -> None:
    """Send a container that was being put away elsewhere, as its place cannot be had; those at stations follow by themselves."""
    stands = context.layout.places.get((await _standing(tx, recalled.container_id))[0] or "")
    if recalled.purpose is not Purpose.PUTAWAY or stands is None or stands.kind == STORAGE:
        return
    home = await find_home(tx, context, recalled.container_id, None, recalled.origin)
    if home is not None:
        with suppress(Overtaken):  # it is wanted at a station meanwhile
            await call_to(tx, context, recalled.container_id, Purpose.PUTAWAY, home.location_id, why=home.why)


async def relocate(tx: Tx, context: WesContext) -> None:
    """Move hot containers nearer to the stations, if nobody waits for any container (S0-46)."""
    settings = context.wes.relocation
    if settings is None:
        return
    under_way = dict(await tx.fetch(_UNDER_WAY))
    room = settings.moves - under_way.get(Purpose.RELOCATE, 0)
    if under_way.get(Purpose.PICK, 0) or room <= 0:
        return
    hot = {"since": _since(context), "hot": settings.hot, "limit": CANDIDATES_MAX}
    for container_id, _ in await tx.fetch(_HOT, hot):
        here = context.layout.places.get((await _standing(tx, container_id))[0] or "")
        home = await _nearer_home(tx, context, container_id)
        if here is None or home is None or here.distance is None or home.distance is None:
            continue
        if here.distance - home.distance >= settings.gain_m:
            with suppress(Overtaken):  # somebody wants it after all
                await call_to(tx, context, container_id, Purpose.RELOCATE, home.location_id)
                room -= 1
        if not room:
            return


async def find_home(
    tx: Tx, context: WesContext, container_id: str, station_id: str | None, origin: str | None
) -> Home | None:
    """Return the storage location that a container shall go to; None: none is free."""
    pattern = await _belongs(tx, context, container_id, station_id, origin)
    stands = (await _standing(tx, container_id))[0]
    free = await _look_for_room(tx, context, container_id)
    for named in dict.fromkeys((pattern, "*")):
        for place in context.layout.storage(named, stands):
            if free(place):
                why = ZonePlan(context.wes.zones).why_apart(await contents(tx, container_id))
                return Home(place.location_id, why)
    return None


async def no_home(tx: Tx, context: WesContext, container_id: str) -> str:
    """Return in words that a container can be stored nowhere now."""
    apart = ZonePlan(context.wes.zones).why_apart(await contents(tx, container_id))
    if apart is not None:
        return f"no storage location is free for {container_id}: {apart}"
    takes = "accepts it and takes what is in it" if context.wes.zones else f"accepts {container_id}"
    return f"no storage location that {takes} is free"


async def _nearer_home(tx: Tx, context: WesContext, container_id: str) -> Place | None:
    pattern = await _belongs(tx, context, container_id, None, None)
    free = await _look_for_room(tx, context, container_id)
    near = [
        place for place in context.layout.storage(pattern, None) if place.distance is not None and free(place)
    ]
    return min(near, key=lambda place: (place.distance, place.location_id), default=None)


async def _look_for_room(tx: Tx, context: WesContext, container_id: str) -> Callable[[Place], bool]:
    """Return what tells whether a container may be sent to a place, besides those that are there or come."""
    taken, blocked = dict(await tx.fetch(_TAKEN)), await blocked_places(tx)
    kind, inside = context.layout.type_of(container_id), await contents(tx, container_id)
    plan = ZonePlan(context.wes.zones)

    @cache
    def belongs(zone: str) -> bool:
        return plan.is_home(zone, inside)

    return lambda place: (
        place.takes(kind)
        and belongs(place.zone)
        and place.location_id not in blocked
        and taken.get(place.location_id, 0) < place.capacity
    )


async def _belongs(
    tx: Tx, context: WesContext, container_id: str, station_id: str | None, origin: str | None
) -> str:
    which = {"container_id": container_id}
    units = (await tx.fetch(_UNITS, which))[0][0]
    heat = (await tx.fetch(_HEAT, {**which, "since": _since(context)}))[0][0]
    demand = (await tx.fetch(_DEMAND, which))[0][0]
    ((load, unknown, expires_at),) = await tx.fetch(_LOAD, which)
    came_from = context.layout.places.get(origin or "")
    facts = {
        "container": container_id,
        "station": station_id,
        "origin": origin,
        "zone": None if came_from is None else came_from.zone,
        "empty": units == 0,
        "demand": demand,
        "heat": heat,
        "load": None if unknown else load,
        "keeps": None if expires_at is None else (expires_at - context.clock.now_us()) // DAY_US,
    }
    return context.rules.decide(rules.RETURN, facts)


async def is_waited_for(tx: Tx, container_id: str) -> bool:
    """Tell whether something is to be picked from a container that is not called for it yet."""
    sql = (
        "SELECT COUNT(*) FROM allocations a JOIN work_orders w ON w.work_id = a.work_id"
        " WHERE a.holder_id = :container_id AND a.presentation_id IS NULL AND w.station_id IS NOT NULL"
        f" AND a.code = {Code.RELEASED:d}"
    )
    return (await tx.fetch(sql, {"container_id": container_id}))[0][0] > 0


async def _standing(tx: Tx, container_id: str) -> Sequence[str | None]:
    rows = await tx.fetch(_STANDS, {"container_id": container_id})
    return rows[0] if rows else (None, None)


def _since(context: WesContext) -> Micros:
    settings = context.wes.relocation
    days = HEAT_DAYS if settings is None else settings.days
    return context.clock.now_us() - round(days * DAY_US)
