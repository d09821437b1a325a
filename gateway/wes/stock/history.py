"""What happened to stock, and what there was at a time, from the ledger alone (S3-29, S3-31)."""

from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.stock.model import OUTSIDE, Act, Balance, EventKind
from gateway.wes.stock.rows import balance_of

PAGE_MAX: Final = 1_001
"""Rows; one more than a page of the interface has, which tells whether there is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the ledger, with whose and what it is.

    Attributes:
        holder_id: None: of lot and pool only.
        after: the position's figures then, without a holder the lot's; None for goods outside.
    """

    act: Act
    kind: EventKind
    line: int
    owner_id: str
    sku: str
    pool_id: int
    lot_id: int
    lot_no: str
    holder_id: str | None
    change: Balance
    after: Balance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries; what is None does not matter. Each of them alone finds its entries by an index.

    Attributes:
        location_id: where the holder stands now.
        since, until: times; `until` is no longer wanted.
    """

    document_id: str | None = None
    operator: str | None = None
    pool_id: int | None = None
    lot_id: int | None = None
    holder_id: str | None = None
    location_id: str | None = None
    kind: EventKind | None = None
    since: Micros | None = None
    until: Micros | None = None


_CONDITIONS: Final = {
    "document_id": "stock_events.document_id = :document_id",
    "operator": "stock_events.operator = :operator",
    "pool_id": "ledger.pool_id = :pool_id",
    "lot_id": "ledger.lot_id = :lot_id",
    "holder_id": "ledger.holder_id = :holder_id",
    "location_id": "ledger.holder_id IN (SELECT holder_id FROM holders WHERE location_id = :location_id)",
    "kind": "stock_events.kind = :kind",
    "since": "ledger.at >= :since",
    "until": "ledger.at < :until",
}
_ENTRIES: Final = """SELECT ledger.event_id, stock_events.document_kind, stock_events.document_id, stock_events.operator,
ledger.at, stock_events.reason, stock_events.kind, ledger.line, pools.owner_id, pools.sku, ledger.pool_id, ledger.lot_id,
lots.lot_no, ledger.holder_id, d_quantity, d_reserved, d_allocated, d_held,
quantity_after, COALESCE(reserved_after, 0), allocated_after, held_after
FROM ledger JOIN stock_events ON stock_events.event_id = ledger.event_id
JOIN lots ON lots.lot_id = ledger.lot_id JOIN pools ON pools.pool_id = ledger.pool_id
WHERE {where} ORDER BY ledger.at, ledger.event_id, ledger.line LIMIT :limit"""

Place = tuple[Micros, str, int]
"""Where in the ledger: time, event, line."""

_INSIDE: Final = f"(holder_id IS NULL OR holder_id NOT IN {tuple(sorted(OUTSIDE))})"
_SUMS: Final = ", ".join(
    f"CAST(SUM(d_{figure}) AS BIGINT)" for figure in ("quantity", "reserved", "allocated", "held")
)
_POOL_THEN: Final = f"SELECT {_SUMS} FROM ledger WHERE pool_id = :pool_id AND at <= :at AND {_INSIDE}"
_LOTS_THEN: Final = f"""SELECT lot_id, {_SUMS} FROM ledger
WHERE pool_id = :pool_id AND at <= :at AND {_INSIDE} AND lot_id > :after GROUP BY lot_id ORDER BY lot_id LIMIT :limit"""
_POSITIONS_THEN: Final = f"""SELECT lot_id, holder_id, {_SUMS} FROM ledger
WHERE pool_id = :pool_id AND at <= :at AND holder_id IS NOT NULL AND {_INSIDE} AND (lot_id, holder_id) > (:lot_id, :holder_id)
GROUP BY lot_id, holder_id ORDER BY lot_id, holder_id LIMIT :limit"""


def place(entry: Entry) -> Place:
    """Return where the next page begins after this entry."""
    return entry.act.at, entry.act.event_id, entry.line


async def trace(tx: Tx, wanted: Wanted, after: Place | None = None, limit: int = PAGE_MAX) -> list[Entry]:
    """Return entries of the ledger in the order of their time; the next page comes after the last one's `place`."""
    params: dict[str, SqlValue] = {"limit": _page(limit)}
    conditions: list[str] = []
    for name, condition in _CONDITIONS.items():
        if (value := getattr(wanted, name)) is not None:
            params[name] = value
            conditions.append(condition)
    if after is not None:
        conditions.append(
            "(ledger.at, ledger.event_id, ledger.line) > (:after_at, :after_event, :after_line)"
        )
        params |= dict(zip(("after_at", "after_event", "after_line"), after, strict=True))
    rows = await tx.fetch(_ENTRIES.format(where=" AND ".join(conditions) or "1 = 1"), params)
    return [_entry(row) for row in rows]


async def pool_then(tx: Tx, pool_id: int, at: Micros) -> Balance:
    """Return a pool's figures at the end of a moment."""
    row = (await tx.fetch(_POOL_THEN, {"pool_id": pool_id, "at": at}))[0]
    return balance_of(tuple(figure or 0 for figure in row))


async def lots_then(
    tx: Tx, pool_id: int, at: Micros, after: int = 0, limit: int = PAGE_MAX
) -> dict[int, Balance]:
    """Return the figures of a pool's lots at the end of a moment; the next page comes after the last lot id."""
    params = {"pool_id": pool_id, "at": at, "after": after, "limit": _page(limit)}
    return {row[0]: balance_of(row[1:]) for row in await tx.fetch(_LOTS_THEN, params)}


async def positions_then(
    tx: Tx, pool_id: int, at: Micros, after: tuple[int, str] = (0, ""), limit: int = PAGE_MAX
) -> dict[tuple[int, str], Balance]:
    """Return the figures of a pool's positions, by lot and holder, at the end of a moment; the next page comes after the last."""
    lot_id, holder_id = after
    params = {"pool_id": pool_id, "at": at, "lot_id": lot_id, "holder_id": holder_id, "limit": _page(limit)}
    return {(row[0], row[1]): balance_of(row[2:]) for row in await tx.fetch(_POSITIONS_THEN, params)}


def _page(limit: int) -> int:
    return max(1, min(limit, PAGE_MAX))


def _entry(row: Row) -> Entry:
    event_id, document_kind, document_id, operator, at, reason, kind, line, owner_id, sku = row[:10]
    pool_id, lot_id, lot_no, holder_id = row[10:14]
    return Entry(
        act=Act(
            event_id=event_id,
            document_kind=document_kind,
            document_id=document_id,
            operator=operator,
            at=at,
            reason=reason,
        ),
        kind=EventKind(kind),
        line=line,
        owner_id=owner_id,
        sku=sku,
        pool_id=pool_id,
        lot_id=lot_id,
        lot_no=lot_no,
        holder_id=holder_id,
        change=balance_of(row[14:18]),
        after=None if row[18] is None else balance_of(row[18:22]),
    )
