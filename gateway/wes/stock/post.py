"""The one way into the ledger: conditional updates of the balances in one order, then the rows that they are the sums of.

A balance changes only if its condition holds at that moment, and the database tells what it became; nobody reads a
balance, computes and writes it back. Lots come before positions and positions before pools, each sorted: who changes
the same balances meets the others in the same order, and waits at most. What is refused has changed nothing, so the
caller may go on in the same transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final, NamedTuple

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.stock.model import ADJUST, NOTHING, OUTSIDE, Balance, Event, Line, Pool, Quality, UnitMove
from gateway.wes.stock.refusal import (
    Barred,
    Elsewhere,
    Figure,
    Level,
    NotEnough,
    Nowhere,
    Outdated,
    Reason,
    Reused,
    StockRefused,
    Uncounted,
)
from gateway.wes.stock.rows import POOL_COLUMNS, pool_of


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of an event.

    Attributes:
        repeat: it had been posted before, and nothing was changed now.
        pools: those whose figures it changed, as they are now.
    """

    repeat: bool
    pools: tuple[Pool, ...]


class _Key(NamedTuple):
    """Finds one balance: a position by both, a lot or a pool by its number."""

    number: int
    holder_id: str = ""


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens to one balance.

    Attributes:
        own: of a lot: the part that no position has.
        quality: of a lot: what it has from now on; None: what it had.
        moved_at: of a pool: when some of it came into the house or left; None: none did.
    """

    balance: Balance
    own: Balance = NOTHING
    quality: Quality | None = None
    moved_at: Micros | None = None

    @property
    def params(self) -> dict[str, SqlValue]:
        return _params(self.balance) | {
            "unplaced": self.own.allocated,
            "barred": self.own.held,
            "quality": self.quality,
            "moved_at": self.moved_at,
        }


Changes = Mapping[_Key, _Change]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One kind of balance.

    Attributes:
        update: changes a balance if it stays sound; returns its key, its figures, and what `post` wants to know besides.
        select: returns a balance's figures, what of it is unplaced and barred, and its quality; what has none is qualified.
    """

    level: Level
    update: str
    select: str


_SOUND = """allocated + :allocated >= 0 AND held + :held >= 0 AND reserved + :reserved >= allocated + :allocated
AND quantity + :quantity >= reserved + :reserved + held + :held"""
_SET = """quantity = quantity + :quantity, reserved = reserved + :reserved,
allocated = allocated + :allocated, held = held + :held"""

_LOTS: Final = _Layer(
    Level.LOT,
    f"""UPDATE lots SET {_SET}, unplaced = unplaced + :unplaced, barred = barred + :barred,
    quality = COALESCE(CAST(:quality AS TEXT), quality)
    WHERE lot_id = :number AND {_SOUND} AND unplaced + :unplaced >= 0
    AND CASE WHEN COALESCE(CAST(:quality AS TEXT), quality) = 'qualified' THEN barred + :barred = 0
        ELSE held + :held = quantity + :quantity END
    RETURNING lot_id, '', quantity, reserved, allocated, held, pool_id, serial""",
    "SELECT quantity, reserved, allocated, held, unplaced, barred, quality FROM lots WHERE lot_id = :number",
)
_POSITIONS: Final = _Layer(
    Level.POSITION,
    """UPDATE positions SET quantity = quantity + :quantity, allocated = allocated + :allocated, held = held + :held
    WHERE lot_id = :number AND holder_id = :holder_id AND allocated + :allocated >= 0 AND held + :held >= 0
    AND quantity + :quantity >= allocated + :allocated + held + :held
    RETURNING lot_id, holder_id, quantity, NULL, allocated, held,
    (SELECT pool_id FROM lots WHERE lots.lot_id = positions.lot_id),
    (SELECT serial FROM lots WHERE lots.lot_id = positions.lot_id)""",
    """SELECT quantity, allocated, allocated, held, 0, 0, 'qualified' FROM positions
    WHERE lot_id = :number AND holder_id = :holder_id""",
)
_POOLS: Final = _Layer(
    Level.POOL,
    f"""UPDATE pools SET {_SET}, moved_at = COALESCE(CAST(:moved_at AS BIGINT), moved_at)
    WHERE pool_id = :number AND {_SOUND}
    RETURNING pool_id, '', {POOL_COLUMNS}""",
    "SELECT quantity, reserved, allocated, held, 0, 0, 'qualified' FROM pools WHERE pool_id = :number",
)

_HEAD = """INSERT INTO stock_events (event_id, kind, document_kind, document_id, operator, reason, at)
VALUES (:event_id, :kind, :document_kind, :document_id, :operator, :reason, :at) ON CONFLICT DO NOTHING"""

# Only where the holder is of the lot's warehouse; elsewhere there is no row, and the update finds nothing.
_OPEN_POSITION = """INSERT INTO positions (holder_id, lot_id) SELECT holders.holder_id, lots.lot_id
FROM lots JOIN pools ON pools.pool_id = lots.pool_id JOIN holders ON holders.warehouse_id = pools.warehouse_id
WHERE lots.lot_id = :number AND holders.holder_id = :holder_id AND holders.kind <> 'outside' ON CONFLICT DO NOTHING"""

_UNIT_IN = """INSERT INTO units (upn, pool_id, lot_id, holder_id) VALUES (:upn, :pool_id, :lot_id, :target)
ON CONFLICT (upn, pool_id) DO UPDATE SET holder_id = excluded.holder_id
WHERE units.lot_id = excluded.lot_id AND units.holder_id = :source RETURNING lot_id, upn"""
_UNIT_ON = """UPDATE units SET holder_id = :target
WHERE upn = :upn AND pool_id = :pool_id AND lot_id = :lot_id AND holder_id = :source RETURNING lot_id, upn"""
_UNIT_MOVE = """INSERT INTO unit_moves (upn, pool_id, at, event_id, lot_id, source, target)
VALUES (:upn, :pool_id, :at, :event_id, :lot_id, :source, :target)"""

_LEDGER = """INSERT INTO ledger (event_id, line, at, pool_id, lot_id, holder_id,
d_quantity, d_reserved, d_allocated, d_held, quantity_after, reserved_after, allocated_after, held_after)
VALUES (:event_id, :line, :at, :pool_id, :lot_id, :holder_id,
:quantity, :reserved, :allocated, :held, :quantity_after, :reserved_after, :allocated_after, :held_after)"""
_POSTED = """SELECT lot_id, holder_id, d_quantity, d_reserved, d_allocated, d_held FROM ledger
WHERE event_id = :event_id ORDER BY line"""

_NO_BALANCE: Final = (None, None, None, None)


async def post(tx: Tx, event: Event) -> Posted:
    """Let an event happen: all of its lines, or none.

    The same event again changes nothing and is told as a repeat.

    Raises:
        StockRefused: something that it takes is not there, or the lot may not be used; nothing has changed.
    """
    return await tx.attempt(partial(_post, event))


async def _post(event: Event, tx: Tx) -> Posted:
    if not await tx.execute(_HEAD, _head(event)):
        await _compare(tx, event)
        return Posted(repeat=True, pools=())
    at_lots, at_positions = _at_lots(event), _at_positions(event.lines)
    lots = await _change(tx, _LOTS, at_lots)
    arriving = [key for key, change in at_positions.items() if change.balance.quantity > 0]
    await tx.execute_many(_OPEN_POSITION, [key._asdict() for key in arriving])
    positions = await _change(tx, _POSITIONS, at_positions)
    rows = (*lots, *positions)
    pool_ids: dict[int, int] = {row[0]: row[6] for row in rows}
    pools = await _change(tx, _POOLS, _at_pools(at_lots, pool_ids, _moved_at(event)))
    _count(event, {row[0] for row in rows if row[7]})
    await _move_units(tx, event, pool_ids)
    after = {_Key(*row[:2]): row[2:6] for row in rows}
    await tx.execute_many(_LEDGER, list(_ledger(event, pool_ids, after)))
    return Posted(repeat=False, pools=tuple(pool_of(row[2:]) for row in pools))


def _head(event: Event) -> dict[str, SqlValue]:
    act = event.act
    return {
        "event_id": act.event_id,
        "kind": event.kind,
        "document_kind": act.document_kind,
        "document_id": act.document_id,
        "operator": act.operator,
        "reason": act.reason,
        "at": act.at,
    }


async def _compare(tx: Tx, event: Event) -> None:
    """Make sure that a repeat asks for what has happened."""
    rows = await tx.fetch(_POSTED, {"event_id": event.act.event_id})
    asked = [(line.lot_id, line.holder_id, *_params(line.change).values()) for line in event.lines]
    if [tuple(row) for row in rows] != asked:
        raise StockRefused(Reused(event.act.event_id))


def _at_lots(event: Event) -> Changes:
    """Return what changes at lots; one whose goods only move keeps its figures, and nobody waits for it.

    A line without a holder always goes through its lot, even where it cancels out: it depends on the lot's quality.
    """
    sums: defaultdict[_Key, Balance] = defaultdict(Balance)
    own: dict[_Key, Balance] = {}
    for line in event.lines:
        key = _Key(line.lot_id)
        if line.holder_id not in OUTSIDE:
            sums[key] += line.change
        if line.holder_id is None:
            own[key] = line.change
    return {
        key: _Change(change, own.get(key, NOTHING), event.quality)
        for key, change in sums.items()
        if change != NOTHING or key in own
    }


def _at_positions(lines: Iterable[Line]) -> Changes:
    return {
        _Key(line.lot_id, line.holder_id): _Change(line.change)
        for line in lines
        if line.holder_id is not None and line.holder_id not in OUTSIDE
    }


def _moved_at(event: Event) -> Micros | None:
    """Return when goods came into the house or left, if they did: a count finds or misses them, and moves none."""
    outside = {line.holder_id for line in event.lines} & OUTSIDE
    return event.act.at if outside - {ADJUST} else None


def _at_pools(at_lots: Changes, pool_ids: Mapping[int, int], moved_at: Micros | None) -> Changes:
    sums: defaultdict[_Key, Balance] = defaultdict(Balance)
    for lot, change in at_lots.items():
        sums[_Key(pool_ids[lot.number])] += change.balance
    return {key: _Change(change, moved_at=moved_at) for key, change in sums.items() if change != NOTHING}


async def _change(tx: Tx, layer: _Layer, changes: Changes) -> Sequence[Row]:
    """Change balances in sorted order; return what they became.

    Raises:
        StockRefused: one of them would not be sound.
    """
    rows = await tx.fetch_many(layer.update, [key._asdict() | changes[key].params for key in sorted(changes)])
    changed = {_Key(*row[:2]) for row in rows}
    if refused := sorted(changes.keys() - changed):
        raise StockRefused(await _why(tx, layer, refused[0], changes[refused[0]]))
    return rows


async def _why(tx: Tx, layer: _Layer, key: _Key, change: _Change) -> Reason:
    rows = await tx.fetch(layer.select, key._asdict())
    named = (key.holder_id, key.number) if layer.level is Level.POSITION else (key.number,)
    if not rows:
        return Nowhere(layer.level, named)
    asked, own = change.balance, change.own
    quantity, reserved, allocated, held, unplaced, barred, known_quality = rows[0]
    quality = Quality(change.quality or known_quality)
    promised = asked.allocated if layer.level is Level.POSITION else asked.reserved
    usable = quality is Quality.QUALIFIED
    if promised > 0 and not usable:
        return Barred(key.number, quality)
    if (barred + own.held if usable else held + asked.held - quantity - asked.quantity) != 0:
        return Outdated(key.number, quality)
    asked_there = {
        Figure.ALLOCATED: (-asked.allocated, allocated),
        Figure.UNPLACED: (-own.allocated, unplaced),
        Figure.HELD: (-asked.held, held),
        Figure.UNALLOCATED: (asked.allocated - promised, reserved - allocated),
        Figure.AVAILABLE: (promised + asked.held - asked.quantity, quantity - reserved - held),
    }
    # The figure that lacks most: on PostgreSQL others may have mended it since the update found it wanting.
    figure = max(asked_there, key=lambda each: asked_there[each][0] - asked_there[each][1])
    return NotEnough(layer.level, named, figure, *asked_there[figure])


def _count(event: Event, serial: Set[int]) -> None:
    """Make sure that goods known by unit move with their units.

    Raises:
        StockRefused: more or fewer units are named than goods move.
    """
    balance: Counter[tuple[int, str]] = Counter()
    for unit in event.units:
        balance[unit.lot_id, unit.source] -= 1
        balance[unit.lot_id, unit.target] += 1
    goods = {
        (line.lot_id, line.holder_id): line.change.quantity
        for line in event.lines
        if line.lot_id in serial and line.holder_id is not None
    }
    for lot_id, holder_id in sorted(goods.keys() | balance.keys()):
        moved, named = goods.get((lot_id, holder_id), 0), balance[lot_id, holder_id]
        if moved != named:
            raise StockRefused(Uncounted(lot_id, holder_id, moved, named))


async def _move_units(tx: Tx, event: Event, pool_ids: Mapping[int, int]) -> None:
    """Move units, and note it for ever. One that comes from outside is new, or comes back.

    Raises:
        StockRefused: some are not where they should be.
    """
    by_source: defaultdict[str, list[UnitMove]] = defaultdict(list)
    for unit in event.units:
        by_source[unit.source].append(unit)
    for source, units in sorted(by_source.items()):
        rows = [asdict(unit) | {"pool_id": pool_ids[unit.lot_id]} for unit in units]
        moved = set(await tx.fetch_many(_UNIT_IN if source in OUTSIDE else _UNIT_ON, rows))
        if missing := [unit.upn for unit in units if (unit.lot_id, unit.upn) not in moved]:
            raise StockRefused(Elsewhere(tuple(missing), source))
        head = {"event_id": event.act.event_id, "at": event.act.at}
        await tx.execute_many(_UNIT_MOVE, [row | head for row in rows])


def _ledger(
    event: Event, pool_ids: Mapping[int, int], after: Mapping[_Key, Row]
) -> Iterator[Mapping[str, SqlValue]]:
    for number, line in enumerate(event.lines):
        quantity, reserved, allocated, held = after.get(_Key(line.lot_id, line.holder_id or ""), _NO_BALANCE)
        yield {
            "event_id": event.act.event_id,
            "line": number,
            "at": event.act.at,
            "pool_id": pool_ids[line.lot_id],
            "lot_id": line.lot_id,
            "holder_id": line.holder_id,
            **_params(line.change),
            "quantity_after": quantity,
            "reserved_after": reserved,
            "allocated_after": allocated,
            "held_after": held,
        }


def _params(change: Balance) -> dict[str, SqlValue]:
    return {
        "quantity": change.quantity,
        "reserved": change.reserved,
        "allocated": change.allocated,
        "held": change.held,
    }
