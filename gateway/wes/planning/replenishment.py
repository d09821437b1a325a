"""Replenishments (补货): goods go from the reserve to where they are picked, and picks wait for them (S1-55, S1-66; S2-45, S2-51).

A replenishment is a document like the others: so much of one lot, out of one container or place, into whichever of those fit that
pieces are picked from. A container is brought to a station for it, to a flat place somebody walks. It binds no stock: what waits
for it is promised the lot already, and what it takes along beyond that is promised to nobody. So it may end with less than it was
made for, and what is still lacking then is looked for anew. Nobody waits for one whose lot may not be used any more; whoever has
begun it is told, and ends it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Final

from pydantic_core import from_json

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Store, Tx
from gateway.site import rules
from gateway.site.rules import Amount, PickPlaces
from gateway.wes.codes import Code, ReplenishmentState
from gateway.wes.context import WesContext
from gateway.wes.orders.work import FULL_CASE
from gateway.wes.planning.demand import PLACED, pick_places
from gateway.wes.planning.places import propose
from gateway.wes.planning.presentations import Overtaken, bring, let_leave
from gateway.wes.planning.stations import least_busy
from gateway.wes.planning.supply import Join, Need, Stock, load_shelves

STANDING_PRIORITY: Final = 0
"""Of those that are made before any order asks."""
LOTS_MAX: Final = 100
"""Lots of one product that a look at its places takes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replenishment:
    """So much of one lot that is to be moved, or has been.

    Attributes:
        source_id: container or flat place that it is taken from.
        kind: container or location: what it is put into.
        places: id or pattern of those that it may be put into.
        target_id: the one that is proposed, then the one that it was put into; None: whichever fits.
        presentation_id: brings the container to a station; None: somebody walks to the place.
        reason: why it has ended before it was all done.
    """

    replenishment_id: int
    lot_id: int
    source_id: str
    kind: str
    places: str
    target_id: str | None
    quantity: int
    moved: int
    presentation_id: int | None
    state: ReplenishmentState
    operator: str | None
    reason: str | None

    @property
    def rest(self) -> int:
        """Pieces that are still to be moved."""
        return self.quantity - self.moved


COLUMNS: Final = (
    "replenishment_id, lot_id, source_id, kind, places, target_id, quantity, moved, presentation_id, state, operator,"
    " reason"
)
_BY_ID: Final = f"SELECT {COLUMNS} FROM replenishments WHERE replenishment_id = :replenishment_id"
_LOCK: Final = (
    f"UPDATE replenishments SET state = state WHERE replenishment_id = :replenishment_id RETURNING {COLUMNS}"
)
_INSERT: Final = (
    f"INSERT INTO replenishments ({COLUMNS}, standing, priority, created_at) VALUES (:replenishment_id, :lot_id,"
    " :source_id, :kind, :places, :target_id, :quantity, 0, :presentation_id, 'open', NULL, NULL, :standing, :priority, :at_us)"
)
_WAIT: Final = (
    "INSERT INTO work_waits (work_id, replenishment_id, quantity) VALUES (:work_id, :replenishment_id, :quantity)"
    " ON CONFLICT (work_id, replenishment_id) DO UPDATE SET quantity = work_waits.quantity + excluded.quantity"
)
_MOVE: Final = (
    "UPDATE replenishments SET state = :state, reason = :reason, operator = COALESCE(:operator, operator),"
    " ended_at = :ended_at WHERE replenishment_id = :replenishment_id AND state = :before"
)
_UNWANTED: Final = f"""SELECT r.replenishment_id FROM replenishments r WHERE r.state = 'open' AND r.standing = 0 AND NOT EXISTS (
    SELECT 1 FROM work_waits x JOIN work_orders w ON w.work_id = x.work_id
    WHERE x.replenishment_id = r.replenishment_id AND w.code < {Code.RELEASED:d})
ORDER BY r.replenishment_id LIMIT :limit"""
# Of replenishments `r`. Whoever is promised a lot that expires is promised others first: until then they would be short.
_BARRED: Final = """EXISTS (SELECT 1 FROM lots l WHERE l.lot_id = r.lot_id AND (l.quality <> 'qualified' OR (l.expiry_at <= :now
AND NOT EXISTS (SELECT 1 FROM lot_reservations p WHERE p.lot_id = r.lot_id AND p.quantity > 0))))"""
_USELESS: Final = f"""SELECT r.replenishment_id FROM replenishments r WHERE r.state = 'open' AND {_BARRED}
ORDER BY r.replenishment_id LIMIT :limit"""
_WAITED_FOR: Final = f"""SELECT r.replenishment_id FROM replenishments r WHERE r.state = 'begun' AND {_BARRED}
AND EXISTS (SELECT 1 FROM work_waits x WHERE x.replenishment_id = r.replenishment_id)
ORDER BY r.replenishment_id LIMIT :limit"""
_LET_GO: Final = "DELETE FROM work_waits WHERE replenishment_id = :replenishment_id"
_LEFT: Final = (
    "SELECT r.replenishment_id, p.reason FROM replenishments r JOIN presentations p ON p.presentation_id = r.presentation_id"
    " WHERE r.state IN ('open', 'begun') AND p.state IN ('recalled', 'leaving', 'done', 'cancelled')"
    " ORDER BY r.replenishment_id LIMIT :limit"
)
_STANDS: Final = (
    "SELECT r.replenishment_id FROM replenishments r JOIN holders h ON h.holder_id = r.target_id WHERE r.state = 'filled'"
    " AND (h.location_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM positions p"
    " WHERE p.holder_id = r.target_id AND p.lot_id = r.lot_id AND p.quantity > 0))"
    " ORDER BY r.replenishment_id LIMIT :limit"
)
_POOLS: Final = (
    "SELECT p.pool_id, p.owner_id, p.sku, g.attributes, g.units_per_case FROM pools p JOIN products g"
    " ON g.owner_id = p.owner_id AND g.sku = p.sku WHERE p.warehouse_id = :warehouse_id AND p.quantity > 0"
    " AND p.pool_id > :after ORDER BY p.pool_id LIMIT :limit"
)
# Those that go first are moved first.
_LOTS: Final = (
    "SELECT lot_id FROM lots WHERE pool_id = :pool_id AND quantity > 0 AND quality = 'qualified'"
    " ORDER BY CASE WHEN expiry_at IS NULL THEN 1 ELSE 0 END, expiry_at, received_at, lot_id LIMIT :limit"
)


async def find_replenishment(tx: Tx, replenishment_id: int) -> Replenishment | None:
    """Return a replenishment."""
    rows = await tx.fetch(_BY_ID, {"replenishment_id": replenishment_id})
    return replenishment_of(rows[0]) if rows else None


async def lock_replenishment(tx: Tx, replenishment_id: int) -> Replenishment | None:
    """Return a replenishment that nobody else changes until the transaction ends."""
    rows = await tx.fetch(_LOCK, {"replenishment_id": replenishment_id})
    return replenishment_of(rows[0]) if rows else None


async def make_replenishments(
    tx: Tx, context: WesContext, joins: Sequence[Join], needs: Sequence[Need]
) -> None:
    """Have works wait for what the reserve is asked for, each lot of each source once (S1-66)."""
    for join in joins:
        await _wait(tx, join.work.work_id, join.replenishment_id, join.quantity)
    grouped: defaultdict[tuple[str, int, str, str], list[Need]] = defaultdict(list)
    for need in needs:
        key = (need.source.holder_id, need.part.lot_id, need.kind, need.part.places.pick)
        grouped[key].append(need)
    for of_source in grouped.values():
        with suppress(Overtaken):  # its container has just been called elsewhere: the next round looks again
            await tx.attempt(partial(_for_works, context, of_source))


async def move_on(
    tx: Tx,
    context: WesContext,
    replenishment: Replenishment,
    state: ReplenishmentState,
    operator: str | None = None,
    reason: str | None = None,
) -> None:
    """Give a replenishment another state; its container leaves once nothing more is to be taken from it.

    Raises:
        Overtaken: somebody else was first.
    """
    ended = state in (ReplenishmentState.DONE, ReplenishmentState.WITHDRAWN)
    row: dict[str, SqlValue] = {
        "replenishment_id": replenishment.replenishment_id,
        "before": replenishment.state,
        "state": state,
        "operator": operator,
        "reason": reason,
        "ended_at": context.clock.now_us() if ended else None,
    }
    if not await tx.execute(_MOVE, row):
        raise Overtaken(f"replenishment {replenishment.replenishment_id}")
    if state is not ReplenishmentState.BEGUN and replenishment.presentation_id is not None:
        await let_leave(tx, context, replenishment.presentation_id, reason)


class Replenishments:
    """What goes on by itself: those that nobody needs are withdrawn, and places are filled up before anybody asks."""

    def __init__(self, store: Store, context: WesContext) -> None:
        self._store = store
        self._context = context
        self._after = 0

    async def work(self) -> None:
        """Do one round."""
        context = self._context
        for find, state, reason in (
            (_USELESS, ReplenishmentState.WITHDRAWN, "its lot has expired, or may not be used"),
            (_UNWANTED, ReplenishmentState.WITHDRAWN, "nobody waits for it any more"),
            (_LEFT, ReplenishmentState.WITHDRAWN, "its container does not come, or has left"),
            (_STANDS, ReplenishmentState.DONE, None),
        ):
            for number, *_ in await self._store.read(partial(_fetch, find, _due(context))):
                await self._store.write(partial(_end, context, find, number, state, reason))
        for row in await self._store.read(partial(_fetch, _WAITED_FOR, _due(context))):
            useless: dict[str, SqlValue] = {"replenishment_id": row[0]}
            await self._store.write(lambda tx, useless=useless: tx.execute_many(_LET_GO, [useless]))
        if any(places.min is not None for places in context.rules.outcomes(rules.MOVE)):
            await self._fill_up()

    async def _fill_up(self) -> None:
        """Look at the next products' places; those that hold too little are filled up (S2-51)."""
        context = self._context
        limit = context.wes.timers.replenishment.batch
        which = {"warehouse_id": context.wes.warehouse_id, "after": self._after, "limit": limit}
        pools = await self._store.read(partial(_fetch, _POOLS, which))
        for pool_id, owner_id, sku, attributes, case in pools:
            for kind, places in _standing_places(context, owner_id, sku, attributes):
                low = await self._store.read(partial(_lacks, context, pool_id, kind, places))
                if low:
                    await self._store.write(partial(_fill_or_later, context, pool_id, kind, places, case))
        self._after = pools[-1][0] if len(pools) == limit else 0


def replenishment_of(row: Row) -> Replenishment:
    """Read COLUMNS."""
    number, lot_id, source_id, kind, places, target_id, quantity, moved = row[:8]
    presentation_id, state, operator, reason = row[8:]
    return Replenishment(
        replenishment_id=number,
        lot_id=lot_id,
        source_id=source_id,
        kind=kind,
        places=places,
        target_id=target_id,
        quantity=quantity,
        moved=moved,
        presentation_id=presentation_id,
        state=ReplenishmentState(state),
        operator=operator,
        reason=reason,
    )


async def _make(
    tx: Tx,
    context: WesContext,
    source: Stock,
    lot_id: int,
    kind: str,
    places: PickPlaces,
    *,
    quantity: int,
    priority: int,
    deadline_at: Micros | None,
    standing: bool = False,
) -> int | None:
    """Write a replenishment, and call its container; None: no station takes it now."""
    presentation_id = None
    if source.kind == "container":
        station_id = await least_busy(tx, context, source.holder_id, places.station)
        if station_id is None:
            return None
        presentation_id = await bring(tx, context, source.holder_id, station_id, priority, deadline_at)
    row: dict[str, SqlValue] = {
        "replenishment_id": context.ids.next(),
        "lot_id": lot_id,
        "source_id": source.holder_id,
        "kind": kind,
        "places": places.pick,
        "target_id": await _propose(tx, context, lot_id, places.pick) if kind == "location" else None,
        "quantity": quantity,
        "presentation_id": presentation_id,
        "standing": int(standing),
        "priority": priority,
        "at_us": context.clock.now_us(),
    }
    await tx.execute(_INSERT, row)
    return int(row["replenishment_id"] or 0)


async def _for_works(context: WesContext, needs: Sequence[Need], tx: Tx) -> None:
    """Make one replenishment of what works need of a lot out of one source."""
    source, part, kind = needs[0].source, needs[0].part, needs[0].kind
    wanted = sum(need.part.quantity for need in needs)
    deadlines = [need.work.deadline_at for need in needs if need.work.deadline_at is not None]
    number = await _make(
        tx,
        context,
        source,
        part.lot_id,
        kind,
        part.places,
        quantity=_amount(part.places.amount, wanted, part.case, source),
        priority=max(need.work.priority for need in needs),
        deadline_at=min(deadlines, default=None),
    )
    if number is not None:
        for need in needs:
            await _wait(tx, need.work.work_id, number, need.part.quantity)


async def _wait(tx: Tx, work_id: int, replenishment_id: int, quantity: int) -> None:
    row = {"work_id": work_id, "replenishment_id": replenishment_id, "quantity": quantity}
    await tx.execute_many(_WAIT, [row])


def _amount(amount: Amount, wanted: int, case: int | None, source: Stock) -> int:
    """Return how much is brought of what a source has: `wanted` is dealt out of it already."""
    match amount:
        case Amount.NEEDED:
            more = 0
        case Amount.CASE:
            more = -wanted % case if case else 0
        case Amount.ALL:
            more = source.left
    more = min(more, source.left)
    source.left -= more
    return wanted + more


async def _propose(tx: Tx, context: WesContext, lot_id: int, pattern: str) -> str | None:
    """Return the flat place that a lot fits best, of those that a pattern names."""
    found = await propose(tx, context, lot_id, lambda place: fnmatchcase(place.location_id, pattern), 1)
    return found[0].place.location_id if found else None


# ── by itself ─────────────────────────────────────────────────────────────────────────────────────────


def _due(context: WesContext) -> Mapping[str, SqlValue]:
    return {"now": context.clock.now_us(), "limit": context.wes.timers.replenishment.batch}


async def _fetch(sql: str, params: Mapping[str, SqlValue], tx: Tx) -> Sequence[Row]:
    return await tx.fetch(sql, params)


async def _end(
    context: WesContext, find: str, number: int, state: ReplenishmentState, reason: str | None, tx: Tx
) -> None:
    """End a replenishment unless things have changed since it was found."""
    found = {row[0] for row in await tx.fetch(find, _due(context))}
    replenishment = await find_replenishment(tx, number)
    if replenishment is not None and number in found:
        with suppress(Overtaken):  # its container has just moved on: the next round looks again
            await tx.attempt(partial(_give_state, context, replenishment, state, reason))


async def _give_state(
    context: WesContext, replenishment: Replenishment, state: ReplenishmentState, reason: str | None, tx: Tx
) -> None:
    await move_on(tx, context, replenishment, state, reason=reason)


def _standing_places(
    context: WesContext, owner_id: str, sku: str, attributes: str
) -> list[tuple[str, PickPlaces]]:
    """Return where a product is to be kept at hand, and in what kind of holders."""
    told = from_json(attributes)
    used = {each.value for each in context.rules.outcomes(rules.PICKING)} | {FULL_CASE}
    found = [
        (kind, pick_places(context, owner_id, sku, mode, told))
        for modes, kind in PLACED
        for mode in modes
        if mode in used
    ]
    return [each for n, each in enumerate(found) if each[1].min is not None and each not in found[:n]]


async def _lacks(context: WesContext, pool_id: int, kind: str, places: PickPlaces, tx: Tx) -> int:
    """Return how many pieces are to be brought; 0: there are enough, or they are on their way."""
    shelves = await load_shelves(tx, context, {row[0] for row in await _lots(tx, pool_id)})
    there = sum(stock.left for shelf in shelves.values() for stock in shelf.to_pick(places, kind))
    there += sum(coming.left for shelf in shelves.values() for coming in shelf.on_its_way(places, kind))
    return (places.max or 0) - there if there < (places.min or 0) else 0


async def _fill_or_later(
    context: WesContext, pool_id: int, kind: str, places: PickPlaces, case: int | None, tx: Tx
) -> None:
    with suppress(Overtaken):
        await tx.attempt(partial(_fill, context, pool_id, kind, places, case))


async def _fill(
    context: WesContext, pool_id: int, kind: str, places: PickPlaces, case: int | None, tx: Tx
) -> None:
    """Fill up the places of a product, with the lots that go first."""
    left = await _lacks(context, pool_id, kind, places, tx)
    lots = [row[0] for row in await _lots(tx, pool_id)]
    shelves = await load_shelves(tx, context, set(lots))
    for lot_id in lots:
        for source in shelves[lot_id].reserve(places, kind):
            wanted = min(left, source.left)
            if wanted <= 0 or not source.at_hand:
                continue
            source.left -= wanted
            quantity = _amount(places.amount, wanted, case, source)
            made = await _make(
                tx,
                context,
                source,
                lot_id,
                kind,
                places,
                quantity=quantity,
                priority=STANDING_PRIORITY,
                deadline_at=None,
                standing=True,
            )
            left -= quantity if made is not None else 0


async def _lots(tx: Tx, pool_id: int) -> Sequence[Row]:
    return await tx.fetch(_LOTS, {"pool_id": pool_id, "limit": LOTS_MAX})
