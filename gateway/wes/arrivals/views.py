"""Announced goods as people at the dock read them: what is to come, and what still lacks, in words too (S2-35)."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.contract.arrivals import (
    ExpectedArrivalView,
    ExpectedLineView,
)
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, Tx
from gateway.wes.arrivals.documents import OPEN_STATES, not_announced

WORDS_MAX: Final = 10
"""Lines that are told in words; of the others, how many there are."""
_COLUMNS: Final = "arrival_id, notice_no, kind, owner_id, supplier, expected_at, state, created_at, ended_at, end_reason, ended_by"
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM arrivals WHERE arrival_id < :below ORDER BY arrival_id DESC LIMIT :limit"
)
_PAGE_OPEN: Final = (
    f"SELECT {_COLUMNS} FROM arrivals WHERE ended_at IS NULL AND arrival_id < :below"
    " ORDER BY arrival_id DESC LIMIT :limit"
)
_ONE: Final = f"SELECT {_COLUMNS} FROM arrivals WHERE notice_no = :notice_no"
_SHOWN: Final = (
    "SELECT l.arrival_id, l.line_no, l.sku, COALESCE(p.name, l.sku), COALESCE(p.unit, ''), COALESCE(p.barcodes, '[]'),"
    " l.lot_no, l.production_at, l.expiry_at, l.announced, l.received FROM arrival_lines l"
    " JOIN arrivals a ON a.arrival_id = l.arrival_id LEFT JOIN products p ON p.owner_id = a.owner_id AND p.sku = l.sku"
    " WHERE l.arrival_id = :arrival_id ORDER BY l.line_no"
)


async def list_arrivals(
    tx: Tx, only_open: bool, below: int, limit: int
) -> list[tuple[int, ExpectedArrivalView]]:
    """Return announced goods with their numbers, the newest first, with numbers below a limit."""
    return await _shown(
        tx, await tx.fetch(_PAGE_OPEN if only_open else _PAGE, {"below": below, "limit": limit})
    )


async def show_arrival(tx: Tx, notice_no: str) -> ExpectedArrivalView:
    """Return announced goods.

    Raises:
        Refusal: there is no such notice.
    """
    for _, view in await _shown(tx, await tx.fetch(_ONE, {"notice_no": notice_no})):
        return view
    raise not_announced(notice_no)


async def _shown(tx: Tx, rows: Sequence[Row]) -> list[tuple[int, ExpectedArrivalView]]:
    lines: dict[int, list[ExpectedLineView]] = {row[0]: [] for row in rows}
    for row in await tx.fetch_many(_SHOWN, [{"arrival_id": row[0]} for row in rows]):
        lines[row[0]].append(_line_view(row))
    return [(row[0], _view(row, lines[row[0]])) for row in rows]


def _view(row: Row, lines: Sequence[ExpectedLineView]) -> ExpectedArrivalView:
    _, notice_no, kind, owner_id, supplier, expected_at, state, created_at, ended_at, reason, ended_by = row
    is_open = state in OPEN_STATES
    return ExpectedArrivalView(
        notice_no=notice_no,
        kind=kind,
        owner_id=owner_id,
        supplier=supplier,
        expected_at=to_moment(expected_at),
        state=state,
        goods=in_words([(line, line.announced) for line in lines]),
        lacks=in_words([(line, line.lacks) for line in lines]) if is_open else "",
        created_at=to_datetime(created_at),
        ended_at=to_moment(ended_at),
        reason=reason,
        ended_by=ended_by,
        lines=tuple(lines),
    )


def _line_view(row: Row) -> ExpectedLineView:
    _, line_no, sku, name, unit, barcodes, lot_no, production_at, expiry_at, announced, received = row
    return ExpectedLineView(
        line_no=line_no,
        sku_id=sku,
        sku_name=name,
        unit=unit,
        barcodes=tuple(json.loads(barcodes)),
        lot_no=lot_no,
        produced_at=to_moment(production_at),
        expires_at=to_moment(expiry_at),
        announced=announced,
        received=received,
        lacks=max(0, announced - received),
    )


def in_words(figures: Iterable[tuple[ExpectedLineView, int]]) -> str:
    """Return lines in words, with so many pieces of each: "Green tea ×10 EA; …" (S2-35)."""
    words = [f"{line.sku_name} ×{pieces} {line.unit}".rstrip() for line, pieces in figures if pieces]
    more = len(words) - WORDS_MAX
    return "; ".join([*words[:WORDS_MAX], *([f"and {more} more lines"] if more > 0 else [])])
