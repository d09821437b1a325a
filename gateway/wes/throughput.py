"""How long orders take, from their issue to their shipment and from stage to stage (S0-45), by the moments that every stage has."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, Tx
from gateway.wes.codes import Code

ORDERS_MAX: Final = 10_000
"""The newest ones that are measured."""

_SHIPPED: Final = (
    f"SELECT s.document_id, s.code, s.at_us FROM stages s JOIN (SELECT document_id FROM stages"
    f" WHERE document = 'order' AND code = '{Code.SHIPPED:d}' AND at_us >= :since"
    " ORDER BY at_us DESC LIMIT :limit) AS shipped ON shipped.document_id = s.document_id"
    " WHERE s.document = 'order' ORDER BY s.document_id, s.at_us, CAST(s.code AS BIGINT)"
)


@dataclass(frozen=True, slots=True)
class Stage:
    """An order came to a code."""

    code: Code
    at: Micros


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took, in seconds: half of them no longer than p50, 95 of 100 no longer than p95."""

    count: int
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """How long shipped orders took.

    Attributes:
        total: from issue to shipment; None: none was shipped.
        stages: from one code to the next one, as they followed each other.
    """

    total: Span | None
    stages: tuple[tuple[Code, Code, Span], ...]


async def throughput(tx: Tx, since: Micros) -> Throughput:
    """Measure the orders that were shipped since then, the newest `ORDERS_MAX` of them."""
    of_orders: defaultdict[int, list[Stage]] = defaultdict(list)
    for row in await tx.fetch(_SHIPPED, {"since": since, "limit": ORDERS_MAX}):
        of_orders[row[0]].append(_stage(row))
    spans: defaultdict[tuple[Code, Code], list[float]] = defaultdict(list)
    for stages in of_orders.values():
        for before, after in pairwise(stages):
            spans[before.code, after.code].append(_seconds(before, after))
    totals = [_seconds(stages[0], stages[-1]) for stages in of_orders.values()]
    return Throughput(
        total=_span(totals) if totals else None,
        stages=tuple((before, after, _span(times)) for (before, after), times in sorted(spans.items())),
    )


def _seconds(before: Stage, after: Stage) -> float:
    return (after.at - before.at) / 1e6


def _span(times: Iterable[float]) -> Span:
    ranked = sorted(times)
    return Span(len(ranked), _percentile(ranked, 50), _percentile(ranked, 95))


def _percentile(ranked: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many of 100 do not exceed."""
    return ranked[-(-len(ranked) * percent // 100) - 1]


def _stage(row: Row) -> Stage:
    _, code, at_us = row
    return Stage(Code(int(code)), at_us)
